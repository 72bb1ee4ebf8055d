//! HTTP/2 over TLS beside other servers: CPU a request, requests a second, memory an idle connection.
//!
//! The servers run at the same time on core 0 and are loaded one after the other from core 1, in an order that turns with
//! each round. What counts is the CPU time of a server's processes, read before and after each load.

mod load;
mod servers;

use super::{
    report::{self, Loaded, Row, write},
    servers::{CLIENT_CORE, Place, Running, Server, versions},
    usage::{self, Memory},
};
use crate::root;
use load::Load;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use servers::SERVERS;
use std::{
    io::Read,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Idle connections at a time.
const IDLE: usize = 10_000;

/// Descriptors beside those of idle connections, of a server and of its client: ours keeps a thousand for files.
const OTHER_DESCRIPTORS: usize = 1_200;

/// What one load should take, in seconds, as far as the number of requests can say.
const LOAD_S: f64 = 1.0;

/// Sizes of the files, and their names.
const SIZES: [(&str, usize); 3] = [("1k", 1 << 10), ("16k", 16 << 10), ("1m", 1 << 20)];

/// Connections, and streams on each at a time.
const SHAPES: [(usize, usize); 4] = [(1, 10), (1, 100), (50, 10), (50, 100)];

pub(crate) const USAGE: &str = "\
HTTP/2 over TLS beside other servers.

Usage: cargo xtask bench h2 [--quick] [--only WORD]... [--servers NAME,...] [--rounds N] [--raw FILE]

  --quick         the cell 1k-50x100 alone, 3 rounds
  --only WORD     cells whose name contains WORD (1k-1x10 ... 1m-50x100), or idle
  --servers LIST  of sakigake, h2o, nginx, hyper, caddy
  --rounds N      how often each server is loaded in a cell (7; hyper and caddy 3)
  --idle N        idle connections at a time (10000)
  --raw FILE      append what was measured, a line a load

Without options everything is measured, in some ten minutes, and the lines are docs/benchmarks/h2.tsv.";

/// Where the lines of the whole measurement lie.
const RAW: &str = "docs/benchmarks/h2.tsv";

/// What the command line asks for.
#[derive(Default)]
struct Choice {
    only: Vec<String>,
    servers: Vec<String>,
    rounds: Option<usize>,
    idle: Option<usize>,
    raw: Option<PathBuf>,
}

pub(crate) fn run(words: &[&str]) -> Result<(), String> {
    let choice = Choice::read(words)?;
    let servers: Vec<&Server> = SERVERS.iter().filter(|server| choice.wants_server(server)).collect();
    let place = Place::make(&root(), &SIZES, "peer-hyper-h2")?;
    for line in versions(&servers, &place, Path::new("h2load")) {
        println!("{line}");
        choice.keep(&line)?;
    }
    load_all(&servers, &place, &choice)?;
    if choice.wants("idle") {
        let count = choice.idle.unwrap_or(IDLE);
        raise_descriptors(count)?;
        println!("{:10} {:>12} {:>12}", "idle", "RSS B/conn", "heap B/conn");
        for server in servers {
            eprintln!("# {count} idle connections to {}", server.name);
            let each = idle(server, &place, "idle", count)?;
            println!("{:10} {:>12} {:>12}", server.name, each.resident, each.anonymous);
            choice.keep(&format!("idle-{count}\t{}\t{}\t{}", server.name, each.resident, each.anonymous))?;
        }
    }
    Ok(())
}

/// Every cell that is wanted, one after the other.
fn load_all(servers: &[&'static Server], place: &Place, choice: &Choice) -> Result<(), String> {
    let cells: Vec<Load> = cells().filter(|load| choice.wants(&load.name())).collect();
    if cells.is_empty() {
        return Ok(());
    }
    let running =
        servers.iter().map(|server| Running::start(server, place)).collect::<Result<Vec<_>, _>>()?;
    for (at, cell) in cells.iter().enumerate() {
        eprintln!("# cell {} of {}: {}", at + 1, cells.len(), cell.name());
        let rows = measure(cell, &running, choice)?;
        println!("{}", report::cell(&rows));
        rows.iter().flat_map(Row::lines).try_for_each(|line| choice.keep(&line))?;
    }
    Ok(())
}

impl Choice {
    fn read(words: &[&str]) -> Result<Self, String> {
        let mut choice = Self::default();
        if words.is_empty() {
            let raw = root().join(RAW);
            write(&raw, b"")?;
            choice.raw = Some(raw);
        }
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} wants a value\n\n{USAGE}"));
            match *word {
                "--quick" => {
                    choice.only.push("1k-50x100".into());
                    choice.rounds = Some(3);
                }
                "--only" => choice.only.push((*value()?).into()),
                "--servers" => choice.servers.extend(value()?.split(',').map(str::to_owned)),
                "--rounds" => {
                    choice.rounds = Some(value()?.parse().map_err(|_| "--rounds wants a number".to_owned())?);
                }
                "--idle" => {
                    choice.idle = Some(value()?.parse().map_err(|_| "--idle wants a number".to_owned())?);
                }
                "--raw" => choice.raw = Some(value()?.into()),
                _ => return Err(format!("unknown: {word}\n\n{USAGE}")),
            }
        }
        Ok(choice)
    }

    /// Keeps a line of what was measured, where it is to be kept.
    fn keep(&self, line: &str) -> Result<(), String> {
        self.raw.as_deref().map_or(Ok(()), |raw| report::append_line(raw, line))
    }

    fn wants(&self, cell: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|word| cell.contains(word))
    }

    fn wants_server(&self, server: &Server) -> bool {
        self.servers.is_empty() || self.servers.iter().any(|name| name == server.name)
    }

    fn rounds(&self, server: &Server) -> usize {
        self.rounds.unwrap_or(if server.is_bar { 7 } else { 3 })
    }
}

