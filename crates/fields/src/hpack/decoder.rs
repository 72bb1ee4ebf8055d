//! From header blocks to lines.

use super::{DEFAULT_TABLE_BYTES, Fault, Limits, Outcome, pattern};
use crate::{FieldLine, integer, rules::HPACK, section::Budget, string::Text, table::Table};
use sakigake_wire::Reader;

/// One direction's decoder. A fault leaves it out of step: the connection is over.
#[derive(Debug)]
pub struct Decoder {
    table: Table,
    /// What our SETTINGS allow.
    allowed_bytes: usize,
    /// The lowest size that we allowed since the last block, where the table was larger: an update to it is due.
    due: Option<usize>,
    scratch: Vec<u8>,
}

impl Decoder {
    /// A decoder whose peer may use a table of `table_bytes`: 4,096 until SETTINGS said otherwise.
    pub const fn new(table_bytes: usize) -> Self {
        Self { table: Table::new(table_bytes), allowed_bytes: table_bytes, due: None, scratch: Vec::new() }
    }

    /// The peer acknowledged our SETTINGS_HEADER_TABLE_SIZE of `table_bytes`.
    pub fn set_table_size(&mut self, table_bytes: usize) {
        self.allowed_bytes = table_bytes;
        if table_bytes < self.due.unwrap_or(self.table.max_bytes()) {
            self.due = Some(table_bytes);
        }
    }

