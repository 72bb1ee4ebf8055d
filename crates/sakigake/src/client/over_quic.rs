//! Connections over QUIC: attempts at several addresses, and one that carries the requests.
//!
//! Each connection has a worker and a port of its own, in its own task: nobody can tell by the port which connections are one
//! client's, and what one of them hears keeps no other waiting.

use super::{
    Shared,
    alternatives::Spot,
    connection::Ear,
    dial::Dialled,
    exchanges::Exchanges,
    failure::{Cause, Failed},
    offers::{Way, own},
    place,
};
use crate::qlog::Qlog;
use core::{
    cell::RefCell,
    future::poll_fn,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};
use sakigake_net::{
    self as net, Clock, Refusals, SystemEntropy, UdpOptions, UdpPort,
    quic::{self, Connection, Service, Worker},
    source_towards,
};
use sakigake_quic::{connection::Attempt, ids::ConnectionId, paths::Addresses};
use sakigake_session::{self as session, Carrier, ClientConfig, Fault, Http3, OverQuic};
use sakigake_tls as tls;
use sakigake_wire::Instant;
use std::{collections::VecDeque, io, net::SocketAddr, rc::Rc, sync::Arc};
use tokio::{
    sync::Notify,
    time::{Sleep, sleep},
};

/// How long an attempt is alone before the next address joins it, and before TCP does.
const HEAD_START: Duration = Duration::from_millis(250);

/// What all attempts at one connection share: who makes the requests, and which attempt they go by.
#[derive(Default)]
struct Stage {
    exchanges: Option<Exchanges>,
    /// The attempt that carries them: the first one whose handshake is over, or before that the one that asks early.
    holder: Option<usize>,
    /// Attempts that the server was heard at, whatever it said.
    answered: Vec<usize>,
    /// Those that found nobody: they are over for the race, whatever comes of them.
    refused: Vec<usize>,
    /// Attempts that are over, and how they ended.
    over: Vec<Over>,
}

/// The stage is each attempt's, and the task's that drives them: one thread, and nobody holds it across a call to another.
type Shelf = Rc<RefCell<Stage>>;

/// How it ended.
pub(super) enum Raced {
    /// The connection came about, and this is how it ended.
    Ended(Result<(), Failed>),
    /// TCP was faster: what was to be asked is asked there.
    Tcp(Box<Exchanges>, Dialled),
    /// Neither came about.
    Failed(Failed),
}

/// What one connection over QUIC is made of.
pub(super) struct Plan {
    pub(super) config: Arc<ClientConfig>,
    /// The ticket to go on from, and the token beside it.
    pub(super) session: Option<tls::Session>,
    pub(super) token: Vec<u8>,
    pub(super) is_early: bool,
    /// Where to try, in order.
    pub(super) ways: Vec<Way>,
}

pub(super) struct Race {
    shared: Rc<Shared>,
    ear: Ear,
    plan: Plan,
    waiting: VecDeque<(usize, Way)>,
    shelf: Shelf,
    worker: Worker<Nobody>,
    /// What the network says of its ports' datagrams.
    words: Vec<Word>,
    /// Attempts that are under way, by number.
    running: Vec<usize>,
    failures: Vec<(SocketAddr, Failed)>,
}

impl Race {
    pub(super) fn new(shared: Rc<Shared>, ear: Ear, plan: Plan) -> Self {
        let stage = Stage::default();
        let worker = Worker::client(shared.clock, &shared.secrets, Nobody);
        let waiting = plan.ways.iter().cloned().enumerate().collect();
        let shelf = Rc::new(RefCell::new(stage));
        Self {
            shared,
            ear,
            plan,
            waiting,
            shelf,
            worker,
            words: Vec::new(),
            running: Vec::new(),
            failures: Vec::new(),
        }
    }

