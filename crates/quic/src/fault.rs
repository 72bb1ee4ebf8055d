//! What a peer did wrong: one variant a sin, one function to the error code.

mod words;

use crate::rules::{Epoch, codes::TransportErrorCode, frames::kind};
use sakigake_tls as tls;

/// Why a connection ends by fault: the peer's sin, or what our side refused. Fields named `frame` hold a frame type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    // Frames as bytes (RFC 9000 sections 12.4 and 19).
    /// A packet's payload holds no frame.
    EmptyPacket,
    /// A packet ends before its last frame's parts do.
    FrameEndsEarly {
        /// The frame that was begun; 0 where not even its type is whole.
        frame: u64,
    },
    /// A frame of a type that nobody agreed on.
    UnknownFrame {
        /// The type.
        frame: u64,
    },
    /// A frame's type is written longer than it need be.
    LongFrameType {
        /// The type.
        frame: u64,
    },
    /// A frame stands in a packet that may not carry it.
    BarredFrame {
        /// The type.
        frame: u64,
        /// What the packet was protected with.
        epoch: Epoch,
    },
    /// A client sent a frame that servers alone send.
    FrameOfServers {
        /// The type.
        frame: u64,
    },
    /// A DATAGRAM frame though we said that we take none.
    UnexpectedDatagram,
    /// A DATAGRAM frame larger than we said that we take.
    DatagramTooLarge,
    /// An acknowledged packet number lies below zero.
    AckBelowZero {
        /// ACK with or without ECN counts.
        frame: u64,
    },
    /// STREAM data reaches beyond 2^62 - 1.
    StreamOffsetTooLarge {
        /// The type of the STREAM frame.
        frame: u64,
    },
    /// CRYPTO data reaches beyond 2^62 - 1.
    CryptoOffsetTooLarge,
    /// NEW_TOKEN holds no token.
    EmptyToken,
    /// MAX_STREAMS or STREAMS_BLOCKED counts more than 2^60 streams.
    StreamCountTooLarge {
        /// The type.
        frame: u64,
    },
    /// NEW_CONNECTION_ID holds a connection id of none or of more than 20 bytes.
    ConnectionIdLength,
    /// NEW_CONNECTION_ID retires ids up to beyond its own number.
    RetirePriorToAhead,
    /// RESET_STREAM_AT promises more bytes than the stream has.
    ReliableSizeTooLarge,
    /// ACK_FREQUENCY asks for a delay that is none of ours.
    RequestedAckDelay,

    // Packets and keys (RFC 9000 section 17, RFC 9001 sections 4 to 6).
    /// Reserved bits of a packet's header are set.
    ReservedBits,
    /// An Initial packet of a server bears a token.
    TokenFromServer,
    /// The token of an Initial packet is neither ours nor good any more.
    InvalidToken,
    /// Data of an earlier encryption level came after the handshake had gone on to the next.
    CryptoBehindKeyChange,
    /// A request for a certificate after the handshake.
    CertificateRequestAfterHandshake,
    /// A session ticket allows some number of bytes of early data, which QUIC counts itself.
    TicketBoundsEarlyData,
    /// A ClientHello asks for TLS's middlebox compatibility mode.
    SessionIdInClientHello,
    /// More CRYPTO data than we keep.
    CryptoBufferExceeded,
    /// A key update before the last one was acknowledged, or with packet numbers that go back.
    KeyUpdate,
    /// A key was used up to its limit, or too many packets did not open.
    AeadLimitReached,

    // Acknowledgements (RFC 9000 section 13, RFC 9002).
    /// A packet is acknowledged that was never sent.
    AckOfUnsentPacket,

    // Streams (RFC 9000 sections 3, 4 and 19).
    /// More data on a stream than we gave credit for.
    StreamDataTooMuch {
        /// The type of the frame that says so.
        frame: u64,
    },
    /// More data on all streams than we gave credit for.
    DataTooMuch {
        /// The type of the frame that says so.
        frame: u64,
    },
    /// A stream beyond those that we allow.
    StreamLimit {
        /// The type of the frame that names it.
        frame: u64,
    },
    /// A frame for a stream of ours that we have not opened.
    UnopenedStream {
        /// The type.
        frame: u64,
    },
    /// A frame about data that the peer cannot send: we alone send on that stream.
    SendOnlyStream {
        /// The type.
        frame: u64,
    },
    /// A frame about data that we cannot send: the peer alone sends on that stream.
    ReceiveOnlyStream {
        /// The type.
        frame: u64,
    },
    /// Data beyond a stream's final size.
    DataBeyondFinalSize {
        /// The type of the frame that says so.
        frame: u64,
    },
    /// A final size below what has come already.
    FinalSizeBelowData {
        /// The type of the frame that says so.
        frame: u64,
    },
    /// A final size other than the one said before.
    FinalSizeChanged {
        /// The type of the frame that says so.
        frame: u64,
    },
    /// An error code other than the one with which the stream was reset before.
    ResetCodeChanged,

    // Connection ids and paths (RFC 9000 sections 5.1, 8 and 9).
    /// More connection ids than we keep.
    TooManyConnectionIds,
    /// More ids that we must retire than we remember.
    TooManyRetirements,
    /// One number for two connection ids, or one id with two numbers or two tokens.
    ConnectionIdReused,
    /// NEW_CONNECTION_ID though the peer itself goes without ids.
    ConnectionIdForNobody,
    /// RETIRE_CONNECTION_ID though we go without ids.
    RetiredNobodysId,
    /// RETIRE_CONNECTION_ID names an id that we have not issued.
    RetiredUnissuedId,
    /// RETIRE_CONNECTION_ID names the id that its own packet bears.
    RetiredIdInUse,
    /// PATH_RESPONSE answers to nothing that we asked.
    UnexpectedPathResponse,
    /// No path to the peer carries QUIC.
    NoViablePath,

    // Transport parameters (RFC 9000 sections 7.3, 7.4 and 18). `parameter` holds the identifier.
    /// The transport parameters end in the middle of one.
    ParametersEndEarly,
    /// A parameter stands twice.
    DuplicateParameter {
        /// Which.
        parameter: u64,
    },
    /// A client sent a parameter that servers alone send.
    ParameterOfServers {
        /// Which.
        parameter: u64,
    },
    /// A parameter's value has not the form that its definition gives it.
    MalformedParameter {
        /// Which.
        parameter: u64,
    },
    /// A parameter's value lies outside its bounds.
    ParameterOutOfBounds {
        /// Which.
        parameter: u64,
    },
    /// A parameter that has to be there is missing.
    MissingParameter {
        /// Which.
        parameter: u64,
    },
    /// A connection id among the parameters is not the one that the packets bore.
    ConnectionIdMismatch {
        /// Which.
        parameter: u64,
    },
    /// A server without connection ids names a preferred address.
    PreferredAddressWithoutIds,
    /// A server that took early data went below what it had allowed for it.
    ReducedParameter {
        /// Which.
        parameter: u64,
    },

    // Versions (RFC 9368).
    /// The version in use is not what version_information says, or not what honest negotiation comes to.
    VersionNegotiation,

    // What is not QUIC's own.
    /// The cryptographic handshake failed (RFC 9001 section 4.8).
    Tls(tls::Fault),
    /// More of something than our limits allow, where no error code is about it.
    TooMuch(&'static str),
    /// Our side refused the connection.
    ConnectionRefused,
    /// Our side failed.
    Internal(&'static str),
}

impl Fault {
    /// The transport error code that tells the peer (RFC 9000 section 20.1), as CONNECTION_CLOSE carries it.
    pub fn code(&self) -> u64 {
        self.transport_code().0
    }

    fn transport_code(&self) -> TransportErrorCode {
        use TransportErrorCode as Code;
        match self {
            Self::FrameEndsEarly { .. }
            | Self::UnknownFrame { .. }
            | Self::AckBelowZero { .. }
            | Self::StreamOffsetTooLarge { .. }
            | Self::CryptoOffsetTooLarge
            | Self::EmptyToken
            | Self::StreamCountTooLarge { .. }
            | Self::ConnectionIdLength
            | Self::RetirePriorToAhead
            | Self::ReliableSizeTooLarge => Code::FRAME_ENCODING_ERROR,

            Self::EmptyPacket
            | Self::LongFrameType { .. }
            | Self::BarredFrame { .. }
            | Self::FrameOfServers { .. }
            | Self::UnexpectedDatagram
            | Self::DatagramTooLarge
            | Self::RequestedAckDelay
            | Self::ReservedBits
            | Self::TokenFromServer
            | Self::CryptoBehindKeyChange
            | Self::CertificateRequestAfterHandshake
            | Self::TicketBoundsEarlyData
            | Self::SessionIdInClientHello
            | Self::AckOfUnsentPacket
            | Self::ConnectionIdReused
            | Self::ConnectionIdForNobody
            | Self::RetiredNobodysId
            | Self::RetiredUnissuedId
            | Self::RetiredIdInUse
            | Self::UnexpectedPathResponse
            | Self::ReducedParameter { .. } => Code::PROTOCOL_VIOLATION,

            Self::ParametersEndEarly
            | Self::DuplicateParameter { .. }
            | Self::ParameterOfServers { .. }
            | Self::MalformedParameter { .. }
            | Self::ParameterOutOfBounds { .. }
            | Self::MissingParameter { .. }
            | Self::ConnectionIdMismatch { .. }
            | Self::PreferredAddressWithoutIds => Code::TRANSPORT_PARAMETER_ERROR,

            Self::UnopenedStream { .. }
            | Self::SendOnlyStream { .. }
            | Self::ReceiveOnlyStream { .. }
            | Self::ResetCodeChanged => Code::STREAM_STATE_ERROR,
            Self::DataBeyondFinalSize { .. }
            | Self::FinalSizeBelowData { .. }
            | Self::FinalSizeChanged { .. } => Code::FINAL_SIZE_ERROR,
            Self::StreamDataTooMuch { .. } | Self::DataTooMuch { .. } => Code::FLOW_CONTROL_ERROR,
            Self::StreamLimit { .. } => Code::STREAM_LIMIT_ERROR,
            Self::TooManyConnectionIds | Self::TooManyRetirements => Code::CONNECTION_ID_LIMIT_ERROR,
            Self::CryptoBufferExceeded => Code::CRYPTO_BUFFER_EXCEEDED,
            Self::InvalidToken => Code::INVALID_TOKEN,
            Self::KeyUpdate => Code::KEY_UPDATE_ERROR,
            Self::AeadLimitReached => Code::AEAD_LIMIT_REACHED,
            Self::NoViablePath => Code::NO_VIABLE_PATH,
            Self::VersionNegotiation => Code::VERSION_NEGOTIATION_ERROR,
            Self::ConnectionRefused => Code::CONNECTION_REFUSED,
            Self::Tls(fault) => Code::crypto(fault.alert().0),
            Self::TooMuch(_) | Self::Internal(_) => Code::INTERNAL_ERROR,
        }
    }

    /// The type of the frame that is to blame, as CONNECTION_CLOSE carries it; 0 where none is (RFC 9000 section 19.19).
    pub fn frame_type(&self) -> u64 {
        match self {
            Self::FrameEndsEarly { frame }
            | Self::UnknownFrame { frame }
            | Self::LongFrameType { frame }
            | Self::BarredFrame { frame, .. }
            | Self::FrameOfServers { frame }
            | Self::AckBelowZero { frame }
            | Self::StreamOffsetTooLarge { frame }
            | Self::StreamCountTooLarge { frame }
            | Self::StreamDataTooMuch { frame }
            | Self::DataTooMuch { frame }
            | Self::StreamLimit { frame }
            | Self::UnopenedStream { frame }
            | Self::SendOnlyStream { frame }
            | Self::ReceiveOnlyStream { frame }
            | Self::DataBeyondFinalSize { frame }
            | Self::FinalSizeBelowData { frame }
            | Self::FinalSizeChanged { frame } => *frame,
            Self::UnexpectedDatagram | Self::DatagramTooLarge => kind::DATAGRAM,
            Self::CryptoOffsetTooLarge
            | Self::CryptoBufferExceeded
            | Self::CryptoBehindKeyChange
            | Self::CertificateRequestAfterHandshake
            | Self::TicketBoundsEarlyData
            | Self::SessionIdInClientHello
            | Self::Tls(_) => kind::CRYPTO,
            Self::EmptyToken => kind::NEW_TOKEN,
            Self::ConnectionIdLength
            | Self::RetirePriorToAhead
            | Self::TooManyConnectionIds
            | Self::TooManyRetirements
            | Self::ConnectionIdReused
            | Self::ConnectionIdForNobody => kind::NEW_CONNECTION_ID,
            Self::RetiredNobodysId | Self::RetiredUnissuedId | Self::RetiredIdInUse => {
                kind::RETIRE_CONNECTION_ID
            }
            Self::ReliableSizeTooLarge | Self::ResetCodeChanged => kind::RESET_STREAM_AT,
            Self::RequestedAckDelay => kind::ACK_FREQUENCY,
            Self::AckOfUnsentPacket => kind::ACK,
            Self::UnexpectedPathResponse => kind::PATH_RESPONSE,
            _ => kind::PADDING,
        }
    }
}

impl From<tls::Fault> for Fault {
    fn from(fault: tls::Fault) -> Self {
        Self::Tls(fault)
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests;
