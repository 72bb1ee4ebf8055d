//! `cargo xtask interop bogo`: BoringSSL's hostile peer against the shim in `tests/bogo`.
//!
//! The peer's sources are nobody's here: they come with the crate `boring-sys`, are built below the target folder, and are
//! skipped aloud where one of their parts is missing.

pub(crate) mod cases;
mod setup;

use crate::{group::Group, root, target};
use cases::Cases;
use setup::Missing;
use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

/// The whole suite takes a third of it on two cores.
const RUN_WITHIN: Duration = Duration::from_secs(8 * 60);
const LIST_WITHIN: Duration = Duration::from_secs(120);
/// As many failures are told in full.
const TOLD: usize = 40;

/// Runs the cases that match one of `patterns`, or all that are not declined.
pub(crate) fn run(patterns: &[&str]) -> Result<(), String> {
    // The runner works in a folder of its own.
    let absolute = |path: PathBuf| std::path::absolute(path).map_err(|error| error.to_string());
    let folder = absolute(target().join("bogo"))?;
    let runner = match setup::runner(&folder) {
        Ok(runner) => runner,
        Err(Missing(why)) if env::var_os("SAKIGAKE_REQUIRE").is_some_and(|what| what == "all") => {
            return Err(format!("bogo: {why}"));
        }
        Err(Missing(why)) => {
            println!("skipped: {why}");
            return Ok(());
        }
    };
    let suite = Suite { shim: absolute(shim()?)?, runner, folder, cases: Cases::read(&root())? };
    if patterns.is_empty() { suite.all() } else { suite.some(patterns) }
}

struct Suite {
    runner: PathBuf,
    shim: PathBuf,
    folder: PathBuf,
    cases: Cases,
}

/// What became of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
    /// The shim lacks one of its flags.
    Unimplemented,
}

impl Suite {
    /// All but what is declined; what the shim declines of its own accord is a failure.
    fn all(&self) -> Result<(), String> {
        let names = self.names()?;
        let mut wrong = self.cases.faults(&names);
        let declined: Vec<&str> =
            names.iter().map(String::as_str).filter(|name| self.cases.declines(name)).collect();
        let outcomes = self.play(&declined, &[])?;
        let declined = declined.len();
        let of = |outcome| outcomes.iter().filter(move |(_, is)| **is == outcome).map(|(name, _)| name);
        wrong.extend(of(Outcome::Unimplemented).map(|name| format!("{name} is declined and not listed")));
        let page = root().join("docs/conformance.md");
        let page = fs::read_to_string(&page).map_err(|error| format!("{}: {error}", page.display()))?;
        if !page.contains(&self.cases.conformance()) {
            wrong.push("docs/conformance.md is out of date: run cargo xtask spec".into());
        }
        if declined + outcomes.len() != names.len() {
            wrong.push(format!("{declined} of {} declined, and {} run", names.len(), outcomes.len()));
        }
        wrong.iter().for_each(|line| println!("{line}"));
        self.tell(of(Outcome::Failed).map(String::as_str));
        let failed = of(Outcome::Failed).count() + wrong.len();
        println!("{} passed, {failed} failed, {declined} declined", of(Outcome::Passed).count());
        if failed == 0 { Ok(()) } else { Err(format!("bogo: {failed} failed")) }
    }

    /// What matches, whether it is declined or not.
    fn some(&self, patterns: &[&str]) -> Result<(), String> {
        let outcomes = self.play(&[], &["-test", &patterns.join(";")])?;
        let of =
            |outcome| outcomes.iter().filter(move |(_, is)| **is == outcome).map(|(name, _)| name.as_str());
        self.tell(of(Outcome::Failed));
        let (passed, failed) = (of(Outcome::Passed).count(), of(Outcome::Failed).count());
        println!("{passed} passed, {failed} failed, {} declined", of(Outcome::Unimplemented).count());
        if failed == 0 { Ok(()) } else { Err(format!("bogo: {failed} failed")) }
    }

