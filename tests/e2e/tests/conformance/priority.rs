//! RFC 9218 at a running server: the order of DATA under a window that lets nothing leave until all have asked. And RFC 8336:
//! where ORIGIN stands.

use super::case::*;
use http_body_util::{BodyExt, Full};
use sakigake::service::{Body, BoxError, Factory};
use sakigake_e2e::{Raw, Scratch, Server, Setup, frames};
use sakigake_h2 as h2;
use sakigake_session::ServerConfig;

/// More than a stream's queue takes.
const LARGE: usize = 300_000;

fn get(stream: u32, priority: &str) -> Vec<u8> {
    let lines = [("priority", priority)];
    let lines = if priority.is_empty() { &[][..] } else { &lines[..] };
    frame(HEADERS, WHOLE, stream, &request("GET", "/large", lines))
}

fn update(stream: u32, value: &str) -> Vec<u8> {
    frame(PRIORITY_UPDATE, 0, 0, &[&stream.to_be_bytes()[..], value.as_bytes()].concat())
}

/// A connection without credit, which heard all of `more`: 65,535 bytes, which `asked` uses up, left before.
fn blocked(server: &Server, asked: &[Vec<u8>], more: &[Vec<u8>]) -> Raw {
    let mut raw = Raw::connect(server, "www.saki.test", &["h2"]);
    // Streams have all the window there is.
    let hello = [frames::hello(&[(4, 0x7fff_ffff)]), frame(SETTINGS, ACK, 0, &[])].concat();
    raw.send(&hello);
    let filler = |raw: &Raw| -> usize {
        raw.frames().iter().filter(|frame| frame.kind == DATA).map(|frame| frame.payload.len()).sum()
    };
    raw.send(&asked.concat());
    raw.send(&frame(PING, 0, 0, b"1st part"));
    raw.read_until("the first window", |raw| filler(raw) == 65_535 && has_echo(raw, b"1st part"));
    raw.take_frames();
    raw.send(&more.concat());
    raw.send(&frame(PING, 0, 0, b"2nd part"));
    raw.read_until("the second part", |raw| has_echo(raw, b"2nd part"));
    raw
}

/// The same, whose window opens then.
fn opened(server: &Server, asked: &[Vec<u8>], more: &[Vec<u8>]) -> Raw {
    let mut raw = blocked(server, asked, more);
    raw.send(&credit(0, 40 << 20));
    raw
}

fn is_end(frame: &frames::Heard) -> bool {
    frame.kind == DATA && frame.flags & END_STREAM == END_STREAM
}

/// The DATA frames that come once the window opens.
fn body(server: &Server, asked: &[Vec<u8>], more: &[Vec<u8>]) -> Vec<frames::Heard> {
    let mut raw = opened(server, asked, more);
    let count = asked.iter().chain(more).filter(|bytes| bytes[3] == HEADERS).count();
    raw.read_until("all of it", |raw| raw.frames().iter().filter(|frame| is_end(frame)).count() == count);
    raw.take_frames().into_iter().filter(|frame| frame.kind == DATA).collect()
}

/// The streams in their order: each has all to itself, from its first byte to its last.
fn order(server: &Server, asked: &[Vec<u8>], more: &[Vec<u8>]) -> Vec<u32> {
    let frames = body(server, asked, more);
    let ends: Vec<u32> = frames.iter().filter(|frame| is_end(frame)).map(|frame| frame.stream).collect();
    let mut runs: Vec<(u32, usize)> = Vec::new();
    for frame in &frames {
        match runs.last_mut() {
            Some((stream, bytes)) if *stream == frame.stream => *bytes += frame.payload.len(),
            _ => runs.push((frame.stream, frame.payload.len())),
        }
    }
    assert_eq!(runs.iter().map(|(stream, _)| *stream).collect::<Vec<_>>(), ends, "{runs:?}");
    ends
}

/// How often the stream changes from one frame to the next.
fn turns(server: &Server, asked: &[Vec<u8>], more: &[Vec<u8>]) -> usize {
    let frames = body(server, asked, more);
    frames.windows(2).filter(|two| two[0].stream != two[1].stream).count()
}

fn served() -> (Server, Scratch) {
    let site = Scratch::new();
    site.write("index.html", "here");
    site.write("large", vec![7; LARGE]);
    (Server::start(Setup::of(site.path())), site)
}

/// A program that gives as much for a GET, and says everything back for a POST.
fn programmed() -> Server {
    Server::start(Setup::of_service(Factory::of_fn(|request: http::Request<Body>| async move {
        let body = match request.method() {
            &http::Method::POST => request.into_body().map_err(BoxError::from).boxed_unsync(),
            _ => Full::from(vec![7; LARGE]).map_err(BoxError::from).boxed_unsync(),
        };
        Ok::<_, BoxError>(http::Response::new(body))
    })))
}

#[test]
fn the_running_server_sends_by_urgency() {
    let (server, _site) = served();
    let asked = [get(1, "u=7")];
    let more = [
        get(3, "u=5"),
        get(5, "u=6"),
        get(7, "u=0"),
        get(9, ""),
        get(11, "u=2"),
        get(13, "u=1"),
        get(15, "u=4"),
    ];
    assert_eq!(order(&server, &asked, &more), [7, 13, 11, 9, 15, 3, 5, 1]); // spec: 9218-10-a
}

