//! Sequences of type, length and value, each number a variable-length integer, cut anywhere: HTTP/3's frames (RFC 9114 section
//! 7.1) and capsules (RFC 9297 section 3.2).

use crate::Reader;
use std::borrow::Cow;

/// Where in the stream the next byte stands.
#[derive(Debug, Default)]
pub struct Cutter {
    reading: Reading,
    /// The beginning of a head, or of a value that is kept.
    partial: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default)]
enum Reading {
    #[default]
    Head,
    Value {
        kind: u64,
        left: u64,
        fate: Fate,
    },
}

/// What is done with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is handed on as it comes.
    Pass,
    /// It is handed on when it is whole. Whoever says so has bounded it.
    Keep,
    /// Nobody wants it.
    Skip,
}

/// A piece of the stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Some bytes of a value.
    Part(&'a [u8]),
    /// A whole one, and its type.
    Whole(u64, Cow<'a, [u8]>),
}

impl Cutter {
    /// Takes the next piece off `input`, if there is one. `admit` says by type and length what becomes of a value.
    ///
    /// # Errors
    /// What `admit` says; then there is no going on.
    pub fn next<'a, E>(
        &mut self,
        input: &mut &'a [u8],
        admit: &mut impl FnMut(u64, u64) -> Result<Fate, E>,
    ) -> Result<Option<Piece<'a>>, E> {
        loop {
            let Reading::Value { kind, left, fate } = &mut self.reading else {
                let Some((kind, len)) = self.head(input) else { return Ok(None) };
                self.reading = Reading::Value { kind, left: len, fate: admit(kind, len)? };
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
                Fate::Keep if is_whole && self.partial.is_empty() => {
                    return Ok(Some(Piece::Whole(kind, Cow::Borrowed(bytes))));
                }
                Fate::Keep => {
                    self.partial.extend_from_slice(bytes);
                    if is_whole {
                        let whole = core::mem::take(&mut self.partial);
                        return Ok(Some(Piece::Whole(kind, Cow::Owned(whole))));
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
    pub fn is_between(&self) -> bool {
        matches!(self.reading, Reading::Head) && self.partial.is_empty()
    }

    /// Bytes that wait for more.
    pub const fn held_bytes(&self) -> usize {
        self.partial.len()
    }

    /// Type and length, when both are there.
    fn head(&mut self, input: &mut &[u8]) -> Option<(u64, u64)> {
        if self.partial.is_empty() {
            let mut reader = Reader::new(input);
            if let (Ok(kind), Ok(len)) = (reader.varint(), reader.varint()) {
                *input = reader.rest();
                return Some((kind, len));
            }
        }
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

#[cfg(test)]
mod tests;
