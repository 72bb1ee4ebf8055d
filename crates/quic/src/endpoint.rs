//! The endpoint: which connection a datagram is for, and what to answer where there is none (RFC 9000 sections 5.2, 6, 8.1.2
//! and 10.3).
//!
//! It holds no connection: its owner keeps them, numbers them, and tells which ids are whose.
//!
//! ```text
//!   datagram -> Endpoint::route -> Connection(index)     give it to that connection
//!                                  Accept(Accepted)      make one, and tell by Endpoint::accept
//!                                  Reply { len, .. }     send what was written, back to where the datagram came from
//!                                  PerhapsReset          give it to the one of Endpoint::connections_with that it is for
//!                                  Hand(Place)           another worker's, or another process's
//!                                  Pass(Place)           may begin a connection, which is for another process to say
//!                                  Held, Drop(why)       nothing is to be done
//! ```

mod accept;
mod answers;
mod early;
#[doc(hidden)]
pub mod fuzz;
pub mod idle;
mod limits;
pub mod reset;
mod route;
mod routes;
pub mod token;

pub use accept::{Accepted, Retry, Validation};
pub use early::Held;
pub use limits::Limits;
pub use route::{Arrived, Counters, Dropped, Reply, Route};

use crate::ids::{ConnectionId, IdKeys, IdSource, Place, ResetToken};
use crate::packet::{Door, FixedBit};
use crate::rate::Rate;
use crate::rules::{Side, versions::Version};
use core::net::SocketAddr;
use early::Early;
use reset::{ResetKey, Resets};
use routes::Routes;
use sakigake_crypto::Suite;
use sakigake_wire::Instant;
use std::sync::Arc;
use token::{Register, Spent};

/// What one worker knows beside its connections.
pub struct Endpoint {
    side: Side,
    suite: &'static Suite,
    versions: Vec<&'static Version>,
    door: Door,
    ids: IdSource,
    keys: IdKeys,
    neighbours: Neighbours,
    /// Who says what becomes of newcomers, where that is not this endpoint.
    newcomers: Option<Place>,
    resets: Resets,
    validation: Option<Validation>,
    spent: Spent,
    /// Stands in the place of `spent`, where workers share it.
    register: Option<Arc<dyn Register>>,
    limits: Limits,
    routes: Routes,
    early: Early,
    version_negotiations: Rate,
    retries: Rate,
    refusals: Rate,
    is_draining: bool,
    counters: Counters,
}

/// What an endpoint begins with.
pub struct Options {
    /// Whether its connections are clients' or servers'. A client's endpoint accepts nobody.
    pub side: Side,
    /// The provider's TLS_AES_128_GCM_SHA256, which protects Initial and Retry packets.
    pub suite: &'static Suite,
    /// The versions that a server takes, the best first.
    pub versions: Vec<&'static Version>,
    /// Whether packets without Fixed Bit are packets: what our `grease_quic_bit` says.
    pub fixed_bit: FixedBit,
    /// Makes the ids of this worker.
    pub ids: IdSource,
    /// Opens the ids of all workers.
    pub keys: IdKeys,
    /// To whom datagrams can be handed.
    pub neighbours: Neighbours,
    /// What reset tokens follow from: the same key for all who can get each other's packets.
    pub reset_key: ResetKey,
    /// How a server makes sure that clients are where they say; without it each is believed.
    pub validation: Option<Validation>,
    /// What is held and answered at most.
    pub limits: Limits,
}

/// Who else there is: a place that an id tells counts only if somebody is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Neighbours {
    /// Workers of this process, this one included: they are numbered from 0.
    pub workers: u16,
    /// Other processes that serve connections on the same address: predecessors, successors.
    pub processes: Vec<u32>,
}

impl Endpoint {
    /// An endpoint without connections.
    pub fn new(options: Options) -> Self {
        let Options { side, suite, versions, fixed_bit, ids, keys, neighbours, reset_key, .. } = options;
        let (validation, limits) = (options.validation, options.limits);
        Self {
            side,
            suite,
            versions,
            door: Door { side, id_bytes: IdSource::ID_BYTES, fixed_bit },
            ids,
            keys,
            neighbours,
            newcomers: None,
            resets: Resets::new(reset_key, limits.resets),
            validation,
            spent: Spent::new(limits.tokens),
            register: None,
            routes: Routes::default(),
            early: Early::default(),
            version_negotiations: Rate::new(limits.version_negotiations_per_s),
            retries: Rate::new(limits.retries_per_s),
            refusals: Rate::new(limits.refusals_per_s),
            limits,
            is_draining: false,
            counters: Counters::default(),
        }
    }

