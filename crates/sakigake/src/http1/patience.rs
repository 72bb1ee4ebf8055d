//! How long a connection waits for the next bytes of a request's body.

use crate::service::Upload;
use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Sleep, sleep};

/// Watches the readers of a connection's bodies.
pub(super) struct Patience {
    limit: Duration,
    upload: Arc<Upload>,
    /// What readers had got when one began to wait.
    waiting: Option<(u64, Pin<Box<Sleep>>)>,
}

impl Patience {
    pub(super) fn new(limit: Duration, upload: Arc<Upload>) -> Self {
        Self { limit, upload, waiting: None }
    }

    /// Ready when a reader has waited too long.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let starved = self.upload.starved(cx);
        if self.waiting.as_ref().map(|(gets, _)| *gets) != starved {
            self.waiting = starved.map(|gets| (gets, Box::pin(sleep(self.limit))));
        }
        let Some((_, sleep)) = &mut self.waiting else { return Poll::Pending };
        ready!(sleep.as_mut().poll(cx));
        self.waiting = None;
        Poll::Ready(())
    }
}

/// The request whose response has not begun, if there is one.
#[derive(Default)]
pub(super) struct Turn {
    is_asked: Cell<bool>,
    is_refused: Cell<bool>,
}

impl Turn {
    /// The answer, unless the request is refused before.
    pub(super) async fn answer<T>(&self, answer: impl Future<Output = T>) -> Option<T> {
        let mut answer = std::pin::pin!(answer);
        self.is_asked.set(true);
        let answered = std::future::poll_fn(|cx| match self.is_refused.get() {
            true => Poll::Ready(None),
            false => answer.as_mut().poll(cx).map(Some),
        });
        let answered = answered.await;
        self.is_asked.set(false);
        self.is_refused.set(false);
        answered
    }

    /// Refuses the request; false where its response has begun.
    pub(super) fn refuse(&self) -> bool {
        self.is_refused.set(self.is_asked.get());
        self.is_asked.get()
    }
}
