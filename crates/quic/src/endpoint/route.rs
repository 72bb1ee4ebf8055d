//! Where a datagram goes, by its first packet: whatever follows in it has the same Destination Connection ID, or is dropped by
//! who reads it (RFC 9000 section 12.2).

use super::{Accepted, Endpoint, reset};
use crate::ids::{ConnectionId, Place};
use crate::packet::{self, Discard, Header};
use crate::paths::Addresses;
use crate::rules::Side;
use core::net::SocketAddr;
use sakigake_wire::{Entropy, Instant};

/// A datagram.
#[derive(Clone, Copy, Debug)]
pub struct Arrived<'a> {
    /// When.
    pub now: Instant,
    /// The same by the calendar, in seconds: tokens outlive processes.
    pub unix_secs: u64,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// From where to where.
    pub addresses: Addresses,
}

/// Where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// To that connection.
    Connection(usize),
    /// To a connection that is yet to be made, if the owner will: it calls [`Endpoint::accept`] before the next datagram, or
    /// [`Endpoint::turn_away`].
    Accept(Accepted),
    /// It is answered: the reply has been written and goes back the way that the datagram came.
    Reply {
        /// Bytes of it.
        len: usize,
        /// What it is.
        reply: Reply,
    },
    /// What it begins with is no id of ours, but it is from the address of a peer: a stateless reset, perhaps, for one of
    /// [`Endpoint::connections_with`].
    PerhapsReset,
    /// To another worker, or to another process. Where the owner knows that nobody is there any more,
    /// [`Endpoint::orphaned`] answers.
    Hand(Place),
    /// To the place that [`Endpoint::pass`] named: it may begin a connection, or belong to one that has begun there. What that place has
    /// no use for comes back to [`Endpoint::settle`].
    Pass(Place),
    /// It was copied and waits for the Initial that it outran.
    Held,
    /// Nowhere.
    Drop(Dropped),
}

/// An answer that leaves no state behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The version is none of ours (RFC 9000 section 6.1).
    VersionNegotiation,
    /// The client has to show that it is there (RFC 9000 section 8.1.2).
    Retry,
    /// The connection is none of ours any more (RFC 9000 section 10.3).
    StatelessReset,
    /// CONNECTION_REFUSED (RFC 9000 section 5.2.2).
    Refused,
    /// INVALID_TOKEN (RFC 9000 section 8.1.2).
    InvalidToken,
}

/// Why a datagram goes nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// No packet can be found in it.
    Unreadable(Discard),
    /// Its source is no address to answer to.
    Source,
    /// It is smaller than what it says it is.
    Small,
    /// The client's id has fewer than 8 bytes.
    ShortId,
    /// It is for a connection that is not here.
    NoConnection,
    /// It would be answered, but as many have been as may be.
    Overloaded,
}

/// What came and what became of it, in datagrams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// To connections.
    pub routed: u64,
    /// Connections that were accepted.
    pub accepted: u64,
    /// Copied to wait for their Initial.
    pub held: u64,
    /// Handed to other workers or processes.
    pub handed: u64,
    /// Passed to another process, which says what becomes of newcomers.
    pub passed: u64,
    /// Perhaps stateless resets.
    pub perhaps_resets: u64,
    /// Answered by Version Negotiation.
    pub version_negotiations: u64,
    /// Answered by Retry.
    pub retries: u64,
    /// Answered by a stateless reset.
    pub stateless_resets: u64,
    /// Answered by CONNECTION_REFUSED.
    pub refused: u64,
    /// Answered by INVALID_TOKEN.
    pub invalid_tokens: u64,
    /// Without a packet that can be read.
    pub unreadable: u64,
    /// Dropped since there were too many of them.
    pub overloaded: u64,
    /// Dropped for any other reason.
    pub dropped: u64,
}

/// Whether others may be asked what becomes of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Open,
    Settled,
}

/// The smallest datagram that may carry a client's Initial packet (RFC 9000 section 14.1).
pub(super) const LEAST_INITIAL_BYTES: usize = 1_200;

impl Endpoint {
    /// Says where a datagram goes. A reply is written into `out`, which has room for 1,200 bytes; none is as long as what it
    /// answers.
    pub fn route(&mut self, arrived: &Arrived<'_>, entropy: &mut dyn Entropy, out: &mut [u8]) -> Route {
        self.find(arrived, Standing::Open, entropy, out)
    }

    /// The same for a datagram that another process passed here since it is for this one to say what becomes of it: it goes to
    /// nobody else.
    pub fn settle(&mut self, arrived: &Arrived<'_>, entropy: &mut dyn Entropy, out: &mut [u8]) -> Route {
        self.find(arrived, Standing::Settled, entropy, out)
    }

