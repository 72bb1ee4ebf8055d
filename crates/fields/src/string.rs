//! String literals with a prefix (RFC 7541 section 5.2, RFC 9204 section 4.1.2).

use crate::{huffman, integer};
use sakigake_wire::Reader;

/// Why a string was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Integer(integer::Fault),
    Truncated,
    Huffman(huffman::Fault),
}

/// A string as it stands on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Text<'a> {
    bytes: &'a [u8],
    is_huffman: bool,
}

impl<'a> Text<'a> {
    /// Reads a string whose first byte, `first`, is already taken; `prefix` is the number of its low bits that belong to
    /// the length, below the one that says Huffman.
    pub(crate) fn read(first: u8, prefix: u8, reader: &mut Reader<'a>) -> Result<Self, Fault> {
        Self::read_within(first, prefix, reader, usize::MAX).map(|(text, _)| text)
    }

    /// The same, and whether the string has at most `most` bytes, as far as its length tells. One that is longer is read
    /// as an empty one, before its bytes have come.
    pub(crate) fn read_within(
        first: u8,
        prefix: u8,
        reader: &mut Reader<'a>,
        most: usize,
    ) -> Result<(Self, bool), Fault> {
        let len = integer::decode(first, prefix, reader).map_err(Fault::Integer)?;
        let len = usize::try_from(len).map_err(|_| Fault::Integer(integer::Fault::TooLarge))?;
        let is_huffman = first & (1 << prefix) != 0;
        // No code is longer than 30 bits.
        let least = if is_huffman { len / 15 * 4 } else { len };
        if least > most {
            return Ok((Self { bytes: &[], is_huffman: false }, false));
        }
        let bytes = reader.take(len).map_err(|_| Fault::Truncated)?;
        Ok((Self { bytes, is_huffman }, true))
    }

    /// Appends what the string says; at most 8 bytes for each 5 of the wire.
    pub(crate) fn append(self, out: &mut Vec<u8>) -> Result<(), Fault> {
        if !self.is_huffman {
            out.extend_from_slice(self.bytes);
            return Ok(());
        }
        huffman::decode(self.bytes, out).map_err(Fault::Huffman)
    }
}

/// Writes a string, as Huffman codes where that is shorter, behind the bits of `flags`, which lie above the one that says
/// Huffman.
pub(crate) fn encode(bytes: &[u8], prefix: u8, flags: u8, out: &mut Vec<u8>) {
    let encoded_len = huffman::encoded_len(bytes);
    if encoded_len < bytes.len() {
        integer::encode(encoded_len as u64, prefix, flags | 1 << prefix, out);
        huffman::encode(bytes, out);
    } else {
        integer::encode(bytes.len() as u64, prefix, flags, out);
        out.extend_from_slice(bytes);
    }
}
