use super::*;
use crate::{CodePoints, Misuse, section};
use sakigake_semantics::{Chunk, Cut, FieldLine, Fields, Origin, Priority, Request, Response, Source};
use sakigake_wire::Instant;

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
    while let Some(departure) = from.depart(&mut |_| u64::MAX) {
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
    core::iter::from_fn(|| side.depart(&mut |_| u64::MAX)).collect()
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
    let mut server = Connection::server(Arc::default());
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
    assert_eq!(server.handle(NOW, StreamId(0), &hex("21 00 21 00"), false, &mut |_| ()), Ok(()));
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
fn a_response_may_end_its_request() {
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

#[derive(Debug)]
struct Counting {
    next: u8,
    left: usize,
}

impl Source for Counting {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Cut> {
        self.left = self.left.checked_sub(out.len()).ok_or(Cut)?;
        for byte in out {
            (*byte, self.next) = (self.next, self.next.wrapping_add(1));
        }
        Ok(())
    }
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

#[test]
fn a_body_leaves_by_reference_and_holds_nobody_else_up() {
    let mut server = server_with(2, Limits::default());
    let body: Arc<[u8]> = Arc::from(vec![7; 100_000]);
    for stream in [StreamId(0), StreamId(4)] {
        server.respond(stream, &Response::new(200), false).unwrap();
        server.send(stream, Chunk::Shared(body.clone()), true).unwrap();
        assert_eq!((server.queued(stream), server.room(stream)), (100_000, 0));
    }
    assert_eq!((server.queued_bytes(), server.held_bytes()), (200_000, 200_000));
    // The first stream has room for the head alone.
    let mut first = |stream: StreamId| if stream.0 == 0 { 99_999 } else { u64::MAX };
    let all: Vec<Departure> = core::iter::from_fn(|| server.depart(&mut first)).collect();
    let lens = [bytes_of(&all, 0).0.len(), bytes_of(&all, 4).0.len()];
    assert_eq!(lens, [10, 100_010]);
    let shares = |departure: &&Departure| matches!(departure, Departure::Bytes { chunk: Chunk::Shared(same), .. } if Arc::ptr_eq(same, &body));
    assert_eq!(all.iter().filter(shares).count(), 1);
    assert!(server.has_sent_end(StreamId(4)) && !server.has_sent_end(StreamId(0)));
    let rest = departures(&mut server);
    assert_eq!(bytes_of(&rest, 0), (vec![7; 100_000], true));
    let mut news = Heards::new();
    server.tell(&mut |event| news.push(say(event)));
    assert_eq!(news, ["4: finished", "0: finished"]);
    assert_eq!((server.queued_bytes(), server.held_bytes(), server.open_streams()), (0, 0, 0));
}

#[test]
fn a_source_is_asked_when_there_is_room() {
    let mut server = server_with(1, Limits::default());
    let stream = StreamId(0);
    server.respond(stream, &Response::new(200), false).unwrap();
    let whole = server.room(stream);
    server.send_from(stream, Box::new(Counting { next: 0, left: 40_000 }), 40_000, false).unwrap();
    assert_eq!((server.queued(stream), server.held_bytes(), server.room(stream)), (40_000, 0, whole));
    assert_eq!(
        bytes_of(&core::iter::from_fn(|| server.depart(&mut |_| 4_095)).collect::<Vec<_>>(), 0).0.len(),
        10
    );
    let Some(Departure::Bytes { chunk, fin: false, .. }) = server.depart(&mut |_| 5_000) else { panic!() };
    assert_eq!(chunk.as_ref().len(), 5_000);
    server.trailers(stream, &Fields::from_iter([("x-sum", "1")])).unwrap();
    let (bytes, fin) = bytes_of(&departures(&mut server), 0);
    let counted: Vec<u8> = (5_000..40_000_u32).map(|number| number as u8).collect();
    assert_eq!((&bytes[..35_000], fin), (&counted[..], true));
}

#[test]
fn a_source_that_breaks_resets_its_stream() {
    let mut server = server_with(2, Limits::default());
    server.respond(StreamId(0), &Response::new(200), false).unwrap();
    server.send_from(StreamId(0), Box::new(Counting { next: 0, left: 10 }), 40_000, true).unwrap();
    server.respond(StreamId(4), &Response::new(200), true).unwrap();
    let all = departures(&mut server);
    assert!(
        all.iter()
            .any(|departure| matches!(departure, Departure::Reset { stream: StreamId(0), code: 0x102 }))
    );
    assert_eq!(bytes_of(&all, 4).0, hex(OK));
    let mut news = Heards::new();
    server.tell(&mut |event| note(&mut news, event));
    assert_eq!(news, ["0: reset 0x102 false"]);
    assert_eq!(server.queued_bytes(), 0);
}

#[test]
fn who_filled_a_queue_hears_of_room() {
    let mut server = server_with(1, Limits { send_queue_bytes: 4_000, ..Limits::default() });
    let stream = StreamId(0);
    server.respond(stream, &Response::new(200), false).unwrap();
    for _ in 0..2 {
        server.send(stream, Chunk::Owned(vec![1; 1_900]), false).unwrap();
    }
    assert_eq!(server.send(stream, Chunk::Owned(vec![1; 1_900]), false), Err(Misuse::Full));
    let mut left = 2_000;
    while let Some(departure) = server.depart(&mut |_| left) {
        if let Departure::Bytes { chunk, .. } = departure {
            left -= chunk.as_ref().len() as u64;
        }
    }
    assert!(!server.has_news());
    departures(&mut server);
    let mut news = Heards::new();
    server.tell(&mut |event| news.push(say(event)));
    assert_eq!(news, ["0: writable"]);
}

#[test]
fn what_was_used_of_a_stream_is_told() {
    let mut server = Connection::server(Arc::default());
    departures(&mut server);
    let bytes = hex(&format!("{GET} 40 21 02 aaaa 00 05 6161616161 01 02 0000"));
    for byte in bytes.chunks(1) {
        server.handle(NOW, StreamId(0), byte, false, &mut |_| ()).unwrap();
    }
    server.handle(NOW, StreamId(2), &hex("00 04 00"), false, &mut |_| ()).unwrap();
    let used = |server: &mut Connection| -> Vec<(u64, u64)> {
        let told = |departure| match departure {
            Departure::Consumed { stream, bytes } => Some((stream.0, bytes)),
            _ => None,
        };
        departures(server).into_iter().filter_map(told).collect()
    };
    assert_eq!(used(&mut server), [(0, bytes.len() as u64 - 5), (2, 3)], "all but the body");
    server.consume(StreamId(0), 5);
    assert_eq!(used(&mut server), [(0, 5)]);
}

#[test]
fn a_fault_is_the_last_word() {
    let mut server = server_with(1, Limits::default());
    server.respond(StreamId(0), &Response::new(200), false).unwrap();
    assert_eq!(server.handle(NOW, StreamId(2), &hex("00 07"), false, &mut |_| ()), Ok(()));
    let fault = server.handle(NOW, StreamId(2), &hex("01 00"), false, &mut |_| ());
    assert_eq!(fault, Err(Fault::MissingSettings));
    assert!(!server.is_closed() && server.has_given_up());
    assert!(matches!(departures(&mut server)[..], [Departure::Close { code: 0x10a }]));
    assert!(server.is_closed());
    assert_eq!(server.handle(NOW, StreamId(8), &hex(GET), true, &mut |_| panic!("nothing counts")), Ok(()));
}

/// A client of this configuration behind a server's SETTINGS and these bytes of its control stream.
fn control_at_client(config: Config, bytes: &str) -> (Heards, Result<(), Fault>, Connection) {
    let mut client = Connection::client(Arc::new(config));
    client.connected_to(Origin::parse(b"https://own.test").unwrap());
    let (mut heards, mut outcome) = (Heards::new(), Ok(()));
    for byte in hex(&format!("00 04 00 {bytes}")) {
        let mut heard = |event: Event<'_>| note(&mut heards, event);
        outcome = outcome.and(client.handle(NOW, StreamId(3), &[byte], false, &mut heard));
    }
    (heards, outcome, client)
}

#[test]
fn preload_leaves_straight_behind_settings() {
    // spec: preload-2-d
    // spec: preload-2-f
    let mut server = Connection::server(Arc::default());
    server.preload(&[0, 0, 0xd9]).unwrap();
    server.respond(StreamId(0), &Response::new(200), true).unwrap_err();
    let (bytes, _) = bytes_of(&departures(&mut server), 3);
    assert!(bytes.ends_with(&hex("21 00 40 f0 03 0000d9")), "{bytes:x?}");
    server.preload(&[]).unwrap();
    assert_eq!(bytes_of(&departures(&mut server), 3).0, hex("40 f0 00"));
    assert_eq!(Connection::client(Arc::default()).preload(&[]), Err(Misuse::Role));
    server.close(ErrorCode::NoError);
    assert_eq!(server.preload(&[]), Err(Misuse::Closing));
}

#[test]
fn preload_reaches_clients_alone_and_on_the_control_stream_alone() {
    // spec: preload-2.1-b
    let frame = "40 f0 03 0000d9";
    let (heards, outcome, _) = control_at_client(Config::default(), frame);
    assert_eq!((heards, outcome), (vec!["settings".into(), "Preload { block: [0, 0, 217] }".into()], Ok(())));
    let (heards, outcome, _) = plays(false, &[(2, &format!("00 04 00 {frame}"), false)]);
    assert_eq!((heards, outcome), (vec!["settings".into()], Ok(())));
    let (heards, outcome, _) = plays(true, &[(0, &format!("{frame} {OK}"), true)]);
    assert_eq!((heards, outcome), (vec!["0: response 200 true".into()], Ok(())));
    let (heards, outcome, _) = plays(false, &[(0, &format!("{frame} {GET}"), true)]);
    assert_eq!((heards.len(), outcome), (1, Ok(())));
    assert_eq!(plays(true, &[(3, &format!("00 {frame}"), false)]).1, Err(Fault::MissingSettings));
}

#[test]
fn preload_that_is_too_long_is_skipped() {
    // spec: preload-2.2-c
    let config =
        |preload_bytes| Config { limits: Limits { preload_bytes, ..Limits::default() }, ..Config::default() };
    let frames = "40 f0 03 0000d9 07 01 00";
    let told = |config| control_at_client(config, frames).0.len();
    assert_eq!((told(config(3)), told(config(2))), (3, 2));
    // So long that nobody could hold it.
    let (_, outcome, client) =
        control_at_client(Config::default(), "40 f0 ffffffffffffffff 0000000000000000");
    assert_eq!((outcome, client.heard.held_bytes()), (Ok(()), 0));
}

#[test]
fn preload_goes_by_the_numbers_that_are_configured() {
    // spec: preload-profile-1-a
    // spec: preload-profile-1-c
    let code_points = CodePoints { frame: 0x1_0002, setting: 0x1_0003 };
    let config = Config { code_points, preload: true, ..Config::default() };
    assert_eq!(control_at_client(config.clone(), "40 f0 00").0.len(), 1);
    assert_eq!(control_at_client(config.clone(), "80 01 00 02 00").0.len(), 2);
    let mut pair = Pair::with(config);
    assert!(pair.server.knows_preload() && !pair.client.knows_preload());
    pair.server.preload(&[7]).unwrap();
    assert_eq!(pair.at_client(), ["Preload { block: [7] }"]);
    for (frame, setting) in
        [(0x04, 0xf0f0), (0xf0, 0x08), (0x02, 0xf0f0), (0x21, 0xf0f0), (1 << 62, 0xf0f0), (0xf0, 0x04)]
    {
        assert!(!CodePoints { frame, setting }.are_free(), "{frame:#x} {setting:#x}");
    }
}

#[test]
fn a_client_says_that_it_acts_on_preload() {
    // spec: preload-profile-11-c
    for preload in [true, false] {
        let pair = Pair::with(Config { preload, ..Config::default() });
        assert_eq!((pair.server.knows_preload(), pair.client.knows_preload()), (preload, false));
    }
}

#[test]
fn origins_are_announced_and_kept() {
    // spec: 9412-2-a
    let origins: Vec<Origin> = ["https://a.test", "https://b.test:8443"]
        .iter()
        .filter_map(|text| Origin::parse(text.as_bytes()))
        .collect();
    let mut pair = Pair::with(Config { origins: origins.clone().into(), ..Config::default() });
    assert_eq!(pair.client.announce_origins(), Err(Misuse::Role));
    pair.server.announce_origins().unwrap();
    pair.server.announce_origins().unwrap();
    assert_eq!(pair.at_client(), ["Origin"], "once");
    assert!(origins.iter().all(|origin| pair.client.origins().is_some_and(|set| set.contains(origin))));
    // As RFC 8336 section 2.1 lays the payload out.
    let entries = "0c 18 000e 68747470733a2f2f612e74657374 0006 6e756c6c2121";
    let (heards, outcome, mut client) = control_at_client(Config::default(), entries);
    assert_eq!((heards.len(), outcome), (2, Ok(())));
    let named = |client: &Connection| client.origins().map(|set| set.iter().count());
    assert_eq!(named(&client), Some(2), "its own and the one that is one");
    client.misdirected(&origins[0]);
    assert_eq!(named(&client), Some(1));
    let limits = |origins, origin_bytes| Limits { origins, origin_bytes, ..Limits::default() };
    for (limits, count) in [(limits(2, 24), Some(2)), (limits(1, 24), Some(1)), (limits(2, 23), None)] {
        assert_eq!(named(&control_at_client(Config { limits, ..Config::default() }, entries).2), count);
    }
}

#[test]
fn origins_count_for_nothing_elsewhere() {
    // spec: 9412-2-b
    let frame = "0c 10 000e 68747470733a2f2f612e74657374";
    assert_eq!(
        control_at_client(Config { ignores_origin: true, ..Config::default() }, frame).0,
        ["settings"]
    );
    assert_eq!(control_at_client(Config::default(), "0c 02 0001").0, ["settings"], "it is cut short");
    assert_eq!(plays(false, &[(2, &format!("00 04 00 {frame}"), false)]).1, Ok(()));
    let (heards, outcome, client) = plays(true, &[(0, &format!("{frame} {OK}"), true)]);
    assert_eq!((heards.len(), outcome, client.origins()), (1, Ok(()), None));
}

#[test]
fn early_data_goes_by_what_was_remembered() {
    // spec: 9114-7.2.4.2-a
    let before = Settings::from_bytes(&hex("01 5000 07 10 06 40ff 08 01")).unwrap();
    let begin = || {
        let mut client = Connection::client(Arc::default());
        client.remember(before);
        client
    };
    let mut client = begin();
    assert!(client.knows_extended_connect() && !client.has_heard_settings());
    assert_eq!(client.request(&Request::get("a", &"/".repeat(300)), true), Err(Misuse::TooLarge));
    client.request(&Request::get("a.example", "/").with("x-a", "1"), true).unwrap();
    let settle = |mut client: Connection, settings: &str| {
        client.handle(NOW, StreamId(3), &hex(&format!("00 04 {settings}")), false, &mut |_| ())
    };
    assert_eq!(settle(client, "0a 01 5000 07 10 06 40ff 08 01"), Ok(()));
    assert_eq!(settle(begin(), "0a 01 5000 07 11 06 4100 08 01"), Ok(()));
    assert_eq!(settle(begin(), "0a 01 5000 07 0f 06 40ff 08 01"), Err(Fault::Setting));
    assert_eq!(settle(begin(), "08 01 5000 07 10 06 40ff"), Err(Fault::Setting));
    let other = settle(begin(), "0a 01 5001 07 10 06 40ff 08 01").unwrap_err();
    assert_eq!(other.code(), ErrorCode::QpackDecoderStreamError);
}

#[test]
fn requests_wait_for_streams() {
    let mut client = Connection::client(Arc::default());
    client.allow_requests(1);
    client.request(&Request::get("a", "/"), true).unwrap();
    assert_eq!(client.request(&Request::get("a", "/"), true), Err(Misuse::TooManyStreams));
    client.allow_requests(2);
    client.request(&Request::get("a", "/"), true).unwrap();
}

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

/// Written down from aioquic 1.7: a WebSocket's extended CONNECT with a frame behind it, its answer, both sides' SETTINGS.
const WEBSOCKET: &str = "01350000cf2f00b95d8749c87a3f87f058d072752a7fd750841ae92a13518460938d3f2f084148b782c68393a952\
                         b772d8831eaf0231330007810568656c6c6f";
const WEBSOCKET_ANSWER: &str = "01030000d9000481026f6b";
const AIOQUIC_SETTINGS: &str = "0004100150000710080121013301ab60374201";

/// A connection that knows extended CONNECT and datagrams, behind what aioquic says of itself.
fn tunnelling(client: bool, limits: Limits) -> Connection {
    let config = Arc::new(Config { extended_connect: true, datagrams: true, limits, ..Config::default() });
    let mut side = if client { Connection::client(config) } else { Connection::server(config) };
    let control = if client { 3 } else { 2 };
    side.handle(NOW, StreamId(control), &hex(AIOQUIC_SETTINGS), false, &mut |_| ()).unwrap();
    departures(&mut side);
    side
}

fn websocket() -> Request {
    Request::new("CONNECT", "a.test", "/chat").with_part(sakigake_semantics::Part::Protocol, b"websocket")
}

fn sent_datagrams(side: &mut Connection) -> Vec<Vec<u8>> {
    let sent = |departure| match departure {
        Departure::Datagram { bytes } => Some(bytes),
        _ => None,
    };
    departures(side).into_iter().filter_map(sent).collect()
}

#[test]
fn a_websocket_of_aioquic_is_a_tunnel() {
    // spec: 9220-3-b
    let mut server = tunnelling(false, Limits::default());
    let mut heards = Heards::new();
    let mut hear = |event: Event<'_>| {
        if let Event::Request { request, .. } = &event {
            assert_eq!((request.protocol(), request.scheme()), (Some(&b"websocket"[..]), &b"https"[..]));
        }
        note(&mut heards, event);
    };
    server.handle(NOW, StreamId(0), &hex(WEBSOCKET), false, &mut hear).unwrap();
    assert_eq!(heards, ["0: request /chat false", "0: 7 bytes false"]);
    server.respond(StreamId(0), &Response::new(200), false).unwrap();
    server.send(StreamId(0), Chunk::Owned(b"\x81\x02ok".to_vec()), true).unwrap();
    assert_eq!(bytes_of(&departures(&mut server), 0), (hex(WEBSOCKET_ANSWER), true));
    // Who did not say that it understands such a request finds it malformed.
    let (heards, outcome, mut plain) = plays(false, &[(0, WEBSOCKET, false)]);
    assert_eq!((heards, outcome), (vec![], Ok(())));
    let resets = |departure: &Departure| matches!(departure, Departure::Reset { code: 0x10e, .. });
    assert!(departures(&mut plain).iter().any(resets));
}

#[test]
fn a_client_asks_for_a_tunnel_once_it_may() {
    // spec: 9220-3-c
    let mut client = Connection::client(Arc::default());
    assert_eq!(client.request(&websocket(), false), Err(Misuse::Protocol));
    let mut client = tunnelling(true, Limits::default());
    let stream = client.request(&websocket(), false).unwrap();
    let mut heards = Heards::new();
    let mut hear = |event: Event<'_>| note(&mut heards, event);
    client.handle(NOW, stream, &hex(WEBSOCKET_ANSWER), true, &mut hear).unwrap();
    assert_eq!(heards, ["0: response 200 false", "0: 4 bytes true"]);
    assert_eq!(client.send(stream, Chunk::Owned(vec![1]), false), Ok(()), "our direction is open");
    let stream = client.request(&websocket(), false).unwrap();
    client.handle(NOW, stream, &hex(OK), false, &mut |_| ()).unwrap();
    let fault = client.handle(NOW, stream, &hex("01 02 0000"), false, &mut |_| ());
    assert_eq!(fault, Err(Fault::MessageOrder), "DATA alone");
}

#[test]
fn datagrams_of_aioquic_find_their_stream() {
    let mut server = tunnelling(false, Limits::default());
    server.handle(NOW, StreamId(0), &hex(WEBSOCKET), false, &mut |_| ()).unwrap();
    assert_eq!(server.handle_datagram(NOW, &hex("0070696e67")), Ok(Some((StreamId(0), &b"ping"[..]))));
    server.send_datagram(StreamId(0), b"pong").unwrap();
    assert_eq!(sent_datagrams(&mut server), [hex("00706f6e67")]);
    let mut client = tunnelling(true, Limits::default());
    for _ in 0..70 {
        client.request(&websocket(), false).unwrap();
    }
    client.send_datagram(StreamId(276), b"").unwrap();
    assert_eq!(sent_datagrams(&mut client), [hex("4045")]);
    assert_eq!(client.handle_datagram(NOW, &hex("40 45 01")), Ok(Some((StreamId(276), &[1][..]))));
}

#[test]
fn datagrams_that_cannot_be_end_the_connection() {
    // spec: 9297-2.1-a
    // spec: 9297-2.1-d
    for bytes in ["", "40", "d0 00 00 00 00 00 00 00"] {
        let mut server = tunnelling(false, Limits::default());
        assert_eq!(server.handle_datagram(NOW, &hex(bytes)), Err(Fault::Datagram), "{bytes}");
        assert!(matches!(departures(&mut server)[..], [Departure::Close { code: 0x33 }]));
    }
    let mut server = tunnelling(false, Limits::default());
    assert_eq!(server.handle_datagram(NOW, &hex("cf ff ff ff ff ff ff ff")), Ok(None));
    server.allow_peer_requests(5);
    assert_eq!(server.handle_datagram(NOW, &[4]), Ok(None));
    let fault = server.handle_datagram(NOW, &[5]);
    assert_eq!((fault, Fault::DatagramStream.code()), (Err(Fault::DatagramStream), ErrorCode::IdError));
}

#[test]
fn datagrams_belong_to_requests_that_know_them() {
    // spec: 9297-2-a
    // spec: 9297-2-b
    // spec: 9297-2.1-c
    let mut server = tunnelling(false, Limits::default());
    for (stream, bytes, fin) in [(0, GET, false), (4, WEBSOCKET, true)] {
        server.handle(NOW, StreamId(stream), &hex(bytes), fin, &mut |_| ()).unwrap();
    }
    assert_eq!(server.send_datagram(StreamId(0), b"x"), Err(Misuse::Order));
    for bytes in [[0, 7], [1, 7], [2, 7]] {
        assert_eq!(
            server.handle_datagram(NOW, &bytes),
            Ok(None),
            "it knows none; it is over; it is not there"
        );
    }
    let mut news = Heards::new();
    server.tell(&mut |event| note(&mut news, event));
    assert_eq!(news, ["0: reset 0x33 false"]);
    let ended =
        |departure: &Departure| matches!(departure, Departure::Stop { stream: StreamId(0), code: 0x33 });
    assert_eq!(departures(&mut server).iter().filter(|departure| ended(departure)).count(), 1);
    assert_eq!(server.handle_datagram(NOW, &[0, 7]), Ok(None), "it is gone");
}

#[test]
fn datagrams_leave_when_both_sides_take_them() {
    // spec: 9297-2.1.1-b
    // spec: 9297-2.1-b
    for (ours, theirs, wanted) in [
        (true, "33 01", Ok(())),
        (false, "33 01", Err(Misuse::Protocol)),
        (true, "33 00", Err(Misuse::Protocol)),
    ] {
        let config = Config { extended_connect: true, datagrams: ours, ..Config::default() };
        let mut client = Connection::client(Arc::new(config));
        assert_eq!(client.settings().h3_datagram, ours);
        client
            .handle(NOW, StreamId(3), &hex(&format!("00 04 04 08 01 {theirs}")), false, &mut |_| ())
            .unwrap();
        let stream = client.request(&websocket(), false).unwrap();
        assert_eq!(client.send_datagram(stream, b"x"), wanted, "{ours} {theirs}");
        client.send(stream, Chunk::Owned(vec![]), true).unwrap();
        assert!(client.send_datagram(stream, b"x").is_err(), "our direction is over");
        assert_eq!(client.handle_datagram(NOW, &[]).is_ok(), !ours, "they count for who takes them");
    }
    let limits = Limits { datagram_queue_bytes: 10, ..Limits::default() };
    let mut client = tunnelling(true, limits);
    let stream = client.request(&websocket(), false).unwrap();
    assert_eq!(client.send_datagram(stream, &[0; 10]), Err(Misuse::Full));
    assert_eq!(client.send_datagram(stream, &[0; 9]), Ok(()));
    assert_eq!(client.send_datagram(stream, &[]), Err(Misuse::Full));
    assert_eq!(sent_datagrams(&mut client).len(), 1);
    assert_eq!(client.send_datagram(stream, &[0; 9]), Ok(()));
}
