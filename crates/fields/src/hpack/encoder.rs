//! From lines to header blocks.

use super::{DEFAULT_TABLE_BYTES, pattern};
use crate::{
    FieldLine, huffman, integer,
    rules::{self, HASH_START, Indexing, STATIC_TABLE},
    table::Table,
};
use std::collections::VecDeque;

/// One direction's encoder.
#[derive(Debug)]
pub struct Encoder {
    table: Table,
    /// What helps to find each entry of the table, the oldest in front.
    hashes: VecDeque<Hashes>,
    /// Our own ceiling.
    max_table_bytes: usize,
    /// The size that the peer's decoder works with.
    told_bytes: usize,
    /// The lowest size since the last block.
    lowest_bytes: usize,
    /// Lines that were not indexed because most of their kind come once, by hash.
    recent: [u32; RECENT_LINES],
    next_recent: usize,
    /// Entries that the table has taken so far: each goes by the number that had come before it.
    taken: u64,
    /// The entry that the last line found.
    last: u64,
}

#[derive(Clone, Copy, Debug)]
struct Hashes {
    name: u32,
    line: u32,
    /// The entry that was found after this one the last time: messages have the same lines in the same order.
    next: u64,
}

const RECENT_LINES: usize = 16;

impl Encoder {
    /// An encoder that never uses a table larger than `max_table_bytes`, and none larger than 4,096 bytes before
    /// [`Encoder::peer_allows`] says so.
    pub const fn new(max_table_bytes: usize) -> Self {
        let size = if max_table_bytes < DEFAULT_TABLE_BYTES { max_table_bytes } else { DEFAULT_TABLE_BYTES };
        Self {
            table: Table::new(size),
            hashes: VecDeque::new(),
            max_table_bytes,
            told_bytes: DEFAULT_TABLE_BYTES,
            lowest_bytes: size,
            recent: [0; RECENT_LINES],
            next_recent: 0,
            taken: 0,
            last: 0,
        }
    }

    /// The peer's SETTINGS_HEADER_TABLE_SIZE. The next block begins with what that changes.
    pub fn peer_allows(&mut self, header_table_size: usize) {
        let size = header_table_size.min(self.max_table_bytes); // spec: 7541-4.2-d
        self.table.resize(size);
        self.forget_evicted();
        self.lowest_bytes = self.lowest_bytes.min(size);
    }

