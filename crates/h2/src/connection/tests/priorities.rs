//! RFC 9218: what was said of a response decides when its DATA leaves.

use super::raw::*;
use super::*;
use crate::rules::{self, ErrorCode, flag, kind};

const END: u8 = flag::END_STREAM | flag::END_HEADERS;

/// A GET whose `priority` is that, if any.
fn get(stream: u32, priority: &str) -> Vec<u8> {
    let mut block = GET.to_vec();
    if !priority.is_empty() {
        block.extend([0, 8]);
        block.extend(b"priority");
        block.push(priority.len() as u8);
        block.extend(priority.as_bytes());
    }
    frame(kind::HEADERS, END, stream, &block)
}

fn update(stream: u32, value: &str) -> Vec<u8> {
    frame(kind::PRIORITY_UPDATE, 0, 0, &[&stream.to_be_bytes()[..], value.as_bytes()].concat())
}

fn answer_with(server: &mut Connection, stream: u32, response: &Response, bytes: usize) {
    let stream = StreamId(u64::from(stream));
    server.respond(stream, response, false).unwrap();
    server.send(stream, Chunk::Owned(vec![7; bytes]), true).unwrap();
}

/// The streams of the DATA frames in their order, each frame as small as the buffer makes it.
fn order(server: &mut Connection) -> Vec<u32> {
    let mut all = Vec::new();
    let mut out = [0; 1_009];
    while let Some(len) = server.transmit(ms(1), &mut out) {
        all.extend_from_slice(&out[..len]);
    }
    let mut streams = Vec::new();
    let mut rest = &all[..];
    while let Some((head, later)) = rest.split_first_chunk::<9>() {
        let len = usize::from(head[1]) << 8 | usize::from(head[2]);
        if head[3] == kind::DATA {
            streams.push(u32::from(head[8]));
        }
        rest = &later[len..];
    }
    streams
}

/// Requests with those priorities on streams 1, 3, 5, ..., each answered with 2,000 bytes: two frames.
fn served(requests: &[&str], more: &[Vec<u8>]) -> Vec<u32> {
    let mut server = raw_server(Limits::default());
    let streams = (1..).step_by(2).zip(requests);
    let asked: Vec<u8> = streams.clone().flat_map(|(stream, priority)| get(stream, priority)).collect();
    assert_eq!(feed(&mut server, &asked), (Answer::Nothing, None));
    for (stream, _) in streams {
        answer_with(&mut server, stream, &Response::new(200), 2_000);
    }
    assert_eq!(server.handle(ms(2), &more.concat(), &mut |_| {}), Ok(()));
    order(&mut server)
}

#[test]
fn every_urgency_has_its_place() {
    let requests = ["u=7", "u=5", "u=6", "u=0", "", "u=2", "u=1", "u=4"];
    let expected = [7, 7, 13, 13, 11, 11, 9, 9, 15, 15, 3, 3, 5, 5, 1, 1];
    assert_eq!(served(&requests, &[]), expected); // spec: 9218-10-a
}

#[test]
fn equals_go_in_their_order_and_incremental_ones_take_turns() {
    assert_eq!(served(&["", "", ""], &[]), [1, 1, 3, 3, 5, 5]);
    assert_eq!(served(&["i", "i", "i"], &[]), [1, 3, 5, 1, 3, 5]);
    assert_eq!(served(&["u=1, i", "u=0", "u=1, i"], &[]), [3, 3, 1, 5, 1, 5]);
}

#[test]
fn an_update_moves_what_has_begun() {
    assert_eq!(served(&["", "", ""], &[update(5, "u=0")]), [5, 5, 1, 1, 3, 3]);
    assert_eq!(served(&["", "", ""], &[update(1, "u=7")]), [3, 3, 5, 5, 1, 1]);
    assert_eq!(served(&["u=5", "i"], &[update(1, "i"), update(3, "i")]), [1, 3, 1, 3]);
    // The last one counts; a value that is none is the default.
    assert_eq!(served(&["u=2", "u=1"], &[update(3, "u=0"), update(3, "=")]), [1, 1, 3, 3]);
}

