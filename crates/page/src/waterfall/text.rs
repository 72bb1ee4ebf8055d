//! The waterfall for a terminal: one line a resource, told apart by marks and fill, so that colour is never needed.

use super::{Kind, Row, Waterfall, ms, shortened, size, wrapped};
use core::fmt::Write as _;

/// How a terminal is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Columns of a line, from 60.
    pub width: usize,
    /// Whether only ASCII may be used.
    pub is_ascii: bool,
    /// Whether ANSI colours may be used.
    pub is_coloured: bool,
}

/// The picture as lines of text, each within the style's width.
pub fn text(waterfall: &Waterfall, style: &Style) -> String {
    waterfall.lines(*style)
}

impl Default for Style {
    fn default() -> Self {
        Self { width: 100, is_ascii: false, is_coloured: false }
    }
}

/// The characters of a picture.
struct Glyphs {
    connecting: char,
    waiting: char,
    hinted: char,
    receiving: char,
    grid: char,
    gap: char,
    document: char,
    hint: char,
    wasted: char,
    discovery: char,
}

const UNICODE: Glyphs = Glyphs {
    connecting: '·',
    waiting: '─',
    hinted: '▒',
    receiving: '█',
    grid: '┊',
    gap: '…',
    document: '●',
    hint: '◆',
    wasted: '◇',
    discovery: '○',
};

const ASCII: Glyphs = Glyphs {
    connecting: '.',
    waiting: '-',
    hinted: '=',
    receiving: '#',
    grid: '|',
    gap: '~',
    document: '@',
    hint: 'h',
    wasted: 'x',
    discovery: 'o',
};

/// Columns of a line.
struct Layout {
    label: usize,
    plot: usize,
}

/// Mark, status, size, end, and the blanks between.
const FIXED: usize = 2 + 5 + 8 + 2 + 9;

impl Waterfall {
    fn lines(&self, style: Style) -> String {
        let glyphs = if style.is_ascii { ASCII } else { UNICODE };
        let width = style.width.clamp(60, 400);
        let longest = self.rows.iter().map(|row| row.label.chars().count()).max().unwrap_or(1);
        let label = longest.min(width * 3 / 10).max(8);
        let layout = Layout { label, plot: width - FIXED - label };
        let paint = Paint { is_coloured: style.is_coloured };
        let mut out = String::new();
        let result = self.result();
        let title = shortened(&self.title, width.saturating_sub(result.len() + 2), glyphs.gap);
        let gap = width.saturating_sub(title.chars().count() + result.len());
        line(&mut out, &format!("{}{}{}", paint.bold(&title), " ".repeat(gap), paint.bold(&result)));
        line(&mut out, &paint.dim(&self.axis(&layout)));
        for row in &self.rows {
            line(&mut out, &self.row(row, &layout, &glyphs, &paint));
        }
        let totals = self.totals();
        let words: Vec<_> = totals.split(' ').map(|word| (word.len(), word.to_owned())).collect();
        for text in
            wrapped(&words, " ", width).into_iter().chain(wrapped(&self.legend(&glyphs, &paint), "  ", width))
        {
            line(&mut out, &text);
        }
        out
    }

    fn axis(&self, layout: &Layout) -> String {
        let mut marks = String::new();
        for (column, text) in self.labels(layout) {
            let pad = column.saturating_sub(marks.chars().count());
            if column + text.len() <= layout.plot + 9 {
                marks.extend(core::iter::repeat_n(' ', pad));
                marks += &text;
            }
        }
        format!("{}{marks}", " ".repeat(FIXED - 9 + layout.label))
    }

    /// Where the axis has marks, and what stands there.
    fn labels(&self, layout: &Layout) -> Vec<(usize, String)> {
        let step = self.step(layout.plot as u64 / 12);
        self.marks(step)
            .map(|time| (self.column(time.as_nanos(), layout), format!("{} ms", ms(time))))
            .collect()
    }

    fn column(&self, nanos: u64, layout: &Layout) -> usize {
        let column = u128::from(nanos) * layout.plot as u128 / u128::from(self.end().as_nanos());
        usize::try_from(column).unwrap_or(layout.plot).min(layout.plot)
    }

