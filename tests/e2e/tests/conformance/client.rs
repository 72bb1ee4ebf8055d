//! The rules for clients, asked of the client's engine by what a server might send.

use super::case::*;
use sakigake_e2e::frames;
use sakigake_h2::{Config, Connection};
use sakigake_semantics::{Event, Part, Request};
use sakigake_wire::Instant;

/// A client whose GET, HEAD, POST and CONNECT are streams 1, 3, 5 and 7, behind a server's good beginning.
fn client() -> Connection {
    let now = Instant::default();
    let mut client = Connection::client(Config { preload: true, ..Config::default() }, now);
    for method in ["GET", "HEAD", "POST"] {
        let request = Request::new(method, "www.saki.test", "/");
        client.request(&request, method != "POST").expect("it may ask");
    }
    let tunnel = Request::new("CONNECT", "www.saki.test:443", "").with_part(Part::Scheme, b"");
    client.request(&tunnel, false).expect("it may ask");
    drain(&mut client);
    let hello = [settings(&[]), frame(SETTINGS, ACK, 0, &[])].concat();
    client.handle(now, &hello, &mut |_| {}).expect("a good beginning");
    drain(&mut client);
    client
}

fn drain(client: &mut Connection) -> Vec<frames::Heard> {
    let mut bytes = Vec::new();
    let mut out = vec![0; 65_536];
    while let Some(len) = client.transmit(Instant::default(), &mut out) {
        bytes.extend_from_slice(&out[..len]);
    }
    let bytes = bytes.strip_prefix(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap_or(&bytes);
    frames::parse(bytes).0
}

/// HEADERS of a response on a stream.
fn response(stream: u32, flags: u8, status: &str, lines: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, flags, stream, &block(&[&[(":status", status)], lines].concat()))
}

