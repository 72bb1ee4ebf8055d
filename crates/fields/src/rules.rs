//! The tables of RFC 7541's appendices, and what an encoder puts into its dynamic table.

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

/// What an encoder does with a line that is not marked as sensitive. `name_index` is that of the name in the static
/// table.
pub(crate) fn indexing(name_index: Option<usize>, name: &[u8], value: &[u8]) -> Indexing {
    match name {
        b":path" if value.contains(&b'?') => Indexing::Repeated,
        b"cookie" if value.len() < GUESSABLE_COOKIE_BYTES => Indexing::Never, // spec: 7541-7.1.3-b
        _ => name_index
            .and_then(|index| POLICY_BY_INDEX.get(index))
            .map_or(Indexing::Indexed, |policy| *policy),
    }
}

/// The policy of each static index: every field that has one stands in the static table.
static POLICY_BY_INDEX: [Indexing; STATIC_TABLE.len() + 1] = {
    let mut policies = [Indexing::Indexed; STATIC_TABLE.len() + 1];
    let mut row = 0;
    while row < POLICY.len() {
        let (mut index, mut found) = (0, false);
        while index < STATIC_TABLE.len() {
            if is_same(STATIC_TABLE[index].0, POLICY[row].0) {
                policies[index + 1] = POLICY[row].1;
                found = true;
            }
            index += 1;
        }
        assert!(found, "a field of the policy is not in the static table");
        row += 1;
    }
    policies
};

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

/// Finds a line in the static table: the index (from 1) of the first entry with that name, or of the one with that value
/// too, and then `true`. `name_hash` is [`hash`] of the name.
pub(crate) fn find_static(name_hash: u32, name: &[u8], value: &[u8]) -> Option<(usize, bool)> {
    let mut slot = name_hash as usize % STATIC_BY_NAME.len();
    let first = loop {
        let index = usize::from(STATIC_BY_NAME[slot]);
        match STATIC_TABLE.get(index.checked_sub(1)?) {
            Some((entry, _)) if *entry == name => break index,
            _ => slot = (slot + 1) % STATIC_BY_NAME.len(),
        }
    };
    let same_name = STATIC_TABLE[first - 1..].iter().take_while(|entry| entry.0 == name);
    let exact = same_name.zip(first..).find(|((_, entry), _)| *entry == value);
    Some(exact.map_or((first, false), |(_, index)| (index, true)))
}

/// The first static index of each name, at its hash or in a slot behind it; 0 ends the search.
static STATIC_BY_NAME: [u8; 256] = {
    let mut slots = [0; 256];
    let mut index = 0;
    while index < STATIC_TABLE.len() {
        let name = STATIC_TABLE[index].0;
        if index == 0 || !is_same(STATIC_TABLE[index - 1].0, name) {
            let mut slot = hash(HASH_START, name) as usize % slots.len();
            while slots[slot] != 0 {
                slot = (slot + 1) % slots.len();
            }
            slots[slot] = index as u8 + 1;
        }
        index += 1;
    }
    slots
};

const fn is_same(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

/// The static table (RFC 7541 appendix A): entry 1 comes first.
pub(crate) static STATIC_TABLE: [(&[u8], &[u8]); 61] = [
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
];

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
