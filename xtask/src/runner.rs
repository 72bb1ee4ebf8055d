//! Runs a step: prints its seconds, holds it to a time limit of its own, counts what its test runners closed with.

use crate::group::Group;
use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// How long the last lines of a step that is over may take to arrive.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What all runners together closed with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// A program to run, and how long it may take.
pub(crate) struct Step {
    name: String,
    limit: Duration,
    command: Command,
}

impl Step {
    pub(crate) fn new(name: impl Into<String>, limit_s: u64, command: Command) -> Self {
        Self { name: name.into(), limit: Duration::from_secs(limit_s), command }
    }
}

/// Steps of a tier, run one after the other; a failing one does not hide the next.
#[derive(Default)]
pub(crate) struct Runner {
    tally: Tally,
    failed: Vec<String>,
}

impl Runner {
    /// Runs `command` for at most `minutes`. Gives back whether it went well.
    pub(crate) fn step(&mut self, name: &str, minutes: u64, command: Command) -> bool {
        let mut step = Step::new(name, 60 * minutes, command);
        println!("== {name}: {}", words(&step.command));
        let start = Instant::now();
        let outcome = run(&mut step.command, step.limit);
        self.settle(name, start.elapsed(), outcome)
    }

    /// Runs what was counted before in other surroundings: only a failure counts.
    pub(crate) fn again(&mut self, name: &str, minutes: u64, command: Command) -> bool {
        let before = self.tally;
        let went_well = self.step(name, minutes, command);
        self.tally = Tally { failed: self.tally.failed, ..before };
        went_well
    }

    /// Runs steps that need one core each, as many at a time as there are cores.
    pub(crate) fn side_by_side(&mut self, steps: Vec<Step>) {
        let width = thread::available_parallelism().map_or(1, usize::from);
        let queue = Mutex::new(steps.into_iter());
        let this = Mutex::new(self);
        thread::scope(|scope| {
            for _ in 0..width {
                scope.spawn(|| {
                    loop {
                        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                        let Some(mut step) = next else { return };
                        println!("== {}: {}", step.name, words(&step.command));
                        let start = Instant::now();
                        let outcome = run(&mut step.command, step.limit);
                        let mut this = this.lock().unwrap_or_else(PoisonError::into_inner);
                        this.settle(&step.name, start.elapsed(), outcome);
                    }
                });
            }
        });
    }

    /// Takes a step of our own that is no program.
    pub(crate) fn check(&mut self, name: &str, check: impl FnOnce() -> Result<(), String>) -> bool {
        println!("== {name}");
        let start = Instant::now();
        let outcome = check().map(|()| Tally::default()).map_err(|why| (Tally::default(), why));
        self.settle(name, start.elapsed(), outcome)
    }

    /// A step that fails and counted no failure of its own is one.
    fn settle(&mut self, name: &str, took: Duration, outcome: Result<Tally, (Tally, String)>) -> bool {
        let seconds = took.as_secs_f64();
        match outcome {
            Ok(tally) => {
                self.tally.add(tally);
                println!("== {name}: ok in {seconds:.1} s");
                true
            }
            Err((mut tally, why)) => {
                tally.failed = tally.failed.max(1);
                self.tally.add(tally);
                println!("== {name}: FAILED in {seconds:.1} s: {why}");
                self.failed.push(name.to_owned());
                false
            }
        }
    }

    /// The closing lines.
    pub(crate) fn finish(self) -> Result<(), String> {
        let Tally { passed, failed, skipped } = self.tally;
        println!("{passed} passed, {failed} failed, {skipped} skipped");
        if self.failed.is_empty() && failed == 0 {
            return Ok(());
        }
        Err(format!("failed: {}", self.failed.join(", ")))
    }
}

fn words(command: &Command) -> String {
    let arguments = command.get_args().map(|word| word.to_string_lossy().into_owned());
    let program = command.get_program().to_string_lossy().into_owned();
    std::iter::once(program).chain(arguments).collect::<Vec<_>>().join(" ")
}

fn run(command: &mut Command, limit: Duration) -> Result<Tally, (Tally, String)> {
    let piped = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut group = Group::start(piped).map_err(|why| (Tally::default(), why))?;
    let tally = Arc::new(Mutex::new(Tally::default()));
    let readers = [
        group.child.stdout.take().map(|pipe| echo(BufReader::new(pipe), tally.clone())),
        group.child.stderr.take().map(|pipe| echo(BufReader::new(pipe), tally.clone())),
    ];
    let outcome = group.wait(limit);
    // Who left the group may hold its output for ever: what it has yet to say is not waited for.
    let end = Instant::now() + LAST_WORDS;
    while readers.iter().flatten().any(|reader| !reader.is_finished()) && Instant::now() < end {
        thread::sleep(Duration::from_millis(5));
    }
    let tally = *tally.lock().unwrap_or_else(PoisonError::into_inner);
    outcome.map(|()| tally).map_err(|why| (tally, why))
}

fn echo(pipe: impl BufRead + Send + 'static, tally: Arc<Mutex<Tally>>) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        // A line that cannot be read ends the echo, not the step.
        for line in pipe.split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            if let Some(counts) = closing(&line) {
                tally.lock().unwrap_or_else(PoisonError::into_inner).add(counts);
            }
        }
    })
}

/// What a test runner's closing line says: cargo's `test result: ...`, or the plain `N passed, N failed[, N skipped]`.
fn closing(line: &str) -> Option<Tally> {
    let line = line.trim();
    let counts = match line.strip_prefix("test result: ") {
        Some(rest) => rest.split_once(". ")?.1,
        None if line.starts_with(|c: char| c.is_ascii_digit()) && line.contains(" passed, ") => line,
        None => return None,
    };
    let number = |word: &str| {
        let part = counts.split([';', ',']).map(str::trim).find(|part| part.ends_with(word))?;
        part.split(' ').next()?.parse::<u64>().ok()
    };
    Some(Tally {
        passed: number("passed")?,
        failed: number("failed")?,
        skipped: number("skipped").or_else(|| number("ignored")).unwrap_or(0),
    })
}

#[cfg(test)]
mod tests;
