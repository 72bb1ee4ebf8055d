//! When which connection wants to be told the time: one ordered structure for all of a worker's.

#[cfg(test)]
mod tests;

use sakigake_wire::Instant;
use std::collections::BTreeSet;

/// The alarms of a worker's connections, one each at most. An alarm is moved only where the deadline moves earlier: one that moves
/// later, which is what every packet of a busy connection does, costs nothing until it fires, and is set anew then.
#[derive(Default)]
pub(super) struct Timers {
    alarms: BTreeSet<(Instant, usize)>,
}

/// The alarm that a connection has in [`Timers`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Alarm(Option<Instant>);

impl Timers {
    /// Sees to it that the connection `index` is told the time at its `deadline`, or earlier.
    pub(super) fn arm(&mut self, index: usize, alarm: &mut Alarm, deadline: Option<Instant>) {
        let Some(deadline) = deadline else { return };
        if alarm.0.is_some_and(|at| at <= deadline) {
            return;
        }
        self.disarm(index, alarm);
        self.alarms.insert((deadline, index));
        alarm.0 = Some(deadline);
    }

    /// Forgets the connection `index`.
    pub(super) fn disarm(&mut self, index: usize, alarm: &mut Alarm) {
        if let Some(at) = alarm.0.take() {
            self.alarms.remove(&(at, index));
        }
    }

    /// When the next alarm fires.
    pub(super) fn first(&self) -> Option<Instant> {
        self.alarms.first().map(|(at, _)| *at)
    }

    /// A connection whose alarm has fired by `now`: its owner clears it ([`Alarm::fired`]) and arms it again.
    pub(super) fn pop(&mut self, now: Instant) -> Option<usize> {
        self.first().filter(|at| *at <= now)?;
        self.alarms.pop_first().map(|(_, index)| index)
    }
}

impl Alarm {
    /// It is in [`Timers`] no longer.
    pub(super) fn fired(&mut self) {
        self.0 = None;
    }
}
