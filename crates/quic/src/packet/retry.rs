//! Retry packets (RFC 9000 section 17.2.5, RFC 9001 section 5.8).

use super::header::{FIXED, LONG};
use crate::ids::ConnectionId;
use crate::rules::versions::{LongType, Version};
use sakigake_crypto::{Suite, TAG_BYTES, equal};
use sakigake_wire::{Full, Writer};

/// What a server says in a Retry packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry<'a> {
    /// The version of the packet that it answers.
    pub version: &'static Version,
    /// Destination Connection ID: the Source Connection ID of the packet that it answers.
    pub dcid: &'a [u8],
    /// Source Connection ID: one of the server's choice, never the original Destination Connection ID.
    pub scid: &'a [u8],
    /// The token, not empty.
    pub token: &'a [u8],
}

impl Retry<'_> {
    /// Writes the packet into `out`. `suite` is the provider's TLS_AES_128_GCM_SHA256, `original_dcid` the Destination
    /// Connection ID of the packet that it answers, and the low bits of `chance` go where any bits may.
    ///
    /// # Panics
    /// When an id has more than 20 bytes, the token none, or both of the server's ids are the same.
    pub fn write(
        &self,
        out: &mut Writer<'_>,
        suite: &Suite,
        original_dcid: &[u8],
        chance: u8,
    ) -> Result<(), Full> {
        assert!(
            self.dcid.len().max(self.scid.len()) <= ConnectionId::MOST_BYTES,
            "ids have at most 20 bytes"
        );
        assert!(self.scid != original_dcid, "a Retry packet changes the id"); // spec: 9000-17.2.5.1-a
        assert!(!self.token.is_empty(), "a Retry packet is nothing without its token");
        let len = 1 + 4 + 1 + self.dcid.len() + 1 + self.scid.len() + self.token.len();
        if out.room() < len + TAG_BYTES {
            return Err(Full(len + TAG_BYTES));
        }
        let mut packet = Vec::with_capacity(len);
        packet.push(LONG | FIXED | self.version.type_bits(LongType::Retry) | chance & 0x0f);
        packet.extend_from_slice(&self.version.number.to_be_bytes());
        for id in [self.dcid, self.scid] {
            packet.push(id.len() as u8);
            packet.extend_from_slice(id);
        }
        packet.extend_from_slice(self.token);
        out.put(&packet)?;
        out.put(&tag(suite, self.version, original_dcid, &packet))
    }
}

/// Whether `packet`, a whole Retry packet, was sent by somebody who saw the client's packet to `original_dcid`.
#[must_use]
pub fn is_genuine(suite: &Suite, version: &Version, original_dcid: &[u8], packet: &[u8]) -> bool {
    let Some((packet, received)) = packet.split_last_chunk::<TAG_BYTES>() else { return false };
    equal(&tag(suite, version, original_dcid, packet), received) // spec: 9000-17.2.5.2-a
}

/// The Retry Integrity Tag of a packet without it.
fn tag(suite: &Suite, version: &Version, original_dcid: &[u8], packet: &[u8]) -> [u8; TAG_BYTES] {
    let len = u8::try_from(original_dcid.len()).expect("ids have at most 20 bytes");
    let pseudo_packet = [&[len], original_dcid, packet].concat();
    (suite.aead.key)(&version.retry_key).seal(version.retry_nonce, &pseudo_packet, &mut []) // spec: 9001-5.8-a
}

#[cfg(test)]
mod tests;
