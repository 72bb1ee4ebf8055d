//! How a line stands in a section (RFC 9204 sections 4.5.2 to 4.5.6).

use super::{
    Sin,
    prefix::Prefix,
    rules::{QPACK, pattern},
};
use crate::{FieldLine, integer, string::Text, table::Table};
use sakigake_wire::Reader;

/// One line's representation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Representation<'a> {
    Indexed(Reference),
    Named { name: Reference, value: Text<'a>, never: bool },
    Literal { name: Text<'a>, value: Text<'a>, never: bool },
}

/// Where an entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reference {
    Static(u64),
    /// Counted back from the newest before the Base, or from the newest of all for an instruction.
    Relative(u64),
    /// Counted on from the Base.
    PostBase(u64),
}

impl<'a> Representation<'a> {
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, Sin> {
        let first = reader.u8().map_err(|_| Sin::Truncated)?;
        let is_set = |bit: u8| first & bit != 0;
        if is_set(pattern::INDEXED.0) {
            let index = integer::decode(first, pattern::INDEXED.1, reader)?;
            return Ok(Self::Indexed(Reference::of(is_set(pattern::INDEXED_STATIC), index)));
        }
        if is_set(pattern::NAMED.0) {
            let index = integer::decode(first, pattern::NAMED.1, reader)?;
            let name = Reference::of(is_set(pattern::NAMED_STATIC), index);
            return Ok(Self::Named { name, value: value(reader)?, never: is_set(pattern::NAMED_NEVER) });
        }
        if is_set(pattern::LITERAL.0) {
            let name = Text::read(first, pattern::LITERAL.1, reader)?;
            return Ok(Self::Literal { name, value: value(reader)?, never: is_set(pattern::LITERAL_NEVER) });
        }
        if is_set(pattern::INDEXED_POST_BASE.0) {
            let index = integer::decode(first, pattern::INDEXED_POST_BASE.1, reader)?;
            return Ok(Self::Indexed(Reference::PostBase(index)));
        }
        let name = Reference::PostBase(integer::decode(first, pattern::NAMED_POST_BASE.1, reader)?);
        Ok(Self::Named { name, value: value(reader)?, never: is_set(pattern::NAMED_POST_BASE_NEVER) })
    }
}

impl Reference {
    pub(super) const fn of(is_static: bool, index: u64) -> Self {
        if is_static { Self::Static(index) } else { Self::Relative(index) }
    }
}

/// A string that begins with a byte of its own.
fn value<'a>(reader: &mut Reader<'a>) -> Result<Text<'a>, Sin> {
    let first = reader.u8().map_err(|_| Sin::Truncated)?;
    Ok(Text::read(first, pattern::STRING, reader)?)
}

/// The entries that a section may name.
pub(super) struct Entries<'a> {
    table: &'a Table,
    inserted: u64,
    prefix: Prefix,
    /// How many insertions the references so far needed.
    needed: u64,
}

impl<'a> Entries<'a> {
    pub(super) const fn new(table: &'a Table, inserted: u64, prefix: Prefix) -> Self {
        Self { table, inserted, prefix, needed: 0 }
    }

    pub(super) fn find(&mut self, reference: Reference) -> Result<FieldLine<'a>, Sin> {
        let (index, entry) = match reference {
            Reference::Static(index) => return find_static(index),
            Reference::Relative(index) => {
                (index, self.prefix.base.checked_sub(1).and_then(|at| at.checked_sub(index)))
            }
            Reference::PostBase(index) => (index, Some(self.prefix.base + index)),
        };
        let entry = entry.filter(|entry| *entry < self.prefix.required).ok_or(Sin::Reference(index))?; // spec: 9204-2.2.3-a
        self.needed = self.needed.max(entry + 1);
        find_entry(self.table, self.inserted, entry).ok_or(Sin::Reference(index)) // spec: 9204-2.2.3-b
    }

    /// Whether the section needed what it said.
    pub(super) const fn check(&self) -> Result<(), Sin> {
        if self.needed < self.prefix.required {
            return Err(Sin::Unneeded(self.prefix.required)); // spec: 9204-2.2.1-a
        }
        Ok(())
    }
}

pub(super) fn find_static(index: u64) -> Result<FieldLine<'static>, Sin> {
    let at = usize::try_from(index).map_err(|_| Sin::StaticIndex(index))?;
    QPACK.get(at).ok_or(Sin::StaticIndex(index)) // spec: 9204-3.1-a 9204-3.1-b
}

/// The entry that came as number `entry`, of `inserted`.
pub(super) fn find_entry(table: &Table, inserted: u64, entry: u64) -> Option<FieldLine<'_>> {
    let age = inserted.checked_sub(1)?.checked_sub(entry)?;
    table.find(usize::try_from(age).ok()?) // One older than memory is not there.
}
