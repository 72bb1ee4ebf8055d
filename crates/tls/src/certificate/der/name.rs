use super::{Elements, OID, SEQUENCE};
use core::fmt::Write;
use sakigake_wire::Reader;

/// A distinguished name (the contents of its SEQUENCE) as RFC 4514 writes it: the most specific part first. Whatever is not
/// plain text is hexadecimal, so that the outcome is one line of text without control characters.
pub(crate) fn distinguished_name(name: &[u8]) -> String {
    let mut parts = Vec::new();
    let mut reader = Reader::new(name);
    while let Some((SET, attributes)) = reader.any_element() {
        let mut attributes = Reader::new(attributes);
        let mut part = String::new();
        while let Some(attribute) = attributes.element(SEQUENCE) {
            if !part.is_empty() {
                part.push('+');
            }
            write_attribute(attribute, &mut part);
        }
        parts.push(part);
    }
    parts.reverse();
    parts.join(",")
}

fn write_attribute(attribute: &[u8], out: &mut String) {
    let mut reader = Reader::new(attribute);
    let Some(oid) = reader.element(OID) else { return };
    let known = TYPES.iter().find(|(known, _)| *known == oid);
    match known {
        Some((_, name)) => out.push_str(name),
        None => write_oid(oid, out),
    }
    out.push('=');
    let rest = reader.peek();
    match (known, reader.any_element()) {
        (Some(_), Some((UTF8_STRING | PRINTABLE_STRING | IA5_STRING, text))) => {
            match core::str::from_utf8(text) {
                Ok(text) => write_text(text, out),
                Err(_) => write_hex(rest, out),
            }
        }
        _ => write_hex(rest, out),
    }
}

/// Escapes what has a meaning in RFC 4514, and what would end a line.
fn write_text(text: &str, out: &mut String) {
    let last = text.len().saturating_sub(1);
    for (at, char) in text.char_indices() {
        match char {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' | '=' => out.extend(['\\', char]),
            ' ' | '#' if at == 0 => out.extend(['\\', char]),
            ' ' if at == last => out.push_str("\\ "),
            char if char.is_control() => {
                let mut bytes = [0; 4];
                char.encode_utf8(&mut bytes).bytes().for_each(|byte| push(out, format_args!("\\{byte:02x}")));
            }
            char => out.push(char),
        }
    }
}

fn write_hex(bytes: &[u8], out: &mut String) {
    out.push('#');
    bytes.iter().for_each(|byte| push(out, format_args!("{byte:02x}")));
}

/// Dotted decimals (X.690 section 8.19).
fn write_oid(oid: &[u8], out: &mut String) {
    let mut arcs: Vec<u64> = Vec::new();
    let mut arc = 0_u64;
    for byte in oid {
        arc = (arc << 7) | u64::from(byte & 0x7f); // What overflows is no arc that anybody has.
        if byte & 0x80 == 0 {
            arcs.push(core::mem::take(&mut arc));
        }
    }
    let Some((first, rest)) = arcs.split_first() else { return };
    let root = (*first / 40).min(2);
    push(out, format_args!("{root}.{}", first - root * 40));
    rest.iter().for_each(|arc| push(out, format_args!(".{arc}")));
}

fn push(out: &mut String, text: core::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a string takes whatever is written");
}

const SET: u8 = 0x31;
const UTF8_STRING: u8 = 0x0c;
const PRINTABLE_STRING: u8 = 0x13;
const IA5_STRING: u8 = 0x16;

/// RFC 4514 section 3's table.
const TYPES: &[(&[u8], &str)] = &[
    (&[0x55, 4, 3], "CN"),
    (&[0x55, 4, 7], "L"),
    (&[0x55, 4, 8], "ST"),
    (&[0x55, 4, 10], "O"),
    (&[0x55, 4, 11], "OU"),
    (&[0x55, 4, 6], "C"),
    (&[0x55, 4, 9], "STREET"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19], "DC"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01], "UID"),
];
