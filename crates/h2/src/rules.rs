//! The tables of RFC 9113 (frames, settings, error codes), with the rows of RFC 8336, RFC 8441, RFC 9218 and PRELOAD.

use crate::Fault;
use crate::frame::FrameHead;

/// Frame type of PRELOAD in HTTP/2, unless [`CodePoints`] say otherwise (profile, point 1).
pub const PRELOAD: u8 = 0xf0;
/// The setting by which a client says that it acts on PRELOAD frames, unless [`CodePoints`] say otherwise (profile,
/// point 11).
pub const SETTINGS_PRELOAD: u16 = 0xf0f0;

/// The numbers that PRELOAD goes by. Nobody has registered them, so they may have to move one day: to numbers that no other
/// frame or setting has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodePoints {
    /// The frame's type.
    pub frame: u8,
    /// The setting by which a client says that it acts on the frame.
    pub setting: u16,
}

impl Default for CodePoints {
    fn default() -> Self {
        Self { frame: PRELOAD, setting: SETTINGS_PRELOAD } // spec: preload-profile-1-a
    }
}

impl CodePoints {
    /// A frame's type as the tables know it: where PRELOAD has moved, the old number means nothing any more.
    pub(crate) fn known_frame(self, kind: u8) -> u8 {
        match kind {
            PRELOAD => self.frame,
            kind if kind == self.frame => PRELOAD,
            kind => kind,
        }
    }

    /// A setting's number as the tables know it.
    pub(crate) fn known_setting(self, id: u16) -> u16 {
        match id {
            SETTINGS_PRELOAD => self.setting,
            id if id == self.setting => SETTINGS_PRELOAD,
            id => id,
        }
    }

    /// Whether no other frame or setting has these numbers.
    pub(crate) fn are_free(self) -> bool {
        frame(self.frame).is_none()
            && (self.setting == SETTINGS_PRELOAD || setting_rule(self.setting).is_none())
    }
}
/// What a client sends first (section 3.4).
pub const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The largest window, and the largest stream identifier (sections 5.1.1 and 6.9.1).
pub const MAX_31_BITS: u32 = 0x7fff_ffff;
/// Both windows before anybody says otherwise, in bytes (section 6.9.2).
pub const INITIAL_WINDOW: u32 = 65_535;
/// The payload that every endpoint takes, in bytes (section 4.2).
pub const MIN_MAX_FRAME_SIZE: u32 = 16_384;
/// The largest payload that a frame can have, in bytes (section 4.2).
pub const MAX_MAX_FRAME_SIZE: u32 = 16_777_215;
/// Bytes before a payload (section 4.1).
pub const HEAD_BYTES: usize = 9;

/// Frame types (section 6, RFC 8336 section 2 and RFC 9218 section 7.1).
pub mod kind {
    /// A body's bytes.
    pub const DATA: u8 = 0x00;
    /// Opens a stream with a field section, or ends one with trailers.
    pub const HEADERS: u8 = 0x01;
    /// The priority scheme that nobody uses any more.
    pub const PRIORITY: u8 = 0x02;
    /// Ends a stream at once.
    pub const RST_STREAM: u8 = 0x03;
    /// The sender's configuration, or the receipt for it.
    pub const SETTINGS: u8 = 0x04;
    /// Announces a pushed response.
    pub const PUSH_PROMISE: u8 = 0x05;
    /// A probe and its echo.
    pub const PING: u8 = 0x06;
    /// No streams beyond this one.
    pub const GOAWAY: u8 = 0x07;
    /// More credit.
    pub const WINDOW_UPDATE: u8 = 0x08;
    /// The rest of a field block.
    pub const CONTINUATION: u8 = 0x09;
    /// Names the origins that the connection is for (RFC 8336 section 2).
    pub const ORIGIN: u8 = 0x0c;
    /// Changes a response's priority (RFC 9218 section 7.1).
    pub const PRIORITY_UPDATE: u8 = 0x10;
}

/// Flag bits (section 6).
pub mod flag {
    /// DATA, HEADERS: nothing follows in this direction.
    pub const END_STREAM: u8 = 0x01;
    /// SETTINGS, PING: a receipt.
    pub const ACK: u8 = 0x01;
    /// HEADERS, PUSH_PROMISE, CONTINUATION: the field block is complete.
    pub const END_HEADERS: u8 = 0x04;
    /// DATA, HEADERS, PUSH_PROMISE: a pad length leads and padding trails.
    pub const PADDED: u8 = 0x08;
    /// HEADERS: five bytes of the old priority scheme lead.
    pub const PRIORITY: u8 = 0x20;
}

/// Flags of ORIGIN that would change what it means: nobody has defined one (RFC 8336 section 2.2).
pub const ORIGIN_CRITICAL_FLAGS: u8 = 0x0f;

/// On which streams a frame may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Stream 0 alone.
    Connection,
    /// Any stream but 0.
    Stream,
    /// Any.
    Either,
}

