//! Whether a path carries ECN marks (RFC 9000 section 13.4.2): tested with the first packets, believed while the peer's
//! counts add up.

use crate::frame::EcnCounts;

/// What the counts of an ACK frame said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing new.
    Unmarked,
    /// More packets arrived marked CE: congestion.
    Congested,
    /// The path or the peer treats marks wrongly; packets are no longer marked.
    Failed,
}

/// Packets that are marked before the first answer.
const TESTED: u32 = 10;

/// One path's marks.
#[derive(Clone, Copy, Debug)]
pub struct Ecn {
    state: State,
    seen: [EcnCounts; 3],
    sent: [u64; 3],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Testing { sent: u32, lost: u32 },
    Capable,
    Failed,
}

impl Ecn {
    /// A path to be tested, or one on which nothing is ever marked.
    pub const fn new(is_wanted: bool) -> Self {
        let state = if is_wanted { State::Testing { sent: 0, lost: 0 } } else { State::Failed };
        Self { state, seen: [EcnCounts { ect0: 0, ect1: 0, ce: 0 }; 3], sent: [0; 3] }
    }

    /// Whether the next packet is to be marked ECT(0).
    pub const fn is_marking(&self) -> bool {
        match self.state {
            State::Testing { sent, .. } => sent < TESTED,
            State::Capable => true,
            State::Failed => false,
        }
    }

    /// Whether the path has been found to carry marks.
    pub const fn is_capable(&self) -> bool {
        matches!(self.state, State::Capable)
    }

    /// Whether nothing is marked any more.
    pub const fn is_failed(&self) -> bool {
        matches!(self.state, State::Failed)
    }

    /// A new path is tested anew; what the peer has counted so far stays counted.
    pub(super) fn restart(&mut self, is_wanted: bool) {
        self.state = Self::new(is_wanted).state;
    }

    /// A marked packet left in the space of this index.
    pub(super) fn sent(&mut self, space: usize) {
        self.sent[space] += 1;
        if let State::Testing { sent, .. } = &mut self.state {
            *sent += 1;
        }
    }

    /// A marked packet was lost; when all that tested the path are, marks are what the path does not like.
    pub(super) fn lost(&mut self) {
        let State::Testing { lost, .. } = &mut self.state else { return };
        *lost += 1;
        if *lost >= TESTED {
            self.state = State::Failed;
        }
    }

    /// An ACK frame that raised the largest acknowledged number newly acknowledged `marked` packets that left marked.
    pub(super) fn acked(&mut self, space: usize, marked: u64, counts: Option<EcnCounts>) -> Verdict {
        if self.state == State::Failed {
            return Verdict::Unmarked;
        }
        let seen = self.seen[space];
        let Some(now) = counts else {
            return if marked > 0 { self.fail() } else { Verdict::Unmarked }; // spec: 9000-13.4.2.1-a
        };
        let is_more = now.ect0 >= seen.ect0 && now.ce >= seen.ce && now.ect1 == 0;
        let told = now.ect0.saturating_add(now.ce);
        let is_enough = told.saturating_sub(seen.ect0 + seen.ce) >= marked; // spec: 9000-13.4.2.1-b
        if !is_more || !is_enough || told > self.sent[space] {
            return self.fail();
        }
        self.seen[space] = now;
        if marked > 0 {
            self.state = State::Capable;
        }
        if now.ce > seen.ce { Verdict::Congested } else { Verdict::Unmarked }
    }

    fn fail(&mut self) -> Verdict {
        self.state = State::Failed;
        Verdict::Failed
    }
}

#[cfg(test)]
mod tests;
