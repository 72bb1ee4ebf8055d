//! The way in: listening sockets, and the handle of a server that runs.

use super::{
    Site, Stop,
    worker::{Command, work},
};
use sakigake_net::Clock;
use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    thread::{self, JoinHandle},
};
use tokio::sync::mpsc::{self, UnboundedSender};

/// Listening sockets, one an address and worker: what fails has failed before anything is promised.
pub struct Listeners {
    workers: Vec<Vec<TcpListener>>,
    addresses: Vec<SocketAddr>,
}

impl Listeners {
    /// None yet, for so many workers.
    pub fn new(workers: usize) -> Self {
        Self { workers: (0..workers.max(1)).map(|_| Vec::new()).collect(), addresses: Vec::new() }
    }

    /// Opens `address` for every worker; with port 0 the system chooses one.
    ///
    /// # Errors
    /// What the system says: the address is taken by another program, or not ours to use.
    pub fn open(&mut self, address: SocketAddr) -> io::Result<()> {
        let sockets = open(address, self.workers.len())?;
        self.addresses.push(sockets[0].local_addr()?);
        for (worker, socket) in self.workers.iter_mut().zip(sockets) {
            worker.push(socket);
        }
        Ok(())
    }

    /// Where they listen.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Serves `site` until told to stop, on threads of its own; returns when all have ended.
    ///
    /// # Errors
    /// A worker could not be started, or ended by a fault of ours.
    pub fn serve(self, site: Site, clock: Clock, stop: &Stop) -> io::Result<()> {
        self.start(site, clock, stop)?.join()
    }

    /// Begins to serve `site` on threads of its own.
    ///
    /// # Errors
    /// A worker could not be started.
    pub fn start(self, site: Site, clock: Clock, stop: &Stop) -> io::Result<Running> {
        let site = Arc::new(site);
        let mut running = Running {
            addresses: self.addresses,
            workers: Vec::new(),
            threads: Vec::new(),
            stop: stop.clone(),
        };
        for (number, sockets) in self.workers.into_iter().enumerate() {
            let (commands, orders) = mpsc::unbounded_channel();
            let (site, stop) = (site.clone(), stop.clone());
            let begin = move || work(site, sockets, clock, stop, orders);
            running.threads.push(thread::Builder::new().name(format!("worker {number}")).spawn(begin)?);
            running.workers.push(commands);
        }
        Ok(running)
    }
}

/// The first socket is claimed: no other program may listen there.
fn open(mut address: SocketAddr, workers: usize) -> io::Result<Vec<TcpListener>> {
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

/// A server that runs. Dropping it changes nothing: it runs until it is told to stop.
pub struct Running {
    addresses: Vec<SocketAddr>,
    workers: Vec<UnboundedSender<Command>>,
    threads: Vec<JoinHandle<io::Result<()>>>,
    stop: Stop,
}

impl Running {
    /// Puts another site in the place of the present one, for connections that begin and requests that come from now on.
    /// What is under way ends as it began.
    pub fn reload(&self, site: Site) {
        let site = Arc::new(site);
        self.command(|| Command::Reload(site.clone()));
    }

    /// Listens at one more address; says which, since the system chooses where the port is 0.
    ///
    /// # Errors
    /// What the system says: the address is taken, or not ours to use.
    pub fn open(&mut self, address: SocketAddr) -> io::Result<SocketAddr> {
        let sockets = open(address, self.workers.len())?;
        let address = sockets[0].local_addr()?;
        for (worker, socket) in self.workers.iter().zip(sockets) {
            // A worker that ended takes no orders: `join` says why.
            let _ = worker.send(Command::Open(socket));
        }
        self.addresses.push(address);
        Ok(address)
    }

    /// Stops listening there; who had come is served. Does nothing where nobody listens.
    pub fn close(&mut self, address: SocketAddr) {
        self.addresses.retain(|open| *open != address);
        self.command(|| Command::Close(address));
    }

    /// Where it listens.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
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
        for thread in self.threads {
            thread.join().map_err(|_| io::Error::other("a worker panicked"))??;
        }
        Ok(())
    }

    fn command(&self, command: impl Fn() -> Command) {
        for worker in &self.workers {
            // A worker that ended takes no orders: `join` says why.
            let _ = worker.send(command());
        }
    }
}
