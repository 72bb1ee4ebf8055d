//! One worker's QUIC: its ports, its endpoint, its connections and their timers, in one task and shared with nobody.
//!
//! ```text
//!   UdpPort::recv -> Endpoint::route -> Connection::handle -> Application::heard
//!   Application::act -> Connection::transmit -> UdpPort::send
//! ```

mod nudges;
mod seat;
mod secrets;
mod timers;

#[cfg(test)]
mod tests;

pub use sakigake_quic::connection::{Connection, Event};
pub use secrets::Secrets;

use crate::{Batch, Clock, Datagram, Slab, SystemEntropy, UdpPort};
use core::{
    future::poll_fn,
    task::{Context, Poll},
};
use nudges::Nudges;
use sakigake_quic::{
    connection::{self, Attempt, Chance, Received},
    endpoint::{self, Accepted, Arrived, Counters, Endpoint, Neighbours, Route, Validation},
    packet::FixedBit,
    paths::Addresses,
    recovery::acks::Mark,
    rules::Side,
};
use sakigake_tls as tls;
use sakigake_wire::Instant;
use seat::Seat;
use std::{collections::VecDeque, io, net::SocketAddr, pin::Pin, sync::Arc};
use timers::Timers;
use tokio::time::{Sleep, sleep_until};

/// Slabs that one port may fill before the connections act on what they heard.
const SLABS_A_TURN: usize = 4;
/// Batches that one connection may send before the next one's turn.
const BATCHES_A_TURN: usize = 4;
/// Bytes of one batch: what one call to the system takes.
const BATCH_BYTES: usize = 65_507;

/// What a connection's owner does: listens, and acts when the connection is free.
pub trait Application {
    /// The connection is there, and nothing has come or left: the moment to ask for its trace.
    fn begun(&mut self, now: Instant, connection: &mut Connection) {
        let _ = (now, connection); // Most owners ask for none.
    }

    /// The connection said something. Keep what is needed; acts come in [`Application::act`].
    fn heard(&mut self, now: Instant, event: Event<'_>);

    /// Called after the connection heard something and whenever it may have room: open, write, consume, close.
    fn act(&mut self, now: Instant, connection: &mut Connection);

    /// Ready when [`Application::act`] has something to do though nothing was heard. It is polled after each act, and when the
    /// waker that it was given has been woken.
    fn poll_wake(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let _ = cx; // Most owners act only on what they hear.
        Poll::Pending
    }
}

/// Who makes applications for clients that come, and hears when one is over.
pub trait Service {
    /// What it makes.
    type Application: Application;

    /// A client begins; none to turn it away.
    fn accept(&mut self, now: Instant, addresses: &Addresses) -> Option<Self::Application>;

    /// A connection is over, and this is what remains of it.
    fn ended(&mut self, application: Self::Application);
}

/// On which terms clients are served.
#[derive(Clone)]
pub struct Terms {
    /// TLS.
    pub tls: Arc<tls::server::Config>,
    /// QUIC.
    pub quic: Arc<connection::Config>,
    /// How clients show that they are where they say; without it each is believed.
    pub validation: Option<Validation>,
}

/// One worker. It does nothing but in [`Worker::turn`].
pub struct Worker<S: Service> {
    clock: Clock,
    ports: Vec<UdpPort>,
    slab: Slab,
    timer: Option<(Instant, Pin<Box<Sleep>>)>,
    floor: Floor<S>,
}

/// The connections, and what they share.
struct Floor<S: Service> {
    clock: Clock,
    unix_secs_at_start: u64,
    endpoint: Endpoint,
    terms: Option<Terms>,
    service: S,
    seats: Vec<Option<Seat<S::Application>>>,
    /// Indexes of empty seats.
    free: Vec<usize>,
    /// Connections that heard something, or may have more to send; each at most once.
    ready: VecDeque<usize>,
    timers: Timers,
    nudges: Arc<Nudges>,
    batch: Vec<u8>,
}

impl<S: Service> Worker<S> {
    /// A worker that serves nobody, for connections of its own.
    pub fn client(clock: Clock, secrets: &Secrets, service: S) -> Self {
        Self::new(clock, secrets, None, service)
    }

