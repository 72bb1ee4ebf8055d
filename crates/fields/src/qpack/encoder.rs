//! From lines to sections, and what the peer's table has to learn for them.

use super::{
    Fault, Limits, Sin, instruction,
    line::Reference,
    prefix::Prefix,
    rules::{QPACK, pattern},
};
use crate::{
    FieldLine, integer,
    memory::{Hashes, Memory},
    rules::{self, HASH_START, Indexing},
    string,
};
use sakigake_wire::Reader;
use std::collections::VecDeque;

/// One connection's encoder.
///
/// It refers to entries that the peer has not acknowledged only where the peer lets one more stream wait for them, and
/// not at all before the peer has acknowledged the first one: what it encodes until then waits for nothing.
#[derive(Debug)]
pub struct Encoder {
    limits: Limits,
    memory: Memory,
    /// What the peer's settings allow, in bytes: references are counted by it.
    allowed_bytes: usize,
    /// Streams that may wait for entries at the peer.
    blocked_streams: u64,
    /// Entries that the peer is known to have (the Known Received Count).
    known: u64,
    /// Sections that refer to the table and are not acknowledged, the oldest in front.
    sent: VecDeque<Sent>,
    /// The beginning of an instruction of the peer's decoder whose end has not come.
    partial: Vec<u8>,
    /// Instructions of ours that nobody has fetched, and how many bytes of them the stream has room for.
    out: Vec<u8>,
    room: usize,
    scratch: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Sent {
    stream: u64,
    required: u64,
    /// The oldest entry that it refers to.
    lowest: u64,
}

/// A section while it is encoded.
struct Draft {
    prefix: Prefix,
    lowest: u64,
    /// Whether it may refer to entries at all, and to those that the peer may not have.
    may_refer: bool,
    may_wait: bool,
    lines: Vec<u8>,
}

impl Draft {
    fn refer(&mut self, entry: u64) {
        self.prefix.required = self.prefix.required.max(entry + 1);
        self.lowest = self.lowest.min(entry);
    }
}

impl Encoder {
    /// An encoder that uses no table before [`peer_allows`](Self::peer_allows) says so.
    pub const fn new(limits: Limits) -> Self {
        Self {
            limits,
            memory: Memory::new(0),
            allowed_bytes: 0,
            blocked_streams: 0,
            known: 0,
            sent: VecDeque::new(),
            partial: Vec::new(),
            out: Vec::new(),
            room: limits.encoder_stream_bytes,
            scratch: Vec::new(),
        }
    }

    /// The peer's SETTINGS_QPACK_MAX_TABLE_CAPACITY and SETTINGS_QPACK_BLOCKED_STREAMS: those that early data goes by,
    /// and then those that came.
    ///
    /// # Errors
    /// [`Sin::CapacityChanged`], where the first was known and is another now.
    pub fn peer_allows(&mut self, max_table_capacity: u64, blocked_streams: u64) -> Result<(), Fault> {
        let allowed = usize::try_from(max_table_capacity).unwrap_or(usize::MAX);
        self.blocked_streams = blocked_streams;
        if self.allowed_bytes != 0 && self.allowed_bytes != allowed {
            return Err(Fault::DecoderStream(Sin::CapacityChanged(max_table_capacity))); // spec: 9204-3.2.3-a
        }
        if self.allowed_bytes == 0 && allowed > 0 {
            self.allowed_bytes = allowed;
            self.set_capacity(self.limits.peer_table_bytes);
        }
        Ok(())
    }

    /// Changes the table's size to `bytes`, or to what the peer allows where that is less. `false`: entries that would go
    /// are still in use, and nothing was changed.
    pub fn set_capacity(&mut self, bytes: usize) -> bool {
        let bytes = bytes.min(self.allowed_bytes); // spec: 9204-3.2.3-b 9204-3.2.3-c
        if bytes == self.memory.table().max_bytes() {
            return true;
        }
        if !self.may_drive_out(self.memory.table().driven_out(0, bytes), u64::MAX) {
            return false; // spec: 9204-4.3.1-b
        }
        instruction::write_capacity(bytes, &mut self.out);
        self.memory.resize(bytes);
        true
    }

    /// How many bytes of instructions the encoder stream takes now, those counted that are not fetched: no instruction is
    /// begun that has no room for its end.
    pub fn set_room(&mut self, bytes: usize) {
        self.room = bytes.min(self.limits.encoder_stream_bytes);
    }

