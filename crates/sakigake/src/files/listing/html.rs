//! The page for people: one file, no script, light and dark.

use super::super::path;
use super::{Entry, Key, Listing, Sort};
use std::fmt::Write as _;
use std::time::SystemTime;

pub(super) fn page(listing: &Listing) -> String {
    let mut page = String::with_capacity(2048 + listing.entries.len() * 160);
    let title = listing.segments.last().map_or("/".to_owned(), |name| escape(name));
    page.push_str("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n");
    page.push_str("<meta name=\"viewport\" content=\"width=device-width\">\n");
    push(&mut page, format_args!("<title>{title}</title>\n<style>\n{STYLE}</style>\n"));
    way(&mut page, &listing.segments);
    page.push_str("<table>\n<thead><tr>");
    for (key, name, label) in
        [(Key::Name, "name", "Name"), (Key::Size, "size", "Size"), (Key::Time, "time", "Changed")]
    {
        column(&mut page, listing.sort, key, name, label);
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    if !listing.segments.is_empty() {
        page.push_str("<tr><td><a href=\"../\">../</a><td><td>\n");
    }
    listing.entries.iter().for_each(|entry| row(&mut page, entry));
    page.push_str("</tbody>\n</table>\n");
    match (listing.is_cut, listing.entries.len()) {
        (true, shown) => push(&mut page, format_args!("<p>There is more here than these {shown} names.\n")),
        (false, 0) => page.push_str("<p>Nothing here.\n"),
        (false, _) => {}
    }
    page.push_str("<small>Sakigake</small>\n</html>\n");
    page
}

/// Each folder on the way, as a link.
fn way(page: &mut String, segments: &[Vec<u8>]) {
    page.push_str("<h1>");
    let mut href = String::from("/");
    push(page, format_args!("<a href=\"{href}\">/</a>"));
    for segment in segments {
        let mut encoded = Vec::new();
        path::encode_all(segment, &mut encoded);
        href.extend(encoded.into_iter().map(char::from));
        href.push('/');
        push(page, format_args!("<wbr><a href=\"{href}\"><bdi>{}</bdi></a>/", escape(segment)));
    }
    page.push_str("</h1>\n");
}

/// A heading that sorts by its column, and the other way round when it does so already.
fn column(page: &mut String, sort: Sort, key: Key, name: &str, label: &str) {
    let (order, aria) = match (sort.key == key, sort.is_descending) {
        (true, false) => ("desc", " aria-sort=\"ascending\""),
        (true, true) => ("asc", " aria-sort=\"descending\""),
        (false, _) => ("asc", ""),
    };
    push(page, format_args!("<th{aria}><a href=\"?sort={name}&amp;order={order}\">{label}</a>"));
}

fn row(page: &mut String, entry: &Entry) {
    let slash = if entry.is_folder { "/" } else { "" };
    let name = escape(&entry.name);
    match entry.href() {
        Some(href) => push(page, format_args!("<tr><td><a href=\"{href}\"><bdi>{name}</bdi>{slash}</a>")),
        None => push(page, format_args!("<tr><td><bdi>{name}</bdi>{slash}")),
    }
    match entry.is_folder {
        true => page.push_str("<td>"),
        false => push(page, format_args!("<td>{}", size(entry.bytes))),
    }
    push(page, format_args!("<td>{}\n", entry.modified.map_or(String::new(), minute)));
}

/// Text that stands for nothing but itself: markup is escaped, and what is invisible or turns the direction of writing is
/// named by its number.
pub(in super::super) fn escape(name: &[u8]) -> String {
    let mut text = String::with_capacity(name.len());
    for character in String::from_utf8_lossy(name).chars() {
        match character {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\'' => text.push_str("&#39;"),
            character if is_invisible(character) => {
                push(&mut text, format_args!("[U+{:04X}]", character as u32))
            }
            character => text.push(character),
        }
    }
    text
}

/// Controls, separators of lines, marks of direction, and what has no width.
pub(in super::super) fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// Three digits or so, in powers of 1024.
fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    for next in units {
        if value < 1000.0 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    match unit == "B" || value >= 99.95 {
        true => format!("{value:.0} {unit}"),
        false => format!("{value:.1} {unit}"),
    }
}

fn minute(time: SystemTime) -> String {
    let at = time::OffsetDateTime::from(time);
    let (year, month, day) = at.to_calendar_date();
    format!("{year:04}-{:02}-{day:02} {:02}:{:02} UTC", u8::from(month), at.hour(), at.minute())
}

/// Writing to a string cannot fail.
fn push(page: &mut String, text: std::fmt::Arguments<'_>) {
    page.write_fmt(text).expect("a string takes everything");
}

const STYLE: &str = "\
:root { color-scheme: light dark; font: 16px/1.6 system-ui, sans-serif }
body { max-width: 56rem; margin: 3rem auto; padding: 0 1.5rem }
h1 { font-weight: 600; font-size: 1.4rem; overflow-wrap: anywhere }
table { border-collapse: collapse; width: 100% }
th { text-align: start; font-weight: 600; border-bottom: 1px solid GrayText }
th, td { padding: .15rem 1rem .15rem 0 }
td { overflow-wrap: anywhere; vertical-align: top }
td + td, th + th { text-align: end; white-space: nowrap; font-variant-numeric: tabular-nums }
tbody tr:hover { background: color-mix(in srgb, currentColor 8%, transparent) }
a { text-decoration: none } a:hover { text-decoration: underline }
th[aria-sort=ascending] a::after { content: ' \\2191' }
th[aria-sort=descending] a::after { content: ' \\2193' }
p, small { opacity: .7 } small { display: block; margin-top: 2rem }
";
