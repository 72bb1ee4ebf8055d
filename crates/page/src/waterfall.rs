//! A page load as a picture: who was asked for when, why, and when it came. For the terminal and as SVG.

use crate::load::{Entry, Load, State, Summary, Why};
use sakigake_wire::{Instant, Span};

mod svg;
#[cfg(test)]
mod tests;
mod text;

pub use svg::{compare, svg};
pub use text::{Style, text};

/// A load, ready to be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waterfall {
    /// What the picture is called: the address, or what was different about this run.
    pub title: String,
    /// The resources in the order in which they became known; the document is the first.
    pub rows: Vec<Row>,
    /// When the connection could carry the first request; what the document waited before it is drawn as connecting.
    pub connected: Option<Span>,
    /// Round trips, where somebody counted them.
    pub round_trips: Option<u64>,
    /// The load in numbers.
    pub summary: Summary,
}

/// A resource's line. Times count from the start of the load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Path and query, with `//host` before it when that is not the page's.
    pub label: String,
    /// Why it was asked for, and whether that was of use.
    pub kind: Kind,
    /// The status, or one word when there is none.
    pub status: String,
    /// Whether it did not come as it should: no response, or a status of 400 and above.
    pub is_failure: bool,
    /// Bytes of the body.
    pub bytes: u64,
    /// When the request was handed out.
    pub start: Span,
    /// When the response began.
    pub first_byte: Option<Span>,
    /// When it was over.
    pub end: Span,
}

/// Why a resource was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It is the page, or led to it.
    Document,
    /// The server hinted it, and the page used it.
    Hint,
    /// The server hinted it, and nobody used it.
    Wasted,
    /// The page named it.
    Discovery,
}

impl Waterfall {
    /// The picture of a load, with the page's address as its title. What is still open is drawn up to the latest moment that
    /// the load knows of.
    pub fn of(load: &Load) -> Self {
        let since = |moment: Instant| moment.since(load.started());
        let moments = |entry: &Entry| entry.ended.max(entry.first_byte).max(entry.requested);
        let latest = load.entries().iter().filter_map(moments).max().unwrap_or(load.started());
        let page = load.entries().first().map(|entry| entry.resource.url.origin().clone());
        let kind_of = |mut at: usize| {
            // A redirect counts as what led to it. It always leads to a later entry, so this ends.
            while let Why::Redirect { from } = load.entries()[at].why {
                at = from.0;
            }
            let entry = &load.entries()[at];
            match (entry.why, entry.is_claimed) {
                (Why::Document, _) => Kind::Document,
                (Why::Hint, true) => Kind::Hint,
                (Why::Hint, false) => Kind::Wasted,
                _ => Kind::Discovery,
            }
        };
        let rows = load.entries().iter().enumerate().filter_map(|(at, entry)| {
            let start = since(entry.requested?);
            let url = &entry.resource.url;
            let is_own = page.as_ref() == Some(url.origin());
            Some(Row {
                label: if is_own {
                    url.target().to_owned()
                } else {
                    format!("//{}{}", url.origin().authority(), url.target())
                },
                kind: kind_of(at),
                status: match (&entry.state, entry.status) {
                    (State::Failed(_), _) => "fail".to_owned(),
                    (State::Cancelled, _) => "cut".to_owned(),
                    (_, Some(status)) => status.to_string(),
                    _ => "open".to_owned(),
                },
                is_failure: matches!(entry.state, State::Failed(_))
                    || entry.status.is_some_and(|status| status >= 400),
                bytes: entry.bytes,
                start,
                first_byte: entry.first_byte.map(since),
                end: since(entry.ended.unwrap_or(latest)).max(start),
            })
        });
        let summary = load.summary();
        let title = summary.page.to_string();
        Self { title, rows: rows.collect(), connected: None, round_trips: None, summary }
    }

    /// The end of the time axis.
    fn end(&self) -> Span {
        let last = self.rows.iter().map(|row| row.end).max().unwrap_or_default();
        last.max(self.summary.duration.unwrap_or_default()).max(Span::from_nanos(1))
    }

