//! Stateless resets: their tokens, and the datagram (RFC 9000 section 10.3).

use crate::{ids::ResetToken, rate::Rate};
use sakigake_crypto::{Hash, Secret};
use sakigake_wire::{Entropy, Instant};

/// The one key from which the reset token of each connection ID follows, so that whoever lost a connection can still end it.
/// All who may get each other's packets share it; an id that was used under it is never used for another connection.
#[derive(Clone)]
pub struct ResetKey {
    hash: &'static Hash,
    secret: Secret,
}

/// Answers packets of connections that nobody knows, within a rate.
pub struct Resets {
    key: ResetKey,
    rate: Rate,
}

/// How much is reset at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Stateless resets in a second; what comes above that gets no answer.
    pub resets_per_s: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { resets_per_s: 1_000 }
    }
}

impl ResetKey {
    /// Uses `secret`, which nobody can guess: 32 bytes from a good source.
    pub const fn new(hash: &'static Hash, secret: Secret) -> Self {
        Self { hash, secret }
    }

    /// The token of one of our connection ids.
    pub fn token(&self, id: &[u8]) -> ResetToken {
        let digest = (self.hash.hmac)(self.secret.as_ref(), &[LABEL, id]); // spec: 9000-10.3.2-a
        let token = digest.as_ref().first_chunk().expect("hashes have 32 bytes or more");
        ResetToken::new(*token)
    }
}

impl Resets {
    /// Resets under `key`, at most so many.
    pub fn new(key: ResetKey, limits: Limits) -> Self {
        Self { key, rate: Rate::new(limits.resets_per_s) }
    }

    /// The key.
    pub fn key(&self) -> &ResetKey {
        &self.key
    }

    /// Answers a datagram of `datagram_bytes` that begins with a short header for `id`, which is none of ours, nor (the caller
    /// answers for that, RFC 9000 section 21.11) of anybody else under the same key. Writes the answer into `out` and gives
    /// its length; none where there is to be no answer.
    pub fn answer(
        &mut self,
        now: Instant,
        id: &[u8],
        datagram_bytes: usize,
        entropy: &mut dyn Entropy,
        out: &mut [u8],
    ) -> Option<usize> {
        let mut chance = [0];
        entropy.fill(&mut chance);
        let longest = PLAIN_BYTES + usize::from(chance[0] & 31);
        let len = longest.min(datagram_bytes.checked_sub(1)?); // spec: 9000-10.3.3-a, 9000-10.3-b
        if len < LEAST_BYTES || id.is_empty() || !self.rate.take(now) {
            return None;
        }
        let (random, token) = out.get_mut(..len)?.split_at_mut(len - ResetToken::BYTES);
        entropy.fill(random); // spec: 9000-10.3-d
        random[0] = random[0] & 0x3f | 0x40; // spec: 9000-10.3-c
        token.copy_from_slice(self.key.token(id).bytes());
        Some(len)
    }
}

/// Whether a datagram is too small for any packet of a short header: 1 byte, a packet number of 4 (or fewer, with more of
/// payload), and a tag.
pub const fn is_too_small(datagram_bytes: usize) -> bool {
    datagram_bytes < LEAST_BYTES // spec: 9000-10.3-e
}

const LABEL: &[u8] = b"sakigake quic reset";
/// The least that could be a packet with a short header.
const LEAST_BYTES: usize = 21;
/// From here on nobody tells a reset from a packet by its length.
const PLAIN_BYTES: usize = 42;

#[cfg(test)]
mod tests;