    /// The name of every case that there is; kept beside the runner, since they are its own.
    fn names(&self) -> Result<Vec<String>, String> {
        let list = self.folder.join("cases.txt");
        if let Ok(text) = fs::read_to_string(&list) {
            return Ok(text.lines().map(str::to_owned).collect());
        }
        println!("listing the cases");
        // A flag that no shim knows: each case is declined at once.
        let outcomes = self.start(&["-shim-extra-flags", "-list"], LIST_WITHIN)?;
        let names: Vec<String> = outcomes.into_keys().collect();
        fs::write(&list, names.join("\n")).map_err(|error| format!("{}: {error}", list.display()))?;
        Ok(names)
    }

    fn play(&self, disabled: &[&str], words: &[&str]) -> Result<BTreeMap<String, Outcome>, String> {
        let config = self.folder.join("config.json");
        fs::write(&config, self.cases.config(disabled.iter().copied()))
            .map_err(|error| format!("{}: {error}", config.display()))?;
        let config = config.to_string_lossy();
        self.start(&[&["-shim-config", &config], words].concat(), RUN_WITHIN)
    }

    /// Runs the runner with `words`; what it says stands in `run.log`.
    fn start(&self, words: &[&str], limit: Duration) -> Result<BTreeMap<String, Outcome>, String> {
        let json = self.folder.join("out.json");
        // What an earlier run left must not be taken for this one's.
        match fs::remove_file(&json) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.to_string()),
            _ => {}
        }
        let log = fs::File::create(self.log()).map_err(|error| error.to_string())?;
        let errors = log.try_clone().map_err(|error| error.to_string())?;
        let mut command = Command::new(&self.runner);
        command.arg("-shim-path").arg(&self.shim).arg("-json-output").arg(&json);
        command.args(["-pipe", "-allow-unimplemented", "-num-workers", "2"]).args(words);
        command.current_dir(&self.folder).stdin(Stdio::null()).stdout(log).stderr(errors);
        // Its status says little: what counts is what it wrote.
        let ended = Group::start(&mut command)?.wait(limit);
        let text = fs::read_to_string(&json).map_err(|error| {
            format!("{}: {error} ({ended:?}; see {})", json.display(), self.log().display())
        })?;
        outcomes(&text)
    }

    fn log(&self) -> PathBuf {
        self.folder.join("run.log")
    }

    /// Prints what the runner said about the failed ones.
    fn tell<'a>(&self, failed: impl Iterator<Item = &'a str>) {
        let log = fs::read_to_string(self.log()).unwrap_or_default(); // Without it the names have to do.
        for (at, name) in failed.enumerate() {
            let head = format!("FAILED ({name})\n");
            let said = log.split_once(&head).filter(|_| at < TOLD).map(|(_, rest)| rest);
            println!("{head}{}", said.map_or("", |rest| rest.split("extra stderr:").next().unwrap_or("")));
        }
    }
}

/// The runner's report: a test by name, and what came of it.
fn outcomes(json: &str) -> Result<BTreeMap<String, Outcome>, String> {
    #[derive(serde::Deserialize)]
    struct Report {
        tests: BTreeMap<String, Case>,
    }
    #[derive(serde::Deserialize)]
    struct Case {
        actual: String,
    }
    let report: Report = serde_json::from_str(json).map_err(|error| format!("the report: {error}"))?;
    let outcome = |case: &Case| match case.actual.as_str() {
        "PASS" => Outcome::Passed,
        "SKIP" => Outcome::Unimplemented,
        _ => Outcome::Failed,
    };
    Ok(report.tests.iter().map(|(name, case)| (name.clone(), outcome(case))).collect())
}

/// Builds the shim: with debug assertions, since this is what they are for.
fn shim() -> Result<PathBuf, String> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--locked", "--package", "sakigake-bogo"]).current_dir(root());
    succeed(&mut cargo).map_err(|Missing(why)| why)?;
    Ok(target().join("debug/sakigake-bogo"))
}

/// Runs a program that has to end well.
fn succeed(command: &mut Command) -> Result<(), Missing> {
    let program = Path::new(command.get_program()).display().to_string();
    match command.stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Missing(format!("{program}: {status}"))),
        Err(error) => Err(Missing(format!("{program}: {error}"))),
    }
}

#[cfg(test)]
mod tests;
