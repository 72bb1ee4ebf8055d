#![allow(clippy::single_range_in_vec_init, reason = "a list of ranges may have one")]

use super::*;
use core::ops::Range;

const HELD: Span = Span::from_millis(25);

fn at(millis: u64) -> Instant {
    Instant::from_nanos(millis * 1_000_000)
}

fn application() -> Acks {
    Acks::new(Frequency::every_second(HELD), Limits::default())
}

/// Receives an unmarked packet that elicits acknowledgement, at 0 ms, and says whether one is due.
fn take(acks: &mut Acks, number: u64) -> bool {
    assert!(!acks.is_duplicate(number));
    acks.on_received(at(0), number, true, Mark::NotEct);
    acks.is_due(at(0))
}

fn list(acks: &Acks) -> Vec<Range<u64>> {
    acks.received().iter().rev().collect()
}

#[test]
fn every_second_packet_is_acknowledged_at_once_and_one_alone_in_time() {
    let mut acks = application();
    assert!(!take(&mut acks, 0));
    assert_eq!(acks.deadline(), Some(at(25))); // spec: 9000-13.2.1-b
    assert!(!acks.is_due(at(24)) && acks.is_due(at(25)) && acks.is_wanted());
    assert!(take(&mut acks, 1));
    acks.on_sent();
    assert!(!acks.is_due(at(1_000)) && !acks.is_wanted());
    assert!(!take(&mut acks, 2));
}

#[test]
fn the_handshake_is_acknowledged_at_once() {
    let mut acks = Acks::new(Frequency::at_once(), Limits::default());
    assert!(take(&mut acks, 0)); // spec: 9000-13.2.1-a
}

#[test]
fn what_asks_for_nothing_gets_nothing() {
    let mut acks = application();
    assert!(!acks.is_due(at(0)));
    for number in [0, 1, 5, 3] {
        acks.on_received(at(0), number, false, Mark::NotEct);
        assert!(!acks.is_due(at(9_999)) && !acks.is_wanted()); // spec: 9000-13.2.1-c
    }
    assert_eq!(list(&acks), [5..6, 3..4, 0..2], "but it goes along with what does");
    acks.ask();
    assert!(acks.is_due(at(0)));
}

#[test]
fn disorder_and_marks_are_told_at_once() {
    // (received and acknowledged before, then) and whether an acknowledgement is due at once.
    let table: &[(&[u64], u64, bool)] = &[
        (&[0, 1], 2, false),
        (&[0, 1], 3, true), // spec: 9000-13.2.1-d
        (&[0, 1, 3], 2, true),
        (&[0, 1, 3], 4, false), // the old gap has been told
        (&[0, 1, 3], 5, true),
    ];
    for (before, then, is_due) in table {
        let mut acks = application();
        for number in *before {
            take(&mut acks, *number);
        }
        acks.on_sent();
        assert_eq!(take(&mut acks, *then), *is_due, "{before:?} then {then}");
    }
    let mut acks = application();
    acks.on_received(at(0), 0, true, Mark::Ce);
    assert!(acks.is_due(at(0))); // spec: 9000-13.2.1-e
    assert_eq!(acks.counts(), Some(EcnCounts { ect0: 0, ect1: 0, ce: 1 }));
}

#[test]
fn the_peer_may_ask_for_fewer() {
    let frequency =
        |threshold, reordering| Frequency { threshold, max_delay: Span::from_millis(40), reordering };
    let due = |frequency, numbers: &[u64]| {
        let mut acks = application();
        take(&mut acks, 0);
        acks.on_sent();
        acks.ask_frequency(0, frequency);
        numbers.iter().map(|number| take(&mut acks, *number)).collect::<Vec<_>>()
    };
    assert_eq!(due(frequency(3, 1), &[1, 2, 3, 4]), [false, false, false, true]);
    assert_eq!(due(frequency(9, 0), &[5, 2, 9]), [false, false, false], "no disorder is told");
    assert_eq!(due(frequency(9, 3), &[2, 3, 4]), [false, false, true], "1 is missing three numbers back");
    assert_eq!(due(frequency(9, 3), &[2, 1, 3, 4]), [false, false, false, false], "it came in time");
}

#[test]
fn what_the_peer_asked_before_is_not_asked_again() {
    // spec: ackfreq-5-m
    let frequency = |threshold| Frequency { threshold, max_delay: Span::from_millis(40), reordering: 0 };
    let mut acks = application();
    for (sequence, threshold) in [(4, 2), (3, 7), (4, 9)] {
        acks.ask_frequency(sequence, frequency(threshold));
    }
    assert_eq!([0, 1, 2].map(|number| take(&mut acks, number)), [false, false, true]);
    acks.on_sent();
    acks.ask_frequency(5, frequency(0));
    assert!(take(&mut acks, 3));
}

#[test]
fn the_delay_is_that_of_the_largest() {
    let mut acks = application();
    acks.on_received(at(10), 7, true, Mark::NotEct);
    acks.on_received(at(30), 6, true, Mark::NotEct);
    assert_eq!(acks.delay(at(35)), Span::from_millis(25));
    acks.on_received(at(40), 8, false, Mark::NotEct);
    assert_eq!(acks.delay(at(45)), Span::from_millis(5));
}

#[test]
fn no_packet_comes_twice() {
    let mut acks = application();
    for number in [3, 4, 9] {
        take(&mut acks, number);
    }
    let twice: Vec<u64> = (0..11).filter(|number| acks.is_duplicate(*number)).collect();
    assert_eq!(twice, [3, 4, 9]); // spec: 9000-12.3-a
}

#[test]
fn what_is_known_to_be_told_is_not_told_again() {
    let mut acks = application();
    for number in (0..1_000).step_by(8) {
        acks.on_received(at(0), number, true, Mark::NotEct);
        acks.on_sent();
        acks.on_acked(number);
        assert!(acks.is_duplicate(number), "the largest stays known");
    }
    let lowest = acks.received().lowest().map(|lowest| lowest.start);
    assert_eq!(lowest, Some(744)); // spec: 9000-13.2.3-a
    assert!(acks.is_duplicate(1) && acks.is_duplicate(736), "what is forgotten counts as seen"); // spec: 9000-13.2.3-b
    assert!(!acks.is_duplicate(991), "a little late is not too late");
    acks.on_acked(10_000);
    assert_eq!(list(&acks), [992..993], "the largest is kept whatever comes");
}

#[test]
fn one_range_too_many_drops_the_lowest() {
    let mut acks = Acks::new(Frequency::every_second(HELD), Limits { ack_ranges: 3 });
    for number in [10, 12, 14] {
        take(&mut acks, number);
    }
    assert_eq!(list(&acks), [14..15, 12..13, 10..11]);
    take(&mut acks, 16);
    assert_eq!(list(&acks), [16..17, 14..15, 12..13]);
    assert!(acks.is_duplicate(10) && acks.is_duplicate(9) && !acks.is_duplicate(11));
}
