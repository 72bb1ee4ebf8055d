//! What goes in and out of a connection besides frames: datagrams, and what its owner hears.

use crate::{
    Fault,
    ids::ConnectionId,
    paths::{Addresses, Move, PathId},
    recovery::acks::Mark,
    rules::codes::TransportErrorCode,
    streams::{Heard, StreamId},
    trace::Record,
};
use sakigake_tls as tls;
use sakigake_wire::Instant;

/// One datagram that came.
#[derive(Debug)]
pub struct Received<'a> {
    /// Its UDP payload; packets are opened where they lie.
    pub bytes: &'a mut [u8],
    /// From where to where.
    pub addresses: Addresses,
    /// Its ECN mark.
    pub mark: Mark,
}

/// Datagrams that are to leave: all of [`Transmit::segment_bytes`] but the last, one behind the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// Bytes of all of them.
    pub len: usize,
    /// Bytes of each but the last, which may have fewer; the same as [`Transmit::len`] where there is one.
    pub segment_bytes: usize,
    /// From where to where.
    pub addresses: Addresses,
    /// The mark to send them with.
    pub mark: Mark,
}

/// What a connection tells its owner.
#[derive(Debug)]
pub enum Event<'a> {
    /// What TLS agreed on. At a server data may be sent from here on, to somebody who has not shown yet who it is (0.5-RTT).
    Negotiated(tls::Negotiated),
    /// Server: who the client is, where it was asked.
    Authenticated(Option<tls::Identity>),
    /// The handshake is complete.
    Established,
    /// The handshake is confirmed: the peer knows that too.
    Confirmed,
    /// Nothing has come for a while and nothing is under way: whoever keeps room for the next time may give it back.
    Quiet,
    /// TLS waits for its owner's [`tls::Answer`].
    Wanted(&'a tls::Wanted),
    /// Client: a later connection can go on from this one, once.
    Ticket(Box<tls::Session>),
    /// Client: a later connection to this server may show this token, once (RFC 9000 section 8.1.3), by
    /// [`Attempt::token`](super::Attempt::token). The version that it is for goes before what the server gave.
    NewToken(&'a [u8]),
    /// Something about a stream.
    Stream(Heard<'a>),
    /// A stream whose queue was full takes more.
    Writable(StreamId),
    /// An unreliable datagram (RFC 9221).
    Datagram(&'a [u8]),
    /// A secret, where the configuration asks for it.
    KeyLog(&'a tls::KeyLogLine),
    /// The peer sends no more to this id of ours: nothing routes by it any longer.
    Retired(ConnectionId),
    /// The peer is there.
    Validated(PathId),
    /// The connection goes another way from here on.
    Moved(Move),
    /// Client: the server speaks none of what we offered first, but these. Another connection may begin in one of them.
    OtherVersions(&'a [u32]),
    /// A fact, where [`super::Connection::trace`] asked for them.
    Traced {
        /// When it was so.
        at: Instant,
        /// The fact.
        record: &'a Record,
    },
    /// It is over; told once. Nothing but what says so to the peer leaves any more.
    Closed(Closed),
}

/// Why a connection is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The owner closed it.
    Local,
    /// The peer broke a rule, or we did not want it.
    Fault(Fault),
    /// The peer closed it.
    Peer {
        /// Its code: a transport error code, or the application's own.
        code: u64,
        /// The type of the frame to blame; none where the application closed.
        frame_type: Option<u64>,
        /// Words for people.
        reason: Vec<u8>,
    },
    /// The peer has lost its state (RFC 9000 section 10.3).
    Reset,
    /// Nobody said anything for too long (RFC 9000 section 10.1).
    Idle,
    /// There is no way to the peer any more (RFC 9000 section 9.3.2).
    NoPath,
    /// Client: the server speaks none of our versions, see [`Event::OtherVersions`].
    Version,
}

impl core::fmt::Display for Closed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Local => f.write_str("we closed the connection"),
            Self::Fault(fault) => fault.fmt(f),
            Self::Peer { code, frame_type, reason } => {
                match frame_type {
                    Some(_) => {
                        let named = TransportErrorCode(*code);
                        write!(f, "the peer closed the connection with transport error {code:#x}, {named}")?;
                    }
                    None => write!(f, "the peer closed the connection with application error {code:#x}")?,
                }
                if reason.is_empty() { Ok(()) } else { write!(f, ": {}", reason.escape_ascii()) }
            }
            Self::Reset => f.write_str("the peer has lost the connection's state"),
            Self::Idle => f.write_str("nobody said anything for too long"),
            Self::NoPath => f.write_str("there is no way to the peer any more"),
            Self::Version => f.write_str("the peer speaks none of our versions"),
        }
    }
}

/// Why an owner's call was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The connection is over.
    Over,
    /// The peer takes no datagrams, or none so large.
    Datagram,
    /// As many datagrams wait as may.
    Full,
    /// Keys may not be updated yet (RFC 9001 section 6.1).
    KeyUpdate,
}

impl core::fmt::Display for Refused {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Over => "the connection is over",
            Self::Datagram => "the peer takes no datagrams of that size",
            Self::Full => "as many datagrams wait as may",
            Self::KeyUpdate => "the last key update is not settled",
        })
    }
}

impl core::error::Error for Refused {}
