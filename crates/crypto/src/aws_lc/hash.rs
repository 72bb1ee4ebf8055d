//! Hashes and their HMACs.

use crate::{Digest, Hash, HashState, HmacKey, Secret, hkdf};
use aws_lc_rs::{digest, hmac};
use std::sync::LazyLock;

/// SHA-256 (FIPS 180-4).
pub static SHA256: Hash = Hash {
    len: 32,
    start: || Box::new(State(digest::Context::new(&digest::SHA256))),
    of_nothing: || {
        static DIGEST: LazyLock<Digest> = LazyLock::new(|| (SHA256.start)().digest());
        &DIGEST
    },
    hmac_key: |key| Box::new(Key(hmac::Key::new(hmac::HMAC_SHA256, key))),
    lend_hmac_key: |key, work| work(&Key(hmac::Key::new(hmac::HMAC_SHA256, key))),
    without_psk: || {
        static KEY: LazyLock<Box<dyn HmacKey>> = LazyLock::new(|| hkdf::without_psk(&SHA256));
        &**KEY
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
    hmac_key: |key| Box::new(Key(hmac::Key::new(hmac::HMAC_SHA384, key))),
    lend_hmac_key: |key, work| work(&Key(hmac::Key::new(hmac::HMAC_SHA384, key))),
    without_psk: || {
        static KEY: LazyLock<Box<dyn HmacKey>> = LazyLock::new(|| hkdf::without_psk(&SHA384));
        &**KEY
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

struct Key(hmac::Key);

impl HmacKey for Key {
    fn sign(&self, message: &[&[u8]]) -> Secret {
        let mut context = hmac::Context::with_key(&self.0);
        for part in message {
            context.update(part);
        }
        Secret::new(context.sign().as_ref())
    }
}
