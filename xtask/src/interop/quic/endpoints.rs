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

/// How an endpoint is come by.
enum Source {
    Ours,
    /// A package of `peers/`.
    Peer(&'static str),
    /// A program in the Python environment.
    Python(&'static str),
}

/// The endpoint that the others are measured by.
pub(super) const OURS: &str = "sakigake";
const ENDPOINTS: &[(&str, Source)] = &[
    (OURS, Source::Ours),
    ("quinn", Source::Peer("quinn-hq")),
    ("s2n-quic", Source::Peer("s2n-hq")),
    ("aioquic", Source::Python("aioquic_hq.py")),
];
/// The package with the program that makes certificates.
const CERTIFICATES: &str = "hq";

/// Every endpoint, built, or those that are named in `only` when they are a pair or more. One that is not here is left out aloud.
/// What else a run needs is built too.
pub(super) fn all(only: &[String]) -> Result<Vec<Endpoint>, String> {
    let named: Vec<_> = ENDPOINTS.iter().filter(|(name, _)| only.iter().any(|word| word == name)).collect();
    let wanted = if named.len() < 2 { ENDPOINTS.iter().collect() } else { named };
    let mut packages = vec![CERTIFICATES];
    packages.extend(wanted.iter().filter_map(|(_, source)| match source {
        Source::Peer(package) => Some(package),
        _ => None,
    }));
    build("sakigake-link")?;
    Peer::build_all(&packages)?;
    let mut endpoints = Vec::new();
    for (name, source) in wanted {
        match source.command()? {
            Ok(command) => endpoints.push(Endpoint { name, command }),
            Err(why) if env::var_os("SAKIGAKE_REQUIRE").is_some_and(|what| what == "all") => return Err(why),
            Err(why) => println!("skipped: {why}"),
        }
    }
    Ok(endpoints)
}

/// The link.
pub(super) fn link() -> PathBuf {
    target().join("release/sakigake-link")
}

/// The program that makes certificates.
pub(super) fn certificates() -> PathBuf {
    Peer::built(CERTIFICATES).program("hq-certificates")
}

impl Source {
    /// The command, or why the endpoint is not here; an error when it should be.
    fn command(&self) -> Result<Result<Vec<PathBuf>, String>, String> {
        match self {
            // Built for release, or the program that is named.
            Self::Ours => {
                let named = env::var_os("SAKIGAKE_PROGRAM").map(PathBuf::from);
                if named.is_none() {
                    build("sakigake-cli")?;
                }
                Ok(Ok(vec![named.unwrap_or_else(|| target().join("release/sakigake")), "interop".into()]))
            }
            Self::Peer(package) => Ok(Ok(vec![Peer::built(package).program(package)])),
            Self::Python(program) => {
                let python = target().join("interop/python/bin/python");
                let mut import = Command::new(&python);
                import.args(["-c", "import aioquic"]).stderr(Stdio::null());
                let is_here = succeeds(&mut import)
                    .map_err(|_| "aioquic is not here: tests/interop/packages.sh".to_owned());
                Ok(is_here.map(|()| vec![python, root().join("tests/interop").join(program)]))
            }
        }
    }
}

fn build(package: &str) -> Result<(), String> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--release", "--locked", "--quiet", "--package", package]).current_dir(root());
    succeeds(&mut cargo)
}

fn succeeds(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{program}: {status}")),
        Err(error) => Err(format!("{program}: {error}")),
    }
}
