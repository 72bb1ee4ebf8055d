//! For each MUST that names an error: raw bytes in, the error code out.

use super::raw::*;
use super::*;
use crate::rules::{ErrorCode, PREFACE, flag, kind};

const NO_LENGTH: &[u8] = &[];
const END: u8 = flag::END_STREAM | flag::END_HEADERS;
const OPEN: u8 = flag::END_HEADERS;

fn goaway(code: ErrorCode) -> Answer {
    Answer::GoAway(code.wire())
}

fn rst(stream: u32, code: ErrorCode) -> Answer {
    Answer::Rst(stream, code.wire())
}

fn entry(id: u16, value: u32) -> Vec<u8> {
    let mut payload = id.to_be_bytes().to_vec();
    payload.extend_from_slice(&value.to_be_bytes());
    frame(kind::SETTINGS, 0, 0, &payload)
}

/// A request with an open body on stream 1, then `rest`.
fn after_post(rest: &[Vec<u8>]) -> Vec<u8> {
    [frame(kind::HEADERS, OPEN, 1, POST), rest.concat()].concat()
}

/// A whole request on stream 1, then `rest`.
fn after_get(rest: &[Vec<u8>]) -> Vec<u8> {
    [frame(kind::HEADERS, END, 1, GET), rest.concat()].concat()
}

fn check(server: bool, rows: &[(&str, Vec<u8>, Answer)]) {
    for (name, bytes, expected) in rows {
        for split in [usize::MAX, 1] {
            let mut end = if server { raw_server(Limits::default()) } else { raw_client(Limits::default()) };
            if !server {
                end.request(&Request::get("a", "/"), true).unwrap();
                spoken(&mut end);
            }
            let mut fault = None;
            for piece in bytes.chunks(split.min(bytes.len())) {
                fault = fault.or(end.handle(ms(2), piece, &mut |_| {}).err());
            }
            let ended = matches!(expected, Answer::GoAway(_));
            assert_eq!(answer(&mut end), *expected, "{name}, split {split}: {fault:?}");
            assert_eq!(fault.is_some(), ended, "{name}: {fault:?}");
            assert_eq!(end.is_closed(), ended, "{name}");
        }
    }
}

#[test]
fn frames_of_a_wrong_shape_or_in_a_wrong_place_end_the_connection() {
    use ErrorCode::{FrameSizeError as Size, ProtocolError as Protocol};
    let zeros = |len: usize| vec![0; len];
    check(
        true,
        &[
            (
                "a frame above the maximum",
                frame(kind::DATA, 0, 1, &zeros(16_385))[..9].to_vec(),
                goaway(Size),
            ), // spec: 9113-4.2-a
            ("PING of 7 bytes", frame(kind::PING, 0, 0, &zeros(7)), goaway(Size)), // spec: 9113-4.2-b
            ("GOAWAY of 7 bytes", frame(kind::GOAWAY, 0, 0, &zeros(7)), goaway(Size)),
            ("SETTINGS of 7 bytes", frame(kind::SETTINGS, 0, 0, &zeros(7)), goaway(Size)),
            ("RST_STREAM of 5 bytes", after_post(&[frame(kind::RST_STREAM, 0, 1, &zeros(5))]), goaway(Size)),
            ("WINDOW_UPDATE of 5 bytes", frame(kind::WINDOW_UPDATE, 0, 0, &zeros(5)), goaway(Size)),
            ("PRIORITY of 4 bytes", after_post(&[frame(kind::PRIORITY, 0, 1, &zeros(4))]), rst(1, Size)), // spec: 9113-6.3-b
            ("PRIORITY of 4 bytes on an idle stream", frame(kind::PRIORITY, 0, 1, &zeros(4)), goaway(Size)), // spec: 9113-6.4-b
            ("PRIORITY_UPDATE of 3 bytes", frame(kind::PRIORITY_UPDATE, 0, 0, &zeros(3)), goaway(Size)),
            ("DATA on stream 0", frame(kind::DATA, 0, 0, b"x"), goaway(Protocol)), // spec: 9113-5.1.1-c
            ("HEADERS on stream 0", frame(kind::HEADERS, END, 0, GET), goaway(Protocol)),
            ("PRIORITY on stream 0", frame(kind::PRIORITY, 0, 0, &zeros(5)), goaway(Protocol)),
            ("RST_STREAM on stream 0", frame(kind::RST_STREAM, 0, 0, &zeros(4)), goaway(Protocol)),
            ("CONTINUATION on stream 0", frame(kind::CONTINUATION, 0, 0, &zeros(4)), goaway(Protocol)),
            ("SETTINGS on a stream", frame(kind::SETTINGS, 0, 1, &[]), goaway(Protocol)),
            ("PING on a stream", frame(kind::PING, 0, 1, &zeros(8)), goaway(Protocol)),
            ("GOAWAY on a stream", frame(kind::GOAWAY, 0, 1, &zeros(8)), goaway(Protocol)),
            ("PRIORITY_UPDATE on a stream", frame(kind::PRIORITY_UPDATE, 0, 1, &zeros(4)), goaway(Protocol)),
            (
                "DATA padded beyond its end",
                after_post(&[frame(kind::DATA, 8, 1, &[2, 0, 0][..2])]),
                goaway(Protocol),
            ), // spec: 9113-6.1-b
            (
                "DATA padded without a pad length",
                after_post(&[frame(kind::DATA, 8, 1, NO_LENGTH)]),
                goaway(Size),
            ),
            (
                "HEADERS padded beyond its end",
                frame(kind::HEADERS, END | 8, 1, &[7, 0x82, 0, 0]),
                goaway(Protocol),
            ), // spec: 9113-6.2-a
            ("HEADERS too short for priority", frame(kind::HEADERS, END | 0x20, 1, &zeros(4)), goaway(Size)), // spec: 9113-6.2-b
            (
                "the reserved bit of a stream",
                {
                    let mut f = frame(kind::PING, 0, 0, &zeros(8));
                    f[5] = 0x80;
                    f
                },
                Answer::Nothing,
            ), // spec: 9113-4.1-b
            ("an unknown frame", frame(0x7f, 0xff, 3, &zeros(9_000)), Answer::Nothing), // spec: 9113-4.1-a 9113-5.5-a
        ],
    );
}

