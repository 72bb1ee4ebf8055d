use sakigake_wire::{Entropy, Instant};
use std::{io, thread, time};

/// The product's clock: nanoseconds since the process asked for it first.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: time::Instant,
}

impl Clock {
    /// A clock that starts now. One a process is enough; copies agree.
    pub fn start() -> Self {
        Self { start: time::Instant::now() }
    }

    /// The moment.
    pub fn now(&self) -> Instant {
        Instant::from_nanos(u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    /// The seconds since 1970 at the beginning of its count, as the machine's clock tells them now.
    pub fn unix_secs_at_start(&self) -> u64 {
        unix_secs().saturating_sub(self.now().as_nanos() / 1_000_000_000)
    }

    /// The same moment for tokio's timers.
    pub(crate) fn timer(&self, at: Instant) -> tokio::time::Instant {
        (self.start + time::Duration::from_nanos(at.as_nanos())).into()
    }
}

/// Seconds since 1970; 0 on a machine whose clock stands before that.
pub fn unix_secs() -> u64 {
    time::SystemTime::now().duration_since(time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The operating system's randomness, by way of the provider.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

/// Draws the first randomness on a thread of its own. The provider gathers it for some 30 ms the first time in a process:
/// a handshake that asks a little later does not wait for all of that.
///
/// # Errors
/// The system has no thread to give.
pub fn warm_up() -> io::Result<()> {
    let draw = || SystemEntropy.fill(&mut [0; 32]);
    thread::Builder::new().name("entropy".into()).spawn(draw).map(drop)
}

impl Entropy for SystemEntropy {
    fn fill(&mut self, out: &mut [u8]) {
        sakigake_crypto::aws_lc::random(out);
    }
}
