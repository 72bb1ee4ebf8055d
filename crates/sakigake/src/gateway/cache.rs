//! What the gateway keeps: responses that anybody may have (RFC 9111), and fetches that are under way.

use super::{
    Limits,
    flight::{Flight, Places},
};
use bytes::Bytes;
use core::cell::Cell;
use http::{HeaderMap, Request};
use http_cache_semantics::{BeforeRequest, CachePolicy};
use std::{collections::BTreeMap, rc::Rc, time::SystemTime};

/// Beside its body, fields and address, what a response takes.
const ENTRY_BYTES: usize = 1_024;

/// A fetch, and what it asked for.
pub(super) type UnderWay = (Request<()>, Rc<Flight>);

/// By path and query: there is one origin.
pub(super) struct Cache {
    limits: Limits,
    kept: BTreeMap<String, Vec<Rc<Stored>>>,
    under_way: BTreeMap<String, Vec<UnderWay>>,
    entries: usize,
    bytes: usize,
    fetches: Places,
    /// Grows with each use.
    turn: u64,
}

/// A response that is kept.
pub(super) struct Stored {
    pub(super) policy: CachePolicy,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) is_unasked: Rc<Cell<bool>>,
    last_used: Cell<u64>,
    cost: usize,
}

/// What a request finds.
pub(super) enum Found {
    /// A response that it may have, with these fields.
    Fresh(Rc<Stored>, HeaderMap),
    /// One that it may have if the origin says that it is still good.
    Stale(Rc<Stored>),
    Nothing,
}

impl Cache {
    pub(super) fn new(limits: Limits) -> Self {
        let (kept, under_way, fetches) = Default::default();
        Self { limits, kept, under_way, entries: 0, bytes: 0, fetches, turn: 0 }
    }

    pub(super) fn find(&mut self, target: &str, request: &Request<()>, now: SystemTime) -> Found {
        self.turn += 1;
        let mut stale = None;
        // Of several that would do the newest counts (RFC 9111 section 4).
        for stored in self.kept.get(target).into_iter().flatten().rev() {
            // spec: 9111-4-a
            match stored.policy.before_request(request, now) {
                BeforeRequest::Fresh(parts) => {
                    stored.last_used.set(self.turn);
                    return Found::Fresh(stored.clone(), parts.headers);
                }
                BeforeRequest::Stale { matches: true, .. } => {
                    stale.get_or_insert_with(|| stored.clone());
                }
                BeforeRequest::Stale { .. } => {}
            }
        }
        stale.map_or(Found::Nothing, Found::Stale)
    }

    /// Fetches under way for that address, the newest first, with what each asked for.
    pub(super) fn under_way(&self, target: &str) -> Vec<UnderWay> {
        let all = self.under_way.get(target).into_iter().flatten().rev();
        all.filter(|(_, flight)| !flight.is_void.get()).cloned().collect()
    }

    /// Begins one, unless too many are under way, or read by somebody.
    pub(super) fn begin(
        &mut self,
        target: &str,
        request: &Request<()>,
        is_hinted: bool,
    ) -> Option<Rc<Flight>> {
        if self.under_way.get(target).map_or(0, Vec::len) >= self.limits.variants {
            return None;
        }
        let flight = Rc::new(Flight::new(is_hinted, self.fetches.take(self.limits.fetches)?));
        self.under_way.entry(target.to_owned()).or_default().push((request.clone(), flight.clone()));
        Some(flight)
    }

    /// It is over.
    pub(super) fn end(&mut self, target: &str, flight: &Rc<Flight>) {
        let Some(all) = self.under_way.get_mut(target) else { return };
        all.retain(|(_, other)| !Rc::ptr_eq(other, flight));
        if all.is_empty() {
            self.under_way.remove(target);
        }
    }

    /// Keeps a response in the place of those that the same request would have found.
    pub(super) fn keep(
        &mut self,
        target: &str,
        request: &Request<()>,
        (policy, headers, body): (CachePolicy, HeaderMap, Bytes),
        is_unasked: Rc<Cell<bool>>,
    ) {
        let now = SystemTime::now();
        let is_same = |stored: &Rc<Stored>| {
            !matches!(stored.policy.before_request(request, now), BeforeRequest::Stale { matches: false, .. })
        };
        self.drop_where(target, is_same);
        let lines = |headers: &HeaderMap| -> usize {
            headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum()
        };
        // The policy has the response's fields once more, and those of the request, which are as long as a browser likes.
        let cost =
            ENTRY_BYTES + 2 * target.len() + body.len() + 2 * lines(&headers) + lines(request.headers());
        if cost > self.limits.cache_bytes || self.limits.variants == 0 || self.limits.cache_entries == 0 {
            return;
        }
        self.turn += 1;
        let last_used = Cell::new(self.turn);
        let variants = self.kept.entry(target.to_owned()).or_default();
        if variants.len() >= self.limits.variants {
            let oldest = variants.remove(0);
            (self.bytes, self.entries) = (self.bytes - oldest.cost, self.entries - 1);
        }
        variants.push(Rc::new(Stored { policy, headers, body, is_unasked, last_used, cost }));
        (self.bytes, self.entries) = (self.bytes + cost, self.entries + 1);
        while self.bytes > self.limits.cache_bytes || self.entries > self.limits.cache_entries {
            self.evict();
        }
    }

    /// Something was changed there (RFC 9111 section 4.4).
    pub(super) fn invalidate(&mut self, target: &str) {
        self.drop_where(target, |_| true);
        for (_, flight) in self.under_way.get(target).into_iter().flatten() {
            flight.is_void.set(true);
        }
    }

    fn evict(&mut self) {
        let all = self
            .kept
            .iter()
            .flat_map(|(target, all)| all.iter().map(move |stored| (stored.last_used.get(), target)));
        let Some((turn, target)) = all.min().map(|(turn, target)| (turn, target.clone())) else { return };
        self.drop_where(&target, |stored| stored.last_used.get() == turn);
    }

    fn drop_where(&mut self, target: &str, mut is_it: impl FnMut(&Rc<Stored>) -> bool) {
        let Some(all) = self.kept.get_mut(target) else { return };
        let mut gone = 0;
        all.retain(|stored| {
            let goes = is_it(stored);
            if goes {
                (self.bytes, gone) = (self.bytes - stored.cost, gone + 1);
            }
            !goes
        });
        self.entries -= gone;
        if all.is_empty() {
            self.kept.remove(target);
        }
    }

    #[cfg(test)]
    pub(super) fn size(&self) -> (usize, usize) {
        (self.entries, self.bytes)
    }
}

#[cfg(test)]
mod tests;
