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
    /// What TLS 1.3 has to show: of these, whatever is declined is named in full.
    #[serde(default)]
    mandatory: Vec<String>,
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
    /// These cases are about a protocol that is not spoken at all. They belong here, whatever else they are about.
    #[serde(default)]
    foreign: bool,
    /// How many cases the patterns have; without those that are foreign before.
    count: usize,
    /// Names, in which `*` stands for anything.
    cases: Vec<String>,
    /// What the names have too, and is none of these.
    #[serde(default)]
    except: Vec<String>,
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

    /// Whether a case is declined.
    pub(super) fn declines(&self, name: &str) -> bool {
        !self.places(name).is_empty()
    }

    /// Where a case is declined: right is one place at most.
    fn places(&self, name: &str) -> Vec<Place<'_>> {
        let has = |row: &&Declined| row.has(name);
        if let Some(row) = self.declined.iter().filter(|row| row.foreign).find(has) {
            return vec![Place::Declined(row)];
        }
        let declined = self.declined.iter().filter(|row| !row.foreign).filter(has).map(Place::Declined);
        let names = self.permitted.iter().flat_map(|row| &row.cases);
        declined.chain(names.filter(|case| *case == name).map(|_| Place::Permitted)).collect()
    }

    /// The patterns of all that is declined.
    fn patterns(&self) -> Vec<&str> {
        let declined = self.declined.iter().flat_map(|row| &row.cases);
        declined.chain(self.permitted.iter().flat_map(|row| &row.cases)).map(String::as_str).collect()
    }

    /// What the runner reads.
    pub(super) fn config<'a>(&self, disabled: impl Iterator<Item = &'a str>) -> String {
        let disabled: BTreeMap<&str, &str> = disabled.map(|name| (name, "")).collect();
        // Our tickets leave behind the client's Finished.
        serde_json::json!({ "DisabledTests": disabled, "ErrorMap": self.errors, "HalfRTTTickets": 0 })
            .to_string()
    }

    /// What is wrong with the file, given the names of all cases: counts, patterns without a case of their own, cases under
    /// several headings, and mandatory ones that only a pattern has.
    pub(super) fn faults(&self, names: &[String]) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut counts = vec![0; self.declined.len()];
        let mut used: BTreeSet<&str> = BTreeSet::new();
        for name in names {
            let places = self.places(name);
            let headings: Vec<&str> = places.iter().map(Place::heading).collect();
            if headings.len() > 1 {
                wrong.push(format!("{FILE}: {name} stands under {}", headings.join(" and under ")));
            }
            for place in places {
                let Place::Declined(row) = place else {
                    used.insert(name.as_str());
                    continue;
                };
                let at = self.declined.iter().position(|other| std::ptr::eq(other, row));
                counts[at.unwrap_or_default()] += 1; // It is one of them.
                used.extend(row.cases.iter().map(String::as_str).filter(|pattern| matches(pattern, name)));
                if self.is_hidden(name, row) {
                    wrong.push(format!("{FILE}: {name} is mandatory, and declined without its full name"));
                }
            }
        }
        for (row, count) in self.declined.iter().zip(counts) {
            if count != row.count {
                wrong.push(format!("{FILE}: {}: {} are counted, there are {count}", row.heading, row.count));
            }
        }
        let unused = self.patterns().into_iter().filter(|pattern| !used.contains(pattern));
        wrong.extend(unused.map(|pattern| format!("{FILE}: {pattern} has no case of its own")));
        for row in &self.declined {
            let excepts =
                |pattern: &&String| names.iter().any(|name| matches(pattern, name) && row.is_meant(name));
            let idle = row.except.iter().filter(|pattern| !excepts(pattern));
            wrong.extend(idle.map(|pattern| format!("{FILE}: {pattern} excepts nothing")));
        }
        wrong
    }

    /// Whether a mandatory case is declined by patterns alone.
    fn is_hidden(&self, name: &str, row: &Declined) -> bool {
        let is_mandatory = self.mandatory.iter().any(|pattern| matches(pattern, name));
        is_mandatory && !row.foreign && !row.cases.iter().any(|case| case == name)
    }

    /// The section of docs/conformance.md.
    pub(crate) fn conformance(&self) -> String {
        let mut text = String::from(
            "\n## BoGo: BoringSSL's hostile peer\n\n`cargo xtask interop bogo` runs every case but those that are declined:\n\n\
             | heading | cases |\n| --- | --- |\n",
        );
        // Writing to a String does not fail.
        for (heading, count) in self.headings() {
            let _ = writeln!(text, "| {heading} | {count} |");
        }
        text.push_str(
            "\n`*` stands for anything.\n\n| heading | cases | why | patterns |\n| --- | --- | --- | --- |\n",
        );
        for row in &self.declined {
            let Declined { heading, why, count, cases, except, .. } = row;
            let but = if except.is_empty() { String::new() } else { format!(", but {}", listed(except)) };
            let _ = writeln!(text, "| {heading} | {count} | {why} | {}{but} |", listed(cases));
        }
        text.push_str("\n| section | where RFC 9846 permits otherwise | cases |\n| --- | --- | --- |\n");
        for Permitted { cases, section, why } in &self.permitted {
            let _ = writeln!(text, "| {section} | {why} | {} |", listed(cases));
        }
        text
    }

    /// Each heading once, with the number of its cases.
    fn headings(&self) -> Vec<(&str, usize)> {
        let mut counts: Vec<(&str, usize)> = Vec::new();
        let declined = self.declined.iter().map(|row| (row.heading.as_str(), row.count));
        for (heading, count) in declined.chain(self.permitted.iter().map(|row| (PERMITTED, row.cases.len())))
        {
            match counts.iter_mut().find(|(known, _)| *known == heading) {
                Some((_, sum)) => *sum += count,
                None => counts.push((heading, count)),
            }
        }
        counts
    }
}

impl Declined {
    fn has(&self, name: &str) -> bool {
        self.is_meant(name) && !self.except.iter().any(|pattern| matches(pattern, name))
    }

    /// Whether it has the name but for the exceptions.
    fn is_meant(&self, name: &str) -> bool {
        self.cases.iter().any(|pattern| matches(pattern, name))
    }
}

/// Where a case is declined.
enum Place<'a> {
    Declined(&'a Declined),
    Permitted,
}

impl Place<'_> {
    fn heading(&self) -> &str {
        match self {
            Self::Declined(row) => &row.heading,
            Self::Permitted => PERMITTED,
        }
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
