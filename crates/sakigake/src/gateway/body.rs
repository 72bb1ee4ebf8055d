//! A response's body on its way to the browser: whole, as it comes from the origin, or as somebody else's fetch brings it.

use super::{flight::Reader, forward, upload::Course};
use crate::{
    client::{Exchange, Failed, Heard},
    service::head,
};
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
    Upstream(Box<Relayed>),
    Flight(Reader),
}

/// A response as it comes.
struct Relayed {
    exchange: Exchange,
    /// How its request's body goes.
    course: Rc<Course>,
    /// How long the origin may be silent.
    stall: Duration,
    /// Runs while it is asked for more.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Relayed {
    /// Ready when the origin has been silent for too long though it was asked, and has all that it waits for.
    fn poll_stall(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let stall = self.stall;
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(stall)));
        loop {
            ready!(timer.as_mut().poll(cx));
            let due = self.course.since().unwrap_or_else(Instant::now) + stall;
            if due <= Instant::now() {
                return Poll::Ready(());
            }
            timer.as_mut().reset(due);
        }
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        loop {
            let Poll::Ready(heard) = self.exchange.poll_next(cx) else {
                ready!(self.poll_stall(cx));
                return Poll::Ready(Some(Err(Cut::Stalled)));
            };
            self.timer = None;
            match heard {
                Err(why) => return Poll::Ready(Some(Err(Cut::Failed(why)))),
                Ok(None) => return Poll::Ready(None),
                Ok(Some(Heard::Data(bytes))) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Ok(Some(Heard::Trailers(fields))) => {
                    // What cannot be passed on is left out: the body is whole without it.
                    if let Some(fields) = head::headers(&fields) {
                        return Poll::Ready(Some(Ok(Frame::trailers(forward::trailers(&fields)))));
                    }
                }
                Ok(Some(Heard::Head(_) | Heard::Interim(_))) => {} // Neither comes behind the head.
            }
        }
    }
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
    pub(super) fn upstream(exchange: Exchange, stall: Duration, course: Rc<Course>) -> Self {
        Self(Source::Upstream(Box::new(Relayed { exchange, course, stall, timer: None })))
    }

    pub(super) fn flight(reader: Reader) -> Self {
        Self(Source::Flight(reader))
    }
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match &mut self.0 {
            Source::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Source::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(core::mem::take(bytes))))),
            Source::Upstream(relayed) => relayed.poll_frame(cx),
            Source::Flight(reader) => match ready!(reader.poll_piece(cx)) {
                Ok(piece) => Poll::Ready(piece.map(|bytes| Ok(Frame::data(bytes)))),
                Err(()) => Poll::Ready(Some(Err(Cut::Abandoned))),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.0, Source::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Source::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Source::Upstream(_) | Source::Flight(_) => SizeHint::default(),
        }
    }
}
