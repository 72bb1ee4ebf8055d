//! The tables of RFC 9114: frames, stream types, settings, error codes.

use crate::Fault;
use sakigake_wire::MAX_VARINT;

/// Frame types (section 7.2).
pub mod kind {
    /// A body's bytes.
    pub const DATA: u64 = 0x00;
    /// A field section.
    pub const HEADERS: u64 = 0x01;
    /// A promise that is not kept, or not wanted.
    pub const CANCEL_PUSH: u64 = 0x03;
    /// The sender's configuration.
    pub const SETTINGS: u64 = 0x04;
    /// Announces a pushed response.
    pub const PUSH_PROMISE: u64 = 0x05;
    /// No streams from this one on.
    pub const GOAWAY: u64 = 0x07;
    /// For which origins a server wants the connection to be used (RFC 9412).
    pub const ORIGIN: u64 = 0x0c;
    /// How many promises a client takes.
    pub const MAX_PUSH_ID: u64 = 0x0d;
    /// How soon a response is wanted (RFC 9218 section 7.2).
    pub const PRIORITY_UPDATE: u64 = 0xf0700;
    /// The same of a pushed response.
    pub const PRIORITY_UPDATE_PUSH: u64 = 0xf0701;
}

/// Frame type of PRELOAD in HTTP/3, unless [`CodePoints`] say otherwise (profile, point 1).
pub const PRELOAD: u64 = 0xf0;
/// The setting by which a client says that it acts on PRELOAD frames, unless [`CodePoints`] say otherwise (profile,
/// point 11).
pub const SETTINGS_PRELOAD: u64 = 0xf0f0;

/// The numbers that PRELOAD goes by. Nobody has registered them, so they may have to move one day: to numbers that no other
/// frame or setting has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodePoints {
    /// The frame's type.
    pub frame: u64,
    /// The setting by which a client says that it acts on the frame.
    pub setting: u64,
}

impl Default for CodePoints {
    fn default() -> Self {
        Self { frame: PRELOAD, setting: SETTINGS_PRELOAD } // spec: preload-profile-1-a
    }
}

impl CodePoints {
    /// A frame's type as the table knows it: where PRELOAD has moved, the old number means nothing any more.
    pub(crate) const fn known_frame(self, kind: u64) -> u64 {
        match kind {
            PRELOAD => self.frame,
            kind if kind == self.frame => PRELOAD,
            kind => kind,
        }
    }

    /// A setting's number as the table knows it.
    pub(crate) const fn known_setting(self, id: u64) -> u64 {
        match id {
            SETTINGS_PRELOAD => self.setting,
            id if id == self.setting => SETTINGS_PRELOAD,
            id => id,
        }
    }

    /// Whether no other frame or setting has these numbers, and the wire can say them.
    pub(crate) fn are_free(self) -> bool {
        let is_free = |number: u64| number <= MAX_VARINT && !is_reserved(number);
        let is_frame =
            HTTP2_FRAMES.contains(&self.frame) || (self.frame != PRELOAD && frame(self.frame).is_some());
        let is_setting = HTTP2_SETTINGS.contains(&self.setting) || setting::ALL.contains(&self.setting);
        is_free(self.frame) && is_free(self.setting) && !is_frame && !is_setting
    }
}

/// Frame types of HTTP/2 that mean nothing here (section 11.2.1).
pub const HTTP2_FRAMES: [u64; 4] = [0x02, 0x06, 0x08, 0x09];

/// How long a payload may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// No rule.
    Any,
    /// One variable-length integer.
    Integer,
}

/// A row of the frame table (section 7, table 1).
#[derive(Clone, Copy, Debug)]
pub struct FrameRule {
    /// The type.
    pub kind: u64,
    /// Its name in the RFC.
    pub name: &'static str,
    /// Whether it may come on the control stream.
    pub control: bool,
    /// Whether it may come on a request stream.
    pub request: bool,
    /// Whether a client may send it.
    pub client: bool,
    /// Whether a server may send it.
    pub server: bool,
    /// Whether it is ignored where it may not come, or from whom, rather than the connection's end.
    pub lenient: bool,
    /// How long it may be.
    pub length: Length,
}

