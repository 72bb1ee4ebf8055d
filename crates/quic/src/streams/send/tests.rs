use super::*;

const CODE: u64 = 0x102;

fn id() -> StreamId {
    StreamId::new(0).unwrap()
}

fn sending(limit: u64, queued: usize) -> Sending {
    let mut sending = Sending::new(limit);
    sending.push(Chunk::Owned(vec![7; queued]), u64::MAX);
    sending
}

/// All that leaves now, in pieces of at most `most` bytes.
fn drain(sending: &mut Sending, most: u64) -> Vec<Piece> {
    let mut pieces = Vec::new();
    loop {
        let piece = if sending.wants_repair() {
            sending.next_repair(id(), most as usize + 5)
        } else if sending.wants_fresh() {
            sending.next_fresh(id(), 1_000, most)
        } else {
            break;
        };
        pieces.push(piece.expect("there is room"));
    }
    pieces
}

#[test]
fn a_stream_is_sent_to_its_end() {
    let mut sending = sending(100, 30);
    assert_eq!(sending.state(), SendState::Ready);
    let first = drain(&mut sending, 20);
    assert_eq!(sending.state(), SendState::Send);
    sending.finish();
    assert!(!sending.is_open());
    let last = drain(&mut sending, 20);
    assert_eq!(last, [Piece { id: id(), offset: 30, len: 0, fin: true }]);
    assert_eq!(sending.state(), SendState::DataSent);
    last.iter().chain(&first[1..]).for_each(|piece| sending.acked(piece));
    assert_eq!(sending.state(), SendState::DataSent);
    sending.acked(&first[0]);
    assert_eq!(sending.state(), SendState::DataReceived);
    // Nothing leaves from a terminal state.
    sending.reset(CODE, 0);
    sending.lost(&first[0]);
    assert!(!sending.wants_repair() && !sending.wants_control());
}

#[test]
fn a_lost_end_is_said_again_with_the_last_byte_or_alone() {
    for is_acked in [false, true] {
        let mut sending = sending(100, 30);
        sending.finish();
        let pieces = drain(&mut sending, 20);
        assert_eq!(pieces[1], Piece { id: id(), offset: 20, len: 10, fin: true });
        sending.lost(&pieces[1]);
        if is_acked {
            // The bytes arrived in another packet after all.
            sending.acked(&Piece { fin: false, ..pieces[1] });
        }
        let again = drain(&mut sending, 20);
        let (offset, len) = if is_acked { (30, 0) } else { (20, 10) };
        assert_eq!(again, [Piece { id: id(), offset, len, fin: true }]);
    }
}

#[test]
fn an_end_that_arrived_late_after_all_is_not_said_again() {
    let mut sending = sending(100, 30);
    sending.finish();
    let first = drain(&mut sending, 20);
    sending.lost(&first[1]);
    let again = drain(&mut sending, 20);
    sending.acked(&first[1]);
    sending.lost(&again[0]);
    assert_eq!(drain(&mut sending, 20), []);
    sending.acked(&first[0]);
    assert_eq!(sending.state(), SendState::DataReceived);
}

#[test]
fn not_one_byte_leaves_beyond_the_limit_and_that_is_said() {
    let mut sending = sending(10, 11);
    assert_eq!(drain(&mut sending, 100), [Piece { id: id(), offset: 0, len: 10, fin: false }]); // spec: 9000-4.1-a
    assert_eq!(sending.next_control(id()), Some(Outgoing::StreamDataBlocked { id: id(), limit: 10 }));
    assert_eq!(sending.next_control(id()), None);
    sending.complaint_lost(10);
    assert!(sending.wants_control());
    sending.raise(11);
    assert!(!sending.wants_control());
    assert_eq!(drain(&mut sending, 100), [Piece { id: id(), offset: 10, len: 1, fin: false }]);
}

#[test]
fn who_is_blocked_before_the_first_byte_has_opened_the_stream() {
    let mut sending = sending(0, 1);
    assert!(sending.next_control(id()).is_some());
    assert_eq!(sending.state(), SendState::Send);
}

#[test]
fn a_reset_ends_sending_and_is_said_until_it_arrived() {
    for (sent, finish) in [(0, false), (20, false), (30, false), (30, true)] {
        let mut sending = sending(sent, 30);
        if finish {
            sending.finish();
        }
        let pieces = drain(&mut sending, 20);
        sending.reset(CODE, 0);
        assert_eq!(sending.state(), SendState::ResetSent);
        pieces.iter().for_each(|piece| sending.lost(piece)); // spec: 9000-13.3-a
        assert!(!sending.wants_repair() && !sending.wants_fresh());
        let frame = Outgoing::ResetStream { id: id(), code: CODE, final_size: sent };
        assert_eq!(sending.next_control(id()), Some(frame));
        assert_eq!(sending.next_control(id()), None);
        sending.reset_lost(0);
        sending.reset(CODE + 1, 0);
        assert_eq!(sending.next_control(id()), Some(frame)); // spec: 9000-13.3-b
        sending.reset_acked(0);
        assert_eq!(sending.state(), SendState::ResetReceived);
        sending.reset_lost(0);
        assert_eq!(sending.next_control(id()), None);
    }
}

