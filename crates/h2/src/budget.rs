//! How often a peer may do what is harmless once: a count for each kind of thing, begun anew every ten seconds.

use crate::{Fault, Flood, Limits};
use sakigake_wire::{Instant, Span};

/// The counts of the running ten seconds.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    began: Option<Instant>,
    resets: u32,
    provoked_resets: u32,
    settings: u32,
    pings: u32,
    priorities: u32,
    priority_updates: u32,
    empty_frames: u32,
    window_updates: u32,
    stray_frames: u32,
    unknown_frames: u32,
    origins: u32,
    data_sent: u32,
}

const PERIOD: Span = Span::from_secs(10);

impl Budget {
    /// Counts one; a fault when it is one too many. `flood` is one of those that are counted by time.
    pub(crate) fn spend(&mut self, now: Instant, limits: &Limits, flood: Flood) -> Result<(), Fault> {
        self.turn(now);
        let (count, limit) = match flood {
            Flood::Resets => (&mut self.resets, limits.resets_per_10_s),
            Flood::ProvokedResets => (&mut self.provoked_resets, limits.provoked_resets_per_10_s),
            Flood::Settings => (&mut self.settings, limits.settings_per_10_s),
            Flood::Pings => (&mut self.pings, limits.pings_per_10_s.saturating_add(self.data_sent)),
            Flood::Priorities => (&mut self.priorities, limits.priorities_per_10_s),
            Flood::PriorityUpdates => (&mut self.priority_updates, limits.priority_updates_per_10_s),
            Flood::EmptyFrames => (&mut self.empty_frames, limits.empty_frames_per_10_s),
            Flood::WindowUpdates => {
                let earned = self.data_sent.saturating_mul(4);
                (&mut self.window_updates, limits.window_updates_per_10_s.saturating_add(earned))
            }
            Flood::StrayFrames => (&mut self.stray_frames, limits.stray_frames_per_10_s),
            Flood::UnknownFrames => (&mut self.unknown_frames, limits.unknown_frames_per_10_s),
            Flood::Origins => (&mut self.origins, limits.origins_per_10_s),
            // The rest is counted where it lies, not by time.
            Flood::Continuations
            | Flood::HeaderBlockBytes
            | Flood::HeaderBlockMs
            | Flood::SettingsEntries
            | Flood::ControlBytes
            | Flood::OutputBytes => return Ok(()),
        };
        *count = count.saturating_add(1);
        if *count > limit { Err(Fault::Flood(flood)) } else { Ok(()) }
    }

    /// We sent a DATA frame, so some WINDOW_UPDATE frames are due.
    pub(crate) fn sent_data(&mut self, now: Instant) {
        self.turn(now);
        self.data_sent = self.data_sent.saturating_add(1);
    }

    fn turn(&mut self, now: Instant) {
        if self.began.is_none_or(|began| now.since(began) >= PERIOD) {
            *self = Self { began: Some(now), ..Self::default() };
        }
    }
}
