//! The connections of a worker, and what they share.

use super::{
    BATCHES_A_TURN, Handed, Member, Service, Terms,
    mailbox::Put,
    nudges::Nudges,
    ports::{self, Ports},
    seat::{self, Seat},
    secrets,
    timers::Timers,
};
use crate::{Batch, Clock, Datagram, SystemEntropy};
use sakigake_quic::{
    connection::{Chance, Connection, Received},
    endpoint::{self, Accepted, Arrived, Endpoint, Route},
    packet::FixedBit,
    paths::Addresses,
    recovery::acks::Mark,
    rules::Side,
};
use sakigake_wire::Instant;
use std::{collections::VecDeque, net::SocketAddr, sync::Arc};

/// Bytes of one batch: what one call to the system takes.
const BATCH_BYTES: usize = 65_507;

pub(super) struct Floor<S: Service> {
    clock: Clock,
    unix_secs_at_start: u64,
    pub(super) member: Member,
    pub(super) handed: Handed,
    pub(super) endpoint: Endpoint,
    terms: Option<Terms>,
    pub(super) service: S,
    pub(super) seats: Vec<Option<Seat<S::Application>>>,
    /// Indexes of empty seats.
    pub(super) free: Vec<usize>,
    /// Connections that heard something, or may have more to send; each at most once.
    pub(super) ready: VecDeque<usize>,
    pub(super) timers: Timers,
    pub(super) nudges: Arc<Nudges>,
    /// Addresses at which nobody is accepted any more.
    pub(super) closing: Vec<SocketAddr>,
    batch: Vec<u8>,
}

impl<S: Service> Floor<S> {
    pub(super) fn new(clock: Clock, member: Member, terms: Option<Terms>, service: S) -> Self {
        let quic = terms.as_ref().map(|terms| &terms.quic);
        let secrets = member.secrets();
        let mut endpoint = Endpoint::new(endpoint::Options {
            side: if quic.is_some() { Side::Server } else { Side::Client },
            suite: secrets::suite(),
            versions: quic.map(|quic| quic.versions.clone()).unwrap_or_default(),
            // A client's connections know whether they allow it; here it is only a matter of finding them.
            fixed_bit: match quic {
                Some(quic) if !quic.grease_quic_bit => FixedBit::Required,
                _ => FixedBit::Ignored,
            },
            ids: secrets.source(member.number()),
            keys: secrets.keys(),
            neighbours: member.neighbours(),
            reset_key: secrets.reset_key(),
            validation: terms.as_ref().and_then(|terms| terms.validation.clone()),
            limits: endpoint::Limits::default(),
        });
        endpoint.share_spent(member.spent());
        Self {
            clock,
            unix_secs_at_start: clock.unix_secs_at_start(),
            member,
            handed: Handed::default(),
            endpoint,
            terms,
            service,
            seats: Vec::new(),
            free: Vec::new(),
            ready: VecDeque::new(),
            timers: Timers::default(),
            nudges: Arc::default(),
            closing: Vec::new(),
            batch: vec![0; BATCH_BYTES],
        }
    }

    /// Hands a datagram to whom it is for, or answers it.
    pub(super) fn take(&mut self, now: Instant, datagram: Datagram<'_>, ports: &mut Ports) {
        let Datagram { bytes, addresses, mark } = datagram;
        let arrived = Arrived { now, unix_secs: self.unix_secs(now), bytes, addresses };
        match self.endpoint.route(&arrived, &mut SystemEntropy, &mut self.batch) {
            Route::Connection(index) => self.handle(now, index, Received { bytes, addresses, mark }),
            Route::Accept(accepted) => {
                let Some(index) = self.accept(now, &accepted) else { return };
                self.handle(now, index, Received { bytes, addresses, mark });
                let early: Vec<_> = self.endpoint.take_early(&accepted).collect();
                for mut held in early {
                    let mark = Mark::NotEct; // It was not kept.
                    self.handle(now, index, Received { bytes: &mut held.bytes, addresses, mark });
                }
            }
            Route::PerhapsReset => {
                let peers: Vec<usize> = self.endpoint.connections_with(addresses.peer).collect();
                for index in peers {
                    let bytes = &mut bytes.to_vec(); // Each opens it in place.
                    self.handle(now, index, Received { bytes, addresses, mark });
                }
            }
            Route::Hand(place) => {
                let put = self.member.hand(place, &Datagram { bytes, addresses, mark });
                self.handed.count(put, bytes.len());
                if put == Put::Closed {
                    let arrived = Arrived { now, unix_secs: self.unix_secs(now), bytes, addresses };
                    self.answer_orphan(&arrived, ports);
                }
            }
            route => self.reply(&route, addresses, ports),
        }
    }

    /// A connection whose worker is gone is gone with it.
    fn answer_orphan(&mut self, arrived: &Arrived<'_>, ports: &mut Ports) {
        let route = self.endpoint.orphaned(arrived, &mut SystemEntropy, &mut self.batch);
        self.reply(&route, arrived.addresses, ports);
    }

