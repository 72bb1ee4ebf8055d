//! How often a peer may do what is harmless once: a count for each kind of thing, begun anew every ten seconds.

use crate::{Fault, Flood, Limits};
use sakigake_wire::{Instant, Span};

/// The counts of the running ten seconds.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    began: Option<Instant>,
    resets: u32,
    unknown_frames: u32,
    unknown_streams: u32,
    controls: u32,
    empty_frames: u32,
    priority_updates: u32,
    insertions: u64,
}

const PERIOD: Span = Span::from_secs(10);

/// What a message may have needed.
const INSERTIONS_A_MESSAGE: u64 = 16;

impl Budget {
    /// Counts one; a fault when it is one too many. `flood` is one of those that are counted by time.
    pub(crate) fn spend(&mut self, now: Instant, limits: &Limits, flood: Flood) -> Result<(), Fault> {
        self.go_on(now);
        let (count, limit) = match flood {
            Flood::Resets => (&mut self.resets, limits.resets_per_10_s),
            Flood::UnknownFrames => (&mut self.unknown_frames, limits.unknown_frames_per_10_s),
            Flood::UnknownStreams => (&mut self.unknown_streams, limits.unknown_streams_per_10_s),
            Flood::Controls => (&mut self.controls, limits.controls_per_10_s),
            Flood::EmptyFrames => (&mut self.empty_frames, limits.empty_frames_per_10_s),
            Flood::PriorityUpdates => (&mut self.priority_updates, limits.priority_updates_per_10_s),
            // The rest is counted where it lies, not by time.
            Flood::SettingsBytes | Flood::WaitingBytes | Flood::Insertions => return Ok(()),
        };
        *count = count.saturating_add(1);
        if *count > limit { Err(Fault::Flood(flood)) } else { Ok(()) }
    }

    /// Counts so many insertions of the peer's encoder.
    pub(crate) fn insert(&mut self, now: Instant, limits: &Limits, count: u64) -> Result<(), Fault> {
        self.go_on(now);
        self.insertions += count;
        match self.insertions > limits.insertions_per_10_s {
            true => Err(Fault::Flood(Flood::Insertions)),
            false => Ok(()),
        }
    }

    /// A message came, for which there were some.
    pub(crate) fn justify(&mut self) {
        self.insertions = self.insertions.saturating_sub(INSERTIONS_A_MESSAGE);
    }

    fn go_on(&mut self, now: Instant) {
        if self.began.is_none_or(|began| now.since(began) >= PERIOD) {
            *self = Self { began: Some(now), ..Self::default() };
        }
    }
}
