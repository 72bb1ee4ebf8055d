//! `cargo xtask interop http3`: other HTTP/3 stacks against ours, each a case of `tests/interop`, and their table.
//!
//! A case says what it showed (`Shown` of `tests/interop/suite.py`); `run.py --rows` writes that, a line a case. Here lines get their day and
//! their commit, and stay in docs/interop/http3.tsv until the case is run again.

mod rows;

use crate::{bench::Peer, interop::page, root, target};
use rows::{Outcome, Row, Rows};
use std::{
    env, fs,
    path::{self, Path},
    process::{Command, Stdio},
};

const USAGE: &str = "\
Usage: cargo xtask interop http3 [--table | WORD...]

  WORD     runs the cases whose names contain it [default: all]
  --table  only writes docs/interop.md from the results that there are
";

/// What the page says of the results that there are.
pub(super) fn section() -> Result<String, String> {
    Ok(Rows::read()?.section())
}

/// Builds what the cases need, runs those that `words` choose, and writes the table.
pub(crate) fn run(words: &[&str]) -> Result<(), String> {
    match words {
        ["--table"] => return page::write(),
        [word, ..] if word.starts_with('-') => return Err(format!("{word} is unknown\n\n{USAGE}")),
        _ => {}
    }
    prepare()?;
    let came = play(words)?;
    let failed = came.iter().filter(|row| row.outcome == Outcome::Failed).count();
    let mut rows = Rows::read()?;
    rows.renew(came, words.is_empty());
    rows.keep()?;
    page::write()?;
    if failed == 0 { Ok(()) } else { Err(format!("interop http3: {failed} failed")) }
}

/// What cannot be had is said aloud; the cases that need it are skipped.
fn prepare() -> Result<(), String> {
    let mut packages = Command::new("bash");
    packages.arg(root().join("tests/interop/packages.sh"));
    if let Err(why) = succeeds(&mut packages) {
        println!("the packages are not all there: {why}");
    }
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--release", "--locked", "--quiet", "--package", "sakigake-example-thinking"]);
    if env::var_os("SAKIGAKE_PROGRAM").is_none() {
        cargo.args(["--package", "sakigake-cli"]);
    }
    succeeds(cargo.current_dir(root()))?;
    Peer::build_all(&["h3-client"])?;
    if let Err(why) = Peer::build_apart("quiche", "end-quiche") {
        println!("skipped: quiche: {why}: it takes cmake, a C++ compiler and libclang");
    }
    Ok(())
}

fn play(words: &[&str]) -> Result<Vec<Row>, String> {
    let folder = path::absolute(target()).map_err(|error| error.to_string())?;
    let file = folder.join("interop/http3.tsv");
    let why = |error| format!("{}: {error}", file.display());
    // What an earlier run left is not this one's.
    fs::write(&file, "").map_err(why)?;
    let mut run = Command::new("python3");
    run.arg(root().join("tests/interop/run.py")).arg("--rows").arg(&file).args(words).current_dir(root());
    let outcome = succeeds(run.env("CARGO_TARGET_DIR", folder));
    let came = read(&file)?;
    // A case that failed has a row that says so.
    if came.is_empty() { Err(outcome.err().unwrap_or_else(|| "nothing was run".into())) } else { Ok(came) }
}

fn read(file: &Path) -> Result<Vec<Row>, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    text.lines().map(Row::of_case).collect()
}

fn succeeds(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{program}: {status}")),
        Err(error) => Err(format!("{program}: {error}")),
    }
}