    /// Runs until a connection that came about has ended, or none can. `tcp` joins a little later, or as soon as QUIC is at its
    /// end.
    pub(super) async fn run<F>(mut self, exchanges: Exchanges, tcp: Option<F>) -> Raced
    where
        F: Future<Output = Result<Dialled, Failed>>,
    {
        self.shelf.borrow_mut().exchanges = Some(exchanges);
        let hurry = Notify::new();
        let (mut has_tcp, mut tcp_failed) = (tcp.is_some(), None);
        let mut tcp = pin!(async {
            tokio::select! {
                () = sleep(HEAD_START) => {}
                () = hurry.notified() => {}
            }
            match tcp {
                Some(tcp) => tcp.await,
                None => core::future::pending().await,
            }
        });
        let mut late = pin!(sleep(self.shared.connect_patience));
        let mut next = pin!(sleep(HEAD_START));
        self.begin_next();
        loop {
            if self.running.is_empty() && !self.begin_next() {
                match (has_tcp, tcp_failed.take()) {
                    (true, _) => hurry.notify_one(), // spec: 7838-2.4-a
                    (false, Some(why)) => return Raced::Failed(why),
                    (false, None) => return Raced::Failed(self.failed()),
                }
            }
            let is_open = !self.is_ready();
            if !is_open {
                self.words.clear(); // Who is there cannot be refused any more.
            }
            tokio::select! {
                turn = self.worker.turn(), if !self.running.is_empty() => {
                    if let Err(error) = turn {
                        return Raced::Failed(Failed::new(Cause::QuicConnect, format_args!("UDP: {error}")));
                    }
                    if let Some(ended) = self.settle() {
                        return Raced::Ended(ended);
                    }
                }
                peer = refused(&mut self.words), if is_open => self.give_up(peer),
                dialled = &mut tcp, if has_tcp && is_open => {
                    has_tcp = false;
                    match dialled {
                        Ok(dialled) => return self.lost_to(dialled),
                        Err(why) => tcp_failed = Some(why),
                    }
                }
                () = &mut next, if is_open && !self.waiting.is_empty() => {
                    self.begin_next();
                    next.as_mut().reset(tokio::time::Instant::now() + HEAD_START);
                }
                () = &mut late, if is_open => return Raced::Failed(self.too_late()),
            }
        }
    }

    fn is_ready(&self) -> bool {
        self.shelf.borrow().exchanges.as_ref().is_some_and(Exchanges::is_ready)
    }

    /// Begins at the next address; whether there is one that can be tried.
    fn begin_next(&mut self) -> bool {
        while let Some((number, way)) = self.waiting.pop_front() {
            match self.begin(number, &way) {
                Ok(()) => {
                    self.running.push(number);
                    return true;
                }
                Err(why) => self.failures.push((way.address, why)),
            }
        }
        false
    }

    fn begin(&mut self, number: usize, way: &Way) -> Result<(), Failed> {
        let peer = way.address;
        let local = self.port(peer).map_err(|error| {
            Failed::new(Cause::QuicConnect, format_args!("no UDP port towards {peer}: {error}"))
        })?;
        let is_first = number == 0;
        let session = if is_first { self.plan.session.take() } else { None };
        let remembered = session.as_ref().and_then(Http3::remembered);
        if is_first && self.plan.is_early && remembered.is_some() {
            self.shelf.borrow_mut().holder = Some(number);
        }
        let runner = Runner {
            http3: Http3::client(self.plan.config.clone()).greased(&mut SystemEntropy),
            remembered,
            candidate: Candidate {
                number,
                way: way.clone(),
                shelf: self.shelf.clone(),
                ear: self.ear.clone(),
                shared: self.shared.clone(),
            },
            qlog: self.shared.qlog.clone().map(Qlog::new),
            clock: self.shared.clock,
            timer: None,
            is_answered: false,
            is_over: false,
        };
        let host = self.ear.origin.host.trim_start_matches('[').trim_end_matches(']'); // spec: 7838-2.1-a
        let attempt = Attempt {
            server_name: host,
            session,
            token: if is_first { core::mem::take(&mut self.plan.token) } else { Vec::new() },
            addresses: Addresses { local, peer },
            local: ConnectionId::EMPTY,
            version: None,
            has_reacted: false,
        };
        self.ear.frame(|| format!("QUIC: trying {peer}"));
        self.worker
            .connect(self.plan.config.tls.clone(), self.shared.quic_for(self.ear.asker), attempt, runner)
            .map_err(|misuse| Failed::new(Cause::UrlMalformat, misuse))
    }

