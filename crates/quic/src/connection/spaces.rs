//! The three packet number spaces: what each has received, and the handshake's bytes that go through it.

use crate::{
    recovery::{
        Space,
        acks::{self, Acks, Frequency},
    },
    rules::Epoch,
    streams::{self, CryptoStream},
};
use sakigake_tls::Level;
use sakigake_wire::Span;

/// A space, as long as its keys live.
pub(super) struct NumberSpace {
    pub(super) acks: Acks,
    pub(super) crypto: CryptoStream,
}

/// All of them. The first two go with the handshake.
pub(super) struct Spaces {
    initial: Option<Box<NumberSpace>>,
    handshake: Option<Box<NumberSpace>>,
    pub(super) application: NumberSpace,
}

impl Spaces {
    pub(super) fn new(max_ack_delay: Span, acks: acks::Limits, streams: &streams::Limits) -> Self {
        let space =
            |frequency| NumberSpace { acks: Acks::new(frequency, acks), crypto: CryptoStream::new(streams) };
        let at_once = || Some(Box::new(space(Frequency::at_once())));
        Self {
            initial: at_once(),
            handshake: at_once(),
            application: space(Frequency::every_second(max_ack_delay)),
        }
    }

    pub(super) fn get(&self, space: Space) -> Option<&NumberSpace> {
        match space {
            Space::Initial => self.initial.as_deref(),
            Space::Handshake => self.handshake.as_deref(),
            Space::Application => Some(&self.application),
        }
    }

    pub(super) fn get_mut(&mut self, space: Space) -> Option<&mut NumberSpace> {
        match space {
            Space::Initial => self.initial.as_deref_mut(),
            Space::Handshake => self.handshake.as_deref_mut(),
            Space::Application => Some(&mut self.application),
        }
    }

    pub(super) fn discard(&mut self, space: Space) {
        match space {
            Space::Initial => self.initial = None,
            Space::Handshake => self.handshake = None,
            Space::Application => {}
        }
    }

    /// The connection is over: no bytes of the handshake are kept.
    pub(super) fn clear(&mut self, streams: &streams::Limits) {
        (self.initial, self.handshake) = (None, None);
        self.application.crypto = CryptoStream::new(streams);
    }

    /// The largest number received in a space.
    pub(super) fn largest(&self, space: Space) -> Option<u64> {
        let highest = self.get(space)?.acks.received().highest()?;
        Some(highest.end - 1)
    }
}

/// In which space packets of an epoch are numbered (RFC 9000 section 12.3).
pub(super) const fn space_of(epoch: Epoch) -> Space {
    match epoch {
        Epoch::Initial => Space::Initial,
        Epoch::Handshake => Space::Handshake,
        Epoch::ZeroRtt | Epoch::OneRtt => Space::Application,
    }
}

/// In which space the handshake's bytes of a level go; early data has none.
pub(super) const fn space_of_level(level: Level) -> Space {
    match level {
        Level::Plain => Space::Initial,
        Level::Handshake => Space::Handshake,
        Level::EarlyData | Level::Application => Space::Application,
    }
}

/// The level of the handshake's bytes in a space.
pub(super) const fn level_of(space: Space) -> Level {
    match space {
        Space::Initial => Level::Plain,
        Space::Handshake => Level::Handshake,
        Space::Application => Level::Application,
    }
}
