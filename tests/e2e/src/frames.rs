//! HTTP/2 frames by hand (RFC 9113 section 4.1), so that what is tested is not what reads the test.

/// Types (RFC 9113 section 6), and the profile's own.
pub const DATA: u8 = 0;
/// HEADERS
pub const HEADERS: u8 = 1;
/// RST_STREAM
pub const RST_STREAM: u8 = 3;
/// SETTINGS
pub const SETTINGS: u8 = 4;
/// PING
pub const PING: u8 = 6;
/// GOAWAY
pub const GOAWAY: u8 = 7;
/// WINDOW_UPDATE
pub const WINDOW_UPDATE: u8 = 8;
/// ORIGIN (RFC 8336 section 2.1)
pub const ORIGIN: u8 = 0xc;
/// PRELOAD
pub const PRELOAD: u8 = 0xf0;

/// END_STREAM and END_HEADERS.
pub const END: u8 = 0x5;
/// ACK, of SETTINGS and of PING.
pub const ACK: u8 = 0x1;
/// END_HEADERS alone.
pub const END_HEADERS: u8 = 0x4;

/// A client's first bytes: the preface and SETTINGS with these entries.
pub fn hello(settings: &[(u16, u32)]) -> Vec<u8> {
    let mut payload = Vec::new();
    for (id, value) in settings {
        payload.extend(id.to_be_bytes());
        payload.extend(value.to_be_bytes());
    }
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(SETTINGS, 0, 0, &payload));
    bytes
}

/// One frame.
///
/// # Panics
/// When the payload is longer than a frame may be.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).expect("a frame").to_be_bytes();
    assert_eq!(len[0], 0, "a frame");
    let mut bytes = len[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// HEADERS of a GET (flags say whether more follows), with indexed names and plain literals only (RFC 7541).
///
/// # Panics
/// When the path is longer than one byte can say.
pub fn get(stream: u32, path: &str, flags: u8) -> Vec<u8> {
    get_from(stream, "www.saki.test", path, flags)
}

/// The same for another authority.
///
/// # Panics
/// When a value is longer than one byte can say.
pub fn get_from(stream: u32, authority: &str, path: &str, flags: u8) -> Vec<u8> {
    let mut block = vec![0x82, 0x87];
    for (name, value) in [(0x41, authority), (0x04, path)] {
        block.push(name);
        block.push(u8::try_from(value.len()).ok().filter(|len| *len < 127).expect("a short value"));
        block.extend(value.as_bytes());
    }
    frame(HEADERS, flags, stream, &block)
}

/// A frame that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Its type.
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// Its stream.
    pub stream: u32,
    /// Its payload.
    pub payload: Vec<u8>,
}

/// The whole frames at the beginning of `bytes`, and how many bytes those are.
pub fn parse(mut bytes: &[u8]) -> (Vec<Heard>, usize) {
    let (mut frames, before) = (Vec::new(), bytes.len());
    while let Some((head, rest)) = bytes.split_at_checked(9) {
        let len = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let Some((payload, rest)) = rest.split_at_checked(len) else { break };
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        frames.push(Heard { kind: head[3], flags: head[4], stream, payload: payload.to_vec() });
        bytes = rest;
    }
    (frames, before - bytes.len())
}
