//! What leaves next: each stream's queue, and the order among streams (RFC 9218 section 10: urgency first, then one
//! after another, and the incremental ones in turns).

use crate::flow::SendWindow;
use sakigake_semantics::{Chunk, Cut, Fields, Priority, Source};
use sakigake_wire::Instant;
use std::collections::VecDeque;

/// One stream's way out.
#[derive(Debug)]
pub(crate) struct Sending {
    pub(crate) window: SendWindow,
    /// What leaves next; most bodies are no more than that.
    first: Option<Piece>,
    rest: VecDeque<Piece>,
    /// Bytes of the first piece, a chunk, that have left.
    offset: usize,
    /// Bytes that wait.
    queued: u64,
    /// Those of them that are in memory.
    held: usize,
    pub(crate) end: End,
    /// Bytes of DATA that left.
    sent: u64,
    /// Since when credit has been wanting, and what had been sent then.
    pub(crate) stall: Option<Stall>,
    /// The owner filled the queue, so it wants to hear when there is room.
    is_full: bool,
}

/// A part of the queue.
#[derive(Debug)]
enum Piece {
    Chunk(Chunk),
    /// So many bytes, which are made where they leave.
    Source(Box<dyn Source>, u64),
}

/// How the stream's own direction ends.
#[derive(Debug, Default)]
pub(crate) enum End {
    /// Not yet.
    #[default]
    Open,
    /// With the last byte of the queue.
    Data,
    /// With these, after the queue.
    Trailers(Fields),
    /// It has ended.
    Sent,
}

/// A wait for credit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stall {
    pub(crate) since: Instant,
    sent: u64,
}

impl Sending {
    pub(crate) fn new(window: u32) -> Self {
        Self {
            window: SendWindow::new(window),
            first: None,
            rest: VecDeque::new(),
            offset: 0,
            queued: 0,
            held: 0,
            end: End::Open,
            sent: 0,
            stall: None,
            is_full: false,
        }
    }

    /// Bytes that wait.
    pub(crate) fn queued(&self) -> u64 {
        self.queued
    }

    /// Bytes that wait in memory.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// Takes a chunk by reference.
    pub(crate) fn push(&mut self, chunk: Chunk, limit: usize) {
        let len = chunk.as_ref().len();
        self.held += len;
        self.is_full |= self.held > limit / 2;
        self.push_piece(Piece::Chunk(chunk), len as u64);
    }

    /// Takes `len` bytes of a source, which cost no memory until they leave.
    pub(crate) fn push_source(&mut self, source: Box<dyn Source>, len: u64) {
        self.push_piece(Piece::Source(source, len), len);
    }

    fn push_piece(&mut self, piece: Piece, len: u64) {
        self.queued += len;
        match self.first {
            None => self.first = Some(piece),
            Some(_) => self.rest.push_back(piece),
        }
    }

    /// Fills `out`, which is at most [`Sending::queued`] bytes long.
    pub(crate) fn write(&mut self, mut out: &mut [u8]) -> Result<(), Cut> {
        self.queued -= out.len() as u64;
        self.sent += out.len() as u64;
        while !out.is_empty() {
            let Some(first) = &mut self.first else { break };
            let (later, is_out);
            match first {
                Piece::Chunk(chunk) => {
                    let rest = &chunk.as_ref()[self.offset..];
                    let now;
                    (now, later) = out.split_at_mut(rest.len().min(out.len()));
                    now.copy_from_slice(&rest[..now.len()]);
                    is_out = now.len() == rest.len();
                    self.offset += now.len();
                    self.held -= now.len();
                }
                Piece::Source(source, left) => {
                    let now;
                    (now, later) = out.split_at_mut(shorter(out.len(), *left));
                    source.fill(now)?;
                    *left -= now.len() as u64;
                    is_out = *left == 0;
                }
            }
            out = later;
            if is_out {
                self.first = self.rest.pop_front();
                self.offset = 0;
            }
        }
        if self.queued == 0 {
            self.rest = VecDeque::new();
            self.stall = None;
        }
        Ok(())
    }

    /// Whether the owner is to hear that there is room again: once for each time that the queue had been filled.
    pub(crate) fn is_writable_again(&mut self, limit: usize) -> bool {
        self.is_full && self.held <= limit / 4 && {
            self.is_full = false;
            true
        }
    }

    /// The queue waits for credit from now on, if it did not already.
    pub(crate) fn stall(&mut self, now: Instant) {
        self.stall.get_or_insert(Stall { since: now, sent: self.sent });
    }

    /// The time for some progress is over: whether there was enough. If so, the next term begins.
    pub(crate) fn has_moved(&mut self, now: Instant, bytes: u64) -> bool {
        let moved = self.stall.is_none_or(|stall| self.sent - stall.sent >= bytes);
        if moved {
            self.stall = None;
            if self.queued > 0 {
                self.stall(now);
            }
        }
        moved
    }
}

/// The lesser of a length and of bytes that are left.
pub(crate) fn shorter(len: usize, left: u64) -> usize {
    usize::try_from(left).map_or(len, |left| left.min(len))
}

/// The streams that have DATA and credit, best first.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    /// Sorted. Who comes is mostly the last, and who goes the first.
    ready: VecDeque<Rank>,
    turns: u64,
}

/// A place in the order: by urgency; then those that are of use only whole, by age; then the others by turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    urgency: u8,
    turn: u64,
    stream: u32,
}

/// Places that an empty line keeps.
const KEPT_RANKS: usize = 4;

impl Schedule {
    /// Puts a stream in line; returns its place, which takes it out again.
    pub(crate) fn enter(&mut self, stream: u32, priority: Priority) -> Rank {
        self.turns += u64::from(priority.incremental);
        let turn = if priority.incremental { self.turns } else { 0 };
        let rank = Rank { urgency: priority.urgency, turn, stream }; // spec: 9218-10-a
        match self.ready.back() {
            Some(last) if *last > rank => {
                let at = self.ready.partition_point(|other| *other < rank);
                self.ready.insert(at, rank);
            }
            _ => self.ready.push_back(rank),
        }
        rank
    }

    /// Takes a stream out.
    pub(crate) fn leave(&mut self, rank: Rank) {
        if self.ready.front() == Some(&rank) {
            self.ready.pop_front();
        } else if let Ok(at) = self.ready.binary_search(&rank) {
            self.ready.remove(at);
        }
        if self.ready.is_empty() && self.ready.capacity() > KEPT_RANKS {
            self.ready = VecDeque::new();
        }
    }

    /// Whose turn it is.
    pub(crate) fn first(&self) -> Option<u32> {
        self.ready.front().map(|rank| rank.stream)
    }

    /// Those that go before a stream that has this priority; among incremental ones of one urgency, nobody does.
    pub(crate) fn before(&self, stream: u32, priority: Priority) -> impl Iterator<Item = u32> {
        let (turn, stream) = if priority.incremental { (1, 0) } else { (0, stream) };
        let first = Rank { urgency: priority.urgency, turn, stream };
        self.ready.iter().take_while(move |rank| **rank < first).map(|rank| rank.stream)
    }

    /// All in line.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        self.ready.iter().map(|rank| rank.stream)
    }
}

impl Rank {
    /// Whether entering anew would give this place again.
    pub(crate) fn stands(self, stream: u32, priority: Priority) -> bool {
        !priority.incremental && self == Self { urgency: priority.urgency, turn: 0, stream }
    }
}
