//! Why something did not come: in words for people, and as a number that scripts know.

use super::connection::Protocol;
use core::fmt;
use sakigake_net as net;
use sakigake_page::load::Refusal;
use sakigake_quic::{self as quic, connection::Closed};
use sakigake_session::Fault;
use sakigake_tls as tls;
use std::io;

/// Why something did not come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// What kind of failure it is.
    pub cause: Cause,
    /// What happened, for a person.
    pub why: String,
}

/// Kinds of failure, by curl's names for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// A scheme that is not spoken here.
    UnsupportedProtocol,
    /// An address that is none.
    UrlMalformat,
    /// The proxy's name has no address.
    CouldntResolveProxy,
    /// The host's name has no address.
    CouldntResolveHost,
    /// Nobody accepts connections there.
    CouldntConnect,
    /// What came is no HTTP.
    WeirdServerReply,
    /// The peer broke a rule of HTTP/2 that ends the connection.
    Http2,
    /// The body ended before it was whole.
    PartialFile,
    /// What came could not be written.
    WriteError,
    /// What was to be sent could not be read.
    ReadError,
    /// It took too long.
    OperationTimedout,
    /// The TLS handshake failed.
    SslConnectError,
    /// One redirect too many.
    TooManyRedirects,
    /// The connection ended without a word of a response.
    GotNothing,
    /// The connection broke while something was to come, or the proxy refused the tunnel.
    RecvError,
    /// The server's certificate was refused.
    PeerFailedVerification,
    /// The body's content coding is broken or unknown.
    BadContentEncoding,
    /// The body is larger than allowed.
    FilesizeExceeded,
    /// The proxy broke the rules of its handshake.
    Proxy,
    /// A stream of HTTP/2 was reset.
    Http2Stream,
    /// HTTP/3 failed: the peer broke one of its rules, or reset a stream.
    Http3,
    /// No QUIC connection came about.
    QuicConnect,
}

impl Cause {
    /// What is wrong where the engine of a protocol refuses to go on.
    pub(super) const fn of_engine(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Http1 => Self::WeirdServerReply,
            Protocol::Http2 => Self::Http2,
            Protocol::Http3 => Self::Http3,
        }
    }

    /// The same of one stream.
    pub(super) const fn of_stream(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Http2 => Self::Http2Stream,
            Protocol::Http1 | Protocol::Http3 => Self::of_engine(protocol),
        }
    }

    /// The number that curl exits with in the same case.
    pub const fn code(self) -> u8 {
        match self {
            Self::UnsupportedProtocol => 1,
            Self::UrlMalformat => 3,
            Self::CouldntResolveProxy => 5,
            Self::CouldntResolveHost => 6,
            Self::CouldntConnect => 7,
            Self::WeirdServerReply => 8,
            Self::Http2 => 16,
            Self::PartialFile => 18,
            Self::WriteError => 23,
            Self::ReadError => 26,
            Self::OperationTimedout => 28,
            Self::SslConnectError => 35,
            Self::TooManyRedirects => 47,
            Self::GotNothing => 52,
            Self::RecvError => 56,
            Self::PeerFailedVerification => 60,
            Self::BadContentEncoding => 61,
            Self::FilesizeExceeded => 63,
            Self::Http2Stream => 92,
            Self::Http3 => 95,
            Self::QuicConnect => 96,
            Self::Proxy => 97,
        }
    }
}

impl Failed {
    /// A failure and its words.
    pub fn new(cause: Cause, why: impl fmt::Display) -> Self {
        Self { cause, why: why.to_string() }
    }

    /// A connection to `place` broke, before or after it could carry requests.
    pub(super) fn of_connection(place: &str, failure: &net::Failure, was_ready: bool) -> Self {
        let cause = match failure {
            net::Failure::Peer(Fault::Tls(tls::Fault::CertificateRejected(_))) => {
                Cause::PeerFailedVerification
            }
            net::Failure::Peer(Fault::H2(_)) => Cause::Http2,
            net::Failure::Peer(Fault::Tls(tls::Fault::HandshakeTimeout)) => Cause::OperationTimedout,
            _ if !was_ready => Cause::SslConnectError,
            net::Failure::Peer(Fault::Tls(tls::Fault::Truncated)) => Cause::GotNothing,
            net::Failure::Socket(error) if error.kind() == io::ErrorKind::TimedOut => {
                Cause::OperationTimedout
            }
            net::Failure::Peer(Fault::Tls(_) | Fault::H3(_) | Fault::Quic(_)) | net::Failure::Socket(_) => {
                Cause::RecvError
            }
        };
        Self::new(cause, format_args!("{place}: {failure}"))
    }

    /// A connection over QUIC to `place` broke, before or after it could carry requests.
    pub(super) fn of_quic(place: &str, fault: &Fault, was_ready: bool) -> Self {
        let tls = match fault {
            Fault::Tls(tls) | Fault::Quic(Closed::Fault(quic::Fault::Tls(tls))) => Some(tls),
            _ => None,
        };
        let cause = match (tls, fault) {
            (Some(tls::Fault::CertificateRejected(_)), _) => Cause::PeerFailedVerification,
            (Some(tls::Fault::HandshakeTimeout), _) | (_, Fault::Quic(Closed::Idle)) => {
                Cause::OperationTimedout
            }
            (_, Fault::H3(_)) => Cause::Http3,
            _ if !was_ready => Cause::QuicConnect,
            _ => Cause::RecvError,
        };
        Self::new(cause, format_args!("{place}: {fault}"))
    }

    /// The same for somebody whose response had begun, or had not.
    pub(super) fn for_request(mut self, has_begun: bool) -> Self {
        self.cause = match (self.cause, has_begun) {
            (Cause::GotNothing, true) => Cause::PartialFile,
            (cause, _) => cause,
        };
        self
    }
}

impl From<&Refusal> for Cause {
    fn from(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::TooMany | Refusal::PageFull => Self::TooManyRedirects,
            Refusal::NoAddress => Self::UrlMalformat,
            Refusal::Downgrade(_) => Self::UnsupportedProtocol,
        }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for Failed {}
