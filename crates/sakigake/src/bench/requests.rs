//! The load over HTTP/2 and HTTP/3.

use super::{
    Plan,
    report::{Outcome, Report},
};
use core::{
    pin::Pin,
    task::{Context, Poll},
};
use sakigake_net::Application;
use sakigake_semantics::{Chunk, Event, Misuse, Reason, StreamId};
use sakigake_session::{self as session, Carrier};
use sakigake_wire as wire;
use std::{collections::BTreeMap, future::Future, rc::Rc, time::Instant};
use tokio::time::Sleep;

/// One connection's part of the load.
pub(super) struct Requests<'a> {
    plan: Rc<Plan>,
    report: &'a mut Report,
    since: Instant,
    flying: BTreeMap<StreamId, Flight>,
    read: Vec<(StreamId, usize)>,
    /// Looks at the connection from time to time: has it stopped, is the time over?
    timer: Pin<Box<Sleep>>,
    last_heard: Instant,
    end: End,
    heard_first_byte: bool,
    is_ready: bool,
}

/// A request under way.
struct Flight {
    since: Instant,
    status: u16,
    body_bytes: u64,
    /// What of the request's body was not yet taken.
    unsent: Option<Chunk>,
}

/// Whether and how it ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    None,
    /// Nothing more to ask, or nobody who takes it: what is under way is waited for.
    Draining,
    /// At once.
    Cut,
}

impl<'a> Requests<'a> {
    pub(super) fn new(plan: Rc<Plan>, report: &'a mut Report, since: Instant) -> Self {
        let mut this = Self {
            timer: Box::pin(tokio::time::sleep_until(since.into())),
            plan,
            report,
            since,
            flying: BTreeMap::new(),
            read: Vec::new(),
            last_heard: since,
            end: End::None,
            heard_first_byte: false,
            is_ready: false,
        };
        this.set_timer();
        this
    }

    /// The connection is gone: what was under way has no answer.
    pub(super) fn lost(&mut self, why: &str) {
        let lost = core::mem::take(&mut self.flying);
        // What the end of the time cut off is no error.
        if !self.is_over() {
            self.report.errored(lost.len() as u64, why);
        }
    }

    /// Whether this end came by our own wish.
    pub(super) fn is_over(&self) -> bool {
        self.end == End::Cut && self.plan.quota.is_over(Instant::now())
    }

    fn set_timer(&mut self) {
        let patience = self.last_heard + self.plan.options.patience;
        let at = self.plan.quota.end().map_or(patience, |end| end.min(patience));
        self.timer.as_mut().reset(at.into());
    }

    fn hear(&mut self, event: Event<'_>) {
        self.last_heard = Instant::now();
        match event {
            Event::Response { stream, response, end } => {
                if !core::mem::replace(&mut self.heard_first_byte, true) {
                    self.report.first_byte.record(self.since.elapsed());
                }
                if let Some(flight) = self.flying.get_mut(&stream) {
                    flight.status = response.status;
                }
                self.finish(stream, end);
            }
            Event::Data { stream, bytes, end } => {
                if let Some(flight) = self.flying.get_mut(&stream) {
                    flight.body_bytes += bytes.len() as u64;
                }
                if !bytes.is_empty() {
                    self.read.push((stream, bytes.len()));
                }
                self.finish(stream, end);
            }
            Event::Trailers { stream, .. } => self.finish(stream, true),
            Event::Reset { stream, code, untouched } => {
                if self.flying.remove(&stream).is_none() {
                    return;
                }
                match untouched {
                    true => self.plan.quota.give_back(),
                    false => self.report.errored(1, &format!("the server reset the stream (code {code})")),
                }
            }
            Event::GoAway { .. } => self.end = self.end_at_least_draining(),
            _ => {}
        }
    }

    fn end_at_least_draining(&self) -> End {
        if self.end == End::Cut { End::Cut } else { End::Draining }
    }

    /// A response is whole, if that was its end.
    fn finish(&mut self, stream: StreamId, end: bool) {
        if end && let Some(flight) = self.flying.remove(&stream) {
            self.plan.progress.count();
            if self.plan.quota.counts(self.last_heard) {
                let took = self.last_heard - flight.since;
                self.report.ended(Outcome::Response(flight.status), flight.body_bytes, took);
            }
        }
    }

    /// As many requests as may be under way.
    fn ask(&mut self, session: &mut dyn Carrier) {
        let Some(http) = session.http() else { return };
        while self.end == End::None && self.flying.len() < self.plan.options.streams {
            let now = Instant::now();
            if !self.plan.quota.take(now) {
                self.end = End::Draining;
                break;
            }
            let has_body = self.plan.body.is_some();
            match http.request(&self.plan.request, !has_body) {
                Ok(stream) => {
                    let unsent = self.plan.body.clone();
                    self.flying.insert(stream, Flight { since: now, status: 0, body_bytes: 0, unsent });
                    self.report.started += u64::from(self.plan.quota.counts(now));
                }
                Err(misuse) => {
                    self.plan.quota.give_back();
                    // A server may allow fewer at a time: then one that ends makes room.
                    if misuse != Misuse::TooManyStreams {
                        self.end = End::Draining;
                    }
                    break;
                }
            }
        }
        let with_body = self.flying.iter_mut().filter(|(_, flight)| flight.unsent.is_some());
        for (stream, flight) in with_body {
            let Some(chunk) = flight.unsent.clone() else { continue };
            // A stream that was reset in the meantime is told of by its event.
            if http.send(*stream, chunk, true).is_ok() {
                flight.unsent = None;
            }
        }
    }

    fn look_at_the_time(&mut self) -> bool {
        let now = Instant::now();
        if self.plan.quota.end().is_some_and(|end| end <= now) {
            self.end = End::Cut;
        } else if self.last_heard + self.plan.options.patience <= now {
            let waiting = core::mem::take(&mut self.flying).len() as u64;
            for _ in 0..waiting {
                self.report.ended(Outcome::TimedOut, 0, self.plan.options.patience);
            }
            self.report.note("no answer in time", waiting.max(1));
            self.end = End::Cut;
        }
        self.end == End::Cut
    }
}

impl Application for Requests<'_> {
    fn heard(&mut self, _: wire::Instant, event: session::Event<'_>) {
        match event {
            session::Event::Ready { .. } => {
                self.is_ready = true;
                self.last_heard = Instant::now();
                self.report.connect.record(self.since.elapsed());
            }
            session::Event::Http(event) => self.hear(event),
            _ => {}
        }
    }

    fn act(&mut self, now: wire::Instant, session: &mut dyn Carrier) {
        if self.is_ready && self.report.agreed.is_none() {
            self.report.agreed = session.agreed().map(ToString::to_string);
        }
        if let Some(http) = session.http() {
            for (stream, len) in self.read.drain(..) {
                http.consume(now, stream, len);
            }
        }
        if self.is_ready {
            self.ask(session);
        }
        match self.end {
            End::None => {}
            End::Draining if !self.flying.is_empty() => {}
            End::Draining => session.close(now),
            End::Cut => match session.http() {
                Some(http) => http.close(Reason::NoError),
                None => session.close(now),
            },
        }
    }

    fn poll_wake(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.end != End::Cut {
            core::task::ready!(self.timer.as_mut().poll(cx));
            if self.look_at_the_time() {
                return Poll::Ready(());
            }
            self.set_timer();
        }
        Poll::Pending
    }
}
