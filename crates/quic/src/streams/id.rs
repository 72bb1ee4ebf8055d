//! Stream identifiers (RFC 9000, section 2.1): who opened it, which ways it carries data, and the how-manieth it is.

use crate::rules::MAX_STREAM_COUNT;
use core::fmt;
use sakigake_wire::MAX_VARINT;

/// A stream's number: at most 2^62-1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(u64);

/// Which way a stream's data goes; the second lowest bit of its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Both ends send.
    Bidirectional,
    /// Only who opened it sends.
    Unidirectional,
}

const SERVER: u64 = 0x01;
const UNIDIRECTIONAL: u64 = 0x02;

impl StreamId {
    /// The stream of that number; nothing above 2^62-1.
    pub const fn new(number: u64) -> Option<Self> {
        if number <= MAX_VARINT { Some(Self(number)) } else { None }
    }

    /// The `index`-th (from 0) stream of its kind; nothing from 2^60 on.
    pub const fn of(is_client: bool, direction: Direction, index: u64) -> Option<Self> {
        if index >= MAX_STREAM_COUNT {
            return None;
        }
        let kind = if is_client { 0 } else { SERVER } | direction.bit();
        Some(Self(index << 2 | kind))
    }

    /// As it stands in frames.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// Whether a client opens it.
    pub const fn is_clients(self) -> bool {
        self.0 & SERVER == 0
    }

    /// Which ways it carries data.
    pub const fn direction(self) -> Direction {
        if self.0 & UNIDIRECTIONAL == 0 { Direction::Bidirectional } else { Direction::Unidirectional }
    }

    /// How many of its kind come before it.
    pub const fn index(self) -> u64 {
        self.0 >> 2
    }
}

impl Direction {
    /// Both, in the order of their numbers.
    pub const ALL: [Self; 2] = [Self::Bidirectional, Self::Unidirectional];

    const fn bit(self) -> u64 {
        match self {
            Self::Bidirectional => 0,
            Self::Unidirectional => UNIDIRECTIONAL,
        }
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stream {}", self.0)
    }
}

#[cfg(test)]
mod tests;
