//! `GET /metrics` over plain HTTP, and nothing else.

use super::text::CONTENT_TYPE;
use bytes::Bytes;
use core::{convert::Infallible, time::Duration};
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time,
};

/// How long a request's head may take, and the whole connection, which carries one request.
const HEAD: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(20);
/// How long a server that was told to stop waits for an answer under way.
const LAST: Duration = Duration::from_millis(500);
/// What a request's head may have.
const HEAD_BYTES: usize = 16 * 1024;
const HEAD_LINES: usize = 64;

/// A connection's life: one request, answered by what `text` gives, until `stop` completes.
pub(crate) async fn connection<I, T>(io: I, text: T, stop: impl Future<Output = ()>)
where
    I: AsyncRead + AsyncWrite + Unpin,
    T: Fn() -> String,
{
    let service = hyper::service::service_fn(|request: Request<Incoming>| {
        core::future::ready(Ok::<_, Infallible>(answer(request.method(), request.uri().path(), &text)))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEAD_LINES)
        .keep_alive(false)
        .serve_connection(TokioIo::new(io), service);
    tokio::select! {
        // Who asks wrongly or leaves is told so, or is gone: nothing of it matters to the server.
        _ = connection => {}
        () = time::sleep(WHOLE) => {}
        () = async { stop.await; time::sleep(LAST).await } => {}
    }
}

pub(super) fn answer(method: &Method, path: &str, text: impl Fn() -> String) -> Response<Full<Bytes>> {
    let plain = |status, body: &'static str| {
        let mut response = Response::new(Full::from(body));
        *response.status_mut() = status;
        response
    };
    if path != "/metrics" {
        return plain(StatusCode::NOT_FOUND, "The metrics are at /metrics.\n");
    }
    if !matches!(*method, Method::GET | Method::HEAD) {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "");
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    // hyper leaves out the body of an answer to HEAD, and keeps its length.
    let mut response = Response::new(Full::from(text()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    response
}
