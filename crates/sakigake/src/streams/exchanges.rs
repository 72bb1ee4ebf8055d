//! The requests of one connection that services answer.

use super::{
    exchange::{Exchange, Step},
    waits::{Owed, Waits},
};
use crate::{
    early::Early,
    handler::{H3, Handler, Served},
    service::{Bell, Body, EarlyData, EarlyHints, Inflow, Local, Peer, Pending, Ring, bridge, head},
};
use core::task::{Context, Poll};
use http::{StatusCode, Version};
use sakigake_semantics::{Fields, Http, Reason, Request, StreamId};
use sakigake_wire::Instant;
use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    sync::Arc,
    time,
};

/// All of them.
pub(super) struct Exchanges<H: Handler> {
    bell: Arc<Bell>,
    under_way: BTreeMap<StreamId, UnderWay<H>>,
    /// Those that want to go on whenever something has left.
    wanting: BTreeSet<StreamId>,
    /// Those of which something waits in the engine.
    leaving: Vec<StreamId>,
    /// What clients owe of their requests' bodies: to services, and where the server answered itself.
    waits: Waits,
    /// Of those that the server answered itself, the streams whose clients go on sending a body.
    unwanted: BTreeSet<StreamId>,
    /// The limit of a stream's queue.
    queue_bytes: usize,
}

/// A request that was heard, before anybody knows what it asks for.
pub(super) struct Asked {
    pub(super) stream: StreamId,
    pub(super) request: Request,
    /// Its body, if it has one.
    pub(super) inflow: Option<Arc<Inflow>>,
    /// It came as early data, and the handshake is not over.
    pub(super) is_early: bool,
}

impl Asked {
    /// Whether it may be acted on twice: no more is asked for than to look (RFC 9110 section 9.2.1).
    pub(super) fn is_safe(&self) -> bool {
        matches!(self.request.method(), b"GET" | b"HEAD" | b"OPTIONS" | b"TRACE")
    }
}

/// One, and what the log is to say of it.
struct UnderWay<H: Handler> {
    exchange: Exchange,
    handler: Rc<H>,
    served: Served,
    since: time::Instant,
    is_logged: bool,
    /// It is among those of which something waits in the engine.
    is_leaving: bool,
}

impl<H: Handler> Exchanges<H> {
    pub(super) fn new(queue_bytes: usize, body_stall: time::Duration) -> Self {
        let (bell, under_way, wanting, leaving, unwanted) = Default::default();
        let waits = Waits::new(body_stall);
        Self { bell, under_way, wanting, leaving, waits, unwanted, queue_bytes }
    }

    /// A request that came; `end` says that it has no body.
    pub(super) fn asked(&self, stream: StreamId, request: Request, end: bool) -> Asked {
        let length =
            || request.fields.find(b"content-length").and_then(|value| value.iter().try_fold(0, digit));
        let inflow = (!end).then(|| Arc::new(Inflow::new(self.ring(stream), length())));
        Asked { stream, request, inflow, is_early: false }
    }

    fn ring(&self, stream: StreamId) -> Arc<Ring> {
        Ring::new(&self.bell, stream)
    }

    /// Where the body of that stream's request goes, if a service has it.
    pub(super) fn inflow(&self, stream: StreamId) -> Option<&Inflow> {
        self.under_way.get(&stream).and_then(|under_way| under_way.exchange.inflow())
    }

    /// Whether somebody waits for an answer.
    pub(super) fn is_awaited(&self) -> bool {
        self.under_way.values().any(|under_way| under_way.exchange.is_awaited())
    }

    /// The peer gave that one up: its handler ends here and now.
    pub(super) fn cancel(&mut self, stream: StreamId, code: u64) {
        self.waits.note(stream, None);
        if let Some(mut under_way) = self.under_way.remove(&stream) {
            under_way.exchange.cancel(code);
        }
    }

