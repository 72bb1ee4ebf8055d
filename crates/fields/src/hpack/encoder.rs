//! From lines to header blocks.

use super::{DEFAULT_TABLE_BYTES, pattern};
use crate::{
    FieldLine, integer,
    memory::{Hashes, Memory},
    rules::{self, HASH_START, HPACK, Indexing},
    string,
};

/// One direction's encoder.
#[derive(Debug)]
pub struct Encoder {
    memory: Memory,
    /// Our own ceiling.
    max_table_bytes: usize,
    /// The size that the peer's decoder works with.
    told_bytes: usize,
    /// The lowest size since the last block.
    lowest_bytes: usize,
}

impl Encoder {
    /// An encoder that never uses a table larger than `max_table_bytes`, and none larger than 4,096 bytes before
    /// [`Encoder::peer_allows`] says so.
    pub const fn new(max_table_bytes: usize) -> Self {
        let size = if max_table_bytes < DEFAULT_TABLE_BYTES { max_table_bytes } else { DEFAULT_TABLE_BYTES };
        Self {
            memory: Memory::new(size),
            max_table_bytes,
            told_bytes: DEFAULT_TABLE_BYTES,
            lowest_bytes: size,
        }
    }

    /// The peer's SETTINGS_HEADER_TABLE_SIZE. The next block begins with what that changes.
    pub fn peer_allows(&mut self, header_table_size: usize) {
        let size = header_table_size.min(self.max_table_bytes); // spec: 7541-4.2-d
        self.memory.resize(size);
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
        let size = self.memory.table().max_bytes();
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
        if let Some(entry) = self.memory.expected(line) {
            return integer_of(self.index_of(entry), pattern::INDEXED, out);
        }
        let name = rules::hash(HASH_START, line.name);
        let in_static = HPACK.find(name, line.name, line.value);
        let indexing = match line.sensitive {
            true => Indexing::Never,
            false => HPACK.indexing(in_static.map(|(at, _)| at), line.name, line.value),
        };
        let name_index = in_static.map(|(at, _)| at + 1);
        if indexing == Indexing::Never {
            return literal(line, name_index, pattern::LITERAL_NEVER, out); // spec: 7541-7.1.3-a
        }
        if let Some((at, true)) = in_static {
            return integer_of(at + 1, pattern::INDEXED, out);
        }
        let hashes = Hashes::of(name, line);
        let in_table = self.memory.find(hashes, line, u64::MAX);
        if let Some((entry, true)) = in_table {
            self.memory.note(entry);
            return integer_of(self.index_of(entry), pattern::INDEXED, out);
        }
        let index = name_index.or_else(|| in_table.map(|(entry, _)| self.index_of(entry)));
        // A line that would drive out most others is not worth it.
        let pays = line.size() <= self.memory.table().max_bytes() / 4 * 3
            && (indexing == Indexing::Indexed || self.memory.is_repeated(hashes));
        if pays {
            literal(line, index, pattern::LITERAL_INDEXED, out);
            self.memory.insert(hashes, line);
        } else {
            literal(line, index, pattern::LITERAL, out);
        }
    }

    /// How a block names an entry that the table has.
    const fn index_of(&self, entry: u64) -> usize {
        HPACK.len() + (self.memory.taken() - entry) as usize
    }

    #[cfg(test)]
    pub(super) const fn table(&self) -> &crate::table::Table {
        self.memory.table()
    }
}

pub(super) fn encode_static_line(line: FieldLine<'_>, out: &mut Vec<u8>) {
    let name = rules::hash(HASH_START, line.name);
    match HPACK.find(name, line.name, line.value) {
        Some((at, true)) if !line.sensitive => integer_of(at + 1, pattern::INDEXED, out),
        found => {
            let form = if line.sensitive { pattern::LITERAL_NEVER } else { pattern::LITERAL };
            literal(line, found.map(|(at, _)| at + 1), form, out);
        }
    }
}

fn literal(line: FieldLine<'_>, name_index: Option<usize>, form: (u8, u8), out: &mut Vec<u8>) {
    integer_of(name_index.unwrap_or(0), form, out);
    if name_index.is_none() {
        string::encode(line.name, pattern::STRING, 0, out);
    }
    string::encode(line.value, pattern::STRING, 0, out);
}

fn integer_of(value: usize, (flags, prefix): (u8, u8), out: &mut Vec<u8>) {
    integer::encode(value as u64, prefix, flags, out);
}
