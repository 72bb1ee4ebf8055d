//! What is waited for, and how long.

use crate::connection::{Connection, Going, Notice};
use crate::request::Exchange;
use crate::{Fault, Flood};
use sakigake_wire::{Instant, Span};

impl Connection {
    /// When to call [`expire`](Self::expire), if nothing else happens before. It may be earlier than needed, once for each wait
    /// that ended.
    pub fn deadline(&self) -> Option<Instant> {
        let drained = match self.going {
            Going::Draining { due } => Some(due),
            Going::On | Going::Final(_) => None,
            Going::Over => return None,
        };
        [drained, self.heads_due, self.stall_due()].into_iter().flatten().min()
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
        self.stalled.map(|since| since + Span::from_millis(self.config.limits.stall_ms))
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
