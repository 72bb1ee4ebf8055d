use super::*;
use sakigake_wire::Instant;

pub(super) const NOW: Instant = Instant::from_nanos(0);
pub(super) const BIDI: Direction = Direction::Bidirectional;
pub(super) const UNI: Direction = Direction::Unidirectional;

/// What a peer grants that does not want to hold anybody up.
pub(super) const GENEROUS: PeerLimits = PeerLimits {
    data: 1 << 30,
    stream_data_bidi_local: 1 << 20,
    stream_data_bidi_remote: 1 << 20,
    stream_data_uni: 1 << 20,
    streams_bidi: 100,
    streams_uni: 100,
};

pub(super) fn client(peer: PeerLimits) -> Streams {
    let mut streams = Streams::new(true, Limits::default());
    streams.grant(peer);
    streams
}

pub(super) fn id(number: u64) -> StreamId {
    StreamId::new(number).unwrap()
}

pub(super) fn bytes(len: usize) -> Chunk {
    Chunk::Owned(vec![7; len])
}

/// All control frames that leave now.
pub(super) fn controls(streams: &mut Streams) -> Vec<Outgoing> {
    core::iter::from_fn(|| streams.next_control(NOW, None, MOST_CONTROL_BYTES)).collect()
}

/// All pieces that leave now, in frames of at most 1,000 bytes.
pub(super) fn pieces(streams: &mut Streams) -> Vec<Piece> {
    core::iter::from_fn(|| streams.next_piece(1_000)).collect()
}

pub(super) fn nothing(heard: Heard<'_>) {
    panic!("{heard:?} was not expected");
}

#[test]
fn streams_are_opened_in_order_and_not_one_beyond_the_limit() {
    let mut streams = client(PeerLimits { streams_bidi: 2, streams_uni: 1, ..GENEROUS });
    assert_eq!((streams.open(BIDI), streams.open(BIDI)), (Some(id(0)), Some(id(4)))); // spec: 9000-2.1-a
    assert!(!streams.may_open(BIDI) && streams.may_open(UNI));
    assert_eq!(streams.open(BIDI), None); // spec: 9000-4.6-a
    assert_eq!(streams.open(UNI), Some(id(2)));
    assert_eq!(streams.open(UNI), None);
    let frames = [
        Outgoing::StreamsBlocked { direction: BIDI, limit: 2 },
        Outgoing::StreamsBlocked { direction: UNI, limit: 1 },
    ];
    assert_eq!(controls(&mut streams), frames);
    // It is said once a limit, unless it was lost.
    assert_eq!(streams.open(BIDI), None);
    assert_eq!(controls(&mut streams), []);
    streams.lost(&frames[0]);
    assert_eq!(controls(&mut streams), frames[..1]);
    let mut may_open = Vec::new();
    streams
        .accept_max_streams(BIDI, 3, &mut |heard| may_open.push(heard == Heard::MayOpen { direction: BIDI }))
        .unwrap();
    assert_eq!(may_open, [true]);
    assert_eq!((streams.open(BIDI), streams.open(BIDI)), (Some(id(8)), None));
}

#[test]
fn the_owners_slips_are_refused() {
    let mut streams = client(GENEROUS);
    let own = streams.open(UNI).unwrap();
    assert_eq!(streams.write(id(0), bytes(1)), Err(Refused::NoStream));
    streams.accept_stream(id(3), 0, b"x", false, &mut |_| {}).unwrap();
    assert_eq!(streams.write(id(3), bytes(1)), Err(Refused::ReceiveOnly));
    assert_eq!(streams.finish(id(3)), Err(Refused::ReceiveOnly));
    streams.finish(own).unwrap();
    assert_eq!(streams.write(own, bytes(1)), Err(Refused::Ended));
    // To read more than came, to stop what is not there, or what only we send, is nothing.
    streams.consume(id(3), 1_000);
    streams.consume(own, 1);
    streams.stop(own, 0);
    streams.stop(id(7), 0);
    streams.prioritize(id(3), Priority { urgency: 0, incremental: true });
}