    /// `150 ms, 3 round trips`.
    fn result(&self) -> String {
        let time = self
            .summary
            .duration
            .map_or("not complete".to_owned(), |duration| format!("{} ms", ms(duration)));
        match self.round_trips {
            None => time,
            Some(1) => format!("{time}, 1 round trip"),
            Some(count) => format!("{time}, {count} round trips"),
        }
    }

    /// `19 requests, 11.3 KB; 16 hints, all used`.
    fn totals(&self) -> String {
        let Summary { requests, bytes, failures, origins, hints, .. } = &self.summary;
        let mut text = format!("{}, {}", count(*requests, "request"), size(*bytes));
        if *origins > 1 {
            text += &format!(", {origins} origins");
        }
        if *failures > 0 {
            text += &format!(", {failures} failed");
        }
        text += &match (hints.taken, hints.wasted) {
            (0, _) if hints.heard == 0 => "; no hints".to_owned(),
            (0, _) => format!("; {} not followed", count(hints.heard, "hint")),
            (taken, 0) => format!("; {}, all used", count(taken, "hint")),
            (taken, wasted) => {
                format!("; {}, {wasted} wasted ({})", count(taken, "hint"), size(hints.wasted_bytes))
            }
        };
        text
    }

    /// The moments that an axis of this load marks, `step` apart.
    fn marks(&self, step: Span) -> impl Iterator<Item = Span> {
        let last = self.end().as_nanos() / step.as_nanos().max(1);
        (0..=last).map(move |mark| step.times(mark))
    }

    /// The distance of the axis's marks: 1, 2 or 5 times a power of ten, so that there are about `marks` of them at most.
    fn step(&self, marks: u64) -> Span {
        let end = self.end().as_nanos();
        let mut unit = 1_000_u64;
        loop {
            for step in [unit, 2 * unit, 5 * unit] {
                if end / step <= marks.max(1) || unit >= u64::MAX / 100 {
                    return Span::from_nanos(step);
                }
            }
            unit *= 10;
        }
    }
}

/// Lines of at most `width` characters, broken between parts.
fn wrapped(parts: &[(usize, String)], gap: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    for (length, part) in parts {
        match lines.last_mut() {
            Some((used, line)) if *used + gap.len() + length <= width => {
                line.push_str(gap);
                line.push_str(part);
                *used += gap.len() + length;
            }
            _ => lines.push((*length, part.clone())),
        }
    }
    lines.into_iter().map(|(_, line)| line).collect()
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Milliseconds, with as many digits after the point as tell anything: `0.42`, `7.3`, `150`.
fn ms(span: Span) -> String {
    let micros = span.as_nanos() / 1_000;
    match micros {
        0..1_000 => trimmed(format!("{}.{:03}", 0, micros)),
        1_000..20_000 => trimmed(format!("{}.{}", micros / 1_000, micros % 1_000 / 100)),
        _ => (micros / 1_000).to_string(),
    }
}

fn trimmed(number: String) -> String {
    number.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Bytes in thousands, three digits at most.
fn size(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..1_000 => return format!("{bytes} B"),
        1_000..1_000_000 => (1_000, "KB"),
        1_000_000..1_000_000_000 => (1_000_000, "MB"),
        _ => (1_000_000_000, "GB"),
    };
    match (bytes / unit, bytes % unit * 10 / unit) {
        (whole @ 0..10, tenths) => format!("{whole}.{tenths} {name}"),
        (whole, _) => format!("{whole} {name}"),
    }
}

/// At most `width` characters: the end says more than the middle.
fn shortened(label: &str, width: usize, gap: char) -> String {
    let length = label.chars().count();
    if length <= width {
        return label.to_owned();
    }
    let tail = width * 2 / 3;
    let head = width.saturating_sub(tail + 1);
    label.chars().take(head).chain([gap]).chain(label.chars().skip(length - tail)).collect()
}
