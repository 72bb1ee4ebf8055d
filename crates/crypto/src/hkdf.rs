//! HKDF (RFC 5869) and TLS 1.3's labels (RFC 9846 section 7.1) over any provider's HMAC.

use crate::{Digest, Hash, HmacKey, Secret};
use core::ops::Deref;

/// HKDF-Extract.
pub fn extract(hash: &Hash, salt: &[u8], input: &[u8]) -> Secret {
    hmac(hash, salt, &[input])
}

/// HMAC by a key that nothing else is signed with.
pub fn hmac(hash: &Hash, key: &[u8], message: &[&[u8]]) -> Secret {
    lend(hash, key, |key| key.sign(message))
}

/// A pseudorandom key to expand from, set up once for all that is derived from it.
pub struct Prk<Key = Box<dyn HmacKey>> {
    key: Key,
    digest_len: usize,
}

/// A pseudorandom key that lies in its maker's frame.
pub type LentPrk<'a> = Prk<&'a dyn HmacKey>;

impl Prk {
    /// Expands from `secret`.
    pub fn new(hash: &Hash, secret: &[u8]) -> Self {
        Self { key: (hash.hmac_key)(secret), digest_len: hash.len }
    }

    /// What `work` derives from `secret`, which is then no longer set up.
    pub fn lend<T>(hash: &Hash, secret: &[u8], work: impl FnOnce(&LentPrk<'_>) -> T) -> T {
        lend(hash, secret, |key| work(&Prk { key, digest_len: hash.len }))
    }
}

impl<'a, Key: Deref<Target = dyn HmacKey + 'a>> Prk<Key> {
    /// HKDF-Expand into `out`.
    ///
    /// # Panics
    /// When `out` is longer than 255 digests (RFC 5869 section 2.3); TLS never asks for more than two.
    pub fn expand(&self, info: &[u8], out: &mut [u8]) {
        assert!(out.len() <= 255 * self.digest_len, "HKDF-Expand gives at most 255 digests");
        let mut previous: Option<Secret> = None;
        for (counter, piece) in (1u8..=255).zip(out.chunks_mut(self.digest_len)) {
            let before = previous.as_ref().map(AsRef::as_ref).unwrap_or_default();
            let digest = self.key.sign(&[before, info, &[counter]]);
            piece.copy_from_slice(&digest.as_ref()[..piece.len()]);
            previous = Some(digest);
        }
    }

    /// HKDF-Expand-Label into `out`.
    ///
    /// # Panics
    /// When the label is empty or longer than 249 bytes, the context longer than 255, or `out` longer than
    /// [`Prk::expand`] allows: labels are ours, and contexts are digests or empty.
    pub fn expand_label(&self, label: &[u8], context: &[u8], out: &mut [u8]) {
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
        self.expand(&info[..len], out);
    }

    /// Derive-Secret, with the transcript's digest already taken.
    pub fn derive_secret(&self, label: &[u8], transcript: &Digest) -> Secret {
        Secret::filled(self.digest_len, |out| self.expand_label(label, transcript.as_ref(), out))
    }
}

/// [`Prk::expand_label`] from a secret that nothing else is derived from.
pub fn expand_label(hash: &Hash, secret: &[u8], label: &[u8], context: &[u8], out: &mut [u8]) {
    Prk::lend(hash, secret, |prk| prk.expand_label(label, context, out));
}

/// What [`Hash::without_psk`] is, derived as if there were a pre-shared key of zeros (RFC 9846 section 7.1).
pub fn without_psk(hash: &Hash) -> Box<dyn HmacKey> {
    let zeros = &[0; 64][..hash.len];
    let early = Prk::new(hash, extract(hash, zeros, zeros).as_ref());
    (hash.hmac_key)(early.derive_secret(b"derived", (hash.of_nothing)()).as_ref())
}

fn lend<T>(hash: &Hash, key: &[u8], work: impl FnOnce(&dyn HmacKey) -> T) -> T {
    let (mut work, mut outcome) = (Some(work), None);
    (hash.lend_hmac_key)(key, &mut |key| outcome = work.take().map(|work| work(key)));
    outcome.expect("a provider lends the key")
}

const PREFIX: &[u8] = b"tls13 ";

#[cfg(test)]
mod tests;
