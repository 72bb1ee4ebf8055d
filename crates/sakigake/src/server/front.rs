//! One connection of a worker, and its hosts as that client may see them.

use super::{
    time::session_now,
    worker::{Awaited, Here, Number, Seat, Worker},
};
use crate::{
    files::{self, Ask, error_reply},
    handler::{Answer, Dispatched, H2, H3, Handler, Served},
    hosts::{Target, host_of, lower},
    http1,
    service::{Local, Peer},
    signer::{RemoteSigner, Signature, Signing},
    streams::{Bounds, Streams},
};
use core::task::{Context, Poll, ready};
use sakigake_net::{Ended, Failure, SystemEntropy, drive, unix_secs};
use sakigake_preload::table::Links;
use sakigake_quic::{self as quic, connection::Closed};
use sakigake_semantics::Event;
use sakigake_session::{self as session, Fault, ServerConfig, Session};
use sakigake_tls::{EarlyData, Identity, Wanted};
use std::{
    cell::{Cell, RefCell},
    error::Error as _,
    io,
    net::SocketAddr,
    rc::Rc,
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::net::TcpStream;

/// The life of a connection that came to `port`.
pub(super) async fn connection(worker: &Rc<Worker>, stream: TcpStream, client: SocketAddr, port: u16) {
    let site = worker.here().site.clone();
    let (session, front, mut application) = begin(worker, client, port, worker.stop.told());
    match drive(stream, session, &mut application, worker.clock).await {
        Ok(Ended::Closed) if front.is_ready.get() => {}
        Ok(Ended::Closed) => worker.shard.gone(),
        Ok(Ended::Plain(mut stream)) => {
            let peer = Peer::of_stream(client, &mut stream);
            if !front.is_ready.replace(true) {
                worker.shard.ready(session::Protocol::Plain); // It has sent early data: what follows nobody here hears.
            }
            let served = http1::serve(*stream, front.clone(), peer, site.http1, worker.stop.told()).await;
            // Many clients leave without a word when they have all they want.
            if let Err(error) = served
                && !(front.is_idle() && has_left(&error))
            {
                worker.shard.failed("http1");
                site.log.failure(client, &format!("HTTP/1.1: {error}"));
            }
        }
        Err(failure) => {
            front.failed(&failure);
            site.log.failure(client, &failure.to_string());
        }
    }
}

/// What a connection begins with: its session, the hosts as it sees them, and what answers.
pub(super) fn begin<S: Future<Output = ()>>(
    worker: &Rc<Worker>,
    client: SocketAddr,
    port: u16,
    stop: S,
) -> (Session, Rc<Front>, Streams<Front, S>) {
    let config = config_now(worker);
    let queue_bytes = config.h2.as_ref().map_or(0, |h2| h2.limits.send_queue_bytes);
    let bounds = bounds(worker, queue_bytes);
    let session = Session::server(config.clone(), worker.clock.now(), Box::new(SystemEntropy));
    let alternative = worker.alternative(port);
    let front = Rc::new(Front::new(worker.clone(), client, config, alternative));
    let application = Streams::new(front.clone(), stop, bounds, H2);
    (session, front, application)
}

/// How sessions behave that begin now.
pub(super) fn config_now(worker: &Worker) -> Arc<ServerConfig> {
    session_now(&worker.here().site.session, worker.clock.unix_secs_at_start())
}

/// What one connection may take.
pub(super) fn bounds(worker: &Worker, queue_bytes: usize) -> Bounds {
    let limits = worker.here().site.limits;
    Bounds {
        idle: Duration::from_millis(limits.idle_ms),
        drain: Duration::from_millis(limits.drain_ms),
        stall_ms: limits.stall_ms,
        body_stall: Duration::from_millis(limits.body_stall_ms),
        queue_bytes,
    }
}

/// Whether the stream ended below HTTP.
fn has_left(error: &http1::Failure) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let mut source = error.source();
    while let Some(error) = source {
        let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
        if matches!(kind, Some(BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)) {
            return true;
        }
        source = error.source();
    }
    false
}

/// A client's subject, of which a log line takes so much; its serial number where it has none.
fn known_as(identity: &Identity) -> String {
    const MOST_BYTES: usize = 256;
    let mut subject = identity.subject();
    if subject.is_empty() {
        return format!("serial {}", identity.serial());
    }
    let end = (0..=MOST_BYTES.min(subject.len())).rev().find(|end| subject.is_char_boundary(*end));
    subject.truncate(end.unwrap_or(0));
    subject
}

