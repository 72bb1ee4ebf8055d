//! How much in a second.

use sakigake_wire::{Instant, Span};

/// So many of something in a second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    per_s: u32,
    /// The second that `done` counts.
    since: Instant,
    done: u32,
}

impl Rate {
    pub(crate) fn new(per_s: u32) -> Self {
        Self { per_s, since: Instant::default(), done: 0 }
    }

    /// Whether one more may be.
    pub(crate) fn has_room(&mut self, now: Instant) -> bool {
        if now.since(self.since) >= Span::from_secs(1) {
            (self.since, self.done) = (now, 0);
        }
        self.done < self.per_s
    }

    /// Whether one more may be; then it is counted.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let may = self.has_room(now);
        self.done += u32::from(may);
        may
    }
}
