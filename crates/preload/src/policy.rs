//! What a client does with hints (PRELOAD profile, point 8): what to request, what the page may join, and what was
//! gained.

use crate::{
    CrossOrigin, Destination, Hint, Origin,
    block::{self, Ignored, Reading},
    csp::Csp,
};
use sakigake_semantics::Priority;
use std::collections::BTreeSet;

/// One connection's hints, for one page load.
#[derive(Debug)]
pub struct Policy {
    origin: Origin,
    acts: bool,
    limits: Limits,
    csp: Csp,
    rows: Vec<Row>,
    received_bytes: usize,
    unclaimed_bytes: usize,
    cached: Count,
}

/// What bounds a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// What one frame may hold; its number of hints holds for all frames of the page together.
    pub frame: block::Limits,
    /// Bytes of all frames of the connection.
    pub connection_bytes: usize,
    /// Bytes of bodies that nobody has claimed.
    pub unclaimed_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { frame: block::Limits::default(), connection_bytes: 65_536, unclaimed_bytes: 2 << 20 }
    }
}

/// The name of a hint within its policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HintId(usize);

/// What to do after a frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Orders {
    /// Requests to send at once, with the document's.
    pub request: Vec<Order>,
    /// Requests that a newer hint for the same URI made useless.
    pub cancel: Vec<HintId>,
    /// Hints that were not taken, and why.
    pub refused: Vec<(Hint, Refused)>,
}

/// A request that a hint asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// How the policy knows it.
    pub id: HintId,
    /// What to ask for, and how: `crossorigin` decides mode and credentials.
    pub hint: Hint,
    /// How soon.
    pub priority: Priority,
}

/// Why a hint was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It lies on another origin than the connection's.
    OtherOrigin,
    /// The cache has it.
    Fresh,
    /// Its `media` or `type` does not fit this client.
    Unfit,
    /// The page has as many hints as the limit says.
    TooMany,
    /// The document's Content-Security-Policy forbids it.
    Forbidden,
    /// The same is under way already.
    UnderWay,
}

/// What the client's cache, screen and decoders say of a hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It is wanted.
    Wanted,
    /// The cache has it, fresh.
    Fresh,
    /// Its `media` or `type` does not fit.
    Unfit,
}

/// A page's own use of a resource.
#[derive(Clone, Copy, Debug)]
pub struct Use<'a> {
    /// A complete URI without fragment, in normal form.
    pub url: &'a str,
    /// What for.
    pub destination: Destination,
    /// Mode and credentials: none is `no-cors`.
    pub crossorigin: Option<CrossOrigin>,
    /// The element's `integrity`; empty where it has none.
    pub integrity: &'a str,
}

/// Whether a body is still wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// Go on.
    Keep,
    /// Reset its stream and drop its bytes.
    Cancel,
}

/// Hints and the bytes of their bodies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Hints.
    pub hints: u64,
    /// Bytes.
    pub bytes: u64,
}

impl core::ops::Add for Count {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { hints: self.hints + other.hints, bytes: self.bytes.saturating_add(other.bytes) }
    }
}

/// What hints were worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Requested because of a hint, and used by the page.
    pub used: Count,
    /// Named by a hint, and in the cache: nothing was requested.
    pub cached: Count,
    /// Requested because of a hint, and not used.
    pub wasted: Count,
    /// Requested because of a hint, and neither as yet.
    pub open: Count,
}

#[derive(Debug)]
struct Row {
    hint: Hint,
    state: State,
    bytes: usize,
    finished: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Used,
    Wasted,
}

impl Policy {
    /// A policy for a connection to `origin` (the host in SNI and the port that was dialled, over https), whose certificate
    /// is verified. It acts only if the connection's first request is a page load.
    pub fn new(origin: Origin, is_page_load: bool, limits: Limits) -> Self {
        Self {
            origin,
            acts: is_page_load,
            limits,
            csp: Csp::default(),
            rows: Vec::new(),
            received_bytes: 0,
            unclaimed_bytes: 0,
            cached: Count::default(),
        }
    }

    /// A frame arrived. Nothing of it is taken when it is ignored.
    pub fn receive(
        &mut self,
        block: &[u8],
        judge: &mut dyn FnMut(&Hint) -> Judgement,
    ) -> Result<(Orders, Reading), Ignored> {
        if !self.acts {
            return Ok(Default::default()); // spec: preload-profile-8-a
        }
        self.received_bytes = self.received_bytes.saturating_add(block.len());
        if self.received_bytes > self.limits.connection_bytes {
            return Err(Ignored::TooLong); // spec: preload-profile-8-d
        }
        let reading = block::read(block, self.limits.frame)?;
        Ok((self.take(&reading.hints, judge), reading))
    }

    /// Hints from a frame, or remembered from an earlier connection. The newest hint for a URI counts.
    pub fn take(&mut self, hints: &[Hint], judge: &mut dyn FnMut(&Hint) -> Judgement) -> Orders {
        let mut orders = Orders::default();
        let mut seen = BTreeSet::new();
        let mut newest: Vec<&Hint> = hints.iter().rev().filter(|hint| seen.insert(&hint.url[..])).collect();
        newest.reverse();
        for hint in newest {
            match self.admit(hint, judge, &mut orders.cancel) {
                Ok(order) => orders.request.push(order),
                Err(refused) => orders.refused.push((hint.clone(), refused)),
            }
        }
        orders
    }

