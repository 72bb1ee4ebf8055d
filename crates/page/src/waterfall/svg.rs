//! The waterfall as SVG that needs nothing beside itself: light or dark by the reader's preference, hints hatched as well as
//! coloured.

use super::{Kind, Row, Waterfall, ms, shortened, size};
use core::fmt::Write as _;
use sakigake_wire::Span;
use std::collections::BTreeMap;

const ROW: usize = 18;
const TOP: usize = 64;
const LABEL: usize = 190;
const PANEL_GAP: usize = 56;
/// The width of one of several loads.
const PANEL: usize = 399;

/// The picture of one load.
pub fn svg(waterfall: &Waterfall) -> String {
    let rows: Vec<Pair<'_>> =
        waterfall.rows.iter().map(|row| Pair { label: &row.label, rows: vec![Some(row)] }).collect();
    let (body, height) = draw(&[waterfall], &rows, 940, waterfall);
    framed(&[waterfall], 940, height, &body)
}

/// Loads of one page side by side, a line a resource; groups of them one below the other. All on one scale of time, that of the
/// longest.
pub fn compare(groups: &[Vec<&Waterfall>]) -> String {
    let all: Vec<&Waterfall> = groups.concat();
    let Some(scale) = all.iter().max_by_key(|waterfall| waterfall.end()) else { return String::new() };
    let most = groups.iter().map(Vec::len).max().unwrap_or(0);
    let width = LABEL + (PANEL + PANEL_GAP) * most;
    let (mut body, mut top) = (String::new(), 0);
    for loads in groups.iter().filter(|loads| !loads.is_empty()) {
        let (group, height) = side_by_side(loads, width, scale);
        put(&mut body, format_args!("<g transform=\"translate(0 {top})\">"));
        body += &group;
        put(&mut body, format_args!("</g>"));
        top += height;
    }
    framed(&all, width, top, &body)
}

fn side_by_side(loads: &[&Waterfall], width: usize, scale: &Waterfall) -> (String, usize) {
    let mut rows: Vec<Pair<'_>> = Vec::new();
    let mut known: BTreeMap<&str, usize> = BTreeMap::new();
    for (side, waterfall) in loads.iter().enumerate() {
        for row in &waterfall.rows {
            let at = *known.entry(&row.label).or_insert_with(|| {
                rows.push(Pair { label: &row.label, rows: vec![None; loads.len()] });
                rows.len() - 1
            });
            // The last of several requests for one address is the one that counted.
            rows[at].rows[side] = Some(row);
        }
    }
    draw(loads, &rows, width, scale)
}

/// A line of the picture: what each of the panels shows there.
struct Pair<'a> {
    label: &'a str,
    rows: Vec<Option<&'a Row>>,
}

/// A panel's place, and the scale that all share.
struct Panel<'a> {
    left: f64,
    width: f64,
    scale: &'a Waterfall,
}

impl Panel<'_> {
    fn x(&self, time: Span) -> f64 {
        self.left + self.width * (time.as_nanos() as f64 / self.scale.end().as_nanos() as f64).min(1.0)
    }
}

/// The picture around what was drawn.
fn framed(waterfalls: &[&Waterfall], width: usize, height: usize, body: &str) -> String {
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\" aria-label=\"{}\">\n{STYLE}<rect class=\"paper\" width=\"{width}\" height=\"{height}\" rx=\"6\"/>\n",
        escaped(
            &waterfalls.iter().map(|w| format!("{}: {}", w.title, w.result())).collect::<Vec<_>>().join("; ")
        )
    );
    out += body;
    out += "</svg>\n";
    out
}

