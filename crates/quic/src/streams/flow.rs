//! Flow control (RFC 9000, section 4), of a stream and of the connection alike: what we may send, what the peer may send,
//! and how much to grant next.

use sakigake_wire::MAX_VARINT;
use sakigake_wire::{Instant, Span};

/// What we may send.
#[derive(Clone, Debug)]
pub(crate) struct SendWindow {
    limit: u64,
    used: u64,
    /// The limit at which we last said that it holds us up.
    said: Option<u64>,
}

impl SendWindow {
    pub(crate) const fn new(limit: u64) -> Self {
        Self { limit, used: 0, said: None }
    }

    /// Bytes that may leave for the first time.
    pub(crate) const fn available(&self) -> u64 {
        self.limit.saturating_sub(self.used)
    }

    /// Bytes that have left.
    pub(crate) const fn used(&self) -> u64 {
        self.used
    }

    /// Bytes leave: at most [`SendWindow::available`].
    pub(crate) fn spend(&mut self, bytes: u64) {
        debug_assert!(bytes <= self.available());
        self.used += bytes; // spec: 9000-4.1-a
    }

    /// The peer named a limit; whether it lets us do more than before.
    pub(crate) fn raise(&mut self, limit: u64) -> bool {
        let is_more = limit > self.limit;
        self.limit = self.limit.max(limit); // spec: 9000-4.1-c
        is_more
    }

    /// The peer forgot everything, and has this limit.
    pub(crate) fn restart(&mut self, limit: u64) {
        *self = Self::new(limit);
    }

    /// Whether the peer is to hear that the limit holds us up.
    pub(crate) fn wants_to_complain(&self) -> bool {
        self.available() == 0 && self.said != Some(self.limit)
    }

    /// It is being told: this is the limit.
    pub(crate) fn complain(&mut self) -> u64 {
        self.said = Some(self.limit);
        self.limit
    }

    /// It has to be told again, as long as it is true.
    pub(crate) fn forget_complaint(&mut self, limit: u64) {
        if self.said == Some(limit) {
            self.said = None;
        }
    }

    /// The limit now.
    pub(crate) const fn limit(&self) -> u64 {
        self.limit
    }
}

/// What the peer may send.
#[derive(Clone, Debug)]
pub(crate) struct ReceiveWindow {
    /// What it was told.
    limit: u64,
    /// How far ahead of the reader it may be in the best case: grows when the window was what slowed it down.
    size: u64,
    /// Up to where it has sent, or for the connection the sum.
    received: u64,
    /// What was read of it.
    consumed: u64,
    updated: Option<Instant>,
    /// The last word about the limit was lost.
    is_lost: bool,
}

/// Data beyond the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exceeded;

impl ReceiveWindow {
    pub(crate) const fn new(size: u64) -> Self {
        Self { limit: size, size, received: 0, consumed: 0, updated: None, is_lost: false }
    }

    /// The peer's data reaches that many bytes further.
    pub(crate) fn receive(&mut self, bytes: u64) -> Result<(), Exceeded> {
        if bytes > self.limit - self.received {
            return Err(Exceeded);
        }
        self.received += bytes;
        Ok(())
    }

    /// Up to where it has sent.
    pub(crate) const fn received(&self) -> u64 {
        self.received
    }

    /// How much was read.
    pub(crate) const fn consumed(&self) -> u64 {
        self.consumed
    }

    /// That many bytes were read, or will never be: at most what came.
    pub(crate) fn consume(&mut self, bytes: u64) -> u64 {
        let bytes = bytes.min(self.received - self.consumed);
        self.consumed += bytes;
        bytes
    }

    /// Whether a new limit is worth a frame: half of the window, or the frame before was lost.
    pub(crate) fn is_due(&self) -> bool {
        let owed = (self.consumed + self.size).saturating_sub(self.limit);
        self.is_lost || owed >= (self.size / 2).max(1)
    }

    /// The limit to tell. The window doubles, up to `cap`, when half of it was used up within two round trips: then it was
    /// the window, not the path, that held the peer back.
    pub(crate) fn update(&mut self, now: Instant, rtt: Option<Span>, cap: u64) -> u64 {
        let is_repeat = core::mem::take(&mut self.is_lost) && !self.is_due();
        if !is_repeat {
            let is_busy = match (rtt, self.updated) {
                (Some(rtt), Some(updated)) => now.since(updated) < rtt.times(2),
                _ => false,
            };
            if is_busy {
                self.size = self.size.saturating_mul(2).min(cap).max(self.size);
            }
            self.updated = Some(now);
        }
        self.limit = (self.consumed + self.size).min(MAX_VARINT).max(self.limit);
        self.limit
    }

    /// A frame with that limit was lost.
    pub(crate) fn lost(&mut self, limit: u64) {
        self.is_lost |= limit == self.limit;
    }

    /// The window aimed at, in bytes.
    #[cfg(test)]
    pub(crate) const fn size(&self) -> u64 {
        self.size
    }
}

#[cfg(test)]
mod tests;
