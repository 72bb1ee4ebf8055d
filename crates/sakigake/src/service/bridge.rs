//! WebSockets over HTTP/2 and HTTP/3 (RFC 8441, RFC 9220) for handlers that know them over HTTP/1.1 alone: an in-memory HTTP/1.1 connection
//! between the stream and the handler. The handler sees `GET`, `Upgrade: websocket` and a key, and its 101 becomes 200.

use super::{Body, BoxError, Failure, Local, Outgoing, Pending, local::Answer};
use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Method, Request, Response, StatusCode, Version, header, request};
use http_body::Frame;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf, ReadHalf},
    task::AbortHandle,
};

/// Bytes that the pipe holds in each direction.
const PIPE_BYTES: usize = 16 * 1024;
/// Field lines that pass: as many as HTTP/2 takes by default, and ours.
const LINES: usize = 300;
/// Bytes that the pipe's ends hold of a head: as HTTP/2 takes by default, uncompressed, and then some.
const HEAD_BYTES: usize = 192 * 1024;

/// The key of RFC 6455 section 1.3: between our own two ends it proves nothing, but a handler wants one.
const KEY: HeaderValue = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");
const UPGRADE: HeaderValue = HeaderValue::from_static("upgrade");

/// What the handler answers to an extended CONNECT for a WebSocket; the stream is the request's body.
pub(crate) fn bridge(local: Local, request: Request<Body>) -> Pending {
    Pending::new(Box::pin(async move { cross(local, request).await }))
}

async fn cross(local: Local, request: Request<Body>) -> Answer {
    let (parts, body) = request.into_parts();
    let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
    let request = as_http1(&parts);
    let service = hyper::service::service_fn(move |asked| local.ask(restore(&parts, asked)));
    let server = hyper::server::conn::http1::Builder::new()
        .max_headers(LINES)
        .max_header_size(HEAD_BYTES)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(theirs), service)
        .with_upgrades();
    let (mut sender, client) = hyper::client::conn::http1::Builder::new()
        .handshake::<_, http_body_util::Empty<Bytes>>(TokioIo::new(ours))
        .await
        .map_err(broken)?;
    let carried = tokio::task::spawn_local(async move {
        // Who is at fault was said by the response, or by its absence.
        let _ = tokio::join!(server, client.with_upgrades());
    });
    let carried = Task(carried.abort_handle());
    let mut response = sender.send_request(request).await.map_err(broken)?;
    if response.status().is_success() {
        // A page, say, of a handler that knows no upgrades: to the client any 2xx would be an open tunnel, and the page what
        // a WebSocket says (RFC 8441 section 5).
        let mut refusal = Response::new(Outgoing::empty());
        *refusal.status_mut() = StatusCode::NOT_IMPLEMENTED;
        return Ok(refusal);
    }
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Ok(response.map(|body| Outgoing::new(Refusal { body, _carried: carried })));
    }
    let upgraded = hyper::upgrade::on(&mut response).await.map_err(broken)?;
    let (read, write) = tokio::io::split(TokioIo::new(upgraded));
    let pumped = Task(tokio::task::spawn_local(pump(body, write)).abort_handle());
    let tunnel = Tunnel { read: Some(read), buffer: BytesMut::new(), _tasks: [carried, pumped] };
    let (mut head, _) = response.into_parts();
    head.status = StatusCode::OK;
    head.headers.remove(header::SEC_WEBSOCKET_ACCEPT);
    head.headers.remove(header::UPGRADE);
    head.headers.remove(header::CONNECTION);
    head.headers.remove(header::CONTENT_LENGTH); // A tunnel has none (RFC 9110 section 8.6).
    Ok(Response::from_parts(head, Outgoing::new(tunnel)))
}

/// The handler's part of the pipe broke: it gave no response.
fn broken(error: hyper::Error) -> Failure {
    Failure::Service(error.into())
}

/// The request as HTTP/1.1 has it.
fn as_http1(parts: &request::Parts) -> Request<http_body_util::Empty<Bytes>> {
    let mut request = Request::new(http_body_util::Empty::new());
    *request.uri_mut() =
        parts.uri.path_and_query().map_or_else(http::Uri::default, |path| path.clone().into());
    let headers = request.headers_mut();
    *headers = parts.headers.clone();
    if let Some(host) = parts.uri.authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok()) {
        headers.insert(header::HOST, host); // spec: 9113-8.3.1-j
    }
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONNECTION, UPGRADE);
    headers.insert(header::UPGRADE, WEBSOCKET);
    headers.insert(header::SEC_WEBSOCKET_KEY, KEY);
    headers.entry(header::SEC_WEBSOCKET_VERSION).or_insert(HeaderValue::from_static("13"));
    request
}

/// What came through the pipe, with the extensions of the request that it was.
fn restore(parts: &request::Parts, asked: Request<Incoming>) -> Request<Body> {
    let (mut head, body) = asked.into_parts();
    head.extensions.extend(parts.extensions.clone());
    debug_assert!(head.method == Method::GET && head.version == Version::HTTP_11);
    Request::from_parts(head, Body::of_http1(body))
}

/// What the client sends, into the pipe, at the handler's pace. Its end is the pipe's end; when it is reset, the stream's
/// whole exchange is dropped, and the pipe with it.
async fn pump<W: AsyncWrite + Unpin>(mut body: Body, mut write: W) -> io::Result<()> {
    while let Some(Ok(frame)) = body.frame().await {
        if let Ok(bytes) = frame.into_data() {
            write.write_all(&bytes).await?;
            write.flush().await?;
        }
    }
    write.shutdown().await
}

/// A task that ends with what it belongs to.
struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What the handler says through the pipe.
struct Tunnel<I> {
    read: Option<ReadHalf<I>>,
    buffer: BytesMut,
    _tasks: [Task; 2],
}

impl<I: AsyncRead + Unpin> http_body::Body for Tunnel<I>
where
    ReadHalf<I>: AsyncRead + Unpin,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Self { read: Some(read), .. } = &mut *self else { return Poll::Ready(None) };
        let mut place = [0; PIPE_BYTES];
        let mut buf = ReadBuf::new(&mut place);
        let outcome = ready!(Pin::new(read).poll_read(cx, &mut buf));
        if outcome.is_err() || buf.filled().is_empty() {
            self.read = None;
            return Poll::Ready(None); // A handler that hangs up has said all.
        }
        self.buffer.extend_from_slice(buf.filled());
        let bytes = self.buffer.split().freeze();
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }
}

/// The body of an answer that is not a WebSocket, and the pipe that it comes through.
struct Refusal {
    body: Incoming,
    _carried: Task,
}

impl http_body::Body for Refusal {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}
