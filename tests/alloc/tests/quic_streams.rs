//! What QUIC's streams allocate: nothing while data comes and goes in order, and next to nothing while they wait.

use sakigake_alloc::{during, is_counting};
use sakigake_quic::streams::{
    Chunk, Direction, Heard, Limits, MOST_CONTROL_BYTES, Outgoing, PeerLimits, StreamId, Streams,
};
use sakigake_wire::{Instant, Span};
use std::sync::Arc;

/// What the streams of a connection may hold beside themselves when all of them are over, queues' places included.
const IDLE_BYTES: i64 = 512;

/// A client and a server that grant each other what their limits say.
fn pair() -> (Streams, Streams) {
    let limits = Limits::default();
    let peer = PeerLimits {
        data: limits.initial_connection_window_bytes,
        stream_data_bidi_local: limits.initial_stream_window_bytes,
        stream_data_bidi_remote: limits.initial_stream_window_bytes,
        stream_data_uni: limits.initial_stream_window_bytes,
        streams_bidi: limits.bidirectional_streams,
        streams_uni: limits.unidirectional_streams,
    };
    let ends = [true, false].map(|is_client| {
        let mut streams = Streams::new(is_client, limits.clone());
        streams.grant(peer);
        streams
    });
    let [client, server] = ends;
    (client, server)
}

/// Everything that the client has to say goes to the server, which reads it and gives credit; all arrives at once.
fn carry(client: &mut Streams, server: &mut Streams, now: Instant) -> u64 {
    let rtt = Some(Span::from_millis(10));
    let (mut packet, mut carried) = ([0; 1_200], 0);
    while let Some(piece) = client.next_piece(packet.len()) {
        let bytes = &mut packet[..piece.len as usize];
        assert!(client.fill(&piece, bytes));
        let mut read = 0;
        let hear = &mut |heard: Heard<'_>| {
            if let Heard::Data { bytes, .. } = heard {
                read += bytes.len() as u64;
            }
        };
        server.accept_stream(piece.id, piece.offset, bytes, piece.fin, hear).unwrap();
        server.consume(piece.id, read);
        carried += read;
        client.acked(&Outgoing::Stream(piece), &mut |_| {});
        while let Some(frame) = server.next_control(now, rtt, MOST_CONTROL_BYTES) {
            match frame {
                Outgoing::MaxData { limit } => client.accept_max_data(limit),
                Outgoing::MaxStreamData { id, limit } => {
                    client.accept_max_stream_data(id, limit, &mut |_| {}).unwrap();
                }
                Outgoing::MaxStreams { direction, limit } => {
                    client.accept_max_streams(direction, limit, &mut |_| {}).unwrap();
                }
                other => panic!("{other:?}"),
            }
            server.acked(&frame, &mut |_| {});
        }
    }
    carried
}

#[test]
fn data_in_order_costs_no_allocation() {
    if !is_counting() {
        return;
    }
    let (mut client, mut server) = pair();
    let chunk: Arc<[u8]> = vec![7; 100_000].into();
    let ids: Vec<StreamId> = (0..4).map(|_| client.open(Direction::Bidirectional).unwrap()).collect();
    let mut round = |n: u64| {
        for id in &ids {
            client.write(*id, Chunk::Shared(chunk.clone())).unwrap();
        }
        carry(&mut client, &mut server, Instant::from_nanos(n * 1_000_000))
    };
    assert_eq!((0..10).map(&mut round).sum::<u64>(), 4_000_000);
    let (carried, allocated) = during(|| (10..200).map(&mut round).sum::<u64>());
    assert_eq!(carried, 76_000_000);
    assert_eq!(allocated.calls, 0, "{allocated:?}");
}

#[test]
fn streams_that_are_over_leave_nothing() {
    if !is_counting() {
        return;
    }
    let (mut client, mut server) = pair();
    let ((), allocated) = during(|| {
        for n in 0..1_000 {
            let id = client.open(Direction::Unidirectional).expect("the server makes room");
            client.write(id, Chunk::Owned(vec![7; 2_000])).unwrap();
            client.finish(id).unwrap();
            assert_eq!(carry(&mut client, &mut server, Instant::from_nanos(n * 1_000_000)), 2_000);
        }
    });
    assert!(client.is_empty() && server.is_empty());
    assert!(allocated.held_bytes <= IDLE_BYTES, "{allocated:?}");
    println!("{} bytes and {} beside", size_of::<Streams>(), allocated.held_bytes);
}
