//! HTTP/2 requests answered by a [`Handler`]: what a server does with a session.

use crate::{
    files::{Ask, Body},
    http1::{Handler, Served},
    server::Site,
};
use core::{
    pin::Pin,
    task::{Context, Poll},
};
use sakigake_net::Application;
use sakigake_semantics::{Event, Request, StreamId};
use sakigake_session::{self as session, Session};
use sakigake_wire::Instant;
use std::{collections::BTreeMap, future::Future, sync::Arc, time};

/// A stream is refilled while its queue has room for at least this much, so that files are not read in crumbs.
const REFILL_BYTES: usize = 16 * 1024;

/// RFC 9113 section 7: the stream cannot be completed, and it is our fault.
const INTERNAL_ERROR: u32 = 0x2;

/// One connection's requests, and the responses that are still on their way.
pub(crate) struct Http2<H: Handler, S> {
    handler: Arc<H>,
    site: Arc<Site>,
    asked: Vec<(StreamId, Request)>,
    read: Vec<(StreamId, usize)>,
    responses: BTreeMap<StreamId, Response<H>>,
    stop: Option<Pin<Box<S>>>,
    is_stopping: bool,
}

/// A response on its way out, which tells the handler when it ends, however it ends.
struct Response<H: Handler> {
    handler: Arc<H>,
    body: Body,
    served: Served,
    since: time::Instant,
}

impl<H: Handler, S: Future<Output = ()>> Http2<H, S> {
    /// Nothing asked yet; drains the connection when `stop` completes.
    pub(crate) fn new(handler: Arc<H>, stop: S, site: Arc<Site>) -> Self {
        Self {
            handler,
            site,
            asked: Vec::new(),
            read: Vec::new(),
            responses: BTreeMap::new(),
            stop: Some(Box::pin(stop)),
            is_stopping: false,
        }
    }

    fn respond(&mut self, stream: StreamId, request: &Request, session: &mut Session) {
        let since = time::Instant::now();
        let reply = self.handler.answer(&Ask::from(request));
        let Some(http) = session.http() else { return };
        let end = reply.body.is_empty();
        let mut response = Response {
            handler: self.handler.clone(),
            served: Served {
                protocol: "h2",
                method: request.method.clone(),
                path: request.path.clone(),
                status: reply.response.status,
                bytes: 0,
                took: time::Duration::ZERO,
                whole: false,
                hinted: false,
                hints: 0,
            },
            body: reply.body,
            since,
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
        while !self.body.is_empty() && http.room(stream) >= REFILL_BYTES {
            match self.body.next_piece(http.room(stream)) {
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
        match event {
            session::Event::Http(Event::Request { stream, request, .. }) => {
                self.asked.push((stream, request))
            }
            // Nothing here reads a request's body: its credit goes back at once.
            session::Event::Http(Event::Data { stream, bytes, .. }) => self.read.push((stream, bytes.len())),
            session::Event::Http(Event::Reset { stream, .. }) => {
                self.responses.remove(&stream);
                self.asked.retain(|(asked, _)| *asked != stream);
            }
            session::Event::KeyLog(line) => self.site.log_key(line),
            _ => {}
        }
    }

    fn act(&mut self, now: Instant, session: &mut Session) {
        if let Some(http) = session.http() {
            for (stream, len) in self.read.drain(..) {
                http.consume(now, stream, len);
            }
        }
        for (stream, request) in core::mem::take(&mut self.asked) {
            self.respond(stream, &request, session);
        }
        self.responses.retain(|stream, response| !response.refill(*stream, session));
        if self.is_stopping {
            session.close(now);
        }
    }

    fn poll_wake(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(stop) = &mut self.stop else { return Poll::Pending };
        core::task::ready!(stop.as_mut().poll(cx));
        self.stop = None;
        self.is_stopping = true;
        Poll::Ready(())
    }
}
