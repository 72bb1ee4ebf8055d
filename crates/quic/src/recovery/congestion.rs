//! The congestion window of one path (RFC 9002 section 7), grown by NewReno or CUBIC.
//!
//! ```text
//! slow start --loss, CE--> recovery --a packet sent since is acknowledged--> congestion avoidance
//!      ^  |                    ^                                                  |  |
//!      |  +--HyStart++---------|-----------> congestion avoidance                 |  |
//!      |                       +----------------loss, CE--------------------------+  |
//!      +---------------------------persistent congestion-----------------------------+
//! ```

use super::{
    cubic::{Circumstances, Cubic},
    hystart::HyStart,
    new_reno::NewReno,
};
use sakigake_wire::{Instant, Span};

/// The initial window in bytes when ten datagrams are more (RFC 9002 section 7.2).
const INITIAL_WINDOW_BYTES: u64 = 14_720;
/// No window grows beyond this; the arithmetic is safe below it.
const MOST_BYTES: u64 = 1 << 40;

/// Which law grows and cuts the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// RFC 9002 section 7.
    NewReno,
    /// RFC 9438.
    #[default]
    Cubic,
}

/// Where the controller is (RFC 9002 section 7.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The window grows by what is acknowledged.
    SlowStart,
    /// The window was cut and waits for a packet sent since.
    Recovery,
    /// The window grows by the law.
    Avoidance,
}

/// One path's congestion window. It is told what was acknowledged and lost and decides nothing else.
#[derive(Clone, Debug)]
pub struct Congestion {
    window: u64,
    threshold: u64,
    datagram: u64,
    recovery_start: Option<Instant>,
    in_recovery: bool,
    law: Law,
    hystart: Option<HyStart>,
    before: Option<Before>,
    idle_since: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
enum Law {
    NewReno(NewReno),
    Cubic(Cubic),
}

/// What a spurious loss brings back.
#[derive(Clone, Copy, Debug)]
struct Before {
    window: u64,
    threshold: u64,
    law: Law,
    hystart: Option<HyStart>,
}

/// The initial window for datagrams of `datagram` bytes (RFC 9002 section 7.2).
pub const fn initial_window(datagram: u64) -> u64 {
    let (ten, two) = (10 * datagram, 2 * datagram);
    let most = if two > INITIAL_WINDOW_BYTES { two } else { INITIAL_WINDOW_BYTES };
    if ten < most { ten } else { most } // spec: 9002-7.2-a
}

impl Congestion {
    /// A path that nobody has used, in slow start, for datagrams of `datagram` bytes.
    pub const fn new(now: Instant, algorithm: Algorithm, datagram: u64) -> Self {
        let law = match algorithm {
            Algorithm::NewReno => Law::NewReno(NewReno::new()),
            Algorithm::Cubic => Law::Cubic(Cubic::new()),
        };
        Self {
            window: initial_window(datagram),
            threshold: u64::MAX,
            datagram,
            recovery_start: None,
            in_recovery: false,
            law,
            hystart: Some(HyStart::new(now)),
            before: None,
            idle_since: None,
        }
    }

    /// Learns an RTT sample (HyStart++).
    pub fn learn(&mut self, sample: Span) {
        if let Some(hystart) = &mut self.hystart {
            hystart.learn(sample);
        }
    }

    /// A packet of `bytes` that was in flight since `sent` is acknowledged; `rtt` is the smoothed round trip.
    pub fn acked(&mut self, now: Instant, sent: Instant, bytes: u64, rtt: Span) {
        if self.recovery_start.is_some_and(|start| sent <= start) {
            return; // spec: 9002-7.3.2-c
        }
        self.in_recovery = false;
        if self.hystart.as_mut().is_some_and(|hystart| hystart.is_over(now, sent)) {
            self.hystart = None;
            self.threshold = self.window;
        }
        if self.idle_since.is_some() {
            return; // spec: 9002-7.8-a
        }
        let grown = if self.window < self.threshold {
            let by = self.hystart.as_ref().map_or(bytes, |hystart| hystart.growth(bytes));
            self.window.saturating_add(by) // spec: 9002-7.3.1-a
        } else {
            let around = Circumstances { now, rtt, datagram: self.datagram };
            match &mut self.law {
                Law::NewReno(law) => law.grow(self.window, self.datagram, bytes),
                Law::Cubic(law) => law.grow(self.window, bytes, around),
            }
        };
        self.window = grown.min(MOST_BYTES);
    }