#[test]
fn what_is_more_urgent_and_comes_later_leaves_alone() {
    let (files, _site) = served();
    for server in [&files, &programmed()] {
        let more = [get(3, "u=6"), get(5, "u=5"), get(7, "u=4"), get(9, "u=3"), get(11, "u=2")];
        assert_eq!(order(server, &[get(1, "u=7")], &more), [11, 9, 7, 5, 3, 1]); // spec: 9218-10-a
        assert_eq!(order(server, &[get(1, "u=7"), get(3, "u=0")], &[get(5, "u=3")]), [3, 5, 1]);
    }
}

#[test]
fn who_waits_in_numbers_does_not_slow_what_is_more_urgent() {
    let (server, _site) = served();
    let many: Vec<Vec<u8>> = (1..40).map(|at| get(at * 2 + 1, "u=6")).collect();
    let all = [&many[..], &[get(81, "u=2"), get(83, "u=1")]].concat();
    let expected: Vec<u32> = [83, 81].into_iter().chain((1..40).map(|at| at * 2 + 1)).chain([1]).collect();
    assert_eq!(order(&server, &[get(1, "u=7")], &all), expected);
}

#[test]
fn who_has_nothing_to_say_yet_holds_up_nobody() {
    let server = programmed();
    let post = frame(HEADERS, END_HEADERS, 3, &request("POST", "/", &[("priority", "u=0")]));
    let mut raw = opened(&server, &[get(1, "u=7")], &[post, data(3, b"first"), get(5, "u=3")]);
    raw.read_until("the others", |raw| raw.has_end(1) && raw.has_end(5));
    assert!(!raw.has_end(3));
    raw.send(&last(3, b"last"));
    raw.read_until("the rest", |raw| raw.has_end(3));
    let frames = raw.take_frames();
    let ends = frames.iter().filter(|frame| is_end(frame)).map(|frame| frame.stream);
    assert_eq!(ends.collect::<Vec<_>>(), [5, 1, 3]);
}

#[test]
fn an_update_moves_a_response_under_way_and_one_to_come() {
    let (server, _site) = served();
    let asked = [get(1, "u=1"), get(3, "u=2"), get(5, "u=3")];
    assert_eq!(order(&server, &asked, &[update(5, "u=0"), update(1, "u=7")]), [5, 3, 1]);
    let more = [update(5, "u=0"), get(3, "u=2"), get(5, "u=7")];
    assert_eq!(order(&server, &[get(1, "u=4")], &more), [5, 3, 1]); // spec: 9218-7-a
}

#[test]
fn incremental_responses_take_turns() {
    let (server, _site) = served();
    let shared = turns(&server, &[get(1, "i"), get(3, "i")], &[get(5, "i")]);
    assert!(shared > 10, "{shared} turns");
    // So they do where what is less urgent came first, and fills what may wait.
    let more = [get(3, "u=6"), get(5, "u=1, i"), get(7, "u=1, i")];
    let frames = body(&server, &[get(1, "u=7")], &more);
    let mut left = [0_usize; 2];
    for frame in &frames {
        let bytes = &mut left[usize::from(frame.stream == 7)];
        match frame.stream {
            5 | 7 => *bytes += frame.payload.len(),
            less => assert_eq!(left, [LARGE; 2], "{less} before its turn"),
        }
        assert!(left[0].abs_diff(left[1]) <= 2 * 16_384, "{left:?}");
    }
    assert_eq!(order(&server, &[get(1, ""), get(3, "")], &[get(5, "")]), [1, 3, 5]);
}

#[test]
fn updates_that_no_client_may_send_end_the_connection() {
    let (server, _site) = served();
    let named: Vec<u8> = (0..129).flat_map(|at| update(at * 2 + 1, "u=1")).collect();
    let (fewer, _) = named.split_at(named.len() / 129 * 128);
    check(
        &server,
        &[
            case("9218-7.1", "stream 0", &[&update(0, "u=1")], GoAway(PROTOCOL)),
            case("9218-7.1", "a pushed stream", &[&update(2, "u=1")], GoAway(PROTOCOL)), // spec: 9218-7.1-c
            case("9218-7.1", "idle streams up to the limit", &[fewer], Accepted),
            case("9218-7.1", "one more", &[&named], GoAway(PROTOCOL)), // spec: 9218-7.1-b
            case("9218-7.1", "an open one counts", &[&post(1, &[]), &named[16..]], GoAway(PROTOCOL)),
            later("9218-7.1", "a closed stream", &[&super::case::get(1)], &[&update(1, "u=1")], Accepted),
            case("9218-5", "what is no priority", &[&update(1, "u=\x7f"), &get(1, "=")], Status(200)),
        ],
    );
}

#[test]
fn origin_stands_behind_settings_and_preload() {
    let (server, _site) = served();
    let before = server.session.now();
    let origins = ["https://www.saki.test", "https://other.saki.test:8443"]
        .map(|text| h2::Origin::parse(text.as_bytes()).expect("an origin"));
    server.session.set(ServerConfig {
        tls: before.tls.clone(),
        h2: Some(h2::Config { origins: origins.into(), ..h2::Config::default() }),
        h3: None,
        hints: before.hints.clone(),
        trace: false,
    });
    let mut raw = Raw::connect(&server, "www.saki.test", &["h2"]);
    raw.read_until("ORIGIN", |raw| raw.has(ORIGIN, 0));
    let frames = raw.frames();
    let at = |kind: u8| frames.iter().position(|frame| frame.kind == kind);
    assert_eq!(at(SETTINGS), Some(0));
    assert!(at(ORIGIN) > at(frames::PRELOAD), "{frames:?}");
    let origin = &frames[at(ORIGIN).expect("it came")];
    let expected =
        [&[0, 21][..], b"https://www.saki.test", &[0, 28], b"https://other.saki.test:8443"].concat();
    assert_eq!((origin.flags, &origin.payload), (0, &expected));
}
