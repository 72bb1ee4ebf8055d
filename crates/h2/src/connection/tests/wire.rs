//! What our ends say, frame by frame.

use super::raw::*;
use super::*;
use crate::Misuse;
use crate::frame::FrameHead;
use crate::rules::{self, MAX_31_BITS, flag, kind};

const END: u8 = flag::END_STREAM | flag::END_HEADERS;
const OPEN: u8 = flag::END_HEADERS;

fn kinds(connection: &mut Connection) -> Vec<u8> {
    spoken(connection).iter().map(|(head, _)| head.kind).collect()
}

fn data_bytes(connection: &mut Connection) -> u32 {
    let data = spoken(connection).into_iter().filter(|(head, _)| head.kind == kind::DATA);
    data.map(|(head, _)| head.length).sum()
}

#[test]
fn a_client_begins_with_preface_settings_and_credit() {
    let mut client = Connection::client(Config::default(), ms(1));
    let mut out = [0; 200];
    let len = client.transmit(ms(1), &mut out).expect("a client speaks first");
    assert_eq!(out[..24], *b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"); // spec: 9113-3.4-a
    assert_eq!(out[24..33], [0, 0, 24, 4, 0, 0, 0, 0, 0]);
    // 2 MiB in all.
    assert_eq!(out[len - 13..len], [0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 31, 0, 1]); // spec: preload-profile-5-d
}

#[test]
fn a_server_says_settings_then_preload_and_then_credit() {
    let mut server = Connection::server(Config::default(), ms(1));
    server.preload(b"block").unwrap();
    let mut out = [0; 200];
    let len = server.transmit(ms(1), &mut out).expect("a server speaks first");
    assert_eq!(out[3], kind::SETTINGS);
    assert_eq!(out[len - 14..len], *b"\0\0\x05\xf0\0\0\0\0\0block"); // spec: preload-2-e preload-profile-1-a
    let hello = [&rules::PREFACE[..], &frame(kind::SETTINGS, 0, 0, &[])].concat();
    server.handle(ms(1), &hello, &mut |_| {}).unwrap();
    assert_eq!(kinds(&mut server), [kind::SETTINGS, kind::WINDOW_UPDATE]);
    assert_eq!(server.preload(&[0; 16_385]), Err(Misuse::TooLarge));
}

#[test]
fn a_fault_says_goaway_with_the_last_stream_that_counted() {
    let mut server = raw_server(Limits::default());
    let bytes = [frame(kind::HEADERS, END, 5, GET), frame(kind::PING, 0, 5, &[0; 8])].concat();
    server.handle(ms(2), &bytes, &mut |_| {}).unwrap_err();
    let said = spoken(&mut server);
    assert_eq!(said[0].1, [0, 0, 0, 5, 0, 0, 0, 1]); // spec: 9113-5.4.1-a
    assert_eq!(server.handle(ms(2), &bytes, &mut |_| panic!("it is over")), Ok(()));
    assert_eq!(server.deadline(), None);
}

#[test]
fn a_stream_fault_says_rst_stream_and_the_connection_lives() {
    let mut server = raw_server(Limits::default());
    assert_eq!(feed(&mut server, &frame(kind::HEADERS, END, 1, &[0x82])), (Answer::Rst(1, 1), None)); // spec: 9113-5.4.2-a
    assert_eq!(feed(&mut server, &frame(kind::HEADERS, END, 3, GET)), (Answer::Nothing, None)); // spec: 9113-5.2.2-a
}

#[test]
fn a_server_drains_in_two_steps() {
    let mut server = raw_server(Limits::default());
    feed(&mut server, &frame(kind::HEADERS, END, 1, GET));
    server.drain(ms(2));
    let said = spoken(&mut server);
    assert_eq!(said[0].1[..4], MAX_31_BITS.to_be_bytes()); // spec: 9113-6.8-b
    let (head, payload) = &said[1];
    assert_eq!(head.kind, kind::PING);
    // A request that was on its way, then the echo.
    let late = [frame(kind::HEADERS, END, 3, GET), frame(kind::PING, flag::ACK, 0, payload)].concat();
    feed(&mut server, &late);
    let refused = feed(&mut server, &frame(kind::HEADERS, END, 5, GET)).0;
    assert_eq!(refused, Answer::Rst(5, 7));
    for id in [1, 3] {
        server.respond(StreamId(id), &Response::new(204), true).unwrap();
    }
    spoken(&mut server);
    assert!(server.is_closed());
}

#[test]
fn a_client_hears_which_requests_were_not_acted_on() {
    let mut client = raw_client(Limits::default());
    for _ in 0..3 {
        client.request(&Request::get("a", "/"), true).unwrap();
    }
    let mut log = Vec::new();
    client
        .handle(ms(2), &frame(kind::GOAWAY, 0, 0, &[0, 0, 0, 3, 0, 0, 0, 0]), &mut listen(&mut log))
        .unwrap();
    assert_eq!(log, [Heard::GoAway(3, 0), Heard::Reset(5, 7, true)]);
    assert_eq!(client.request(&Request::get("a", "/"), true), Err(Misuse::Closing)); // spec: 9113-6.8-c
    client.handle(ms(2), &frame(kind::RST_STREAM, 0, 1, &[0, 0, 0, 7]), &mut listen(&mut log)).unwrap();
    assert_eq!(log.last(), Some(&Heard::Reset(1, 7, true))); // spec: 9113-7-a
    client.handle(ms(2), &frame(kind::RST_STREAM, 0, 3, &[0, 0, 0, 255]), &mut listen(&mut log)).unwrap();
    assert_eq!(log.last(), Some(&Heard::Reset(3, 255, false)));
}

#[test]
fn a_smaller_table_is_acknowledged_in_the_next_block() {
    let mut server = raw_server(Limits::default());
    let none_then_100 = [0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 100];
    feed(
        &mut server,
        &[frame(kind::SETTINGS, 0, 0, &none_then_100), frame(kind::HEADERS, END, 1, GET)].concat(),
    );
    server.respond(StreamId(1), &Response::new(200), true).unwrap();
    // RFC 7541 section 4.2: the lowest size, then the last.
    assert_eq!(spoken(&mut server)[0].1, [0x20, 0x3f, 0x45, 0x88]); // spec: 9113-4.3.1-a
}

#[test]
fn a_long_section_is_cut_into_continuations() {
    let mut pair = Pair::default();
    let long = Request::get("a", "/").with("x", &"\u{7f}".repeat(30_000));
    let mut client = Connection::client(Config::default(), ms(1));
    client.request(&long, true).unwrap();
    let sizes: Vec<_> =
        spoken(&mut client).iter().skip(2).map(|(head, _)| (head.kind, head.length)).collect();
    assert_eq!(sizes[0], (kind::HEADERS, 16_000));
    assert!(sizes[1..].iter().all(|(kind, _)| *kind == kind::CONTINUATION)); // spec: 9113-4.3-b
    pair.client.request(&long, true).unwrap();
    pair.run();
    assert!(pair.to_server.contains(&Heard::Request(1, long, true)));
}

#[test]
fn an_owner_out_of_order_is_told_so_and_nothing_leaves() {
    let mut server = raw_server(Limits::default());
    feed(&mut server, &frame(kind::HEADERS, END, 1, GET));
    let (stream, ok) = (StreamId(1), Response::new(200));
    let bytes = || Chunk::Owned(b"x".to_vec());
    assert_eq!(server.send(stream, bytes(), true), Err(Misuse::Order));
    assert_eq!(server.respond(stream, &Response::new(103), true), Err(Misuse::Order));
    assert_eq!(server.respond(StreamId(3), &ok, true), Err(Misuse::UnknownStream));
    assert_eq!(server.request(&Request::get("a", "/"), true), Err(Misuse::Role));
    assert_eq!(server.transmit(ms(2), &mut [0; 100]), None);
    server.respond(stream, &ok, false).unwrap();
    assert_eq!(server.respond(stream, &ok, false), Err(Misuse::Order));
    server.send(stream, bytes(), true).unwrap();
    assert_eq!(server.send(stream, bytes(), true), Err(Misuse::Order)); // spec: 9113-5.1-h
    assert_eq!(server.trailers(stream, &Fields::new()), Err(Misuse::Order)); // spec: 9113-5.1-h
    assert_eq!(server.room(stream), 0);
}

#[test]
fn a_client_stops_at_the_last_stream_number() {
    let mut client = raw_client(Limits::default());
    client.streams.use_up_local();
    assert_eq!(client.request(&Request::get("a", "/"), true), Ok(StreamId(0x7fff_ffff)));
    assert_eq!(client.request(&Request::get("a", "/"), true), Err(Misuse::NoMoreStreams)); // spec: 9113-5.1.1-e
}

#[test]
fn an_idle_connection_holds_no_buffer() {
    let mut pair = Pair::default();
    for _ in 0..20 {
        let stream = pair.get("/");
        pair.run();
        pair.server.respond(stream, &Response::new(200).with("x", &"y".repeat(2_000)), false).unwrap();
        pair.server.send(stream, Chunk::Owned(vec![0; 100_000]), true).unwrap();
        pair.run();
    }
    for end in [&pair.client, &pair.server] {
        assert!(end.is_idle() && !end.is_closed());
        assert!(end.output.held_bytes() <= 256);
        assert_eq!(end.streams.len(), 0);
        assert_eq!(end.deadline(), None);
    }
}

#[test]
fn a_tiny_buffer_still_carries_everything() {
    let mut pair = Pair { split: 1, ..Pair::default() };
    let stream = pair.get("/");
    pair.run();
    pair.server.respond(stream, &Response::new(200), false).unwrap();
    pair.server.send(stream, Chunk::Owned(vec![7; 1_000]), true).unwrap();
    pair.run();
    assert!(pair.to_client.contains(&Heard::Data(1, vec![7; 1_000], true)));
    assert_eq!(pair.server.transmit(pair.now, &mut []), None);
}

#[test]
fn fields_of_http_1_1_connections_do_not_cross() {
    let mut pair = Pair::default();
    let asked = Request::get("a", "/").with("te", "trailers").with("x", "1");
    let said = asked.clone().with("connection", "x").with("te", "gzip").with("transfer-encoding", "chunked");
    pair.client.request(&said.with("upgrade", "h2c").with("keep-alive", "3"), true).unwrap();
    pair.run();
    assert!(pair.to_server.contains(&Heard::Request(1, asked, true))); // spec: 9113-8.2.2-c
}

#[test]
fn a_table_that_shrinks_and_grows_in_one_frame_was_emptied() {
    let mut server = raw_server(Limits::default());
    feed(&mut server, &frame(kind::HEADERS, END, 1, GET));
    let response = Response::new(200).with("x", "y");
    server.respond(StreamId(1), &response, true).unwrap();
    spoken(&mut server); // The line is in the table now.
    let there_and_back = [0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0x10, 0];
    let heard = [frame(kind::SETTINGS, 0, 0, &there_and_back), frame(kind::HEADERS, END, 3, GET)].concat();
    feed(&mut server, &heard);
    server.respond(StreamId(3), &response, true).unwrap();
    let block = &spoken(&mut server)[0].1;
    assert_eq!(block[..5], [0x20, 0x3f, 0xe1, 0x1f, 0x88], "{block:02x?}"); // spec: 9113-6.5.3-c
    assert_eq!(block[5], 0x40, "the line comes as a literal again");
}

#[test]
fn a_last_goaway_never_takes_back_what_an_earlier_one_gave_up() {
    let mut server = raw_server(Limits::default());
    feed(&mut server, &frame(kind::HEADERS, OPEN, 1, POST));
    server.drain(ms(2));
    server.expire(ms(2_000)); // The second GOAWAY: nothing above stream 1.
    spoken(&mut server);
    assert_eq!(answer_to(&mut server, &frame(kind::HEADERS, END, 3, GET)), Answer::Rst(3, 7));
    server.close(0);
    let frames = spoken(&mut server);
    assert_eq!((frames[0].0.kind, &frames[0].1[..4]), (kind::GOAWAY, &[0, 0, 0, 1][..])); // spec: 9113-6.8-d
}

fn answer_to(connection: &mut Connection, bytes: &[u8]) -> Answer {
    feed(connection, bytes).0
}

#[test]
fn giving_up_what_was_finished_returns_the_connections_credit_at_once() {
    let mut server = raw_server(Limits::default());
    // The peer sends until the connection's window is used up, and then can only wait.
    let mut left = 2 << 20;
    let mut id = 1;
    while left > 0 {
        feed(&mut server, &frame(kind::HEADERS, OPEN, id, POST));
        for _ in 0..60 {
            let len = 16_384.min(left);
            left -= len;
            feed(&mut server, &frame(kind::DATA, 0, id, &vec![0; len]));
        }
        feed(&mut server, &frame(kind::DATA, 1, id, &[]));
        server.respond(StreamId(id.into()), &Response::new(200), true).unwrap();
        id += 2;
    }
    spoken(&mut server);
    for id in (1..id).step_by(2) {
        server.reset(StreamId(id.into()), 8);
    }
    let frames = spoken(&mut server);
    assert!(frames.iter().any(|(head, _)| head.kind == kind::WINDOW_UPDATE && head.stream == 0));
}

#[test]
fn a_tunnel_has_no_trailers() {
    // CONNECT to a:1.
    let connect = [&[0x42, 7][..], b"CONNECT", &[0x41, 3], b"a:1"].concat();
    let trailers = [0x40, 1, b'x', 1, b'y'];
    let mut server = raw_server(Limits::default());
    feed(&mut server, &frame(kind::HEADERS, OPEN, 1, &connect));
    assert_eq!(answer_to(&mut server, &frame(kind::HEADERS, END, 1, &trailers)), Answer::Rst(1, 1)); // spec: 9113-8.5-c

    // Who refuses a tunnel answers as always.
    for (status, expected) in [(0x88, Answer::Rst(1, 1)), (0x8d, Answer::Nothing)] {
        let mut client = raw_client(Limits::default());
        let request = Request::new("CONNECT", "a:1", "").with_part(Part::Scheme, b"");
        client.request(&request, false).unwrap();
        spoken(&mut client);
        feed(&mut client, &frame(kind::HEADERS, OPEN, 1, &[status]));
        assert_eq!(answer_to(&mut client, &frame(kind::HEADERS, END, 1, &trailers)), expected);
    }
}

#[test]
fn a_ping_of_ours_measures_the_round_trip() {
    let mut pair = Pair::default();
    pair.carry(true);
    pair.now += Span::from_millis(50);
    pair.run();
    assert_eq!(pair.client.rtt(), Some(Span::from_millis(50)));
    pair.client.probe(pair.now);
    pair.client.probe(pair.now);
    pair.carry(true);
    pair.now += Span::from_millis(20);
    assert_eq!(spoken(&mut pair.server).iter().filter(|(head, _)| head.kind == kind::PING).count(), 1);
    let echo = frame(kind::PING, flag::ACK, 0, b"how far?");
    pair.client.handle(pair.now, &echo, &mut |_| {}).unwrap();
    assert_eq!(pair.client.rtt(), Some(Span::from_millis(20)));
    // A receipt of what was not asked is no sample.
    pair.client.handle(pair.now, &echo, &mut |_| {}).unwrap();
    assert_eq!(pair.client.rtt(), Some(Span::from_millis(20)));
}

#[test]
fn nothing_of_a_stream_leaves_after_the_peer_reset_it() {
    let mut server = raw_server(Limits::default());
    feed(&mut server, &frame(kind::HEADERS, END, 1, GET));
    server.respond(StreamId(1), &Response::new(200), false).unwrap();
    spoken(&mut server);
    server.send(StreamId(1), Chunk::Owned(vec![7; 1_000]), true).unwrap();
    server.handle(ms(2), &frame(kind::RST_STREAM, 0, 1, &[0, 0, 0, 8]), &mut |_| {}).unwrap();
    assert!(kinds(&mut server).is_empty()); // spec: 9113-6.4-a
    assert_eq!(server.send(StreamId(1), Chunk::Owned(vec![7; 1_000]), true), Err(Misuse::UnknownStream));
}

#[test]
fn a_window_smaller_than_the_default_holds_once_it_was_acknowledged() {
    let limits = Limits { initial_stream_window_bytes: 1_000, ..Limits::default() };
    let mut server = Connection::server(Config { limits, ..Config::default() }, ms(1));
    spoken(&mut server);
    let hello = [&rules::PREFACE[..], &frame(kind::SETTINGS, 0, 0, &[])].concat();
    let post = |stream| frame(kind::HEADERS, OPEN, stream, POST);
    let data = |stream, len| frame(kind::DATA, 0, stream, &vec![7; len]);
    assert_eq!(feed(&mut server, &[hello, post(1), data(1, 9_000)].concat()), (Answer::Nothing, None)); // spec: 9113-6.9.3-a
    let rest = [frame(kind::SETTINGS, flag::ACK, 0, &[]), post(3), data(3, 1_001)].concat();
    assert_eq!(feed(&mut server, &rest), (Answer::Rst(3, 3), None));
}

#[test]
fn data_of_ours_fits_both_windows() {
    for (of_stream, of_connection, expected) in [
        (1_000, 0, [1_000, 0]),
        (70_000, 0, [65_535, 0]),
        (70_000, 10, [65_535, 10]),
        (65_540, 9, [65_535, 5]),
    ] {
        let mut server = raw_server(Limits::default());
        let setting = [&[0, 4][..], &u32::to_be_bytes(of_stream)].concat();
        feed(
            &mut server,
            &[frame(kind::SETTINGS, 0, 0, &setting), frame(kind::HEADERS, END, 1, GET)].concat(),
        );
        server.respond(StreamId(1), &Response::new(200), false).unwrap();
        server.send(StreamId(1), Chunk::Owned(vec![7; 100_000]), true).unwrap();
        assert_eq!(data_bytes(&mut server), expected[0], "{of_stream}"); // spec: 9113-6.9.1-c
        if of_connection > 0 {
            let credit = frame(kind::WINDOW_UPDATE, 0, 0, &u32::to_be_bytes(of_connection));
            server.handle(ms(2), &credit, &mut |_| {}).unwrap();
        }
        assert_eq!(data_bytes(&mut server), expected[1], "{of_stream} and {of_connection}");
    }
}

#[test]
fn a_frame_is_no_larger_than_its_taker_said() {
    let mut server = raw_server(Limits::default());
    let settings = [&[0, 4][..], &u32::to_be_bytes(1 << 20), &[0, 5], &u32::to_be_bytes(20_000)].concat();
    for (settings, max) in [(vec![], 16_384), (settings, 20_000)] {
        let id = if max == 16_384 { 1 } else { 3 };
        feed(
            &mut server,
            &[frame(kind::SETTINGS, 0, 0, &settings), frame(kind::HEADERS, END, id, GET)].concat(),
        );
        server.respond(StreamId(u64::from(id)), &Response::new(200), false).unwrap();
        spoken(&mut server);
        server.send(StreamId(u64::from(id)), Chunk::Owned(vec![7; 30_000]), true).unwrap();
        let mut out = vec![0; 64 << 10];
        let len = server.transmit(ms(2), &mut out).expect("there is a body");
        let first = FrameHead::read(out[..9].try_into().unwrap());
        assert_eq!((first.kind, first.length), (kind::DATA, max)); // spec: 9113-4.2-c
        assert!(len > 9 + max as usize, "and the rest in another");
    }
}

#[test]
fn preload_stands_behind_the_continuations_of_what_was_said_before() {
    let mut server = raw_server(Limits::default());
    feed(&mut server, &frame(kind::HEADERS, END, 1, GET));
    let long = Response::new(200).with("x", &"\u{7f}".repeat(60_000));
    server.respond(StreamId(1), &long, false).unwrap();
    server.preload(b"block").unwrap();
    let kinds = kinds(&mut server);
    let (last, before) = kinds.split_last().unwrap();
    assert!(before[0] == kind::HEADERS && before[1..].iter().all(|kind| *kind == kind::CONTINUATION)); // spec: preload-profile-1-b
    assert!(before.len() > 2 && *last == rules::PRELOAD, "{kinds:?}");
}

#[test]
fn an_owner_is_told_how_much_of_a_stream_has_yet_to_leave() {
    let mut server = raw_server(Limits::default());
    let settings = frame(kind::SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 10]); // Ten bytes of credit for each stream.
    let gets = [1, 3].map(|stream| frame(kind::HEADERS, 5, stream, GET)).concat();
    server.handle(ms(1), &[settings, gets].concat(), &mut |_| {}).unwrap();
    let (slow, brief) = (StreamId(1), StreamId(3));
    for (stream, len) in [(slow, 1_024), (brief, 10)] {
        server.respond(stream, &Response::new(200), false).unwrap();
        server.send(stream, Chunk::Owned(vec![7; len]), true).unwrap();
        assert!(server.queued(stream) == len as u64 && !server.has_sent_end(stream));
    }
    spoken(&mut server);
    assert!(server.queued(slow) == 1_014 && !server.has_sent_end(slow));
    assert!(server.queued(brief) == 0 && server.has_sent_end(brief));
    assert!(!server.has_given_up());
    server.close(0);
    assert!(server.has_given_up(), "nobody knows of its streams any more");
}
