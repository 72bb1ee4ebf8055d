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
}

impl Metrics {
    /// Nothing counted yet.
    pub fn new() -> Self {
        Self { shards: Mutex::default(), began: SystemTime::now(), reloads: AtomicU64::new(0) }
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
