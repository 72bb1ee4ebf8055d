//! Static tables, how a line is found in one, the Huffman code's lengths, and what an encoder puts into its dynamic
//! table.

use crate::FieldLine;

/// Whether an encoder puts a line into its dynamic table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Indexing {
    /// At once: the line is likely to come again on this connection.
    Indexed,
    /// When the same line came a short while ago: most of these values are seen once.
    Repeated,
    /// Not ever, and nobody on the way may (RFC 7541 section 7.1.3).
    Never,
}

/// Fields whose values are mostly seen once (or, in the last three rows, are secrets); all others are indexed. `date`
/// is among the others: the answers of one second share it. So is `link`: a site's documents share theirs, and a 103 says
/// them ahead of the first.
const POLICY: [(&[u8], Indexing); 14] = [
    (b"age", Indexing::Repeated),
    (b"content-length", Indexing::Repeated),
    (b"content-range", Indexing::Repeated),
    (b"etag", Indexing::Repeated),
    (b"expires", Indexing::Repeated),
    (b"if-modified-since", Indexing::Repeated),
    (b"if-none-match", Indexing::Repeated),
    (b"last-modified", Indexing::Repeated),
    (b"location", Indexing::Repeated),
    (b"range", Indexing::Repeated),
    (b"set-cookie", Indexing::Repeated),
    (b"authorization", Indexing::Never),
    (b"proxy-authorization", Indexing::Never),
    (b"proxy-authenticate", Indexing::Never),
];

/// A cookie shorter than this many bytes could be guessed byte by byte through its compression (section 7.1.3).
const GUESSABLE_COOKIE_BYTES: usize = 20;

/// A hash of `bytes`, eight at a time, going on from `hash`. It finds candidates; bytes decide.
pub(crate) const fn hash(hash: u32, mut bytes: &[u8]) -> u32 {
    let mut state = hash as u64 ^ bytes.len() as u64;
    while let Some((word, rest)) = bytes.split_first_chunk() {
        state = mix(state ^ u64::from_le_bytes(*word));
        bytes = rest;
    }
    let (mut tail, mut at) = (0, 0);
    while at < bytes.len() {
        tail = tail << 8 | bytes[at] as u64;
        at += 1;
    }
    let state = mix(state ^ tail);
    (state >> 32) as u32 ^ state as u32
}

/// Spreads each bit over the word; the factor is 2^64 over the golden ratio.
const fn mix(word: u64) -> u64 {
    let word = word.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    word ^ word >> 32
}

/// Where [`hash`] begins.
pub(crate) const HASH_START: u32 = 0x811c_9dc5;

type Entry = (&'static [u8], &'static [u8]);

/// A static table, what helps to find a line in it, and what is done with lines of its names. Its entries count from 0.
pub(crate) struct Static<const N: usize> {
    entries: [Entry; N],
    /// The first entry of each name, counted from 1, at the name's hash or in a slot behind it; 0 ends the search.
    first: [u8; 256],
    /// By entry, the next one of the same name, counted from 1, or 0.
    next: [u8; N],
    policies: [Indexing; N],
}

impl<const N: usize> Static<N> {
    pub(crate) const fn new(entries: [Entry; N]) -> Self {
        let (mut first, mut next, mut policies) = ([0_u8; 256], [0_u8; N], [Indexing::Indexed; N]);
        let mut at = 0;
        while at < N {
            let name = entries[at].0;
            let mut before = at;
            while before > 0 && !is_same(entries[before - 1].0, name) {
                before -= 1;
            }
            if before > 0 {
                next[before - 1] = at as u8 + 1;
            } else {
                let mut slot = hash(HASH_START, name) as usize % first.len();
                while first[slot] != 0 {
                    slot = (slot + 1) % first.len();
                }
                first[slot] = at as u8 + 1;
            }
            policies[at] = policy(name);
            at += 1;
        }
        Self { entries, first, next, policies }
    }

    pub(crate) const fn len(&self) -> usize {
        N
    }

