//! A response's body on its way from a handler, whatever its type was.

use super::BoxError;
use bytes::{Buf, Bytes};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;
use std::{
    error::Error,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

/// A body without its type. A panic in it is an error of the body.
pub(crate) struct Outgoing(Option<Pin<Box<dyn http_body::Body<Data = Bytes, Error = Failure>>>>);

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
        let bytes = |frame: Frame<B::Data>| frame.map_data(|mut data| data.copy_to_bytes(data.remaining()));
        Self(Some(Box::pin(body.map_frame(bytes).map_err(|error| Failure::Service(error.into())))))
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
        let polled = catch_unwind(AssertUnwindSafe(|| body.as_mut().poll_frame(cx)));
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