#[test]
fn a_field_block_is_not_interrupted() {
    let begun = frame(kind::HEADERS, flag::END_STREAM, 1, GET);
    let then = |rest: Vec<u8>| [begun.clone(), rest].concat();
    let protocol = goaway(ErrorCode::ProtocolError);
    check(
        true,
        &[
            ("by DATA", then(frame(kind::DATA, 0, 1, b"x")), protocol), // spec: 9113-6.2-c
            ("by another stream's CONTINUATION", then(frame(kind::CONTINUATION, 4, 3, &[])), protocol),
            ("by an unknown frame", then(frame(0xf0, 0, 0, &[])), protocol),
            ("by PING", then(frame(kind::PING, 0, 0, &[0; 8])), protocol),
            ("CONTINUATION after its end", after_get(&[frame(kind::CONTINUATION, 4, 1, &[])]), protocol),
            ("CONTINUATION's head is enough", after_get(&[vec![0, 0, 1, 9, 4, 0, 0, 0, 1]]), protocol), // spec: 9113-6.10-a
            ("joined as it should be", then(frame(kind::CONTINUATION, 4, 1, &[])), Answer::Nothing),
            (
                "that does not decode",
                frame(kind::HEADERS, END, 1, &[0x80]),
                goaway(ErrorCode::CompressionError),
            ), // spec: 9113-4.3-a
        ],
    );
}

