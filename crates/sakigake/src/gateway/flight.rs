//! A fetch of the gateway's own, which any number of requests may join.

use bytes::Bytes;
use core::{
    cell::{Cell, RefCell},
    task::{Context, Poll, Waker},
};
use http::HeaderMap;
use http_cache_semantics::CachePolicy;
use std::rc::Rc;

/// What has come of it so far.
pub(super) struct Flight {
    state: RefCell<State>,
    waiting: RefCell<Vec<Waker>>,
    /// Nobody has asked for it, and it was fetched because of a hint.
    pub(super) is_unasked: Rc<Cell<bool>>,
    /// The first that asks for it may have it though it must not be used twice.
    is_claimed: Cell<bool>,
    /// Something has changed at the origin since it began: it is not kept.
    pub(super) is_void: Cell<bool>,
}

#[derive(Default)]
struct State {
    head: Option<Rc<Head>>,
    pieces: Vec<Bytes>,
    end: Option<End>,
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
    pub(super) fn new(is_hinted: bool) -> Self {
        Self {
            state: RefCell::default(),
            waiting: RefCell::default(),
            is_unasked: Rc::new(Cell::new(is_hinted)),
            is_claimed: Cell::new(false),
            is_void: Cell::new(false),
        }
    }

    /// Whether nobody has claimed it before.
    pub(super) fn claim(&self) -> bool {
        !self.is_claimed.replace(true)
    }

    /// Whether somebody waits for what comes next.
    pub(super) fn is_awaited(&self) -> bool {
        !self.waiting.borrow().is_empty()
    }

    pub(super) fn begin(&self, head: Head) {
        self.state.borrow_mut().head = Some(Rc::new(head));
        self.wake();
    }

    pub(super) fn add(&self, piece: Bytes) {
        if !piece.is_empty() {
            self.state.borrow_mut().pieces.push(piece);
        }
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
            [one] => one.clone(),
            all => all.concat().into(),
        }
    }

    /// The head, as soon as it is sure that its response can be had to its end; `None` when it cannot.
    pub(super) fn poll_head(&self, cx: &Context<'_>) -> Poll<Option<Rc<Head>>> {
        let state = self.state.borrow();
        match (&state.head, state.end) {
            (_, Some(End::Failed)) => Poll::Ready(None),
            (Some(head), end) if head.is_sized || end.is_some() => Poll::Ready(Some(head.clone())),
            _ => self.wait(cx),
        }
    }

    /// A piece of the body by its number; `Ok(None)` behind the last one.
    pub(super) fn poll_piece(&self, at: usize, cx: &Context<'_>) -> Poll<Result<Option<Bytes>, ()>> {
        let state = self.state.borrow();
        match (state.pieces.get(at), state.end) {
            (Some(piece), _) => Poll::Ready(Ok(Some(piece.clone()))),
            (None, Some(End::Whole)) => Poll::Ready(Ok(None)),
            (None, Some(End::Failed)) => Poll::Ready(Err(())),
            (None, None) => self.wait(cx),
        }
    }

    fn wait<T>(&self, cx: &Context<'_>) -> Poll<T> {
        let mut waiting = self.waiting.borrow_mut();
        if !waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            waiting.push(cx.waker().clone());
        }
        Poll::Pending
    }

    fn wake(&self) {
        self.waiting.take().into_iter().for_each(Waker::wake);
    }
}
