//! An owner of HTTP over a QUIC connection: the same [`Application`](crate::Application) that drives a session over TCP.

use super::{Application, Connection, Event};
use crate::Clock;
use core::{
    pin::Pin,
    task::{Context, Poll},
};
use sakigake_session::{self as session, Answer, Carrier as _, Fault, Http3, OverQuic};
use sakigake_wire::Instant;
use tokio::time::{Sleep, sleep_until};

/// HTTP/3 on one connection, and who asks or answers there.
pub struct Http<A> {
    http3: Http3,
    application: A,
    clock: Clock,
    /// What the handshake waited for, until the connection is free.
    answer: Option<Box<Answer>>,
    /// Runs to the next moment that HTTP wants to be told of.
    timer: Option<(Instant, Pin<Box<Sleep>>)>,
    /// Since when nothing of what waits has left.
    stalled: Option<Stall>,
}

impl<A: crate::Application> Http<A> {
    /// Nothing has come or left yet.
    pub fn new(clock: Clock, http3: Http3, application: A) -> Self {
        Self { http3, application, clock, answer: None, timer: None, stalled: None }
    }

    /// How it ended, once it did: well, or by whose fault.
    pub fn outcome(&self) -> Option<Result<(), &Fault>> {
        self.http3.outcome()
    }

    /// Who asks or answers.
    pub fn application(&mut self) -> &mut A {
        &mut self.application
    }

    /// The moment that comes first of those at which HTTP, or our patience, wants to act.
    fn deadline(&self) -> Option<Instant> {
        let stalled = self.stalled.map(|stall| stall.since + self.application.patience());
        [self.http3.deadline(), stalled].into_iter().flatten().min()
    }

    /// Notes whether what waits for the peer gets less. One that takes nothing of it for too long is given up.
    fn watch(&mut self, now: Instant, connection: &mut Connection) {
        let Self { http3, application, stalled, .. } = self;
        let waits = OverQuic { connection, http3 }.http().map_or(0, |http| http.queued_bytes());
        let sent = connection.stream_bytes_sent();
        *stalled = Stall::after(*stalled, now, waits, sent);
        if stalled.is_some_and(|stall| stall.since + application.patience() <= now) {
            *stalled = None;
            if let Some(http) = (OverQuic { connection, http3 }).http() {
                http.close(sakigake_semantics::Reason::Cancel);
            }
            http3.depart(now, connection);
        }
    }
}

impl<A: crate::Application> Application for Http<A> {
    fn begun(&mut self, _: Instant, connection: &mut Connection) {
        self.http3.begin(connection, None);
    }

    fn heard(&mut self, now: Instant, event: Event<'_>) {
        let Self { http3, application, .. } = self;
        http3.heard(now, event, &mut |event| application.heard(now, event));
    }

    fn act(&mut self, now: Instant, connection: &mut Connection) {
        let Self { http3, application, answer, .. } = self;
        if let Some(answer) = answer.take() {
            connection.answer(now, *answer, &mut |event| {
                http3.heard(now, event, &mut |event| application.heard(now, event));
            });
        }
        if http3.deadline().is_some_and(|at| at <= now) {
            http3.expire(now);
        }
        let told = |http3: &mut Http3, application: &mut A| {
            http3.tell(&mut |event: session::Event<'_>| application.heard(now, event));
        };
        told(http3, application);
        application.act(now, &mut OverQuic { connection, http3 });
        http3.depart(now, connection);
        told(http3, application);
        self.watch(now, connection);
    }

    fn poll_wake(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.answer.is_none()
            && let Poll::Ready(answer) = self.application.poll_answer(cx)
        {
            self.answer = Some(Box::new(answer));
            return Poll::Ready(());
        }
        if self.application.poll_wake(cx).is_ready() {
            return Poll::Ready(());
        }
        let Some(at) = self.deadline() else {
            self.timer = None;
            return Poll::Pending;
        };
        match &mut self.timer {
            Some((set, _)) if *set == at => {}
            Some((set, sleep)) => {
                *set = at;
                sleep.as_mut().reset(self.clock.timer(at));
            }
            None => self.timer = Some((at, Box::pin(sleep_until(self.clock.timer(at))))),
        }
        self.timer.as_mut().map_or(Poll::Pending, |(_, sleep)| sleep.as_mut().poll(cx))
    }
}

/// The peer takes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stall {
    since: Instant,
    /// What waited in HTTP.
    waits: u64,
    /// What had left QUIC, which holds some of each stream ready: with many of them it is long until HTTP notices that they go on.
    sent: u64,
}

/// Less than so much is nothing.
const LEAST_BYTES: u64 = 1_024;

impl Stall {
    /// What a look makes of what was there `before`.
    fn after(before: Option<Self>, now: Instant, waits: u64, sent: u64) -> Option<Self> {
        match before {
            _ if waits == 0 => None,
            Some(stall) if stall.waits == waits && sent < stall.sent + LEAST_BYTES => Some(stall),
            _ => Some(Self { since: now, waits, sent }),
        }
    }
}

#[cfg(test)]
mod tests;
