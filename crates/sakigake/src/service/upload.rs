//! Whether somebody waits for a request's body over HTTP/1.1, where hyper hands it on.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Waker},
};

/// What the readers of one connection's bodies do, one after the other, on whatever thread.
#[derive(Default)]
pub(crate) struct Upload(Mutex<State>);

#[derive(Default)]
struct State {
    /// Times that a reader got something.
    gets: u64,
    is_awaited: bool,
    /// Who wants to know.
    task: Option<Waker>,
}

impl Upload {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A reader asked, and there was something or not.
    pub(super) fn asked(&self, is_pending: bool) {
        let mut state = self.state();
        let begins = is_pending && !state.is_awaited;
        state.is_awaited = is_pending;
        state.gets += u64::from(!is_pending);
        let task = if begins { state.task.take() } else { None };
        drop(state);
        if let Some(task) = task {
            task.wake();
        }
    }

    /// What readers got before the one that waits now. Whoever asks is woken when one begins to wait.
    pub(crate) fn starved(&self, cx: &Context<'_>) -> Option<u64> {
        let mut state = self.state();
        let before = state.task.replace(cx.waker().clone());
        let starved = state.is_awaited.then_some(state.gets);
        drop(state); // A waker's drop may do anything.
        drop(before);
        starved
    }
}
