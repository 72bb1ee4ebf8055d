use super::{Limits, Spent};

fn spent() -> Spent {
    Spent::new(Limits { spent_tokens: 3 })
}

fn serial(number: u8) -> [u8; 16] {
    [number; 16]
}

#[test]
fn a_token_is_used_once() {
    // spec: 9000-8.1.4-e
    let mut spent = spent();
    assert!(spent.spend(100, 200, serial(1)));
    for now in [100, 150, 199, 200, 201, 50] {
        assert!(!spent.spend(now, 200, serial(1)), "{now}");
    }
}

#[test]
fn a_full_register_takes_nothing_and_forgets_nothing() {
    let mut spent = spent();
    assert!((1..=3).all(|number| spent.spend(100, 200 + u64::from(number), serial(number))));
    assert!(!spent.spend(100, 300, serial(4)));
    assert!((1..=3).all(|number| !spent.spend(100, 200 + u64::from(number), serial(number))));
    assert_eq!(spent.len(), 3);
    assert!(spent.spend(201, 300, serial(4)), "one has ended");
    assert!(!spent.spend(201, 300, serial(5)));
}

#[test]
fn a_clock_that_goes_back_brings_no_token_back() {
    let mut spent = spent();
    assert!(spent.spend(100, 200, serial(1)));
    assert!(spent.spend(200, 300, serial(2)));
    assert_eq!(spent.len(), 1, "the first is forgotten");
    assert!(!spent.spend(150, 200, serial(1)));
    assert!(!spent.is_empty());
}
