//! A way: one direction of somebody's connection to the rest of the world, with all that can happen to a datagram there.

use crate::seed::Seed;
use sakigake_quic::recovery::acks::Mark;
use sakigake_wire::{Instant, Span};
use std::{collections::VecDeque, sync::Arc};

/// What IPv4 and UDP put before a datagram's payload; they take their time on a way too.
pub const HEADERS_BYTES: usize = 28;
/// Chances are counted in parts of a million.
pub const ALWAYS_PPM: u32 = 1_000_000;

/// How a way behaves; the default is a perfect one that takes no time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// From one end to the other.
    pub delay: Span,
    /// Each datagram takes up to this much longer; order is kept.
    pub jitter: Span,
    /// Bits a second; none for no limit.
    pub bits_per_s: Option<u64>,
    /// What waits while the way is busy.
    pub queue: Queue,
    /// Where this much waits already, what comes with ECT leaves with CE.
    pub mark_at: Option<Queue>,
    /// Every mark is taken off.
    pub bleaches: bool,
    /// The largest payload that passes; what is larger is dropped without a word.
    pub mtu_bytes: usize,
    /// From then on it is another.
    pub later_mtu: Option<(Instant, usize)>,
    /// Chance that a datagram is lost.
    pub loss_ppm: u32,
    /// Loss that comes in bursts.
    pub bursts: Option<Bursts>,
    /// Chance that a datagram is held back, so that later ones pass it.
    pub reorder_ppm: u32,
    /// For how long, at most; duplicates are late by that too.
    pub hold: Span,
    /// Chance that it comes twice.
    pub duplicate_ppm: u32,
    /// Chance that one of its bits is flipped.
    pub corrupt_ppm: u32,
    /// Chance that its end is missing.
    pub truncate_ppm: u32,
    /// Times in which nothing passes.
    pub holes: Vec<Hole>,
    /// Of so many datagrams the last is lost.
    pub every: Option<u64>,
    /// What happens to single datagrams.
    pub planned: Vec<Planned>,
}

/// How much there may be in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// Bytes, with headers.
    Bytes(usize),
    /// Datagrams.
    Datagrams(usize),
}

/// Two states and the chances between them (Gilbert 1960, Elliott 1963).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bursts {
    /// Chance at each datagram that a burst begins.
    pub begin_ppm: u32,
    /// Chance at each datagram that the burst ends.
    pub end_ppm: u32,
    /// Chance that a datagram within a burst is lost.
    pub loss_ppm: u32,
}

/// A time in which nothing passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hole {
    /// It begins.
    pub from: Instant,
    /// It is over.
    pub until: Instant,
}

/// What happens to one datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// Which one, counted from 0.
    pub nth: u64,
    /// One of [`Fault::PLANNABLE`].
    pub fault: Fault,
}

/// What happened to a datagram that should not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Lost, by chance or by plan.
    Lost,
    /// Lost in a burst.
    Burst,
    /// Lost in a black hole.
    Hole,
    /// Dropped, since the queue was full.
    Overflowed,
    /// Dropped for its size.
    TooLarge,
    /// Held back.
    Reordered,
    /// It comes twice.
    Duplicated,
    /// One bit was flipped.
    Corrupted,
    /// Its end was cut off.
    Truncated,
    /// Congestion was marked on it.
    Marked,
    /// Its mark was taken off.
    Bleached,
    /// Nobody has that address, or had it any more.
    Unroutable,
    /// A NAT gave its sender another address.
    Rebound,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Lost,
        Self::Burst,
        Self::Hole,
        Self::Overflowed,
        Self::TooLarge,
        Self::Reordered,
        Self::Duplicated,
        Self::Corrupted,
        Self::Truncated,
        Self::Marked,
        Self::Bleached,
        Self::Unroutable,
        Self::Rebound,
    ];
    /// What [`Planned`] may name.
    pub const PLANNABLE: [Self; 5] =
        [Self::Lost, Self::Reordered, Self::Duplicated, Self::Corrupted, Self::Truncated];
}

