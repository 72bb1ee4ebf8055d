//! QUIC beside quinn, engine against engine: both sides of a connection in one thread, datagrams handed over in memory.

mod exchange;
mod ours;
mod theirs;

use bench_tls::credentials::Credentials;
use exchange::{Exchange, Pair, Stack};
use ours::Ours;
use pairs::{Row, cpu_ns, measure, pin};
use std::{env, fs, process::ExitCode};
use theirs::Theirs;

const USAGE: &str = "\
Usage: bench-quic quic-engines [--pairs N] [--only PART OF A ROW'S NAME] [--raw FILE] [--profile ROW]";

const MIB: usize = 1 << 20;

/// A row: its name, what is carried in a turn, and how many units of work that is.
const ROWS: &[(&str, Exchange, usize, &str)] = &[
    ("download, 1 stream", Exchange { streams: 1, request_bytes: 8, response_bytes: 32 * MIB }, 32, "a MiB"),
    ("upload, 1 stream", Exchange { streams: 1, request_bytes: 32 * MIB, response_bytes: 8 }, 32, "a MiB"),
    (
        "download, 100 streams",
        Exchange { streams: 100, request_bytes: 8, response_bytes: 256 << 10 },
        25,
        "a MiB",
    ),
    (
        "100 B to 1 KiB, 100 streams",
        Exchange { streams: 100, request_bytes: 100, response_bytes: 1 << 10 },
        100,
        "a request",
    ),
];
const HANDSHAKE: &str = "handshake, both sides";

struct Options {
    pairs: usize,
    only: String,
    raw: Option<String>,
    profile: Option<String>,
}

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let outcome = match words.split_first() {
        Some((benchmark, rest)) if benchmark == "quic-engines" => {
            Options::read(rest).and_then(|options| run(&options))
        }
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

impl Options {
    fn read(words: &[String]) -> Result<Self, String> {
        let mut options = Self { pairs: 11, only: String::new(), raw: None, profile: None };
        for pair in words.chunks(2) {
            match pair {
                [name, value] if name == "--pairs" => {
                    options.pairs = value.parse().map_err(|_| format!("no number: {value}"))?;
                }
                [name, value] if name == "--only" => options.only.clone_from(value),
                [name, value] if name == "--raw" => options.raw = Some(value.clone()),
                [name, value] if name == "--profile" => options.profile = Some(value.clone()),
                _ => return Err(USAGE.to_owned()),
            }
        }
        if options.pairs == 0 { Err(USAGE.to_owned()) } else { Ok(options) }
    }
}

fn run(options: &Options) -> Result<(), String> {
    println!("pinned to core {}; CPU time of the thread; {} pairs", pin(), options.pairs);
    let credentials = Credentials::make();
    let (ours, theirs) = (Ours::new(&credentials), Theirs::new(&credentials));
    if let Some(name) = &options.profile {
        return profile(&ours, name, options.pairs);
    }
    let mut raw = String::from("what\ttheirs\tpair\tours_ns\ttheirs_ns\tunit\n");
    println!("\n{}", Row::heading("quinn"));
    let mut tell = |what: &str, unit, [pairs]: [Vec<(f64, f64)>; 1]| {
        let row = Row { what: what.to_owned(), unit, pairs };
        println!("{}", row.line());
        raw.push_str(&row.raw("quinn"));
    };
    for (what, exchange, units, unit) in ROWS {
        if what.contains(&options.only) {
            let (mut mine, mut other) = (ours.connect(), theirs.connect());
            let found = measure(
                options.pairs,
                4,
                || turn(&mut *mine, *exchange, *units),
                || turn(&mut *other, *exchange, *units),
            );
            tell(what, unit, found);
        }
    }
    if HANDSHAKE.contains(&options.only) {
        let found = measure(options.pairs, 8, || handshakes(&ours), || handshakes(&theirs));
        tell(HANDSHAKE, "a handshake", found);
    }
    match &options.raw {
        Some(path) => fs::write(path, raw).map_err(|error| format!("{path}: {error}")),
        None => Ok(()),
    }
}

/// Ours alone, for a profiler.
fn profile(ours: &Ours, name: &str, rounds: usize) -> Result<(), String> {
    let row = ROWS.iter().find(|(what, ..)| what.contains(name)).ok_or("no such row")?;
    let mut pair = ours.connect();
    for _ in 0..rounds {
        println!("{:.0} ns {}", turn(&mut *pair, row.1, row.2)[0], row.3);
    }
    Ok(())
}

fn turn(pair: &mut dyn Pair, exchange: Exchange, units: usize) -> [f64; 1] {
    let before = cpu_ns();
    let heard = pair.carry(exchange);
    let spent = cpu_ns() - before;
    assert_eq!(heard, exchange.streams * (exchange.request_bytes + exchange.response_bytes));
    [spent as f64 / units as f64]
}

fn handshakes(stack: &dyn Stack) -> [f64; 1] {
    const HANDSHAKES: usize = 10;
    let before = cpu_ns();
    for _ in 0..HANDSHAKES {
        drop(stack.connect());
    }
    [(cpu_ns() - before) as f64 / HANDSHAKES as f64]
}
