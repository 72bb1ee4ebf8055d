//! What waits to leave on one stream.

use sakigake_semantics::{Chunk, Cut, Source};
use std::collections::VecDeque;

/// One stream's queue.
#[derive(Debug, Default)]
pub(crate) struct Output {
    pieces: VecDeque<Piece>,
    /// Bytes of bodies that wait.
    queued: u64,
    /// Those of them that are in memory.
    held: usize,
    end: bool,
    /// The end has left, or nobody wants the rest.
    over: bool,
    /// The owner filled the queue, so it wants to hear when there is room.
    is_full: bool,
}

/// A part of the queue.
#[derive(Debug)]
enum Piece {
    /// Bytes of ours, so many of them a body's.
    Frames(Vec<u8>, usize),
    Chunk(Chunk),
    /// So many bytes, which are made when there is room for them.
    Source(Box<dyn Source>, u64),
}

/// Small pieces behind each other go as one, as far as they are that small together.
const JOINED_BYTES: usize = 1_024;
/// What a source fills at once.
const FILLED_BYTES: u64 = 32_768;
/// It is not asked for less, unless that is all it has.
const LEAST_FILLED_BYTES: u64 = 4_096;

impl Output {
    /// Bytes of bodies that wait.
    pub(crate) const fn queued(&self) -> u64 {
        self.queued
    }

    /// Those of them that are in memory.
    pub(crate) const fn held(&self) -> usize {
        self.held
    }

    /// Nothing more may be pushed.
    pub(crate) const fn is_ended(&self) -> bool {
        self.end
    }

    /// Nothing more leaves.
    pub(crate) const fn is_over(&self) -> bool {
        self.over
    }

    /// Whether anything waits.
    pub(crate) fn has_work(&self) -> bool {
        !self.over && (self.end || !self.pieces.is_empty())
    }

    /// Appends what is no body's.
    pub(crate) fn push_frames(&mut self, bytes: Vec<u8>) {
        if self.over || bytes.is_empty() {
            return;
        }
        match self.joinable(bytes.len()) {
            Some((joined, _)) => joined.extend_from_slice(&bytes),
            None => self.pieces.push_back(Piece::Frames(bytes, 0)),
        }
    }

    /// Appends a part of a body; `limit` is what the owner may queue.
    pub(crate) fn push(&mut self, chunk: Chunk, limit: usize) {
        let len = chunk.as_ref().len();
        if self.over || len == 0 {
            return;
        }
        self.queued += len as u64;
        self.held += len;
        self.is_full |= self.held > limit / 2;
        match self.joinable(len) {
            Some((joined, payload)) => {
                joined.extend_from_slice(chunk.as_ref());
                *payload += len;
            }
            None => self.pieces.push_back(Piece::Chunk(chunk)),
        }
    }

    /// Appends `len` bytes of a source, which cost no memory until they leave.
    pub(crate) fn push_source(&mut self, source: Box<dyn Source>, len: u64) {
        if !self.over && len > 0 {
            self.queued += len;
            self.pieces.push_back(Piece::Source(source, len));
        }
    }

    /// The last piece, where it takes so many bytes more.
    fn joinable(&mut self, len: usize) -> Option<(&mut Vec<u8>, &mut usize)> {
        match self.pieces.back_mut() {
            Some(Piece::Frames(bytes, payload)) if bytes.len() + len <= JOINED_BYTES => {
                Some((bytes, payload))
            }
            _ => None,
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

    /// The next piece where it fits into `room`, and whether that was all there will be.
    pub(crate) fn take(&mut self, room: u64) -> Result<Option<(Chunk, bool)>, Cut> {
        if !self.has_work() {
            return Ok(None);
        }
        let chunk = match self.pieces.front_mut() {
            None => Chunk::Owned(Vec::new()),
            Some(Piece::Source(source, left)) => {
                let due = FILLED_BYTES.min(*left);
                if room < due.min(LEAST_FILLED_BYTES) {
                    return Ok(None);
                }
                let due = due.min(room);
                let bytes = source.take(due as usize)?;
                (self.queued, *left) = (self.queued - due, *left - due);
                if *left == 0 {
                    self.pieces.pop_front();
                }
                Chunk::Owned(bytes)
            }
            Some(Piece::Frames(bytes, payload)) => {
                if bytes.len() as u64 > room {
                    return Ok(None);
                }
                (self.queued, self.held) = (self.queued - *payload as u64, self.held - *payload);
                let bytes = core::mem::take(bytes);
                self.pieces.pop_front();
                Chunk::Owned(bytes)
            }
            Some(Piece::Chunk(chunk)) => {
                let len = chunk.as_ref().len();
                if len as u64 > room {
                    return Ok(None);
                }
                (self.queued, self.held) = (self.queued - len as u64, self.held - len);
                let chunk = core::mem::replace(chunk, Chunk::Owned(Vec::new()));
                self.pieces.pop_front();
                chunk
            }
        };
        self.over = self.end && self.pieces.is_empty();
        if self.pieces.is_empty() {
            self.pieces = VecDeque::new();
        }
        Ok(Some((chunk, self.over)))
    }

    /// Whether the queue has room again, once for each time that it had been filled.
    pub(crate) fn is_writable_again(&mut self, limit: usize) -> bool {
        self.is_full && self.held <= limit / 4 && {
            self.is_full = false;
            !self.end
        }
    }
}
