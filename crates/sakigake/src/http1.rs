//! HTTP/1.1 and 1.0 (RFC 9112), by hyper, over any stream of plaintext: for whoever did not choose h2.

mod ask;
mod early;
mod outgoing;
mod patience;
mod stall;
#[cfg(test)]
mod tests;
mod waiting;

use crate::early::{is_document, is_document_head, may_be_document};
use crate::files::{Ask, PIECE_BYTES, error_reply};
use crate::handler::{Answer, Dispatched, Handler, Served};
use crate::service::{self, BodyError, Peer, Upload};
use http::{HeaderValue, Version};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use outgoing::Outgoing;
use patience::{Patience, Turn};
use sakigake_preload::table::Links;
use sakigake_semantics::{Control, Part};
use stall::Stall;
use std::cell::Cell;
use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::{Poll, ready};
use std::time::{Duration, Instant, SystemTime};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use waiting::{Silence, Waiting};

/// What one connection may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// A request's whole head has to arrive within this time, counted from its first byte; the first one's from the
    /// connection's beginning.
    pub head_ms: u64,
    /// How long the peer may ask for nothing between two requests.
    pub idle_ms: u64,
    /// Bytes of a request's head.
    pub head_bytes: usize,
    /// A request's field lines.
    pub head_lines: usize,
    /// How long the peer may take nothing of what is to be written.
    pub stall_ms: u64,
    /// How long the peer may let a service wait for bytes of a request's body.
    pub body_stall_ms: u64,
    /// How long a connection that is told to end still takes a request, which may be on its way: the answer to it says that
    /// it is the last.
    pub last_request_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_ms: 30_000,
            idle_ms: 180_000,
            head_bytes: 32 * 1024,
            head_lines: 100,
            stall_ms: 60_000,
            body_stall_ms: 60_000,
            last_request_ms: 500,
        }
    }
}

/// How a connection ended badly.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The stream failed, the peer broke HTTP's rules or a limit, or a file could not be read to its end.
    Http(hyper::Error),
    /// The peer let a service wait for a request's body, whose response had begun.
    SlowBody,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(error) => error.fmt(f),
            Self::SlowBody => BodyError::Slow.fmt(f),
        }
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Http(error) => error.source(),
            Self::SlowBody => None,
        }
    }
}

/// Serves one connection until the peer or `stop` ends it; when `stop` completes, the response under way is finished
/// first, and a request that is on its way is answered. A head and a small body leave in one write. The stream's write
/// half is shut down at the end, at which a TLS stream sends its close_notify. A peer that asks for nothing is let go in the
/// same way. A connection that a service took for another
/// protocol (a WebSocket) ends when the service lets it go.
///
/// # Errors
/// [`Failure`].
pub(crate) async fn serve<I, H>(
    io: I,
    handler: Rc<H>,
    peer: Peer,
    limits: Limits,
    stop: impl Future<Output = ()>,
) -> Result<(), Failure>
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    H: Handler + 'static,
{
    let (held, gone) = oneshot::channel();
    let silence = Arc::new(Silence::default());
    let io = Stall::new(io, Duration::from_millis(limits.stall_ms), silence.clone(), held);
    let ended = http(TokioIo::new(io), silence, handler, peer, limits, stop).await;
    // Never an answer: the other end is dropped with the stream, whoever has it by now.
    let _ = gone.await;
    ended
}

/// As long as the connection speaks HTTP.
async fn http<I, H>(
    io: TokioIo<Stall<I>>,
    silence: Arc<Silence>,
    handler: Rc<H>,
    peer: Peer,
    limits: Limits,
    stop: impl Future<Output = ()>,
) -> Result<(), Failure>
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    H: Handler + 'static,
{
    let is_stopping = Rc::new(Cell::new(false));
    let is_last = is_stopping.clone();
    let (turn, upload) = (Rc::new(Turn::default()), Arc::new(Upload::default()));
    let mut patience = Patience::new(Duration::from_millis(limits.body_stall_ms), upload.clone());
    let asking = turn.clone();
    let service = hyper::service::service_fn(move |request: http::Request<Incoming>| {
        let (handler, peer, is_last) = (handler.clone(), peer.clone(), is_last.clone());
        let upload = (asking.clone(), upload.clone());
        async move {
            let mut response = respond(handler, peer, request, upload).await;
            if is_last.get() && response.status() != http::StatusCode::SWITCHING_PROTOCOLS {
                response.headers_mut().insert(http::header::CONNECTION, HeaderValue::from_static("close")); // spec: 9112-9.6-a
            }
            Ok::<_, Infallible>(response)
        }
    });
    let (head, idle) = (Duration::from_millis(limits.head_ms), Duration::from_millis(limits.idle_ms));
    let waiting = Waiting { silence: silence.clone(), head, idle, is_used: AtomicBool::new(false) };
    let mut connection = pin!(
        hyper::server::conn::http1::Builder::new()
            .timer(waiting)
            .header_read_timeout(head)
            .max_header_size(limits.head_bytes)
            .max_buf_size(limits.head_bytes.max(PIECE_BYTES * 2))
            .max_headers(limits.head_lines)
            // Vectored or flat, head and body are one write; flat is one TLS record even over a stream that would take
            // only the first slice.
            .writev(false)
            .serve_connection(io, service)
            .with_upgrades()
    );
    let mut farewell = pin!(async {
        stop.await;
        is_stopping.set(true);
        tokio::time::sleep(Duration::from_millis(limits.last_request_ms)).await;
    });
    let mut is_over = false;
    std::future::poll_fn(|cx| {
        loop {
            if !is_over && (silence.is_over() || farewell.as_mut().poll(cx).is_ready()) {
                is_over = true;
                connection.as_mut().graceful_shutdown();
            }
            if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
                return Poll::Ready(ended.map_err(Failure::Http));
            }
            if !is_over && silence.is_over() {
                continue;
            }
            ready!(patience.poll(cx));
            // Where a response has begun, nothing but the end of the connection can say that it will not be whole.
            if !turn.refuse() {
                return Poll::Ready(Err(Failure::SlowBody));
            }
        }
    })
    .await
}