    /// Sends what the endpoint has written, if it has.
    fn reply(&self, route: &Route, addresses: Addresses, ports: &mut Ports) {
        if let Route::Reply { len, .. } = *route {
            let bytes = &self.batch[..len];
            // One that does not leave is as good as one that was lost on its way.
            ports.send(&Batch { bytes, segment_bytes: len, addresses, mark: Mark::NotEct });
        }
    }

    fn unix_secs(&self, now: Instant) -> u64 {
        self.unix_secs_at_start + now.as_nanos() / 1_000_000_000
    }

    fn handle(&mut self, now: Instant, index: usize, datagram: Received<'_>) {
        let Self { endpoint, seats, ready, .. } = self;
        if let Some(Some(seat)) = seats.get_mut(index) {
            seat.handle(now, index, datagram, endpoint);
            seat.ready(index, ready);
        }
    }

    fn accept(&mut self, now: Instant, accepted: &Accepted) -> Option<usize> {
        let terms = self.terms.as_ref()?;
        let local = accepted.addresses.local;
        if self.closing.iter().any(|bound| ports::is_at(*bound, local)) {
            return None;
        }
        let application = self.service.accept(now, &accepted.addresses)?;
        let tls = self.service.tls(&application).unwrap_or_else(|| terms.tls.clone());
        let quic = terms.quic.clone();
        let mut connection = Connection::server(tls, quic, accepted, now, chance());
        let index = self.place();
        self.endpoint.accept(accepted, index);
        if connection.ids_wanted() > 0 {
            connection.issue(self.endpoint.issue(index)); // Of its preferred address.
        }
        self.sit(index, connection, application);
        Some(index)
    }

    /// An empty seat.
    pub(super) fn place(&mut self) -> usize {
        self.free.pop().unwrap_or_else(|| {
            self.seats.push(None);
            self.seats.len() - 1
        })
    }

    pub(super) fn sit(&mut self, index: usize, connection: Connection, application: S::Application) {
        let mut seat = Seat::new(self.clock.now(), connection, application, self.nudges.nudge(index));
        seat.ready(index, &mut self.ready);
        self.seats[index] = Some(seat);
    }

    /// Tells the time to those that wait for it.
    pub(super) fn expire(&mut self) {
        let now = self.clock.now();
        let Self { endpoint, seats, ready, timers, .. } = self;
        endpoint.expire(now);
        while let Some(index) = timers.pop(now) {
            if let Some(Some(seat)) = seats.get_mut(index) {
                seat.expire(now, index, endpoint);
                seat.ready(index, ready);
            }
        }
    }

    /// Asks the owners that were woken; whether one has something to do.
    pub(super) fn wake(&mut self, woken: &[usize]) -> bool {
        let mut is_ready = false;
        for &index in woken {
            if let Some(Some(seat)) = self.seats.get_mut(index)
                && seat.wakes()
            {
                seat.ready(index, &mut self.ready);
                is_ready = true;
            }
        }
        is_ready
    }

    /// The port that the connection waited for takes more.
    pub(super) fn freed(&mut self, index: usize) {
        if let Some(Some(seat)) = self.seats.get_mut(index) {
            seat.freed();
            seat.ready(index, &mut self.ready);
        }
    }

    /// A turn of each connection that is ready: its owner acts, and what it has leaves. One whose port takes nothing more waits for
    /// that port, and for its deadlines. Whether one is over.
    pub(super) fn act(&mut self, ports: &mut Ports) -> bool {
        let mut is_one_over = false;
        for _ in 0..self.ready.len() {
            let Some(index) = self.ready.pop_front() else { break };
            let Self { endpoint, seats, ready, timers, batch, clock, .. } = self;
            let Some(Some(seat)) = seats.get_mut(index) else { continue };
            let now = clock.now();
            let turn = match ports.blocked(seat.local()) {
                Some(number) => seat.wait(number, index, ports),
                None => {
                    seat.issue(index, endpoint);
                    seat.act(now, batch, ports, BATCHES_A_TURN)
                }
            };
            if seat.is_over() {
                self.leave(index);
                is_one_over = true;
                continue;
            }
            seat.arm(now, index, timers);
            if turn == seat::Turn::More || (turn == seat::Turn::Done && seat.wakes()) {
                seat.ready(index, ready);
            }
        }
        is_one_over
    }

    /// Forgets a connection.
    fn leave(&mut self, index: usize) {
        let Some(mut seat) = self.seats[index].take() else { return };
        seat.leave(index, &mut self.timers);
        self.endpoint.forget(index);
        self.free.push(index);
        self.service.ended(seat.into_application());
    }
}

pub(super) fn chance() -> Chance {
    Chance { tls: Box::new(SystemEntropy), quic: Box::new(SystemEntropy) }
}
