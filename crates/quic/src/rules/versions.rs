//! The versions that we speak: RFC 9000 with RFC 9001, and RFC 9369.
//!
//! They differ in these rows and in nothing else.

/// A version of QUIC: what differs between them.
pub struct Version {
    /// The Version field of long headers.
    pub number: u32,
    /// What people call it.
    pub name: &'static str,
    /// What Initial secrets are extracted with (RFC 9001 section 5.2, RFC 9369 section 3.3.1).
    pub initial_salt: [u8; 20],
    /// Labels of HKDF-Expand-Label (RFC 9001 sections 5.1 and 6.1, RFC 9369 section 3.3.2).
    pub labels: Labels,
    /// The Long Packet Type bits of each [`LongType`], in its order (RFC 9000 table 5, RFC 9369 section 3.2).
    type_bits: [u8; 4],
    /// The AES-128-GCM key of Retry Integrity Tags (RFC 9001 section 5.8, RFC 9369 section 3.3.3).
    pub retry_key: [u8; 16],
    /// The nonce of Retry Integrity Tags.
    pub retry_nonce: [u8; 12],
}

/// The labels under which packet protection is derived from a secret.
pub struct Labels {
    /// The AEAD's key.
    pub key: &'static [u8],
    /// The AEAD's IV.
    pub iv: &'static [u8],
    /// The header protection's key.
    pub hp: &'static [u8],
    /// The secret after a key update.
    pub ku: &'static [u8],
}

/// A type of packet with a long header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LongType {
    /// RFC 9000 section 17.2.2.
    Initial,
    /// RFC 9000 section 17.2.3.
    ZeroRtt,
    /// RFC 9000 section 17.2.4.
    Handshake,
    /// RFC 9000 section 17.2.5.
    Retry,
}

/// QUIC version 1.
pub static VERSION_1: Version = Version {
    number: 1,
    name: "v1",
    initial_salt: [
        0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc,
        0xbb, 0x7f, 0x0a,
    ],
    labels: Labels { key: b"quic key", iv: b"quic iv", hp: b"quic hp", ku: b"quic ku" },
    type_bits: [0b00, 0b01, 0b10, 0b11],
    retry_key: [
        0xbe, 0x0c, 0x69, 0x0b, 0x9f, 0x66, 0x57, 0x5a, 0x1d, 0x76, 0x6b, 0x54, 0xe3, 0x68, 0xc8, 0x4e,
    ],
    retry_nonce: [0x46, 0x15, 0x99, 0xd3, 0x5d, 0x63, 0x2b, 0xf2, 0x23, 0x98, 0x25, 0xbb],
};

/// QUIC version 2.
pub static VERSION_2: Version = Version {
    number: 0x6b33_43cf, // spec: 9369-3.1-a
    name: "v2",
    // spec: 9369-3.3.1-a
    initial_salt: [
        0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9,
        0xbd, 0x2e, 0xd9,
    ],
    labels: Labels { key: b"quicv2 key", iv: b"quicv2 iv", hp: b"quicv2 hp", ku: b"quicv2 ku" }, // spec: 9369-3.3.2-a
    type_bits: [0b01, 0b10, 0b11, 0b00], // spec: 9369-3.2-a
    // spec: 9369-3.3.3-a
    retry_key: [
        0x8f, 0xb4, 0xb0, 0x1b, 0x56, 0xac, 0x48, 0xe2, 0x60, 0xfb, 0xcb, 0xce, 0xad, 0x7c, 0xcc, 0x92,
    ],
    retry_nonce: [0xd8, 0x69, 0x69, 0xbc, 0x2d, 0x7c, 0x6d, 0x99, 0x90, 0xef, 0xb0, 0x4a],
};

/// Every version that we speak.
pub static VERSIONS: [&Version; 2] = [&VERSION_1, &VERSION_2];

/// The row of a version, if we speak it.
pub fn version(number: u32) -> Option<&'static Version> {
    VERSIONS.into_iter().find(|version| version.number == number)
}

/// Whether no endpoint will ever speak that version: such numbers exercise version negotiation (RFC 9000 section 15).
pub const fn is_reserved(number: u32) -> bool {
    number & 0x0f0f_0f0f == 0x0a0a_0a0a
}

/// A number to offer that nobody speaks, from 32 bits of chance.
pub const fn reserved(chance: u32) -> u32 {
    chance & 0xf0f0_f0f0 | 0x0a0a_0a0a
}

impl LongType {
    /// All of them, in the order of the tables.
    pub const ALL: [Self; 4] = [Self::Initial, Self::ZeroRtt, Self::Handshake, Self::Retry];
}

impl Version {
    /// The type of a packet, by the first byte of its long header.
    pub fn long_type(&self, first: u8) -> LongType {
        let bits = first >> 4 & 0b11;
        let kind = LongType::ALL.into_iter().find(|kind| self.type_bits[*kind as usize] == bits);
        kind.expect("four types have the four values of two bits")
    }

    /// The Long Packet Type bits of a type, in their place in the first byte.
    pub const fn type_bits(&self, kind: LongType) -> u8 {
        self.type_bits[kind as usize] << 4
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Version {}

impl core::fmt::Debug for Version {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name)
    }
}

#[cfg(test)]
mod tests;
