//! HTTP/2 as RFC 9113 wants it, walked a second time: both directions' frames in the order in which they were written and
//! heard, with the windows as their senders knew them, and field blocks read as if there were no PRELOAD frames.

use super::{
    Notebook, Scene,
    hpack::{Decoder, Line},
    wire::{self, APPLICATION_DATA},
};
use crate::{log::Note, pipe::Side};
use std::collections::BTreeMap;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const PRELOAD: u8 = 0xf0;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;
const HEAD_BYTES: usize = 9;

pub(super) fn check(scene: &Scene<'_>, notebook: &mut Notebook) {
    if !scene.expected.is_http {
        return;
    }
    let both = [Side::Client, Side::Server].map(|side| frames(scene, side));
    let mut events: Vec<(usize, bool, Side, &Frame)> = Vec::new();
    for (side, frames) in [Side::Client, Side::Server].into_iter().zip(&both) {
        match frames {
            Err(what) => notebook.complain(format!("the {side}: {what}")),
            Ok(frames) => {
                events.extend(frames.iter().map(|frame| (frame.wrote, false, side, frame)));
                let heard = |frame| Some((Frame::heard(frame)?, true, side, frame));
                events.extend(frames.iter().filter_map(heard));
            }
        }
    }
    events.sort_by_key(|(entry, is_heard, ..)| (*entry, *is_heard));
    let mut ways = [Way::new(Side::Client), Way::new(Side::Server)];
    for (_, is_heard, side, frame) in events {
        let outcome = match is_heard {
            false => ways[side as usize].write(frame),
            true => {
                ways[side.peer() as usize].hear(frame);
                Ok(())
            }
        };
        notebook.see();
        if let Err(what) = outcome {
            let Frame { kind, stream, .. } = frame;
            return notebook
                .complain(format!("the {side}'s frame of type {kind:#x} on stream {stream}: {what}"));
        }
    }
    compare(scene, &ways, notebook);
}

/// A frame as its side wrote it.
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
    pub(super) wrote: usize,
    heard: Option<usize>,
}

impl Frame {
    pub(super) fn heard(&self) -> Option<usize> {
        self.heard
    }
}

/// A side's application data, cut into frames.
pub(super) fn frames(scene: &Scene<'_>, side: Side) -> Result<Vec<Frame>, String> {
    let (records, _) = wire::records(scene.log, side);
    let mut waiting: Vec<u8> = Vec::new();
    let mut frames = Vec::new();
    let mut has_greeted = side == Side::Server;
    for record in records.iter().filter(|record| record.is_protected()) {
        let Some((APPLICATION_DATA, content)) = record.content() else { continue };
        waiting.extend_from_slice(content);
        if !has_greeted && waiting.len() >= PREFACE.len() {
            if !waiting.starts_with(PREFACE) {
                return Err("no preface".into());
            }
            waiting.drain(..PREFACE.len());
            has_greeted = true;
        }
        while has_greeted && let Some((head, rest)) = waiting.split_first_chunk::<HEAD_BYTES>() {
            let [high, middle, low, kind, flags, stream @ ..] = *head;
            let len = u32::from_be_bytes([0, high, middle, low]) as usize;
            let Some(payload) = rest.get(..len) else { break };
            frames.push(Frame {
                kind,
                flags,
                stream: u32::from_be_bytes(stream),
                payload: payload.to_vec(),
                wrote: record.wrote,
                heard: record.heard,
            });
            waiting.drain(..HEAD_BYTES + len);
        }
    }
    Ok(frames)
}

/// What one side says, and what it knows of the other.
struct Way {
    side: Side,
    has_begun: bool,
    window: i64,
    initial: i64,
    max_frame: usize,
    streams: BTreeMap<u32, Stream>,
    last_opened: u32,
    block: Option<(u32, bool, Vec<u8>)>,
    decoder: Decoder,
    sections: Vec<(u32, Vec<Line>)>,
}

/// A stream as its sender knows it.
struct Stream {
    window: i64,
    is_ended: bool,
    is_reset: bool,
    heard_reset: bool,
}

