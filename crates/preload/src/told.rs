//! What a server seals into a ticket about its hints, so that it says nothing twice (PRELOAD profile, point 10).

/// What a server has told a client in its first flight, as the client is to bring it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// The client acts on the frame, and said so.
    pub is_known: bool,
    /// Of the frame that it has from us; none where there was none.
    pub digest: Option<Digest>,
}

impl Told {
    /// How long it is as bytes.
    pub const BYTES: usize = 18;

    /// As bytes for [`Told::from_bytes`].
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[0] = VERSION;
        bytes[1] = u8::from(self.is_known) | u8::from(self.digest.is_some()) << 1;
        bytes[2..].copy_from_slice(&self.digest.map_or(0, |digest| digest.0).to_be_bytes());
        bytes
    }

    /// None for what another version wrote.
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Option<Self> {
        let [VERSION, flags @ 0..=3, digest @ ..] = bytes else { return None };
        let digest = u128::from_be_bytes(*digest);
        let has_digest = flags & 2 != 0;
        let told = Self { is_known: flags & 1 != 0, digest: has_digest.then_some(Digest(digest)) };
        (has_digest || digest == 0).then_some(told)
    }
}

/// A digest of a host and of the bytes that were said for it: FNV-1a over 128 bits. It stands against chance, not against an
/// adversary: who makes two frames of a host alike is that host, and slows down nobody but its own visitors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(u128);

impl Digest {
    /// Of a host of which nothing was said yet.
    pub fn of(host: &str) -> Self {
        Self(BASIS).with(host.as_bytes()).with(&[0]) // No host has a zero in it, so that it ends there.
    }

    /// The same with more bytes.
    #[must_use]
    pub fn with(self, bytes: &[u8]) -> Self {
        Self(bytes.iter().fold(self.0, |hash, byte| (hash ^ u128::from(*byte)).wrapping_mul(PRIME)))
    }
}

/// Another layout makes what was sealed before it worthless.
const VERSION: u8 = 1;

/// FNV's offset basis and prime for 128 bits (draft-eastlake-fnv).
const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

#[cfg(test)]
mod tests;
