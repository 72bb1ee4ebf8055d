//! One host's hints, their blocks and their counts.

use super::{Account, Config, Site, Withdrawal, survives};
use crate::{
    Digest, Hint, Origin,
    block::{self, Budget},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
};

/// What one frame says.
#[derive(Clone, Debug)]
pub struct Flight {
    host: Arc<Host>,
    encoded: Arc<Encoded>,
    len: usize,
}

/// How often one hint was sent to clients that act on the frame, and how often it was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// The hint.
    pub hint: Hint,
    /// Connections that heard it and were counted.
    pub sent: u64,
    /// Connections that asked for it in time.
    pub used: u64,
    /// Whether it is no longer sent.
    pub withdrawn: bool,
}

/// Hints in a block. Each line stands for itself, so that a block may be cut behind any of them.
#[derive(Debug, Default)]
struct Encoded {
    block: Vec<u8>,
    /// The same for HTTP/3.
    section: Vec<u8>,
    /// One a hint.
    lines: Vec<Line>,
}

/// A hint in a block.
#[derive(Debug)]
struct Line {
    entry: usize,
    /// Where it ends in the block.
    end: usize,
    section_end: usize,
    /// Of the host and of the block up to there.
    digest: Digest,
}

/// Values of `link` fields, best first.
pub type Links = Arc<[String]>;

#[derive(Debug)]
pub(super) struct Host {
    /// Of the host alone.
    digest: Digest,
    entries: Vec<Entry>,
    /// Entries of every page, best first.
    first: Vec<usize>,
    /// Entries by page, best first.
    pages: BTreeMap<String, Vec<usize>>,
    budget: Budget,
    withdrawal: Withdrawal,
    encoded: RwLock<Arc<Encoded>>,
    /// By page, as far as they were asked for; "" stands for the pages that want no more than every page.
    links: RwLock<BTreeMap<String, Links>>,
}

#[derive(Debug)]
struct Entry {
    hint: Hint,
    /// Where the hint lies: its origin, whether that is the host's own, and its path with query.
    origin: Origin,
    is_own: bool,
    target: String,
    sent: AtomicU64,
    used: AtomicU64,
    withdrawn: AtomicBool,
}

impl Flight {
    /// The frame's payload over HTTP/2.
    pub fn block(&self) -> &[u8] {
        &self.encoded.block[..self.len]
    }

    /// The same over HTTP/3; at most one byte longer.
    pub fn section(&self) -> &[u8] {
        let end = self.lines().last().map_or(0, |line| line.section_end);
        &self.encoded.section[..end]
    }

    /// Of the host and of exactly the frame's payload (PRELOAD profile, point 10).
    pub fn digest(&self) -> Digest {
        self.lines().last().map_or(self.host.digest, |line| line.digest)
    }

    /// The hints in it.
    pub fn hints(&self) -> impl Iterator<Item = &Hint> {
        self.entries().map(|index| &self.host.entries[index].hint)
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = usize> {
        self.lines().map(|line| line.entry)
    }

    fn lines(&self) -> impl Iterator<Item = &Line> {
        self.encoded.lines.iter().take_while(|line| line.end <= self.len)
    }

    pub(super) const fn host(&self) -> &Arc<Host> {
        &self.host
    }

    pub(super) fn first(host: &Arc<Host>, block_bytes: usize) -> Option<Self> {
        let encoded = Arc::clone(&host.encoded.read().unwrap_or_else(PoisonError::into_inner));
        Self::within(host, encoded, block_bytes)
    }

    pub(super) fn page(host: &Arc<Host>, path: &str, account: &Account, budget: Budget) -> Option<Self> {
        let unheard = host.of_page(path, |index| !account.has(host, index));
        let encoded = Arc::new(host.encode(unheard.into_iter(), budget));
        Self::within(host, encoded, budget.block_bytes)
    }

    fn within(host: &Arc<Host>, encoded: Arc<Encoded>, block_bytes: usize) -> Option<Self> {
        let len = encoded.lines.iter().map(|line| line.end).take_while(|end| *end <= block_bytes).last()?;
        Some(Self { host: Arc::clone(host), encoded, len })
    }
}

impl Host {
    pub(super) fn new(origin: Origin, site: &Site, config: &Config, old: Option<&Self>) -> Self {
        let mut entries = Entries::new(&origin, config.limits.hints, old);
        let first = entries.take(&site.hints);
        let pages = site.pages.iter().take(config.limits.pages);
        let pages = pages.map(|(path, hints)| (path.clone(), entries.take(hints))).collect();
        let host = Self {
            digest: Digest::of(origin.host()),
            entries: entries.list,
            first,
            pages,
            budget: config.budget,
            withdrawal: config.withdrawal,
            encoded: RwLock::default(),
            links: RwLock::default(),
        };
        host.encode_first();
        host
    }

