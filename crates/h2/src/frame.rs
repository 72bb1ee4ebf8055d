//! Frames on the wire (sections 4.1 and 6): a head, and a struct for each payload that has a shape. Place and length
//! were checked by [`crate::rules::admit`] before a payload is read.

use crate::Fault;
use crate::rules::{self, HEAD_BYTES, MAX_31_BITS, flag, kind};
use sakigake_wire::{Grow, Reader, Short};

/// The nine bytes before a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameHead {
    pub(crate) length: u32,
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
}

impl FrameHead {
    pub(crate) const fn new(kind: u8, flags: u8, stream: u32, length: usize) -> Self {
        Self { length: length as u32, kind, flags, stream }
    }

    pub(crate) fn read(bytes: [u8; HEAD_BYTES]) -> Self {
        let [a, b, c, kind, flags, stream @ ..] = bytes;
        // The reserved bit is ignored.
        let stream = u32::from_be_bytes(stream) & MAX_31_BITS; // spec: 9113-4.1-b
        Self { length: u32::from_be_bytes([0, a, b, c]), kind, flags, stream }
    }

    pub(crate) fn bytes(self) -> [u8; HEAD_BYTES] {
        let [_, a, b, c] = self.length.to_be_bytes();
        let [s, t, u, v] = (self.stream & MAX_31_BITS).to_be_bytes(); // spec: 9113-4.1-d
        [a, b, c, self.kind, self.flags, s, t, u, v]
    }

    pub(crate) const fn has(self, flag: u8) -> bool {
        self.flags & flag != 0 // spec: 9113-4.1-c
    }
}

/// A frame that fits in a few bytes, or carries a slice: all but DATA, HEADERS and CONTINUATION, which the connection
/// writes where they will lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frame<'a> {
    Priority {
        stream: u32,
        /// The stream that it is to depend on; the rest of the frame means nothing any more.
        on: u32,
    },
    RstStream {
        stream: u32,
        code: u32,
    },
    Settings(&'a [u8]),
    SettingsAck,
    Ping {
        payload: [u8; 8],
        ack: bool,
    },
    GoAway {
        last: u32,
        code: u32,
    },
    WindowUpdate {
        stream: u32,
        increment: u32,
    },
    PriorityUpdate {
        stream: u32,
        value: &'a [u8],
    },
    Origin {
        entries: &'a [u8],
    },
    Preload {
        /// Its type, which the owner may have moved.
        kind: u8,
        /// The field block.
        block: &'a [u8],
    },
}

impl<'a> Frame<'a> {
    /// Reads a payload. `None`: a frame type that has no shape here.
    pub(crate) fn read(head: FrameHead, payload: &'a [u8]) -> Result<Option<Self>, Fault> {
        // `admit` has checked every length, so a short payload would be our own slip; the answer is the same.
        let short = |_: Short| Fault::FrameLength;
        let mut reader = Reader::new(payload);
        let frame = match head.kind {
            kind::PRIORITY => {
                Self::Priority { stream: head.stream, on: reader.u32().map_err(short)? & MAX_31_BITS }
            }
            kind::RST_STREAM => Self::RstStream { stream: head.stream, code: reader.u32().map_err(short)? },
            kind::SETTINGS if head.has(flag::ACK) && payload.is_empty() => Self::SettingsAck,
            kind::SETTINGS if head.has(flag::ACK) => return Err(Fault::SettingsAckLength), // spec: 9113-6.5-a
            kind::SETTINGS => Self::Settings(reader.rest()),
            kind::PING => Self::Ping { payload: reader.array().map_err(short)?, ack: head.has(flag::ACK) },
            kind::GOAWAY => Self::GoAway {
                last: reader.u32().map_err(short)? & MAX_31_BITS,
                code: reader.u32().map_err(short)?,
            },
            kind::WINDOW_UPDATE => Self::WindowUpdate {
                stream: head.stream,
                increment: reader.u32().map_err(short)? & MAX_31_BITS,
            },
            kind::PRIORITY_UPDATE => Self::PriorityUpdate {
                stream: reader.u32().map_err(short)? & MAX_31_BITS,
                value: reader.rest(),
            },
            kind::ORIGIN => Self::Origin { entries: reader.rest() },
            rules::PRELOAD => Self::Preload { kind: head.kind, block: reader.rest() },
            _ => return Ok(None),
        };
        Ok(Some(frame))
    }