    /// Whether the peer allows a table, so that there may be instructions.
    pub const fn has_table(&self) -> bool {
        self.allowed_bytes > 0
    }

    /// Appends the section of `lines`, which is to leave on `stream` after what [`write_instructions`] gives. Names are in
    /// lower case.
    ///
    /// [`write_instructions`]: Self::write_instructions
    pub fn encode<'a>(&mut self, stream: u64, lines: impl Iterator<Item = FieldLine<'a>>, out: &mut Vec<u8>) {
        let base = self.memory.taken();
        let mut draft = Draft {
            prefix: Prefix { required: 0, base },
            lowest: u64::MAX,
            may_refer: self.sent.len() < self.limits.unacknowledged_sections,
            may_wait: self.may_wait(stream),
            lines: core::mem::take(&mut self.scratch),
        };
        lines.for_each(|line| self.line(line, &mut draft)); // spec: 9204-2.1-a
        match draft.prefix.required {
            0 => Prefix::NONE.write(0, out),
            required => {
                draft.prefix.write(self.allowed_bytes, out);
                self.sent.push_back(Sent { stream, required, lowest: draft.lowest });
            }
        }
        out.append(&mut draft.lines);
        draft.lines.shrink_to(KEPT_BYTES);
        self.scratch = draft.lines;
    }

    /// Gives back room that nothing lies in: for a connection at rest.
    pub fn shrink(&mut self) {
        self.sent.shrink_to_fit();
        self.partial.shrink_to_fit();
        self.out.shrink_to_fit();
        self.scratch = Vec::new();
    }