    /// A port towards `peer`. Each attempt has one: what the network says of one of them is no other's.
    fn port(&mut self, peer: SocketAddr) -> io::Result<SocketAddr> {
        let source = source_towards(peer)?;
        let port = UdpPort::bind(SocketAddr::new(source, 0), &UdpOptions::default())?;
        let local = port.local();
        self.words.push(listen(port.refusals()?));
        self.worker.add(port);
        Ok(local)
    }

    /// Looks at what the last turn left of the attempts. Gives how the connection ended, if it did.
    fn settle(&mut self) -> Option<Result<(), Failed>> {
        let all = core::mem::take(&mut self.shelf.borrow_mut().over);
        for Over { number, way, outcome } in all {
            if self.shelf.borrow().refused.contains(&number) {
                continue;
            }
            self.running.retain(|running| *running != number);
            let is_holder = self.shelf.borrow().holder == Some(number);
            if is_holder && self.is_ready() {
                return Some(outcome);
            }
            if is_holder {
                self.shelf.borrow_mut().let_go();
            }
            if self.is_ready() {
                continue; // It gave way to another one.
            }
            let closed = || Failed::new(Cause::QuicConnect, "the server closed the connection");
            let why = outcome.err().unwrap_or_else(closed);
            self.note(&way, why);
        }
        None
    }

    fn note(&mut self, way: &Way, why: Failed) {
        self.ear.frame(|| format!("QUIC: {why}"));
        self.failures.push((way.address, why));
        self.shared.http3_failed(&self.ear.origin, &way.spot);
    }

    /// The network says that nobody listens there. Once somebody has answered, he is believed and it is not.
    fn give_up(&mut self, peer: SocketAddr) {
        let is_there = |way: &Way| (way.address.ip(), way.address.port()) == (peer.ip(), peer.port());
        for number in self.running.clone() {
            let way = self.plan.ways[number].clone();
            let mut stage = self.shelf.borrow_mut();
            if !is_there(&way) || stage.answered.contains(&number) {
                continue;
            }
            stage.refused.push(number);
            if stage.holder == Some(number) {
                stage.let_go();
            }
            drop(stage);
            self.running.retain(|running| *running != number);
            let place = place(&self.ear.origin);
            let why = format_args!("cannot connect to {place} over QUIC: UDP port {peer} is unreachable");
            self.note(&way, Failed::new(Cause::CouldntConnect, why));
        }
    }

    /// TCP came about first.
    fn lost_to(self, dialled: Dialled) -> Raced {
        let Self { ear, shelf, shared, plan, worker, running, .. } = self;
        drop(worker); // Its attempts go without a word: nobody has seen more of them than a handshake.
        let mut stage = shelf.borrow_mut();
        // A server that answers is slow rather than absent.
        if stage.answered.is_empty() {
            for way in &plan.ways {
                shared.http3_failed(&ear.origin, &way.spot);
            }
        }
        if !running.is_empty() {
            ear.frame(|| "QUIC: TCP was faster".to_owned());
        }
        stage.let_go();
        match stage.exchanges.take() {
            Some(exchanges) => Raced::Tcp(Box::new(exchanges), dialled),
            None => unreachable!("nobody else takes them"),
        }
    }

    /// Why none came about, if not for lack of time.
    fn failed(&mut self) -> Failed {
        let place = place(&self.ear.origin);
        match self.failures.len() {
            0 => Failed::new(Cause::QuicConnect, format_args!("{place}: nothing is known of HTTP/3 there")),
            1 => self.failures.remove(0).1,
            _ => {
                let cause = self.failures[0].1.cause;
                let words: Vec<String> =
                    self.failures.iter().take(3).map(|(address, why)| format!("{address}: {why}")).collect();
                Failed::new(cause, words.join("; "))
            }
        }
    }