#[test]
fn an_update_that_comes_first_is_remembered_and_overrides_the_request() {
    let mut server = raw_server(Limits::default());
    let early = [update(3, "u=7"), update(3, "u=0"), update(5, "u=1"), update(7, "u=6")];
    let asked = [get(1, "u=2"), get(3, "u=7"), get(7, "")];
    assert_eq!(feed(&mut server, &[early.concat(), asked.concat()].concat()), (Answer::Nothing, None));
    for stream in [1, 3, 7] {
        answer_with(&mut server, stream, &Response::new(200), 2_000);
    }
    assert_eq!(order(&mut server), [3, 3, 1, 1, 7, 7]); // spec: 9218-7-a
    assert!(server.early_priorities.is_empty(), "stream 5 was passed over");
}

#[test]
fn what_was_remembered_goes_with_a_request_that_fails() {
    let mut server = raw_server(Limits::default());
    let broken = frame(kind::HEADERS, END, 5, &[0x82]);
    feed(&mut server, &[update(3, "u=0"), update(5, "u=0"), update(9, "u=0"), broken].concat());
    assert_eq!(server.early_priorities, [(9, Priority { urgency: 0, incremental: false })]);
}

#[test]
fn a_response_has_the_last_word() {
    let mut server = raw_server(Limits::default());
    feed(&mut server, &[get(1, "u=1"), get(3, "u=1, i"), get(5, "u=0")].concat());
    answer_with(&mut server, 1, &Response::new(200).with("priority", "u=6"), 2_000);
    answer_with(&mut server, 3, &Response::new(200).with("priority", "u=2"), 2_000);
    answer_with(&mut server, 5, &Response::new(200).with("priority", "u=2, i"), 2_000);
    assert_eq!(order(&mut server), [3, 5, 3, 5, 1, 1]); // spec: 9218-8-a
    // What an interim response says is not of the body.
    feed(&mut server, &[get(7, ""), get(9, "")].concat());
    server.respond(StreamId(9), &Response::new(103).with("priority", "u=0"), false).unwrap();
    answer_with(&mut server, 9, &Response::new(200), 1_000);
    answer_with(&mut server, 7, &Response::new(200), 1_000);
    assert_eq!(order(&mut server), [7, 9]);
}

#[test]
fn what_goes_first_runs_dry_when_it_and_all_before_it_have_too_little() {
    let mut server = raw_server(Limits::default());
    let asked = [get(1, "u=7"), get(3, "u=3"), get(5, "u=3, i"), get(7, "u=3, i"), get(9, "u=0")];
    feed(&mut server, &asked.concat());
    for (stream, bytes) in [(1, 100), (3, 10), (5, 10), (7, 10), (9, 0)] {
        server.respond(StreamId(stream), &Response::new(200), false).unwrap();
        server.send(StreamId(stream), Chunk::Owned(vec![7; bytes]), false).unwrap();
    }
    assert_eq!(server.open_streams(), 5);
    // Incremental ones do not count each other; who has nothing to say holds up nobody.
    for (stream, enough) in [(9, 0), (3, 10), (5, 20), (7, 20), (1, 130)] {
        assert!(server.runs_dry_within(enough + 1, StreamId(stream)), "{stream}");
        assert!(!server.runs_dry_within(enough, StreamId(stream)), "{stream}");
    }
    // Without credit for more than it has, more is of no use; nor do the bytes of those count that have none.
    let window = |bytes: u8| frame(kind::SETTINGS, 0, 0, &[0, 4, 0, 0, 0, bytes]);
    let heard = |server: &mut Connection, bytes: &[u8]| server.handle(ms(2), bytes, &mut |_| {}).unwrap();
    heard(&mut server, &window(10));
    let dry = |server: &Connection, bytes: usize| -> Vec<u64> {
        [1, 3, 5, 7, 9]
            .into_iter()
            .filter(|stream| server.runs_dry_within(bytes, StreamId(*stream)))
            .collect()
    };
    assert_eq!(dry(&server, 1_000), [9]);
    heard(&mut server, &window(0));
    heard(&mut server, &frame(kind::WINDOW_UPDATE, 0, 1, &1_000_u32.to_be_bytes()));
    assert_eq!((dry(&server, 101), dry(&server, 100)), (vec![1], vec![]));
    assert!(!server.runs_dry_within(1, StreamId(11)) && !server.runs_dry_within(1, StreamId(u64::MAX)));
}

