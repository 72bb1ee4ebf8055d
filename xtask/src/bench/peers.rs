//! Programs of the workspace `peers/`, built for release and run.

use crate::{root, target};
use std::{
    env,
    path::{self, PathBuf},
    process::{Command, Stdio},
};

/// A program that was built.
pub(crate) struct Peer(PathBuf);

impl Peer {
    /// Builds the package `name`, whose binary has the same name.
    pub(crate) fn build(name: &str) -> Result<Self, String> {
        Self::build_all(&[name])?;
        Ok(Self::built(name))
    }

    /// Builds what is a workspace of its own, `peers/FOLDER`, whose binary has the `name`.
    pub(crate) fn build_apart(folder: &str, name: &str) -> Result<Self, String> {
        Self::build_in(&format!("peers/{folder}"), &[name])?;
        Ok(Self::built(name))
    }

    /// Builds packages at once, so that they have their libraries in common: with each other, and with the product, beside which
    /// they are built.
    pub(crate) fn build_all(names: &[&str]) -> Result<(), String> {
        Self::build_in("peers", names)
    }

    fn build_in(workspace: &str, names: &[&str]) -> Result<(), String> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(["build", "--release", "--locked"]).current_dir(root().join(workspace));
        command.args(names.iter().flat_map(|name| ["--package", name]));
        command.arg("--target-dir").arg(path::absolute(target()).map_err(|error| error.to_string())?);
        wait(command.stdin(Stdio::null()), "building")
    }

    /// A program that was built before.
    pub(crate) fn built(name: &str) -> Self {
        Self(target().join("release").join(name))
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
        self.run_beside(benchmark, words, None)
    }

    /// The same beside another stack, whose program is told as the option of that name.
    pub(crate) fn run_beside(
        &self,
        benchmark: &str,
        words: &[&str],
        other: Option<(&str, &Self)>,
    ) -> Result<(), String> {
        let mut command = Command::new(&self.0);
        command.arg(benchmark).args(words).current_dir(root());
        if let Some((option, program)) = other {
            command.arg(option).arg(path::absolute(&program.0).map_err(|error| error.to_string())?);
        }
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
