use super::*;
use crate::{Config, Departure, Limits, rules::ErrorCode};
use sakigake_semantics::{Chunk, Event, Response, StreamId};
use std::sync::Arc;

const START: Instant = Instant::from_nanos(1);
/// `GET https://a/` behind HEADERS' head.
const GET: [u8; 10] = [0x01, 0x08, 0, 0, 0xd1, 0xd7, 0xc1, 0x50, 0x01, 0x61];

fn server() -> Connection {
    let limits = Limits { header_block_ms: 100, stall_ms: 1_000, stall_bytes: 50, ..Limits::default() };
    Connection::server(Arc::new(Config { limits, ..Config::default() }))
}

fn at(ms: u64) -> Instant {
    START + Span::from_millis(ms)
}

fn hear(server: &mut Connection, ms: u64, stream: u64, bytes: &[u8]) {
    server.handle(at(ms), StreamId(stream), bytes, false, &mut |_| ()).unwrap();
}

/// The streams that are reset, and those of which somebody hears.
fn given_up(server: &mut Connection, ms: u64) -> (Vec<u64>, Vec<u64>) {
    let mut reset = Vec::new();
    while let Some(departure) = server.depart(at(ms), &mut |_| 0) {
        if let Departure::Stop { stream, code } | Departure::Reset { stream, code } = departure {
            assert_eq!(code, ErrorCode::ExcessiveLoad.wire());
            reset.push(stream.0);
        }
    }
    reset.dedup();
    let mut told = Vec::new();
    server.tell(&mut |event| match event {
        Event::Reset { stream, .. } => told.push(stream.0),
        other => panic!("{other:?}"),
    });
    (reset, told)
}

#[test]
fn a_request_that_does_not_get_whole_is_given_up() {
    let mut server = server();
    hear(&mut server, 0, 0, &GET[..5]);
    hear(&mut server, 40, 4, &GET);
    // A section that waits for an entry that does not come.
    hear(&mut server, 60, 8, &[0x01, 0x09, 2, 0, 0xd1, 0xd7, 0xc1, 0x50, 0x01, 0x61, 0x80]);
    assert_eq!(server.deadline(), Some(at(100)));
    server.expire(at(99));
    hear(&mut server, 99, 0, &GET[5..6]);
    assert_eq!(given_up(&mut server, 99), (vec![], vec![]));
    server.expire(at(100));
    assert_eq!((given_up(&mut server, 100), server.deadline()), ((vec![0], vec![]), Some(at(160))));
    server.expire(at(160));
    assert_eq!((given_up(&mut server, 160), server.deadline()), ((vec![8], vec![]), None));
    assert_eq!(server.open_streams(), 1, "the one that is there");
}

#[test]
fn who_takes_nothing_gets_nothing() {
    let mut server = server();
    for stream in [0, 4, 8] {
        hear(&mut server, 0, stream, &GET);
        if stream < 8 {
            server.respond(StreamId(stream), &Response::new(200), false).unwrap();
            server.send(StreamId(stream), Chunk::Owned(vec![1; 2_000]), true).unwrap();
        }
    }
    let mut turn = |ms: u64, room: u64| while server.depart(at(ms), &mut |_| room).is_some() {};
    turn(0, 1_000);
    // Room that grows, too little of it first.
    turn(500, 1_049);
    turn(600, 1_050);
    let mut server = server;
    assert_eq!(server.deadline(), Some(at(1_600)));
    server.expire(at(1_599));
    assert_eq!(server.open_streams(), 3);
    // One of them goes on, so nobody is given up.
    let mut next = |stream: StreamId| if stream.0 == 4 { 2_000 } else { 0 };
    while server.depart(at(1_599), &mut next).is_some() {}
    assert_eq!((server.has_sent_end(StreamId(4)), server.deadline()), (true, Some(at(2_599))));
    server.expire(at(2_599));
    assert_eq!((given_up(&mut server, 2_599), server.deadline()), ((vec![0], vec![0]), None));
    assert_eq!(server.open_streams(), 2, "who has nothing to take waits for nothing");
}

#[test]
fn what_has_left_for_a_peer_that_gives_no_credit_is_given_up() {
    let mut server = server();
    for stream in [0, 4, 8, 12] {
        server.handle(at(0), StreamId(stream), &GET, true, &mut |_| ()).unwrap();
        server.respond(StreamId(stream), &Response::new(200), false).unwrap();
        server.send(StreamId(stream), Chunk::Owned(vec![1; 10]), stream != 12).unwrap();
    }
    while server.depart(at(0), &mut |_| 1_000).is_some() {}
    server.tell(&mut |_| ()); // Three of them are over here.
    let blocked = |streams: &[(u64, u64)]| {
        streams.iter().map(|(id, left)| (StreamId(*id), *left)).collect::<Vec<_>>().into_iter()
    };
    // Stream 3 is ours, and no request's.
    assert!(server.wants_blocked(at(0)));
    server.blocked(at(0), blocked(&[(0, 5), (3, 0), (4, 5), (12, 5)]));
    assert!(!server.wants_blocked(at(999)));
    assert_eq!(server.deadline(), Some(at(1_000)));
    assert!(server.wants_blocked(at(1_000)));
    // One takes something, another is blocked only now, and the end of one has not been said.
    server.blocked(at(1_000), blocked(&[(0, 54), (3, 0), (4, 55), (8, 5), (12, 5)]));
    assert_eq!(given_up(&mut server, 1_000), (vec![0, 12], vec![12]));
    assert_eq!(server.deadline(), Some(at(2_000)));
    server.blocked(at(2_000), blocked(&[(4, 105)]));
    assert_eq!(given_up(&mut server, 2_000), (vec![], vec![]));
    server.blocked(at(3_000), blocked(&[]));
    assert_eq!((server.deadline(), server.wants_blocked(at(3_001))), (None, false));
}