    pub(crate) fn get(&self, at: usize) -> Option<FieldLine<'static>> {
        self.entries.get(at).map(|(name, value)| FieldLine::new(name, value))
    }

    /// The first entry with that name, or the one with that value too, and then `true`. `name_hash` is [`hash`] of the
    /// name.
    pub(crate) fn find(&self, name_hash: u32, name: &[u8], value: &[u8]) -> Option<(usize, bool)> {
        let mut slot = name_hash as usize % self.first.len();
        let first = loop {
            let at = usize::from(self.first[slot]).checked_sub(1)?;
            if self.entries[at].0 == name {
                break at;
            }
            slot = (slot + 1) % self.first.len();
        };
        let mut at = first;
        while self.entries[at].1 != value {
            match usize::from(self.next[at]).checked_sub(1) {
                Some(next) => at = next,
                None => return Some((first, false)),
            }
        }
        Some((at, true))
    }

    /// What an encoder does with a line that is not marked as sensitive. `at` is an entry with its name.
    pub(crate) fn indexing(&self, at: Option<usize>, name: &[u8], value: &[u8]) -> Indexing {
        match name {
            b":path" if value.contains(&b'?') => Indexing::Repeated,
            b"cookie" if value.len() < GUESSABLE_COOKIE_BYTES => Indexing::Never, // spec: 7541-7.1.3-b
            _ => at.and_then(|at| self.policies.get(at)).map_or_else(|| policy(name), |policy| *policy),
        }
    }
}

/// What [`POLICY`] says of a name.
const fn policy(name: &[u8]) -> Indexing {
    let mut row = 0;
    while row < POLICY.len() {
        if is_same(POLICY[row].0, name) {
            return POLICY[row].1;
        }
        row += 1;
    }
    Indexing::Indexed
}

const fn is_same(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while one.len() == other.len() && at < one.len() && one[at] == other[at] {
        at += 1;
    }
    one.len() == other.len() && at == one.len()
}

/// HPACK's static table (RFC 7541 appendix A), whose own indexes count from 1.
pub(crate) static HPACK: Static<61> = Static::new([
    (b":authority", b""),
    (b":method", b"GET"),
    (b":method", b"POST"),
    (b":path", b"/"),
    (b":path", b"/index.html"),
    (b":scheme", b"http"),
    (b":scheme", b"https"),
    (b":status", b"200"),
    (b":status", b"204"),
    (b":status", b"206"),
    (b":status", b"304"),
    (b":status", b"400"),
    (b":status", b"404"),
    (b":status", b"500"),
    (b"accept-charset", b""),
    (b"accept-encoding", b"gzip, deflate"),
    (b"accept-language", b""),
    (b"accept-ranges", b""),
    (b"accept", b""),
    (b"access-control-allow-origin", b""),
    (b"age", b""),
    (b"allow", b""),
    (b"authorization", b""),
    (b"cache-control", b""),
    (b"content-disposition", b""),
    (b"content-encoding", b""),
    (b"content-language", b""),
    (b"content-length", b""),
    (b"content-location", b""),
    (b"content-range", b""),
    (b"content-type", b""),
    (b"cookie", b""),
    (b"date", b""),
    (b"etag", b""),
    (b"expect", b""),
    (b"expires", b""),
    (b"from", b""),
    (b"host", b""),
    (b"if-match", b""),
    (b"if-modified-since", b""),
    (b"if-none-match", b""),
    (b"if-range", b""),
    (b"if-unmodified-since", b""),
    (b"last-modified", b""),
    (b"link", b""),
    (b"location", b""),
    (b"max-forwards", b""),
    (b"proxy-authenticate", b""),
    (b"proxy-authorization", b""),
    (b"range", b""),
    (b"referer", b""),
    (b"refresh", b""),
    (b"retry-after", b""),
    (b"server", b""),
    (b"set-cookie", b""),
    (b"strict-transport-security", b""),
    (b"transfer-encoding", b""),
    (b"user-agent", b""),
    (b"vary", b""),
    (b"via", b""),
    (b"www-authenticate", b""),
]);

/// Bits of each byte's Huffman code, and of EOS at the end (RFC 7541 appendix B). The code is canonical: codes of one
/// length are consecutive in the order of their symbols, and a longer code follows the last shorter one.
#[rustfmt::skip]
pub(crate) static CODE_BITS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];
