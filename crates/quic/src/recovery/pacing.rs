//! Spreads what the window allows over the round trip (RFC 9002 section 7.7): a bucket that fills at a little more than a
//! window a round, and that holds one initial window.

use sakigake_wire::{Instant, Span};

/// How much faster than a window a round, outside slow start: 5/4 (RFC 9002 section 7.7, N).
const BRISK: (u64, u64) = (5, 4);
/// In slow start the window doubles within a round: 2.
const DOUBLE: (u64, u64) = (2, 1);
/// The bucket holds what flows in this time if that is more than an initial window, since timers are no finer than that.
const COARSE: Span = Span::from_millis(2);
/// But never more than this, which is one batch of a fast sender.
const LARGEST_BURST_BYTES: u64 = 256 * 1_024;
/// Fractions of a byte that the bucket is counted in.
const FRACTION_BITS: u32 = 10;

/// How fast a path is used.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// The congestion window in bytes.
    pub window: u64,
    /// The smoothed round trip.
    pub rtt: Span,
    /// Whether the window is growing exponentially.
    pub is_slow_start: bool,
    /// The initial window in bytes.
    pub initial: u64,
}

/// The bucket of one path.
#[derive(Clone, Copy, Debug)]
pub struct Pacer {
    /// What may leave at once, in 1/1,024 bytes, as of `filled`.
    tokens: u64,
    filled: Instant,
}

impl Pacer {
    /// A full bucket: one initial window may leave at once.
    pub const fn new(now: Instant, initial: u64) -> Self {
        Self { tokens: initial << FRACTION_BITS, filled: now }
    }

    /// Takes `bytes` out; a packet that did not ask (a probe) may empty it.
    pub fn take(&mut self, now: Instant, bytes: u64, rate: Rate) {
        self.tokens = self.tokens(now, rate, rate.burst()).saturating_sub(bytes << FRACTION_BITS);
        self.filled = self.filled.max(now);
    }

    /// How long a packet of `bytes` has to wait; nothing when it may leave now.
    pub fn delay(&self, now: Instant, bytes: u64, rate: Rate) -> Span {
        let burst = rate.burst();
        let wanted = bytes.min(burst) << FRACTION_BITS;
        let lacking = wanted.saturating_sub(self.tokens(now, rate, burst));
        if lacking == 0 {
            return Span::ZERO; // Most packets, and each division costs as much as a packet's header.
        }
        let (numerator, denominator) = rate.factor();
        let flow = (u128::from(numerator) * u128::from(rate.window.max(1))) << FRACTION_BITS;
        let nanos =
            (u128::from(lacking) * u128::from(rate.rtt.as_nanos()) * u128::from(denominator)).div_ceil(flow);
        Span::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    fn tokens(&self, now: Instant, rate: Rate, burst: u64) -> u64 {
        let flowed = match now.since(self.filled) {
            Span::ZERO => 0, // A batch leaves at one moment.
            time => rate.bytes_in(time),
        };
        self.tokens.saturating_add(flowed).min(burst << FRACTION_BITS) // spec: 9002-7.7-a
    }
}

impl Rate {
    /// What may leave at once, in bytes.
    fn burst(&self) -> u64 {
        let (flow, by) = self.flow(COARSE);
        let is_large = flow >= u128::from(LARGEST_BURST_BYTES << FRACTION_BITS) * by;
        let coarse = if is_large { LARGEST_BURST_BYTES } else { whole(flow, by) >> FRACTION_BITS };
        coarse.max(self.initial)
    }

    /// What flows in `time`, in 1/1,024 bytes.
    fn bytes_in(&self, time: Span) -> u64 {
        let (flow, by) = self.flow(time);
        whole(flow, by)
    }

    /// The same before it is divided, and by what.
    fn flow(&self, time: Span) -> (u128, u128) {
        let (numerator, denominator) = self.factor();
        let flow = (u128::from(numerator) * u128::from(self.window)) << FRACTION_BITS;
        let by = u128::from(self.rtt.as_nanos().max(1)) * u128::from(denominator);
        (flow * u128::from(time.as_nanos()), by)
    }

    const fn factor(&self) -> (u64, u64) {
        if self.is_slow_start { DOUBLE } else { BRISK }
    }
}

fn whole(flow: u128, by: u128) -> u64 {
    u64::try_from(flow / by).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
