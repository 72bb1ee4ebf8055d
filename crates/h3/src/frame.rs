//! Frames of one stream, cut anywhere (section 7.1).

use crate::Fault;
use sakigake_wire::{MAX_VARINT, Reader, Writer};

/// Where in the stream the next byte stands.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    reading: Reading,
    /// The beginning of a head, or of a payload that is kept.
    partial: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default)]
enum Reading {
    #[default]
    Head,
    Payload {
        kind: u64,
        left: u64,
        fate: Fate,
    },
}

/// What is done with a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is handed on as it comes.
    Pass,
    /// It is handed on when it is whole.
    Keep,
    /// Nobody wants it.
    Skip,
}

/// A piece of the stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// Some bytes of a frame's payload.
    Part(&'a [u8]),
    /// A whole frame: type and payload.
    Frame(u64, Vec<u8>),
}

impl Frames {
    /// Takes the next piece off `input`, if there is one. `admit` says by type and length what becomes of a payload.
    pub(crate) fn next<'a>(
        &mut self,
        input: &mut &'a [u8],
        admit: &mut impl FnMut(u64, u64) -> Result<Fate, Fault>,
    ) -> Result<Option<Piece<'a>>, Fault> {
        loop {
            let Reading::Payload { kind, left, fate } = &mut self.reading else {
                let Some((kind, len)) = self.head(input) else { return Ok(None) };
                self.reading = Reading::Payload { kind, left: len, fate: admit(kind, len)? };
                continue;
            };
            let most = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
            let (bytes, rest) = input.split_at(most);
            *input = rest;
            *left -= most as u64;
            let (kind, fate, is_whole) = (*kind, *fate, *left == 0);
            if is_whole {
                self.reading = Reading::Head;
            }
            match fate {
                Fate::Pass if !bytes.is_empty() => return Ok(Some(Piece::Part(bytes))),
                Fate::Keep => {
                    self.partial.extend_from_slice(bytes);
                    if is_whole {
                        return Ok(Some(Piece::Frame(kind, core::mem::take(&mut self.partial))));
                    }
                }
                Fate::Pass | Fate::Skip => {}
            }
            if !is_whole {
                return Ok(None);
            }
        }
    }

    /// Whether the stream may end here.
    pub(crate) fn is_between(&self) -> bool {
        matches!(self.reading, Reading::Head) && self.partial.is_empty()
    }

    #[cfg(test)]
    pub(crate) const fn held_bytes(&self) -> usize {
        self.partial.len()
    }

    /// Type and length, when both are there.
    fn head(&mut self, input: &mut &[u8]) -> Option<(u64, u64)> {
        loop {
            let mut reader = Reader::new(&self.partial);
            if let (Ok(kind), Ok(len)) = (reader.varint(), reader.varint()) {
                self.partial.clear();
                return Some((kind, len));
            }
            let (byte, rest) = input.split_first()?;
            self.partial.push(*byte);
            *input = rest;
        }
    }
}

/// Appends a frame.
pub(crate) fn write(kind: u64, payload: &[u8], out: &mut Vec<u8>) {
    write_head(kind, payload.len() as u64, out);
    out.extend_from_slice(payload);
}

/// Appends a frame's head.
pub(crate) fn write_head(kind: u64, len: u64, out: &mut Vec<u8>) {
    varint(kind, out);
    varint(len, out);
}

/// Appends a variable-length integer; one beyond what that can say is cut to the largest.
pub(crate) fn varint(value: u64, out: &mut Vec<u8>) {
    let mut bytes = [0; 8];
    let mut writer = Writer::new(&mut bytes);
    writer.varint(value.min(MAX_VARINT)).expect("eight bytes hold any of them");
    let len = writer.written();
    out.extend_from_slice(&bytes[..len]);
}

/// The one integer that a payload is.
pub(crate) fn integer(payload: &[u8]) -> Result<u64, Fault> {
    let mut reader = Reader::new(payload);
    let value = reader.varint().map_err(|_| Fault::FrameLength)?; // spec: 9114-7.1-a
    if reader.is_empty() { Ok(value) } else { Err(Fault::FrameLength) }
}

#[cfg(test)]
mod tests;
