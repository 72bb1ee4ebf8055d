//! Version Negotiation packets (RFC 8999 section 6, RFC 9000 section 17.2.1).

use super::header::{FIXED, LONG};
use sakigake_wire::{Full, Writer};

/// The versions that a Version Negotiation packet names: at least one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Versions<'a>(&'a [[u8; 4]]);

impl<'a> Versions<'a> {
    /// Reads the rest of a packet; none where there is no version or a piece of one.
    pub(super) fn read(rest: &'a [u8]) -> Option<Self> {
        let (versions, piece) = rest.as_chunks::<4>();
        (!versions.is_empty() && piece.is_empty()).then_some(Self(versions)) // spec: 8999-6-a
    }

    /// Every version, in the server's order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = u32> + use<'a> {
        self.0.iter().map(|bytes| u32::from_be_bytes(*bytes))
    }

    /// Whether that version is named.
    pub fn contains(&self, number: u32) -> bool {
        self.iter().any(|version| version == number)
    }
}

/// Answers a packet that came from `peer_scid` to `peer_dcid` (each up to 255 bytes) with what we speak; the low bits of
/// `chance` go where any bits may.
///
/// # Panics
/// When an id has more than 255 bytes, which none that was read has.
pub fn write(
    out: &mut Writer<'_>,
    peer_dcid: &[u8],
    peer_scid: &[u8],
    versions: &[u32],
    chance: u8,
) -> Result<(), Full> {
    out.all_or_nothing(|out| {
        // The Fixed Bit too, for whoever shares the port (RFC 9000 section 17.2.1).
        out.u8(LONG | FIXED | chance & 0x3f)?; // spec: 9000-17.2.1-c
        out.u32(0)?; // spec: 9000-17.2.1-d
        for id in [peer_scid, peer_dcid] {
            out.u8(u8::try_from(id.len()).expect("an id's length came in one byte"))?;
            out.put(id)?; // spec: 9000-17.2.1-a
        }
        versions.iter().try_for_each(|version| out.u32(*version))
    })
}

impl core::fmt::Debug for Versions<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.iter().map(|version| format!("{version:#010x}"))).finish()
    }
}

#[cfg(test)]
mod tests;
