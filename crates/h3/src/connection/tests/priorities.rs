//! How soon responses are wanted.

use super::*;

/// What QUIC is told of priorities.
fn ranks(side: &mut Connection) -> Vec<(u64, String)> {
    let rank = |departure| match departure {
        Departure::Prioritize { stream, priority } => Some((stream.0, priority.to_string())),
        _ => None,
    };
    departures(side).into_iter().filter_map(rank).collect()
}

/// GET with `priority: u=1`.
const URGENT: &str = "01 16 0000 d1 d7 c1 50 01 61 27 01 7072696f72697479 03 753d31";

#[test]
fn responses_rank_as_they_are_wanted() {
    // spec: 9218-7-a
    let mut server = server_with(0, Limits::default());
    let update = "80 0f 07 00";
    let begin = format!("00 04 00 {update} 06 08 753d362c69 {update} 04 00 753d34 {update} 04 08 753d35");
    for (stream, bytes) in [(2, &begin[..]), (0, GET), (4, URGENT), (8, URGENT)] {
        server.handle(NOW, StreamId(stream), &hex(bytes), stream != 2, &mut |_| ()).unwrap();
    }
    assert_eq!(ranks(&mut server), [], "nothing has left");
    for stream in [0, 4, 8] {
        server.respond(StreamId(stream), &Response::new(200), false).unwrap();
    }
    let wanted = [(0, "u=4".into()), (4, "u=1".into()), (8, "u=5".into())];
    assert_eq!(ranks(&mut server), wanted, "the last one that came before, or the field");
    for value in ["753d36", "753d33", "753d37"] {
        server
            .handle(NOW, StreamId(2), &hex(&format!("{update} 04 08 {value}")), false, &mut |_| ())
            .unwrap();
    }
    assert_eq!(ranks(&mut server), [(8, "u=7".into())], "once");
    server.send(StreamId(8), Chunk::Owned(vec![1]), true).unwrap();
    departures(&mut server);
    assert_eq!(server.open_streams(), 2);
    server.handle(NOW, StreamId(2), &hex(&format!("{update} 04 08 753d30")), false, &mut |_| ()).unwrap();
    assert_eq!(ranks(&mut server), [(8, "u=0".into())], "QUIC may still have something of it");
}

#[test]
fn a_response_has_the_last_word_on_its_rank() {
    // spec: 9218-8-a
    let mut server = server_with(0, Limits::default());
    server.handle(NOW, StreamId(0), &hex(URGENT), true, &mut |_| ()).unwrap();
    server.respond(StreamId(0), &Response::new(103).with("priority", "u=7"), false).unwrap();
    server.respond(StreamId(0), &Response::new(200).with("priority", "i"), false).unwrap();
    assert_eq!(ranks(&mut server), [(0, "u=1, i".into())]);
    server.prioritise(StreamId(0), Priority::default());
    assert_eq!(ranks(&mut server), [(0, String::new())]);
    server.handle(NOW, StreamId(4), &hex(URGENT), true, &mut |_| ()).unwrap();
    server.respond(StreamId(4), &Response::new(204), true).unwrap();
    assert_eq!(ranks(&mut server), [(4, "u=1".into())], "though it is over");
}

#[test]
fn a_client_says_how_soon() {
    let mut pair = Pair::new();
    let stream = pair.client.request(&Request::get("a", "/").with("priority", "u=0"), false).unwrap();
    assert_eq!(ranks(&mut pair.client), [(0, "u=0".into())]);
    pair.client.prioritise(stream, Priority { urgency: 6, incremental: true });
    let departures = departures(&mut pair.client);
    assert_eq!(bytes_of(&departures, 2).0, hex("80 0f 07 00 07 00 753d362c2069"));
    pair.client.prioritise(StreamId(40), Priority::default());
    assert_eq!(bytes_of(&self::departures(&mut pair.client), 2).0, []);
}

#[test]
fn updates_that_cannot_be_end_the_connection() {
    // spec: 9218-7.2-a
    // spec: 9218-7.2-b
    // spec: 9218-7.2-c
    // spec: 9218-7.2-d
    let (request, push) = ("80 0f 07 00", "80 0f 07 01");
    for (client, bytes, fault) in [
        (false, format!("{request} 01 01"), Fault::PriorityUpdate),
        (false, format!("{request} 01 03"), Fault::PriorityUpdate),
        (false, format!("{request} 00"), Fault::FrameLength),
        (false, format!("{request} 01 40"), Fault::FrameLength),
        (false, format!("{push} 01 00"), Fault::Push),
        (true, format!("{request} 01 00"), Fault::Sender),
        (true, format!("{push} 01 00"), Fault::Sender),
    ] {
        let control = if client { 3 } else { 2 };
        assert_eq!(plays(client, &[(control, &format!("00 04 00 {bytes}"), false)]).1, Err(fault), "{bytes}");
    }
    for kind in [request, push] {
        assert_eq!(plays(false, &[(0, &format!("{kind} 01 00"), false)]).1, Err(Fault::Misplaced));
    }
    let mut server = server_with(0, Limits::default());
    server.allow_peer_requests(2);
    assert_eq!(
        server.handle(NOW, StreamId(2), &hex(&format!("00 04 00 {request} 01 04")), false, &mut |_| ()),
        Ok(())
    );
    let fault = server.handle(NOW, StreamId(2), &hex(&format!("{request} 01 08")), false, &mut |_| ());
    assert_eq!((fault, Fault::PriorityUpdate.code()), (Err(Fault::PriorityUpdate), ErrorCode::IdError));
}

#[test]
fn updates_are_bounded() {
    let limits = Limits { early_priorities: 2, priority_updates_per_10_s: 3, ..Limits::default() };
    let mut server = server_with(0, limits);
    let updates = "00 04 00 800f0700 04 00 753d30 800f0700 04 04 753d31 800f0700 04 08 753d32";
    assert_eq!(server.handle(NOW, StreamId(2), &hex(updates), false, &mut |_| ()), Ok(()));
    for stream in [0, 4, 8] {
        server.handle(NOW, StreamId(stream), &hex(GET), true, &mut |_| ()).unwrap();
        server.respond(StreamId(stream), &Response::new(200), false).unwrap();
    }
    assert_eq!(ranks(&mut server), [(4, "u=1".into()), (8, "u=2".into())]);
    let fault = server.handle(NOW, StreamId(2), &hex("800f0700 01 00"), false, &mut |_| ());
    assert_eq!(fault, Err(Fault::Flood(Flood::PriorityUpdates)));
}
