//! Packet protection (RFC 9001 section 5): the payload by an AEAD, then the header by a mask.

use super::draft::Draft;
use super::number;
use crate::Fault;
use crate::rules::versions::Version;
use core::ops::Range;
use sakigake_crypto::{AeadKey, HeaderKey, SAMPLE_BYTES, Secret, Suite, TAG_BYTES, hkdf};
use sakigake_tls::{TrafficSecret, rules::Side};
use zeroize::Zeroize;

/// What protects packets in one direction at one level. 1-RTT packets, whose keys are updated, have
/// [`super::Phases`] instead.
pub struct Keys {
    pub(super) header: Box<dyn HeaderKey>,
    pub(super) packet: PacketKey,
}

/// Initial keys of both directions.
#[derive(Debug)]
pub struct Initial {
    /// What this side seals with.
    pub send: Keys,
    /// What it opens with.
    pub receive: Keys,
}

/// A packet that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Its number.
    pub number: u64,
    /// Where its frames lie in the packet.
    pub payload: Range<usize>,
    /// Its first byte as it was before header protection.
    pub first: u8,
}

/// Why a packet was not opened. Most are dropped and nobody is at fault; [`Unopened::fault`] tells the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unopened {
    /// The keys that would open it are not there yet.
    NoKeys,
    /// There is no sample for header protection.
    TooShort,
    /// It was changed on its way, made up, or sealed under other keys.
    Forged,
    /// It is one more that is forged than the AEAD stands.
    IntegrityLimit,
    /// The peer set reserved bits.
    ReservedBits,
    /// The peer updated its keys against the rules.
    KeyUpdate,
}

/// The key has protected as many packets as it may; nothing was sealed. Update it, or close the connection with
/// `AEAD_LIMIT_REACHED`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted;

/// How many packets of a connection did not open, under whichever keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgeries(u64);

impl Unopened {
    /// The fault that ends the connection; none where the packet is just discarded.
    pub const fn fault(self) -> Option<Fault> {
        match self {
            Self::NoKeys | Self::TooShort | Self::Forged => None,
            Self::IntegrityLimit => Some(Fault::AeadLimitReached), // spec: 9001-6.6-b
            Self::ReservedBits => Some(Fault::ReservedBits),       // spec: 9000-17.2-d
            Self::KeyUpdate => Some(Fault::KeyUpdate),
        }
    }
}

impl From<Exhausted> for Fault {
    fn from(_: Exhausted) -> Self {
        Self::AeadLimitReached
    }
}

impl Keys {
    /// Keys of Initial packets (RFC 9001 section 5.2): `suite` is the provider's TLS_AES_128_GCM_SHA256, and
    /// `client_dcid` the Destination Connection ID of the client's first Initial packet, or of its first after a Retry.
    pub fn initial(
        suite: &'static Suite,
        version: &'static Version,
        client_dcid: &[u8],
        side: Side,
    ) -> Initial {
        let hash = suite.hash;
        let root = hkdf::extract(hash, &version.initial_salt, client_dcid); // spec: 9001-5.2-a
        let keys = |label| {
            let secret = expand(suite, root.as_ref(), label, hash.len);
            Self::derive(suite, version, &secret)
        };
        let (client, server) = (keys(b"client in"), keys(b"server in"));
        match side {
            Side::Client => Initial { send: client, receive: server },
            Side::Server => Initial { send: server, receive: client },
        }
    }

    /// Keys of a level, from the secret that TLS gave for it.
    pub fn from_secret(version: &'static Version, secret: &TrafficSecret) -> Self {
        Self::derive(secret.suite, version, &secret.secret)
    }

    fn derive(suite: &'static Suite, version: &'static Version, secret: &Secret) -> Self {
        Self { header: header_key(suite, version, secret), packet: PacketKey::derive(suite, version, secret) }
    }

    /// Opens `packet`, which is no more than [`super::Packet::len`] bytes of its datagram, in place. `largest` is the
    /// largest number that was opened in its space. What did not open is of no meaning any more.
    pub fn open(
        &self,
        packet: &mut [u8],
        number_at: usize,
        largest: Option<u64>,
        forgeries: &mut Forgeries,
    ) -> Result<Opened, Unopened> {
        let unmasked = unmask(&*self.header, packet, number_at, largest)?;
        self.packet.open(packet, &unmasked, forgeries)
    }

