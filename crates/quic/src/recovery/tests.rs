//! Stories of a sender, told by hand: no connection, no bytes, one packet a line.

#![allow(clippy::single_range_in_vec_init, reason = "a list of ranges may have one")]

mod congested;
mod timers;

use super::*;
use std::collections::BTreeMap;

const BYTES: u32 = 1_200;

fn at(millis: u64) -> Instant {
    Instant::from_nanos(millis * 1_000_000)
}

const fn ms(millis: u64) -> Span {
    Span::from_millis(millis)
}

/// Chance that always says the same.
struct Fixed;

impl Entropy for Fixed {
    fn fill(&mut self, out: &mut [u8]) {
        out.fill(0);
    }
}

/// A sender whose packets carry their own numbers, and what became of them.
struct Story {
    recovery: Recovery<u64>,
    fates: Vec<(u64, &'static str)>,
    /// How long each acknowledgement waits for its keys.
    waited: Span,
}

impl Story {
    fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config { ecn: false, algorithm: Algorithm::NewReno, ..Config::new(false) };
        change(&mut config);
        Self { recovery: Recovery::new(at(0), config), fates: Vec::new(), waited: Span::ZERO }
    }

    /// A server whose handshake is confirmed, with a max_ack_delay of 25 ms to reckon with.
    fn confirmed() -> Self {
        let mut story = Self::with(|_| {});
        story.recovery.set_max_ack_delay(ms(25));
        story.recovery.on_confirmed();
        story
    }

    /// The same, after a first packet (number 0) that took 100 ms and was acknowledged at 100 ms.
    fn measured() -> Self {
        let mut story = Self::confirmed();
        story.send(0, 0..1);
        story.ack(100, &[0..1]);
        story.fates.clear();
        story
    }

    fn send(&mut self, millis: u64, numbers: Range<u64>) {
        numbers.for_each(|number| self.send_in(Space::Application, millis, number));
    }

    fn send_in(&mut self, space: Space, millis: u64, number: u64) {
        self.recovery.on_sent(at(millis), space, eliciting(number));
    }

    fn ack(&mut self, millis: u64, ranges: &[Range<u64>]) -> Acked {
        self.ack_in(Space::Application, millis, Span::ZERO, ranges)
    }

    fn ack_in(&mut self, space: Space, millis: u64, delay: Span, ranges: &[Range<u64>]) -> Acked {
        self.try_ack(space, millis, delay, ranges, None).expect("all were sent")
    }

    fn try_ack(
        &mut self,
        space: Space,
        millis: u64,
        delay: Span,
        ranges: &[Range<u64>],
        ecn: Option<EcnCounts>,
    ) -> Result<Acked, NeverSent> {
        let largest = ranges.iter().map(|range| range.end - 1).max().expect("a frame has a range");
        let waited = self.waited;
        let ack = Acknowledgement { largest, delay, waited, ranges: ranges.iter().cloned(), ecn };
        let fates = &mut self.fates;
        self.recovery.on_ack(at(millis), space, ack, &mut |number, fate| note(fates, number, &fate))
    }

    fn expire(&mut self, millis: u64) -> Expired {
        let fates = &mut self.fates;
        self.recovery.expire(at(millis), &mut |number, fate| note(fates, number, &fate))
    }

    /// The numbers that met this fate, and forgets them all.
    fn told(&mut self, what: &str) -> Vec<u64> {
        let told = self.fates.iter().filter(|(_, fate)| *fate == what).map(|(number, _)| *number).collect();
        self.fates.clear();
        told
    }

    fn deadline_ms(&self) -> Option<u64> {
        self.recovery.deadline().map(|at| at.as_nanos().div_ceil(1_000_000))
    }
}

fn eliciting(number: u64) -> Sent<u64> {
    Sent {
        number,
        bytes: BYTES,
        elicits_ack: true,
        in_flight: true,
        is_elsewhere: false,
        is_marked: false,
        is_mtu_probe: false,
        carried: number,
    }
}

fn bare(number: u64) -> Sent<u64> {
    Sent { bytes: 40, elicits_ack: false, in_flight: false, ..eliciting(number) }
}

