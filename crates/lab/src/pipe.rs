//! A byte pipe: TCP as an engine sees it. Opening costs one round trip; each direction then carries a window of ten
//! segments that grows by what was acknowledged (slow start), in order, split as the network likes.

use crate::seed::Seed;
use core::fmt;
use sakigake_wire::{Instant, Span};
use std::collections::VecDeque;

/// Payload bytes of one segment.
pub const SEGMENT_BYTES: usize = 1_460;
/// Bytes that may be in flight before the first acknowledgement (RFC 6928).
pub const INITIAL_WINDOW_BYTES: usize = 10 * SEGMENT_BYTES;
/// Bytes that a side takes from its node before the network has room for them.
pub const SEND_BUFFER_BYTES: usize = 128 * 1024;

/// A pipe's number in its world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PipeId(
    /// Counted from 0 in the order of opening.
    pub usize,
);

/// A side of a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Who opened it: the client.
    Client,
    /// Who accepted it: the server.
    Server,
}

impl Side {
    /// The other side.
    pub const fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// How a pipe behaves; the default is a perfect one of 50 ms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// There and back.
    pub rtt: Span,
    /// Bits a second in each direction; none for no limit.
    pub bits_per_s: Option<u64>,
    /// Each arrival is late by up to this much more (order is kept).
    pub jitter: Span,
    /// Arrivals are cut into pieces of at most this many bytes; 0 leaves them whole.
    pub piece_bytes: usize,
    /// Bytes that a node may write at once; small values make it cut its output.
    pub write_bytes: usize,
    /// What goes wrong, and when.
    pub faults: Vec<Planned>,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            rtt: Span::from_millis(50),
            bits_per_s: None,
            jitter: Span::ZERO,
            piece_bytes: 0,
            write_bytes: 64 * 1024,
            faults: Vec::new(),
        }
    }
}

/// A fault that strikes when the `at_byte`th byte of a side passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// Whose bytes are hit.
    pub from: Side,
    /// Counted from 0.
    pub at_byte: u64,
    /// What happens.
    pub fault: Fault,
}

/// What a pipe may do that it should not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// One bit of that byte is flipped.
    Corrupt,
    /// That byte and all after it are lost, and the direction ends politely.
    Truncate,
    /// The pipe breaks in both directions.
    Reset,
    /// Nothing passes for a while.
    Stall,
    /// That byte is delivered twice.
    Duplicate,
    /// That byte is left out.
    Omit,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Corrupt, Self::Truncate, Self::Reset, Self::Stall, Self::Duplicate, Self::Omit];
    /// How long [`Fault::Stall`] holds everything back.
    pub const STALL: Span = Span::from_secs(3);
}

