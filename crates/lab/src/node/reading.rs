//! When a node reads what came: at once, or late and at intervals.

use sakigake_semantics::{Http, StreamId};
use sakigake_wire::{Instant, Span};

/// What was heard and not yet given back as credit.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    every: Option<Span>,
    heard: Vec<(StreamId, usize)>,
    next: Option<Instant>,
}

impl Reading {
    /// Reads at once, or at intervals.
    pub(crate) fn new(every: Option<Span>) -> Self {
        Self { every, ..Self::default() }
    }

    pub(crate) fn hear(&mut self, stream: StreamId, len: usize) {
        self.heard.push((stream, len));
    }

    pub(crate) fn act(&mut self, now: Instant, http: &mut dyn Http) {
        if let Some(every) = self.every {
            match self.next {
                None if self.heard.is_empty() => return,
                None => {
                    self.next = Some(now + every);
                    return;
                }
                Some(next) if next > now => return,
                Some(_) => self.next = None,
            }
        }
        for (stream, len) in self.heard.drain(..) {
            http.consume(now, stream, len);
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.next
    }
}
