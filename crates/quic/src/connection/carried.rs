//! What a packet carried, as far as somebody has to know what became of it.

use super::{frequency::Asked, spaces::Spaces};
use crate::{
    ids::{Issued, Received},
    paths::{Loss, Path, PathId, Paths},
    recovery::{Fate, Space},
    streams::{CryptoPiece, Heard, Outgoing, Streams},
};
use sakigake_wire::Instant;

/// The frames of one packet whose fate matters. The first few lie inline: bulk data and its acknowledgements allocate nothing.
#[derive(Debug)]
pub(super) struct Carried {
    space: Space,
    /// Where it left.
    path: PathId,
    first: [Option<Sent>; Carried::INLINE],
    more: Vec<Sent>,
    /// Bytes of the datagram, where it was this 1-RTT packet alone; 0 otherwise.
    pub(super) datagram_bytes: u16,
}

/// A frame that left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// ACK, up to this number.
    Ack(u64),
    Crypto(CryptoPiece),
    Stream(Outgoing),
    /// NEW_CONNECTION_ID, by its sequence number.
    NewConnectionId(u64),
    /// RETIRE_CONNECTION_ID, by its sequence number.
    RetireConnectionId(u64),
    HandshakeDone,
    NewToken,
    /// ACK_FREQUENCY, by its sequence number.
    AckFrequency(u64),
}

impl Carried {
    const INLINE: usize = 3;

    pub(super) const fn new(space: Space, path: PathId) -> Self {
        Self { space, path, first: [None; Self::INLINE], more: Vec::new(), datagram_bytes: 0 }
    }

    pub(super) const fn space(&self) -> Space {
        self.space
    }

    pub(super) fn push(&mut self, sent: Sent) {
        match self.first.iter_mut().find(|slot| slot.is_none()) {
            Some(slot) => *slot = Some(sent),
            None => self.more.push(sent),
        }
    }

    /// Whether anything of it would leave again.
    pub(super) fn is_of_use(&self) -> bool {
        self.iter().any(|sent| !matches!(sent, Sent::Ack(_)))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Sent> {
        self.first.iter().flatten().chain(&self.more)
    }
}

/// Whoever has to hear what became of a packet.
pub(super) struct Settlement<'a, H: FnMut(Heard<'_>)> {
    pub(super) spaces: &'a mut Spaces,
    pub(super) streams: &'a mut Streams,
    pub(super) issued: &'a mut Issued,
    pub(super) received: &'a mut Received,
    pub(super) once: &'a mut Once,
    pub(super) asked: &'a mut Asked,
    pub(super) heard: H,
}

/// Frames that a server sends once, and again when they are lost.
#[derive(Clone, Debug, Default)]
pub(super) struct Once {
    /// HANDSHAKE_DONE is to be sent.
    pub(super) handshake_done: bool,
    /// NEW_TOKEN is to be sent, with this token.
    pub(super) new_token: bool,
    pub(super) token: Vec<u8>,
}

impl<H: FnMut(Heard<'_>)> Settlement<'_, H> {
    /// Tells each part what became of its frames.
    pub(super) fn settle(&mut self, fate: &Fate<'_, Carried>) {
        match fate {
            Fate::Acked(carried) | Fate::Late(carried) => {
                carried.iter().for_each(|sent| self.acked(carried.space, sent));
            }
            Fate::Lost(carried) => self.lose(carried),
        }
    }

    /// All that a packet carried has to leave again.
    pub(super) fn lose(&mut self, carried: &Carried) {
        carried.iter().for_each(|sent| self.lost(carried.space, sent));
    }

    fn acked(&mut self, space: Space, sent: &Sent) {
        let space = self.spaces.get_mut(space);
        match sent {
            Sent::Ack(largest) => space.into_iter().for_each(|space| space.acks.on_acked(*largest)),
            Sent::Crypto(piece) => space.into_iter().for_each(|space| space.crypto.acked(piece)),
            Sent::Stream(frame) => self.streams.acked(frame, &mut self.heard),
            Sent::RetireConnectionId(sequence) => self.received.retirement_acked(*sequence),
            // What was believed lost may come all the same: then it is not due again.
            Sent::NewToken => (self.once.token, self.once.new_token) = (Vec::new(), false),
            Sent::NewConnectionId(_) | Sent::HandshakeDone | Sent::AckFrequency(_) => {}
        }
    }

    fn lost(&mut self, space: Space, sent: &Sent) {
        match sent {
            Sent::Ack(_) => {} // The next one says it anew.
            Sent::Crypto(piece) => {
                self.spaces.get_mut(space).into_iter().for_each(|space| space.crypto.lost(piece));
            }
            Sent::Stream(frame) => self.streams.lost(frame),
            Sent::NewConnectionId(sequence) => self.issued.lost(*sequence),
            Sent::RetireConnectionId(sequence) => self.received.retirement_lost(*sequence),
            Sent::HandshakeDone => self.once.handshake_done = true, // spec: 9000-13.3-e
            Sent::NewToken => self.once.new_token = !self.once.token.is_empty(),
            Sent::AckFrequency(sequence) => self.asked.lost(*sequence),
        }
    }
}

/// What the search for the largest datagram made of the packets of one acknowledgement.
#[derive(Default)]
pub(super) struct Sizes {
    /// The size from here on, where it changed.
    pub(super) changed: Option<u16>,
}

impl Sizes {
    /// Tells the path that one packet left on; `largest_sent` is the last number in use. What another path than the one in use
    /// carries changes nothing yet.
    pub(super) fn learn(
        &mut self,
        now: Instant,
        paths: &mut Paths,
        number: u64,
        fate: &Fate<'_, Carried>,
        largest_sent: u64,
    ) {
        let (Fate::Acked(Carried { path, datagram_bytes, .. })
        | Fate::Late(Carried { path, datagram_bytes, .. })
        | Fate::Lost(Carried { path, datagram_bytes, .. })) = fate;
        let is_active = *path == paths.active().id;
        let Some(Path { mtu, .. }) = paths.get_mut(*path).filter(|_| *datagram_bytes > 0) else { return };
        let changed = match fate {
            Fate::Acked(_) | Fate::Late(_) => mtu.acked(now, number, *datagram_bytes),
            Fate::Lost(_) => {
                let loss = mtu.lost(now, number, *datagram_bytes, largest_sent);
                (loss == Loss::BlackHole).then(|| mtu.datagram_bytes())
            }
        };
        self.changed = changed.filter(|_| is_active).or(self.changed);
    }
}
