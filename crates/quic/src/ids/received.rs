//! The ids that the peer issued, and that we send to.

use super::{ConnectionId, Limits, ResetToken};
use crate::Fault;
use crate::paths::PathId;
use core::ops::Range;

/// The peer's connection ids. A path has one of its own as long as it lives; what no path has is spare.
#[derive(Debug)]
pub struct Received {
    /// In the order of their sequence numbers.
    held: Vec<Theirs>,
    limits: Limits,
    retire_prior_to: u64,
    /// Sequence numbers that were retired, so that their frames may come again: ranges in order, never touching.
    retired: Vec<Range<u64>>,
    /// RETIRE_CONNECTION_ID frames that are to be sent.
    due: Vec<u64>,
    /// RETIRE_CONNECTION_ID frames that were sent and are not acknowledged.
    in_flight: Vec<u64>,
}

#[derive(Debug)]
struct Theirs {
    sequence: u64,
    id: ConnectionId,
    token: Option<ResetToken>,
    path: Option<PathId>,
}

/// What a NEW_CONNECTION_ID frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fresh {
    /// Sequence Number.
    pub sequence: u64,
    /// Retire Prior To.
    pub retire_prior_to: u64,
    /// Connection ID.
    pub id: ConnectionId,
    /// Stateless Reset Token.
    pub token: ResetToken,
}

impl Received {
    /// `first` is the peer's Source Connection ID, with sequence number 0, or, for a client, what it has chosen itself until
    /// [`Received::answered`].
    pub fn new(first: ConnectionId, path: PathId, limits: &Limits) -> Self {
        let limits = Limits { active_ids: limits.active_ids.max(2), ..*limits };
        let first = Theirs { sequence: 0, id: first, token: None, path: Some(path) };
        let (held, retired) = (vec![first], Vec::new());
        Self { held, limits, retire_prior_to: 0, retired, due: Vec::new(), in_flight: Vec::new() }
    }

    /// The server answered a client's first packet, with a Retry or its Initial: from here on packets go to the id that it
    /// chose.
    pub fn answered(&mut self, id: ConnectionId) {
        if let Some(first) = self.held.first_mut().filter(|first| first.sequence == 0) {
            first.id = id;
        }
    }

    /// The server's stateless_reset_token parameter.
    pub fn set_token(&mut self, token: ResetToken) {
        if let Some(first) = self.held.first_mut().filter(|first| first.sequence == 0) {
            first.token = Some(token);
        }
    }

    /// The id of the server's preferred_address parameter, with sequence number 1.
    pub fn prefer(&mut self, id: ConnectionId, token: ResetToken) -> Result<(), Fault> {
        self.take(&Fresh { sequence: 1, retire_prior_to: 0, id, token })
    }

    /// NEW_CONNECTION_ID. Paths whose id it retires take another one with [`Received::on`].
    pub fn take(&mut self, fresh: &Fresh) -> Result<(), Fault> {
        self.admit(fresh)?;
        if fresh.retire_prior_to > self.retire_prior_to {
            self.retire_prior_to = fresh.retire_prior_to; // spec: 9000-19.15-e
            self.retire_where(|held, limit| held.sequence < limit)?; // spec: 9000-5.1.2-a
        }
        if self.held.iter().any(|held| held.sequence == fresh.sequence) || self.is_retired(fresh.sequence) {
            return Ok(()); // spec: 9000-19.15-c
        }
        if fresh.sequence < self.retire_prior_to {
            return self.retire(fresh.sequence); // spec: 9000-19.15-f
        }
        let at = self.held.partition_point(|held| held.sequence < fresh.sequence);
        let theirs = Theirs { sequence: fresh.sequence, id: fresh.id, token: Some(fresh.token), path: None };
        self.held.insert(at, theirs);
        if self.held.len() > self.limits.active_ids {
            return Err(Fault::TooManyConnectionIds); // spec: 9000-5.1.1-d
        }
        Ok(())
    }

    /// The id that packets on `path` go to: its own, or from here on a spare one. None where nothing is spare: nothing can be
    /// sent on that path.
    pub fn on(&mut self, path: PathId) -> Option<ConnectionId> {
        if let Some(held) = self.held.iter().find(|held| held.path == Some(path) || held.id.is_empty()) {
            return Some(held.id);
        }
        let spare = self.held.iter_mut().find(|held| held.path.is_none())?;
        spare.path = Some(path); // spec: 9000-9.5-a
        Some(spare.id)
    }

    /// The id of `path`, where it has one.
    pub fn of(&self, path: PathId) -> Option<ConnectionId> {
        self.held.iter().find(|held| held.path == Some(path) || held.id.is_empty()).map(|held| held.id)
    }

    /// Another id for `path`, where one is spare; the old one is retired.
    pub fn change(&mut self, path: PathId) -> Result<bool, Fault> {
        let may = self.spare() > 0;
        if may {
            self.leave(path)?;
            self.on(path);
        }
        Ok(may)
    }

    /// The peer was moved by its network, not by itself: it kept the id that it sends to, so we keep ours.
    pub fn follow(&mut self, from: PathId, to: PathId) -> Result<(), Fault> {
        if from == to || !self.held.iter().any(|held| held.path == Some(from)) {
            return Ok(()); // There is nothing to take along.
        }
        self.leave(to)?;
        if let Some(held) = self.held.iter_mut().find(|held| held.path == Some(from)) {
            held.path = Some(to);
        }
        Ok(())
    }