    /// Decodes a whole block. Past `limits` it keeps the table in step and stops telling `sink`.
    pub fn decode(
        &mut self,
        block: &[u8],
        limits: Limits,
        sink: &mut impl FnMut(FieldLine<'_>),
    ) -> Result<Outcome, Fault> {
        let mut reader = Reader::new(block);
        let mut budget = Budget::new(limits);
        let mut lines_began = false;
        while let Ok(first) = reader.u8() {
            let is_update = first & 0xe0 == pattern::SIZE_UPDATE.0;
            if is_update && lines_began {
                return Err(Fault::LateSizeUpdate); // spec: 7541-4.2-b
            }
            if is_update {
                self.size_update(integer::decode(first, pattern::SIZE_UPDATE.1, &mut reader)?)?;
                continue;
            }
            if self.due.is_some() {
                return Err(Fault::NoSizeUpdate); // spec: 7541-4.2-c 9113-4.3.1-b
            }
            lines_began = true;
            self.line(first, &mut reader, &mut |line| budget.spend(line, sink))?;
        }
        self.scratch.shrink_to(SCRATCH_KEPT_BYTES);
        Ok(budget.outcome())
    }

    fn size_update(&mut self, bytes: u64) -> Result<(), Fault> {
        let allowed = usize::try_from(bytes).ok().filter(|bytes| *bytes <= self.allowed_bytes);
        let size = allowed.ok_or(Fault::SizeUpdate(bytes))?; // spec: 7541-6.3-a
        if self.due.is_some_and(|due| size > due) {
            return Err(Fault::NoSizeUpdate);
        }
        self.due = None;
        self.table.resize(size);
        Ok(())
    }

    fn line(
        &mut self,
        first: u8,
        reader: &mut Reader<'_>,
        sink: &mut impl FnMut(FieldLine<'_>),
    ) -> Result<(), Fault> {
        let form = Form::of(first);
        let index = integer::decode(first, form.prefix(), reader)?;
        if form == Form::Indexed {
            sink(find(index, Some(&self.table))?);
            return Ok(());
        }
        self.scratch.clear();
        let table = Some(&self.table);
        let literal = Literal::read(index, table, reader, &mut self.scratch)?;
        let (name, value) = literal.split(&self.scratch);
        if form == Form::LiteralIndexed {
            self.table.insert(name, value); // spec: 7541-2.3.2-a
        }
        sink(FieldLine { name, value, sensitive: form == Form::LiteralNever }); // spec: 7541-6.2.3-a 7541-2.2-a
        Ok(())
    }

    #[cfg(test)]
    pub(super) const fn table(&self) -> &Table {
        &self.table
    }
}

/// Bytes of scratch that an idle connection keeps.
const SCRATCH_KEPT_BYTES: usize = 512;

/// A decoder before any setting.
impl Default for Decoder {
    fn default() -> Self {
        Self::new(DEFAULT_TABLE_BYTES)
    }
}

pub(super) fn decode_static(
    block: &[u8],
    limits: Limits,
    sink: &mut impl FnMut(FieldLine<'_>),
) -> Result<Outcome, Fault> {
    let mut reader = Reader::new(block);
    let mut budget = Budget::new(limits);
    let mut scratch = Vec::new();
    while let Ok(first) = reader.u8() {
        if first & 0xe0 == pattern::SIZE_UPDATE.0 {
            return Err(Fault::StaticSizeUpdate); // spec: preload-2.2-b
        }
        let form = Form::of(first);
        let index = integer::decode(first, form.prefix(), &mut reader)?;
        match form {
            Form::Indexed => budget.spend(find(index, None)?, sink),
            Form::LiteralIndexed => return Err(Fault::StaticInsertion), // spec: preload-2-b
            Form::Literal | Form::LiteralNever => {
                scratch.clear();
                let literal = Literal::read(index, None, &mut reader, &mut scratch)?;
                let (name, value) = literal.split(&scratch);
                budget.spend(FieldLine { name, value, sensitive: form == Form::LiteralNever }, sink);
            }
        }
    }
    Ok(budget.outcome())
}

/// How a line is represented (RFC 7541 section 6); a size update is no line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Indexed,
    LiteralIndexed,
    Literal,
    LiteralNever,
}

impl Form {
    const fn of(first: u8) -> Self {
        match first {
            0x80.. => Self::Indexed,
            0x40.. => Self::LiteralIndexed,
            0x10..0x20 => Self::LiteralNever,
            _ => Self::Literal,
        }
    }

    const fn prefix(self) -> u8 {
        match self {
            Self::Indexed => pattern::INDEXED.1,
            Self::LiteralIndexed => pattern::LITERAL_INDEXED.1,
            Self::Literal => pattern::LITERAL.1,
            Self::LiteralNever => pattern::LITERAL_NEVER.1,
        }
    }
}

/// The entry that `index` names, in the static table, then in `table`.
fn find(index: u64, table: Option<&Table>) -> Result<FieldLine<'_>, Fault> {
    let at = index.checked_sub(1).ok_or(Fault::IndexZero)?; // spec: 7541-6.1-a
    let at = usize::try_from(at).map_err(|_| Fault::Index(index))?;
    if let Some(line) = HPACK.get(at) {
        return Ok(line);
    }
    let table = table.ok_or(Fault::StaticReference(index))?; // spec: preload-2-a
    table.find(at - HPACK.len()).ok_or(Fault::Index(index)) // spec: 7541-2.3.3-a
}

/// A literal in scratch: name, then value.
struct Literal {
    name_len: usize,
}

impl Literal {
    /// Reads the literal whose name is at `index`, or follows when that is 0. The name is copied, since the line's own
    /// insertion may evict it (RFC 7541 section 4.4).
    fn read(
        index: u64,
        table: Option<&Table>,
        reader: &mut Reader<'_>,
        scratch: &mut Vec<u8>,
    ) -> Result<Self, Fault> {
        if index == 0 {
            string(reader, scratch)?;
        } else {
            scratch.extend_from_slice(find(index, table)?.name);
        }
        let name_len = scratch.len();
        string(reader, scratch)?;
        Ok(Self { name_len })
    }

    fn split<'a>(&self, scratch: &'a [u8]) -> (&'a [u8], &'a [u8]) {
        scratch.split_at(self.name_len)
    }
}

fn string(reader: &mut Reader<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    let first = reader.u8().map_err(|_| Fault::Truncated)?;
    Ok(Text::read(first, pattern::STRING, reader)?.append(out)?)
}
