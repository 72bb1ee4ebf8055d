//! What must hold in every world, judged from outside: checkers read a world's log and know nothing of the engines.
//!
//! The plain provider leaves text readable, so a checker parses the very records and frames that were written.

mod alerts;
mod bytes;
mod first_flight;
mod frames;
mod hpack;
mod records;
mod wire;

use crate::{
    log::{Log, Note},
    node::Content,
    pipe::{Fault, Link},
};
use std::collections::BTreeMap;

/// A world that is over, and what is known about it beforehand.
pub struct Scene<'a> {
    /// What happened.
    pub log: &'a Log,
    /// How the pipe was.
    pub link: &'a Link,
    /// What should be.
    pub expected: &'a Expected,
}

/// What a world should come to.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// What the server has.
    pub content: Content,
    /// Bytes of each request's body, by path.
    pub uploads: BTreeMap<String, usize>,
    /// Paths whose responses have to come when the pipe has no fault.
    pub responses: Vec<String>,
    /// Whether HTTP/2 is spoken.
    pub is_http: bool,
    /// Whether the server has hints for the host.
    pub has_hints: bool,
}

/// What the checkers say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// How many events each checker saw.
    pub seen: BTreeMap<&'static str, u64>,
    /// What is wrong; each begins with the checker's name.
    pub complaints: Vec<String>,
}

/// Every checker by its name.
pub const CHECKERS: [(&str, Checker); 6] = [
    ("completion", completion),
    ("bytes", bytes::check),
    ("records", records::check),
    ("frames", frames::check),
    ("first flight", first_flight::check),
    ("alerts", alerts::check),
];

/// Reads a scene, counts what it looked at, and complains.
pub type Checker = fn(&Scene<'_>, &mut Notebook);

/// What one checker writes down.
#[derive(Debug, Default)]
pub struct Notebook {
    seen: u64,
    complaints: Vec<String>,
}

impl Notebook {
    /// Another event was looked at.
    pub(crate) fn see(&mut self) {
        self.seen += 1;
    }

    /// Something is wrong.
    pub(crate) fn complain(&mut self, what: impl Into<String>) {
        self.complaints.push(what.into());
    }

    /// Something is wrong unless `holds`.
    pub(crate) fn expect(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.complaints.push(what());
        }
    }
}

/// Asks all checkers.
pub fn check(scene: &Scene<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    for (name, checker) in CHECKERS {
        verdict.ask(name, |notebook| checker(scene, notebook));
    }
    verdict
}

impl Verdict {
    /// Asks one more checker.
    pub(crate) fn ask(&mut self, name: &'static str, checker: impl FnOnce(&mut Notebook)) {
        let mut notebook = Notebook::default();
        checker(&mut notebook);
        *self.seen.entry(name).or_default() += notebook.seen;
        self.complaints.extend(notebook.complaints.iter().map(|what| format!("{name}: {what}")));
    }
}

impl Scene<'_> {
    /// Whether nothing went wrong in the pipe that TCP would not have mended; to stand still for a while is no damage.
    pub fn is_sound(&self) -> bool {
        let struck = |entry: &crate::log::Entry| matches!(entry.what, crate::log::What::Faulted { fault, .. } if fault != Fault::Stall);
        !self.log.entries().iter().any(struck)
    }
}

/// Over a sound pipe everything ends well.
fn completion(scene: &Scene<'_>, notebook: &mut Notebook) {
    let mut is_complete = false;
    for (_, node, note) in scene.log.notes() {
        match note {
            Note::Complete => is_complete = true,
            Note::Fault { why, .. } if scene.is_sound() => {
                notebook.complain(format!("{node} found fault over a sound pipe: {why}"));
            }
            _ => continue,
        }
        notebook.see();
    }
    notebook
        .expect(is_complete || !scene.is_sound(), || "a sound pipe, yet the work was not completed".into());
}

#[cfg(test)]
mod tests;
