//! When a connection that hears nothing is over, and when to keep it alive (RFC 9000 section 10.1).

use sakigake_wire::{Instant, Span};

/// The idle timer of one connection.
#[derive(Clone, Debug)]
pub struct Idle {
    /// What each side said; nothing is no limit.
    local: Option<Span>,
    peer: Option<Span>,
    /// How often to let the peer hear from us; none leaves the connection to its end.
    keep_alive: Option<Span>,
    /// When the timer was restarted.
    since: Instant,
    /// When a packet of the peer was last processed.
    heard: Instant,
    /// An ack-eliciting packet went out since then.
    has_asked: bool,
}

impl Idle {
    /// `max_idle_timeout_ms` is our own parameter, 0 for no limit. Until the peer's is known ours alone counts.
    pub fn new(now: Instant, max_idle_timeout_ms: u64, keep_alive: Option<Span>) -> Self {
        let local = parameter(max_idle_timeout_ms);
        Self { local, peer: None, keep_alive, since: now, heard: now, has_asked: false }
    }

    /// The peer's max_idle_timeout, 0 for no limit.
    pub fn negotiate(&mut self, max_idle_timeout_ms: u64) {
        self.peer = parameter(max_idle_timeout_ms);
    }

    /// The smaller of both sides' timeouts; none where neither has one.
    pub fn timeout(&self) -> Option<Span> {
        [self.local, self.peer].into_iter().flatten().min() // spec: 9000-10.1-a
    }

    /// A packet of the peer was processed.
    pub fn received(&mut self, now: Instant) {
        (self.since, self.heard, self.has_asked) = (now, now, false); // spec: 9000-10.1-b
    }

    /// A packet went out. Only the first ack-eliciting one since the peer was heard restarts the timer, else whoever talks to
    /// nobody would never stop.
    pub fn sent(&mut self, now: Instant, elicits_ack: bool) {
        if elicits_ack && !core::mem::replace(&mut self.has_asked, true) {
            self.since = now; // spec: 9000-10.1-c
        }
    }

    /// When a packet of the peer was last processed.
    pub const fn heard(&self) -> Instant {
        self.heard
    }

    /// When the connection is silently over, given the current probe timeout (RFC 9002 section 6.2.1).
    pub fn deadline(&self, pto: Span) -> Option<Instant> {
        Some(self.since + self.timeout()?.max(pto.times(3))) // spec: 9000-10.1-d
    }

    /// Whether it is over.
    pub fn is_over(&self, now: Instant, pto: Span) -> bool {
        self.deadline(pto).is_some_and(|deadline| now >= deadline)
    }

    /// When a PING is due so that neither side's timer runs out: at the chosen interval, and never later than half the
    /// timeout. None where nobody asked for it, and where an answer is awaited anyway.
    pub fn keep_alive_at(&self) -> Option<Instant> {
        let half = self.timeout().map_or(Span::MAX, |timeout| timeout.divided(2));
        let interval = self.keep_alive?.min(half);
        (!self.has_asked).then(|| self.since + interval)
    }

    /// Whether the peer's timer may run out within a probe timeout: what cannot be sent twice is better sent after a PING was
    /// answered (section 10.1.1).
    pub fn may_be_gone(&self, now: Instant, pto: Span) -> bool {
        self.timeout().is_some_and(|timeout| now + pto >= self.heard + timeout.max(pto.times(3)))
    }
}

fn parameter(millis: u64) -> Option<Span> {
    (millis > 0).then(|| Span::from_millis(millis))
}

#[cfg(test)]
mod tests;