    fn too_late(&self) -> Failed {
        let (place, patience) = (place(&self.ear.origin), self.shared.connect_patience);
        for way in &self.plan.ways {
            self.shared.http3_failed(&self.ear.origin, &way.spot);
        }
        Failed::new(
            Cause::OperationTimedout,
            format_args!("cannot connect to {place} over QUIC: no answer within {patience:?}"),
        )
    }
}

impl Stage {
    /// The attempt that carried requests is gone, and nobody has answered: they are asked again.
    fn let_go(&mut self) {
        if self.holder.take().is_some()
            && let Some(exchanges) = &mut self.exchanges
        {
            exchanges.begin_anew();
        }
    }
}

/// One attempt, as an owner of HTTP.
struct Candidate {
    number: usize,
    way: Way,
    shelf: Shelf,
    ear: Ear,
    shared: Rc<Shared>,
}

impl Candidate {
    fn is_holder(&self, stage: &Stage) -> bool {
        stage.holder == Some(self.number)
    }

    /// How it ended, in words.
    fn explain(&self, fault: &Fault, was_ready: bool) -> Failed {
        let (origin, Spot { host, port }) = (place(&self.ear.origin), &self.way.spot);
        let place = if self.way.spot == own(&self.ear.origin) {
            origin
        } else {
            format!("{origin} at {host}:{port}")
        };
        Failed::of_quic(&place, fault, was_ready)
    }

    /// Its handshake is over: if it is the first one, it carries the requests.
    fn came_about(&self, stage: &mut Stage) {
        let Some(exchanges) = &mut stage.exchanges else { return };
        if exchanges.is_ready() || stage.holder == Some(self.number) || stage.refused.contains(&self.number) {
            return;
        }
        if stage.holder.replace(self.number).is_some() {
            exchanges.begin_anew();
        }
        // What the first attempt offered says nothing of this one.
        if self.number > 0 {
            exchanges.tickets = self.shared.tickets(&self.ear.origin, super::tickets::Over::Quic);
        }
    }
}

impl net::Application for Candidate {
    fn heard(&mut self, now: Instant, event: session::Event<'_>) {
        let mut stage = self.shelf.borrow_mut();
        if let session::Event::Ready { .. } = event {
            self.came_about(&mut stage);
            if self.is_holder(&stage) {
                self.shared.http3_worked(&self.ear.origin, &self.way.spot);
                if let Some(exchanges) = &mut stage.exchanges {
                    exchanges.goes_to(&self.way);
                }
            }
        }
        match (self.is_holder(&stage), &mut stage.exchanges) {
            (true, Some(exchanges)) => exchanges.heard(now, event),
            (false, Some(exchanges)) if matches!(event, session::Event::KeyLog(_)) => {
                exchanges.heard(now, event); // Whoever watches wants to read all attempts.
            }
            _ => {}
        }
    }

    fn act(&mut self, now: Instant, session: &mut dyn Carrier) {
        let mut stage = self.shelf.borrow_mut();
        let is_holder = self.is_holder(&stage);
        let is_refused = stage.refused.contains(&self.number);
        match &mut stage.exchanges {
            _ if is_refused => session.close(now),
            Some(exchanges) if is_holder => exchanges.act(now, session),
            Some(exchanges) if !exchanges.is_ready() => {}
            _ => session.close(now), // Another one carries the requests.
        }
    }

    fn poll_wake(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut stage = self.shelf.borrow_mut();
        match (self.is_holder(&stage), &mut stage.exchanges) {
            (true, Some(exchanges)) => exchanges.poll_wake(cx),
            _ => Poll::Pending,
        }
    }
}

/// An attempt with its HTTP/3, as the worker drives it.
struct Runner {
    http3: Http3,
    /// The server's settings of the connection that this one goes on from.
    remembered: Option<sakigake_h3::Settings>,
    candidate: Candidate,
    qlog: Option<Qlog>,
    clock: Clock,
    timer: Option<(Instant, Pin<Box<Sleep>>)>,
    is_answered: bool,
    is_over: bool,
}

