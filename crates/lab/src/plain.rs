//! The plain provider: what the real one does in sizes, shapes and refusals, without its secrecy, and decided by one seed.
//!
//! Records stay readable and anybody could forge a signature, but nothing is let through by mistake: a wrong key, nonce,
//! sequence, transcript, name or byte is refused, except with a chance of 2^-128.

mod certificate;
mod exchange;
mod signing;
mod sum;

pub use certificate::{Verifier, certificate, credential};
pub use signing::private_key;

use sakigake_crypto::{
    Aead, AeadKey, Digest, Forged, Hash, HashState, HeaderKey, Provider, SAMPLE_BYTES, Secret, Suite,
    TAG_BYTES, equal, hkdf,
};
use std::sync::LazyLock;
use sum::Sum;

/// The table, with the real one's code points.
pub static PROVIDER: Provider = Provider {
    name: "plain",
    suites: SUITES,
    groups: exchange::GROUPS,
    verifications: signing::VERIFICATIONS,
    signing_key: signing::signing_key,
};

/// The same with one suite each, so that worlds can differ in it.
pub static ONE_SUITE: [Provider; 3] = [only(&[SUITE_128]), only(&[SUITE_256]), only(&[SUITE_CHACHA])];

const fn only(suites: &'static [Suite]) -> Provider {
    Provider {
        name: "plain, one suite",
        suites,
        groups: exchange::GROUPS,
        verifications: signing::VERIFICATIONS,
        signing_key: signing::signing_key,
    }
}

static SUITES: &[Suite] = &[SUITE_128, SUITE_256, SUITE_CHACHA];

// TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256
const SUITE_128: Suite = Suite { id: 0x1301, hash: &SHA256, aead: &AES_128_GCM };
const SUITE_256: Suite = Suite { id: 0x1302, hash: &SHA384, aead: &AES_256_GCM };
const SUITE_CHACHA: Suite = Suite { id: 0x1303, hash: &SHA256, aead: &CHACHA20_POLY1305 };

static SHA256: Hash = Hash {
    len: 32,
    start: || Box::new(State { sum: Sum::new("sha256"), len: 32 }),
    of_nothing: || {
        static DIGEST: LazyLock<Digest> = LazyLock::new(|| (SHA256.start)().digest());
        &DIGEST
    },
    hmac: |key, message| hmac("hmac-sha256", 32, key, message),
    without_psk: || {
        static SECRET: LazyLock<Secret> = LazyLock::new(|| hkdf::without_psk(&SHA256));
        &SECRET
    },
};

static SHA384: Hash = Hash {
    len: 48,
    start: || Box::new(State { sum: Sum::new("sha384"), len: 48 }),
    of_nothing: || {
        static DIGEST: LazyLock<Digest> = LazyLock::new(|| (SHA384.start)().digest());
        &DIGEST
    },
    hmac: |key, message| hmac("hmac-sha384", 48, key, message),
    without_psk: || {
        static SECRET: LazyLock<Secret> = LazyLock::new(|| hkdf::without_psk(&SHA384));
        &SECRET
    },
};

static AES_128_GCM: Aead = Aead {
    key_len: 16,
    confidentiality_limit: AES_GCM_RECORDS,
    packet_confidentiality_limit: 1 << 23,
    packet_integrity_limit: 1 << 52,
    key: |bytes| key("aes-128-gcm", 16, bytes),
    header_key: |bytes| header_key("aes-128 header", 16, bytes),
};

static AES_256_GCM: Aead = Aead {
    key_len: 32,
    confidentiality_limit: AES_GCM_RECORDS,
    packet_confidentiality_limit: 1 << 23,
    packet_integrity_limit: 1 << 52,
    key: |bytes| key("aes-256-gcm", 32, bytes),
    header_key: |bytes| header_key("aes-256 header", 32, bytes),
};

static CHACHA20_POLY1305: Aead = Aead {
    key_len: 32,
    confidentiality_limit: u64::MAX,
    packet_confidentiality_limit: u64::MAX,
    packet_integrity_limit: 1 << 36,
    key: |bytes| key("chacha20-poly1305", 32, bytes),
    header_key: |bytes| header_key("chacha20 header", 32, bytes),
};

/// 2^24.5, rounded down (RFC 9846 section 5.5).
const AES_GCM_RECORDS: u64 = 23_726_566;

struct State {
    sum: Sum,
    len: usize,
}

impl HashState for State {
    fn update(&mut self, bytes: &[u8]) {
        self.sum.update(bytes);
    }

    fn digest(&self) -> Digest {
        let mut digest = [0; 48];
        let digest = &mut digest[..self.len];
        self.sum.fill(digest);
        Digest::new(digest)
    }

    fn fork(&self) -> Box<dyn HashState> {
        Box::new(Self { sum: self.sum.clone(), len: self.len })
    }
}

fn hmac(name: &str, len: usize, key: &[u8], message: &[&[u8]]) -> Secret {
    let mut sum = Sum::new(name).with(key);
    for part in message {
        sum.update(part);
    }
    Secret::filled(len, |out| sum.fill(out))
}

/// A key: the sum that has already taken it.
struct Key(Sum);

fn key(name: &str, len: usize, bytes: &[u8]) -> Box<dyn AeadKey> {
    assert_eq!(bytes.len(), len, "keys have the length that the row says");
    Box::new(Key(Sum::new(name).with(bytes)))
}

impl Key {
    fn tag(&self, nonce: [u8; 12], aad: &[u8], text: &[u8]) -> [u8; TAG_BYTES] {
        let mut tag = [0; TAG_BYTES];
        self.0.clone().with(&nonce).with(aad).with(text).fill(&mut tag);
        tag
    }
}

impl AeadKey for Key {
    fn seal(&self, nonce: [u8; 12], aad: &[u8], text: &mut [u8]) -> [u8; TAG_BYTES] {
        self.tag(nonce, aad, text)
    }

    fn open(&self, nonce: [u8; 12], aad: &[u8], text: &mut [u8]) -> Result<usize, Forged> {
        let (text, tag) = text.split_last_chunk::<TAG_BYTES>().ok_or(Forged)?;
        match equal(tag, &self.tag(nonce, aad, text)) {
            true => Ok(text.len()),
            false => Err(Forged),
        }
    }
}

/// A header's key: packets stay readable but for their headers, which are masked as on the wire, so that a mask that is
/// forgotten, or applied too early, is seen here too.
struct Mask(Sum);

fn header_key(name: &str, len: usize, bytes: &[u8]) -> Box<dyn HeaderKey> {
    assert_eq!(bytes.len(), len, "keys have the length that the row says");
    Box::new(Mask(Sum::new(name).with(bytes)))
}

impl HeaderKey for Mask {
    fn mask(&self, sample: &[u8; SAMPLE_BYTES]) -> [u8; 5] {
        let mut mask = [0; 5];
        self.0.clone().with(sample).fill(&mut mask);
        mask
    }
}

#[cfg(test)]
mod tests;