    fn row(&self, row: &Row, layout: &Layout, glyphs: &Glyphs, paint: &Paint) -> String {
        let mark = match row.kind {
            Kind::Document => glyphs.document,
            Kind::Hint => glyphs.hint,
            Kind::Wasted => glyphs.wasted,
            Kind::Discovery => glyphs.discovery,
        };
        let label = shortened(&row.label, layout.label, glyphs.gap);
        let pad = " ".repeat(layout.label.saturating_sub(label.chars().count()));
        let status = format!("{:>5}", row.status);
        let status = if row.is_failure { paint.failure(&status) } else { status };
        format!(
            "{} {label}{pad}{status}{:>8}  {}{}",
            paint.kind(row.kind, &mark.to_string()),
            size(row.bytes),
            self.bar(row, layout, glyphs, paint),
            paint.dim(&format!("{:>6} ms", ms(row.end)))
        )
    }

    fn bar(&self, row: &Row, layout: &Layout, glyphs: &Glyphs, paint: &Paint) -> String {
        let at = |nanos: u64| self.column(nanos, layout);
        let start = at(row.start.as_nanos()).min(layout.plot - 1);
        let end = at(row.end.as_nanos()).max(start + 1);
        let came = row.first_byte.map_or(end, |first| at(first.as_nanos()).clamp(start, end - 1));
        let sent = match (row.kind, self.connected) {
            (Kind::Document, Some(connected)) => at(connected.as_nanos()).clamp(start, came),
            _ => start,
        };
        let is_hint = matches!(row.kind, Kind::Hint | Kind::Wasted);
        let waiting = if is_hint { glyphs.hinted } else { glyphs.waiting };
        let run = |glyph: char, cells: usize| core::iter::repeat_n(glyph, cells).collect::<String>();
        let grid: Vec<usize> = self.labels(layout).into_iter().map(|(column, _)| column).collect();
        let empty = |from: usize, to: usize| -> String {
            (from..to).map(|cell| if grid.contains(&cell) { glyphs.grid } else { ' ' }).collect()
        };
        let bar = run(glyphs.connecting, sent - start)
            + &run(waiting, came - sent)
            + &run(glyphs.receiving, end - came);
        paint.dim(&empty(0, start)) + &paint.kind(row.kind, &bar) + &paint.dim(&empty(end, layout.plot))
    }

    /// The legend's parts, each with its length without colours.
    fn legend(&self, glyphs: &Glyphs, paint: &Paint) -> Vec<(usize, String)> {
        let has = |kind| self.rows.iter().any(|row| row.kind == kind);
        let mut parts = Vec::new();
        for (kind, mark, text) in [
            (Kind::Document, glyphs.document, "document"),
            (Kind::Hint, glyphs.hint, "hinted"),
            (Kind::Wasted, glyphs.wasted, "hinted in vain"),
            (Kind::Discovery, glyphs.discovery, "found in the page"),
        ] {
            if has(kind) {
                parts.push((text.len() + 2, paint.kind(kind, &format!("{mark} {text}"))));
            }
        }
        let mut fill = |text: String| parts.push((text.chars().count(), text));
        if self.connected.is_some() {
            fill(format!("{} connecting", glyphs.connecting));
        }
        fill(if has(Kind::Hint) || has(Kind::Wasted) {
            format!("{}{} waiting", glyphs.hinted, glyphs.waiting)
        } else {
            format!("{} waiting", glyphs.waiting)
        });
        fill(format!("{} receiving", glyphs.receiving));
        parts
    }
}

/// ANSI colours, or nothing.
struct Paint {
    is_coloured: bool,
}

impl Paint {
    fn with(&self, code: &str, text: &str) -> String {
        if self.is_coloured && !text.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    fn bold(&self, text: &str) -> String {
        self.with("1", text)
    }

    fn dim(&self, text: &str) -> String {
        if text.trim().is_empty() { text.to_owned() } else { self.with("2", text) }
    }

    fn failure(&self, text: &str) -> String {
        self.with("1;31", text)
    }

    fn kind(&self, kind: Kind, text: &str) -> String {
        match kind {
            Kind::Document => self.with("1", text),
            Kind::Hint => self.with("32", text),
            Kind::Wasted => self.with("33", text),
            Kind::Discovery => self.with("34", text),
        }
    }
}

fn line(out: &mut String, text: &str) {
    writeln!(out, "{}", text.trim_end()).expect("a string takes all that memory holds");
}
