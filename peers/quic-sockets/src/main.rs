//! The conductor: starts a server and a client of each stack, each pinned to its core, and has them do the same in turns.

mod cells;
mod report;
mod stack;

use cells::{CELLS, Cell};
use ends::Task;
use report::{Report, Turn};
use stack::{Folder, Stack};
use std::{env, fs, path::PathBuf, process::ExitCode};

const USAGE: &str = "\
Usage: bench-quic-sockets quic [--rounds N] [--only PART OF A CELL'S NAME] [--stacks NAME,...] [--quiche PROGRAM]
                               [--idle CONNECTIONS] [--raw FILE]";

/// Idle connections at a time.
const IDLE: usize = 1_000;
/// Connections that came and went before: what a server keeps for its first ones is there.
const BEFORE_IDLE: usize = 64;

struct Options {
    rounds: usize,
    only: String,
    stacks: Option<String>,
    quiche: Option<PathBuf>,
    idle: usize,
    raw: Option<PathBuf>,
}

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let outcome = match words.split_first() {
        Some((benchmark, rest)) if benchmark == "quic" => Options::read(rest).and_then(|it| run(&it)),
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
        let mut options =
            Self { rounds: 9, only: String::new(), stacks: None, quiche: None, idle: IDLE, raw: None };
        for pair in words.chunks(2) {
            let [name, value] = pair else { return Err(USAGE.to_owned()) };
            let number = || value.parse().map_err(|_| format!("no number: {value}"));
            match name.as_str() {
                "--rounds" => options.rounds = number()?,
                "--idle" => options.idle = number()?,
                "--only" => options.only.clone_from(value),
                "--stacks" => options.stacks = Some(value.clone()),
                "--quiche" => options.quiche = Some(value.into()),
                "--raw" => options.raw = Some(value.into()),
                _ => return Err(USAGE.to_owned()),
            }
        }
        if options.rounds == 0 || options.idle == 0 { Err(USAGE.to_owned()) } else { Ok(options) }
    }

    fn wants(&self, cell: &str) -> bool {
        cell.contains(&self.only)
    }

    fn wants_stack(&self, name: &str) -> bool {
        self.stacks.as_ref().is_none_or(|names| names.split(',').any(|wanted| wanted == name))
    }
}

fn run(options: &Options) -> Result<(), String> {
    let folder = Folder::make()?;
    let programs = stack::programs(options.quiche.as_deref())?;
    let wanted = programs.into_iter().filter(|(name, _)| options.wants_stack(name));
    let mut stacks =
        wanted.map(|(name, path)| Stack::start(name, &path, &folder)).collect::<Result<Vec<_>, _>>()?;
    println!(
        "servers on core {}, clients on core {}; {} rounds",
        stack::SERVER_CORE,
        stack::CLIENT_CORE,
        options.rounds
    );
    let mut report = Report::default();
    for cell in CELLS.iter().filter(|cell| options.wants(cell.name)) {
        measure(cell, &mut stacks, options.rounds, &mut report)?;
        println!("\n{}", report.last());
    }
    if options.wants("idle") {
        drop(stacks);
        idle(options, &folder, &mut report)?;
    }
    match &options.raw {
        Some(path) => fs::write(path, report.raw()).map_err(|why| format!("{}: {why}", path.display())),
        None => Ok(()),
    }
}

/// All stacks take turns; each round begins with the next of them.
fn measure(
    cell: &'static Cell,
    stacks: &mut [Stack],
    rounds: usize,
    report: &mut Report,
) -> Result<(), String> {
    let mut able: Vec<&mut Stack> = stacks.iter_mut().filter(|stack| cell.is_for(stack.name)).collect();
    if able.is_empty() {
        return Ok(());
    }
    for stack in &mut able {
        stack.perform(cell.task)?; // Caches and what grows with the first turn are warm.
    }
    report.begin(cell);
    for round in 0..rounds {
        for place in 0..able.len() {
            let at = (place + round) % able.len();
            let spent = able[at].perform(cell.task)?;
            report.add(Turn { stack: able[at].name, round, spent });
        }
    }
    Ok(())
}

/// What a server's heap grows by for each connection that waits; each server is a new process.
fn idle(options: &Options, folder: &Folder, report: &mut Report) -> Result<(), String> {
    println!("\nidle: bytes of a server's heap and stacks a connection, {} connections", options.idle);
    let programs = stack::programs(options.quiche.as_deref())?;
    let quic = programs.into_iter().filter(|(name, _)| !cells::LIMITS.contains(name));
    for (name, path) in quic.filter(|(name, _)| options.wants_stack(name)) {
        let mut stack = Stack::start(name, &path, folder)?;
        stack.perform(Task::Hold { count: BEFORE_IDLE })?;
        let before = stack.server_anonymous()?;
        stack.perform(Task::Hold { count: options.idle })?;
        let each = stack.server_anonymous()?.saturating_sub(before) / options.idle as u64;
        println!("{name:12} {each:>10}");
        report.idle(name, options.idle, each);
    }
    Ok(())
}
