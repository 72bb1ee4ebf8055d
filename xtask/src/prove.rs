//! `spec --prove`: draws claims, takes away the line that enforces each, and sees whether its test notices.

mod mutants;
mod scratch;
mod shown;

use crate::{
    root,
    source::{self, Source},
    spec::{self, Claim},
};
use mutants::mutants;
use scratch::{Scratch, Verdict};
use shown::Shown;
use std::collections::BTreeMap;

/// What became of the lines that were taken away.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    lines: usize,
    survived: Vec<String>,
    /// Lines without which nothing builds, whatever stands in their place.
    unbuildable: Vec<String>,
}

/// Draws `count` of the MUSTs that are marked done, by `seed`, and takes away each line that carries the tag of one: at least
/// one of the tests with that tag has to fail then.
pub(crate) fn prove(count: usize, seed: u64, only: Option<&str>) -> Result<(), String> {
    let root = root();
    let sources = source::all(&root, &["crates", "tests", "fuzz"])?;
    let texts: BTreeMap<String, &Source> =
        sources.iter().map(|source| (source.path.display().to_string(), source)).collect();
    let claims = spec::claims(&root, &sources)?;
    let drawn: Vec<&Claim> = match only {
        Some(id) => claims.iter().filter(|claim| claim.id == id).collect(),
        None => draw(&claims, count, seed),
    };
    if drawn.is_empty() {
        return Err("no such claim: it is not listed, or not a MUST that is marked done".into());
    }
    let scratch = Scratch::new(&root)?;
    let mut outcome = Outcome::default();
    for claim in &drawn {
        let tests = shown_by(claim, &texts)?;
        for at in &claim.code {
            let source = texts.get(&at.path).ok_or_else(|| format!("{} is gone", at.path))?;
            try_line(&scratch, claim, source, at.line, &tests, &mut outcome)?;
        }
    }
    let Outcome { lines, survived, unbuildable } = outcome;
    for line in &unbuildable {
        println!("cannot be taken away: {line}");
    }
    println!(
        "{} drawn, {lines} lines, {} cannot be taken away, {} survived",
        drawn.len(),
        unbuildable.len(),
        survived.len()
    );
    if survived.is_empty() { Ok(()) } else { Err(format!("survived:\n{}", survived.join("\n"))) }
}

/// One line of one claim: every way to take it away, until one builds.
fn try_line(
    scratch: &Scratch,
    claim: &Claim,
    source: &Source,
    line: usize,
    tests: &[Shown],
    outcome: &mut Outcome,
) -> Result<(), String> {
    outcome.lines += 1;
    let place = format!("{} at {}:{}", claim.id, source.path.display(), line);
    for mutant in mutants(&source.text, line) {
        let _held = scratch.change(&source.path, &mutant.text)?;
        match scratch.run(tests)? {
            Verdict::Unbuildable => continue,
            Verdict::Failed(by) => println!("{place}, {}: caught by {by}", mutant.what),
            Verdict::Passed => {
                println!("{place}, {}: SURVIVED", mutant.what);
                outcome.survived.push(format!("{place}, {}", mutant.what));
            }
        }
        return Ok(());
    }
    outcome.unbuildable.push(place);
    Ok(())
}

fn shown_by(claim: &Claim, texts: &BTreeMap<String, &Source>) -> Result<Vec<Shown>, String> {
    let mut tests: Vec<Shown> = Vec::new();
    for at in &claim.tests {
        let source = texts.get(&at.path).ok_or_else(|| format!("{} is gone", at.path))?;
        let shown = Shown::of(source, at.line)?;
        if !tests.contains(&shown) {
            tests.push(shown);
        }
    }
    // What builds fastest first: the crate's own tests before those of the whole.
    tests.sort_by_key(|shown| shown.path.starts_with("tests"));
    Ok(tests)
}

/// So many of them, each at most once; the same for the same seed.
fn draw(claims: &[Claim], count: usize, seed: u64) -> Vec<&Claim> {
    let mut left: Vec<&Claim> = claims.iter().collect();
    let mut state = seed;
    let mut drawn = Vec::new();
    while drawn.len() < count && !left.is_empty() {
        let place = (split_mix(&mut state) % left.len() as u64) as usize;
        drawn.push(left.swap_remove(place));
    }
    drawn
}

/// SplitMix64 (Steele, Lea and Flood 2014).
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests;