    /// Appends what is to leave on our encoder stream.
    pub fn write_instructions(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.out);
        self.out.shrink_to(KEPT_BYTES);
    }

    /// Whether [`write_instructions`](Self::write_instructions) would write something.
    pub const fn wants_to_write(&self) -> bool {
        !self.out.is_empty()
    }

    /// The next bytes of the peer's decoder stream, cut anywhere.
    ///
    /// # Errors
    /// [`Fault::DecoderStream`].
    pub fn read_instructions(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let mut rest = bytes;
        while let Some((byte, tail)) = rest.split_first() {
            rest = tail;
            self.partial.push(*byte);
            self.instruction().map_err(Fault::DecoderStream)?;
        }
        Ok(())
    }

    /// Takes what has come of an instruction, if it is whole: at most ten bytes.
    fn instruction(&mut self) -> Result<(), Sin> {
        let mut reader = Reader::new(&self.partial);
        let Ok(first) = reader.u8() else { return Ok(()) };
        let prefix = match first {
            0x80.. => pattern::ACKNOWLEDGMENT.1,
            0x40.. => pattern::CANCELLATION.1,
            _ => pattern::INCREMENT.1,
        };
        let value = match integer::decode(first, prefix, &mut reader) {
            Err(integer::Fault::Truncated) => return Ok(()),
            read => read?,
        };
        self.partial.clear();
        match first {
            0x80.. => return self.acknowledged(value),
            0x40.. => self.sent.retain(|sent| sent.stream != value),
            _ => {
                let unknown = self.memory.taken() - self.known;
                if value == 0 || value > unknown {
                    return Err(Sin::Increment(value)); // spec: 9204-4.4.3-a
                }
                self.known += value;
            }
        }
        Ok(())
    }

    /// The oldest section of `stream` was decoded.
    fn acknowledged(&mut self, stream: u64) -> Result<(), Sin> {
        let at = self.sent.iter().position(|sent| sent.stream == stream);
        let sent = at.and_then(|at| self.sent.remove(at));
        let sent = sent.ok_or(Sin::Acknowledgment(stream))?; // spec: 9204-4.4.1-a
        self.known = self.known.max(sent.required);
        Ok(())
    }

    /// Whether a section of `stream` may wait for entries.
    fn may_wait(&self, stream: u64) -> bool {
        if self.known == 0 {
            return false;
        }
        let may_block = |sent: &&Sent| sent.required > self.known;
        if self.sent.iter().any(|sent| sent.stream == stream && may_block(&sent)) {
            return true;
        }
        let is_first = |at: usize, stream: u64| {
            !self.sent.iter().take(at).filter(may_block).any(|sent| sent.stream == stream)
        };
        let blocked =
            self.sent.iter().enumerate().filter(|(at, sent)| may_block(sent) && is_first(*at, sent.stream));
        (blocked.count() as u64) < self.blocked_streams // spec: 9204-2.1.2-a
    }

    fn line(&mut self, line: FieldLine<'_>, draft: &mut Draft) {
        if let Some(entry) = self.memory.expected(line)
            && self.may_use(entry, draft)
            && !self.is_draining(entry)
        {
            return indexed(entry, draft);
        }
        let name = rules::hash(HASH_START, line.name);
        let in_static = QPACK.find(name, line.name, line.value);
        let indexing = match line.sensitive {
            true => Indexing::Never,
            false => QPACK.indexing(in_static.map(|(at, _)| at), line.name, line.value),
        };
        if let Some((at, true)) = in_static
            && indexing != Indexing::Never
        {
            return indexed_static(at, &mut draft.lines);
        }
        let static_name = in_static.map(|(at, _)| Reference::Static(at as u64));
        if indexing == Indexing::Never {
            return literal(line, static_name, true, &mut draft.lines); // spec: 9204-7.1.3-a
        }
        let hashes = Hashes::of(name, line);
        let found = if draft.may_refer {
            self.entry(line, hashes, indexing, static_name, draft)
        } else {
            Found::default()
        };
        if let Some(entry) = found.line {
            self.memory.note(entry);
            return indexed(entry, draft);
        }
        let name = static_name.or_else(|| found.name.map(|entry| refer(entry, draft)));
        literal(line, name, false, &mut draft.lines);
    }

    /// The entries that the section may use for a line; what is worth it is inserted.
    fn entry(
        &mut self,
        line: FieldLine<'_>,
        hashes: Hashes,
        indexing: Indexing,
        static_name: Option<Reference>,
        draft: &Draft,
    ) -> Found {
        let usable = |encoder: &Self, entry: &u64| encoder.may_use(*entry, draft);
        let in_table = self.memory.find(hashes, line, u64::MAX);
        let Some((entry, true)) = in_table else {
            let name = in_table.map(|(entry, _)| entry);
            let reference =
                static_name.or_else(|| name.map(|name| Reference::Relative(self.memory.taken() - 1 - name)));
            // A line that would drive out most others is not worth it.
            // Nor is one that this section may not refer to, unless it comes again, or is among a connection's first.
            let at_once = indexing == Indexing::Indexed && (draft.may_wait || self.known == 0);
            let pays = line.size() <= self.memory.table().max_bytes() / 4 * 3
                && (at_once || self.memory.is_repeated(hashes));
            let inserted = if pays { self.insert(line, hashes, reference, draft) } else { None };
            let name = name.filter(|name| *name >= self.oldest() && !self.is_draining(*name));
            return Found {
                line: inserted.filter(|entry| usable(self, entry)),
                name: name.filter(|entry| usable(self, entry)),
            };
        };
        if self.is_draining(entry)
            && let Some(duplicate) = self.duplicate(line, hashes, entry, draft)
            && usable(self, &duplicate)
        {
            return Found { line: Some(duplicate), name: None };
        }
        let acknowledged = || self.memory.find(hashes, line, self.known).filter(|(_, is_whole)| *is_whole);
        let entry = Some(entry)
            .filter(|entry| usable(self, entry))
            .or_else(|| acknowledged().map(|(entry, _)| entry));
        Found { line: entry.filter(|entry| *entry >= self.oldest()), name: None }
    }

    fn may_use(&self, entry: u64, draft: &Draft) -> bool {
        draft.may_refer && (entry < self.known || draft.may_wait)
    }

    /// Whether an entry is among those that go next: a reference would keep it, and hold up insertions (section 2.1.1.1).
    fn is_draining(&self, entry: u64) -> bool {
        let age = (self.memory.taken() - 1 - entry) as usize;
        self.memory.table().bytes_from(age) > self.memory.table().max_bytes() / 4 * 3
    }

    /// The oldest entry that the table has.
    fn oldest(&self) -> u64 {
        self.memory.taken() - self.memory.table().len() as u64
    }

    /// Whether the oldest `count` entries are in nobody's use; `lowest` is the oldest one that the section at hand uses.
    fn may_drive_out(&self, count: usize, lowest: u64) -> bool {
        if count == 0 {
            return true;
        }
        let end = self.oldest() + count as u64;
        let in_use = self.sent.iter().map(|sent| sent.lowest).min().unwrap_or(u64::MAX);
        end <= self.known.min(in_use).min(lowest) // spec: 9204-2.1.1-a
    }

    /// Inserts a line, if there is room for it in the table and for the instruction on its way.
    fn insert(
        &mut self,
        line: FieldLine<'_>,
        hashes: Hashes,
        name: Option<Reference>,
        draft: &Draft,
    ) -> Option<u64> {
        self.add(line, hashes, draft, |out| instruction::write_insert(line, name, out))
    }

    /// Inserts an entry again, so that the old one can go.
    fn duplicate(&mut self, line: FieldLine<'_>, hashes: Hashes, entry: u64, draft: &Draft) -> Option<u64> {
        let index = self.memory.taken() - 1 - entry;
        self.add(line, hashes, draft, |out| instruction::write_duplicate(index, out))
    }

    fn add(
        &mut self,
        line: FieldLine<'_>,
        hashes: Hashes,
        draft: &Draft,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Option<u64> {
        let table = self.memory.table();
        if !self.may_drive_out(table.driven_out(line.size(), table.max_bytes()), draft.lowest) {
            return None;
        }
        let len = self.out.len();
        write(&mut self.out);
        if self.out.len() > self.room {
            self.out.truncate(len); // spec: 9204-2.1.3-a
            return None;
        }
        self.memory.insert(hashes, line);
        Some(self.memory.taken() - 1)
    }

    /// Bytes of the table, and how many sections that refer to it are not acknowledged.
    pub(crate) fn costs(&self) -> (usize, usize) {
        (self.memory.table().bytes(), self.sent.len())
    }
}

