//! A request's body between the connection that hears it and the handler that reads it, which may be on another thread.

use super::BodyError;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::Frame;
use sakigake_semantics::StreamId;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Wake, Waker},
};

/// What arrived of one body and was not read. The stream's window bounds it: credit goes back for what
/// [`Inflow::take_read`] gives.
pub(crate) struct Inflow {
    held: Mutex<Held>,
    ring: Arc<Ring>,
}

struct Held {
    bytes: BytesMut,
    /// What content-length has promised beyond `bytes` and what was read; kept by the engine.
    left: Option<u64>,
    end: End,
    /// Who waits for more.
    reader: Option<Waker>,
    /// Read since that was last asked.
    read: usize,
    /// Somebody asked for the first byte.
    is_asked: bool,
    /// Nobody will read.
    is_abandoned: bool,
    /// Bytes that came after that.
    discarded: u64,
    /// Bytes that came.
    came: u64,
}

enum End {
    Open,
    Ended,
    Trailers(HeaderMap),
    Failed(BodyError),
}

impl Inflow {
    /// Nothing yet; with what content-length says, if it does.
    pub(crate) fn new(ring: Arc<Ring>, length: Option<u64>) -> Self {
        let held = Held {
            bytes: BytesMut::new(),
            left: length,
            end: End::Open,
            reader: None,
            read: 0,
            is_asked: false,
            is_abandoned: false,
            discarded: 0,
            came: 0,
        };
        Self { held: Mutex::new(held), ring }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The connection's side.
impl Inflow {
    /// Bytes came; with `end` they are the last. What nobody will read counts as read.
    pub(crate) fn push(&self, bytes: &[u8], end: bool) {
        let mut held = self.held();
        let is_abandoned = held.is_abandoned;
        held.came += bytes.len() as u64;
        if is_abandoned {
            held.read += bytes.len();
            held.discarded += bytes.len() as u64;
        } else {
            held.bytes.extend_from_slice(bytes);
        }
        if end {
            held.end(End::Ended);
        }
        wake(held);
        if end || is_abandoned {
            self.ring.ring();
        }
    }

    /// Trailers came, which end it.
    pub(crate) fn trailers(&self, fields: HeaderMap) {
        let mut held = self.held();
        held.end(End::Trailers(fields));
        wake(held);
        self.ring.ring();
    }

    /// Nothing more will come, and what came is not to be read as if it were whole: it is thrown away. The engine has taken
    /// its credit back with the stream.
    pub(crate) fn fail(&self, error: BodyError) {
        let mut held = self.held();
        held.end(End::Failed(error));
        if matches!(held.end, End::Failed(_)) {
            held.bytes = BytesMut::new();
        }
        wake(held);
    }

    /// Bytes that were read since this was last asked.
    pub(crate) fn take_read(&self) -> usize {
        core::mem::take(&mut self.held().read)
    }

    /// Whether a reader wants the body, so that a client that waits for 100 (Continue) may go on.
    pub(crate) fn is_asked(&self) -> bool {
        self.held().is_asked
    }

    /// What has come, where a reader waits for more.
    pub(crate) fn starved(&self) -> Option<u64> {
        let held = self.held();
        let is_starved = held.reader.is_some() && held.bytes.is_empty() && matches!(held.end, End::Open);
        is_starved.then_some(held.came)
    }

    /// Whether the body is over for both sides: it has come whole, and nothing of it waits for a reader.
    pub(crate) fn is_over(&self) -> bool {
        let held = self.held();
        held.bytes.is_empty() && !matches!(held.end, End::Open)
    }

    /// Whether the client goes on sending what nobody will read.
    pub(crate) fn is_unwanted(&self) -> bool {
        let held = self.held();
        held.is_abandoned && held.discarded > 0 && matches!(held.end, End::Open)
    }
}

/// The reader's side.
impl Inflow {
    /// What came since the last time, all of it; then trailers, the end, or what went wrong.
    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let mut held = self.held();
        if !core::mem::replace(&mut held.is_asked, true) {
            self.ring.ring();
        }
        if !held.bytes.is_empty() {
            let bytes = core::mem::take(&mut held.bytes).freeze();
            held.left = held.left.map(|left| left.saturating_sub(bytes.len() as u64));
            held.read += bytes.len();
            self.ring.ring();
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match core::mem::replace(&mut held.end, End::Ended) {
            End::Open => {
                held.end = End::Open;
                let before = held.reader.replace(cx.waker().clone());
                drop(held); // A waker's drop may do anything.
                if before.is_none() {
                    self.ring.ring(); // The connection looks how long that lasts.
                }
                drop(before);
                Poll::Pending
            }
            End::Trailers(fields) => Poll::Ready(Some(Ok(Frame::trailers(fields)))),
            End::Failed(error) => Poll::Ready(Some(Err(error))),
            End::Ended => Poll::Ready(None),
        }
    }

    /// Whether the reader has it all.
    pub(super) fn is_read(&self) -> bool {
        let held = self.held();
        held.bytes.is_empty() && matches!(held.end, End::Ended)
    }

    /// Bytes that are still to be read, where that is known.
    pub(super) fn left(&self) -> Option<u64> {
        let held = self.held();
        match held.end {
            End::Ended | End::Trailers(_) => Some(held.bytes.len() as u64),
            End::Open | End::Failed(_) => held.left,
        }
    }

    /// Bytes that are there.
    pub(super) fn len(&self) -> usize {
        self.held().bytes.len()
    }

    /// Nobody will read any more; says how much more counts as read thereby.
    pub(crate) fn abandon(&self) -> usize {
        let mut held = self.held();
        held.is_abandoned = true;
        let reader = held.reader.take();
        let unread = core::mem::take(&mut held.bytes).len();
        held.read += unread;
        held.discarded += unread as u64;
        drop(held); // A waker's drop may do anything.
        drop(reader);
        self.ring.ring();
        unread
    }
}

impl Held {
    /// The first end counts.
    fn end(&mut self, end: End) {
        if matches!(self.end, End::Open) || matches!(end, End::Failed(_)) && !self.bytes.is_empty() {
            self.end = end;
        }
    }
}

/// Wakes the reader, who may come back at once, or let the body go: nothing is held any more.
fn wake(mut held: MutexGuard<'_, Held>) {
    let reader = held.reader.take();
    drop(held);
    if let Some(reader) = reader {
        reader.wake();
    }
}

/// The streams of a connection that its task has to look at.
#[derive(Default)]
pub(crate) struct Bell(Mutex<Rung>);

#[derive(Default)]
struct Rung {
    streams: BTreeSet<StreamId>,
    task: Option<Waker>,
}

impl Bell {
    /// Who rang since this was last asked.
    pub(crate) fn take(&self) -> BTreeSet<StreamId> {
        core::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).streams)
    }

    /// Ready when somebody has rung.
    pub(crate) fn poll(&self, cx: &Context<'_>) -> Poll<()> {
        let mut rung = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !rung.streams.is_empty() {
            return Poll::Ready(());
        }
        match &mut rung.task {
            Some(task) => task.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}

/// One stream's way to ring. As a waker, it is what the stream's futures are polled with.
pub(crate) struct Ring {
    bell: Arc<Bell>,
    stream: StreamId,
}

impl Ring {
    pub(crate) fn new(bell: &Arc<Bell>, stream: StreamId) -> Arc<Self> {
        Arc::new(Self { bell: bell.clone(), stream })
    }

    pub(crate) fn ring(&self) {
        let mut rung = self.bell.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Who rang before has woken the task already.
        if rung.streams.insert(self.stream)
            && let Some(task) = rung.task.take()
        {
            drop(rung);
            task.wake();
        }
    }
}

impl Wake for Ring {
    fn wake(self: Arc<Self>) {
        self.ring();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ring();
    }
}
