//! One worker's QUIC: its ports, its endpoint, its connections and their timers, in one task and shared with nobody.
//!
//! ```text
//!   UdpPort::recv -> Endpoint::route -> Connection::handle -> Application::heard
//!   Application::act -> Connection::transmit -> UdpPort::send
//! ```

mod crew;
mod estate;
mod floor;
mod http;
mod kin;
mod mailbox;
mod nudges;
mod ports;
mod seat;
mod secrets;
mod timers;

#[cfg(test)]
mod tests;

pub use crew::{Handed, Limits, Member};
pub use estate::{Bequest, Estate, Heritage, Lent};
pub use http::Http;
pub use sakigake_quic::connection::{Connection, Event};
pub use secrets::Secrets;

use crate::{Clock, Slab, UdpPort};
use core::{
    future::poll_fn,
    task::{Context, Poll},
};
use floor::{Floor, chance};
use kin::Inboxes;
use mailbox::{News, Post};
use ports::Ports;
use sakigake_quic::{
    connection::{self, Attempt},
    endpoint::{Counters, Validation},
    paths::Addresses,
};
use sakigake_tls as tls;
use sakigake_wire::Instant;
use std::{io, net::SocketAddr, pin::Pin, sync::Arc};
use tokio::time::{Sleep, sleep_until};

/// Batches that one connection may send before the next one's turn.
const BATCHES_A_TURN: usize = 4;

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

    /// A client begins; none to turn it away, which it is told (RFC 9000 section 5.2.2).
    fn accept(&mut self, now: Instant, addresses: &Addresses) -> Option<Self::Application>;

    /// How TLS behaves on the connection that was just accepted; none for [`Terms::tls`].
    fn tls(&self, application: &Self::Application) -> Option<Arc<tls::server::Config>> {
        let _ = application; // Most services behave the same for as long as they are there.
        None
    }

    /// How QUIC behaves on it; none for [`Terms::quic`]. Versions, and what the endpoint goes by, are those of the terms.
    fn quic(&self, application: &Self::Application) -> Option<Arc<connection::Config>> {
        let _ = application; // As above.
        None
    }

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
    ports: Ports,
    slab: Slab,
    /// What other workers gave and was not read yet.
    post: Post,
    /// What other processes give.
    inboxes: Inboxes,
    timer: Option<(Instant, Pin<Box<Sleep>>)>,
    floor: Floor<S>,
}

impl<S: Service> Worker<S> {
    /// A worker that serves nobody, for connections of its own.
    pub fn client(clock: Clock, secrets: &Secrets, service: S) -> Self {
        Self::new(clock, Member::alone(secrets), None, service)
    }

    /// The only worker that serves clients.
    pub fn server(clock: Clock, secrets: &Secrets, terms: Terms, service: S) -> Self {
        let member = Member::crew(secrets, 1, Limits::default()).remove(0);
        Self::member(clock, member, terms, service)
    }

    /// One of several workers that serve clients on the same addresses, each with a port of its own there
    /// ([`UdpPort::share`]).
    pub fn member(clock: Clock, member: Member, terms: Terms, service: S) -> Self {
        Self::new(clock, member, Some(terms), service)
    }

    fn new(clock: Clock, member: Member, terms: Option<Terms>, service: S) -> Self {
        let floor = Floor::new(clock, member, terms, service);
        let (ports, slab, post) = (Ports::default(), Slab::default(), Post::default());
        Self { clock, ports, slab, post, inboxes: Inboxes::default(), timer: None, floor }
    }

    /// Listens at one more port, and may send from it.
    pub fn add(&mut self, port: UdpPort) {
        self.floor.closing.retain(|bound| *bound != port.local());
        self.ports.add(port);
    }

    /// Accepts nobody at that address any more. The port goes when its last connection is over.
    pub fn close(&mut self, local: SocketAddr) {
        self.floor.closing.push(local);
        self.close_unused();
    }

    /// Closes the ports that are to be closed and that no connection has.
    fn close_unused(&mut self) {
        let Self { ports, floor, .. } = self;
        let mut closing = core::mem::take(&mut floor.closing);
        closing.retain(|bound| {
            let is_used = floor.seats.iter().flatten().any(|seat| ports::is_at(*bound, seat.local()));
            if !is_used {
                ports.remove(*bound);
            }
            is_used
        });
        floor.closing = closing;
    }

    /// The sockets of its ports once more, for [`Estate::bequeath`].
    ///
    /// # Errors
    /// The system has no descriptors left.
    pub fn lend(&self) -> io::Result<Vec<Lent>> {
        let worker = self.floor.member.number();
        self.ports.iter().map(|port| Ok(Lent { worker, socket: port.lend()? })).collect()
    }

    /// What its crew hands on.
    pub fn estate(&self) -> Estate {
        self.floor.member.estate()
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

    /// What came for other workers, and from them.
    pub fn handed(&self) -> &Handed {
        &self.floor.handed
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
        let Self { ports, slab, post, inboxes, floor, clock, .. } = self;
        for news in post.news() {
            match news {
                News::Inbox(end) => inboxes.add(end)?,
                news => floor.learn(clock.now(), news, ports),
            }
        }
        let mut is_one_over = false;
        for number in 0..ports.len() {
            for _ in 0..ports.slabs_a_turn() {
                let Some(datagrams) = ports.get(number).recv(slab)? else { break };
                let now = clock.now();
                datagrams.for_each(|datagram| is_one_over |= floor.take_from_crowd(now, datagram, ports));
            }
        }
        post.read(|datagram| {
            floor.handed.taken += 1;
            floor.take(clock.now(), datagram, ports);
        });
        inboxes.read(|standing, datagram| {
            floor.handed.taken += 1;
            floor.take_as(standing, clock.now(), datagram, ports);
        })?;
        floor.expire();
        is_one_over |= floor.act(ports);
        if is_one_over && !floor.closing.is_empty() {
            self.close_unused();
        }
        // A worker whose peers always have something to say must not have the thread for itself.
        tokio::task::coop::consume_budget().await;
        Ok(())
    }

    /// Waits for the ports, other workers, the owners and the clock.
    async fn wait(&mut self) -> io::Result<()> {
        let Self { ports, post, inboxes, floor, timer, clock, .. } = self;
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
            let mut is_ready = match ports.poll(cx, |index| floor.freed(index)) {
                Poll::Ready(outcome) => outcome.map(|()| true)?,
                Poll::Pending => false,
            };
            is_ready |= match inboxes.poll(cx) {
                Poll::Ready(outcome) => outcome.map(|()| true)?,
                Poll::Pending => false,
            };
            is_ready |= !post.is_empty() || floor.member.poll_post(cx, post).is_ready();
            if let Poll::Ready(woken) = floor.nudges.poll_woken(cx) {
                is_ready |= floor.wake(&woken);
                floor.nudges.listen(cx);
            }
            is_ready |= timer.as_mut().is_some_and(|(_, sleep)| sleep.as_mut().poll(cx).is_ready());
            if is_ready || !floor.ready.is_empty() { Poll::Ready(Ok(())) } else { Poll::Pending }
        })
        .await
    }
}
