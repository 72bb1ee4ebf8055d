//! What a watched connection did and saw, fact by fact: [`Record`]. People read it in a line of its own ([`fmt::Display`]),
//! tools as qlog ([`crate::qlog`]).
//!
//! No record holds a key, a token or a stateless reset token.

mod words;

use crate::{
    Fault,
    frame::{Frame, Terms, walk},
    ids::ConnectionId,
    packet::{Discard, Unopened},
    parameters::Parameters,
    paths::{Addresses, PathId, Reason},
    recovery::congestion::Phase,
    rules::{Epoch, Side},
};
use core::fmt;
use sakigake_wire::{Reader, Short, Span};

/// One fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// The connection begins, between these addresses.
    Started(Addresses),
    /// The versions that are offered, by whom, and the one in use.
    Versions {
        /// A client's, best first.
        client: Vec<u32>,
        /// A server's, best first.
        server: Vec<u32>,
        /// The one in use from here on.
        chosen: Option<u32>,
    },
    /// The application protocol that was chosen.
    Alpn(Vec<u8>),
    /// Transport parameters that somebody declared.
    ParametersSet(Party, Box<Parameters>),
    /// Client: transport parameters of an earlier connection, for early data.
    ParametersRestored(Box<Parameters>),
    /// A packet leaves.
    Sent(Packet),
    /// A packet came and was opened.
    Received(Packet),
    /// A packet came, or what looks like one, and is not taken.
    Dropped {
        /// Its type, where its header can be read.
        kind: Option<PacketKind>,
        /// Its length in bytes, or that of the rest of its datagram where its header cannot be read.
        bytes: usize,
        /// For what reason.
        why: DropReason,
    },
    /// A packet came before its keys and waits for them.
    Buffered {
        /// Its type.
        kind: PacketKind,
        /// Its length in bytes.
        bytes: usize,
    },
    /// A packet that was sent counts as lost.
    Lost {
        /// What it was protected with.
        epoch: Epoch,
        /// Its number.
        number: u64,
        /// By which threshold.
        trigger: Threshold,
    },
    /// What recovery measures, as far as it has changed.
    Metrics(Metrics),
    /// The congestion controller is in another state.
    Congestion {
        /// The state before.
        old: Phase,
        /// The state from here on.
        new: Phase,
        /// What brought it, where that is known.
        trigger: Option<CongestionTrigger>,
    },
    /// ECN on the active path.
    Ecn {
        /// Before; none at the beginning.
        old: Option<Ecn>,
        /// From here on.
        new: Ecn,
    },
    /// The largest datagram on the active path, in bytes.
    Mtu {
        /// Before; none at the beginning.
        old: Option<u16>,
        /// From here on.
        new: u16,
    },
    /// Keys came, went or changed.
    Key {
        /// Who protects with them.
        sender: Side,
        /// What they protect.
        epoch: Epoch,
        /// What became of them.
        change: KeyChange,
    },
    /// How far the connection is.
    State {
        /// Before; none at the beginning.
        old: Option<State>,
        /// From here on.
        new: State,
    },
    /// Another connection id is in use.
    ConnectionId {
        /// Whose packets go to it: our own are sent to ids of the peer's.
        user: Party,
        /// Before; none at the beginning.
        old: Option<ConnectionId>,
        /// From here on.
        new: ConnectionId,
    },
    /// A path, when a packet takes it for the first time.
    Path {
        /// Which one.
        id: PathId,
        /// Its ends.
        addresses: Addresses,
    },
    /// The connection goes, or tries to go, another way.
    Migration {
        /// The path in question.
        path: PathId,
        /// How far it is.
        state: MigrationState,
    },
    /// The connection is over.
    Closed(Ending),
    /// So many records did not fit in the queue and are lost.
    Missed(u64),
}

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// We.
    Local,
    /// The other side.
    Peer,
}

/// A type of packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketKind {
    /// One that keys protect.
    Protected(Epoch),
    /// RFC 9000 section 17.2.5.
    Retry,
    /// RFC 9000 section 17.2.1.
    VersionNegotiation,
}

