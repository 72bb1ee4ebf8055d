//! Datagrams that the system gave to another worker than their connection's, on their way from thread to thread.

#[cfg(test)]
mod tests;

use super::{Limits, kin::Kin};
use crate::Datagram;
use sakigake_quic::{paths::Addresses, recovery::acks::Mark};
use std::{
    os::fd::OwnedFd,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

/// Where others put what is for one worker. It holds so much at most; what comes beyond that is lost, as the network loses
/// datagrams.
#[derive(Default)]
pub(super) struct Mailbox {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    post: Post,
    /// The worker, while it sleeps.
    worker: Option<Waker>,
    is_closed: bool,
}

/// Datagrams, one behind the other in memory that is used over and over.
#[derive(Default)]
pub(super) struct Post {
    bytes: Vec<u8>,
    parcels: Vec<Parcel>,
    news: Vec<News>,
}

/// What a worker is told of other processes.
pub(super) enum News {
    /// Datagrams may be handed to these, and to no others.
    Kin(Vec<Kin>),
    /// What others give to this worker comes here.
    Inbox(OwnedFd),
    /// That process may have begun handshakes that go on.
    Ask { predecessor: u32 },
    /// Others accept clients and read the ports, if that process is there.
    Retire { heir: Option<u32> },
}

struct Parcel {
    len: usize,
    addresses: Addresses,
    mark: Mark,
}

/// What became of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// It was copied.
    Kept,
    /// It is lost: the worker has too much to do.
    Full,
    /// There is no such worker any more.
    Closed,
}

impl Mailbox {
    /// Copies a datagram and wakes the worker.
    pub(super) fn put(&self, limits: &Limits, datagram: &Datagram<'_>) -> Put {
        let mut state = self.state();
        if state.is_closed {
            return Put::Closed;
        }
        if !state.post.push(limits, datagram) {
            return Put::Full;
        }
        Self::wake(state);
        Put::Kept
    }

    /// Tells the worker something, and wakes it.
    pub(super) fn tell(&self, news: News) {
        let mut state = self.state();
        if !state.is_closed {
            state.post.news.push(news);
            Self::wake(state);
        }
    }

    fn wake(mut state: MutexGuard<'_, State>) {
        let worker = state.worker.take();
        drop(state);
        if let Some(worker) = worker {
            worker.wake();
        }
    }

    /// Ready with what has come, in the place of an `empty` one.
    pub(super) fn poll_post(&self, cx: &mut Context<'_>, empty: &mut Post) -> Poll<()> {
        debug_assert!(empty.is_empty(), "what was taken is read before more is");
        let mut state = self.state();
        if state.post.is_empty() {
            state.worker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        core::mem::swap(&mut state.post, empty);
        Poll::Ready(())
    }

    /// Nobody takes anything any more.
    pub(super) fn close(&self) {
        let mut state = self.state();
        *state = State { is_closed: true, ..State::default() };
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Post {
    pub(super) fn is_empty(&self) -> bool {
        self.parcels.is_empty() && self.news.is_empty()
    }

    /// What is new of other processes, in the order in which it was told.
    pub(super) fn news(&mut self) -> impl Iterator<Item = News> {
        self.news.drain(..)
    }

    fn push(&mut self, limits: &Limits, datagram: &Datagram<'_>) -> bool {
        let Datagram { bytes, addresses, mark } = datagram;
        let is_full = self.parcels.len() >= limits.handed_datagrams
            || self.bytes.len() + bytes.len() > limits.handed_bytes;
        if !is_full {
            self.bytes.extend_from_slice(bytes);
            self.parcels.push(Parcel { len: bytes.len(), addresses: *addresses, mark: *mark });
        }
        !is_full
    }

    /// Reads it, in the order in which it was put.
    pub(super) fn read(&mut self, mut read: impl FnMut(Datagram<'_>)) {
        let mut rest = &mut self.bytes[..];
        for Parcel { len, addresses, mark } in self.parcels.drain(..) {
            let (bytes, after) = rest.split_at_mut(len);
            read(Datagram { bytes, addresses, mark });
            rest = after;
        }
        self.bytes.clear();
    }
}