/// Every frame type that has a rule. Push streams have none, since nothing is ever promised to us.
#[rustfmt::skip]
pub const FRAMES: [FrameRule; 11] = [
    FrameRule { kind: kind::DATA,                 name: "DATA",            control: false, request: true,  client: true,  server: true,  lenient: false, length: Length::Any },
    FrameRule { kind: kind::HEADERS,              name: "HEADERS",         control: false, request: true,  client: true,  server: true,  lenient: false, length: Length::Any },
    FrameRule { kind: kind::CANCEL_PUSH,          name: "CANCEL_PUSH",     control: true,  request: false, client: true,  server: true,  lenient: false, length: Length::Integer },
    FrameRule { kind: kind::SETTINGS,             name: "SETTINGS",        control: true,  request: false, client: true,  server: true,  lenient: false, length: Length::Any },
    FrameRule { kind: kind::PUSH_PROMISE,         name: "PUSH_PROMISE",    control: false, request: true,  client: false, server: true,  lenient: false, length: Length::Any },
    FrameRule { kind: kind::GOAWAY,               name: "GOAWAY",          control: true,  request: false, client: true,  server: true,  lenient: false, length: Length::Integer },
    FrameRule { kind: kind::ORIGIN,               name: "ORIGIN",          control: true,  request: false, client: false, server: true,  lenient: true,  length: Length::Any },
    FrameRule { kind: kind::MAX_PUSH_ID,          name: "MAX_PUSH_ID",     control: true,  request: false, client: true,  server: false, lenient: false, length: Length::Integer },
    FrameRule { kind: PRELOAD,                    name: "PRELOAD",         control: true,  request: false, client: false, server: true,  lenient: true,  length: Length::Any },
    FrameRule { kind: kind::PRIORITY_UPDATE,      name: "PRIORITY_UPDATE", control: true,  request: false, client: true,  server: false, lenient: false, length: Length::Any },
    FrameRule { kind: kind::PRIORITY_UPDATE_PUSH, name: "PRIORITY_UPDATE", control: true,  request: false, client: true,  server: false, lenient: false, length: Length::Any },
];

/// Where a frame came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The control stream.
    Control,
    /// A request stream.
    Request,
}

/// The row of a frame type, if it has one.
pub fn frame(kind: u64) -> Option<&'static FrameRule> {
    FRAMES.iter().find(|rule| rule.kind == kind)
}

/// Place, sender and length of a frame by its head alone. `Ok(None)`: nobody knows the type, and it is ignored.
pub(crate) fn admit(
    kind: u64,
    len: u64,
    place: Place,
    from_client: bool,
) -> Result<Option<&'static FrameRule>, Fault> {
    if HTTP2_FRAMES.contains(&kind) {
        return Err(Fault::Http2Frame); // spec: 9114-7.2.8-b
    }
    let Some(rule) = frame(kind) else { return Ok(None) }; // spec: 9114-9-a
    let placed = match place {
        Place::Control => rule.control,
        Place::Request => rule.request,
    };
    let sent = if from_client { rule.client } else { rule.server };
    if rule.lenient && !(placed && sent) {
        return Ok(None); // spec: preload-2.1-b 9412-2-b
    }
    if !placed {
        return Err(Fault::Misplaced); // spec: 9114-7.2.1-a 9114-7.2.2-a 9114-7.2.4-b 9114-7.2.6-b 9218-7.2-d
    }
    if !sent {
        return Err(Fault::Sender); // spec: 9114-7.2.5-a 9114-7.2.7-a
    }
    match rule.length {
        Length::Integer if !(1..=8).contains(&len) => Err(Fault::FrameLength),
        _ => Ok(Some(rule)),
    }
}

/// Types of unidirectional streams (section 6.2; RFC 9204 section 4.2).
pub mod stream_type {
    /// What concerns the connection.
    pub const CONTROL: u64 = 0x00;
    /// A pushed response.
    pub const PUSH: u64 = 0x01;
    /// Instructions of the sender's QPACK encoder.
    pub const QPACK_ENCODER: u64 = 0x02;
    /// Instructions of the sender's QPACK decoder.
    pub const QPACK_DECODER: u64 = 0x03;
}

/// Settings (section 7.2.4.1; RFC 9204 section 5; RFC 9220 section 3).
pub mod setting {
    /// How large a table our encoder may fill, in bytes.
    pub const QPACK_MAX_TABLE_CAPACITY: u64 = 0x01;
    /// The largest field section that is taken, in bytes as section 4.2.2 counts.
    pub const MAX_FIELD_SECTION_SIZE: u64 = 0x06;
    /// How many streams may wait for entries.
    pub const QPACK_BLOCKED_STREAMS: u64 = 0x07;
    /// Whether extended CONNECT is understood.
    pub const ENABLE_CONNECT_PROTOCOL: u64 = 0x08;
    /// Whether HTTP datagrams are taken (RFC 9297 section 2.1.1).
    pub const H3_DATAGRAM: u64 = 0x33;
    /// All of these.
    pub const ALL: [u64; 5] = [
        QPACK_MAX_TABLE_CAPACITY,
        MAX_FIELD_SECTION_SIZE,
        QPACK_BLOCKED_STREAMS,
        ENABLE_CONNECT_PROTOCOL,
        H3_DATAGRAM,
    ];
}

