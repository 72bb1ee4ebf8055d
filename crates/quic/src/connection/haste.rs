//! Sooner than a timeout: what the peer's packets tell of ours that were lost in the handshake (RFC 9002 section 6.2.3).
//!
//! A server that has answered hears from a client that has not heard it: an Initial packet that asks for an acknowledgement. A
//! client gets packets for which ServerHello would have brought the keys. Either sends again what the other lacks, a few times in
//! a connection and a while apart, since the peer's packet may also have crossed ours.

use super::Connection;
use crate::{
    recovery::Space,
    rules::{Epoch, Side},
};
use sakigake_wire::Instant;

/// How often it may happen, and when next.
pub(super) struct Haste {
    left: u8,
    not_before: Option<Instant>,
}

impl Haste {
    /// Losses in a row that a connection gets over without waiting for its timer.
    const MOST: u8 = 4;

    pub(super) const fn new() -> Self {
        Self { left: Self::MOST, not_before: None }
    }

    /// Whether something is to leave again now.
    fn take(&mut self, now: Instant) -> bool {
        let is_due = self.left > 0 && self.not_before.is_none_or(|at| at <= now);
        self.left -= u8::from(is_due);
        is_due
    }
}

impl Connection {
    /// Server: whether the client has said all that the first flight answers.
    pub(super) fn has_answered(&self) -> bool {
        self.side == Side::Server && self.is_level_over(Space::Initial)
    }

    /// Server: a packet of `epoch` has come, before which the client `was_answered`, or not.
    pub(super) fn on_initial_again(
        &mut self,
        now: Instant,
        epoch: Epoch,
        elicits_ack: bool,
        was_answered: bool,
    ) {
        if epoch != Epoch::Initial || !elicits_ack {
            return;
        }
        if !was_answered {
            return self.rest(now);
        }
        let lacking = [Space::Initial, Space::Handshake]
            .map(|space| self.spaces.get(space).filter(|known| known.crypto.is_outstanding()).map(|_| space));
        if lacking.iter().any(Option::is_some) && self.hurries(now) {
            lacking.into_iter().flatten().for_each(|space| self.send_again(space)); // spec: 9002-6.2.3-a
            self.rest(now);
        }
    }

    /// Client: a packet of `epoch` has come before ServerHello, which was in one before it, as it seems.
    pub(super) fn on_early(&mut self, now: Instant, epoch: Epoch) {
        let lacks_hello = self.side == Side::Client && !self.keys.can_receive(Epoch::Handshake);
        if lacks_hello && matches!(epoch, Epoch::Handshake | Epoch::OneRtt) && self.hurries(now) {
            self.send_again(Space::Initial); // spec: 9002-6.2.3-b
            self.rest(now);
        }
    }

    /// What was not acknowledged leaves anew, the first packet of it whatever the window says; PING, where there is nothing.
    fn send_again(&mut self, space: Space) {
        self.spaces.get_mut(space).into_iter().for_each(|space| space.crypto.resend());
        self.probes[space as usize] = 1;
    }

    fn hurries(&mut self, now: Instant) -> bool {
        self.opening.as_mut().is_some_and(|opening| opening.haste.take(now))
    }

    /// What left just now is given a part of a round trip before it leaves once more.
    fn rest(&mut self, now: Instant) {
        let smoothed = self.recovery.rtt().smoothed();
        if let Some(opening) = &mut self.opening {
            opening.haste.not_before = Some(now + smoothed.divided(4));
        }
    }
}