/// The hosts as one client sees them.
pub(super) struct Front {
    worker: Rc<Worker>,
    client: SocketAddr,
    config: Arc<ServerConfig>,
    /// Where else it finds the same, if it is to be told.
    alternative: Option<String>,
    /// The name that the client asked for when it began.
    server_name: RefCell<Option<String>>,
    /// Who the client is, where it said so.
    identity: RefCell<Option<Identity>>,
    /// The same for the log; empty where it did not say.
    known_as: RefCell<String>,
    /// The authority for which this connection was last found to be the right one, and its host.
    right: RefCell<Option<(Vec<u8>, Number)>>,
    signer: Option<Arc<dyn RemoteSigner>>,
    /// A signature that the handshake waits for, and where it counts.
    signing: RefCell<Option<(Signature, Option<Awaited>)>>,
    /// Responses that are not over.
    open: Cell<usize>,
    /// Whether the handshake is over.
    is_ready: Cell<bool>,
}

impl Front {
    pub(super) fn new(
        worker: Rc<Worker>,
        client: SocketAddr,
        config: Arc<ServerConfig>,
        alternative: Option<String>,
    ) -> Self {
        let (server_name, identity, known_as, right, signing) = Default::default();
        let signer = worker.here().site.signer.clone();
        let (open, is_ready) = (Cell::new(0), Cell::new(false));
        Self {
            worker,
            client,
            config,
            alternative,
            server_name,
            identity,
            known_as,
            right,
            signer,
            signing,
            open,
            is_ready,
        }
    }

    fn is_idle(&self) -> bool {
        self.open.get() == 0
    }

    /// How TLS behaves on its connection.
    pub(super) fn tls(&self) -> &Arc<sakigake_tls::server::Config> {
        &self.config.tls
    }

    /// A connection over QUIC is over.
    pub(super) fn ended(&self, outcome: Option<Result<(), &Fault>>) {
        // Clients that have all they want leave in many words.
        let has_left = |fault: &Fault| matches!(fault, Fault::Quic(Closed::Peer { code: 0, .. }));
        match outcome {
            Some(Err(fault)) if !(self.is_ready.get() && self.is_idle() && has_left(fault)) => {
                self.found(fault);
                self.blame(&fault.to_string());
            }
            _ if !self.is_ready.get() => self.worker.shard.gone(),
            _ => {}
        }
    }

    /// Counts how it ended.
    fn failed(&self, failure: &Failure) {
        match failure {
            Failure::Peer(fault) => self.found(fault),
            Failure::Socket(_) if !self.is_ready.get() => self.worker.shard.gone(),
            Failure::Socket(_) => self.worker.shard.failed("socket"),
        }
    }

    /// Counts what the peer did wrong.
    fn found(&self, fault: &Fault) {
        let shard = &self.worker.shard;
        match fault {
            Fault::Tls(fault) | Fault::Quic(Closed::Fault(quic::Fault::Tls(fault)))
                if !self.is_ready.get() =>
            {
                shard.handshake_failed(fault);
            }
            Fault::Quic(_) if !self.is_ready.get() => shard.gone(),
            Fault::Tls(_) => shard.failed("tls"),
            Fault::Quic(_) => shard.failed("quic"),
            Fault::H2(fault) => {
                shard.goaway_sent(fault.code().wire().into());
                shard.failed(H2);
            }
            Fault::H3(fault) => {
                shard.goaway_sent(fault.code().wire());
                shard.failed(H3);
            }
        }
    }

    /// The host for `authority`, where this connection may ask for it. Most requests are for the last one's.
    fn seat<'h>(&self, here: &'h Here, authority: &[u8]) -> Option<&'h Rc<Seat>> {
        let mut right = self.right.borrow_mut();
        let known = right.as_ref().filter(|(known, _)| known == authority);
        if let Some(seat) = known.and_then(|(_, number)| here.numbered(*number)) {
            return Some(seat);
        }
        let number = here.number(authority).filter(|_| self.may_answer(here, authority))?;
        *right = Some((authority.to_vec(), number));
        here.numbered(number)
    }

    /// Begins what the handshake waits for. A client whose signature nobody makes, or not now, is not kept waiting.
    fn signature(&self, wanted: &Wanted) -> Option<(Signature, Option<Awaited>)> {
        let Wanted::Signature { leaf, scheme, message } = wanted else { return None };
        let wanted = Signing { leaf: leaf.clone(), scheme: *scheme, message: message.clone() };
        Some(match (&self.signer, self.worker.await_signature()) {
            (Some(signer), Some(awaited)) => (signer.sign(wanted), Some(awaited)),
            (Some(_), None) => {
                self.blame("as many signatures are awaited as may be (signatures_a_worker)");
                (Box::pin(core::future::ready(None)), None)
            }
            (None, _) => {
                self.blame("the certificate's key is elsewhere, and there is no signer");
                (Box::pin(core::future::ready(None)), None)
            }
        })
    }

    /// Whether the certificate that this connection began with is one for `authority` too, and the client is let in there:
    /// what it has shown is held against what holds now, since the files may have been read again.
    fn may_answer(&self, here: &Here, authority: &[u8]) -> bool {
        let host = lower(host_of(authority));
        let Ok(host) = core::str::from_utf8(&host) else { return false };
        let server_name = self.server_name.borrow();
        let now = here.site.session.now();
        let is_new = !Arc::ptr_eq(&now.tls, &self.config.tls);
        let identity = self.identity.borrow();
        self.config.tls.may_answer(server_name.as_deref(), host)
            && (!is_new || now.tls.still_admits(server_name.as_deref(), host, identity.as_ref(), unix_secs()))
    }
}