#[test]
fn an_update_names_a_stream_that_a_client_may_have() {
    use crate::ErrorCode::ProtocolError;
    let wrong = (Answer::GoAway(ProtocolError.wire()), Some(Fault::PriorityUpdate));
    for stream in [0, 2, 0x7fff_fffe] {
        assert_eq!(feed(&mut raw_server(Limits::default()), &update(stream, "u=1")), wrong, "{stream}"); // spec: 9218-7.1-c
    }
    // One that is over, or passed over, is nobody's any more.
    let mut server = raw_server(Limits::default());
    feed(&mut server, &[get(5, ""), frame(kind::RST_STREAM, 0, 5, &[0; 4])].concat());
    assert_eq!(feed(&mut server, &[update(5, "u=1"), update(3, "u=1")].concat()), (Answer::Nothing, None));
    assert!(server.early_priorities.is_empty());
    assert_eq!(feed(&mut raw_client(Limits::default()), &update(1, "u=1")), wrong);
}

#[test]
fn streams_named_and_open_together_are_bounded() {
    let limits = Limits { streams: 4, ..Limits::default() };
    let named = |range: core::ops::Range<u32>| -> Vec<u8> {
        range.flat_map(|at| update(at * 2 + 1, "u=1")).collect()
    };
    let post = frame(kind::HEADERS, flag::END_HEADERS, 1, POST);
    let mut server = raw_server(limits.clone());
    assert_eq!(feed(&mut server, &named(0..4)), (Answer::Nothing, None));
    assert_eq!(feed(&mut server, &named(0..4)), (Answer::Nothing, None), "the same again");
    assert_eq!(feed(&mut server, &post), (Answer::Nothing, None), "one of them is open now");
    assert_eq!(feed(&mut server, &named(4..5)).1, Some(Fault::PriorityUpdate)); // spec: 9218-7.1-b
    // Our own bound leaves out what is beyond it, without a word.
    let limits = Limits { early_priorities: 2, ..limits };
    let mut server = raw_server(limits);
    assert_eq!(feed(&mut server, &named(0..3)), (Answer::Nothing, None));
    assert_eq!(server.early_priorities.len(), 2);
}

#[test]
fn a_client_tells_only_a_server_that_knows_the_scheme() {
    let told = |entries: &[u8]| {
        let mut client = Connection::client(Config::default(), ms(1));
        client.handle(ms(1), &frame(kind::SETTINGS, 0, 0, entries), &mut |_| {}).unwrap();
        let stream = client.request(&Request::get("a", "/"), true).unwrap();
        client.prioritise(stream, Priority { urgency: 1, incremental: true });
        spoken(&mut client)
            .iter()
            .any(|(head, payload)| head.kind == kind::PRIORITY_UPDATE && payload[..] == *b"\0\0\0\x01u=1, i")
    };
    assert!(told(&[0, 9, 0, 0, 0, 1])); // spec: 9218-2.1.1-a
    assert!(!told(&[0, 9, 0, 0, 0, 0]));
    assert!(!told(&[]));
}

#[test]
fn the_old_priorities_of_a_client_that_gave_them_up_are_ignored() {
    let beginning = |entries: &[u8]| {
        let mut server = Connection::server(Config::default(), ms(1));
        let hello = [&rules::PREFACE[..], &frame(kind::SETTINGS, 0, 0, entries)].concat();
        assert_eq!(feed(&mut server, &hello), (Answer::Nothing, None));
        server
    };
    // Each stream depends on itself.
    let end = flag::END_STREAM | flag::END_HEADERS | flag::PRIORITY;
    let asked = frame(kind::HEADERS, end, 1, &[&[0, 0, 0, 1, 15], &get(1, "")[9..]].concat());
    let opened = frame(kind::HEADERS, flag::END_HEADERS, 3, &get(3, "")[9..]);
    let moved = [opened, frame(kind::PRIORITY, 0, 3, &[0, 0, 0, 3, 15])].concat();
    for (stream, bytes) in [(1, asked), (3, moved)] {
        let wrong = Answer::Rst(stream, ErrorCode::ProtocolError.wire());
        for heeded in [&[][..], &[0, 9, 0, 0, 0, 0]] {
            assert_eq!(feed(&mut beginning(heeded), &bytes).0, wrong);
        }
        let mut server = beginning(&[0, 9, 0, 0, 0, 1]);
        assert_eq!(feed(&mut server, &bytes), (Answer::Nothing, None)); // spec: 9218-2.1-d
        // Its shape is no signal.
        let short = frame(kind::PRIORITY, 0, stream, &[0; 4]);
        assert_eq!(feed(&mut server, &short).0, Answer::Rst(stream, ErrorCode::FrameSizeError.wire()));
    }
}
