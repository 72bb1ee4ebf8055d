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
    expand_parts(hash, secret, [info, b"", b"", b""], out);
}

/// HKDF-Expand-Label into `out`.
///
/// # Panics
/// When the label is empty or longer than 249 bytes, the context longer than 255, or `out` longer than [`expand`] allows:
/// labels are ours, and contexts are digests or empty.
pub fn expand_label(hash: &Hash, secret: &[u8], label: &[u8], context: &[u8], out: &mut [u8]) {
    let (head, context_len) = head(out.len(), label, context);
    expand_parts(hash, secret, [&head, label, &context_len, context], out);
}

/// HKDF-Expand-Label to the length of a digest.
///
/// # Panics
/// As [`expand_label`].
pub fn expand_digest(hash: &Hash, secret: &[u8], label: &[u8], context: &[u8]) -> Secret {
    let (head, context_len) = head(hash.len, label, context);
    (hash.hmac)(secret, &[&head, label, &context_len, context, &[1]])
}

/// What an HkdfLabel has before the label, and between label and context.
fn head(len: usize, label: &[u8], context: &[u8]) -> ([u8; 9], [u8; 1]) {
    assert!(!label.is_empty(), "a label names its purpose");
    let [high, low] = u16::try_from(len).expect("HKDF-Expand gives at most 255 digests").to_be_bytes();
    let label_len = u8::try_from(PREFIX.len() + label.len()).expect("a label has at most 249 bytes");
    let context_len = u8::try_from(context.len()).expect("a context has at most 255 bytes");
    let mut head = [high, low, label_len, 0, 0, 0, 0, 0, 0];
    head[3..].copy_from_slice(PREFIX);
    (head, [context_len])
}

/// HKDF-Expand, whose info is in parts: they are put one after the other where they are hashed.
fn expand_parts(hash: &Hash, secret: &[u8], [a, b, c, d]: [&[u8]; 4], out: &mut [u8]) {
    if out.len() <= hash.len {
        let digest = (hash.hmac)(secret, &[a, b, c, d, &[1]]);
        return out.copy_from_slice(&digest.as_ref()[..out.len()]);
    }
    assert!(out.len() <= 255 * hash.len, "HKDF-Expand gives at most 255 digests");
    let mut previous: Option<Secret> = None;
    for (counter, piece) in (1u8..=255).zip(out.chunks_mut(hash.len)) {
        let before = previous.as_ref().map(AsRef::as_ref).unwrap_or_default();
        let digest = (hash.hmac)(secret, &[before, a, b, c, d, &[counter]]);
        piece.copy_from_slice(&digest.as_ref()[..piece.len()]);
        previous = Some(digest);
    }
}

/// Derive-Secret, with the transcript's digest already taken.
pub fn derive_secret(hash: &Hash, secret: &[u8], label: &[u8], transcript: &Digest) -> Secret {
    expand_digest(hash, secret, label, transcript.as_ref())
}

/// What [`Hash::without_psk`] is, derived as if there were a pre-shared key of zeros (RFC 9846 section 7.1).
pub fn without_psk(hash: &Hash) -> Secret {
    let zeros = &[0; 64][..hash.len];
    let early = extract(hash, zeros, zeros);
    derive_secret(hash, early.as_ref(), b"derived", (hash.of_nothing)())
}

const PREFIX: &[u8; 6] = b"tls13 ";

#[cfg(test)]
mod tests;
