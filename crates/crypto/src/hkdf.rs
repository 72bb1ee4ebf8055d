//! HKDF (RFC 5869) and TLS 1.3's labels (RFC 9846 section 7.1) over any provider's HMAC.

use crate::{Digest, Hash, Secret};

/// HKDF-Extract.
pub fn extract(hash: &Hash, salt: &[u8], input: &[u8]) -> Secret {
    Secret::new((hash.hmac)(salt, &[input]).as_ref())
}

/// HKDF-Expand into `out`.
///
/// # Panics
/// When `out` is longer than 255 digests (RFC 5869 section 2.3); TLS never asks for more than two.
pub fn expand(hash: &Hash, secret: &[u8], info: &[&[u8]], out: &mut [u8]) {
    assert!(out.len() <= 255 * hash.len, "HKDF-Expand gives at most 255 digests");
    let mut previous: Option<Digest> = None;
    for (index, piece) in out.chunks_mut(hash.len).enumerate() {
        let counter = [index as u8 + 1];
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
pub fn expand_label(hash: &Hash, secret: &[u8], label: &[u8], context: &[u8], out: &mut [u8]) {
    const PREFIX: &[u8] = b"tls13 ";
    let len = (out.len() as u16).to_be_bytes();
    let label_len = [(PREFIX.len() + label.len()) as u8];
    let context_len = [context.len() as u8];
    expand(hash, secret, &[&len, &label_len, PREFIX, label, &context_len, context], out);
}

/// Derive-Secret, with the transcript's digest already taken.
pub fn derive_secret(hash: &Hash, secret: &Secret, label: &[u8], transcript: &Digest) -> Secret {
    let mut out = [0; 64];
    let out = &mut out[..hash.len];
    expand_label(hash, secret.as_ref(), label, transcript.as_ref(), out);
    let derived = Secret::new(out);
    zeroize::Zeroize::zeroize(out);
    derived
}
