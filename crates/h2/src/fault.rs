//! What a peer can do wrong: one variant a sin, and one place that says which error code answers it and how far it
//! reaches.

use crate::ErrorCode;
use core::fmt;
use sakigake_semantics::Malformed;

/// The peer broke a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The client's first bytes were not the preface.
    Preface,
    /// The first frame was not SETTINGS.
    FirstFrame,
    /// A frame above our SETTINGS_MAX_FRAME_SIZE.
    FrameTooLarge,
    /// A frame of a length that its type does not have.
    FrameLength,
    /// A PRIORITY frame of another length than 5.
    PriorityLength,
    /// A stream that depends on itself, by PRIORITY or HEADERS.
    SelfDependency,
    /// A frame on stream 0 that belongs on another, or the reverse.
    Misplaced,
    /// Padding as long as the payload, or longer.
    Padding,
    /// Something came between HEADERS and the end of its field block.
    Interrupted,
    /// CONTINUATION without a field block to continue.
    StrayContinuation,
    /// A field block that does not decode.
    Compression,
    /// A frame on a stream that nobody opened.
    Idle,
    /// A stream identifier of the wrong parity, or below one that was used before.
    StreamOrder,
    /// A frame after END_STREAM went both ways, or past the end of what we remember.
    Ended,
    /// A frame on a stream whose sender had said that nothing follows.
    HalfClosed,
    /// More DATA than the connection's window.
    ConnectionWindow,
    /// More DATA than the stream's window.
    StreamWindow,
    /// Credit above 2^31-1 for the connection.
    ConnectionCredit,
    /// Credit above 2^31-1 for a stream.
    StreamCredit,
    /// WINDOW_UPDATE by nothing, for the connection.
    ConnectionIncrement,
    /// WINDOW_UPDATE by nothing, for a stream.
    StreamIncrement,
    /// A setting outside its range, or one that its sender may not send.
    SettingValue,
    /// SETTINGS_INITIAL_WINDOW_SIZE above 2^31-1, or one that lifts an open stream above it.
    InitialWindowSize,
    /// A receipt of settings that carries some.
    SettingsAckLength,
    /// A receipt of settings that were not sent.
    SettingsAck,
    /// Our settings were not acknowledged in time.
    SettingsTimeout,
    /// TLS asked for a client's certificate after the handshake (section 9.2.3). Who owns both tells by
    /// [`crate::Connection::close`].
    ClientAuthentication,
    /// A promise, which we said that we decline.
    Push,
    /// A second GOAWAY that takes back what the first one gave up.
    GoAwayGrew,
    /// PRIORITY_UPDATE from a server, or for stream 0.
    PriorityUpdate,
    /// A message that breaks the rules of HTTP.
    Malformed(Malformed),
    /// DATA before the message's field section, or a second one that is no trailer section.
    MessageOrder,
    /// A field section with more bytes or lines than [`crate::Limits`] allows.
    SectionTooLarge,
    /// More interim responses than [`crate::Limits`] allows.
    Interims,
    /// A stream beyond our SETTINGS_MAX_CONCURRENT_STREAMS, or after our last GOAWAY.
    Refused,
    /// A peer that grants no credit, or hardly any, for what it asked for.
    Stalled,
    /// Too much of something that is harmless once.
    Flood(Flood),
}

/// What there was too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the field of Limits of the same name")]
pub enum Flood {
    Resets,
    ProvokedResets,
    Continuations,
    HeaderBlockBytes,
    HeaderBlockMs,
    Settings,
    SettingsEntries,
    Pings,
    Priorities,
    PriorityUpdates,
    EmptyFrames,
    WindowUpdates,
    StrayFrames,
    UnknownFrames,
    Origins,
    ControlBytes,
    OutputBytes,
}

/// How far a fault reaches (section 5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// GOAWAY, and the end.
    Connection,
    /// RST_STREAM; the rest goes on.
    Stream,
}

impl Fault {
    /// The error code that answers it, and how far it reaches.
    pub const fn verdict(self) -> (Scope, ErrorCode) {
        use ErrorCode as Code;
        use Scope::{Connection, Stream};
        match self {
            Self::Preface | Self::FirstFrame | Self::Misplaced | Self::Padding => {
                (Connection, Code::ProtocolError)
            }
            Self::FrameTooLarge | Self::FrameLength | Self::SettingsAckLength => {
                (Connection, Code::FrameSizeError)
            }
            Self::PriorityLength => (Stream, Code::FrameSizeError),
            Self::Interrupted | Self::StrayContinuation | Self::Idle | Self::StreamOrder => {
                (Connection, Code::ProtocolError)
            }
            Self::Compression => (Connection, Code::CompressionError),
            Self::Ended => (Connection, Code::StreamClosed),
            Self::HalfClosed => (Stream, Code::StreamClosed),
            Self::ConnectionWindow | Self::ConnectionCredit | Self::InitialWindowSize => {
                (Connection, Code::FlowControlError)
            }
            Self::StreamWindow | Self::StreamCredit => (Stream, Code::FlowControlError),
            Self::ConnectionIncrement | Self::SettingValue | Self::SettingsAck => {
                (Connection, Code::ProtocolError)
            }
            Self::StreamIncrement | Self::SelfDependency => (Stream, Code::ProtocolError),
            Self::SettingsTimeout => (Connection, Code::SettingsTimeout),
            Self::Push | Self::GoAwayGrew | Self::PriorityUpdate | Self::ClientAuthentication => {
                (Connection, Code::ProtocolError) // spec: 9113-9.2.3-a
            }
            Self::Malformed(_) | Self::MessageOrder => (Stream, Code::ProtocolError),
            Self::SectionTooLarge | Self::Interims | Self::Stalled => (Stream, Code::EnhanceYourCalm),
            Self::Refused => (Stream, Code::RefusedStream),
            Self::Flood(_) => (Connection, Code::EnhanceYourCalm),
        }
    }

    /// The error code that answers it.
    pub const fn code(self) -> ErrorCode {
        self.verdict().1
    }

    /// How far it reaches.
    pub const fn scope(self) -> Scope {
        self.verdict().0
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = crate::rules::error_name(self.code().wire());
        write!(f, "the peer broke a rule of HTTP/2: {self:?} ({code})")
    }
}

impl std::error::Error for Fault {}
