//! Memory beside rustls: allocations a handshake, heap an idle connection, resident growth over many: Rust's heap and C's.

use bench_tls::{
    credentials::Credentials,
    ours::Ours,
    stack::{Side, Stack, Terms, Tickets, connect},
    theirs::{Configs, Theirs},
    unbuffered::Unbuffered,
};
use sakigake_alloc::during;
use std::{
    env, fs,
    hint::black_box,
    process::{Command, ExitCode},
};

const USAGE: &str = "Usage: bench-tls-memory memory [--raw FILE]";

/// TLS_AES_128_GCM_SHA256 and X25519.
const TERMS: Terms = Terms { suite: 0x1301, group: 0x001d, tickets: Tickets::None };

const CONNECTIONS: usize = 1_000;

/// What the word stands for that a child is told which stack it measures by.
const STACKS: &[&str] = &["ours", "theirs", "unbuffered"];

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["memory"] => memory(None),
        ["memory", "--raw", path] => memory(Some(path)),
        ["resident", word] => resident(word).map(|bytes| println!("{bytes}")),
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

fn memory(raw: Option<&str>) -> Result<(), String> {
    let table = table()?;
    for line in table.lines() {
        let mut cells = line.split('\t');
        print!("{:52}", cells.next().unwrap_or_default());
        cells.for_each(|cell| print!("{cell:>12}"));
        println!();
    }
    raw.map_or(Ok(()), |path| fs::write(path, table).map_err(|error| format!("{path}: {error}")))
}

fn stack(word: &str) -> Option<Box<dyn Stack>> {
    let credentials = Credentials::make();
    Some(match word {
        "ours" => Box::new(Ours::new(TERMS, &credentials)),
        "theirs" => Box::new(Theirs(Configs::new(TERMS, &credentials))),
        "unbuffered" => Box::new(Unbuffered(Configs::new(TERMS, &credentials))),
        _ => return None,
    })
}

/// Every number, separated by tabs.
fn table() -> Result<String, String> {
    let mut text = format!("what\tside\t{}\n", STACKS.join("\t"));
    let stacks: Vec<Box<dyn Stack>> = STACKS.iter().filter_map(|word| stack(word)).collect();
    let mut line = |what: &str, side: &str, values: Vec<i64>| {
        let values: Vec<String> = values.iter().map(ToString::to_string).collect();
        text.push_str(&format!("{what}\t{side}\t{}\n", values.join("\t")));
    };
    let found: Vec<[Held; 2]> = stacks.iter().map(|stack| held(&**stack)).collect();
    for (at, side) in ["client", "server"].into_iter().enumerate() {
        line("allocations a handshake", side, found.iter().map(|found| found[at].calls).collect());
        line("of them Rust's", side, found.iter().map(|found| found[at].rust_calls).collect());
        line(
            "bytes of heap an idle connection (goal: under 5,120)",
            side,
            found.iter().map(|found| found[at].idle).collect(),
        );
    }
    let pair = found.iter().map(|found| found[0].rust_calls + found[1].rust_calls);
    line("of them Rust's", "both (goal: under 80)", pair.collect());
    let resident: Result<Vec<i64>, String> = STACKS.iter().map(|word| resident_of(word)).collect();
    line("bytes of resident growth a connection, over 1,000", "server", resident?);
    Ok(text)
}

/// What one side takes.
struct Held {
    /// How often memory was asked for, and how often by Rust's code.
    calls: i64,
    rust_calls: i64,
    idle: i64,
}

/// A client's and a server's, after others have warmed what is shared.
fn held(stack: &dyn Stack) -> [Held; 2] {
    for _ in 0..4 {
        black_box(established(stack));
    }
    let (client, server, calls) = established(stack);
    let idle = |side: Box<dyn Side>| -during(|| drop(side)).1.held_bytes;
    [(client, calls[0]), (server, calls[1])].map(|(side, [calls, rust_calls])| Held {
        calls,
        rust_calls,
        idle: idle(side),
    })
}

/// A connection, and how often each side asked for memory, and Rust's code of it.
fn established(stack: &dyn Stack) -> (Box<dyn Side>, Box<dyn Side>, [[i64; 2]; 2]) {
    let (mut to_server, mut to_client) = (vec![0; 16_384], vec![0; 16_384]);
    let mut calls = [[0; 2]; 2];
    let mut count = |at: usize, more: sakigake_alloc::Allocated| {
        calls[at][0] += more.calls as i64;
        calls[at][1] += more.rust_calls as i64;
    };
    let (mut client, more) = during(|| stack.client());
    count(0, more);
    let (mut server, more) = during(|| stack.server());
    count(1, more);
    let (mut len, more) = during(|| client.turn(&mut [], &mut to_server));
    count(0, more);
    while len > 0 {
        let (back, more) = during(|| server.turn(&mut to_server[..len], &mut to_client));
        count(1, more);
        let (next, more) = during(|| client.turn(&mut to_client[..back], &mut to_server));
        count(0, more);
        len = next;
    }
    assert!(client.is_established() && server.is_established(), "a handshake ends");
    (client, server, calls)
}

/// Asks a process of its own, so that no other stack's heap is there to be used again.
fn resident_of(word: &str) -> Result<i64, String> {
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let output =
        Command::new(program).args(["resident", word]).output().map_err(|error| error.to_string())?;
    let told = String::from_utf8_lossy(&output.stdout);
    told.trim().parse().map_err(|_| format!("{word}: {told}{}", String::from_utf8_lossy(&output.stderr)))
}

/// In that process: bytes of resident growth a server, while many are idle.
fn resident(word: &str) -> Result<i64, String> {
    let stack = stack(word).ok_or_else(|| format!("no stack: {word}"))?;
    let mut servers = Vec::with_capacity(CONNECTIONS);
    for _ in 0..16 {
        connect(&mut *stack.client(), &mut *stack.server());
    }
    let before = resident_bytes()?;
    for _ in 0..CONNECTIONS {
        let (mut client, mut server) = (stack.client(), stack.server());
        connect(&mut *client, &mut *server);
        servers.push(server);
    }
    let after = resident_bytes()?;
    drop(black_box(servers));
    Ok((after - before) / CONNECTIONS as i64)
}

fn resident_bytes() -> Result<i64, String> {
    let text =
        fs::read_to_string("/proc/self/statm").map_err(|error| format!("/proc/self/statm: {error}"))?;
    let pages: Option<i64> = text.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    Ok(pages.ok_or("/proc/self/statm has no second number")? * rustix::param::page_size() as i64)
}
