//! What an owner may ask before it says something beside the handshake, and how it begins anew where early data was in vain.

use super::Connection;
use crate::{
    recovery::Space,
    rules::Epoch,
    streams::{Direction, Refused, StreamId},
};
use core::ops::Range;

/// What a packet with a long header takes at most beside the bytes of its one CRYPTO frame: the header with two ids and no
/// token, an acknowledgement, the frame's head, a tag.
const LONG_OVERHEAD_BYTES: u64 = 100;
/// The same of a 1-RTT packet with one STREAM frame.
const SHORT_OVERHEAD_BYTES: u64 = 64;

/// What is sealed into a ticket for the application has room there.
const MOST_TERMS_BYTES: usize = 64;

impl Connection {
    /// Whether 1-RTT packets may leave: at a server from its first flight on, before the client has shown who it is.
    pub fn may_send_data(&self) -> bool {
        self.life.is_open() && self.keys.can_send(Epoch::OneRtt)
    }

    /// How many bytes of a stream leave behind what is left of the handshake's flight before anything is heard from the peer: what the
    /// anti-amplification limit and the congestion window spare (RFC 9000 section 8.1).
    pub fn flight_room(&self) -> u64 {
        let path = self.paths.active();
        let datagram = u64::from(path.mtu.datagram_bytes());
        let waiting = |space: Space| self.spaces.get(space).map_or(0, |space| space.crypto.queued());
        let mut flight = 0;
        for bytes in [Space::Initial, Space::Handshake].map(waiting) {
            flight += bytes + bytes.div_ceil(datagram - LONG_OVERHEAD_BYTES) * LONG_OVERHEAD_BYTES;
        }
        // Datagrams of the handshake are expanded, so that what is left of the last one is of no use to another.
        let whole = path.credit.room().min(self.recovery.window_left()) / datagram * datagram;
        let left = whole.saturating_sub(flight);
        left.saturating_sub((left.div_ceil(datagram) + 1) * SHORT_OVERHEAD_BYTES)
    }

    /// The indexes of the streams of a direction that may be opened now, the next one first ([`StreamId::index`]).
    pub fn openable(&self, direction: Direction) -> Range<u64> {
        if self.life.is_open() { self.streams.openable(direction) } else { 0..0 }
    }

    /// How many streams of a direction the peer was told that it may open in all.
    pub fn allowed(&self, direction: Direction) -> u64 {
        self.streams.allowed(direction)
    }

    /// Bytes of a stream that have not left yet.
    ///
    /// # Errors
    /// [`Refused`] when the stream takes nothing, now or ever.
    pub fn queued(&self, id: StreamId) -> Result<u64, Refused> {
        self.streams.queued(id)
    }

    /// Streams with bytes that wait, and how many of each have left: those that the peer gives no credit for, or `all`.
    pub fn waiting_streams(&self, all: bool) -> impl Iterator<Item = (StreamId, u64)> {
        self.streams.held_up(all)
    }

    /// Bytes of all streams that have left, those that left again not counted.
    pub const fn stream_bytes_sent(&self) -> u64 {
        self.streams.sent_bytes()
    }

    /// Streams of a direction of which something is still of interest: there is more to come, or the peer does not have all.
    pub fn live_streams(&self, direction: Direction) -> usize {
        self.streams.live(direction)
    }

    /// Server: what early data goes by beside the transport parameters, at most 64 bytes, such as the application's settings.
    /// It is sealed into tickets; where a client comes back with other ones its early data is not taken. Before anything came.
    pub fn set_early_terms(&mut self, terms: Vec<u8>) {
        if terms.len() <= MOST_TERMS_BYTES {
            self.early_terms = terms;
        }
    }

    /// Client: early data was in vain, and its owner begins anew: the streams that it opened have never been. Without this
    /// their bytes leave again as they were. Whether that was possible: only before anything else has left.
    pub fn forget_early_streams(&mut self) -> bool {
        let is_new = self.recovery.outstanding(Space::Application).next().is_none();
        let may = is_new && !self.keys.can_send(Epoch::ZeroRtt) && self.life.is_open();
        if may {
            self.streams.forget_local();
        }
        may
    }
}
