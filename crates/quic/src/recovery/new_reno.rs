//! Congestion avoidance as RFC 9002 section 7.3.3 describes it: a datagram more a round, half after a loss.

/// What NewReno remembers between two acknowledgements.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewReno {
    /// Acknowledged bytes that have not yet made the window grow.
    credit: u64,
}

impl NewReno {
    /// Nothing acknowledged yet.
    pub const fn new() -> Self {
        Self { credit: 0 }
    }

    /// The window after `acked` bytes: one `datagram` more for each window's worth.
    pub fn grow(&mut self, window: u64, datagram: u64, acked: u64) -> u64 {
        self.credit = self.credit.saturating_add(acked);
        if self.credit < window {
            return window;
        }
        self.credit -= window; // spec: 9002-7.3.3-a
        window.saturating_add(datagram)
    }

    /// The window after a congestion event.
    pub fn reduce(&mut self, window: u64) -> u64 {
        self.credit = 0;
        window / 2
    }
}
