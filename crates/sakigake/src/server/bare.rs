use super::{
    Site, Stop,
    front::{Front, begin},
    worker::Worker,
};
use crate::streams::Streams;
use sakigake_net::{Application as _, Clock};
use sakigake_session::{Fault, Session};
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
        let (clock, shard) = (Clock::start(), site.metrics.shard());
        let worker = Rc::new(Worker::new(site, clock, Stop::new(), shard));
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
