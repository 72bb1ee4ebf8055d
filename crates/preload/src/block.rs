//! The frame's payload: `link` fields in a header block that leaves every dynamic table alone, HPACK's over HTTP/2 and QPACK's
//! over HTTP/3. Which of them a block is shows in its first two bytes: Required Insert Count and Base of the one are zeros, which in
//! the other would begin a field without a name.

use crate::{Dropped, Hint, link};
use core::fmt;
use sakigake_fields::{FieldLine, hpack, qpack};

/// What a block may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Hints.
    pub hints: usize,
    /// Bytes of the encoded block.
    pub block_bytes: usize,
}

impl Default for Budget {
    /// The profile's caps (point 5).
    fn default() -> Self {
        Self { hints: 16, block_bytes: 2_048 } // spec: preload-profile-5-b
    }
}

/// Encodes hints, given best first, until one does not fit; the block, and how many are in it. Each must have a complete
/// URI; the same hints always make the same bytes.
pub fn write(hints: &[Hint], budget: Budget) -> (Vec<u8>, usize) {
    let mut block = Vec::new();
    let mut count = 0;
    for hint in hints.iter().take(budget.hints) {
        let before = block.len();
        let value = hint.to_string();
        hpack::encode_static(core::iter::once(FieldLine::new(b"link", value.as_bytes())), &mut block);
        if block.len() > budget.block_bytes {
            block.truncate(before); // spec: preload-profile-5-a
            break;
        }
        count += 1;
    }
    (block, count)
}

/// What a block of QPACK's begins with: it refers to no entry.
pub const SECTION_HEAD: [u8; 2] = [0, 0];

/// One hint as QPACK writes it behind [`SECTION_HEAD`] and other hints.
pub fn write_line(hint: &Hint) -> Vec<u8> {
    let (value, mut section) = (hint.to_string(), Vec::new());
    qpack::encode_static(core::iter::once(FieldLine::new(b"link", value.as_bytes())), &mut section);
    section.split_off(SECTION_HEAD.len())
}

/// What bounds the reading of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the encoded block.
    pub block_bytes: usize,
    /// Bytes of all lines, each with 32 more.
    pub list_bytes: usize,
    /// Hints that are kept; later ones are not looked at.
    pub hints: usize,
}

impl Default for Limits {
    /// The profile's limits (point 8).
    fn default() -> Self {
        Self { block_bytes: 16_384, list_bytes: 65_536, hints: 32 }
    }
}

/// What a block said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Its hints in order.
    pub hints: Vec<Hint>,
    /// Why links were dropped, in order, at most as many as there may be hints.
    pub dropped: Vec<Dropped>,
    /// Hints beyond the limit.
    pub beyond: usize,
}

/// Why a block is ignored as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ignored {
    /// It has more bytes than the limit.
    TooLong,
    /// Its lines have more bytes than the limit.
    TooLarge,
    /// It does not decode, or not without a dynamic table.
    Undecodable(hpack::Fault),
    /// The same over HTTP/3.
    UndecodableSection(qpack::Fault),
}

/// Reads a block. Other fields and pseudo-fields are skipped, and so is what stands behind a fault in a `link` value.
pub fn read(block: &[u8], limits: Limits) -> Result<Reading, Ignored> {
    if block.len() > limits.block_bytes {
        return Err(Ignored::TooLong); // spec: preload-2.2-c
    }
    let mut reading = Reading::default();
    let section = hpack::Limits { list_bytes: limits.list_bytes, lines: block.len() };
    let mut take = |line: FieldLine<'_>| {
        if line.name == b"link" {
            read_line(line.value, limits.hints, &mut reading);
        }
    };
    let outcome = match block.starts_with(&SECTION_HEAD) {
        true => qpack::decode_static(block, section, &mut take).map_err(Ignored::UndecodableSection),
        false => hpack::decode_static(block, section, &mut take).map_err(Ignored::Undecodable), // spec: preload-2.2-d
    };
    match outcome? {
        hpack::Outcome::TooLarge => Err(Ignored::TooLarge),
        hpack::Outcome::Complete => Ok(reading),
    }
}

fn read_line(value: &[u8], hints: usize, reading: &mut Reading) {
    let mut take = |link| match Hint::from_link(&link) {
        Ok(_) if reading.hints.len() >= hints => reading.beyond += 1,
        Ok(hint) => reading.hints.push(hint),
        Err(dropped) if reading.dropped.len() < hints => reading.dropped.push(dropped),
        Err(_) => {}
    };
    let fault = link::parse(value, link::Limits::default(), &mut take).err();
    if let Some(fault) = fault.filter(|_| reading.dropped.len() < hints) {
        reading.dropped.push(Dropped::Malformed(fault));
    }
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("the frame is too long"),
            Self::TooLarge => f.write_str("its fields are too large"),
            Self::Undecodable(fault) => fault.fmt(f),
            Self::UndecodableSection(fault) => fault.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests;
