use super::{Fresh, Received};
use crate::{
    Fault,
    ids::{ConnectionId, Limits, ResetToken},
    paths::PathId,
};

const FIRST: PathId = PathId(0);

fn id(number: u64) -> ConnectionId {
    ConnectionId::new(&number.to_be_bytes()).unwrap()
}

fn token(number: u64) -> ResetToken {
    ResetToken::new(u128::from(number + 1).to_be_bytes())
}

fn fresh(sequence: u64, retire_prior_to: u64) -> Fresh {
    Fresh { sequence, retire_prior_to, id: id(sequence), token: token(sequence) }
}

/// Four ids may be active; eight may be in need of retirement.
fn received() -> Received {
    let limits = Limits { active_ids: 4, retiring_ids: 8, retired_gaps: 3, ..Limits::default() };
    Received::new(id(0), FIRST, &limits)
}

/// Where each range of retired numbers begins and ends.
fn bounds(received: &Received) -> Vec<(u64, u64)> {
    received.retired.iter().map(|range| (range.start, range.end)).collect()
}

/// Sends and acknowledges all that is to be retired.
fn retired(received: &mut Received) -> Vec<u64> {
    let sent: Vec<u64> = core::iter::from_fn(|| received.retirement()).collect();
    sent.iter().for_each(|sequence| received.retirement_acked(*sequence));
    sent
}

#[test]
fn each_path_has_an_id_of_its_own() {
    // spec: 9000-9.5-a
    let mut received = received();
    received.take(&fresh(1, 0)).unwrap();
    received.take(&fresh(2, 0)).unwrap();
    assert_eq!(received.on(FIRST), Some(id(0)));
    assert_eq!(received.of(PathId(1)), None);
    assert_eq!(received.on(PathId(1)), Some(id(1)));
    assert_eq!(received.on(PathId(2)), Some(id(2)));
    assert_eq!(received.on(PathId(3)), None, "nothing is spare");
    assert_eq!(received.on(PathId(1)), Some(id(1)), "it stays");
    assert_eq!(received.of(PathId(2)), Some(id(2)));
}

#[test]
fn a_path_that_is_left_gives_its_id_back_for_good() {
    // spec: 9000-5.1.2-b
    let mut received = received();
    received.take(&fresh(1, 0)).unwrap();
    received.on(PathId(1));
    received.leave(PathId(1)).unwrap();
    assert_eq!(retired(&mut received), [1]);
    assert_eq!(received.on(PathId(1)), None);
    received.take(&fresh(1, 0)).unwrap();
    assert_eq!(received.on(PathId(1)), None, "its frame came again, and it stays retired");
    received.leave(PathId(9)).unwrap();
    assert!(!received.is_due());
}

#[test]
fn more_ids_than_we_hold_are_a_fault() {
    // spec: 9000-5.1.1-d
    let mut received = received();
    let active_ids = 4;
    for sequence in 1..active_ids {
        assert_eq!(received.take(&fresh(sequence, 0)), Ok(()));
    }
    assert_eq!(received.take(&fresh(active_ids, 0)), Err(Fault::TooManyConnectionIds));
}

#[test]
fn retirement_comes_before_the_count() {
    // spec: 9000-5.1.2-a
    let mut received = received();
    (1..4).for_each(|sequence| received.take(&fresh(sequence, 0)).unwrap());
    assert_eq!(received.take(&fresh(4, 1)), Ok(()));
    assert_eq!(retired(&mut received), [0]);
    assert_eq!(received.on(FIRST), Some(id(1)), "it takes another one");
    assert_eq!(received.take(&fresh(5, 5)), Ok(()), "all at once");
    assert_eq!(retired(&mut received), [1, 2, 3, 4]);
    assert_eq!(received.on(FIRST), Some(id(5)));
}

#[test]
fn each_sin_of_new_connection_id() {
    // spec: 9000-19.15-d, 9000-19.15-g, 9000-19.15-h
    let other = |change: &dyn Fn(&mut Fresh)| {
        let mut fresh = fresh(1, 0);
        change(&mut fresh);
        fresh
    };
    for (frame, fault) in [
        (other(&|frame| frame.id = ConnectionId::EMPTY), Fault::ConnectionIdLength),
        (fresh(2, 3), Fault::RetirePriorToAhead),
        (other(&|frame| frame.id = id(7)), Fault::ConnectionIdReused),
        (other(&|frame| frame.token = token(7)), Fault::ConnectionIdReused),
        (other(&|frame| frame.sequence = 2), Fault::ConnectionIdReused),
        (Fresh { id: id(1), ..fresh(2, 0) }, Fault::ConnectionIdReused),
        (Fresh { token: token(1), ..fresh(2, 0) }, Fault::ConnectionIdReused),
        (fresh(0, 0), Fault::ConnectionIdReused),
    ] {
        let mut received = received();
        received.take(&fresh(1, 0)).unwrap();
        assert_eq!(received.take(&frame), Err(fault), "{frame:?}");
    }
}