    /// Asks `local`; the first step comes with the next [`Exchanges::advance`].
    pub(super) fn begin(
        &mut self,
        (asked, early): (Asked, Option<Early>),
        local: Local,
        peer: Peer,
        handler: Rc<H>,
        served: Served,
    ) {
        let is_head = asked.request.method() == b"HEAD";
        let expects = asked.request.fields.find(b"expect").is_some();
        let is_tunnel = asked.request.protocol().is_some();
        let ring = self.ring(asked.stream);
        let own = EarlyHints::new(ring.clone());
        let version = if served.protocol == H3 { Version::HTTP_3 } else { Version::HTTP_2 };
        let pending = ask(local, &asked, version, peer, own.clone());
        let exchange = Exchange::new(pending, asked.inflow, ring.clone());
        let exchange = exchange.head(is_head).expects(expects).tunnel(is_tunnel).early(early);
        let exchange = exchange.alternative(handler.alternative()).own_hints(Some(own));
        let since = time::Instant::now();
        let under_way = UnderWay { exchange, handler, served, since, is_logged: false, is_leaving: false };
        self.under_way.insert(asked.stream, under_way);
        ring.ring();
    }

    /// Notes what has left, then takes each that rang, or waits for room, as far as it goes.
    pub(super) fn advance(&mut self, now: Instant, http: &mut dyn Http) {
        self.look(now, http);
        let mut due = self.bell.take();
        due.append(&mut self.wanting);
        for stream in due {
            self.step(now, stream, http);
        }
        self.unwanted.retain(|stream| self.waits.is_owed(*stream));
        for stream in &self.unwanted {
            if http.has_sent_end(*stream) {
                http.reset(*stream, Reason::NoError); // spec: 9113-8.1-e
                self.waits.note(*stream, None); // With the next look it is forgotten.
            }
        }
        for (stream, owed) in self.waits.due() {
            match self.under_way.get_mut(&stream) {
                Some(under_way) if under_way.exchange.owed() == Some(owed) => {
                    let step = under_way.give_up(now, stream, http);
                    self.follow(stream, step);
                }
                Some(_) => {}
                None if http.has_sent_end(stream) => http.reset(stream, Reason::NoError),
                None => self.owes_end(stream), // Its own answer is still on its way.
            }
        }
    }

    /// Asks the engine for each of which something waited there; those that have left go on to their end.
    fn look(&mut self, now: Instant, http: &mut dyn Http) {
        let mut at = 0;
        while let Some(stream) = self.leaving.get(at).copied() {
            let under_way = self.under_way.get_mut(&stream);
            let (is_leaving, is_awaited) = under_way.map_or((false, true), |one| one.look(stream, http));
            if is_leaving {
                at += 1;
                continue;
            }
            self.leaving.swap_remove(at);
            if !is_awaited {
                self.step(now, stream, http);
            }
        }
    }

    fn step(&mut self, now: Instant, stream: StreamId, http: &mut dyn Http) {
        let Some(under_way) = self.under_way.get_mut(&stream) else { return };
        let step = under_way.advance(now, stream, http, self.queue_bytes);
        if under_way.exchange.is_leaving() && !core::mem::replace(&mut under_way.is_leaving, true) {
            self.leaving.push(stream);
        }
        self.follow(stream, step);
    }

    fn follow(&mut self, stream: StreamId, step: Step) {
        match step {
            Step::Waits => {}
            Step::Wants => drop(self.wanting.insert(stream)),
            Step::Over => drop(self.under_way.remove(&stream)),
        }
        self.waits.note(stream, self.under_way.get(&stream).and_then(|under_way| under_way.exchange.owed()));
    }

    /// The body of that request, which the server answers itself, is read by nobody, and is to end some time.
    pub(super) fn owes_end(&mut self, stream: StreamId) {
        self.waits.note(stream, Some(Owed::End));
    }

    /// Bytes of such a body came: as soon as its client has the whole response, it is told to stop.
    pub(super) fn has_come(&mut self, stream: StreamId) {
        if self.waits.is_owed(stream) {
            self.unwanted.insert(stream);
        }
    }

    /// It has ended.
    pub(super) fn has_ended(&mut self, stream: StreamId) {
        if !self.under_way.contains_key(&stream) {
            self.waits.note(stream, None);
        }
    }