    /// What becomes of a datagram that [`Route::Hand`] was said of, where the owner knows that its place is no more. A client that
    /// comes back from that place's Retry may begin here.
    pub fn orphaned(&mut self, arrived: &Arrived<'_>, entropy: &mut dyn Entropy, out: &mut [u8]) -> Route {
        let route = match packet::parse(arrived.bytes, &self.door) {
            Ok(packet) => match packet.header {
                Header::Short { dcid } if is_source(&arrived.addresses) => {
                    self.reset(arrived, dcid, entropy, out)
                }
                Header::Initial { .. } => self.look(arrived, Standing::Settled, entropy, out),
                _ => Route::Drop(Dropped::NoConnection),
            },
            Err(discard) => Route::Drop(Dropped::Unreadable(discard)),
        };
        self.counters.count(&route);
        route
    }

    fn find(
        &mut self,
        arrived: &Arrived<'_>,
        standing: Standing,
        entropy: &mut dyn Entropy,
        out: &mut [u8],
    ) -> Route {
        let route = self.look(arrived, standing, entropy, out);
        self.counters.count(&route);
        route
    }

    fn look(
        &mut self,
        arrived: &Arrived<'_>,
        standing: Standing,
        entropy: &mut dyn Entropy,
        out: &mut [u8],
    ) -> Route {
        let header = match packet::parse(arrived.bytes, &self.door) {
            Ok(packet) => packet.header,
            Err(discard) => return Route::Drop(Dropped::Unreadable(discard)),
        };
        if let Some(index) = self.routes.find(header.dcid()) {
            return Route::Connection(index); // spec: 9000-5.2-e 9000-10.3-a
        }
        if !is_source(&arrived.addresses) {
            return Route::Drop(Dropped::Source);
        }
        match (header, self.side) {
            (Header::Short { dcid }, _) => self.stray(arrived, dcid, entropy, out),
            (_, Side::Client) => Route::Drop(Dropped::NoConnection), // spec: 9000-5.2.1-e
            (Header::Unknown { dcid, scid, .. }, _) => self.negotiate(arrived, dcid, scid, entropy, out),
            (Header::Initial { version, dcid, scid, .. } | Header::ZeroRtt { version, dcid, scid }, _)
                if !self.versions.contains(&version) =>
            {
                self.negotiate(arrived, dcid, scid, entropy, out)
            }
            (header, _) => match self.elsewhere(&header, standing) {
                Some(route) => route,
                None => self.begin(arrived, &header, entropy, out),
            },
        }
    }

    /// A packet that may begin a connection.
    fn begin(
        &mut self,
        arrived: &Arrived<'_>,
        header: &Header<'_>,
        entropy: &mut dyn Entropy,
        out: &mut [u8],
    ) -> Route {
        match *header {
            Header::Initial { version, dcid, scid, token } => {
                match (ConnectionId::new(dcid), ConnectionId::new(scid)) {
                    (Some(dcid), Some(peer)) => {
                        self.initial(arrived, (version, dcid, peer), token, entropy, out)
                    }
                    _ => Route::Drop(Dropped::NoConnection), // Ids of known versions have at most 20 bytes.
                }
            }
            Header::ZeroRtt { dcid, .. } => self.outran(arrived, dcid),
            // Nobody has such packets to send before he has heard from us.
            _ => Route::Drop(Dropped::NoConnection), // spec: 9000-5.2.2-e
        }
    }

    /// A packet under 0-RTT keys whose Initial may still come.
    fn outran(&mut self, arrived: &Arrived<'_>, dcid: &[u8]) -> Route {
        let is_ours = self.is_of_our_making(dcid);
        match ConnectionId::new(dcid) {
            _ if self.is_draining || is_ours => Route::Drop(Dropped::NoConnection),
            Some(id) if id.len() >= super::accept::LEAST_ID_BYTES => {
                let from = (id, arrived.addresses.peer);
                match self.early.hold(arrived.now, from, arrived.bytes, &self.limits) {
                    true => Route::Held,
                    false => Route::Drop(Dropped::Overloaded), // spec: 9000-5.2.2-d
                }
            }
            _ => Route::Drop(Dropped::ShortId),
        }
    }

    /// A short header for an id that no connection has.
    fn stray(
        &mut self,
        arrived: &Arrived<'_>,
        dcid: &[u8],
        entropy: &mut dyn Entropy,
        out: &mut [u8],
    ) -> Route {
        if reset::is_too_small(arrived.bytes.len()) {
            return Route::Drop(Dropped::Small);
        }
        let ours = self.ids.place();
        match self.keys.open(dcid) {
            Some(place) if self.neighbours.has(ours, place) => Route::Hand(place), // spec: 9000-21.11-a
            // This process's, of today or of its last life, whatever worker it had.
            Some(place) if place.process == ours.process => self.reset(arrived, dcid, entropy, out),
            // Resets begin with anything: no id of ours, but for a chance of 2^-40 and less.
            _ if self.routes.with(arrived.addresses.peer).next().is_some() => Route::PerhapsReset,
            // Its connection may live elsewhere, as far as anybody here knows.
            _ => Route::Drop(Dropped::NoConnection), // spec: 9000-21.11-a
        }
    }

