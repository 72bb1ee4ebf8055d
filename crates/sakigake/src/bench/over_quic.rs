//! One of the load's connections over QUIC, with a worker and a port of its own.

use super::{Plan, report::Report, requests::Requests};
use core::{
    convert::Infallible,
    task::{Context, Poll},
};
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_net::{
    Clock, SystemEntropy, UdpOptions, UdpPort,
    quic::{self, Connection, Http, Secrets, Service, Worker},
    source_towards,
};
use sakigake_quic::{
    connection::{Attempt, Config, Options},
    ids::ConnectionId,
    paths::Addresses,
};
use sakigake_session::Http3;
use sakigake_wire as wire;
use std::{cell::RefCell, io, net::SocketAddr, pin::pin, rc::Rc, sync::Arc, time::Instant};
use tokio::sync::oneshot;

/// What all connections have in common.
#[derive(Clone)]
pub(super) struct Common {
    secrets: Secrets,
    quic: Arc<Config>,
}

impl Common {
    pub(super) fn new(clock: Clock) -> Result<Self, &'static str> {
        let secrets = Secrets::draw();
        let reset_key = Some(secrets.reset_key());
        let unix_secs_at_start = clock.unix_secs_at_start();
        let options = Options { reset_key, unix_secs_at_start, ..Options::default() };
        let quic = options.build(&PROVIDER).map_err(|unfit| unfit.0)?;
        Ok(Self { secrets, quic })
    }
}

/// One connection, for as long as the load lasts.
pub(super) async fn run(plan: &Rc<Plan>, number: usize, report: &mut Report) -> Result<(), String> {
    let since = Instant::now();
    let peer = plan.addresses[number % plan.addresses.len()];
    let bound = bind(peer).and_then(|port| Ok((port.refusals()?, port)));
    let (refusals, port) = bound.map_err(|error| format!("no UDP port towards {peer}: {error}"))?;
    let local = port.local();
    let end = End::default();
    let (handshake, answered) = oneshot::channel();
    let requests = Requests::new(plan.clone(), report, since);
    let http3 = Http3::client(plan.config.clone()).greased(&mut SystemEntropy);
    let http = Http::new(plan.clock, http3, requests);
    let mut worker = Worker::client(plan.clock, &plan.quic.secrets, Nobody(core::marker::PhantomData));
    worker.add(port);
    let attempt = Attempt {
        server_name: plan.options.url.origin().host.trim_start_matches('[').trim_end_matches(']'),
        session: None,
        token: Vec::new(),
        addresses: Addresses { local, peer },
        local: ConnectionId::EMPTY,
        version: None,
        has_reacted: false,
    };
    worker
        .connect(
            plan.config.tls.clone(),
            plan.quic.quic.clone(),
            attempt,
            Runner { http, end: end.clone(), handshake: Some(handshake) },
        )
        .map_err(|misuse| misuse.to_string())?;
    let mut refused = pin!(refusals.refuse(peer, answered));
    loop {
        tokio::select! {
            turn = worker.turn() => turn.map_err(|error| format!("{peer}: {error}"))?,
            () = &mut refused => return Err(format!("{peer}: connection refused: nothing listens there on UDP")),
        }
        if let Some(ended) = end.borrow_mut().take() {
            return ended;
        }
    }
}

fn bind(peer: SocketAddr) -> io::Result<UdpPort> {
    UdpPort::bind(SocketAddr::new(source_towards(peer)?, 0), &UdpOptions::default())
}

/// How the connection ended, once it did: its last words have left by then, and nobody waits until all echoes have died away.
type End = Rc<RefCell<Option<Result<(), String>>>>;

struct Runner<'a> {
    http: Http<Requests<'a>>,
    end: End,
    /// Dropped when it is complete.
    handshake: Option<oneshot::Sender<Infallible>>,
}

impl Runner<'_> {
    fn look_for_the_end(&mut self) {
        let ended = match self.http.outcome() {
            None => return,
            Some(Ok(())) => Ok(()),
            Some(Err(fault)) => Err(fault.to_string()),
        };
        let requests = self.http.application();
        requests.lost(ended.as_ref().err().map_or("the server ended the connection", String::as_str));
        let ended = if requests.is_over() { Ok(()) } else { ended };
        self.end.borrow_mut().get_or_insert(ended);
    }
}

impl quic::Application for Runner<'_> {
    fn begun(&mut self, now: wire::Instant, connection: &mut Connection) {
        self.http.begun(now, connection);
    }

    fn heard(&mut self, now: wire::Instant, event: quic::Event<'_>) {
        if matches!(event, quic::Event::Established) {
            self.handshake = None;
        }
        self.http.heard(now, event);
        self.look_for_the_end();
    }

    fn act(&mut self, now: wire::Instant, connection: &mut Connection) {
        self.http.act(now, connection);
        self.look_for_the_end();
    }

    fn poll_wake(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.http.poll_wake(cx)
    }
}

/// Serves nobody.
struct Nobody<'a>(core::marker::PhantomData<&'a ()>);

impl<'a> Service for Nobody<'a> {
    type Application = Runner<'a>;

    fn accept(&mut self, _: wire::Instant, _: &Addresses) -> Option<Runner<'a>> {
        None
    }

    fn ended(&mut self, _: Runner<'a>) {} // How is known by then.
}
