//! What a server counts, and how it is told: Prometheus' text exposition format 0.0.4 at `/metrics` of an address of its own
//! ([`Kind::Metrics`](crate::server::Kind::Metrics)).
//!
//! Each worker counts for itself in memory that no other worker writes: a load and a store, no lock, no allocation. The sum
//! is made when somebody asks. Label values are names of the configuration and of registries, never what a client wrote.

mod answer;
mod scrape;
mod shard;
#[cfg(test)]
mod tests;
mod text;

pub(crate) use answer::connection;
pub(crate) use shard::{HostCounts, Shard};

use sakigake_preload::table::Totals;
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::SystemTime,
};

/// What a server counts. It outlives reloads: [`Running::reload`](crate::server::Running::reload) goes on with the present one.
#[derive(Debug)]
pub struct Metrics {
    shards: Mutex<Vec<Arc<Shard>>>,
    began: SystemTime,
    reloads: AtomicU64,
    hints: Mutex<Hints>,
}

/// What tables of hints counted that are not there any more, beside what the present one did when it was last looked at: a
/// counter never falls.
#[derive(Debug, Default)]
struct Hints {
    before: Totals,
    last: Totals,
}

impl Metrics {
    /// Nothing counted yet.
    pub fn new() -> Self {
        Self {
            shards: Mutex::default(),
            began: SystemTime::now(),
            reloads: AtomicU64::new(0),
            hints: Mutex::default(),
        }
    }

    /// The counters of one more worker.
    pub(crate) fn shard(&self) -> Arc<Shard> {
        let shard = Arc::new(Shard::default());
        self.shards().push(shard.clone());
        shard
    }

    /// Another site has taken the place of the one before.
    pub(crate) fn reloaded(&self) {
        self.reloads.fetch_add(1, Relaxed);
    }

    /// Hints sent and used since the beginning, where the present table's counts are these.
    fn hints(&self, now: Totals) -> Totals {
        let mut hints = self.hints.lock().unwrap_or_else(PoisonError::into_inner);
        let Hints { before, last } = &mut *hints;
        before.sent += last.sent.saturating_sub(now.sent);
        before.used += last.used.saturating_sub(now.used);
        let all = Totals { sent: before.sent + now.sent, used: before.used + now.used };
        *last = now;
        all
    }

    // A thread that panicked while it held the lock left a whole list behind.
    fn shards(&self) -> MutexGuard<'_, Vec<Arc<Shard>>> {
        self.shards.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
