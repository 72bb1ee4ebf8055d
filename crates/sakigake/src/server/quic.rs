//! A worker's QUIC: HTTP/3 on the same thread as its TCP connections, for the same hosts.

use super::{
    Site,
    front::{self, Front},
    worker::{Held, Worker},
};
use crate::{handler::H3, streams::Streams, tickets::Keys};
use core::task::{Context, Poll};
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_net::{
    Clock, SystemEntropy, UdpPort,
    quic::{
        Application, Connection, Estate, Event, Http, Lent, Limits, Member, Secrets, Service, Terms,
        Worker as Datagrams,
    },
};
use sakigake_quic::{
    connection::{Config, Options},
    endpoint::{
        Retry, Validation,
        token::{AddressTokens, Lives},
    },
    paths::Addresses,
};
use sakigake_session::Http3;
use sakigake_tls as tls;
use sakigake_wire::Instant;
use std::{
    cell::RefCell,
    io,
    net::{SocketAddr, UdpSocket},
    pin::Pin,
    rc::Rc,
    sync::{Arc, mpsc as std_mpsc},
    time::Duration,
};
use tokio::{
    sync::mpsc::{self, UnboundedReceiver, UnboundedSender},
    task::spawn_local,
    time,
};

/// Connections of one worker whose clients have not shown yet that they are where they say: from there on newcomers are asked to.
const HALF_OPEN: usize = 256;

/// How long to wait after the system had no use for a socket.
const PAUSE: Duration = Duration::from_millis(100);

/// A worker's place among those that serve QUIC, and what all of them go by.
pub(super) struct Place {
    member: Member,
    terms: Terms,
    manner: Manner,
}

/// How QUIC behaves on connections that begin now: as the site of now says.
#[derive(Clone)]
struct Manner {
    /// What no reload changes.
    options: Options,
    /// By which numbers it was last built, and what that gave.
    built: (Numbers, Arc<Config>),
}

/// What a site says of it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Numbers {
    idle_ms: u64,
    requests: Option<u64>,
}

impl Numbers {
    fn of(site: &Site) -> Self {
        let requests = site.session.now().h2.as_ref().map(|h2| u64::from(h2.limits.streams));
        Self { idle_ms: site.limits.idle_ms, requests }
    }

    fn build(self, options: &Options) -> io::Result<Arc<Config>> {
        let mut options = options.clone();
        options.max_idle_timeout_ms = options.max_idle_timeout_ms.min(self.idle_ms);
        let streams = &mut options.limits.streams;
        streams.bidirectional_streams = self.requests.unwrap_or(streams.bidirectional_streams);
        options.build(&PROVIDER).map_err(|unfit| io::Error::other(unfit.0))
    }
}

impl Manner {
    fn new(options: Options, site: &Site) -> io::Result<Self> {
        let numbers = Numbers::of(site);
        let config = numbers.build(&options)?;
        Ok(Self { options, built: (numbers, config) })
    }

    /// That of a site; where it is of no use, what was before stays.
    fn now(&mut self, site: &Site) -> Arc<Config> {
        let numbers = Numbers::of(site);
        if numbers != self.built.0 {
            match numbers.build(&self.options) {
                Ok(config) => self.built.1 = config,
                Err(error) => eprintln!("warning: HTTP/3's connections stay as they were: {error}"),
            }
            self.built.0 = numbers;
        }
        self.built.1.clone()
    }
}

impl Place {
    /// One for each of so many workers, and what all of them hand on.
    pub(super) fn all(
        site: &Site,
        clock: Clock,
        secrets: &Secrets,
        workers: usize,
    ) -> io::Result<(Vec<Self>, Estate)> {
        let tokens = Arc::new(AddressTokens::new(Keys::in_memory()?, Lives::default()));
        let options = Options {
            reset_key: Some(secrets.reset_key()),
            tokens: Some(tokens.clone()),
            unix_secs_at_start: clock.unix_secs_at_start(),
            ..Options::default()
        };
        let manner = Manner::new(options, site)?;
        let validation = Some(Validation { tokens, retry: Retry::From(HALF_OPEN) });
        let terms = Terms { tls: site.session.now().tls.clone(), quic: manner.built.1.clone(), validation };
        let workers = u16::try_from(workers).map_err(io::Error::other)?;
        let members = Member::crew(secrets, workers, Limits::default());
        let estate =
            members.first().map(Member::estate).ok_or_else(|| io::Error::other("there is no worker"))?;
        let places =
            members.into_iter().map(|member| Self { member, terms: terms.clone(), manner: manner.clone() });
        Ok((places.collect(), estate))
    }
}

