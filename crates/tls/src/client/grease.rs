/// Values that mean nothing, drawn for one connection (RFC 8701); both ClientHellos carry the same ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grease {
    /// A cipher suite.
    pub(crate) suite: u16,
    /// A group, offered with a share of one byte.
    pub(crate) group: u16,
    /// A version.
    pub(crate) version: u16,
    /// An extension without a body, and another one with a byte.
    pub(crate) extensions: [u16; 2],
}

impl Grease {
    /// Chooses them by `chance`.
    pub(crate) fn draw(chance: [u8; 5]) -> Self {
        let [suite, group, version, first, second] = chance;
        let second = if first % 16 == second % 16 { second.wrapping_add(1) } else { second };
        Self {
            suite: value(suite),
            group: value(group),
            version: value(version),
            extensions: [value(first), value(second)],
        }
    }
}

/// The reserved value number `chance` modulo 16: 0x0a0a, 0x1a1a and so on.
fn value(chance: u8) -> u16 {
    0x0a0a + 0x1010 * u16::from(chance % 16)
}

/// Puts `items` into an order that only `chance` knows, of which it takes four bytes an item. Its bias, below 1 in 10 million
/// for the two dozen extensions of a ClientHello, is of no use to anybody.
pub(crate) fn shuffle<T>(items: &mut [T], chance: &[u8]) {
    for (last, chance) in (1..items.len()).rev().zip(chance.as_chunks().0) {
        items.swap(last, u32::from_be_bytes(*chance) as usize % (last + 1));
    }
}
