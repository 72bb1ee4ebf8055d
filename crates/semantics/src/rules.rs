//! The tables of RFC 9113 section 8.2 and 8.3 and of RFC 9110 section 5.6.2.

use crate::{FieldLine, Kind, Malformed};
use core::net::Ipv6Addr;

/// One row a pseudo-field: its name and the message that may carry it (RFC 9113 section 8.3, RFC 8441 section 4).
pub(crate) const PSEUDO_FIELDS: [(&[u8], Pseudo, Kind); 6] = [
    (b":method", Pseudo::Method, Kind::Request),
    (b":scheme", Pseudo::Scheme, Kind::Request),
    (b":authority", Pseudo::Authority, Kind::Request),
    (b":path", Pseudo::Path, Kind::Request),
    (b":protocol", Pseudo::Protocol, Kind::Request),
    (b":status", Pseudo::Status, Kind::Response),
];

/// Fields that speak of one HTTP/1.1 connection (RFC 9113 section 8.2.2).
pub const CONNECTION_SPECIFIC: [&[u8]; 5] =
    [b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"];

/// Whether a line may leave over HTTP/2 or HTTP/3: fields that speak of one connection stay behind (RFC 9113 section 8.2.2,
/// RFC 9114 section 4.2).
pub fn crosses(line: &FieldLine<'_>) -> bool {
    !CONNECTION_SPECIFIC.contains(&line.name) && (line.name != b"te" || line.value == b"trailers")
}

/// Default ports of the schemes whose authority may not be empty (RFC 9110 section 4.2).
pub(crate) const HTTP_SCHEMES: [(&[u8], &[u8]); 2] = [(b"http", b"80"), (b"https", b"443")];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pseudo {
    Method,
    Scheme,
    Authority,
    Path,
    Protocol,
    Status,
}

impl Pseudo {
    /// Its bit in a set of those already seen.
    pub(crate) const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// `tchar` of RFC 9110 section 5.6.2, by byte.
static TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = matches!(byte as u8, b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'!' | b'#' | b'$' | b'%' | b'&'
            | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~');
        byte += 1;
    }
    table
};

/// What an authority may be made of (RFC 3986 section 3.2), by byte.
static AUTHORITY: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = matches!(byte as u8, b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'.' | b'_' | b'~' | b'!'
            | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':' | b'[' | b']' | b'%' | b'@');
        byte += 1;
    }
    table
};

/// Whether an authority may have all of `bytes`.
pub(crate) fn is_authority(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| AUTHORITY[usize::from(*byte)])
}

/// Whether `bytes` are a token: at least one character, each a `tchar` (RFC 9110 section 5.6.2).
pub fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| TOKEN[usize::from(*byte)])
}

/// Whether `host` is a host as addresses and origins here have it: a name in ASCII of at most 253 bytes, an IPv4 address, or
/// an IPv6 address in brackets (RFC 3986 section 3.2.2, without percent-encoding and without zones).
pub fn is_host(host: &str) -> bool {
    let inside = host.strip_prefix('[').map(|rest| rest.strip_suffix(']'));
    match inside {
        Some(address) => address.is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()),
        None => {
            let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            (1..=253).contains(&host.len()) && host.bytes().all(known)
        }
    }
}

/// Holds a field name to RFC 9113 section 8.2.1. A pseudo-field's colon is cut off before.
pub(crate) fn check_name(name: &[u8]) -> Result<(), Malformed> {
    if !name.is_empty() && name.iter().all(|byte| TOKEN[usize::from(*byte)] && !byte.is_ascii_uppercase()) {
        return Ok(());
    }
    refuse_if(name.is_empty(), Malformed::EmptyName)?;
    refuse_if(name.iter().any(u8::is_ascii_uppercase), Malformed::UppercaseName)?; // spec: 9113-8.2-a
    refuse_if(!is_token(name), Malformed::Name) // spec: 9113-8.2.1-a 9113-10.3-a
}

/// Holds a field value to RFC 9113 section 8.2.1.
pub(crate) fn check_value(value: &[u8]) -> Result<(), Malformed> {
    // Without an early end, so that many bytes are looked at together.
    let barred = value.iter().fold(false, |barred, byte| barred | matches!(byte, 0 | b'\r' | b'\n'));
    refuse_if(barred, Malformed::Value)?; // spec: 9113-8.2.1-b 9113-10.3-a
    let padding = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    refuse_if(padding(value.first()) || padding(value.last()), Malformed::PaddedValue)?; // spec: 9113-8.2.1-c
    Ok(())
}

/// `Err(sin)` when `guilty`.
pub(crate) const fn refuse_if(guilty: bool, sin: Malformed) -> Result<(), Malformed> {
    if guilty { Err(sin) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