#[test]
fn frames_have_to_suit_the_state_of_their_stream() {
    use ErrorCode::{ProtocolError as Protocol, StreamClosed};
    let data = |stream| frame(kind::DATA, 0, stream, b"x");
    let reset = |stream| frame(kind::RST_STREAM, 0, stream, &[0, 0, 0, 8]);
    let credit = |stream| frame(kind::WINDOW_UPDATE, 0, stream, &[0, 0, 0, 1]);
    let priority = |stream| frame(kind::PRIORITY, 0, stream, &[0; 5]);
    check(
        true,
        &[
            ("DATA on an idle stream", data(1), goaway(Protocol)), // spec: 9113-5.1-b
            ("RST_STREAM on an idle stream", reset(1), goaway(Protocol)),
            ("WINDOW_UPDATE on an idle stream", credit(1), goaway(Protocol)),
            ("PRIORITY on an idle stream", priority(1), Answer::Nothing), // spec: 9113-5.1-a
            ("DATA after END_STREAM", after_get(&[data(1)]), rst(1, StreamClosed)), // spec: 9113-5.1-c
            (
                "HEADERS after END_STREAM",
                after_get(&[frame(kind::HEADERS, END, 1, GET)]),
                rst(1, StreamClosed),
            ),
            ("DATA after RST_STREAM", after_post(&[reset(1), data(1)]), rst(1, StreamClosed)), // spec: 9113-5.1-f
            (
                "HEADERS after RST_STREAM",
                after_post(&[reset(1), frame(kind::HEADERS, END, 1, GET)]),
                rst(1, StreamClosed),
            ),
            ("WINDOW_UPDATE after RST_STREAM", after_post(&[reset(1), credit(1), reset(1)]), Answer::Nothing), // spec: 9113-5.1-d
            ("an even stream", frame(kind::HEADERS, END, 2, GET), goaway(Protocol)), // spec: 9113-5.1.1-a
            (
                "a stream below one used",
                [frame(kind::HEADERS, END, 5, GET), frame(kind::HEADERS, END, 3, GET)].concat(),
                goaway(Protocol),
            ), // spec: 9113-5.1.1-b 9113-5.1.1-d
            (
                "PUSH_PROMISE from a client",
                after_post(&[frame(kind::PUSH_PROMISE, 4, 1, &[0, 0, 0, 2, 0x82])]),
                goaway(Protocol),
            ),
            (
                "trailers that end nothing",
                after_post(&[frame(kind::HEADERS, OPEN, 1, &[])]),
                rst(1, Protocol),
            ), // spec: 9113-8.1-c
        ],
    );
    check(
        false,
        &[
            ("HEADERS on an idle stream", frame(kind::HEADERS, END, 3, OK), goaway(Protocol)),
            ("HEADERS on an even stream", frame(kind::HEADERS, END, 2, OK), goaway(Protocol)),
            ("DATA on an idle stream", data(3), goaway(Protocol)),
            ("DATA before the response", data(1), rst(1, Protocol)), // spec: 9113-8.1-b
            (
                "1xx with END_STREAM",
                frame(kind::HEADERS, END, 1, &[0x08, 0x03, b'1', b'0', b'3']),
                rst(1, Protocol),
            ), // spec: 9113-8.1-d
            (
                "DATA after both ends",
                [frame(kind::HEADERS, END, 1, OK), data(1)].concat(),
                goaway(StreamClosed),
            ), // spec: 9113-5.1-e
            ("PUSH_PROMISE", frame(kind::PUSH_PROMISE, 4, 1, &[0, 0, 0, 2, 0x82]), goaway(Protocol)), // spec: 9113-6.6-a
            (
                "PUSH_PROMISE of 3 bytes",
                frame(kind::PUSH_PROMISE, 4, 1, &[0, 0, 0]),
                goaway(ErrorCode::FrameSizeError),
            ),
            (
                "PRIORITY_UPDATE from a server",
                frame(kind::PRIORITY_UPDATE, 0, 0, &[0, 0, 0, 1]),
                goaway(Protocol),
            ), // spec: 9218-7.1-a
            (
                "a GOAWAY that takes back another",
                [
                    frame(kind::GOAWAY, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 0]),
                    frame(kind::GOAWAY, 0, 0, &[0, 0, 0, 3, 0, 0, 0, 0]),
                ]
                .concat(),
                goaway(Protocol),
            ), // spec: 9113-6.8-a
        ],
    );
}

#[test]
fn settings_stay_in_their_ranges() {
    use ErrorCode::{FlowControlError, FrameSizeError, ProtocolError as Protocol};
    check(
        true,
        &[
            ("an acknowledgement with entries", frame(kind::SETTINGS, 1, 0, &[0; 6]), goaway(FrameSizeError)), // spec: 9113-6.5-a
            ("an acknowledgement of nothing", frame(kind::SETTINGS, 1, 0, &[]), goaway(Protocol)),
            ("ENABLE_PUSH 2", entry(2, 2), goaway(Protocol)), // spec: 9113-6.5.2-b
            ("INITIAL_WINDOW_SIZE 2^31", entry(4, 1 << 31), goaway(FlowControlError)),
            ("MAX_FRAME_SIZE 16,383", entry(5, 16_383), goaway(Protocol)),
            ("MAX_FRAME_SIZE 2^24", entry(5, 1 << 24), goaway(Protocol)),
            ("ENABLE_CONNECT_PROTOCOL 2", entry(8, 2), goaway(Protocol)),
            ("ENABLE_CONNECT_PROTOCOL taken back", [entry(8, 1), entry(8, 0)].concat(), goaway(Protocol)),
            ("NO_RFC7540_PRIORITIES 2", entry(9, 2), goaway(Protocol)),
            ("an unknown one", entry(0x0a0a, 7), Answer::Nothing), // spec: 9113-6.5.2-d
        ],
    );
    check(false, &[("ENABLE_PUSH 1 from a server", entry(2, 1), goaway(Protocol))]); // spec: 9113-6.5.2-a
}

