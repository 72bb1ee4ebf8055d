//! A packet that is being written: its header stands, its payload follows, and [`Draft::seal`] protects both in place.

use super::header::{FIXED, LONG};
use super::number::Number;
use super::protect::{Exhausted, Keys};
use crate::ids::ConnectionId;
use crate::rules::versions::{LongType, Version};
use sakigake_crypto::TAG_BYTES;
use sakigake_wire::{Full, Writer};

/// A packet between its header and its protection. Offsets count from the packet's first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draft {
    pub(super) number: Number,
    pub(super) number_at: usize,
    /// Where the Length field stands, in two bytes; none behind a short header.
    length_at: Option<usize>,
}

/// What a long header with a packet number says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Long<'a> {
    /// The version.
    pub version: &'static Version,
    /// Any type but Retry.
    pub kind: LongType,
    /// Destination Connection ID, at most 20 bytes.
    pub dcid: &'a [u8],
    /// Source Connection ID, at most 20 bytes.
    pub scid: &'a [u8],
    /// A client's token, for Initial packets alone; a server has none to send (RFC 9000 section 17.2.2).
    pub token: &'a [u8],
}

/// The most that a Length field of two bytes says.
const MOST_LENGTH: usize = 0x3fff;

impl Draft {
    /// Writes a long header into `out`.
    ///
    /// # Panics
    /// When an id has more than 20 bytes, or the type is Retry, which has no number: our own ids and plans.
    pub fn long(out: &mut Writer<'_>, header: &Long<'_>, number: Number) -> Result<Self, Full> {
        assert!(header.kind != LongType::Retry, "a Retry packet is written by `retry::write`");
        assert!(
            header.dcid.len().max(header.scid.len()) <= ConnectionId::MOST_BYTES,
            "ids have at most 20 bytes"
        );
        let start = out.written();
        out.all_or_nothing(|out| {
            let kind = header.version.type_bits(header.kind);
            out.u8(LONG | FIXED | kind | (number.wire_bytes() as u8 - 1))?; // spec: 9000-17.2-c
            out.u32(header.version.number)?;
            for id in [header.dcid, header.scid] {
                out.u8(id.len() as u8)?;
                out.put(id)?;
            }
            if header.kind == LongType::Initial {
                out.varint(header.token.len() as u64)?;
                out.put(header.token)?;
            }
            let length_at = out.written() - start;
            out.u16(0)?;
            Self::numbered(out, start, Some(length_at), number)
        })
    }

    /// Writes a short header into `out`; the Key Phase bit is written when the packet is sealed.
    pub fn short(out: &mut Writer<'_>, dcid: &[u8], spin: bool, number: Number) -> Result<Self, Full> {
        let start = out.written();
        out.all_or_nothing(|out| {
            out.u8(FIXED | u8::from(spin) << 5 | (number.wire_bytes() as u8 - 1))?; // spec: 9000-17.3.1-b
            out.put(dcid)?;
            Self::numbered(out, start, None, number)
        })
    }

    fn numbered(
        out: &mut Writer<'_>,
        start: usize,
        length_at: Option<usize>,
        number: Number,
    ) -> Result<Self, Full> {
        let number_at = out.written() - start;
        out.put(&number.bytes()[4 - number.wire_bytes()..])?;
        Ok(Self { number, number_at, length_at })
    }

    /// The packet's number.
    pub const fn number(&self) -> u64 {
        self.number.full()
    }

    /// Where the payload begins, which is the length of the header.
    pub const fn payload_at(&self) -> usize {
        self.number_at + self.number.wire_bytes()
    }

    /// Bytes of payload below which PADDING has to be added, so that there is a sample.
    pub const fn least_payload(&self) -> usize {
        4 - self.number.wire_bytes() // spec: 9001-5.4.2-b
    }

    /// Bytes of payload that fit a packet of at most `packet_bytes`.
    pub const fn most_payload(&self, packet_bytes: usize) -> usize {
        let room = packet_bytes.saturating_sub(self.payload_at() + TAG_BYTES);
        let most = MOST_LENGTH - 4 - TAG_BYTES;
        if self.length_at.is_some() && room > most { most } else { room }
    }

    /// Makes the Fixed Bit 0, towards a peer that sent `grease_quic_bit` (RFC 9287 section 3.1).
    pub fn clear_fixed_bit(&self, packet: &mut [u8]) {
        packet[0] &= !FIXED;
    }

    /// Protects the packet at the beginning of `packet`, whose payload of `payload_len` bytes lies at
    /// [`Draft::payload_at`]; gives the packet's length.
    ///
    /// # Panics
    /// When the payload is shorter than [`Draft::least_payload`] or longer than [`Draft::most_payload`].
    pub fn seal(self, keys: &mut Keys, packet: &mut [u8], payload_len: usize) -> Result<usize, Exhausted> {
        let Keys { header, packet: key } = keys;
        self.finish(packet, payload_len);
        key.seal(&**header, self, packet, payload_len)
    }

    /// Writes Length, now that it is known.
    pub(crate) fn finish(self, packet: &mut [u8], payload_len: usize) {
        assert!(payload_len >= self.least_payload(), "a payload is padded to give a sample");
        assert!(self.payload_at() + payload_len + TAG_BYTES <= packet.len(), "a payload fits its packet");
        assert!(payload_len <= self.most_payload(packet.len()), "a payload fits its Length");
        if let Some(at) = self.length_at {
            let length = (self.number.wire_bytes() + payload_len + TAG_BYTES) as u16; // At most `MOST_LENGTH`.
            packet[at..at + 2].copy_from_slice(&(0x4000 | length).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests;
