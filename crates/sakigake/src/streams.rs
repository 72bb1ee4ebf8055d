//! Requests that come on streams, HTTP/2's and HTTP/3's, answered by a [`Handler`]: what a server does with a connection.

mod exchange;
mod exchanges;
mod farewell;
mod waits;

use crate::{
    early::{Early, is_document_head},
    files::{Ask, Body, Reply},
    handler::{Answer, Dispatched, Handler, Served},
    hosts::is_host,
    service::{Inflow, Peer},
};
use core::{
    cell::Cell,
    pin::Pin,
    task::{Context, Poll},
};
use exchanges::{Asked, Exchanges};
use farewell::Farewell;
use sakigake_net::Application;
use sakigake_semantics::{Event, Fields, Http, Misuse, Reason, StreamId};
use sakigake_session::{self as session, Carrier};
use sakigake_wire::{Instant, Span};
use std::{collections::BTreeMap, future::Future, rc::Rc, time};
use tokio::time::Sleep;

/// A stream is refilled while its queue has room for at least this much, so that files are not read in crumbs.
const REFILL_BYTES: usize = 16 * 1024;

/// Bytes that wait on all streams of a connection together, beside one refill for each and what goes first.
const QUEUED_BYTES: usize = 256 * 1024;

/// What the driver writes between two refills, at most: what goes first has as much queued, or what is less urgent follows
/// it in the same turn.
const TURN_BYTES: usize = 64 * 1024;

/// Nothing more is queued for that reason once so much waits, beside one refill for each: a client that makes one stream
/// after another the most urgent, and reads nothing, costs no more.
const URGENT_BYTES: usize = 1024 * 1024;

thread_local! {
    /// Memory for the requests of one turn, which no connection holds while it waits.
    static SPARE: Cell<Vec<Asked>> = const { Cell::new(Vec::new()) };

    /// The same for responses that leave at once.
    static SPARE_RESPONSES: Cell<Vec<Response>> = const { Cell::new(Vec::new()) };
}

/// Requests, and responses, that such memory is kept for.
const SPARE_ASKED: usize = 256;

/// One connection's requests, and the responses that are still on their way.
pub(crate) struct Streams<H: Handler, S> {
    handler: Rc<H>,
    bounds: Bounds,
    /// What the log calls the protocol.
    protocol: &'static str,
    asked: Vec<Asked>,
    exchanges: Exchanges<H>,
    /// What services are told of the client; nothing before one was asked.
    peer: Option<Peer>,
    read: BTreeMap<StreamId, usize>,
    /// Whether one of them, or a service, has more than its stream's queue took.
    has_more: bool,
    /// What has not left yet, in the order of the streams' numbers.
    responses: Vec<Response>,
    stop: Option<Pin<Box<S>>>,
    idle: Pin<Box<Sleep>>,
    /// When the last request came, or the connection.
    last_active: time::Instant,
    end: End,
    farewell: Farewell,
    /// What comes now is early data.
    is_early: bool,
}

/// What one connection may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// How long it may go without a request.
    pub(crate) idle: time::Duration,
    /// How long one that was told to end has for what it serves.
    pub(crate) drain: time::Duration,
    /// How long the peer may take nothing of what waits for its socket.
    pub(crate) stall_ms: u64,
    /// How long it may let somebody wait for bytes of a request's body, or for the end of one that nobody reads.
    pub(crate) body_stall: time::Duration,
    /// The limit of a stream's queue.
    pub(crate) queue_bytes: usize,
}

/// How far the connection's end has come, as far as it is our wish.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// Not in sight.
    None,
    /// Nothing new is taken.
    Drained,
    /// Nothing more is waited for.
    Cut,
}

/// When the requests of one turn were looked at, by both clocks: a look at a clock for each of them would show.
#[derive(Clone, Copy)]
struct Turn {
    since: time::Instant,
    now: time::SystemTime,
}

/// A response on its way out: it is over when the engine has handed the last of it on, or never will.
struct Response {
    stream: StreamId,
    /// What the stream's queue has not taken.
    body: Body,
    /// Its bytes are those that the stream's queue has taken.
    served: Served,
    since: time::Instant,
    /// Bytes of those that had not left when the engine was last asked, or were queued since.
    queued: u64,
    /// Nothing more of it will leave.
    is_lost: bool,
}

