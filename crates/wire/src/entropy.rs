/// Where an engine's chance comes from: the operating system in the product, one seed in the lab.
pub trait Entropy: Send {
    /// Fills `out` with bytes that nobody else can predict (or, in the lab, with bytes that the seed decides).
    fn fill(&mut self, out: &mut [u8]);
}

impl<E: Entropy + ?Sized> Entropy for Box<E> {
    fn fill(&mut self, out: &mut [u8]) {
        (**self).fill(out);
    }
}

/// Chance that was drawn at once for several uses that follow, and more where that is used up: a generator that asks its
/// processor anew each time takes as long for a few bytes as for a hundred.
pub struct Drawn<'a> {
    source: &'a mut dyn Entropy,
    bytes: [u8; Drawn::MOST_BYTES],
    left: usize,
}

impl<'a> Drawn<'a> {
    /// As much may be drawn ahead, and no more.
    pub const MOST_BYTES: usize = 128;

    /// Begins with the first [`Drawn::MOST_BYTES`] of what was drawn from `source` before and is not used yet.
    pub fn before(source: &'a mut dyn Entropy, unused: &[u8]) -> Self {
        let (mut bytes, left) = ([0; Self::MOST_BYTES], unused.len().min(Self::MOST_BYTES));
        bytes[Self::MOST_BYTES - left..].copy_from_slice(&unused[..left]);
        Self { source, bytes, left }
    }
}

impl Entropy for Drawn<'_> {
    fn fill(&mut self, out: &mut [u8]) {
        let (drawn, rest) = out.split_at_mut(out.len().min(self.left));
        let at = self.bytes.len() - self.left;
        drawn.copy_from_slice(&self.bytes[at..at + drawn.len()]);
        self.left -= drawn.len();
        if !rest.is_empty() {
            self.source.fill(rest);
        }
    }
}

#[cfg(test)]
mod tests;
