//! What to acknowledge in one space, and when (RFC 9000 section 13.2; the ACK frequency draft).
//!
//! The same set also says which packets came before, so that none is processed twice: what the bound makes it forget counts as
//! seen.

use crate::frame::EcnCounts;
use crate::ranges::RangeSet;
use sakigake_wire::{Instant, Span};

/// Numbers below an acknowledged acknowledgement that are still told apart, for packets that come very late.
const STILL_TAKEN: u64 = 256;

/// Bounds of what one space remembers of what it received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Ranges of received numbers; the lowest goes first, and numbers below it are taken for seen.
    pub ack_ranges: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { ack_ranges: 64 }
    }
}

/// How often to acknowledge: the values of an ACK_FREQUENCY frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frequency {
    /// Ack-Eliciting Threshold: so many packets may wait; the next one is answered at once.
    pub threshold: u64,
    /// Requested Max Ack Delay: and none waits longer.
    pub max_delay: Span,
    /// Reordering Threshold: a gap this far back is reported at once; 0 never, 1 at the first sign.
    pub reordering: u64,
}

impl Frequency {
    /// Every second packet, and any reordering at once (RFC 9000 section 13.2.2), within `max_delay`.
    pub const fn every_second(max_delay: Span) -> Self {
        Self { threshold: 1, max_delay, reordering: 1 }
    }

    /// Each packet at once, as in the spaces of the handshake (RFC 9000 section 13.2.1).
    pub const fn at_once() -> Self {
        Self { threshold: 0, max_delay: Span::ZERO, reordering: 1 }
    }
}

/// The mark of a received datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// None.
    NotEct,
    /// ECT(0).
    Ect0,
    /// ECT(1).
    Ect1,
    /// Congestion was met.
    Ce,
}

/// What one space has received.
#[derive(Clone, Debug)]
pub struct Acks {
    received: RangeSet,
    /// All numbers below count as received.
    floor: u64,
    largest_at: Instant,
    largest_eliciting: Option<u64>,
    largest_told: Option<u64>,
    waiting: u64,
    due: Option<Instant>,
    is_urgent: bool,
    counts: EcnCounts,
    frequency: Frequency,
    /// The number of the last ACK_FREQUENCY frame that counted.
    asked: Option<u64>,
    limits: Limits,
}

impl Acks {
    /// Nothing received yet.
    pub const fn new(frequency: Frequency, limits: Limits) -> Self {
        Self {
            received: RangeSet::new(),
            floor: 0,
            largest_at: Instant::from_nanos(0),
            largest_eliciting: None,
            largest_told: None,
            waiting: 0,
            due: None,
            is_urgent: false,
            counts: EcnCounts { ect0: 0, ect1: 0, ce: 0 },
            frequency,
            asked: None,
            limits,
        }
    }

    /// Whether a packet of this number came before, or may have; then it is not to be processed (RFC 9000 section 12.3).
    pub fn is_duplicate(&self, number: u64) -> bool {
        number < self.floor || self.received.contains(number) // spec: 9000-12.3-a
    }

    /// A packet was opened and processed. It was not a duplicate.
    pub fn on_received(&mut self, now: Instant, number: u64, elicits_ack: bool, mark: Mark) {
        if self.received.highest().is_none_or(|highest| number >= highest.end) {
            self.largest_at = now;
        }
        self.received.insert(number..number + 1);
        if self.received.len() > self.limits.ack_ranges {
            let lowest = self.received.pop_lowest();
            self.floor = lowest.map_or(self.floor, |lowest| lowest.end);
        }
        self.count(mark);
        if !elicits_ack {
            return; // spec: 9000-13.2.1-c
        }
        let (is_reordered, before) = (self.is_reordered(number), self.largest_eliciting);
        self.largest_eliciting = before.max(Some(number));
        self.waiting += 1;
        self.is_urgent |= self.waiting > self.frequency.threshold // spec: 9000-13.2.1-a
            || is_reordered // spec: 9000-13.2.1-d
            || mark == Mark::Ce; // spec: 9000-13.2.1-e
        self.due = self.due.or(Some(now + self.frequency.max_delay)); // spec: 9000-13.2.1-b
    }

