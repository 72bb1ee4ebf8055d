//! Programs of the workspace `peers/`, built for release and run.

use crate::root;
use std::{
    env,
    path::PathBuf,
    process::{Command, Stdio},
};

/// A program that was built.
pub(crate) struct Peer(PathBuf);

impl Peer {
    /// Builds the package `name`, whose binary has the same name.
    pub(crate) fn build(name: &str) -> Result<Self, String> {
        let workspace = root().join("peers");
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(["build", "--release", "--locked", "--package", name]).current_dir(&workspace);
        wait(command.stdin(Stdio::null()), "building")?;
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from);
        Ok(Self(target.join("release").join(name)))
    }

    /// The program, or another one of its package.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.0.with_file_name(name)
    }

    /// Another program of its package.
    pub(crate) fn sibling(&self, name: &str) -> Self {
        Self(self.program(name))
    }

    /// Runs `benchmark` with `words`. Without any it is the whole measurement, whose raw numbers are kept in
    /// `docs/benchmarks/`.
    pub(crate) fn run(&self, benchmark: &str, words: &[&str]) -> Result<(), String> {
        let mut command = Command::new(&self.0);
        command.arg(benchmark).args(words).current_dir(root());
        if words.is_empty() {
            let folder = root().join("docs/benchmarks");
            std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
            command.arg("--raw").arg(folder.join(format!("{benchmark}.tsv")));
        }
        wait(&mut command, benchmark)
    }
}

fn wait(command: &mut Command, what: &str) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{what}: {status}")),
        Err(error) => Err(format!("{}: {error}", command.get_program().to_string_lossy())),
    }
}