    /// A worker that serves clients.
    pub fn server(clock: Clock, secrets: &Secrets, terms: Terms, service: S) -> Self {
        Self::new(clock, secrets, Some(terms), service)
    }

    fn new(clock: Clock, secrets: &Secrets, terms: Option<Terms>, service: S) -> Self {
        let quic = terms.as_ref().map(|terms| &terms.quic);
        let endpoint = Endpoint::new(endpoint::Options {
            side: if quic.is_some() { Side::Server } else { Side::Client },
            suite: secrets::suite(),
            versions: quic.map(|quic| quic.versions.clone()).unwrap_or_default(),
            // A client's connections know whether they allow it; here it is only a matter of finding them.
            fixed_bit: match quic {
                Some(quic) if !quic.grease_quic_bit => FixedBit::Required,
                _ => FixedBit::Ignored,
            },
            ids: secrets.source(0),
            keys: secrets.keys(),
            neighbours: Neighbours { workers: 1, processes: Vec::new() },
            reset_key: secrets.reset_key(),
            validation: terms.as_ref().and_then(|terms| terms.validation.clone()),
            limits: endpoint::Limits::default(),
        });
        let floor = Floor {
            clock,
            unix_secs_at_start: clock.unix_secs_at_start(),
            endpoint,
            terms,
            service,
            seats: Vec::new(),
            free: Vec::new(),
            ready: VecDeque::new(),
            timers: Timers::default(),
            nudges: Arc::default(),
            batch: vec![0; BATCH_BYTES],
        };
        Self { clock, ports: Vec::new(), slab: Slab::default(), timer: None, floor }
    }

    /// Listens at one more port, and may send from it.
    pub fn add(&mut self, port: UdpPort) {
        self.ports.push(port);
    }

    /// Where the ports are bound.
    pub fn ports(&self) -> impl Iterator<Item = SocketAddr> {
        self.ports.iter().map(UdpPort::local)
    }

    /// Connections that are not over.
    pub fn connections(&self) -> usize {
        self.floor.seats.len() - self.floor.free.len()
    }

    /// What came and what became of it.
    pub fn counters(&self) -> &Counters {
        self.floor.endpoint.counters()
    }

    /// Who serves.
    pub fn service(&mut self) -> &mut S {
        &mut self.floor.service
    }

    /// Begins a connection as a client. The [`Attempt::local`] id is drawn here.
    ///
    /// # Errors
    /// [`tls::Misuse`], where TLS cannot begin.
    pub fn connect(
        &mut self,
        tls: Arc<tls::client::Config>,
        quic: Arc<connection::Config>,
        attempt: Attempt<'_>,
        application: S::Application,
    ) -> Result<(), tls::Misuse> {
        let floor = &mut self.floor;
        let index = floor.place();
        let local = floor.endpoint.connect(index, attempt.addresses.peer);
        let attempt = Attempt { local, ..attempt };
        match Connection::client(tls, quic, attempt, self.clock.now(), chance()) {
            Ok(connection) => floor.sit(index, connection, application),
            Err(misuse) => {
                floor.endpoint.forget(index);
                floor.free.push(index);
                return Err(misuse);
            }
        }
        Ok(())
    }

    /// Waits until something can be done, and does it. It may be dropped while it waits, and called again.
    ///
    /// # Errors
    /// A port is of no use any more.
    pub async fn turn(&mut self) -> io::Result<()> {
        self.wait().await?;
        let Self { ports, slab, floor, clock, .. } = self;
        for port in ports.iter_mut() {
            for _ in 0..SLABS_A_TURN {
                let Some(datagrams) = port.recv(slab)? else { break };
                let now = clock.now();
                datagrams.for_each(|datagram| floor.take(now, datagram, port));
            }
        }
        floor.expire();
        floor.act(ports);
        // A worker whose peers always have something to say must not have the thread for itself.
        tokio::task::coop::consume_budget().await;
        Ok(())
    }

