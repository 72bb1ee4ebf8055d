/// Key material: inline up to 64 bytes, which is all that a key schedule has, else on the heap. Zeroised when dropped,
/// never printed, and compared in constant time.
#[derive(Clone)]
pub struct Secret(Kept);

#[derive(Clone)]
enum Kept {
    Inline { bytes: [u8; INLINE_BYTES], len: usize },
    Heap(Box<[u8]>),
}

const INLINE_BYTES: usize = 64;

impl Secret {
    /// Keeps a copy of `bytes`.
    pub fn new(bytes: &[u8]) -> Self {
        Self::filled(bytes.len(), |out| out.copy_from_slice(bytes))
    }

    /// `len` bytes, zeroes at first, that `fill` writes in place, so that no other copy needs wiping.
    pub fn filled(len: usize, fill: impl FnOnce(&mut [u8])) -> Self {
        let mut secret = Self(match len {
            0..=INLINE_BYTES => Kept::Inline { bytes: [0; INLINE_BYTES], len },
            _ => Kept::Heap(vec![0; len].into_boxed_slice()),
        });
        fill(secret.as_mut());
        secret
    }

    fn as_mut(&mut self) -> &mut [u8] {
        match &mut self.0 {
            Kept::Inline { bytes, len } => &mut bytes[..*len],
            Kept::Heap(bytes) => bytes,
        }
    }
}

impl AsRef<[u8]> for Secret {
    fn as_ref(&self) -> &[u8] {
        match &self.0 {
            Kept::Inline { bytes, len } => &bytes[..*len],
            Kept::Heap(bytes) => bytes,
        }
    }
}

/// Overwrites `bytes`, in words as wide as the machine has: zeroize's own way is byte by byte, and most of a key schedule's
/// bytes are erased soon after they were made.
#[inline]
pub(crate) fn erase(bytes: &mut [u8]) {
    bytes.fill(0);
    zeroize::optimization_barrier(bytes);
}

/// Whether two byte strings are the same, in a time that tells nothing but their lengths.
pub fn equal(one: &[u8], other: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one, other).is_ok()
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        equal(self.as_ref(), other.as_ref())
    }
}

impl Eq for Secret {}

impl core::fmt::Debug for Secret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Secret({} bytes)", self.as_ref().len())
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        match &mut self.0 {
            Kept::Inline { bytes, .. } => erase(bytes), // Whole: a length that is known needs no loop.
            Kept::Heap(bytes) => erase(bytes),
        }
    }
}

#[cfg(test)]
mod tests;