impl<H: Handler, S: Future<Output = ()>> Streams<H, S> {
    /// Nothing asked yet; drains the connection when `stop` completes.
    pub(crate) fn new(handler: Rc<H>, stop: S, bounds: Bounds, protocol: &'static str) -> Self {
        let idle = tokio::time::sleep(bounds.idle);
        Self {
            handler,
            bounds,
            protocol,
            asked: Vec::new(),
            exchanges: Exchanges::new(bounds.queue_bytes, bounds.body_stall),
            peer: None,
            read: BTreeMap::new(),
            has_more: false,
            responses: Vec::new(),
            stop: Some(Box::pin(stop)),
            idle: Box::pin(idle),
            last_active: time::Instant::now(),
            end: End::None,
            farewell: Farewell::default(),
            is_early: false,
        }
    }

    /// The idle timer fired: it is looked at only then, so that a request does not have to move it. Whether there is
    /// something to do.
    fn tire(&mut self) -> bool {
        let limit = self.bounds.idle;
        if !self.responses.is_empty() || self.exchanges.is_awaited() {
            self.last_active = time::Instant::now();
        }
        let next = match limit.checked_sub(self.last_active.elapsed()).filter(|left| !left.is_zero()) {
            Some(left) => left,
            None => {
                self.end = if self.end == End::None { End::Drained } else { End::Cut };
                self.farewell.begin();
                self.bounds.drain
            }
        };
        self.idle.as_mut().reset(tokio::time::Instant::now() + next);
        self.end != End::None
    }

    /// Answers what was asked, and gives the list's memory back to the worker.
    fn answer_all(&mut self, session: &mut dyn Carrier) {
        if self.asked.is_empty() {
            return;
        }
        let turn = Turn { since: time::Instant::now(), now: time::SystemTime::now() };
        self.last_active = turn.since;
        let mut asked = core::mem::take(&mut self.asked);
        if self.is_early {
            // The early data was taken for one host; another may take none.
            let host = session.server_name();
            let waits = |asked: &mut Asked| !asked.is_safe() || !is_host(asked.request.authority(), host);
            self.asked = asked.extract_if(.., waits).collect(); // spec: 8470-3-a
        }
        for mut asked in asked.drain(..) {
            asked.is_early = self.is_early;
            self.respond(asked, turn, session);
        }
        if asked.capacity() <= SPARE_ASKED {
            SPARE.set(asked);
        }
    }

    fn respond(&mut self, mut asked: Asked, turn: Turn, session: &mut dyn Carrier) {
        let mark = session.mark(asked.stream);
        let request = &asked.request;
        let Dispatched { seat, answer, visit } =
            self.handler.answer(request.authority(), &Ask::from(request), turn.now);
        let early = match &answer {
            Answer::Reply(reply) if !is_document_head(&reply.response) => None,
            _ if session.http().is_none_or(|http| http.knows_preload()) => None, // spec: preload-profile-12-b
            _ => Early::of(request, || {
                self.handler.links(seat.as_deref(), request.authority(), request.path())
            }),
        };
        let room = session.http().map_or(0, |http| http.peer_header_list_bytes());
        let early = early.filter(|early| early.fits(room));
        let control = match answer {
            Answer::Reply(_) => core::mem::take(&mut asked.request.control),
            Answer::Service(_) => request.control.clone(),
        };
        let mut served = Served {
            protocol: self.protocol,
            seat,
            asked: control,
            status: 0,
            bytes: 0,
            took: time::Duration::ZERO,
            whole: false,
            hinted: mark.hinted,
            hints: mark.hints,
            early_hints: 0,
            visit,
        };
        match answer {
            Answer::Reply(mut reply) => {
                self.pass_over(asked.stream, asked.inflow.as_deref());
                if let Some(alternative) = self.handler.alternative() {
                    reply.response.fields.push(b"alt-svc", alternative.as_bytes()); // spec: 7838-3-s
                }
                if let (Some(mut early), Some(http)) = (early, session.http()) {
                    early.say(&mut reply.response.fields);
                    served.early_hints = early.precede(asked.stream, http);
                }
                self.reply(asked.stream, reply, served, turn.since, session);
            }
            Answer::Service(local) => {
                let peer = self.peer(session);
                self.exchanges.begin((asked, early), local, peer, self.handler.clone(), served);
            }
        }
    }

    fn reply(
        &mut self,
        stream: StreamId,
        reply: Reply,
        mut served: Served,
        since: time::Instant,
        session: &mut dyn Carrier,
    ) {
        let Some(http) = session.http() else { return };
        served.status = reply.response.status;
        let end = reply.body.is_empty();
        let mut response = Response { stream, body: reply.body, served, since, queued: 0, is_lost: false };
        match http.respond(stream, &reply.response, end) {
            Ok(()) => response.refill(http, self.bounds.queue_bytes),
            Err(misuse) => {
                // Whoever takes no such head is not to wait for it. Else the stream was reset between the request and now.
                if misuse == Misuse::TooLarge {
                    http.reset(stream, Reason::InternalError); // spec: 9114-4.2.2-b
                }
                response.is_lost = true;
            }
        }
        if self.responses.capacity() == 0 {
            self.responses = SPARE_RESPONSES.take();
        }
        // Over QUIC a request may overtake an earlier one.
        let at = self.responses.partition_point(|other| other.stream < stream);
        self.responses.insert(at, response);
    }

