//! Ids that tell the fleet, and nobody else, where they belong: QUIC-LB with a single pass (draft-ietf-quic-load-balancers).
//!
//! One octet in the clear (3 bits name the configuration, 5 bits the length that follows), then one AES block: 4 bytes of the
//! process, 2 bytes of the worker, 10 bytes that never come twice. A load balancer takes the process as the server ID and the
//! rest as the nonce.

use super::ConnectionId;
use sakigake_crypto::{BLOCK_BYTES, BlockCipher, BlockKey};
use sakigake_wire::Entropy;

/// Whose connection an id belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The process, by the number that it has in the fleet.
    pub process: u32,
    /// The worker in that process.
    pub worker: u16,
}

/// The fleet's keys, one for each configuration that ids of today may be under: opens what an [`IdSource`] sealed.
pub struct IdKeys {
    keys: Vec<(u8, Box<dyn BlockKey>)>,
}

/// Makes one worker's ids. Two sources with the same key and place would be told apart by where they began to count alone,
/// which is drawn from 2^80.
pub struct IdSource {
    key: Box<dyn BlockKey>,
    first: u8,
    place: Place,
    /// Counts on from a random number, so that no id comes twice (section "Connection ID Entropy").
    next: u128,
}

impl IdKeys {
    /// Configurations are told apart by 3 bits, and all ones stand for none.
    pub const MOST_CONFIGURATION: u8 = 6;

    /// No keys: every id is foreign.
    pub fn new() -> Self {
        Self { keys: Vec::new() }
    }

    /// Adds the key of a configuration; another key of the same configuration is replaced.
    ///
    /// # Panics
    /// When the key has not the cipher's length, or the configuration is above [`IdKeys::MOST_CONFIGURATION`]: both are our
    /// own.
    #[must_use]
    pub fn with(mut self, configuration: u8, cipher: &BlockCipher, key: &[u8]) -> Self {
        assert!(configuration <= Self::MOST_CONFIGURATION, "configurations have numbers up to 6");
        self.keys.retain(|(other, _)| *other != configuration);
        self.keys.push((configuration, (cipher.key)(key)));
        self
    }

    /// Where an id says it belongs; none where it is not of this form. Anybody's random bytes may be, so a place counts only
    /// where there is such a process and worker, and proves nothing.
    pub fn open(&self, id: &[u8]) -> Option<Place> {
        let (first, block) = id.split_first()?;
        let mut block: [u8; BLOCK_BYTES] = block.try_into().ok()?; // Another length: it is none of ours.
        if first & LENGTH_BITS != BLOCK_BYTES as u8 {
            return None;
        }
        let (_, key) = self.keys.iter().find(|(configuration, _)| *configuration == first >> LENGTH_WIDTH)?;
        key.decrypt(&mut block);
        let [p0, p1, p2, p3, w0, w1, ..] = block;
        Some(Place { process: u32::from_be_bytes([p0, p1, p2, p3]), worker: u16::from_be_bytes([w0, w1]) })
    }
}

impl Default for IdKeys {
    fn default() -> Self {
        Self::new()
    }
}

impl IdSource {
    /// Bytes of each id.
    pub const ID_BYTES: usize = 1 + BLOCK_BYTES;

    /// Ids of one worker under the fleet's key.
    ///
    /// # Panics
    /// As [`IdKeys::with`].
    pub fn new(
        configuration: u8,
        cipher: &BlockCipher,
        key: &[u8],
        place: Place,
        entropy: &mut dyn Entropy,
    ) -> Self {
        assert!(configuration <= IdKeys::MOST_CONFIGURATION, "configurations have numbers up to 6");
        let mut start = [0; 16];
        entropy.fill(&mut start[16 - NONCE_BYTES..]);
        let first = configuration << LENGTH_WIDTH | BLOCK_BYTES as u8;
        Self { key: (cipher.key)(key), first, place, next: u128::from_be_bytes(start) }
    }

    /// Whose ids they are.
    pub const fn place(&self) -> Place {
        self.place
    }

    /// An id that was never there before.
    pub fn draw(&mut self) -> ConnectionId {
        let nonce = self.next.to_be_bytes();
        self.next = self.next.wrapping_add(1) & (u128::MAX >> (128 - 8 * NONCE_BYTES));
        self.seal(&nonce[16 - NONCE_BYTES..])
    }

    fn seal(&self, nonce: &[u8]) -> ConnectionId {
        let mut block = [0; BLOCK_BYTES];
        block[..4].copy_from_slice(&self.place.process.to_be_bytes());
        block[4..6].copy_from_slice(&self.place.worker.to_be_bytes());
        block[6..].copy_from_slice(nonce);
        self.key.encrypt(&mut block); // spec: 9000-5.1-a
        let mut id = [self.first; Self::ID_BYTES];
        id[1..].copy_from_slice(&block);
        ConnectionId::new(&id).expect("17 bytes are below 20")
    }
}

const LENGTH_WIDTH: u8 = 5;
const LENGTH_BITS: u8 = (1 << LENGTH_WIDTH) - 1;
const NONCE_BYTES: usize = 10;

#[cfg(test)]
mod tests;
