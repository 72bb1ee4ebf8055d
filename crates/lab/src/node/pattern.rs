//! Bytes that say where they belong: what travels in worlds, so that a checker knows it without being told.

use crate::seed::Seed;
use sakigake_wire::Entropy;

/// The first `len` bytes of what `name` stands for.
pub fn pattern(name: &str, len: usize) -> Vec<u8> {
    let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut bytes = vec![0; len];
    Seed::new(seed).fill(&mut bytes);
    bytes
}
