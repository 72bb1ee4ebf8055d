use super::*;

const DATAGRAM: u64 = 1_200;

fn at(millis: u64, rtt_ms: u64) -> Circumstances {
    Circumstances {
        now: Instant::from_nanos(millis * 1_000_000),
        rtt: Span::from_millis(rtt_ms),
        datagram: DATAGRAM,
    }
}

#[test]
fn the_curve_is_the_rfcs() {
    // W_cubic(t) = 0.4 (t - K)^3 + 100 segments of 1,200 bytes, K = cbrt(30 / 0.4) = 4.217163 s, after a loss at a window
    // of 100 segments (RFC 9438 figures 1 and 2, worked out in floating point elsewhere).
    let epoch = Epoch::new(at(0, 100), 84_000, Some(120_000));
    assert_eq!(epoch.k_us, 4_217_163);
    let table = [
        (0, 84_000),
        (1_000, 104_016),
        (2_000, 114_768),
        (3_000, 119_134),
        (4_000, 119_995),
        (4_217, 120_000),
        (5_000, 120_230),
        (6_000, 122_720),
        (8_000, 145_983),
        (10_000, 212_824),
    ];
    for (millis, bytes) in table {
        let ours = epoch.curve(millis * 1_000, DATAGRAM);
        assert!(ours.abs_diff(bytes) <= 1, "{ours} for {bytes} at {millis} ms");
    }
}

#[test]
fn a_loss_leaves_seven_tenths() {
    let mut cubic = Cubic::default();
    assert_eq!(cubic.reduce(120_000), 84_000); // spec: 9438-4.6-a
    assert_eq!((cubic.w_max, cubic.prior), (Some(120_000), 120_000));
}

#[test]
fn who_loses_below_the_old_plateau_gives_way() {
    let mut cubic = Cubic::default();
    cubic.reduce(120_000);
    assert_eq!(cubic.reduce(100_000), 70_000);
    assert_eq!(cubic.w_max, Some(85_000)); // spec: 9438-4.7-a
    cubic.reduce(90_000);
    assert_eq!(cubic.w_max, Some(90_000), "above the old one nothing is given away");
}

/// Acknowledges a window a round for `rounds` rounds of `rtt_ms` and says the window at each round's end.
fn rounds(cubic: &mut Cubic, mut window: u64, rtt_ms: u64, rounds: u64) -> Vec<u64> {
    let mut ends = Vec::new();
    for round in 0..rounds {
        let mut left = window;
        while left > 0 {
            let acked = left.min(DATAGRAM);
            window = cubic.grow(window, acked, at(round * rtt_ms, rtt_ms));
            left -= acked;
        }
        ends.push(window);
    }
    ends
}

#[test]
fn the_window_follows_the_curve_to_the_plateau_and_beyond() {
    // A long path and a large window: the Reno-friendly region does not reach up there.
    let mut cubic = Cubic::default();
    let segments = 1_000;
    let window = cubic.reduce(segments * DATAGRAM);
    assert_eq!(window, 700 * DATAGRAM);
    let ends = rounds(&mut cubic, window, 200, 60);
    let epoch = cubic.epoch.expect("an epoch runs");
    assert_eq!(epoch.k_us, 9_085_602, "cbrt(300 / 0.4) s");
    for (round, end) in (1..).zip(&ends) {
        // Approached by windows' shares from below: within 2.5 % after the first second.
        let curve = epoch.curve(round * 200_000, DATAGRAM);
        assert!(round < 5 || end.abs_diff(curve) * 40 < curve, "round {round}: {end} for {curve}");
    }
    assert!(ends.windows(2).all(|pair| pair[0] <= pair[1]), "never down without a loss");
    assert!(ends[44].abs_diff(segments * DATAGRAM) < 2 * DATAGRAM, "flat at K: {}", ends[44]);
}

#[test]
fn a_short_path_grows_as_reno_would() {
    // 20 ms, 10 segments before the loss: W_est gains 9/17 of a segment a round, a whole one once it has come back.
    let mut cubic = Cubic::default();
    let window = cubic.reduce(10 * DATAGRAM);
    let ends = rounds(&mut cubic, window, 20, 20);
    let after_five = (7 * DATAGRAM + 5 * DATAGRAM * 9 / 17) as i64;
    // spec: 9438-4.3-a
    assert!((ends[4] as i64 - after_five).abs() < 400, "{} for {after_five}", ends[4]);
    let gained = ends[19] - ends[14];
    assert!((5 * DATAGRAM - 900..=5 * DATAGRAM).contains(&gained), "{gained} in five rounds");
}

#[test]
fn one_acknowledgement_cannot_more_than_follow_slow_start() {
    let mut cubic = Cubic::default();
    let window = cubic.reduce(20 * DATAGRAM);
    cubic.grow(window, 1, at(0, 100));
    let grown = cubic.grow(window, window, at(3_600_000, 100));
    // spec: 9438-4.2-b
    assert_eq!(grown, window + window / 2, "the target is at most 1.5 windows");
}

#[test]
fn without_a_loss_the_curve_begins_flat() {
    let mut cubic = Cubic::default();
    assert_eq!(cubic.grow(50_000, DATAGRAM, at(10, 100)) / 1_000, 50);
    let epoch = cubic.epoch.expect("an epoch runs");
    assert_eq!((epoch.k_us, epoch.origin), (0, 50_000));
    cubic.reduce(50_000);
    cubic.forget();
    cubic.grow(30_000, DATAGRAM, at(20, 100));
    assert_eq!(cubic.epoch.map(|epoch| (epoch.k_us, epoch.origin)), Some((0, 30_000)));
}

#[test]
fn idle_time_does_not_count() {
    let window = 84_000;
    let grow = |idle_ms: u64| {
        let mut cubic = Cubic::default();
        cubic.reduce(120_000);
        cubic.grow(window, DATAGRAM, at(0, 100));
        cubic.shift(Span::from_millis(idle_ms));
        cubic.grow(window, window, at(1_000 + idle_ms, 100))
    };
    assert_eq!(grow(0), grow(60_000)); // spec: 9438-4.2-a
}

#[test]
fn the_cube_root_is_exact() {
    for root in [0, 1, 2, 3, 10, 4_217_163, 100_000_000_000] {
        let cube = u128::from(root).pow(3);
        assert_eq!(cube_root(cube), root);
        assert_eq!(cube_root(cube + 1), if root == 0 { 1 } else { root });
        assert_eq!(cube_root(cube.saturating_sub(1)), root.saturating_sub(1));
    }
}

#[test]
fn no_number_breaks_the_arithmetic() {
    for window in [2_400, 1 << 40] {
        for acked in [0, 1, 1 << 40] {
            let mut cubic = Cubic::default();
            cubic.reduce(1 << 40);
            let end = Circumstances { now: Instant::from_nanos(u64::MAX), rtt: Span::MAX, datagram: 65_527 };
            cubic.grow(window, acked, at(0, 1));
            let grown = cubic.grow(window, acked, end);
            assert!(grown >= window);
        }
    }
}
