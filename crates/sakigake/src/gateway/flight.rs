//! A fetch of the gateway's own, which any number of requests may join.

use bytes::Bytes;
use core::{
    cell::{Cell, RefCell},
    task::{Context, Poll, Waker},
};
use http::HeaderMap;
use http_cache_semantics::CachePolicy;
use std::{collections::BTreeMap, rc::Rc};

/// What comes in shorter pieces than this is put together, so that a body in pieces of a byte takes no more room than another.
const PIECE_BYTES: usize = 4_096;

/// What has come of it so far.
pub(super) struct Flight {
    state: RefCell<State>,
    waiting: RefCell<Waiting>,
    /// Nobody has asked for it, and it was fetched because of a hint.
    pub(super) is_unasked: Rc<Cell<bool>>,
    /// The first that asks for it may have it though it must not be used twice.
    is_claimed: Cell<bool>,
    /// Something has changed at the origin since it began: it is not kept.
    pub(super) is_void: Cell<bool>,
    /// Among those that hold something: until the last of its readers, however slow, is gone.
    _place: Place,
}

/// Places for so many flights, each free again when the flight and all that read it are gone.
#[derive(Default)]
pub(super) struct Places(Rc<Cell<usize>>);

/// One of them.
pub(super) struct Place(Rc<Cell<usize>>);

impl Places {
    /// A place, unless `most` are taken.
    pub(super) fn take(&self, most: usize) -> Option<Place> {
        (self.0.get() < most).then(|| {
            self.0.set(self.0.get() + 1);
            Place(self.0.clone())
        })
    }

    #[cfg(test)]
    pub(super) fn taken(&self) -> usize {
        self.0.get()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

#[derive(Default)]
struct State {
    head: Option<Rc<Head>>,
    /// Each with the number of bytes before it.
    pieces: Vec<(usize, Bytes)>,
    /// What came behind them, in pieces that were too short.
    tail: Vec<u8>,
    /// Bytes of all.
    len: usize,
    end: Option<End>,
}

/// Who is woken when something comes, by the numbers of their readers.
#[derive(Default)]
struct Waiting {
    wakers: BTreeMap<u64, Waker>,
    readers: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Whole,
    Failed,
}

/// The response's head.
pub(super) struct Head {
    pub(super) policy: CachePolicy,
    pub(super) headers: HeaderMap,
    /// Its length is known, and no more than what may be kept: who joins may have what there is.
    pub(super) is_sized: bool,
}

impl Flight {
    pub(super) fn new(is_hinted: bool, place: Place) -> Self {
        Self {
            state: RefCell::default(),
            waiting: RefCell::default(),
            is_unasked: Rc::new(Cell::new(is_hinted)),
            is_claimed: Cell::new(false),
            is_void: Cell::new(false),
            _place: place,
        }
    }

    /// Whether nobody has claimed it before.
    pub(super) fn claim(&self) -> bool {
        !self.is_claimed.replace(true)
    }

    /// Whether somebody waits for what comes next.
    pub(super) fn is_awaited(&self) -> bool {
        !self.waiting.borrow().wakers.is_empty()
    }

    pub(super) fn begin(&self, head: Head) {
        self.state.borrow_mut().head = Some(Rc::new(head));
        self.wake();
    }

    pub(super) fn add(&self, piece: Bytes) {
        self.state.borrow_mut().add(piece);
        self.wake();
    }

    pub(super) fn end(&self, is_whole: bool) {
        self.state.borrow_mut().end.get_or_insert(if is_whole { End::Whole } else { End::Failed });
        self.wake();
    }

    /// All of it.
    pub(super) fn whole(&self) -> Bytes {
        let state = self.state.borrow();
        match &state.pieces[..] {
            [(_, one)] if state.tail.is_empty() => one.clone(),
            all => {
                let mut whole = Vec::with_capacity(state.len);
                all.iter().for_each(|(_, piece)| whole.extend_from_slice(piece));
                whole.extend_from_slice(&state.tail);
                whole.into()
            }
        }
    }

    fn wake(&self) {
        let wakers = core::mem::take(&mut self.waiting.borrow_mut().wakers);
        wakers.into_values().for_each(Waker::wake);
    }
}

impl State {
    fn add(&mut self, piece: Bytes) {
        self.len += piece.len();
        if piece.len() < PIECE_BYTES {
            self.tail.extend_from_slice(&piece);
        }
        if piece.len() >= PIECE_BYTES || self.tail.len() >= PIECE_BYTES {
            let tail = core::mem::take(&mut self.tail).into_boxed_slice();
            self.push(tail.into());
        }
        if piece.len() >= PIECE_BYTES {
            self.push(piece);
        }
    }

    fn push(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            let before = self.pieces.last().map_or(0, |(before, last)| before + last.len());
            self.pieces.push((before, piece));
        }
    }

    /// What there is from that byte on, as far as it lies together; nothing where nothing more has come.
    fn from(&self, at: usize) -> Bytes {
        let next = self.pieces.partition_point(|(before, _)| *before <= at);
        let held = next.checked_sub(1).and_then(|last| self.pieces.get(last));
        let (before, piece) = held.map_or((0, &[][..]), |(before, piece)| (*before, &piece[..]));
        match (held, piece.get(at - before..)) {
            (Some((_, piece)), Some(rest)) if !rest.is_empty() => piece.slice_ref(rest),
            _ => {
                let read = at - before - piece.len();
                Bytes::copy_from_slice(self.tail.get(read..).unwrap_or_default())
            }
        }
    }
}

/// One who reads a flight, or waits for it. Whoever goes away is forgotten: a browser may ask and give up as often as it likes.
pub(super) struct Reader {
    flight: Rc<Flight>,
    number: u64,
    /// Bytes that were read.
    at: usize,
}

impl Reader {
    pub(super) fn of(flight: &Rc<Flight>) -> Self {
        let mut waiting = flight.waiting.borrow_mut();
        waiting.readers += 1;
        Self { flight: flight.clone(), number: waiting.readers, at: 0 }
    }

