//! The checksum under everything here: 128 bits of state, eight bytes a step.

/// A running sum. Every step is a bijection of the state, so one changed word cannot be lost; against several the two
/// lanes, which mix differently, leave a chance of 2^-128. It resists nobody who means harm.
#[derive(Clone)]
pub(super) struct Sum {
    lanes: [u64; 2],
    partial: [u8; WORD],
    /// Bytes in `partial`, always fewer than a word.
    held: usize,
    total: u64,
}

const WORD: usize = 8;

impl Sum {
    /// A sum for one purpose.
    pub(super) fn new(purpose: &str) -> Self {
        let empty = Self { lanes: [ODD[0], ODD[1]], partial: [0; WORD], held: 0, total: 0 };
        empty.with(purpose.as_bytes())
    }

    /// The sum with one more part, which cannot be confused with its neighbours: its length goes first.
    pub(super) fn with(mut self, part: &[u8]) -> Self {
        self.update(&(part.len() as u64).to_le_bytes());
        self.update(part);
        self
    }

    /// Takes more bytes; how they are split makes no difference.
    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        self.total += bytes.len() as u64;
        if self.held > 0 {
            let taken = bytes.len().min(WORD - self.held);
            let (head, rest) = bytes.split_at(taken);
            self.partial[self.held..][..taken].copy_from_slice(head);
            self.held += taken;
            bytes = rest;
            if self.held < WORD {
                return;
            }
            self.word(u64::from_le_bytes(self.partial));
        }
        let (words, rest) = bytes.as_chunks::<WORD>();
        for word in words {
            self.word(u64::from_le_bytes(*word));
        }
        self.partial[..rest.len()].copy_from_slice(rest);
        self.held = rest.len();
    }

    /// Fills `out` with what the sum of everything so far decides; the sum goes on.
    pub(super) fn fill(&self, out: &mut [u8]) {
        let mut end = self.clone();
        let mut last = [0; WORD];
        last[..self.held].copy_from_slice(&self.partial[..self.held]);
        end.word(u64::from_le_bytes(last));
        end.word(self.total);
        for piece in out.chunks_mut(WORD) {
            end.word(END);
            let word = finish(end.lanes[0] ^ finish(end.lanes[1]));
            piece.copy_from_slice(&word.to_le_bytes()[..piece.len()]);
        }
    }

    fn word(&mut self, word: u64) {
        let [first, second] = self.lanes;
        self.lanes = [
            (first ^ word).wrapping_mul(ODD[0]).rotate_left(29),
            second.rotate_left(23).wrapping_add(word ^ first).wrapping_mul(ODD[1]),
        ];
    }
}

/// MurmurHash3's last step (Appleby, 2011): every bit of the input reaches every bit of the output.
fn finish(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    bits = (bits ^ (bits >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    bits ^ (bits >> 33)
}

/// Fractions of the golden ratio and of the square root of 2, made odd so that multiplying loses nothing.
const ODD: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0x6a09_e667_f3bc_c909];
const END: u64 = 0xbb67_ae85_84ca_a73b;
