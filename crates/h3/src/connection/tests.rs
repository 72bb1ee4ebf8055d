use super::*;
use crate::{CodePoints, Misuse, section};
use sakigake_semantics::{Chunk, Cut, FieldLine, Fields, Origin, Priority, Request, Response, Source};
use sakigake_wire::Instant;

mod control;
mod floods;
mod leaving;
mod priorities;
mod tunnels;

const NOW: Instant = Instant::from_nanos(1);

type Heards = Vec<String>;

fn say(event: Event<'_>) -> String {
    match event {
        Event::Settings => "settings".into(),
        Event::Request { stream, request, end } => {
            let path = String::from_utf8_lossy(request.path()).into_owned();
            format!("{}: request {path} {end}", stream.0)
        }
        Event::Informational { stream, response } => format!("{}: interim {}", stream.0, response.status),
        Event::Response { stream, response, end } => {
            format!("{}: response {} {end}", stream.0, response.status)
        }
        Event::Data { stream, bytes, end } => format!("{}: {} bytes {end}", stream.0, bytes.len()),
        Event::Trailers { stream, fields } => format!("{}: trailers {}", stream.0, fields.len()),
        Event::Reset { stream, code, untouched } => format!("{}: reset {code:#x} {untouched}", stream.0),
        Event::Finished { stream } => format!("{}: finished", stream.0),
        Event::Writable { stream } => format!("{}: writable", stream.0),
        Event::GoAway { last, code } => format!("goaway {} {code:#x}", last.0),
        other => format!("{other:?}"),
    }
}

/// What is heard, but for the ends of exchanges, which most tests see without.
fn note(heards: &mut Heards, event: Event<'_>) {
    if !matches!(event, Event::Finished { .. }) {
        heards.push(say(event));
    }
}

struct Pair {
    client: Connection,
    server: Connection,
}

impl Pair {
    fn new() -> Self {
        Self::with(Config::default())
    }

    fn with(config: Config) -> Self {
        let config = Arc::new(config);
        let mut pair =
            Self { client: Connection::client(config.clone()), server: Connection::server(config) };
        assert_eq!((pair.at_server(), pair.at_client()), (vec!["settings".into()], vec!["settings".into()]));
        pair
    }

    fn at_server(&mut self) -> Heards {
        carry(&mut self.client, &mut self.server)
    }

    fn at_client(&mut self) -> Heards {
        carry(&mut self.server, &mut self.client)
    }
}

/// Carries all that one side has to say, cut into small pieces; what the other one hears.
fn carry(from: &mut Connection, to: &mut Connection) -> Heards {
    let mut heards = Heards::new();
    while let Some(departure) = from.depart(NOW, &mut |_| u64::MAX) {
        let mut heard = |event: Event<'_>| note(&mut heards, event);
        match departure {
            Departure::Bytes { stream, chunk, fin } => {
                let (bytes, mut at) = (chunk.as_ref(), 0);
                while at < bytes.len() || (fin && bytes.is_empty()) {
                    let end = bytes.len().min(at + 700);
                    to.handle(NOW, stream, &bytes[at..end], fin && end == bytes.len(), &mut heard).unwrap();
                    at = end;
                    if bytes.is_empty() {
                        break;
                    }
                }
            }
            Departure::Reset { stream, code } => to.reset_heard(NOW, stream, code, &mut heard).unwrap(),
            Departure::Stop { stream, code } => to.stop_heard(NOW, stream, code, &mut heard).unwrap(),
            Departure::Consumed { .. }
            | Departure::Prioritize { .. }
            | Departure::Datagram { .. }
            | Departure::Close { .. } => {}
        }
    }
    heards
}

/// All that a side has to do, where every stream has room.
fn departures(side: &mut Connection) -> Vec<Departure> {
    core::iter::from_fn(|| side.depart(NOW, &mut |_| u64::MAX)).collect()
}

/// What leaves on each stream, and whether it ends there.
fn bytes_of(departures: &[Departure], of: u64) -> (Vec<u8>, bool) {
    let (mut all, mut ended) = (Vec::new(), false);
    for departure in departures {
        if let Departure::Bytes { stream: StreamId(stream), chunk, fin } = departure
            && *stream == of
        {
            all.extend_from_slice(chunk.as_ref());
            ended |= fin;
        }
    }
    (all, ended)
}

