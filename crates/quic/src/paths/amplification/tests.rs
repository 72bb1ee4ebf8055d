use super::Credit;

#[test]
fn three_times_what_came_and_not_a_byte_more() {
    // spec: 9000-8-a, 9000-8.1-b
    let mut credit = Credit::limited();
    assert_eq!(credit.room(), 0);
    credit.received(1_200);
    assert_eq!(credit.room(), 3_600);
    credit.sent(1_200);
    credit.sent(2_399);
    assert_eq!(credit.room(), 1);
    assert!(credit.may_send(1));
    assert!(!credit.may_send(2));
    credit.sent(1);
    assert!(!credit.may_send(1));
    credit.received(1);
    assert!(credit.may_send(3) && !credit.may_send(4));
}

#[test]
fn who_is_there_has_no_limit() {
    // spec: 9000-8.1-a
    let mut credit = Credit::limited();
    assert!(!credit.may_send(1) && credit.is_blocked() && credit.is_limited());
    assert!(credit.validate(), "somebody waited");
    assert!(credit.may_send(usize::MAX) && !credit.is_blocked() && !credit.is_limited());
    assert!(!credit.validate());
    assert!(Credit::unlimited().may_send(usize::MAX));
}

#[test]
fn a_datagram_wakes_who_waits_for_room_once() {
    let mut credit = Credit::limited();
    assert!(!credit.received(100), "nobody waits");
    assert!(!credit.may_send(301) && credit.is_blocked());
    assert!(!credit.received(0), "nothing came");
    assert!(credit.received(1));
    assert!(!credit.is_blocked() && !credit.received(1));
}

/// A server whose first flight is far above its credit, a client that answers each datagram it gets with a small one, and
/// every third datagram lost both ways: the client's probe timeouts alone (full datagrams, RFC 9000 section 8.1) finish it.
#[test]
fn a_large_first_flight_always_ends() {
    for flight in [0_u64, 1, 1_199, 3_600, 3_601, 12_345, 100_000] {
        let (mut credit, mut left, mut lost, mut rounds) = (Credit::limited(), flight, 0, 0);
        credit.received(1_200);
        while left > 0 {
            rounds += 1;
            assert!(rounds < 1_000, "{flight} bytes: {left} left");
            let mut arrived = 0;
            while left > 0 {
                let datagram = left.min(1_200).min(credit.room());
                if datagram == 0 {
                    assert!(!credit.may_send(left.min(1_200) as usize));
                    break;
                }
                credit.sent(datagram as usize);
                lost += 1;
                if lost % 3 != 0 {
                    left -= datagram;
                    arrived += 1;
                }
            }
            // Acknowledgements of 40 bytes each, or nothing to acknowledge: a probe timeout, padded.
            let was_blocked = credit.is_blocked();
            let bytes = if arrived == 0 { 1_200 } else { 40 * arrived };
            assert!(credit.received(bytes) == was_blocked);
        }
    }
}

#[test]
fn counts_do_not_wrap() {
    let mut credit = Credit::limited();
    credit.received(usize::MAX);
    credit.received(usize::MAX);
    assert_eq!(credit.room(), u64::MAX);
}
