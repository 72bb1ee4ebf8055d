//! Which test a tag stands on.

use crate::source::Source;
use std::path::{Path, PathBuf};

/// A test, or all tests of a module where the tag stands in a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) path: PathBuf,
    /// As `cargo test` takes it: a path of modules, then of the function where there is one.
    pub(super) name: String,
    is_exact: bool,
}

impl Shown {
    /// The test that line `number` (from 1) of `source` belongs to: the tag stands in it, or above it. A tag in a table
    /// belongs to the tests of the table's module, or of the one around it.
    pub(super) fn of(source: &Source, number: usize) -> Result<Self, String> {
        let lines: Vec<&str> = source.text.lines().collect();
        let modules = modules(&source.path)?;
        let join = |name: &str| match modules.as_str() {
            "" => name.to_owned(),
            modules => format!("{modules}::{name}"),
        };
        let path = source.path.clone();
        if let Some(name) = test_around(&lines, number - 1) {
            return Ok(Self { path, name: join(name), is_exact: true });
        }
        let has_tests = source.text.contains("#[test]") || source.text.contains("::test]");
        let name = match modules.rsplit_once("::") {
            _ if has_tests => join(""),
            Some((outer, _)) => format!("{outer}::"),
            None => String::new(),
        };
        Ok(Self { path, name, is_exact: false })
    }

    /// The target of the package that it is in.
    pub(super) fn target(&self) -> Vec<String> {
        let parts: Vec<String> = self.path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        match parts.iter().rposition(|part| part == "src") {
            Some(at) if parts.get(at + 1).is_some_and(|name| name == "main.rs") => vec!["--bins".into()],
            Some(_) => vec!["--lib".into(), "--bins".into()],
            None => {
                let folder = parts.iter().rposition(|part| part == "tests").unwrap_or(0);
                // tests/e2e/tests/e2e/ends.rs belongs to tests/e2e/tests/e2e.rs.
                let name = parts[folder + 1..].first().map_or("", |name| name.trim_end_matches(".rs"));
                vec!["--test".into(), name.into()]
            }
        }
    }

    /// What `cargo test` is given behind the package and the target.
    pub(super) fn filter(&self) -> impl Iterator<Item = &str> {
        let exact = self.is_exact.then_some(["--", "--exact"]).into_iter().flatten();
        std::iter::once(self.name.as_str()).chain(exact)
    }
}

/// The name of the test function whose lines, with what stands above it, hold line `at`.
fn test_around<'a>(lines: &[&'a str], at: usize) -> Option<&'a str> {
    let ends_item = |line: &str| line == "}" || line == "};" || line == ")];" || line == "];";
    // From a line of code, back to the item's head; from one above it, forward.
    let is_above = |line: &str| line.starts_with("//") || line.starts_with("#[");
    let head = if is_above(lines[at]) || lines[at].trim().is_empty() {
        (at..lines.len()).find(|&at| !is_above(lines[at]))?
    } else {
        (0..=at).rev().find(|&at| begins_item(lines[at]))?
    };
    if (head..at).any(|at| ends_item(lines[at])) {
        return None;
    }
    let above = (0..head).rev().take_while(|&at| is_above(lines[at]));
    let is_test =
        above.into_iter().any(|at| lines[at].starts_with("#[test]") || lines[at].contains("::test]"));
    let name = lines[head].split_once("fn ")?.1.split(['(', '<']).next()?;
    is_test.then_some(name)
}

/// Whether an item of the file begins here: our tests stand at the margin.
fn begins_item(line: &str) -> bool {
    line.starts_with(|c: char| c.is_alphabetic()) && !line.starts_with("where")
}

/// `connection::tests::wire` for `crates/h2/src/connection/tests/wire.rs`.
fn modules(path: &Path) -> Result<String, String> {
    let mut parts: Vec<String> =
        path.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let base = match parts.iter().rposition(|part| part == "src") {
        Some(src) => src + 1,
        // tests/NAME.rs, and tests/NAME/MODULE.rs, which is a module of it.
        None => parts.iter().rposition(|part| part == "tests").ok_or("a test outside src and tests")? + 2,
    };
    parts.drain(..base.min(parts.len()));
    if parts.first().is_some_and(|first| first == "lib" || first == "main") {
        parts.remove(0);
    }
    Ok(parts.join("::"))
}

#[cfg(test)]
mod tests;
