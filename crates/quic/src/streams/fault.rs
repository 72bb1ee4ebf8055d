//! What a peer can do wrong with streams: one variant a sin, and one place that says which error code answers it.

use core::fmt;

/// The peer broke a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamFault {
    /// More data than the stream's limit.
    StreamData,
    /// More data than the connection's limit.
    Data,
    /// An offset above 2^62-1.
    Offset,
    /// A stream beyond the limit of its kind.
    StreamLimit,
    /// A limit above 2^60 in MAX_STREAMS or STREAMS_BLOCKED.
    MaxStreams,
    /// A frame for a stream of ours that we have not opened.
    NotCreated,
    /// A frame of a sender on a stream that only we send on.
    SendOnly,
    /// A frame of a receiver on a stream that only the peer sends on.
    ReceiveOnly,
    /// Another final size than the one that was told.
    FinalSizeChanged,
    /// A final size below data that came before.
    FinalSizeTooSmall,
    /// Data at or beyond the final size.
    BeyondFinalSize,
    /// A reset that names another code than the one before.
    ResetCodeChanged,
    /// RESET_STREAM_AT promises more than there is.
    ReliableSize,
    /// So many small pieces with gaps between them that to hold them costs more than they are worth.
    Fragments,
    /// More handshake data out of order than is held.
    CryptoBuffer,
}

impl StreamFault {
    /// The transport error code that answers it (RFC 9000, section 20.1).
    pub const fn code(self) -> u64 {
        match self {
            Self::Fragments => 0x01,
            Self::StreamData | Self::Data => 0x03,
            Self::StreamLimit => 0x04,
            Self::NotCreated | Self::SendOnly | Self::ReceiveOnly | Self::ResetCodeChanged => 0x05,
            Self::FinalSizeChanged | Self::FinalSizeTooSmall | Self::BeyondFinalSize => 0x06,
            Self::Offset | Self::MaxStreams | Self::ReliableSize => 0x07,
            Self::CryptoBuffer => 0x0d,
        }
    }
}

impl fmt::Display for StreamFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StreamData => "more data than the stream's limit",
            Self::Data => "more data than the connection's limit",
            Self::Offset => "an offset above 2^62-1",
            Self::StreamLimit => "a stream beyond the limit of its kind",
            Self::MaxStreams => "a limit of streams above 2^60",
            Self::NotCreated => "a frame for a stream that was not opened",
            Self::SendOnly => "a sender's frame on a stream that the peer only receives on",
            Self::ReceiveOnly => "a receiver's frame on a stream that the peer only sends on",
            Self::FinalSizeChanged => "another final size than before",
            Self::FinalSizeTooSmall => "a final size below data that came before",
            Self::BeyondFinalSize => "data at or beyond the final size",
            Self::ResetCodeChanged => "a reset with another code than before",
            Self::ReliableSize => "a reliable size above the final size",
            Self::Fragments => "too many small pieces with gaps between them",
            Self::CryptoBuffer => "more handshake data out of order than is held",
        })
    }
}

impl core::error::Error for StreamFault {}
