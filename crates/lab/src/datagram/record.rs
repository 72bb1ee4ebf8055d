//! What happened in a world of datagrams, in order.

use super::way::Fault;
use crate::{log, world::NodeId};
use core::{fmt, net::SocketAddr};
use sakigake_quic::{endpoint::Reply, recovery::acks::Mark};
use std::{collections::BTreeMap, sync::Arc};

/// Everything that happened, oldest first.
pub type Log = log::Log<What>;
/// One thing that happened.
pub type Entry = log::Entry<What>;

/// The kinds of things that happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A node sent a datagram.
    Sent {
        /// Counted from 0 in the whole world.
        number: u64,
        /// Who sent it.
        by: NodeId,
        /// The address that it says it is from.
        from: SocketAddr,
        /// Whom it is for.
        to: SocketAddr,
        /// Its ECN mark.
        mark: Mark,
        /// What it carries.
        bytes: Arc<[u8]>,
    },
    /// Something happened to it on a way.
    Faulted {
        /// Which datagram.
        number: u64,
        /// What.
        fault: Fault,
    },
    /// It arrived, or a copy of it did, as its faults have left it.
    Arrived {
        /// Which datagram.
        number: u64,
        /// At whom.
        at: NodeId,
        /// The address that it says it is from.
        from: SocketAddr,
        /// Whom it was sent to.
        to: SocketAddr,
        /// Its ECN mark.
        mark: Mark,
        /// What it carries.
        bytes: Arc<[u8]>,
    },
    /// A node said what it heard or did.
    Noted {
        /// The node.
        node: NodeId,
        /// What it said.
        note: Note,
    },
}

/// What nodes say: facts that a checker can hold against the datagrams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A NAT gave somebody another address.
    Rebound {
        /// The one before.
        from: SocketAddr,
        /// The one from now on.
        to: SocketAddr,
    },
    /// A NAT dropped what was sent to an address that it has, and a port that it has not.
    Closed {
        /// The address.
        to: SocketAddr,
    },
    /// An end has a secret of TLS, as its key log tells it; it protects nothing but a world.
    Secret {
        /// Which of the node's connections, counted from 0.
        connection: usize,
        /// The key log's label.
        label: &'static str,
        /// The secret.
        secret: Vec<u8>,
    },
    /// The handshake is complete on this side.
    Ready {
        /// Which of the node's connections.
        connection: usize,
    },
    /// What a client said early was not taken, and is said again.
    Rejected {
        /// Which of the node's connections.
        connection: usize,
    },
    /// An application has said all that it will say on a stream.
    Wrote {
        /// Which of the node's connections.
        connection: usize,
        /// The stream.
        stream: u64,
        /// Bytes that it gave to the connection.
        bytes: u64,
        /// And then.
        ending: Ending,
    },
    /// An application heard the next bytes of a stream.
    Heard {
        /// Which of the node's connections.
        connection: usize,
        /// The stream.
        stream: u64,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// An application heard that a stream is over.
    Ended {
        /// Which of the node's connections.
        connection: usize,
        /// The stream.
        stream: u64,
        /// How.
        ending: Ending,
    },
    /// An application wants no more of a stream.
    Stops {
        /// Which of the node's connections.
        connection: usize,
        /// The stream.
        stream: u64,
    },
    /// An application sent an unreliable datagram.
    Tossed {
        /// Which of the node's connections.
        connection: usize,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// An application heard one.
    Caught {
        /// Which of the node's connections.
        connection: usize,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// What a connection sent, held against its congestion window.
    Window {
        /// Which of the node's connections.
        connection: usize,
        /// Bytes in flight before.
        before: u64,
        /// And after.
        after: u64,
        /// The window, after.
        window: u64,
        /// Whether it may send whatever the window says: a probe timeout, a path or its MTU is probed.
        is_probe: bool,
    },
    /// A server answered a datagram without a connection.
    Answered {
        /// What it is.
        reply: Reply,
        /// All of it.
        bytes: Vec<u8>,
        /// How long what it answers was, in bytes.
        asked_bytes: usize,
    },
    /// A server has forgotten all its connections.
    Restarted,
    /// Everything that an application wanted and expected on a connection is done.
    Complete {
        /// Which of the node's connections.
        connection: usize,
    },
    /// A connection is over.
    Over {
        /// Which of the node's connections.
        connection: usize,
        /// Why.
        why: Over,
    },
    /// What HTTP on a connection heard or did.
    Web {
        /// Which of the node's connections.
        connection: usize,
        /// What.
        note: log::Note,
    },
    /// Anything else that is worth reading.
    Said(String),
}

/// How a stream's direction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With its last byte.
    Finished,
    /// Its sender gave up; so many of the first bytes come all the same.
    Reset {
        /// The bytes.
        reliable: u64,
    },
}

/// Why a connection is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Over {
    /// The application closed it.
    Local,
    /// The peer's application did.
    Peer,
    /// Nobody said anything for too long.
    Idle,
    /// Nobody answered where the peer had gone.
    NoPath,
    /// The peer says that it knows nothing of it.
    Reset,
    /// The server speaks other versions; the client comes back in one of them.
    Version,
    /// The server did not take it, for the token that it came with.
    InvalidToken,
    /// Something was wrong, in words.
    Fault(String),
}

/// How often each fault struck.
pub fn faults(log: &Log) -> BTreeMap<Fault, u64> {
    let mut counts = BTreeMap::new();
    for entry in log.entries() {
        let fault = match entry.what {
            What::Faulted { fault, .. } => fault,
            What::Noted { note: Note::Rebound { .. }, .. } => Fault::Rebound,
            What::Noted { note: Note::Closed { .. }, .. } => Fault::Unroutable,
            _ => continue,
        };
        *counts.entry(fault).or_default() += 1;
    }
    counts
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sent { number, by, from, to, bytes, .. } => {
                write!(f, "{by} sends {number} {from} -> {to} {} bytes", bytes.len())
            }
            Self::Faulted { number, fault } => write!(f, "{number} {fault:?}"),
            Self::Arrived { number, at, bytes, .. } => {
                write!(f, "{number} arrives at {at}, {} bytes", bytes.len())
            }
            Self::Noted { node, note } => write!(f, "{node} {note:?}"),
        }
    }
}
