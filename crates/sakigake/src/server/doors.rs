//! The listening sockets of a worker: who accepts, and how they close.

use super::{
    Kind, front,
    quic::{self, Quic},
    upgrade,
    worker::{Command, Socket, Worker},
};
use crate::metrics;
use std::{
    io,
    net::SocketAddr,
    os::fd::{AsFd, OwnedFd},
    rc::Rc,
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::TcpListener,
    sync::{Notify, mpsc::UnboundedReceiver},
    task::{JoinHandle, spawn_local},
    time,
};

/// How long to wait before accepting again after the system had no descriptor left.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(100);
/// How often a worker that has all the connections it may have looks whether one ended.
const FULL: Duration = Duration::from_millis(10);
/// Connections that are accepted from a socket that is to be closed: more than its backlog holds, since a successor that
/// shares the socket takes what comes later.
const LAST: usize = 2_048;

/// All of them.
pub(super) struct Doors {
    worker: Rc<Worker>,
    quic: Option<Quic>,
    open: Vec<Door>,
    /// Those that were closed and may still accept who had come: while the worker is full, that can take long.
    closing: Vec<JoinHandle<()>>,
}

/// One of them, with the task that accepts.
struct Door {
    address: SocketAddr,
    listener: Rc<TcpListener>,
    close: Rc<Notify>,
    accepting: JoinHandle<()>,
}

impl Doors {
    pub(super) fn new(worker: Rc<Worker>, quic: Option<quic::Place>) -> Self {
        let quic = quic.map(|place| Quic::start(&worker, place));
        Self { worker, quic, open: Vec::new(), closing: Vec::new() }
    }

    /// Does what it is told until it is told to stop.
    pub(super) async fn obey(&mut self, mut orders: UnboundedReceiver<Command>) {
        let told = self.worker.stop.told();
        let mut told = std::pin::pin!(told);
        loop {
            let command = tokio::select! {
                biased;
                () = &mut told => return,
                command = orders.recv() => command,
            };
            match command {
                Some(Command::Reload(site)) => self.worker.reload(site),
                Some(Command::Open(socket)) => {
                    if let Err(error) = self.open(socket) {
                        eprintln!("warning: a listening socket cannot be used: {error}");
                    }
                }
                Some(Command::Close(address, Kind::Http3, closing)) => self.close_http3(address, closing),
                Some(Command::Close(address, _, closing)) => self.close(address, &closing),
                Some(Command::Lend(lender)) => {
                    let copy = |door: &Door| door.listener.as_fd().try_clone_to_owned();
                    // Whoever gave up asking needs none.
                    let _ = self
                        .open
                        .iter()
                        .map(copy)
                        .try_for_each(|copy: io::Result<OwnedFd>| lender.send(copy));
                }
                Some(Command::LendHttp3(lender)) => {
                    if let Some(quic) = &self.quic {
                        quic.lend(lender);
                    }
                }
                // Nobody is left who could order anything but to stop.
                None => return told.await,
            }
        }
    }

    pub(super) fn open(&mut self, socket: Socket) -> io::Result<()> {
        match (socket, &self.quic) {
            (Socket::Listener(listener, kind), _) => self.listen(listener, kind),
            (Socket::Datagrams(socket), Some(quic)) => {
                self.worker.serve_http3(socket.local_addr()?, true);
                quic.open(socket)
            }
            (Socket::Datagrams(_), None) => Err(io::Error::other("this thread serves no HTTP/3")),
        }
    }

    fn listen(&mut self, listener: std::net::TcpListener, kind: Kind) -> io::Result<()> {
        let listener = Rc::new(TcpListener::from_std(listener)?);
        let address = listener.local_addr()?;
        let close = Rc::new(Notify::new());
        let accepting =
            spawn_local(accept(self.worker.clone(), (listener.clone(), address), kind, close.clone()));
        self.open.push(Door { address, listener, close, accepting });
        Ok(())
    }

    /// Its connections go on; who comes is told nothing, and nobody is told to come.
    fn close_http3(&mut self, address: SocketAddr, closing: Arc<()>) {
        self.worker.serve_http3(address, false);
        if let Some(quic) = &self.quic {
            quic.close(address, closing);
        }
    }

    /// Nothing waits for its end here: other orders, and the one to stop, are heard.
    fn close(&mut self, address: SocketAddr, closing: &Arc<()>) {
        self.closing.retain(|accepting| !accepting.is_finished());
        for door in self.open.extract_if(.., |door| door.address == address) {
            let (accepting, closing) = (door.close(), closing.clone());
            self.closing.push(spawn_local(async move {
                // A panic in there was printed when it happened, and the socket is closed all the same.
                let _ = accepting.await;
                drop(closing);
            }));
        }
    }

    /// Closes all, and waits until everybody who had come is accepted.
    pub(super) async fn close_all(&mut self) {
        self.closing.extend(self.open.drain(..).map(Door::close));
        for accepting in self.closing.drain(..) {
            // A panic in there was printed when it happened, and the socket is closed all the same.
            let _ = accepting.await;
        }
    }
}

impl Door {
    fn close(self) -> JoinHandle<()> {
        self.close.notify_one();
        self.accepting
    }
}

/// Accepts until told to close, and then who waits in the backlog.
async fn accept(
    worker: Rc<Worker>,
    (listener, here): (Rc<TcpListener>, SocketAddr),
    kind: Kind,
    close: Rc<Notify>,
) {
    let mut left = None;
    while left != Some(0) {
        if worker.is_full() {
            time::sleep(FULL).await;
            continue;
        }
        let accepted = tokio::select! {
            biased;
            () = close.notified(), if left.is_none() => {
                left = Some(LAST);
                continue;
            }
            accepted = listener.accept() => accepted,
            () = core::future::ready(()), if left.is_some() => return,
        };
        left = left.map(|left| left - 1);
        match accepted {
            Ok((stream, client)) => {
                // Who has all the connections that an address may have is closed at once.
                let Some(held) = worker.hold(client) else { continue };
                spawn_local(async move {
                    match kind {
                        Kind::Https | Kind::Http3 => {
                            front::connection(&held.worker, stream, client, here.port()).await;
                        }
                        Kind::Redirect(port) => {
                            upgrade::connection(&held.worker, stream, client, port).await;
                        }
                        Kind::Metrics => {
                            let site = held.worker.here().site.clone();
                            let text = || site.metrics.text(&site);
                            metrics::connection(stream, text, held.worker.stop.told()).await;
                        }
                    }
                });
            }
            // It was gone before we came: that is no reason to let the next one wait.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(_) => time::sleep(OUT_OF_DESCRIPTORS).await,
        }
    }
}
