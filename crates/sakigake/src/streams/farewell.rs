//! When a connection that is told to end says so: at a moment at which its client has nothing on its way.
//!
//! The first GOAWAY of a drain names the highest stream there can be, and the second one, a round trip later, the last that
//! came (RFC 9113 section 6.8): the server loses nothing that was sent. But a client starts no stream once it has read the
//! first one, and some (nghttp2's) then give up what they had prepared and not yet sent; it may be asked again elsewhere,
//! but h2load, and whoever is as simple, reports it as failed. What makes a client prepare a request is mostly the end of a
//! response. So answers wait, once, for one round trip: when the client has read all that was sent before, and sent what it
//! had to say of that, GOAWAY leaves ahead of them. It costs the requests under way that round trip, and never more than
//! [`PATIENCE`], whatever the client does.

use core::{
    pin::Pin,
    task::{Context, Poll, ready},
};
use sakigake_session::Carrier;
use tokio::time::{Duration, Sleep, sleep};

/// How long that round trip may take.
const PATIENCE: Duration = Duration::from_millis(250);

#[derive(Default)]
pub(super) struct Farewell {
    is_wanted: bool,
    /// The client has said its first words.
    is_greeted: bool,
    /// Runs from when the connection is to end and can say so.
    waiting: Option<Pin<Box<Sleep>>>,
    /// That was too long. Our own note: a timer counts as elapsed before whoever polls it has heard of it.
    is_over: bool,
    is_due: bool,
}

impl Farewell {
    /// The client's SETTINGS came.
    pub(super) fn greet(&mut self) {
        self.is_greeted = true;
    }

    /// The connection is to end.
    pub(super) fn begin(&mut self) {
        self.is_wanted = true;
    }

    /// Whether answers wait.
    pub(super) fn holds(&self) -> bool {
        self.is_wanted && !self.is_due
    }

    /// Whether to say so now.
    pub(super) fn is_due(&mut self, session: &mut dyn Carrier) -> bool {
        let is_ready = session.is_ready();
        // A handshake under way is finished first, and who speaks HTTP/1.1 is told by that.
        let Some(http) = session.http().filter(|_| is_ready) else { return false };
        self.waiting.get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
        if self.is_greeted && http.queued_bytes() == 0 {
            http.ask_catch_up();
        }
        self.is_due |= self.is_over || http.has_caught_up();
        self.is_due
    }

    /// Ready once, when the round trip took too long.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.waiting {
            Some(waiting) if !self.is_due && !self.is_over => {
                ready!(waiting.as_mut().poll(cx));
                self.is_over = true;
                Poll::Ready(())
            }
            _ => Poll::Pending,
        }
    }
}
