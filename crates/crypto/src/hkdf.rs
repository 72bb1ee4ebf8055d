//! HKDF (RFC 5869) and TLS 1.3's labels (RFC 9846 section 7.1) over any provider's HMAC.

use crate::{Digest, Hash, Secret};

/// HKDF-Extract.
pub fn extract(hash: &Hash, salt: &[u8], input: &[u8]) -> Secret {
    (hash.hmac)(salt, &[input])
}

/// HKDF-Expand into `out`.
///
/// # Panics
/// When `out` is longer than 255 digests (RFC 5869 section 2.3); TLS never asks for more than two.
pub fn expand(hash: &Hash, secret: &[u8], info: &[u8], out: &mut [u8]) {
    assert!(out.len() <= 255 * hash.len, "HKDF-Expand gives at most 255 digests");
    let mut previous: Option<Secret> = None;
    for (counter, piece) in (1u8..=255).zip(out.chunks_mut(hash.len)) {
        let before = previous.as_ref().map(AsRef::as_ref).unwrap_or_default();
        let digest = (hash.hmac)(secret, &[before, info, &[counter]]);
        piece.copy_from_slice(&digest.as_ref()[..piece.len()]);
        previous = Some(digest);
    }
}

/// HKDF-Expand-Label into `out`.
///
/// # Panics
/// When the label is empty or longer than 249 bytes, the context longer than 255, or `out` longer than [`expand`] allows:
/// labels are ours, and contexts are digests or empty.
pub fn expand_label(hash: &Hash, secret: &[u8], label: &[u8], context: &[u8], out: &mut [u8]) {
    assert!(!label.is_empty(), "a label names its purpose");
    let out_len = u16::try_from(out.len()).expect("HKDF-Expand gives at most 255 digests");
    let label_len = u8::try_from(PREFIX.len() + label.len()).expect("a label has at most 249 bytes");
    let context_len = u8::try_from(context.len()).expect("a context has at most 255 bytes");
    let mut info = [0; 2 + 1 + 255 + 1 + 255];
    let mut len = 0;
    let parts = [&out_len.to_be_bytes(), &[label_len][..], PREFIX, label, &[context_len], context];
    for part in parts {
        info[len..len + part.len()].copy_from_slice(part);
        len += part.len();
    }
    expand(hash, secret, &info[..len], out);
}

/// Derive-Secret, with the transcript's digest already taken.
pub fn derive_secret(hash: &Hash, secret: &[u8], label: &[u8], transcript: &Digest) -> Secret {
    Secret::filled(hash.len, |out| expand_label(hash, secret, label, transcript.as_ref(), out))
}

/// What [`Hash::without_psk`] is, derived as if there were a pre-shared key of zeros (RFC 9846 section 7.1).
pub fn without_psk(hash: &Hash) -> Secret {
    let zeros = &[0; 64][..hash.len];
    let early = extract(hash, zeros, zeros);
    derive_secret(hash, early.as_ref(), b"derived", (hash.of_nothing)())
}

const PREFIX: &[u8] = b"tls13 ";

#[cfg(test)]
mod tests;