#[test]
fn a_reset_is_needless_once_all_has_arrived() {
    let mut sending = sending(100, 30);
    sending.finish();
    let pieces = drain(&mut sending, 100);
    sending.reset(CODE, 0);
    sending.acked(&pieces[0]);
    assert_eq!(sending.state(), SendState::DataReceived);
    assert!(!sending.wants_control());
}

#[test]
fn stop_sending_is_answered_with_a_reset_from_every_state_that_sends() {
    let mut ready = sending(0, 0);
    let mut send = sending(100, 30);
    drain(&mut send, 20);
    let mut data_sent = sending(100, 30);
    data_sent.finish();
    drain(&mut data_sent, 20);
    for (sending, final_size) in [(&mut ready, 0), (&mut send, 30), (&mut data_sent, 30)] {
        assert!(sending.stopped(CODE));
        // spec: 9000-3.5-a
        assert_eq!(
            sending.next_control(id()),
            Some(Outgoing::ResetStream { id: id(), code: CODE, final_size })
        );
        assert!(!sending.stopped(CODE));
    }
}

#[test]
fn a_reliable_reset_waits_for_its_bytes_to_leave_and_to_arrive() {
    let mut sending = sending(20, 100);
    let first = drain(&mut sending, 20);
    sending.reset(CODE, 50);
    assert!(!sending.wants_control() || sending.next_control(id()) == Some(blocked(20))); // spec: rsa-4-b
    assert_eq!(sending.next_control(id()), None);
    sending.raise(1_000);
    let second = drain(&mut sending, 100);
    assert_eq!(second, [Piece { id: id(), offset: 20, len: 30, fin: false }]);
    assert_eq!(sending.next_control(id()), Some(reset_at(50, 50)));
    assert_eq!(sending.state(), SendState::DataSent);
    sending.reset_acked(50);
    sending.acked(&first[0]);
    sending.lost(&second[0]);
    assert_eq!(drain(&mut sending, 100), second);
    assert_eq!(sending.state(), SendState::DataSent);
    sending.acked(&second[0]);
    assert_eq!(sending.state(), SendState::DataReceived); // spec: rsa-5.3-a
}

#[test]
fn a_reliable_reset_repeats_only_what_it_promised() {
    let mut sending = sending(100, 100);
    let all = drain(&mut sending, 100);
    sending.reset(CODE, 30);
    assert_eq!(sending.next_control(id()), Some(reset_at(100, 30)));
    sending.lost(&all[0]);
    assert_eq!(drain(&mut sending, 100), [Piece { id: id(), offset: 0, len: 30, fin: false }]); // spec: rsa-5-b
}

#[test]
fn a_promise_can_be_lowered_and_never_raised() {
    let mut sending = sending(100, 100);
    drain(&mut sending, 100);
    sending.reset(CODE, 50);
    assert_eq!(sending.next_control(id()), Some(reset_at(100, 50)));
    sending.reset(CODE + 1, 60);
    assert_eq!(sending.next_control(id()), None); // spec: rsa-5.2-a
    sending.reset(CODE + 1, 20);
    assert_eq!(sending.next_control(id()), Some(reset_at(100, 20))); // spec: rsa-5.2-b
    // The first one does not count any more.
    sending.reset_lost(50);
    assert_eq!(sending.next_control(id()), None);
    sending.reset_lost(20);
    assert_eq!(sending.next_control(id()), Some(reset_at(100, 20)));
    sending.reset(CODE, 0);
    let frame = Outgoing::ResetStream { id: id(), code: CODE, final_size: 100 };
    assert_eq!(sending.next_control(id()), Some(frame));
    assert_eq!(sending.state(), SendState::ResetSent);
}

#[test]
fn only_the_smallest_promise_can_be_kept() {
    let mut sending = sending(100, 100);
    let all = drain(&mut sending, 100);
    for reliable_size in [50, 20] {
        sending.reset(CODE, reliable_size);
        assert_eq!(sending.next_control(id()), Some(reset_at(100, reliable_size)));
    }
    sending.acked(&all[0]);
    sending.reset_acked(50);
    assert_eq!(sending.state(), SendState::DataSent);
    sending.reset_acked(20);
    assert_eq!(sending.state(), SendState::DataReceived); // spec: rsa-5.3-a
}

fn reset_at(final_size: u64, reliable_size: u64) -> Outgoing {
    Outgoing::ResetStreamAt { id: id(), code: CODE, final_size, reliable_size }
}

fn blocked(limit: u64) -> Outgoing {
    Outgoing::StreamDataBlocked { id: id(), limit }
}

#[test]
fn what_was_thrown_away_leaves_anew() {
    let mut sending = sending(100, 30);
    sending.finish();
    let pieces = drain(&mut sending, 20);
    sending.rewind(20);
    assert_eq!(sending.state(), SendState::Ready);
    assert_eq!(drain(&mut sending, 20), pieces[..1]);
    sending.raise(100);
    assert_eq!(drain(&mut sending, 20), pieces[1..]);
}

#[test]
fn a_piece_that_is_not_worth_its_head_waits() {
    let mut sending = sending(100, 100);
    assert_eq!(sending.next_fresh(id(), 18, 100), None);
    assert_eq!(sending.next_fresh(id(), 19, 100).map(|piece| piece.len), Some(16));
    // The rest of it may be as short as it likes.
    let mut short = Sending::new(100);
    short.push(Chunk::Owned(vec![1]), u64::MAX);
    assert_eq!(short.next_fresh(id(), 4, 100).map(|piece| piece.len), Some(1));
}
