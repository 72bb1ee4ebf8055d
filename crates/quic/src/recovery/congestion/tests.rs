use super::*;

const DATAGRAM: u64 = 1_200;
const RTT: Span = Span::from_millis(50);

const fn at(millis: u64) -> Instant {
    Instant::from_nanos(millis * 1_000_000)
}

fn path(algorithm: Algorithm) -> Congestion {
    Congestion::new(at(0), algorithm, DATAGRAM)
}

#[test]
fn the_initial_window_is_ten_datagrams_within_bounds() {
    for (datagram, window) in
        [(1_200, 12_000), (1_472, 14_720), (1_500, 14_720), (7_360, 14_720), (9_000, 18_000)]
    {
        assert_eq!(initial_window(datagram), window); // spec: 9002-7.2-a
    }
}

#[test]
fn slow_start_adds_what_is_acknowledged() {
    let mut path = path(Algorithm::NewReno);
    for sent in 1..=10 {
        path.acked(at(100), at(sent), DATAGRAM, RTT);
    }
    assert_eq!((path.window(), path.phase()), (24_000, Phase::SlowStart)); // spec: 9002-7.3.1-a
}

#[test]
fn a_loss_halves_once_a_recovery_period() {
    for (algorithm, left) in [(Algorithm::NewReno, 6_000), (Algorithm::Cubic, 8_400)] {
        let mut path = path(algorithm);
        assert!(path.event(at(100), at(50)));
        assert_eq!(path.window(), left, "{algorithm:?}");
        assert_eq!(path.threshold(), Some(left)); // spec: 9002-7.3.2-a
        assert_eq!(path.phase(), Phase::Recovery);
        assert!(!path.event(at(120), at(100))); // spec: 9002-7.3.2-b
        path.acked(at(130), at(99), DATAGRAM, RTT);
        assert_eq!((path.window(), path.phase()), (left, Phase::Recovery)); // spec: 9002-7.3.2-c
        path.acked(at(160), at(101), 1, RTT);
        assert_eq!(path.phase(), Phase::Avoidance); // spec: 9002-7.3.1-b
        assert!(path.event(at(170), at(102)), "a packet sent since is a new event");
    }
}

#[test]
fn avoidance_adds_a_datagram_a_window() {
    let mut path = path(Algorithm::NewReno);
    path.event(at(100), at(50));
    for sent in 0..4 {
        path.acked(at(200), at(101 + sent), DATAGRAM, RTT);
        assert_eq!(path.window(), 6_000);
    }
    path.acked(at(200), at(105), DATAGRAM, RTT);
    assert_eq!(path.window(), 7_200); // spec: 9002-7.3.3-a
}

#[test]
fn no_loss_goes_below_two_datagrams() {
    for algorithm in [Algorithm::NewReno, Algorithm::Cubic] {
        let mut path = path(algorithm);
        for n in 0..20 {
            assert!(path.event(at(100 * n + 50), at(100 * n + 40)));
        }
        assert_eq!(path.window(), 2_400, "{algorithm:?}");
    }
}

#[test]
fn persistent_congestion_starts_over_from_the_least() {
    let mut path = path(Algorithm::Cubic);
    path.event(at(100), at(50));
    path.persistent();
    assert_eq!((path.window(), path.phase()), (2_400, Phase::SlowStart)); // spec: 9002-7.6.2-b
    assert!(!path.undo());
    for sent in 0..20 {
        path.acked(at(200), at(101 + sent), DATAGRAM, RTT);
    }
    assert_eq!(path.phase(), Phase::Avoidance, "up to the threshold");
    assert!(path.hystart.is_none(), "only the first slow start is watched");
    assert!(matches!(path.law, Law::Cubic(law) if law.is_fresh()), "and the next curve begins flat");
}

#[test]
fn an_unused_window_does_not_grow() {
    for algorithm in [Algorithm::NewReno, Algorithm::Cubic] {
        let mut path = path(algorithm);
        path.set_idle(at(1), true);
        path.acked(at(100), at(2), 12_000, RTT);
        assert_eq!(path.window(), 12_000, "slow start"); // spec: 9002-7.8-a
        path.event(at(150), at(140));
        let cut = path.window();
        for n in 0..100 {
            path.acked(at(200 + n), at(151 + n), DATAGRAM, RTT);
        }
        assert_eq!(path.window(), cut, "avoidance");
        path.set_idle(at(300), false);
        path.acked(at(400), at(310), 12_000, RTT);
        assert!(path.window() > cut);
    }
}

#[test]
fn cubic_does_not_count_the_time_at_rest() {
    let after = |rest_ms: u64| {
        let mut path = path(Algorithm::Cubic);
        path.event(at(100), at(50));
        path.acked(at(200), at(101), DATAGRAM, RTT);
        path.set_idle(at(210), true);
        path.set_idle(at(210 + rest_ms), false);
        path.acked(at(1_200 + rest_ms), at(1_000 + rest_ms), 8_400, RTT);
        path.window()
    };
    assert_eq!(after(0), after(60_000));
}

#[test]
fn a_spurious_loss_brings_the_window_back() {
    for algorithm in [Algorithm::NewReno, Algorithm::Cubic] {
        let mut path = path(algorithm);
        path.event(at(100), at(50));
        path.acked(at(150), at(110), DATAGRAM, RTT);
        assert!(path.undo());
        // spec: 9438-4.9.2-a
        assert_eq!((path.window(), path.threshold(), path.phase()), (12_000, None, Phase::SlowStart));
        assert!(!path.undo(), "once");
    }
}

#[test]
fn growing_delays_end_slow_start_without_a_loss() {
    let mut path = path(Algorithm::Cubic);
    for round in 0..9 {
        let delay = if round < 2 { 50 } else { 70 };
        for n in 0..10 {
            path.learn(Span::from_millis(delay));
            path.acked(at(100 * (round + 1)), at(100 * round + n + 1), DATAGRAM, RTT);
        }
    }
    assert_eq!(path.phase(), Phase::Avoidance);
    assert_eq!(path.threshold().map(|threshold| threshold <= path.window()), Some(true));
}

#[test]
fn larger_datagrams_raise_what_depends_on_them() {
    let mut path = path(Algorithm::Cubic);
    path.set_datagram(1_400, true);
    assert_eq!(path.window(), 14_000);
    path.event(at(100), at(50));
    path.persistent();
    path.set_datagram(1_450, false);
    assert_eq!(path.window(), 2_900);
}

#[test]
fn no_window_outgrows_the_arithmetic() {
    let mut path = path(Algorithm::Cubic);
    for n in 0..100 {
        path.acked(at(n + 1), at(n), u64::MAX / 2, Span::MAX);
    }
    assert_eq!(path.window(), MOST_BYTES);
}