    /// The head, as soon as it is sure that its response can be had to its end; `None` when it cannot.
    pub(super) fn poll_head(&self, cx: &Context<'_>) -> Poll<Option<Rc<Head>>> {
        let state = self.flight.state.borrow();
        match (&state.head, state.end) {
            (_, Some(End::Failed)) => Poll::Ready(None),
            (Some(head), end) if head.is_sized || end.is_some() => Poll::Ready(Some(head.clone())),
            _ => {
                drop(state);
                self.wait(cx)
            }
        }
    }

    /// Whether the head is there, whatever comes of it.
    pub(super) fn poll_begun(&self, cx: &Context<'_>) -> Poll<()> {
        let state = self.flight.state.borrow();
        if state.head.is_some() || state.end.is_some() {
            return Poll::Ready(());
        }
        drop(state);
        self.wait(cx)
    }

    /// The body's next piece; `Ok(None)` behind the last one.
    pub(super) fn poll_piece(&mut self, cx: &Context<'_>) -> Poll<Result<Option<Bytes>, ()>> {
        let state = self.flight.state.borrow();
        let piece = state.from(self.at);
        match state.end {
            _ if !piece.is_empty() => {
                self.at += piece.len();
                Poll::Ready(Ok(Some(piece)))
            }
            Some(End::Whole) => Poll::Ready(Ok(None)),
            Some(End::Failed) => Poll::Ready(Err(())),
            None => {
                drop(state);
                self.wait(cx)
            }
        }
    }

    fn wait<T>(&self, cx: &Context<'_>) -> Poll<T> {
        let waker = cx.waker().clone();
        let before = self.flight.waiting.borrow_mut().wakers.insert(self.number, waker);
        drop(before); // A waker's drop may do anything.
        Poll::Pending
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let waker = self.flight.waiting.borrow_mut().wakers.remove(&self.number);
        drop(waker);
    }
}

#[cfg(test)]
mod tests;
