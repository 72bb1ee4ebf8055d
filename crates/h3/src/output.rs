//! What waits to leave on one stream, and what leaves.

use sakigake_semantics::{Chunk, StreamId};
use std::collections::VecDeque;

/// What an owner does for a connection, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure {
    /// Bytes of the buffer leave on a stream: ours, which opens with the first of them, or the peer's.
    Bytes {
        /// The stream.
        stream: StreamId,
        /// How many.
        len: usize,
        /// Whether nothing follows.
        fin: bool,
    },
    /// Our direction of a stream is reset.
    Reset {
        /// The stream.
        stream: StreamId,
        /// The error code.
        code: u64,
    },
    /// The peer is asked to stop sending, and nothing more of the stream is handed on.
    Stop {
        /// The stream.
        stream: StreamId,
        /// The error code.
        code: u64,
    },
}

/// One stream's queue.
#[derive(Debug, Default)]
pub(crate) struct Output {
    chunks: VecDeque<Chunk>,
    /// Bytes of the first chunk that have left.
    left: usize,
    queued: usize,
    end: bool,
    /// The end has left, or nobody wants the rest.
    over: bool,
}

impl Output {
    pub(crate) const fn queued(&self) -> usize {
        self.queued
    }

    pub(crate) const fn is_ended(&self) -> bool {
        self.end
    }

    pub(crate) const fn is_over(&self) -> bool {
        self.over
    }

    pub(crate) fn push(&mut self, chunk: Chunk) {
        if !chunk.as_ref().is_empty() && !self.over {
            self.queued += chunk.as_ref().len();
            self.chunks.push_back(chunk);
        }
    }

    /// Nothing more is pushed.
    pub(crate) const fn end(&mut self) {
        self.end = true;
    }

    /// Nothing more leaves.
    pub(crate) fn drop_rest(&mut self) {
        *self = Self { end: true, over: true, ..Self::default() };
    }

    /// Whether [`take`](Self::take) has something.
    pub(crate) fn has_work(&self) -> bool {
        !self.over && (self.queued > 0 || self.end)
    }

    /// Fills `out`: how much of it, and whether that was all there will be.
    pub(crate) fn take(&mut self, out: &mut [u8]) -> Option<(usize, bool)> {
        if !self.has_work() || out.is_empty() {
            return None;
        }
        let mut len = 0;
        while let Some(chunk) = self.chunks.front()
            && len < out.len()
        {
            let rest = &chunk.as_ref()[self.left..];
            let most = rest.len().min(out.len() - len);
            out[len..len + most].copy_from_slice(&rest[..most]);
            (len, self.left) = (len + most, self.left + most);
            if self.left == chunk.as_ref().len() {
                self.chunks.pop_front();
                self.left = 0;
            }
        }
        self.queued -= len;
        self.over = self.end && self.queued == 0;
        Some((len, self.over))
    }
}