async fn respond<H: Handler>(
    handler: Rc<H>,
    peer: Peer,
    request: http::Request<Incoming>,
    (turn, upload): (Rc<Turn>, Arc<Upload>),
) -> http::Response<Outgoing<H>> {
    let (since, peer) = (Instant::now(), peer.now());
    let (mut parts, body) = request.into_parts();
    let refusal = if has_good_host(&parts) { early::judge(&mut parts, &peer) } else { Some(400) };
    let ask = Ask::from(&parts);
    let Dispatched { seat, answer, visit } = match refusal {
        None => handler.answer(authority(&parts), &ask, SystemTime::now()),
        Some(status) => {
            let reply = error_reply(status, parts.method == http::Method::HEAD);
            Dispatched { seat: None, answer: Answer::Reply(reply), visit: None }
        }
    };
    let served = Served {
        protocol: if parts.version == Version::HTTP_10 { "HTTP/1.0" } else { "HTTP/1.1" },
        seat,
        asked: Control::default().with(Part::Method, ask.method).with(Part::Path, ask.path),
        status: 0,
        bytes: 0,
        took: Duration::ZERO,
        whole: false,
        hinted: false,
        hints: 0,
        early_hints: 0,
        visit,
    };
    let mode = parts.headers.get("sec-fetch-mode").map(HeaderValue::as_bytes);
    let may_link = may_be_document(parts.method.as_str().as_bytes(), mode);
    let links = || handler.links(served.seat.as_deref(), authority(&parts), served.asked.path());
    let alternative = handler.alternative().and_then(|told| HeaderValue::from_str(told).ok()); // Always: it is ASCII.
    let mut response = match answer {
        Answer::Reply(reply) => {
            let is_document = may_link && is_document_head(&reply.response);
            let links = is_document.then(links).flatten();
            link(Outgoing::new(handler, served, since).reply(reply), links)
        }
        Answer::Service(local) => {
            let links = may_link.then(links).flatten();
            let mut outgoing = Outgoing::new(handler, served, since);
            outgoing.is_head = parts.method == http::Method::HEAD;
            let body = service::Body::of_upload(body, upload);
            match turn.answer(ask::ask(&local, parts, body, peer)).await {
                Some(answer) => link(outgoing.answer(answer), links),
                None => outgoing.too_slow(),
            }
        }
    };
    if let Some(alternative) = alternative {
        response.headers_mut().entry(http::header::ALT_SVC).or_insert(alternative); // spec: 7838-3-s
    }
    response
}

/// Adds to a document the `link` fields that it does not have. A 103 never leaves: clients of HTTP/1.1 have taken one for the
/// answer (RFC 8297 section 3).
fn link<B>(mut response: http::Response<B>, links: Option<Links>) -> http::Response<B> {
    // spec: 8297-3-a
    let content_type = response.headers().get(http::header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    if is_document(response.status().as_u16(), content_type) {
        for value in links.iter().flat_map(|links| links.iter()) {
            let is_said = response.headers().get_all(http::header::LINK).iter().any(|said| said == value);
            if let (false, Ok(value)) = (is_said, HeaderValue::from_str(value)) {
                response.headers_mut().append(http::header::LINK, value); // spec: preload-profile-12-b
            }
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
        (None, _) => parts.version < Version::HTTP_11, // spec: 9112-3.2-a
        (Some(host), None) => is_good(host),           // spec: 9112-3.2-a
        (Some(_), Some(_)) => false,                   // spec: 9112-3.2-a
    }
}
