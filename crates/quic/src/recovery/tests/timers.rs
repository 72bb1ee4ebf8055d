//! When to ask, and where (RFC 9002 section 6.2).

use super::*;

#[test]
fn silence_is_answered_by_probes_ever_further_apart() {
    let mut story = Story::measured();
    story.send(100, 1..2);
    // 100 ms, 4 * 50 ms of variation, 25 ms of the peer's.
    assert_eq!(story.deadline_ms(), Some(425));
    assert_eq!(story.expire(424), Expired::Nothing);
    let probe = Expired::Probe { space: Space::Application, count: 2 };
    assert_eq!(story.expire(425), probe); // spec: 9002-6.2.4-a
    assert_eq!(story.deadline_ms(), Some(750)); // spec: 9002-6.2.1-e
    assert_eq!(story.expire(750), probe);
    assert_eq!(story.deadline_ms(), Some(1_400));
    story.send(760, 2..4);
    assert_eq!(story.deadline_ms(), Some(760 + 1_300), "counted from the last packet");
    assert!(story.fates.is_empty(), "a timeout is no loss");
    assert_eq!(story.recovery.outstanding(Space::Application).map(|(number, _)| number).next(), Some(1));
    story.ack(800, &[2..3]);
    assert_eq!(story.recovery.probes(), 0); // spec: 9002-6.2.1-d
}

#[test]
fn the_application_is_not_timed_before_confirmation() {
    let mut story = Story::with(|_| {});
    story.send(0, 0..1);
    assert_eq!(story.deadline_ms(), None); // spec: 9002-6.2.1-b
    assert_eq!(story.expire(10_000), Expired::Nothing);
    story.send_in(Space::Handshake, 50, 0);
    assert_eq!(story.deadline_ms(), Some(50 + 999));
    assert_eq!(story.expire(1_049), Expired::Probe { space: Space::Handshake, count: 2 });
    story.recovery.discard(at(1_100), Space::Handshake);
    assert_eq!(story.deadline_ms(), None);
    story.recovery.on_confirmed();
    assert_eq!(story.deadline_ms(), Some(999));
}

#[test]
fn the_earlier_of_two_spaces_is_asked_first() {
    let mut story = Story::with(|_| {});
    story.send_in(Space::Initial, 20, 0);
    story.send_in(Space::Handshake, 10, 0);
    assert_eq!(story.deadline_ms(), Some(1_009)); // spec: 9002-6.2.1-f
    assert_eq!(story.expire(1_009), Expired::Probe { space: Space::Handshake, count: 2 });
    story.send_in(Space::Handshake, 1_009, 1);
    assert_eq!(story.expire(2_018), Expired::Probe { space: Space::Initial, count: 2 });
}

#[test]
fn a_server_that_may_not_send_sets_no_timer() {
    let mut story = Story::with(|_| {});
    story.send_in(Space::Initial, 0, 0);
    story.recovery.set_blocked(true);
    assert_eq!(story.deadline_ms(), None); // spec: 9002-6.2.2.1-a
    assert_eq!(story.expire(5_000), Expired::Nothing);
    story.recovery.set_blocked(false);
    assert_eq!(story.deadline_ms(), Some(999), "overdue at once when bytes came");
    assert_eq!(story.expire(5_000), Expired::Probe { space: Space::Initial, count: 2 });
}

#[test]
fn a_client_keeps_a_server_going_that_may_be_blocked() {
    let mut story = Story::with(|config| config.is_client = true);
    assert_eq!(story.deadline_ms(), None, "nothing has begun");
    story.send_in(Space::Initial, 0, 0);
    story.ack_in(Space::Initial, 100, Span::ZERO, &[0..1]);
    assert_eq!(story.deadline_ms(), Some(400)); // spec: 9002-6.2.2.1-b
    story.send(100, 0..1);
    assert_eq!(
        story.deadline_ms(),
        Some(400),
        "early data has no timer of its own and must not stop this one"
    );
    assert_eq!(story.expire(400), Expired::Probe { space: Space::Initial, count: 1 });
    story.send_in(Space::Initial, 400, 1);
    story.ack_in(Space::Initial, 500, Span::ZERO, &[1..2]);
    assert_eq!(story.recovery.probes(), 1, "an Initial acknowledgement proves nothing"); // spec: 9002-6.2.1-g
    story.recovery.on_handshake_keys();
    story.recovery.discard(at(500), Space::Initial);
    let at_ms = story.deadline_ms().expect("still nobody has validated us");
    assert_eq!(story.expire(at_ms), Expired::Probe { space: Space::Handshake, count: 1 }); // spec: 9002-6.2.2.1-c 9000-8.1-c
    story.send_in(Space::Handshake, at_ms, 0);
    story.ack_in(Space::Handshake, at_ms + 100, Span::ZERO, &[0..1]);
    assert_eq!((story.deadline_ms(), story.recovery.probes()), (None, 0));
}

#[test]
fn a_server_at_rest_has_no_timer() {
    let mut story = Story::measured();
    assert_eq!(story.deadline_ms(), None);
    story.recovery.on_sent(at(200), Space::Application, bare(1));
    assert_eq!(story.deadline_ms(), None, "nobody answers a bare acknowledgement");
    story.recovery.shrink();
    assert_eq!(story.recovery.newly.capacity(), 0);
}

#[test]
fn no_backoff_breaks_the_clock() {
    let mut story = Story::confirmed();
    story.send(0, 0..1);
    for _ in 0..100 {
        let at = story.recovery.deadline().expect("a packet waits");
        story.recovery.expire(at, &mut |_, _| {});
    }
    assert_eq!(story.recovery.probes(), 32);
}