    /// Nothing is sent on `path` any more: its id is retired.
    pub fn leave(&mut self, path: PathId) -> Result<(), Fault> {
        let held = self.held.iter().find(|held| held.path == Some(path) && !held.id.is_empty());
        let Some(sequence) = held.map(|held| held.sequence) else { return Ok(()) };
        self.held.retain(|held| held.sequence != sequence);
        self.retire(sequence) // spec: 9000-5.1.2-b
    }

    /// Ids that no path has.
    pub fn spare(&self) -> usize {
        self.held.iter().filter(|held| held.path.is_none()).count()
    }

    /// Ids that are held, and those to be retired of which the peer has not heard.
    pub fn counts(&self) -> (usize, usize) {
        (self.held.len(), self.due.len() + self.in_flight.len())
    }

    /// Whether the peer has us send to an empty id: then it cannot be told apart on another path.
    pub fn is_empty(&self) -> bool {
        self.held.iter().any(|held| held.id.is_empty())
    }

    /// Whether a datagram that no key opens is a stateless reset: it ends with the token of an id that we send to.
    pub fn is_reset(&self, datagram: &[u8]) -> bool {
        let tokens = self.held.iter().filter(|held| held.path.is_some()).filter_map(|held| held.token); // spec: 9000-10.3.1-b
        // All are looked at, so that the time does not tell which one it was.
        tokens.fold(false, |is_reset, token| is_reset | token.ends(datagram)) // spec: 9000-10.3.1-a
    }

    /// The sequence number of the next RETIRE_CONNECTION_ID frame; it counts as sent.
    pub fn retirement(&mut self) -> Option<u64> {
        let sequence = (!self.due.is_empty()).then(|| self.due.remove(0))?;
        self.in_flight.push(sequence);
        Some(sequence)
    }

    /// Whether [`Received::retirement`] has something.
    pub fn is_due(&self) -> bool {
        !self.due.is_empty()
    }

    /// A RETIRE_CONNECTION_ID frame was lost (or found no room): it is sent again.
    pub fn retirement_lost(&mut self, sequence: u64) {
        if let Some(at) = self.in_flight.iter().position(|sent| *sent == sequence) {
            self.due.push(self.in_flight.swap_remove(at));
        }
    }

    /// A RETIRE_CONNECTION_ID frame was acknowledged.
    pub fn retirement_acked(&mut self, sequence: u64) {
        let is_other = |other: &u64| *other != sequence;
        self.in_flight.retain(is_other);
        self.due.retain(is_other); // It was thought lost.
    }

    /// Whether the frame may be at all, and agrees with those before it.
    fn admit(&self, fresh: &Fresh) -> Result<(), Fault> {
        if self.is_empty() {
            return Err(Fault::ConnectionIdForNobody); // spec: 9000-19.15-a
        }
        if fresh.id.is_empty() {
            return Err(Fault::ConnectionIdLength); // spec: 9000-19.15-g
        }
        if fresh.retire_prior_to > fresh.sequence {
            return Err(Fault::RetirePriorToAhead); // spec: 9000-19.15-d
        }
        for held in &self.held {
            let same =
                (held.sequence == fresh.sequence, held.id == fresh.id, held.token == Some(fresh.token));
            match same {
                (true, true, true) | (false, false, false) => {}
                // The handshake's id has a token only where a server gave one.
                _ => return Err(Fault::ConnectionIdReused), // spec: 9000-19.15-h
            }
        }
        Ok(())
    }

    fn retire_where(&mut self, is_over: impl Fn(&Theirs, u64) -> bool) -> Result<(), Fault> {
        let limit = self.retire_prior_to;
        while let Some(at) = self.held.iter().position(|held| is_over(held, limit)) {
            let sequence = self.held.remove(at).sequence;
            self.retire(sequence)?;
        }
        Ok(())
    }

    /// Queues a RETIRE_CONNECTION_ID frame and remembers it.
    fn retire(&mut self, sequence: u64) -> Result<(), Fault> {
        if self.due.contains(&sequence) || self.in_flight.contains(&sequence) {
            return Ok(());
        }
        if self.due.len() + self.in_flight.len() >= self.limits.retiring_ids {
            return Err(Fault::TooManyRetirements); // spec: 9000-5.1.2-c
        }
        self.due.push(sequence);
        self.remember(sequence)
    }

    /// Adds to the ranges. Those below Retire Prior To may be forgotten: at worst a frame that comes late is answered twice.
    fn remember(&mut self, sequence: u64) -> Result<(), Fault> {
        let at = self.retired.partition_point(|range| range.end < sequence);
        let end = sequence.saturating_add(1);
        match self.retired.get_mut(at) {
            Some(range) if range.contains(&sequence) => {}
            Some(range) if range.end == sequence => range.end = end,
            Some(range) if range.start == end => range.start = sequence,
            _ => self.retired.insert(at, sequence..end),
        }
        if at + 1 < self.retired.len() && self.retired[at].end == self.retired[at + 1].start {
            self.retired[at].end = self.retired.remove(at + 1).end;
        }
        if self.retired.len() > self.limits.retired_gaps + 1 {
            if self.retired[0].end > self.retire_prior_to {
                return Err(Fault::TooManyRetirements);
            }
            self.retired.remove(0);
        }
        Ok(())
    }

    fn is_retired(&self, sequence: u64) -> bool {
        self.retired.iter().any(|range| range.contains(&sequence))
    }
}

#[cfg(test)]
mod tests;
