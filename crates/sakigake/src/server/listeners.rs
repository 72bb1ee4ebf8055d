//! The way in: listening sockets, the system's or a predecessor's.

use super::{
    Running, Site, Stop,
    descriptors::Descriptors,
    quic,
    worker::{Socket, Start, work},
};
use sakigake_net::{
    Clock, Inherited, UdpOptions, UdpPort, inherited,
    quic::{Lent, Secrets},
};
use std::{
    io,
    net::{SocketAddr, TcpListener, UdpSocket},
    sync::{Arc, Mutex, mpsc as std_mpsc},
    thread,
};
use tokio::sync::mpsc;

/// Descriptors of a worker's share that neither connections get nor the files that they read: its sockets, its runtime, the
/// folder's watch, the logs, and what it opens while it looks for a file.
const RESERVED_DESCRIPTORS: usize = 32;

/// Connections that may ask for metrics at a time; who comes beyond waits.
const METRICS_CONNECTIONS: usize = 16;

/// What is spoken on a listening socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// HTTP/2 and HTTP/1.1 within TLS, over TCP.
    Https,
    /// HTTP/3, over UDP. Where clients came by TCP to the same port they are told of it ([`Site::alternative`]).
    Http3,
    /// HTTP/1.1 without TLS: every known host's clients are sent to HTTPS at this port, and nothing else is answered.
    Redirect(u16),
    /// HTTP/1.1 without TLS: `/metrics` in Prometheus' text format, for whoever asks. It has a thread of its own, so that it
    /// answers however busy the workers are.
    Metrics,
}

/// Listening sockets, at least one an address and worker: what fails has failed before anything is promised.
pub struct Listeners {
    workers: Vec<Vec<Socket>>,
    /// Those of the thread that tells the metrics.
    aside: Vec<Socket>,
    addresses: Vec<SocketAddr>,
    /// What a predecessor or a service manager passed, and nobody has asked for yet.
    inherited: Inherited,
}

impl Listeners {
    /// None yet, for so many workers.
    pub fn new(workers: usize) -> Self {
        let workers = (0..workers.max(1)).map(|_| Vec::new()).collect();
        Self { workers, aside: Vec::new(), addresses: Vec::new(), inherited: Inherited::default() }
    }

    /// The same for a process that may have been started with listening sockets, by [`Running::succeed`] or by a service
    /// manager's `LISTEN_FDS`: [`Listeners::open`] takes them where they are for its address. Only the first call in a
    /// process finds any.
    ///
    /// # Errors
    /// What was passed are no listening sockets.
    pub fn take_over(workers: usize) -> io::Result<Self> {
        Ok(Self { inherited: inherited()?, ..Self::new(workers) })
    }

    /// Opens `address` for every worker; with port 0 the system chooses one.
    ///
    /// # Errors
    /// What the system says: the address is taken by another program, or not ours to use.
    pub fn open(&mut self, address: SocketAddr) -> io::Result<()> {
        self.open_as(address, Kind::Https)
    }

    /// The same for another way to speak.
    ///
    /// # Errors
    /// As [`Listeners::open`].
    pub fn open_as(&mut self, address: SocketAddr, kind: Kind) -> io::Result<()> {
        if kind == Kind::Http3 {
            return self.open_http3(address);
        }
        let workers = if kind == Kind::Metrics { 1 } else { self.workers.len() };
        let passed = take(&mut self.inherited.sockets, address)?;
        let sockets = if passed.is_empty() { open(address, workers)? } else { share(passed, workers)? };
        self.addresses.push(sockets[0].local_addr()?);
        for (number, listener) in sockets.into_iter().enumerate() {
            let sockets = match kind {
                Kind::Metrics => &mut self.aside,
                _ => &mut self.workers[number % workers],
            };
            sockets.push(Socket::Listener(listener, kind));
        }
        Ok(())
    }

    /// A predecessor's sockets go to the workers of the same numbers, so that these find out about handshakes that are under way.
    fn open_http3(&mut self, address: SocketAddr) -> io::Result<()> {
        let workers = self.workers.len();
        let lent = self.inherited.quic.iter_mut().flat_map(|heritage| core::mem::take(&mut heritage.sockets));
        let is_here = |lent: &Lent| lent.socket.local_addr().is_ok_and(|local| local == address);
        let (here, left): (Vec<Lent>, Vec<Lent>) = lent.partition(is_here);
        if let Some(heritage) = &mut self.inherited.quic {
            heritage.sockets = left;
        }
        let here = here.into_iter().map(|lent| (usize::from(lent.worker), lent.socket));
        let mut sockets: Vec<_> = here.collect();
        if sockets.is_empty() {
            sockets = datagrams(address, workers, false)?.into_iter().enumerate().collect();
        }
        for (number, socket) in sockets {
            self.workers[number % workers].push(Socket::Datagrams(socket));
        }
        Ok(())
    }

