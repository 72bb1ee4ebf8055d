//! How long a connection waits for a request's head.

use hyper::rt::{Sleep, Timer};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

/// What one connection's stream and timers tell each other; all of it is one task's, but hyper wants it fit for several.
#[derive(Default)]
pub(super) struct Silence {
    /// Bytes that came.
    came: AtomicU64,
    is_over: AtomicBool,
}

impl Silence {
    pub(super) fn heard(&self, bytes: usize) {
        self.came.fetch_add(bytes as u64, Relaxed);
    }

    /// Whether the peer has asked for nothing as long as it may.
    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Relaxed)
    }
}

/// Makes the timers that hyper begins when it begins to wait for a head, and ends when the head is whole. The first one is
/// as hyper asks; between requests nothing is late but after `idle`, or `head` after a head's first byte.
pub(super) struct Waiting {
    pub(super) silence: Arc<Silence>,
    pub(super) head: Duration,
    pub(super) idle: Duration,
    pub(super) is_used: AtomicBool,
}

impl Timer for Waiting {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        let is_first = !self.is_used.swap(true, Relaxed);
        let deadline = if is_first { deadline } else { self.now() + self.idle };
        Box::pin(Wait {
            before: self.silence.came.load(Relaxed),
            has_begun: false,
            head: (!is_first).then_some(self.head),
            until: Box::pin(tokio::time::sleep_until(deadline.into())),
            silence: self.silence.clone(),
        })
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into()
    }
}

/// Ready when a head that has begun is late. Where none has, [`Silence::is_over`] says so, which is no fault of anybody.
struct Wait {
    /// Bytes that had come before.
    before: u64,
    has_begun: bool,
    /// What a head may take from its first byte, where that counts.
    head: Option<Duration>,
    until: Pin<Box<tokio::time::Sleep>>,
    silence: Arc<Silence>,
}

impl Sleep for Wait {}

impl Future for Wait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let wait = self.get_mut();
        if !wait.has_begun && wait.silence.came.load(Relaxed) > wait.before {
            wait.has_begun = true;
            if let Some(head) = wait.head {
                wait.until.as_mut().reset(tokio::time::Instant::now() + head);
            }
        }
        ready!(wait.until.as_mut().poll(cx));
        if wait.has_begun {
            return Poll::Ready(());
        }
        wait.silence.is_over.store(true, Relaxed);
        Poll::Pending
    }
}
