//! How much longer than its content a protected record is (RFC 9846 section 5.4).

use sakigake_crypto::Hash;

/// What hides the length of what is sent. It costs bytes, and hides no more than one record's length: when something is
/// sent, and how many records it takes, is still seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Padding {
    /// Nothing is added.
    #[default]
    None,
    /// Content and type are filled up to a multiple of so many bytes; 0 and 1 add nothing.
    ToMultiple(usize),
    /// So many bytes are added.
    Fixed(usize),
    /// From none to so many bytes are added, another number each time. Who sees the same length sent often can average
    /// that out.
    Random(usize),
}

/// A policy, and what it draws numbers from.
#[derive(Clone, Copy, Default)]
pub(super) struct Padder {
    pub(super) policy: Padding,
    /// From the owner's entropy.
    seed: [u8; 32],
    /// Numbers drawn.
    drawn: u64,
}

impl Padder {
    pub(super) fn new(policy: Padding, seed: [u8; 32]) -> Self {
        Self { policy, seed, drawn: 0 }
    }

    /// Whether it may make a record longer.
    pub(super) fn pads(&self) -> bool {
        self.policy != Padding::None
    }

    /// How long content and type are to be that have `len` bytes: at least `len`, and as far as there is room.
    pub(super) fn target(&mut self, len: usize, hash: &Hash) -> usize {
        match self.policy {
            Padding::None => len,
            Padding::ToMultiple(multiple) => len.div_ceil(multiple.max(1)).saturating_mul(multiple.max(1)),
            Padding::Fixed(more) => len.saturating_add(more),
            Padding::Random(most) => len.saturating_add(self.draw(most, hash)),
        }
    }

    /// A number up to `most`. Numbers that do not divide 2^64 are a little likelier at the lower end, which nobody sees.
    fn draw(&mut self, most: usize, hash: &Hash) -> usize {
        self.drawn = self.drawn.wrapping_add(1);
        let bytes = (hash.hmac)(&self.seed, &[&self.drawn.to_be_bytes()]);
        let number = bytes.as_ref().first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        usize::try_from(number % (most as u64).saturating_add(1)).unwrap_or(most) // Never above `most`.
    }

    /// The multiple that a record's content must leave room for.
    pub(super) fn multiple(&self) -> usize {
        match self.policy {
            Padding::ToMultiple(multiple) => multiple.max(1),
            Padding::None | Padding::Fixed(_) | Padding::Random(_) => 1,
        }
    }
}