impl Runner {
    /// Tells the race that it is over, once it is; what is left to say leaves in the same turn.
    fn look_for_the_end(&mut self) {
        let Some(outcome) = self.http3.outcome() else { return };
        if core::mem::replace(&mut self.is_over, true) {
            return;
        }
        let candidate = &self.candidate;
        let outcome = outcome.map_err(|fault| candidate.explain(fault, self.http3.is_ready()));
        let over = Over { number: candidate.number, way: candidate.way.clone(), outcome };
        candidate.shelf.borrow_mut().over.push(over);
    }
}

impl quic::Application for Runner {
    fn begun(&mut self, now: Instant, connection: &mut Connection) {
        if let Some(qlog) = &mut self.qlog {
            qlog.begun(now, connection.side());
        }
        if self.candidate.ear.watches || self.qlog.is_some() {
            connection.trace(now);
        }
        self.http3.begin(connection, self.remembered.take());
    }

    fn heard(&mut self, now: Instant, event: quic::Event<'_>) {
        use net::Application as _;
        let Self { http3, candidate, qlog, is_answered, .. } = self;
        match &event {
            quic::Event::Traced { at, record } => {
                if let Some(qlog) = qlog {
                    qlog.note(*at, record);
                }
                candidate.ear.frame(|| format!("QUIC: {record}"));
            }
            quic::Event::Closed(_) | quic::Event::KeyLog(_) => {}
            _ if *is_answered => {}
            _ => {
                *is_answered = true;
                candidate.shelf.borrow_mut().answered.push(candidate.number);
            }
        }
        http3.heard(now, event, &mut |event| candidate.heard(now, event));
        self.look_for_the_end();
    }

    fn act(&mut self, now: Instant, connection: &mut Connection) {
        use net::Application as _;
        let Self { http3, candidate, .. } = self;
        if http3.deadline().is_some_and(|at| at <= now) {
            http3.expire(now);
        }
        http3.tell(&mut |event| candidate.heard(now, event));
        candidate.act(now, &mut OverQuic { connection, http3 });
        http3.depart(now, connection);
        http3.tell(&mut |event| candidate.heard(now, event));
        if let Some(qlog) = &mut self.qlog {
            qlog.flush();
        }
        self.look_for_the_end();
    }

    fn poll_wake(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        use net::Application as _;
        if self.candidate.poll_wake(cx).is_ready() {
            return Poll::Ready(());
        }
        let Some(at) = self.http3.deadline() else {
            self.timer = None;
            return Poll::Pending;
        };
        if self.timer.as_ref().is_none_or(|(set, _)| *set != at) {
            let left = Duration::from_nanos(at.since(self.clock.now()).as_nanos());
            self.timer = Some((at, Box::pin(sleep(left))));
        }
        self.timer.as_mut().map_or(Poll::Pending, |(_, sleep)| sleep.as_mut().poll(cx))
    }
}

/// The next word of a port's, and the ear that heard it.
type Word = Pin<Box<dyn Future<Output = (Refusals, io::Result<SocketAddr>)>>>;

fn listen(mut refusals: Refusals) -> Word {
    Box::pin(async move {
        let heard = refusals.next().await;
        (refusals, heard)
    })
}

/// Where the network says that nobody listens, by whichever port. One that hears no more is left alone: its attempts have their time.
async fn refused(words: &mut Vec<Word>) -> SocketAddr {
    poll_fn(|cx| {
        for at in (0..words.len()).rev() {
            if let Poll::Ready((refusals, heard)) = words[at].as_mut().poll(cx) {
                match heard {
                    Ok(peer) => {
                        words[at] = listen(refusals);
                        return Poll::Ready(peer);
                    }
                    Err(_) => drop(words.remove(at)),
                }
            }
        }
        Poll::Pending
    })
    .await
}

/// What remains of an attempt.
struct Over {
    number: usize,
    way: Way,
    outcome: Result<(), Failed>,
}

/// Serves nobody.
struct Nobody;

impl Service for Nobody {
    type Application = Runner;

    fn accept(&mut self, _: Instant, _: &Addresses) -> Option<Runner> {
        None
    }

    fn ended(&mut self, _: Runner) {} // The race knows by then.
}
