use super::*;

const fn ms(millis: u64) -> Span {
    Span::from_millis(millis)
}

const fn us(micros: u64) -> Span {
    Span::from_micros(micros)
}

/// Samples with the delays told (ms), and the least, smoothed and variation after them.
type Row<'a> = (&'a [(u64, u64)], Span, Span, Span);

fn measured(samples: &[(u64, u64)]) -> Rtt {
    let mut rtt = Rtt::new(INITIAL_RTT);
    for (sample, held) in samples {
        rtt.learn(Instant::from_nanos(1), ms(*sample), ms(*held));
    }
    rtt
}

#[test]
fn a_path_is_taken_for_slow_until_it_is_measured() {
    let rtt = Rtt::new(INITIAL_RTT);
    assert_eq!((rtt.smoothed(), rtt.variation(), rtt.first_sample()), (ms(333), us(166_500), None));
    assert_eq!(rtt.probe_timeout(), ms(999), "about a second, as RFC 9002 section 6.2.2 says");
}

#[test]
fn samples_are_weighed_as_the_rfc_does() {
    // Worked out by hand from section 5.3. The last three: a
    // delay that would bring a sample below the least is not believed.
    let table: &[Row<'_>] = &[
        (&[(100, 0)], ms(100), ms(100), ms(50)), // spec: 9002-5.2-a
        (&[(100, 30)], ms(100), ms(100), ms(50)),
        (&[(100, 0), (100, 0)], ms(100), ms(100), us(37_500)),
        (&[(100, 0), (60, 0)], ms(60), ms(95), us(47_500)), // spec: 9002-5.2-b
        (&[(60, 0), (100, 0)], ms(60), ms(65), us(32_500)),
        (&[(60, 0), (100, 40)], ms(60), ms(60), us(22_500)),
        (&[(60, 0), (100, 41)], ms(60), ms(65), us(32_500)), // spec: 9002-5.3-b
        (&[(100, 0), (80, 20)], ms(80), us(97_500), us(42_500)),
    ];
    for (samples, least, smoothed, variation) in table {
        let rtt = measured(samples);
        assert_eq!(
            (rtt.least(), rtt.smoothed(), rtt.variation()),
            (*least, *smoothed, *variation),
            "{samples:?}"
        );
    }
}

#[test]
fn no_timeout_goes_below_the_clock() {
    let mut rtt = Rtt::new(INITIAL_RTT);
    for _ in 0..200 {
        rtt.learn(Instant::default(), us(80), Span::ZERO);
    }
    assert_eq!(rtt.probe_timeout(), us(80) + GRANULARITY); // spec: 9002-6.2.1-a
    assert_eq!(rtt.loss_delay(), GRANULARITY); // spec: 9002-6.1.2-a
}

#[test]
fn the_loss_delay_takes_the_slower_of_last_and_mean() {
    let slower = measured(&[(80, 0), (160, 0)]);
    assert_eq!((slower.smoothed(), slower.loss_delay()), (ms(90), ms(180)));
    let faster = measured(&[(160, 0), (80, 0)]);
    assert_eq!((faster.smoothed(), faster.loss_delay()), (ms(150), us(168_750)));
}

#[test]
fn no_sample_breaks_the_arithmetic() {
    let mut rtt = Rtt::new(INITIAL_RTT);
    for sample in [Span::MAX, Span::ZERO, Span::MAX, ms(1)] {
        rtt.learn(Instant::default(), sample, Span::MAX);
        assert!(rtt.probe_timeout() >= GRANULARITY && rtt.loss_delay() >= GRANULARITY);
    }
    rtt.forget_least();
    assert_eq!(rtt.least(), ms(1));
}
