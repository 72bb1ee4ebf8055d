//! How many streams there may be (RFC 9000 sections 19.11 and 19.14).

use super::short;
use crate::{
    Fault,
    rules::{MAX_STREAM_COUNT, frames::kind},
    streams::Direction,
};
use sakigake_wire::{Full, Reader, Writer};

/// How many streams of a direction the receiver may open, those that are over included (section 19.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxStreams {
    /// Of which streams.
    pub direction: Direction,
    /// How many.
    pub maximum: u64,
}

/// The sender would open a stream more than it may (section 19.14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamsBlocked {
    /// Of which streams.
    pub direction: Direction,
    /// How many it may.
    pub maximum: u64,
}

impl MaxStreams {
    /// What follows the type `kind`.
    pub fn read(kind: u64, reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self { direction: direction(kind), maximum: count(kind, reader)? })
    }

    /// Appends the frame, or nothing where it does not fit.
    pub fn write(&self, out: &mut Writer<'_>) -> Result<(), Full> {
        put_count(out, self.kind(), self.maximum)
    }

    /// Its type.
    pub fn kind(&self) -> u64 {
        flagged(kind::MAX_STREAMS, self.direction)
    }
}

impl StreamsBlocked {
    /// What follows the type `kind`.
    pub fn read(kind: u64, reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self { direction: direction(kind), maximum: count(kind, reader)? })
    }

    /// Appends the frame, or nothing where it does not fit.
    pub fn write(&self, out: &mut Writer<'_>) -> Result<(), Full> {
        put_count(out, self.kind(), self.maximum)
    }

    /// Its type.
    pub fn kind(&self) -> u64 {
        flagged(kind::STREAMS_BLOCKED, self.direction)
    }
}

/// Both frames say it by the lowest bit of their type.
fn direction(kind: u64) -> Direction {
    if kind & 1 == 0 { Direction::Bidirectional } else { Direction::Unidirectional }
}

fn flagged(kind: u64, direction: Direction) -> u64 {
    kind | u64::from(direction == Direction::Unidirectional)
}

fn count(frame: u64, reader: &mut Reader<'_>) -> Result<u64, Fault> {
    let maximum = reader.varint().map_err(short(frame))?;
    if maximum > MAX_STREAM_COUNT {
        return Err(Fault::StreamCountTooLarge { frame }); // spec: 9000-4.6-m 9000-19.11-m 9000-19.14-m
    }
    Ok(maximum)
}

fn put_count(out: &mut Writer<'_>, kind: u64, maximum: u64) -> Result<(), Full> {
    out.all_or_nothing(|out| {
        out.varint(kind)?;
        out.varint(maximum)
    })
}
