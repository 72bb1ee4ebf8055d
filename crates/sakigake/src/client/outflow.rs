//! A request's body on its way to the server: there from the beginning, or as somebody else brings it.

use crate::service::{BoxError, head};
use bytes::Bytes;
use core::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};
use http_body::{Body, Frame};
use sakigake_semantics::{Chunk, Fields, Http, StreamId};
use std::sync::Arc;

/// The most that is copied of a body into its stream's queue at once.
pub(super) const PIECE_BYTES: usize = 1 << 16;

/// What goes with a request.
#[derive(Debug, Default)]
pub(crate) enum Payload {
    /// Nothing.
    #[default]
    None,
    /// It can be sent again.
    Whole(Arc<[u8]>),
    /// It is sent once, as it comes.
    Stream(Outflow),
}

impl From<Option<Arc<[u8]>>> for Payload {
    fn from(bytes: Option<Arc<[u8]>>) -> Self {
        bytes.filter(|bytes| !bytes.is_empty()).map_or(Self::None, Self::Whole)
    }
}

impl Payload {
    pub(crate) fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// The same for asking again; none where some of it is gone.
    pub(crate) fn copy(&self) -> Option<Self> {
        match self {
            Self::None => Some(Self::None),
            Self::Whole(bytes) => Some(Self::Whole(bytes.clone())),
            Self::Stream(_) => None,
        }
    }

    /// Whether nothing of it is gone.
    pub(crate) fn is_untouched(&self) -> bool {
        !matches!(self, Self::Stream(outflow) if outflow.has_begun)
    }
}

/// A body by whatever name.
pub(crate) type Streamed = Pin<Box<dyn Body<Data = Bytes, Error = BoxError>>>;

/// A body that is asked for more only while its stream has room.
pub(crate) struct Outflow {
    body: Option<Streamed>,
    /// What came of it and has not left.
    piece: Bytes,
    end: End,
    has_begun: bool,
    /// The stream has room for more than is here.
    wants: bool,
}

enum End {
    Open,
    Ended,
    Trailers(Fields),
    Failed(String),
    /// It was said.
    Said,
}

impl Outflow {
    pub(crate) fn new(body: Streamed) -> Self {
        Self { body: Some(body), piece: Bytes::new(), end: End::Open, has_begun: false, wants: false }
    }

    /// All of it, for who sends it by other means.
    pub(crate) fn take(&mut self) -> Option<Streamed> {
        self.has_begun = true;
        self.body.take()
    }

    /// Ready when there is something to send.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.wants {
            return Poll::Pending;
        }
        let Some(body) = &mut self.body else { return Poll::Pending };
        self.has_begun = true;
        let frame = core::task::ready!(body.as_mut().poll_frame(cx));
        self.wants = false;
        self.end = match frame {
            None => End::Ended,
            Some(Err(why)) => End::Failed(why.to_string()),
            Some(Ok(frame)) => match frame.into_data().map_err(Frame::into_trailers) {
                Ok(piece) => {
                    self.piece = piece;
                    if body.is_end_stream() { End::Ended } else { End::Open }
                }
                Err(Ok(trailers)) => End::Trailers(head::fields(&trailers)),
                Err(Err(_)) => End::Open, // A kind of frame that is none of HTTP's.
            },
        };
        if !matches!(self.end, End::Open) {
            self.body = None;
        }
        Poll::Ready(())
    }

    /// Queues what is here, as far as there is room; the reason where the body broke off.
    pub(crate) fn send(&mut self, stream: StreamId, http: &mut dyn Http) -> Result<(), String> {
        while !self.piece.is_empty() {
            let len = http.room(stream).min(self.piece.len()).min(PIECE_BYTES);
            if len == 0 {
                return Ok(());
            }
            let is_last = len == self.piece.len() && matches!(self.end, End::Ended);
            let piece = self.piece.split_to(len);
            // A stream that takes nothing any more was reset, which is told beside this.
            if http.send(stream, Chunk::Owned(piece.to_vec()), is_last).is_err() {
                self.abandon();
                return Ok(());
            }
            if is_last {
                self.end = End::Said;
            }
        }
        let said = match core::mem::replace(&mut self.end, End::Said) {
            End::Open => {
                self.end = End::Open;
                self.wants = http.room(stream) > 0;
                return Ok(());
            }
            End::Ended => http.send(stream, Chunk::Owned(Vec::new()), true),
            End::Trailers(fields) => http.trailers(stream, &fields),
            End::Failed(why) => return Err(why),
            End::Said => return Ok(()),
        };
        if said.is_err() {
            self.abandon();
        }
        Ok(())
    }

    /// Whether the server has not been told all of it.
    pub(crate) fn is_open(&self) -> bool {
        !matches!(self.end, End::Said)
    }

    /// Nobody takes it any more.
    fn abandon(&mut self) {
        (self.body, self.piece, self.end, self.wants) = (None, Bytes::new(), End::Said, false);
    }
}

impl fmt::Debug for Outflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outflow").field("has_begun", &self.has_begun).finish_non_exhaustive()
    }
}
