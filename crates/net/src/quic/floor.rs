//! The connections of a worker, and what they share.

use super::{
    BATCHES_A_TURN, Handed, Member, Service, Terms,
    kin::Standing,
    mailbox::{News, Put},
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
    ids::Place,
    packet::FixedBit,
    paths::Addresses,
    recovery::acks::Mark,
    rules::Side,
};
use sakigake_wire::{Instant, Span};
use std::{collections::VecDeque, net::SocketAddr, sync::Arc};

/// How long a predecessor is asked about clients that nobody here knows: as long as a handshake is likely to take whose Initial packets are
/// sent again.
const ASKING: Span = Span::from_secs(10);
/// So many connections that are ready do not wait for the rest of a turn's datagrams.
const CROWD: usize = 16;
/// Bytes of one batch: what one call to the system takes.
const BATCH_BYTES: usize = 65_507;

pub(super) struct Floor<S: Service> {
    clock: Clock,
    unix_secs_at_start: u64,
    pub(super) member: Member,
    pub(super) handed: Handed,
    /// Until when a predecessor is asked about newcomers.
    asks_until: Option<Instant>,
    pub(super) endpoint: Endpoint,
    terms: Option<Terms>,
    pub(super) service: S,
    /// Boxed, so that the list grows by pointers, and gives the memory of those that left back.
    pub(super) seats: Vec<Option<Box<Seat<S::Application>>>>,
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
            asks_until: None,
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

    /// Something is new of other processes.
    pub(super) fn learn(&mut self, now: Instant, news: News, ports: &mut Ports) {
        match news {
            News::Kin(kin) => {
                self.member.meet(kin);
                self.endpoint.meet(self.member.processes());
            }
            News::Ask { predecessor } => {
                self.asks_until = Some(now + ASKING);
                self.endpoint.pass(self.member.counterpart(predecessor));
            }
            News::Retire { heir } => {
                self.asks_until = None;
                self.endpoint.drain();
                self.endpoint.pass(heir.and_then(|heir| self.member.counterpart(heir)));
                if heir.is_some() {
                    ports.deafen();
                }
            }
            News::Inbox(_) => unreachable!("the worker reads them"),
        }
    }

    /// Takes one of many datagrams that wait. Where they are for many connections, some act before the rest is read, so that peers have
    /// something to do meanwhile. Whether one is over.
    pub(super) fn take_from_crowd(
        &mut self,
        now: Instant,
        datagram: Datagram<'_>,
        ports: &mut Ports,
    ) -> bool {
        self.take(now, datagram, ports);
        self.ready.len() >= CROWD && self.act(ports)
    }

    /// Hands a datagram that a port gave to whom it is for, or answers it.
    pub(super) fn take(&mut self, now: Instant, datagram: Datagram<'_>, ports: &mut Ports) {
        self.take_as(Standing::Open, now, datagram, ports);
    }

    /// The same for one that another process may have settled.
    pub(super) fn take_as(
        &mut self,
        standing: Standing,
        now: Instant,
        datagram: Datagram<'_>,
        ports: &mut Ports,
    ) {
        let arrived = self.arrived(now, &datagram);
        let route = match standing {
            Standing::Open => self.endpoint.route(&arrived, &mut SystemEntropy, &mut self.batch),
            Standing::Settled => self.endpoint.settle(&arrived, &mut SystemEntropy, &mut self.batch),
        };
        self.follow(now, route, datagram, ports);
    }

    fn follow(&mut self, now: Instant, route: Route, datagram: Datagram<'_>, ports: &mut Ports) {
        let (addresses, mark) = (datagram.addresses, datagram.mark);
        let bytes = match route {
            Route::Hand(place) => return self.hand(now, place, datagram, ports),
            Route::Pass(place) => return self.pass(now, place, datagram, ports),
            _ => datagram.bytes,
        };
        match route {
            Route::Connection(index) => self.handle(now, index, Received { bytes, addresses, mark }),
            Route::Accept(accepted) => {
                let Some(index) = self.accept(now, &accepted) else {
                    let arrived = Arrived { now, unix_secs: self.unix_secs(now), bytes, addresses };
                    let route = self.endpoint.turn_away(&arrived, &accepted, &mut self.batch);
                    return self.reply(&route, addresses, ports);
                };
                self.handle(now, index, Received { bytes, addresses, mark });
                let early: Vec<_> = self.endpoint.take_early(&accepted).collect();
                for mut held in early {
                    let mark = Mark::NotEct; // It was not kept.
                    self.handle(now, index, Received { bytes: &mut held.bytes, addresses, mark });
                }
            }
            Route::PerhapsReset => {
                let mut peers = self.endpoint.connections_with(addresses.peer);
                let meant = peers.find(|index| {
                    self.seats
                        .get(*index)
                        .is_some_and(|seat| seat.as_ref().is_some_and(|seat| seat.is_reset_by(bytes)))
                });
                drop(peers);
                if let Some(index) = meant {
                    self.handle(now, index, Received { bytes, addresses, mark });
                }
            }
            route => self.reply(&route, addresses, ports),
        }
    }

    /// To the worker or the process that its id names. A connection whose worker is gone is gone with it.
    fn hand(&mut self, now: Instant, place: Place, datagram: Datagram<'_>, ports: &mut Ports) {
        let put = self.member.hand(place, Standing::Open, &datagram);
        self.handed.count(put, datagram.bytes.len());
        if put == Put::Closed {
            let arrived = self.arrived(now, &datagram);
            let route = self.endpoint.orphaned(&arrived, &mut SystemEntropy, &mut self.batch);
            self.follow(now, route, datagram, ports);
        }
    }

    /// To the process that says what becomes of it: a predecessor, which may have that connection, or, from there, the successor.
    fn pass(&mut self, now: Instant, place: Place, datagram: Datagram<'_>, ports: &mut Ports) {
        let standing = if self.endpoint.is_draining() { Standing::Settled } else { Standing::Open };
        let put = self.member.hand(place, standing, &datagram);
        if put == Put::Closed {
            self.endpoint.pass(None); // It is gone, and what it had begun with it.
            return self.take_as(Standing::Settled, now, datagram, ports);
        }
        self.handed.count(put, datagram.bytes.len());
    }

    fn arrived<'a>(&self, now: Instant, datagram: &'a Datagram<'_>) -> Arrived<'a> {
        let Datagram { bytes, addresses, .. } = datagram;
        Arrived { now, unix_secs: self.unix_secs(now), bytes, addresses: *addresses }
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
        let quic = self.service.quic(&application).unwrap_or_else(|| terms.quic.clone());
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
        let mut seat =
            Box::new(Seat::new(self.clock.now(), connection, application, self.nudges.nudge(index)));
        seat.ready(index, &mut self.ready);
        self.seats[index] = Some(seat);
    }

    /// Tells the time to those that wait for it.
    pub(super) fn expire(&mut self) {
        let now = self.clock.now();
        if self.asks_until.is_some_and(|until| until <= now) {
            self.asks_until = None;
            self.endpoint.pass(None);
        }
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
