//! One connection of a worker, and its owner.

use super::{
    Application, Event,
    nudges::Nudge,
    ports::Ports,
    timers::{Alarm, Timers},
};
use crate::Batch;
use core::task::Context;
use sakigake_quic::{
    connection::{Connection, Received},
    endpoint::Endpoint,
};
use sakigake_wire::{Instant, Span};
use std::{collections::VecDeque, net::SocketAddr, sync::Arc, task::Waker};

/// What is left between two alarms of a connection whose deadline lies in the past.
const LEAST_SLEEP: Span = Span::from_millis(1);
/// The same while its port takes nothing: what it wants to do at its deadlines is to send, mostly.
const LEAST_WAIT: Span = Span::from_millis(100);

pub(super) struct Seat<A> {
    connection: Connection,
    application: A,
    alarm: Alarm,
    nudge: Arc<Nudge>,
    waker: Waker,
    /// It stands among those that are ready.
    is_ready: bool,
    /// It stands among those that wait for a port.
    is_waiting: bool,
}

/// How a connection's turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It has nothing more to send.
    Done,
    /// It may have more.
    More,
    /// Its port takes nothing now.
    Waits,
}

impl<A: Application> Seat<A> {
    pub(super) fn new(
        now: Instant,
        mut connection: Connection,
        mut application: A,
        nudge: Arc<Nudge>,
    ) -> Self {
        application.begun(now, &mut connection);
        let waker = Waker::from(nudge.clone());
        let alarm = Alarm::default();
        Self { connection, application, alarm, nudge, waker, is_ready: false, is_waiting: false }
    }

    /// It heard something, or has more to send.
    pub(super) fn ready(&mut self, index: usize, ready: &mut VecDeque<usize>) {
        if !core::mem::replace(&mut self.is_ready, true) {
            ready.push_back(index);
        }
    }

    pub(super) fn handle(
        &mut self,
        now: Instant,
        index: usize,
        datagram: Received<'_>,
        endpoint: &mut Endpoint,
    ) {
        let Self { connection, application, .. } = self;
        let mut news = News::default();
        connection.handle(now, datagram, &mut |event| news.tell(now, index, event, application, endpoint));
        self.follow(index, news, endpoint);
    }

    /// Whether a datagram is a stateless reset of this connection.
    pub(super) fn is_reset_by(&self, datagram: &[u8]) -> bool {
        self.connection.is_reset_by(datagram)
    }

    pub(super) fn expire(&mut self, now: Instant, index: usize, endpoint: &mut Endpoint) {
        self.alarm.fired();
        let Self { connection, application, .. } = self;
        let mut news = News::default();
        connection.expire(now, &mut |event| news.tell(now, index, event, application, endpoint));
        self.follow(index, news, endpoint);
    }

    fn follow(&mut self, index: usize, news: News, endpoint: &mut Endpoint) {
        if news.is_moved {
            endpoint.moved(index, self.connection.paths().active().addresses.peer);
        }
    }

    /// Whether the owner has something to do though nothing was heard.
    pub(super) fn wakes(&mut self) -> bool {
        self.nudge.rearm();
        self.application.poll_wake(&mut Context::from_waker(&self.waker)).is_ready()
    }

    /// From which address of ours most of what it has to send leaves.
    pub(super) fn local(&self) -> SocketAddr {
        self.connection.paths().active().addresses.local
    }

    /// It has its turn when the port takes more.
    pub(super) fn wait(&mut self, port: usize, index: usize, ports: &mut Ports) -> Turn {
        self.is_ready = false;
        if !core::mem::replace(&mut self.is_waiting, true) {
            ports.wait(port, index);
        }
        Turn::Waits
    }

    /// The port takes more.
    pub(super) fn freed(&mut self) {
        self.is_waiting = false;
    }

    /// The owner acts and what the connection has leaves, of which the owner hears where it asked for that.
    pub(super) fn act(&mut self, now: Instant, place: &mut [u8], ports: &mut Ports, batches: usize) -> Turn {
        self.is_ready = false;
        let turn = self.send(now, place, ports, batches);
        let Self { connection, application, .. } = self;
        connection.tell_traced(&mut |event| application.heard(now, event));
        turn
    }

    fn send(&mut self, now: Instant, place: &mut [u8], ports: &mut Ports, batches: usize) -> Turn {
        for _ in 0..batches {
            self.application.act(now, &mut self.connection);
            let Some(transmit) = self.connection.transmit(now, place) else { return Turn::Done };
            let batch = Batch {
                bytes: &place[..transmit.len],
                segment_bytes: transmit.segment_bytes,
                addresses: transmit.addresses,
                mark: transmit.mark,
            };
            if ports.send(&batch).is_some_and(|sent| sent.kept > 0) {
                break;
            }
        }
        Turn::More
    }

    /// Gives the peer as many ids as it may have.
    pub(super) fn issue(&mut self, index: usize, endpoint: &mut Endpoint) {
        for _ in 0..self.connection.ids_wanted() {
            let id = endpoint.issue(index);
            if !self.connection.issue(id) {
                return endpoint.retire(&id);
            }
        }
    }

    /// Sees to it that it is told the time. It has just acted at `now`: should it still want to be told of a moment before that, it
    /// is in error, and must not have the thread for itself.
    pub(super) fn arm(&mut self, now: Instant, index: usize, timers: &mut Timers) {
        let least = if self.is_waiting { LEAST_WAIT } else { LEAST_SLEEP };
        let deadline = self.connection.deadline().map(|at| if at > now { at } else { now + least });
        timers.arm(index, &mut self.alarm, deadline);
    }

    pub(super) fn is_over(&self) -> bool {
        self.connection.is_over()
    }

    pub(super) fn leave(&mut self, index: usize, timers: &mut Timers) {
        timers.disarm(index, &mut self.alarm);
    }

    pub(super) fn into_application(self) -> A {
        self.application
    }
}

/// What the endpoint is to know of what the connection said, beside what it is told at once.
#[derive(Default)]
struct News {
    is_moved: bool,
}

impl News {
    fn tell<A: Application>(
        &mut self,
        now: Instant,
        index: usize,
        event: Event<'_>,
        application: &mut A,
        endpoint: &mut Endpoint,
    ) {
        match &event {
            Event::Retired(id) => endpoint.retire(id),
            Event::Validated(_) | Event::Established => endpoint.validated(index),
            Event::Moved(_) => self.is_moved = true,
            _ => {}
        }
        application.heard(now, event);
    }
}
