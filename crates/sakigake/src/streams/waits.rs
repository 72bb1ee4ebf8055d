//! How long a connection waits for the bodies of its requests.

use core::{
    pin::Pin,
    task::{Context, Poll, ready},
};
use sakigake_semantics::StreamId;
use std::collections::BTreeMap;
use tokio::time::{Duration, Instant, Sleep, sleep_until};

/// What each stream's client owes, and since when.
pub(super) struct Waits {
    term: Duration,
    streams: BTreeMap<StreamId, (Owed, Instant)>,
    /// Runs to the time at which the first of them may be due; nothing where nobody is waited for.
    timer: Option<Pin<Box<Sleep>>>,
    is_over: bool,
}

/// What a client owes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owed {
    /// More than these bytes of a body, for which a handler waits.
    Bytes(u64),
    /// The end of a body that nobody reads.
    End,
}

impl Waits {
    /// Nothing is owed yet; what is owed has `term`.
    pub(super) fn new(term: Duration) -> Self {
        Self { term, streams: BTreeMap::new(), timer: None, is_over: false }
    }

    /// What that stream's client owes now. The term begins anew when that is something else than before.
    pub(super) fn note(&mut self, stream: StreamId, owed: Option<Owed>) {
        match owed {
            None => drop(self.streams.remove(&stream)),
            Some(owed) if self.streams.get(&stream).is_some_and(|(before, _)| *before == owed) => {}
            Some(owed) => drop(self.streams.insert(stream, (owed, Instant::now()))),
        }
    }

    /// Whether that stream's client owes anything.
    pub(super) fn is_owed(&self, stream: StreamId) -> bool {
        self.streams.contains_key(&stream)
    }

    /// Those whose term is over. They are forgotten.
    pub(super) fn due(&mut self) -> Vec<(StreamId, Owed)> {
        if !core::mem::take(&mut self.is_over) {
            return Vec::new();
        }
        let (now, term) = (Instant::now(), self.term);
        let due = self.streams.extract_if(.., |_, (_, since)| *since + term <= now);
        due.map(|(stream, (owed, _))| (stream, owed)).collect()
    }

    /// Ready when somebody's term may be over.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(first) = self.streams.values().map(|(_, since)| *since).min() else {
            self.timer = None;
            return Poll::Pending;
        };
        // One that runs already ends no later: terms only begin anew.
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(first + self.term)));
        ready!(timer.as_mut().poll(cx));
        self.timer = None;
        self.is_over = true;
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests;
