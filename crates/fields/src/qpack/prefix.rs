//! What precedes a section's lines (RFC 9204 section 4.5.1).

use super::{Sin, rules::pattern};
use crate::integer;
use sakigake_wire::Reader;

/// How many insertions a section needs, and the entry from which its references count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prefix {
    pub(super) required: u64,
    pub(super) base: u64,
}

impl Prefix {
    /// That of a section without references.
    pub(super) const NONE: Self = Self { required: 0, base: 0 };

    /// Reads what a decoder was sent that has taken `inserted` entries, into a table of `max_table_bytes` at most.
    pub(super) fn read(reader: &mut Reader<'_>, inserted: u64, max_table_bytes: usize) -> Result<Self, Sin> {
        let encoded = leading(reader, pattern::INSERT_COUNT.1)?.1;
        let required = decode_count(encoded, inserted, max_entries(max_table_bytes))?;
        let (first, delta) = leading(reader, pattern::BASE.1)?;
        let base = match first & pattern::BASE_SIGN {
            0 => required + delta,
            _ => required.checked_sub(delta).and_then(|base| base.checked_sub(1)).ok_or(Sin::Base)?, // spec: 9204-4.5.1.2-a
        };
        Ok(Self { required, base })
    }

    pub(super) fn write(self, max_table_bytes: usize, out: &mut Vec<u8>) {
        let range = 2 * max_entries(max_table_bytes);
        let encoded = if self.required == 0 { 0 } else { self.required % range.max(1) + 1 };
        integer::encode(encoded, pattern::INSERT_COUNT.1, 0, out);
        match self.base.checked_sub(self.required) {
            Some(delta) => integer::encode(delta, pattern::BASE.1, 0, out),
            None => integer::encode(self.required - self.base - 1, pattern::BASE.1, pattern::BASE_SIGN, out),
        }
    }
}

/// How many entries, each of 32 bytes at least, a table holds.
const fn max_entries(max_table_bytes: usize) -> u64 {
    max_table_bytes as u64 / 32
}

/// The Required Insert Count, which is sent modulo twice what the table holds (section 4.5.1.1).
fn decode_count(encoded: u64, inserted: u64, max_entries: u64) -> Result<u64, Sin> {
    let range = 2 * max_entries;
    let Some(count) = encoded.checked_sub(1) else { return Ok(0) };
    if encoded > range {
        return Err(Sin::InsertCount(encoded)); // spec: 9204-4.5.1.1-a
    }
    let highest = inserted + max_entries;
    let required = highest / range * range + count;
    let required = match required > highest {
        true => required.checked_sub(range).ok_or(Sin::InsertCount(encoded))?,
        false => required,
    };
    if required == 0 { Err(Sin::InsertCount(encoded)) } else { Ok(required) }
}

fn leading(reader: &mut Reader<'_>, prefix: u8) -> Result<(u8, u64), Sin> {
    let first = reader.u8().map_err(|_| Sin::Truncated)?;
    Ok((first, integer::decode(first, prefix, reader)?))
}
