use super::*;
use crate::CodePoints;
use crate::Misuse;

const SPLITS: [usize; 5] = [usize::MAX, 1, 7, 100, 16_000];

fn body(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at % 251) as u8).collect()
}

fn collected(log: &[Heard], id: u64) -> Vec<u8> {
    let mut all = Vec::new();
    for heard in log {
        if let Heard::Data(stream, bytes, _) = heard
            && *stream == id
        {
            all.extend_from_slice(bytes);
        }
    }
    all
}

#[test]
fn a_request_meets_its_response_in_any_split() {
    for split in SPLITS {
        let mut pair = Pair { split, ..Pair::default() };
        let stream = pair.get("/a");
        pair.run();
        let asked = Heard::Request(1, Request::get("example.org", "/a"), true);
        assert!(pair.to_server.contains(&asked), "{split}: {:?}", pair.to_server);
        pair.server.respond(stream, &Response::new(103).with("link", "</s>; rel=preload"), false).unwrap();
        pair.server.respond(stream, &Response::new(200).with("content-length", "5"), false).unwrap();
        pair.server.send(stream, Chunk::Owned(b"hello".to_vec()), true).unwrap();
        pair.run();
        assert_eq!(pair.to_client[1], Heard::Informational(1, 103));
        assert_eq!(
            pair.to_client[2],
            Heard::Response(1, Response::new(200).with("content-length", "5"), false)
        );
        assert_eq!(pair.to_client[3..], [Heard::Data(1, b"hello".to_vec(), true), Heard::Finished(1)]);
        assert!(pair.to_server.contains(&Heard::Finished(1)));
        assert!(pair.client.is_idle() && pair.server.is_idle());
    }
}

#[test]
fn bodies_beyond_every_window_cross_both_ways() {
    for split in [usize::MAX, 100, 16_000] {
        let mut pair = Pair { split, ..Pair::default() };
        let long = body(5 << 20);
        let stream = pair.client.request(&Request::new("POST", "example.org", "/up"), false).unwrap();
        pair.client.send(stream, Chunk::Shared(long.clone().into()), true).unwrap();
        pair.run();
        assert!(collected(&pair.to_server, 1) == long);
        pair.server.respond(stream, &Response::new(200), false).unwrap();
        let mut rest = &long[..];
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(pair.server.room(stream)));
            rest = later;
            pair.server.send(stream, Chunk::Owned(now.to_vec()), rest.is_empty()).unwrap();
            pair.run();
        }
        assert!(collected(&pair.to_client, 1) == long);
        assert!(pair.to_server.contains(&Heard::Writable(1)));
        assert!(pair.to_client.contains(&Heard::Finished(1)));
    }
}

#[test]
fn trailers_follow_the_body_both_ways() {
    let trailers: Fields = [("grpc-status", "0")].into_iter().collect();
    let mut pair = Pair::default();
    let stream = pair.client.request(&Request::new("POST", "example.org", "/"), false).unwrap();
    pair.client.send(stream, Chunk::Owned(body(100_000)), false).unwrap();
    pair.client.trailers(stream, &trailers).unwrap();
    pair.run();
    assert!(pair.to_server.contains(&Heard::Trailers(1, trailers.clone())));
    pair.server.respond(stream, &Response::new(200), false).unwrap();
    pair.server.trailers(stream, &trailers).unwrap();
    pair.run();
    assert_eq!(pair.to_client.last(), Some(&Heard::Finished(1)));
    assert!(pair.to_client.contains(&Heard::Trailers(1, trailers)));
}

#[test]
fn a_small_response_leaves_in_one_transmit() {
    let mut pair = Pair::default();
    let stream = pair.get("/");
    pair.run();
    pair.server.respond(stream, &Response::new(200), false).unwrap();
    pair.server.send(stream, Chunk::Owned(b"small".to_vec()), true).unwrap();
    let mut out = [0; 16_384];
    assert!(pair.server.transmit(pair.now, &mut out).is_some());
    assert_eq!(pair.server.transmit(pair.now, &mut out), None);
}

#[test]
fn no_page_under_a_mebibyte_waits_for_credit() {
    let mut pair = Pair { consumes: false, ..Pair::default() };
    let stream = pair.get("/");
    pair.run();
    pair.server.respond(stream, &Response::new(200), false).unwrap();
    pair.server.send(stream, Chunk::Shared(body(1 << 20).into()), true).unwrap();
    pair.run();
    assert_eq!(collected(&pair.to_client, 1).len(), 1 << 20);
}

#[test]
fn a_server_speaks_preload_first_and_a_client_hears_it() {
    let mut pair = Pair::new(Config { preload: true, ..Config::default() }, Config::default());
    pair.server.preload(b"block").unwrap();
    pair.carry(false);
    assert_eq!(pair.to_client, [Heard::Settings, Heard::Preload(b"block".to_vec())]);
    assert!(!pair.server.knows_preload());
    pair.run();
    assert!(pair.server.knows_preload());
    assert_eq!(pair.client.preload(b"block"), Err(Misuse::Role)); // spec: preload-2-d
}

#[test]
fn a_drained_server_serves_what_is_on_its_way_and_no_more() {
    let mut pair = Pair::default();
    let first = pair.get("/1");
    pair.run();
    pair.server.drain(pair.now);
    let second = pair.get("/2");
    pair.run();
    assert_eq!(pair.client.request(&Request::get("example.org", "/3"), true), Err(Misuse::Closing));
    for stream in [first, second] {
        pair.server.respond(stream, &Response::new(204), true).unwrap();
    }
    assert!(!pair.server.is_closed());
    pair.run();
    assert!(pair.server.is_closed() && pair.client.is_closed());
    assert!(pair.to_client.contains(&Heard::GoAway(3, 0)));
    assert!(pair.to_client.contains(&Heard::Finished(3)));
}

