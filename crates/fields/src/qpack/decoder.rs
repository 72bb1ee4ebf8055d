//! From the peer's sections and instructions to lines.

use super::{
    Fault, Limits, Sin,
    instruction::Instruction,
    line::{self, Entries, Reference, Representation},
    prefix::Prefix,
    rules::pattern,
};
use crate::{
    FieldLine, integer,
    section::{self, Budget, Outcome},
    string::Text,
    table::Table,
};
use sakigake_wire::Reader;
use std::collections::{BTreeMap, VecDeque};

/// One connection's decoder. A fault leaves it out of step: the connection is over, but where
/// [`Fault::spares_connection`].
#[derive(Debug)]
pub struct Decoder {
    limits: Limits,
    table: Table,
    /// Entries that the table has taken so far (the Insert Count).
    inserted: u64,
    /// How many of them the peer's encoder knows of (the Known Received Count).
    told: u64,
    /// The beginning of an instruction whose end has not come.
    partial: Vec<u8>,
    scratch: Vec<u8>,
    /// Sections for which entries are missing, and those behind them on the same stream.
    waiting: BTreeMap<u64, VecDeque<Waiting>>,
    waiting_bytes: usize,
    /// Instructions of ours that nobody has fetched.
    out: Vec<u8>,
}

#[derive(Debug)]
struct Waiting {
    prefix: Prefix,
    lines: Vec<u8>,
}

impl Waiting {
    fn bytes(&self) -> usize {
        self.lines.len() + WAITING_BYTES
    }
}

/// What a section that waits is taken to cost beside its bytes.
const WAITING_BYTES: usize = 64;

/// Bytes of buffers that an idle connection keeps.
const KEPT_BYTES: usize = 512;

impl Decoder {
    /// A decoder whose peer has our settings, or will have them.
    pub const fn new(limits: Limits) -> Self {
        Self {
            limits,
            table: Table::new(0),
            inserted: 0,
            told: 0,
            partial: Vec::new(),
            scratch: Vec::new(),
            waiting: BTreeMap::new(),
            waiting_bytes: 0,
            out: Vec::new(),
        }
    }

    /// The next bytes of the peer's encoder stream, cut anywhere. Afterwards some sections may be [`ready`](Self::ready).
    ///
    /// # Errors
    /// [`Fault::EncoderStream`].
    pub fn read_instructions(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let mut partial = core::mem::take(&mut self.partial);
        let taken = if partial.is_empty() {
            let taken = self.instructions(bytes).map_err(Fault::EncoderStream)?;
            partial.extend_from_slice(&bytes[taken..]);
            taken
        } else {
            partial.extend_from_slice(bytes);
            let taken = self.instructions(&partial).map_err(Fault::EncoderStream)?;
            partial.drain(..taken);
            taken
        };
        if taken > 0 {
            partial.shrink_to(KEPT_BYTES);
            self.scratch.shrink_to(KEPT_BYTES);
        }
        self.partial = partial;
        Ok(())
    }

    /// Entries that the peer's encoder has inserted so far.
    pub const fn inserted(&self) -> u64 {
        self.inserted
    }

