use super::Seen;

const START: u64 = 1_000_000;
const WINDOW: u64 = 20_000;
/// When a register of this start is no longer blind for what is fresh.
const LATER: u64 = START + WINDOW;

fn seen() -> Seen {
    Seen::new(START, WINDOW, 3)
}

fn binder(number: u8) -> [u8; 32] {
    [number; 32]
}

#[test]
fn each_is_first_once_until_nobody_takes_it_any_more() {
    let mut seen = seen();
    let until = LATER + 10_000;
    assert!(seen.is_first(LATER, until, &binder(1)));
    for at in [LATER, LATER + 1, LATER + 9_999] {
        assert!(!seen.is_first(at, until, &binder(1)), "{at}");
        assert!(!seen.is_first(at, until + 1, &binder(1)), "{at}");
    }
    assert!(seen.is_first(LATER, until, &binder(2)));
    assert!(!seen.is_first(until, until, &binder(3)), "it is over");
}

#[test]
fn what_was_taken_before_the_start_is_refused() {
    // spec: 9846-8-b
    let mut seen = seen();
    assert!(!seen.is_first(START, START + 10_000, &binder(1)));
    assert!(!seen.is_first(LATER - 1, LATER, &binder(1)), "it may have been taken just before the start");
    assert!(seen.is_first(LATER - 1, LATER + 1, &binder(1)));
}

#[test]
fn a_full_window_refuses_and_forgets_nothing() {
    let mut seen = seen();
    for number in 0..3 {
        assert!(seen.is_first(LATER, LATER + WINDOW, &binder(number)));
    }
    assert!(!seen.is_first(LATER, LATER + WINDOW, &binder(9)));
    for number in 0..3 {
        assert!(!seen.is_first(LATER + 1, LATER + WINDOW, &binder(number)));
    }
    // The next window has room, and the one before is still known.
    let next = LATER + WINDOW - 1;
    assert!(!seen.is_first(next, LATER + WINDOW, &binder(0)));
    assert!(seen.is_first(LATER + WINDOW, LATER + 2 * WINDOW, &binder(9)));
    assert!(seen.len() <= 6);
    assert!(!seen.is_first(LATER + WINDOW, LATER + 2 * WINDOW, &binder(0)), "an older one is known");
    assert!(seen.is_first(LATER + 3 * WINDOW, LATER + 4 * WINDOW, &binder(0)), "nobody took it any more");
    assert_eq!(seen.len(), 1);
}

#[test]
fn what_would_be_forgotten_too_early_is_refused() {
    let mut seen = seen();
    assert!(!seen.is_first(LATER, LATER + WINDOW + 1, &binder(1)));
    assert!(!seen.is_first(LATER, u64::MAX, &binder(1)));
    assert!(!seen.is_first(LATER, LATER + 1, &[1; 15]), "that is no binder");
    assert!(seen.is_empty());
}

#[test]
fn clocks_that_stand_apart_take_nothing_twice() {
    let until = LATER + 10_000;
    for ahead in 0..40 {
        let mut seen = seen();
        assert!(seen.is_first(LATER, until, &binder(1)));
        // Another server's clock makes windows turn over; ours still thinks it fresh.
        for step in 0..4 {
            let there = LATER + ahead * 1_000 + step * WINDOW;
            seen.is_first(there, there + 1, &binder(2));
            assert!(!seen.is_first(LATER, until, &binder(1)), "{ahead} s, step {step}");
        }
    }
}
