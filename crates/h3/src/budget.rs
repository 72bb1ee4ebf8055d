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
}

const PERIOD: Span = Span::from_secs(10);

impl Budget {
    /// Counts one; a fault when it is one too many. `flood` is one of those that are counted by time.
    pub(crate) fn spend(&mut self, now: Instant, limits: &Limits, flood: Flood) -> Result<(), Fault> {
        if self.began.is_none_or(|began| now.since(began) >= PERIOD) {
            *self = Self { began: Some(now), ..Self::default() };
        }
        let (count, limit) = match flood {
            Flood::Resets => (&mut self.resets, limits.resets_per_10_s),
            Flood::UnknownFrames => (&mut self.unknown_frames, limits.unknown_frames_per_10_s),
            Flood::UnknownStreams => (&mut self.unknown_streams, limits.unknown_streams_per_10_s),
            Flood::Controls => (&mut self.controls, limits.controls_per_10_s),
            Flood::EmptyFrames => (&mut self.empty_frames, limits.empty_frames_per_10_s),
            Flood::PriorityUpdates => (&mut self.priority_updates, limits.priority_updates_per_10_s),
            // The rest is counted where it lies, not by time.
            Flood::SettingsBytes | Flood::WaitingBytes => return Ok(()),
        };
        *count = count.saturating_add(1);
        if *count > limit { Err(Fault::Flood(flood)) } else { Ok(()) }
    }
}