/// A packet, opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Its type.
    pub kind: PacketKind,
    /// The version of a long header; 0 of a Version Negotiation packet.
    pub version: Option<u32>,
    /// Destination Connection ID.
    pub dcid: ConnectionId,
    /// Source Connection ID of a long header.
    pub scid: Option<ConnectionId>,
    /// The token of an Initial or Retry packet, in bytes.
    pub token_bytes: Option<usize>,
    /// Its number.
    pub number: Option<u64>,
    /// A 1-RTT packet's key phase, counted from 0.
    pub key_phase: Option<u64>,
    /// What a Version Negotiation packet offers.
    pub versions: Vec<u32>,
    /// Its length in bytes, protection included.
    pub bytes: usize,
    /// The length of its datagram, in bytes.
    pub datagram_bytes: usize,
    /// The path that it takes.
    pub path: PathId,
    /// Whether it only tests how large a datagram may be.
    pub is_mtu_probe: bool,
    /// Whether it had waited for its keys.
    pub was_buffered: bool,
    /// By which the sender scales the delay of its ACK frames.
    pub ack_delay_exponent: u64,
    /// Its frames as they lie in it.
    pub payload: Vec<u8>,
}

/// Why a packet is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// Its header is not one.
    Header(Discard),
    /// An Initial packet of a client's in a datagram below 1,200 bytes.
    SmallInitial,
    /// Its version or Source Connection ID is not this connection's.
    Foreign,
    /// Its keys are not there, and it is not kept.
    NoKeys,
    /// It did not open.
    Unopened(Unopened),
    /// It has come before.
    Duplicate,
    /// It came over one path more than we look at.
    Path,
    /// A Retry or Version Negotiation packet that does not count.
    Unwanted,
}

/// Which threshold a lost packet crossed (RFC 9002 section 6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threshold {
    /// Later packets have arrived.
    Reordering,
    /// It has been out for too long.
    Time,
}

/// What recovery measures; none is unchanged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    /// min_rtt.
    pub min_rtt: Option<Span>,
    /// smoothed_rtt; before the first sample, what is assumed.
    pub smoothed_rtt: Option<Span>,
    /// latest_rtt.
    pub latest_rtt: Option<Span>,
    /// rttvar.
    pub rtt_variance: Option<Span>,
    /// pto_count.
    pub pto_count: Option<u32>,
    /// congestion_window in bytes.
    pub congestion_window: Option<u64>,
    /// bytes_in_flight.
    pub bytes_in_flight: Option<u64>,
    /// ssthresh in bytes, once there is one.
    pub ssthresh: Option<u64>,
}

/// What makes the congestion controller change its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CongestionTrigger {
    /// Packets were lost.
    Loss,
    /// All that was sent for a long time is lost (RFC 9002 section 7.6).
    PersistentCongestion,
    /// The peer counts more packets marked CE.
    Ecn,
    /// Nothing had been lost after all.
    SpuriousLoss,
}

/// The state of ECN validation (RFC 9000 appendix A.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the RFC's")]
pub enum Ecn {
    Testing,
    Unknown,
    Failed,
    Capable,
}

/// What became of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyChange {
    /// They came.
    Installed,
    /// They made place for the next ones.
    Updated {
        /// The key phase from here on, counted from 0.
        phase: u64,
        /// Who began it.
        by: Party,
    },
    /// They are gone.
    Discarded,
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Initial packets alone.
    Attempted,
    /// There are keys for Handshake packets.
    HandshakeStarted,
    /// The handshake is complete.
    HandshakeComplete,
    /// The handshake is confirmed.
    HandshakeConfirmed,
    /// We have said that it is over.
    Closing,
    /// The peer has.
    Draining,
    /// Nothing is left.
    Closed,
}

/// How far the move to another path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MigrationState {
    /// The peer answered over it.
    ProbingSuccessful,
    /// It is forgotten, or the peer is nowhere.
    Abandoned,
    /// All packets take it from here on.
    Complete(Reason),
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Who ended it; none where silence did.
    pub by: Option<Party>,
    /// CONNECTION_CLOSE's code, and whether it is the application's own.
    pub code: Option<(u64, bool)>,
    /// The reason in it, or words of ours.
    pub reason: Vec<u8>,
    /// What brought it about.
    pub trigger: Trigger,
}

/// What ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// Silence.
    IdleTimeout,
    /// The application.
    Application,
    /// A fault.
    Error,
    /// There is no version that both speak.
    VersionMismatch,
    /// The peer has lost its state.
    StatelessReset,
    /// There is no path left.
    Aborted,
}

