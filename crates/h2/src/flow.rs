//! Flow control (section 5.2 and 6.9): what we may send, what the peer may send, and how much to grant next.

use crate::rules::{INITIAL_WINDOW, MAX_31_BITS};
use sakigake_wire::{Instant, Span};

/// What we may still send, in bytes. A change of SETTINGS_INITIAL_WINDOW_SIZE may make it negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SendWindow(i64);

/// A window above 2^31-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Overflow;

impl SendWindow {
    pub(crate) const fn new(bytes: u32) -> Self {
        Self(bytes as i64)
    }

    /// Bytes that may leave now.
    pub(crate) fn available(self) -> usize {
        usize::try_from(self.0).unwrap_or(0) // spec: 9113-6.9.2-c
    }

    /// Bytes left: at most [`SendWindow::available`].
    pub(crate) fn spend(&mut self, bytes: usize) {
        debug_assert!(bytes <= self.available());
        self.0 -= bytes as i64;
    }

    /// WINDOW_UPDATE, or a new initial size.
    pub(crate) fn shift(&mut self, by: i64) -> Result<(), Overflow> {
        let window = self.0 + by;
        if window > i64::from(MAX_31_BITS) {
            return Err(Overflow);
        }
        self.0 = window;
        Ok(())
    }
}

/// What the peer may still send, and what it is owed once half the window has been read.
#[derive(Clone, Debug)]
pub(crate) struct ReceiveWindow {
    /// What the peer may have outstanding in the best case: grows when the window was what slowed it down.
    size: u32,
    /// What it may still send.
    credit: i64,
    /// Bytes received that the owner has not consumed.
    unread: u64,
    /// Consumed, or granted by growth, and not yet told.
    owed: i64,
    /// The window is larger than the peer knows, from the beginning: the first grant does not wait.
    is_hidden: bool,
    updated: Option<Instant>,
}

/// DATA beyond the credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exceeded;

impl ReceiveWindow {
    /// The peer believes that it may send `known` bytes; we mean to let it send `size`.
    pub(crate) const fn new(known: u32, size: u32) -> Self {
        let is_hidden = size > known;
        let owed = if is_hidden { (size - known) as i64 } else { 0 };
        let size = if is_hidden { size } else { known };
        Self { size, credit: known as i64, unread: 0, owed, is_hidden, updated: None }
    }

    /// The connection's, which SETTINGS do not change.
    pub(crate) const fn connection(size: u32) -> Self {
        Self::new(INITIAL_WINDOW, size)
    }

    /// DATA of that many bytes came, padding included.
    pub(crate) fn receive(&mut self, bytes: u32) -> Result<(), Exceeded> {
        if i64::from(bytes) > self.credit {
            return Err(Exceeded);
        }
        self.credit -= i64::from(bytes);
        self.unread += u64::from(bytes);
        Ok(())
    }

    /// The owner has read that many bytes: at most what it had not read, so that a slip of the owner grants nothing.
    pub(crate) fn consume(&mut self, bytes: u64) -> u64 {
        let bytes = bytes.min(self.unread);
        self.unread -= bytes;
        self.owed += bytes as i64;
        bytes
    }

    /// Bytes received that the owner has not consumed.
    pub(crate) fn unread(&self) -> u64 {
        self.unread
    }

    /// Our own SETTINGS_INITIAL_WINDOW_SIZE was acknowledged: the peer changed what it knows by `by`.
    pub(crate) fn shift(&mut self, by: i64) {
        self.credit += by;
        self.size = (i64::from(self.size) + by).clamp(0, i64::from(MAX_31_BITS)) as u32;
    }

    /// The increment to announce now, if one is worth a frame. The window doubles, up to `cap`, when half of it was
    /// used up within two round trips: then it was the window, not the link, that held the peer back.
    pub(crate) fn update(&mut self, now: Instant, rtt: Option<Span>, cap: u32) -> Option<u32> {
        let hidden = core::mem::take(&mut self.is_hidden);
        if !hidden && self.owed < i64::from(self.size / 2).max(1) {
            return None;
        }
        let busy = match (rtt, self.updated) {
            (Some(rtt), Some(updated)) => now.since(updated) < rtt.times(2),
            _ => false,
        };
        if busy && self.size < cap {
            let grown = self.size.saturating_mul(2).min(cap);
            self.owed += i64::from(grown - self.size);
            self.size = grown;
        }
        let increment = self.owed.min(i64::from(MAX_31_BITS) - self.credit); // spec: 9113-6.9.1-d
        if increment <= 0 {
            return None;
        }
        self.owed -= increment;
        self.credit += increment;
        self.updated = Some(now);
        u32::try_from(increment).ok() // it is above 0 and at most 2^31-1
    }

    /// The window aimed at, in bytes.
    #[cfg(test)]
    pub(crate) fn size(&self) -> u32 {
        self.size
    }
}

#[cfg(test)]
mod tests;
