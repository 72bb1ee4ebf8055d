//! A CRYPTO stream of one encryption level (RFC 9000, sections 7.5 and 19.6): the handshake's bytes, in order, without flow
//! control and without an end. Each level has one of its own, which goes when its keys go.

use super::assembly::{Assembly, Held};
use super::backlog::{Backlog, Chunk};
use super::fault::StreamFault;
use super::{Limits, receive};
use crate::frame::Crypto;

/// Both directions of one level.
#[derive(Debug)]
pub struct CryptoStream {
    assembly: Assembly,
    held: Held,
    /// How far beyond what was delivered the peer may go.
    most_bytes: u64,
    backlog: Backlog,
}

/// Bytes of one CRYPTO frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CryptoPiece {
    /// Where the bytes belong.
    pub offset: u64,
    /// How many there are: at least one.
    pub len: u64,
}

/// What each implementation holds at least (section 7.5).
const LEAST_CRYPTO_BYTES: u64 = 4_096;

impl CryptoStream {
    /// A level that nobody has used.
    pub fn new(limits: &Limits) -> Self {
        Self {
            assembly: Assembly::default(),
            held: Held::new(limits.crypto_fragments),
            most_bytes: limits.crypto_bytes.max(LEAST_CRYPTO_BYTES), // spec: 9000-7.5-a
            backlog: Backlog::default(),
        }
    }

    /// CRYPTO: hands on what is in order now.
    ///
    /// # Errors
    /// [`StreamFault::CryptoBuffer`] when it reaches too far ahead, [`StreamFault::Offset`].
    pub fn accept(
        &mut self,
        offset: u64,
        bytes: &[u8],
        deliver: &mut impl FnMut(&[u8]),
    ) -> Result<(), StreamFault> {
        let end = receive::end(offset, bytes)?; // spec: 9000-19.6-a
        // What is in order is not held, however much it is.
        if offset > self.assembly.delivered() && end - self.assembly.delivered() > self.most_bytes {
            return Err(StreamFault::CryptoBuffer); // spec: 9000-7.5-b
        }
        let accepted = self.assembly.accept(offset, bytes, &mut self.held, deliver);
        accepted.map_err(|_| StreamFault::CryptoBuffer)
    }

    /// How much was handed on, in bytes.
    pub fn delivered(&self) -> u64 {
        self.assembly.delivered()
    }

    /// Whether bytes are held that nobody can read: a gap is open before them.
    pub fn is_holding(&self) -> bool {
        !self.assembly.is_empty()
    }

    /// Queues handshake bytes.
    pub fn write(&mut self, bytes: Vec<u8>) {
        self.backlog.push(Chunk::Owned(bytes));
    }

    /// Bytes that never left.
    pub fn queued(&self) -> u64 {
        self.backlog.queued()
    }

    /// Whether [`CryptoStream::next_piece`] has something.
    pub fn wants_to_send(&self) -> bool {
        self.backlog.queued() > 0 || self.backlog.first_lost().is_some()
    }

    /// Whether the peer is not known to have everything.
    pub fn is_outstanding(&self) -> bool {
        self.backlog.acked_below() < self.backlog.end()
    }

    /// The next CRYPTO frame, of at most `room` bytes; what was lost goes first.
    pub fn next_piece(&mut self, room: usize) -> Option<CryptoPiece> {
        let lost = self.backlog.first_lost();
        let range = lost.clone().unwrap_or(self.backlog.next()..self.backlog.end());
        let offset = range.start;
        let len = Crypto::fit(room, offset, range.end - offset);
        if len == 0 {
            return None;
        }
        match lost {
            Some(_) => self.backlog.sent_again(offset..offset + len),
            None => self.backlog.sent(len),
        }
        Some(CryptoPiece { offset, len })
    }

    /// Copies a piece's bytes into `out`, which is as long as the piece; whether they are there, until they are acknowledged.
    pub fn fill(&self, piece: &CryptoPiece, out: &mut [u8]) -> bool {
        self.backlog.fill(piece.offset, out)
    }

    /// The packet with this piece was acknowledged.
    pub fn acked(&mut self, piece: &CryptoPiece) {
        self.backlog.acked(piece.offset..piece.offset + piece.len);
    }

    /// The packet with this piece was lost.
    pub fn lost(&mut self, piece: &CryptoPiece) {
        self.backlog.lost(piece.offset..piece.offset + piece.len);
    }

    /// All that is outstanding leaves again: after Retry, or when a probe needs something to carry.
    pub fn resend(&mut self) {
        self.backlog.lost(self.backlog.acked_below()..self.backlog.next());
    }
}

#[cfg(test)]
mod tests;
