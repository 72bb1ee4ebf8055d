//! Integers with a prefix (RFC 7541 section 5.1, RFC 9204 section 4.1.1).

use core::fmt;
use sakigake_wire::Reader;

/// The largest integer that is read, as in QUIC: 2^62 - 1.
pub const MAX: u64 = (1 << 62) - 1;

/// Why an integer was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The input ended within it.
    Truncated,
    /// It passes [`MAX`], or takes more bytes than [`MAX`] needs.
    TooLarge,
}

/// Reads an integer whose first byte, `first`, is already taken; `prefix` is the number of its low bits that count, 1
/// to 8.
pub fn decode(first: u8, prefix: u8, rest: &mut Reader<'_>) -> Result<u64, Fault> {
    let full = full(prefix);
    let mut value = u64::from(first) & full;
    if value < full {
        return Ok(value);
    }
    for shift in (0..63).step_by(7) {
        let byte = rest.u8().map_err(|_| Fault::Truncated)?;
        value += u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return if value > MAX { Err(Fault::TooLarge) } else { Ok(value) }; // spec: 9204-4.1.1-a
        }
    }
    Err(Fault::TooLarge) // spec: 7541-5.1-a
}

/// Writes `value`, which is at most [`MAX`], behind the bits of `flags` that lie above the prefix.
pub fn encode(value: u64, prefix: u8, flags: u8, out: &mut Vec<u8>) {
    let full = full(prefix);
    if value < full {
        out.push(flags | value as u8);
        return;
    }
    out.push(flags | full as u8);
    let mut rest = value - full;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

const fn full(prefix: u8) -> u64 {
    (1 << prefix) - 1
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "an integer is cut off",
            Self::TooLarge => "an integer is too large",
        })
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests;