    /// Ready when one rang, or a client owes something for too long.
    pub(super) fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // Both are asked: a handler that rings without a pause must not keep the other from its time.
        match (self.waits.poll(cx), self.bell.poll(cx)) {
            (Poll::Pending, Poll::Pending) => Poll::Pending,
            _ => Poll::Ready(()),
        }
    }
}

/// A decimal digit more; `None` where it is none, or too much.
fn digit(number: u64, digit: &u8) -> Option<u64> {
    let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
    number.checked_mul(10)?.checked_add(digit)
}

/// The answer to come: the service's, or the server's own where the request is not for it.
fn ask(local: Local, asked: &Asked, version: Version, peer: Peer, own: EarlyHints) -> Pending {
    // Made first: where nobody gets it, its drop refuses what the client still sends.
    let body = asked.inflow.clone().map_or_else(Body::empty, Body::of_stream);
    let Some(mut parts) = head::request(&asked.request) else {
        return Pending::refusal(StatusCode::BAD_REQUEST);
    };
    if !head::may_expect(&parts.headers) {
        return Pending::refusal(StatusCode::EXPECTATION_FAILED);
    }
    parts.version = version;
    peer.extend(&mut parts.extensions);
    parts.extensions.insert(own);
    if asked.is_early {
        EarlyData::mark(&mut parts);
    }
    let is_connect = parts.method == http::Method::CONNECT;
    let request = http::Request::from_parts(parts, body);
    match asked.request.protocol() {
        None if is_connect => Pending::refusal(StatusCode::NOT_IMPLEMENTED), // No tunnels to elsewhere.
        None => local.ask(request),
        Some(b"websocket") => bridge(local, request),
        Some(_) => Pending::refusal(StatusCode::NOT_IMPLEMENTED), // As RFC 9220 section 3 has it.
    }
}

impl<H: Handler> UnderWay<H> {
    fn advance(&mut self, now: Instant, stream: StreamId, http: &mut dyn Http, queue_bytes: usize) -> Step {
        let step = self.exchange.advance(now, stream, http, queue_bytes);
        self.log_answered();
        step
    }

    /// Whether something of the response still waits in the engine, and whether there is more to come.
    fn look(&mut self, stream: StreamId, http: &dyn Http) -> (bool, bool) {
        self.exchange.look(stream, http);
        self.is_leaving = self.exchange.is_leaving();
        (self.is_leaving, self.exchange.is_awaited())
    }

    /// The client owed something for too long.
    fn give_up(&mut self, now: Instant, stream: StreamId, http: &mut dyn Http) -> Step {
        self.exchange.give_up(stream, http);
        self.log_answered();
        self.exchange.settle(now, stream, http, Step::Over)
    }

    /// A response that is over is logged, however long the rest of the request's body takes.
    fn log_answered(&mut self) {
        if !self.exchange.is_awaited() && !core::mem::replace(&mut self.is_logged, true) {
            self.log();
        }
    }

    fn log(&mut self) {
        let outcome = self.exchange.outcome();
        if let Some(fault) = &outcome.fault {
            let (method, path) = (self.served.asked.method(), self.served.asked.path());
            self.handler.blame(&format!("{} {}: {fault}", method.escape_ascii(), path.escape_ascii()));
        }
        self.served.status = outcome.status;
        self.served.bytes = outcome.bytes.saturating_sub(outcome.queued);
        self.served.whole = outcome.is_whole;
        self.served.early_hints = outcome.early_hints;
        self.served.took = self.since.elapsed();
        self.handler.served(&self.served);
    }
}

impl<H: Handler> Drop for UnderWay<H> {
    fn drop(&mut self) {
        self.exchange.let_go();
        self.log_answered();
    }
}

/// Trailers for a handler.
pub(super) fn trailers(fields: &Fields) -> http::HeaderMap {
    // What the engine let through may be none in the eyes of the map: such a line is left out.
    let mut map = http::HeaderMap::new();
    for (name, value) in fields.iter().filter_map(head::line_of) {
        map.append(name, value);
    }
    map
}