impl Handler for Front {
    fn answer(&self, authority: &[u8], ask: &Ask<'_>, now: SystemTime) -> Dispatched {
        self.open.set(self.open.get() + 1);
        self.worker.shard.streams_open.add(1);
        let here = self.worker.here();
        let visit = here.site.log.visit(ask.fields);
        // A resource of another scheme is another one (RFC 9110 section 4.2), and none that is asked for over TLS.
        let is_https = ask.scheme.is_empty() || ask.scheme.eq_ignore_ascii_case(b"https"); // spec: 9110-7.4-a
        let seat = if is_https { self.seat(&here, authority) } else { None };
        let mut reply = match seat.map(|seat| &seat.host().target) {
            Some(Target::Files(files)) => self.worker.admit(files.answer(ask, now), ask.method == b"HEAD"),
            Some(Target::Redirect(redirect)) => redirect.answer(ask),
            Some(Target::Service(factory)) => {
                let answer = Answer::Service(seat.map_or_else(Local::none, |seat| seat.service(factory)));
                return Dispatched { seat: seat.cloned(), answer, visit };
            }
            None => error_reply(421, ask.method == b"HEAD"), // spec: 9110-15.5.20-a
        };
        reply.response.fields.push(b"date", &files::date(now));
        Dispatched { seat: seat.cloned(), answer: Answer::Reply(reply), visit }
    }

    fn links(&self, seat: Option<&Seat>, authority: &[u8], path: &[u8]) -> Option<Links> {
        seat.filter(|seat| seat.host().early_hints)?;
        let here = self.worker.here();
        let table = here.hints.as_deref()?;
        // What is no text names no host that has hints, and no page.
        let (host, path) =
            core::str::from_utf8(host_of(authority)).ok().zip(core::str::from_utf8(path).ok())?;
        Some(table.links(Some(host), path)).filter(|links| !links.is_empty())
    }

    fn alternative(&self) -> Option<&str> {
        self.alternative.as_deref()
    }

    fn client(&self) -> SocketAddr {
        self.client
    }

    fn blame(&self, why: &str) {
        self.worker.here().site.log.failure(self.client, why);
    }

    fn poll_answer(&self, cx: &mut Context<'_>) -> Poll<session::Answer> {
        let mut signing = self.signing.borrow_mut();
        let Some((signature, _)) = signing.as_mut() else { return Poll::Pending };
        let signature = ready!(signature.as_mut().poll(cx));
        *signing = None;
        Poll::Ready(session::Answer::Signature(signature))
    }

    fn served(&self, served: &Served) {
        // What is refused before it is answered (a bad Host) was never counted.
        if let Some(open) = self.open.get().checked_sub(1) {
            self.open.set(open);
            self.worker.shard.streams_open.sub(1);
        }
        self.worker.count(served);
        let here = self.worker.here();
        if !here.site.log.is_off() {
            here.site.log.write(&served.entry(self.client, &self.known_as.borrow()));
        }
    }

    fn heard(&self, event: &session::Event<'_>) {
        match event {
            session::Event::Ready { server_name, protocol, identity, early_data, .. } => {
                self.server_name.borrow_mut().clone_from(server_name);
                if let Some(identity) = identity {
                    *self.known_as.borrow_mut() = known_as(identity);
                }
                self.identity.borrow_mut().clone_from(identity);
                self.is_ready.set(true);
                self.worker.shard.ready(*protocol);
                if *early_data == EarlyData::Rejected {
                    self.worker.shard.early_data(false);
                }
            }
            session::Event::Early { server_name } => {
                self.server_name.borrow_mut().clone_from(server_name);
                self.worker.shard.early_data(true);
            }
            session::Event::Http(Event::Reset { code, .. }) => self.worker.shard.reset(*code),
            session::Event::Http(Event::GoAway { code, .. }) => self.worker.shard.goaway_received(*code),
            session::Event::Wanted(wanted) => *self.signing.borrow_mut() = self.signature(wanted),
            session::Event::KeyLog(line) => self.worker.here().site.log_key(line),
            _ => {}
        }
    }
}

impl Drop for Front {
    /// A request that was given up without a word is not being answered any more.
    fn drop(&mut self) {
        self.worker.shard.streams_open.sub(self.open.get() as u64);
    }
}