    /// Tells of the responses that are over, and gives the list's memory back to the worker.
    fn settle(&mut self, http: &dyn Http) {
        if self.responses.is_empty() || http.has_given_up() {
            return; // Of what the engine has dropped nobody knows how much had left, but who looked before.
        }
        let (handler, now) = (&*self.handler, time::Instant::now());
        // Where nothing is queued, whatever was handed to the engine has left: no stream has to be looked for.
        let is_drained = http.queued_bytes() == 0;
        self.responses.retain_mut(|response| {
            let is_over = response.is_lost || response.has_left(http, is_drained);
            if is_over {
                response.end(handler, now);
            }
            !is_over
        });
        if self.responses.is_empty() {
            let spare = core::mem::take(&mut self.responses);
            if spare.capacity() <= SPARE_ASKED {
                SPARE_RESPONSES.set(spare);
            }
        }
    }

    /// A body that nobody will read: the credit of what came goes back at once.
    fn pass_over(&mut self, stream: StreamId, inflow: Option<&Inflow>) {
        if let Some(inflow) = inflow {
            let came = inflow.abandon();
            *self.read.entry(stream).or_default() += came;
            if !inflow.is_over() {
                self.exchanges.owes_end(stream);
                if came > 0 {
                    self.exchanges.has_come(stream);
                }
            }
        }
    }

    fn peer(&mut self, session: &dyn Carrier) -> Peer {
        let peer = self.peer.get_or_insert_with(|| Peer::of(self.handler.client(), session));
        peer.clone()
    }

    /// Bytes of a body: for a service, for a request that is not looked at yet, or for nobody.
    fn take_data(&mut self, stream: StreamId, bytes: &[u8], end: bool) {
        let waiting = || self.asked.iter().rev().find(|asked| asked.stream == stream);
        match self.exchanges.inflow(stream).or_else(|| waiting()?.inflow.as_deref()) {
            Some(inflow) => inflow.push(bytes, end),
            // A file does not read what came with the question: its credit goes back at once.
            None => {
                *self.read.entry(stream).or_default() += bytes.len();
                if !bytes.is_empty() {
                    self.exchanges.has_come(stream);
                }
            }
        }
        if end {
            self.exchanges.has_ended(stream);
        }
    }

    fn take_trailers(&mut self, stream: StreamId, fields: &Fields) {
        let waiting = || self.asked.iter().rev().find(|asked| asked.stream == stream);
        if let Some(inflow) = self.exchanges.inflow(stream).or_else(|| waiting()?.inflow.as_deref()) {
            inflow.trailers(exchanges::trailers(fields));
        }
        self.exchanges.has_ended(stream);
    }
}

impl Response {
    /// Moves body into the stream's queue while it has room.
    fn refill(&mut self, http: &mut dyn Http, queue_bytes: usize) {
        while !self.body.is_empty() && !self.is_lost {
            if let Some(stretch) = self.body.next_stretch() {
                let len = stretch.len();
                self.sent(len, http.send_from(self.stream, Box::new(stretch), len, self.body.is_empty()));
                continue;
            }
            let room = room(self.stream, http, queue_bytes);
            if room == 0 {
                break;
            }
            let was_costly = self.body.is_costly();
            match self.body.next_piece(room) {
                Ok(Some(chunk)) => {
                    let len = chunk.as_ref().len() as u64;
                    self.sent(len, http.send(self.stream, chunk, self.body.is_empty()));
                    // It has something to write, so that it comes back here when others had their turn.
                    if was_costly {
                        break;
                    }
                }
                Ok(None) => break,
                Err(_) => {
                    http.reset(self.stream, Reason::InternalError);
                    self.is_lost = true;
                }
            }
        }
    }

    /// Bytes of the body were queued, unless the stream was reset in the meantime.
    fn sent(&mut self, bytes: u64, outcome: Result<(), Misuse>) {
        match outcome {
            Ok(()) => {
                self.served.bytes += bytes;
                self.queued += bytes;
            }
            Err(_) => self.is_lost = true,
        }
    }

