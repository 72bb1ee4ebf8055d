use crate::streams::tests::{BIDI, GENEROUS, bytes, client, controls, nothing, pieces};
use crate::streams::{Outgoing, PeerLimits, Piece, Priority, StreamId, Streams};

/// A client with streams of these priorities, 2,000 bytes on each.
fn busy(priorities: &[(u8, bool)]) -> (Streams, Vec<StreamId>) {
    let mut streams = client(GENEROUS);
    let open = |(urgency, incremental): &(u8, bool)| {
        let id = streams.open(BIDI).unwrap();
        streams.prioritize(id, Priority { urgency: *urgency, incremental: *incremental });
        streams.write(id, bytes(2_000)).unwrap();
        id
    };
    let ids = priorities.iter().map(open).collect();
    (streams, ids)
}

/// The indexes of the streams whose pieces leave.
fn order(streams: &mut Streams) -> Vec<u64> {
    pieces(streams).iter().map(|piece| piece.id.index()).collect()
}

#[test]
fn urgency_goes_first_then_age_then_turns() {
    let (mut streams, _) = busy(&[(3, true), (3, true), (5, false), (3, false), (0, false), (0, true)]);
    // Each takes three frames of at most 1,000 bytes.
    assert_eq!(order(&mut streams), [4, 4, 4, 5, 5, 5, 3, 3, 3, 0, 1, 0, 1, 0, 1, 2, 2, 2]);
}

#[test]
fn a_priority_may_change_on_the_way() {
    let (mut streams, ids) = busy(&[(3, false), (3, false), (3, false)]);
    assert_eq!(streams.next_piece(1_000).unwrap().id, ids[0]);
    streams.prioritize(ids[2], Priority { urgency: 1, incremental: false });
    streams.prioritize(ids[0], Priority { urgency: 7, incremental: false });
    assert_eq!(order(&mut streams), [2, 2, 2, 1, 1, 1, 0, 0]);
}

#[test]
fn what_was_lost_leaves_first_and_costs_no_credit() {
    let mut streams = client(PeerLimits { data: 1_500, ..GENEROUS });
    let id = streams.open(BIDI).unwrap();
    streams.write(id, bytes(2_000)).unwrap();
    let first = pieces(&mut streams);
    assert_eq!(first.iter().map(|piece| piece.len).sum::<u64>(), 1_500); // spec: 9000-4.1-a
    assert_eq!(controls(&mut streams), [Outgoing::DataBlocked { limit: 1_500 }]);
    streams.lost(&Outgoing::DataBlocked { limit: 1_500 });
    assert_eq!(controls(&mut streams), [Outgoing::DataBlocked { limit: 1_500 }]);
    streams.lost(&Outgoing::Stream(first[0]));
    assert_eq!(pieces(&mut streams), first[..1]);
    streams.lost(&Outgoing::Stream(first[0]));
    streams.accept_max_data(3_000);
    let rest = pieces(&mut streams);
    assert_eq!(rest, [first[0], Piece { id, offset: 1_500, len: 500, fin: false }]);
    assert!(!streams.wants_to_send());
}

#[test]
fn lost_neighbours_leave_as_one() {
    let mut streams = client(GENEROUS);
    let id = streams.open(BIDI).unwrap();
    streams.write(id, bytes(300)).unwrap();
    streams.finish(id).unwrap();
    let small: Vec<Piece> = core::iter::from_fn(|| streams.next_piece(60)).collect();
    assert!(small.len() > 5);
    small.iter().rev().for_each(|piece| streams.lost(&Outgoing::Stream(*piece)));
    assert_eq!(pieces(&mut streams), [Piece { id, offset: 0, len: 300, fin: true }]);
}

#[test]
fn the_same_bytes_are_copied_again() {
    let mut streams = client(GENEROUS);
    let id = streams.open(BIDI).unwrap();
    let data: Vec<u8> = (0..=255).cycle().take(2_500).collect();
    for chunk in data.chunks(700) {
        streams.write(id, crate::streams::Chunk::Shared(chunk.into())).unwrap();
    }
    let all = pieces(&mut streams);
    streams.lost(&Outgoing::Stream(all[1]));
    let again = pieces(&mut streams);
    assert_eq!(again, all[1..2]);
    for piece in all.iter().chain(&again) {
        let mut out = vec![0; piece.len as usize];
        assert!(streams.fill(piece, &mut out));
        assert_eq!(out, data[piece.offset as usize..][..piece.len as usize]);
    }
    all.iter().for_each(|piece| streams.acked(&Outgoing::Stream(*piece), &mut nothing));
    assert!(!streams.fill(&all[0], &mut [0; 1]));
}

#[test]
fn no_frame_is_named_for_which_there_is_no_room() {
    let mut streams = client(PeerLimits { data: 10, ..GENEROUS });
    let id = streams.open(BIDI).unwrap();
    streams.write(id, bytes(20)).unwrap();
    for room in 0..5 {
        assert_eq!(streams.next_piece(room), None);
    }
    assert!(streams.next_piece(100).is_some());
    assert_eq!(streams.next_control(crate::streams::tests::NOW, None, 32), None);
    assert!(streams.wants_to_send());
    assert!(streams.next_control(crate::streams::tests::NOW, None, 33).is_some());
}

#[test]
fn who_is_held_up_can_say_so_again() {
    let mut streams = client(PeerLimits { data: 15, stream_data_bidi_remote: 10, ..GENEROUS });
    for _ in 0..2 {
        let id = streams.open(BIDI).unwrap();
        streams.write(id, bytes(20)).unwrap();
    }
    pieces(&mut streams);
    let said = controls(&mut streams);
    assert_eq!(said.len(), 2, "{said:?}");
    assert_eq!(controls(&mut streams), []);
    streams.remind();
    assert_eq!(controls(&mut streams), said);
}
