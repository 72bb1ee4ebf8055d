use super::*;

const fn ms(millis: u64) -> Span {
    Span::from_millis(millis)
}

const fn at(millis: u64) -> Instant {
    Instant::from_nanos(millis * 1_000_000)
}

/// A round of `samples` that begins at `start` milliseconds: feeds them and ends it. Whether slow start ended with it.
fn round(hystart: &mut HyStart, start: u64, samples: &[u64]) -> bool {
    for sample in samples {
        hystart.learn(ms(*sample));
    }
    hystart.is_over(at(start + 100), at(start))
}

#[test]
fn a_rise_is_an_eighth_between_four_and_sixteen_ms() {
    for (last, expected) in [(1, 4), (32, 4), (40, 5), (80, 10), (128, 16), (500, 16)] {
        assert_eq!(rise(ms(last)), ms(expected), "{last} ms");
    }
}

#[test]
fn growing_round_trips_end_slow_start_after_five_cautious_rounds() {
    let mut hystart = HyStart::new(at(0));
    assert!(!round(&mut hystart, 0, &[80; 8]));
    assert!(!round(&mut hystart, 100, &[89; 8]));
    assert!(!hystart.is_cautious(), "9 ms are less than an eighth of 80");
    assert_eq!(hystart.growth(1_200), 1_200);
    for sample in [101; 7] {
        hystart.learn(ms(sample));
    }
    assert!(!hystart.is_cautious(), "seven samples are too few");
    hystart.learn(ms(101));
    assert!(hystart.is_cautious());
    assert_eq!(hystart.growth(1_200), 300); // spec: 9406-4.2-a
    // spec: 9406-4.2-c
    let over: Vec<bool> = (2..7).map(|n| round(&mut hystart, n * 100, &[102; 8])).collect();
    assert_eq!(over, [false, false, false, false, true], "the round that was under way counts");
}

#[test]
fn a_spike_that_passes_resumes_slow_start() {
    let mut hystart = HyStart::new(at(0));
    round(&mut hystart, 0, &[80; 8]);
    for _ in 0..8 {
        hystart.learn(ms(95));
    }
    assert!(hystart.is_cautious());
    assert!(!hystart.is_over(at(200), at(100)));
    for _ in 0..7 {
        hystart.learn(ms(82));
    }
    assert!(hystart.is_cautious());
    hystart.learn(ms(82));
    assert!(!hystart.is_cautious()); // spec: 9406-4.2-b
}

#[test]
fn a_round_ends_with_a_packet_of_its_own() {
    let mut hystart = HyStart::new(at(50));
    hystart.learn(ms(80));
    assert!(!hystart.is_over(at(100), at(49)));
    assert_eq!(hystart.last_least, None);
    assert!(!hystart.is_over(at(100), at(50)));
    assert_eq!(hystart.last_least, Some(ms(80)));
    assert!(!hystart.is_over(at(101), at(60)), "sent before the second round began");
    assert_eq!(hystart.last_least, Some(ms(80)));
}
