//! HTTP/2 requests answered by a [`Handler`]: what a server does with a session.

use crate::{
    files::{Ask, Body},
    handler::{Answer, Dispatched, Handler, Served},
};
use core::{
    pin::Pin,
    task::{Context, Poll},
};
use sakigake_h2 as h2;
use sakigake_net::Application;
use sakigake_semantics::{Event, Request, StreamId};
use sakigake_session::{self as session, Session};
use sakigake_wire::{Instant, Span};
use std::{collections::BTreeMap, future::Future, rc::Rc, time};
use tokio::time::Sleep;

/// A stream is refilled while its queue has room for at least this much, so that files are not read in crumbs.
const REFILL_BYTES: usize = 16 * 1024;

/// Bytes that wait on all streams of a connection together, beside one refill for each: a client that asks for
/// everything and reads nothing costs no more.
const QUEUED_BYTES: usize = 256 * 1024;

/// RFC 9113 section 7: nothing is wrong; and: the stream cannot be completed, and it is our fault.
const NO_ERROR: u32 = 0x0;
const INTERNAL_ERROR: u32 = 0x2;

/// One connection's requests, and the responses that are still on their way.
pub(crate) struct Http2<H: Handler, S> {
    handler: Rc<H>,
    bounds: Bounds,
    asked: Vec<(StreamId, Request)>,
    read: BTreeMap<StreamId, usize>,
    responses: BTreeMap<StreamId, Response<H>>,
    stop: Option<Pin<Box<S>>>,
    idle: Pin<Box<Sleep>>,
    /// When the last request came, or the connection.
    last_active: time::Instant,
    end: End,
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

/// A response on its way out, which tells the handler when it ends, however it ends.
struct Response<H: Handler> {
    handler: Rc<H>,
    body: Body,
    served: Served,
    since: time::Instant,
    /// The limit of a stream's queue.
    queue_bytes: usize,
}

impl<H: Handler, S: Future<Output = ()>> Http2<H, S> {
    /// Nothing asked yet; drains the connection when `stop` completes.
    pub(crate) fn new(handler: Rc<H>, stop: S, bounds: Bounds) -> Self {
        let idle = tokio::time::sleep(bounds.idle);
        Self {
            handler,
            bounds,
            asked: Vec::new(),
            read: BTreeMap::new(),
            responses: BTreeMap::new(),
            stop: Some(Box::pin(stop)),
            idle: Box::pin(idle),
            last_active: time::Instant::now(),
            end: End::None,
        }
    }

    /// The idle timer fired: it is looked at only then, so that a request does not have to move it. Whether there is
    /// something to do.
    fn tire(&mut self) -> bool {
        let limit = self.bounds.idle;
        if !self.responses.is_empty() {
            self.last_active = time::Instant::now();
        }
        let next = match limit.checked_sub(self.last_active.elapsed()).filter(|left| !left.is_zero()) {
            Some(left) => left,
            None => {
                self.end = if self.end == End::None { End::Drained } else { End::Cut };
                self.bounds.drain
            }
        };
        self.idle.as_mut().reset(tokio::time::Instant::now() + next);
        self.end != End::None
    }

    fn respond(&mut self, stream: StreamId, request: &Request, session: &mut Session) {
        let since = time::Instant::now();
        self.last_active = since;
        let mark = session.mark(stream);
        let Dispatched { seat, answer } = self.handler.answer(&request.authority, &Ask::from(request));
        let Answer::Reply(reply) = answer;
        let Some(http) = session.http() else { return };
        let end = reply.body.is_empty();
        let mut response = Response {
            handler: self.handler.clone(),
            served: Served {
                protocol: "h2",
                seat,
                method: request.method.clone(),
                path: request.path.clone(),
                status: reply.response.status,
                bytes: 0,
                took: time::Duration::ZERO,
                whole: false,
                hinted: mark.hinted,
                hints: mark.hints,
            },
            body: reply.body,
            since,
            queue_bytes: self.bounds.queue_bytes,
        };
        // The stream may have been reset between the request and now: then nobody waits for the answer.
        if http.respond(stream, &reply.response, end).is_ok() && !response.refill(stream, session) {
            self.responses.insert(stream, response);
        }
    }
}

impl<H: Handler> Response<H> {
    /// Moves body into the stream's queue while it has room; true when all of it went, or nothing more can.
    fn refill(&mut self, stream: StreamId, session: &mut Session) -> bool {
        let Some(http) = session.http() else { return true };
        while !self.body.is_empty() {
            let room = self.room(stream, http);
            if room == 0 {
                break;
            }
            match self.body.next_piece(room) {
                Ok(Some(chunk)) => {
                    let len = chunk.as_ref().len() as u64;
                    if http.send(stream, chunk, self.body.is_empty()).is_err() {
                        return true; // Reset in the meantime: the drop reports it.
                    }
                    self.served.bytes += len;
                }
                Ok(None) => break,
                Err(_) => {
                    http.reset(stream, INTERNAL_ERROR);
                    return true;
                }
            }
        }
        self.body.is_empty()
    }

    /// What the stream's queue should take now: enough to be worth a read, as long as the connection's is not full.
    fn room(&self, stream: StreamId, http: &h2::Connection) -> usize {
        let room = http.room(stream);
        match http.queued_bytes() < QUEUED_BYTES {
            true if room >= REFILL_BYTES => room,
            false if room == self.queue_bytes => REFILL_BYTES,
            _ => 0,
        }
    }
}

impl<H: Handler> Drop for Response<H> {
    fn drop(&mut self) {
        self.served.took = self.since.elapsed();
        self.served.whole = self.body.is_empty();
        self.handler.served(&self.served);
    }
}

impl<H: Handler, S: Future<Output = ()>> Application for Http2<H, S> {
    fn heard(&mut self, _: Instant, event: session::Event<'_>) {
        self.handler.heard(&event);
        match event {
            session::Event::Http(Event::Request { stream, request, .. }) => {
                self.asked.push((stream, request))
            }
            // Nothing here reads a request's body: its credit goes back at once.
            session::Event::Http(Event::Data { stream, bytes, .. }) => {
                *self.read.entry(stream).or_default() += bytes.len();
            }
            session::Event::Http(Event::Reset { stream, .. }) => {
                self.responses.remove(&stream);
                self.asked.retain(|(asked, _)| *asked != stream);
            }
            _ => {}
        }
    }

    fn act(&mut self, now: Instant, session: &mut Session) {
        if let Some(http) = session.http() {
            for (stream, len) in core::mem::take(&mut self.read) {
                http.consume(now, stream, len);
            }
        }
        for (stream, request) in core::mem::take(&mut self.asked) {
            self.respond(stream, &request, session);
        }
        self.responses.retain(|stream, response| !response.refill(*stream, session));
        match self.end {
            End::None => {}
            End::Cut => match session.http() {
                Some(http) => http.close(NO_ERROR),
                None => session.close(now),
            },
            // A handshake under way is finished first, and who speaks HTTP/1.1 is told by that: who came is answered.
            End::Drained if session.is_ready() && session.http().is_some() => session.close(now),
            End::Drained => {}
        }
    }

    fn patience(&self) -> Span {
        Span::from_millis(self.bounds.stall_ms)
    }

    fn poll_wake(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(stop) = &mut self.stop
            && stop.as_mut().poll(cx).is_ready()
        {
            self.stop = None;
            self.end = End::Drained;
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
