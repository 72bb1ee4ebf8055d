//! A request's body on its way to the origin, and whose turn it is meanwhile.

use super::forward;
use crate::service::{Body, BodyError};
use bytes::Bytes;
use core::{
    cell::Cell,
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};
use http_body::{Frame, SizeHint};
use std::rc::Rc;
use tokio::time::Instant;

/// What the browser sends, no faster than the origin takes it. It is over when either gives up.
pub(super) struct Upload {
    body: Body,
    /// Bytes that it may still have.
    left: u64,
    course: Rc<Course>,
}

/// How it goes.
#[derive(Debug)]
pub(super) struct Course {
    /// Since when the origin owes something; none while the browser does.
    since: Cell<Option<Instant>>,
    fate: Cell<Fate>,
}

/// What has become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nothing bad.
    Good,
    /// It is longer than it may be.
    TooLong,
    /// The browser did not send it to its end.
    Broken,
}

/// Why it ends early.
#[derive(Debug)]
pub(super) enum Cut {
    TooLong,
    Browser(BodyError),
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("it is longer than this gateway passes on"),
            Self::Browser(why) => write!(f, "the browser: {why}"),
        }
    }
}

impl std::error::Error for Cut {}

impl Course {
    pub(super) fn new() -> Rc<Self> {
        Rc::new(Self { since: Cell::new(Some(Instant::now())), fate: Cell::new(Fate::Good) })
    }

    /// Since when the origin owes something.
    pub(super) fn since(&self) -> Option<Instant> {
        self.since.get()
    }

    pub(super) fn fate(&self) -> Fate {
        self.fate.get()
    }
}

impl Upload {
    pub(super) fn new(body: Body, most_bytes: u64, course: Rc<Course>) -> Self {
        Self { body, left: most_bytes, course }
    }

    fn cut(&self, fate: Fate, why: Cut) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        self.course.fate.set(fate);
        Poll::Ready(Some(Err(why)))
    }
}

impl http_body::Body for Upload {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        self.course.since.set(None);
        let came = ready!(Pin::new(&mut self.body).poll_frame(cx));
        self.course.since.set(Some(Instant::now()));
        match came.transpose() {
            Err(why) => self.cut(Fate::Broken, Cut::Browser(why)),
            Ok(None) => Poll::Ready(None),
            Ok(Some(frame)) => {
                let len = frame.data_ref().map_or(0, Bytes::len) as u64;
                let Some(left) = self.left.checked_sub(len) else {
                    return self.cut(Fate::TooLong, Cut::TooLong);
                };
                self.left = left;
                let frame = match frame.into_trailers() {
                    Ok(fields) => Frame::trailers(forward::trailers(&fields)),
                    Err(frame) => frame,
                };
                Poll::Ready(Some(Ok(frame)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Upload {
    /// The origin has all of it, or wants no more.
    fn drop(&mut self) {
        self.course.since.set(Some(Instant::now()));
    }
}