    /// Decodes a section of `stream`. `None`: it waits for entries, and what is behind it on the stream is not to be
    /// looked at before it was [`resume`](Self::resume)d. Past `section_limits` the rest is not looked at.
    ///
    /// # Errors
    /// [`Fault::Section`], [`Fault::BlockedBytes`], [`Fault::Unfetched`].
    pub fn decode(
        &mut self,
        stream: u64,
        section: &[u8],
        section_limits: section::Limits,
        sink: &mut impl FnMut(FieldLine<'_>),
    ) -> Result<Option<Outcome>, Fault> {
        let mut reader = Reader::new(section);
        let prefix =
            Prefix::read(&mut reader, self.inserted, self.limits.table_bytes).map_err(Fault::Section)?;
        if prefix.required > self.inserted || self.waiting.contains_key(&stream) {
            self.wait(stream, Waiting { prefix, lines: reader.rest().to_vec() })?;
            return Ok(None);
        }
        self.lines(stream, prefix, reader.rest(), section_limits, sink).map(Some)
    }

    /// A stream whose first waiting section has all its entries now.
    pub fn ready(&self) -> Option<u64> {
        let mut waiting = self.waiting.iter();
        waiting.find_map(|(stream, queue)| (!self.is_blocked(queue)).then_some(*stream))
    }

    /// Decodes the first waiting section of `stream`; `None` where there is none that is ready.
    ///
    /// # Errors
    /// As those of [`decode`](Self::decode).
    pub fn resume(
        &mut self,
        stream: u64,
        section_limits: section::Limits,
        sink: &mut impl FnMut(FieldLine<'_>),
    ) -> Result<Option<Outcome>, Fault> {
        let Some(queue) = self.waiting.get(&stream) else { return Ok(None) };
        if self.is_blocked(queue) {
            return Ok(None);
        }
        let Some(waiting) = self.waiting.get_mut(&stream).and_then(VecDeque::pop_front) else {
            return Ok(None);
        };
        self.waiting_bytes -= waiting.bytes();
        if self.waiting.get(&stream).is_some_and(VecDeque::is_empty) {
            self.waiting.remove(&stream);
        }
        self.lines(stream, waiting.prefix, &waiting.lines, section_limits, sink).map(Some)
    }

    /// Nothing more of `stream` is read, though its end or some sections of it were not: it was reset, or nobody wants
    /// it.
    ///
    /// # Errors
    /// [`Fault::Unfetched`].
    pub fn cancel(&mut self, stream: u64) -> Result<(), Fault> {
        let dropped = self.waiting.remove(&stream).unwrap_or_default();
        self.waiting_bytes -= dropped.iter().map(Waiting::bytes).sum::<usize>();
        if self.limits.table_bytes == 0 {
            return Ok(());
        }
        self.tell(stream, pattern::CANCELLATION) // spec: 9204-2.2.2.2-a
    }

    /// Gives back room that nothing lies in: for a connection at rest.
    pub fn shrink(&mut self) {
        self.partial.shrink_to_fit();
        self.out.shrink_to_fit();
        self.scratch = Vec::new();
    }

    /// Appends what is to leave on our decoder stream.
    pub fn write_instructions(&mut self, out: &mut Vec<u8>) {
        let news = self.inserted - self.told;
        if news > 0 {
            integer::encode(news, pattern::INCREMENT.1, pattern::INCREMENT.0, &mut self.out);
            self.told = self.inserted;
        }
        out.append(&mut self.out);
        self.out.shrink_to(KEPT_BYTES);
    }

    /// Whether [`write_instructions`](Self::write_instructions) would write something.
    pub fn wants_to_write(&self) -> bool {
        !self.out.is_empty() || self.inserted > self.told
    }

    fn is_blocked(&self, queue: &VecDeque<Waiting>) -> bool {
        queue.front().is_some_and(|first| first.prefix.required > self.inserted)
    }

    fn wait(&mut self, stream: u64, waiting: Waiting) -> Result<(), Fault> {
        let bytes = self.waiting_bytes + waiting.bytes();
        if bytes > self.limits.blocked_bytes {
            return Err(Fault::BlockedBytes);
        }
        self.waiting_bytes = bytes;
        self.waiting.entry(stream).or_default().push_back(waiting);
        let blocked = self.waiting.values().filter(|queue| self.is_blocked(queue)).count();
        if blocked > self.limits.blocked_streams {
            return Err(Fault::Section(Sin::BlockedStreams)); // spec: 9204-2.1.2-b
        }
        Ok(())
    }

    /// Decodes a section whose entries are all there, and acknowledges it.
    fn lines(
        &mut self,
        stream: u64,
        prefix: Prefix,
        lines: &[u8],
        section_limits: section::Limits,
        sink: &mut impl FnMut(FieldLine<'_>),
    ) -> Result<Outcome, Fault> {
        let mut entries = Entries::new(&self.table, self.inserted, prefix);
        let outcome = read_lines(&mut entries, lines, section_limits, &mut self.scratch, sink);
        self.scratch.shrink_to(KEPT_BYTES);
        let outcome = outcome.map_err(Fault::Section)?;
        if prefix.required > 0 {
            self.told = self.told.max(prefix.required);
            self.tell(stream, pattern::ACKNOWLEDGMENT)?; // spec: 9204-2.2.2.1-a
        }
        Ok(outcome)
    }

    fn tell(&mut self, stream: u64, (flags, prefix): (u8, u8)) -> Result<(), Fault> {
        integer::encode(stream, prefix, flags, &mut self.out);
        if self.out.len() > self.limits.decoder_stream_bytes {
            return Err(Fault::Unfetched);
        }
        Ok(())
    }

    /// Takes the whole instructions at the front of `bytes`; how long they are.
    fn instructions(&mut self, bytes: &[u8]) -> Result<usize, Sin> {
        let mut reader = Reader::new(bytes);
        loop {
            let taken = bytes.len() - reader.len();
            let most_bytes = self.table.max_bytes().saturating_sub(FieldLine::new(b"", b"").size());
            match Instruction::read(&mut reader, most_bytes)? {
                Some(instruction) => self.instruction(instruction)?,
                None => return Ok(taken),
            }
        }
    }

    fn instruction(&mut self, instruction: Instruction<'_>) -> Result<(), Sin> {
        self.scratch.clear();
        let name_len = match instruction {
            Instruction::Capacity(bytes) => return self.set_capacity(bytes),
            Instruction::Duplicate(index) => {
                let line = find(&self.table, self.inserted, index)?;
                self.scratch.extend_from_slice(line.name);
                self.scratch.extend_from_slice(line.value);
                line.name.len()
            }
            Instruction::InsertNamed { name, value } => {
                let name = match name {
                    Reference::Static(index) => line::find_static(index)?.name,
                    Reference::Relative(index) | Reference::PostBase(index) => {
                        find(&self.table, self.inserted, index)?.name
                    }
                };
                self.scratch.extend_from_slice(name);
                value.append(&mut self.scratch)?;
                name.len()
            }
            Instruction::Insert { name, value } => append(name, value, &mut self.scratch)?,
        };
        let (name, value) = self.scratch.split_at(name_len);
        if FieldLine::new(name, value).size() > self.table.max_bytes() {
            return Err(Sin::EntryTooLarge); // spec: 9204-3.2.2-b
        }
        self.table.insert(name, value); // spec: 9204-3.2.2-a
        self.inserted += 1; // spec: 9204-3.2-a
        Ok(())
    }

    fn set_capacity(&mut self, bytes: u64) -> Result<(), Sin> {
        let allowed = usize::try_from(bytes).ok().filter(|bytes| *bytes <= self.limits.table_bytes);
        self.table.resize(allowed.ok_or(Sin::Capacity(bytes))?); // spec: 9204-4.3.1-a
        Ok(())
    }

    /// Bytes of the table, and those of sections that wait.
    pub(crate) const fn costs(&self) -> (usize, usize) {
        (self.table.bytes(), self.waiting_bytes)
    }
}

pub(super) fn decode_static(
    section: &[u8],
    limits: section::Limits,
    sink: &mut impl FnMut(FieldLine<'_>),
) -> Result<Outcome, Sin> {
    let mut reader = Reader::new(section);
    let prefix = Prefix::read(&mut reader, 0, 0)?;
    let table = Table::new(0);
    read_lines(&mut Entries::new(&table, 0, prefix), reader.rest(), limits, &mut Vec::new(), sink)
}

fn read_lines(
    entries: &mut Entries<'_>,
    lines: &[u8],
    limits: section::Limits,
    scratch: &mut Vec<u8>,
    sink: &mut impl FnMut(FieldLine<'_>),
) -> Result<Outcome, Sin> {
    let mut reader = Reader::new(lines);
    let mut budget = Budget::new(limits);
    while !reader.is_empty() && budget.outcome() == Outcome::Complete {
        scratch.clear();
        let (name_len, value, never) = match Representation::read(&mut reader)? {
            Representation::Indexed(reference) => {
                budget.spend(entries.find(reference)?, sink);
                continue;
            }
            Representation::Named { name, value, never } => {
                let name = entries.find(name)?.name;
                scratch.extend_from_slice(name);
                (name.len(), value, never)
            }
            Representation::Literal { name, value, never } => {
                name.append(scratch)?;
                (scratch.len(), value, never)
            }
        };
        value.append(scratch)?;
        let (name, value) = scratch.split_at(name_len);
        budget.spend(FieldLine { name, value, sensitive: never }, sink); // spec: 9204-2.2-a 9204-4.5.4-a
    }
    if budget.outcome() == Outcome::Complete {
        entries.check()?;
    }
    Ok(budget.outcome())
}

/// Appends both; how long the name is.
fn append(name: Text<'_>, value: Text<'_>, out: &mut Vec<u8>) -> Result<usize, Sin> {
    name.append(out)?;
    let name_len = out.len();
    value.append(out)?;
    Ok(name_len)
}

/// The entry that an instruction names, counted back from the newest.
fn find(table: &Table, inserted: u64, index: u64) -> Result<FieldLine<'_>, Sin> {
    let entry = inserted.checked_sub(1).and_then(|newest| newest.checked_sub(index));
    let line = entry.and_then(|entry| line::find_entry(table, inserted, entry));
    line.ok_or(Sin::Reference(index)) // spec: 9204-2.2.3-c
}
