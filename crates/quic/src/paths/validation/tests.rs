use super::{Shown, Validation};
use crate::ids::tests::Count;
use sakigake_wire::{Instant, Span};

const PTO: Span = Span::from_millis(1_500);

fn at(millis: u64) -> Instant {
    Instant::from_nanos(millis * 1_000_000)
}

fn started() -> Validation {
    let mut validation = Validation::default();
    validation.start(at(0), PTO);
    validation
}

#[test]
fn the_answer_to_any_challenge_shows_the_path() {
    // spec: 9000-8.2.3-a, 9000-8.2.1-b
    for answered in [0, 1] {
        let (mut validation, mut entropy) = (started(), Count(1));
        let first = validation.challenge(at(0), true, &mut entropy).unwrap();
        assert_eq!(validation.challenge(at(0), true, &mut entropy), None, "one at a time");
        assert!(!validation.expire(at(1_500)));
        let second = validation.challenge(at(1_500), true, &mut entropy).unwrap();
        assert_ne!(first, second);
        assert_eq!(validation.answer(at(1_600), &[0; 8]), None);
        assert_eq!(validation.answer(at(1_600), &[first, second][answered]), Some(Shown::Path));
        assert!(!validation.is_running());
        assert_eq!(validation.answer(at(1_600), &first), None, "it is over");
        assert_eq!(validation.deadline(), None);
    }
}

#[test]
fn a_challenge_leaves_every_probe_timeout_until_the_path_is_given_up() {
    // spec: 9000-8.2.1-a
    let (mut validation, mut entropy, mut sent) = (started(), Count(1), Vec::new());
    for _ in 0..10 {
        let Some(deadline) = validation.deadline() else { break };
        let now = if validation.is_due() { at(0) } else { deadline };
        validation.expire(now);
        if validation.challenge(now, true, &mut entropy).is_some() {
            sent.push(now);
        }
    }
    assert_eq!(sent, [at(0), at(1_500), at(3_000)]);
}

#[test]
fn after_three_probe_timeouts_a_path_has_failed() {
    // spec: 9000-8.2.4-a
    let mut validation = started();
    assert!(!validation.expire(at(4_499)));
    assert!(validation.expire(at(4_500)));
    assert!(!validation.expire(at(4_500)), "it is said once");
    let mut quick = Validation::default();
    quick.start(at(0), Span::from_millis(1));
    assert!(!quick.expire(at(2_996)), "a new path may be slower than the old one");
    assert!(quick.expire(at(2_997)));
}

#[test]
fn a_small_challenge_shows_the_address_and_an_expanded_one_follows() {
    // spec: 9000-8.2.1-d
    let (mut validation, mut entropy) = (started(), Count(1));
    let data = validation.challenge(at(0), false, &mut entropy).unwrap();
    assert_eq!(validation.answer(at(100), &data), Some(Shown::Address));
    assert!(validation.is_due());
    let data = validation.challenge(at(100), true, &mut entropy).unwrap();
    assert_eq!(validation.answer(at(200), &data), Some(Shown::Path));
    assert!(!validation.is_running());
}

#[test]
fn what_is_due_and_cannot_be_sent_is_no_reason_to_wake() {
    let validation = started();
    assert_eq!(validation.deadline(), Some(at(4_500)));
}

#[test]
fn a_validation_that_goes_on_is_not_begun_again() {
    let (mut validation, mut entropy) = (started(), Count(1));
    let data = validation.challenge(at(0), true, &mut entropy).unwrap();
    validation.start(at(1_000), PTO);
    assert!(!validation.is_due());
    assert_eq!(validation.answer(at(1_100), &data), Some(Shown::Path));
}
