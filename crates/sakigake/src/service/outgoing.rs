//! A response's body on its way from a handler, whatever its type was.

use super::BoxError;
use bytes::{Buf, Bytes};
use http_body::{Frame, SizeHint};
use std::{
    cell::Cell,
    error::Error,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

/// A body without its type. A panic in it is an error of the body.
pub(crate) struct Outgoing {
    body: Option<Box<dyn http_body::Body<Data = Bytes, Error = Failure> + Unpin>>,
    /// It panicked where it could not say so: it says so when it is polled.
    is_broken: Cell<bool>,
}

/// Why a handler did not give what it was asked for.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It said so.
    Service(BoxError),
    /// It panicked, or the runtime that it was to run on has ended.
    Panicked,
    /// It panicked when nobody needed it any more.
    PanickedAtLast,
    /// There is none: it panicked as it was made.
    NotMade,
}

impl Outgoing {
    pub(crate) fn new<B>(body: B) -> Self
    where
        B: http_body::Body<Error: Into<BoxError>> + 'static,
    {
        if body.is_end_stream() {
            return Self::empty();
        }
        Self { body: Some(Box::new(Plain(Box::pin(body)))), is_broken: Cell::new(false) }
    }

    /// Nothing.
    pub(crate) const fn empty() -> Self {
        Self { body: None, is_broken: Cell::new(false) }
    }

    /// Asks the body for what it knows, which may panic like everything that others wrote.
    fn asked<T>(
        &self,
        empty: T,
        unknown: T,
        ask: impl FnOnce(&dyn http_body::Body<Data = Bytes, Error = Failure>) -> T,
    ) -> T {
        let Some(body) = &self.body else { return empty };
        if self.is_broken.get() {
            return unknown;
        }
        catch_unwind(AssertUnwindSafe(|| ask(body))).unwrap_or_else(|_| {
            self.is_broken.set(true);
            unknown
        })
    }

    /// Drops the body.
    pub(crate) fn let_go(&mut self) -> Result<(), Failure> {
        let_go(self.body.take())
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        // Whoever keeps a log has let it go before. The panic's message is out already, by the hook.
        let _ = self.let_go();
    }
}

/// Drops what others wrote.
pub(crate) fn let_go<T>(thing: T) -> Result<(), Failure> {
    catch_unwind(AssertUnwindSafe(|| drop(thing))).map_err(|_| Failure::PanickedAtLast)
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let is_broken = self.is_broken.get();
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let panicked = || Poll::Ready(Some(Err(Failure::Panicked)));
        let polled = match is_broken {
            true => panicked(),
            false => catch_unwind(AssertUnwindSafe(|| Pin::new(body).poll_frame(cx)))
                .unwrap_or_else(|_| panicked()),
        };
        // It must not be asked again.
        if matches!(polled, Poll::Ready(None | Some(Err(_))))
            && let Err(failure) = self.let_go()
            && !matches!(polled, Poll::Ready(Some(Err(_))))
        {
            return Poll::Ready(Some(Err(failure)));
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.asked(true, false, |body| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.asked(SizeHint::with_exact(0), SizeHint::default(), |body| body.size_hint())
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
            Self::PanickedAtLast => f.write_str("the handler panicked as it was let go"),
            Self::NotMade => f.write_str("the service panicked as it was made"),
        }
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Service(error) => error.source(),
            Self::Panicked | Self::PanickedAtLast | Self::NotMade => None,
        }
    }
}
