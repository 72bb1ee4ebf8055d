//! What somebody who watches from outside may ask, and nobody else needs.

use super::Connection;
use crate::recovery::Space;

/// What a connection holds of its peer's doing, in entries unless the name says bytes: each has a bound in
/// [`super::Limits`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Streams of which something is still of interest.
    pub streams: usize,
    /// Bytes of streams that came before those in front of them.
    pub early_bytes: usize,
    /// The pieces that they lie in.
    pub early_pieces: usize,
    /// Packets of all spaces that wait for their acknowledgement.
    pub sent_packets: usize,
    /// Ranges of the numbers that were received, in all spaces.
    pub ack_ranges: usize,
    /// Paths.
    pub paths: usize,
    /// Ids of the peer.
    pub ids: usize,
    /// Ids of the peer that it has not heard are retired.
    pub retiring: usize,
    /// Packets that wait for their keys.
    pub early_packets: usize,
}

impl Holdings {
    /// The larger of both, each by itself.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            streams: self.streams.max(other.streams),
            early_bytes: self.early_bytes.max(other.early_bytes),
            early_pieces: self.early_pieces.max(other.early_pieces),
            sent_packets: self.sent_packets.max(other.sent_packets),
            ack_ranges: self.ack_ranges.max(other.ack_ranges),
            paths: self.paths.max(other.paths),
            ids: self.ids.max(other.ids),
            retiring: self.retiring.max(other.retiring),
            early_packets: self.early_packets.max(other.early_packets),
        }
    }
}

impl Connection {
    /// Whether what leaves next may exceed the congestion window: a probe timeout is answered (RFC 9002 section 7.5), or the
    /// handshake has something to say that nothing else would ever make room for.
    pub fn may_exceed_window(&self) -> bool {
        self.probes != [0; 3] || self.is_held_up()
    }

    /// What it holds now.
    pub fn holdings(&self) -> Holdings {
        let (early_bytes, early_pieces) = self.streams.waiting();
        let (ids, retiring) = self.theirs.counts();
        let spaces = [Space::Initial, Space::Handshake, Space::Application];
        let ranges = |space| self.spaces.get(space).map_or(0, |space| space.acks.received().len());
        Holdings {
            streams: self.streams.len(),
            early_bytes,
            early_pieces,
            sent_packets: spaces.into_iter().map(|space| self.recovery.outstanding(space).count()).sum(),
            ack_ranges: spaces.into_iter().map(ranges).sum(),
            paths: self.paths.count(),
            ids,
            retiring,
            early_packets: self.opening.as_ref().map_or(0, |opening| opening.early.len()),
        }
    }
}