#[test]
fn a_peer_without_ids_offers_none() {
    // spec: 9000-19.15-a
    let mut received = Received::new(ConnectionId::EMPTY, FIRST, &Limits::default());
    assert!(received.is_empty());
    assert_eq!(received.take(&fresh(1, 0)), Err(Fault::ConnectionIdForNobody));
    assert_eq!(received.prefer(id(1), token(1)), Err(Fault::ConnectionIdForNobody));
    assert_eq!(received.on(PathId(5)), Some(ConnectionId::EMPTY), "the empty one serves all paths");
    received.leave(FIRST).unwrap();
    assert!(!received.is_due(), "and is never retired");
}

#[test]
fn the_same_frame_again_changes_nothing() {
    // spec: 9000-19.15-c
    let mut received = received();
    for _ in 0..100 {
        received.take(&fresh(1, 0)).unwrap();
        received.take(&fresh(2, 1)).unwrap();
    }
    assert_eq!(retired(&mut received), [0]);
    assert_eq!(received.spare(), 2);
    received.take(&fresh(1, 0)).unwrap();
    assert!(!received.is_due());
}

#[test]
fn a_smaller_retire_prior_to_is_of_no_effect() {
    // spec: 9000-19.15-e
    let mut received = received();
    received.take(&fresh(3, 2)).unwrap();
    assert_eq!(retired(&mut received), [0]);
    received.take(&fresh(4, 1)).unwrap();
    received.take(&fresh(1, 0)).unwrap();
    assert_eq!(retired(&mut received), [1], "2 is still the bound");
}

#[test]
fn an_id_that_comes_after_its_end_is_retired_once() {
    // spec: 9000-19.15-f
    let mut received = received();
    received.take(&fresh(5, 5)).unwrap();
    for _ in 0..3 {
        received.take(&fresh(2, 0)).unwrap();
    }
    assert_eq!(retired(&mut received), [0, 2]);
    received.take(&fresh(2, 0)).unwrap();
    assert!(!received.is_due());
    assert_eq!(received.spare(), 1);
}

#[test]
fn retirements_that_nobody_acknowledges_end_the_connection() {
    // spec: 9000-5.1.2-c
    let mut received = received();
    let retiring_ids = 8;
    for sequence in 1..=retiring_ids {
        assert_eq!(received.take(&fresh(sequence, sequence)), Ok(()), "{sequence}");
        received.retirement();
    }
    let last = retiring_ids + 1;
    assert_eq!(received.take(&fresh(last, last)), Err(Fault::TooManyRetirements));
}

#[test]
fn a_peer_that_acknowledges_may_go_on_for_ever() {
    let mut received = received();
    for sequence in 1..10_000 {
        received.take(&fresh(sequence, sequence)).unwrap();
        assert_eq!(retired(&mut received), [sequence - 1]);
        assert_eq!(received.on(FIRST), Some(id(sequence)));
    }
    assert_eq!(bounds(&received), [(0, 9_999)]);
}

#[test]
fn gaps_between_retired_ids_are_bounded() {
    let mut received = received();
    let retired_gaps = 3;
    // Below Retire Prior To the oldest are forgotten, and a late frame is answered twice at worst.
    for sequence in (2..100).step_by(2) {
        received.take(&fresh(sequence, sequence)).unwrap();
        retired(&mut received);
        assert!(received.retired.len() <= retired_gaps + 1);
    }
    // Above it nothing may be forgotten.
    let mut last = Ok(());
    for sequence in (102..).step_by(2).take(20) {
        received.take(&fresh(sequence, 0)).unwrap();
        received.on(PathId(7));
        last = received.leave(PathId(7));
        retired(&mut received);
        if last.is_err() {
            break;
        }
    }
    assert_eq!(last, Err(Fault::TooManyRetirements));
}

#[test]
fn ranges_of_retired_ids_grow_together() {
    let mut received = received();
    for (sequence, ranges) in [
        (5, vec![(5, 6)]),
        (7, vec![(5, 6), (7, 8)]),
        (6, vec![(5, 8)]),
        (3, vec![(3, 4), (5, 8)]),
        (4, vec![(3, 8)]),
        (2, vec![(2, 8)]),
        (8, vec![(2, 9)]),
        (8, vec![(2, 9)]),
    ] {
        received.remember(sequence).unwrap();
        assert_eq!(bounds(&received), ranges, "{sequence}");
    }
}

