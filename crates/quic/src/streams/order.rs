//! Whose bytes leave next (RFC 9218, section 10): urgency first, then one stream after another, and the incremental ones in
//! turns. What was lost goes before what is new, among streams of one urgency (RFC 9000, section 13.3).

use super::id::StreamId;
use std::collections::VecDeque;

/// How urgent a stream is, as RFC 9218 numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Priority {
    /// 0 goes first, 7 last.
    pub urgency: u8,
    /// A part of it is of use before the rest comes.
    pub incremental: bool,
}

impl Default for Priority {
    fn default() -> Self {
        Self { urgency: 3, incremental: false }
    }
}

/// The streams that have something to send.
#[derive(Debug, Default)]
pub(crate) struct Order {
    repair: Line,
    fresh: Line,
}

/// A stream's places in it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Places {
    repair: Option<Rank>,
    fresh: Option<Rank>,
}

/// Which line a stream stands in first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It sends again, or says that it ends: that needs no credit of the connection's.
    Repair(StreamId),
    /// It sends something new.
    Fresh(StreamId),
}

impl Order {
    /// Brings a stream's places up to what it wants.
    pub(crate) fn place(
        &mut self,
        id: StreamId,
        priority: Priority,
        places: &mut Places,
        repair: bool,
        fresh: bool,
    ) {
        self.repair.place(id, priority, &mut places.repair, repair);
        self.fresh.place(id, priority, &mut places.fresh, fresh);
    }

    /// Takes a stream out.
    pub(crate) fn leave(&mut self, places: &mut Places) {
        for (line, place) in [(&mut self.repair, &mut places.repair), (&mut self.fresh, &mut places.fresh)] {
            if let Some(rank) = place.take() {
                line.leave(rank);
            }
        }
    }

    /// Whose turn it is. Without credit of the connection's nothing new leaves.
    pub(crate) fn first(&self, has_credit: bool) -> Option<Turn> {
        let repair = self.repair.ranks.front();
        let fresh = self.fresh.ranks.front().filter(|_| has_credit);
        match (repair, fresh) {
            (Some(repair), Some(fresh)) if fresh.urgency < repair.urgency => Some(Turn::Fresh(fresh.id)),
            (Some(repair), _) => Some(Turn::Repair(repair.id)),
            (None, fresh) => fresh.map(|fresh| Turn::Fresh(fresh.id)),
        }
    }

    /// Whether some stream has something new that only the connection's limit could hold up.
    pub(crate) fn has_fresh(&self) -> bool {
        !self.fresh.ranks.is_empty()
    }
}

/// Streams in order, best first.
#[derive(Debug, Default)]
struct Line {
    /// Sorted. Who comes is mostly the last, and who goes the first.
    ranks: VecDeque<Rank>,
    turns: u64,
}

/// A place: by urgency; then those that are of use only whole, by age; then the others by turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    urgency: u8,
    turn: u64,
    id: StreamId,
}

impl Line {
    fn place(&mut self, id: StreamId, priority: Priority, place: &mut Option<Rank>, wants: bool) {
        match (*place, wants) {
            (None, true) => *place = Some(self.enter(id, priority)),
            (Some(rank), false) => {
                self.leave(rank);
                *place = None;
            }
            (None, false) | (Some(_), true) => {}
        }
    }

    fn enter(&mut self, id: StreamId, priority: Priority) -> Rank {
        self.turns += u64::from(priority.incremental);
        let turn = if priority.incremental { self.turns } else { 0 };
        let rank = Rank { urgency: priority.urgency, turn, id };
        let at = match self.ranks.back() {
            Some(last) if *last > rank => self.ranks.partition_point(|other| *other < rank),
            _ => self.ranks.len(),
        };
        self.ranks.insert(at, rank);
        rank
    }

    fn leave(&mut self, rank: Rank) {
        if self.ranks.front() == Some(&rank) {
            self.ranks.pop_front();
        } else if let Ok(at) = self.ranks.binary_search(&rank) {
            self.ranks.remove(at);
        }
    }
}

#[cfg(test)]
mod tests;
