//! A response on its way out over HTTP/1.1.

use crate::files::{self, PIECE_BYTES, Reply};
use crate::handler::{Handler, Served};
use crate::service::{self, head::may_have_length};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header::CONNECTION, header::CONTENT_LENGTH};
use http_body::Body as _;
use hyper::body::{Frame, SizeHint};
use sakigake_semantics::Chunk;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

/// A body, which tells the handler when it ends: at its drop, since hyper does not ask for the end of a body whose length it
/// knows.
pub(super) struct Outgoing<H: Handler> {
    source: Source,
    served: Served,
    since: Instant,
    handler: Rc<H>,
    pub(super) is_head: bool,
    /// Bytes of a service's body that are still to come, where that is known.
    left: Option<u64>,
    /// It ended with an error.
    is_broken: bool,
    /// Whether others had their turn since the last piece.
    is_rested: bool,
}

enum Source {
    File(files::Body),
    Service(service::Outgoing),
}

impl<H: Handler> Outgoing<H> {
    /// Nothing yet; dropped before there is an answer, it says so to the log.
    pub(super) fn new(handler: Rc<H>, served: Served, since: Instant) -> Self {
        let source = Source::Service(service::Outgoing::empty());
        Self {
            source,
            served,
            since,
            handler,
            is_head: false,
            left: None,
            is_broken: false,
            is_rested: false,
        }
    }

    /// What the server answers itself.
    pub(super) fn reply(mut self, reply: Reply) -> Response<Self> {
        let status = StatusCode::from_u16(reply.response.status);
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR); // A handler's slip must not kill the connection.
        self.source = Source::File(reply.body);
        let mut response = self.with(status);
        for line in reply.response.fields.iter() {
            // What hyper cannot write would be malformed on the wire: the line is left out.
            if let (Ok(name), Ok(value)) =
                (HeaderName::from_bytes(line.name), HeaderValue::from_bytes(line.value))
            {
                response.headers_mut().append(name, value);
            }
        }
        response
    }

    /// What a service answers, or 500 and a line in the log.
    pub(super) fn answer(mut self, answer: Result<Response<service::Outgoing>, String>) -> Response<Self> {
        match answer {
            Ok(response) => {
                let (parts, body) = response.into_parts();
                let said =
                    parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
                self.left = said.or_else(|| body.size_hint().exact());
                self.source = Source::Service(body);
                self.served.status = parts.status.as_u16();
                Response::from_parts(parts, self)
            }
            Err(why) => {
                self.blame(&why);
                self.with(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }

    /// The client let the service wait for the request's body.
    pub(super) fn too_slow(self) -> Response<Self> {
        let mut response = self.with(StatusCode::REQUEST_TIMEOUT);
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        response
    }

    fn with(mut self, status: StatusCode) -> Response<Self> {
        self.served.status = status.as_u16();
        let mut response = Response::new(self);
        *response.status_mut() = status;
        response
    }

    fn blame(&self, why: &str) {
        let (method, path) = (self.served.asked.method(), self.served.asked.path());
        self.handler.blame(&format!("{} {}: {why}", method.escape_ascii(), path.escape_ascii()));
    }

    fn is_whole(&self) -> bool {
        let is_sent = match &self.source {
            Source::File(body) => body.is_empty(),
            Source::Service(body) => {
                let has_none = self.is_head || !may_have_length(self.served.status);
                has_none || self.left == Some(0) || body.is_end_stream()
            }
        };
        is_sent && !self.is_broken && self.served.status != 0
    }
}

impl<H: Handler> http_body::Body for Outgoing<H> {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        // Others have their turn between two pieces that take their time.
        let is_costly = matches!(&self.source, Source::File(body) if body.is_costly());
        if is_costly && !self.is_rested {
            self.is_rested = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.is_rested = false;
        let frame = match &mut self.source {
            Source::File(body) => next_of_file(body),
            Source::Service(body) => {
                ready!(Pin::new(body).poll_frame(cx)).map(|frame| frame.map_err(io::Error::other))
            }
        };
        self.is_broken |= matches!(&frame, Some(Err(_)));
        match &frame {
            Some(Ok(frame)) => {
                let len = frame.data_ref().map_or(0, Bytes::len) as u64;
                self.served.bytes += len;
                self.left = self.left.map(|left| left.saturating_sub(len));
            }
            Some(Err(error)) if matches!(self.source, Source::Service(_)) => self.blame(&error.to_string()),
            _ => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::File(body) => body.is_empty(),
            Source::Service(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::File(body) => body.len().map_or_else(SizeHint::default, SizeHint::with_exact),
            Source::Service(body) => body.size_hint(),
        }
    }
}

fn next_of_file(body: &mut files::Body) -> Option<io::Result<Frame<Bytes>>> {
    let bytes = match body.next_piece(PIECE_BYTES) {
        Ok(None) => return None,
        Ok(Some(Chunk::Owned(bytes))) => Bytes::from(bytes),
        Ok(Some(Chunk::Shared(bytes))) => Bytes::from_owner(bytes),
        Err(error) => return Some(Err(error)),
    };
    Some(Ok(Frame::data(bytes)))
}

impl<H: Handler> Drop for Outgoing<H> {
    fn drop(&mut self) {
        self.served.took = self.since.elapsed();
        self.served.whole = self.is_whole();
        if let Source::Service(body) = &mut self.source
            && let Err(failure) = body.let_go()
        {
            self.blame(&failure.to_string());
        }
        self.handler.served(&self.served);
    }
}
