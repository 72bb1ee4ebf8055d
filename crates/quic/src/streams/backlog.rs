//! Bytes on their way out: those not sent yet, those whose arrival is not sure yet, and those that have to go again.

use crate::ranges::RangeSet;
use core::ops::Range;
use std::{collections::VecDeque, sync::Arc};

/// A part of what a stream sends, taken by reference.
#[derive(Clone, Debug)]
pub enum Chunk {
    /// Bytes of this stream alone.
    Owned(Vec<u8>),
    /// Bytes that others send too, such as a cached file.
    Shared(Arc<[u8]>),
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Owned(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}

/// What a queue of chunks has places for at first: a message's head and its body.
const FIRST_CHUNKS: usize = 2;

/// One direction of a stream, as far as it is not acknowledged.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    /// With the offset at which each begins; those that are acknowledged whole are let go of from the front.
    chunks: VecDeque<(u64, Chunk)>,
    /// All below has left once.
    next: u64,
    /// All below was given to us.
    end: u64,
    /// All below was acknowledged.
    acked: u64,
    /// Acknowledged above that.
    acked_ahead: RangeSet,
    lost: RangeSet,
}

impl Backlog {
    pub(crate) fn push(&mut self, chunk: Chunk) {
        let len = chunk.as_ref().len() as u64;
        if len > 0 {
            if self.chunks.capacity() == 0 {
                self.chunks.reserve_exact(FIRST_CHUNKS);
            }
            self.chunks.push_back((self.end, chunk));
            self.end += len;
        }
    }

    /// Where what never left begins.
    pub(crate) const fn next(&self) -> u64 {
        self.next
    }

    /// Where what was given ends.
    pub(crate) const fn end(&self) -> u64 {
        self.end
    }

    /// Bytes that never left.
    pub(crate) const fn queued(&self) -> u64 {
        self.end - self.next
    }

    /// All below was acknowledged.
    pub(crate) const fn acked_below(&self) -> u64 {
        self.acked
    }

    /// Where something begins that has to go again, and how long it is.
    pub(crate) fn first_lost(&self) -> Option<Range<u64>> {
        self.lost.lowest()
    }

    /// That goes again now.
    pub(crate) fn sent_again(&mut self, range: Range<u64>) {
        self.lost.remove(range);
    }

    /// So many bytes leave for the first time.
    pub(crate) fn sent(&mut self, len: u64) {
        debug_assert!(len <= self.queued());
        self.next += len;
    }

    /// Copies bytes from `offset` on into `out`; whether they are still there.
    pub(crate) fn fill(&self, offset: u64, mut out: &mut [u8]) -> bool {
        let after = self.chunks.partition_point(|(start, _)| *start <= offset);
        let mut at = offset;
        for (start, chunk) in self.chunks.range(after.saturating_sub(1)..) {
            let rest = usize::try_from(at.wrapping_sub(*start)).ok();
            let Some(rest) = rest.and_then(|skip| chunk.as_ref().get(skip..)) else { break };
            let now;
            (now, out) = out.split_at_mut(rest.len().min(out.len()));
            now.copy_from_slice(&rest[..now.len()]);
            at += now.len() as u64;
            if out.is_empty() {
                break;
            }
        }
        out.is_empty()
    }

    /// The peer has these.
    pub(crate) fn acked(&mut self, range: Range<u64>) {
        if !self.lost.is_empty() {
            self.lost.remove(range.clone());
        }
        if range.start > self.acked {
            self.acked_ahead.insert(range);
            return;
        }
        self.acked = self.acked.max(range.end);
        while let Some(first) = self.acked_ahead.lowest().filter(|first| first.start <= self.acked) {
            self.acked = self.acked.max(first.end);
            self.acked_ahead.remove(first);
        }
        let is_done = |(start, chunk): &(u64, Chunk)| start + chunk.as_ref().len() as u64 <= self.acked;
        while self.chunks.front().is_some_and(is_done) {
            self.chunks.pop_front();
        }
    }

    /// These have to go again, but for what another packet brought.
    pub(crate) fn lost(&mut self, range: Range<u64>) {
        self.lost.insert(range.start.max(self.acked)..range.end);
        for acked in self.acked_ahead.iter() {
            self.lost.remove(acked);
        }
    }

    /// Nothing from `size` on has to arrive.
    pub(crate) fn release_from(&mut self, size: u64) {
        self.lost.remove(size..u64::MAX);
    }

    /// Nothing from `size` on, which has not left, will.
    pub(crate) fn truncate(&mut self, size: u64) {
        self.end = self.end.min(size.max(self.next));
        while self.chunks.back().is_some_and(|(start, _)| *start >= self.end) {
            self.chunks.pop_back();
        }
    }

    /// Nothing more leaves.
    pub(crate) fn abandon(&mut self) {
        self.chunks = VecDeque::new();
        self.lost.clear();
        self.end = self.next;
    }

    /// Everything leaves anew, since the peer threw it all away.
    pub(crate) fn rewind(&mut self) {
        self.next = self.acked; // Who threw all away acknowledged nothing of it.
        self.acked_ahead.clear();
        self.lost.clear();
    }

    /// Gives back the room that chunks took.
    pub(crate) fn shrink(&mut self) {
        self.chunks.shrink_to_fit();
    }

    /// Chunks held.
    #[cfg(test)]
    pub(crate) fn chunks(&self) -> usize {
        self.chunks.len()
    }
}

#[cfg(test)]
mod tests;
