//! Small files that were asked for lately, in memory: a cache for each worker, so that none waits for another.
//!
//! What is kept is the version of a file that a stamp names. A look trusts it for a moment, then asks the file system for
//! the stamp at its path, and now and then has the file opened anew beneath the folder, so that a folder on the way that
//! became a link to elsewhere is seen too. Files that changed within the last second are not kept, since their next change
//! might not show.

#[cfg(test)]
mod tests;

use super::asset::Asset;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// What one worker keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of files with what is kept beside them, and room for what may be made of them; 0 keeps nothing.
    pub bytes: usize,
    /// Files.
    pub entries: usize,
    /// The longest file that is kept, in bytes; never more than [`super::PIECE_BYTES`].
    pub file_bytes: usize,
    /// How long a file is sent without a look at the file system.
    pub trust_us: u64,
    /// How long a file is sent without being opened anew.
    pub reopen_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 32 << 20,
            entries: 4096,
            file_bytes: super::PIECE_BYTES,
            trust_us: 1000,
            reopen_ms: 1000,
        }
    }
}

/// What a look finds.
pub(super) enum Look {
    /// This version may be sent.
    Hit(Arc<Asset>),
    /// This version may be sent if opening the file anew shows it to be the same.
    Aged(Arc<Asset>),
    /// Nothing that may be sent.
    Miss,
}

/// The caches of all workers.
pub(super) struct Caches {
    limits: Limits,
    shelves: Box<[Shelf]>,
}

/// One worker's, on cache lines of its own. The lock is there for programs with more threads than shelves; a worker
/// finds it open.
#[repr(align(128))]
#[derive(Default)]
struct Shelf(Mutex<Cache>);

/// Threads beyond this number share.
const SHELVES: usize = 64;

impl Caches {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, shelves: (0..SHELVES).map(|_| Shelf::default()).collect() }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) fn look(&self, key: &[u8], now: SystemTime) -> Look {
        self.mine().look(key, now, &self.limits)
    }

    /// Keeps a version that has just been opened, in place of the one before.
    pub(super) fn keep(&self, key: &[u8], asset: &Arc<Asset>, now: SystemTime) {
        let cost = key.len() + asset.cost();
        if self.limits.entries > 0 && cost <= self.limits.bytes {
            self.mine().keep(key, asset.clone(), cost, now, &self.limits);
        }
    }

    pub(super) fn forget(&self, key: &[u8]) {
        self.mine().forget(key);
    }

    fn mine(&self) -> MutexGuard<'_, Cache> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static MINE: Cell<usize> = Cell::new(NEXT.fetch_add(1, Ordering::Relaxed) % SHELVES);
        }
        // A panic in between leaves at worst an entry that nobody finds; its place is taken again in time.
        self.shelves[MINE.get()].0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Entries in places, and a hand that goes round over them (CLOCK): who was asked for since it last came by stays.
#[derive(Default)]
struct Cache {
    places: Vec<Option<Entry>>,
    /// In order, since the peer has a say in what is asked for.
    index: BTreeMap<Arc<[u8]>, usize>,
    /// Places without an entry.
    free: Vec<usize>,
    hand: usize,
    bytes: usize,
}

struct Entry {
    key: Arc<[u8]>,
    asset: Arc<Asset>,
    /// Bytes, as counted.
    cost: usize,
    /// When the file system was last asked.
    looked: SystemTime,
    /// When the file was last opened.
    opened: SystemTime,
    was_asked: bool,
}

/// How far the hand goes for one place, and how many entries go for one that comes: what a miss costs is bounded, and
/// what finds no room is not kept.
const STEPS: usize = 16;
const EVICTIONS: usize = 64;

impl Cache {
    fn look(&mut self, key: &[u8], now: SystemTime, limits: &Limits) -> Look {
        let Some(&place) = self.index.get(key) else { return Look::Miss };
        let Some(entry) = self.places.get_mut(place).and_then(Option::as_mut) else { return Look::Miss };
        entry.was_asked = true;
        // An error means that the clock went back.
        let is_young = |since: SystemTime, limit| now.duration_since(since).is_ok_and(|age| age < limit);
        if is_young(entry.looked, Duration::from_micros(limits.trust_us)) {
            return Look::Hit(entry.asset.clone());
        }
        if !is_young(entry.opened, Duration::from_millis(limits.reopen_ms)) {
            return Look::Aged(entry.asset.clone());
        }
        if entry.asset.is_current() {
            entry.looked = now;
            return Look::Hit(entry.asset.clone());
        }
        self.evict(place);
        Look::Miss
    }

    fn keep(&mut self, key: &[u8], asset: Arc<Asset>, cost: usize, now: SystemTime, limits: &Limits) {
        self.forget(key);
        for _ in 0..EVICTIONS {
            if self.index.len() < limits.entries && self.bytes + cost <= limits.bytes {
                break;
            }
            self.make_room();
        }
        if self.index.len() >= limits.entries || self.bytes + cost > limits.bytes {
            return;
        }
        let key: Arc<[u8]> = key.into();
        let entry = Entry { key: key.clone(), asset, cost, looked: now, opened: now, was_asked: false };
        self.bytes += cost;
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            self.places.len() - 1
        });
        self.places[place] = Some(entry);
        self.index.insert(key, place);
    }

    fn forget(&mut self, key: &[u8]) {
        if let Some(&place) = self.index.get(key) {
            self.evict(place);
        }
    }

    /// Moves the hand to an entry that was not asked for since, or as far as it may go, and takes what lies there.
    fn make_room(&mut self) {
        for step in 0.. {
            let place = self.advance();
            match self.places.get_mut(place) {
                None => return,
                Some(Some(entry)) if entry.was_asked && step < STEPS => entry.was_asked = false,
                Some(None) if step < STEPS => {}
                Some(_) => return self.evict(place),
            }
        }
    }

    fn advance(&mut self) -> usize {
        let place = self.hand;
        self.hand = if place + 1 < self.places.len() { place + 1 } else { 0 };
        place
    }

    fn evict(&mut self, place: usize) {
        if let Some(entry) = self.places.get_mut(place).and_then(Option::take) {
            self.index.remove(&entry.key);
            self.bytes -= entry.cost;
            self.free.push(place);
        }
    }
}