/// What a worker's QUIC is told.
enum Order {
    Open(Box<UdpPort>),
    Close(SocketAddr, Arc<()>),
    Lend(Lender),
}

/// Who asks for copies of sockets.
pub(super) type Lender = std_mpsc::Sender<io::Result<Vec<Lent>>>;

/// The way to it.
pub(super) struct Quic(UnboundedSender<Order>);

impl Quic {
    /// Begins, without sockets, on the worker's own thread.
    pub(super) fn start(worker: &Rc<Worker>, place: Place) -> Self {
        let (orders, ordered) = mpsc::unbounded_channel();
        let Place { member, terms, manner } = place;
        let desk = Desk { worker: worker.clone(), manner: RefCell::new(manner) };
        let datagrams = Datagrams::member(worker.clock, member, terms, desk);
        spawn_local(serve(datagrams, ordered));
        Self(orders)
    }

    /// Serves who comes there too.
    pub(super) fn open(&self, socket: UdpSocket) -> io::Result<()> {
        let port = UdpPort::adopt(socket)?;
        self.0.send(Order::Open(Box::new(port))).map_err(io::Error::other)
    }

    /// Serves nobody more who comes there. `closing` is dropped when the socket is closed.
    pub(super) fn close(&self, address: SocketAddr, closing: Arc<()>) {
        // Where it has ended, all sockets are closed.
        let _ = self.0.send(Order::Close(address, closing));
    }
}

impl Quic {
    /// Gives copies of its sockets.
    pub(super) fn lend(&self, lender: Lender) {
        // Where it has ended there are none.
        let _ = self.0.send(Order::Lend(lender));
    }
}

/// Until the worker ends.
async fn serve(mut datagrams: Datagrams<Desk>, mut orders: UnboundedReceiver<Order>) {
    let mut closing: Vec<(SocketAddr, Arc<()>)> = Vec::new();
    loop {
        let turn = tokio::select! {
            biased;
            Some(order) = orders.recv() => {
                match order {
                    Order::Open(port) => datagrams.add(*port),
                    Order::Close(address, until) => {
                        datagrams.close(address);
                        closing.push((address, until));
                    }
                    // Whoever gave up asking needs none.
                    Order::Lend(lender) => drop(lender.send(datagrams.lend())),
                }
                Ok(())
            }
            turn = datagrams.turn() => turn,
        };
        closing.retain(|(address, _)| datagrams.ports().any(|port| port == *address));
        if let Err(error) = turn {
            eprintln!("warning: a socket for HTTP/3 cannot be read: {error}");
            time::sleep(PAUSE).await;
        }
    }
}

/// Who accepts clients.
struct Desk {
    worker: Rc<Worker>,
    manner: RefCell<Manner>,
}

type Told = Pin<Box<dyn Future<Output = ()>>>;

/// A client.
struct Guest {
    http: Http<Streams<Front, Told>>,
    front: Rc<Front>,
    /// It counts as a connection.
    _held: Held,
}

impl Service for Desk {
    type Application = Guest;

    fn accept(&mut self, _: Instant, addresses: &Addresses) -> Option<Guest> {
        let worker = &self.worker;
        if worker.is_full() || worker.is_stopping() {
            return None;
        }
        let config = front::config_now(worker);
        let queue_bytes = config.h3.as_ref()?.limits.send_queue_bytes;
        let held = worker.hold(addresses.peer)?;
        let told: Told = Box::pin(worker.stop.told());
        let front = Rc::new(Front::new(worker.clone(), addresses.peer, config.clone(), None));
        let streams = Streams::new(front.clone(), told, front::bounds(worker, queue_bytes), H3);
        let http3 = Http3::server(config).greased(&mut SystemEntropy);
        let http = Http::new(worker.clock, http3, streams);
        Some(Guest { http, front, _held: held })
    }

    fn tls(&self, guest: &Guest) -> Option<Arc<tls::server::Config>> {
        Some(guest.front.tls().clone())
    }

    fn quic(&self, _: &Guest) -> Option<Arc<Config>> {
        Some(self.manner.borrow_mut().now(&self.worker.here().site))
    }

    fn ended(&mut self, guest: Guest) {
        guest.front.ended(guest.http.outcome());
    }
}

impl Application for Guest {
    fn begun(&mut self, now: Instant, connection: &mut Connection) {
        self.http.begun(now, connection);
    }

    fn heard(&mut self, now: Instant, event: Event<'_>) {
        self.http.heard(now, event);
    }

    fn act(&mut self, now: Instant, connection: &mut Connection) {
        self.http.act(now, connection);
    }

    fn poll_wake(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.http.poll_wake(cx)
    }
}
