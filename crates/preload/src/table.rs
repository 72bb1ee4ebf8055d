//! What a server says: hints by host, their blocks, and which of them were worth it (PRELOAD profile, points 2 to 5, 11
//! and 13).

mod account;
mod host;

pub use account::Account;
pub use host::{Count, Flight, Links};

use crate::{
    Hint, Origin,
    block::{self, Budget},
};
use host::Host;
use sakigake_wire::Span;
use std::{
    borrow::Cow,
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

/// Hints by host, shared by all workers. A lock is held to look a host up or to change one, never while bytes move.
#[derive(Debug, Default)]
pub struct Table {
    config: Config,
    hosts: RwLock<Hosts>,
}

/// How a table behaves.
#[derive(Clone, Debug)]
pub struct Config {
    /// The most that one frame may take.
    pub budget: Budget,
    /// The authority that hints carry, `host` or `host:port`; none: the host that the client named, and `port`.
    pub public: Option<String>,
    /// The port that the server listens on.
    pub port: u16,
    /// The host that answers clients that named none.
    pub default_host: Option<String>,
    /// When a hint is withdrawn.
    pub withdrawal: Withdrawal,
    /// What bounds the table.
    pub limits: Limits,
}

/// When a hint is withdrawn: after `sends`, when more than `unused_percent` of them were in vain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Withdrawal {
    /// Sends to clients that act on the frame.
    pub sends: u64,
    /// The share of them that may be unused, in percent.
    pub unused_percent: u64,
    /// How long a hint may wait for its request, at least.
    pub window: Span,
    /// The same in round trips.
    pub window_rtts: u64,
}

/// What bounds a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Hosts that are remembered where [`ANY_HOST`] or a wildcard stands for names that clients choose.
    pub derived_hosts: usize,
    /// Hints of one host, its pages included; the rest is not taken.
    pub hints: usize,
    /// Pages of one host; the rest is not taken.
    pub pages: usize,
    /// Hints that one connection hears; then it is told no more.
    pub told_hints: usize,
}

/// What one host's pages want.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Site {
    /// What most pages want: said in the first flight. In any order; ties stay in the given one.
    pub hints: Vec<Hint>,
    /// What one page wants beside that, by its path without query: said when the page is asked for.
    pub pages: Vec<(String, Vec<Hint>)>,
}

/// What became of hints that were sent to clients that act on the frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Times that a connection heard a hint and was counted.
    pub sent: u64,
    /// Those among them after which it was asked for in time.
    pub used: u64,
}

/// The name of a host that stands for every name that has no entry of its own.
pub const ANY_HOST: &str = "*";

#[derive(Debug, Default)]
struct Hosts {
    named: BTreeMap<String, Arc<Host>>,
    /// The sites of [`ANY_HOST`] and of wildcards, and what was made of them for names that clients chose.
    patterns: BTreeMap<String, Arc<Site>>,
    derived: BTreeMap<String, Arc<Host>>,
}

impl Table {
    /// A table without hosts.
    pub fn new(config: Config) -> Self {
        Self { config, hosts: RwLock::default() }
    }

    /// How the table behaves.
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Replaces what is known of a host: a name, an address, [`ANY_HOST`], or `*.example.com` for all names with one label
    /// more that have no entry of their own. Hints that stay keep their counts.
    /// A hint that has no complete https URI afterwards, or that its own field value does not give back, is not taken.
    pub fn set(&self, host: &str, site: &Site) {
        let host = normal(host);
        if is_pattern(&host) {
            let mut hosts = self.write();
            hosts.patterns.insert(host.into_owned(), Arc::new(site.clone()));
            hosts.derived.clear();
            return;
        }
        let old = self.read().named.get(&*host).cloned();
        let new = Arc::new(Host::new(self.origin_of(&host), site, &self.config, old.as_deref()));
        self.write().named.insert(host.into_owned(), new);
    }

    /// Forgets a host.
    pub fn remove(&self, host: &str) {
        let host = normal(host);
        let mut hosts = self.write();
        if hosts.patterns.remove(&*host).is_some() {
            hosts.derived.clear();
        }
        hosts.named.remove(&*host);
    }

    /// What the first flight says to a client that named `server_name` (the inner one under ECH), within `block_bytes`
    /// and the table's own budget. The same bytes for everybody; none where there is nothing to say.
    pub fn first(&self, server_name: Option<&str>, block_bytes: usize) -> Option<Flight> {
        Flight::first(&self.find(server_name)?, block_bytes)
    }

    /// What to say later, when the document at `path` is asked for, beside what `account` has sent on that connection
    /// already. The first flight's hints are among it where the connection has not heard them.
    pub fn page(&self, server_name: Option<&str>, path: &str, account: &Account) -> Option<Flight> {
        let host = self.find(server_name)?;
        let path = path.split('?').next().unwrap_or(path);
        let left = self.config.limits.told_hints.saturating_sub(account.len());
        let budget = Budget { hints: self.config.budget.hints.min(left), ..self.config.budget };
        Flight::page(&host, path, account, budget)
    }

