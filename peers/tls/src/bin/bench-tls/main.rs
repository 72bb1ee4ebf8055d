//! TLS beside rustls, in one process and in memory: the same provider, certificate, suite, group and buffers.

mod bulk;
mod goals;
mod handshake;

use bench_tls::{
    credentials::Credentials,
    ours::Ours,
    stack::{Stack, Terms, Tickets},
    theirs::{Configs, Theirs},
    unbuffered::Unbuffered,
};
use bulk::Pipe;
use goals::Goals;
use pairs::{Row, measure};
use std::{env, fs, process::ExitCode};

const USAGE: &str = "\
Usage: bench-tls tls [--pairs N] [--only PART OF A ROW'S NAME] [--raw FILE]";

const SUITES: &[(u16, &str)] = &[
    (0x1301, "TLS_AES_128_GCM_SHA256"),
    (0x1302, "TLS_AES_256_GCM_SHA384"),
    (0x1303, "TLS_CHACHA20_POLY1305_SHA256"),
];

const X25519: (u16, &str) = (0x001d, "X25519");
const X25519MLKEM768: (u16, &str) = (0x11ec, "X25519MLKEM768");

const WRITES: &[(usize, &str)] = &[(64, "64 B"), (1 << 10, "1 KiB"), (1 << 14, "16 KiB"), (1 << 20, "1 MiB")];

/// What the command line says.
struct Options {
    pairs: usize,
    only: String,
    raw: Option<String>,
}

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let outcome = match words.split_first() {
        Some((benchmark, rest)) if benchmark == "tls" => {
            Options::read(rest).and_then(|options| tls(&options))
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
        let mut options = Self { pairs: 11, only: String::new(), raw: None };
        for pair in words.chunks(2) {
            match pair {
                [name, value] if name == "--pairs" => {
                    options.pairs = value.parse().map_err(|_| format!("no number: {value}"))?;
                }
                [name, value] if name == "--only" => options.only.clone_from(value),
                [name, value] if name == "--raw" => options.raw = Some(value.clone()),
                _ => return Err(USAGE.to_owned()),
            }
        }
        if options.pairs == 0 { Err(USAGE.to_owned()) } else { Ok(options) }
    }

    /// Writes raw numbers where they are wanted.
    fn keep(&self, raw: &str) -> Result<(), String> {
        match &self.raw {
            Some(path) => fs::write(path, raw).map_err(|error| format!("{path}: {error}")),
            None => Ok(()),
        }
    }

    fn wants(&self, what: &str) -> bool {
        what.contains(&self.only)
    }
}

fn tls(options: &Options) -> Result<(), String> {
    println!("pinned to core {}; CPU time of the thread; {} pairs", pairs::pin(), options.pairs);
    let credentials = Credentials::make();
    let mut raw = String::from("what\ttheirs\tpair\tours_ns\ttheirs_ns\tunit\n");
    println!("\n{}", Row::heading("rustls"));
    let mut goals = Goals::default();
    for (suite, group) in [(0, X25519), (0, X25519MLKEM768), (1, X25519)] {
        for is_resumed in [false, true] {
            handshakes(SUITES[suite], group, is_resumed, &credentials, options, &mut raw, &mut goals);
        }
    }
    for buffered in [true, false] {
        println!("\n{}", Row::heading(if buffered { "rustls" } else { "rustls, unbuffered" }));
        for suite in SUITES {
            bulk(*suite, buffered, &credentials, options, &mut raw, &mut goals);
        }
    }
    println!("\n{}", goals.lines());
    options.keep(&raw)
}

fn handshakes(
    suite: (u16, &str),
    group: (u16, &str),
    is_resumed: bool,
    credentials: &Credentials,
    options: &Options,
    raw: &mut String,
    goals: &mut Goals,
) {
    const ROUNDS: usize = 24;
    let tickets = if is_resumed { Tickets::Each(TICKETS) } else { Tickets::None };
    let terms = Terms { suite: suite.0, group: group.0, tickets };
    let kind = if is_resumed { "resumed" } else { "handshake" };
    for (side, run) in [("client", handshake::client as Handshake), ("server", handshake::server)] {
        let what = format!("{kind}, {side}, {}, {}", group.1, suite.1);
        if options.wants(&what) {
            // Each pair of peers has tickets of its own: those of one server are nothing to another.
            let (ours, peer) = (Ours::new(terms, credentials), Theirs(Configs::new(terms, credentials)));
            let theirs = Theirs(Configs::new(terms, credentials));
            if is_resumed {
                run(&ours, &peer, false);
                run(&theirs, &theirs, false);
            }
            let mine = || run(&ours, &peer, is_resumed);
            let found = measure(options.pairs, ROUNDS, mine, || run(&theirs, &theirs, is_resumed));
            tell([what], "a handshake", found, theirs.name(), raw, goals);
        }
    }
}

type Handshake = fn(&dyn Stack, &dyn Stack, bool) -> [f64; 1];

/// Sent after each handshake by both stacks, where connections are resumed. By default ours sends two after a full
/// handshake and one after a resumed one, rustls two after either.
const TICKETS: u8 = 1;

fn bulk(
    suite: (u16, &str),
    buffered: bool,
    credentials: &Credentials,
    options: &Options,
    raw: &mut String,
    goals: &mut Goals,
) {
    const ROUNDS: usize = 24;
    let terms = Terms { suite: suite.0, group: X25519.0, tickets: Tickets::None };
    let ours = Ours::new(terms, credentials);
    let configs = Configs::new(terms, credentials);
    let theirs: Box<dyn Stack> =
        if buffered { Box::new(Theirs(configs)) } else { Box::new(Unbuffered(configs)) };
    for (len, told) in WRITES {
        let what = ["seal", "open"].map(|verb| format!("{verb} {told}, {}", suite.1));
        if what.iter().any(|what| options.wants(what)) {
            let (mut mine, mut other) = (Pipe::new(&ours, *len), Pipe::new(&*theirs, *len));
            let found = measure(options.pairs, ROUNDS, || mine.turn(), || other.turn());
            tell(what, "a write", found, theirs.name(), raw, goals);
        }
    }
}

fn tell<const ROWS: usize>(
    what: [String; ROWS],
    unit: &'static str,
    found: [Vec<(f64, f64)>; ROWS],
    theirs: &str,
    raw: &mut String,
    goals: &mut Goals,
) {
    for (what, pairs) in what.into_iter().zip(found) {
        let row = Row { what, unit, pairs };
        println!("{}", row.line());
        goals.take(&row.what, theirs, row.ratio());
        raw.push_str(&row.raw(theirs));
    }
}
