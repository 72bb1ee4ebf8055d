//! What the log says of a response over HTTP/2: how much of it had left, and how long that took.

use crate::service::frames_of;
use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::Full;
use sakigake::{
    server::Kind,
    service::{Body, Factory},
};
use sakigake_e2e::{Raw, Reading, Scratch, Server, Setup, ask_plainly, eventually, frames};
use std::{
    convert::Infallible,
    net::{Ipv4Addr, Shutdown, TcpStream},
    thread,
    time::{Duration, Instant},
};

/// SETTINGS_INITIAL_WINDOW_SIZE.
const WINDOW: u16 = 4;

const SMALL: usize = 1_024;
const MIDDLE: usize = 256 << 10;
/// More than a stream's queue takes.
const LARGE: usize = 1 << 20;
const PATHS: [(&str, usize); 3] = [("/small", SMALL), ("/middle", MIDDLE), ("/large", LARGE)];

/// A folder, and a program, that answer the same.
fn servers() -> [(Scratch, Server); 2] {
    [false, true].map(|is_program| {
        let site = Scratch::new();
        for (path, len) in PATHS {
            site.write(&path[1..], vec![b'x'; len]);
        }
        let setup = if is_program { Setup::of_service(program()) } else { Setup::of(site.path()) };
        let server = Server::start(setup);
        (site, server)
    })
}

fn program() -> Factory {
    Factory::of_fn(|request: Request<Body>| async move {
        let len = PATHS.iter().find(|(path, _)| *path == request.uri().path()).map_or(0, |(_, len)| *len);
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(vec![b'x'; len]))))
    })
}

/// A line of the log.
#[derive(Debug, PartialEq)]
struct Line {
    path: String,
    bytes: u64,
    took: Duration,
    is_whole: bool,
}

impl Line {
    fn is(&self, path: &str, bytes: usize, is_whole: bool) -> bool {
        (self.path.as_str(), self.bytes, self.is_whole) == (path, bytes as u64, is_whole)
    }
}

/// Time, client, protocol, method, status, bytes, duration and its unit, path, marks; connections' ends are left out.
fn lines(server: &Server) -> Vec<Line> {
    let log = server.log();
    let requests = log.lines().filter(|line| line.contains(" GET "));
    requests
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let amount: f64 = words[6].parse().expect("a number");
            let seconds = if words[7] == "s" { amount } else { amount / 1e3 };
            Line {
                path: words[8].into(),
                bytes: words[5].parse().expect("a number"),
                took: Duration::from_secs_f64(seconds),
                is_whole: !line.ends_with("cut short"),
            }
        })
        .collect()
}

/// Waits for so many lines.
fn logged(server: &Server, count: usize) -> Vec<Line> {
    eventually("the lines", || lines(server).len() >= count);
    let lines = lines(server);
    assert_eq!(lines.len(), count, "{lines:#?}");
    lines
}

fn find<'a>(lines: &'a [Line], path: &str) -> &'a Line {
    lines.iter().find(|line| line.path == path).unwrap_or_else(|| panic!("{path} in {lines:#?}"))
}

/// Asks for all three, and has heard their heads and as much of their bodies as each stream's window takes.
fn ask_all(server: &Server, window: u32) -> Raw {
    let mut client = Raw::h2(server, &[(WINDOW, window)]);
    for (number, (path, _)) in PATHS.iter().enumerate() {
        client.send(&frames::get(stream(number), path, frames::END));
    }
    client.read_until("the heads", |client| (0..3).all(|at| client.has(frames::HEADERS, stream(at))));
    if window > 0 {
        client.read_until("beginnings", |client| (0..3).all(|at| client.has(frames::DATA, stream(at))));
    }
    client
}

fn stream(number: usize) -> u32 {
    u32::try_from(number).expect("few") * 2 + 1
}

fn reset(stream: u32) -> Vec<u8> {
    frames::frame(frames::RST_STREAM, 0, stream, &8_u32.to_be_bytes())
}

fn credit(stream: u32, bytes: usize) -> Vec<u8> {
    let bytes = u32::try_from(bytes).expect("a window");
    frames::frame(frames::WINDOW_UPDATE, 0, stream, &bytes.to_be_bytes())
}

/// The server has read, and acted on, all that was sent before.
fn catch_up(client: &mut Raw) {
    client.send(&frames::frame(frames::PING, 0, 0, b"so far ?"));
    client.read_until("an answer", |client| client.has(frames::PING, 0));
}

#[test]
fn what_never_left_is_not_logged_as_sent() {
    for (window, sent) in [(0, 0), (10, 10)] {
        for (_site, server) in servers() {
            let mut client = ask_all(&server, window);
            assert_eq!(lines(&server), [], "nothing has ended");
            for number in 0..3 {
                client.send(&reset(stream(number)));
            }
            for line in logged(&server, 3) {
                assert!(line.is(&line.path, sent, false), "window {window}: {line:?}");
            }
        }
    }
}

#[test]
fn a_lost_connection_takes_with_it_what_was_queued() {
    for (_site, server) in servers() {
        let client = ask_all(&server, 10);
        client.stream.shutdown(Shutdown::Both).expect("a socket");
        drop(client);
        for line in logged(&server, 3) {
            assert!(line.is(&line.path, 10, false), "{line:?}");
        }
    }
}

