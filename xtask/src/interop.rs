//! `cargo xtask interop`: suites that others wrote and that are more than a program to talk to, and the tables of docs/interop.md.

pub(crate) mod bogo;
pub(crate) mod http3;
mod page;
pub(crate) mod quic;

use crate::root;
use std::process::{Command, Stdio};

/// Of the tree that is being tested; empty outside a repository.
pub(crate) fn commit() -> String {
    said(Command::new("git").args(["rev-parse", "--short=8", "HEAD"]).current_dir(root()))
}

pub(crate) fn today() -> String {
    said(Command::new("date").args(["--utc", "+%F"]))
}

/// What a program prints; nothing, where there is no such program.
fn said(command: &mut Command) -> String {
    let output = command.stderr(Stdio::null()).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
