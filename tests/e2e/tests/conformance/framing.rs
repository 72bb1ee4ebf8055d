//! Frames of a wrong shape or in a wrong place (sections 3.4, 4, 5.5 and 6).

use super::case::*;
use sakigake_e2e::{Raw, frames};

#[test]
fn what_is_no_preface_ends_the_connection() {
    let (server, _site) = site();
    let settings = frame(SETTINGS, 0, 0, &[]);
    let good = frames::hello(&[]);
    let rows: [(&str, Vec<u8>); 6] = [
        ("another method", [b"PUT * HTTP/2.0\r\n\r\nSM\r\n\r\n", &settings[..]].concat()),
        ("HTTP/1.1", b"GET / HTTP/1.1\r\nhost: www.saki.test\r\n\r\n".to_vec()),
        ("the last byte", [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r", &settings[..]].concat()),
        ("frames alone", settings.clone()),
        ("PING before SETTINGS", [&good[..24], &frame(PING, 0, 0, &[0; 8])].concat()),
        ("a receipt before SETTINGS", [&good[..24], &frame(SETTINGS, ACK, 0, &[])].concat()),
    ];
    for (what, bytes) in rows {
        let mut raw = Raw::connect(&server, "www.saki.test", &["h2"]);
        // It may have had enough before the last byte.
        let _ = raw.try_send(&bytes);
        raw.read_to_end();
        assert_eq!(goaway(&raw.frames()), Some(PROTOCOL), "{what}"); // spec: 9113-3.4-b 9113-3.4-c
    }
}

#[test]
fn a_frame_has_a_length_that_its_type_has() {
    let (server, _site) = site();
    let full = |size: usize| frame(DATA, END_STREAM, 1, &vec![0; size]);
    let long_block = request("GET", "/index.html", &[("x-long", &"v".repeat(16_400))]);
    check(
        &server,
        &[
            case("4.2", "DATA of 2^14 bytes", &[&post(1, &[]), &full(16_384)], Status(405)), // spec: 9113-4.2-d
            case("4.2", "one more", &[&post(1, &[]), &full(16_385)], GoAway(FRAME_SIZE)), // spec: 9113-4.2-a
            case("4.2", "HEADERS above 2^14", &[&frame(HEADERS, WHOLE, 1, &long_block)], GoAway(FRAME_SIZE)),
            case(
                "4.2",
                "an unknown frame above 2^14",
                &[&frame(0x7f, 0, 0, &[0; 16_385])],
                GoAway(FRAME_SIZE),
            ),
            case("6.3", "PRIORITY of 4 bytes", &[&get(1), &frame(PRIORITY, 0, 1, &[0; 4])], Rst(FRAME_SIZE)), // spec: 9113-6.3-b
            case("6.3", "PRIORITY of 6 bytes", &[&get(1), &frame(PRIORITY, 0, 1, &[0; 6])], Rst(FRAME_SIZE)),
            case("6.3", "of 4, idle", &[&frame(PRIORITY, 0, 1, &[0; 4])], GoAway(FRAME_SIZE)),
            case(
                "6.4",
                "RST_STREAM of 3",
                &[&post(1, &[]), &frame(RST_STREAM, 0, 1, &[0; 3])],
                GoAway(FRAME_SIZE),
            ),
            case(
                "6.4",
                "RST_STREAM of 5",
                &[&post(1, &[]), &frame(RST_STREAM, 0, 1, &[0; 5])],
                GoAway(FRAME_SIZE),
            ),
            case("6.5", "a receipt with settings", &[&frame(SETTINGS, ACK, 0, &[0; 6])], GoAway(FRAME_SIZE)), // spec: 9113-6.5-a
            case("6.5", "SETTINGS of 5", &[&frame(SETTINGS, 0, 0, &[0; 5])], GoAway(FRAME_SIZE)),
            case("6.7", "PING of 7", &[&frame(PING, 0, 0, &[0; 7])], GoAway(FRAME_SIZE)),
            case("6.7", "PING of 9", &[&frame(PING, 0, 0, &[0; 9])], GoAway(FRAME_SIZE)),
            case("6.8", "GOAWAY of 7", &[&frame(GOAWAY, 0, 0, &[0; 7])], GoAway(FRAME_SIZE)),
            case("6.9", "WINDOW_UPDATE of 3", &[&frame(WINDOW_UPDATE, 0, 0, &[0; 3])], GoAway(FRAME_SIZE)),
            case(
                "6.9",
                "of 5, on a stream",
                &[&get(1), &frame(WINDOW_UPDATE, 0, 1, &[0; 5])],
                GoAway(FRAME_SIZE),
            ),
            case(
                "9218-7.1",
                "PRIORITY_UPDATE of 3",
                &[&frame(PRIORITY_UPDATE, 0, 0, &[0; 3])],
                GoAway(FRAME_SIZE),
            ),
            case(
                "6.2",
                "HEADERS too short for its priority",
                &[&frame(HEADERS, WHOLE | WITH_PRIORITY, 1, &[0; 4])],
                GoAway(FRAME_SIZE),
            ),
            case(
                "6.2",
                "too short for its pad length",
                &[&frame(HEADERS, WHOLE | PADDED, 1, &[])],
                GoAway(FRAME_SIZE),
            ),
            case(
                "6.1",
                "DATA too short for its pad length",
                &[&post(1, &[]), &frame(DATA, PADDED, 1, &[])],
                GoAway(FRAME_SIZE),
            ),
        ],
    );
}

#[test]
fn padding_lies_within_its_frame() {
    let (server, _site) = site();
    let padded = |pad: u8, block: &[u8]| frame(HEADERS, WHOLE | PADDED, 1, &[&[pad], block].concat());
    check(
        &server,
        &[
            case(
                "6.1",
                "DATA with padding of its length",
                &[&post(1, &[]), &frame(DATA, PADDED, 1, &[3, 0, 0])],
                GoAway(PROTOCOL),
            ), // spec: 9113-6.1-b
            case(
                "6.1",
                "of more",
                &[&post(1, &[]), &frame(DATA, PADDED | END_STREAM, 1, &[255, 0])],
                GoAway(PROTOCOL),
            ),
            case(
                "6.1",
                "of all that is left",
                &[&post(1, &[]), &frame(DATA, PADDED | END_STREAM, 1, &[2, 0, 0])],
                Status(405),
            ),
            case("6.2", "HEADERS with padding of its length", &[&padded(8, &[0x82; 7])], GoAway(PROTOCOL)), // spec: 9113-6.2-a
            case("6.2", "of more", &[&padded(255, &[0x82; 7])], GoAway(PROTOCOL)),
        ],
    );
}

#[test]
fn a_frame_stands_on_its_stream() {
    let (server, _site) = site();
    let goaway = |stream| frame(GOAWAY, 0, stream, &[0; 8]);
    check(
        &server,
        &[
            case("6.1", "DATA on 0", &[&data(0, b"x")], GoAway(PROTOCOL)), // spec: 9113-5.1.1-c
            case("6.2", "HEADERS on 0", &[&get(0)], GoAway(PROTOCOL)),
            case("6.3", "PRIORITY on 0", &[&priority(0, 1)], GoAway(PROTOCOL)),
            case("6.4", "RST_STREAM on 0", &[&rst(0, CANCEL)], GoAway(PROTOCOL)),
            case("6.5", "SETTINGS on 1", &[&frame(SETTINGS, 0, 1, &[])], GoAway(PROTOCOL)),
            case("6.5", "a receipt of SETTINGS on 1", &[&frame(SETTINGS, ACK, 1, &[])], GoAway(PROTOCOL)),
            case(
                "6.6",
                "PUSH_PROMISE on 0",
                &[&frame(PUSH_PROMISE, END_HEADERS, 0, &[0, 0, 0, 2])],
                GoAway(PROTOCOL),
            ),
            case("6.7", "PING on 1", &[&frame(PING, 0, 1, &[0; 8])], GoAway(PROTOCOL)),
            case("6.7", "a receipt of PING on 1", &[&frame(PING, ACK, 1, &[0; 8])], GoAway(PROTOCOL)),
            case("6.8", "GOAWAY on 1", &[&goaway(1)], GoAway(PROTOCOL)),
            case("6.10", "CONTINUATION on 0", &[&frame(CONTINUATION, END_HEADERS, 0, &[])], GoAway(PROTOCOL)),
            case(
                "9218-7.1",
                "PRIORITY_UPDATE on 1",
                &[&frame(PRIORITY_UPDATE, 0, 1, &[0, 0, 0, 1])],
                GoAway(PROTOCOL),
            ),
            case("8336-2.2", "ORIGIN on 1", &[&frame(ORIGIN, 0, 1, &[0; 3])], Accepted),
            case("8336-2.2", "ORIGIN on 0, from a client", &[&frame(ORIGIN, 0, 0, &[0; 3])], Accepted),
            case(
                "8.4",
                "PUSH_PROMISE from a client", // spec: 9113-8.4-b
                &[&post(1, &[]), &frame(PUSH_PROMISE, END_HEADERS, 1, &[0, 0, 0, 2, 0x82])],
                GoAway(PROTOCOL),
            ),
        ],
    );
}

#[test]
fn what_is_unknown_is_ignored() {
    let (server, _site) = site();
    let mut reserved = get(1);
    reserved[5] |= 0x80;
    let ping = frame(PING, 0xfe, 0, &[3; 8]);
    check(
        &server,
        &[
            case("4.1", "an unknown type", &[&frame(0x16, 0, 0, &[0; 8]), &get(1)], Status(200)), // spec: 9113-4.1-a
            case(
                "4.1",
                "on a stream",
                &[&post(1, &[]), &frame(0xff, 0xff, 1, &[0; 8]), &last(1, b"")],
                Status(405),
            ),
            case("4.1", "on an idle stream", &[&frame(0xff, 0xff, 9, &[0; 8])], Accepted),
            case("4.1", "flags that nobody defined", &[&ping, &get(1)], Status(200)), // spec: 9113-4.1-c
            case("4.1", "the reserved bit", &[&reserved], Status(200)),               // spec: 9113-4.1-b
            case("5.5", "an unknown type and PING after it", &[&frame(0x42, 7, 0, &[])], Accepted),
            case(
                "5.5",
                "within a field block",
                &[&frame(HEADERS, END_STREAM, 1, &[0x82]), &frame(0x16, 0, 0, &[0; 8])],
                GoAway(PROTOCOL),
            ), // spec: 9113-5.5-a
        ],
    );
}

#[test]
fn nothing_comes_between_the_pieces_of_a_field_block() {
    let (server, _site) = site();
    let whole = request("GET", "/index.html", &[]);
    let open = frame(HEADERS, END_STREAM, 1, &whole[..20]);
    let rest = frame(CONTINUATION, END_HEADERS, 1, &whole[20..]);
    let more = frame(CONTINUATION, 0, 1, &whole[20..30]);
    check(
        &server,
        &[
            case("6.2", "PRIORITY", &[&open, &priority(1, 0), &rest], GoAway(PROTOCOL)),
            case("6.2", "HEADERS on the same stream", &[&open, &get(1)], GoAway(PROTOCOL)),
            case("6.2", "HEADERS on another", &[&open, &get(3)], GoAway(PROTOCOL)), // spec: 9113-6.2-c
            case("6.2", "DATA", &[&open, &data(1, b"x")], GoAway(PROTOCOL)),
            case("6.2", "SETTINGS", &[&open, &settings(&[])], GoAway(PROTOCOL)),
            case("6.2", "PING", &[&open, &frame(PING, 0, 0, &[0; 8])], GoAway(PROTOCOL)),
            case("6.2", "WINDOW_UPDATE", &[&open, &credit(0, 1)], GoAway(PROTOCOL)),
            case("6.2", "RST_STREAM", &[&open, &rst(1, CANCEL)], GoAway(PROTOCOL)),
            case("6.10", "DATA behind CONTINUATION", &[&open, &more, &data(1, b"x")], GoAway(PROTOCOL)),
            case(
                "6.10",
                "CONTINUATION of another stream",
                &[&open, &frame(CONTINUATION, END_HEADERS, 3, &[])],
                GoAway(PROTOCOL),
            ),
            case(
                "6.10",
                "CONTINUATION on 0",
                &[&open, &frame(CONTINUATION, END_HEADERS, 0, &[])],
                GoAway(PROTOCOL),
            ),
            case("6.10", "CONTINUATION behind END_HEADERS", &[&get(1), &rest], GoAway(PROTOCOL)), // spec: 9113-6.10-a
            case("6.10", "behind the last CONTINUATION", &[&open, &rest, &rest], GoAway(PROTOCOL)),
            case("6.10", "behind DATA", &[&post(1, &[]), &data(1, b"x"), &rest], GoAway(PROTOCOL)),
            case("6.10", "on an idle stream", &[&rest], GoAway(PROTOCOL)),
        ],
    );
}