    /// Where they listen, by TCP.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Where sockets listen that were passed to this process and that [`Listeners::open`] was not asked for yet. They are
    /// closed when the server starts.
    pub fn unclaimed(&self) -> Vec<SocketAddr> {
        let sockets = self.inherited.sockets.iter();
        let mut addresses: Vec<_> = sockets.filter_map(|socket| socket.local_addr().ok()).collect(); // All have one.
        addresses.sort_unstable();
        addresses.dedup();
        addresses
    }

    /// Serves `site` until told to stop, on threads of its own; returns when all have ended.
    ///
    /// # Errors
    /// A worker could not be started, or ended by a fault of ours.
    pub fn serve(self, site: Site, clock: Clock, stop: &Stop) -> io::Result<()> {
        self.start(site, clock, stop)?.join()
    }

    /// Begins to serve `site` on threads of its own; returns when they do, and a predecessor has been told.
    ///
    /// # Errors
    /// A worker could not be started.
    pub fn start(self, site: Site, clock: Clock, stop: &Stop) -> io::Result<Running> {
        let Self { workers, aside, addresses, mut inherited, .. } = self;
        let site = Arc::new(site);
        let descriptors = sakigake_net::descriptors() / workers.len();
        let descriptors = || Descriptors::shared(descriptors.saturating_sub(RESERVED_DESCRIPTORS));
        let (report, reports) = std_mpsc::channel();
        let mut threads = Vec::new();
        let secrets = inherited.quic.take().map_or_else(Secrets::draw, |heritage| heritage.secrets);
        let (places, estate) = quic::Place::all(&site, clock, &secrets, workers.len())?;
        let mut places = places.into_iter();
        let mut spawn = |name: String, sockets, quic, descriptors, shard| {
            let (commands, orders) = mpsc::unbounded_channel();
            let (site, stop, report) = (site.clone(), stop.clone(), report.clone());
            let begin = Start { site, sockets, quic, clock, stop, orders, descriptors, shard };
            threads.push(thread::Builder::new().name(name).spawn(move || work(begin, report))?);
            Ok::<_, io::Error>(commands)
        };
        let workers = workers.into_iter().enumerate().map(|(number, sockets)| {
            spawn(format!("worker {number}"), sockets, places.next(), descriptors(), site.metrics.shard())
        });
        let workers = workers.collect::<io::Result<_>>()?;
        // What it does itself is not counted.
        let descriptors = Descriptors::of_connections(METRICS_CONNECTIONS);
        let aside = spawn("metrics".into(), aside, None, descriptors, Arc::default())?;
        let (stop, metrics, session) = (stop.clone(), site.metrics.clone(), Mutex::new(site.session.clone()));
        let closing = Vec::new();
        let running = Running { addresses, closing, workers, aside, metrics, threads, stop, session, estate };
        drop(report);
        for result in reports {
            result?;
        }
        // One that is gone cannot be told, and need not be.
        let _ = inherited.serves();
        Ok(running)
    }
}

/// New sockets for datagrams, one a worker. Unless they may be `shared` with others of ours, nobody else has the address.
pub(super) fn datagrams(address: SocketAddr, workers: usize, shared: bool) -> io::Result<Vec<UdpSocket>> {
    let workers = u16::try_from(workers).map_err(io::Error::other)?;
    let options = UdpOptions::default();
    match shared {
        true => UdpPort::join(address, &options, workers),
        false => UdpPort::share(address, &options, workers),
    }
}

/// New sockets, one a worker. The first is claimed: no other program may listen there.
pub(super) fn open(mut address: SocketAddr, workers: usize) -> io::Result<Vec<TcpListener>> {
    let mut sockets = Vec::new();
    for worker in 0..workers {
        let socket = match worker {
            0 => sakigake_net::claim(address)?,
            _ => sakigake_net::listen(address)?,
        };
        address = socket.local_addr()?;
        sockets.push(socket);
    }
    Ok(sockets)
}

/// Those among `passed` that listen at `address`; where any port will do, at the first fitting one's port.
fn take(passed: &mut Vec<TcpListener>, mut address: SocketAddr) -> io::Result<Vec<TcpListener>> {
    let (mut taken, mut left) = (Vec::new(), Vec::new());
    for socket in core::mem::take(passed) {
        let here = socket.local_addr()?;
        if address.port() == 0 && here.ip() == address.ip() {
            address = here;
        }
        if here == address { taken.push(socket) } else { left.push(socket) }
    }
    *passed = left;
    Ok(taken)
}

/// Every socket is accepted from, since clients may wait in each; workers without one of their own share one.
fn share(mut sockets: Vec<TcpListener>, workers: usize) -> io::Result<Vec<TcpListener>> {
    for number in 0..workers.saturating_sub(sockets.len()) {
        let shared = sockets[number].try_clone()?;
        sockets.push(shared);
    }
    Ok(sockets)
}
