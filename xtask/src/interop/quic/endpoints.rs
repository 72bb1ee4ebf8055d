//! The endpoints: ours, and those of `peers/` and of Python.

use crate::{bench::Peer, root, target};
use std::{
    env,
    path::PathBuf,
    process::{Command, Stdio},
};

pub(super) struct Endpoint {
    pub(super) name: &'static str,
    /// What takes `server` or `client` as its last argument.
    pub(super) command: Vec<PathBuf>,
}

/// The command, or why the endpoint is not here; an error when it should be.
type Made = Result<Result<Vec<PathBuf>, String>, String>;
type Make = fn() -> Made;

/// The endpoint that the others are measured by.
pub(super) const OURS: &str = "sakigake";
/// A row an endpoint: its name, and how it is come by.
const ENDPOINTS: &[(&str, Make)] =
    &[(OURS, ours), ("quinn", || peer("quinn-hq")), ("s2n-quic", || peer("s2n-hq")), ("aioquic", aioquic)];

/// Every endpoint, built, or those that are named in `only` when they are a pair or more. One that is not here is left out aloud.
pub(super) fn all(only: &[String]) -> Result<Vec<Endpoint>, String> {
    let named: Vec<_> = ENDPOINTS.iter().filter(|(name, _)| only.iter().any(|word| word == name)).collect();
    let wanted = if named.len() < 2 { ENDPOINTS.iter().collect() } else { named };
    let mut endpoints = Vec::new();
    for (name, make) in wanted {
        match make()? {
            Ok(command) => endpoints.push(Endpoint { name, command }),
            Err(why) if env::var_os("SAKIGAKE_REQUIRE").is_some_and(|what| what == "all") => return Err(why),
            Err(why) => println!("skipped: {why}"),
        }
    }
    Ok(endpoints)
}

/// What else a run needs: the link, and the program that makes certificates.
pub(super) struct Tools {
    pub(super) link: PathBuf,
    pub(super) certificates: PathBuf,
}

impl Tools {
    pub(super) fn build() -> Result<Self, String> {
        build("sakigake-link")?;
        let certificates = Peer::build("hq")?.program("hq-certificates");
        Ok(Self { link: target().join("release/sakigake-link"), certificates })
    }
}

/// Built for release, or the program that `SAKIGAKE_PROGRAM` names.
fn ours() -> Made {
    let named = env::var_os("SAKIGAKE_PROGRAM").map(PathBuf::from);
    if named.is_none() {
        build("sakigake-cli")?;
    }
    Ok(Ok(vec![named.unwrap_or_else(|| target().join("release/sakigake")), "interop".into()]))
}

fn peer(name: &str) -> Made {
    Ok(Ok(vec![Peer::build(name)?.program(name)]))
}

fn build(package: &str) -> Result<(), String> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--release", "--locked", "--quiet", "--package", package]).current_dir(root());
    succeeds(&mut cargo)
}

fn aioquic() -> Made {
    let python = target().join("interop/python/bin/python");
    let mut import = Command::new(&python);
    import.args(["-c", "import aioquic"]).stderr(Stdio::null());
    let is_here =
        succeeds(&mut import).map_err(|_| "aioquic is not here: tests/interop/packages.sh".to_owned());
    Ok(is_here.map(|()| vec![python, root().join("tests/interop/aioquic_hq.py")]))
}

fn succeeds(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{program}: {status}")),
        Err(error) => Err(format!("{program}: {error}")),
    }
}