/// Asks every row of a client of its own, whole and byte by byte.
fn check_client(cases: &[Case]) {
    let mut wrong = Vec::new();
    for case in cases {
        for split in [usize::MAX, 1] {
            let mut client = client();
            let mut fault = None;
            for piece in case.sent.chunks(split.min(case.sent.len())) {
                fault = fault.or(client.handle(Instant::default(), piece, &mut |_| {}).err());
            }
            let said = drain(&mut client);
            let resets: Vec<(u32, u32)> = said.iter().filter(|f| f.kind == RST_STREAM).map(reset).collect();
            let is_right = match case.expected {
                GoAway(code) => goaway(&said) == Some(code) && client.is_closed(),
                Rst(code) => resets == [(1, code)] && fault.is_none(),
                RstOn(stream, code) => resets == [(stream, code)] && fault.is_none(),
                Accepted => resets.is_empty() && fault.is_none() && goaway(&said).is_none(),
                Status(_) => unreachable!("a client answers nothing"),
            };
            if !is_right {
                let Case { section, what, expected, .. } = case;
                wrong.push(format!(
                    "{section} {what}: expected {expected:?}, heard {} {fault:?}",
                    list(&said)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn responses_that_break_a_rule_are_reset() {
    let ok = |lines: &[(&str, &str)]| response(1, END_HEADERS, "200", lines);
    let only = |lines: &[(&str, &str)]| frame(HEADERS, WHOLE, 1, &block(lines));
    let trailers = |flags| frame(HEADERS, flags, 1, &block(&[("x", "y")]));
    check_client(&[
        case("8.1", "a response", &[&response(1, WHOLE, "200", &[])], Accepted),
        case(
            "8.1",
            "1xx, then the final one",
            &[&response(1, END_HEADERS, "103", &[]), &ok(&[]), &last(1, b"x")],
            Accepted,
        ),
        case(
            "8.1",
            "several 1xx",
            &[&response(1, END_HEADERS, "100", &[]), &response(1, END_HEADERS, "103", &[]), &ok(&[])],
            Accepted,
        ),
        case("8.1", "1xx with END_STREAM", &[&response(1, WHOLE, "103", &[])], Rst(PROTOCOL)), // spec: 9113-8.1-d
        case(
            "8.1",
            "DATA behind 1xx",
            &[&response(1, END_HEADERS, "103", &[]), &data(1, b"x")],
            Rst(PROTOCOL),
        ),
        case("8.1", "DATA first", &[&data(1, b"x")], Rst(PROTOCOL)), // spec: 9113-8.1-b
        case("8.1", "trailers", &[&ok(&[]), &data(1, b"x"), &trailers(WHOLE)], Accepted),
        case("8.1", "trailers without END_STREAM", &[&ok(&[]), &trailers(END_HEADERS)], Rst(PROTOCOL)),
        case("8.1", "trailers alone", &[&trailers(WHOLE)], Rst(PROTOCOL)),
        case("8.1", "a second response", &[&ok(&[]), &response(1, WHOLE, "200", &[])], Rst(PROTOCOL)),
        case("8.6", "101", &[&response(1, END_HEADERS, "101", &[])], Rst(PROTOCOL)), // spec: 9113-8.6-a
        case("8.3.2", "no :status", &[&only(&[("x", "y")])], Rst(PROTOCOL)),         // spec: 9113-8.3.2-a
        case("8.3.2", ":status twice", &[&only(&[(":status", "200"), (":status", "200")])], Rst(PROTOCOL)),
        case("8.3.2", ":status of two digits", &[&only(&[(":status", "20")])], Rst(PROTOCOL)), // spec: 9113-8.3.2-b
        case("8.3.2", ":status of letters", &[&only(&[(":status", "2OO")])], Rst(PROTOCOL)),
        case("8.3.2", ":status below 100", &[&only(&[(":status", "099")])], Rst(PROTOCOL)),
        case("8.3", ":path in a response", &[&only(&[(":status", "200"), (":path", "/")])], Rst(PROTOCOL)),
        case("8.3", ":status behind a field", &[&only(&[("x", "y"), (":status", "200")])], Rst(PROTOCOL)),
        case("8.3", "an unknown one", &[&only(&[(":status", "200"), (":reason", "OK")])], Rst(PROTOCOL)),
        case("8.2", "an upper-case name", &[&ok(&[("Server", "x")])], Rst(PROTOCOL)),
        case("8.2.1", "LF in a value", &[&ok(&[("x", "a\nb")])], Rst(PROTOCOL)),
        case("8.2.1", "a space at the end", &[&ok(&[("x", "a ")])], Rst(PROTOCOL)),
        case("8.2.2", "connection", &[&ok(&[("connection", "close")])], Rst(PROTOCOL)),
        case("8.2.2", "transfer-encoding", &[&ok(&[("transfer-encoding", "chunked")])], Rst(PROTOCOL)),
        case("8.2.2", "te", &[&ok(&[("te", "trailers")])], Rst(PROTOCOL)),
        case("8.1.1", "too little", &[&ok(&[("content-length", "2")]), &last(1, b"x")], Rst(PROTOCOL)),
        case("8.1.1", "too much", &[&ok(&[("content-length", "2")]), &data(1, b"xyz")], Rst(PROTOCOL)),
        case(
            "8.1.1",
            "nothing of it",
            &[&response(1, WHOLE, "200", &[("content-length", "2")])],
            Rst(PROTOCOL),
        ),
        case(
            "8.1.1",
            "to HEAD it is another's length",
            &[&response(3, WHOLE, "200", &[("content-length", "2")])],
            Accepted,
        ), // spec: 9113-8.1.1-b
        case(
            "8.1.1",
            "to HEAD there is no body",
            &[&response(3, END_HEADERS, "200", &[]), &last(3, b"x")],
            RstOn(3, PROTOCOL),
        ),
        case(
            "8.1.1",
            "304 tells a length",
            &[&response(1, WHOLE, "304", &[("content-length", "9")])],
            Accepted,
        ),
        case(
            "8.1.1",
            "204 has no body",
            &[&response(1, END_HEADERS, "204", &[]), &last(1, b"x")],
            Rst(PROTOCOL),
        ),
        case(
            "8.5",
            "a tunnel takes DATA",
            &[&response(7, END_HEADERS, "200", &[]), &data(7, b"x")],
            Accepted,
        ),
        case(
            "8.5",
            "and no trailers",
            &[&response(7, END_HEADERS, "200", &[]), &frame(HEADERS, WHOLE, 7, &block(&[("x", "y")]))],
            RstOn(7, PROTOCOL),
        ),
        case(
            "8.5",
            "a refused one has a body",
            &[&response(7, END_HEADERS, "403", &[]), &frame(HEADERS, WHOLE, 7, &block(&[("x", "y")]))],
            Accepted,
        ),
    ]);
}

#[test]
fn what_only_a_client_may_do_ends_the_connection() {
    let promise = |stream, promised: u32| {
        let block = request("GET", "/", &[]);
        frame(PUSH_PROMISE, END_HEADERS, stream, &[&promised.to_be_bytes()[..], &block].concat())
    };
    check_client(&[
        case("6.6", "a promise", &[&promise(1, 2)], GoAway(PROTOCOL)), // spec: 9113-6.6-a
        case(
            "6.6",
            "on a stream that is over",
            &[&response(1, WHOLE, "200", &[]), &promise(1, 2)],
            GoAway(PROTOCOL),
        ),
        case("6.6", "on 0", &[&promise(0, 2)], GoAway(PROTOCOL)),
        case("6.6", "of an odd stream", &[&promise(1, 9)], GoAway(PROTOCOL)),
        case("6.6", "too short", &[&frame(PUSH_PROMISE, END_HEADERS, 1, &[0, 0])], GoAway(FRAME_SIZE)),
        case("5.1", "HEADERS on an idle stream", &[&response(9, WHOLE, "200", &[])], GoAway(PROTOCOL)),
        case("5.1", "HEADERS on an even stream", &[&response(2, WHOLE, "200", &[])], GoAway(PROTOCOL)),
        case("5.1", "DATA on an idle stream", &[&data(9, b"x")], GoAway(PROTOCOL)),
        case("5.1", "WINDOW_UPDATE on an idle stream", &[&credit(9, 1)], GoAway(PROTOCOL)),
        case("5.1", "RST_STREAM on an idle stream", &[&rst(9, CANCEL)], GoAway(PROTOCOL)),
        case(
            "5.1",
            "DATA behind the end of both",
            &[&response(1, WHOLE, "200", &[]), &data(1, b"x")],
            GoAway(STREAM_CLOSED),
        ), // spec: 9113-5.1-e
        case(
            "5.1",
            "DATA behind the server's end",
            &[&response(5, WHOLE, "200", &[]), &data(5, b"x")],
            RstOn(5, STREAM_CLOSED),
        ),
        case(
            "5.1",
            "HEADERS behind RST_STREAM",
            &[&rst(1, CANCEL), &response(1, WHOLE, "200", &[])],
            Rst(STREAM_CLOSED),
        ),
        case("6.5.2", "push", &[&settings(&[(2, 1)])], GoAway(PROTOCOL)), // spec: 9113-6.5.2-a
        case("6.5.2", "no push", &[&settings(&[(2, 0)])], Accepted),
        case("6.5.3", "a receipt too many", &[&frame(SETTINGS, ACK, 0, &[])], GoAway(PROTOCOL)),
        case("6.7", "PING on a stream", &[&frame(PING, 0, 1, &[0; 8])], GoAway(PROTOCOL)),
        case(
            "6.8",
            "GOAWAY that takes more back",
            &[
                &frame(GOAWAY, 0, 0, &[0, 0, 0, 3, 0, 0, 0, 0]),
                &frame(GOAWAY, 0, 0, &[0, 0, 0, 5, 0, 0, 0, 0]),
            ],
            GoAway(PROTOCOL),
        ), // spec: 9113-6.8-a
        case("6.9", "by 0", &[&credit(0, 0)], GoAway(PROTOCOL)),
        case("6.9", "by 0 on a stream", &[&credit(5, 0)], RstOn(5, PROTOCOL)),
        case("6.9.1", "above 2^31-1", &[&credit(0, 0x7fff_ffff)], GoAway(FLOW_CONTROL)),
        case("6.9.1", "above 2^31-1 on a stream", &[&credit(5, 0x7fff_ffff)], RstOn(5, FLOW_CONTROL)),
        case("6.10", "a stray CONTINUATION", &[&frame(CONTINUATION, END_HEADERS, 1, &[])], GoAway(PROTOCOL)),
        case(
            "6.10",
            "an interrupted block",
            &[&frame(HEADERS, 0, 1, &[0x88]), &data(3, b"x")],
            GoAway(PROTOCOL),
        ),
        case("4.3", "a broken block", &[&frame(HEADERS, WHOLE, 1, &[0x88, 0x80])], GoAway(COMPRESSION)),
        case(
            "9218-7.1",
            "PRIORITY_UPDATE",
            &[&frame(PRIORITY_UPDATE, 0, 0, &[0, 0, 0, 1])],
            GoAway(PROTOCOL),
        ), // spec: 9218-7.1-a
        case("8441-3", "extended CONNECT of 2", &[&settings(&[(8, 2)])], GoAway(PROTOCOL)),
        case("8441-3", "taken back", &[&settings(&[(8, 1)]), &settings(&[(8, 0)])], GoAway(PROTOCOL)),
        case("4.1", "an unknown frame", &[&frame(0x42, 0xff, 1, &[0; 9])], Accepted),
        case("8336-2.2", "ORIGIN cut short", &[&frame(ORIGIN, 0, 0, &[0, 9, b'h'])], Accepted),
    ]);
}

#[test]
fn a_whole_response_stands_though_the_request_is_cut_short() {
    let mut client = client();
    let mut told = Vec::new();
    let bytes = [response(5, END_HEADERS, "200", &[]), last(5, b"enough"), rst(5, NO_ERROR)].concat();
    let handled = client.handle(Instant::default(), &bytes, &mut |event| match event {
        Event::Response { .. } => told.push("head"),
        Event::Data { end: true, .. } => told.push("end"),
        Event::Reset { code: 0, .. } => told.push("reset"),
        _ => told.push("other"),
    });
    assert_eq!(handled, Ok(()));
    assert_eq!(told, ["head", "end", "reset"]); // spec: 9113-8.1-f
}

#[test]
fn what_goaway_leaves_out_may_be_sent_again() {
    let mut client = client();
    let mut lost = Vec::new();
    let bytes = frame(GOAWAY, 0, 0, &[0, 0, 0, 3, 0, 0, 0, 0]);
    let handled = client.handle(Instant::default(), &bytes, &mut |event| {
        if let Event::Reset { stream, untouched: true, .. } = event {
            lost.push(stream.0);
        }
    });
    assert_eq!((handled, lost), (Ok(()), vec![5, 7]));
    assert!(client.request(&Request::get("a", "/"), true).is_err()); // spec: 9113-6.8-c
}
