//! Records (RFC 9846 section 5): headers, protection, and how handshake messages lie in them.
//!
//! ```text
//!   bytes --Header::read--> whole record --Opener::open--> content type + content --Boundary--> handshake messages
//!   bytes <------- out <--- Sealer::seal (in place) <----- content type + content
//! ```

mod boundary;
#[doc(hidden)]
pub mod fuzz;
mod opener;
mod padding;
mod sealer;

pub use boundary::Boundary;
pub use opener::{Opened, Opener};
pub use padding::Padding;
pub use sealer::{Exhausted, Sealer};

use crate::{Fault, rules::ContentType};
use sakigake_crypto::TAG_BYTES;

/// Bytes of a record's header: type, legacy_record_version, length.
pub const HEADER_BYTES: usize = 5;

/// The most content that a record may carry (RFC 9846 section 5.1).
pub const MAX_CONTENT_BYTES: usize = 1 << 14;

/// The most content and type, padding included, that a protected record may carry (RFC 9846 section 5.4).
pub const MAX_INNER_BYTES: usize = MAX_CONTENT_BYTES + 1;

/// What protection adds to content without padding: header, inner content type, tag.
pub const OVERHEAD_BYTES: usize = HEADER_BYTES + 1 + TAG_BYTES;

/// The most that may follow a protected record's header (RFC 9846 section 5.2).
pub const MAX_PROTECTED_BYTES: usize = MAX_CONTENT_BYTES + 256;

/// A change_cipher_spec record, header included: a disguise for middleboxes (RFC 9846 appendix E.4).
pub const CHANGE_CIPHER_SPEC: [u8; 6] = [20, 3, 3, 0, 1, 1];

/// A record's header. `legacy_record_version` is ignored, as the RFC says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The outer type.
    pub kind: ContentType,
    /// Bytes that follow the header.
    pub len: usize,
}

impl Header {
    /// Reads the header at the beginning of `bytes`; none when it is not whole yet.
    ///
    /// An unknown type and a length above what its type may have are refused before the rest of the record has come.
    pub fn read(bytes: &[u8]) -> Result<Option<Self>, Fault> {
        let Some((head, _)) = bytes.split_first_chunk::<HEADER_BYTES>() else { return Ok(None) };
        let [kind, _, _, high, low] = *head; // spec: 9846-5.1-e spec: 9846-E-a
        let header = Self { kind: ContentType(kind), len: usize::from(u16::from_be_bytes([high, low])) };
        let longest = match header.kind {
            ContentType::APPLICATION_DATA => MAX_PROTECTED_BYTES, // spec: 9846-5.2-c
            ContentType::HANDSHAKE | ContentType::ALERT | ContentType::CHANGE_CIPHER_SPEC => {
                MAX_CONTENT_BYTES
            }
            other => return Err(Fault::UnexpectedRecord(other)), // spec: 9846-5-c
        };
        if header.len > longest {
            return Err(Fault::RecordOverflow); // spec: 9846-5.1-d
        }
        Ok(Some(header))
    }

    /// Bytes of the whole record.
    pub fn record_len(self) -> usize {
        HEADER_BYTES + self.len
    }
}

/// How many bytes more `partial`, the beginning of a record, needs until its header or the whole of it is there.
pub fn missing(partial: &[u8]) -> Result<usize, Fault> {
    let whole = Header::read(partial)?.map_or(HEADER_BYTES, Header::record_len);
    Ok(whole.saturating_sub(partial.len()))
}

/// The nonce of record number `sequence` (RFC 9846 section 5.3).
fn nonce(iv: &[u8; 12], sequence: u64) -> [u8; 12] {
    let mut nonce = *iv;
    for (byte, number) in nonce[4..].iter_mut().zip(sequence.to_be_bytes()) {
        *byte ^= number; // spec: 9846-5.3-a
    }
    nonce
}

#[cfg(test)]
mod tests;