#[test]
fn windows_neither_overflow_nor_grow_by_nothing() {
    use ErrorCode::{FlowControlError, ProtocolError as Protocol};
    let credit = |stream, by: u32| frame(kind::WINDOW_UPDATE, 0, stream, &by.to_be_bytes());
    check(
        true,
        &[
            ("nothing for the connection", credit(0, 0), goaway(Protocol)), // spec: 9113-6.9-b
            ("nothing for a stream", after_post(&[credit(1, 0)]), rst(1, Protocol)), // spec: 9113-6.9-a
            ("the connection's above 2^31-1", credit(0, 0x7fff_ffff), goaway(FlowControlError)), // spec: 9113-6.9.1-a
            ("a stream's above 2^31-1", after_post(&[credit(1, 0x7fff_ffff)]), rst(1, FlowControlError)), // spec: 9113-6.9.1-b
            ("a stream's at 2^31-1", after_post(&[credit(1, 0x7fff_0000)]), Answer::Nothing),
            (
                "a setting lifts a stream above 2^31-1",
                after_post(&[credit(1, 0x7fff_0000), entry(4, 65_536)]),
                goaway(FlowControlError),
            ), // spec: 9113-6.9.2-b
        ],
    );
}

#[test]
fn malformed_messages_end_their_stream_alone() {
    let protocol = rst(1, ErrorCode::ProtocolError);
    let length = |digits: &[u8]| [POST, &[0x0f, 0x0d, digits.len() as u8], digits].concat();
    let post = |digits| frame(kind::HEADERS, OPEN, 1, &length(digits));
    check(
        true,
        &[
            ("no path", frame(kind::HEADERS, END, 1, &[0x82, 0x87]), protocol), // spec: 9113-8.1.1-c
            (
                "an upper-case name",
                frame(kind::HEADERS, END, 1, &[GET, &[0, 1, b'A', 1, b'x']].concat()),
                protocol,
            ),
            (
                "connection: close",
                frame(kind::HEADERS, END, 1, &[GET, b"\x00\x0aconnection\x05close"].concat()),
                protocol,
            ),
            ("a body longer than it said", [post(b"1"), frame(kind::DATA, 1, 1, b"ab")].concat(), protocol), // spec: 9113-8.1.1-d
            ("a body shorter than it said", [post(b"3"), frame(kind::DATA, 1, 1, b"ab")].concat(), protocol),
            ("no body where one was said", frame(kind::HEADERS, END, 1, &length(b"1")), protocol),
            (
                "a body as long as it said",
                [post(b"2"), frame(kind::DATA, 1, 1, b"ab")].concat(),
                Answer::Nothing,
            ),
        ],
    );
    check(false, &[("no status", frame(kind::HEADERS, END, 1, &[]), protocol)]);
}

#[test]
fn a_connection_begins_with_the_preface_and_settings() {
    let mut server = Connection::server(Config::default(), ms(1));
    assert_eq!(feed(&mut server, b"GET / HTTP/1.1\r\n").1, Some(Fault::Preface)); // spec: 9113-3.4-b
    for first in [frame(kind::PING, 0, 0, &[0; 8]), frame(kind::SETTINGS, 1, 0, &[]), frame(0xf0, 0, 0, &[])]
    {
        let mut server = Connection::server(Config::default(), ms(1));
        let (answer, fault) = feed(&mut server, &[&PREFACE[..], &first].concat());
        assert_eq!((answer, fault), (goaway(ErrorCode::ProtocolError), Some(Fault::FirstFrame))); // spec: 9113-3.4-c
        let mut client = Connection::client(Config::default(), ms(1));
        assert_eq!(feed(&mut client, &first).1, Some(Fault::FirstFrame));
    }
}

