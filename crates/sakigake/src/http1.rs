//! HTTP/1.1 and 1.0 (RFC 9112), by hyper, over any stream of plaintext: for whoever did not choose h2.

mod stall;
#[cfg(test)]
mod tests;

use crate::files::{Ask, Body, PIECE_BYTES, error_reply};
use crate::handler::{Answer, Dispatched, Handler, Served};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Version};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper_util::rt::{TokioIo, TokioTimer};
use sakigake_semantics::Chunk;
use stall::Stall;
use std::cell::Cell;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};

/// How long a connection that is told to end still takes a request, which may be on its way: the answer to it says that it
/// is the last.
const LAST_REQUEST: Duration = Duration::from_millis(500);

/// What one connection may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// A request's whole head has to arrive within this time, counted from the end of the request before.
    pub head_ms: u64,
    /// Bytes of a request's head.
    pub head_bytes: usize,
    /// A request's field lines.
    pub head_lines: usize,
    /// How long the peer may take nothing of what is to be written.
    pub stall_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { head_ms: 30_000, head_bytes: 32 * 1024, head_lines: 100, stall_ms: 60_000 }
    }
}

/// Serves one connection until the peer or `stop` ends it; when `stop` completes, the response under way is finished
/// first, and a request that is on its way is answered. A head and a small body leave in one write. The stream's write half is shut down at the end, at which a TLS
/// stream sends its close_notify.
///
/// # Errors
/// The stream failed, the peer broke HTTP's rules or a limit, or a file could not be read to its end.
pub(crate) async fn serve<I, H>(
    io: I,
    handler: Rc<H>,
    limits: Limits,
    stop: impl Future<Output = ()>,
) -> Result<(), hyper::Error>
where
    I: AsyncRead + AsyncWrite + Unpin,
    H: Handler + 'static,
{
    let is_stopping = Rc::new(Cell::new(false));
    let is_last = is_stopping.clone();
    let service = hyper::service::service_fn(move |request: http::Request<Incoming>| {
        let mut response = respond(handler.clone(), request);
        if is_last.get() {
            response.headers_mut().insert(http::header::CONNECTION, HeaderValue::from_static("close")); // spec: 9112-9.6-a
        }
        async move { Ok::<_, Infallible>(response) }
    });
    let mut connection = pin!(
        hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(Duration::from_millis(limits.head_ms))
            .max_header_size(limits.head_bytes)
            .max_buf_size(limits.head_bytes.max(PIECE_BYTES * 2))
            .max_headers(limits.head_lines)
            // Vectored or flat, head and body are one write; flat is one TLS record even over a stream that would take
            // only the first slice.
            .writev(false)
            .serve_connection(TokioIo::new(Stall::new(io, Duration::from_millis(limits.stall_ms))), service)
    );
    let mut farewell = pin!(async {
        stop.await;
        is_stopping.set(true);
        tokio::time::sleep(LAST_REQUEST).await;
    });
    let mut is_over = false;
    std::future::poll_fn(|cx| {
        if !is_over && farewell.as_mut().poll(cx).is_ready() {
            is_over = true;
            connection.as_mut().graceful_shutdown();
        }
        connection.as_mut().poll(cx)
    })
    .await
}

fn respond<H: Handler>(handler: Rc<H>, request: http::Request<Incoming>) -> http::Response<Outgoing<H>> {
    let since = Instant::now();
    let (parts, _body) = request.into_parts();
    let Dispatched { seat, answer } = match has_good_host(&parts) {
        true => handler.answer(authority(&parts), &Ask::from(&parts)),
        false => {
            let reply = error_reply(400, parts.method == http::Method::HEAD); // spec: 9112-3.2-a
            Dispatched { seat: None, answer: Answer::Reply(reply) }
        }
    };
    let Answer::Reply(reply) = answer;
    let status = http::StatusCode::from_u16(reply.response.status);
    let status = status.unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR); // A handler's slip must not kill the connection.
    let mut response = http::Response::new(Outgoing {
        served: Served {
            protocol: if parts.version == Version::HTTP_10 { "HTTP/1.0" } else { "HTTP/1.1" },
            seat,
            method: parts.method.as_str().into(),
            path: parts.uri.path_and_query().map_or("", http::uri::PathAndQuery::as_str).into(),
            status: status.as_u16(),
            bytes: 0,
            took: Duration::ZERO,
            whole: false,
            hinted: false,
            hints: 0,
        },
        body: reply.body,
        since,
        handler,
    });
    *response.status_mut() = status;
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

/// The host that the request is for: of its target where that has one (RFC 9112 section 3.2.2), else of `host`.
fn authority(parts: &http::request::Parts) -> &[u8] {
    let target = parts.uri.authority().map(|authority| authority.as_str().as_bytes());
    let host = || parts.headers.get(http::header::HOST).map(HeaderValue::as_bytes);
    target.or_else(host).unwrap_or_default()
}

/// One `host` in HTTP/1.1, at most one before, and it looks like a host and a port.
fn has_good_host(parts: &http::request::Parts) -> bool {
    let mut hosts = parts.headers.get_all(http::header::HOST).iter();
    let is_good = |host: &HeaderValue| {
        let is_plain = |&byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:[]".contains(&byte);
        host.as_bytes().iter().all(is_plain)
    };
    match (hosts.next(), hosts.next()) {
        (None, _) => parts.version < Version::HTTP_11,
        (Some(host), None) => is_good(host),
        (Some(_), Some(_)) => false,
    }
}

/// A body on its way out, which tells the handler when it ends: at its drop, since hyper does not ask for the end of a
/// body whose length it knows.
struct Outgoing<H: Handler> {
    body: Body,
    served: Served,
    since: Instant,
    handler: Rc<H>,
}

impl<H: Handler> http_body::Body for Outgoing<H> {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let bytes = match self.body.next_piece(PIECE_BYTES) {
            Ok(None) => return Poll::Ready(None),
            Ok(Some(Chunk::Owned(bytes))) => Bytes::from(bytes),
            Ok(Some(Chunk::Shared(bytes))) => Bytes::from_owner(bytes),
            Err(error) => return Poll::Ready(Some(Err(error))),
        };
        self.served.bytes += bytes.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.len().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl<H: Handler> Drop for Outgoing<H> {
    fn drop(&mut self) {
        self.served.took = self.since.elapsed();
        self.served.whole = self.body.is_empty();
        self.handler.served(&self.served);
    }
}
