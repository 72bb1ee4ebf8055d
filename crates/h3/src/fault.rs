//! What a peer can do wrong: one variant a sin, and one place that says which error code answers it and how far it
//! reaches.

use crate::ErrorCode;
use core::fmt;
use sakigake_fields::qpack;
use sakigake_semantics::Malformed;

/// The peer broke a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A server opened a bidirectional stream.
    ServerStream,
    /// A second control or QPACK stream.
    SecondStream,
    /// A client opened a push stream.
    ClientPush,
    /// A push that was never allowed: a push stream, a promise, or its cancellation.
    Push,
    /// A control or QPACK stream ended.
    CriticalStream,
    /// The control stream does not begin with SETTINGS.
    MissingSettings,
    /// SETTINGS for the second time.
    SecondSettings,
    /// A setting of HTTP/2, one that came twice, or one with a value that it cannot have.
    Setting,
    /// A frame type of HTTP/2 that means nothing here.
    Http2Frame,
    /// A frame on a stream of a kind on which it may not come.
    Misplaced,
    /// A frame that its sender may not send.
    Sender,
    /// DATA before a message's field section, or anything of a message after its end.
    MessageOrder,
    /// A payload that ends before its fields, or goes on behind them.
    FrameLength,
    /// A stream that ended within a frame.
    Truncated,
    /// GOAWAY with an id that is no request's, or above an earlier one.
    GoAway,
    /// MAX_PUSH_ID below an earlier one.
    MaxPushId,
    /// PRIORITY_UPDATE for what is no request's stream, or one that cannot be yet.
    PriorityUpdate,
    /// A datagram that says no stream, or that came for a request which knows none.
    Datagram,
    /// A datagram for a stream that cannot be yet.
    DatagramStream,
    /// QPACK.
    Qpack(qpack::Fault),
    /// A message that breaks the rules of HTTP.
    Malformed(Malformed),
    /// A request's stream ended before the request.
    Incomplete,
    /// A response's stream ended before the response.
    NoResponse,
    /// A field section with more bytes or lines than [`crate::Limits`] allows.
    SectionTooLarge,
    /// More interim responses than [`crate::Limits`] allows.
    Interims,
    /// A request after our last GOAWAY.
    Rejected,
    /// A request that does not get whole, or a response that nobody takes.
    Stalled,
    /// Too much of something that is harmless once.
    Flood(Flood),
}

/// What there was too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the field of Limits of the same name")]
pub enum Flood {
    SettingsBytes,
    WaitingBytes,
    Resets,
    UnknownFrames,
    UnknownStreams,
    Controls,
    PriorityUpdates,
    EmptyFrames,
    Insertions,
}

/// How far a fault reaches (section 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The connection is closed with the code.
    Connection,
    /// Both directions of the stream end with the code; the rest goes on.
    Stream,
}

impl Fault {
    /// The error code that answers it, and how far it reaches.
    pub const fn verdict(self) -> (Scope, ErrorCode) {
        use ErrorCode as Code;
        use Scope::{Connection, Stream};
        match self {
            Self::ServerStream | Self::SecondStream | Self::ClientPush => {
                (Connection, Code::StreamCreationError)
            }
            Self::CriticalStream => (Connection, Code::ClosedCriticalStream),
            Self::MissingSettings => (Connection, Code::MissingSettings),
            Self::SecondSettings | Self::Http2Frame | Self::Misplaced | Self::Sender | Self::MessageOrder => {
                (Connection, Code::FrameUnexpected)
            }
            Self::Datagram => (Connection, Code::DatagramError),
            Self::Setting => (Connection, Code::SettingsError),
            Self::FrameLength | Self::Truncated => (Connection, Code::FrameError),
            Self::GoAway | Self::MaxPushId | Self::Push | Self::PriorityUpdate | Self::DatagramStream => {
                (Connection, Code::IdError)
            }
            Self::Qpack(fault) => {
                let scope = if fault.spares_connection() { Stream } else { Connection };
                (
                    scope,
                    match fault.code() {
                        qpack::ErrorCode::ExcessiveLoad => Code::ExcessiveLoad,
                        qpack::ErrorCode::DecompressionFailed => Code::QpackDecompressionFailed,
                        qpack::ErrorCode::EncoderStreamError => Code::QpackEncoderStreamError,
                        qpack::ErrorCode::DecoderStreamError => Code::QpackDecoderStreamError,
                    },
                )
            }
            Self::Malformed(_) | Self::NoResponse => (Stream, Code::MessageError),
            Self::Incomplete => (Stream, Code::RequestIncomplete),
            Self::SectionTooLarge | Self::Interims | Self::Stalled => (Stream, Code::ExcessiveLoad),
            Self::Rejected => (Stream, Code::RequestRejected),
            Self::Flood(_) => (Connection, Code::ExcessiveLoad),
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

impl From<qpack::Fault> for Fault {
    fn from(fault: qpack::Fault) -> Self {
        Self::Qpack(fault)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the peer broke a rule of HTTP/3: {self:?} ({:?})", self.code())
    }
}

impl core::error::Error for Fault {}
