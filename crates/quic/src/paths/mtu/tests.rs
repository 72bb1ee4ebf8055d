use super::{Loss, Mtu};
use sakigake_wire::{Instant, Span};

const NOW: Instant = Instant::from_nanos(0);

/// A path that carries so many bytes, and a sender that numbers its packets.
struct Link {
    mtu: Mtu,
    carries: u16,
    number: u64,
    probes: Vec<u16>,
}

impl Link {
    fn new(most: u16, carries: u16) -> Self {
        let mut mtu = Mtu::new(most);
        mtu.start();
        Self { mtu, carries, number: 0, probes: Vec::new() }
    }

    /// Probes until nothing is left to find.
    fn search(&mut self, now: Instant) -> u16 {
        while let Some(bytes) = self.mtu.probe() {
            self.number += 1;
            self.probes.push(bytes);
            assert!(self.probes.len() < 100, "{:?}", self.probes);
            self.mtu.probe_sent(self.number);
            assert_eq!(self.mtu.probe(), None, "one on its way is enough");
            match bytes <= self.carries {
                true => assert_eq!(self.mtu.acked(now, self.number, bytes), Some(bytes)),
                false => assert_eq!(self.mtu.lost(now, self.number, bytes, self.number), Loss::Probe),
            }
        }
        self.mtu.datagram_bytes()
    }

    /// Sends so many packets of a size; `is_lost` is asked for each, and losses are noticed once the next ones arrive.
    fn round(&mut self, count: u64, bytes: u16, is_lost: impl Fn(u64) -> bool) -> Vec<Loss> {
        let first = self.number + 1;
        self.number += count;
        let numbers = first..=self.number;
        for number in numbers.clone().filter(|number| !is_lost(*number)) {
            assert_eq!(self.mtu.acked(NOW, number, bytes), None);
        }
        let lost = numbers.filter(|number| is_lost(*number));
        lost.map(|number| self.mtu.lost(NOW, number, bytes, self.number)).collect()
    }
}

#[test]
fn nothing_is_searched_before_the_handshake_is_over() {
    // spec: 9000-14.3-a
    let mut mtu = Mtu::new(1_472);
    assert_eq!((mtu.datagram_bytes(), mtu.probe()), (1_200, None));
    mtu.start();
    assert_eq!((mtu.datagram_bytes(), mtu.probe()), (1_200, Some(1_452)));
}

#[test]
fn the_search_finds_what_the_path_carries() {
    // spec: 9000-14.2-b
    for (most, carries, least) in [
        (1_472, 1_472, 1_472),
        (1_472, 1_452, 1_452),
        (1_452, 9_000, 1_452),
        (1_472, 1_200, 1_200),
        (1_472, 1_372, 1_357),
        (1_472, 1_300, 1_285),
        (8_952, 8_952, 8_952),
        (65_527, 65_527, 65_527),
        (65_527, 4_000, 3_985),
        (1_200, 9_000, 1_200),
        (0, 9_000, 1_200),
    ] {
        let mut link = Link::new(most, carries);
        let found = link.search(NOW);
        assert!(
            (least..=carries.max(1_200)).contains(&found),
            "{most} {carries}: {found} by {:?}",
            link.probes
        );
    }
}

#[test]
fn a_size_is_given_up_after_three_lost_probes() {
    // spec: 9000-14.4-m
    let mut link = Link::new(1_472, 1_400);
    link.search(NOW);
    assert_eq!(link.probes[..4], [1_452, 1_452, 1_452, 1_326]);
}

#[test]
fn a_lost_probe_is_no_congestion_and_a_lost_packet_is() {
    // spec: 9000-14.4-m
    let mut link = Link::new(1_472, 9_000);
    link.mtu.probe_sent(7);
    assert_eq!(link.mtu.lost(NOW, 6, 1_200, 7), Loss::Packet);
    assert_eq!(link.mtu.lost(NOW, 7, 1_452, 7), Loss::Probe);
}

#[test]
fn after_ten_minutes_the_search_begins_again() {
    let mut link = Link::new(1_472, 1_300);
    let found = link.search(NOW);
    let raise = NOW + Span::from_secs(600);
    assert_eq!(link.mtu.deadline(), Some(raise));
    link.mtu.expire(NOW + Span::from_secs(599));
    assert_eq!(link.mtu.probe(), None);
    link.carries = 1_472;
    link.mtu.expire(raise);
    assert_eq!(link.mtu.datagram_bytes(), found, "until a larger one arrives");
    assert_eq!(link.search(raise), 1_472);
    assert_eq!(link.mtu.deadline(), None, "nothing is left to find");
}

