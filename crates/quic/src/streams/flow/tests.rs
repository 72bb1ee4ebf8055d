use super::*;

const NOW: Instant = Instant::from_nanos(0);

#[test]
fn credit_is_granted_when_half_of_the_window_was_read() {
    let mut window = ReceiveWindow::new(1_000);
    window.receive(1_000).unwrap();
    assert_eq!(window.receive(1), Err(Exceeded));
    assert_eq!(window.consume(499), 499);
    assert!(!window.is_due());
    window.consume(1);
    assert!(window.is_due());
    assert_eq!(window.update(NOW, None, 1_000), 1_500);
    assert!(!window.is_due());
    // A reader that claims more than came gets credit for what came.
    assert_eq!(window.consume(9_999), 500);
    assert_eq!(window.update(NOW, None, 1_000), 2_000);
    assert_eq!(window.receive(1_001), Err(Exceeded));
}

#[test]
fn a_window_that_slows_the_peer_down_doubles_up_to_its_cap() {
    let rtt = Some(Span::from_millis(10));
    let mut window = ReceiveWindow::new(1_000);
    let mut sizes = Vec::new();
    for ms in [0, 19, 38, 58] {
        let limit = window.limit;
        window.receive(limit - window.received()).unwrap();
        window.consume(u64::MAX);
        window.update(Instant::from_nanos(ms * 1_000_000), rtt, 3_000);
        sizes.push(window.size());
    }
    // The last one came after two round trips.
    assert_eq!(sizes, [1_000, 2_000, 3_000, 3_000]);
    let mut slow = ReceiveWindow::new(1_000);
    for ms in [0, 20, 40] {
        slow.receive(500).unwrap();
        slow.consume(500);
        slow.update(Instant::from_nanos(ms * 1_000_000), rtt, 3_000);
        assert_eq!(slow.size(), 1_000);
    }
}

#[test]
fn a_lost_limit_is_told_again_and_an_old_one_is_not() {
    let mut window = ReceiveWindow::new(1_000);
    window.receive(600).unwrap();
    window.consume(600);
    let first = window.update(NOW, None, 1_000);
    window.receive(600).unwrap();
    window.consume(600);
    let second = window.update(NOW, None, 1_000);
    window.lost(first);
    assert!(!window.is_due());
    window.lost(second);
    assert!(window.is_due());
    assert_eq!(window.update(NOW, None, 1_000), second);
    assert!(!window.is_due());
}

#[test]
fn a_lower_limit_changes_nothing() {
    let mut window = SendWindow::new(10);
    assert!(window.raise(11));
    assert!(!window.raise(5)); // spec: 9000-4.1-c
    assert_eq!(window.available(), 11);
}

#[test]
fn each_limit_is_complained_about_once_unless_that_was_lost() {
    let mut window = SendWindow::new(10);
    window.spend(10);
    assert!(window.wants_to_complain());
    assert_eq!(window.complain(), 10);
    assert!(!window.wants_to_complain());
    window.forget_complaint(9);
    assert!(!window.wants_to_complain());
    window.forget_complaint(10);
    assert!(window.wants_to_complain());
    window.raise(11);
    assert!(!window.wants_to_complain());
}
