//! What is on every stream of every world: bytes that say where they belong, so that a checker knows them without being told.

use sakigake_tls::rules::Side;

/// Fills `out` with what `sender` says on `stream` from `offset` on.
pub fn fill(sender: Side, stream: u64, offset: u64, out: &mut [u8]) {
    let name = stream << 1 | u64::from(sender == Side::Server);
    let mut at = offset;
    let mut rest = out;
    while !rest.is_empty() {
        let word = word(name, at / WORD).to_le_bytes();
        let from = (at % WORD) as usize;
        let len = rest.len().min(word.len() - from);
        let (piece, behind) = rest.split_at_mut(len);
        piece.copy_from_slice(&word[from..from + len]);
        at += len as u64;
        rest = behind;
    }
}

/// Whether `bytes` are what `sender` says on `stream` from `offset` on.
pub fn is_right(sender: Side, stream: u64, offset: u64, bytes: &[u8]) -> bool {
    let mut expected = [0; 256];
    let mut at = offset;
    bytes.chunks(expected.len()).all(|piece| {
        let expected = &mut expected[..piece.len()];
        fill(sender, stream, at, expected);
        at += piece.len() as u64;
        *expected == *piece
    })
}

const WORD: u64 = 8;

/// SplitMix64's last steps: any two places differ.
fn word(name: u64, index: u64) -> u64 {
    let mut bits = name.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ index.wrapping_mul(0xd6e8_feb8_6659_fd93);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
