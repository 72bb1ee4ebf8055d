//! What is waited for, and how long.

use crate::connection::{Connection, Going, Notice};
use crate::request::Exchange;
use crate::{Departure, Fault, Flood};
use sakigake_semantics::StreamId;
use sakigake_wire::{Instant, Span};

/// Streams that wait for credit, as of the last look at them.
#[derive(Debug, Default)]
pub(crate) struct Blocked {
    /// When the next look is due: before somebody waits it is taken when there is something to do anyhow.
    due: Instant,
    /// With the bytes of each that had left.
    streams: Vec<(u64, u64)>,
}

/// Between two looks by which nobody waited.
const LOOK: Span = Span::from_secs(1);

impl Connection {
    /// When to call [`expire`](Self::expire), if nothing else happens before. It may be earlier than needed, once for each wait
    /// that ended.
    pub fn deadline(&self) -> Option<Instant> {
        let drained = match self.going {
            Going::Draining { due } => Some(due),
            Going::On | Going::Final(_) => None,
            Going::Over => return None,
        };
        let blocked = (!self.blocked.streams.is_empty()).then_some(self.blocked.due);
        [drained, self.heads_due, self.stall_due(), blocked].into_iter().flatten().min()
    }

    /// Whether the owner is to say which streams wait for credit ([`blocked`](Self::blocked)).
    pub fn wants_blocked(&self, now: Instant) -> bool {
        self.blocked.due <= now && !self.is_over()
    }

    /// The owner's word which streams have bytes that the peer gives no credit for, or, where nothing goes on at all, bytes that wait, and how
    /// many of each have left. What was handed to it waits there, whether the exchange is over here or not: a stream that gets no credit in
    /// [`Limits::stall_ms`](crate::Limits::stall_ms) is given up.
    pub fn blocked(&mut self, now: Instant, streams: impl Iterator<Item = (StreamId, u64)>) {
        let before = core::mem::take(&mut self.blocked.streams);
        let (term, least) = (self.stall_patience(), self.config.limits.stall_bytes);
        let is_stuck =
            |(id, left): &(u64, u64)| before.iter().any(|had| had.0 == *id && *left < had.1 + least);
        let requests = streams.map(|(stream, left)| (stream.0, left)).filter(|(id, _)| id & 3 == 0);
        let (stuck, streams): (Vec<_>, Vec<_>) = requests.partition(is_stuck);
        for (id, _) in stuck {
            let given_up = self.give_up_blocked(id);
            self.bear(given_up);
        }
        let wait = if streams.is_empty() { LOOK.min(term) } else { term };
        self.blocked = Blocked { due: now + wait, streams };
    }

    /// Time passed: what is overdue is given up.
    pub fn expire(&mut self, now: Instant) {
        if matches!(self.going, Going::Draining { due } if due <= now) {
            self.finish_drain();
        }
        if self.heads_due.is_some_and(|due| due <= now) {
            let given_up = self.expire_heads(now);
            self.bear(given_up);
        }
        if self.stall_due().is_some_and(|due| due <= now) {
            let given_up = self.expire_stalls();
            self.bear(given_up);
        }
    }

    /// A request's stream whose first bytes came just now.
    pub(crate) fn newcomer(&mut self, now: Instant) -> Box<Exchange> {
        self.heads += 1;
        self.heads_due.get_or_insert(now + self.head_patience());
        Box::new(Exchange::of_server(now))
    }

    /// A request is whole, or given up.
    pub(crate) fn has_head(&mut self, exchange: &mut Exchange) {
        if exchange.began.take().is_some() {
            self.heads -= 1;
            if self.heads == 0 {
                self.heads_due = None;
            }
        }
    }

    fn head_patience(&self) -> Span {
        Span::from_millis(self.config.limits.header_block_ms)
    }

    fn stall_due(&self) -> Option<Instant> {
        self.stalled.map(|since| since + self.stall_patience())
    }

    fn stall_patience(&self) -> Span {
        Span::from_millis(self.config.limits.stall_ms)
    }

    fn give_up_blocked(&mut self, id: u64) -> Result<(), Fault> {
        let (stream, code) = (StreamId(id), Fault::Stalled.code());
        let exchange = self.exchanges.get(&id);
        if exchange.is_none_or(|exchange| exchange.output.is_over()) {
            self.departures.push_back(Departure::Reset { stream, code: code.wire() }); // All of it lies in QUIC.
        }
        if exchange.is_some() {
            self.notices.push_back(Notice::Reset { stream: id, code: code.wire() });
        }
        self.abandon(id, code)
    }

    /// Requests that do not get whole. Their owner has not heard of them.
    fn expire_heads(&mut self, now: Instant) -> Result<(), Fault> {
        let patience = self.head_patience();
        let began =
            self.exchanges.iter().filter_map(|(id, exchange)| Some((*id, exchange.began? + patience)));
        let (over, waiting): (Vec<_>, Vec<_>) = began.partition(|(_, due)| *due <= now);
        self.heads_due = waiting.iter().map(|(_, due)| *due).min();
        for (id, _) in over {
            self.budget.spend(now, &self.config.limits, Flood::Resets)?;
            self.abandon(id, Fault::Stalled.code())?;
        }
        Ok(())
    }

    /// The peer takes nothing: all that waits for it is given up.
    fn expire_stalls(&mut self) -> Result<(), Fault> {
        self.stalled = None;
        let waiting = self.exchanges.iter().filter(|(_, exchange)| exchange.output.has_work());
        for id in waiting.map(|(id, _)| *id).collect::<Vec<_>>() {
            let code = Fault::Stalled.code();
            self.notices.push_back(Notice::Reset { stream: id, code: code.wire() });
            self.abandon(id, code)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
