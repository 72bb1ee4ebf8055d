//! HPACK (RFC 7541).

mod decoder;
mod encoder;

pub use decoder::Decoder;
pub use encoder::Encoder;

pub use crate::section::{Limits, Outcome};

use crate::{FieldLine, huffman, integer, string};
use core::fmt;

/// Why a block does not decode: COMPRESSION_ERROR of HTTP/2, one variant a sin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The block ends within a representation.
    Truncated,
    /// An integer beyond anything meaningful.
    Integer,
    /// Index 0.
    IndexZero,
    /// An index behind the end of both tables.
    Index(u64),
    /// A Huffman string that is none.
    Huffman(huffman::Fault),
    /// A table size update after the first line.
    LateSizeUpdate,
    /// A table size update above what we allow, in bytes.
    SizeUpdate(u64),
    /// No table size update after we lowered what we allow.
    NoSizeUpdate,
    /// A table size update in a block that has no dynamic table.
    StaticSizeUpdate,
    /// A line that wants to enter the dynamic table in a block that has none.
    StaticInsertion,
    /// A reference to the dynamic table in a block that has none.
    StaticReference(u64),
}

/// Encodes `lines` without the dynamic table: any decoder reads the block, at any time, and is not changed by it.
pub fn encode_static<'a>(lines: impl Iterator<Item = FieldLine<'a>>, out: &mut Vec<u8>) {
    lines.for_each(|line| encoder::encode_static_line(line, out));
}

/// Decodes a block that must leave a dynamic table alone: a reference to it, an insertion and a size update are faults.
pub fn decode_static(
    block: &[u8],
    limits: Limits,
    sink: &mut impl FnMut(FieldLine<'_>),
) -> Result<Outcome, Fault> {
    decoder::decode_static(block, limits, sink)
}

/// The first bits of each representation (RFC 7541 section 6), and the prefix of the integer behind them.
mod pattern {
    pub(super) const INDEXED: (u8, u8) = (0x80, 7);
    pub(super) const LITERAL_INDEXED: (u8, u8) = (0x40, 6);
    pub(super) const SIZE_UPDATE: (u8, u8) = (0x20, 5);
    pub(super) const LITERAL_NEVER: (u8, u8) = (0x10, 4);
    pub(super) const LITERAL: (u8, u8) = (0x00, 4);
    /// Bits of a string's length.
    pub(super) const STRING: u8 = 7;
}

/// Bytes of both peers' tables before any setting (RFC 9113 section 6.5.2).
pub const DEFAULT_TABLE_BYTES: usize = 4_096;

impl From<integer::Fault> for Fault {
    fn from(fault: integer::Fault) -> Self {
        match fault {
            integer::Fault::Truncated => Self::Truncated,
            integer::Fault::TooLarge => Self::Integer,
        }
    }
}

impl From<string::Fault> for Fault {
    fn from(fault: string::Fault) -> Self {
        match fault {
            string::Fault::Integer(fault) => fault.into(),
            string::Fault::Truncated => Self::Truncated,
            string::Fault::Huffman(fault) => Self::Huffman(fault),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the block ends within a line"),
            Self::Integer => f.write_str("an integer is too large"),
            Self::IndexZero => f.write_str("an index is 0"),
            Self::Index(index) => write!(f, "no table has an entry {index}"),
            Self::Huffman(fault) => fault.fmt(f),
            Self::LateSizeUpdate => f.write_str("a table size update comes after a line"),
            Self::SizeUpdate(bytes) => write!(f, "a table size update to {bytes} bytes passes the limit"),
            Self::NoSizeUpdate => f.write_str("a table size update is due and missing"),
            Self::StaticSizeUpdate => f.write_str("a table size update is in a block without a table"),
            Self::StaticInsertion => f.write_str("a line enters the table in a block without one"),
            Self::StaticReference(index) => write!(f, "entry {index} is named in a block without a table"),
        }
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests;
