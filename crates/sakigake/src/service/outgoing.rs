//! A response's body on its way from a handler, whatever its type was.

use super::BoxError;
use bytes::{Buf, Bytes};
use http_body::{Frame, SizeHint};
use std::{
    error::Error,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

/// A body without its type. A panic in it is an error of the body.
pub(crate) struct Outgoing(Option<Box<dyn http_body::Body<Data = Bytes, Error = Failure> + Unpin>>);

/// Why a handler did not give what it was asked for.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It said so.
    Service(BoxError),
    /// It panicked, or the runtime that it was to run on has ended.
    Panicked,
}

impl Outgoing {
    pub(crate) fn new<B>(body: B) -> Self
    where
        B: http_body::Body<Error: Into<BoxError>> + 'static,
    {
        if body.is_end_stream() {
            return Self::empty();
        }
        Self(Some(Box::new(Plain(Box::pin(body)))))
    }

    /// Nothing.
    pub(crate) const fn empty() -> Self {
        Self(None)
    }
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let Some(body) = &mut self.0 else { return Poll::Ready(None) };
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(body).poll_frame(cx)));
        let polled = polled.unwrap_or(Poll::Ready(Some(Err(Failure::Panicked))));
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.0 = None; // It must not be asked again.
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(|body| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or(SizeHint::with_exact(0), |body| body.size_hint())
    }
}

/// A body whose data are plain bytes, and whose length is known as well as before.
struct Plain<B>(Pin<Box<B>>);

impl<B: http_body::Body<Error: Into<BoxError>>> http_body::Body for Plain<B> {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let bytes = |frame: Frame<B::Data>| frame.map_data(|mut data| data.copy_to_bytes(data.remaining()));
        let fail = |error: B::Error| Failure::Service(error.into());
        self.0.as_mut().poll_frame(cx).map(|frame| frame.map(|frame| frame.map(bytes).map_err(fail)))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(error) => error.fmt(f),
            Self::Panicked => f.write_str("the handler panicked"),
        }
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Service(error) => error.source(),
            Self::Panicked => None,
        }
    }
}
