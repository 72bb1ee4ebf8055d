//! The packets of one space that nobody has acknowledged yet, oldest first, and those given up for lost that may still be.

use core::ops::Range;
use sakigake_wire::{Instant, Span};
use std::collections::VecDeque;

use super::Limits;

/// What is remembered of a packet beside what it carried.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet {
    pub(super) number: u64,
    pub(super) sent: Instant,
    pub(super) bytes: u32,
    /// Which of the paths used so far it left on.
    pub(super) path: u32,
    pub(super) elicits_ack: bool,
    pub(super) in_flight: bool,
    pub(super) is_marked: bool,
    pub(super) is_mtu_probe: bool,
}

struct Entry<T> {
    packet: Packet,
    /// None: acknowledged, and kept only until all before it are settled.
    carried: Option<T>,
    /// An acknowledged packet right before this one has left the log.
    follows_acked: bool,
}

/// A packet that was declared lost; its acknowledgement may still come.
struct Missing<T> {
    packet: Packet,
    carried: T,
    declared: Instant,
    by_count: bool,
}

/// A missing packet that was not lost.
pub(super) struct Found<T> {
    pub(super) packet: Packet,
    pub(super) carried: T,
    /// When it was declared lost.
    pub(super) declared: Instant,
    /// It was declared lost since later packets had arrived, not since it took long.
    pub(super) by_count: bool,
}

/// The oldest packet as loss detection sees it.
pub(super) enum Oldest {
    /// An acknowledged one; it is out of the log now.
    Acked,
    /// One that waits.
    Waiting { packet: Packet, follows_acked: bool },
}

/// The sent packets of one space.
pub(super) struct Log<T> {
    entries: VecDeque<Entry<T>>,
    /// Entries that are acknowledged.
    acked: usize,
    /// Entries that are in flight.
    flying: usize,
    missing: VecDeque<Missing<T>>,
    /// Numbers that were passed over and never sent.
    skipped: VecDeque<Range<u64>>,
    /// The number that the next packet has at least.
    pub(super) next: u64,
    pub(super) largest_acked: Option<u64>,
    /// The same, of packets on the paths that were in use: another path may be faster, and its packets overtake none of these.
    pub(super) largest_here: Option<u64>,
    /// When the oldest packet that a later one has overtaken counts as lost.
    pub(super) loss_at: Option<Instant>,
    pub(super) last_eliciting: Option<Instant>,
    /// Ack-eliciting packets in flight.
    pub(super) eliciting: usize,
}

impl<T> Log<T> {
    pub(super) const fn new() -> Self {
        Self {
            entries: VecDeque::new(),
            acked: 0,
            flying: 0,
            missing: VecDeque::new(),
            skipped: VecDeque::new(),
            next: 0,
            largest_acked: None,
            largest_here: None,
            loss_at: None,
            last_eliciting: None,
            eliciting: 0,
        }
    }

    /// Remembers a packet. One that is not in flight is not, where there is no room for it.
    pub(super) fn push(&mut self, packet: Packet, carried: T, limits: &Limits) {
        if packet.number > self.next {
            if self.skipped.len() >= limits.skipped_numbers {
                self.skipped.pop_front();
            }
            self.skipped.push_back(self.next..packet.number);
        }
        self.next = packet.number + 1;
        if packet.elicits_ack {
            self.last_eliciting = Some(packet.sent);
            self.eliciting += 1;
        }
        if self.entries.len() >= limits.sent_packets {
            self.make_room();
            if self.entries.len() >= limits.sent_packets && !packet.in_flight {
                return;
            }
        }
        self.flying += usize::from(packet.in_flight);
        self.entries.push_back(Entry { packet, carried: Some(carried), follows_acked: false });
    }

    /// Whether another packet in flight would be one too many.
    pub(super) fn is_full(&self, limits: &Limits) -> bool {
        self.flying >= limits.sent_packets
    }

    /// Whether one of the numbers was passed over.
    pub(super) fn has_skipped(&self, range: &Range<u64>) -> bool {
        self.skipped.iter().any(|skipped| skipped.start < range.end && range.start < skipped.end)
    }

    /// Takes the packets with these numbers that wait for acknowledgement.
    pub(super) fn take(&mut self, range: &Range<u64>, each: &mut impl FnMut(Packet, T)) {
        let first = self.entries.partition_point(|entry| entry.packet.number < range.start);
        for at in first..self.entries.len() {
            let entry = &mut self.entries[at];
            if entry.packet.number >= range.end {
                break;
            }
            let Some(carried) = entry.carried.take() else { continue };
            let packet = entry.packet;
            self.acked += 1;
            self.settle(&packet);
            each(packet, carried);
        }
    }

