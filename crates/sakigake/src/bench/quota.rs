//! How many requests are still to be made: shared by the connections of one thread.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

/// A number of requests, or a time for any number of them.
pub(super) struct Quota(Kind);

enum Kind {
    Requests(Cell<u64>),
    Time { from: Instant, until: Instant },
}

impl Quota {
    pub(super) fn requests(number: u64) -> Self {
        Self(Kind::Requests(Cell::new(number)))
    }

    /// What ends between `from` and `run` later counts.
    pub(super) fn time(from: Instant, run: Duration) -> Self {
        Self(Kind::Time { from, until: from + run })
    }

    /// Whether another request may be made; it is taken from the number.
    pub(super) fn take(&self, now: Instant) -> bool {
        match &self.0 {
            Kind::Requests(left) => {
                let some = left.get() > 0;
                left.set(left.get() - u64::from(some));
                some
            }
            Kind::Time { until, .. } => now < *until,
        }
    }

    /// It was not acted on: another one may be made for it.
    pub(super) fn give_back(&self) {
        if let Kind::Requests(left) = &self.0 {
            left.set(left.get() + 1);
        }
    }

    /// Whether there is, or will be, nothing more to ask.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        match &self.0 {
            Kind::Requests(left) => left.get() == 0,
            Kind::Time { until, .. } => now >= *until,
        }
    }

    /// Whether what ends now counts.
    pub(super) fn counts(&self, now: Instant) -> bool {
        match &self.0 {
            Kind::Requests(_) => true,
            Kind::Time { from, until } => *from <= now && now < *until,
        }
    }

    /// When everything stops, whatever is under way.
    pub(super) fn end(&self) -> Option<Instant> {
        match &self.0 {
            Kind::Requests(_) => None,
            Kind::Time { until, .. } => Some(*until),
        }
    }

    /// Requests of the number that nobody made.
    pub(super) fn left(&self) -> u64 {
        match &self.0 {
            Kind::Requests(left) => left.get(),
            Kind::Time { .. } => 0,
        }
    }
}
