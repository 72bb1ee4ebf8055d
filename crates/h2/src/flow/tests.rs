use super::*;

const NOW: Instant = Instant::from_nanos(0);

#[test]
fn a_send_window_may_be_negative_and_comes_back() {
    let mut window = SendWindow::new(60_000);
    window.spend(60_000);
    window.shift(16_384 - 60_000).unwrap(); // spec: 9113-6.9.2-a
    assert_eq!(window.available(), 0);
    window.shift(43_616).unwrap();
    assert_eq!(window.available(), 0);
    window.shift(1).unwrap();
    assert_eq!(window.available(), 1);
}

#[test]
fn a_send_window_ends_at_two_to_the_31() {
    let mut window = SendWindow::new(MAX_31_BITS - 1);
    assert_eq!(window.shift(1), Ok(()));
    assert_eq!(window.shift(1), Err(Overflow));
    assert_eq!(window.available(), MAX_31_BITS as usize);
}

#[test]
fn credit_is_given_back_when_half_of_it_was_read() {
    let mut window = ReceiveWindow::new(1_000, 1_000);
    window.receive(1_000).unwrap();
    assert_eq!(window.receive(1), Err(Exceeded));
    assert_eq!(window.consume(499), 499);
    assert_eq!(window.update(NOW, None, 1_000), None);
    window.consume(1);
    assert_eq!(window.update(NOW, None, 1_000), Some(500));
    // An owner that claims to have read more than came gets credit for what came.
    assert_eq!(window.consume(9_999), 500);
    assert_eq!(window.update(NOW, None, 1_000), Some(500));
    assert_eq!(window.receive(1_001), Err(Exceeded));
}

#[test]
fn a_window_larger_than_the_peer_knows_is_told_at_once() {
    let mut window = ReceiveWindow::connection(70_000);
    assert_eq!(window.update(NOW, None, 70_000), Some(70_000 - 65_535));
    assert_eq!(window.update(NOW, None, 70_000), None);
}

#[test]
fn a_window_grows_only_when_it_was_used_up_within_two_round_trips() {
    let rtt = Some(Span::from_millis(50));
    for (gap, grown) in [(99, 2_000), (100, 1_000)] {
        let mut window = ReceiveWindow::new(1_000, 1_000);
        for at in [0, gap] {
            window.receive(500).unwrap();
            window.consume(500);
            window.update(NOW + Span::from_millis(at), rtt, 9_000).unwrap();
        }
        assert_eq!(window.size(), grown, "{gap} ms apart");
    }
}

#[test]
fn credit_never_passes_two_to_the_31() {
    let mut window = ReceiveWindow::new(MAX_31_BITS, MAX_31_BITS);
    window.receive(MAX_31_BITS).unwrap();
    window.consume(u64::from(MAX_31_BITS));
    assert_eq!(window.update(NOW, None, MAX_31_BITS), Some(MAX_31_BITS));
    assert_eq!(window.update(NOW, None, MAX_31_BITS), None);
    // spec: 9113-6.9.1-d
}
