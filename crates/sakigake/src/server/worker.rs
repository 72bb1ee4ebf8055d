//! One worker: a thread with a runtime, listening sockets and connections of its own.

use super::{Kind, Site, Stop, descriptors::Descriptors, doors::Doors, quic};
use crate::{
    files::Reply,
    handler::Served,
    hosts::Host,
    metrics::{HostCounts, Shard},
    service::{Factory, Local},
};
use sakigake_net::{Clock, SystemEntropy};
use sakigake_preload::Table;
use sakigake_wire::Entropy as _;
use std::{
    cell::{Cell, OnceCell, RefCell},
    collections::BTreeMap,
    io,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    os::fd::OwnedFd,
    rc::Rc,
    sync::{Arc, mpsc},
    time::Duration,
};
use tokio::{runtime, sync::mpsc::UnboundedReceiver, task::LocalSet, time};

/// How often a worker that was told to stop looks whether its last connection ended.
const LOOK: Duration = Duration::from_millis(5);

/// What a worker is told.
pub(super) enum Command {
    /// Serve this from now on.
    Reload(Arc<Site>),
    /// Listen here too.
    Open(Socket),
    /// Stop listening there, in that way; what comes with it is dropped when nobody does any more.
    Close(SocketAddr, Kind, Arc<()>),
    /// Give copies of all listening sockets.
    Lend(mpsc::Sender<io::Result<OwnedFd>>),
    /// Give copies of those of HTTP/3.
    LendHttp3(quic::Lender),
}

/// A socket at which clients come.
pub(super) enum Socket {
    Listener(std::net::TcpListener, Kind),
    Datagrams(std::net::UdpSocket),
}

impl Socket {
    /// Whether those who come there begin with a handshake.
    fn has_handshakes(&self) -> bool {
        matches!(self, Self::Listener(_, Kind::Https) | Self::Datagrams(_))
    }
}

/// What one worker's connections share.
pub(super) struct Worker {
    here: RefCell<Rc<Here>>,
    connections: Cell<usize>,
    /// How many of them each address has; of IPv6, each network of 64 bits, since one client has all of that.
    by_address: RefCell<BTreeMap<IpAddr, usize>>,
    descriptors: Descriptors,
    /// How many signatures it waits for.
    signatures: Cell<usize>,
    /// Where it serves HTTP/3.
    http3: RefCell<Vec<SocketAddr>>,
    pub(super) clock: Clock,
    pub(super) stop: Stop,
    /// What it counts; nobody else writes there.
    pub(super) shard: Arc<Shard>,
}

/// A site as one worker knows it; a reload puts another in its place.
pub(super) struct Here {
    pub(super) site: Arc<Site>,
    seats: Vec<Rc<Seat>>,
    /// The hints of now: connections that began before a reload have others in their configuration.
    pub(super) hints: Option<Arc<Table>>,
    /// How many were here before it.
    generation: u64,
}

/// Which of a worker's hosts, of all that it ever had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number {
    generation: u64,
    at: usize,
}

/// One host on one worker: what is the worker's own there. It lives until a reload replaced it and its last request ended.
pub(crate) struct Seat {
    host: Arc<Host>,
    /// Its service, if it is one, once somebody asked for it.
    service: OnceCell<Local>,
    counts: Arc<HostCounts>,
}

impl Seat {
    fn new(host: Arc<Host>, shard: &Shard) -> Self {
        let counts = shard.host(host.label());
        Self { host, service: OnceCell::new(), counts }
    }

    /// This worker's own service of the host.
    pub(super) fn service(&self, factory: &Factory) -> Local {
        if let Some(local) = self.service.get() {
            return local.clone();
        }
        match factory.make() {
            Ok(local) => self.service.get_or_init(|| local).clone(),
            Err(nobody) => nobody,
        }
    }

    /// The host.
    pub(crate) fn host(&self) -> &Host {
        &self.host
    }
}

impl std::fmt::Debug for Seat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.host.label())
    }
}

impl Here {
    fn new(site: Arc<Site>, shard: &Shard, generation: u64) -> Self {
        let seats = site.hosts.all().iter().map(|host| Rc::new(Seat::new(host.clone(), shard))).collect();
        let hints = site.session.now().hints.clone();
        Self { site, seats, hints, generation }
    }

    /// The host for `authority`.
    pub(super) fn seat(&self, authority: &[u8]) -> Option<&Rc<Seat>> {
        self.number(authority).and_then(|number| self.numbered(number))
    }

    /// The same by a number, which is good until the next reload.
    pub(super) fn number(&self, authority: &[u8]) -> Option<Number> {
        let at = self.site.hosts.number(authority)?;
        Some(Number { generation: self.generation, at })
    }

    /// The host of that number. `None` where a reload was since.
    pub(super) fn numbered(&self, number: Number) -> Option<&Rc<Seat>> {
        if number.generation == self.generation { self.seats.get(number.at) } else { None }
    }
}

impl Worker {
    /// Without connections, and with descriptors for as many as there may be.
    pub(super) fn new(site: Arc<Site>, clock: Clock, stop: Stop, shard: Arc<Shard>) -> Self {
        Self {
            here: RefCell::new(Rc::new(Here::new(site, &shard, 0))),
            connections: Cell::new(0),
            by_address: RefCell::default(),
            descriptors: Descriptors::shared(usize::MAX),
            signatures: Cell::new(0),
            http3: RefCell::default(),
            clock,
            stop,
            shard,
        }
    }

    /// What is served now.
    pub(super) fn here(&self) -> Rc<Here> {
        self.here.borrow().clone()
    }

    /// HTTP/3 is served there from now on, or no longer.
    pub(super) fn serve_http3(&self, address: SocketAddr, is_served: bool) {
        let mut http3 = self.http3.borrow_mut();
        http3.retain(|known| *known != address);
        http3.extend(is_served.then_some(address));
    }

