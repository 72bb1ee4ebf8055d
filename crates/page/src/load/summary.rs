//! What became of a load, in numbers.

use super::{Load, State};
use crate::{Origin, Url};
use sakigake_wire::Span;
use std::collections::BTreeSet;

/// A load in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The page, after redirects.
    pub page: Url,
    /// The page's status; `None` when no response came.
    pub status: Option<u16>,
    /// From the start to the last byte that the page needed; `None` while it is under way.
    pub duration: Option<Span>,
    /// Requests that were sent.
    pub requests: usize,
    /// Bytes of all bodies.
    pub bytes: u64,
    /// Requests of the page that failed, or whose status is 400 or above.
    pub failures: usize,
    /// Origins that were asked.
    pub origins: usize,
    /// Resources that were not asked for: beyond a limit, or in the clear on a page that is not.
    pub refused: usize,
    /// What the hints were good for.
    pub hints: HintCount,
}

/// What a load's hints were good for. `heard` = `dropped` + `late` + `taken`; `taken` = `used` + `wasted` once the page is
/// complete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HintCount {
    /// Hints that came.
    pub heard: usize,
    /// Not followed: told not to, of another origin, double, beyond the limit.
    pub dropped: usize,
    /// Named by the page before the hint came.
    pub late: usize,
    /// Followed.
    pub taken: usize,
    /// Followed, and named by the page.
    pub used: usize,
    /// Followed for nothing.
    pub wasted: usize,
    /// Bytes of bodies that were used.
    pub used_bytes: u64,
    /// Bytes of bodies that nobody needed.
    pub wasted_bytes: u64,
}

impl Load {
    /// The load in numbers. Before it is complete, a hint that nobody claimed yet counts as neither used nor wasted.
    pub fn summary(&self) -> Summary {
        let ledger = self.ledger().unwrap_or_default();
        let number = |hints: u64| usize::try_from(hints).unwrap_or(usize::MAX);
        let hints = HintCount {
            heard: self.hints.heard,
            dropped: self.hints.heard.saturating_sub(self.hints.late + self.hints.taken),
            late: self.hints.late,
            taken: self.hints.taken,
            used: number(ledger.used.hints),
            wasted: number(ledger.wasted.hints),
            used_bytes: ledger.used.bytes,
            wasted_bytes: ledger.wasted.bytes,
        };
        let sent = || self.entries.iter().filter(|entry| entry.requested.is_some());
        let origins: BTreeSet<&Origin> = sent().map(|entry| entry.resource.url.origin()).collect();
        let is_failure = |state: &State, status: Option<u16>| {
            matches!(state, State::Failed(_)) || status.is_some_and(|status| status >= 400)
        };
        let page =
            self.entries.iter().rev().find(|entry| entry.resource.url == self.page && entry.status.is_some());
        Summary {
            page: self.page.clone(),
            status: page.and_then(|entry| entry.status),
            duration: self.duration(),
            requests: sent().count(),
            bytes: self.entries.iter().map(|entry| entry.bytes).sum(),
            failures: sent()
                .filter(|entry| entry.is_claimed && is_failure(&entry.state, entry.status))
                .count(),
            origins: origins.len(),
            refused: self.refused,
            hints,
        }
    }
}
