//! Work whose instructions are counted: `sakigake-counts CASE TIMES` does a case's work TIMES times, and only what runs in
//! [`counted`] counts. `cargo xtask bench counts` runs each case under callgrind and divides.
//!
//! Without callgrind it is a loop to profile.

#![allow(clippy::print_stdout)] // Its one list is for other programs.

mod tls;

use std::process::ExitCode;

/// A row a case.
const CASES: &[(&str, Work)] = &[
    ("tls-handshake-client", tls::handshake_client),
    ("tls-handshake-server", tls::handshake_server),
    ("tls-seal-16-kib", tls::seal),
    ("tls-open-16-kib", tls::open),
];

/// Does a case's work so many times.
type Work = fn(usize);

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words == ["cases"] {
        CASES.iter().for_each(|(name, _)| println!("{name}"));
        return ExitCode::SUCCESS;
    }
    let [case, times] = words.as_slice() else { return usage() };
    let row = CASES.iter().find(|(name, _)| name == case);
    let (Some((_, work)), Ok(times)) = (row, times.parse()) else { return usage() };
    work(times);
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("Usage: sakigake-counts CASE TIMES\n       sakigake-counts cases");
    ExitCode::FAILURE
}

/// What callgrind counts: it is told to begin and to end with functions of this name.
#[inline(never)]
fn counted<T>(work: impl FnOnce() -> T) -> T {
    let outcome = work();
    std::hint::black_box(&outcome); // Keeps this frame: nothing is called in its tail.
    outcome
}
