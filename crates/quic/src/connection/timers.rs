//! What time brings.

use super::{
    Closed, Connection, Event,
    carried::{Settlement, Sizes},
    close::Life,
};
use crate::{
    Fault,
    paths::Change,
    recovery::{Expired, Space},
    rules::Epoch,
    streams::Heard,
};
use sakigake_wire::{Instant, Span};

/// Room for packets is kept for so long after the last one came: longer than any round trip, so that who is busy takes it once.
const QUIET: Span = Span::from_millis(1_000);

impl Connection {
    /// When [`Connection::expire`] wants to be called.
    pub fn deadline(&self) -> Option<Instant> {
        if self.life.is_open() { self.timers().into_iter().flatten().min() } else { self.life.deadline() }
    }

    /// What waits for its time, while the connection is open.
    pub(super) fn timers(&self) -> [Option<Instant>; 11] {
        // Who may send nothing has nothing to wait for but what the peer sends: it makes room, or brings an id.
        let may_acknowledge = self.keys.can_send(Epoch::OneRtt) && self.may_send();
        let acks = self.spaces.application.acks.deadline().filter(|_| may_acknowledge);
        [
            self.recovery.deadline(),
            acks,
            self.paths.deadline(),
            self.idle.deadline(self.pto()),
            self.idle.keep_alive_at().filter(|_| self.is_confirmed && !self.wants_ping),
            self.tls.deadline(),
            self.paced_until,
            self.key_times.settle_at,
            self.key_times.early_until,
            self.key_times.worn_at,
            self.rests_at(),
        ]
    }

    /// When a connection in which nothing happens gives back the room that it took while it was busy: whatever left or came had keys
    /// made. What was forged counts, so that a flood of it has them made once.
    fn rests_at(&self) -> Option<Instant> {
        let may_rest = self.is_confirmed && self.recovery.is_at_rest() && self.keys.is_awake();
        may_rest.then(|| self.key_times.stirred_at.unwrap_or_default().max(self.idle.heard()) + QUIET)
    }

    /// Whether the active path has an id to send to, and is not held up by the anti-amplification limit.
    fn may_send(&self) -> bool {
        let path = self.paths.active();
        !path.credit.is_blocked() && (self.theirs.of(path.id).is_some() || self.theirs.spare() > 0)
    }

    /// Tells the time.
    pub fn expire(&mut self, now: Instant, heard: &mut impl FnMut(Event<'_>)) {
        self.watch.at(now);
        if self.life.deadline().is_some_and(|until| until <= now) {
            self.life = Life::Over;
        }
        if self.life.is_open() {
            self.expire_open(now, heard);
        }
        self.watch_turn();
        self.watch.tell(heard);
    }

    fn expire_open(&mut self, now: Instant, heard: &mut impl FnMut(Event<'_>)) {
        self.tell_key_log(heard);
        if self.idle.is_over(now, self.pto()) {
            return self.end(now, Closed::Idle, heard); // spec: 9000-10.1-e
        }
        if self.key_times.worn_at.is_some() {
            return self.fail(now, Fault::AeadLimitReached, heard); // spec: 9001-6.6-c
        }
        let result = self.tls.expire(now);
        if let Err(fault) = result {
            return self.fail(now, fault.into(), heard);
        }
        self.paced_until = self.paced_until.filter(|until| *until > now);
        if self.key_times.settle_at.take_if(|at| *at <= now).is_some()
            && let Some(phases) = self.keys.phases()
        {
            phases.forget_previous(); // spec: 9001-6.5-a
        }
        if self.key_times.early_until.take_if(|until| *until <= now).is_some() {
            self.keys.discard(Epoch::ZeroRtt);
        }
        if self.idle.keep_alive_at().is_some_and(|at| at <= now) && self.is_confirmed {
            self.wants_ping = true;
        }
        self.expire_paths(now, heard);
        self.expire_recovery(now);
        if self.rests_at().is_some_and(|at| at <= now) {
            self.shrink();
            heard(Event::Quiet);
        }
    }

    fn expire_paths(&mut self, now: Instant, heard: &mut impl FnMut(Event<'_>)) {
        self.each_change(now, heard, |paths, changes: &mut Vec<Change>| {
            paths.expire(now, &mut |change| changes.push(change));
        });
    }

    fn expire_recovery(&mut self, now: Instant) {
        let Self { recovery, spaces, streams, issued, theirs, once, asked, paths, watch, .. } = self;
        let mut sizes = Sizes::default();
        let largest_sent = recovery.largest_sent(Space::Application).unwrap_or(0);
        let heard = |_: Heard<'_>| {}; // Nothing is acknowledged here.
        let mut settlement = Settlement { spaces, streams, issued, received: theirs, once, asked, heard };
        let expired = recovery.expire(now, &mut |number, fate| {
            watch.learn(number, &fate);
            sizes.learn(now, paths, number, &fate, largest_sent);
            settlement.settle(&fate);
        });
        self.explain_expired(&expired);
        if let Expired::Probe { space, count } = expired {
            self.probe(space, count);
            let probes = self.recovery.probes();
            let mtu = &mut self.paths.active_mut().mtu;
            if mtu.timed_out(now, probes) {
                sizes.changed = Some(mtu.datagram_bytes());
            }
        }
        self.resize(&sizes);
    }

    /// Makes sure that there is something to probe with: news, else what was sent and not acknowledged, else PING.
    fn probe(&mut self, space: Space, count: u8) {
        self.probes[space as usize] = count;
        self.repeats = (space, 0..self.recovery.largest_sent(space).map_or(0, |largest| largest + 1));
        if !self.wants(space) {
            self.repeat_for_probes();
            self.streams.remind();
        }
    }

    /// Before a probe that has nothing to say the oldest packet that was not repeated since the timer expired counts as to be sent
    /// again.
    pub(super) fn repeat_for_probes(&mut self) {
        let space = self.repeats.0;
        if self.probes[space as usize] == 0 || self.wants(space) {
            return;
        }
        let Self { recovery, spaces, streams, issued, theirs, once, asked, repeats: (_, numbers), .. } = self;
        let heard = |_: Heard<'_>| {};
        let mut settlement = Settlement { spaces, streams, issued, received: theirs, once, asked, heard };
        let mut outstanding = recovery.outstanding(space);
        let oldest = outstanding.find(|(number, carried)| numbers.contains(number) && carried.is_of_use());
        if let Some((number, carried)) = oldest {
            numbers.start = number + 1;
            settlement.lose(carried); // spec: 9002-6.2.4-b
        }
    }
}