fn cells() -> impl Iterator<Item = Load> {
    let shapes = |(file, bytes)| {
        SHAPES.map(|(connections, streams)| Load { file, bytes, connections, streams, requests: 0 })
    };
    SIZES.into_iter().flat_map(shapes)
}

/// Loads each server in turns.
fn measure(cell: &Load, running: &[Running], choice: &Choice) -> Result<Vec<Row>, String> {
    // A short load first, which fills the caches and tells how many requests fit the time.
    let mut loads = Vec::new();
    for server in running {
        let probe = Load { requests: cell.probe_requests(), ..*cell };
        let seconds = probe.run(server)?.wall_s.max(1e-3);
        let requests = (probe.requests as f64 * LOAD_S / seconds) as usize;
        loads.push(Load { requests: requests.max(cell.connections), ..*cell });
    }
    let mut rows: Vec<Row> = running
        .iter()
        .zip(&loads)
        .map(|(server, load)| Row::new(server.name, load.name(), load.requests))
        .collect();
    let rounds = running.iter().map(|server| choice.rounds(server.server)).max().unwrap_or(0);
    for round in 0..rounds {
        for turn in 0..running.len() {
            let at = if round % 2 == 0 { turn } else { running.len() - 1 - turn };
            if round < choice.rounds(running[at].server) {
                rows[at].loaded.push(loads[at].run(&running[at])?);
            }
        }
    }
    Ok(rows)
}

/// Lets this process, and those that it starts, have as many descriptors as idle connections need.
fn raise_descriptors(idle: usize) -> Result<(), String> {
    let needed = (idle + OTHER_DESCRIPTORS) as u64;
    let maximum = getrlimit(Resource::Nofile).maximum.map(|most| most.max(needed));
    let raised = Rlimit { current: Some(needed), maximum };
    setrlimit(Resource::Nofile, raised)
        .map_err(|error| format!("{idle} idle connections need {needed} descriptors (ulimit -Hn): {error}"))
}

/// Memory that each of many idle connections costs a server that was just started.
pub(super) fn idle(
    server: &'static Server,
    place: &Place,
    program: &str,
    count: usize,
) -> Result<Memory, String> {
    let running = Running::start(server, place)?;
    // The first connections fill what every later one shares.
    drop(Idle::open(&running, place, program, 100)?);
    let before = running.memory()?;
    let idle = Idle::open(&running, place, program, count)?;
    let after = running.memory()?;
    drop(idle);
    Ok(after.each_beyond(before, count))
}

/// A client that holds connections until it is dropped.
struct Idle(std::process::Child);

impl Idle {
    fn open(running: &Running, place: &Place, program: &str, count: usize) -> Result<Self, String> {
        let mut command = Command::new("taskset");
        command.args(["-c", CLIENT_CORE]).arg(place.peers.program(program));
        command.args([running.address(), count.to_string()]);
        let client = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut idle = Self(client.map_err(|error| format!("the idle client: {error}"))?);
        let mut ready = [0; 6];
        let heard = idle.0.stdout.as_mut().map(|pipe| pipe.read_exact(&mut ready));
        match heard {
            Some(Ok(())) => Ok(idle),
            _ => Err(format!("{count} connections to {} could not be opened", running.name)),
        }
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // It ends with its input; how is of no matter.
        let _ = self.0.wait();
    }
}

/// CPU time and throughput of one load, beside the load itself.
impl Load {
    fn run(&self, running: &Running) -> Result<Loaded, String> {
        let before = running.cpu()?;
        let mut loaded = self.request(&running.address())?;
        let took = usage::cpu_since(&before, &running.cpu()?);
        let took = took.map_err(|why| format!("{}: {why}", running.name))?;
        loaded.cpu_us = took.as_secs_f64() * 1e6 / self.requests as f64;
        Ok(loaded)
    }
}

#[cfg(test)]
mod tests;
