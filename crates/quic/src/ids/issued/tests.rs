use super::{Announced, Issued};
use crate::{
    Fault,
    ids::{ConnectionId, Limits},
};

fn id(byte: u8) -> ConnectionId {
    ConnectionId::new(&[byte; 8]).unwrap()
}

/// Issues all that is wanted, and gives what is announced.
fn fill(issued: &mut Issued, first: u8) -> Vec<Announced> {
    let mut byte = first;
    while issued.wanted() > 0 {
        assert!(issued.issue(id(byte)));
        byte += 1;
    }
    core::iter::from_fn(|| issued.announce()).collect()
}

fn issued(limit: u64) -> Issued {
    let mut issued = Issued::new(id(0), &Limits::default());
    issued.allow(limit);
    issued
}

#[test]
fn ids_are_numbered_one_by_one() {
    // spec: 9000-5.1.1-a
    let mut issued = issued(4);
    let announced = fill(&mut issued, 1);
    let expected = [1, 2, 3].map(|n| Announced { sequence: n, retire_prior_to: 0, id: id(n as u8) });
    assert_eq!(announced, expected);
    assert!(!issued.is_due());
}

#[test]
fn a_peer_gets_no_more_than_it_holds_and_no_more_than_we_give() {
    // spec: 9000-5.1.1-b
    let issued_ids = Limits::default().issued_ids;
    for (limit, wanted) in [(2, 1), (3, 2), (4, 3), (5, issued_ids - 1), (u64::MAX, issued_ids - 1)] {
        let mut issued = issued(limit);
        assert_eq!(issued.wanted(), wanted, "{limit}");
        fill(&mut issued, 1);
        assert!(!issued.issue(id(99)), "{limit}");
        assert_eq!(issued.ids().count(), wanted + 1);
    }
    assert_eq!(Issued::new(id(0), &Limits::default()).wanted(), 0, "nobody knows yet what the peer holds");
}

#[test]
fn the_preferred_addresss_id_is_the_second() {
    let mut issued = Issued::new(id(0), &Limits::default());
    issued.prefer(id(1));
    issued.allow(2);
    assert_eq!((issued.wanted(), issued.announce()), (0, None), "it went with the parameters");
    assert!(issued.is_active(&id(1)));
    assert_eq!(issued.retire(1, &id(0)), Ok(Some(id(1))));
    assert_eq!(fill(&mut issued, 2)[0].sequence, 2);
}

#[test]
fn what_was_issued_is_good_until_it_is_retired() {
    // spec: 9000-5.1.1-c
    let mut issued = issued(3);
    fill(&mut issued, 1);
    assert!((0..3).all(|byte| issued.is_active(&id(byte))));
    assert_eq!(issued.retire(0, &id(1)), Ok(Some(id(0))));
    assert!(!issued.is_active(&id(0)) && issued.is_active(&id(1)));
    assert_eq!(issued.retire(0, &id(1)), Ok(None), "the frame came twice");
    assert_eq!(issued.wanted(), 1, "another one in its place");
    assert_eq!(fill(&mut issued, 3)[0].sequence, 3);
}

#[test]
fn each_sin_of_retire_connection_id() {
    // spec: 9000-19.16-a, 9000-19.16-b
    let mut issued = issued(3);
    fill(&mut issued, 1);
    assert_eq!(issued.retire(3, &id(0)), Err(Fault::RetiredUnissuedId));
    assert_eq!(issued.retire(u64::MAX, &id(0)), Err(Fault::RetiredUnissuedId));
    assert_eq!(issued.retire(1, &id(1)), Err(Fault::RetiredIdInUse));
}

#[test]
fn who_goes_without_ids_issues_none_and_has_none_retired() {
    // spec: 9000-19.16-c, 9000-19.15-b
    let mut issued = Issued::new(ConnectionId::EMPTY, &Limits::default());
    issued.allow(8);
    assert_eq!(issued.wanted(), 0);
    assert!(!issued.issue(id(1)) && !issued.replace_all());
    assert_eq!(issued.retire(0, &ConnectionId::EMPTY), Err(Fault::RetiredNobodysId));
}

#[test]
fn a_lost_announcement_is_sent_again_unless_its_id_is_over() {
    let mut issued = issued(3);
    let first = fill(&mut issued, 1)[0];
    issued.lost(1);
    assert!(issued.is_due());
    assert_eq!((issued.announce(), issued.announce()), (Some(first), None));
    issued.retire(1, &id(0)).unwrap();
    issued.lost(1);
    assert_eq!(issued.announce(), None);
}

#[test]
fn all_can_be_replaced_at_once_but_not_twice_at_a_time() {
    // spec: 9000-5.1.2-d
    let mut issued = issued(3);
    fill(&mut issued, 1);
    assert!(issued.replace_all());
    let announced = fill(&mut issued, 3);
    let numbers: Vec<_> = announced.iter().map(|new| (new.sequence, new.retire_prior_to)).collect();
    assert_eq!(numbers, [(3, 3), (4, 3), (5, 3)]);
    assert!(issued.is_active(&id(0)), "until the peer has retired it");
    for sequence in 0..3 {
        assert!(!issued.replace_all(), "{sequence}");
        issued.retire(sequence, &id(3)).unwrap();
    }
    assert!(issued.replace_all());
}

#[test]
fn what_is_sent_again_is_what_was_sent_before() {
    let mut issued = issued(3);
    fill(&mut issued, 1);
    issued.lost(1);
    issued.replace_all();
    let again = issued.announce().unwrap();
    assert_eq!((again.sequence, again.retire_prior_to), (1, 0));
}

#[test]
fn an_id_is_issued_once() {
    let mut issued = issued(4);
    assert!(issued.issue(id(1)));
    assert!(!issued.issue(id(1)) && !issued.issue(id(0)) && !issued.issue(ConnectionId::EMPTY));
}

#[test]
fn the_first_packet_to_an_id_is_noticed() {
    let mut issued = issued(2);
    fill(&mut issued, 1);
    assert!(issued.arrive(&id(1)));
    assert!(!issued.arrive(&id(1)));
    assert!(!issued.arrive(&id(77)), "it is none of ours");
}
