//! Every bound has a test: each field of each `Limits` is named in a test of its crate.

use crate::{
    root,
    source::{self, Source},
};

/// Fails on a field that no test names.
pub(crate) fn check() -> Result<(), String> {
    let sources = source::all(&root(), &["crates", "tests"])?;
    let tests: Vec<&Source> = sources.iter().filter(|source| source.is_test()).collect();
    let mut count = 0;
    let mut untested = Vec::new();
    for source in sources.iter().filter(|source| !source.is_test()) {
        for field in fields(&source.text) {
            count += 1;
            let is_tested = tests.iter().any(|test| may_test(test, source) && names(&test.text, field));
            if !is_tested {
                untested.push(format!("{}: no test names the limit {field}", source.path.display()));
            }
        }
    }
    println!("{count} limits");
    if untested.is_empty() { Ok(()) } else { Err(untested.join("\n")) }
}

/// A crate's own tests, and those that stand outside all crates.
fn may_test(test: &Source, source: &Source) -> bool {
    let folder = |source: &Source| source.path.components().take(2).collect::<std::path::PathBuf>();
    folder(test) == folder(source) || test.path.starts_with("tests")
}

/// The public fields of every `pub struct Limits`.
fn fields(text: &str) -> Vec<&str> {
    let blocks = text.split("pub struct Limits {").skip(1);
    let lines = blocks.flat_map(|block| block.lines().take_while(|line| *line != "}"));
    lines.filter_map(|line| line.trim().strip_prefix("pub ")?.split(':').next()).collect()
}

/// Whether `word` stands in `text` as a word of its own.
fn names(text: &str, word: &str) -> bool {
    let is_part = |character: Option<char>| character.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(word).any(|(at, _)| {
        !is_part(text[..at].chars().next_back()) && !is_part(text[at + word.len()..].chars().next())
    })
}

#[cfg(test)]
mod tests;
