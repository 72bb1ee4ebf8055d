//! What happened in a world, in order: what checkers read, and what two runs of one seed must agree on.

use crate::{
    pipe::{Fault, PipeId, Side},
    world::NodeId,
};
use core::fmt;
use sakigake_wire::Instant;

/// Everything that happened, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log<W = What> {
    entries: Vec<Entry<W>>,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<W = What> {
    /// When.
    pub at: Instant,
    /// What.
    pub what: W,
}

/// The kinds of things that happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A node began to open a pipe: its first packet departs.
    Dialled {
        /// The pipe.
        pipe: PipeId,
        /// Who opens it.
        from: NodeId,
        /// Who is to accept it.
        to: NodeId,
    },
    /// A node gave bytes to its side of the pipe, which lets them depart when there is room.
    Wrote {
        /// The pipe.
        pipe: PipeId,
        /// The side that wrote them.
        from: Side,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// Bytes departed from a side.
    Sent {
        /// The pipe.
        pipe: PipeId,
        /// The side that sent them.
        from: Side,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// Bytes arrived, after any fault of the pipe.
    Arrived {
        /// The pipe.
        pipe: PipeId,
        /// The side that sent them.
        from: Side,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// A side will send nothing more.
    Ended {
        /// The pipe.
        pipe: PipeId,
        /// The side that ended.
        from: Side,
    },
    /// The pipe did something that pipes should not.
    Faulted {
        /// The pipe.
        pipe: PipeId,
        /// The side whose bytes were hit.
        from: Side,
        /// What it did.
        fault: Fault,
    },
    /// A node said what it heard or did.
    Noted {
        /// The node.
        node: NodeId,
        /// What it said.
        note: Note,
    },
}

/// What nodes say: facts that a checker can hold against the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// The handshake is over on this side of the pipe.
    Ready {
        /// The pipe.
        pipe: PipeId,
    },
    /// A client began a request.
    Requested {
        /// Method, authority and path.
        request: String,
    },
    /// A server was asked.
    Asked {
        /// Method, authority and path.
        request: String,
    },
    /// A client has a whole response.
    Received {
        /// The path.
        path: String,
        /// Its status.
        status: u16,
        /// Its body.
        body: Vec<u8>,
    },
    /// A client has a part of a response, and will get no more of it.
    Abandoned {
        /// The path.
        path: String,
        /// What there is of its body.
        body: Vec<u8>,
    },
    /// A server read a request's body.
    Uploaded {
        /// The path.
        path: String,
        /// What came.
        body: Vec<u8>,
        /// Whether that was all: the request ended in order.
        whole: bool,
    },
    /// Plaintext without HTTP was read, up to an end.
    Heard {
        /// The pipe.
        pipe: PipeId,
        /// What came.
        bytes: Vec<u8>,
        /// Whether that was all: the peer said so.
        whole: bool,
    },
    /// A side of TLS without HTTP has said all: behind its close_notify no alert leaves, whatever comes.
    Closed {
        /// The pipe.
        pipe: PipeId,
    },
    /// A session has a secret of TLS, as its key log tells it.
    Secret {
        /// The pipe.
        pipe: PipeId,
        /// The key log's label.
        label: &'static str,
        /// The secret; it protects nothing but a world.
        secret: Vec<u8>,
    },
    /// A PRELOAD frame was heard, with so many hints that the policy took.
    Hinted {
        /// Hints to act on.
        taken: usize,
    },
    /// The page has everything that it needs.
    Complete,
    /// A session ended because its peer broke a rule, or seemed to.
    Fault {
        /// The pipe.
        pipe: PipeId,
        /// In words.
        why: String,
    },
    /// Anything else that is worth reading.
    Said(String),
}

impl<W> Default for Log<W> {
    fn default() -> Self {
        Self { entries: Vec::new() }
    }
}

impl<W: fmt::Debug> Log<W> {
    /// Appends what happened at `at`.
    pub fn push(&mut self, at: Instant, what: W) {
        self.entries.push(Entry { at, what });
    }

    /// The entries, oldest first.
    pub fn entries(&self) -> &[Entry<W>] {
        &self.entries
    }

    /// A number that differs between logs that differ (FNV-1a over the text of every entry).
    pub fn digest(&self) -> u64 {
        let mut digest = Fnv(0xcbf2_9ce4_8422_2325);
        for entry in &self.entries {
            let written = fmt::Write::write_fmt(&mut digest, format_args!("{entry:?}"));
            debug_assert!(written.is_ok(), "hashing does not fail");
        }
        digest.0
    }
}

impl Log {
    /// The notes, oldest first.
    pub fn notes(&self) -> impl Iterator<Item = (Instant, NodeId, &Note)> {
        self.entries.iter().filter_map(|entry| match &entry.what {
            What::Noted { node, note } => Some((entry.at, *node, note)),
            _ => None,
        })
    }
}

struct Fnv(u64);

impl fmt::Write for Fnv {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}

impl<W: fmt::Display> fmt::Display for Entry<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.at.as_nanos();
        write!(f, "{:>6}.{:06} ms  {}", nanos / 1_000_000, nanos % 1_000_000, self.what)
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dialled { pipe, from, to } => write!(f, "{pipe} {from} dials {to}"),
            Self::Wrote { pipe, from, bytes } => write!(f, "{pipe} {from} writes {} bytes", bytes.len()),
            Self::Sent { pipe, from, bytes } => write!(f, "{pipe} {from} sends {} bytes", bytes.len()),
            Self::Arrived { pipe, from, bytes } => {
                write!(f, "{pipe} {} bytes of the {from} arrive", bytes.len())
            }
            Self::Ended { pipe, from } => write!(f, "{pipe} {from} ends"),
            Self::Faulted { pipe, from, fault } => write!(f, "{pipe} {from}'s bytes: {fault:?}"),
            Self::Noted { node, note } => write!(f, "{node} {note:?}"),
        }
    }
}
