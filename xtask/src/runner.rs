//! Runs a step: prints its seconds, holds it to a time limit of its own, counts what its test runners closed with.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

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

/// Steps of a tier, run one after the other; a failing one does not hide the next.
#[derive(Default)]
pub(crate) struct Runner {
    tally: Tally,
    failed: Vec<String>,
}

impl Runner {
    /// Runs `command` for at most `minutes`.
    pub(crate) fn step(&mut self, name: &str, minutes: u64, command: &mut Command) {
        println!("== {name}: {}", words(command));
        let start = Instant::now();
        let outcome = run(command, Duration::from_secs(60 * minutes));
        let seconds = start.elapsed().as_secs_f64();
        match outcome {
            Ok(tally) => {
                self.tally.add(tally);
                println!("== {name}: ok in {seconds:.1} s");
            }
            Err((tally, why)) => {
                self.tally.add(tally);
                println!("== {name}: FAILED in {seconds:.1} s: {why}");
                self.failed.push(name.to_owned());
            }
        }
    }

    /// Counts a step of our own that is no program.
    pub(crate) fn check(&mut self, name: &str, check: impl FnOnce() -> Result<(), String>) {
        println!("== {name}");
        let start = Instant::now();
        match check() {
            Ok(()) => println!("== {name}: ok in {:.1} s", start.elapsed().as_secs_f64()),
            Err(why) => {
                println!("== {name}: FAILED: {why}");
                self.failed.push(name.to_owned());
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
    let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.map_err(|error| (Tally::default(), error.to_string()))?;
    let tally = Arc::new(Mutex::new(Tally::default()));
    let readers = [
        child.stdout.take().map(|pipe| echo(BufReader::new(pipe), tally.clone())),
        child.stderr.take().map(|pipe| echo(BufReader::new(pipe), tally.clone())),
    ];
    let outcome = wait(&mut child, limit);
    for reader in readers.into_iter().flatten() {
        if reader.join().is_err() {
            return Err((Tally::default(), "the reader of its output panicked".into()));
        }
    }
    let tally = *tally.lock().unwrap_or_else(PoisonError::into_inner);
    outcome.map(|()| tally).map_err(|why| (tally, why))
}

fn echo(pipe: impl BufRead + Send + 'static, tally: Arc<Mutex<Tally>>) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        // A line that is not UTF-8 ends the echo, not the step.
        for line in pipe.lines().map_while(Result::ok) {
            println!("{line}");
            if let Some(counts) = closing(&line) {
                tally.lock().unwrap_or_else(PoisonError::into_inner).add(counts);
            }
        }
    })
}

fn wait(child: &mut Child, limit: Duration) -> Result<(), String> {
    let start = Instant::now();
    loop {
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(status.to_string()),
            None if start.elapsed() > limit => {
                child.kill().map_err(|error| error.to_string())?;
                child.wait().map_err(|error| error.to_string())?;
                return Err(format!("took longer than {} min", limit.as_secs() / 60));
            }
            None => thread::sleep(Duration::from_millis(50)),
        }
    }
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