    /// Appends the whole frame.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let mut head =
            |kind, flags, stream, length| out.put(&FrameHead::new(kind, flags, stream, length).bytes());
        match *self {
            Self::Priority { stream, on } => {
                head(kind::PRIORITY, 0, stream, 5);
                out.u32(on);
                out.u8(0);
            }
            Self::RstStream { stream, code } => {
                head(kind::RST_STREAM, 0, stream, 4);
                out.u32(code);
            }
            Self::Settings(entries) => {
                head(kind::SETTINGS, 0, 0, entries.len());
                out.put(entries);
            }
            Self::SettingsAck => head(kind::SETTINGS, flag::ACK, 0, 0),
            Self::Ping { payload, ack } => {
                head(kind::PING, if ack { flag::ACK } else { 0 }, 0, 8);
                out.put(&payload);
            }
            Self::GoAway { last, code } => {
                head(kind::GOAWAY, 0, 0, 8);
                out.u32(last);
                out.u32(code);
            }
            Self::WindowUpdate { stream, increment } => {
                head(kind::WINDOW_UPDATE, 0, stream, 4);
                out.u32(increment);
            }
            Self::PriorityUpdate { stream, value } => {
                head(kind::PRIORITY_UPDATE, 0, 0, 4 + value.len());
                out.u32(stream);
                out.put(value);
            }
            Self::Origin { entries } => {
                head(kind::ORIGIN, 0, 0, entries.len());
                out.put(entries);
            }
            Self::Preload { kind, block } => {
                head(kind, 0, 0, block.len()); // spec: preload-2-e
                out.put(block);
            }
        }
    }
}

/// The field block fragment of HEADERS, padding and the old priority fields taken away, and the stream that those name.
pub(crate) fn headers_fragment(head: FrameHead, payload: &[u8]) -> Result<(&[u8], Option<u32>), Fault> {
    let mut reader = Reader::new(payload);
    let padding = pad_length(head, &mut reader)?;
    let mut on = None;
    if head.has(flag::PRIORITY) {
        let [dependency @ .., _weight] = reader.array::<5>().map_err(|_| Fault::FrameLength)?; // spec: 9113-6.2-b
        on = Some(u32::from_be_bytes(dependency) & MAX_31_BITS);
    }
    Ok((unpadded(reader, padding)?, on))
}

/// The promised stream and the fragment of PUSH_PROMISE.
pub(crate) fn push_promise(head: FrameHead, payload: &[u8]) -> Result<(u32, &[u8]), Fault> {
    let mut reader = Reader::new(payload);
    let padding = pad_length(head, &mut reader)?;
    let promised = reader.u32().map_err(|_| Fault::FrameLength)? & MAX_31_BITS;
    Ok((promised, unpadded(reader, padding)?))
}

fn pad_length(head: FrameHead, reader: &mut Reader<'_>) -> Result<usize, Fault> {
    if !head.has(flag::PADDED) {
        return Ok(0);
    }
    reader.u8().map(usize::from).map_err(|_| Fault::FrameLength)
}

fn unpadded(mut reader: Reader<'_>, padding: usize) -> Result<&[u8], Fault> {
    let fragment = reader.len().checked_sub(padding).ok_or(Fault::Padding)?; // spec: 9113-6.2-a
    reader.take(fragment).map_err(|_| Fault::Padding)
}

#[cfg(test)]
mod tests;