#[test]
fn a_client_says_when_it_has_read_all_that_was_sent() {
    let mut pair = Pair::default();
    pair.run();
    assert!(!pair.server.has_caught_up());
    pair.server.ask_catch_up();
    assert!(!pair.server.has_caught_up());
    pair.run();
    assert!(pair.server.has_caught_up());
}

#[test]
fn credit_that_was_never_read_survives_a_reset() {
    let limits = Limits { initial_connection_window_bytes: 65_535, ..Limits::default() };
    let mut pair = Pair::new(Config { limits, ..Config::default() }, Config::default());
    pair.consumes = false;
    for _ in 0..10 {
        let stream = pair.get("/");
        pair.run();
        pair.server.respond(stream, &Response::new(200), false).unwrap();
        pair.server.send(stream, Chunk::Owned(body(200_000)), true).unwrap();
        pair.run();
        assert_eq!(collected(&pair.to_client, stream.0).len(), 65_535);
        pair.client.reset(stream, 8);
        pair.run();
        assert!(pair.to_server.contains(&Heard::Reset(stream.0, 8, false)));
    }
}

#[test]
fn urgent_streams_go_first_and_incremental_ones_take_turns() {
    let mut pair = Pair { split: 1_009, ..Pair::default() };
    let streams: Vec<_> = (0..4).map(|_| pair.get("/")).collect();
    pair.run();
    for stream in &streams {
        pair.server.respond(*stream, &Response::new(200), false).unwrap();
        pair.server.send(*stream, Chunk::Owned(body(3_000)), true).unwrap();
    }
    pair.server.prioritise(streams[0], Priority { urgency: 5, incremental: false });
    pair.server.prioritise(streams[1], Priority { urgency: 3, incremental: true });
    pair.server.prioritise(streams[2], Priority { urgency: 3, incremental: true });
    pair.server.prioritise(streams[3], Priority { urgency: 0, incremental: false });
    pair.run();
    let order: Vec<u64> = pair
        .to_client
        .iter()
        .filter_map(|heard| match heard {
            Heard::Data(stream, ..) => Some(*stream),
            _ => None,
        })
        .collect();
    assert_eq!(order, [7, 3, 5, 3, 5, 3, 5, 1]);
}

#[test]
fn a_client_is_told_that_the_peer_allows_no_more_streams() {
    let limits = Limits { streams: 1, ..Limits::default() };
    let mut pair = Pair::new(Config::default(), Config { limits, ..Config::default() });
    pair.run();
    pair.get("/");
    assert_eq!(pair.client.request(&Request::get("example.org", "/"), true), Err(Misuse::TooManyStreams)); // spec: 9113-5.1.2-b
}

#[test]
fn windows_grow_when_they_are_what_holds_the_peer_back() {
    let mut pair = Pair::default();
    pair.carry(true);
    pair.now += Span::from_millis(50);
    pair.run();
    assert_eq!(pair.client.rtt(), Some(Span::from_millis(50)));
    let before = pair.client.receive.size();
    let stream = pair.get("/");
    pair.run();
    pair.server.respond(stream, &Response::new(200), false).unwrap();
    pair.server.send(stream, Chunk::Shared(body(12 << 20).into()), true).unwrap();
    pair.run();
    assert!(pair.client.receive.size() > 2 * before);
    assert!(pair.client.receive.size() <= Limits::default().connection_window_bytes);
}

#[test]
fn a_client_says_what_is_urgent_and_the_server_follows() {
    let mut pair = Pair { split: 1_009, ..Pair::default() };
    let first = pair.get("/1");
    let asked = Request::get("example.org", "/2").with("priority", "u=2");
    let second = pair.client.request(&asked, true).unwrap();
    let third = pair.get("/3");
    pair.client.prioritise(third, Priority { urgency: 0, incremental: true });
    pair.run();
    for stream in [first, second, third] {
        pair.server.respond(stream, &Response::new(200), false).unwrap();
        pair.server.send(stream, Chunk::Owned(body(3_000)), true).unwrap();
    }
    pair.run();
    let ended = pair.to_client.iter().filter_map(|heard| match heard {
        Heard::Finished(stream) => Some(*stream),
        _ => None,
    });
    assert_eq!(ended.collect::<Vec<_>>(), [5, 3, 1]);
}

#[test]
fn preload_may_go_by_other_numbers_and_the_old_ones_then_mean_nothing() {
    let moved = CodePoints { frame: 0xf1, setting: 0xf1f1 };
    let config = |preload| Config { preload, code_points: moved, ..Config::default() };
    let mut pair = Pair::new(config(true), config(false));
    pair.server.preload(b"block").unwrap();
    pair.run();
    assert!(pair.to_client.contains(&Heard::Preload(b"block".to_vec())));
    assert!(pair.server.knows_preload());
    // A client that kept the old numbers hears an unknown frame, and its setting is unknown too.
    let mut pair = Pair::new(Config { preload: true, ..Config::default() }, config(false));
    pair.server.preload(b"block").unwrap();
    pair.run();
    assert_eq!(pair.to_client, [Heard::Settings]);
    assert!(!pair.server.knows_preload());
}

#[test]
#[should_panic(expected = "another frame or setting")]
fn preload_takes_no_number_that_is_taken() {
    // spec: preload-profile-1-c
    Connection::client(
        Config { code_points: CodePoints { frame: 0, setting: 0xf0f0 }, ..Config::default() },
        ms(1),
    );
}
