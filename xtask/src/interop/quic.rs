//! `cargo xtask interop quic`: the interop runner's cases between QUIC endpoints, over our own link.
//!
//! Each run has two network namespaces of its own and the link between them (`tests/link`), which also captures what passes at the
//! server. A run counts when the client has every file unchanged and the capture shows what the case is about.

mod capture;
mod cases;
mod chosen;
mod endpoints;
mod play;
mod results;
mod shows;

use cases::{CASES, Case};
use endpoints::Endpoint;
use results::{Outcome, Results, Row};
use std::{
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

pub(crate) const USAGE: &str = "\
Usage: cargo xtask interop quic [--ci | --resume] [--only WORD[,WORD...]] [--minutes N] [--jobs N] [--table]

  --ci         runs what continuous integration does, and keeps no results
  --resume     runs what has no result yet
  --only       of the cases and endpoints those that are named; two endpoints are a pair, either way round
  --minutes N  starts no run later than that [default: 8]
  --jobs N     so many runs at once [default: 4]
  --table      only writes docs/interop.md from the results that there are
";

/// A run that was started may take as long as its case allows beyond this.
const MINUTES: u64 = 8;
const JOBS: usize = 4;

struct Arguments {
    is_ci: bool,
    is_resumed: bool,
    only: Vec<String>,
    minutes: u64,
    jobs: usize,
    is_table_alone: bool,
}

/// A case between two endpoints.
struct Run<'a> {
    case: &'static Case,
    client: &'a Endpoint,
    server: &'a Endpoint,
}

/// What the page says of the results that there are.
pub(super) fn section() -> Result<String, String> {
    Ok(Results::read()?.section())
}

/// Runs what `words` choose, and writes the table.
pub(crate) fn run(words: &[&str]) -> Result<(), String> {
    let arguments = Arguments::read(words)?;
    if arguments.is_ci {
        return in_ci(&arguments);
    }
    let mut results = Results::read()?;
    if arguments.is_table_alone {
        return results.write();
    }
    let endpoints = endpoints::all(&arguments.only)?;
    let runs = arguments.choose(&endpoints);
    if runs.is_empty() {
        return Err(format!("nothing is called {}", arguments.only.join(" or ")));
    }
    if !arguments.is_resumed {
        results.forget(|row| runs.iter().any(|run| run.is(row)));
    }
    let due: Vec<Run> = runs.into_iter().filter(|run| !results.rows().any(|row| run.is(row))).collect();
    let (done, left) = arguments.play(due, &mut results)?;
    results.write()?;
    let count = |outcome: Outcome| done.iter().filter(|row| row.outcome == outcome).count();
    let failed = count(Outcome::Failed);
    if left > 0 {
        println!("{left} runs are left: cargo xtask interop quic --resume");
    }
    println!("{} passed, {failed} failed, {} skipped", count(Outcome::Passed), count(Outcome::Lacked));
    if failed == 0 { Ok(()) } else { Err(format!("interop quic: {failed} failed")) }
}

/// What is chosen for continuous integration: each run has to be over and to have passed.
fn in_ci(arguments: &Arguments) -> Result<(), String> {
    let endpoints = endpoints::all(&chosen::ENDPOINTS.map(str::to_owned))?;
    let runs: Vec<Run> = arguments.choose(&endpoints).into_iter().filter(Run::is_chosen).collect();
    if runs.is_empty() {
        return Err("nothing of that name is chosen".into());
    }
    let (done, left) = arguments.play(runs, &mut Results::unkept())?;
    let passed = done.iter().filter(|row| row.outcome == Outcome::Passed).count();
    let failed = done.len() - passed + left;
    println!("{passed} passed, {failed} failed, 0 skipped");
    if failed == 0 { Ok(()) } else { Err(format!("interop quic: {failed} failed or never began")) }
}

impl Arguments {
    fn read(words: &[&str]) -> Result<Self, String> {
        let (is_ci, is_resumed, is_table_alone, only) = (false, false, false, Vec::new());
        let mut read = Self { is_ci, is_resumed, only, minutes: MINUTES, jobs: JOBS, is_table_alone };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value\n\n{USAGE}"));
            let number = |text: &str| text.parse::<u64>().map_err(|_| format!("{text} is no number"));
            match *word {
                "--ci" => read.is_ci = true,
                "--resume" => read.is_resumed = true,
                "--table" => read.is_table_alone = true,
                "--only" => read.only = value()?.split(',').map(str::to_owned).collect(),
                "--minutes" => read.minutes = number(value()?)?,
                "--jobs" => read.jobs = usize::try_from(number(value()?)?.max(1)).unwrap_or(JOBS),
                _ => return Err(format!("{word} is unknown\n\n{USAGE}")),
            }
        }
        Ok(read)
    }

    /// The cases that are named, or all, with the endpoints that are named: one with each other, or two with one another.
    fn choose<'a>(&self, endpoints: &'a [Endpoint]) -> Vec<Run<'a>> {
        let is_named = |name: &str| self.only.iter().any(|word| word == name);
        let has_cases = CASES.iter().any(|case| is_named(case.name));
        let named = endpoints.iter().filter(|endpoint| is_named(endpoint.name)).count();
        let is_pair = |client: &Endpoint, server: &Endpoint| match named {
            0 => true,
            1 => is_named(client.name) || is_named(server.name),
            _ => is_named(client.name) && is_named(server.name),
        };
        let is_known = |word: &String| {
            CASES.iter().any(|case| case.name == word)
                || endpoints.iter().any(|endpoint| endpoint.name == word)
        };
        if !self.only.iter().all(is_known) {
            return Vec::new();
        }
        let mut runs = Vec::new();
        for case in CASES.iter().filter(|case| !has_cases || is_named(case.name)) {
            for client in endpoints {
                let servers = endpoints.iter().filter(|server| is_pair(client, server));
                runs.extend(servers.map(|server| Run { case, client, server }));
            }
        }
        runs
    }

    /// Plays `due`, some at a time, until the time is over. Gives back what came of them, and how many are left.
    fn play(&self, due: Vec<Run>, results: &mut Results) -> Result<(Vec<Row>, usize), String> {
        let end = Instant::now() + Duration::from_secs(60 * self.minutes);
        let mut left = due.len();
        let queue = Mutex::new(due.into_iter());
        let done = Mutex::new((Vec::new(), results));
        thread::scope(|scope| {
            for _ in 0..self.jobs {
                scope.spawn(|| {
                    while Instant::now() < end {
                        let Some(run) = queue.lock().unwrap_or_else(PoisonError::into_inner).next() else {
                            return;
                        };
                        let start = Instant::now();
                        let row = run.play();
                        println!("{:6.1} s  {row}", start.elapsed().as_secs_f64());
                        let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                        let (rows, results) = &mut *done;
                        results.add(row.clone());
                        rows.push(row);
                    }
                });
            }
        });
        let (rows, _) = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        left -= rows.len();
        Ok((rows, left))
    }
}

impl Run<'_> {
    fn is(&self, row: &Row) -> bool {
        row.case == self.case.name && row.client == self.client.name && row.server == self.server.name
    }

    fn is_chosen(&self) -> bool {
        chosen::is_chosen(self.case.name, self.client.name, self.server.name)
    }

    fn play(&self) -> Row {
        let (outcome, note) = play::play(self.case, self.client, self.server);
        Row::new(self.case.name, self.client.name, self.server.name, outcome, &note)
    }
}
