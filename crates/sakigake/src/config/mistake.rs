//! What is wrong with a file, shown where it is wrong: `file:line:column`, the line, a caret under the place.

#[cfg(test)]
mod tests;

use std::{fmt, fmt::Write as _, ops::Range};
use unicode_width::UnicodeWidthChar;

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Bytes of the text; none where the file as a whole is wrong.
    pub at: Option<Range<usize>>,
    /// What is wrong, in a sentence without a full stop.
    pub what: String,
    /// What to say beside the caret, such as `did you mean ...`.
    pub label: String,
    /// What is allowed, what to do: a line each.
    pub notes: Vec<String>,
    /// Another place that has to do with it, and what it is.
    pub first: Option<(Range<usize>, String)>,
}

impl Mistake {
    pub(super) fn new(at: Range<usize>, what: impl Into<String>) -> Self {
        Self { at: Some(at), what: what.into(), label: String::new(), notes: Vec::new(), first: None }
    }

    pub(super) fn whole(what: impl Into<String>) -> Self {
        Self { at: None, ..Self::new(0..0, what) }
    }

    pub(super) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    pub(super) fn first(mut self, at: Range<usize>, what: impl Into<String>) -> Self {
        self.first = Some((at, what.into()));
        self
    }
}

/// All that is wrong with one file.
#[derive(Clone, Debug)]
pub struct Report {
    /// The file's name, as it was given.
    pub name: String,
    /// Its text.
    pub text: String,
    /// In the file's order; never empty.
    pub mistakes: Vec<Mistake>,
}

impl Report {
    pub(super) fn new(name: &str, text: &str, mut mistakes: Vec<Mistake>) -> Self {
        mistakes.sort_by_key(|mistake| mistake.at.as_ref().map_or((0, 0), |at| (at.start, at.end)));
        mistakes.dedup();
        Self { name: name.into(), text: text.into(), mistakes }
    }

    /// For a person to read; with colours for a terminal.
    pub fn render(&self, is_coloured: bool) -> String {
        let paint = Paint(is_coloured);
        let mut out = String::new();
        for mistake in self.mistakes.iter().take(SHOWN) {
            self.show(mistake, &paint, &mut out);
            out.push('\n');
        }
        match (self.mistakes.len(), self.mistakes.len().saturating_sub(SHOWN)) {
            (1, _) => out.push_str("1 mistake\n"),
            (all, 0) => out.push_str(&format!("{all} mistakes\n")),
            (all, more) => out.push_str(&format!("{all} mistakes; {more} of them are not shown\n")),
        }
        out
    }

