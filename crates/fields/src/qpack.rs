//! QPACK (RFC 9204).
//!
//! An [`Encoder`] fills its peer's table by instructions on a stream of their own, and refers to it in the sections that
//! it encodes; a [`Decoder`] says on another stream what it has received. Both know streams by number alone. Whoever owns
//! them carries the bytes.

mod decoder;
mod encoder;
mod instruction;
mod line;
mod prefix;
mod rules;

pub use decoder::Decoder;
pub use encoder::Encoder;
pub use rules::ErrorCode;

use crate::{
    FieldLine, huffman, integer,
    section::{self, Outcome},
    string,
};
use core::fmt;

/// What one connection's QPACK may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the table that the peer fills: our SETTINGS_QPACK_MAX_TABLE_CAPACITY.
    pub table_bytes: usize,
    /// Streams of the peer that may wait for entries: our SETTINGS_QPACK_BLOCKED_STREAMS.
    pub blocked_streams: usize,
    /// Bytes of the sections that wait, each counted with 64 bytes more.
    pub blocked_bytes: usize,
    /// Bytes of our decoder's instructions that nobody has fetched.
    pub decoder_stream_bytes: usize,
    /// Bytes of the table that we fill, if the peer allows as many.
    pub peer_table_bytes: usize,
    /// Bytes of our encoder's instructions that nobody has fetched: it inserts nothing beyond.
    pub encoder_stream_bytes: usize,
    /// Sections that refer to our table and are not acknowledged: no others refer to it beyond.
    pub unacknowledged_sections: usize,
}

/// What a server or a client gets by with: tables of 4,096 bytes.
impl Default for Limits {
    fn default() -> Self {
        Self {
            table_bytes: 4_096,
            blocked_streams: 16,
            blocked_bytes: 65_536,
            decoder_stream_bytes: 4_096,
            peer_table_bytes: 4_096,
            encoder_stream_bytes: 8_192,
            unacknowledged_sections: 128,
        }
    }
}

/// The peer broke a rule: where, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// An encoded field section.
    Section(Sin),
    /// An instruction of the peer's encoder.
    EncoderStream(Sin),
    /// An instruction of the peer's decoder, or a setting that it must not change.
    DecoderStream(Sin),
    /// Sections wait with more than [`Limits::blocked_bytes`].
    BlockedBytes,
    /// Nobody took our decoder's instructions, up to [`Limits::decoder_stream_bytes`].
    Unfetched,
}

/// A sin, wherever it was committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sin {
    /// A section ends within a line, or before the first one.
    Truncated,
    /// An integer beyond anything meaningful.
    Integer,
    /// A Huffman string that is none.
    Huffman(huffman::Fault),
    /// An index behind the end of the static table.
    StaticIndex(u64),
    /// An entry, by its index in the message, that was evicted, or never was there, or that the section said it does not
    /// need.
    Reference(u64),
    /// An encoded Required Insert Count that no encoder produces.
    InsertCount(u64),
    /// A Required Insert Count above what the section's references need.
    Unneeded(u64),
    /// A negative Base.
    Base,
    /// More streams wait than [`Limits::blocked_streams`].
    BlockedStreams,
    /// A capacity above [`Limits::table_bytes`].
    Capacity(u64),
    /// An entry that is larger than the table.
    EntryTooLarge,
    /// An Insert Count Increment of nothing, or beyond what was inserted.
    Increment(u64),
    /// An acknowledgment for a stream without a section to acknowledge.
    Acknowledgment(u64),
    /// SETTINGS_QPACK_MAX_TABLE_CAPACITY is not what early data went by.
    CapacityChanged(u64),
}

impl Fault {
    /// The error code that answers it. It ends the connection; [`Fault::spares_connection`] names the exception.
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::Section(_) => ErrorCode::DecompressionFailed,
            Self::EncoderStream(_) => ErrorCode::EncoderStreamError,
            Self::DecoderStream(_) => ErrorCode::DecoderStreamError,
            Self::BlockedBytes | Self::Unfetched => ErrorCode::ExcessiveLoad,
        }
    }

    /// Whether only the section's stream ends (RFC 9204 section 7.4): its owner cancels that.
    pub const fn spares_connection(self) -> bool {
        matches!(self, Self::Section(Sin::Integer)) // spec: 9204-7.4-a
    }
}

/// Encodes `lines` without the dynamic table: any decoder reads the section, at any time. Names are in lower case.
pub fn encode_static<'a>(lines: impl Iterator<Item = FieldLine<'a>>, out: &mut Vec<u8>) {
    prefix::Prefix::NONE.write(0, out);
    lines.for_each(|line| encoder::encode_static_line(line, out));
}

/// Decodes a section that must leave a dynamic table alone: a reference to one is a fault.
///
/// # Errors
/// [`Fault::Section`].
pub fn decode_static(
    section: &[u8],
    limits: section::Limits,
    sink: &mut impl FnMut(FieldLine<'_>),
) -> Result<Outcome, Fault> {
    decoder::decode_static(section, limits, sink).map_err(Fault::Section)
}

impl From<integer::Fault> for Sin {
    fn from(fault: integer::Fault) -> Self {
        match fault {
            integer::Fault::Truncated => Self::Truncated,
            integer::Fault::TooLarge => Self::Integer,
        }
    }
}

impl From<string::Fault> for Sin {
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
            Self::Section(sin) => write!(f, "a field section: {sin}")?,
            Self::EncoderStream(sin) => write!(f, "the encoder stream: {sin}")?,
            Self::DecoderStream(sin) => write!(f, "the decoder stream: {sin}")?,
            Self::BlockedBytes => f.write_str("the field sections that wait are too large")?,
            Self::Unfetched => f.write_str("the decoder stream is not read")?,
        }
        write!(f, " ({})", self.code().name())
    }
}

impl fmt::Display for Sin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("it ends too early"),
            Self::Integer => f.write_str("an integer is too large"),
            Self::Huffman(fault) => fault.fmt(f),
            Self::StaticIndex(index) => write!(f, "the static table has no entry {index}"),
            Self::Reference(index) => write!(f, "the dynamic table has no entry {index} for it"),
            Self::InsertCount(count) => write!(f, "no encoder writes {count} for a Required Insert Count"),
            Self::Unneeded(count) => write!(f, "a Required Insert Count of {count} is more than it needs"),
            Self::Base => f.write_str("the Base is negative"),
            Self::BlockedStreams => f.write_str("too many streams wait for entries"),
            Self::Capacity(bytes) => write!(f, "a table of {bytes} bytes passes the limit"),
            Self::EntryTooLarge => f.write_str("an entry is larger than the table"),
            Self::Increment(count) => write!(f, "{count} more entries were not sent"),
            Self::Acknowledgment(stream) => {
                write!(f, "stream {stream} has no section that waits to be acknowledged")
            }
            Self::CapacityChanged(bytes) => {
                write!(f, "the table's limit became {bytes} bytes after early data")
            }
        }
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests;
