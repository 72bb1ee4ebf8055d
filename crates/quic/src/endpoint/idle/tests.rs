use super::Idle;
use sakigake_wire::{Instant, Span};

const PTO: Span = Span::from_millis(100);

fn at(millis: u64) -> Instant {
    Instant::from_nanos(millis * 1_000_000)
}

fn idle(local_ms: u64, peer_ms: u64) -> Idle {
    let mut idle = Idle::new(at(0), local_ms, None);
    idle.negotiate(peer_ms);
    idle
}

#[test]
fn the_smaller_timeout_counts_and_zero_is_none() {
    // spec: 9000-10.1-a
    for (local, peer, timeout) in [
        (0, 0, None),
        (30_000, 0, Some(30_000)),
        (0, 20_000, Some(20_000)),
        (30_000, 20_000, Some(20_000)),
        (10_000, 20_000, Some(10_000)),
    ] {
        assert_eq!(idle(local, peer).timeout(), timeout.map(Span::from_millis), "{local} {peer}");
    }
    assert_eq!(idle(0, 0).deadline(PTO), None);
    assert!(!idle(0, 0).is_over(at(u64::MAX / 2_000_000), PTO));
}

#[test]
fn what_the_peer_sends_restarts_the_timer() {
    // spec: 9000-10.1-b
    let mut idle = idle(1_000, 0);
    idle.received(at(700));
    assert_eq!(idle.deadline(PTO), Some(at(1_700)));
    assert!(!idle.is_over(at(1_699), PTO));
    assert!(idle.is_over(at(1_700), PTO));
}

#[test]
fn only_the_first_ack_eliciting_packet_since_then_restarts_it() {
    // spec: 9000-10.1-c
    let mut idle = idle(1_000, 0);
    idle.sent(at(100), false);
    assert_eq!(idle.deadline(PTO), Some(at(1_000)), "nothing was asked");
    idle.sent(at(200), true);
    idle.sent(at(300), true);
    assert_eq!(idle.deadline(PTO), Some(at(1_200)));
    idle.received(at(400));
    idle.sent(at(500), true);
    assert_eq!(idle.deadline(PTO), Some(at(1_500)));
}

#[test]
fn three_probe_timeouts_are_the_least() {
    // spec: 9000-10.1-d
    let idle = idle(50, 0);
    assert_eq!(idle.deadline(PTO), Some(at(300)));
    assert_eq!(idle.deadline(Span::from_millis(10)), Some(at(50)));
}

#[test]
fn a_connection_is_kept_alive_at_half_its_timeout_at_the_latest() {
    for (asked, peer, due) in [
        (None, 30_000, None),
        (Some(5), 30_000, Some(5)),
        (Some(25), 30_000, Some(15)),
        (Some(25), 0, Some(25)),
    ] {
        let mut idle = Idle::new(at(0), 0, asked.map(Span::from_secs));
        idle.negotiate(peer);
        assert_eq!(idle.keep_alive_at(), due.map(|secs: u64| at(secs * 1_000)), "{asked:?} {peer}");
    }
}

#[test]
fn who_awaits_an_answer_sends_no_second_ping() {
    let mut idle = Idle::new(at(0), 30_000, Some(Span::from_secs(10)));
    idle.sent(at(10_000), true);
    assert_eq!(idle.keep_alive_at(), None);
    idle.received(at(10_050));
    assert_eq!(idle.keep_alive_at(), Some(at(20_050)));
}

#[test]
fn shortly_before_its_timeout_a_peer_may_be_gone() {
    let mut idle = idle(1_000, 0);
    assert!(!idle.may_be_gone(at(899), PTO));
    assert!(idle.may_be_gone(at(900), PTO));
    idle.sent(at(500), true);
    assert!(idle.may_be_gone(at(900), PTO), "what we send may never have come there");
}