#[test]
fn a_queue_takes_its_limit_and_not_one_byte_more() {
    let limits = Limits { send_queue_bytes: 100, ..Limits::default() };
    let mut streams = Streams::new(true, limits);
    streams.grant(PeerLimits { data: 500, ..GENEROUS });
    let first = streams.open(BIDI).unwrap();
    streams.write(first, bytes(60)).unwrap();
    assert_eq!(streams.room(first), Ok(40));
    assert_eq!(streams.write(first, bytes(41)), Err(Refused::Full));
    streams.write(first, bytes(40)).unwrap();
    assert_eq!(streams.room(first), Err(Refused::Full));
    assert_eq!(streams.next_writable(), None);
    assert_eq!(pieces(&mut streams).len(), 1);
    assert_eq!((streams.next_writable(), streams.next_writable()), (Some(first), None));
    // Nothing waits: a chunk is taken whatever its length.
    streams.write(first, bytes(1_000)).unwrap();
    assert_eq!(streams.write(first, bytes(1)), Err(Refused::Full));
}

#[test]
fn streams_that_ended_both_ways_are_gone() {
    let mut streams = client(GENEROUS);
    let both = streams.open(BIDI).unwrap();
    streams.write(both, bytes(10)).unwrap();
    streams.finish(both).unwrap();
    let piece = pieces(&mut streams)[0];
    let mut delivered = 0;
    streams.acked(&Outgoing::Stream(piece), &mut |heard| {
        delivered += u32::from(heard == Heard::Delivered { id: both })
    });
    assert_eq!((delivered, streams.len()), (1, 1));
    streams.accept_stream(both, 0, b"answer", true, &mut |_| {}).unwrap();
    assert_eq!(streams.len(), 1); // It was not read.
    streams.consume(both, 6);
    assert!(streams.is_empty());
    // Whatever comes late means nothing.
    streams.accept_stream(both, 0, b"answer", true, &mut nothing).unwrap();
    streams.accept_reset_stream(both, 1, 6, &mut nothing).unwrap();
    streams.accept_max_stream_data(both, 1 << 40, &mut nothing).unwrap();
    streams.accept_stop_sending(both, 1, &mut nothing).unwrap();
    streams.acked(&Outgoing::Stream(piece), &mut nothing);
    streams.lost(&Outgoing::Stream(piece));
    assert!(!streams.wants_to_send());
}

#[test]
fn rejected_early_data_leaves_anew_within_the_new_limits() {
    let mut streams = client(GENEROUS);
    let first = streams.open(BIDI).unwrap();
    streams.write(first, bytes(500)).unwrap();
    let early = pieces(&mut streams);
    streams.restart(PeerLimits { data: 300, stream_data_bidi_remote: 200, ..GENEROUS });
    let lens: Vec<u64> = pieces(&mut streams).iter().map(|piece| piece.len).collect();
    assert_eq!(lens, [200]);
    streams.accept_max_stream_data(first, 1_000, &mut nothing).unwrap();
    assert_eq!(pieces(&mut streams).iter().map(|piece| piece.len).collect::<Vec<_>>(), [100]);
    streams.accept_max_data(1_000);
    assert_eq!(pieces(&mut streams).iter().map(|piece| piece.len).sum::<u64>() + 300, early[0].len);
}

#[test]
fn a_peer_that_grants_late_gets_everything_then() {
    let mut streams = client(PeerLimits { streams_bidi: 1, ..PeerLimits::default() });
    let first = streams.open(BIDI).unwrap();
    streams.write(first, bytes(5)).unwrap();
    assert_eq!(pieces(&mut streams), []);
    streams.grant(GENEROUS);
    assert_eq!(pieces(&mut streams), [Piece { id: first, offset: 0, len: 5, fin: false }]);
}

#[test]
fn what_was_granted_is_not_taken_back() {
    let mut streams = client(PeerLimits { data: 10, ..GENEROUS });
    let first = streams.open(BIDI).unwrap();
    streams.write(first, bytes(20)).unwrap();
    streams.grant(PeerLimits::default());
    assert!(streams.may_open(BIDI) && streams.may_open(UNI));
    assert_eq!(pieces(&mut streams), [Piece { id: first, offset: 0, len: 10, fin: false }]);
}
