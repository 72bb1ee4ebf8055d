//! Specifications are data: `spec/*.toml` lists requirements, code and tests carry their tags.

use crate::{
    interop::bogo::cases::Cases,
    root,
    source::{self, Source},
};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Write as _},
    fs,
    path::Path,
};

/// What to do with docs/conformance.md.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conformance {
    /// Write it anew.
    Write,
    /// Fail when it differs.
    Compare,
}

#[derive(Deserialize)]
struct File {
    title: Option<String>,
    #[serde(default)]
    requirement: Vec<Requirement>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Requirement {
    id: String,
    section: String,
    level: Level,
    status: Status,
    text: String,
    why: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    #[serde(rename = "MUST")]
    Must,
    #[serde(rename = "SHOULD")]
    Should,
    #[serde(rename = "MAY")]
    May,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
enum Status {
    Done,
    Later,
    Never,
}

/// Where a tag stands.
#[derive(Default)]
struct Places {
    code: Vec<Place>,
    tests: Vec<Place>,
}

/// A line of a file, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) path: String,
    pub(crate) line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.path, self.line)
    }
}

/// A MUST that is marked done: what enforces it, and what shows it.
pub(crate) struct Claim {
    pub(crate) id: String,
    pub(crate) code: Vec<Place>,
    pub(crate) tests: Vec<Place>,
}

/// Every MUST that is marked done, in the order of the ids.
pub(crate) fn claims(root: &Path, sources: &[Source]) -> Result<Vec<Claim>, String> {
    let files = read(&root.join("spec"))?;
    let mut places = places(sources);
    let is_claim = |row: &&Requirement| row.level == Level::Must && row.status == Status::Done;
    let mut rows: Vec<&Requirement> =
        files.values().flat_map(|file| &file.requirement).filter(is_claim).collect();
    rows.sort_by_cached_key(|row| order(&row.id));
    let claim = |row: &Requirement| {
        let Places { code, tests } = places.remove(&row.id).unwrap_or_default();
        Claim { id: row.id.clone(), code, tests }
    };
    Ok(rows.into_iter().map(claim).collect())
}

/// A test that shows everything shows nothing.
const TESTS_A_TAG: usize = 3;

/// Checks tags both ways and brings docs/conformance.md up to date.
pub(crate) fn check(conformance: Conformance) -> Result<(), String> {
    let root = root();
    let files = read(&root.join("spec"))?;
    let places = places(&source::all(&root, &["crates", "tests", "fuzz"])?);
    let mut wrong = faults(&files, &places);
    let text = conformance_text(&files, &places) + &Cases::read(&root)?.conformance();
    let path = root.join("docs/conformance.md");
    match conformance {
        Conformance::Write => {
            fs::write(&path, &text).map_err(|error| format!("{}: {error}", path.display()))?
        }
        Conformance::Compare if fs::read_to_string(&path).is_ok_and(|old| old == text) => {}
        Conformance::Compare => wrong.push("docs/conformance.md is out of date: run cargo xtask spec".into()),
    }
    let all = || files.values().flat_map(|file| &file.requirement);
    println!("{} requirements, {} done", all().count(), all().filter(|r| r.status == Status::Done).count());
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// Tags that no file lists, rows listed twice, and rows that claim what the tags do not show.
fn faults(files: &BTreeMap<String, File>, places: &BTreeMap<String, Places>) -> Vec<String> {
    let all = || files.values().flat_map(|file| &file.requirement);
    let known: BTreeSet<&str> = all().map(|requirement| requirement.id.as_str()).collect();
    let mut wrong = Vec::new();
    for (tag, places) in places {
        if !known.contains(tag.as_str()) {
            let at: Vec<String> = places.code.iter().chain(&places.tests).map(Place::to_string).collect();
            let at = at.join(", ");
            wrong.push(format!("unknown tag {tag} at {at}"));
        }
    }
    let mut seen = BTreeSet::new();
    for requirement in all() {
        if !seen.insert(&requirement.id) {
            wrong.push(format!("{} is listed twice", requirement.id));
        }
        wrong.extend(fault(requirement, places.get(&requirement.id)));
    }
    wrong
}

fn fault(requirement: &Requirement, places: Option<&Places>) -> Option<String> {
    let id = &requirement.id;
    let (code, tests) = places.map_or((0, 0), |places| (places.code.len(), places.tests.len()));
    match requirement.status {
        Status::Done if requirement.level != Level::Must => None,
        Status::Done if code == 0 => Some(format!("{id} is marked done, but no code carries its tag")),
        Status::Done if tests == 0 => Some(format!("{id} is marked done, but no test carries its tag")),
        Status::Done if tests > TESTS_A_TAG => {
            Some(format!("{id} names {tests} tests, at most {TESTS_A_TAG}"))
        }
        Status::Done => None,
        _ if requirement.why.is_none() => Some(format!("{id} is not done and does not say why")),
        Status::Later | Status::Never => None,
    }
}

fn read(folder: &Path) -> Result<BTreeMap<String, File>, String> {
    let mut files = BTreeMap::new();
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in entries {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            let file = toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            files.insert(name, file);
        }
    }
    Ok(files)
}

