//! Hashes and their HMACs.

use crate::{Digest, Hash, HashState, Secret, hkdf, secret::erase};
use aws_lc_rs::digest;
use std::sync::LazyLock;

/// SHA-256 (FIPS 180-4).
pub static SHA256: Hash = Hash {
    len: 32,
    start: || Box::new(State(digest::Context::new(&digest::SHA256))),
    of_nothing: || {
        static DIGEST: LazyLock<Digest> = LazyLock::new(|| (SHA256.start)().digest());
        &DIGEST
    },
    hmac: |key, message| hmac(&digest::SHA256, key, message),
    without_psk: || {
        static SECRET: LazyLock<Secret> = LazyLock::new(|| hkdf::without_psk(&SHA256));
        &SECRET
    },
};

/// SHA-384 (FIPS 180-4).
pub static SHA384: Hash = Hash {
    len: 48,
    start: || Box::new(State(digest::Context::new(&digest::SHA384))),
    of_nothing: || {
        static DIGEST: LazyLock<Digest> = LazyLock::new(|| (SHA384.start)().digest());
        &DIGEST
    },
    hmac: |key, message| hmac(&digest::SHA384, key, message),
    without_psk: || {
        static SECRET: LazyLock<Secret> = LazyLock::new(|| hkdf::without_psk(&SHA384));
        &SECRET
    },
};

struct State(digest::Context);

impl HashState for State {
    fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn digest(&self) -> Digest {
        Digest::new(self.0.clone().finish().as_ref())
    }

    fn fork(&self) -> Box<dyn HashState> {
        Box::new(Self(self.0.clone()))
    }
}

/// HMAC of digests that are taken at once. The library's own copies and erases 1.2 KiB of context for each key and each
/// message, which takes longer than to hash a key again: what TLS signs fits two blocks.
fn hmac(algorithm: &'static digest::Algorithm, key: &[u8], message: &[&[u8]]) -> Secret {
    if key.len() > algorithm.block_len {
        return hmac(algorithm, digest::digest(algorithm, key).as_ref(), message);
    }
    let inner = keyed_digest(algorithm, key, 0x36, message);
    keyed_digest(algorithm, key, 0x5c, &[inner.as_ref()])
}

/// The digest of a key, made a block long and exclusive-ored with `pad`, and of `parts`.
fn keyed_digest(algorithm: &'static digest::Algorithm, key: &[u8], pad: u8, parts: &[&[u8]]) -> Secret {
    let mut text = [pad; SHORT_BYTES];
    for (byte, key) in text.iter_mut().zip(key) {
        *byte ^= key;
    }
    let mut len = algorithm.block_len;
    let digest = if len + parts.iter().map(|part| part.len()).sum::<usize>() <= SHORT_BYTES {
        for part in parts {
            text[len..len + part.len()].copy_from_slice(part);
            len += part.len();
        }
        digest::digest(algorithm, &text[..len])
    } else {
        let mut context = digest::Context::new(algorithm);
        context.update(&text[..len]);
        parts.iter().for_each(|part| context.update(part));
        context.finish()
    };
    erase(&mut text);
    Secret::new(digest.as_ref())
}

/// A block, and whatever TLS's key schedule signs.
const SHORT_BYTES: usize = 256;
