//! A response's body on its way to the browser: whole, as it comes from the origin, or as somebody else's fetch brings it.

use super::flight::Flight;
use crate::client::{Exchange, Failed, Heard};
use bytes::Bytes;
use core::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use http_body::{Frame, SizeHint};
use std::rc::Rc;
use tokio::time::{Instant, Sleep};

pub(super) struct Outgoing(Source);

enum Source {
    Whole(Bytes),
    Upstream { exchange: Box<Exchange>, stall: Duration, timer: Pin<Box<Sleep>> },
    Flight { flight: Rc<Flight>, at: usize },
}

/// Why a body has no end.
#[derive(Debug)]
pub(super) enum Cut {
    Failed(Failed),
    Stalled,
    Abandoned,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(why) => write!(f, "the origin: {why}"),
            Self::Stalled => f.write_str("the origin stopped within its response"),
            Self::Abandoned => f.write_str("the origin's response did not come to its end"),
        }
    }
}

impl std::error::Error for Cut {}

impl Outgoing {
    pub(super) fn empty() -> Self {
        Self::whole(Bytes::new())
    }

    pub(super) fn whole(bytes: Bytes) -> Self {
        Self(Source::Whole(bytes))
    }

    /// Dropping it resets the origin's stream.
    pub(super) fn upstream(exchange: Exchange, stall: Duration) -> Self {
        let timer = Box::pin(tokio::time::sleep(stall));
        Self(Source::Upstream { exchange: Box::new(exchange), stall, timer })
    }

    pub(super) fn flight(flight: Rc<Flight>) -> Self {
        Self(Source::Flight { flight, at: 0 })
    }
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match &mut self.0 {
            Source::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Source::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(core::mem::take(bytes))))),
            Source::Upstream { exchange, stall, timer } => loop {
                match exchange.poll_next(cx) {
                    Poll::Pending => {
                        ready!(timer.as_mut().poll(cx));
                        return Poll::Ready(Some(Err(Cut::Stalled)));
                    }
                    Poll::Ready(Err(why)) => return Poll::Ready(Some(Err(Cut::Failed(why)))),
                    Poll::Ready(Ok(None)) => return Poll::Ready(None),
                    Poll::Ready(Ok(Some(Heard::Data(bytes)))) => {
                        timer.as_mut().reset(Instant::now() + *stall);
                        return Poll::Ready(Some(Ok(Frame::data(bytes))));
                    }
                    Poll::Ready(Ok(Some(_))) => {} // Nothing else comes behind the head.
                }
            },
            Source::Flight { flight, at } => {
                let piece = ready!(flight.poll_piece(*at, cx));
                *at += 1;
                match piece {
                    Ok(piece) => Poll::Ready(piece.map(|bytes| Ok(Frame::data(bytes)))),
                    Err(()) => Poll::Ready(Some(Err(Cut::Abandoned))),
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.0, Source::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Source::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Source::Upstream { .. } | Source::Flight { .. } => SizeHint::default(),
        }
    }
}
