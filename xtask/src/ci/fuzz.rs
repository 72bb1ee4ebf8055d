//! Fuzzing: a target for each body, a while for each target.

use crate::{
    root,
    runner::{Runner, Step},
    source,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

/// Seconds that each body gets.
const SECONDS: u32 = 15;
/// What starting, reading the seeds and stopping may take on top, in seconds.
const MARGIN_S: u32 = 45;
/// More than this and a body allocates without bound.
const MEMORY_MB: u32 = 1_024;
/// One input may take this long, in seconds.
const INPUT_S: u32 = 5;

/// Each body in the crates has one target with seeds, and the other way round.
pub(super) fn check() -> Result<(), String> {
    let root = root();
    let crates: Vec<String> =
        source::all(&root, &["crates"])?.iter().flat_map(|file| bodies(&file.text)).collect();
    let targets = targets(&root.join("fuzz/fuzz_targets"))?;
    let mut wrong = faults(&crates, &targets);
    for target in targets.keys() {
        let seeds = root.join("fuzz/seeds").join(target);
        if fs::read_dir(&seeds).map_or(0, |entries| entries.count()) == 0 {
            wrong.push(format!("fuzz/seeds/{target} has no seeds"));
        }
    }
    println!("{} fuzz bodies", crates.len());
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// The names of the fuzz bodies that a file declares.
fn bodies(text: &str) -> Vec<String> {
    text.lines().filter_map(|line| name_behind(line, "pub fn fuzz_")).collect()
}

/// What stands behind `before`, to the end of the name.
fn name_behind(line: &str, before: &str) -> Option<String> {
    let (_, rest) = line.split_once(before)?;
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    Some(rest[..end].to_owned())
}

/// Each target with the body that it calls.
fn targets(folder: &Path) -> Result<BTreeMap<String, Option<String>>, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut targets = BTreeMap::new();
    for entry in entries {
        let path = entry.map_err(|error| error.to_string())?.path();
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        targets.insert(name, text.lines().find_map(|line| name_behind(line, "::fuzz::fuzz_")));
    }
    Ok(targets)
}

fn faults(crates: &[String], targets: &BTreeMap<String, Option<String>>) -> Vec<String> {
    let called: BTreeSet<&String> = targets.values().flatten().collect();
    let uncalled = crates.iter().filter(|body| !called.contains(body));
    let idle = targets.iter().filter(|(_, body)| body.as_ref().is_none_or(|body| !crates.contains(body)));
    uncalled
        .map(|body| format!("fuzz_{body} has no target"))
        .chain(idle.map(|(target, _)| format!("the target {target} calls no body")))
        .collect()
}

/// Builds all targets at once, then runs each.
///
/// No sanitizer: there is no unsafe code of ours to watch, and without one the stable compiler will do.
pub(super) fn steps(runner: &mut Runner, tool: &Path) {
    let command = |arguments: &[&str]| {
        let mut command = Command::new(tool);
        // cargo-fuzz builds below fuzz/, whatever else is built elsewhere: its flags differ from everybody's.
        command.args(arguments).args(["--sanitizer", "none"]).current_dir(root());
        command
    };
    // An unreadable folder was a fault of the check before, and here there is nothing to run.
    let targets = targets(&root().join("fuzz/fuzz_targets")).unwrap_or_default();
    if !runner.step("fuzz: build", 8, command(&["build"])) {
        return;
    }
    let run = |target: &String| {
        // What is found goes into the first folder, which is not committed.
        let (found, seeds) = (format!("fuzz/corpus/{target}"), format!("fuzz/seeds/{target}"));
        let mut command = command(&["run", target, &found, &seeds]);
        command.args(["--", "-verbosity=0", "-max_len=4096"]);
        // One seed, so that a change is judged by what it changed; longer runs draw their own.
        command.args([format!("-max_total_time={SECONDS}"), "-seed=1".into()]);
        command.arg(format!("-rss_limit_mb={MEMORY_MB}")).arg(format!("-timeout={INPUT_S}"));
        // A folder that cannot be made fails the run, which says so better.
        let _ = fs::create_dir_all(root().join(&found));
        Step::new(format!("fuzz: {target}"), u64::from(SECONDS + MARGIN_S), command)
    };
    runner.side_by_side(targets.keys().map(run).collect());
}

#[cfg(test)]
mod tests;