    /// Appends one block. Names are in lower case.
    pub fn encode<'a>(&mut self, lines: impl Iterator<Item = FieldLine<'a>>, out: &mut Vec<u8>) {
        self.write_size_updates(out);
        lines.for_each(|line| self.line(line, out)); // spec: 7541-2.2-a
    }

    /// RFC 7541 section 4.2: the lowest size since the last block, if that is lower than what the peer knows, then the
    /// final one.
    fn write_size_updates(&mut self, out: &mut Vec<u8>) {
        let size = self.table.max_bytes();
        let mut tell = |bytes: usize| integer_of(bytes, pattern::SIZE_UPDATE, out);
        if self.lowest_bytes < self.told_bytes.min(size) {
            tell(self.lowest_bytes); // spec: 7541-4.2-a
        }
        if size != self.told_bytes || self.lowest_bytes < self.told_bytes {
            tell(size);
        }
        (self.told_bytes, self.lowest_bytes) = (size, size);
    }

    fn line(&mut self, line: FieldLine<'_>, out: &mut Vec<u8>) {
        if let Some(index) = self.expected(line) {
            return integer_of(index, pattern::INDEXED, out);
        }
        let name = rules::hash(HASH_START, line.name);
        let in_static = rules::find_static(name, line.name, line.value);
        let name_index = in_static.map(|(index, _)| index);
        let indexing = match line.sensitive {
            true => Indexing::Never,
            false => rules::indexing(name_index, line.name, line.value),
        };
        if indexing == Indexing::Never {
            return literal(line, name_index, pattern::LITERAL_NEVER, out); // spec: 7541-7.1.3-a
        }
        if let Some((index, true)) = in_static {
            return integer_of(index, pattern::INDEXED, out);
        }
        let hashes = Hashes { name, line: rules::hash(name.rotate_left(1), line.value), next: 0 };
        let in_table = self.find(hashes, line);
        if let Some((index, true)) = in_table {
            self.note(self.taken - (index - STATIC_TABLE.len()) as u64);
            return integer_of(index, pattern::INDEXED, out);
        }
        let index = in_static.or(in_table).map(|(index, _)| index);
        // A line that would drive out most others is not worth it.
        let pays = line.size() <= self.table.max_bytes() / 4 * 3
            && (indexing == Indexing::Indexed || self.is_repeated(hashes.line));
        if pays {
            literal(line, index, pattern::LITERAL_INDEXED, out);
            self.table.insert(line.name, line.value);
            self.hashes.push_back(hashes);
            self.taken += 1;
            self.note(self.taken - 1);
            self.forget_evicted();
        } else {
            literal(line, index, pattern::LITERAL, out);
        }
    }

    /// The index of the entry that followed the last one the last time, where that is `line`.
    fn expected(&mut self, line: FieldLine<'_>) -> Option<usize> {
        let next = self.known(self.last)?.next;
        let age = usize::try_from(self.taken - 1 - next).ok()?; // One older than memory is not there.
        let entry = self.table.find(age)?;
        if line.sensitive || entry.name != line.name || entry.value != line.value {
            return None;
        }
        self.last = next;
        Some(STATIC_TABLE.len() + 1 + age)
    }

    /// A line found this entry.
    fn note(&mut self, entry: u64) {
        if let Some(last) = self.known(self.last) {
            last.next = entry;
        }
        self.last = entry;
    }

    /// What is known of an entry that was taken, unless it was evicted.
    fn known(&mut self, entry: u64) -> Option<&mut Hashes> {
        let evicted = self.taken - self.hashes.len() as u64;
        let at = usize::try_from(entry.checked_sub(evicted)?).ok()?; // As above.
        self.hashes.get_mut(at)
    }

    /// The index of the newest entry with that name, or of the one with that value too, and then `true`.
    fn find(&self, hashes: Hashes, line: FieldLine<'_>) -> Option<(usize, bool)> {
        let mut named = None;
        for (age, entry) in self.hashes.iter().rev().enumerate() {
            if entry.name != hashes.name || (named.is_some() && entry.line != hashes.line) {
                continue;
            }
            let found = self.table.find(age).filter(|found| found.name == line.name);
            let Some(found) = found else { continue };
            let index = STATIC_TABLE.len() + 1 + age;
            if found.value == line.value {
                return Some((index, true));
            }
            named = named.or(Some((index, false)));
        }
        named
    }

    /// Whether that line came a short while ago; remembers it otherwise.
    fn is_repeated(&mut self, hash: u32) -> bool {
        if self.recent.contains(&hash) {
            return true;
        }
        self.recent[self.next_recent] = hash;
        self.next_recent = (self.next_recent + 1) % RECENT_LINES;
        false
    }

    fn forget_evicted(&mut self) {
        let evicted = self.hashes.len() - self.table.len();
        self.hashes.drain(..evicted);
    }

    #[cfg(test)]
    pub(super) const fn table(&self) -> &Table {
        &self.table
    }
}

pub(super) fn encode_static_line(line: FieldLine<'_>, out: &mut Vec<u8>) {
    let name = rules::hash(HASH_START, line.name);
    match rules::find_static(name, line.name, line.value) {
        Some((index, true)) if !line.sensitive => integer_of(index, pattern::INDEXED, out),
        found => {
            let form = if line.sensitive { pattern::LITERAL_NEVER } else { pattern::LITERAL };
            literal(line, found.map(|(index, _)| index), form, out);
        }
    }
}

fn literal(line: FieldLine<'_>, name_index: Option<usize>, form: (u8, u8), out: &mut Vec<u8>) {
    integer_of(name_index.unwrap_or(0), form, out);
    if name_index.is_none() {
        string(line.name, out);
    }
    string(line.value, out);
}

/// A string literal, as Huffman codes where that is shorter.
fn string(bytes: &[u8], out: &mut Vec<u8>) {
    let encoded_len = huffman::encoded_len(bytes);
    if encoded_len < bytes.len() {
        integer_of(encoded_len, pattern::HUFFMAN, out);
        huffman::encode(bytes, out);
    } else {
        integer_of(bytes.len(), (0, pattern::HUFFMAN.1), out);
        out.extend_from_slice(bytes);
    }
}

fn integer_of(value: usize, (flags, prefix): (u8, u8), out: &mut Vec<u8>) {
    integer::encode(value as u64, prefix, flags, out);
}
