//! Ranges of offsets: sorted, apart from one another, none empty. Who inserts bounds how many there are. To be replaced by
//! `crate::ranges::RangeSet`, which has the same verbs.

use core::ops::Range;

/// A set of offsets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RangeSet(Vec<Range<u64>>);

impl RangeSet {
    /// Adds a range, and joins what touches it.
    pub(crate) fn insert(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        let from = self.0.partition_point(|other| other.end < range.start);
        let to = self.0.partition_point(|other| other.start <= range.end);
        if from == to {
            self.0.insert(from, range);
            return;
        }
        let joined = self.0[from].start.min(range.start)..self.0[to - 1].end.max(range.end);
        self.0[from] = joined;
        self.0.drain(from + 1..to);
    }

    /// Takes a range out.
    pub(crate) fn remove(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        let from = self.0.partition_point(|other| other.end <= range.start);
        let to = self.0.partition_point(|other| other.start < range.end);
        if from == to {
            return;
        }
        let before = self.0[from].start..range.start;
        let after = range.end..self.0[to - 1].end;
        match (before.is_empty(), after.is_empty()) {
            (true, true) => drop(self.0.drain(from..to)),
            (false, true) => {
                self.0[from] = before;
                self.0.drain(from + 1..to);
            }
            (true, false) => {
                self.0[to - 1] = after;
                self.0.drain(from..to - 1);
            }
            (false, false) if to - from == 1 => {
                self.0[from] = before;
                self.0.insert(to, after);
            }
            (false, false) => {
                self.0[from] = before;
                self.0[to - 1] = after;
                self.0.drain(from + 1..to - 1);
            }
        }
    }

    /// In order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Range<u64>> {
        self.0.iter().cloned()
    }

    /// The lowest.
    pub(crate) fn lowest(&self) -> Option<Range<u64>> {
        self.0.first().cloned()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests;