#[test]
fn data_beyond_a_window_is_a_flow_control_error() {
    let limits = Limits {
        initial_stream_window_bytes: 70_000,
        initial_connection_window_bytes: 100_000,
        ..Limits::default()
    };
    let flood = |stream, len: usize| -> Vec<u8> {
        vec![b'x'; len].chunks(10_000).flat_map(|piece| frame(kind::DATA, 0, stream, piece)).collect()
    };
    let mut server = raw_server(limits.clone());
    assert_eq!(feed(&mut server, &after_post(&[flood(1, 70_000)])).0, Answer::Nothing);
    assert_eq!(feed(&mut server, &flood(1, 1)).0, rst(1, ErrorCode::FlowControlError)); // spec: 9113-6.9-c
    let mut server = raw_server(limits);
    let other = frame(kind::HEADERS, OPEN, 3, POST);
    assert_eq!(
        feed(&mut server, &[after_post(&[flood(1, 70_000)]), other, flood(3, 30_000)].concat()).0,
        Answer::Nothing
    );
    assert_eq!(feed(&mut server, &flood(3, 1)).0, goaway(ErrorCode::FlowControlError));
}

#[test]
fn frames_on_a_stream_that_we_reset_are_passed_over_and_still_counted() {
    let mut server = raw_server(Limits::default());
    feed(&mut server, &after_post(&[]));
    server.reset(StreamId(1), 8);
    let before = server.receive.unread();
    let late =
        [frame(kind::DATA, 0, 1, b"late"), frame(kind::HEADERS, END, 1, &[0x40, 1, b'a', 1, b'b'])].concat();
    server.handle(ms(2), &late, &mut |_| {}).unwrap();
    let said: Vec<_> = spoken(&mut server).iter().map(|(head, _)| (head.kind, head.stream)).collect();
    assert_eq!(said, [(kind::RST_STREAM, 1)], "nothing but our own"); // spec: 9113-5.1-g
    assert_eq!(server.receive.unread(), before); // spec: 9113-6.9-d
    // The table took the late section's line, so the next request may refer to it.
    let mut heard = Vec::new();
    server
        .handle(ms(2), &frame(kind::HEADERS, END, 3, &[GET, &[0xbf]].concat()), &mut listen(&mut heard))
        .unwrap();
    assert_eq!(
        heard,
        [Heard::Request(3, Request::get("a", "/"), true)].map(|row| match row {
            Heard::Request(id, request, end) => Heard::Request(id, request.with("a", "b"), end),
            other => other,
        })
    );
}

#[test]
fn a_server_and_another_stream_ignore_preload() {
    // spec: preload-2.1-b, preload-2.2-c
    let preload = |stream, len: usize| frame(crate::rules::PRELOAD, 0, stream, &vec![0; len]);
    let mut server = raw_server(Limits::default());
    assert_eq!(feed(&mut server, &preload(0, 100)), (Answer::Nothing, None));
    let limits = Limits { preload_bytes: 100, ..Limits::default() };
    for (stream, len, heard) in [(0, 100, 1), (0, 101, 0), (1, 100, 0), (2, 5, 0)] {
        let mut client = raw_client(limits.clone());
        client.request(&Request::get("a", "/"), true).unwrap();
        spoken(&mut client);
        let mut log = Vec::new();
        for byte in preload(stream, len) {
            client.handle(ms(2), &[byte], &mut listen(&mut log)).unwrap();
        }
        assert_eq!(log.len(), heard, "{stream} {len}");
        assert_eq!(answer(&mut client), Answer::Nothing);
    }
}

#[test]
fn a_client_passes_over_what_comes_for_a_stream_it_no_longer_remembers() {
    let mut client = raw_client(Limits { closed_streams: 1, ..Limits::default() });
    for _ in 0..3 {
        let stream = client.request(&Request::get("a", "/"), true).unwrap();
        client.reset(stream, 8);
    }
    spoken(&mut client);
    let late = [frame(kind::HEADERS, OPEN, 1, OK), frame(kind::DATA, 1, 1, b"late")].concat();
    assert_eq!(feed(&mut client, &late), (Answer::Nothing, None));
}
