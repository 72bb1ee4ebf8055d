use super::*;

const fn at_us(micros: u64) -> Instant {
    Instant::from_nanos(micros * 1_000)
}

const SLOW: Rate =
    Rate { window: 12_000, rtt: Span::from_millis(100), is_slow_start: false, initial: 12_000 };

#[test]
fn an_initial_window_may_leave_at_once_and_not_a_byte_more() {
    let mut pacer = Pacer::new(at_us(0), 12_000);
    for _ in 0..10 {
        assert_eq!(pacer.delay(at_us(0), 1_200, SLOW), Span::ZERO);
        pacer.take(at_us(0), 1_200, SLOW);
    }
    assert!(pacer.delay(at_us(0), 1, SLOW) > Span::ZERO); // spec: 9002-7.7-a
    let rested = at_us(10_000_000);
    assert_eq!(pacer.delay(rested, 12_000, SLOW), Span::ZERO);
    pacer.take(rested, 12_000, SLOW);
    assert!(pacer.delay(rested, 1, SLOW) > Span::ZERO, "a long rest saves up no more"); // spec: 9002-7.7-a
}

#[test]
fn the_wait_is_what_the_rate_makes_it() {
    // 5/4 of 12,000 bytes in 100 ms are 150 bytes a millisecond: 1,200 bytes take 8 ms; in slow start 5 ms.
    for (is_slow_start, micros) in [(false, 8_000), (true, 5_000)] {
        let rate = Rate { is_slow_start, ..SLOW };
        let mut pacer = Pacer::new(at_us(0), 12_000);
        pacer.take(at_us(0), 12_000, rate);
        assert_eq!(pacer.delay(at_us(0), 1_200, rate), Span::from_micros(micros));
        assert_eq!(pacer.delay(at_us(1_000), 1_200, rate), Span::from_micros(micros - 1_000));
        assert_eq!(pacer.delay(at_us(micros), 1_200, rate), Span::ZERO);
    }
}

#[test]
fn over_a_round_a_little_more_than_the_window_leaves() {
    let (mut pacer, mut sent, mut now) = (Pacer::new(at_us(0), 12_000), 0, at_us(0));
    pacer.take(now, 12_000, SLOW);
    while now < at_us(1_000_000) {
        let delay = pacer.delay(now, 1_200, SLOW);
        now += delay;
        pacer.take(now, 1_200, SLOW);
        sent += 1_200;
    }
    assert!((149_000..152_000).contains(&sent), "ten rounds of 15,000 bytes: {sent}");
}

#[test]
fn asking_often_loses_nothing() {
    let rate = Rate { window: 2_400, rtt: Span::from_secs(1), ..SLOW };
    let mut pacer = Pacer::new(at_us(0), 12_000);
    pacer.take(at_us(0), 12_000, rate);
    for micros in 0..400_000 {
        pacer.take(at_us(micros), 0, rate);
    }
    let left = pacer.delay(at_us(400_000), 1_200, rate);
    assert!(left < Span::from_millis(200), "3 bytes a millisecond fill slowly but surely: {left}");
}

#[test]
fn a_fast_path_may_burst_what_two_milliseconds_carry() {
    let rate = Rate { window: 10_000_000, rtt: Span::from_millis(100), ..SLOW };
    assert_eq!(rate.burst(), 250_000);
    assert_eq!(Rate { window: 100_000_000, ..rate }.burst(), LARGEST_BURST_BYTES);
    assert_eq!(Rate { window: 1, ..rate }.burst(), 12_000);
}

#[test]
fn a_timer_with_a_grain_of_milliseconds_meets_the_rate_without_a_larger_burst() {
    // spec: 9002-7.7-a
    // A driver's timer rounds up to its millisecond, and the system's poll may do so once more. Nothing else wakes it here.
    for mbits in [1, 10, 50, 100, 400, 800, 1_000] {
        let window = mbits * 12_500; // In 100 ms.
        let rate = Rate { window, ..SLOW };
        let (mut pacer, mut sent, mut millis) = (Pacer::new(at_us(0), 12_000), 0, 0);
        while millis < 1_000 {
            let (now, mut burst) = (at_us(millis * 1_000), 0);
            while pacer.delay(now, 1_200, rate) == Span::ZERO {
                pacer.take(now, 1_200, rate);
                burst += 1_200;
            }
            assert!(burst <= rate.burst());
            sent += burst;
            let wait = pacer.delay(now, 1_200, rate);
            millis += wait.as_nanos().div_ceil(1_000_000) + 1;
        }
        assert!(sent >= 10 * window, "{mbits} Mbit/s: {sent} bytes in a second");
    }
}

#[test]
fn no_rate_breaks_the_arithmetic() {
    for window in [0, 1, 1 << 40] {
        for rtt in [Span::ZERO, Span::from_nanos(1), Span::MAX] {
            let rate = Rate { window, rtt, ..SLOW };
            let mut pacer = Pacer::new(at_us(0), 12_000);
            pacer.take(Instant::from_nanos(u64::MAX), 1 << 30, rate);
            pacer.delay(at_us(0), u64::MAX, rate);
        }
    }
}