#[test]
fn the_peer_limits_the_size() {
    // spec: 9000-14-a
    let mut link = Link::new(1_472, 9_000);
    link.mtu.limit(1_350);
    assert_eq!(link.search(NOW), 1_350);
    link.mtu.limit(1_250);
    assert_eq!(link.mtu.datagram_bytes(), 1_250);
    link.mtu.limit(5);
    assert_eq!(link.mtu.datagram_bytes(), 1_200);
}

#[test]
fn a_black_hole_is_found_within_three_rounds() {
    let mut link = Link::new(1_472, 1_472);
    link.search(NOW);
    assert_eq!(link.round(4, 1_472, |_| true)[..], [Loss::Packet; 4]);
    assert_eq!(link.round(4, 1_472, |_| true)[..], [Loss::Packet; 4]);
    assert_eq!(link.round(4, 1_472, |_| true)[0], Loss::BlackHole);
    assert_eq!(link.mtu.datagram_bytes(), 1_200);
    link.carries = 1_300;
    let found = link.search(NOW);
    assert!((1_285..=1_300).contains(&found), "{found}");
}

#[test]
fn small_packets_between_do_not_hide_a_black_hole() {
    let mut link = Link::new(1_472, 1_472);
    link.search(NOW);
    for _ in 0..2 {
        link.round(3, 1_472, |_| true);
        link.round(3, 100, |_| false);
    }
    assert!(link.round(3, 1_472, |_| true).contains(&Loss::BlackHole));
}

#[test]
fn loss_of_every_other_packet_is_no_black_hole() {
    let mut link = Link::new(1_472, 1_472);
    link.search(NOW);
    for round in 0..1_000 {
        let losses = link.round(10, 1_472, |number| (number + round) % 2 == 0);
        assert!(!losses.contains(&Loss::BlackHole), "round {round}");
    }
    assert_eq!(link.mtu.datagram_bytes(), 1_472);
}

#[test]
fn bursts_that_swallow_small_packets_too_are_no_black_hole() {
    let mut link = Link::new(1_472, 1_472);
    link.search(NOW);
    for round in 0..20 {
        // All of a round is lost, and noticed at once; small ones first.
        let first = link.number + 1;
        link.number += 6;
        for number in first..=link.number {
            let bytes = if number % 2 == 0 { 60 } else { 1_472 };
            assert_eq!(link.mtu.lost(NOW, number, bytes, link.number), Loss::Packet, "round {round}");
        }
    }
}

#[test]
fn one_large_packet_that_arrives_begins_the_count_anew() {
    let mut link = Link::new(1_472, 1_472);
    link.search(NOW);
    for _ in 0..10 {
        link.round(5, 1_472, |_| true);
        link.round(5, 1_472, |_| true);
        link.round(1, 1_472, |_| false);
    }
    assert_eq!(link.mtu.datagram_bytes(), 1_472);
}

#[test]
fn silence_makes_packets_small_again() {
    let mut link = Link::new(1_472, 1_472);
    link.search(NOW);
    assert!(!link.mtu.timed_out(NOW, 2));
    assert!(link.mtu.timed_out(NOW, 3));
    assert_eq!(link.mtu.datagram_bytes(), 1_200);
    assert!(!link.mtu.timed_out(NOW, 4), "they are small already");
    assert_eq!(link.search(NOW), 1_472);
}

#[test]
fn routers_are_believed_within_bounds() {
    // spec: 9000-14.2.1-a, 9000-14.2.1-b
    let mut link = Link::new(1_472, 1_472);
    link.search(NOW);
    for (said, then) in
        [(1_199, 1_472), (0, 1_472), (1_472, 1_472), (9_000, 1_472), (1_400, 1_400), (1_450, 1_400)]
    {
        link.mtu.too_big(NOW, said);
        assert_eq!(link.mtu.datagram_bytes(), then, "{said}");
    }
    assert_eq!(link.mtu.probe(), None);
    assert_eq!(link.mtu.deadline(), Some(NOW + Span::from_secs(600)));
}