    pub(super) fn hint(&self, index: usize) -> &Hint {
        &self.entries[index].hint
    }

    /// Whether an entry is what `target` on `authority` asks for; without authority, on the host's own origin.
    pub(super) fn is_asked_for(&self, index: usize, authority: Option<&Origin>, target: &str) -> bool {
        let entry = &self.entries[index];
        entry.target == target && authority.map_or(entry.is_own, |origin| *origin == entry.origin)
    }

    /// Counts one send and what became of it, and withdraws the hint when too many were in vain.
    pub(super) fn settle(&self, index: usize, used: bool) {
        let entry = &self.entries[index];
        let sent = entry.sent.fetch_add(1, Relaxed) + 1;
        let used = entry.used.fetch_add(u64::from(used), Relaxed) + u64::from(used);
        let unused = sent.saturating_sub(used);
        let in_vain = unused.saturating_mul(100) > sent.saturating_mul(self.withdrawal.unused_percent);
        let is_due = sent >= self.withdrawal.sends && in_vain; // spec: preload-profile-11-b
        if is_due && !entry.withdrawn.swap(true, Relaxed) {
            self.encode_first();
            self.links.write().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }

    pub(super) fn counts(&self) -> Vec<Count> {
        let count = |entry: &Entry| Count {
            hint: entry.hint.clone(),
            sent: entry.sent.load(Relaxed),
            used: entry.used.load(Relaxed),
            withdrawn: entry.withdrawn.load(Relaxed),
        };
        self.entries.iter().map(count).collect()
    }

    /// All sends that were counted, and those that were used.
    pub(super) fn totals(&self) -> (u64, u64) {
        let sum =
            |of: fn(&Entry) -> &AtomicU64| self.entries.iter().map(|entry| of(entry).load(Relaxed)).sum();
        (sum(|entry| &entry.sent), sum(|entry| &entry.used))
    }

    pub(super) fn hints_for(&self, path: &str, count: usize) -> Vec<Hint> {
        self.of_page(path, |_| true)
            .into_iter()
            .take(count)
            .map(|index| self.entries[index].hint.clone())
            .collect()
    }

    pub(super) fn links(&self, path: &str) -> Links {
        let path = if self.pages.contains_key(path) { path } else { "" };
        if let Some(links) = self.links.read().unwrap_or_else(PoisonError::into_inner).get(path) {
            return links.clone();
        }
        // Made under the lock, so that a withdrawal comes before it is made or clears it away.
        let mut links = self.links.write().unwrap_or_else(PoisonError::into_inner);
        links.entry(path.to_owned()).or_insert_with(|| self.make_links(path)).clone()
    }

    fn make_links(&self, path: &str) -> Links {
        let mut room = self.budget.block_bytes;
        let hints = self.hints_for(path, self.budget.hints).into_iter(); // spec: preload-profile-12-c
        let values = hints.map(|hint| hint.to_link().to_string());
        let fit = values.map_while(|value| {
            room = room.checked_sub("link".len() + value.len())?;
            Some(value)
        });
        fit.collect()
    }

    /// What a page wants, is not withdrawn, and passes `filter`, best first.
    fn of_page(&self, path: &str, filter: impl Fn(usize) -> bool) -> Vec<usize> {
        let of_page = self.pages.get(path).into_iter().flatten();
        let named = self.first.iter().chain(of_page).copied();
        let is_live = |index: &usize| !self.entries[*index].withdrawn.load(Relaxed) && filter(*index);
        let named: BTreeSet<usize> = named.filter(is_live).collect();
        let mut indexes: Vec<usize> = named.into_iter().collect();
        indexes.sort_by_key(|index| self.entries[*index].hint.rank());
        indexes
    }

    fn encode_first(&self) {
        // Under the lock, so that of two withdrawals at once neither is undone by the other's older view.
        let mut encoded = self.encoded.write().unwrap_or_else(PoisonError::into_inner);
        let kept = self.first.iter().copied().filter(|index| !self.entries[*index].withdrawn.load(Relaxed));
        *encoded = Arc::new(self.encode(kept, self.budget));
    }

    fn encode(&self, indexes: impl Iterator<Item = usize>, budget: Budget) -> Encoded {
        let (mut encoded, mut digest) = (Encoded::default(), self.digest);
        encoded.section.extend_from_slice(&block::SECTION_HEAD);
        for index in indexes.take(budget.hints) {
            let room = Budget { hints: 1, block_bytes: budget.block_bytes - encoded.block.len() };
            let (line, count) = block::write(core::slice::from_ref(&self.entries[index].hint), room);
            if count == 0 {
                break;
            }
            encoded.block.extend_from_slice(&line);
            encoded.section.extend_from_slice(&block::write_line(&self.entries[index].hint));
            digest = digest.with(&line);
            let (end, section_end) = (encoded.block.len(), encoded.section.len());
            encoded.lines.push(Line { entry: index, end, section_end, digest });
        }
        encoded
    }
}

/// Entries under collection: each hint once.
struct Entries<'a> {
    origin: &'a Origin,
    limit: usize,
    old: BTreeMap<&'a str, &'a Entry>,
    list: Vec<Entry>,
    by_url: BTreeMap<String, usize>,
}

impl<'a> Entries<'a> {
    fn new(origin: &'a Origin, limit: usize, old: Option<&'a Host>) -> Self {
        let old = old.into_iter().flat_map(|host| &host.entries);
        let old = old.map(|entry| (&entry.hint.url[..], entry)).collect();
        Self { origin, limit, old, list: Vec::new(), by_url: BTreeMap::new() }
    }

