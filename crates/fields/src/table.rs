//! The dynamic table: lines in the order of their arrival, evicted by size (RFC 7541 section 4).

use crate::FieldLine;
use std::collections::VecDeque;

/// Lines of at most `max_bytes` together, each counted with 32 bytes more. The text lies in one buffer of at most twice
/// that size.
#[derive(Debug)]
pub(crate) struct Table {
    text: Vec<u8>,
    /// The position of `text[0]` since the table began.
    base: u64,
    /// The oldest line in front.
    entries: VecDeque<Entry>,
    bytes: usize,
    max_bytes: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    start: u64,
    name_len: u32,
    value_len: u32,
}

/// What a table has room for at its first line: less than a message's lines take, and without them it would grow line by line.
pub(crate) const FIRST_LINES: usize = 8;
const FIRST_TEXT_BYTES: usize = 256;

impl Entry {
    const fn size(self) -> usize {
        self.name_len as usize + self.value_len as usize + 32
    }
}

impl Table {
    pub(crate) const fn new(max_bytes: usize) -> Self {
        Self { text: Vec::new(), base: 0, entries: VecDeque::new(), bytes: 0, max_bytes }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) const fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The line that arrived `age` lines before the newest.
    pub(crate) fn find(&self, age: usize) -> Option<FieldLine<'_>> {
        let entry = self.entries.get(self.entries.len().checked_sub(age)?.checked_sub(1)?)?;
        let line = &self.text[(entry.start - self.base) as usize..][..entry.size() - 32];
        let (name, value) = line.split_at(entry.name_len as usize);
        Some(FieldLine::new(name, value))
    }

    /// How many of the oldest lines go when `max_bytes` less `bytes` are to hold the rest.
    pub(crate) fn driven_out(&self, bytes: usize, max_bytes: usize) -> usize {
        let mut over = (self.bytes + bytes).saturating_sub(max_bytes);
        let goes = |entry: &&Entry| {
            let is_over = over > 0;
            over = over.saturating_sub(entry.size());
            is_over
        };
        self.entries.iter().take_while(goes).count()
    }

    /// Bytes of the line that arrived `age` lines before the newest, and of all that came behind it.
    pub(crate) fn bytes_from(&self, age: usize) -> usize {
        let Some(at) = self.entries.len().checked_sub(age + 1) else { return self.bytes };
        let Some(entry) = self.entries.get(at) else { return 0 };
        let text = self.text.len() - (entry.start - self.base) as usize;
        text + 32 * (age + 1)
    }

    /// Takes a line, and drops old ones for it. One that is larger than the whole table empties it and is not kept
    /// (section 4.4).
    pub(crate) fn insert(&mut self, name: &[u8], value: &[u8]) {
        let size = FieldLine::new(name, value).size();
        self.evict(self.max_bytes.saturating_sub(size)); // spec: 7541-4.4-a
        let (Ok(name_len), Ok(value_len)) = (u32::try_from(name.len()), u32::try_from(value.len())) else {
            return self.evict(0);
        };
        if size > self.max_bytes {
            return;
        }
        if self.text.capacity() == 0 {
            self.text.reserve(FIRST_TEXT_BYTES);
            self.entries.reserve(FIRST_LINES);
        }
        let start = self.base + self.text.len() as u64;
        self.text.extend_from_slice(name);
        self.text.extend_from_slice(value);
        self.entries.push_back(Entry { start, name_len, value_len });
        self.bytes += size;
    }

    /// Sets the size limit and drops what no longer fits (section 4.3).
    pub(crate) fn resize(&mut self, max_bytes: usize) {
        self.max_bytes = max_bytes;
        self.evict(max_bytes); // spec: 7541-4.3-a
        if self.entries.is_empty() {
            self.text = Vec::new();
        }
    }

    /// Drops the oldest lines until at most `bytes` are left.
    fn evict(&mut self, bytes: usize) {
        while self.bytes > bytes {
            let Some(entry) = self.entries.pop_front() else { break };
            self.bytes -= entry.size();
        }
        let end = self.base + self.text.len() as u64;
        let start = self.entries.front().map_or(end, |entry| entry.start);
        // Closing the gap costs what is alive, so it waits until as much is dead.
        let dead = (start - self.base) as usize;
        if dead >= self.text.len() - dead {
            self.text.drain(..dead);
            self.base = start;
        }
    }
}
