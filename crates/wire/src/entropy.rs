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
