use super::*;
use crate::pipe::{INITIAL_WINDOW_BYTES, Planned};

/// Sends so many bytes once its pipe is open and keeps what it receives.
#[derive(Default)]
struct Sender {
    to: Option<NodeId>,
    left: usize,
    sent: u8,
    received: Vec<u8>,
    open: bool,
    ended: Option<bool>,
}

impl Sender {
    fn of(left: usize) -> Self {
        Self { left, ..Self::default() }
    }
}

impl Node for Sender {
    fn opened(&mut self, _: Instant, _: PipeId, _: Side) {
        self.open = true;
    }
    fn handle(&mut self, _: Instant, _: PipeId, bytes: &mut [u8]) {
        self.received.extend_from_slice(bytes);
    }
    fn ended(&mut self, _: Instant, _: PipeId, broken: bool) {
        self.ended = Some(broken);
    }
    fn expire(&mut self, _: Instant) {}
    fn deadline(&self) -> Option<Instant> {
        None
    }
    fn transmit(&mut self, _: Instant, _: PipeId, out: &mut [u8]) -> Option<usize> {
        let len = self.left.min(out.len());
        for byte in &mut out[..len] {
            *byte = self.sent;
            self.sent = self.sent.wrapping_add(1);
        }
        self.left -= len;
        (len > 0).then_some(len)
    }
    fn is_done(&self, _: PipeId) -> bool {
        self.open && self.left == 0
    }
    fn dials(&mut self) -> Option<NodeId> {
        self.to.take()
    }
    fn notes(&mut self) -> Vec<Note> {
        Vec::new()
    }
}

fn world(seed: u64, link: Link, upload: usize, download: usize) -> World<Sender> {
    let mut world = World::new(seed, link);
    let server = world.add(|_| Sender::of(download));
    world.add(|_| Sender { to: Some(server), ..Sender::of(upload) });
    assert_eq!(world.run(Span::from_secs(60), 10_000), Stopped::Idle);
    world
}

/// Round trips from the first packet to the last byte that the client received.
fn rtts(world: &World<Sender>) -> f64 {
    let arrived = |entry: &&crate::log::Entry| matches!(entry.what, What::Arrived { from: Side::Server, .. });
    let last = world.log().entries().iter().rev().find(arrived).expect("something arrived");
    last.at.as_nanos() as f64 / Span::from_millis(50).as_nanos() as f64
}

#[test]
fn same_seed_same_log_byte_for_byte() {
    let rough = Link { jitter: Span::from_millis(9), piece_bytes: 700, ..Link::default() };
    let log = |seed| world(seed, rough.clone(), 5_000, 90_000).log().clone();
    assert_eq!(log(7), log(7));
    assert_eq!(log(7).digest(), log(7).digest());
    assert_ne!(log(7).digest(), log(8).digest());
}

#[test]
fn every_byte_arrives_once_and_in_order() {
    let rough = Link { jitter: Span::from_millis(9), piece_bytes: 100, write_bytes: 333, ..Link::default() };
    let world = world(3, rough, 70_000, 300_000);
    for (node, len) in [(0, 70_000), (1, 300_000)] {
        let received = &world.node(NodeId(node)).received;
        assert_eq!(received.len(), len);
        assert!(received.iter().enumerate().all(|(at, byte)| *byte == at as u8));
    }
}

#[test]
fn a_window_of_ten_segments_doubles_each_round_trip() {
    // Opening takes 1 RTT; the server may send when the pipe opens there, half a round trip earlier, so n windows
    // arrive at 1, 2, 3 ... RTT: 10 segments, then 20, then 40.
    for (segments, expected) in [(10, 1.0), (11, 2.0), (30, 2.0), (31, 3.0), (70, 3.0), (71, 4.0)] {
        let bytes = segments * INITIAL_WINDOW_BYTES / 10;
        assert_eq!(rtts(&world(1, Link::default(), 0, bytes)), expected, "{segments} segments");
    }
}

#[test]
fn a_rate_takes_its_time() {
    // 10,000 bytes at 1 Mbit/s are 80 ms, behind 25 ms to open and 25 ms on the way.
    let world = world(1, Link { bits_per_s: Some(1_000_000), ..Link::default() }, 0, 10_000);
    assert_eq!(rtts(&world), 130.0 / 50.0);
}

#[test]
fn each_fault_does_what_its_name_says() {
    for fault in Fault::ALL {
        let planned = Planned { from: Side::Server, at_byte: 600, fault };
        let world = world(1, Link { faults: vec![planned], ..Link::default() }, 0, 2_000);
        let client = world.node(NodeId(1));
        let expected: (usize, Option<bool>) = match fault {
            Fault::Corrupt | Fault::Stall => (2_000, Some(false)),
            Fault::Truncate => (600, Some(false)),
            Fault::Reset => (0, Some(true)),
            Fault::Duplicate => (2_001, Some(false)),
            Fault::Omit => (1_999, Some(false)),
        };
        assert_eq!((client.received.len(), client.ended), expected, "{fault:?}");
        let intact = client.received.iter().enumerate().all(|(at, byte)| *byte == at as u8);
        assert_eq!(intact, matches!(fault, Fault::Stall | Fault::Truncate | Fault::Reset), "{fault:?}");
        let struck =
            |entry: &crate::log::Entry| matches!(entry.what, What::Faulted { fault: f, .. } if f == fault);
        assert_eq!(world.log().entries().iter().filter(|entry| struck(entry)).count(), 1);
    }
}
