//! The streams of a connection: those that live, how the last few that ended did, and which numbers were used.

use crate::flow::ReceiveWindow;
use crate::rules::MAX_31_BITS;
use crate::send::{Rank, Sending};
use crate::shelf::Shelf;
use crate::stream::{Cause, State};
use sakigake_semantics::{BodyLength, Priority};
use std::collections::VecDeque;

/// One stream.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) state: State,
    pub(crate) receive: ReceiveWindow,
    pub(crate) send: Sending,
    pub(crate) priority: Priority,
    /// Its place in line, while it has one.
    pub(crate) rank: Option<Rank>,
    /// Whether the peer's field section (the final one) was heard.
    pub(crate) head_heard: bool,
    /// Whether ours was sent.
    pub(crate) head_said: bool,
    /// Interim responses that were heard.
    pub(crate) interims: u32,
    pub(crate) body: BodyLength,
    pub(crate) method: Method,
}

/// What was asked for, as far as it decides what the response's content-length means and what may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Head,
    Connect,
    Other,
}

impl Method {
    pub(crate) fn of(method: &[u8]) -> Self {
        match method {
            b"HEAD" => Self::Head,
            b"CONNECT" => Self::Connect,
            _ => Self::Other,
        }
    }

    pub(crate) const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Head => b"HEAD",
            Self::Connect => b"CONNECT",
            Self::Other => b"GET",
        }
    }
}

impl Stream {
    pub(crate) fn new(state: State, receive: u32, send: u32) -> Self {
        Self {
            state,
            receive: ReceiveWindow::new(receive, receive),
            send: Sending::new(send),
            priority: Priority::default(),
            rank: None,
            head_heard: false,
            head_said: false,
            interims: 0,
            body: BodyLength::default(),
            method: Method::Other,
        }
    }

    /// Whether it counts against a SETTINGS_MAX_CONCURRENT_STREAMS (section 5.1.2).
    fn counts(&self) -> bool {
        !matches!(self.state, State::Closed(_))
    }
}

/// What a stream that is gone leaves behind in its connection's books.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Removed {
    /// Its place in line.
    pub(crate) rank: Option<Rank>,
    /// Bytes that it had yet to send.
    pub(crate) queued: u64,
    pub(crate) held: usize,
    /// Bytes received that nobody read.
    pub(crate) unread: u64,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Streams {
    map: Shelf,
    /// How many in the map have ended both ways, and wait for their last bytes to be read.
    lingering: usize,
    recent: VecDeque<(u32, Cause)>,
    /// The number of the next stream of ours; above 2^31-1 when there is none left.
    next_local: u32,
    highest_peer: u32,
}

impl Streams {
    pub(crate) fn new(client: bool) -> Self {
        let next_local = if client { 1 } else { 2 };
        Self { map: Shelf::default(), lingering: 0, recent: VecDeque::new(), next_local, highest_peer: 0 }
    }

    pub(crate) fn find(&mut self, id: u32) -> Option<&mut Stream> {
        self.map.find(id)
    }

    pub(crate) fn look(&self, id: u32) -> Option<&Stream> {
        self.map.look(id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Stream)> {
        self.map.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (u32, &mut Stream)> {
        self.map.iter_mut()
    }

    /// The state of any stream, seen or not.
    pub(crate) fn state(&self, id: u32) -> State {
        let local = id % 2 == self.next_local % 2;
        let idle = if local { id >= self.next_local } else { id > self.highest_peer };
        if idle {
            return State::Idle;
        }
        if let Some(stream) = self.map.look(id) {
            return stream.state;
        }
        let cause = self.recent.iter().rev().find(|(recent, _)| *recent == id).map(|(_, cause)| *cause);
        // Each number of ours was opened, so what comes late for one is late and not wrong.
        let unknown = if local { Cause::LocalReset } else { Cause::Forgotten };
        State::Closed(cause.unwrap_or(unknown))
    }

    /// Whether the peer may open streams of that number at all.
    pub(crate) const fn is_peers(&self, id: u32) -> bool {
        id % 2 != self.next_local % 2
    }

    /// The highest number that the peer used.
    pub(crate) const fn highest_peer(&self) -> u32 {
        self.highest_peer
    }

    /// The peer used a new number, which ends all idle ones below.
    pub(crate) fn used_by_peer(&mut self, id: u32) {
        self.highest_peer = id; // spec: 9113-5.1.1-d
    }

    /// The next number of ours.
    pub(crate) fn next_local(&mut self) -> Option<u32> {
        let id = self.next_local;
        if id > MAX_31_BITS {
            return None;
        }
        self.next_local += 2;
        Some(id)
    }

    pub(crate) fn insert(&mut self, id: u32, stream: Stream) {
        self.map.insert(id, stream);
    }

    /// Takes a stream out, and remembers how it ended.
    pub(crate) fn remove(&mut self, id: u32, cause: Cause, limit: usize) -> Option<Removed> {
        let Some(stream) = self.map.look(id) else {
            self.remember(id, cause, limit);
            return None;
        };
        let removed = Removed {
            rank: stream.rank,
            queued: stream.send.queued(),
            held: stream.send.held(),
            unread: stream.receive.unread(),
        };
        self.lingering -= usize::from(!stream.counts());
        self.map.remove(id);
        self.push_recent(id, cause, limit); // Who lived until now was not remembered before.
        Some(removed)
    }

    /// How a stream ended, which may not be the first time that this is said.
    pub(crate) fn remember(&mut self, id: u32, cause: Cause, limit: usize) {
        self.recent.retain(|(recent, _)| *recent != id);
        self.push_recent(id, cause, limit);
    }

    fn push_recent(&mut self, id: u32, cause: Cause, limit: usize) {
        while self.recent.len() >= limit.max(1) {
            self.recent.pop_front();
        }
        self.recent.push_back((id, cause));
    }

    /// Everything in the map: streams that live, and those whose last bytes nobody has read.
    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }

    /// Whether no stream lives.
    pub(crate) fn is_idle(&self) -> bool {
        self.open() == 0
    }

    /// Streams that live.
    pub(crate) fn open(&self) -> usize {
        self.map.len() - self.lingering
    }

    /// One of the map has ended both ways: said once for each.
    pub(crate) fn linger(&mut self) {
        self.lingering += 1;
    }

    pub(crate) fn clear(&mut self) {
        self.map = Shelf::default();
        self.lingering = 0;
    }

    /// Only the last number of ours is left.
    #[cfg(test)]
    pub(crate) fn use_up_local(&mut self) {
        self.next_local = MAX_31_BITS;
    }
}
