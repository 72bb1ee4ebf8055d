//! Which ClientHellos with early data were there before (RFC 9846 section 8.2).

use std::collections::BTreeSet;

/// Knows which ClientHellos came before, among all servers that open each other's tickets.
pub trait AntiReplay: Send + Sync {
    /// Whether nobody has come with this `binder` before, which was found to be right; from here on somebody has.
    /// `unix_ms` is now; from `until_unix_ms` on its ClientHello is too old to be taken by anybody, and may be forgotten.
    ///
    /// False is always safe: the client loses a round trip. So it is for whoever cannot tell, has no room left, or cannot
    /// reach those who know.
    fn is_first(&self, unix_ms: u64, until_unix_ms: u64, binder: &[u8]) -> bool;

    /// Whether other processes ask the same register, so that servers may share their tickets' keys beside it.
    fn is_shared(&self) -> bool {
        false
    }
}

/// Binders in memory, bounded: two windows, of which the older one is forgotten when the newer one is over. Whoever shares
/// it puts a lock around it; nothing is ever dropped before its time to make room.
#[derive(Debug)]
pub struct Seen {
    /// What was taken before this may have been forgotten, with what ran before us: it is refused.
    blind_until_unix_ms: u64,
    /// The latest time that anybody told: clocks that stand apart do no harm then.
    latest_unix_ms: u64,
    window_ms: u64,
    /// When the newer window began.
    since_unix_ms: u64,
    newer: BTreeSet<Mark>,
    older: BTreeSet<Mark>,
    entries: usize,
}

/// The first bytes of a binder: it is the output of a keyed hash, so that nobody who has no ticket can choose them.
type Mark = [u8; 16];

impl Seen {
    /// Knows nothing of what was before `unix_ms`, and refuses for so long. `window_ms` is the longest that a ClientHello may
    /// be taken after it was taken first: twice the tolerance of [`super::EarlyDataPolicy`], and what clocks differ by. Holds
    /// at most `entries` binders in each of two windows; above that everything is refused until the older one is over.
    pub fn new(unix_ms: u64, window_ms: u64, entries: usize) -> Self {
        Self {
            blind_until_unix_ms: unix_ms.saturating_add(window_ms),
            latest_unix_ms: unix_ms,
            window_ms,
            since_unix_ms: unix_ms,
            newer: BTreeSet::new(),
            older: BTreeSet::new(),
            entries,
        }
    }

    /// As [`AntiReplay::is_first`].
    pub fn is_first(&mut self, unix_ms: u64, until_unix_ms: u64, binder: &[u8]) -> bool {
        self.latest_unix_ms = self.latest_unix_ms.max(unix_ms);
        self.turn_over();
        let Some(mark) = binder.first_chunk::<{ size_of::<Mark>() }>() else { return false };
        let may_know = until_unix_ms > self.blind_until_unix_ms // spec: 9846-8-b
            && until_unix_ms > self.latest_unix_ms // What is over may have been forgotten.
            && until_unix_ms - self.latest_unix_ms <= self.window_ms // What is held longer would be forgotten too early.
            && self.newer.len() < self.entries;
        may_know && !self.older.contains(mark) && self.newer.insert(*mark)
    }

    /// Binders that are held.
    pub fn len(&self) -> usize {
        self.newer.len() + self.older.len()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn turn_over(&mut self) {
        let age_ms = self.latest_unix_ms.saturating_sub(self.since_unix_ms);
        if age_ms < self.window_ms {
            return;
        }
        self.older = core::mem::take(&mut self.newer);
        if age_ms >= self.window_ms.saturating_mul(2) {
            self.older.clear();
        }
        self.since_unix_ms = self.latest_unix_ms;
    }
}

#[cfg(test)]
mod tests;
