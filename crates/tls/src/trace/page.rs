use core::fmt::{self, Write};
use sakigake_wire::{Reader, Short};

/// Lines under construction, indented by two spaces a level.
#[derive(Default)]
pub(super) struct Page {
    text: String,
    depth: usize,
}

/// Items of one list that are shown; the rest is counted.
const SHOWN_ITEMS: usize = 200;

impl Page {
    pub(super) fn line(&mut self, line: fmt::Arguments<'_>) {
        let indent = self.depth * 2;
        writeln!(self.text, "{:indent$}{line}", "").expect("a String takes all that is written");
    }

    /// What `body` writes stands one level deeper.
    pub(super) fn within(&mut self, body: impl FnOnce(&mut Self)) {
        self.depth += 1;
        body(self);
        self.depth -= 1;
    }

    /// Lets `body` read, and tells where it stopped or what it left over.
    pub(super) fn read<'a>(
        &mut self,
        reader: &mut Reader<'a>,
        body: impl FnOnce(&mut Self, &mut Reader<'a>) -> Result<(), Short>,
    ) {
        match body(self, reader) {
            Err(short) => {
                self.line(format_args!("not understood from here: {short}; {}", Hex(reader.peek())))
            }
            Ok(()) if !reader.is_empty() => self.line(format_args!("left over: {}", Hex(reader.peek()))),
            Ok(()) => {}
        }
    }

    /// A titled list: `item` reads and writes one.
    pub(super) fn list<'a>(
        &mut self,
        title: &str,
        mut items: Reader<'a>,
        mut item: impl FnMut(&mut Self, &mut Reader<'a>) -> Result<(), Short>,
    ) {
        if items.is_empty() {
            return self.line(format_args!("{title}: empty"));
        }
        self.line(format_args!("{title}: {} bytes", items.len()));
        self.within(|page| {
            page.read(&mut items, |page, items| {
                for _ in 0..SHOWN_ITEMS {
                    if items.is_empty() {
                        return Ok(());
                    }
                    item(page, items)?;
                }
                Ok(())
            });
        });
    }

    /// A named byte string.
    pub(super) fn bytes(&mut self, name: &str, bytes: &[u8]) {
        self.line(format_args!("{name}: {}", Hex(bytes)));
    }

    pub(super) fn finish(self) -> String {
        self.text
    }
}

/// Bytes in hex; in the middle of long ones, dots.
pub(super) struct Hex<'a>(pub(super) &'a [u8]);

/// Longest byte string that is shown whole.
const WHOLE_BYTES: usize = 16;

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = |f: &mut fmt::Formatter<'_>, bytes: &[u8]| {
            bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
        };
        match self.0.len() {
            0 => f.write_str("empty"),
            len @ 1..=WHOLE_BYTES => {
                digits(f, self.0)?;
                write!(f, " ({len} bytes)")
            }
            len => {
                digits(f, &self.0[..8])?;
                f.write_str("..")?;
                digits(f, &self.0[len - 4..])?;
                write!(f, " ({len} bytes)")
            }
        }
    }
}

/// Text of a peer: ASCII that shows, and escapes for all else.
pub(super) struct Text<'a>(pub(super) &'a [u8]);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}
