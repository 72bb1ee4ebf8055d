use super::{
    Site, Stop,
    front::{self, Front, begin},
    worker::Worker,
};
use crate::{handler::H3, streams::Streams};
use sakigake_net::{
    Application as _, Clock, SystemEntropy,
    quic::{Application as _, Connection, Http},
};
use sakigake_quic::{
    connection::{Accepted, Chance, Config, Received, Transmit},
    ids::ConnectionId,
};
use sakigake_session::{Fault, Http3, Session};
use sakigake_wire::Instant;
use std::{
    future::Pending,
    net::{Ipv4Addr, SocketAddr},
    rc::Rc,
    sync::Arc,
};

/// A server's side of one connection without a socket: what a worker does with what it read, for whoever counts
/// instructions.
pub struct Bare {
    session: Session,
    application: Streams<Front, Pending<()>>,
    clock: Clock,
}

impl Bare {
    /// A client came.
    ///
    /// # Panics
    /// Outside of a tokio runtime: the connection has a timer.
    pub fn new(site: Arc<Site>) -> Self {
        let clock = Clock::start();
        let worker = worker(site, clock);
        let client = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        let (session, _, application) = begin(&worker, client, 0, std::future::pending());
        Self { session, application, clock }
    }

    /// What a read brought.
    ///
    /// # Errors
    /// The client broke a rule.
    pub fn handle(&mut self, input: &mut [u8]) -> Result<(), Fault> {
        let now = self.clock.now();
        let application = &mut self.application;
        self.session.handle(now, input, &mut |event| application.heard(now, event))
    }

    /// What a turn writes; `None` when there is nothing more.
    pub fn transmit(&mut self, out: &mut [u8]) -> Option<usize> {
        let now = self.clock.now();
        let application = &mut self.application;
        application.act(now, &mut self.session);
        let len = self.session.transmit(now, out);
        self.session.tell(&mut |event| application.heard(now, event));
        len
    }
}

/// The same over QUIC, of HTTP/3. What time it is is for its owner to say.
pub struct BareQuic {
    connection: Connection,
    http: Http<Streams<Front, Pending<()>>>,
    /// How many ids the client was given.
    ids: u64,
}

impl BareQuic {
    /// A client came; none where the site speaks no HTTP/3.
    ///
    /// # Panics
    /// Outside of a tokio runtime: the connection has a timer.
    pub fn new(site: Arc<Site>, quic: Arc<Config>, accepted: &Accepted, now: Instant) -> Option<Self> {
        let clock = Clock::start();
        let worker = worker(site, clock);
        let config = front::config_now(&worker);
        let queue_bytes = config.h3.as_ref()?.limits.send_queue_bytes;
        let chance = Chance { tls: Box::new(SystemEntropy), quic: Box::new(SystemEntropy) };
        let mut connection = Connection::server(config.tls.clone(), quic, accepted, now, chance);
        let bounds = front::bounds(&worker, queue_bytes);
        let front = Rc::new(Front::new(worker, accepted.addresses.peer, config.clone(), None));
        let streams = Streams::new(front, std::future::pending(), bounds, H3);
        let http3 = Http3::server(config).greased(&mut SystemEntropy);
        let mut http = Http::new(clock, http3, streams);
        http.begun(now, &mut connection);
        Some(Self { connection, http, ids: 0 })
    }

    /// A datagram came.
    pub fn handle(&mut self, now: Instant, datagram: Received<'_>) {
        let Self { connection, http, .. } = self;
        connection.handle(now, datagram, &mut |event| http.heard(now, event));
    }

    /// When [`BareQuic::expire`] wants to be called.
    pub fn deadline(&self) -> Option<Instant> {
        self.connection.deadline()
    }

    /// Tells the time.
    pub fn expire(&mut self, now: Instant) {
        let Self { connection, http, .. } = self;
        connection.expire(now, &mut |event| http.heard(now, event));
    }

    /// A batch that leaves; `None` when there is nothing more.
    pub fn transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<Transmit> {
        let Self { connection, http, ids } = self;
        while connection.ids_wanted() > 0 {
            *ids += 1;
            connection.issue(ConnectionId::new(&ids.to_be_bytes())?);
        }
        http.act(now, connection);
        connection.transmit(now, out)
    }
}

fn worker(site: Arc<Site>, clock: Clock) -> Rc<Worker> {
    let shard = site.metrics.shard();
    Rc::new(Worker::new(site, clock, Stop::new(), shard))
}
