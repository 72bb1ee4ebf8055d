use core::fmt;
use sakigake_h2 as h2;
use sakigake_h3 as h3;
use sakigake_quic::connection::Closed;
use sakigake_tls as tls;

/// The peer broke a rule, and the session is over. What the peer is told (an alert, a GOAWAY) waits in `transmit`.
#[derive(Debug)]
pub enum Fault {
    /// A rule of TLS.
    Tls(tls::Fault),
    /// A rule of HTTP/2.
    H2(h2::Fault),
    /// A rule of HTTP/3.
    H3(h3::Fault),
    /// QUIC's connection is over before everything was said.
    Quic(Closed),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tls(fault) => write!(f, "TLS: {fault}"),
            Self::H2(fault) => write!(f, "HTTP/2: {fault}"),
            Self::H3(fault) => write!(f, "HTTP/3: {fault}"),
            Self::Quic(closed) => write!(f, "QUIC: {closed}"),
        }
    }
}

impl std::error::Error for Fault {}