impl Way {
    fn new(side: Side) -> Self {
        Self {
            side,
            has_begun: false,
            window: 65_535,
            initial: 65_535,
            max_frame: 16_384,
            streams: BTreeMap::new(),
            last_opened: 0,
            block: None,
            decoder: Decoder::new(),
            sections: Vec::new(),
        }
    }

    fn stream(&mut self, id: u32) -> &mut Stream {
        let window = self.initial;
        let new = || Stream { window, is_ended: false, is_reset: false, heard_reset: false };
        self.streams.entry(id).or_insert_with(new)
    }

    /// The side sends a frame.
    fn write(&mut self, frame: &Frame) -> Result<(), String> {
        let Frame { kind, flags, stream, payload, .. } = frame;
        if !self.has_begun && (*kind != SETTINGS || flags & ACK != 0) {
            return Err("SETTINGS do not come first".into());
        }
        self.has_begun = true;
        if payload.len() > self.max_frame {
            return Err(format!("{} bytes where {} are allowed", payload.len(), self.max_frame));
        }
        let continues =
            matches!(&self.block, Some((within, ..)) if *kind == CONTINUATION && stream == within);
        if self.block.is_some() != continues || (*kind == CONTINUATION && !continues) {
            return Err("it breaks into a field block".into());
        }
        match *kind {
            HEADERS => self.headers(frame),
            CONTINUATION => self.block(*stream, flags & END_HEADERS != 0, payload),
            DATA => self.data(frame),
            RST_STREAM => self.reset(*stream),
            WINDOW_UPDATE if *stream != 0 && self.stream(*stream).is_reset => {
                Err("it follows RST_STREAM".into())
            }
            PUSH_PROMISE => Err("nobody asked for a push".into()),
            PRELOAD if self.side == Side::Client => Err("only servers hint".into()),
            PRELOAD if *stream != 0 => Err("hints belong on stream 0".into()),
            _ => Ok(()),
        }
    }

    fn headers(&mut self, frame: &Frame) -> Result<(), String> {
        let Frame { flags, stream: id, payload, .. } = frame;
        if !self.streams.contains_key(id) && self.side == Side::Client {
            if id % 2 == 0 || *id <= self.last_opened {
                return Err(format!("it opens a stream after {}", self.last_opened));
            }
            self.last_opened = *id;
        }
        let stream = self.stream(*id);
        if stream.is_ended || stream.is_reset {
            return Err("it follows the stream's end".into());
        }
        stream.is_ended = flags & END_STREAM != 0;
        self.block = Some((*id, true, Vec::new()));
        self.block(*id, flags & END_HEADERS != 0, unpadded(*flags, payload)?)
    }

    fn block(&mut self, id: u32, ends: bool, fragment: &[u8]) -> Result<(), String> {
        let (_, _, mut block) = self.block.take().ok_or("there is no field block")?;
        block.extend_from_slice(fragment);
        if ends {
            let lines = self.decoder.decode(&block).map_err(|what| format!("its block: {what}"))?;
            self.sections.push((id, lines));
        } else {
            self.block = Some((id, true, block));
        }
        Ok(())
    }

    fn data(&mut self, frame: &Frame) -> Result<(), String> {
        let Frame { flags, stream: id, payload, .. } = frame;
        let len = payload.len() as i64;
        self.window -= len;
        let connection = self.window;
        let stream = self.stream(*id);
        if stream.is_ended || stream.is_reset || (stream.heard_reset && len > 0) {
            return Err("it follows the stream's end".into());
        }
        stream.window -= len;
        stream.is_ended = flags & END_STREAM != 0;
        if len > 0 && (connection < 0 || stream.window < 0) {
            return Err(format!("{len} bytes beyond the credit ({connection}, {})", stream.window));
        }
        Ok(())
    }

    fn reset(&mut self, id: u32) -> Result<(), String> {
        let stream = self.stream(id);
        match core::mem::replace(&mut stream.is_reset, true) {
            true => Err("a second RST_STREAM".into()),
            false => Ok(()),
        }
    }