    fn show(&self, mistake: &Mistake, paint: &Paint, out: &mut String) {
        let line = mistake.at.as_ref().map(|at| Line::of(&self.text, at));
        let place = line.as_ref().map_or(String::new(), |line| format!(":{}:{}", line.number, line.column));
        let what = short(&mistake.what);
        push(
            out,
            format_args!(
                "{}{}{place}: {}error:{} {}{what}{}\n",
                paint.bold(),
                clean(&self.name),
                paint.red(),
                paint.off(),
                paint.bold(),
                paint.off()
            ),
        );
        let Some(line) = line else {
            mistake.notes.iter().for_each(|note| push(out, format_args!("  = {}\n", short(note))));
            return;
        };
        let first = mistake.first.as_ref().map(|(at, what)| (Line::of(&self.text, at), what));
        let last = first.as_ref().map_or(0, |(line, _)| line.number).max(line.number);
        let gutter = last.to_string().len();
        line.show(gutter, &short(&mistake.label), &paint.red(), paint, out);
        if let Some((line, what)) = first {
            line.show(gutter, &short(what), &paint.blue(), paint, out);
        }
        for note in &mistake.notes {
            push(out, format_args!("{:gutter$} {}={} {}\n", "", paint.blue(), paint.off(), short(note)));
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Report {}

/// Mistakes that are shown at most: what is no such file at all would fill the screen.
const SHOWN: usize = 100;
/// Columns of a line that are shown at most.
const COLUMNS: usize = 120;
const TAB: usize = 4;

/// The line in which a span begins, as it is to be shown.
struct Line {
    /// From 1.
    number: usize,
    /// From 1, in characters.
    column: usize,
    shown: String,
    /// Columns before the caret, and carets.
    caret: (usize, usize),
}

impl Line {
    fn of(text: &str, at: &Range<usize>) -> Self {
        let start = floor(text, at.start);
        let end = floor(text, at.end).max(start);
        let begin = text[..start].rfind('\n').map_or(0, |place| place + 1);
        let rest = &text[begin..];
        let whole = rest.split('\n').next().unwrap_or_default();
        let line = whole.strip_suffix('\r').unwrap_or(whole);
        let (mut shown, mut column, mut caret) = (String::new(), 0, (None, 0));
        // What comes long before the caret of a long line is left out.
        let skip = match width(line.get(..start - begin).unwrap_or(line)) {
            before if before > COLUMNS / 2 && width(line) > COLUMNS => before - COLUMNS / 3,
            _ => 0,
        };
        for (offset, character) in line.char_indices() {
            let (cell, cells) = cell(character, column);
            if begin + offset >= start && caret.0.is_none() {
                caret.0 = Some(column);
            }
            if (start..end).contains(&(begin + offset)) {
                caret.1 += cells;
            }
            if column >= skip && column < skip + COLUMNS {
                shown.push_str(&cell);
            }
            column += cells;
        }
        let cut = skip + COLUMNS;
        let before = caret.0.unwrap_or(column).saturating_sub(skip);
        let carets = caret.1.clamp(1, COLUMNS.saturating_sub(before).max(1));
        let (shown, before) = match skip {
            0 => (shown, before),
            _ => (format!("...{shown}"), before + 3),
        };
        let shown = if column > cut { shown + "..." } else { shown };
        Self {
            number: text[..start].matches('\n').count() + 1,
            column: text[begin..start].chars().count() + 1,
            shown: shown.trim_end().into(),
            caret: (before, carets),
        }
    }

    fn show(&self, gutter: usize, label: &str, colour: &str, paint: &Paint, out: &mut String) {
        let (blue, off) = (paint.blue(), paint.off());
        let (before, carets) = (" ".repeat(self.caret.0), "^".repeat(self.caret.1));
        let space = if label.is_empty() { "" } else { " " };
        push(out, format_args!("{blue}{:>gutter$} |{off} {}\n", self.number, self.shown));
        push(out, format_args!("{blue}{:gutter$} |{off} {before}{colour}{carets}{space}{label}{off}\n", ""));
    }
}

/// How a character is shown at a column, and how many columns it takes. Nothing that a file holds moves the cursor or turns
/// the text's direction.
fn cell(character: char, column: usize) -> (String, usize) {
    match character {
        '\t' => {
            let cells = TAB - column % TAB;
            (" ".repeat(cells), cells)
        }
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' => ("\u{fffd}".into(), 1),
        _ => match character.width() {
            Some(cells) => (character.into(), cells),
            None => ("\u{fffd}".into(), 1),
        },
    }
}

fn width(text: &str) -> usize {
    text.chars().fold(0, |column, character| column + cell(character, column).1)
}

/// `text` without what could drive a terminal.
fn clean(text: &str) -> String {
    text.chars().map(|character| cell(character, 0).0).collect()
}

/// The same, and no longer than a person reads.
fn short(text: &str) -> String {
    const CHARACTERS: usize = 400;
    match text.chars().count() {
        ..=CHARACTERS => clean(text),
        _ => clean(&text.chars().take(CHARACTERS).collect::<String>()) + "...",
    }
}

/// The last boundary between characters that is not behind `at`.
fn floor(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

fn push(out: &mut String, what: fmt::Arguments<'_>) {
    out.write_fmt(what).expect("a String takes everything");
}

struct Paint(bool);

impl Paint {
    fn of(&self, code: &str) -> String {
        if self.0 { format!("\x1b[{code}m") } else { String::new() }
    }

    fn bold(&self) -> String {
        self.of("1")
    }

    fn red(&self) -> String {
        self.of("1;31")
    }

    fn blue(&self) -> String {
        self.of("1;34")
    }

    fn off(&self) -> String {
        self.of("0")
    }
}