impl Default for Way {
    fn default() -> Self {
        Self {
            delay: Span::ZERO,
            jitter: Span::ZERO,
            bits_per_s: None,
            queue: Queue::Bytes(usize::MAX),
            mark_at: None,
            bleaches: false,
            mtu_bytes: usize::MAX,
            later_mtu: None,
            loss_ppm: 0,
            bursts: None,
            reorder_ppm: 0,
            hold: Span::ZERO,
            duplicate_ppm: 0,
            corrupt_ppm: 0,
            truncate_ppm: 0,
            holes: Vec::new(),
            every: None,
            planned: Vec::new(),
        }
    }
}

impl Way {
    /// A perfect way that takes its time.
    pub fn after(delay: Span) -> Self {
        Self { delay, ..Self::default() }
    }

    /// Whether a small datagram may get lost here, or spoiled, where the way is not busy.
    pub fn is_lossy(&self) -> bool {
        let chances = [self.loss_ppm, self.corrupt_ppm, self.truncate_ppm];
        chances.iter().any(|ppm| *ppm > 0)
            || self.bursts.is_some()
            || !self.holes.is_empty()
            || self.every.is_some()
            || !self.planned.is_empty()
    }

    fn mtu_bytes(&self, now: Instant) -> usize {
        self.later_mtu.filter(|(from, _)| now >= *from).map_or(self.mtu_bytes, |(_, bytes)| bytes)
    }
}

/// A way in use.
pub(super) struct Channel {
    way: Way,
    seed: Seed,
    /// Datagrams that began it.
    count: u64,
    is_in_burst: bool,
    free_at: Instant,
    last_arrival: Instant,
    /// What waits or is being sent: until when, and how many bytes.
    waiting: VecDeque<(Instant, usize)>,
    waiting_bytes: usize,
}

/// What came of a datagram.
pub(super) struct Carried {
    /// None where it is lost, two where it was duplicated.
    pub(super) copies: Vec<Copy>,
    /// What happened to it.
    pub(super) faults: Vec<Fault>,
}

pub(super) struct Copy {
    pub(super) at: Instant,
    pub(super) bytes: Arc<[u8]>,
    pub(super) mark: Mark,
}

impl Channel {
    pub(super) fn new(way: Way, seed: Seed) -> Self {
        let start = Instant::default();
        Self {
            way,
            seed,
            count: 0,
            is_in_burst: false,
            free_at: start,
            last_arrival: start,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
        }
    }

    pub(super) fn carry(&mut self, now: Instant, bytes: &Arc<[u8]>, mark: Mark) -> Carried {
        let nth = self.count;
        self.count += 1;
        if let Some(fault) = self.loses(now, nth, bytes.len()) {
            return Carried { copies: Vec::new(), faults: vec![fault] };
        }
        let mut faults = Vec::new();
        let mark = self.mark(mark, &mut faults);
        let leaves = self.serialise(now, bytes.len());
        let bytes = self.spoil(nth, bytes, &mut faults);
        let mut copies = vec![Copy { at: self.arrival(nth, leaves, &mut faults), bytes, mark }];
        if self.strikes(nth, Fault::Duplicated, self.way.duplicate_ppm) {
            faults.push(Fault::Duplicated);
            let at = copies[0].at + self.seed.span(self.way.hold);
            copies.push(Copy { at, bytes: Arc::clone(&copies[0].bytes), mark });
        }
        Carried { copies, faults }
    }

    /// Why a datagram never gets to the other end.
    fn loses(&mut self, now: Instant, nth: u64, len: usize) -> Option<Fault> {
        self.drain(now);
        let is_in_hole = self.way.holes.iter().any(|hole| (hole.from..hole.until).contains(&now));
        let is_nth = self.way.every.is_some_and(|every| (nth + 1).is_multiple_of(every.max(1)));
        let (in_burst, is_lost) = (self.bursts(), self.strikes(nth, Fault::Lost, self.way.loss_ppm));
        let size = len + HEADERS_BYTES;
        Some(match () {
            () if is_in_hole => Fault::Hole,
            () if len > self.way.mtu_bytes(now) => Fault::TooLarge,
            () if is_nth || is_lost => Fault::Lost,
            () if in_burst => Fault::Burst,
            () if self.exceeds(self.way.queue, 1, size) => Fault::Overflowed,
            () => return None,
        })
    }

