use super::*;

#[test]
fn a_peer_that_takes_what_quic_holds_ready_is_not_stalled() {
    let at = Instant::from_nanos;
    let stalled = Stall::after(None, at(1), 5_000, 100);
    assert_eq!(stalled.map(|stall| stall.since), Some(at(1)));
    assert_eq!(Stall::after(stalled, at(2), 5_000, 100), stalled, "nothing goes on");
    assert_eq!(Stall::after(stalled, at(2), 5_000, 1_123), stalled, "nor does so little count");
    let goes_on = [(5_000, 1_124), (4_999, 100), (5_001, 100)];
    for (waits, sent) in goes_on {
        let after = Stall::after(stalled, at(2), waits, sent);
        assert_eq!(after.map(|stall| stall.since), Some(at(2)), "{waits} and {sent}");
    }
    assert_eq!(Stall::after(stalled, at(2), 0, 100), None, "nothing waits");
}
