//! The listing for programs.

use super::super::path;
use super::{Entry, Listing};
use std::fmt::Write as _;
use std::time::SystemTime;

/// `{"path": ..., "cut": false, "entries": [{"name", "href", "type", "bytes", "modified"}]}`. A name that is no UTF-8 has
/// U+FFFD in it; its `href`, relative to the folder, is exact, and null for a name that no request can have.
pub(super) fn page(listing: &Listing) -> String {
    let mut page = String::with_capacity(256 + listing.entries.len() * 128);
    let mut path = b"/".to_vec();
    for segment in &listing.segments {
        path::encode_all(segment, &mut path);
        path.push(b'/');
    }
    push(&mut page, format_args!("{{\"path\":{},\"cut\":{},\"entries\":[", text(&path), listing.is_cut));
    for (place, entry) in listing.entries.iter().enumerate() {
        page.push_str(if place == 0 { "\n" } else { ",\n" });
        row(&mut page, entry);
    }
    page.push_str("\n]}\n");
    page
}

fn row(page: &mut String, entry: &Entry) {
    let href = entry.href().map_or("null".to_owned(), |href| text(href.as_bytes()));
    let kind = if entry.is_folder { "folder" } else { "file" };
    push(page, format_args!("{{\"name\":{},\"href\":{href},\"type\":\"{kind}\"", text(&entry.name)));
    if !entry.is_folder {
        push(page, format_args!(",\"bytes\":{}", entry.bytes));
    }
    if let Some(modified) = entry.modified {
        push(page, format_args!(",\"modified\":\"{}\"", second(modified)));
    }
    page.push('}');
}

/// A string of JSON (RFC 8259 section 7) that can stand in HTML too.
pub(in super::super) fn text(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for character in String::from_utf8_lossy(bytes).chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '<' | '>' | '&' | '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => {
                push(&mut text, format_args!("\\u{:04x}", character as u32));
            }
            character => text.push(character),
        }
    }
    text.push('"');
    text
}

/// RFC 3339.
fn second(time: SystemTime) -> String {
    let at = time::OffsetDateTime::from(time);
    let (year, month, day) = at.to_calendar_date();
    let (hour, minute, second) = at.to_hms();
    format!("{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z", u8::from(month))
}

/// Writing to a string cannot fail.
fn push(page: &mut String, text: std::fmt::Arguments<'_>) {
    page.write_fmt(text).expect("a string takes everything");
}