    fn reset(
        &mut self,
        arrived: &Arrived<'_>,
        dcid: &[u8],
        entropy: &mut dyn Entropy,
        out: &mut [u8],
    ) -> Route {
        match self.resets.answer(arrived.now, dcid, arrived.bytes.len(), entropy, out) {
            Some(len) => Route::Reply { len, reply: Reply::StatelessReset },
            // Smaller than the datagram, a reset would be too small itself.
            None if reset::is_too_small(arrived.bytes.len() - 1) => Route::Drop(Dropped::Small),
            None => Route::Drop(Dropped::Overloaded),
        }
    }

    /// Whether this place made that id, or another process's: no client made it up.
    pub(super) fn is_of_our_making(&self, dcid: &[u8]) -> bool {
        self.keys.open(dcid).is_some_and(|place| self.neighbours.know(self.ids.place(), place))
    }

    /// Where a packet with a long header goes if not to a connection that begins here: to the place that its id tells, where
    /// somebody else is there, or to who says what becomes of newcomers.
    fn elsewhere(&self, header: &Header<'_>, standing: Standing) -> Option<Route> {
        let may_begin = matches!(header, Header::Initial { .. } | Header::ZeroRtt { .. });
        if may_begin && standing == Standing::Settled {
            return None;
        }
        let (ours, told) = (self.ids.place(), self.keys.open(header.dcid()));
        let place = told.filter(|place| self.neighbours.has(ours, *place));
        // What comes back from a Retry of ours has nobody else begun; but others go on with it, where we begin nothing.
        let is_ours = !self.is_draining && told.is_some_and(|place| place.process == ours.process);
        let newcomers = self.newcomers.filter(|_| may_begin && !is_ours);
        place.map(Route::Hand).or_else(|| newcomers.map(Route::Pass))
    }
}

impl Counters {
    /// All datagrams that came, but those that were accepted and not taken.
    pub fn sum(&self) -> u64 {
        let given = self.handed + self.passed;
        let kept = self.routed + self.accepted + self.held + given + self.perhaps_resets;
        let answered = self.version_negotiations + self.retries + self.stateless_resets;
        let refused = self.refused + self.invalid_tokens;
        kept + answered + refused + self.unreadable + self.overloaded + self.dropped
    }

    pub(super) fn count(&mut self, route: &Route) {
        let counter = match route {
            Route::Accept(_) => return, // Counted when the owner has taken it.
            Route::Connection(_) => &mut self.routed,
            Route::Held => &mut self.held,
            Route::Hand(_) => &mut self.handed,
            Route::Pass(_) => &mut self.passed,
            Route::PerhapsReset => &mut self.perhaps_resets,
            Route::Reply { reply, .. } => match reply {
                Reply::VersionNegotiation => &mut self.version_negotiations,
                Reply::Retry => &mut self.retries,
                Reply::StatelessReset => &mut self.stateless_resets,
                Reply::Refused => &mut self.refused,
                Reply::InvalidToken => &mut self.invalid_tokens,
            },
            Route::Drop(Dropped::Unreadable(_)) => &mut self.unreadable,
            Route::Drop(Dropped::Overloaded) => &mut self.overloaded,
            Route::Drop(_) => &mut self.dropped,
        };
        *counter += 1;
    }
}

/// Whether an answer to the source of a datagram can do any good: it is one host's, not this very socket, and behind its port
/// is none of the old services that answer whatever comes (RFC 9000 section 21.5).
fn is_source(addresses: &Addresses) -> bool {
    let Addresses { local, peer } = addresses;
    let ip = peer.ip().to_canonical();
    let is_broadcast = matches!(ip, core::net::IpAddr::V4(ip) if ip.is_broadcast());
    let is_host = !ip.is_unspecified() && !ip.is_multicast() && !is_broadcast;
    is_host && !is_same(local, peer) && !ANSWERING_PORTS.contains(&peer.port()) // spec: 9000-21.5-e
}

fn is_same(one: &SocketAddr, other: &SocketAddr) -> bool {
    (one.ip().to_canonical(), one.port()) == (other.ip().to_canonical(), other.port())
}

/// No port at all; echo, daytime, quotd, chargen, time, domain, ntp.
const ANSWERING_PORTS: [u16; 8] = [0, 7, 13, 17, 19, 37, 53, 123];

#[cfg(test)]
mod tests;
