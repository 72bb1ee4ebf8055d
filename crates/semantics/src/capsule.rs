//! The capsule protocol (RFC 9297 section 3): what a tunnel's data stream carries where its token says so, the same over
//! HTTP/2 and HTTP/3.

use crate::{Fields, Malformed, priority::is_true};
use sakigake_wire::{
    Grow, MAX_VARINT,
    tlv::{Cutter, Fate, Piece},
};

/// An HTTP datagram (section 3.5).
pub const DATAGRAM_CAPSULE: u64 = 0x00;

/// Finds the capsules in a data stream, cut anywhere.
#[derive(Debug)]
pub struct Capsules {
    cutter: Cutter,
    /// Bytes of a capsule that are taken.
    most: u64,
}

impl Capsules {
    /// Takes capsules of up to `capsule_bytes`; longer ones are skipped without being held.
    pub fn new(capsule_bytes: u64) -> Self {
        Self { cutter: Cutter::default(), most: capsule_bytes }
    }

    /// Takes the next bytes of a data stream; `heard` gets type and value of each capsule that is whole and of which `knows`
    /// knows the type. All others are passed over.
    pub fn read(
        &mut self,
        mut bytes: &[u8],
        knows: impl Fn(u64) -> bool,
        heard: &mut impl FnMut(u64, &[u8]),
    ) {
        let most = self.most;
        let mut admit = |kind, len| {
            let is_wanted = knows(kind) && len <= most; // spec: 9297-3.2-a 9297-3.5-a
            Ok::<_, core::convert::Infallible>(if is_wanted { Fate::Keep } else { Fate::Skip })
        };
        while let Ok(Some(piece)) = self.cutter.next(&mut bytes, &mut admit) {
            if let Piece::Whole(kind, value) = piece {
                heard(kind, &value);
            }
        }
    }

    /// The data stream ended.
    ///
    /// # Errors
    /// Within a capsule: the message is incomplete.
    pub fn end(&self) -> Result<(), Malformed> {
        if self.cutter.is_between() { Ok(()) } else { Err(Malformed::BodyTooShort) } // spec: 9297-3.3-a
    }
}

/// Appends a capsule.
///
/// # Panics
/// When `kind` is above [`MAX_VARINT`].
pub fn write_capsule(kind: u64, value: &[u8], out: &mut Vec<u8>) {
    out.varint(kind);
    out.varint((value.len() as u64).min(MAX_VARINT));
    out.extend_from_slice(value);
}

/// Whether a message says that its data stream is made of capsules (section 3.4): one `capsule-protocol` of the true boolean,
/// whatever its parameters.
pub fn says_capsules(fields: &Fields) -> bool {
    let mut lines = fields.find_all(b"capsule-protocol");
    let first = lines.next().filter(|_| lines.next().is_none()); // spec: 9297-3.4-a
    first.is_some_and(is_true)
}

#[cfg(test)]
mod tests;