    /// Something asks for an acknowledgement at once: an IMMEDIATE_ACK frame.
    pub fn ask(&mut self) {
        self.is_urgent = true;
    }

    /// When an acknowledgement has to leave by itself.
    pub fn deadline(&self) -> Option<Instant> {
        self.due
    }

    /// Whether an acknowledgement has to leave now, even alone.
    pub fn is_due(&self, now: Instant) -> bool {
        !self.received.is_empty() && (self.is_urgent || self.due.is_some_and(|due| due <= now))
    }

    /// Whether a packet that leaves anyway should take an acknowledgement along.
    pub fn is_wanted(&self) -> bool {
        self.waiting > 0 || self.is_urgent
    }

    /// What to acknowledge; `iter().rev()` is the order of an ACK frame.
    pub fn received(&self) -> &RangeSet {
        &self.received
    }

    /// For how long the largest number has been held, for the field ACK Delay.
    pub fn delay(&self, now: Instant) -> Span {
        now.since(self.largest_at)
    }

    /// The marks counted so far; none if there were none.
    pub fn counts(&self) -> Option<EcnCounts> {
        (self.counts != EcnCounts::default()).then_some(self.counts)
    }

    /// An ACK frame left.
    pub fn on_sent(&mut self) {
        self.largest_told = self.received.highest().map(|highest| highest.end - 1);
        self.waiting = 0;
        self.due = None;
        self.is_urgent = false;
    }

    /// A packet arrived whose ACK frame acknowledged up to `largest`: what is far below need not be told again.
    pub fn on_acked(&mut self, largest: u64) {
        let highest = self.received.highest().map_or(0, |highest| highest.end - 1);
        let floor = (largest + 1).saturating_sub(STILL_TAKEN).min(highest); // spec: 9000-13.2.3-b
        self.floor = self.floor.max(floor);
        self.received.remove_below(self.floor); // spec: 9000-13.2.3-a
    }

    /// The peer wishes to hear as often as this from now on, unless it said so before it said otherwise: frames are numbered.
    pub fn ask_frequency(&mut self, sequence: u64, frequency: Frequency) {
        if self.asked.is_none_or(|last| sequence > last) {
            (self.asked, self.frequency) = (Some(sequence), frequency); // spec: ackfreq-5-m
        }
    }

    /// Gives back the room that a connection at rest does not need.
    pub fn shrink(&mut self) {
        self.received.shrink();
    }

    fn count(&mut self, mark: Mark) {
        match mark {
            Mark::NotEct => {}
            Mark::Ect0 => self.counts.ect0 += 1,
            Mark::Ect1 => self.counts.ect1 += 1,
            Mark::Ce => self.counts.ce += 1,
        }
    }

    /// Whether an ack-eliciting packet of this number, received already, came late or left a gap that the peer should know.
    fn is_reordered(&self, number: u64) -> bool {
        let Some(largest) = self.largest_eliciting else {
            return self.frequency.reordering == 1 && !self.received.covers(self.floor..number);
        };
        match self.frequency.reordering {
            0 => false,
            1 => number < largest || !self.received.covers(largest + 1..number),
            far => {
                let largest = largest.max(number);
                let reported =
                    self.largest_told.map_or(self.floor, |told| (told + 1).saturating_sub(far) + 1);
                self.first_missing(reported.max(self.floor), largest).is_some_and(|gap| largest - gap >= far)
            }
        }
    }

    /// The lowest number from `from` on and below `to` that is missing.
    fn first_missing(&self, from: u64, to: u64) -> Option<u64> {
        let held = self.received.iter().find(|held| held.contains(&from));
        let missing = held.map_or(from, |held| held.end);
        (missing < to).then_some(missing)
    }
}

#[cfg(test)]
mod tests;
