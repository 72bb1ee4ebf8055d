//! What is lost, and when to ask (RFC 9002 section 6).

use super::{Doubt, Fate, Lost, Packet, Recovery, Space, log::Oldest, rtt::GRANULARITY};
use sakigake_wire::{Instant, Span};

/// A packet is lost when one sent so many later has arrived (RFC 9002 section 6.1.1, kPacketThreshold).
pub(super) const PACKET_THRESHOLD: u64 = 3;
/// A path that reorders raises that number, no further than this.
pub(super) const MOST_PACKET_THRESHOLD: u64 = 32;
/// How far apart numbers are left out, at first and in the long run.
pub(super) const SKIPS_APART: (u64, u64) = (32, 65_536);
/// Probe timeouts without an answer that are told apart; the timer is beyond all idle timeouts by then.
const MOST_PROBES: u32 = 32;
/// kPersistentCongestionThreshold (RFC 9002 section 7.6.1).
const PERSISTENT_ROUNDS: u64 = 3;
/// A lost packet is remembered for so many probe timeouts.
const REMEMBERED_ROUNDS: u64 = 3;
/// Packets in a space with nothing in flight, and in one with something.
const PROBES: (u8, u8) = (1, 2);

/// What a timer brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expired {
    /// It was not time yet.
    Nothing,
    /// Packets count as lost.
    Lost(Lost),
    /// The peer has been silent: send so many ack-eliciting packets in this space, whatever the window says. Nothing is lost
    /// yet.
    Probe {
        /// Where to send.
        space: Space,
        /// How many packets.
        count: u8,
    },
}

/// The losses found in one go.
#[derive(Default)]
struct Losses {
    lost: Lost,
    /// Those of the present path that speak of congestion.
    losses: u64,
    newest: Option<Instant>,
    /// The oldest of the present run of losses that elicited acknowledgement.
    run_from: Option<Instant>,
    longest: Span,
}

impl<T> Recovery<T> {
    /// When [`Self::expire`] is to be called.
    pub fn deadline(&self) -> Option<Instant> {
        let lost = self.spaces.iter().filter_map(|log| log.loss_at).min();
        lost.or_else(|| self.probe_due().map(|(at, _)| at)) // spec: 9002-6.2.1-c
    }

