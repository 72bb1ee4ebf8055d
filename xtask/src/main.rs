//! The project's own checks: `cargo xtask`.

#![allow(clippy::print_stdout)] // Printing is what it is for.

mod bench;
mod ci;
mod group;
mod interop;
mod layers;
mod limits;
mod prove;
mod runner;
mod shape;
mod source;
mod spec;

use prove::Choice;
use std::{env, path::PathBuf, process::ExitCode};

const USAGE: &str = "\
The project's own checks.

Usage: cargo xtask COMMAND

Commands:
  ci fast     format, layers, shape, spec, clippy, docs, tests, a stripped build, worlds, licences, fuzzing
  ci peers    tests against other programs: installs packages by name (needs root)
  bench NAME  measures us beside others; without NAME lists what there is
  interop bogo [PATTERN...]
              BoringSSL's hostile peer against us: all cases, or those that match, the declined ones too
  interop http3 [WORD...]
              HTTP/3 with others' browsers, clients and servers: installs packages by name (needs root); writes docs/interop.md
  interop quic [--ci | --resume] [--only WORD[,WORD...]]
              the interop runner's cases between QUIC endpoints, ours and others'; writes docs/interop.md
  shape       no file over 1,000 lines of logic, no function over 100 lines; lists the longest
  layers      which crate may use which, held against the manifests
  limits      each field of each Limits is named in a test of its crate
  spec        each requirement marked done has code and a test; writes docs/conformance.md
  spec --check  the same, and fails when docs/conformance.md is not up to date
  spec --prove N [--seed S] [--of START[,START...]]
              draws N requirements marked done (whose ids begin so), takes away each line that enforces one:
              its test must fail
  spec --prove ID[,ID...]  the same for these
";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["ci", "fast"] => ci::fast(),
        ["ci", "peers"] => ci::peers(),
        ["bench", rest @ ..] => bench::run(rest),
        ["interop", "bogo", rest @ ..] => interop::bogo::run(rest),
        ["interop", "http3", rest @ ..] => interop::http3::run(rest),
        ["interop", "quic", rest @ ..] => interop::quic::run(rest),
        ["shape"] => shape::check(),
        ["layers"] => layers::check(),
        ["limits"] => limits::check(),
        ["spec"] => spec::check(spec::Conformance::Write),
        ["spec", "--check"] => spec::check(spec::Conformance::Compare),
        ["spec", "--prove", what] => prove_words(what, "1", ""),
        ["spec", "--prove", what, "--seed", seed] => prove_words(what, seed, ""),
        ["spec", "--prove", what, "--seed", seed, "--of", of] => prove_words(what, seed, of),
        ["spec", "--prove", what, "--of", of] => prove_words(what, "1", of),
        ["help" | "--help" | "-h"] | [] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => Err(format!("unknown command: {}\n\n{USAGE}", words.join(" "))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// A number draws so many requirements; anything else names them.
fn prove_words(what: &str, seed: &str, of: &str) -> Result<(), String> {
    let seed = seed.parse().map_err(|_| format!("{seed:?} is not a seed: a number is wanted"))?;
    match what.parse() {
        Ok(count) => prove::prove(Choice::Drawn { count, seed, of }),
        Err(_) => prove::prove(Choice::Named(what)),
    }
}

/// Where cargo builds.
fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The workspace's root.
fn root() -> PathBuf {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().map(PathBuf::from).unwrap_or(manifest)
}