fn note(fates: &mut Vec<(u64, &'static str)>, number: u64, fate: &Fate<'_, u64>) {
    let (carried, name) = match fate {
        Fate::Acked(carried) => (*carried, "acked"),
        Fate::Lost(carried) => (**carried, "lost"),
        Fate::Late(carried) => (*carried, "late"),
    };
    assert_eq!(carried, number, "what a packet carried comes back with its number");
    fates.push((number, name));
}

/// Which packets elicit, what is acknowledged, and the sample in ms.
type Row<'a> = (&'a [bool], &'a [Range<u64>], Option<u64>);

#[test]
fn a_sample_takes_the_largest_and_something_that_elicits() {
    let table: &[Row<'_>] = &[
        (&[true, true, true], &[0..3], Some(48)),
        (&[true, true, true], &[2..3], Some(48)),
        (&[false, true, false], &[1..3], Some(48)), // the largest does not elicit, another does
        (&[false, false, false], &[0..3], None),    // spec: 9002-5.1-a
    ];
    for (sent, ranges, sample) in table {
        let mut story = Story::confirmed();
        for (number, elicits) in (0..).zip(*sent) {
            let packet = if *elicits { eliciting(number) } else { bare(number) };
            story.recovery.on_sent(at(number), Space::Application, packet);
        }
        assert_eq!(story.ack(50, ranges).sample, sample.map(ms), "{sent:?} {ranges:?}");
    }
    let mut story = Story::confirmed();
    story.send(0, 0..3);
    assert!(story.ack(50, &[2..3]).sample.is_some());
    assert_eq!(story.ack(60, &[0..3]).sample, None, "the largest is not new");
}

#[test]
fn the_peers_delay_counts_up_to_its_promise_once_confirmed() {
    // After a first sample of 50 ms, one of 150 ms of which the peer says it held 80; its promise is 25.
    let smoothed = |space: Space, is_confirmed: bool| {
        let mut story = Story::with(|_| {});
        story.recovery.set_max_ack_delay(ms(25));
        if is_confirmed {
            story.recovery.on_confirmed();
        }
        story.send_in(space, 0, 0);
        story.ack_in(space, 50, Span::ZERO, &[0..1]);
        story.send_in(space, 50, 1);
        story.ack_in(space, 200, ms(80), &[1..2]);
        story.recovery.rtt().smoothed().as_nanos() / 1_000
    };
    assert_eq!(smoothed(Space::Application, true), (50_000 * 7 + 125_000) / 8); // spec: 9002-5.3-a
    assert_eq!(smoothed(Space::Application, false), (50_000 * 7 + 70_000) / 8);
    assert_eq!(smoothed(Space::Initial, false), (50_000 * 7 + 150_000) / 8);
}

#[test]
fn what_waited_for_its_keys_counts_from_when_it_came() {
    // spec: 9002-5.3-c
    let sample = |waited: Span, is_confirmed: bool| {
        let mut story = Story::with(|_| {});
        story.waited = waited;
        if is_confirmed {
            story.recovery.on_confirmed();
        }
        story.send(0, 0..1);
        story.ack(200, &[0..1]).sample
    };
    assert_eq!(sample(ms(80), false), Some(ms(120)));
    assert_eq!(sample(ms(300), false), Some(Span::ZERO), "it left before the clock says");
    assert_eq!(sample(ms(80), true), Some(ms(200)), "nothing waits for keys any more");
}

#[test]
fn three_later_packets_make_a_loss() {
    let mut story = Story::measured();
    story.send(100, 1..6);
    assert_eq!(story.ack(110, &[3..4]).lost.packets, 0);
    story.told("acked");
    assert_eq!(
        story.ack(110, &[3..5]).lost,
        Lost { packets: 1, bytes: 1_200, is_event: true, is_persistent: false }
    );
    assert_eq!(story.told("lost"), [1]); // spec: 9002-6.1.1-a
    assert_eq!(story.ack(111, &[3..6]).lost.packets, 1);
    assert_eq!(story.told("lost"), [2]);
}

#[test]
fn a_packet_that_is_overtaken_waits_an_eighth_longer() {
    let mut story = Story::measured();
    story.send(100, 1..2);
    story.send(110, 2..3);
    story.ack(210, &[2..3]);
    assert_eq!(story.deadline_ms(), Some(213), "9/8 of 100 ms after it left"); // spec: 9002-6.2.1-c
    assert_eq!(story.expire(212), Expired::Nothing);
    assert!(story.told("lost").is_empty());
    assert!(matches!(story.expire(213), Expired::Lost(Lost { packets: 1, .. })));
    assert_eq!(story.told("lost"), [1]);
    assert_eq!((story.recovery.bytes_in_flight(), story.deadline_ms()), (0, None));
}

#[test]
fn a_packet_that_nobody_sent_cannot_arrive() {
    let mut story = Story::confirmed();
    story.send(0, 0..3);
    story.send(0, 4..6);
    let refused = [
        (vec![6..7], 6), // spec: 9000-13.1-a
        (vec![0..7], 6),
        (vec![5..6, 3..4], 3), // spec: 9000-21.4-a
        (vec![0..6], 5),
        (vec![u64::MAX - 1..u64::MAX], u64::MAX - 1),
    ];
    for (ranges, number) in refused {
        let answer = story.try_ack(Space::Application, 50, Span::ZERO, &ranges, None);
        assert_eq!(answer, Err(NeverSent { number }), "{ranges:?}");
    }
    let ranges = core::iter::once(0..1);
    let ack = Acknowledgement { largest: 6, delay: Span::ZERO, waited: Span::ZERO, ranges, ecn: None };
    let answer = story.recovery.on_ack(at(50), Space::Application, ack, &mut |_, _| {});
    assert_eq!(answer, Err(NeverSent { number: 6 }), "whatever the ranges say"); // spec: 9000-13.1-a
    assert!(story.fates.is_empty() && story.recovery.bytes_in_flight() == 6_000, "nothing has changed");
    assert_eq!(story.ack(50, &[4..6, 0..3]).packets, 5);
    let other = story.try_ack(Space::Handshake, 50, Span::ZERO, &[0..1], None);
    assert_eq!(other, Err(NeverSent { number: 0 }), "another space has numbers of its own");
}

#[test]
fn now_and_then_a_number_is_left_out() {
    let mut story = Story::confirmed();
    let mut left_out = Vec::new();
    let mut expected = 0;
    for _ in 0..1_000 {
        let number = story.recovery.next_number(Space::Application, &mut Fixed);
        left_out.extend(expected..number);
        story.send(0, number..number + 1);
        expected = number + 1;
    }
    assert_eq!(left_out, [33, 67, 133, 263, 521], "ever further apart");
    assert!(story.try_ack(Space::Application, 1, Span::ZERO, &[30..40], None).is_err());
    for number in 0..100 {
        assert_eq!(story.recovery.next_number(Space::Handshake, &mut Fixed), number);
        story.send_in(Space::Handshake, 0, number);
    }
}

#[test]
fn a_late_packet_is_told_as_late_and_once() {
    let mut story = Story::measured();
    story.send(100, 1..6);
    story.ack(200, &[4..6]);
    assert_eq!(story.told("lost"), [1, 2]);
    let late = story.ack(201, &[1..2, 4..6]);
    assert_eq!((late.late, late.packets, late.is_undone), (1, 0, false));
    assert_eq!(story.told("late"), [1]);
    assert_eq!(story.ack(202, &[1..2, 4..6]).late, 0);
}

#[test]
fn a_path_that_reorders_is_given_more_time() {
    let mut story = Story::measured();
    story.send(100, 1..8);
    story.ack(200, &[5..8]);
    story.ack(201, &[1..8]);
    assert_eq!(story.recovery.packet_threshold, 7);
    story.send(202, 8..30);
    assert_eq!(story.ack(302, &[14..15]).lost.packets, 0);
    assert_eq!(story.ack(302, &[15..16]).lost.packets, 1);
}

#[test]
fn discarded_keys_take_their_packets_along() {
    let mut story = Story::with(|_| {});
    story.send_in(Space::Initial, 0, 0);
    story.send_in(Space::Handshake, 0, 0);
    story.expire(2_000);
    assert_eq!((story.recovery.bytes_in_flight(), story.recovery.probes()), (2_400, 1));
    story.recovery.discard(at(2_000), Space::Initial);
    assert_eq!(story.recovery.bytes_in_flight(), 1_200); // spec: 9002-6.4-a
    assert_eq!(story.recovery.probes(), 0); // spec: 9002-6.2.2-b
    assert!(story.fates.is_empty(), "what they carried matters no more");
}

#[test]
fn what_a_retry_leaves_unanswered_comes_back_without_blame() {
    let mut story = Story::with(|config| config.is_client = true);
    story.send_in(Space::Initial, 0, 0);
    story.send(0, 0..2);
    let window = story.recovery.congestion().window();
    for space in [Space::Initial, Space::Application] {
        let fates = &mut story.fates;
        story.recovery.withdraw(at(50), space, &mut |number, fate| note(fates, number, &fate));
    }
    assert_eq!(story.told("lost"), [0, 0, 1]);
    assert_eq!(story.recovery.bytes_in_flight(), 0); // spec: 9002-6.3-a
    assert_eq!(story.recovery.congestion().window(), window);
    assert_eq!(story.recovery.next_number(Space::Initial, &mut Fixed), 1, "numbers go on");
}

#[test]
fn a_new_path_begins_anew_and_the_old_one_does_not_speak_for_it() {
    let mut story = Story::measured();
    story.send(100, 1..6);
    story.recovery.on_new_path(at(150));
    assert_eq!((story.recovery.bytes_in_flight(), story.recovery.rtt().first_sample()), (0, None));
    story.send(150, 6..8);
    let acked = story.ack(200, &[5..6]);
    assert_eq!((acked.packets, acked.sample), (1, None));
    assert_eq!((acked.lost.packets, acked.lost.is_event), (2, false));
    assert_eq!((story.recovery.bytes_in_flight(), story.recovery.congestion().window()), (2_400, 12_000));
    assert_eq!(story.ack(220, &[7..8]).sample, Some(ms(70)));
}

#[test]
fn an_mtu_probe_that_is_lost_says_nothing_of_congestion() {
    let mut story = Story::measured();
    let window = story.recovery.congestion().window();
    let probe = Sent { bytes: 1_400, is_mtu_probe: true, ..eliciting(1) };
    story.recovery.on_sent(at(100), Space::Application, probe);
    story.send(100, 2..6);
    let lost = story.ack(200, &[2..6]).lost;
    assert_eq!((lost.packets, lost.bytes, lost.is_event), (1, 1_400, false)); // spec: 9000-14.4-a
    assert!(story.recovery.congestion().window() > window);
}

#[test]
fn what_arrives_elsewhere_ends_no_backoff_here() {
    let mut story = Story::measured();
    story.send(100, 1..2);
    let first = story.deadline_ms().unwrap();
    assert!(matches!(story.expire(first), Expired::Probe { .. }));
    let backed_off = story.deadline_ms().unwrap();
    let elsewhere = Sent { is_elsewhere: true, ..eliciting(2) };
    story.recovery.on_sent(at(first), Space::Application, elsewhere);
    story.ack(first + 10, &[2..3]);
    assert_eq!((story.recovery.probes(), story.deadline_ms()), (1, Some(backed_off)));
    story.send(first + 20, 3..4);
    story.ack(first + 60, &[3..4]);
    assert_eq!(story.recovery.probes(), 0);
}

#[test]
fn the_window_is_shut_when_sent_packets_are_too_many_to_remember() {
    let limits = Limits { sent_packets: 4, ..Limits::default() };
    let mut story = Story::with(|config| config.limits = limits);
    story.send(0, 0..3);
    assert!(story.recovery.window_left() > 0);
    story.send(0, 3..4);
    assert_eq!(story.recovery.window_left(), 0);
    for number in 4..1_000 {
        story.recovery.on_sent(at(0), Space::Application, bare(number));
    }
    assert_eq!(story.recovery.spaces.application.len(), 4, "bare acknowledgements are not worth it");
    assert_eq!(story.ack(50, &[900..901]).packets, 0);
    assert_eq!(story.told("lost"), [0, 1, 2, 3]);
    assert!(story.recovery.window_left() > 0);
}

#[test]
fn bare_acknowledgements_make_room_for_what_counts() {
    let mut story = Story::with(|config| config.limits.sent_packets = 8);
    for number in 0..1_000 {
        story.recovery.on_sent(at(0), Space::Application, bare(number));
    }
    assert!(story.recovery.spaces.application.len() <= 8);
    story.send(0, 1_000..1_008);
    assert!(story.recovery.spaces.application.len() <= 16);
    assert_eq!(story.ack(50, &[1_000..1_008]).packets, 8);
}

#[test]
fn one_lost_packet_too_many_is_forgotten() {
    let mut story = Story::with(|config| config.limits.lost_packets = 2);
    story.send(0, 0..8);
    story.ack(50, &[6..8]);
    assert_eq!(story.told("lost"), [0, 1, 2, 3, 4]);
    assert_eq!(story.ack(51, &[0..8]).late, 2);
    assert_eq!(story.told("late"), [3, 4]);
}

#[test]
fn one_skip_too_many_is_forgotten() {
    let mut story = Story::with(|config| config.limits.skipped_numbers = 2);
    for number in [1, 3, 5] {
        story.send(0, number..number + 1);
    }
    let mut refuses =
        |number| story.try_ack(Space::Application, 1, Span::ZERO, &[number..number + 1], None).is_err();
    assert_eq!([refuses(0), refuses(2), refuses(4)], [false, true, true]);
}

#[test]
fn a_steady_sender_takes_no_more_room() {
    let mut story = Story::measured();
    let mut room = 0;
    for round in 1..200_u64 {
        let first = round * 8;
        story.send(round * 100, first..first + 8);
        // The third of each round is lost, and one round in ten is late.
        story.ack(round * 100 + 50, &[first..first + 2, first + 3..first + 8]);
        if round % 10 == 0 {
            story.ack(round * 100 + 60, &[first..first + 8]);
        }
        story.fates.clear();
        let now = story.recovery.spaces.application.room() + story.recovery.newly.capacity();
        assert!(round < 20 || now == room, "round {round}: {now} entries instead of {room}");
        room = now;
    }
}

#[test]
fn every_packet_meets_one_fate_and_every_byte_is_counted() {
    let mut state = 11_u64;
    let mut draw = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut story = Story::confirmed();
    let (mut next, mut now) = (0, 0);
    let mut flying: BTreeMap<u64, u64> = BTreeMap::new();
    let mut settled: BTreeMap<u64, &str> = BTreeMap::new();
    for _ in 0..20_000 {
        now += draw(8);
        match draw(10) {
            0..6 => {
                let number = next + u64::from(draw(40) == 0);
                let packet = if draw(6) == 0 { bare(number) } else { eliciting(number) };
                if packet.in_flight {
                    flying.insert(number, u64::from(packet.bytes));
                }
                story.recovery.on_sent(at(now), Space::Application, packet);
                next = number + 1;
            }
            6..9 if next > 0 => {
                let end = next - draw(next.min(6));
                let start = end - draw(end.min(9)) - u64::from(end > 9);
                // Skipped numbers make this a fault; then nothing may change.
                let _refused =
                    story.try_ack(Space::Application, now, Span::ZERO, &[start.min(end - 1)..end], None);
            }
            _ => {
                story.expire(now);
            }
        }
        for (number, fate) in story.fates.drain(..) {
            flying.remove(&number);
            let before = settled.insert(number, fate);
            assert!(
                matches!((before, fate), (None, "acked" | "lost") | (Some("lost"), "late")),
                "{number}: {before:?} {fate}"
            );
        }
        assert_eq!(story.recovery.bytes_in_flight(), flying.values().sum::<u64>());
        let outstanding = story.recovery.outstanding(Space::Application).count();
        assert!(outstanding >= flying.len());
        assert!(story.recovery.congestion().window() >= 2_400);
    }
    assert!(
        ["acked", "lost", "late"].iter().all(|fate| settled.values().any(|met| met == fate)),
        "all fates were met"
    );
}
