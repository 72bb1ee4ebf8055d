//! What an encoder tells a decoder (RFC 9204 section 4.3).

use super::{Sin, line::Reference, rules::pattern};
use crate::{
    FieldLine, integer,
    string::{self, Text},
};
use sakigake_wire::Reader;

/// One instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Instruction<'a> {
    Capacity(u64),
    InsertNamed { name: Reference, value: Text<'a> },
    Insert { name: Text<'a>, value: Text<'a> },
    Duplicate(u64),
}

impl<'a> Instruction<'a> {
    /// Reads an instruction, whose strings have at most `most_bytes` each; `None` where its end has not come. That takes
    /// no longer for a long one than for a short one, however often it is tried.
    pub(super) fn read(reader: &mut Reader<'a>, most_bytes: usize) -> Result<Option<Self>, Sin> {
        match Self::read_whole(reader, most_bytes) {
            Err(Sin::Truncated) => Ok(None),
            read => read.map(Some),
        }
    }

    fn read_whole(reader: &mut Reader<'a>, most_bytes: usize) -> Result<Self, Sin> {
        let first = reader.u8().map_err(|_| Sin::Truncated)?;
        if first & pattern::INSERT_NAMED.0 != 0 {
            let index = integer::decode(first, pattern::INSERT_NAMED.1, reader)?;
            let name = Reference::of(first & pattern::INSERT_STATIC != 0, index);
            return Ok(Self::InsertNamed { name, value: value(reader, most_bytes)? });
        }
        if first & pattern::INSERT.0 != 0 {
            let name = text(first, pattern::INSERT.1, reader, most_bytes)?;
            return Ok(Self::Insert { name, value: value(reader, most_bytes)? });
        }
        if first & pattern::CAPACITY.0 != 0 {
            return Ok(Self::Capacity(integer::decode(first, pattern::CAPACITY.1, reader)?));
        }
        Ok(Self::Duplicate(integer::decode(first, pattern::DUPLICATE.1, reader)?))
    }
}

fn value<'a>(reader: &mut Reader<'a>, most_bytes: usize) -> Result<Text<'a>, Sin> {
    let first = reader.u8().map_err(|_| Sin::Truncated)?;
    text(first, pattern::STRING, reader, most_bytes)
}

fn text<'a>(first: u8, prefix: u8, reader: &mut Reader<'a>, most_bytes: usize) -> Result<Text<'a>, Sin> {
    match Text::read_within(first, prefix, reader, most_bytes)? {
        (text, true) => Ok(text),
        (_, false) => Err(Sin::EntryTooLarge), // spec: 9204-7.4-b
    }
}

pub(super) fn write_capacity(bytes: usize, out: &mut Vec<u8>) {
    integer::encode(bytes as u64, pattern::CAPACITY.1, pattern::CAPACITY.0, out);
}

pub(super) fn write_duplicate(index: u64, out: &mut Vec<u8>) {
    integer::encode(index, pattern::DUPLICATE.1, pattern::DUPLICATE.0, out);
}

/// Writes an insertion, whose name goes by reference where there is one.
pub(super) fn write_insert(line: FieldLine<'_>, name: Option<Reference>, out: &mut Vec<u8>) {
    let (flags, prefix) = pattern::INSERT_NAMED;
    match name {
        Some(Reference::Static(index)) => integer::encode(index, prefix, flags | pattern::INSERT_STATIC, out),
        Some(Reference::Relative(index) | Reference::PostBase(index)) => {
            integer::encode(index, prefix, flags, out)
        }
        None => string::encode(line.name, pattern::INSERT.1, pattern::INSERT.0, out),
    }
    string::encode(line.value, pattern::STRING, 0, out);
}