/// How long a payload may be, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// No rule beyond SETTINGS_MAX_FRAME_SIZE.
    Any,
    /// Exactly that.
    Exactly(u32),
    /// That or more.
    AtLeast(u32),
    /// A multiple of that.
    MultipleOf(u32),
}

/// A row of the frame table.
#[derive(Clone, Copy, Debug)]
pub struct FrameRule {
    /// The type.
    pub kind: u8,
    /// Its name in the RFC.
    pub name: &'static str,
    /// On which streams it may come.
    pub place: Place,
    /// How long it may be.
    pub length: Length,
    /// The flags it defines.
    pub flags: u8,
    /// Whether a wrong length is a matter of the stream alone (section 6.3); otherwise the connection ends.
    pub length_is_of_stream: bool,
}

/// Every frame type that has a rule. PRELOAD is not here: to who does not expect it, it is an unknown frame.
#[rustfmt::skip]
pub const FRAMES: [FrameRule; 12] = [
    row(kind::DATA,            "DATA",            Place::Stream,     Length::Any,           flag::END_STREAM | flag::PADDED),
    row(kind::HEADERS,         "HEADERS",         Place::Stream,     Length::Any,           flag::END_STREAM | flag::END_HEADERS | flag::PADDED | flag::PRIORITY),
    FrameRule { length_is_of_stream: true,
    ..row(kind::PRIORITY,      "PRIORITY",        Place::Stream,     Length::Exactly(5),    0) },
    row(kind::RST_STREAM,      "RST_STREAM",      Place::Stream,     Length::Exactly(4),    0),
    row(kind::SETTINGS,        "SETTINGS",        Place::Connection, Length::MultipleOf(6), flag::ACK),
    row(kind::PUSH_PROMISE,    "PUSH_PROMISE",    Place::Stream,     Length::AtLeast(4),    flag::END_HEADERS | flag::PADDED),
    row(kind::PING,            "PING",            Place::Connection, Length::Exactly(8),    flag::ACK),
    row(kind::GOAWAY,          "GOAWAY",          Place::Connection, Length::AtLeast(8),    0),
    row(kind::WINDOW_UPDATE,   "WINDOW_UPDATE",   Place::Either,     Length::Exactly(4),    0),
    row(kind::CONTINUATION,    "CONTINUATION",    Place::Stream,     Length::Any,           flag::END_HEADERS),
    // On another stream than 0 it is no error, but means nothing (RFC 8336 section 2.2).
    row(kind::ORIGIN,          "ORIGIN",          Place::Either,     Length::Any,           0),
    row(kind::PRIORITY_UPDATE, "PRIORITY_UPDATE", Place::Connection, Length::AtLeast(4),    0),
];

const fn row(kind: u8, name: &'static str, place: Place, length: Length, flags: u8) -> FrameRule {
    FrameRule { kind, name, place, length, flags, length_is_of_stream: false }
}

/// The row of a frame type, if it has one.
pub fn frame(kind: u8) -> Option<&'static FrameRule> {
    FRAMES.iter().find(|rule| rule.kind == kind)
}

/// The name of a frame type, for traces.
pub fn frame_name(kind: u8) -> &'static str {
    match frame(kind) {
        Some(rule) => rule.name,
        None if kind == PRELOAD => "PRELOAD",
        None => "unknown",
    }
}

/// Place and length of a frame by its head alone.
pub(crate) fn admit(head: &FrameHead, max_frame_bytes: u32) -> Result<(), Fault> {
    // A DATA frame changes the connection's window, so each of these ends the connection (section 4.2).
    if head.length > max_frame_bytes {
        return Err(Fault::FrameTooLarge); // spec: 9113-4.2-a 9113-4.2-d
    }
    let Some(rule) = frame(head.kind) else { return Ok(()) }; // spec: 9113-4.1-a
    let placed = match rule.place {
        Place::Connection => head.stream == 0,
        Place::Stream => head.stream != 0,
        Place::Either => true,
    };
    if !placed {
        return Err(Fault::Misplaced); // spec: 9113-5.1.1-c
    }
    let fits = match rule.length {
        Length::Any => true,
        Length::Exactly(bytes) => head.length == bytes,
        Length::AtLeast(bytes) => head.length >= bytes,
        Length::MultipleOf(bytes) => head.length.is_multiple_of(bytes),
    };
    match (fits, rule.length_is_of_stream) {
        (true, _) => Ok(()),
        (false, true) => Err(Fault::PriorityLength), // spec: 9113-6.3-b
        (false, false) => Err(Fault::FrameLength),   // spec: 9113-4.2-b
    }
}

