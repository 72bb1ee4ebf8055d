//! Packet numbers on the wire (RFC 9000 section 17.1): the low bytes of a number of 62 bits.

use sakigake_wire::MAX_VARINT;

/// The largest packet number (RFC 9000 section 12.3).
pub const MAX_NUMBER: u64 = MAX_VARINT;

/// A packet number with the length in which it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    full: u64,
    len: usize,
}

impl Number {
    /// The number of the next packet, as short as it can be understood; `largest_acked` is what the peer has
    /// acknowledged in the same space. None beyond [`MAX_NUMBER`], or where four bytes would not do because 2^31 packets
    /// are under way: nothing may be sent then.
    pub const fn new(full: u64, largest_acked: Option<u64>) -> Option<Self> {
        // spec: 9000-17.1-b 9000-17.1-a
        let unacknowledged = match largest_acked {
            Some(acked) => full.saturating_sub(acked),
            None => full.saturating_add(1),
        };
        // The appendix's sample takes exactly twice the range for enough; the text wants more than that.
        let bits = 64 - unacknowledged.saturating_mul(2).leading_zeros() as usize;
        let len = if bits == 0 { 1 } else { bits.div_ceil(8) };
        Self::with_len(full, len)
    }

    /// A number in `len` bytes, which the caller answers for; none where it is out of range or `len` is not 1 to 4.
    pub const fn with_len(full: u64, len: usize) -> Option<Self> {
        if full > MAX_NUMBER || len == 0 || len > 4 { None } else { Some(Self { full, len }) } // spec: 9000-12.3-p
    }

    /// The number itself.
    pub const fn full(self) -> u64 {
        self.full
    }

    /// Bytes on the wire, 1 to 4.
    pub const fn wire_bytes(self) -> usize {
        self.len
    }

    /// The bytes on the wire: the last [`Number::wire_bytes`] of these.
    pub(super) fn bytes(self) -> [u8; 4] {
        (self.full as u32).to_be_bytes()
    }
}

/// The number closest to the one after `largest`, the largest that was authenticated in the space, whose low bytes are
/// these; none where that would be above [`MAX_NUMBER`].
pub fn decode(truncated: &[u8], largest: Option<u64>) -> Option<u64> {
    let bits = 8 * truncated.len();
    let low = truncated.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    let expected = largest.map_or(0, |largest| largest + 1);
    let window = 1u64 << bits;
    let half = window / 2;
    let candidate = expected & !(window - 1) | low;
    // spec: 9000-17.1-c
    let number = if candidate + half <= expected && candidate < (1 << 62) - window {
        candidate + window
    } else if candidate > expected + half && candidate >= window {
        candidate - window
    } else {
        candidate
    };
    (number <= MAX_NUMBER).then_some(number)
}

#[cfg(test)]
mod tests;