/// One direction of a pipe.
#[derive(Debug)]
pub(crate) struct Direction {
    buffer: VecDeque<u8>,
    window_bytes: usize,
    in_flight_bytes: usize,
    passed_bytes: u64,
    free_at: Instant,
    last_arrival: Instant,
    end: EndState,
    cut: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EndState {
    Open,
    Queued,
    Sent,
}

/// What a direction puts on its way.
#[derive(Debug)]
pub(crate) struct Departure {
    pub(crate) sent: Vec<u8>,
    pub(crate) pieces: Vec<(Instant, Vec<u8>)>,
    pub(crate) acknowledged_at: Instant,
    pub(crate) struck: Vec<Fault>,
    pub(crate) ends_at: Option<Instant>,
}

impl Direction {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            buffer: VecDeque::new(),
            window_bytes: INITIAL_WINDOW_BYTES,
            in_flight_bytes: 0,
            passed_bytes: 0,
            free_at: now,
            last_arrival: now,
            end: EndState::Open,
            cut: false,
        }
    }

    /// Bytes that the node may still write.
    pub(crate) fn room(&self) -> usize {
        match self.end {
            EndState::Open => SEND_BUFFER_BYTES - self.buffer.len(),
            EndState::Queued | EndState::Sent => 0,
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        debug_assert!(bytes.len() <= self.room(), "the world asks for no more than there is room for");
        self.buffer.extend(bytes);
    }

    /// The node will write nothing more.
    pub(crate) fn end(&mut self) {
        if self.end == EndState::Open {
            self.end = EndState::Queued;
        }
    }

    /// An acknowledgement came back: the window opens by as much as it acknowledges (RFC 5681 section 3.1).
    pub(crate) fn acknowledge(&mut self, bytes: usize) {
        self.in_flight_bytes -= bytes;
        self.window_bytes += bytes;
    }

    /// What leaves now, if anything may.
    pub(crate) fn depart(
        &mut self,
        now: Instant,
        from: Side,
        link: &Link,
        seed: &mut Seed,
    ) -> Option<Departure> {
        let len = self.buffer.len().min(self.window_bytes - self.in_flight_bytes);
        let ends = self.end == EndState::Queued && len == self.buffer.len();
        if len == 0 && !ends {
            return None;
        }
        let sent: Vec<u8> = self.buffer.drain(..len).collect();
        self.in_flight_bytes += len;
        let (bytes, struck) = self.strike(from, &sent, link, seed);
        let mut pieces = Vec::new();
        for piece in bytes.chunks(self.piece_len(link, seed).max(1)) {
            pieces.push((self.arrival(now, piece.len(), &struck, link, seed), piece.to_vec()));
        }
        let acknowledged_at = self.last_arrival.max(now + link.rtt.divided(2)) + link.rtt.divided(2);
        let cut_now = struck.contains(&Fault::Truncate);
        if ends {
            self.end = EndState::Sent;
        }
        let ends_at = ((ends && !self.cut) || cut_now).then(|| self.arrival(now, 0, &[], link, seed));
        self.cut |= cut_now;
        Some(Departure { sent, pieces, acknowledged_at, struck, ends_at })
    }

    fn piece_len(&self, link: &Link, seed: &mut Seed) -> usize {
        match link.piece_bytes {
            0 => SEND_BUFFER_BYTES,
            most => seed.between(1, most as u64) as usize,
        }
    }

    fn arrival(
        &mut self,
        now: Instant,
        len: usize,
        struck: &[Fault],
        link: &Link,
        seed: &mut Seed,
    ) -> Instant {
        let start = self.free_at.max(now);
        let serialised = link.bits_per_s.map_or(Span::ZERO, |rate| {
            Span::from_nanos((len as u64 * 8).saturating_mul(1_000_000_000) / rate.max(1))
        });
        self.free_at = start + serialised;
        let stalled = if struck.contains(&Fault::Stall) { Fault::STALL } else { Span::ZERO };
        let at = self.free_at + link.rtt.divided(2) + seed.span(link.jitter) + stalled;
        self.last_arrival = self.last_arrival.max(at);
        self.last_arrival
    }

    /// The bytes as the pipe's faults leave them, and which struck.
    fn strike(&mut self, from: Side, bytes: &[u8], link: &Link, seed: &mut Seed) -> (Vec<u8>, Vec<Fault>) {
        let first = self.passed_bytes;
        self.passed_bytes += bytes.len() as u64;
        if self.cut {
            return (Vec::new(), Vec::new());
        }
        let mut out = bytes.to_vec();
        let mut struck = Vec::new();
        let due = |planned: &&Planned| {
            planned.from == from && (first..self.passed_bytes).contains(&planned.at_byte)
        };
        let mut planned: Vec<&Planned> = link.faults.iter().filter(due).collect();
        planned.sort_by_key(|planned| core::cmp::Reverse(planned.at_byte));
        for planned in planned {
            let at = (planned.at_byte - first) as usize;
            match planned.fault {
                Fault::Corrupt => out[at] ^= 1 << seed.below(8),
                Fault::Truncate => out.truncate(at),
                Fault::Duplicate => out.insert(at, out[at]),
                Fault::Omit => drop(out.remove(at)),
                Fault::Reset | Fault::Stall => {}
            }
            struck.push(planned.fault);
        }
        (out, struck)
    }
}

impl fmt::Display for PipeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pipe {}", self.0)
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "client",
            Self::Server => "server",
        })
    }
}
