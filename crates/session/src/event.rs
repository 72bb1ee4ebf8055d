use core::fmt;
use sakigake_h2 as h2;
use sakigake_h3 as h3;
use sakigake_semantics as semantics;
use sakigake_tls::{
    self as tls,
    rules::{CipherSuite, NamedGroup},
};

/// What a session heard. Bytes borrow from the input: copy what has to outlive the call.
#[derive(Debug)]
pub enum Event<'a> {
    /// The handshake is over on this side: the peer is who it says it is, and messages may flow.
    Ready {
        /// What the peers agreed to speak.
        protocol: Protocol,
        /// The host that the client asked for, in lower case.
        server_name: Option<String>,
        /// An earlier connection goes on: no certificate was shown in this one.
        is_resumed: bool,
        /// Server: who the client is, where it has shown that in the handshake, or in the one that was resumed.
        identity: Option<tls::Identity>,
        /// What became of early data. A client whose early data was rejected begins anew: the server saw none of the
        /// requests that it had made before, and the HTTP engine that knew of them is gone.
        early_data: tls::EarlyData,
    },
    /// Server: what comes from here on, until [`Event::Ready`], came as early data. Somebody may have recorded it and send it
    /// again (RFC 8470 section 2), though not to whoever shares our register.
    Early {
        /// The host that the client asked for, in lower case.
        server_name: Option<String>,
    },
    /// Server: the client's answer to [`crate::Session::request_certificate`]; none where it has nothing to show.
    Authenticated(Option<tls::Identity>),
    /// Client: a later connection can go on from this one, once ([`crate::Session::resume`]).
    Ticket(Box<tls::Session>),
    /// Client, over QUIC: a later connection to this address may show this token, once (RFC 9000 section 8.1.3).
    Token(&'a [u8]),
    /// HTTP, when the protocol has an engine here.
    Http(semantics::Event<'a>),
    /// An HTTP datagram of a request (RFC 9297): only over QUIC.
    Datagram {
        /// The request's stream.
        stream: semantics::StreamId,
        /// What it carries.
        bytes: &'a [u8],
    },
    /// Plaintext, when it has none.
    Bytes(&'a [u8]),
    /// The handshake waits for its owner's answer.
    Wanted(tls::Wanted),
    /// A line for the key log.
    KeyLog(&'a tls::KeyLogLine),
    /// What TLS sent or received, where the configuration asks for it.
    Traced(tls::Traced<'a>),
    /// A frame of HTTP/2 that passed by, where the configuration asks for it.
    Frame {
        /// Whether it is ours rather than the peer's.
        is_sent: bool,
        /// What it was; `Display` gives one line.
        seen: h2::Seen<'a>,
    },
    /// The same of HTTP/3, and which unidirectional streams begin.
    Http3Frame {
        /// Whether it is ours rather than the peer's.
        is_sent: bool,
        /// What it was; `Display` gives one line.
        seen: h3::Seen<'a>,
    },
    /// The peer will send nothing more, and said so (close_notify); over QUIC the connection is over
    /// ([`crate::Http3::outcome`]).
    Closed,
}

/// What is spoken inside TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/2, by ALPN `h2`.
    H2,
    /// HTTP/3, by ALPN `h3`.
    H3,
    /// Anything else: the owner reads and writes plaintext. HTTP/1.1 is the usual case.
    Plain,
}

/// What the peers agreed on in the handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// The cipher suite.
    pub suite: u16,
    /// The group of the key exchange.
    pub group: u16,
    /// The application protocol, if any.
    pub alpn: Option<Vec<u8>>,
    /// An earlier connection goes on.
    pub is_resumed: bool,
    /// What became of early data.
    pub early_data: tls::EarlyData,
}

impl fmt::Display for Agreed {
    /// `TLS 1.3, TLS_AES_128_GCM_SHA256, X25519MLKEM768, ALPN h2, resumed`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (suite, group) = (CipherSuite(self.suite), NamedGroup(self.group));
        write!(f, "TLS 1.3, {}, {}", suite.name().unwrap_or("?"), group.name().unwrap_or("?"))?;
        match &self.alpn {
            Some(alpn) => write!(f, ", ALPN {}", alpn.escape_ascii())?,
            None => write!(f, ", no ALPN")?,
        }
        write!(f, "{}", if self.is_resumed { ", resumed" } else { "" })?;
        f.write_str(match self.early_data {
            tls::EarlyData::None => "",
            tls::EarlyData::Rejected => ", early data rejected",
            tls::EarlyData::Accepted { .. } => ", early data accepted",
        })
    }
}