    /// Packets that were sealed.
    pub const fn sealed(&self) -> u64 {
        self.packet.sealed
    }

    #[cfg(test)]
    pub(super) fn set_sealed(&mut self, sealed: u64) {
        self.packet.sealed = sealed;
    }
}

/// The secret after `secret` (RFC 9001 section 6.1).
pub fn next_secret(version: &'static Version, secret: &TrafficSecret) -> TrafficSecret {
    let TrafficSecret { level, suite, secret } = secret;
    let next = expand(suite, secret.as_ref(), version.labels.ku, suite.hash.len); // spec: 9001-6.1-a
    TrafficSecret { level: *level, suite, secret: next }
}

impl Forgeries {
    /// Counts one more; whether the limit is behind us is the error.
    fn add(&mut self, limit: u64) -> Unopened {
        self.0 += 1;
        if self.0 > limit { Unopened::IntegrityLimit } else { Unopened::Forged } // spec: 9001-6.6-b
    }

    /// How many there were.
    pub const fn count(self) -> u64 {
        self.0
    }

    #[cfg(test)]
    pub(super) const fn after(count: u64) -> Self {
        Self(count)
    }
}

impl Opened {
    /// The Key Phase bit, of a short header.
    pub const fn key_phase(&self) -> bool {
        self.first & KEY_PHASE != 0
    }

    /// The latency spin bit, of a short header.
    pub const fn spin(&self) -> bool {
        self.first & 0x20 != 0
    }
}

/// Key Phase, in a short header.
pub(super) const KEY_PHASE: u8 = 0x04;

/// An AEAD's key and IV.
pub(super) struct PacketKey {
    /// None at rest.
    key: Option<Box<dyn AeadKey>>,
    iv: [u8; 12],
    suite: &'static Suite,
    /// Packets that were sealed.
    sealed: u64,
}

/// A header without its protection.
pub(super) struct Unmasked {
    pub(super) first: u8,
    pub(super) number: u64,
    payload_at: usize,
}

/// Takes header protection off, in place.
pub(super) fn unmask(
    key: &dyn HeaderKey,
    packet: &mut [u8],
    number_at: usize,
    largest: Option<u64>,
) -> Result<Unmasked, Unopened> {
    let sample = sample(packet, number_at).ok_or(Unopened::TooShort)?;
    let mask = key.mask(&sample);
    packet[0] ^= mask[0] & masked_bits(packet[0]);
    let first = packet[0];
    let len = usize::from(first & 0x03) + 1;
    let bytes = &mut packet[number_at..number_at + len];
    exclusive_or(bytes, &mask[1..]);
    let number = number::decode(bytes, largest).ok_or(Unopened::Forged)?;
    Ok(Unmasked { first, number, payload_at: number_at + len })
}

impl PacketKey {
    /// Packets that are kept back for the end of the connection (RFC 9001 section 6.6).
    pub(super) const RESERVED: u64 = 8;

    pub(super) fn derive(suite: &'static Suite, version: &'static Version, secret: &Secret) -> Self {
        let mut iv = [0; 12];
        hkdf::expand_label(suite.hash, secret.as_ref(), version.labels.iv, b"", &mut iv);
        Self { key: Some(aead_key(suite, version, secret)), iv, suite, sealed: 0 }
    }

    /// The provider's part of it, which is large, goes until [`PacketKey::wake`].
    pub(super) fn rest(&mut self) {
        self.key = None;
    }

    /// Ready again, by the secret that it was derived from.
    pub(super) fn wake(&mut self, version: &'static Version, secret: &Secret) {
        let suite = self.suite;
        self.key.get_or_insert_with(|| aead_key(suite, version, secret));
    }

    pub(super) const fn is_at_rest(&self) -> bool {
        self.key.is_none()
    }

    pub(super) fn open(
        &self,
        packet: &mut [u8],
        unmasked: &Unmasked,
        forgeries: &mut Forgeries,
    ) -> Result<Opened, Unopened> {
        let Unmasked { first, number, payload_at } = *unmasked;
        let (header, text) = packet.split_at_mut(payload_at);
        let opened = self.key.as_ref().ok_or(Unopened::NoKeys)?.open(self.nonce(number), header, text);
        let len = opened.map_err(|_| forgeries.add(self.suite.aead.packet_integrity_limit))?;
        // Looked at only now: an attacker who forges packets must not learn what the mask was.
        match first & reserved_bits(first) {
            0 => Ok(Opened { number, payload: payload_at..payload_at + len, first }),
            _ => Err(Unopened::ReservedBits), // spec: 9000-17.2-d 9000-17.3.1-c
        }
    }

