//! `spec --prove`: draws claims, takes away the line that enforces each, and sees whether its test notices.

mod mutants;
mod scratch;
mod shown;

use crate::{
    root,
    source::{self, Source},
    spec::{self, Claim},
};
use mutants::{PANICS, mutants};
use scratch::{Scratch, Verdict};
use shown::Shown;
use std::collections::BTreeMap;

/// Which claims to try.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Choice<'a> {
    /// So many, by a seed, of those whose ids begin with one of these between commas: `9000-,9001-`.
    Drawn { count: usize, seed: u64, of: &'a str },
    /// Those of this list, between commas.
    Named(&'a str),
}

/// What became of a claim's lines; of several the last of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    /// A test noticed.
    Killed,
    /// A test came by, which is all that can be seen: nothing but a panic builds in the line's place.
    Reached,
    /// Nothing builds without it, whatever stands in its place.
    Unprovable,
    /// No test noticed.
    Survived,
}

/// Takes away each line that carries the tag of a chosen MUST that is marked done: at least one of the tests with that tag has
/// to fail then.
pub(crate) fn prove(choice: Choice<'_>) -> Result<(), String> {
    let root = root();
    let sources = source::all(&root, &["crates", "tests", "fuzz"])?;
    let texts: BTreeMap<String, &Source> =
        sources.iter().map(|source| (source.path.display().to_string(), source)).collect();
    let claims = spec::claims(&root, &sources)?;
    let chosen = choose(&claims, choice)?;
    let scratch = Scratch::new(&root)?;
    let mut tests = Vec::new();
    for claim in &chosen {
        tests.push(shown_by(claim, &texts)?);
    }
    check_tests(&scratch, &tests)?;
    let mut fates = Vec::new();
    for (claim, tests) in chosen.iter().zip(&tests) {
        let mut worst = Fate::Killed;
        for at in &claim.code {
            let source = texts.get(&at.path).ok_or_else(|| format!("{} is gone", at.path))?;
            worst = worst.max(try_line(&scratch, claim, source, at.line, tests)?);
        }
        fates.push(worst);
    }
    settle(&chosen, &fates)
}

fn choose<'a>(claims: &'a [Claim], choice: Choice<'_>) -> Result<Vec<&'a Claim>, String> {
    match choice {
        Choice::Drawn { count, seed, of } => {
            let is_of = |claim: &&Claim| of.split(',').any(|start| claim.id.starts_with(start));
            let left: Vec<&Claim> = claims.iter().filter(is_of).collect();
            if left.is_empty() { Err(format!("no id begins with {of}")) } else { Ok(draw(left, count, seed)) }
        }
        Choice::Named(ids) => {
            let find = |id: &str| {
                let found = claims.iter().find(|claim| claim.id == id);
                found.ok_or(format!("{id} is not listed, or not a MUST that is marked done"))
            };
            ids.split(',').map(find).collect()
        }
    }
}

/// A test that fails anyway would notice everything.
fn check_tests(scratch: &Scratch, tests: &[Vec<Shown>]) -> Result<(), String> {
    let mut distinct: Vec<&Shown> = tests.iter().flatten().collect();
    distinct.sort_by_key(|shown| (&shown.path, &shown.name));
    distinct.dedup();
    for test in distinct {
        match scratch.run(std::slice::from_ref(test))? {
            Verdict::Passed => {}
            Verdict::Failed(name) => return Err(format!("{name} fails while nothing is taken away")),
            Verdict::Unbuildable => return Err(format!("{} does not build", test.path.display())),
        }
    }
    Ok(())
}

/// The closing lines. What cannot be proved is no success.
fn settle(chosen: &[&Claim], fates: &[Fate]) -> Result<(), String> {
    let named = |fate| -> Vec<&str> {
        let of_it = chosen.iter().zip(fates).filter(|(_, of)| **of == fate);
        of_it.map(|(claim, _)| claim.id.as_str()).collect()
    };
    let (killed, reached) = (named(Fate::Killed).len(), named(Fate::Reached).len());
    let (survived, unprovable) = (named(Fate::Survived), named(Fate::Unprovable));
    println!(
        "{} drawn, {} killed ({reached} of them by a panic alone), {} survived, {} unprovable",
        chosen.len(),
        killed + reached,
        survived.len(),
        unprovable.len()
    );
    match survived.is_empty() && unprovable.is_empty() {
        true => Ok(()),
        false => Err(format!("survived: {}; unprovable: {}", survived.join(" "), unprovable.join(" "))),
    }
}

/// One line of one claim: every way to take it away, until one builds.
fn try_line(
    scratch: &Scratch,
    claim: &Claim,
    source: &Source,
    line: usize,
    tests: &[Shown],
) -> Result<Fate, String> {
    let place = format!("{} at {}:{}", claim.id, source.path.display(), line);
    for mutant in mutants(&source.text, line) {
        let _held = scratch.change(&source.path, &mutant.text)?;
        let fate = match scratch.run(tests)? {
            Verdict::Unbuildable => continue,
            Verdict::Failed(by) => {
                println!("{place}, {}: caught by {by}", mutant.what);
                if mutant.what == PANICS { Fate::Reached } else { Fate::Killed }
            }
            Verdict::Passed => {
                println!("{place}, {}: SURVIVED", mutant.what);
                Fate::Survived
            }
        };
        return Ok(fate);
    }
    println!("{place}: UNPROVABLE, nothing builds without it");
    Ok(Fate::Unprovable)
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
fn draw(mut left: Vec<&Claim>, count: usize, seed: u64) -> Vec<&Claim> {
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
