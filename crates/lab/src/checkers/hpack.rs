//! A second reading of HPACK (RFC 7541): the dynamic table is kept here by itself. Strings, integers and static rows are
//! the coder's own, which its vectors hold.

use sakigake_fields::{hpack, huffman, integer};
use sakigake_wire::Reader;
use std::collections::VecDeque;

pub(crate) type Line = (Vec<u8>, Vec<u8>);

/// One direction's decoder.
pub(crate) struct Decoder {
    statics: Vec<Line>,
    table: VecDeque<Line>,
    bytes: usize,
    most: usize,
    /// What the receiver's SETTINGS allow.
    pub(crate) allowed: usize,
}

impl Decoder {
    pub(crate) fn new() -> Self {
        let limits = hpack::Limits { list_bytes: usize::MAX, lines: usize::MAX };
        let row = |index: u8| {
            let mut line = Line::default();
            let outcome = hpack::decode_static(&[0x80 | index], limits, &mut |found| {
                line = (found.name.to_vec(), found.value.to_vec());
            });
            outcome.is_ok().then_some(line)
        };
        let statics = (1..=61).map_while(row).collect();
        Self { statics, table: VecDeque::new(), bytes: 0, most: 4_096, allowed: 4_096 }
    }

    pub(crate) fn decode(&mut self, block: &[u8]) -> Result<Vec<Line>, String> {
        let mut reader = Reader::new(block);
        let mut lines = Vec::new();
        while let Ok(first) = reader.u8() {
            match first {
                0x80.. => {
                    let index = number(first, 7, &mut reader)?;
                    lines.push(self.row(index)?);
                }
                0x40.. => {
                    let line = self.literal(first, 6, &mut reader)?;
                    self.insert(line.clone());
                    lines.push(line);
                }
                0x20.. => {
                    let size = number(first, 5, &mut reader)?;
                    if size > self.allowed {
                        return Err(format!("a table of {size} bytes where {} are allowed", self.allowed));
                    }
                    self.most = size;
                    self.evict();
                }
                _ => lines.push(self.literal(first, 4, &mut reader)?),
            }
        }
        Ok(lines)
    }

    fn row(&self, index: usize) -> Result<Line, String> {
        let at = index.checked_sub(1).ok_or("index 0")?;
        let row = match at.checked_sub(self.statics.len()) {
            None => self.statics.get(at),
            Some(at) => self.table.get(at),
        };
        row.cloned().ok_or_else(|| format!("no entry {index}"))
    }

    fn literal(&self, first: u8, prefix: u8, reader: &mut Reader<'_>) -> Result<Line, String> {
        let name = match number(first, prefix, reader)? {
            0 => string(reader)?,
            index => self.row(index)?.0,
        };
        Ok((name, string(reader)?))
    }

    fn insert(&mut self, line: Line) {
        self.bytes += size(&line);
        self.table.push_front(line);
        self.evict();
    }

    fn evict(&mut self) {
        while self.bytes > self.most
            && let Some(line) = self.table.pop_back()
        {
            self.bytes -= size(&line);
        }
    }
}

fn size(line: &Line) -> usize {
    line.0.len() + line.1.len() + 32
}

fn number(first: u8, prefix: u8, reader: &mut Reader<'_>) -> Result<usize, String> {
    let number = integer::decode(first, prefix, reader).map_err(|fault| format!("{fault:?}"))?;
    usize::try_from(number).map_err(|_| "an endless integer".into())
}

fn string(reader: &mut Reader<'_>) -> Result<Vec<u8>, String> {
    let first = reader.u8().map_err(|_| "it ends within a line")?;
    let len = number(first, 7, reader)?;
    let bytes = reader.take(len).map_err(|_| "it ends within a string")?;
    if first & 0x80 == 0 {
        return Ok(bytes.to_vec());
    }
    let mut text = Vec::new();
    huffman::decode(bytes, &mut text).map_err(|fault| fault.to_string())?;
    Ok(text)
}