    /// Time passed.
    pub fn expire(&mut self, now: Instant, fate: &mut impl FnMut(u64, Fate<'_, T>)) -> Expired {
        let overtaken =
            Space::ALL.into_iter().filter_map(|space| Some((self.spaces.get(space)?.loss_at?, space)));
        if let Some((at, space)) = overtaken.min() {
            return if at <= now { Expired::Lost(self.detect(now, space, fate)) } else { Expired::Nothing };
        }
        let Some((at, space)) = self.probe_due() else { return Expired::Nothing };
        if at > now {
            return Expired::Nothing;
        }
        self.probes = (self.probes + 1).min(MOST_PROBES); // spec: 9002-6.2.1-e
        self.armed = now;
        let is_waiting = self.is_waiting(space);
        Expired::Probe { space, count: if is_waiting { PROBES.1 } else { PROBES.0 } } // spec: 9002-6.2.4-a
    }

    /// The probe timeout of a space without backoff; three of it are what RFC 9000 counts idle and draining periods in.
    pub fn probe_timeout(&self, space: Space) -> Span {
        let held = if space == Space::Application { self.max_ack_delay } else { Span::ZERO };
        self.rtt.probe_timeout() + held
    }

    /// How many probe timeouts have passed without an answer.
    pub fn probes(&self) -> u32 {
        self.probes
    }

    /// When to probe, and where.
    fn probe_due(&self) -> Option<(Instant, Space)> {
        if self.is_blocked {
            return None; // spec: 9002-6.2.2.1-a
        }
        let backoff = 1 << self.probes;
        let due = Space::ALL.into_iter().filter_map(|space| {
            let log = self.spaces.get(space)?;
            let is_timed = log.eliciting > 0 && (space != Space::Application || self.is_confirmed); // spec: 9002-6.2.1-b
            let from = log.last_eliciting.filter(|_| is_timed)?;
            Some((from + self.probe_timeout(space).times(backoff), space))
        });
        let earliest = due.min(); // spec: 9002-6.2.1-f
        earliest.or_else(|| {
            let has_begun = self.spaces.iter().any(|log| log.next > 0);
            if self.is_validated || !has_begun {
                return None;
            }
            let space = if self.has_handshake_keys { Space::Handshake } else { Space::Initial }; // spec: 9002-6.2.2.1-c 9000-8.1-c
            Some((self.armed + self.probe_timeout(space).times(backoff), space)) // spec: 9002-6.2.2.1-b
        })
    }

    /// Declares lost what later packets have overtaken, by number or by time.
    pub(super) fn detect(
        &mut self,
        now: Instant,
        space: Space,
        fate: &mut impl FnMut(u64, Fate<'_, T>),
    ) -> Lost {
        let delay = self.rtt.loss_delay();
        let Some(log) = self.spaces.get_mut(space) else { return Lost::default() };
        log.loss_at = None;
        let Some(largest) = log.largest_here else { return Lost::default() };
        let mut found = Losses::default();
        while let Some(log) = self.spaces.get_mut(space) {
            let Some(oldest) = log.oldest() else { break };
            let Oldest::Waiting { packet, follows_acked } = oldest else {
                found.run_from = None;
                continue;
            };
            if packet.number > largest {
                break;
            }
            let by_count = largest - packet.number >= self.packet_threshold; // spec: 9002-6.1.1-a
            if !by_count && packet.sent + delay > now {
                log.loss_at = Some(packet.sent + delay);
                break;
            }
            log.lose(now, by_count, &self.config.limits, |carried| fate(packet.number, Fate::Lost(carried)));
            if follows_acked {
                found.run_from = None;
            }
            self.count_loss(&packet, &mut found);
        }
        let age = self.probe_timeout(Space::Application).times(REMEMBERED_ROUNDS);
        if let Some(log) = self.spaces.get_mut(space) {
            log.forget_missing(now, age);
        }
        self.judge(now, found)
    }

    fn count_loss(&mut self, packet: &Packet, found: &mut Losses) {
        found.lost.packets += 1;
        if packet.path != self.path {
            return;
        }
        if packet.is_marked {
            self.ecn.lost();
        }
        if !packet.in_flight {
            return;
        }
        found.lost.bytes += u64::from(packet.bytes);
        self.bytes_in_flight -= u64::from(packet.bytes);
        if packet.is_mtu_probe {
            return; // spec: 9000-14.4-a
        }
        found.losses += 1;
        found.newest = found.newest.max(Some(packet.sent));
        let is_measured = self.rtt.first_sample().is_some_and(|first| packet.sent > first);
        if packet.elicits_ack && is_measured {
            let from = *found.run_from.get_or_insert(packet.sent);
            found.longest = found.longest.max(packet.sent.since(from));
        }
    }

    /// What the losses say of the path.
    fn judge(&mut self, now: Instant, mut found: Losses) -> Lost {
        let Some(newest) = found.newest else { return found.lost };
        found.lost.is_event = self.congestion.event(now, newest);
        if found.lost.is_event {
            self.doubt = Some(Doubt { since: now, losses: found.losses });
        } else if let Some(doubt) = &mut self.doubt {
            doubt.losses += found.losses;
        }
        if found.longest > self.persistent_after() {
            found.lost.is_persistent = true; // spec: 9002-7.6.2-a
            self.congestion.persistent();
            self.rtt.forget_least(); // spec: 9002-5.2-c
            self.doubt = None;
        }
        found.lost
    }

    /// How long everything has to be lost for congestion to be persistent (RFC 9002 section 7.6.1).
    fn persistent_after(&self) -> Span {
        let round = self.rtt.smoothed() + self.rtt.variation().times(4).max(GRANULARITY) + self.max_ack_delay;
        round.times(PERSISTENT_ROUNDS)
    }
}

impl Space {
    /// All three, in the order of the handshake.
    pub const ALL: [Self; 3] = [Self::Initial, Self::Handshake, Self::Application];
}