    fn bursts(&mut self) -> bool {
        let Some(Bursts { begin_ppm, end_ppm, loss_ppm }) = self.way.bursts else { return false };
        let turns = if self.is_in_burst { end_ppm } else { begin_ppm };
        self.is_in_burst ^= self.chance(turns);
        self.is_in_burst && self.chance(loss_ppm)
    }

    /// What has left makes room.
    fn drain(&mut self, now: Instant) {
        while let Some((_, len)) = self.waiting.pop_front_if(|(until, _)| *until <= now) {
            self.waiting_bytes -= len;
        }
    }

    /// Whether there is more in the queue than `most`, with so much more.
    fn exceeds(&self, most: Queue, datagrams: usize, bytes: usize) -> bool {
        match most {
            Queue::Bytes(most) => self.waiting_bytes.saturating_add(bytes) > most,
            Queue::Datagrams(most) => self.waiting.len() + datagrams > most,
        }
    }

    fn mark(&self, mark: Mark, faults: &mut Vec<Fault>) -> Mark {
        let is_capable = matches!(mark, Mark::Ect0 | Mark::Ect1);
        let is_busy = self.way.mark_at.is_some_and(|most| self.exceeds(most, 0, 0));
        let mark = if is_busy && is_capable { Mark::Ce } else { mark };
        match mark {
            Mark::NotEct => mark,
            _ if self.way.bleaches => {
                faults.push(Fault::Bleached);
                Mark::NotEct
            }
            Mark::Ce if is_capable => {
                faults.push(Fault::Marked);
                mark
            }
            _ => mark,
        }
    }

    /// When its last bit is on the way.
    fn serialise(&mut self, now: Instant, len: usize) -> Instant {
        let bytes = len + HEADERS_BYTES;
        let took = self.way.bits_per_s.map_or(Span::ZERO, |rate| {
            let nanos = bytes as u128 * 8 * 1_000_000_000 / u128::from(rate.max(1));
            Span::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
        });
        self.free_at = self.free_at.max(now) + took;
        if self.free_at > now {
            self.waiting.push_back((self.free_at, bytes));
            self.waiting_bytes += bytes;
        }
        self.free_at
    }

    fn spoil(&mut self, nth: u64, bytes: &Arc<[u8]>, faults: &mut Vec<Fault>) -> Arc<[u8]> {
        let corrupts = self.strikes(nth, Fault::Corrupted, self.way.corrupt_ppm);
        let truncates = self.strikes(nth, Fault::Truncated, self.way.truncate_ppm) && bytes.len() > 1;
        if !corrupts && !truncates {
            return Arc::clone(bytes);
        }
        let mut spoiled = bytes.to_vec();
        if corrupts {
            faults.push(Fault::Corrupted);
            let at = self.seed.below(spoiled.len() as u64) as usize;
            spoiled[at] ^= 1 << self.seed.below(8);
        }
        if truncates {
            faults.push(Fault::Truncated);
            spoiled.truncate(self.seed.between(1, spoiled.len() as u64 - 1) as usize);
        }
        spoiled.into()
    }

    fn arrival(&mut self, nth: u64, leaves: Instant, faults: &mut Vec<Fault>) -> Instant {
        let at = leaves + self.way.delay + self.seed.span(self.way.jitter);
        if self.strikes(nth, Fault::Reordered, self.way.reorder_ppm) {
            faults.push(Fault::Reordered);
            return at.max(self.last_arrival) + self.seed.span(self.way.hold) + Span::from_nanos(1);
        }
        self.last_arrival = self.last_arrival.max(at);
        self.last_arrival
    }

    fn strikes(&mut self, nth: u64, fault: Fault, ppm: u32) -> bool {
        self.way.planned.contains(&Planned { nth, fault }) || self.chance(ppm)
    }

    fn chance(&mut self, ppm: u32) -> bool {
        ppm > 0 && self.seed.below(u64::from(ALWAYS_PPM)) < u64::from(ppm)
    }
}