    /// The document's head arrived with its Content-Security-Policy. The hints that it forbids must be cancelled.
    pub fn document(&mut self, csp: Csp) -> Vec<HintId> {
        self.csp = csp;
        let forbidden = |row: &Row| !self.csp.allows(row.hint.destination, &row.hint.url);
        let guilty: Vec<usize> = (0..self.rows.len()).filter(|at| forbidden(&self.rows[*at])).collect();
        guilty.into_iter().filter_map(|at| self.waste(at)).collect() // spec: preload-profile-8-h
    }

    /// The page itself wants a resource. The hinted request that it joins, if there is one.
    pub fn claim(&mut self, wanted: &Use<'_>) -> Option<HintId> {
        let at = self.rows.iter().position(|row| row.state == State::Open && row.is_for(wanted))?;
        self.rows[at].state = State::Used;
        self.unclaimed_bytes -= self.rows[at].bytes;
        Some(HintId(at))
    }

    /// Bytes of a hinted response's body arrived.
    pub fn data(&mut self, id: HintId, bytes: usize) -> Verdict {
        let Some(row) = self.rows.get_mut(id.0) else { return Verdict::Cancel };
        row.bytes = row.bytes.saturating_add(bytes);
        match row.state {
            State::Used => return Verdict::Keep,
            State::Wasted => return Verdict::Cancel,
            State::Open => self.unclaimed_bytes = self.unclaimed_bytes.saturating_add(bytes),
        }
        if self.unclaimed_bytes > self.limits.unclaimed_bytes {
            self.waste(id.0); // spec: preload-profile-8-g
            return Verdict::Cancel;
        }
        Verdict::Keep
    }

    /// A hinted response is complete.
    pub fn finished(&mut self, id: HintId) {
        if let Some(row) = self.rows.get_mut(id.0) {
            row.finished = true;
        }
    }

    /// A hinted request failed: the page must ask for itself.
    pub fn failed(&mut self, id: HintId) {
        if id.0 < self.rows.len() {
            self.waste(id.0);
        }
    }

    /// The page has all that it wants. What is still under way for nobody must be cancelled.
    pub fn page_complete(&mut self) -> Vec<HintId> {
        (0..self.rows.len()).filter_map(|at| self.waste(at)).collect() // spec: preload-profile-8-f
    }

    /// What hints were worth so far.
    pub fn ledger(&self) -> Ledger {
        let sum = |state| {
            let rows = self.rows.iter().filter(|row| row.state == state);
            rows.fold(Count::default(), |sum, row| Count {
                hints: sum.hints + 1,
                bytes: sum.bytes.saturating_add(row.bytes as u64),
            })
        };
        Ledger {
            used: sum(State::Used),
            cached: self.cached,
            wasted: sum(State::Wasted), // spec: preload-profile-11-e
            open: sum(State::Open),
        }
    }

    fn admit(
        &mut self,
        hint: &Hint,
        judge: &mut dyn FnMut(&Hint) -> Judgement,
        cancel: &mut Vec<HintId>,
    ) -> Result<Order, Refused> {
        let own = hint.split_url().is_some_and(|(origin, _)| origin == self.origin);
        own.then_some(()).ok_or(Refused::OtherOrigin)?; // spec: preload-profile-8-b
        self.csp.allows(hint.destination, &hint.url).then_some(()).ok_or(Refused::Forbidden)?;
        let same_url = |row: &Row| row.state != State::Wasted && row.hint.url == hint.url;
        let older = self.rows.iter().position(same_url);
        let is_settled = |row: &Row| row.state == State::Used || row.is_alike(hint);
        if older.is_some_and(|at| is_settled(&self.rows[at])) {
            return Err(Refused::UnderWay);
        }
        match judge(hint) {
            Judgement::Wanted => {}
            Judgement::Unfit => return Err(Refused::Unfit),
            Judgement::Fresh => {
                self.cached.hints += 1;
                return Err(Refused::Fresh); // spec: preload-profile-8-c
            }
        }
        (self.rows.len() < self.limits.frame.hints).then_some(()).ok_or(Refused::TooMany)?; // spec: preload-profile-8-d
        cancel.extend(older.and_then(|at| self.waste(at))); // spec: preload-profile-2-c
        self.rows.push(Row { hint: hint.clone(), state: State::Open, bytes: 0, finished: false });
        Ok(Order { id: HintId(self.rows.len() - 1), hint: hint.clone(), priority: hint.priority() })
    }

    /// Gives an open hint up; its name where its request is still under way.
    fn waste(&mut self, at: usize) -> Option<HintId> {
        let row = self.rows.get_mut(at).filter(|row| row.state == State::Open)?;
        row.state = State::Wasted;
        self.unclaimed_bytes -= row.bytes;
        (!row.finished).then_some(HintId(at))
    }
}

impl Row {
    /// HTML's preload key, and its rule for integrity: a use that demands none takes any.
    fn is_for(&self, wanted: &Use<'_>) -> bool {
        let integrity = self.hint.integrity.as_deref().unwrap_or_default();
        self.hint.url == wanted.url
            && self.hint.destination == wanted.destination
            && self.hint.crossorigin == wanted.crossorigin
            && (wanted.integrity.is_empty() || wanted.integrity == integrity) // spec: preload-profile-8-e
    }

    fn is_alike(&self, hint: &Hint) -> bool {
        let key = |hint: &Hint| (hint.destination, hint.crossorigin, hint.integrity.clone());
        key(&self.hint) == key(hint)
    }
}

#[cfg(test)]
mod tests;
