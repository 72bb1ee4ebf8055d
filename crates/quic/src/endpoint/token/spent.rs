use super::Judged;
use std::collections::BTreeSet;

/// Which NEW_TOKEN tokens were used, so that none is twice. Bounded: when it is full no token is taken until some have ended,
/// and nothing is forgotten before its time.
///
/// It begins empty: what was used before a restart can be used once more, which limits replay and does not rule it out.
/// Whoever runs several workers shares one behind a lock ([`Register`]), or lets each token be used once a worker.
#[derive(Debug)]
pub struct Spent {
    /// By the end of their life.
    used: BTreeSet<(u64, [u8; Judged::SERIAL_BYTES])>,
    limits: Limits,
    /// The latest time that anybody told: what was forgotten stays unusable.
    latest_unix_secs: u64,
}

/// One [`Spent`] for several endpoints ([`Endpoint::share_spent`](crate::endpoint::Endpoint::share_spent)), whose owner keeps
/// them out of each other's way.
pub trait Register: Send + Sync {
    /// As [`Spent::spend`].
    fn spend(&self, unix_secs: u64, until_unix_secs: u64, serial: [u8; Judged::SERIAL_BYTES]) -> bool;
}

/// How much is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Tokens of which it is known that they were used; 24 bytes each.
    pub spent_tokens: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { spent_tokens: 65_536 }
    }
}

impl Spent {
    /// Knows of none.
    pub fn new(limits: Limits) -> Self {
        Self { used: BTreeSet::new(), limits, latest_unix_secs: 0 }
    }

    /// Whether nobody has used the token of [`Judged::Known`] before; from here on somebody has. False is always safe.
    pub fn spend(
        &mut self,
        unix_secs: u64,
        until_unix_secs: u64,
        serial: [u8; Judged::SERIAL_BYTES],
    ) -> bool {
        self.latest_unix_secs = self.latest_unix_secs.max(unix_secs);
        let over = self.latest_unix_secs;
        while self.used.first().is_some_and(|(until, _)| *until <= over) {
            self.used.pop_first();
        }
        until_unix_secs > over
            && self.used.len() < self.limits.spent_tokens
            && self.used.insert((until_unix_secs, serial)) // spec: 9000-8.1.4-e
    }

    /// Tokens that are held.
    pub fn len(&self) -> usize {
        self.used.len()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.used.is_empty()
    }
}

#[cfg(test)]
mod tests;
