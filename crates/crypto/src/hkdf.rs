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
pub fn expand(hash: &Hash, secret: &[u8], info: &[&[u8]], out: &mut [u8]) {
    assert!(out.len() <= 255 * hash.len, "HKDF-Expand gives at most 255 digests");
    let mut previous: Option<Secret> = None;
    for (counter, piece) in (1u8..=255).zip(out.chunks_mut(hash.len)) {
        let counter = [counter];
        let mut message: Vec<&[u8]> = Vec::with_capacity(info.len() + 2);
        message.extend(previous.as_ref().map(AsRef::as_ref));
        message.extend_from_slice(info);
        message.push(&counter);
        let digest = (hash.hmac)(secret, &message);
        piece.copy_from_slice(&digest.as_ref()[..piece.len()]);
        previous = Some(digest);
    }
}

/// HKDF-Expand-Label into `out`.
///
/// # Panics
/// When the label is empty or longer than 249 bytes, the context longer than 255, or `out` longer than
/// [`expand`] allows: labels are ours, and contexts are digests or empty.
pub fn expand_label(hash: &Hash, secret: &[u8], label: &[u8], context: &[u8], out: &mut [u8]) {
    assert!(!label.is_empty(), "a label names its purpose");
    let out_len = u16::try_from(out.len()).expect("HKDF-Expand gives at most 255 digests");
    let label_len = u8::try_from(PREFIX.len() + label.len()).expect("a label has at most 249 bytes");
    let context_len = u8::try_from(context.len()).expect("a context has at most 255 bytes");
    let info = [&out_len.to_be_bytes(), &[label_len][..], PREFIX, label, &[context_len], context];
    expand(hash, secret, &info, out);
}

/// Derive-Secret, with the transcript's digest already taken.
pub fn derive_secret(hash: &Hash, secret: &Secret, label: &[u8], transcript: &Digest) -> Secret {
    Secret::filled(hash.len, |out| expand_label(hash, secret.as_ref(), label, transcript.as_ref(), out))
}

const PREFIX: &[u8] = b"tls13 ";

#[cfg(test)]
mod tests;
