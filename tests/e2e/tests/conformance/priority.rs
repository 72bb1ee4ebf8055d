//! RFC 9218 at a running server: the order of DATA under a window that lets nothing leave until all have asked. And RFC 8336:
//! where ORIGIN stands.

use super::case::*;
use sakigake_e2e::{Raw, Scratch, Server, Setup, frames};
use sakigake_h2 as h2;
use sakigake_session::ServerConfig;

fn get(stream: u32, priority: &str) -> Vec<u8> {
    let lines = [("priority", priority)];
    let lines = if priority.is_empty() { &[][..] } else { &lines[..] };
    frame(HEADERS, WHOLE, stream, &request("GET", "/large", lines))
}

fn update(stream: u32, value: &str) -> Vec<u8> {
    frame(PRIORITY_UPDATE, 0, 0, &[&stream.to_be_bytes()[..], value.as_bytes()].concat())
}

/// The DATA frames that come once the connection's window opens.
fn body(server: &Server, asked: &[Vec<u8>], more: &[Vec<u8>]) -> Vec<frames::Heard> {
    let mut raw = Raw::connect(server, "www.saki.test", &["h2"]);
    // Streams have all the window there is; the connection has 65,535 bytes, which stream 101 uses up.
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
    raw.send(&credit(0, 40 << 20));
    let count = asked.iter().chain(more).filter(|bytes| bytes[3] == HEADERS).count();
    let ended = |frame: &&frames::Heard| frame.kind == DATA && frame.flags & END_STREAM == END_STREAM;
    raw.read_until("all of it", |raw| raw.frames().iter().filter(ended).count() == count);
    raw.frames().into_iter().filter(|frame| frame.kind == DATA).collect()
}

/// The streams in the order of their ends. What others had in their queues may go between two, but no more than that.
fn order(server: &Server, asked: &[Vec<u8>], more: &[Vec<u8>]) -> Vec<u32> {
    let frames = body(server, asked, more);
    let ends: Vec<u32> =
        frames.iter().filter(|f| f.flags & END_STREAM != 0).map(|frame| frame.stream).collect();
    let first_end = frames.iter().position(|frame| frame.flags & END_STREAM != 0).expect("an end");
    assert!(frames[..first_end].iter().all(|frame| frame.stream == ends[0]), "the first has all to itself");
    for at in 1..ends.len() {
        let before: Vec<_> =
            frames.iter().take_while(|f| f.stream != ends[at] || f.flags & END_STREAM == 0).collect();
        for later in &ends[at + 1..] {
            let bytes: usize = before.iter().filter(|f| f.stream == *later).map(|f| f.payload.len()).sum();
            assert!(bytes <= 2 * 16_384 * at, "{bytes} bytes of {later} before the end of {}", ends[at]);
        }
    }
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
    site.write("large", vec![7; 200_000]);
    (Server::start(Setup::of(site.path())), site)
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
