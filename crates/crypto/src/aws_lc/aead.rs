//! Authenticated ciphers.

use crate::{Aead, AeadKey, Forged, HeaderKey, SAMPLE_BYTES, TAG_BYTES, provider::seal_copy};
use aws_lc_rs::aead::quic::{self, HeaderProtectionKey};
use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};

pub(super) static AES_128_GCM: Aead = Aead {
    key_len: 16,
    confidentiality_limit: AES_GCM_RECORDS,
    packet_confidentiality_limit: 1 << 23, // spec: 9001-6.6-a
    packet_integrity_limit: 1 << 52,       // spec: 9001-6.6-b
    key: |bytes| key(&aead::AES_128_GCM, bytes, false),
    header_key: |bytes| header_key(&quic::AES_128, bytes), // spec: 9001-5.4.3-a
};

pub(super) static AES_256_GCM: Aead = Aead {
    key_len: 32,
    confidentiality_limit: AES_GCM_RECORDS,
    packet_confidentiality_limit: 1 << 23,
    packet_integrity_limit: 1 << 52,
    key: |bytes| key(&aead::AES_256_GCM, bytes, false),
    header_key: |bytes| header_key(&quic::AES_256, bytes), // spec: 9001-5.4.3-a
};

pub(super) static CHACHA20_POLY1305: Aead = Aead {
    key_len: 32,
    confidentiality_limit: u64::MAX,
    packet_confidentiality_limit: u64::MAX,
    packet_integrity_limit: 1 << 36,
    key: |bytes| key(&aead::CHACHA20_POLY1305, bytes, CHACHA20_IS_COPIED),
    header_key: |bytes| header_key(&quic::CHACHA20, bytes), // spec: 9001-5.4.4-a
};

/// 2^24.5, rounded down (RFC 9846 section 5.5).
const AES_GCM_RECORDS: u64 = 23_726_566;

/// "Less safe" as aws-lc-rs has it: the caller answers for nonces, which here are TLS's sequence numbers.
struct Key {
    key: LessSafeKey,
    /// What lies elsewhere is copied and sealed in place.
    is_copied: bool,
}

/// To encrypt what comes behind a text, be it one byte, the library begins with ChaCha20 anew, which takes longer than to copy
/// 16 KiB. For AES-GCM it goes on where it is.
const CHACHA20_IS_COPIED: bool = true;

fn key(algorithm: &'static aead::Algorithm, bytes: &[u8], is_copied: bool) -> Box<dyn AeadKey> {
    let key = UnboundKey::new(algorithm, bytes).expect("keys have the length that the row says");
    Box::new(Key { key: LessSafeKey::new(key), is_copied })
}

impl AeadKey for Key {
    fn seal(&self, nonce: [u8; 12], aad: &[u8], text: &mut [u8]) -> [u8; TAG_BYTES] {
        let tag = self
            .key
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), text)
            .expect("sealing fails only above 2^36 bytes");
        tag.as_ref().try_into().expect("all three ciphers have tags of 16 bytes")
    }

    fn seal_from(&self, nonce: [u8; 12], aad: &[u8], text: &[u8], end: &[u8], out: &mut [u8]) {
        if self.is_copied {
            return seal_copy(self, nonce, aad, text, end, out);
        }
        let (nonce, aad) = (Nonce::assume_unique_for_key(nonce), Aad::from(aad));
        let (sealed, end_and_tag) = out.split_at_mut(text.len());
        self.key
            .seal_out_of_place_scatter(nonce, aad, text, sealed, end, end_and_tag)
            .expect("there is room for all and no more, and sealing fails only above 2^36 bytes");
    }

    fn open(&self, nonce: [u8; 12], aad: &[u8], text: &mut [u8]) -> Result<usize, Forged> {
        match self.key.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(aad), text) {
            Ok(plain) => Ok(plain.len()),
            Err(_) => Err(Forged),
        }
    }
}

struct Mask(HeaderProtectionKey);

fn header_key(algorithm: &'static quic::Algorithm, bytes: &[u8]) -> Box<dyn HeaderKey> {
    Box::new(Mask(
        HeaderProtectionKey::new(algorithm, bytes).expect("keys have the length that the row says"),
    ))
}

impl HeaderKey for Mask {
    fn mask(&self, sample: &[u8; SAMPLE_BYTES]) -> [u8; 5] {
        self.0.new_mask(sample).expect("a sample has 16 bytes")
    }
}
