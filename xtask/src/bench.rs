//! `cargo xtask bench`: us beside others in one run, as ratios, and counts that no change may raise unnoticed.
//!
//! The programs that measure live in `peers/`, a workspace of its own, since they hold other stacks.

mod counts;
mod h2;
mod h3;
mod peers;
mod report;
mod servers;
mod usage;

pub(crate) use peers::Peer;

/// A row a benchmark: its name, what it measures, and how it is run.
const BENCHMARKS: &[(&str, &str, Run)] = &[
    ("tls", "handshakes, sealing and opening, beside rustls on the same provider", |words| {
        Peer::build("bench-tls")?.run("tls", words)
    }),
    ("memory", "allocations a handshake and heap an idle TLS connection, beside rustls", |words| {
        Peer::build("bench-tls")?.sibling("bench-tls-memory").run("memory", words)
    }),
    (
        "quic",
        "bulk, requests, handshakes and idle connections over sockets, beside quinn, quiche and limits",
        quic,
    ),
    ("quic-engines", "the same of the engines alone, in memory, beside quinn's", |words| {
        Peer::build("bench-quic")?.run("quic-engines", words)
    }),
    (
        "counts",
        "instructions of each hot path, held against xtask/baselines (--write keeps them)",
        counts::run,
    ),
    ("h2", "CPU a request and memory an idle connection, beside nginx, h2o, hyper and caddy", h2::run),
    (
        "h3",
        "CPU a request and a handshake, memory an idle connection over HTTP/3, beside h3 with quinn and caddy",
        h3::run,
    ),
];

type Run = fn(&[&str]) -> Result<(), String>;

/// Runs the benchmark that `words` begin with; what follows is handed to its program.
pub(crate) fn run(words: &[&str]) -> Result<(), String> {
    let Some((name, rest)) = words.split_first() else { return Err(usage()) };
    let row = BENCHMARKS.iter().find(|(known, _, _)| known == name).ok_or_else(usage)?;
    (row.2)(rest)
}

/// quiche is left out, and it is said why, where it was not asked for or cannot be built: BoringSSL takes cmake, a C++ compiler,
/// libclang, and minutes the first time.
fn quic(words: &[&str]) -> Result<(), String> {
    let conductor = Peer::build("bench-quic-sockets")?;
    let is_named = |word: &str| words.contains(&word);
    if is_named("--quiche") || is_named("--stacks") && !words.iter().any(|word| word.contains("quiche")) {
        return conductor.run("quic", words);
    }
    let quiche = Peer::build_apart("quiche", "end-quiche");
    if let Err(why) = &quiche {
        println!("skipped: quiche: {why}");
    }
    let other = quiche.as_ref().ok().map(|program| ("--quiche", program));
    conductor.run_beside("quic", words, other)
}

fn usage() -> String {
    let rows = BENCHMARKS.iter().map(|(name, what, _)| format!("  {name:14}{what}\n"));
    format!(
        "Usage: cargo xtask bench BENCHMARK [OPTIONS OF ITS PROGRAM]\n\nBenchmarks:\n{}",
        rows.collect::<String>()
    )
}
