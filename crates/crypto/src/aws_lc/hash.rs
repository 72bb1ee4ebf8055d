//! Hashes and their HMACs.

use crate::{Digest, Hash, HashState, Secret};
use aws_lc_rs::{digest, hmac};

/// SHA-256 (FIPS 180-4).
pub static SHA256: Hash = Hash {
    len: 32,
    start: || Box::new(State(digest::Context::new(&digest::SHA256))),
    hmac: |key, message| mac(hmac::HMAC_SHA256, key, message),
};

/// SHA-384 (FIPS 180-4).
pub static SHA384: Hash = Hash {
    len: 48,
    start: || Box::new(State(digest::Context::new(&digest::SHA384))),
    hmac: |key, message| mac(hmac::HMAC_SHA384, key, message),
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

fn mac(algorithm: hmac::Algorithm, key: &[u8], message: &[&[u8]]) -> Secret {
    let key = hmac::Key::new(algorithm, key);
    let mut context = hmac::Context::with_key(&key);
    for part in message {
        context.update(part);
    }
    Secret::new(context.sign().as_ref())
}
