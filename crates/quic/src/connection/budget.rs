//! May anything leave now, where, and how much of it: the first third of the way out.

use super::{Connection, Transmit};
use crate::{
    paths::{Addresses, Mtu},
    recovery::{Space, acks::Mark},
    rules::Epoch,
};
use sakigake_wire::{Instant, Span};

/// The least that is worth a datagram, in bytes: the longest header that has no token, a tag, and an ACK frame of one range with counts. Where
/// less is allowed, an acknowledgement that is due would be tried over and over, and would not fit.
pub(super) const LEAST_DATAGRAM_BYTES: usize = 128;

/// What one datagram may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Budget {
    /// Its bytes.
    pub(super) bytes: usize,
    pub(super) allowance: Allowance,
}

/// What may be in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Allowance {
    /// Anything.
    All,
    /// What Initial and Handshake packets hold, and acknowledgements: the window is full, but nothing else would end the wait.
    Opening,
    /// Acknowledgements alone: the window is full, or the pacer says not yet.
    Acks,
}

/// Datagrams of one call: all as long as the first, but for the last. One of acknowledgements alone is the last: what follows
/// would be as short.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Batch {
    pub(super) len: usize,
    segment_bytes: Option<usize>,
    is_over: bool,
}

impl Batch {
    /// One more datagram, with what it was allowed.
    pub(super) fn push(&mut self, bytes: usize, allowance: Allowance) {
        let segment = *self.segment_bytes.get_or_insert(bytes);
        self.len += bytes;
        self.is_over |= bytes < segment || allowance == Allowance::Acks;
    }

    pub(super) fn transmit(self, addresses: Addresses, mark: Mark) -> Option<Transmit> {
        let segment_bytes = self.segment_bytes?;
        Some(Transmit { len: self.len, segment_bytes, addresses, mark })
    }
}

impl Connection {
    /// The next datagram's budget on the active path, in a buffer of `out_bytes`; none where nothing may leave.
    pub(super) fn budget(&mut self, now: Instant, batch: &Batch, out_bytes: usize) -> Option<Budget> {
        let is_first = batch.segment_bytes.is_none();
        if !is_first && self.probes != [0; 3] {
            return None; // Each probe is as large as it likes.
        }
        let path = self.paths.active_mut();
        let size = batch.segment_bytes.unwrap_or(usize::from(path.mtu.datagram_bytes()));
        let room = out_bytes - batch.len;
        if batch.is_over
            || self.keys.is_worn()
            || room < size.min(LEAST_DATAGRAM_BYTES)
            || (!is_first && room < size)
        {
            return None;
        }
        // Datagrams of the handshake are expanded, so that less room than that is none (RFC 9000 section 14.1).
        let least = if self.keys.can_send(Epoch::Initial) {
            usize::from(Mtu::BASE_BYTES)
        } else {
            LEAST_DATAGRAM_BYTES
        };
        let credit = usize::try_from(path.credit.room()).unwrap_or(usize::MAX);
        let bytes = size.min(room).min(credit);
        if bytes < least {
            path.credit.may_send(least);
            return None;
        }
        Some(Budget { bytes, allowance: self.allowance(now, bytes as u64) })
    }

    fn allowance(&mut self, now: Instant, bytes: u64) -> Allowance {
        if self.probes != [0; 3] {
            self.repeat_for_probes();
            return Allowance::All;
        }
        if self.recovery.window_left() < bytes {
            return if self.is_held_up() { Allowance::Opening } else { Allowance::Acks };
        }
        match self.recovery.pacing_delay(now, bytes) {
            Span::ZERO => Allowance::All,
            delay => {
                let wants = Space::ALL.into_iter().any(|space| self.wants(space));
                self.paced_until = wants.then_some(now + delay);
                Allowance::Acks
            }
        }
    }

    /// Whether a space of the handshake has something to send and nothing under way. Until the handshake is confirmed nobody probes
    /// for application data (RFC 9002 section 6.2.1): where that fills the window, nothing else would ever end the wait.
    pub(super) fn is_held_up(&self) -> bool {
        let is_held_up = |space: Space| self.wants(space) && !self.recovery.is_waiting(space);
        !self.is_confirmed && [Space::Initial, Space::Handshake].into_iter().any(is_held_up)
    }
}

impl Allowance {
    /// Whether packets of `epoch` may hold more than acknowledgements.
    pub(super) const fn includes(self, epoch: Epoch) -> bool {
        match self {
            Self::All => true,
            Self::Opening => matches!(epoch, Epoch::Initial | Epoch::Handshake),
            Self::Acks => false,
        }
    }
}
