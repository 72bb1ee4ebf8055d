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
    hmac: |key, message| hmac::<64, 32>(&digest::SHA256, key, message),
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
    hmac: |key, message| hmac::<128, 48>(&digest::SHA384, key, message),
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

    fn finish(self: Box<Self>) -> Digest {
        Digest::new(self.0.finish().as_ref())
    }

    fn fork(&self) -> Box<dyn HashState> {
        Box::new(Self(self.0.clone()))
    }
}

/// HMAC of digests that are taken at once. The library's own copies and erases 1.2 KiB of context for each key and each
/// message, and a digest's state can be kept and copied in such a context alone: both take longer than to hash a key again,
/// since what TLS signs fits two blocks.
///
/// `BLOCK` and `LEN` are the bytes of the algorithm's blocks and digests.
fn hmac<const BLOCK: usize, const LEN: usize>(
    algorithm: &'static digest::Algorithm,
    key: &[u8],
    message: &[&[u8]],
) -> Secret {
    if key.len() > BLOCK {
        return hmac::<BLOCK, LEN>(algorithm, digest::digest(algorithm, key).as_ref(), message);
    }
    let mut text = [0; SHORT_BYTES];
    text[..key.len()].copy_from_slice(key);
    text[..BLOCK].iter_mut().for_each(|byte| *byte ^= INNER);
    let inner = digest_behind::<BLOCK>(algorithm, &mut text, message);
    text[..BLOCK].iter_mut().for_each(|byte| *byte ^= INNER ^ OUTER);
    text[BLOCK..BLOCK + LEN].copy_from_slice(&inner.as_ref()[..LEN]);
    let outer = digest::digest(algorithm, &text[..BLOCK + LEN]);
    erase(&mut text);
    Secret::filled(LEN, |out| out.copy_from_slice(&outer.as_ref()[..LEN]))
}

/// The digest of the block at the beginning of `text` and of `parts`, which are put behind it as long as there is room.
fn digest_behind<const BLOCK: usize>(
    algorithm: &'static digest::Algorithm,
    text: &mut [u8; SHORT_BYTES],
    parts: &[&[u8]],
) -> digest::Digest {
    let mut len = BLOCK;
    for (at, part) in parts.iter().enumerate() {
        let Some(place) = text.get_mut(len..len + part.len()) else {
            let mut context = digest::Context::new(algorithm);
            context.update(&text[..len]);
            parts[at..].iter().for_each(|part| context.update(part));
            return context.finish();
        };
        place.copy_from_slice(part);
        len += part.len();
    }
    digest::digest(algorithm, &text[..len])
}

/// What a key is exclusive-ored with (RFC 2104 section 2).
const INNER: u8 = 0x36;
const OUTER: u8 = 0x5c;

/// A block, and whatever TLS's key schedule signs.
const SHORT_BYTES: usize = 256;
