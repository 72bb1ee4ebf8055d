//! The round-trip time of a path as RFC 9002 section 5 estimates it.

use sakigake_wire::{Instant, Span};

/// The timer's resolution that no timeout goes below (RFC 9002 section 6.1.2, kGranularity).
pub const GRANULARITY: Span = Span::from_millis(1);
/// What is assumed of a path that nobody has measured (RFC 9002 section 6.2.2, kInitialRtt).
pub const INITIAL_RTT: Span = Span::from_millis(333);

/// The round-trip time of one path: the last sample, the least, and a mean with its variation.
#[derive(Clone, Debug)]
pub struct Rtt {
    latest: Span,
    least: Span,
    smoothed: Span,
    variation: Span,
    first_sample: Option<Instant>,
}

impl Rtt {
    /// A path that nobody has measured, taken to have a round trip of `guess`.
    pub const fn new(guess: Span) -> Self {
        Self { latest: guess, least: guess, smoothed: guess, variation: guess.divided(2), first_sample: None }
    }

    /// Learns of a packet that took `sample` to be acknowledged, of which the peer says it held `held` back (already limited
    /// to its max_ack_delay where that applies). `sample` is at least a nanosecond.
    pub fn learn(&mut self, now: Instant, sample: Span, held: Span) {
        let sample = sample.max(Span::from_nanos(1));
        self.latest = sample;
        if self.first_sample.is_none() {
            self.first_sample = Some(now);
            self.least = sample; // spec: 9002-5.2-a
            self.smoothed = sample;
            self.variation = sample.divided(2);
            return;
        }
        self.least = self.least.min(sample); // spec: 9002-5.2-b
        let adjusted = if sample >= self.least + held { sample - held } else { sample }; // spec: 9002-5.3-b
        let off = if self.smoothed > adjusted { self.smoothed - adjusted } else { adjusted - self.smoothed };
        self.variation = weighed(self.variation, off, 4);
        self.smoothed = weighed(self.smoothed, adjusted, 8);
    }

    /// After persistent congestion the least is measured anew, from the last sample on (RFC 9002 section 5.2).
    pub fn forget_least(&mut self) {
        self.least = self.latest;
    }

    /// latest_rtt: the last sample as it was measured.
    pub const fn latest(&self) -> Span {
        self.latest
    }

    /// min_rtt: the least sample.
    pub const fn least(&self) -> Span {
        self.least
    }

    /// smoothed_rtt; the guess before the first sample.
    pub const fn smoothed(&self) -> Span {
        self.smoothed
    }

    /// rttvar.
    pub const fn variation(&self) -> Span {
        self.variation
    }

    /// When the first sample came.
    pub const fn first_sample(&self) -> Option<Instant> {
        self.first_sample
    }

    /// The probe timeout without backoff and without the peer's max_ack_delay (RFC 9002 section 6.2.1).
    pub fn probe_timeout(&self) -> Span {
        self.smoothed + self.variation.times(4).max(GRANULARITY) // spec: 9002-6.2.1-a
    }

    /// How long a packet may be out, once a later one is acknowledged, before it counts as lost: 9/8 of the round trip.
    pub fn loss_delay(&self) -> Span {
        let round = self.latest.max(self.smoothed);
        (round + round.divided(8)).max(GRANULARITY) // spec: 9002-6.1.2-a
    }
}

/// One `parts`th of `new` and the rest of `old`.
fn weighed(old: Span, new: Span, parts: u64) -> Span {
    let (old, new, parts) = (u128::from(old.as_nanos()), u128::from(new.as_nanos()), u128::from(parts));
    let mean = (old * (parts - 1) + new) / parts;
    Span::from_nanos(u64::try_from(mean).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