    /// Takes the packets with these numbers that were declared lost.
    pub(super) fn find(&mut self, range: &Range<u64>, each: &mut impl FnMut(Found<T>)) {
        let first = self.missing.partition_point(|missing| missing.packet.number < range.start);
        while self.missing.get(first).is_some_and(|missing| missing.packet.number < range.end) {
            let Some(Missing { packet, carried, declared, by_count }) = self.missing.remove(first) else {
                break;
            };
            each(Found { packet, carried, declared, by_count });
        }
    }

    /// Drops what is acknowledged at the front, and elsewhere when it is most of the log.
    pub(super) fn trim(&mut self) {
        while self.entries.front().is_some_and(|entry| entry.carried.is_none()) {
            self.entries.pop_front();
            self.acked -= 1;
        }
        if self.acked > 64 && self.acked * 2 > self.entries.len() {
            self.compact(|_| true);
        }
    }

    /// The oldest packet; what is acknowledged leaves the log on the way.
    pub(super) fn oldest(&mut self) -> Option<Oldest> {
        let Entry { packet, carried, follows_acked } = self.entries.front()?;
        if carried.is_some() {
            return Some(Oldest::Waiting { packet: *packet, follows_acked: *follows_acked });
        }
        self.entries.pop_front();
        self.acked -= 1;
        Some(Oldest::Acked)
    }

    /// Declares the oldest packet lost, lends what it carried to `each`, and keeps it for a while.
    pub(super) fn lose(&mut self, now: Instant, by_count: bool, limits: &Limits, each: impl FnOnce(&T)) {
        let Some(Entry { packet, carried: Some(carried), .. }) = self.entries.pop_front() else { return };
        self.settle(&packet);
        each(&carried);
        if self.missing.len() >= limits.lost_packets {
            self.missing.pop_front();
        }
        if limits.lost_packets > 0 {
            self.missing.push_back(Missing { packet, carried, declared: now, by_count });
        }
    }

    /// Gives up the missing packets that were declared lost longer ago than `age`.
    pub(super) fn forget_missing(&mut self, now: Instant, age: Span) {
        while self.missing.front().is_some_and(|missing| missing.declared + age < now) {
            self.missing.pop_front();
        }
    }

    /// The packets that wait for acknowledgement, oldest first.
    pub(super) fn outstanding(&self) -> impl Iterator<Item = (&Packet, &T)> {
        self.entries.iter().filter_map(|entry| Some((&entry.packet, entry.carried.as_ref()?)))
    }

    /// Forgets all packets, and keeps the numbers that were used.
    pub(super) fn clear(&mut self) {
        let (next, largest_acked, largest_here) = (self.next, self.largest_acked, self.largest_here);
        let skipped = core::mem::take(&mut self.skipped);
        *self = Self { next, largest_acked, largest_here, skipped, ..Self::new() };
    }

    /// Whether nothing is in flight.
    pub(super) const fn is_at_rest(&self) -> bool {
        self.flying == 0
    }

    /// Gives back the room that nothing needs. Bare acknowledgements, which nobody answers, are not waited for at rest.
    pub(super) fn shrink(&mut self) {
        if self.is_at_rest() {
            self.compact(|packet| packet.in_flight);
        }
        self.entries.shrink_to_fit();
        self.missing.shrink_to_fit();
        self.skipped.shrink_to_fit();
    }

    /// How many entries are held, missing ones included.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len() + self.missing.len()
    }

    /// How many entries there is room for.
    #[cfg(test)]
    pub(super) fn room(&self) -> usize {
        self.entries.capacity() + self.missing.capacity() + self.skipped.capacity()
    }

    /// A packet is neither waited for nor in flight any more.
    fn settle(&mut self, packet: &Packet) {
        self.flying -= usize::from(packet.in_flight);
        self.eliciting -= usize::from(packet.elicits_ack);
    }

    /// Drops what is acknowledged or was never in flight, if that is a good part of the log.
    fn make_room(&mut self) {
        if (self.entries.len() - self.flying) * 4 > self.entries.len() {
            self.compact(|packet| packet.in_flight);
        }
    }

    fn compact(&mut self, is_kept: impl Fn(&Packet) -> bool) {
        let mut follows_acked = false;
        self.entries.retain_mut(|entry| {
            follows_acked |= entry.follows_acked || entry.carried.is_none();
            let keeps = entry.carried.is_some() && is_kept(&entry.packet);
            if keeps {
                entry.follows_acked = core::mem::take(&mut follows_acked);
            }
            keeps
        });
        self.acked = 0;
    }
}
