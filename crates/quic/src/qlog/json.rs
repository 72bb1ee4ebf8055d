//! JSON, as far as qlog needs it: objects and arrays, written in one go.

use core::fmt::{self, Write};
use sakigake_wire::Span;

/// An object or array that is being written. What the output below refuses first is what comes of it.
pub(super) struct Json<'o> {
    out: &'o mut dyn Write,
    result: fmt::Result,
    is_first: bool,
}

impl<'o> Json<'o> {
    /// One value, an object, with its members by `fill`.
    pub(super) fn object(out: &'o mut dyn Write, fill: impl FnOnce(&mut Json<'_>)) -> fmt::Result {
        let mut json = Json { out, result: Ok(()), is_first: true };
        json.braced('{', '}', fill);
        json.result
    }

    pub(super) fn string(&mut self, name: &str, value: &str) {
        self.name(name);
        self.quoted(value);
    }

    /// What [`fmt::Display`] gives, as a string.
    pub(super) fn text(&mut self, name: &str, value: impl fmt::Display) {
        self.name(name);
        self.raw('"');
        let mut escaped = Escaped { out: &mut *self.out };
        self.result = self.result.and_then(|()| write!(escaped, "{value}"));
        self.raw('"');
    }

    pub(super) fn hex(&mut self, name: &str, bytes: &[u8]) {
        self.name(name);
        self.raw('"');
        bytes.iter().for_each(|byte| self.write(format_args!("{byte:02x}")));
        self.raw('"');
    }

    pub(super) fn number(&mut self, name: &str, value: u64) {
        self.name(name);
        self.write(format_args!("{value}"));
    }

    pub(super) fn bool(&mut self, name: &str, value: bool) {
        self.name(name);
        self.write(format_args!("{value}"));
    }

    /// In milliseconds.
    pub(super) fn millis(&mut self, name: &str, value: Span) {
        self.name(name);
        let nanos = value.as_nanos();
        match (nanos / 1_000_000, nanos % 1_000_000) {
            (whole, 0) => self.write(format_args!("{whole}")),
            (whole, part) if part % 1_000 == 0 => self.write(format_args!("{whole}.{:03}", part / 1_000)),
            (whole, part) => self.write(format_args!("{whole}.{part:06}")),
        }
    }

    /// A member that is an object.
    pub(super) fn member(&mut self, name: &str, fill: impl FnOnce(&mut Json<'_>)) {
        self.name(name);
        self.braced('{', '}', fill);
    }

    /// A member that is an array.
    pub(super) fn array(&mut self, name: &str, fill: impl FnOnce(&mut Json<'_>)) {
        self.name(name);
        self.braced('[', ']', fill);
    }

    /// An object in an array.
    pub(super) fn item(&mut self, fill: impl FnOnce(&mut Json<'_>)) {
        self.separate();
        self.braced('{', '}', fill);
    }

    /// Numbers in an array, as an array.
    pub(super) fn numbers(&mut self, values: &[u64]) {
        self.separate();
        self.braced('[', ']', |json| {
            for value in values {
                json.separate();
                json.write(format_args!("{value}"));
            }
        });
    }

    /// A string in an array.
    pub(super) fn element(&mut self, value: impl fmt::Display) {
        self.separate();
        self.raw('"');
        let mut escaped = Escaped { out: &mut *self.out };
        self.result = self.result.and_then(|()| write!(escaped, "{value}"));
        self.raw('"');
    }

    fn name(&mut self, name: &str) {
        self.separate();
        self.quoted(name);
        self.raw(':');
    }

    fn separate(&mut self) {
        if !core::mem::replace(&mut self.is_first, false) {
            self.raw(',');
        }
    }

    fn braced(&mut self, open: char, close: char, fill: impl FnOnce(&mut Json<'_>)) {
        self.raw(open);
        let mut inner = Json { out: &mut *self.out, result: self.result, is_first: true };
        fill(&mut inner);
        self.result = inner.result;
        self.raw(close);
    }

    fn quoted(&mut self, value: &str) {
        self.raw('"');
        self.result = self.result.and_then(|()| Escaped { out: &mut *self.out }.write_str(value));
        self.raw('"');
    }

    fn raw(&mut self, letter: char) {
        self.result = self.result.and_then(|()| self.out.write_char(letter));
    }

    fn write(&mut self, value: fmt::Arguments<'_>) {
        self.result = self.result.and_then(|()| self.out.write_fmt(value));
    }
}

/// What stands between quotes (RFC 8259 section 7).
struct Escaped<'o> {
    out: &'o mut dyn Write,
}

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for letter in text.chars() {
            match letter {
                '"' | '\\' => {
                    self.out.write_char('\\')?;
                    self.out.write_char(letter)?;
                }
                '\0'..='\x1f' => write!(self.out, "\\u{:04x}", u32::from(letter))?,
                _ => self.out.write_char(letter)?,
            }
        }
        Ok(())
    }
}