/// Waterfalls beside each other, and how high that is.
fn draw(waterfalls: &[&Waterfall], rows: &[Pair<'_>], width: usize, scale: &Waterfall) -> (String, usize) {
    let height = TOP + rows.len() * ROW + 62;
    let detail = if waterfalls.len() == 1 { 110 } else { 0 };
    let plots = (width - LABEL - detail - 24 - PANEL_GAP * (waterfalls.len() - 1)) / waterfalls.len();
    let mut out = String::new();
    for (at, pair) in rows.iter().enumerate() {
        let y = TOP + at * ROW;
        if at % 2 == 1 {
            put(
                &mut out,
                format_args!(
                    "<rect class=\"band\" x=\"8\" y=\"{y}\" width=\"{}\" height=\"{ROW}\"/>",
                    width - 16
                ),
            );
        }
        let label = escaped(&shortened(pair.label, 27, '…'));
        put(&mut out, format_args!("<text x=\"16\" y=\"{}\">{label}</text>", y + 13));
        if let (true, Some(Some(row))) = (detail > 0, pair.rows.first()) {
            let class = if row.is_failure { "number bad" } else { "number" };
            put(
                &mut out,
                format_args!(
                    "<text class=\"{class}\" x=\"{}\" y=\"{}\">{}</text>",
                    LABEL + 40,
                    y + 13,
                    escaped(&row.status)
                ),
            );
            put(
                &mut out,
                format_args!(
                    "<text class=\"number\" x=\"{}\" y=\"{}\">{}</text>",
                    LABEL + 98,
                    y + 13,
                    size(row.bytes)
                ),
            );
        }
    }
    for (side, waterfall) in waterfalls.iter().enumerate() {
        let left = LABEL + detail + side * (plots + PANEL_GAP);
        let panel = Panel { left: left as f64, width: plots as f64, scale };
        panel_of(&mut out, waterfall, &panel, rows, side);
    }
    legend(&mut out, waterfalls, height - 18);
    (out, height)
}

fn panel_of(out: &mut String, waterfall: &Waterfall, panel: &Panel<'_>, rows: &[Pair<'_>], side: usize) {
    let bottom = TOP + rows.len() * ROW;
    put(
        out,
        format_args!(
            "<text class=\"title\" x=\"{:.0}\" y=\"26\">{}</text>",
            panel.left,
            escaped(&waterfall.title)
        ),
    );
    let right = panel.left + panel.width;
    put(
        out,
        format_args!("<text class=\"title result\" x=\"{right:.0}\" y=\"26\">{}</text>", waterfall.result()),
    );
    for time in panel.scale.marks(panel.scale.step(panel.width as u64 / 70)) {
        let x = panel.x(time);
        put(out, format_args!("<path class=\"grid\" d=\"M{x:.1} {}V{bottom}\"/>", TOP - 6));
        // The last mark's unit would leave the panel.
        let unit = if time == Span::ZERO { " ms" } else { "" };
        put(
            out,
            format_args!("<text class=\"mark\" x=\"{x:.1}\" y=\"{}\">{}{unit}</text>", TOP - 12, ms(time)),
        );
    }
    for (at, pair) in rows.iter().enumerate() {
        if let Some(Some(row)) = pair.rows.get(side) {
            bar(out, waterfall, panel, row, TOP + at * ROW);
        }
    }
    if let Some(duration) = waterfall.summary.duration {
        let x = panel.x(duration);
        put(out, format_args!("<path class=\"done\" d=\"M{x:.1} {}V{}\"/>", TOP - 6, bottom + 4));
    }
    put(
        out,
        format_args!(
            "<text class=\"total\" x=\"{:.0}\" y=\"{}\">{}</text>",
            panel.left,
            bottom + 20,
            escaped(&waterfall.totals())
        ),
    );
}