    /// From here on `register` says which NEW_TOKEN tokens were used, for all endpoints that it is shared by: those whose
    /// [`Validation::tokens`] take each other's.
    pub fn share_spent(&mut self, register: Arc<dyn Register>) {
        self.register = Some(register);
    }

    /// Gives the owner's connection `index` to what [`Route::Accept`] told: its packets to either id are routed there.
    ///
    /// # Panics
    /// When the owner has another connection of that index, or one of the ids has another: both come from one call of
    /// [`Endpoint::route`], with none in between.
    pub fn accept(&mut self, accepted: &Accepted, index: usize) {
        self.routes.begin(index, accepted.addresses.peer, !accepted.is_validated);
        self.routes.insert(accepted.local, index);
        self.routes.insert(accepted.dcid, index);
        self.counters.accepted += 1;
    }

    /// Begins the owner's connection `index` as a client of `peer`; the id is its own in the handshake.
    ///
    /// # Panics
    /// When the owner has another connection of that index.
    pub fn connect(&mut self, index: usize, peer: SocketAddr) -> ConnectionId {
        self.routes.begin(index, peer, false);
        self.issue(index)
    }

    /// Another id for the connection `index`, whose packets are routed there from now on.
    ///
    /// # Panics
    /// When there is no such connection.
    pub fn issue(&mut self, index: usize) -> ConnectionId {
        let id = self.ids.draw();
        self.routes.insert(id, index);
        id
    }

    /// The stateless reset token of one of our ids.
    pub fn reset_token(&self, id: &ConnectionId) -> ResetToken {
        self.resets.key().token(id.as_ref())
    }

    /// The peer has retired that id.
    pub fn retire(&mut self, id: &ConnectionId) {
        self.routes.remove(id);
    }

    /// The client of that connection is known to be where it says: its address is validated, or its handshake done.
    pub fn validated(&mut self, index: usize) {
        self.routes.validated(index);
    }

    /// That connection's peer is at another address now.
    pub fn moved(&mut self, index: usize, peer: SocketAddr) {
        self.routes.moved(index, peer);
    }

    /// That connection is over; none of its ids is known any more.
    pub fn forget(&mut self, index: usize) {
        self.routes.forget(index);
    }

    /// Connections that talk with `peer`: one of them may be whom [`Route::PerhapsReset`] is for
    /// ([`Connection::is_reset_by`](crate::connection::Connection::is_reset_by)).
    pub fn connections_with(&self, peer: SocketAddr) -> impl Iterator<Item = usize> {
        self.routes.with(peer).take(self.limits.reset_candidates)
    }

    /// Takes out what came under 0-RTT keys before its Initial, which is what `accepted` tells; the owner gives it to the
    /// connection after the datagram that was accepted.
    pub fn take_early(&mut self, accepted: &Accepted) -> impl Iterator<Item = Held> {
        self.early.take(accepted.dcid, accepted.addresses.peer)
    }

    /// No connection is accepted from now on; those that are open stay.
    pub fn drain(&mut self) {
        self.is_draining = true;
    }

    /// Whether no connection is accepted any more.
    pub fn is_draining(&self) -> bool {
        self.is_draining
    }

    /// From here on these are the other processes to whom datagrams can be handed.
    pub fn meet(&mut self, processes: Vec<u32>) {
        self.neighbours.processes = processes;
    }

    /// From here on what may begin a connection goes to `place` ([`Route::Pass`]): to a predecessor, which may have that
    /// connection already, under an id that its client chose; or, from an endpoint that drains, to the successor. None: it stays.
    pub fn pass(&mut self, place: Option<Place>) {
        self.newcomers = place;
    }

    /// Connections that the owner has.
    pub fn connections(&self) -> usize {
        self.routes.connections()
    }

    /// Connections whose client nobody has validated.
    pub fn half_open(&self) -> usize {
        self.routes.half_open()
    }

    /// What came and what became of it.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// When something that is held for its Initial is given up.
    pub fn deadline(&self) -> Option<Instant> {
        self.early.deadline(&self.limits)
    }

    /// Gives up what was held too long.
    pub fn expire(&mut self, now: Instant) {
        self.early.expire(now, &self.limits);
    }
}

impl Neighbours {
    /// Whether ids of that place are made by us or by one of them.
    fn know(&self, ours: Place, place: Place) -> bool {
        place.process == ours.process || self.processes.contains(&place.process)
    }

    fn has(&self, ours: Place, place: Place) -> bool {
        let is_worker = place.process == ours.process && place.worker < self.workers;
        place != ours && (is_worker || self.processes.contains(&place.process))
    }
}

#[cfg(test)]
pub(crate) mod tests;
