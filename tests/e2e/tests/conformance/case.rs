//! What the tables are made of: frames, field blocks, a case, and how one is asked of a server.

use sakigake_e2e::{PATIENCE, Raw, Reading, Scratch, Server, Setup, frames};
use sakigake_fields::hpack;
use std::time::Instant;

/// Error codes (RFC 9113 section 7).
pub(crate) const NO_ERROR: u32 = 0;
pub(crate) const PROTOCOL: u32 = 1;
pub(crate) const FLOW_CONTROL: u32 = 3;
pub(crate) const STREAM_CLOSED: u32 = 5;
pub(crate) const FRAME_SIZE: u32 = 6;
pub(crate) const REFUSED: u32 = 7;
pub(crate) const CANCEL: u32 = 8;
pub(crate) const COMPRESSION: u32 = 9;
pub(crate) const CALM: u32 = 0xb;

/// Frame types (section 6; RFC 9218 section 7.1; RFC 8336 section 2).
pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PUSH_PROMISE: u8 = 5;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;
pub(crate) const ORIGIN: u8 = 0xc;
pub(crate) const PRIORITY_UPDATE: u8 = 0x10;

/// Flags (section 6).
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const ACK: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
pub(crate) const PADDED: u8 = 8;
pub(crate) const WITH_PRIORITY: u8 = 0x20;
/// A whole message without a body, and one whose body follows.
pub(crate) const WHOLE: u8 = END_STREAM | END_HEADERS;

pub(crate) use frames::frame;

/// What a case expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// GOAWAY with this code, and the end of the connection.
    GoAway(u32),
    /// RST_STREAM with this code on stream 1, and a connection that goes on.
    Rst(u32),
    /// The same on another stream.
    RstOn(u32, u32),
    /// Neither, but for NO_ERROR on a stream with a body: its client may be told that nobody needs the rest.
    Accepted,
    /// The same, and a response with this status on stream 1.
    Status(u16),
}
pub(crate) use Expected::{Accepted, GoAway, Rst, RstOn, Status};

/// One row: the section, what is sent in words and in bytes, what is to come back.
pub(crate) struct Case {
    pub(crate) section: &'static str,
    pub(crate) what: &'static str,
    /// What is sent and answered in full on stream 1 before the rest is sent.
    pub(crate) before: Vec<u8>,
    pub(crate) sent: Vec<u8>,
    pub(crate) expected: Expected,
}

/// A row where everything leaves at once.
pub(crate) fn case(section: &'static str, what: &'static str, sent: &[&[u8]], expected: Expected) -> Case {
    Case { section, what, before: Vec::new(), sent: sent.concat(), expected }
}

/// A row whose first part has been answered on stream 1 when the second leaves.
pub(crate) fn later(
    section: &'static str,
    what: &'static str,
    before: &[&[u8]],
    sent: &[&[u8]],
    expected: Expected,
) -> Case {
    Case { section, what, before: before.concat(), sent: sent.concat(), expected }
}

/// The site that the server of the cases serves.
pub(crate) fn site() -> (Server, Scratch) {
    let site = Scratch::new();
    site.write("index.html", "here");
    site.write("large", vec![7; 1 << 20]);
    (Server::start(Setup::of(site.path())), site)
}

/// A connection past the exchange of SETTINGS.
pub(crate) fn begun(server: &Server, settings: &[(u16, u32)]) -> Raw {
    let mut raw = Raw::h2(server, settings);
    raw.send(&frame(PING, 0, 0, b"begin..."));
    raw.read_until("the beginning", |raw| has_echo(raw, b"begin..."));
    raw.take_frames();
    raw
}

/// Whether the receipt of that PING came.
pub(crate) fn has_echo(raw: &Raw, payload: &[u8; 8]) -> bool {
    let is_echo = |frame: &frames::Heard| frame.kind == PING && frame.flags & ACK == ACK;
    raw.frames().iter().any(|frame| is_echo(frame) && frame.payload == payload)
}

