use super::*;

const fn counts(ect0: u64, ect1: u64, ce: u64) -> Option<EcnCounts> {
    Some(EcnCounts { ect0, ect1, ce })
}

fn after(sent: u64) -> Ecn {
    let mut ecn = Ecn::new(true);
    (0..sent).for_each(|_| ecn.sent(2));
    ecn
}

#[test]
fn the_peers_counts_have_to_add_up() {
    use Verdict::{Congested, Failed, Unmarked};
    // 5 packets left marked; (newly acknowledged of them, what the peer tells) and what follows.
    let table = [
        (5, counts(5, 0, 0), Unmarked),
        (5, counts(4, 0, 1), Congested),
        (3, counts(5, 0, 0), Unmarked), // two more arrived than this frame acknowledges
        (3, None, Failed),              // spec: 9000-13.4.2.1-a
        (0, None, Unmarked),
        (5, counts(4, 0, 0), Failed), // spec: 9000-13.4.2.1-b
        (5, counts(5, 1, 0), Failed), // nobody sent ECT(1)
        (5, counts(6, 0, 0), Failed), // more than were sent
        (5, counts(u64::MAX, 0, u64::MAX), Failed),
    ];
    for (marked, told, verdict) in table {
        let mut ecn = after(5);
        assert_eq!(ecn.acked(2, marked, told), verdict, "{marked} {told:?}");
        assert_eq!(ecn.is_marking(), verdict != Failed);
        assert_eq!(ecn.is_capable(), verdict != Failed && marked > 0);
    }
}

#[test]
fn counts_never_fall() {
    let mut ecn = after(5);
    assert_eq!(ecn.acked(2, 2, counts(2, 0, 0)), Verdict::Unmarked);
    assert_eq!(ecn.acked(2, 0, counts(1, 0, 1)), Verdict::Failed);
    assert_eq!(ecn.acked(2, 1, counts(3, 0, 1)), Verdict::Unmarked, "and nothing is asked again");
}

#[test]
fn ten_packets_test_a_path_and_their_loss_answers() {
    let mut ecn = after(10);
    assert!(!ecn.is_marking(), "until an answer comes");
    (0..9).for_each(|_| ecn.lost());
    let mut spared = ecn;
    assert_eq!(spared.acked(2, 1, counts(1, 0, 0)), Verdict::Unmarked);
    assert!(spared.is_marking());
    spared.lost();
    assert!(spared.is_marking(), "later losses are losses");
    ecn.lost();
    assert_eq!(ecn.acked(2, 0, counts(0, 0, 0)), Verdict::Unmarked);
    assert!(!ecn.is_marking());
}

#[test]
fn spaces_count_apart() {
    let mut ecn = after(1);
    ecn.sent(0);
    assert_eq!(ecn.acked(0, 1, counts(1, 0, 0)), Verdict::Unmarked);
    assert_eq!(ecn.acked(2, 1, counts(1, 0, 0)), Verdict::Unmarked);
    assert!(!Ecn::new(false).is_marking());
}