fn bar(out: &mut String, waterfall: &Waterfall, panel: &Panel<'_>, row: &Row, y: usize) {
    let class = match row.kind {
        Kind::Document => "document",
        Kind::Hint => "hint",
        Kind::Wasted => "wasted",
        Kind::Discovery => "found",
    };
    let start = panel.x(row.start);
    // What took no time is seen all the same.
    let end = panel.x(row.end).max(start + 3.0);
    let came = row.first_byte.map_or(end, |first| panel.x(first)).clamp(start, end - 3.0);
    let sent = match (row.kind, waterfall.connected) {
        (Kind::Document, Some(connected)) => panel.x(connected).clamp(start, came),
        _ => start,
    };
    let label = format!("{}, {}, {} to {} ms", row.label, row.status, ms(row.start), ms(row.end));
    put(out, format_args!("<g class=\"{class}\"><title>{}</title>", escaped(&label)));
    let top = y + 4;
    for (from, to, part) in [(start, sent, "connecting"), (sent, came, "waiting"), (came, end, "receiving")] {
        if to - from > 0.05 {
            put(
                out,
                format_args!(
                    "<rect class=\"{part}\" x=\"{from:.1}\" y=\"{top}\" width=\"{:.1}\" height=\"{}\"/>",
                    to - from,
                    ROW - 8
                ),
            );
        }
    }
    put(out, format_args!("</g>"));
}

fn legend(out: &mut String, waterfalls: &[&Waterfall], y: usize) {
    let has = |kind| waterfalls.iter().any(|waterfall| waterfall.rows.iter().any(|row| row.kind == kind));
    let mut x = 16;
    let mut item = |class: &str, part: &str, text: &str| {
        put(
            out,
            format_args!(
                "<g class=\"{class}\"><rect class=\"{part}\" x=\"{x}\" y=\"{}\" width=\"20\" height=\"10\"/></g>",
                y - 9
            ),
        );
        put(out, format_args!("<text x=\"{}\" y=\"{y}\">{text}</text>", x + 27));
        x += 52 + text.len() * 7;
    };
    if waterfalls.iter().any(|waterfall| waterfall.connected.is_some()) {
        item("document", "connecting", "connecting");
    }
    item("document", "waiting", "document");
    for (kind, class, text) in [
        (Kind::Hint, "hint", "hinted by the server"),
        (Kind::Wasted, "wasted", "hinted in vain"),
        (Kind::Discovery, "found", "found in the page"),
    ] {
        if has(kind) {
            item(class, "waiting", text);
        }
    }
    item("document", "receiving", "receiving (solid)");
}

fn put(out: &mut String, line: core::fmt::Arguments<'_>) {
    writeln!(out, "{line}").expect("a string takes all that memory holds");
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            // Control characters may not stand in XML at all.
            c if c < ' ' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

const STYLE: &str = "<style>\
svg{--paper:#fdfbf5;--band:#f5f0e4;--ink:#22242b;--soft:#6b6862;--grid:#d9d1c0;--doc:#5d5b58;--found:#2f4a6d;--hint:#b8352b;--vain:#c08a2e}\
@media(prefers-color-scheme:dark){svg{--paper:#16181d;--band:#1d2026;--ink:#ece7dc;--soft:#a8a296;--grid:#33353c;--doc:#a8a296;--found:#8fb0dc;--hint:#e0685c;--vain:#d9b26a}}\
text{font:12px ui-sans-serif,system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;fill:var(--ink)}\
.paper{fill:var(--paper)}.band{fill:var(--band)}\
.title{font-size:15px;font-weight:600}.result,.number{text-anchor:end}.mark{text-anchor:middle}\
.number,.mark,.total{fill:var(--soft)}.bad{fill:var(--hint);font-weight:600}\
.grid{stroke:var(--grid)}.done{stroke:var(--ink);stroke-dasharray:2 3}\
.document{color:var(--doc)}.found{color:var(--found)}.hint{color:var(--hint)}.wasted{color:var(--vain)}\
rect{fill:currentColor}.connecting{opacity:.25}.waiting{opacity:.5}\
.hint .waiting{fill:url(#hatch);opacity:1}.wasted .waiting{fill:url(#vain);opacity:1}\
</style>\
<defs><pattern id=\"hatch\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
<rect width=\"3\" height=\"5\" style=\"fill:var(--hint)\"/></pattern>\
<pattern id=\"vain\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(-45)\">\
<rect width=\"2\" height=\"5\" style=\"fill:var(--vain)\"/></pattern></defs>\n";