/// Asks every row of the server, each on a connection of its own, and tells all that went wrong.
pub(crate) fn check(server: &Server, cases: &[Case]) {
    let wrong: Vec<String> = cases.iter().filter_map(|case| ask(server, case).err()).collect();
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

fn ask(server: &Server, case: &Case) -> Result<(), String> {
    let Case { section, what, before, sent, expected } = case;
    let mut raw = begun(server, &[]);
    if !before.is_empty() {
        raw.send(before);
        raw.read_until("the first answer", |raw| raw.has_end(1));
    }
    let heard = listen(&mut raw, sent, *expected);
    match heard {
        Ok(()) => Ok(()),
        Err(heard) => Err(format!("{section} {what}: expected {expected:?}, heard {heard}")),
    }
}

/// Sends the bytes and a PING, and reads what comes until it is clear.
fn listen(raw: &mut Raw, sent: &[u8], expected: Expected) -> Result<(), String> {
    // Whoever ends the connection need not read to its end.
    let marked = [sent, &frame(PING, 0, 0, b"the end.")].concat();
    let _ = raw.try_send(&marked);
    let began = Instant::now();
    loop {
        let frames = raw.frames();
        if let Some(code) = goaway(&frames) {
            let is_due = expected == GoAway(code);
            return if is_due && ends(raw) {
                // spec: 9113-5.4.1-b
                Ok(())
            } else {
                Err(format!("GOAWAY({code}) {}", list(&frames)))
            };
        }
        if has_echo(raw, b"the end.") && verdict(&frames, &with_data(sent), expected)? {
            return Ok(());
        }
        match raw.read(PATIENCE.saturating_sub(began.elapsed())) {
            Reading::Some(_) => {}
            Reading::Nothing => return Err(format!("too little: {}", list(&frames))),
            end => return Err(format!("{end:?} behind {}", list(&raw.frames()))),
        }
    }
}

/// The streams that whole frames among these bytes carry DATA on.
fn with_data(mut sent: &[u8]) -> Vec<u32> {
    let mut streams = Vec::new();
    while let Some(([len @ .., kind, _, a, b, c, d], rest)) = sent.split_first_chunk::<9>() {
        let len = len.iter().fold(0, |len, byte| len << 8 | usize::from(*byte));
        if *kind == DATA {
            streams.push(u32::from_be_bytes([*a, *b, *c, *d]));
        }
        sent = rest.get(len..).unwrap_or_default();
    }
    streams
}

/// Everything but the response has come: whether it is as it should be, or a response is waited for.
fn verdict(frames: &[frames::Heard], with_data: &[u32], expected: Expected) -> Result<bool, String> {
    let resets = frames.iter().filter(|frame| frame.kind == RST_STREAM).map(reset);
    // Where a body did not come at once, its client is told that the rest is not needed.
    let resets: Vec<(u32, u32)> =
        resets.filter(|(stream, code)| *code != 0 || !with_data.contains(stream)).collect();
    match expected {
        GoAway(_) => Err(list(frames)),
        Rst(code) if resets == [(1, code)] => Ok(true),
        RstOn(stream, code) if resets == [(stream, code)] => Ok(true),
        Rst(_) | RstOn(..) => Err(list(frames)),
        Accepted | Status(_) if !resets.is_empty() => Err(list(frames)),
        Accepted => Ok(true),
        Status(status) => match status_of(frames, 1) {
            Some(heard) if heard == status => Ok(true),
            Some(heard) => Err(format!("status {heard}")),
            None => Ok(false),
        },
    }
}

/// The stream and the code of RST_STREAM.
pub(crate) fn reset(frame: &frames::Heard) -> (u32, u32) {
    let code = frame.payload.first_chunk().map_or(u32::MAX, |code| u32::from_be_bytes(*code));
    (frame.stream, code)
}

/// The code of the first GOAWAY.
pub(crate) fn goaway(frames: &[frames::Heard]) -> Option<u32> {
    let frame = frames.iter().find(|frame| frame.kind == GOAWAY)?;
    Some(u32::from_be_bytes(frame.payload.get(4..8)?.try_into().ok()?))
}

/// Whether the connection ends.
fn ends(raw: &mut Raw) -> bool {
    let began = Instant::now();
    loop {
        match raw.read(PATIENCE.saturating_sub(began.elapsed())) {
            Reading::Some(_) => {}
            end => return end != Reading::Nothing,
        }
    }
}

/// The status of the final response on a stream, where the connection's header blocks decode from the first one on.
pub(crate) fn status_of(frames: &[frames::Heard], stream: u32) -> Option<u16> {
    let mut decoder = hpack::Decoder::default();
    let mut found = None;
    for frame in frames.iter().filter(|frame| frame.kind == HEADERS) {
        let limits = hpack::Limits { list_bytes: 1 << 20, lines: 1_000 };
        let decoded = decoder.decode(&frame.payload, limits, &mut |line| {
            if frame.stream == stream && line.name == b":status" {
                found = core::str::from_utf8(line.value).ok().and_then(|status| status.parse().ok());
            }
        });
        let Ok(hpack::Outcome::Complete) = decoded else { return None };
    }
    found
}

/// Frames in few words.
pub(crate) fn list(frames: &[frames::Heard]) -> String {
    let one = |frame: &frames::Heard| {
        let payload = &frame.payload[..frame.payload.len().min(16)];
        format!("[{:#x} flags {:#x} stream {} {payload:02x?}]", frame.kind, frame.flags, frame.stream)
    };
    frames.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// A field block of literals that are not indexed and have no Huffman codes (RFC 7541 section 6.2.2).
pub(crate) fn block(lines: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in lines {
        out.push(0);
        string(name.as_bytes(), &mut out);
        string(value.as_bytes(), &mut out);
    }
    out
}

/// A string literal (RFC 7541 section 5.2).
pub(crate) fn string(bytes: &[u8], out: &mut Vec<u8>) {
    let mut len = bytes.len();
    if len < 127 {
        out.push(len as u8);
    } else {
        out.push(127);
        len -= 127;
        while len >= 128 {
            out.push(len as u8 | 128);
            len >>= 7;
        }
        out.push(len as u8);
    }
    out.extend_from_slice(bytes);
}

/// The pseudo-fields of a request, then these lines.
pub(crate) fn request(method: &str, path: &str, lines: &[(&str, &str)]) -> Vec<u8> {
    let pseudo =
        [(":method", method), (":scheme", "https"), (":authority", "www.saki.test"), (":path", path)];
    block(&[&pseudo, lines].concat())
}

/// HEADERS of a whole GET on a stream.
pub(crate) fn get(stream: u32) -> Vec<u8> {
    frame(HEADERS, WHOLE, stream, &request("GET", "/index.html", &[]))
}

/// HEADERS of a POST on a stream, whose body follows.
pub(crate) fn post(stream: u32, lines: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, &request("POST", "/index.html", lines))
}

/// DATA.
pub(crate) fn data(stream: u32, bytes: &[u8]) -> Vec<u8> {
    frame(DATA, 0, stream, bytes)
}

/// DATA, and the end.
pub(crate) fn last(stream: u32, bytes: &[u8]) -> Vec<u8> {
    frame(DATA, END_STREAM, stream, bytes)
}

/// RST_STREAM.
pub(crate) fn rst(stream: u32, code: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &code.to_be_bytes())
}

/// WINDOW_UPDATE.
pub(crate) fn credit(stream: u32, by: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &by.to_be_bytes())
}

/// PRIORITY: what it depends on.
pub(crate) fn priority(stream: u32, on: u32) -> Vec<u8> {
    frame(PRIORITY, 0, stream, &[&on.to_be_bytes()[..], &[15]].concat())
}

/// SETTINGS.
pub(crate) fn settings(entries: &[(u16, u32)]) -> Vec<u8> {
    let entry = |(id, value): &(u16, u32)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat();
    frame(SETTINGS, 0, 0, &entries.iter().flat_map(entry).collect::<Vec<_>>())
}