/// A server with so many requests, each heard and none answered.
fn server_with(requests: u64, limits: Limits) -> Connection {
    let mut server = Connection::server(Arc::new(Config { limits, ..Config::default() }));
    for number in 0..requests {
        server.handle(NOW, StreamId(4 * number), &hex(GET), true, &mut |_| ()).unwrap();
    }
    departures(&mut server);
    server
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// What a side makes of bytes on streams, in turn; the last one's fault.
fn plays(client: bool, streams: &[(u64, &str, bool)]) -> (Heards, Result<(), Fault>, Connection) {
    let config = Arc::new(Config::default());
    let mut side = if client { Connection::client(config) } else { Connection::server(config) };
    if client {
        side.request(&Request::get("a.example", "/"), true).unwrap();
    }
    let (mut heards, mut outcome) = (Heards::new(), Ok(()));
    for (stream, bytes, fin) in streams {
        let mut heard = |event: Event<'_>| note(&mut heards, event);
        outcome = side.handle(NOW, StreamId(*stream), &hex(bytes), *fin, &mut heard);
    }
    (heards, outcome, side)
}

/// `:method: GET`, `:scheme: https`, `:path: /`, `:authority: a`, by the static table, behind HEADERS' head.
const GET: &str = "01 08 0000 d1 d7 c1 50 01 61";
/// `:status: 200`.
const OK: &str = "01 03 0000 d9";

#[test]
fn a_page_is_fetched() {
    let mut pair = Pair::new();
    let first = pair.client.request(&Request::get("a.example", "/").with("x-a", "1"), true).unwrap();
    let second = pair.client.request(&Request::new("POST", "a.example", "/b"), false).unwrap();
    pair.client.send(second, Chunk::Owned(vec![7; 10]), true).unwrap();
    let heards = pair.at_server();
    assert!(
        heards.contains(&"0: request / true".into()) || heards.contains(&"0: 0 bytes true".into()),
        "{heards:?}"
    );
    assert!(heards.contains(&"4: request /b false".into()), "{heards:?}");
    pair.server.respond(first, &Response::new(103).with("link", "</a>"), false).unwrap();
    pair.server.respond(first, &Response::new(200).with("content-length", "5"), false).unwrap();
    pair.server.send(first, Chunk::Owned(b"hello".to_vec()), true).unwrap();
    pair.server.respond(second, &Response::new(204), true).unwrap();
    let mut heards = pair.at_client();
    heards.sort();
    assert_eq!(
        heards,
        ["0: 5 bytes true", "0: interim 103", "0: response 200 false", "4: response 204 true"]
    );
    pair.at_server();
    assert!(pair.client.is_idle() && pair.server.is_idle());
}

#[test]
fn trailers_end_a_message() {
    let mut pair = Pair::new();
    let stream = pair.client.request(&Request::new("POST", "a.example", "/"), false).unwrap();
    pair.client.send(stream, Chunk::Owned(vec![1; 3]), false).unwrap();
    let mut fields = Fields::new();
    fields.push(b"x-sum", b"6");
    pair.client.trailers(stream, &fields).unwrap();
    assert_eq!(pair.client.send(stream, Chunk::Owned(vec![1]), true), Err(Misuse::Order));
    assert_eq!(pair.at_server().last().unwrap(), "0: trailers 1");
}

#[test]
fn settings_come_first_and_once() {
    // spec: 9114-6.2.1-a
    // spec: 9114-6.2.1-d
    // spec: 9114-7.2.4-a
    let mut client = Connection::client(Arc::default());
    let (out, fin) = bytes_of(&departures(&mut client), 2);
    assert_eq!((&out[..2], fin), (&[0x00, 0x04][..], false));
    assert!(out.ends_with(&[0x21, 0x00]));
    assert_eq!(plays(false, &[(2, "00 04 00", false)]).1, Ok(()));
    assert_eq!(plays(false, &[(2, "00 07 01 00", false)]).1, Err(Fault::MissingSettings));
    assert_eq!(plays(false, &[(2, "00 21 00", false)]).1, Err(Fault::MissingSettings));
    assert_eq!(plays(false, &[(2, "00 04 00 04 00", false)]).1, Err(Fault::SecondSettings));
}

#[test]
fn streams_that_the_connection_needs_are_there_once_and_stay() {
    // spec: 9114-6.2.1-b
    // spec: 9114-6.2.1-c
    // spec: 9204-4.2-a
    // spec: 9204-4.2-b
    for kind in ["00 04 00", "02", "03"] {
        let twice = [(2, kind, false), (6, kind, false)];
        assert_eq!(plays(false, &twice).1, Err(Fault::SecondStream), "{kind}");
        assert_eq!(plays(false, &[(2, kind, true)]).1, Err(Fault::CriticalStream), "{kind}");
        let (_, outcome, mut side) = plays(false, &[(2, kind, false)]);
        assert_eq!(outcome, Ok(()));
        let reset = side.reset_heard(NOW, StreamId(2), 0, &mut |_| ());
        assert_eq!(reset, Err(Fault::CriticalStream), "{kind}");
    }
}

#[test]
fn nobody_may_stop_our_control_stream() {
    // spec: 9114-6.2.1-e
    let mut server = server_with(0, Limits::default());
    assert_eq!(server.stop_heard(NOW, StreamId(3), 0, &mut |_| ()), Err(Fault::CriticalStream));
}

#[test]
fn streams_and_frames_of_unknown_types_are_left_alone() {
    // spec: 9114-6.2-b
    // spec: 9114-6.2-c
    // spec: 9114-9-a
    let (heards, outcome, mut side) = plays(
        false,
        &[
            (2, "00 04 00 21 02 aaaa", false),
            (6, "21 616161", false),
            (10, "40", true),
            (0, &format!("21 00 {GET} 40 21 01 61"), true),
        ],
    );
    assert_eq!(
        (&heards[..], outcome),
        (&["settings".into(), "0: request / false".into(), "0: 0 bytes true".into()][..], Ok(()))
    );
    let stops =
        |departure: &Departure| matches!(departure, Departure::Stop { stream: StreamId(6), code: 0x103 });
    assert!(departures(&mut side).iter().any(stops));
    let limits = Limits { unknown_frames_per_10_s: 2, unknown_streams_per_10_s: 2, ..Limits::default() };
    let mut server = Connection::server(Arc::new(Config { limits, ..Config::default() }));
    assert_eq!(server.handle(NOW, StreamId(0), &hex(&"21 00 ".repeat(6)), false, &mut |_| ()), Ok(()));
    let fault = server.handle(NOW, StreamId(0), &hex("21 00"), false, &mut |_| ());
    assert_eq!(fault, Err(Fault::Flood(Flood::UnknownFrames)));
    let mut server = Connection::server(Arc::new(Config { limits, ..Config::default() }));
    let mut open = |stream| server.handle(NOW, StreamId(stream), &hex("21"), false, &mut |_| ());
    assert_eq!((open(2), open(6), open(10)), (Ok(()), Ok(()), Err(Fault::Flood(Flood::UnknownStreams))));
}

#[test]
fn what_does_not_belong_there_ends_the_connection() {
    // spec: 9114-4.1-a
    // spec: 9114-7.2.1-a
    // spec: 9114-7.2.2-a
    // spec: 9114-7.2.4-b
    // spec: 9114-7.2.6-b
    // spec: 9114-7.2.8-b
    let settings = "00 04 00";
    for (bytes, fault) in [
        ("00 00", Fault::Misplaced),
        ("01 00", Fault::Misplaced),
        ("05 01 00", Fault::Misplaced),
        ("06 00", Fault::Http2Frame),
    ] {
        assert_eq!(plays(false, &[(2, &format!("{settings} {bytes}"), false)]).1, Err(fault), "{bytes}");
    }
    for (bytes, fault) in [
        ("00 00", Fault::MessageOrder),
        ("04 00", Fault::Misplaced),
        ("07 01 00", Fault::Misplaced),
        ("0d 01 00", Fault::Misplaced),
        ("03 01 00", Fault::Misplaced),
        ("02 00", Fault::Http2Frame),
        ("06 00", Fault::Http2Frame),
        ("08 00", Fault::Http2Frame),
        ("09 00", Fault::Http2Frame),
    ] {
        assert_eq!(plays(false, &[(0, bytes, false)]).1, Err(fault), "{bytes}");
        assert_eq!(fault.code(), ErrorCode::FrameUnexpected);
    }
    let trailers = "01 02 0000";
    for late in ["00 00", trailers] {
        assert_eq!(
            plays(false, &[(0, &format!("{GET} {trailers} {late}"), false)]).1,
            Err(Fault::MessageOrder)
        );
    }
}

#[test]
fn nothing_is_pushed() {
    // spec: 9114-6.1-a
    // spec: 9114-6.2.2-a
    // spec: 9114-7.2.3-a
    // spec: 9114-7.2.5-a
    // spec: 9114-7.2.5-b
    // spec: 9114-7.2.7-a
    assert_eq!(plays(false, &[(2, "01 00", false)]).1, Err(Fault::ClientPush));
    assert_eq!(plays(true, &[(3, "01 00", false)]).1, Err(Fault::Push));
    assert_eq!(plays(false, &[(0, "05 03 00 0000", false)]).1, Err(Fault::Sender));
    assert_eq!(plays(true, &[(0, "05 03 00 0000", false)]).1, Err(Fault::Push));
    assert_eq!(plays(true, &[(3, "00 04 00 0d 01 00", false)]).1, Err(Fault::Sender));
    for client in [true, false] {
        let control = if client { 3 } else { 2 };
        assert_eq!(plays(client, &[(control, "00 04 00 03 01 00", false)]).1, Err(Fault::Push));
        // Its payload is one number, as that of a ranking is not.
        assert_eq!(plays(client, &[(control, "00 04 00 03 02 00 00", false)]).1, Err(Fault::FrameLength));
    }
    assert_eq!(plays(true, &[(1, "", false)]).1, Err(Fault::ServerStream));
}

#[test]
fn a_limit_for_pushes_only_grows() {
    // spec: 9114-7.2.7-b
    assert_eq!(plays(false, &[(2, "00 04 00 0d 01 05 0d 01 05 0d 01 06", false)]).1, Ok(()));
    assert_eq!(plays(false, &[(2, "00 04 00 0d 01 05 0d 01 04", false)]).1, Err(Fault::MaxPushId));
    assert_eq!(plays(false, &[(2, "00 04 00 0d 00", false)]).1, Err(Fault::FrameLength));
    assert_eq!(plays(false, &[(2, "00 04 00 0d 02 05 05", false)]).1, Err(Fault::FrameLength));
}

#[test]
fn a_server_that_goes_away_serves_what_it_has() {
    // spec: 9114-5.2-b
    // spec: 9114-5.2-c
    // spec: 9114-5.2-d
    // spec: 9114-5.2-e
    let mut pair = Pair::new();
    let first = pair.client.request(&Request::get("a.example", "/1"), true).unwrap();
    pair.at_server();
    pair.server.drain(NOW, None);
    let on_its_way = pair.client.request(&Request::get("a.example", "/2"), true).unwrap();
    assert_eq!(pair.at_server(), ["4: request /2 true"]);
    let due = pair.server.deadline().expect("the second GOAWAY follows");
    assert_eq!(due, NOW + Span::from_millis(Limits::default().drain_ms));
    pair.server.expire(due);
    assert_eq!(pair.server.deadline(), None);
    let late = pair.client.request(&Request::get("a.example", "/3"), true).unwrap();
    assert_eq!(pair.at_server(), Heards::new(), "it is not looked at");
    let beyond = (1_u64 << 62) - 8;
    assert_eq!(
        pair.at_client(),
        [format!("goaway {beyond} 0x100"), "8: reset 0x10b true".into(), "goaway 4 0x100".into()]
    );
    assert!(!pair.server.is_closed());
    assert_eq!(pair.client.request(&Request::get("a.example", "/3"), true), Err(Misuse::Closing));
    assert_eq!(pair.client.room(late), 0);
    pair.server.respond(first, &Response::new(200), true).unwrap();
    pair.server.respond(on_its_way, &Response::new(200), true).unwrap();
    assert_eq!(pair.at_client(), ["0: response 200 true", "4: response 200 true"]);
    pair.at_server();
    departures(&mut pair.server); // What answers the client's reset, which QUIC keeps from who has stopped the stream.
    assert!(pair.server.is_closed() && pair.client.is_closed());
}

#[test]
fn what_was_given_up_stays_so() {
    // spec: 9114-5.2-a
    // spec: 9114-7.2.6-a
    let settings = "00 04 00";
    assert_eq!(plays(true, &[(3, &format!("{settings} 07 01 08 07 01 08 07 01 04"), false)]).1, Ok(()));
    assert_eq!(plays(true, &[(3, &format!("{settings} 07 01 08 07 01 0c"), false)]).1, Err(Fault::GoAway));
    assert_eq!(plays(true, &[(3, &format!("{settings} 07 01 09"), false)]).1, Err(Fault::GoAway));
    assert_eq!(plays(false, &[(2, &format!("{settings} 07 01 09"), false)]).1, Ok(()), "a push's number");
}

#[test]
fn a_malformed_message_ends_its_stream_alone() {
    // spec: 9114-4.1.2-a
    // spec: 9114-4.1.2-b
    // spec: 9114-4.1-b
    for (bytes, fin, code) in [
        ("01 03 0000 d1", true, 0x10e),
        // content-length: 0, and a byte.
        ("01 09 0000 d1 d7 c1 50 01 61 c4 00 01 61", false, 0x10e),
        ("", true, 0x10d),
        ("21 00", true, 0x10d),
    ] {
        let (_, outcome, mut side) = plays(false, &[(0, bytes, fin)]);
        assert_eq!(outcome, Ok(()), "{bytes}");
        let departures = departures(&mut side);
        let resets = |departure: &Departure| matches!(departure, Departure::Reset { stream: StreamId(0), code: with } if *with == code);
        assert!(departures.iter().any(resets), "{bytes}: {departures:?}");
    }
    assert_eq!(plays(true, &[(0, "", true)]).0, ["0: reset 0x10e false"]);
    assert_eq!(plays(true, &[(0, OK, true)]).0, ["0: response 200 true"]);
}

#[test]
fn a_stream_that_ends_within_a_frame_ends_the_connection() {
    // spec: 9114-7.1-b
    let whole = hex(GET).len();
    for len in 1..whole {
        let mut server = Connection::server(Arc::default());
        let cut = server.handle(NOW, StreamId(0), &hex(GET)[..len], true, &mut |_| ());
        assert_eq!(cut, Err(Fault::Truncated), "{len}");
    }
    assert_eq!(plays(false, &[(0, GET, true)]).0, ["0: request / true"]);
}

#[test]
fn a_tunnel_carries_data_alone() {
    // spec: 9114-4.4-a
    let connect = "01 08 0000 cf 50 03 613a31";
    assert_eq!(plays(false, &[(0, &format!("{connect} 00 01 61"), false)]).1, Ok(()));
    assert_eq!(plays(false, &[(0, &format!("{connect} 01 02 0000"), false)]).1, Err(Fault::MessageOrder));
}

#[test]
fn what_speaks_of_one_connection_does_not_leave() {
    // spec: 9114-4.2-b
    let lines = [("connection", "close"), ("te", "gzip"), ("te", "trailers"), ("x-a", "1")];
    let lines = lines.map(|(name, value)| FieldLine::new(name.as_bytes(), value.as_bytes()));
    let left: Vec<_> = section::crossing(lines.into_iter()).map(|line| line.name.to_vec()).collect();
    assert_eq!(left, [b"te".to_vec(), b"x-a".to_vec()]);
}

#[test]
fn a_section_that_waits_holds_what_is_behind_it() {
    let waiting = "01 09 0200 d1 d7 c1 50 01 61 80 00 01 61";
    let inserts = "02 3f e1 1f 43 782d61 01 31";
    let (heards, outcome, _) = plays(false, &[(0, waiting, true), (4, GET, true), (6, inserts, false)]);
    assert_eq!(outcome, Ok(()));
    assert_eq!(heards, ["4: request / true", "0: request / false", "0: 1 bytes true"]);
    let limits = Limits { waiting_bytes: 3, ..Limits::default() };
    let mut server = Connection::server(Arc::new(Config { limits, ..Config::default() }));
    assert_eq!(server.handle(NOW, StreamId(0), &hex(waiting), false, &mut |_| ()), Ok(()));
    let fault = server.handle(NOW, StreamId(0), &[0], false, &mut |_| ());
    assert_eq!(fault, Err(Fault::Flood(Flood::WaitingBytes)));
}

#[test]
fn limits_are_kept() {
    // spec: 9114-4.2.2-a
    let outcome = |limits: Limits, bytes: &str| {
        let mut server = Connection::server(Arc::new(Config { limits, ..Config::default() }));
        let outcome = server.handle(NOW, StreamId(0), &hex(bytes), false, &mut |_| ());
        (outcome, server.departures.len())
    };
    let wide = Limits::default();
    assert_eq!(outcome(Limits { header_block_bytes: 8, ..wide }, GET), (Ok(()), 0));
    assert_eq!(outcome(Limits { header_block_bytes: 7, ..wide }, GET), (Ok(()), 2));
    assert_eq!(outcome(Limits { header_lines: 4, ..wide }, GET), (Ok(()), 0));
    assert_eq!(outcome(Limits { header_lines: 3, ..wide }, GET), (Ok(()), 2));
    let size = (7 + 3) + (7 + 5) + (5 + 1) + (10 + 1) + 4 * 32;
    assert_eq!(outcome(Limits { header_list_bytes: size, ..wide }, GET), (Ok(()), 0));
    assert_eq!(outcome(Limits { header_list_bytes: size - 1, ..wide }, GET), (Ok(()), 2));

    let control = |limits: Limits, bytes: &str| {
        let mut server = Connection::server(Arc::new(Config { limits, ..Config::default() }));
        server.handle(NOW, StreamId(2), &hex(bytes), false, &mut |_| ())
    };
    assert_eq!(control(Limits { settings_bytes: 2, ..wide }, "00 04 02 21 00"), Ok(()));
    let fault = control(Limits { settings_bytes: 1, ..wide }, "00 04 02 21 00");
    assert_eq!(fault, Err(Fault::Flood(Flood::SettingsBytes)));
    let ids = "00 04 00 0d 01 01 0d 01 02";
    assert_eq!(control(Limits { controls_per_10_s: 2, ..wide }, ids), Ok(()));
    let fault = control(Limits { controls_per_10_s: 1, ..wide }, ids);
    assert_eq!(fault, Err(Fault::Flood(Flood::Controls)));

    let limits = Limits { empty_frames_per_10_s: 2, ..wide };
    let mut server = Connection::server(Arc::new(Config { limits, ..Config::default() }));
    let mut empty = |frames: &str| server.handle(NOW, StreamId(0), &hex(frames), false, &mut |_| ());
    assert_eq!(empty(&format!("{GET} 00 00 00 00")), Ok(()));
    assert_eq!(empty("00 00"), Err(Fault::Flood(Flood::EmptyFrames)));

    let limits = Limits { resets_per_10_s: 2, ..wide };
    let mut server = Connection::server(Arc::new(Config { limits, ..Config::default() }));
    let mut come_and_go = |stream| {
        server.handle(NOW, StreamId(stream), &hex(GET), false, &mut |_| ()).unwrap();
        server.reset_heard(NOW, StreamId(stream), 0x10c, &mut |_| ())
    };
    assert_eq!((come_and_go(0), come_and_go(4)), (Ok(()), Ok(())));
    assert_eq!(come_and_go(8), Err(Fault::Flood(Flood::Resets)));

    let mut client = Connection::client(Arc::new(Config {
        limits: Limits { send_queue_bytes: 100, ..wide },
        ..Config::default()
    }));
    let stream = client.request(&Request::new("POST", "a", "/"), false).unwrap();
    client.send(stream, Chunk::Owned(vec![0; 50]), false).unwrap();
    let most = client.room(stream);
    assert_eq!(client.send(stream, Chunk::Owned(vec![0; most + 1]), false), Err(Misuse::Full));
    assert_eq!(client.send(stream, Chunk::Owned(vec![0; most]), false), Ok(()));
    client.handle(NOW, StreamId(3), &hex("00 04 02 06 21"), false, &mut |_| ()).unwrap();
    assert_eq!(client.request(&Request::get("a", "/"), true), Err(Misuse::TooLarge));
}

#[test]
fn no_flipped_bit_panics() {
    let control = hex("00 04 04 01 40 64 21 0d 01 05 07 01 04 21 02 6161");
    let request = hex(&format!("{GET} 00 02 6161 21 01 61 01 02 0000"));
    for (stream, sample) in [(2, &control), (0, &request), (0, &hex("01 09 0200 d1 d7 c1 50 01 61 80"))] {
        for at in 0..sample.len() * 8 {
            let mut flipped = sample.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            let mut server = Connection::server(Arc::default());
            // What becomes of flipped bytes is their own affair.
            let _ = server.handle(NOW, StreamId(stream), &flipped, at % 2 == 0, &mut |_| ());
            departures(&mut server);
        }
    }
}

#[test]
fn a_response_that_nobody_wants_is_given_up() {
    let mut pair = Pair::new();
    let stream = pair.client.request(&Request::get("a.example", "/"), true).unwrap();
    pair.at_server();
    pair.server.respond(stream, &Response::new(200), false).unwrap();
    pair.at_client();
    pair.client.reset(stream, ErrorCode::RequestCancelled);
    assert_eq!(pair.at_server(), ["0: reset 0x10c false"]);
    assert_eq!(pair.server.send(stream, Chunk::Owned(vec![1]), false), Err(Misuse::UnknownStream));
}

#[test]
fn a_request_that_was_looked_at_is_not_rejected() {
    // spec: 9114-4.1.1-a
    let mut server = server_with(0, Limits::default());
    server.handle(NOW, StreamId(0), &hex(GET), false, &mut |_| ()).unwrap();
    departures(&mut server);
    server.reset_heard(NOW, StreamId(0), 0x10b, &mut |_| ()).unwrap();
    let ends = departures(&mut server);
    let codes = ends.iter().filter_map(|departure| match departure {
        Departure::Reset { code, .. } | Departure::Stop { code, .. } => Some(*code),
        _ => None,
    });
    assert_eq!(codes.collect::<Vec<_>>(), [0x10c, 0x10c], "both ways");
}

#[test]
fn goodbye_is_never_taken_back() {
    // spec: 9114-5.2-f
    let mut server = server_with(1, Limits::default());
    let said = |server: &mut Connection| bytes_of(&departures(server), 3).0;
    server.drain(NOW, None);
    let first = said(&mut server);
    server.drain(NOW, None);
    assert_eq!((first.len(), said(&mut server)), (10, vec![]));
    server.expire(server.deadline().expect("the second one follows"));
    assert_eq!(said(&mut server), hex("07 01 04"));
    server.drain(NOW, None);
    assert_eq!(said(&mut server), []);
}

#[test]
fn a_response_may_end_its_request() {
    // spec: 9114-4.1-c
    let mut pair = Pair::new();
    let stream = pair.client.request(&Request::new("POST", "a.example", "/"), false).unwrap();
    pair.at_server();
    pair.server.respond(stream, &Response::new(413), true).unwrap();
    assert_eq!(
        pair.client.stop_heard(NOW, stream, 0x100, &mut |_| panic!("the response still comes")),
        Ok(())
    );
    assert_eq!(pair.at_client(), ["0: response 413 true"]);
}

#[test]
fn instructions_that_nobody_carries_have_an_end() {
    let mut client = Connection::client(Arc::default());
    client.handle(NOW, StreamId(3), &hex("00 04 05 01 50 00 07 10"), false, &mut |_| ()).unwrap();
    for number in 0..2_000 {
        let request = Request::get("a.example", "/").with("x-a", &format!("{number:0100}"));
        client.request(&request, true).unwrap();
    }
    let (queued, _) = bytes_of(&departures(&mut client), 6);
    let queued = queued.len();
    assert!(queued < 2 * client.config.qpack.encoder_stream_bytes, "{queued} bytes");
}

#[test]
fn what_aioquic_says_is_understood() {
    // Written down from aioquic 1.7: control stream with SETTINGS and MAX_PUSH_ID, QPACK's streams, one exchange.
    let request = "01230000d1d750871ae5f23a6ba0bf518860d5485f2bce9a685f5088198fdad31180ae2fdd";
    let (heards, outcome, server) = plays(
        false,
        &[
            (2, "0004090150000710080121010d0108", false),
            (6, "02", false),
            (10, "03", false),
            (0, request, true),
        ],
    );
    assert_eq!((heards, outcome), (vec!["settings".into(), "0: request /index.html true".into()], Ok(())));
    let settings = Settings {
        qpack_max_table_capacity: 4_096,
        qpack_blocked_streams: 16,
        max_field_section_size: None,
        enable_connect_protocol: true,
        h3_datagram: false,
        preload: false,
    };
    assert_eq!(server.peer_settings(), Some(settings));
    let response = "01120000d95f4d88198fdad31180ae2ff4540135 000568656c6c6f";
    let (heards, outcome, _) = plays(
        true,
        &[(3, "000409015000071008012101", false), (7, "02", false), (11, "03", false), (0, response, true)],
    );
    assert_eq!(heards, ["settings", "0: response 200 false", "0: 5 bytes true"]);
    assert_eq!(outcome, Ok(()));
}
