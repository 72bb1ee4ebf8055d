//! docs/interop.md, made of what the commands keep.

use super::{http3, quic};
use crate::root;
use std::fs;

const FILE: &str = "docs/interop.md";
const HEAD: &str = "# HTTP/3 and QUIC with others\n";

pub(super) fn write() -> Result<(), String> {
    let file = root().join(FILE);
    fs::write(&file, text()?).map_err(|error| format!("{}: {error}", file.display()))
}

fn text() -> Result<String, String> {
    Ok([HEAD, &http3::section()?, &quic::section()?].join("\n"))
}

#[cfg(test)]
mod tests;