/// Settings of HTTP/2 that mean nothing here (section 11.2.2).
pub const HTTP2_SETTINGS: [u64; 5] = [0x00, 0x02, 0x03, 0x04, 0x05];

/// Whether a frame type, stream type, setting or error code is one of those that mean nothing by design (section 7.2.8).
pub const fn is_reserved(number: u64) -> bool {
    number >= 0x21 && (number - 0x21).is_multiple_of(0x1f)
}

/// One of those, by any number.
pub(crate) const fn reserved(number: u64) -> u64 {
    0x21 + 0x1f * (number % ((MAX_VARINT - 0x21) / 0x1f))
}

/// Error codes (section 8.1; RFC 9204 section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
#[allow(missing_docs, reason = "each is its name in the registry")]
pub enum ErrorCode {
    DatagramError = 0x33,
    NoError = 0x100,
    GeneralProtocolError = 0x101,
    InternalError = 0x102,
    StreamCreationError = 0x103,
    ClosedCriticalStream = 0x104,
    FrameUnexpected = 0x105,
    FrameError = 0x106,
    ExcessiveLoad = 0x107,
    IdError = 0x108,
    SettingsError = 0x109,
    MissingSettings = 0x10a,
    RequestRejected = 0x10b,
    RequestCancelled = 0x10c,
    RequestIncomplete = 0x10d,
    MessageError = 0x10e,
    ConnectError = 0x10f,
    VersionFallback = 0x110,
    QpackDecompressionFailed = 0x200,
    QpackEncoderStreamError = 0x201,
    QpackDecoderStreamError = 0x202,
}

/// Each code and its name in the registry.
#[rustfmt::skip]
pub const ERRORS: [(ErrorCode, &str); 21] = [
    (ErrorCode::DatagramError,           "H3_DATAGRAM_ERROR"),
    (ErrorCode::NoError,                 "H3_NO_ERROR"),
    (ErrorCode::GeneralProtocolError,    "H3_GENERAL_PROTOCOL_ERROR"),
    (ErrorCode::InternalError,           "H3_INTERNAL_ERROR"),
    (ErrorCode::StreamCreationError,     "H3_STREAM_CREATION_ERROR"),
    (ErrorCode::ClosedCriticalStream,    "H3_CLOSED_CRITICAL_STREAM"),
    (ErrorCode::FrameUnexpected,         "H3_FRAME_UNEXPECTED"),
    (ErrorCode::FrameError,              "H3_FRAME_ERROR"),
    (ErrorCode::ExcessiveLoad,           "H3_EXCESSIVE_LOAD"),
    (ErrorCode::IdError,                 "H3_ID_ERROR"),
    (ErrorCode::SettingsError,           "H3_SETTINGS_ERROR"),
    (ErrorCode::MissingSettings,         "H3_MISSING_SETTINGS"),
    (ErrorCode::RequestRejected,         "H3_REQUEST_REJECTED"),
    (ErrorCode::RequestCancelled,        "H3_REQUEST_CANCELLED"),
    (ErrorCode::RequestIncomplete,       "H3_REQUEST_INCOMPLETE"),
    (ErrorCode::MessageError,            "H3_MESSAGE_ERROR"),
    (ErrorCode::ConnectError,            "H3_CONNECT_ERROR"),
    (ErrorCode::VersionFallback,         "H3_VERSION_FALLBACK"),
    (ErrorCode::QpackDecompressionFailed, "QPACK_DECOMPRESSION_FAILED"),
    (ErrorCode::QpackEncoderStreamError, "QPACK_ENCODER_STREAM_ERROR"),
    (ErrorCode::QpackDecoderStreamError, "QPACK_DECODER_STREAM_ERROR"),
];

/// The registry's name of an error code; a code without one means no more than H3_NO_ERROR (section 9).
pub fn error_name(code: u64) -> &'static str {
    let known = ERRORS.iter().find(|(known, _)| known.wire() == code);
    known.map_or("unknown", |(_, name)| name)
}

impl ErrorCode {
    /// The number on the wire.
    pub const fn wire(self) -> u64 {
        self as u64
    }
}