    /// Waits for the ports, the owners and the clock.
    async fn wait(&mut self) -> io::Result<()> {
        let Self { ports, floor, timer, clock, .. } = self;
        let is_blocked = ports.iter().any(UdpPort::is_blocked);
        let first = [floor.timers.first(), floor.endpoint.deadline()].into_iter().flatten().min();
        match (&mut *timer, first) {
            (Some((at, _)), Some(first)) if *at == first => {}
            (Some((at, sleep)), Some(first)) => {
                *at = first;
                sleep.as_mut().reset(clock.timer(first));
            }
            _ => *timer = first.map(|first| (first, Box::pin(sleep_until(clock.timer(first))))),
        }
        poll_fn(|cx| {
            let mut is_ready = !is_blocked && !floor.ready.is_empty();
            for port in ports.iter_mut() {
                is_ready |= match port.poll_readable(cx) {
                    Poll::Ready(outcome) => outcome.map(|()| true)?,
                    Poll::Pending => false,
                };
                while port.is_blocked() && port.poll_writable(cx).is_ready() {
                    port.flush();
                    is_ready = true;
                }
            }
            while let Poll::Ready(woken) = floor.nudges.poll_woken(cx) {
                is_ready |= floor.wake(&woken);
            }
            is_ready |= timer.as_mut().is_some_and(|(_, sleep)| sleep.as_mut().poll(cx).is_ready());
            if is_ready { Poll::Ready(Ok(())) } else { Poll::Pending }
        })
        .await
    }
}

impl<S: Service> Floor<S> {
    /// Hands a datagram to whom it is for, or answers it.
    fn take(&mut self, now: Instant, datagram: Datagram<'_>, port: &mut UdpPort) {
        let Datagram { bytes, addresses, mark } = datagram;
        let unix_secs = self.unix_secs_at_start + now.as_nanos() / 1_000_000_000;
        let arrived = Arrived { now, unix_secs, bytes, addresses };
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
            Route::Reply { len, .. } => {
                let bytes = &self.batch[..len];
                // A reply that does not leave is as good as one that was lost on its way.
                port.send(&Batch { bytes, segment_bytes: len, addresses, mark: Mark::NotEct });
            }
            Route::PerhapsReset => {
                let peers: Vec<usize> = self.endpoint.connections_with(addresses.peer).collect();
                for index in peers {
                    let bytes = &mut bytes.to_vec(); // Each opens it in place.
                    self.handle(now, index, Received { bytes, addresses, mark });
                }
            }
            // There is one worker, and so nobody to hand anything to.
            Route::Hand(_) | Route::Held | Route::Drop(_) => {}
        }
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
        let application = self.service.accept(now, &accepted.addresses)?;
        let (tls, quic) = (terms.tls.clone(), terms.quic.clone());
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
    fn place(&mut self) -> usize {
        self.free.pop().unwrap_or_else(|| {
            self.seats.push(None);
            self.seats.len() - 1
        })
    }

    fn sit(&mut self, index: usize, connection: Connection, application: S::Application) {
        let mut seat = Seat::new(self.clock.now(), connection, application, self.nudges.nudge(index));
        seat.ready(index, &mut self.ready);
        self.seats[index] = Some(seat);
    }

    /// Tells the time to those that wait for it.
    fn expire(&mut self) {
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
    fn wake(&mut self, woken: &[usize]) -> bool {
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

    /// A turn of each connection that is ready: its owner acts, and what it has leaves, unless a port is blocked.
    fn act(&mut self, ports: &mut [UdpPort]) {
        for _ in 0..self.ready.len() {
            if ports.iter().any(UdpPort::is_blocked) {
                return;
            }
            let Some(index) = self.ready.pop_front() else { return };
            let Self { endpoint, seats, ready, timers, batch, clock, .. } = self;
            let Some(Some(seat)) = seats.get_mut(index) else { continue };
            let now = clock.now();
            seat.issue(index, endpoint);
            let has_more = seat.act(now, batch, ports);
            if seat.is_over() {
                self.leave(index);
            } else {
                seat.arm(now, index, timers);
                if has_more || seat.wakes() {
                    seat.ready(index, ready);
                }
            }
        }
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

fn chance() -> Chance {
    Chance { tls: Box::new(SystemEntropy), quic: Box::new(SystemEntropy) }
}
