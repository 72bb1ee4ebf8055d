//! Faults in plain words.

use super::Fault;
use crate::rules::{frames, parameters};
use core::fmt;

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BarredFrame { frame, epoch } => {
                write!(f, "{} may not stand in {} packets", frames::name(*frame), epoch.packets())
            }
            Self::UnknownFrame { frame } => write!(f, "nobody agreed on frames of type {frame:#04x}"),
            Self::Tls(fault) => write!(f, "{fault}"),
            Self::TooMuch(what) => write!(f, "more {what} than we allow"),
            Self::Internal(what) => write!(f, "our side failed: {what}"),
            other => match (about_frame(other), about_parameter(other)) {
                (Some((frame, words)), _) => write!(f, "{} {words}", frames::name(frame)),
                (_, Some((parameter, words))) => write!(f, "{} {words}", parameters::name(parameter)),
                _ => f.write_str(sentence(other)),
            },
        }
    }
}

/// What a frame did, to stand behind its name.
fn about_frame(fault: &Fault) -> Option<(u64, &'static str)> {
    let words = match fault {
        Fault::FrameEndsEarly { .. } => "does not fit in its packet",
        Fault::LongFrameType { .. } => "writes its type longer than it need be",
        Fault::FrameOfServers { .. } => "comes from servers alone",
        Fault::AckBelowZero { .. } => "acknowledges packets below number 0",
        Fault::StreamOffsetTooLarge { .. } => "reaches beyond the last offset that a stream can have",
        Fault::StreamCountTooLarge { .. } => "counts more streams than there are numbers for",
        Fault::StreamDataTooMuch { .. } => "exceeds the credit of its stream",
        Fault::DataTooMuch { .. } => "exceeds the credit of the connection",
        Fault::StreamLimit { .. } => "names a stream beyond the allowed number",
        Fault::UnopenedStream { .. } => "names a stream of ours that is not open yet",
        Fault::SendOnlyStream { .. } => "names a stream on which we alone send",
        Fault::ReceiveOnlyStream { .. } => "names a stream on which the peer alone sends",
        Fault::DataBeyondFinalSize { .. } => "goes beyond the stream's final size",
        Fault::FinalSizeBelowData { .. } => "says a final size below what has come already",
        Fault::FinalSizeChanged { .. } => "says another final size than before",
        _ => return None,
    };
    Some((fault.frame_type(), words))
}

/// What is wrong about a transport parameter, to stand behind its name.
fn about_parameter(fault: &Fault) -> Option<(u64, &'static str)> {
    Some(match fault {
        Fault::DuplicateParameter { parameter } => (*parameter, "stands twice"),
        Fault::ParameterOfServers { parameter } => (*parameter, "comes from servers alone"),
        Fault::MalformedParameter { parameter } => (*parameter, "has not the form of its definition"),
        Fault::ParameterOutOfBounds { parameter } => (*parameter, "lies outside its bounds"),
        Fault::MissingParameter { parameter } => (*parameter, "is missing"),
        Fault::ConnectionIdMismatch { parameter } => (*parameter, "is not what the packets bore"),
        Fault::ReducedParameter { parameter } => (*parameter, "went below what early data was allowed"),
        _ => return None,
    })
}

/// The faults that have nothing to tell beside their name.
fn sentence(fault: &Fault) -> &'static str {
    match fault {
        Fault::EmptyPacket => "a packet holds no frame",
        Fault::UnexpectedDatagram => "a datagram came, though we take none",
        Fault::DatagramTooLarge => "a datagram is larger than we take",
        Fault::CryptoOffsetTooLarge => "CRYPTO reaches beyond the last offset that a stream can have",
        Fault::EmptyToken => "NEW_TOKEN holds no token",
        Fault::ConnectionIdLength => "NEW_CONNECTION_ID holds an id of none or of more than 20 bytes",
        Fault::RetirePriorToAhead => "NEW_CONNECTION_ID retires ids up to beyond its own number",
        Fault::ReliableSizeTooLarge => "RESET_STREAM_AT promises more bytes than the stream has",
        Fault::RequestedAckDelay => "ACK_FREQUENCY asks for a delay that is not possible",
        Fault::ReservedBits => "reserved bits of a packet's header are set",
        Fault::TokenFromServer => "a server's Initial packet bears a token",
        Fault::InvalidToken => "the address token is not valid",
        Fault::CryptoBehindKeyChange => "handshake data came at a level that is over",
        Fault::CertificateRequestAfterHandshake => "a certificate is asked for after the handshake",
        Fault::TicketBoundsEarlyData => "a session ticket bounds early data by bytes of TLS",
        Fault::SessionIdInClientHello => "ClientHello asks for TLS's middlebox compatibility mode",
        Fault::CryptoBufferExceeded => "more handshake data came than we keep",
        Fault::KeyUpdate => "a key update came before its time",
        Fault::AeadLimitReached => "a key was used up to its limit",
        Fault::AckOfUnsentPacket => "a packet is acknowledged that was never sent",
        Fault::ResetCodeChanged => "a stream was reset with two error codes",
        Fault::TooManyConnectionIds => "more connection ids came than we keep",
        Fault::TooManyRetirements => "more connection ids are to be retired than we remember",
        Fault::ConnectionIdReused => "a connection id and its number do not belong together",
        Fault::ConnectionIdForNobody => "NEW_CONNECTION_ID came from a peer that goes without ids",
        Fault::RetiredNobodysId => "RETIRE_CONNECTION_ID came, though we go without ids",
        Fault::RetiredUnissuedId => "RETIRE_CONNECTION_ID names an id that was never issued",
        Fault::RetiredIdInUse => "RETIRE_CONNECTION_ID names the id of its own packet",
        Fault::UnexpectedPathResponse => "PATH_RESPONSE answers to nothing that was asked",
        Fault::NoViablePath => "no path to the peer carries QUIC",
        Fault::ParametersEndEarly => "the transport parameters end in the middle of one",
        Fault::PreferredAddressWithoutIds => "a server without connection ids names a preferred address",
        Fault::VersionNegotiation => "the version in use is not what honest negotiation comes to",
        Fault::ConnectionRefused => "we refused the connection",
        _ => "an unnamed fault",
    }
}