fn places(sources: &[Source]) -> BTreeMap<String, Places> {
    let mut places: BTreeMap<String, Places> = BTreeMap::new();
    for source in sources {
        for (number, line) in source.text.lines().enumerate() {
            let Some((_, tags)) = line.split_once("// spec: ") else { continue };
            for tag in tags.split([',', ' ']).filter(|tag| tag.chars().any(|c| c.is_ascii_digit())) {
                let at = Place { path: source.path.display().to_string(), line: number + 1 };
                let places = places.entry(tag.trim_end_matches(['.', ';']).to_owned()).or_default();
                if source.is_test() { places.tests.push(at) } else { places.code.push(at) }
            }
        }
    }
    places
}

fn conformance_text(files: &BTreeMap<String, File>, places: &BTreeMap<String, Places>) -> String {
    let mut text = String::from(
        "# Conformance\n\nWritten by `cargo xtask spec` from `spec/*.toml` and the tags in code and tests. Requirements \
         are in our own words.\n",
    );
    for (name, file) in files {
        let count = |status| file.requirement.iter().filter(|r| r.status == status).count();
        let title = file.title.as_deref().unwrap_or(name);
        let (done, later, never) = (count(Status::Done), count(Status::Later), count(Status::Never));
        // Writing to a String does not fail.
        let _ = write!(text, "\n## {title}\n\n{done} done, {later} later, {never} never.\n\n");
        text.push_str(
            "| id | level | status | requirement | enforced in |\n| --- | --- | --- | --- | --- |\n",
        );
        let mut rows: Vec<&Requirement> = file.requirement.iter().collect();
        rows.sort_by_cached_key(|requirement| order(&requirement.id));
        for requirement in rows {
            let Requirement { id, section, level, status, text: words, why } = requirement;
            let code = places.get(id).map_or(&[][..], |places| &places.code);
            let mut at: Vec<&str> = code.iter().map(|at| at.path.as_str()).collect();
            at.dedup();
            let why = why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
            let (level, status) = (format!("{level:?}").to_uppercase(), format!("{status:?}").to_lowercase());
            let _ = writeln!(
                text,
                "| {id} (section {section}) | {level} | {status} | {} | {} |",
                format!("{words}{why}").replace('|', "\\|"),
                at.join(", ")
            );
        }
    }
    text
}

/// The RFC's order: 4.10 stands behind 4.9.
fn order(id: &str) -> Vec<(u32, String)> {
    id.split(['-', '.']).map(|part| (part.parse().unwrap_or(u32::MAX), part.to_owned())).collect()
}

#[cfg(test)]
mod tests;