    /// Whether the engine has handed all of it on; if not, how much waits is noted. `is_drained` says that nothing waits on
    /// any stream.
    fn has_left(&mut self, http: &dyn Http, is_drained: bool) -> bool {
        let has_left = self.body.is_empty() && (is_drained || http.has_sent_end(self.stream));
        self.queued = if has_left { 0 } else { http.queued(self.stream) };
        self.served.whole = has_left;
        has_left
    }

    /// Tells the handler what became of it.
    fn end(&mut self, handler: &impl Handler, now: time::Instant) {
        self.served.bytes = self.served.bytes.saturating_sub(self.queued);
        self.served.took = now.saturating_duration_since(self.since);
        handler.served(&self.served);
    }
}

/// What the stream's queue should take now: enough to be worth a read, as long as the connection's is not full; a turn's
/// worth, were what goes first out of bytes before the turn is over; and something in any case.
fn room(stream: StreamId, http: &dyn Http, queue_bytes: usize) -> usize {
    let room = http.room(stream);
    let queued = http.held_bytes();
    let most = || URGENT_BYTES + http.open_streams() * REFILL_BYTES;
    match queued {
        0..QUEUED_BYTES if room >= REFILL_BYTES => room,
        _ if room >= REFILL_BYTES && queued < most() && http.runs_dry_within(TURN_BYTES, stream) => {
            room.min(TURN_BYTES)
        }
        _ if room == queue_bytes => REFILL_BYTES,
        _ => 0,
    }
}

impl<H: Handler, S> Drop for Streams<H, S> {
    /// What has not left by now never will.
    fn drop(&mut self) {
        let now = time::Instant::now();
        self.responses.iter_mut().for_each(|response| response.end(&*self.handler, now));
    }
}

impl<H: Handler, S: Future<Output = ()>> Application for Streams<H, S> {
    fn heard(&mut self, _: Instant, event: session::Event<'_>) {
        self.handler.heard(&event);
        match event {
            session::Event::Early { .. } => self.is_early = true,
            session::Event::Ready { .. } => {
                self.is_early = false;
                self.peer = None; // Of early data's less was known.
            }
            session::Event::Http(Event::Settings) => self.farewell.greet(),
            session::Event::Http(Event::Request { stream, request, end }) => {
                if self.asked.capacity() == 0 {
                    self.asked = SPARE.take();
                }
                self.asked.push(self.exchanges.asked(stream, request, end));
            }
            session::Event::Http(Event::Data { stream, bytes, end }) => self.take_data(stream, bytes, end),
            session::Event::Http(Event::Trailers { stream, fields }) => self.take_trailers(stream, &fields),
            session::Event::Http(Event::Reset { stream, code, .. }) => {
                if let Ok(at) = self.responses.binary_search_by_key(&stream, |response| response.stream) {
                    self.responses[at].is_lost = true;
                }
                self.exchanges.cancel(stream, code);
                self.asked.retain(|asked| asked.stream != stream);
            }
            _ => {}
        }
    }

    fn act(&mut self, now: Instant, session: &mut dyn Carrier) {
        if self.end == End::Drained && self.farewell.is_due(session) {
            session.close(now);
        }
        if let Some(http) = session.http() {
            self.settle(http); // First: later on, what is looked at may not have been offered to the socket.
        }
        let holds = self.farewell.holds();
        if !holds {
            self.answer_all(session);
        }
        if let Some(http) = session.http() {
            for (stream, len) in core::mem::take(&mut self.read) {
                http.consume(now, stream, len);
            }
            self.exchanges.advance(now, http);
        }
        if let Some(http) = session.http().filter(|_| !holds) {
            let queue_bytes = self.bounds.queue_bytes;
            self.has_more = self.exchanges.is_awaited();
            for response in &mut self.responses {
                response.refill(http, queue_bytes);
                self.has_more |= !response.body.is_empty();
            }
        }
        if self.end == End::Cut {
            match session.http() {
                Some(http) => http.close(Reason::NoError),
                None => session.close(now),
            }
        }
    }

    fn has_more(&self) -> bool {
        self.has_more
    }

    fn patience(&self) -> Span {
        Span::from_millis(self.bounds.stall_ms)
    }

    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<session::Answer> {
        self.handler.poll_answer(cx)
    }

    fn poll_wake(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(stop) = &mut self.stop
            && stop.as_mut().poll(cx).is_ready()
        {
            self.stop = None;
            self.end = End::Drained;
            self.farewell.begin();
            return Poll::Ready(());
        }
        if self.farewell.poll(cx).is_ready() {
            return Poll::Ready(());
        }
        if self.exchanges.poll_due(cx).is_ready() {
            return Poll::Ready(());
        }
        while self.end != End::Cut {
            core::task::ready!(self.idle.as_mut().poll(cx));
            if self.tire() {
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests;
