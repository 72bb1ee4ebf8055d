//! What a peer can do wrong with streams. Which frame it did it with, and so which [`Fault`] it is, the caller knows.

use crate::Fault;

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
    /// The fault that ends the connection; `frame` is the type of the frame that the peer sinned with.
    pub const fn fault(self, frame: u64) -> Fault {
        match self {
            Self::StreamData => Fault::StreamDataTooMuch { frame },
            Self::Data => Fault::DataTooMuch { frame },
            Self::Offset => Fault::StreamOffsetTooLarge { frame },
            Self::StreamLimit => Fault::StreamLimit { frame },
            Self::MaxStreams => Fault::StreamCountTooLarge { frame },
            Self::NotCreated => Fault::UnopenedStream { frame },
            Self::SendOnly => Fault::SendOnlyStream { frame },
            Self::ReceiveOnly => Fault::ReceiveOnlyStream { frame },
            Self::FinalSizeChanged => Fault::FinalSizeChanged { frame },
            Self::FinalSizeTooSmall => Fault::FinalSizeBelowData { frame },
            Self::BeyondFinalSize => Fault::DataBeyondFinalSize { frame },
            Self::ResetCodeChanged => Fault::ResetCodeChanged,
            Self::ReliableSize => Fault::ReliableSizeTooLarge,
            Self::Fragments => Fault::TooMuch("small pieces with gaps between them"),
            Self::CryptoBuffer => Fault::CryptoBufferExceeded,
        }
    }
}
