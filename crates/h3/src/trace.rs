//! Frames made readable: a reader of its own beside the engine, for whoever wants to show them as they come. It judges nothing,
//! and costs nothing where nobody asks.

use crate::rules::{self, is_reserved, kind, setting, stream_type};
use core::fmt;
use sakigake_semantics::StreamId;
use sakigake_wire::Reader;
use std::collections::BTreeMap;

/// Finds the frames in one direction's bytes, in any split.
#[derive(Debug, Default)]
pub struct Tracer {
    streams: BTreeMap<u64, Passing>,
}

/// A frame that passed by, or a unidirectional stream that began. `Display` gives one line: `HEADERS stream=0 length=38`,
/// `stream=3 control`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen<'a> {
    /// Its stream.
    pub stream: StreamId,
    /// What it is.
    pub what: What<'a>,
}

/// What passed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What<'a> {
    /// A frame, all of it.
    Frame {
        /// Its type; [`rules::frame`] has its name.
        kind: u64,
        /// Its payload's length in bytes.
        length: u64,
        /// The first bytes of its payload, at most [`DETAIL_BYTES`].
        detail: &'a [u8],
    },
    /// The type of a unidirectional stream.
    Begun {
        /// The type.
        kind: u64,
    },
}

/// How much of a payload a trace looks at, in bytes.
pub const DETAIL_BYTES: usize = 96;

/// Streams of one direction that are followed at a time; the frames of later ones are not shown.
const STREAMS: usize = 1_024;

/// What is known of a stream between two pieces of it.
#[derive(Debug, Default)]
struct Passing {
    /// A type, or a frame's head, as far as it has come.
    head: Vec<u8>,
    /// The frame whose payload comes: its type, its length, what is left of it.
    frame: Option<(u64, u64, u64)>,
    detail: Vec<u8>,
    place: Place,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Its type has still to come.
    #[default]
    Untyped,
    Frames,
    /// No frames are on it.
    Other,
}

impl Tracer {
    /// Bytes of a stream in that direction, and what was seen in them.
    pub fn feed(&mut self, stream: StreamId, mut bytes: &[u8], seen: &mut impl FnMut(Seen<'_>)) {
        let is_new = !self.streams.contains_key(&stream.0);
        if is_new && self.streams.len() == STREAMS {
            return;
        }
        let is_one_way = stream.0 & 2 != 0;
        let passing = self.streams.entry(stream.0).or_insert_with(|| Passing {
            place: if is_one_way { Place::Untyped } else { Place::Frames },
            ..Passing::default()
        });
        while let Some(what) = passing.step(&mut bytes) {
            seen(Seen { stream, what });
        }
    }

    /// Nothing more comes on that stream.
    pub fn forget(&mut self, stream: StreamId) {
        self.streams.remove(&stream.0);
    }
}

impl Passing {
    /// What the bytes show next; none when all were used up.
    fn step<'a>(&'a mut self, bytes: &mut &[u8]) -> Option<What<'a>> {
        match self.place {
            Place::Other => {
                *bytes = &[];
                None
            }
            Place::Untyped => {
                let [kind] = self.numbers(bytes)?;
                self.place = if kind == stream_type::CONTROL { Place::Frames } else { Place::Other };
                Some(What::Begun { kind })
            }
            Place::Frames => self.frame(bytes),
        }
    }

    fn frame<'a>(&'a mut self, bytes: &mut &[u8]) -> Option<What<'a>> {
        let (kind, length, left) = match self.frame {
            Some(frame) => frame,
            None => {
                let [kind, length] = self.numbers(bytes)?;
                self.detail.clear();
                (kind, length, length)
            }
        };
        let (now, rest) =
            bytes.split_at(usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len())));
        *bytes = rest;
        let wanted = now.len().min(DETAIL_BYTES - self.detail.len());
        self.detail.extend_from_slice(&now[..wanted]);
        let left = left - now.len() as u64;
        self.frame = (left > 0).then_some((kind, length, left));
        self.frame.is_none().then_some(What::Frame { kind, length, detail: &self.detail })
    }

    /// The next integers, once all of them are here.
    fn numbers<const N: usize>(&mut self, bytes: &mut &[u8]) -> Option<[u64; N]> {
        while let Some((byte, rest)) = bytes.split_first() {
            self.head.push(*byte);
            *bytes = rest;
            let mut reader = Reader::new(&self.head);
            let mut numbers = [0; N];
            if numbers.iter_mut().all(|number| reader.varint().map(|value| *number = value).is_ok()) {
                self.head.clear();
                return Some(numbers);
            }
        }
        None
    }
}

impl fmt::Display for Seen<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stream = self.stream.0;
        match self.what {
            What::Begun { kind } => {
                write!(f, "stream={stream} ")?;
                match kind {
                    stream_type::CONTROL => f.write_str("control"),
                    stream_type::PUSH => f.write_str("push"),
                    stream_type::QPACK_ENCODER => f.write_str("QPACK encoder"),
                    stream_type::QPACK_DECODER => f.write_str("QPACK decoder"),
                    kind if is_reserved(kind) => write!(f, "type {kind:#x} (reserved)"),
                    kind => write!(f, "type {kind:#x}"),
                }
            }
            What::Frame { kind, length, detail } => {
                match rules::frame(kind) {
                    Some(rule) => f.write_str(rule.name)?,
                    None if is_reserved(kind) => write!(f, "frame {kind:#x} (reserved)")?,
                    None => write!(f, "frame {kind:#x}")?,
                }
                write!(f, " stream={stream} length={length}")?;
                fmt_detail(f, kind, &mut Reader::new(detail))
            }
        }
    }
}

/// The numbers in a payload that say something by themselves.
fn fmt_detail(f: &mut fmt::Formatter<'_>, kind: u64, detail: &mut Reader<'_>) -> fmt::Result {
    match kind {
        kind::SETTINGS => {
            while let (Ok(id), Ok(value)) = (detail.varint(), detail.varint()) {
                match setting_name(id) {
                    Some(name) => write!(f, " {name}={value}")?,
                    None => write!(f, " {id:#x}={value}")?,
                }
            }
            Ok(())
        }
        kind::GOAWAY | kind::MAX_PUSH_ID | kind::CANCEL_PUSH => {
            detail.varint().map_or(Ok(()), |id| write!(f, " id={id}"))
        }
        kind::PRIORITY_UPDATE | kind::PRIORITY_UPDATE_PUSH => {
            let Ok(of) = detail.varint() else { return Ok(()) };
            write!(f, " of={of} {:?}", String::from_utf8_lossy(detail.rest()))
        }
        _ => Ok(()),
    }
}

fn setting_name(id: u64) -> Option<&'static str> {
    Some(match id {
        setting::QPACK_MAX_TABLE_CAPACITY => "QPACK_MAX_TABLE_CAPACITY",
        setting::MAX_FIELD_SECTION_SIZE => "MAX_FIELD_SECTION_SIZE",
        setting::QPACK_BLOCKED_STREAMS => "QPACK_BLOCKED_STREAMS",
        setting::ENABLE_CONNECT_PROTOCOL => "ENABLE_CONNECT_PROTOCOL",
        setting::H3_DATAGRAM => "H3_DATAGRAM",
        rules::SETTINGS_PRELOAD => "PRELOAD",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