    /// The side hears a frame.
    fn hear(&mut self, frame: &Frame) {
        let Frame { kind, flags, stream, payload, .. } = frame;
        match (*kind, payload.as_slice()) {
            (SETTINGS, entries) if flags & ACK == 0 => {
                for entry in entries.as_chunks::<6>().0 {
                    let [high, low, value @ ..] = *entry;
                    self.setting(u16::from_be_bytes([high, low]), u32::from_be_bytes(value));
                }
            }
            (WINDOW_UPDATE, &[a, b, c, d]) => {
                let increment = i64::from(u32::from_be_bytes([a, b, c, d]));
                match stream {
                    0 => self.window += increment,
                    id => self.stream(*id).window += increment,
                }
            }
            (RST_STREAM, _) => self.stream(*stream).heard_reset = true,
            _ => {}
        }
    }

    fn setting(&mut self, id: u16, value: u32) {
        match id {
            1 => self.decoder.allowed = self.decoder.allowed.max(value as usize),
            4 => {
                let by = i64::from(value) - self.initial;
                self.initial = i64::from(value);
                self.streams.values_mut().for_each(|stream| stream.window += by);
            }
            5 => self.max_frame = value as usize,
            _ => {}
        }
    }
}

/// A HEADERS payload without padding and priority.
fn unpadded(flags: u8, payload: &[u8]) -> Result<&[u8], String> {
    let (pad, rest) = match payload.split_first() {
        Some((pad, rest)) if flags & PADDED != 0 => (usize::from(*pad), rest),
        _ => (0, payload),
    };
    let rest = if flags & 0x20 != 0 { rest.get(5..).ok_or("no room for its priority")? } else { rest };
    rest.len().checked_sub(pad).map(|len| &rest[..len]).ok_or_else(|| "more padding than payload".into())
}

/// Field blocks mean what the peers said and heard.
fn compare(scene: &Scene<'_>, ways: &[Way; 2], notebook: &mut Notebook) {
    let [client, server] = [Side::Client, Side::Server].map(|side| wire::node(scene.log, side));
    let find = |lines: &[Line], name: &[u8]| -> String {
        let found = lines.iter().find(|line| line.0 == name);
        found.map(|line| String::from_utf8_lossy(&line.1).into_owned()).unwrap_or_default()
    };
    let is_request = |section: &&(u32, Vec<Line>)| section.1.iter().any(|line| line.0 == b":method");
    let mut paths = BTreeMap::new();
    let mut sent = Vec::new();
    for (stream, lines) in ways[0].sections.iter().filter(is_request) {
        let [method, authority, path] =
            [&b":method"[..], b":authority", b":path"].map(|name| find(lines, name));
        sent.push(format!("{method} {authority}{path}"));
        paths.insert(*stream, path);
    }
    let noted = |by, is_asked: bool| -> Vec<&str> {
        let of = wire::notes(scene.log, by).filter_map(|(_, note)| match note {
            Note::Requested { request } if !is_asked => Some(request.as_str()),
            Note::Asked { request } if is_asked => Some(request.as_str()),
            _ => None,
        });
        of.collect()
    };
    let requested = noted(client, false);
    notebook.expect(
        requested.iter().zip(&sent).all(|(one, other)| one == other) && sent.len() <= requested.len(),
        || format!("the blocks say {sent:?}, the client meant {requested:?}"),
    );
    // What a server refuses it does not tell its owner, so this is a subsequence.
    let mut rest = sent.iter();
    for asked in noted(server, true) {
        notebook.expect(rest.any(|sent| sent == asked), || {
            format!("the server heard {asked}, the blocks say {sent:?}")
        });
    }
    let responses: Vec<(&str, String)> = ways[1]
        .sections
        .iter()
        .filter_map(|(stream, lines)| Some((paths.get(stream)?.as_str(), find(lines, b":status"))))
        .collect();
    for (_, note) in wire::notes(scene.log, client) {
        if let Note::Received { path, status, .. } = note {
            let told = responses.iter().any(|(of, told)| of == path && *told == status.to_string());
            notebook.expect(told, || format!("{path} was heard with {status}, the blocks say otherwise"));
        }
    }
}
