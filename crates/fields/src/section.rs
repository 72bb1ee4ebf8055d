//! How much of a field section a decoder hands on.

use crate::FieldLine;

/// How much of a field section a decoder hands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Names, values, and 32 bytes a line, together.
    pub list_bytes: usize,
    /// Lines.
    pub lines: usize,
}

/// Whether everything was handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// All lines went to the sink.
    Complete,
    /// The section passed its limits: the sink heard a part of it. HPACK's table saw all of it.
    TooLarge,
}

/// What may still be handed on.
pub(crate) struct Budget {
    bytes: usize,
    lines: usize,
    spent: bool,
}

impl Budget {
    pub(crate) const fn new(limits: Limits) -> Self {
        Self { bytes: limits.list_bytes, lines: limits.lines, spent: false }
    }

    pub(crate) fn spend(&mut self, line: FieldLine<'_>, sink: &mut impl FnMut(FieldLine<'_>)) {
        match (self.bytes.checked_sub(line.size()), self.lines.checked_sub(1)) {
            (Some(bytes), Some(lines)) if !self.spent => {
                (self.bytes, self.lines) = (bytes, lines);
                sink(line);
            }
            _ => self.spent = true,
        }
    }

    pub(crate) const fn outcome(&self) -> Outcome {
        if self.spent { Outcome::TooLarge } else { Outcome::Complete }
    }
}
