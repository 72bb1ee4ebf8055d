//! Whether the peer receives what is sent on a path: PATH_CHALLENGE and its answer (RFC 9000 section 8.2).

use sakigake_wire::{Entropy, Instant, Span};

/// The data of PATH_CHALLENGE and PATH_RESPONSE.
pub type PathData = [u8; 8];

/// One path's validation, while it goes on.
///
/// ```text
/// idle -start-> due -challenge-> waiting -next-> due ... -abandoned-> failed
///                                   | answer, expanded   -> idle: path and MTU are validated
///                                   ' answer, not so     -> due again, expanded: the MTU is still to be shown
/// ```
#[derive(Clone, Debug, Default)]
pub struct Validation {
    running: Option<Running>,
}

#[derive(Clone, Debug)]
struct Running {
    /// What was sent and not answered; at most [`CHALLENGES`].
    sent: Vec<Challenge>,
    is_due: bool,
    /// When the next challenge is due.
    next: Instant,
    abandoned: Instant,
    pto: Span,
}

#[derive(Clone, Debug)]
struct Challenge {
    data: PathData,
    is_expanded: bool,
}

/// What the answer to a challenge shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The peer is there, and datagrams of 1,200 bytes come there.
    Path,
    /// The peer is there; another challenge, expanded, is due.
    Address,
}

impl Validation {
    /// Begins, unless it goes on already. `pto` is the current probe timeout; a new path counts with the one of a connection
    /// that knows nothing.
    pub fn start(&mut self, now: Instant, pto: Span) {
        let pto = pto.max(FIRST_PTO);
        let begin = || Running {
            sent: Vec::new(),
            is_due: true,
            next: now,
            abandoned: now + pto.times(3), // spec: 9000-8.2.4-a
            pto,
        };
        self.running.get_or_insert_with(begin);
    }

    /// Gives up without a result.
    pub fn stop(&mut self) {
        self.running = None;
    }

    /// Whether it goes on.
    pub const fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Whether a challenge is to be sent now.
    pub fn is_due(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.is_due)
    }

    /// The data of the challenge that is due; it counts as sent. `is_expanded`: in a datagram of 1,200 bytes or more.
    pub fn challenge(
        &mut self,
        now: Instant,
        is_expanded: bool,
        entropy: &mut dyn Entropy,
    ) -> Option<PathData> {
        let running = self.running.as_mut().filter(|running| running.is_due)?;
        let mut data = PathData::default();
        entropy.fill(&mut data); // spec: 9000-8.2.1-b
        if running.sent.len() == CHALLENGES {
            running.sent.remove(0);
        }
        running.sent.push(Challenge { data, is_expanded });
        running.is_due = false;
        running.next = now + running.pto; // spec: 9000-8.2.1-a
        Some(data)
    }

    /// PATH_RESPONSE, on whichever path it came. None where it answers nothing of this path.
    pub fn answer(&mut self, now: Instant, data: &PathData) -> Option<Shown> {
        let running = self.running.as_mut()?;
        let challenge = running.sent.iter().find(|challenge| challenge.data == *data)?; // spec: 9000-8.2.3-a
        if challenge.is_expanded {
            self.running = None;
            return Some(Shown::Path);
        }
        let pto = running.pto;
        self.running = None;
        self.start(now, pto); // spec: 9000-8.2.1-d
        Some(Shown::Address)
    }

    /// When [`Validation::expire`] has something to do.
    pub fn deadline(&self) -> Option<Instant> {
        let running = self.running.as_ref()?;
        Some(if running.is_due { running.abandoned } else { running.next.min(running.abandoned) })
    }

    /// Time passed. True: the path has failed.
    pub fn expire(&mut self, now: Instant) -> bool {
        let Some(running) = &mut self.running else { return false };
        let has_failed = now >= running.abandoned;
        running.is_due |= now >= running.next;
        if has_failed {
            self.running = None;
        }
        has_failed
    }
}

/// Challenges whose answers are waited for at once; older ones are not answered any more.
const CHALLENGES: usize = 4;
/// The probe timeout where no round trip was measured: 333 ms, and four times half of it (RFC 9002 sections 6.2.1 and 6.2.2).
const FIRST_PTO: Span = Span::from_millis(999);

#[cfg(test)]
mod tests;
