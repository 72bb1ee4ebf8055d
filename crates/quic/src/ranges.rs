//! Sets of numbers that come in long runs: packet numbers to acknowledge, stretches of a stream to send again.

use core::ops::Range;
use std::collections::VecDeque;

/// Half-open ranges in ascending order, none empty, none touching the next.
///
/// Appending at the upper end costs nothing; in the middle it costs a move of what lies beyond. Room that was once taken is
/// kept, so that a set of steady size allocates nothing. Whoever lets a peer choose what goes in bounds it by [`Self::len`]
/// and [`Self::pop_lowest`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RangeSet {
    ranges: VecDeque<Range<u64>>,
}

impl RangeSet {
    /// The empty set, without an allocation.
    pub const fn new() -> Self {
        Self { ranges: VecDeque::new() }
    }

    /// Adds `range` and says how many of its numbers were not there before; an empty range adds nothing.
    pub fn insert(&mut self, range: Range<u64>) -> u64 {
        if range.is_empty() {
            return 0;
        }
        let first = self.ranges.partition_point(|held| held.end < range.start);
        let after = first + self.ranges.iter().skip(first).take_while(|held| held.start <= range.end).count();
        if first == after {
            let added = range.end - range.start;
            self.ranges.insert(first, range);
            return added;
        }
        let start = self.ranges[first].start.min(range.start);
        let end = self.ranges[after - 1].end.max(range.end);
        let held: u64 = self.ranges.range(first..after).map(|held| held.end - held.start).sum();
        self.ranges[first] = start..end;
        self.close(first + 1, after);
        end - start - held
    }

    /// Takes `range` away and says how many of its numbers were there.
    pub fn remove(&mut self, range: Range<u64>) -> u64 {
        if range.is_empty() {
            return 0;
        }
        let first = self.ranges.partition_point(|held| held.end <= range.start);
        let after = first + self.ranges.iter().skip(first).take_while(|held| held.start < range.end).count();
        if first == after {
            return 0;
        }
        let held: u64 = self.ranges.range(first..after).map(|held| held.end - held.start).sum();
        let below = self.ranges[first].start..range.start;
        let above = range.end..self.ranges[after - 1].end;
        let left = below.end.saturating_sub(below.start) + above.end.saturating_sub(above.start);
        let mut keep = first;
        if !below.is_empty() {
            self.ranges[keep] = below;
            keep += 1;
        }
        if !above.is_empty() {
            if keep < after {
                self.ranges[keep] = above;
            } else {
                self.ranges.insert(keep, above);
            }
            keep += 1;
        }
        self.close(keep, after);
        held - left
    }

    /// Takes away all numbers below `floor`.
    pub fn remove_below(&mut self, floor: u64) {
        while let Some(lowest) = self.ranges.front_mut() {
            if lowest.end > floor {
                lowest.start = lowest.start.max(floor);
                return;
            }
            self.ranges.pop_front();
        }
    }

    /// Takes out the lowest range.
    pub fn pop_lowest(&mut self) -> Option<Range<u64>> {
        self.ranges.pop_front()
    }

    /// Takes out the lowest numbers: the lowest range, or as much of its beginning as `most` allows.
    pub fn pop_up_to(&mut self, most: u64) -> Option<Range<u64>> {
        let lowest = self.ranges.front_mut()?;
        if lowest.end - lowest.start <= most {
            return self.ranges.pop_front();
        }
        let taken = lowest.start..lowest.start + most;
        lowest.start = taken.end;
        (!taken.is_empty()).then_some(taken)
    }

    /// Empties the set and keeps its room.
    pub fn clear(&mut self) {
        self.ranges.clear();
    }

    /// Gives the room of an empty set back.
    pub fn shrink(&mut self) {
        self.ranges.shrink_to_fit();
    }

    /// Whether `number` is in the set.
    pub fn contains(&self, number: u64) -> bool {
        let at = self.ranges.partition_point(|held| held.end <= number);
        self.ranges.get(at).is_some_and(|held| held.start <= number)
    }

    /// Whether all of `range` is in the set; an empty range always is.
    pub fn covers(&self, range: Range<u64>) -> bool {
        let at = self.ranges.partition_point(|held| held.end <= range.start);
        range.is_empty()
            || self.ranges.get(at).is_some_and(|held| held.start <= range.start && held.end >= range.end)
    }

    /// Whether nothing is in the set.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// How many ranges the set has; not how many numbers.
    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    /// The lowest range.
    pub fn lowest(&self) -> Option<Range<u64>> {
        self.ranges.front().cloned()
    }

    /// The highest range.
    pub fn highest(&self) -> Option<Range<u64>> {
        self.ranges.back().cloned()
    }

    /// The ranges, lowest first; `rev()` is the order of an ACK frame.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Range<u64>> + ExactSizeIterator + Clone + '_ {
        self.ranges.iter().cloned()
    }

    /// Drops the ranges with these indexes.
    fn close(&mut self, from: usize, to: usize) {
        match to.saturating_sub(from) {
            0 => {}
            1 => {
                self.ranges.remove(from);
            }
            _ => drop(self.ranges.drain(from..to)),
        }
    }
}

#[cfg(test)]
mod tests;
