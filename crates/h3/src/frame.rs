//! How frames are written (section 7.1), and what they have in common.

use crate::Fault;
use sakigake_wire::{Grow, MAX_VARINT, Reader};

/// Appends a frame.
pub(crate) fn write(kind: u64, payload: &[u8], out: &mut Vec<u8>) {
    write_head(kind, payload.len() as u64, out);
    out.extend_from_slice(payload);
}

/// Appends a frame's head.
pub(crate) fn write_head(kind: u64, len: u64, out: &mut Vec<u8>) {
    varint(kind, out);
    varint(len, out);
}

/// Appends a variable-length integer; one beyond what that can say is cut to the largest.
pub(crate) fn varint(value: u64, out: &mut Vec<u8>) {
    out.varint(value.min(MAX_VARINT));
}

/// The one integer that a payload is.
pub(crate) fn integer(payload: &[u8]) -> Result<u64, Fault> {
    let mut reader = Reader::new(payload);
    let value = reader.varint().map_err(|_| Fault::FrameLength)?; // spec: 9114-7.1-a
    if reader.is_empty() { Ok(value) } else { Err(Fault::FrameLength) }
}

#[cfg(test)]
mod tests;
