use super::*;
use sakigake_h2::{Config, Connection};
use sakigake_semantics::{Chunk, Request, Response};

/// A server of which so many streams were asked for, whose responses have begun and have no body yet.
fn begun(count: usize) -> (Connection, Vec<StreamId>, usize) {
    let (now, config) = (Instant::from_nanos(0), Config::default());
    let queue_bytes = config.limits.send_queue_bytes;
    let (mut client, mut server) = (Connection::client(config.clone(), now), Connection::server(config, now));
    let ask = |client: &mut Connection| client.request(&Request::get("a.test", "/"), true).expect("few");
    let streams: Vec<StreamId> = (0..count).map(|_| ask(&mut client)).collect();
    let mut buffer = vec![0; 16_384];
    while let Some(len) = client.transmit(now, &mut buffer) {
        server.handle(now, &buffer[..len], &mut |_| {}).expect("as it should be");
    }
    for stream in &streams {
        server.respond(*stream, &Response::new(200), false).expect("it was asked for");
    }
    (server, streams, queue_bytes)
}

fn queue(http: &mut Connection, stream: StreamId, bytes: usize) {
    http.send(stream, Chunk::Owned(vec![0; bytes]), false).expect("nothing is queued there");
}

#[test]
fn what_goes_first_has_a_turns_worth_queued_until_a_connection_holds_so_much() {
    // Of the same urgency, who was asked for first goes first; and all of it could leave.
    for (beyond, expected) in [(0, TURN_BYTES), (1, REFILL_BYTES)] {
        let (mut http, streams, queue_bytes) = begun(3);
        let most = URGENT_BYTES + streams.len() * REFILL_BYTES;
        queue(&mut http, streams[2], most - 1 + beyond);
        assert_eq!(room(streams[0], &http, queue_bytes), expected, "{beyond} beyond");
        // Who comes behind all that gets what everybody gets.
        queue(&mut http, streams[0], 1);
        assert_eq!(room(streams[1], &http, queue_bytes), REFILL_BYTES);
    }
}

#[test]
fn one_stream_after_another_that_goes_first_is_no_way_to_memory() {
    let (mut http, streams, queue_bytes) = begun(100);
    for stream in streams.iter().rev() {
        let room = room(*stream, &http, queue_bytes);
        assert!(room >= REFILL_BYTES);
        queue(&mut http, *stream, room);
    }
    // One refill each is everybody's.
    let most = URGENT_BYTES + streams.len() * REFILL_BYTES + TURN_BYTES;
    assert!(http.held_bytes() < most + streams.len() * REFILL_BYTES, "{}", http.held_bytes());
}
