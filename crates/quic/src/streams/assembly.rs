//! Bytes that come in any order, put in order: what comes in order is handed on straight from the packet, and only what
//! comes early is copied.
//!
//! Early bytes are held in pieces. A piece takes in its neighbours as long as they are no larger than itself, so that each
//! byte moves a few times at most, whatever the order; runs are held in few pieces, and many pieces mean many gaps.

use super::Limits;
use std::collections::BTreeMap;

/// One stream's bytes.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    /// All below was handed on.
    delivered: u64,
    /// By their first offsets; none is empty, and no two overlap.
    pieces: BTreeMap<u64, Vec<u8>>,
}

/// What several streams hold together.
#[derive(Debug)]
pub(crate) struct Held {
    bytes: usize,
    pieces: usize,
    /// Pieces that may be held whatever their size.
    free_pieces: usize,
}

/// More gaps than the bytes between them are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fragmented;

/// Where a piece stops growing: no more than that is copied when it does.
const PIECE_BYTES: usize = 64 << 10;

/// A piece beyond the free ones needs as many bytes held, so that the cost of pieces is bounded by what they hold.
const BYTES_A_PIECE: usize = 64;

impl Held {
    pub(crate) const fn new(free_pieces: usize) -> Self {
        Self { bytes: 0, pieces: 0, free_pieces }
    }

    /// Whether no stream holds anything.
    pub(crate) const fn is_empty(&self) -> bool {
        self.bytes == 0 && self.pieces == 0
    }

    /// Whether what is held is no more than `limits` allow.
    pub(crate) fn is_within(&self, limits: &Limits) -> bool {
        self.bytes as u64 <= limits.connection_window_bytes && self.check().is_ok()
    }

    /// Bytes held.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Pieces held.
    pub(crate) const fn pieces(&self) -> usize {
        self.pieces
    }

    fn check(&self) -> Result<(), Fragmented> {
        let most = self.free_pieces + self.bytes / BYTES_A_PIECE;
        if self.pieces > most { Err(Fragmented) } else { Ok(()) }
    }
}

impl Assembly {
    /// All bytes below were handed on.
    pub(crate) const fn delivered(&self) -> u64 {
        self.delivered
    }

    /// Takes bytes that belong at `offset`; hands on what is in order now. Bytes that came before are not looked at again.
    pub(crate) fn accept(
        &mut self,
        offset: u64,
        bytes: &[u8],
        held: &mut Held,
        deliver: &mut impl FnMut(&[u8]),
    ) -> Result<(), Fragmented> {
        let end = offset + bytes.len() as u64;
        if end <= self.delivered || bytes.is_empty() {
            return Ok(());
        }
        if offset > self.delivered {
            self.hold(offset, bytes, held);
            return held.check();
        }
        deliver(from(bytes, self.delivered - offset));
        self.delivered = end;
        self.release(held, deliver);
        Ok(())
    }

    /// Whether nothing waits for what is missing before it.
    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Lets go of everything.
    pub(crate) fn discard(&mut self, held: &mut Held) {
        for piece in core::mem::take(&mut self.pieces).into_values() {
            held.bytes -= piece.len();
            held.pieces -= 1;
        }
    }

    fn release(&mut self, held: &mut Held, deliver: &mut impl FnMut(&[u8])) {
        while let Some(first) = self.pieces.first_entry() {
            let start = *first.key();
            if start > self.delivered {
                break;
            }
            let piece = first.remove();
            held.bytes -= piece.len();
            held.pieces -= 1;
            let fresh = from(&piece, self.delivered - start);
            if !fresh.is_empty() {
                self.delivered += fresh.len() as u64;
                deliver(fresh);
            }
        }
    }

    /// Copies what is not held yet.
    fn hold(&mut self, offset: u64, bytes: &[u8], held: &mut Held) {
        let end = offset + bytes.len() as u64;
        let before =
            self.pieces.range(..=offset).next_back().map(|(start, piece)| start + piece.len() as u64);
        let mut at = before.map_or(offset, |before| before.max(offset));
        while at < end {
            let next = self.pieces.range(at..end).next();
            let (next, after) =
                next.map_or((end, end), |(start, piece)| (*start, start + piece.len() as u64));
            if at < next {
                let fresh = &bytes[(at - offset) as usize..(next - offset) as usize]; // Both lie within the bytes.
                self.put(at, fresh, held);
            }
            at = after;
        }
    }

    /// Takes bytes of which none is held.
    fn put(&mut self, start: u64, bytes: &[u8], held: &mut Held) {
        held.bytes += bytes.len();
        let key = match self.pieces.range_mut(..start).next_back() {
            Some((left, piece)) if joins(*left, piece, start, bytes.len()) => {
                piece.extend_from_slice(bytes);
                *left
            }
            _ => {
                self.pieces.insert(start, bytes.to_vec());
                held.pieces += 1;
                start
            }
        };
        self.join(key, held);
    }

    /// Joins a piece that has grown with its neighbours, always the smaller one into the larger.
    fn join(&mut self, mut key: u64, held: &mut Held) {
        loop {
            let Some(len) = self.pieces.get(&key).map(Vec::len) else { return };
            let left = self.pieces.range(..key).next_back();
            let left = left.filter(|(start, piece)| len <= piece.len() && joins(**start, piece, key, len));
            let (into, other) = if let Some((start, _)) = left {
                (*start, key)
            } else {
                let end = key + len as u64;
                let is_small = |right: &&Vec<u8>| right.len() <= len && len + right.len() <= PIECE_BYTES;
                if self.pieces.get(&end).filter(is_small).is_none() {
                    return;
                }
                (key, end)
            };
            let Some(bytes) = self.pieces.remove(&other) else { return };
            held.pieces -= 1;
            if let Some(piece) = self.pieces.get_mut(&into) {
                piece.extend_from_slice(&bytes);
            }
            key = into;
        }
    }
}

/// Whether `len` bytes at `start` continue a piece and may become a part of it.
fn joins(left: u64, piece: &[u8], start: u64, len: usize) -> bool {
    left + piece.len() as u64 == start && piece.len() + len <= PIECE_BYTES
}

/// What is left without the first `skip` bytes.
fn from(bytes: &[u8], skip: u64) -> &[u8] {
    usize::try_from(skip).ok().and_then(|skip| bytes.get(skip..)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
