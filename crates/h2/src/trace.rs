//! Frames made readable: a reader of its own beside the engine, for whoever wants to show them as they come. It judges
//! nothing, and costs nothing where nobody asks.

use crate::frame::FrameHead;
use crate::rules::{self, HEAD_BYTES, MAX_31_BITS, PREFACE, flag, kind};
use core::fmt;

/// Finds the frames in one direction's bytes, in any split.
#[derive(Debug, Default)]
pub struct Tracer {
    head: Vec<u8>,
    /// Payload still to come of the frame whose detail is being gathered.
    left: u32,
    detail: Vec<u8>,
    preface_seen: usize,
}

/// A frame that passed by. `Display` gives one line: `HEADERS stream=1 length=38 END_STREAM END_HEADERS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen<'a> {
    /// Its type; [`crate::rules::frame_name`] has its name.
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// Its stream, 0 for the connection.
    pub stream: u32,
    /// Its payload's length in bytes.
    pub length: u32,
    /// The first bytes of its payload, at most [`DETAIL_BYTES`].
    pub detail: &'a [u8],
}

/// How much of a payload a trace looks at, in bytes.
pub const DETAIL_BYTES: usize = 96;

impl Tracer {
    /// Bytes of that direction, and what was seen in them. A client's preface is passed over.
    pub fn feed(&mut self, mut bytes: &[u8], seen: &mut impl FnMut(Seen<'_>)) {
        bytes = self.skip_preface(bytes);
        while !bytes.is_empty() {
            if self.head.len() < HEAD_BYTES {
                let (now, rest) = bytes.split_at(bytes.len().min(HEAD_BYTES - self.head.len()));
                self.head.extend_from_slice(now);
                bytes = rest;
                self.left = self.current().map_or(0, |head| head.length);
            }
            let Some(head) = self.current() else { return };
            let (now, rest) = bytes.split_at(bytes.len().min(self.left as usize));
            bytes = rest;
            self.left -= now.len() as u32;
            let wanted = now.len().min(DETAIL_BYTES - self.detail.len());
            self.detail.extend_from_slice(&now[..wanted]);
            if self.left == 0 {
                let FrameHead { length, kind, flags, stream } = head;
                seen(Seen { kind, flags, stream, length, detail: &self.detail });
                self.head.clear();
                self.detail.clear();
            }
        }
    }

    fn current(&self) -> Option<FrameHead> {
        self.head.first_chunk().filter(|_| self.head.len() == HEAD_BYTES).map(|head| FrameHead::read(*head))
    }

    fn skip_preface<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let rest = &PREFACE[self.preface_seen..];
        let common = rest.iter().zip(bytes).take_while(|(wanted, came)| wanted == came).count();
        // A server's first byte is a length, 0 for any SETTINGS frame there is, so one byte tells the two apart.
        let over = common < rest.len().min(bytes.len());
        self.preface_seen = if over { PREFACE.len() } else { self.preface_seen + common };
        &bytes[common..]
    }
}

impl fmt::Display for Seen<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match rules::frame_name(self.kind) {
            "unknown" => write!(f, "frame {:#04x}", self.kind)?,
            name => f.write_str(name)?,
        }
        if self.stream != 0 {
            write!(f, " stream={}", self.stream)?;
        }
        write!(f, " length={}", self.length)?;
        let defined = rules::frame(self.kind).map_or(0, |rule| rule.flags);
        for (bit, name) in self.flag_names() {
            if self.flags & defined & bit != 0 {
                write!(f, " {name}")?;
            }
        }
        self.fmt_detail(f)
    }
}

impl Seen<'_> {
    fn flag_names(&self) -> [(u8, &'static str); 4] {
        let first = if matches!(self.kind, kind::SETTINGS | kind::PING) { "ACK" } else { "END_STREAM" };
        [
            (flag::END_STREAM, first),
            (flag::END_HEADERS, "END_HEADERS"),
            (flag::PADDED, "PADDED"),
            (flag::PRIORITY, "PRIORITY"),
        ]
    }

    /// The numbers in a payload that say something by themselves.
    fn fmt_detail(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |at: usize| self.detail.get(at..)?.first_chunk().map(|four| u32::from_be_bytes(*four));
        match (self.kind, number(0), number(4)) {
            (kind::SETTINGS, ..) => self.detail.chunks_exact(6).try_for_each(|entry| fmt_setting(f, entry)),
            (kind::RST_STREAM, Some(code), _) => write!(f, " {}", rules::error_name(code)),
            (kind::GOAWAY, Some(last), Some(code)) => {
                write!(f, " last={} {}", last & MAX_31_BITS, rules::error_name(code))
            }
            (kind::WINDOW_UPDATE, Some(by), _) => write!(f, " +{}", by & MAX_31_BITS),
            (kind::PRIORITY_UPDATE, Some(of), _) => {
                let value = String::from_utf8_lossy(self.detail.get(4..).unwrap_or_default());
                write!(f, " of={} {:?}", of & MAX_31_BITS, value)
            }
            _ => Ok(()),
        }
    }
}

fn fmt_setting(f: &mut fmt::Formatter<'_>, entry: &[u8]) -> fmt::Result {
    let &[a, b, ref value @ ..] = entry else { return Ok(()) };
    let (id, value) =
        (u16::from_be_bytes([a, b]), value.iter().fold(0_u32, |all, byte| all << 8 | u32::from(*byte)));
    match rules::setting_rule(id) {
        Some(rule) => write!(f, " {}={value}", rule.name.strip_prefix("SETTINGS_").unwrap_or(rule.name)),
        None => write!(f, " {id:#06x}={value}"),
    }
}

#[cfg(test)]
mod tests;
