//! Which first flights were there before: the register of early data that all workers of a server share.

use sakigake_net::unix_secs;
use sakigake_tls::server::{AntiReplay, EarlyDataPolicy, Seen};
use std::sync::{Arc, Mutex};

/// Binders that one window holds: 48 bytes each, and 20 s or so of a few thousand new connections a second.
const ENTRIES: usize = 65_536;

/// What the clocks of a server's connections may stand apart, in milliseconds: they are told whole seconds once.
const CLOCKS_MS: u64 = 2_000;

/// First flights in memory. A server that begins refuses early data for one window, since it cannot know what was taken before;
/// whoever keeps the register over a reload need not.
pub struct Register(Mutex<Seen>);

impl Register {
    /// Empty, for a policy that tolerates so many milliseconds either way.
    pub fn new(tolerance_ms: u64) -> Self {
        let window_ms = tolerance_ms.saturating_mul(2).saturating_add(CLOCKS_MS);
        Self(Mutex::new(Seen::new(unix_secs().saturating_mul(1_000), window_ms, ENTRIES)))
    }

    /// What a server takes that has its own.
    pub fn policy() -> EarlyDataPolicy {
        let nobody: Arc<dyn AntiReplay> = Arc::new(Self::new(0));
        let policy = EarlyDataPolicy::new(nobody);
        EarlyDataPolicy { register: Arc::new(Self::new(policy.tolerance_ms)), ..policy }
    }
}

impl AntiReplay for Register {
    fn is_first(&self, unix_ms: u64, until_unix_ms: u64, binder: &[u8]) -> bool {
        // A lock that somebody left in a panic guards nothing that can be relied on.
        self.0.lock().is_ok_and(|mut seen| seen.is_first(unix_ms, until_unix_ms, binder))
    }
}