    /// Seals the payload behind the header of `draft`, then masks the header; gives the packet's length.
    pub(super) fn seal(
        &mut self,
        header_key: &dyn HeaderKey,
        draft: Draft,
        packet: &mut [u8],
        payload_len: usize,
    ) -> Result<usize, Exhausted> {
        if self.sealed >= self.suite.aead.packet_confidentiality_limit {
            return Err(Exhausted); // spec: 9001-6.6-a
        }
        let key = self.key.as_ref().expect("who seals has woken the key");
        self.sealed += 1;
        let (header, text) = packet.split_at_mut(draft.payload_at());
        let (text, tag) = text.split_at_mut(payload_len);
        let sealed = key.seal(self.nonce(draft.number()), header, text); // spec: 9001-5.3-b
        tag[..TAG_BYTES].copy_from_slice(&sealed);
        let sample = sample(packet, draft.number_at).expect("payloads are padded to give a sample");
        let mask = header_key.mask(&sample); // spec: 9001-5.4.1-a
        packet[0] ^= mask[0] & masked_bits(packet[0]);
        exclusive_or(&mut packet[draft.number_at..draft.payload_at()], &mask[1..]);
        Ok(draft.payload_at() + payload_len + TAG_BYTES)
    }

    /// Packets that it may still protect.
    pub(super) fn left(&self) -> u64 {
        self.suite.aead.packet_confidentiality_limit.saturating_sub(self.sealed)
    }

    /// Whether another key is wanted: one packet in sixteen of those that it may protect is left.
    pub(super) fn wants_update(&self) -> bool {
        let limit = self.suite.aead.packet_confidentiality_limit;
        self.sealed >= limit - limit / 16
    }

    #[cfg(test)]
    pub(super) fn set_sealed(&mut self, sealed: u64) {
        self.sealed = sealed;
    }

    fn nonce(&self, number: u64) -> [u8; 12] {
        let mut nonce = self.iv;
        exclusive_or(&mut nonce[4..], &number.to_be_bytes()); // spec: 9001-5.3-a
        nonce
    }
}

fn aead_key(suite: &'static Suite, version: &'static Version, secret: &Secret) -> Box<dyn AeadKey> {
    let key = expand(suite, secret.as_ref(), version.labels.key, suite.aead.key_len); // spec: 9001-5.1-a
    (suite.aead.key)(key.as_ref())
}

pub(super) fn header_key(
    suite: &'static Suite,
    version: &'static Version,
    secret: &Secret,
) -> Box<dyn HeaderKey> {
    let key = expand(suite, secret.as_ref(), version.labels.hp, suite.aead.key_len);
    (suite.aead.header_key)(key.as_ref())
}

/// HKDF-Expand-Label without context.
fn expand(suite: &Suite, secret: &[u8], label: &[u8], len: usize) -> Secret {
    Secret::filled(len, |out| hkdf::expand_label(suite.hash, secret, label, b"", out))
}

/// The sample, as if the packet number had four bytes (RFC 9001 section 5.4.2).
fn sample(packet: &[u8], number_at: usize) -> Option<[u8; SAMPLE_BYTES]> {
    packet.get(number_at + 4..)?.first_chunk().copied()
}

/// Bits of the first byte that are protected; the mask never touches the one that decides here.
const fn masked_bits(first: u8) -> u8 {
    if first & super::header::LONG == 0 { 0x1f } else { 0x0f }
}

const fn reserved_bits(first: u8) -> u8 {
    if first & super::header::LONG == 0 { 0x18 } else { 0x0c }
}

fn exclusive_or(bytes: &mut [u8], mask: &[u8]) {
    for (byte, mask) in bytes.iter_mut().zip(mask) {
        *byte ^= mask;
    }
}

impl core::fmt::Debug for Keys {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Keys({:?}, {})", self.packet.suite, self.packet.sealed)
    }
}

impl Drop for PacketKey {
    fn drop(&mut self) {
        self.iv.zeroize(); // The key is the provider's to erase.
    }
}

#[cfg(test)]
mod tests;
