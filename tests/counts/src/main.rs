//! Work whose instructions are counted: `sakigake-counts CASE TIMES` does a case's work TIMES times, and only what runs in
//! [`counted`] counts. `cargo xtask bench counts` runs each case under callgrind and divides.
//!
//! Without callgrind it is a loop to profile.

#![allow(clippy::print_stdout)] // Its one list is for other programs.

mod get;
mod get3;
mod hpack;
mod messages;
mod quic;
mod tls;
mod world;

use std::process::ExitCode;

/// A row a case.
const CASES: &[(&str, Work)] = &[
    ("tls-handshake-client", tls::handshake_client),
    ("tls-handshake-server", tls::handshake_server),
    ("tls-seal-16-kib", tls::seal),
    ("tls-open-16-kib", tls::open),
    ("quic-handshake-client", quic::handshake_client),
    ("quic-handshake-server", quic::handshake_server),
    ("quic-send-1-mib", quic::send),
    ("quic-receive-1-mib", quic::receive),
    ("hpack-encode-request-first", |times| hpack::encode_first(times, &messages::REQUEST)),
    ("hpack-encode-request-again", |times| hpack::encode_again(times, &messages::REQUEST)),
    ("hpack-encode-response-first", |times| hpack::encode_first(times, &messages::RESPONSE)),
    ("hpack-encode-response-again", |times| hpack::encode_again(times, &messages::RESPONSE)),
    ("hpack-decode-request-first", |times| hpack::decode_first(times, &messages::REQUEST)),
    ("hpack-decode-request-again", |times| hpack::decode_again(times, &messages::REQUEST)),
    ("hpack-decode-response-first", |times| hpack::decode_first(times, &messages::RESPONSE)),
    ("hpack-decode-response-again", |times| hpack::decode_again(times, &messages::RESPONSE)),
    ("get-1-kib", |times| get::one_by_one(times, 1 << 10)),
    ("get-16-kib", |times| get::one_by_one(times, 16 << 10)),
    ("get-1-mib", |times| get::one_by_one(times, 1 << 20)),
    ("get-1-kib-100-at-once", |times| get::at_once(times, 1 << 10, 100)),
    ("http3-get-1-kib", |times| get3::one_by_one(times, 1 << 10)),
    ("http3-get-1-mib", |times| get3::one_by_one(times, 1 << 20)),
    ("http3-get-1-kib-50-at-once", |times| get3::at_once(times, 1 << 10, 50)),
];

/// Does a case's work so many times.
type Work = fn(usize);

/// So many are not counted, while the provider makes up its mind about the processor and seeds its generator, and what is
/// kept is made.
const WARM: usize = 3;

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

/// Does the work, and counts it if that is due.
fn when<T>(is_counted: bool, work: impl FnOnce() -> T) -> T {
    if is_counted { counted(work) } else { work() }
}
