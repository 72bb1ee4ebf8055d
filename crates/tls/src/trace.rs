//! Messages and records in words, for people: names from the tables, long byte strings shortened with their length.
//!
//! It reads by itself rather than through the typed messages, so that it can tell what a broken message holds up to the
//! byte where it breaks. It never fails; what it prints is bounded by what it reads.

mod extension;
mod message;
mod page;

use crate::rules::{AlertDescription, AlertLevel, ContentType, HandshakeType, ProtocolVersion, Side};
use page::Page;
use sakigake_wire::Reader;

/// One handshake message that `sender` sent, header included, as lines that end with a newline.
pub fn message(sender: Side, bytes: &[u8]) -> String {
    let mut page = Page::default();
    let mut reader = Reader::new(bytes);
    let (Ok(kind), Ok(length)) = (reader.u8(), reader.u24()) else {
        page.line(format_args!("{}: {} byte(s) of a handshake message's header", way(sender), bytes.len()));
        return page.finish();
    };
    let kind = HandshakeType(kind);
    page.line(format_args!(
        "{}: {} ({}), {} bytes",
        way(sender),
        message::title(kind, reader.peek()),
        kind.0,
        length
    ));
    page.within(|page| {
        if reader.len() != length as usize {
            page.line(format_args!("of which {} are here", reader.len()));
        }
        page.read(&mut reader, |page, reader| message::body(page, kind, reader));
    });
    page.finish()
}

/// A record's header that `sender` sent, and what its content is when it lies open: `opened` is the content type and
/// the plaintext, if the record was protected and could be opened.
pub fn record(sender: Side, header: [u8; 5], opened: Option<(ContentType, &[u8])>) -> String {
    let [kind, version_high, version_low, length_high, length_low] = header;
    let version = ProtocolVersion(u16::from_be_bytes([version_high, version_low]));
    let length = u16::from_be_bytes([length_high, length_low]);
    let mut page = Page::default();
    let kind = ContentType(kind);
    page.line(format_args!("{}: record {kind} ({}), {version}, {length} bytes", way(sender), kind.0));
    if let Some((inner, plaintext)) = opened {
        page.within(|page| {
            page.line(format_args!("protects {inner} ({}), {} bytes", inner.0, plaintext.len()));
            if inner == ContentType::ALERT {
                page.within(|page| page.read(&mut Reader::new(plaintext), alert_fields));
            }
        });
    }
    page.finish()
}

/// An alert that `sender` sent: its two bytes.
pub fn alert(sender: Side, bytes: &[u8]) -> String {
    let mut page = Page::default();
    page.line(format_args!("{}: alert", way(sender)));
    page.within(|page| page.read(&mut Reader::new(bytes), alert_fields));
    page.finish()
}

fn alert_fields(page: &mut Page, reader: &mut Reader<'_>) -> Result<(), sakigake_wire::Short> {
    let (level, description) = (AlertLevel(reader.u8()?), AlertDescription(reader.u8()?));
    page.line(format_args!("{level} {description} ({})", description.0));
    Ok(())
}

fn way(sender: Side) -> &'static str {
    match sender {
        Side::Client => "client -> server",
        Side::Server => "server -> client",
    }
}

#[cfg(test)]
mod tests;