    /// The entries of `hints`, best first; those that cannot be said are left out. The first hint for a URI counts.
    fn take(&mut self, hints: &[Hint]) -> Vec<usize> {
        let taken: BTreeSet<usize> = hints.iter().filter_map(|hint| self.add(hint)).collect();
        let mut indexes: Vec<usize> = taken.into_iter().collect();
        indexes.sort_by_key(|index| self.list[*index].hint.rank());
        indexes
    }

    fn add(&mut self, hint: &Hint) -> Option<usize> {
        let hint = hint.clone().on(self.origin)?;
        if let Some(index) = self.by_url.get(&hint.url) {
            return Some(*index);
        }
        if self.list.len() >= self.limit || !survives(&hint) {
            return None;
        }
        let old = self.old.get(&hint.url[..]).filter(|old| old.hint == hint);
        let (sent, used, withdrawn) = old.map_or((0, 0, false), |old| {
            (old.sent.load(Relaxed), old.used.load(Relaxed), old.withdrawn.load(Relaxed))
        });
        let (origin, target) = hint.split_url().map(|(origin, target)| (origin, target.to_owned()))?;
        self.by_url.insert(hint.url.clone(), self.list.len());
        self.list.push(Entry {
            hint,
            is_own: origin == *self.origin,
            origin,
            target,
            sent: sent.into(),
            used: used.into(),
            withdrawn: withdrawn.into(),
        });
        Some(self.list.len() - 1)
    }
}
