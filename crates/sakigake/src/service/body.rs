//! What a handler reads of a request.

use super::{Inflow, Upload};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

/// A request's body: data frames, then perhaps trailers.
///
/// Nothing is read ahead of the handler beyond the stream's window: while the body is not read, the client waits. A client
/// that asked whether to send it (`Expect: 100-continue`) is told to when the body is first polled, unless it has the
/// response's head already. A body that is dropped
/// unread is refused: what still comes is thrown away, and an HTTP/2 client is told to stop once it has the whole response
/// (RFC 9113 section 8.1).
///
/// It ends with an error, at once, when the client resets the stream or the connection is lost.
#[derive(Default)]
pub struct Body(Source);

#[derive(Default)]
enum Source {
    #[default]
    Empty,
    Whole(Bytes),
    Stream(Stream),
    Http1(Incoming, Option<Reading>),
}

/// A reader's hold on what its connection is told of it.
struct Reading(Arc<Upload>);

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.asked(false);
    }
}

/// The reader's hold on a stream's body.
struct Stream(Arc<Inflow>);

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// Why a body ended before its end.
#[derive(Clone, Debug)]
pub enum BodyError {
    /// The stream was reset, by the client's will or because it broke a rule: HTTP/2's or HTTP/3's error code.
    Reset(u64),
    /// The connection ended.
    Lost,
    /// The client let its reader wait for longer than it may.
    Slow,
    /// HTTP/1.1: the connection ended, or what came is not a body.
    Http1(Arc<hyper::Error>),
}

impl Body {
    /// A body without a byte.
    pub const fn empty() -> Self {
        Self(Source::Empty)
    }

    pub(crate) fn of_stream(inflow: Arc<Inflow>) -> Self {
        Self(Source::Stream(Stream(inflow)))
    }

    pub(crate) fn of_http1(incoming: Incoming) -> Self {
        Self(Source::Http1(incoming, None))
    }

    /// The same; `upload` is told how its reader fares.
    pub(crate) fn of_upload(incoming: Incoming, upload: Arc<Upload>) -> Self {
        Self(Source::Http1(incoming, Some(Reading(upload))))
    }

    /// Bytes that have come and wait to be read, where that is known.
    pub fn buffered(&self) -> usize {
        match &self.0 {
            Source::Empty | Source::Http1(..) => 0,
            Source::Whole(bytes) => bytes.len(),
            Source::Stream(stream) => stream.0.len(),
        }
    }
}

impl From<Bytes> for Body {
    /// A body that is there already, such as a test's.
    fn from(bytes: Bytes) -> Self {
        Self(if bytes.is_empty() { Source::Empty } else { Source::Whole(bytes) })
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.0 {
            Source::Empty => Poll::Ready(None),
            Source::Whole(bytes) => {
                let bytes = core::mem::take(bytes);
                self.0 = Source::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Source::Stream(stream) => stream.0.poll(cx),
            Source::Http1(incoming, reading) => {
                let polled = Pin::new(incoming).poll_frame(cx);
                if let Some(Reading(upload)) = reading {
                    upload.asked(polled.is_pending());
                }
                polled
                    .map(|frame| frame.map(|frame| frame.map_err(|error| BodyError::Http1(Arc::new(error)))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Source::Empty => true,
            Source::Whole(_) => false,
            Source::Stream(stream) => stream.0.is_read(),
            Source::Http1(incoming, _) => incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Source::Empty => SizeHint::with_exact(0),
            Source::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Source::Stream(stream) => stream.0.left().map_or_else(SizeHint::default, SizeHint::with_exact),
            Source::Http1(incoming, _) => incoming.size_hint(),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("buffered", &self.buffered()).finish_non_exhaustive()
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reset(code) => write!(f, "the client gave the request up (HTTP/2 error code {code})"),
            Self::Lost => f.write_str("the connection ended in the middle of the request"),
            Self::Slow => f.write_str("the client sent nothing of the request's body for too long"),
            Self::Http1(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for BodyError {}