/// Settings (section 6.5.2; RFC 8441 section 3; RFC 9218 section 2.1).
pub mod setting {
    /// How large a table our encoder may keep, in bytes.
    pub const HEADER_TABLE_SIZE: u16 = 0x01;
    /// Whether pushed responses are welcome.
    pub const ENABLE_PUSH: u16 = 0x02;
    /// How many streams may be open that the other side began.
    pub const MAX_CONCURRENT_STREAMS: u16 = 0x03;
    /// What a new stream may send, in bytes.
    pub const INITIAL_WINDOW_SIZE: u16 = 0x04;
    /// The largest payload that is taken, in bytes.
    pub const MAX_FRAME_SIZE: u16 = 0x05;
    /// The largest field section that is taken, in bytes as section 10.5.1 counts.
    pub const MAX_HEADER_LIST_SIZE: u16 = 0x06;
    /// Whether extended CONNECT is understood.
    pub const ENABLE_CONNECT_PROTOCOL: u16 = 0x08;
    /// Whether the old priority scheme is off.
    pub const NO_RFC7540_PRIORITIES: u16 = 0x09;
}

/// A row of the settings table.
#[derive(Clone, Copy, Debug)]
pub struct SettingRule {
    /// The identifier.
    pub id: u16,
    /// Its name in the RFC.
    pub name: &'static str,
    /// The least value.
    pub min: u32,
    /// The largest value.
    pub max: u32,
    /// What a value outside is.
    pub outside: Fault,
}

/// Every setting that has a rule.
#[rustfmt::skip]
pub const SETTINGS: [SettingRule; 9] = [
    SettingRule { id: setting::HEADER_TABLE_SIZE,       name: "SETTINGS_HEADER_TABLE_SIZE",       min: 0, max: u32::MAX, outside: Fault::SettingValue },
    SettingRule { id: setting::ENABLE_PUSH,             name: "SETTINGS_ENABLE_PUSH",             min: 0, max: 1, outside: Fault::SettingValue },
    SettingRule { id: setting::MAX_CONCURRENT_STREAMS,  name: "SETTINGS_MAX_CONCURRENT_STREAMS",  min: 0, max: u32::MAX, outside: Fault::SettingValue },
    SettingRule { id: setting::INITIAL_WINDOW_SIZE,     name: "SETTINGS_INITIAL_WINDOW_SIZE",     min: 0, max: MAX_31_BITS, outside: Fault::InitialWindowSize },
    SettingRule { id: setting::MAX_FRAME_SIZE,          name: "SETTINGS_MAX_FRAME_SIZE",          min: MIN_MAX_FRAME_SIZE, max: MAX_MAX_FRAME_SIZE, outside: Fault::SettingValue },
    SettingRule { id: setting::MAX_HEADER_LIST_SIZE,    name: "SETTINGS_MAX_HEADER_LIST_SIZE",    min: 0, max: u32::MAX, outside: Fault::SettingValue },
    SettingRule { id: setting::ENABLE_CONNECT_PROTOCOL, name: "SETTINGS_ENABLE_CONNECT_PROTOCOL", min: 0, max: 1, outside: Fault::SettingValue }, // spec: 8441-3-d
    SettingRule { id: setting::NO_RFC7540_PRIORITIES,   name: "SETTINGS_NO_RFC7540_PRIORITIES",   min: 0, max: 1, outside: Fault::SettingValue }, // spec: 9218-2.1-a
    SettingRule { id: SETTINGS_PRELOAD,                 name: "SETTINGS_PRELOAD",                 min: 0, max: u32::MAX, outside: Fault::SettingValue },
];

/// The row of a setting, if it has one.
pub fn setting_rule(id: u16) -> Option<&'static SettingRule> {
    SETTINGS.iter().find(|rule| rule.id == id)
}

/// Error codes (section 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
#[allow(missing_docs, reason = "the names are the RFC's, and its table says what they mean")]
pub enum ErrorCode {
    NoError = 0x00,
    ProtocolError = 0x01,
    InternalError = 0x02,
    FlowControlError = 0x03,
    SettingsTimeout = 0x04,
    StreamClosed = 0x05,
    FrameSizeError = 0x06,
    RefusedStream = 0x07,
    Cancel = 0x08,
    CompressionError = 0x09,
    ConnectError = 0x0a,
    EnhanceYourCalm = 0x0b,
    InadequateSecurity = 0x0c,
    Http11Required = 0x0d,
}

impl ErrorCode {
    /// The number on the wire.
    pub const fn wire(self) -> u32 {
        self as u32
    }
}

/// The RFC's name of an error code; a code without one means nothing special (section 7).
pub fn error_name(code: u32) -> &'static str {
    const NAMES: [&str; 14] = [
        "NO_ERROR",
        "PROTOCOL_ERROR",
        "INTERNAL_ERROR",
        "FLOW_CONTROL_ERROR",
        "SETTINGS_TIMEOUT",
        "STREAM_CLOSED",
        "FRAME_SIZE_ERROR",
        "REFUSED_STREAM",
        "CANCEL",
        "COMPRESSION_ERROR",
        "CONNECT_ERROR",
        "ENHANCE_YOUR_CALM",
        "INADEQUATE_SECURITY",
        "HTTP_1_1_REQUIRED",
    ];
    usize::try_from(code).ok().and_then(|at| NAMES.get(at)).copied().unwrap_or("unknown")
}
