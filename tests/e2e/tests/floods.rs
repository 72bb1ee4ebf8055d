//! What one client's floods cost another: its latency stays within twice what it was, and memory within bounds.

#![allow(clippy::print_stdout)] // What was measured is part of what the test says.

use sakigake_e2e::{Raw, Scratch, Server, Setup, frames};
use std::{
    fs,
    sync::atomic::{AtomicU8, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

/// Requests whose latency is measured under each flood, and as many without it: by turns, so that what else this machine
/// does falls on both alike.
const TURNS: usize = 10;
const REQUESTS_A_TURN: usize = 30;
/// How often a flood is measured before it counts as harmful: what else this machine does may fall on one half of a
/// measurement, and a flood that costs others something does so each time.
const MEASUREMENTS: usize = 5;
/// What all floods together may add to the process, in KiB: its limits allow a connection far less, and the rest is what
/// the attackers themselves hold.
const GROWTH_KIB: u64 = 48 << 10;

/// An attack: what the client's SETTINGS say, and its bytes, a burst at a time.
struct Flood {
    name: &'static str,
    settings: &'static [(u16, u32)],
    burst: fn(u32) -> Vec<u8>,
    /// Whether it reads what it is sent.
    reads: bool,
}

/// Sixteen frames of a kind at a time.
fn sixteen(one: impl Fn(u32) -> Vec<u8>, burst: u32) -> Vec<u8> {
    (burst * 16..burst * 16 + 16).flat_map(one).collect()
}

fn reset_at_once(number: u32) -> Vec<u8> {
    let stream = number * 2 + 1;
    let mut bytes = frames::get(stream, "/small", frames::END);
    bytes.extend(frames::frame(frames::RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
    bytes
}

/// The server is made to reset: a WINDOW_UPDATE of 0 on a stream (CVE-2025-8671).
fn made_to_reset(number: u32) -> Vec<u8> {
    let stream = number * 2 + 1;
    let mut bytes = frames::get(stream, "/small", frames::END);
    bytes.extend(frames::frame(frames::WINDOW_UPDATE, 0, stream, &0_u32.to_be_bytes()));
    bytes
}

/// A block of references to one large entry of the table: decoded it is far beyond any limit.
fn bomb(number: u32) -> Vec<u8> {
    let stream = number * 2 + 1;
    // Literal with incremental indexing, name x, value of 3,000 bytes; then indexed 62, many times.
    let mut block = vec![0x82, 0x87, 0x84, 0x40, 1, b'x', 0x7f, 0xb9, 0x16];
    block.extend([b'a'; 3_000]);
    block.extend([0xbe; 500]);
    frames::frame(frames::HEADERS, frames::END, stream, &block)
}

const FLOODS: [Flood; 12] = [
    Flood { name: "rapid reset", settings: &[], burst: |n| sixteen(reset_at_once, n), reads: false },
    Flood { name: "made to reset", settings: &[], burst: |n| sixteen(made_to_reset, n), reads: true },
    Flood {
        name: "SETTINGS",
        settings: &[],
        burst: |n| sixteen(|_| frames::frame(frames::SETTINGS, 0, 0, &[]), n),
        reads: false,
    },
    Flood {
        name: "PING",
        settings: &[],
        burst: |n| sixteen(|_| frames::frame(frames::PING, 0, 0, &[7; 8]), n),
        reads: false,
    },
    Flood {
        name: "PRIORITY_UPDATE",
        settings: &[],
        burst: |n| sixteen(|_| frames::frame(0x10, 0, 0, &[0, 0, 0, 1, b'u', b'=', b'0']), n),
        reads: false,
    },
    Flood {
        name: "PRIORITY",
        settings: &[],
        burst: |n| sixteen(|_| frames::frame(2, 0, 1, &[0, 0, 0, 0, 15]), n),
        reads: false,
    },
    Flood {
        name: "WINDOW_UPDATE",
        settings: &[],
        burst: |n| sixteen(|_| frames::frame(frames::WINDOW_UPDATE, 0, 0, &1_u32.to_be_bytes()), n),
        reads: false,
    },
    Flood {
        name: "empty DATA",
        settings: &[],
        burst: |n| {
            let mut bytes = if n == 0 { frames::get(1, "/small", frames::END_HEADERS) } else { Vec::new() };
            bytes.extend(sixteen(|_| frames::frame(frames::DATA, 0, 1, &[]), n));
            bytes
        },
        reads: false,
    },
    Flood {
        name: "CONTINUATION",
        settings: &[],
        burst: |n| {
            let mut bytes = if n == 0 { frames::get(1, "/small", 0) } else { Vec::new() };
            bytes.extend(sixteen(|_| frames::frame(9, 0, 1, b"\0\x01a\x01b"), n));
            bytes
        },
        reads: false,
    },
    Flood { name: "HPACK bombs", settings: &[], burst: bomb, reads: true },
    Flood {
        name: "zero windows",
        settings: &[(4, 0)],
        burst: |n| sixteen(|n| frames::get(n * 2 + 1, "/large", frames::END), n),
        reads: false,
    },
    Flood {
        name: "unknown frames",
        settings: &[],
        burst: |n| sixteen(|_| frames::frame(0xb, 0, 0, &[0; 32]), n),
        reads: false,
    },
];

/// What the attacker is to do.
const REST: u8 = 0;
const ATTACK: u8 = 1;
const END: u8 = 2;

/// Ends the attack when the measuring ends, by a panic too.
struct Orders<'a>(&'a AtomicU8);

impl Drop for Orders<'_> {
    fn drop(&mut self) {
        self.0.store(END, Ordering::Relaxed);
    }
}

/// Does it again and again, on a new connection whenever the server has had enough.
fn attack(server: &Server, flood: &Flood, orders: &AtomicU8, ended: &AtomicU64) {
    while orders.load(Ordering::Relaxed) != END {
        let mut client = Raw::h2(server, flood.settings);
        for number in 0..4_000 {
            while orders.load(Ordering::Relaxed) == REST {
                thread::sleep(Duration::from_micros(200));
            }
            if orders.load(Ordering::Relaxed) == END || client.try_send(&(flood.burst)(number)).is_err() {
                break;
            }
            if flood.reads {
                client.read(Duration::from_millis(1));
                client.plain.clear();
            }
            // An attacker of this machine must not take the processor that the others need.
            thread::sleep(Duration::from_millis(1));
        }
        ended.fetch_add(1, Ordering::Relaxed);
    }
}

/// A client that asks for one small thing after the other.
struct Victim {
    client: Raw,
    next: u32,
}

impl Victim {
    /// Adds the times of one turn, each from a request to the end of its response.
    fn ask(&mut self, times: &mut Vec<Duration>) {
        for _ in 0..REQUESTS_A_TURN {
            let stream = self.next;
            self.next += 2;
            let began = Instant::now();
            self.client.send(&frames::get(stream, "/small", frames::END));
            self.client.read_until("the answer", |client| client.has_end(stream));
            times.push(began.elapsed());
            self.client.take_frames();
            thread::sleep(Duration::from_micros(200));
        }
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// The victim's median under the attack, and without it.
fn measure(server: &Server, flood: &Flood, victim: &mut Victim) -> (Duration, Duration) {
    let (mut under, mut without) = (Vec::new(), Vec::new());
    let (orders, ended) = (AtomicU8::new(REST), AtomicU64::new(0));
    thread::scope(|scope| {
        scope.spawn(|| attack(server, flood, &orders, &ended));
        let orders = Orders(&orders);
        for _ in 0..TURNS {
            victim.ask(&mut without);
            orders.0.store(ATTACK, Ordering::Relaxed);
            thread::sleep(Duration::from_millis(5));
            victim.ask(&mut under);
            orders.0.store(REST, Ordering::Relaxed);
            thread::sleep(Duration::from_millis(5));
        }
    });
    let (under, without) = (median(under), median(without));
    println!("{}: {under:?} under it, {without:?} without, {ended:?} connections ended", flood.name);
    (under, without)
}

/// The most that this process has held so far, in KiB.
fn most_held() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line of it");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
fn floods_leave_other_clients_latency_and_memory_alone() {
    let site = Scratch::new();
    site.write("small", vec![7; 1_000]);
    site.write("large", vec![7; 1 << 20]);
    let mut setup = Setup::of(site.path());
    setup.workers = 2;
    let server = Server::start(setup);
    let mut victim = Victim { client: Raw::h2(&server, &[]), next: 1 };
    victim.ask(&mut Vec::new());
    let held = most_held();
    for flood in &FLOODS {
        let is_harmless = (0..MEASUREMENTS).any(|_| {
            let (under, without) = measure(&server, flood, &mut victim);
            under <= without * 2
        });
        assert!(is_harmless, "{}: others wait more than twice as long", flood.name);
    }
    let growth = most_held() - held;
    println!("memory grew by {growth} KiB at most");
    assert!(growth < GROWTH_KIB, "{growth} KiB");
}