    /// The hints of one host for clients that do not know the frame: those of every page and of `path`, best first, at
    /// most as many as the budget has (PRELOAD profile, point 12).
    pub fn hints(&self, server_name: Option<&str>, path: &str) -> Vec<Hint> {
        let path = path.split('?').next().unwrap_or(path);
        let host = self.find(server_name);
        host.map_or_else(Vec::new, |host| host.hints_for(path, self.config.budget.hints))
    }

    /// The same as values of `link` fields, kept for the next who asks: as many as fit into the budget, whose `block_bytes`
    /// count names and values here.
    pub fn links(&self, server_name: Option<&str>, path: &str) -> Links {
        let path = path.split('?').next().unwrap_or(path);
        self.find(server_name).map_or_else(Links::default, |host| host.links(path))
    }

    /// How often each hint of a host was sent to clients that act on it, and used.
    pub fn counts(&self, host: &str) -> Vec<Count> {
        self.find(Some(host)).map_or_else(Vec::new, |host| host.counts())
    }

    /// How often hints of all hosts were sent to clients that act on the frame, and used. Hosts beyond
    /// [`Limits::derived_hosts`] are not remembered and not among them, and a pattern that is set anew forgets its hosts'.
    pub fn totals(&self) -> Totals {
        let hosts = self.read();
        let mut totals = Totals::default();
        for (sent, used) in hosts.named.values().chain(hosts.derived.values()).map(|host| host.totals()) {
            totals.sent += sent;
            totals.used += used;
        }
        totals
    }

    fn find(&self, server_name: Option<&str>) -> Option<Arc<Host>> {
        let name = normal(server_name.or(self.config.default_host.as_deref())?); // spec: preload-profile-3-a
        let (site, has_room) = {
            let hosts = self.read();
            let known = hosts.named.get(&*name).or_else(|| hosts.derived.get(&*name));
            if let Some(host) = known {
                return Some(Arc::clone(host));
            }
            (hosts.pattern(&name)?.clone(), hosts.derived.len() < self.config.limits.derived_hosts)
        };
        Origin::parse(&name)?;
        if !has_room {
            // Whoever invents names costs a few hints each, and is not remembered.
            let brief = site.brief(self.config.budget.hints);
            return Some(Arc::new(Host::new(self.origin_of(&name), &brief, &self.config, None)));
        }
        let host = Arc::new(Host::new(self.origin_of(&name), &site, &self.config, None));
        let mut hosts = self.write();
        if !hosts.pattern(&name).is_some_and(|now| Arc::ptr_eq(now, &site)) {
            return Some(host);
        }
        Some(Arc::clone(hosts.derived.entry(name.into_owned()).or_insert(host)))
    }

    fn origin_of(&self, host: &str) -> Origin {
        let public = self.config.public.as_deref().and_then(Origin::parse);
        public.unwrap_or_else(|| Origin::new(host, self.config.port)) // spec: preload-profile-13-a
    }

    // A thread that panicked while it held a lock left a whole value behind: every write is one insertion.
    fn read(&self) -> RwLockReadGuard<'_, Hosts> {
        self.hosts.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Hosts> {
        self.hosts.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hosts {
    /// The site for a name without an entry of its own: that of its wildcard, else of [`ANY_HOST`].
    fn pattern(&self, name: &str) -> Option<&Arc<Site>> {
        let wildcard = name.split_once('.').filter(|(label, _)| !label.is_empty());
        let wildcard = wildcard.and_then(|(_, parent)| self.patterns.get(&format!("*.{parent}")));
        wildcard.or_else(|| self.patterns.get(ANY_HOST))
    }
}

fn is_pattern(host: &str) -> bool {
    host == ANY_HOST || host.starts_with("*.")
}

impl Site {
    /// Its best hints alone.
    fn brief(&self, count: usize) -> Self {
        let mut hints: Vec<&Hint> = self.hints.iter().collect();
        hints.sort_by_key(|hint| hint.rank());
        Self { hints: hints.into_iter().take(count).cloned().collect(), pages: Vec::new() }
    }
}

/// A host's name as the table knows it; most come that way.
fn normal(host: &str) -> Cow<'_, str> {
    let host = host.trim_end_matches('.');
    if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return host.to_ascii_lowercase().into();
    }
    host.into()
}

impl Default for Config {
    fn default() -> Self {
        Self {
            budget: Budget::default(),
            public: None,
            port: 443,
            default_host: None,
            withdrawal: Withdrawal::default(),
            limits: Limits { derived_hosts: 64, hints: 4_096, pages: 1_024, told_hints: 256 },
        }
    }
}

impl Default for Withdrawal {
    fn default() -> Self {
        Self { sends: 50, unused_percent: 50, window: Span::from_secs(10), window_rtts: 4 }
    }
}

/// Whether a hint's own field value gives it back.
fn survives(hint: &Hint) -> bool {
    let (bytes, _) = block::write(core::slice::from_ref(hint), Budget { hints: 1, block_bytes: usize::MAX });
    block::read(&bytes, block::Limits::default()).is_ok_and(|reading| reading.hints == [hint.clone()])
}

#[cfg(test)]
mod tests;