#[test]
fn a_file_that_becomes_shorter_on_its_way_ends_its_stream_alone() {
    let [(site, server), _] = servers();
    let mut client = ask_all(&server, 10);
    site.write("large", "short"); // In its place: the response began with the file's old length.
    for (number, (_, len)) in PATHS.iter().enumerate() {
        client.send(&credit(stream(number), len - 10));
    }
    client.read_until("the others", |client| client.has_end(1) && client.has_end(3));
    client.read_until("the reset", |client| client.has(frames::RST_STREAM, 5));
    let code = client.frames().into_iter().find(|frame| frame.kind == frames::RST_STREAM);
    assert_eq!(code.expect("it was read").payload, 2_u32.to_be_bytes(), "INTERNAL_ERROR");
    let lines = logged(&server, 3);
    assert!(find(&lines, "/large").is("/large", 10, false), "{lines:#?}");
    assert!(find(&lines, "/middle").is("/middle", MIDDLE, true), "{lines:#?}");
}

#[test]
fn a_slow_client_makes_a_response_long() {
    for (_site, server) in servers() {
        let mut client = ask_all(&server, 10);
        let began = Instant::now();
        thread::sleep(Duration::from_millis(30)); // What is measured, and no wait for anything.
        let waited = began.elapsed();
        assert_eq!(lines(&server), [], "nothing has ended");
        for (number, (_, len)) in PATHS.iter().enumerate() {
            client.send(&credit(stream(number), len - 10));
        }
        client.read_until("the ends", |client| (0..3).all(|at| client.has_end(stream(at))));
        let lines = logged(&server, 3);
        for (path, len) in PATHS {
            let line = find(&lines, path);
            // The log rounds to a millisecond.
            let is_long = line.took + Duration::from_millis(1) >= waited;
            assert!(line.is(path, len, true) && is_long, "{waited:?}: {line:?}");
        }
    }
}

#[test]
fn what_is_open_counts_as_open_until_it_has_left() {
    for (_site, mut server) in servers() {
        let address = server.running.open((Ipv4Addr::LOCALHOST, 0).into(), Kind::Metrics).expect("it opens");
        let open = || {
            let heard = ask_plainly(address, "GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n");
            let line = heard.lines().find_map(|line| line.strip_prefix("sakigake_streams_open "));
            line.expect("the metric").to_owned()
        };
        let mut client = ask_all(&server, 0);
        assert_eq!(open(), "3");
        client.send(&credit(1, SMALL));
        client.send(&reset(3));
        eventually("one is left", || open() == "1");
        let lines = logged(&server, 2);
        assert!(find(&lines, "/small").is("/small", SMALL, true), "{lines:#?}");
        assert!(find(&lines, "/middle").is("/middle", 0, false), "{lines:#?}");
        drop(client);
        eventually("none is left", || open() == "0");
        assert!(find(&logged(&server, 3), "/large").is("/large", 0, false));
    }
}

#[test]
fn polite_ends_lose_no_line() {
    for (_site, server) in servers() {
        // Told to stop while the client gives no credit: what is under way is waited for.
        let mut slow = ask_all(&server, 0);
        // One whose last words leave with the last bytes.
        let mut brief = Raw::h2(&server, &[]);
        brief.send(&frames::get(1, "/small", frames::END));
        brief.close();
        assert_eq!(brief.read_to_end(), Reading::End);
        assert!(brief.has_end(1) && find(&logged(&server, 1), "/small").is("/small", SMALL, true));
        server.tell_stop();
        eventually("nobody listens", || TcpStream::connect(server.address).is_err());
        for (number, (_, len)) in PATHS.iter().enumerate() {
            slow.send(&credit(stream(number), *len));
        }
        assert_eq!(slow.read_to_end(), Reading::End);
        slow.close();
        eventually("the threads end", || server.has_ended());
        let lines = logged(&server, 4);
        for (path, len) in PATHS {
            assert!(find(&lines, path).is(path, len, true), "{lines:#?}");
        }
    }
}

#[test]
fn who_resets_what_it_has_makes_it_no_less_whole() {
    for (_site, server) in servers() {
        let mut client = Raw::h2(&server, &[]);
        // The request's own end is still to come when the response has left.
        client.send(&frames::get(1, "/small", frames::END_HEADERS));
        client.read_until("the end", |client| client.has_end(1));
        // A turn of the server's, in which it looks at what has left.
        catch_up(&mut client);
        // Too late to matter; the server may have told the client to stop, and forgotten the stream.
        client.send(&reset(1));
        let lines = logged(&server, 1);
        assert!(lines[0].is("/small", SMALL, true), "{lines:#?}");
    }
}

#[test]
fn a_body_that_waits_for_its_program_has_left_as_far_as_it_came() {
    let frame = || Some(Ok(Frame::data(Bytes::from(vec![b'x'; SMALL]))));
    let factory = Factory::of_fn(move |_: Request<Body>| async move {
        Ok::<_, Infallible>(Response::new(frames_of(vec![frame(), None])))
    });
    let server = Server::start(Setup::of_service(factory));
    let mut client = Raw::h2(&server, &[]);
    client.send(&frames::get(1, "/waits", frames::END));
    client
        .read_until("all that there is", |client| client.plain.len() > SMALL && client.has(frames::DATA, 1));
    client.send(&reset(1));
    let lines = logged(&server, 1);
    assert!(lines[0].is("/waits", SMALL, false), "{lines:#?}");
}
