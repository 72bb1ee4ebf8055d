//! CUBIC (RFC 9438) in whole numbers: bytes for windows, microseconds for times, no floating point, so that each run is the
//! same everywhere.

use sakigake_wire::{Instant, Span};

/// beta_cubic = 7/10: what is left of the window after a congestion event (RFC 9438 section 4.6).
const BETA: (u64, u64) = (7, 10);
/// (1 + beta_cubic) / 2 = 17/20: fast convergence's share (RFC 9438 section 4.7).
const CONVERGENCE: (u64, u64) = (17, 20);
/// alpha_cubic = 3 * (1 - beta) / (1 + beta) = 9/17 (RFC 9438 section 4.3).
const ALPHA: (u64, u64) = (9, 17);
/// C = 4/10 segments a cubic second (RFC 9438 section 5.1).
const C: (u64, u64) = (4, 10);
/// Cubic microseconds a cubic second.
const CUBIC_SECOND: u128 = 1_000_000_000_000_000_000;
/// Fractions of a byte that growth is summed in.
const FRACTION_BITS: u32 = 10;
/// The curve is followed no longer than this into an epoch (about 28 hours); it would be far above every window by then.
const LONGEST_US: u64 = 100_000_000_000;

/// What CUBIC remembers between two acknowledgements.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cubic {
    /// W_max: the window before the last reduction, less where fast convergence gave way. None: no curve to come back to.
    w_max: Option<u64>,
    /// cwnd_prior.
    prior: u64,
    epoch: Option<Epoch>,
}

/// One stage of congestion avoidance.
#[derive(Clone, Copy, Debug)]
struct Epoch {
    start: Instant,
    /// K in microseconds.
    k_us: u64,
    /// The curve's plateau, in bytes.
    origin: u64,
    /// W_est in 1/1,024 bytes.
    estimate: u64,
    /// What growth has left below a byte, in 1/1,024.
    fraction: u64,
}

/// What CUBIC has to know of the sender at an acknowledgement.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// The present moment.
    pub now: Instant,
    /// The smoothed round-trip time.
    pub rtt: Span,
    /// The largest datagram, in bytes.
    pub datagram: u64,
}

impl Cubic {
    /// No loss yet.
    pub const fn new() -> Self {
        Self { w_max: None, prior: 0, epoch: None }
    }

    /// The window after `acked` bytes in congestion avoidance.
    pub fn grow(&mut self, window: u64, acked: u64, around: Circumstances) -> u64 {
        let (prior, w_max) = (if self.prior == 0 { window } else { self.prior }, self.w_max);
        let epoch = self.epoch.get_or_insert_with(|| Epoch::new(around, window, w_max));
        epoch.estimate(window, acked, prior, around.datagram);
        let t = micros(around.now.since(epoch.start));
        let friendly = epoch.estimate >> FRACTION_BITS;
        if epoch.curve(t, around.datagram) < friendly {
            return window.max(friendly); // spec: 9438-4.3-a
        }
        let target = epoch.curve(t + micros(around.rtt), around.datagram).clamp(window, window + window / 2); // spec: 9438-4.2-b
        epoch.approach(window, target, acked)
    }

    /// The window after a congestion event.
    pub fn reduce(&mut self, window: u64) -> u64 {
        self.prior = window;
        self.w_max = Some(match self.w_max {
            Some(w_max) if window < w_max => part(window, CONVERGENCE), // spec: 9438-4.7-a
            _ => window,
        });
        self.epoch = None;
        part(window, BETA) // spec: 9438-4.6-a
    }

    /// After persistent congestion the next curve begins flat, wherever slow start ends (RFC 9438 section 4.8).
    pub fn forget(&mut self) {
        self.w_max = None;
        self.epoch = None;
    }

    /// Whether there is no plateau to come back to.
    #[cfg(test)]
    pub(super) fn is_fresh(&self) -> bool {
        self.w_max.is_none()
    }

    /// For `pause` the window stood still because the application sent too little; the curve does not count it
    /// (RFC 9438 section 5.8).
    pub fn shift(&mut self, pause: Span) {
        if let Some(epoch) = &mut self.epoch {
            epoch.start += pause; // spec: 9438-4.2-a
        }
    }
}

impl Epoch {
    /// A stage that begins with `window`: below the plateau it climbs back in K, otherwise the plateau is where it stands.
    fn new(around: Circumstances, window: u64, w_max: Option<u64>) -> Self {
        let origin = w_max.unwrap_or(window).max(window);
        let cube = u128::from(origin - window) * u128::from(C.1) * CUBIC_SECOND
            / (u128::from(C.0) * u128::from(around.datagram.max(1)));
        let k_us = cube_root(cube).min(LONGEST_US);
        let estimate = window.saturating_mul(1 << FRACTION_BITS);
        Self { start: around.now, k_us, origin, estimate, fraction: 0 }
    }

    /// W_cubic(t) in bytes, `t` in microseconds.
    fn curve(&self, t: u64, datagram: u64) -> u64 {
        let t = t.min(LONGEST_US);
        let distance = u128::from(t.abs_diff(self.k_us));
        let cube = distance * distance * distance;
        let bytes = cube / CUBIC_SECOND * u128::from(C.0 * datagram) / u128::from(C.1)
            + cube % CUBIC_SECOND * u128::from(C.0 * datagram) / (CUBIC_SECOND * u128::from(C.1));
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        if t < self.k_us { self.origin.saturating_sub(bytes) } else { self.origin.saturating_add(bytes) }
    }

    /// Moves W_est as Reno would have moved.
    fn estimate(&mut self, window: u64, acked: u64, prior: u64, datagram: u64) {
        let alpha = if self.estimate >> FRACTION_BITS >= prior { (1, 1) } else { ALPHA };
        let by = u128::from(acked) * u128::from(datagram) * u128::from(alpha.0 << FRACTION_BITS)
            / (u128::from(window.max(1)) * u128::from(alpha.1));
        self.estimate = self.estimate.saturating_add(u64::try_from(by).unwrap_or(u64::MAX));
    }

    /// Goes from `window` towards `target` by the share of the window that was acknowledged.
    fn approach(&mut self, window: u64, target: u64, acked: u64) -> u64 {
        let by = ((u128::from(target - window) * u128::from(acked)) << FRACTION_BITS)
            / u128::from(window.max(1))
            + u128::from(self.fraction);
        let by = u64::try_from(by).unwrap_or(u64::MAX);
        self.fraction = by & ((1 << FRACTION_BITS) - 1);
        window.saturating_add(by >> FRACTION_BITS)
    }
}

fn micros(span: Span) -> u64 {
    (span.as_nanos() / 1_000).min(LONGEST_US)
}

fn part(of: u64, (numerator, denominator): (u64, u64)) -> u64 {
    u64::try_from(u128::from(of) * u128::from(numerator) / u128::from(denominator)).unwrap_or(u64::MAX)
}

/// The largest number whose cube is at most `cube`.
fn cube_root(cube: u128) -> u64 {
    let mut root = 0_u128;
    for bit in (0..42).rev() {
        let tried = root | 1 << bit;
        if tried * tried * tried <= cube {
            root = tried;
        }
    }
    // 42 bits at most.
    root as u64
}

#[cfg(test)]
mod tests;