    /// A packet sent at `sent` was lost, or arrived marked CE. True: this begins a recovery period and cuts the window.
    pub fn event(&mut self, now: Instant, sent: Instant) -> bool {
        if self.recovery_start.is_some_and(|start| sent <= start) {
            return false; // spec: 9002-7.3.2-b
        }
        let Self { window, threshold, law, hystart, .. } = *self;
        self.before = Some(Before { window, threshold, law, hystart });
        let reduced = match &mut self.law {
            Law::NewReno(law) => law.reduce(window),
            Law::Cubic(law) => law.reduce(window),
        };
        self.hystart = None;
        self.window = reduced.max(self.least());
        self.threshold = self.window; // spec: 9002-7.3.1-b, 9002-7.3.2-a
        self.recovery_start = Some(now);
        self.in_recovery = true;
        true
    }

    /// Everything that was sent over a long time is lost: slow start from the minimum window.
    pub fn persistent(&mut self) {
        self.window = self.least(); // spec: 9002-7.6.2-b
        self.recovery_start = None;
        self.in_recovery = false;
        self.before = None;
        if let Law::Cubic(law) = &mut self.law {
            law.forget();
        }
    }

    /// What had cut the window last turned out not to be lost: what was before comes back, with what was won since.
    /// False: there is nothing to undo.
    pub fn undo(&mut self) -> bool {
        let Some(before) = self.before.take() else { return false };
        self.window = self.window.max(before.window); // spec: 9438-4.9.2-a
        self.threshold = before.threshold;
        self.law = before.law;
        self.hystart = before.hystart;
        self.recovery_start = None;
        self.in_recovery = false;
        true
    }

    /// Whether the application leaves the window unused from `now` on; what is acknowledged then does not grow it.
    pub fn set_idle(&mut self, now: Instant, is_idle: bool) {
        match self.idle_since {
            None if is_idle => self.idle_since = Some(now),
            Some(since) if !is_idle => {
                self.idle_since = None;
                if let Law::Cubic(law) = &mut self.law {
                    law.shift(now.since(since));
                }
            }
            _ => {}
        }
    }

    /// The path carries datagrams of `datagram` bytes now. `is_fresh`: nothing is acknowledged yet and the initial window
    /// is worked out again (RFC 9002 section 7.2).
    pub fn set_datagram(&mut self, datagram: u64, is_fresh: bool) {
        self.datagram = datagram;
        if is_fresh && self.recovery_start.is_none() && self.threshold == u64::MAX {
            self.window = initial_window(datagram);
        }
        self.window = self.window.max(self.least());
    }

    /// Bytes that may be in flight.
    pub const fn window(&self) -> u64 {
        self.window
    }

    /// ssthresh in bytes; none before the first congestion event.
    pub const fn threshold(&self) -> Option<u64> {
        if self.threshold == u64::MAX { None } else { Some(self.threshold) }
    }

    /// Where the controller is.
    pub const fn phase(&self) -> Phase {
        match self {
            _ if self.in_recovery => Phase::Recovery,
            _ if self.window < self.threshold => Phase::SlowStart,
            _ => Phase::Avoidance,
        }
    }

    /// Whether the application leaves the window unused.
    pub const fn is_idle(&self) -> bool {
        self.idle_since.is_some()
    }

    /// The largest datagram in bytes.
    pub const fn datagram(&self) -> u64 {
        self.datagram
    }

    /// kMinimumWindow (RFC 9002 section 7.2).
    const fn least(&self) -> u64 {
        2 * self.datagram
    }
}

#[cfg(test)]
mod tests;
