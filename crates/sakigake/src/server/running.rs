//! The handle of a server that runs.

use super::{
    Site, Stop,
    listeners::{Kind, datagrams, open},
    worker::{Command, Socket},
};
use crate::{Swap, metrics::Metrics};
use sakigake_net::{
    Successor,
    quic::{Estate, Lent},
};
use sakigake_session::ServerConfig;
use std::{
    io,
    net::SocketAddr,
    os::fd::OwnedFd,
    process::{self, Child},
    sync::{Arc, Mutex, PoisonError, Weak, mpsc},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tokio::sync::mpsc::UnboundedSender;

/// How long a successor may take until it serves.
const SUCCESSION: Duration = Duration::from_secs(30);

/// How long an address that was closed is waited for before it is opened again beside the closing one, and how often it is
/// looked at. Workers that have all the connections they may have close it when they have accepted who had come.
const CLOSING: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(1);

/// A server that runs. Dropping it changes nothing: it runs until it is told to stop.
pub struct Running {
    pub(super) addresses: Vec<SocketAddr>,
    /// Addresses that were closed, as long as somebody still listens there, and whether by UDP.
    pub(super) closing: Vec<(SocketAddr, bool, Weak<()>)>,
    pub(super) workers: Vec<UnboundedSender<Command>>,
    /// The thread that tells the metrics.
    pub(super) aside: UnboundedSender<Command>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) threads: Vec<JoinHandle<io::Result<()>>>,
    pub(super) stop: Stop,
    /// That of the present site.
    pub(super) session: Mutex<Arc<Swap<ServerConfig>>>,
    /// What a successor goes on with of HTTP/3.
    pub(super) estate: Estate,
}

impl Running {
    /// Puts another site in the place of the present one, for connections that begin and requests that come from now on.
    /// What is under way ends as it began.
    pub fn reload(&self, site: Site) {
        let site = Arc::new(Site { metrics: self.metrics.clone(), ..site });
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = site.session.clone();
        self.metrics.reloaded();
        self.command(|| Command::Reload(site.clone()));
    }

    /// Listens at one more address; says which, since the system chooses where the port is 0. One that was closed just now
    /// is waited for, at most a second: beyond that its clients are shared with those who still accept who had come.
    ///
    /// # Errors
    /// What the system says: the address is taken, or not ours to use.
    pub fn open(&mut self, address: SocketAddr, kind: Kind) -> io::Result<SocketAddr> {
        if kind == Kind::Http3 {
            return self.open_http3(address);
        }
        let is_free = self.is_free(address);
        let threads = match kind {
            Kind::Metrics => core::slice::from_ref(&self.aside),
            _ => &self.workers[..],
        };
        let sockets = match is_free {
            true => open(address, threads.len())?,
            false => threads.iter().map(|_| sakigake_net::listen(address)).collect::<io::Result<_>>()?,
        };
        let address = sockets[0].local_addr()?;
        for (worker, listener) in threads.iter().zip(sockets) {
            // A worker that ended takes no orders: `join` says why.
            let _ = worker.send(Command::Open(Socket::Listener(listener, kind)));
        }
        self.addresses.push(address);
        Ok(address)
    }

    /// The connections that an address of HTTP/3 had when it was closed may be there yet: then it is shared with them.
    fn open_http3(&mut self, address: SocketAddr) -> io::Result<SocketAddr> {
        self.forget_closed();
        let is_closing = self.closing.iter().any(|(closing, is_udp, _)| *is_udp && *closing == address);
        let sockets = datagrams(address, self.workers.len(), is_closing)?;
        let address = sockets[0].local_addr()?;
        for (worker, socket) in self.workers.iter().zip(sockets) {
            // A worker that ended takes no orders: `join` says why.
            let _ = worker.send(Command::Open(Socket::Datagrams(socket)));
        }
        Ok(address)
    }

    /// Stops listening there by TCP; who had come is served. Does nothing where nobody listens.
    pub fn close(&mut self, address: SocketAddr) {
        self.close_as(address, Kind::Https);
    }

    /// The same in the way in which it was opened: [`Kind::Http3`] is by UDP, all others are by TCP. Connections of HTTP/3 go on as long
    /// as they have something to do.
    pub fn close_as(&mut self, address: SocketAddr, kind: Kind) {
        let is_udp = kind == Kind::Http3;
        if !is_udp {
            self.addresses.retain(|open| *open != address);
        }
        let closing = Arc::new(());
        self.closing.push((address, is_udp, Arc::downgrade(&closing)));
        self.command(|| Command::Close(address, kind, closing.clone()));
    }

    fn forget_closed(&mut self) {
        self.closing.retain(|(_, _, closing)| closing.strong_count() > 0);
    }

    /// Whether nobody of ours listens there any more, as it should be soon where it was closed.
    fn is_free(&mut self, address: SocketAddr) -> bool {
        let asked = Instant::now();
        loop {
            self.forget_closed();
            let is_free = self.closing.iter().all(|(closing, is_udp, _)| *is_udp || *closing != address);
            if is_free || asked.elapsed() > CLOSING {
                return is_free;
            }
            thread::sleep(LOOK);
        }
    }

    /// Where it listens, by TCP.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Starts `command` with our sockets and waits until it serves them. No client notices: from then on both accept by TCP,
    /// until this server is told to [`Running::stop`]; of HTTP/3 it keeps the connections that it has, and takes no new ones.
    ///
    /// # Errors
    /// The successor could not be started, or does not serve (within 30 seconds): this server goes on as if nothing had been.
    pub fn succeed(&self, command: process::Command) -> io::Result<Child> {
        let bequest = self.estate.bequeath(self.lend_http3()?)?;
        let child = Successor::start_with(command, self.lend()?, bequest)?.wait(SUCCESSION)?;
        self.estate.retire();
        Ok(child)
    }

    /// Copies of all sockets of HTTP/3.
    fn lend_http3(&self) -> io::Result<Vec<Lent>> {
        let (lender, lent) = mpsc::channel();
        self.command(|| Command::LendHttp3(lender.clone()));
        drop(lender);
        Ok(lent.into_iter().collect::<io::Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    /// Copies of all listening sockets.
    fn lend(&self) -> io::Result<Vec<OwnedFd>> {
        let (lender, lent) = mpsc::channel();
        self.command(|| Command::Lend(lender.clone()));
        drop(lender);
        lent.into_iter().collect()
    }

    /// Tells it to stop: who had come is served, then everything ends.
    pub fn stop(&self) {
        self.stop.tell();
    }

    /// Whether everything has ended.
    pub fn has_ended(&self) -> bool {
        self.threads.iter().all(JoinHandle::is_finished)
    }

    /// Waits until everything has ended.
    ///
    /// # Errors
    /// A worker ended by a fault of ours.
    pub fn join(self) -> io::Result<()> {
        join(self.threads)
    }

    fn command(&self, command: impl Fn() -> Command) {
        for worker in self.workers.iter().chain([&self.aside]) {
            // A worker that ended takes no orders: `join` says why.
            let _ = worker.send(command());
        }
    }
}

/// Waits until all have ended.
pub(super) fn join(threads: Vec<JoinHandle<io::Result<()>>>) -> io::Result<()> {
    for thread in threads {
        thread.join().map_err(|_| io::Error::other("a worker panicked"))??;
    }
    Ok(())
}