impl Packet {
    /// A packet that keys protect: `packet` begins with its header in the clear, `short_id` is where a short header leads.
    /// None where the header is no header.
    pub(crate) fn protected(
        epoch: Epoch,
        number: u64,
        packet: &[u8],
        short_id: ConnectionId,
        payload: &[u8],
    ) -> Option<Self> {
        let mut read = Self {
            number: Some(number),
            payload: payload.to_vec(),
            ..Self::plain(PacketKind::Protected(epoch), short_id, packet.len())
        };
        if epoch != Epoch::OneRtt {
            read.long(epoch, packet).ok()??;
        }
        Some(read)
    }

    /// A packet of which nothing but this is known.
    pub(crate) fn plain(kind: PacketKind, dcid: ConnectionId, bytes: usize) -> Self {
        Self {
            kind,
            version: None,
            dcid,
            scid: None,
            token_bytes: None,
            number: None,
            key_phase: None,
            versions: Vec::new(),
            bytes,
            datagram_bytes: bytes,
            path: PathId(0),
            is_mtu_probe: false,
            was_buffered: false,
            ack_delay_exponent: DEFAULT_ACK_DELAY_EXPONENT,
            payload: Vec::new(),
        }
    }

    fn long(&mut self, epoch: Epoch, packet: &[u8]) -> Result<Option<()>, Short> {
        let mut reader = Reader::new(packet);
        reader.u8()?;
        self.version = Some(reader.u32()?);
        let (dcid, scid) = (reader.vector_u8()?.rest(), reader.vector_u8()?.rest());
        let (Some(dcid), Some(scid)) = (ConnectionId::new(dcid), ConnectionId::new(scid)) else {
            return Ok(None);
        };
        (self.dcid, self.scid) = (dcid, Some(scid));
        if epoch == Epoch::Initial {
            self.token_bytes = usize::try_from(reader.varint()?).ok();
        }
        Ok(Some(()))
    }

    /// Its frames, up to the first that is none.
    pub fn frames(&self) -> impl Iterator<Item = Result<Frame<'_>, Fault>> {
        let epoch = match self.kind {
            PacketKind::Protected(epoch) if !self.payload.is_empty() => Some(epoch),
            _ => None,
        };
        // Whatever anybody may send: who said what is not judged here.
        let terms = Terms {
            sender: Side::Server,
            max_datagram_frame_size: u64::MAX,
            reset_stream_at: true,
            min_ack_delay_us: Some(0),
        };
        epoch.into_iter().flat_map(move |epoch| walk(&self.payload, epoch, terms))
    }
}

/// RFC 9000 section 18.2.
pub(crate) const DEFAULT_ACK_DELAY_EXPONENT: u64 = 3;

impl PacketKind {
    /// The RFC's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Protected(epoch) => epoch.packets(),
            Self::Retry => "Retry",
            Self::VersionNegotiation => "Version Negotiation",
        }
    }
}

impl Metrics {
    /// What of these is not as it was `before`; none where nothing is.
    pub(crate) fn since(&self, before: &Self) -> Option<Self> {
        fn changed<T: PartialEq + Copy>(new: Option<T>, old: Option<T>) -> Option<T> {
            new.filter(|_| new != old)
        }
        let changed = Self {
            min_rtt: changed(self.min_rtt, before.min_rtt),
            smoothed_rtt: changed(self.smoothed_rtt, before.smoothed_rtt),
            latest_rtt: changed(self.latest_rtt, before.latest_rtt),
            rtt_variance: changed(self.rtt_variance, before.rtt_variance),
            pto_count: changed(self.pto_count, before.pto_count),
            congestion_window: changed(self.congestion_window, before.congestion_window),
            bytes_in_flight: changed(self.bytes_in_flight, before.bytes_in_flight),
            ssthresh: changed(self.ssthresh, before.ssthresh),
        };
        (changed != Self::default()).then_some(changed)
    }
}

impl Record {
    /// What it holds besides itself, in bytes.
    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::Sent(packet) | Self::Received(packet) => {
                packet.payload.len() + packet.versions.len() * size_of::<u32>()
            }
            Self::ParametersSet(..) | Self::ParametersRestored(_) => size_of::<Parameters>(),
            Self::Versions { client, server, .. } => (client.len() + server.len()) * size_of::<u32>(),
            Self::Alpn(name) => name.len(),
            Self::Closed(ending) => ending.reason.len(),
            _ => 0,
        }
    }
}

impl fmt::Display for Record {
    /// One line, without its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        words::record(self, f)
    }
}

#[cfg(test)]
pub(crate) mod tests;