/// Bytes of buffers that an idle connection keeps.
const KEPT_BYTES: usize = 512;

/// What the table has for a line.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    line: Option<u64>,
    /// An entry with its name.
    name: Option<u64>,
}

pub(super) fn encode_static_line(line: FieldLine<'_>, out: &mut Vec<u8>) {
    let name = rules::hash(HASH_START, line.name);
    match QPACK.find(name, line.name, line.value) {
        Some((at, true)) if !line.sensitive => indexed_static(at, out),
        found => literal(line, found.map(|(at, _)| Reference::Static(at as u64)), line.sensitive, out),
    }
}

fn indexed_static(at: usize, out: &mut Vec<u8>) {
    integer::encode(at as u64, pattern::INDEXED.1, pattern::INDEXED.0 | pattern::INDEXED_STATIC, out);
}

fn indexed(entry: u64, draft: &mut Draft) {
    let (index, (flags, prefix)) = match refer(entry, draft) {
        Reference::PostBase(index) => (index, pattern::INDEXED_POST_BASE),
        Reference::Relative(index) | Reference::Static(index) => (index, pattern::INDEXED),
    };
    integer::encode(index, prefix, flags, &mut draft.lines);
}

/// How the section names an entry.
fn refer(entry: u64, draft: &mut Draft) -> Reference {
    draft.refer(entry);
    let base = draft.prefix.base;
    match entry.checked_sub(base) {
        Some(index) => Reference::PostBase(index),
        None => Reference::Relative(base - 1 - entry),
    }
}

fn literal(line: FieldLine<'_>, name: Option<Reference>, never: bool, out: &mut Vec<u8>) {
    let with = |flag: u8| if never { flag } else { 0 };
    let (flags, prefix) = pattern::NAMED;
    match name {
        Some(Reference::Static(index)) => {
            integer::encode(index, prefix, flags | pattern::NAMED_STATIC | with(pattern::NAMED_NEVER), out);
        }
        Some(Reference::Relative(index)) => {
            integer::encode(index, prefix, flags | with(pattern::NAMED_NEVER), out);
        }
        Some(Reference::PostBase(index)) => {
            let (flags, prefix) = pattern::NAMED_POST_BASE;
            integer::encode(index, prefix, flags | with(pattern::NAMED_POST_BASE_NEVER), out);
        }
        None => {
            let (flags, prefix) = pattern::LITERAL;
            string::encode(line.name, prefix, flags | with(pattern::LITERAL_NEVER), out);
        }
    }
    string::encode(line.value, pattern::STRING, 0, out);
}
