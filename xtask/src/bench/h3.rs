//! HTTP/3 beside other servers: CPU a request, CPU a handshake and handshakes a second, memory an idle connection.
//!
//! As `bench h2`: the servers run at the same time on core 0 and are loaded one after the other from core 1, in an order that turns
//! with each round, by one load generator (`sakigake bench --http3`). What counts is the CPU time of a server's processes.

mod load;
mod servers;

use super::{
    h2::idle,
    report::{self, Row, write},
    servers::{Place, Running, Server, versions},
};
use crate::root;
use load::Load;
use servers::SERVERS;
use std::path::PathBuf;

/// Idle connections at a time.
const IDLE: usize = 2_000;

/// What one load should take, in seconds, as far as the number of requests can say.
const LOAD_S: f64 = 0.5;

/// Sizes of the files, and their names.
const SIZES: [(&str, usize); 3] = [("1k", 1 << 10), ("16k", 16 << 10), ("1m", 1 << 20)];

/// Connections, and streams on each at a time.
const SHAPE: (usize, usize) = (10, 10);

/// Connections of one load of handshakes, all opened at once, one request on each.
const HANDSHAKES: usize = 100;

const ROUNDS: usize = 7;

pub(crate) const USAGE: &str = "\
HTTP/3 beside other servers.

Usage: cargo xtask bench h3 [--only WORD]... [--servers NAME,...] [--rounds N] [--idle N] [--raw FILE]

  --only WORD     cells whose name contains WORD (1k-10x10, 16k-10x10, 1m-10x10, handshakes), or idle
  --servers LIST  of sakigake, h3+quinn, caddy
  --rounds N      how often each server is loaded in a cell (7)
  --idle N        idle connections at a time (2000)
  --raw FILE      append what was measured, a line a load

Without options everything is measured, and the lines are docs/benchmarks/h3.tsv.";

/// Where the lines of the whole measurement lie.
const RAW: &str = "docs/benchmarks/h3.tsv";

/// What the command line asks for.
struct Choice {
    only: Vec<String>,
    servers: Vec<String>,
    rounds: usize,
    idle: usize,
    raw: Option<PathBuf>,
}

pub(crate) fn run(words: &[&str]) -> Result<(), String> {
    let choice = Choice::read(words)?;
    let servers: Vec<&Server> = SERVERS.iter().filter(|server| choice.wants_server(server)).collect();
    let place = Place::make(&root(), &SIZES, "peer-h3")?;
    for line in versions(&servers, &place, &place.ours.join("sakigake")) {
        println!("{line}");
        choice.keep(&line)?;
    }
    load_all(&servers, &place, &choice)?;
    if choice.wants("idle") {
        println!("{:10} {:>12} {:>12}", "idle", "RSS B/conn", "heap B/conn");
        for server in servers {
            eprintln!("# {} idle connections to {}", choice.idle, server.name);
            let each = idle(server, &place, "idle-h3", choice.idle)?;
            println!("{:10} {:>12} {:>12}", server.name, each.resident, each.anonymous);
            let (count, name) = (choice.idle, server.name);
            choice.keep(&format!("idle-{count}\t{name}\t{}\t{}", each.resident, each.anonymous))?;
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
        let rows = measure(cell, &running, place, choice)?;
        println!("{}", report::cell(&rows));
        rows.iter().flat_map(Row::lines).try_for_each(|line| choice.keep(&line))?;
    }
    Ok(())
}

fn cells() -> impl Iterator<Item = Load> {
    let (connections, streams) = SHAPE;
    let requests = SIZES.map(|(file, bytes)| Load {
        file,
        bytes,
        connections,
        streams,
        requests: 0,
        is_handshake: false,
    });
    let handshakes = Load {
        file: "1k",
        bytes: 1 << 10,
        connections: HANDSHAKES,
        streams: 1,
        requests: HANDSHAKES,
        is_handshake: true,
    };
    requests.into_iter().chain([handshakes])
}

/// Loads each server in turns.
fn measure(cell: &Load, running: &[Running], place: &Place, choice: &Choice) -> Result<Vec<Row>, String> {
    let mut loads = Vec::new();
    for server in running {
        loads.push(cell.fitting(server, place, LOAD_S)?);
    }
    let mut rows: Vec<Row> = running
        .iter()
        .zip(&loads)
        .map(|(server, load)| Row::new(server.name, load.name(), load.requests))
        .collect();
    for round in 0..choice.rounds {
        for turn in 0..running.len() {
            let at = if round % 2 == 0 { turn } else { running.len() - 1 - turn };
            rows[at].loaded.push(loads[at].run(&running[at], place)?);
        }
    }
    Ok(rows)
}

impl Choice {
    fn read(words: &[&str]) -> Result<Self, String> {
        let mut choice =
            Self { only: Vec::new(), servers: Vec::new(), rounds: ROUNDS, idle: IDLE, raw: None };
        if words.is_empty() {
            let raw = root().join(RAW);
            write(&raw, b"")?;
            choice.raw = Some(raw);
        }
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} wants a value\n\n{USAGE}"));
            let number = |value: &str| {
                let number = value.parse().ok().filter(|number| *number > 0);
                number.ok_or_else(|| format!("{word} wants a number from 1 on"))
            };
            match *word {
                "--only" => choice.only.push((*value()?).into()),
                "--servers" => choice.servers.extend(value()?.split(',').map(str::to_owned)),
                "--rounds" => choice.rounds = number(value()?)?,
                "--idle" => choice.idle = number(value()?)?,
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
}

#[cfg(test)]
mod tests;