#[test]
fn a_reset_counts_for_the_ids_that_we_send_to() {
    // spec: 9000-10.3.1-a, 9000-10.3.1-b
    let mut received = received();
    received.set_token(token(0));
    received.take(&fresh(1, 0)).unwrap();
    let reset = |number: u64| [&[0x40; 30][..], token(number).bytes()].concat();
    assert!(received.is_reset(&reset(0)));
    assert!(!received.is_reset(&reset(1)), "nothing was ever sent there");
    received.on(PathId(1));
    assert!(received.is_reset(&reset(1)));
    received.leave(PathId(1)).unwrap();
    assert!(!received.is_reset(&reset(1)), "it is retired");
    assert!(!received.is_reset(&[]) && !received.is_reset(&[0; 1_200]));
    let mut broken = reset(0);
    broken[45] ^= 1;
    assert!(!received.is_reset(&broken));
}

#[test]
fn a_clients_first_id_gives_way_to_the_servers() {
    let mut received = received();
    received.answered(id(70));
    received.answered(id(71));
    assert_eq!(received.on(FIRST), Some(id(71)), "after a Retry comes an Initial");
    received.prefer(id(1), token(1)).unwrap();
    assert_eq!(received.spare(), 1);
}

#[test]
fn a_path_may_change_its_id_where_one_is_spare() {
    let mut received = received();
    assert_eq!(received.change(FIRST), Ok(false));
    received.take(&fresh(1, 0)).unwrap();
    assert_eq!(received.change(FIRST), Ok(true));
    assert_eq!((received.on(FIRST), retired(&mut received)), (Some(id(1)), vec![0]));
}

#[test]
fn a_rebound_path_keeps_its_id() {
    let mut received = received();
    received.take(&fresh(1, 0)).unwrap();
    received.follow(FIRST, PathId(1)).unwrap();
    assert_eq!(received.on(PathId(1)), Some(id(0)));
    assert_eq!(received.on(FIRST), Some(id(1)), "the old address is challenged under another");
    received.follow(PathId(1), FIRST).unwrap();
    assert_eq!(received.on(FIRST), Some(id(0)));
    assert_eq!(retired(&mut received), [1]);
    received.follow(PathId(5), FIRST).unwrap();
    received.follow(FIRST, FIRST).unwrap();
    assert_eq!(received.of(FIRST), Some(id(0)), "a path without an id takes none away");
}

#[test]
fn a_lost_retirement_is_sent_again_until_it_is_acknowledged() {
    let mut received = received();
    received.take(&fresh(1, 1)).unwrap();
    assert_eq!(received.retirement(), Some(0));
    assert_eq!(received.retirement(), None);
    received.retirement_lost(0);
    assert_eq!(received.retirement(), Some(0));
    received.retirement_lost(0);
    received.retirement_acked(0);
    assert_eq!(received.retirement(), None, "it had come after all");
    received.retirement_lost(0);
    assert_eq!(received.retirement(), None);
}

#[test]
fn whatever_a_peer_sends_it_stays_within_bounds() {
    let mut seed = 1_u64;
    let mut draw = move |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let mut faults = Vec::new();
    for _ in 0..2_000 {
        let mut received = received();
        for _ in 0..50 {
            let sequence = if draw(10) == 0 { (1 << 62) - 1 - draw(3) } else { draw(12) };
            let retire_prior_to = if draw(3) == 0 { draw(12) } else { 0 };
            let number = if draw(20) == 0 { draw(12) } else { sequence };
            let frame = Fresh { id: id(number), token: token(number), ..fresh(sequence, retire_prior_to) };
            let path = PathId(draw(4) as u32);
            let done = match draw(6) {
                0 => received.leave(path),
                1 => received.change(path).map(drop),
                2 => received.follow(path, PathId(draw(4) as u32)),
                3 => {
                    received.on(path);
                    Ok(())
                }
                _ => received.take(&frame),
            };
            if let Some(sent) = received.retirement().filter(|_| draw(2) == 0) {
                received.retirement_acked(sent);
            }
            if let Err(fault) = done {
                faults.push(fault);
                break;
            }
            assert!(received.held.len() <= 4);
            assert!(received.due.len() + received.in_flight.len() <= 8);
            assert!(received.retired.len() <= 4);
            assert!(received.held.windows(2).all(|two| two[0].sequence < two[1].sequence));
            assert!(received.held.iter().all(|held| !received.is_retired(held.sequence)));
            assert!(received.held.iter().all(|held| held.sequence >= received.retire_prior_to));
        }
    }
    for fault in [
        Fault::RetirePriorToAhead,
        Fault::ConnectionIdReused,
        Fault::TooManyConnectionIds,
        Fault::TooManyRetirements,
    ] {
        assert!(faults.contains(&fault), "{fault:?} never came");
    }
}
