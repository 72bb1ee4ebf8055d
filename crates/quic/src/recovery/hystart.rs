//! HyStart++ (RFC 9406): leaves the first slow start when round trips grow, before a queue overflows.
//!
//! ```text
//! slow start --the round's least RTT rose by 1/8 (4 to 16 ms)--> conservative slow start --5 rounds--> congestion avoidance
//!      ^                                                              |
//!      +-----------------the least RTT fell again---------------------+
//! ```

use sakigake_wire::{Instant, Span};

/// MIN_RTT_THRESH: a smaller rise says nothing.
const MIN_RISE: Span = Span::from_millis(4);
/// MAX_RTT_THRESH: a larger rise always says something.
const MAX_RISE: Span = Span::from_millis(16);
/// MIN_RTT_DIVISOR: between the two, this part of the last round's least counts.
const RISE_PART: u64 = 8;
/// N_RTT_SAMPLE: a round with fewer samples is not judged.
const SAMPLES: u32 = 8;
/// CSS_GROWTH_DIVISOR: how much slower the conservative phase grows.
const CAUTION: u64 = 4;
/// CSS_ROUNDS: how long the conservative phase lasts.
const CAUTIOUS_ROUNDS: u32 = 5;

/// The detector of one slow start. It is fed each RTT sample and each acknowledged packet's time of sending.
///
/// The sender paces, so the limit `L` on what one acknowledgement adds is infinite (RFC 9406 section 4.3).
#[derive(Clone, Copy, Debug)]
pub struct HyStart {
    /// A round ends when a packet sent at this moment or later is acknowledged.
    round_from: Instant,
    last_least: Option<Span>,
    least: Option<Span>,
    samples: u32,
    cautious: Option<Cautious>,
}

#[derive(Clone, Copy, Debug)]
struct Cautious {
    baseline: Span,
    rounds: u32,
}

impl HyStart {
    /// A slow start that begins `now`.
    pub const fn new(now: Instant) -> Self {
        Self { round_from: now, last_least: None, least: None, samples: 0, cautious: None }
    }

    /// Learns one RTT sample.
    pub fn learn(&mut self, sample: Span) {
        let least = self.least.map_or(sample, |least| least.min(sample));
        self.least = Some(least);
        self.samples = self.samples.saturating_add(1);
        if self.samples < SAMPLES {
            return;
        }
        match (self.cautious, self.last_least) {
            (Some(cautious), _) if least < cautious.baseline => self.cautious = None, // spec: 9406-4.2-b
            (None, Some(last)) if least >= last + rise(last) => {
                self.cautious = Some(Cautious { baseline: least, rounds: 0 }); // spec: 9406-4.2-a
            }
            _ => {}
        }
    }

    /// Learns that a packet sent at `sent` is acknowledged. True: slow start is over.
    pub fn is_over(&mut self, now: Instant, sent: Instant) -> bool {
        if sent < self.round_from {
            return false;
        }
        self.round_from = now;
        self.last_least = self.least.take();
        self.samples = 0;
        let Some(cautious) = &mut self.cautious else { return false };
        cautious.rounds += 1;
        cautious.rounds >= CAUTIOUS_ROUNDS // spec: 9406-4.2-c
    }

    /// By how much `acked` bytes let the window grow.
    pub const fn growth(&self, acked: u64) -> u64 {
        if self.cautious.is_some() { acked / CAUTION } else { acked }
    }

    /// Whether the conservative phase runs.
    pub const fn is_cautious(&self) -> bool {
        self.cautious.is_some()
    }
}

/// By how much the least RTT has to rise above `last` to end slow start.
fn rise(last: Span) -> Span {
    last.divided(RISE_PART).clamp(MIN_RISE, MAX_RISE)
}

#[cfg(test)]
mod tests;
