//! A dynamic table as its encoder keeps it: with what helps to find lines in it.

use crate::{
    FieldLine, rules,
    table::{FIRST_LINES, Table},
};
use std::collections::VecDeque;

/// A table whose entries go by the number of those that had come before them.
#[derive(Debug)]
pub(crate) struct Memory {
    table: Table,
    /// What helps to find each entry of the table, the oldest in front.
    hashes: VecDeque<Hashes>,
    /// Entries that the table has taken so far.
    taken: u64,
    /// The entry that the last line found.
    last: u64,
    /// Lines that were not indexed because most of their kind come once, by hash.
    recent: [u32; RECENT_LINES],
    next_recent: usize,
}

/// What helps to find an entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hashes {
    name: u32,
    line: u32,
    /// The entry that was found after this one the last time: messages have the same lines in the same order.
    next: u64,
}

impl Hashes {
    /// `name` is [`rules::hash`] of the line's name.
    pub(crate) fn of(name: u32, line: FieldLine<'_>) -> Self {
        Self { name, line: rules::hash(name.rotate_left(1), line.value), next: 0 }
    }
}

const RECENT_LINES: usize = 16;

impl Memory {
    pub(crate) const fn new(max_bytes: usize) -> Self {
        Self {
            table: Table::new(max_bytes),
            hashes: VecDeque::new(),
            taken: 0,
            last: 0,
            recent: [0; RECENT_LINES],
            next_recent: 0,
        }
    }

    pub(crate) const fn table(&self) -> &Table {
        &self.table
    }

    pub(crate) const fn taken(&self) -> u64 {
        self.taken
    }

    /// Takes a line, which is not larger than the table, as the newest entry.
    pub(crate) fn insert(&mut self, hashes: Hashes, line: FieldLine<'_>) {
        self.table.insert(line.name, line.value);
        if self.hashes.capacity() == 0 {
            self.hashes.reserve(FIRST_LINES);
        }
        self.hashes.push_back(hashes);
        self.taken += 1;
        self.note(self.taken - 1);
        self.forget_evicted();
    }

    pub(crate) fn resize(&mut self, max_bytes: usize) {
        self.table.resize(max_bytes);
        self.forget_evicted();
    }

    /// The entry that followed the last one the last time, where that is `line`.
    pub(crate) fn expected(&mut self, line: FieldLine<'_>) -> Option<u64> {
        let next = self.known(self.last)?.next;
        let age = usize::try_from(self.taken - 1 - next).ok()?; // One older than memory is not there.
        let entry = self.table.find(age)?;
        if line.sensitive || entry.name != line.name || entry.value != line.value {
            return None;
        }
        self.last = next;
        Some(next)
    }

    /// A line found this entry.
    pub(crate) fn note(&mut self, entry: u64) {
        if let Some(last) = self.known(self.last) {
            last.next = entry;
        }
        self.last = entry;
    }

    /// What is known of an entry that was taken, unless it was evicted.
    fn known(&mut self, entry: u64) -> Option<&mut Hashes> {
        let evicted = self.taken - self.hashes.len() as u64;
        let at = usize::try_from(entry.checked_sub(evicted)?).ok()?; // As above.
        self.hashes.get_mut(at)
    }

    /// The newest entry with that name, or the newest one with that value too, and then `true`, among those before
    /// `end`.
    pub(crate) fn find(&self, hashes: Hashes, line: FieldLine<'_>, end: u64) -> Option<(u64, bool)> {
        let mut named = None;
        let skipped = self.taken.saturating_sub(end) as usize;
        for (age, entry) in self.hashes.iter().rev().enumerate().skip(skipped) {
            if entry.name != hashes.name || (named.is_some() && entry.line != hashes.line) {
                continue;
            }
            let found = self.table.find(age).filter(|found| found.name == line.name);
            let Some(found) = found else { continue };
            let entry = self.taken - 1 - age as u64;
            if found.value == line.value {
                return Some((entry, true));
            }
            named = named.or(Some((entry, false)));
        }
        named
    }

    /// Whether that line came a short while ago; remembers it otherwise.
    pub(crate) fn is_repeated(&mut self, hashes: Hashes) -> bool {
        if self.recent.contains(&hashes.line) {
            return true;
        }
        self.recent[self.next_recent] = hashes.line;
        self.next_recent = (self.next_recent + 1) % RECENT_LINES;
        false
    }

    fn forget_evicted(&mut self) {
        let evicted = self.hashes.len() - self.table.len();
        self.hashes.drain(..evicted);
    }
}
