//! How what a connection's owner waits for (a file, another task, standard input) makes the worker look at that connection, and
//! at no other.

#[cfg(test)]
mod tests;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

/// The connections of one worker that somebody woke.
#[derive(Default)]
pub(super) struct Nudges {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Each at most once.
    woken: Vec<usize>,
    /// The worker, while it sleeps.
    worker: Option<Waker>,
}

/// What a connection's owner is polled with.
pub(super) struct Nudge {
    index: usize,
    is_woken: AtomicBool,
    all: Arc<Nudges>,
}

impl Nudges {
    /// The waker of the connection `index`, and what to call when it was seen to.
    pub(super) fn nudge(self: &Arc<Self>, index: usize) -> Arc<Nudge> {
        Arc::new(Nudge { index, is_woken: AtomicBool::new(false), all: self.clone() })
    }

    /// Ready with those that were woken, in the order in which they were.
    pub(super) fn poll_woken(&self, cx: &mut Context<'_>) -> Poll<Vec<usize>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.woken.is_empty() {
            state.worker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(core::mem::take(&mut state.woken))
    }

    /// Those that were [`woken`](Self::poll_woken) have been asked: the worker is woken by the next one, or has its turn again at once where
    /// there is one already. Whoever wakes itself whenever it is asked has not the thread for itself.
    pub(super) fn listen(&self, cx: &mut Context<'_>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.woken.is_empty() {
            state.worker = Some(cx.waker().clone());
            return;
        }
        drop(state);
        cx.waker().wake_by_ref();
    }
}

impl Nudge {
    /// The owner is about to be polled: from here on it may wake the connection again.
    pub(super) fn rearm(&self) {
        self.is_woken.store(false, Ordering::Release);
    }
}

impl Wake for Nudge {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.is_woken.swap(true, Ordering::AcqRel) {
            return;
        }
        let worker = {
            let mut state = self.all.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.woken.push(self.index);
            state.worker.take()
        };
        if let Some(worker) = worker {
            worker.wake();
        }
    }
}
