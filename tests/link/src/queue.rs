//! One direction of the link: what enters, when it leaves, and what never does. Time is an input.

use std::{collections::VecDeque, time::Duration};

/// How a link treats its packets.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shape {
    /// From one end to the other.
    pub(crate) delay: Duration,
    /// Up to this much more, at random; packets never overtake each other.
    pub(crate) jitter: Duration,
    /// None is unlimited.
    pub(crate) bits_per_s: Option<u64>,
    /// How many packets may wait for the rate; more are dropped.
    pub(crate) queue_packets: usize,
    /// The share that is dropped at random, 0 to 1.
    pub(crate) loss: f64,
    /// At most as many are dropped at random in a row.
    pub(crate) burst_packets: usize,
    /// Of the randomness.
    pub(crate) seed: u64,
}

impl Default for Shape {
    fn default() -> Self {
        let (delay, jitter) = (Duration::ZERO, Duration::ZERO);
        Self {
            delay,
            jitter,
            bits_per_s: None,
            queue_packets: 100,
            loss: 0.0,
            burst_packets: usize::MAX,
            seed: 1,
        }
    }
}

impl Shape {
    /// The same link in the other direction, with chances of its own.
    pub(crate) fn other_way(self) -> Self {
        Self { seed: !self.seed, ..self }
    }
}

/// Packets under way in one direction. `now` is the time since any fixed point and never goes back.
pub(crate) struct Queue {
    shape: Shape,
    packets: VecDeque<Packet>,
    /// When the last accepted packet is sent, and when it arrives.
    sent: Duration,
    arrived: Duration,
    /// How many were dropped at random in a row.
    unlucky: usize,
    random: u64,
}

struct Packet {
    sent: Duration,
    arrives: Duration,
    bytes: Vec<u8>,
}

/// What has neither rate nor loss still stays bounded: more packets than this are dropped.
const PACKETS: usize = 65_536;

impl Queue {
    pub(crate) fn new(shape: Shape) -> Self {
        let random = shape.seed;
        let (sent, arrived) = (Duration::ZERO, Duration::ZERO);
        Self { shape, packets: VecDeque::new(), sent, arrived, unlucky: 0, random }
    }

    /// A packet enters the link, or is lost. Says which.
    pub(crate) fn accept(&mut self, now: Duration, bytes: &[u8]) -> bool {
        let is_unlucky = self.chance() < self.shape.loss && self.unlucky < self.shape.burst_packets;
        self.unlucky = if is_unlucky { self.unlucky + 1 } else { 0 };
        let late = self.shape.jitter.mul_f64(self.chance());
        if is_unlucky || self.waiting(now) > self.shape.queue_packets || self.packets.len() >= PACKETS {
            return false;
        }
        let takes = self.shape.bits_per_s.map_or(Duration::ZERO, |rate| {
            Duration::from_nanos((bytes.len() as u64 * 8).saturating_mul(1_000_000_000) / rate)
        });
        self.sent = self.sent.max(now) + takes;
        self.arrived = self.arrived.max(self.sent + self.shape.delay + late);
        self.packets.push_back(Packet { sent: self.sent, arrives: self.arrived, bytes: bytes.to_vec() });
        true
    }

    /// The next packet that has arrived by now.
    pub(crate) fn due(&mut self, now: Duration) -> Option<Vec<u8>> {
        self.packets.pop_front_if(|packet| packet.arrives <= now).map(|packet| packet.bytes)
    }

    /// When the next packet arrives.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.packets.front().map(|packet| packet.arrives)
    }

    /// How many are not sent yet, with the one that is being sent.
    fn waiting(&self, now: Duration) -> usize {
        self.packets.iter().rev().take_while(|packet| packet.sent > now).count()
    }

    /// 0 to 1 (SplitMix64).
    fn chance(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as f64 / u64::MAX as f64
    }
}

#[cfg(test)]
mod tests;
