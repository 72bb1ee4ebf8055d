//! One worker: a thread with a runtime, listening sockets and connections of its own.

use super::{Site, Stop, front};
use crate::hosts::Host;
use sakigake_net::Clock;
use std::{
    cell::{Cell, RefCell},
    io,
    net::SocketAddr,
    rc::Rc,
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::TcpListener,
    runtime,
    sync::{Notify, mpsc::UnboundedReceiver},
    task::{JoinHandle, LocalSet, spawn_local},
    time,
};

/// How long to wait before accepting again after the system had no descriptor left.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(100);
/// How often a worker that has all the connections it may have looks whether one ended.
const FULL: Duration = Duration::from_millis(10);

/// What a worker is told.
pub(super) enum Command {
    /// Serve this from now on.
    Reload(Arc<Site>),
    /// Listen here too.
    Open(std::net::TcpListener),
    /// Stop listening there.
    Close(SocketAddr),
}

/// What one worker's connections share.
pub(super) struct Worker {
    here: RefCell<Rc<Here>>,
    connections: Cell<usize>,
    pub(super) clock: Clock,
    pub(super) stop: Stop,
}

/// A site as one worker knows it; a reload puts another in its place.
pub(super) struct Here {
    pub(super) site: Arc<Site>,
    seats: Vec<Rc<Seat>>,
}

/// One host on one worker: what is the worker's own there. It lives until a reload replaced it and its last request ended.
pub(crate) struct Seat {
    host: Arc<Host>,
}

impl Seat {
    fn new(host: Arc<Host>) -> Self {
        Self { host }
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
    fn new(site: Arc<Site>) -> Self {
        let seats = site.hosts.all().iter().cloned().map(Seat::new).map(Rc::new).collect();
        Self { site, seats }
    }

    /// The host for `authority`.
    pub(super) fn seat(&self, authority: &[u8]) -> Option<&Rc<Seat>> {
        self.site.hosts.number(authority).map(|number| &self.seats[number])
    }
}

impl Worker {
    /// What is served now.
    pub(super) fn here(&self) -> Rc<Here> {
        self.here.borrow().clone()
    }
}

/// A worker's life.
pub(super) fn work(
    site: Arc<Site>,
    sockets: Vec<std::net::TcpListener>,
    clock: Clock,
    stop: Stop,
    orders: UnboundedReceiver<Command>,
) -> io::Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let here = RefCell::new(Rc::new(Here::new(site)));
    let worker = Rc::new(Worker { here, connections: Cell::new(0), clock, stop });
    LocalSet::new().block_on(&runtime, async {
        let mut doors = Doors { worker: worker.clone(), open: Vec::new() };
        for socket in sockets {
            doors.open(socket)?;
        }
        doors.obey(orders).await;
        doors.close_all().await;
        // The connections were told too: they finish what they serve.
        let drained = async {
            while worker.connections.get() > 0 {
                time::sleep(FULL).await;
            }
        };
        let patience = Duration::from_millis(worker.here().site.limits.drain_ms);
        // Whoever is not done by then is cut off.
        let _ = time::timeout(patience, drained).await;
        Ok(())
    })
}

/// The listening sockets of a worker.
struct Doors {
    worker: Rc<Worker>,
    open: Vec<Door>,
}

/// One of them, with the task that accepts.
struct Door {
    address: SocketAddr,
    close: Rc<Notify>,
    accepting: JoinHandle<()>,
}

impl Doors {
    /// Does what it is told until it is told to stop.
    async fn obey(&mut self, mut orders: UnboundedReceiver<Command>) {
        let told = self.worker.stop.told();
        let mut told = std::pin::pin!(told);
        loop {
            let command = tokio::select! {
                biased;
                () = &mut told => return,
                command = orders.recv() => command,
            };
            match command {
                Some(Command::Reload(site)) => *self.worker.here.borrow_mut() = Rc::new(Here::new(site)),
                Some(Command::Open(socket)) => {
                    if let Err(error) = self.open(socket) {
                        eprintln!("warning: a listening socket cannot be used: {error}");
                    }
                }
                Some(Command::Close(address)) => self.close(address).await,
                // Nobody is left who could order anything but to stop.
                None => return told.await,
            }
        }
    }

    fn open(&mut self, socket: std::net::TcpListener) -> io::Result<()> {
        let listener = TcpListener::from_std(socket)?;
        let address = listener.local_addr()?;
        let close = Rc::new(Notify::new());
        let accepting = spawn_local(accept(self.worker.clone(), listener, close.clone()));
        self.open.push(Door { address, close, accepting });
        Ok(())
    }

    async fn close(&mut self, address: SocketAddr) {
        let closing = self.open.extract_if(.., |door| door.address == address).collect();
        close(closing).await;
    }

    async fn close_all(&mut self) {
        close(core::mem::take(&mut self.open)).await;
    }
}

/// Closes them once everybody who had come is accepted.
async fn close(doors: Vec<Door>) {
    for door in &doors {
        door.close.notify_one();
    }
    for door in doors {
        // A panic in there was printed when it happened, and the socket is closed all the same.
        let _ = door.accepting.await;
    }
}

/// Accepts until told to close, and then who waits in the backlog.
async fn accept(worker: Rc<Worker>, listener: TcpListener, close: Rc<Notify>) {
    let mut is_closing = false;
    loop {
        let full = worker.connections.get() >= worker.here.borrow().site.limits.connections_a_worker;
        if full {
            time::sleep(FULL).await;
            continue;
        }
        let accepted = tokio::select! {
            biased;
            accepted = listener.accept() => accepted,
            () = core::future::ready(()), if is_closing => return,
            () = close.notified(), if !is_closing => {
                is_closing = true;
                continue;
            }
        };
        match accepted {
            Ok((stream, client)) => {
                let held = Held::new(&worker);
                spawn_local(async move { front::connection(&held.0, stream, client).await });
            }
            // It was gone before we came: that is no reason to let the next one wait.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(_) => time::sleep(OUT_OF_DESCRIPTORS).await,
        }
    }
}

/// One connection that counts, until it is dropped, even by a panic.
struct Held(Rc<Worker>);

impl Held {
    fn new(worker: &Rc<Worker>) -> Self {
        worker.connections.set(worker.connections.get() + 1);
        Self(worker.clone())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.connections.set(self.0.connections.get() - 1);
    }
}