    /// What clients that came by TCP to `port` are told: where else they find the same (RFC 7838 section 3).
    pub(super) fn alternative(&self, port: u16) -> Option<String> {
        let here = self.here.borrow();
        let told = here.site.alternative.as_ref().filter(|told| told.max_age_secs > 0)?;
        let http3 = self.http3.borrow();
        let is_here = |port: u16| http3.iter().any(|address| address.port() == port);
        // A port at which we are ourselves forwards nothing to another one of ours.
        let port = is_here(port).then(|| told.port.filter(|told| !is_here(*told)).unwrap_or(port))?;
        Some(format!("h3=\":{port}\"; ma={}", told.max_age_secs))
    }

    /// Serves another site from now on.
    pub(super) fn reload(&self, site: Arc<Site>) {
        let generation = self.here.borrow().generation + 1;
        *self.here.borrow_mut() = Rc::new(Here::new(site, &self.shard, generation));
    }

    /// Whether it was told to stop.
    pub(super) fn is_stopping(&self) -> bool {
        self.stop.is_told()
    }

    /// A response ended.
    pub(super) fn count(&self, served: &Served) {
        served.seat.as_ref().map_or(&self.shard.nowhere, |seat| &seat.counts).served(served);
    }

    fn set_connections(&self, count: usize) {
        self.connections.set(count);
        self.shard.connections_open.set(count as u64);
    }

    /// Whether it has all the connections that it may have.
    pub(super) fn is_full(&self) -> bool {
        let limit = self.here.borrow().site.limits.connections_a_worker;
        self.connections.get() >= limit.min(self.descriptors.for_connections())
    }

    /// What goes back for a reply that may be read from an open file: see [`Descriptors::admit`].
    pub(super) fn admit(&self, reply: Reply, is_head: bool) -> Reply {
        self.descriptors.admit(self.connections.get(), reply, is_head)
    }

    /// Counts a signature until what it gives is dropped; none where the worker waits for all that it may.
    pub(super) fn await_signature(self: &Rc<Self>) -> Option<Awaited> {
        let limit = self.here.borrow().site.limits.signatures_a_worker;
        let count = Some(self.signatures.get()).filter(|count| *count < limit)?;
        self.signatures.set(count + 1);
        Some(Awaited(self.clone()))
    }

    /// Counts a connection until what it gives is dropped; none where its address has all that one may have.
    pub(super) fn hold(self: &Rc<Self>, client: SocketAddr) -> Option<Held> {
        let address = network(client.ip());
        let limit = self.here.borrow().site.limits.connections_an_address;
        let mut by_address = self.by_address.borrow_mut();
        let count = by_address.entry(address).or_default();
        if *count >= limit {
            return None;
        }
        *count += 1;
        self.set_connections(self.connections.get() + 1);
        Some(Held { worker: self.clone(), address })
    }
}

/// A signature that is waited for, until it is dropped.
pub(super) struct Awaited(Rc<Worker>);

impl Drop for Awaited {
    fn drop(&mut self) {
        self.0.signatures.set(self.0.signatures.get() - 1);
    }
}

/// One connection that counts, until it is dropped, even by a panic.
pub(super) struct Held {
    pub(super) worker: Rc<Worker>,
    address: IpAddr,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.worker.set_connections(self.worker.connections.get() - 1);
        let mut by_address = self.worker.by_address.borrow_mut();
        if let Some(count) = by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                by_address.remove(&self.address);
            }
        }
    }
}

/// What counts as one client.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        address => address,
    }
}

/// What a worker is given.
pub(super) struct Start {
    pub(super) site: Arc<Site>,
    pub(super) sockets: Vec<Socket>,
    /// Where it may serve QUIC.
    pub(super) quic: Option<quic::Place>,
    pub(super) clock: Clock,
    pub(super) stop: Stop,
    pub(super) orders: UnboundedReceiver<Command>,
    pub(super) descriptors: Descriptors,
    pub(super) shard: Arc<Shard>,
}

/// A worker's life; it reports when it accepts, or why it never will.
///
/// Profilers know a worker by this function's name: it is a function of its own wherever the compiler would fold it in.
#[inline(never)]
pub(super) fn work(start: Start, report: mpsc::Sender<io::Result<()>>) -> io::Result<()> {
    let Start { site, sockets, quic, clock, stop, orders, descriptors, shard } = start;
    if sockets.iter().any(Socket::has_handshakes) {
        // A thread's generator gathers randomness for some 30 ms at its first draw: no client waits for that.
        SystemEntropy.fill(&mut [0; 32]);
    }
    let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return tell(&report, Err(error)),
    };
    let worker = Rc::new(Worker { descriptors, ..Worker::new(site, clock, stop, shard) });
    LocalSet::new().block_on(&runtime, async {
        let mut doors = Doors::new(worker.clone(), quic);
        tell(&report, sockets.into_iter().try_for_each(|socket| doors.open(socket)))?;
        drop(report);
        doors.obey(orders).await;
        let drained = async {
            doors.close_all().await;
            // The connections were told too: they finish what they serve.
            while worker.connections.get() > 0 {
                time::sleep(LOOK).await;
            }
        };
        let patience = Duration::from_millis(worker.here().site.limits.drain_ms);
        // Whoever is not done by then is cut off.
        let _ = time::timeout(patience, drained).await;
        Ok(())
    })
}

fn tell(report: &mpsc::Sender<io::Result<()>>, outcome: io::Result<()>) -> io::Result<()> {
    let copy = outcome.as_ref().copied().map_err(|error| io::Error::new(error.kind(), error.to_string()));
    // Nobody listens any more where another worker could not start.
    let _ = report.send(copy);
    outcome
}
