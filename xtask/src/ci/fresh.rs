//! The README's commands, as on a fresh machine: a PATH with cargo, git and a C compiler and nothing else.

use super::cargo;
use crate::{group::Group, root, runner::Runner, target};
use rustix::process::Signal;
use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

/// What the README says to type.
const COMMANDS: [&str; 2] = ["cargo run --release -- serve examples/site", "cargo test --workspace"];
/// cargo brings rustc and rustdoc, a C compiler its assembler, linker and archiver.
const PROGRAMS: [&str; 8] = ["cargo", "rustc", "rustdoc", "git", "cc", "as", "ld", "ar"];
/// What else could tell a build where to find more.
const HIDDEN: [&str; 8] = ["CC", "CXX", "AR", "CFLAGS", "CXXFLAGS", "CMAKE", "RUSTFLAGS", "LIBRARY_PATH"];
/// What `serve` prints, and how soon.
const READY: &str = "https://localhost:8443/";
const READY_WITHIN: Duration = Duration::from_secs(3);
const END_WITHIN: Duration = Duration::from_secs(10);

/// Finds both commands in the README and runs them: the first for a moment, the second on what the tests before have built.
pub(super) fn steps(runner: &mut Runner) {
    runner.check("README's commands", || {
        let readme =
            fs::read_to_string(root().join("README.md")).map_err(|error| format!("README.md: {error}"))?;
        missing(&readme)
    });
    let folder = target().join("stripped-path");
    if !runner.check("a stripped PATH", || strip(&folder)) {
        return;
    }
    let fresh = |arguments: &[&str]| {
        let mut command = cargo(arguments);
        command.env("PATH", &folder);
        for name in HIDDEN {
            command.env_remove(name);
        }
        command
    };
    // What is missing here is skipped, as on the machine of whoever types it.
    let mut test = fresh(&["test", "--workspace", "--locked", "--no-fail-fast"]);
    test.env_remove("SAKIGAKE_REQUIRE");
    runner.again("a fresh machine's tests", 5, test);
    if runner.step("a fresh machine's build", 12, fresh(&["build", "--release", "--locked"])) {
        let mut serve = fresh(&["run", "--release", "--locked", "--", "serve", "examples/site"]);
        let home = target().join("fresh-home");
        runner.check("a fresh machine's server", || start(&mut serve, &home));
    }
}

/// Each command stands alone on its line.
fn missing(readme: &str) -> Result<(), String> {
    let missing: Vec<&str> =
        COMMANDS.into_iter().filter(|command| !readme.lines().any(|line| line.trim() == *command)).collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("README.md does not say {}", missing.join(", "))) }
}

fn strip(folder: &Path) -> Result<(), String> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| error.to_string())?;
    }
    fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    for program in PROGRAMS {
        let found = which(program).ok_or_else(|| format!("there is no {program} here"))?;
        std::os::unix::fs::symlink(found, folder.join(program)).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn which(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Starts the server with a data folder of its own, waits for its address, and stops it as a terminal does.
fn start(serve: &mut Command, home: &Path) -> Result<(), String> {
    fs::create_dir_all(home).map_err(|error| error.to_string())?;
    serve.env("XDG_DATA_HOME", home).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut group = Group::start(serve)?;
    let (say, lines) = mpsc::channel();
    if let Some(out) = group.child.stdout.take() {
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                println!("{line}");
                // Nobody listens any more once the address came.
                let _ = say.send(line);
            }
        });
    }
    let end = std::time::Instant::now() + READY_WITHIN;
    loop {
        let line = lines
            .recv_timeout(end.saturating_duration_since(std::time::Instant::now()))
            .map_err(|_| format!("no line with {READY} within {} s", READY_WITHIN.as_secs()))?;
        if line.contains(READY) {
            break;
        }
    }
    group.signal(Signal::INT);
    match group.wait(END_WITHIN) {
        Err(why) if why.starts_with("took longer") => Err(format!("after an interrupt it {why}")),
        // Whether it ends with a status or by the signal is its own choice.
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
