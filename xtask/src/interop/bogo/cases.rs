//! What is said about BoGo's cases in `tests/bogo/bogo.toml`: which are declined and why, and which of our faults stand
//! for which of BoringSSL's error names.

use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::Path,
};

const FILE: &str = "tests/bogo/bogo.toml";
/// As many cases may be declined because the RFC permits otherwise.
const MOST_PERMITTED: usize = 150;
/// Under which the permitted ones stand.
const PERMITTED: &str = "Where RFC 9846 permits otherwise";

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cases {
    /// BoringSSL's name of an error, and what of ours stands for it.
    errors: BTreeMap<String, Vec<String>>,
    declined: Vec<Declined>,
    #[serde(default)]
    permitted: Vec<Permitted>,
}

/// Cases that are declined for one reason.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Declined {
    heading: String,
    why: String,
    /// How many cases the patterns have that no heading before has.
    count: usize,
    /// Names, in which `*` stands for anything.
    cases: Vec<String>,
}

/// A case that demands what the RFC leaves open.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Permitted {
    cases: Vec<String>,
    /// The RFC's section.
    section: String,
    why: String,
}

impl Cases {
    /// Reads the file of the workspace at `root`.
    pub(crate) fn read(root: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(root.join(FILE)).map_err(|error| format!("{FILE}: {error}"))?;
        let cases: Self = toml::from_str(&text).map_err(|error| format!("{FILE}: {error}"))?;
        let permitted: usize = cases.permitted.iter().map(|row| row.cases.len()).sum();
        if permitted > MOST_PERMITTED {
            return Err(format!("{FILE}: {permitted} permitted differences, more than {MOST_PERMITTED}"));
        }
        let mut names = cases.permitted.iter().flat_map(|row| &row.cases);
        match names.find(|name| name.contains('*')) {
            Some(name) => Err(format!("{FILE}: a permitted difference is named in full: {name}")),
            None => Ok(cases),
        }
    }

    /// The heading that a case is declined under.
    pub(super) fn heading(&self, name: &str) -> Option<&str> {
        let row = self.declined.iter().find(|row| row.cases.iter().any(|pattern| matches(pattern, name)));
        let is_permitted = || self.permitted.iter().any(|row| row.cases.iter().any(|case| case == name));
        row.map(|row| row.heading.as_str()).or_else(|| is_permitted().then_some(PERMITTED))
    }

    /// The patterns of all that is declined.
    pub(super) fn disabled(&self) -> Vec<&str> {
        let declined = self.declined.iter().flat_map(|row| &row.cases);
        declined.chain(self.permitted.iter().flat_map(|row| &row.cases)).map(String::as_str).collect()
    }

    /// What the runner reads.
    pub(super) fn config(&self, disabled: &[&str]) -> String {
        let disabled: BTreeMap<&str, &str> = disabled.iter().map(|pattern| (*pattern, "")).collect();
        // Our tickets leave behind the client's Finished.
        serde_json::json!({ "DisabledTests": disabled, "ErrorMap": self.errors, "HalfRTTTickets": 0 })
            .to_string()
    }

    /// Counts that are not right, and patterns that no case has.
    pub(super) fn faults(&self, names: &[String]) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for name in names {
            if let Some(heading) = self.heading(name) {
                *counts.entry(heading).or_default() += 1;
            }
        }
        for row in &self.declined {
            let count = counts.get(row.heading.as_str()).copied().unwrap_or(0);
            if count != row.count {
                wrong.push(format!("{FILE}: {}: {} are counted, there are {count}", row.heading, row.count));
            }
        }
        let known: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        let is_used =
            |pattern: &&str| known.contains(*pattern) || names.iter().any(|name| matches(pattern, name));
        let unused = self.disabled().into_iter().filter(|pattern| !is_used(pattern));
        wrong.extend(unused.map(|pattern| format!("{FILE}: no case is {pattern}")));
        wrong
    }

    /// The section of docs/conformance.md.
    pub(crate) fn conformance(&self) -> String {
        let mut text = String::from(
            "\n## BoGo: BoringSSL's hostile peer\n\n`cargo xtask interop bogo` runs every case but those of the following \
             rows, which are declined. `*` stands for anything.\n\n| heading | cases | why | patterns |\n| --- | --- | --- \
             | --- |\n",
        );
        for row in &self.declined {
            let Declined { heading, why, count, cases } = row;
            // Writing to a String does not fail.
            let _ = writeln!(text, "| {heading} | {count} | {why} | {} |", listed(cases));
        }
        let count: usize = self.permitted.iter().map(|row| row.cases.len()).sum();
        let _ = writeln!(text, "| {PERMITTED} | {count} | the table below has each with its section | |");
        text.push_str("\n| section | where RFC 9846 permits otherwise | cases |\n| --- | --- | --- |\n");
        for Permitted { cases, section, why } in &self.permitted {
            let _ = writeln!(text, "| {section} | {why} | {} |", listed(cases));
        }
        text
    }
}

fn listed(cases: &[String]) -> String {
    cases.iter().map(|case| format!("`{case}`")).collect::<Vec<_>>().join(", ")
}

/// Whether `pattern`, in which `*` stands for anything, is `name`.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(head) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match name.split_once(part) {
            Some((_, after)) => name = after,
            None => return false,
        }
    }
    name.ends_with(last)
}

#[cfg(test)]
mod tests;
