//! How connections end: politely, by a stop, by silence, or cut in the middle.

use sakigake_e2e::{PATIENCE, Raw, Reading, Scratch, Server, Setup, eventually, example, frames};
use sakigake_session::ServerConfig;
use std::{
    fs,
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    thread,
};

#[test]
fn who_leaves_without_close_notify_after_complete_responses_is_no_fault() {
    let server = Server::start(Setup::of(example()));
    let mut client = Raw::h2(&server, &[]);
    client.send(&frames::get(1, "/css/page.css", frames::END));
    client.read_until("a style sheet", |client| client.has_end(1));
    client.stream.shutdown(Shutdown::Both).expect("a socket");
    drop(TcpStream::connect(server.address)); // And one that only looks whether somebody is at home.
    let log = server.whole_log();
    assert!(log.contains("/css/page.css") && log.lines().count() == 1, "{log}");
}

#[test]
fn who_has_said_all_still_gets_all() {
    let site = Scratch::new();
    site.write("large", vec![7; 8 << 20]);
    let server = Server::start(Setup::of(site.path()));
    let mut client = Raw::h2(&server, &[(4, 0x7fff_ffff)]);
    client.send(&frames::get(1, "/large", frames::END));
    client.close();
    assert_eq!(client.read_to_end(), Reading::End);
    assert!(client.has_end(1) && client.is_closed, "{} bytes", client.plain.len());
}

#[test]
fn a_server_that_stops_finishes_what_it_serves() {
    let site = Scratch::new();
    site.write("large", vec![7; 8 << 20]);
    let server = Server::start(Setup::of(site.path()));
    let mut client = Raw::h2(&server, &[(4, 0x7fff_ffff)]);
    client.send(&frames::get(1, "/large", frames::END));
    client.read_until("a beginning", |client| client.has(frames::DATA, 1));
    let mut plain = Raw::connect(&server, "www.saki.test", &["http/1.1"]);
    plain.send(b"GET /large HTTP/1.1\r\nhost: www.saki.test\r\n\r\n");
    plain.read_until("a beginning", |client| !client.plain.is_empty());
    server.tell_stop();
    eventually("nobody listens", || TcpStream::connect(server.address).is_err());
    client.read_until("GOAWAY", |client| client.has(frames::GOAWAY, 0));
    assert_eq!(client.read_to_end(), Reading::End);
    assert!(client.has_end(1) && client.is_closed);
    assert_eq!(plain.read_to_end(), Reading::End);
    assert!(plain.is_closed && plain.plain.len() > 8 << 20, "{} bytes", plain.plain.len());
    client.close();
    eventually("the threads end", || server.has_ended());
}

#[test]
fn what_is_asked_while_a_server_stops_is_answered_behind_goaway() {
    let mut setup = Setup::of(example());
    setup.h2.drain_ms = 600_000; // It waits for the client's PING, however slow this machine is.
    let server = Server::start(setup);
    let mut client = Raw::h2(&server, &[]);
    client.send(&frames::get(1, "/css/page.css", frames::END));
    client.read_until("a style sheet", |client| client.has_end(1));
    server.tell_stop();
    client.read_until("PING", |client| client.has(frames::PING, 0));
    client.send(&frames::get(3, "/css/page.css", frames::END));
    let mut heard = Vec::new();
    let end = loop {
        for frame in client.take_frames() {
            if frame.kind == frames::PING {
                // It may have ended by now.
                let _ = client.try_send(&frames::frame(frames::PING, frames::ACK, 0, &frame.payload));
            }
            heard.push(frame);
        }
        match client.read(PATIENCE) {
            Reading::Some(_) => {}
            end => break end,
        }
    };
    let is_last = |frame: &frames::Heard| frame.stream == 3 && frame.flags & 1 == 1;
    assert!(end == Reading::End && client.is_closed && heard.iter().any(is_last), "{end:?} {heard:?}");
    let goaway = heard.iter().position(|frame| frame.kind == frames::GOAWAY);
    let answer = heard.iter().position(|frame| frame.kind == frames::HEADERS && frame.stream == 3);
    assert!(goaway < answer && goaway.is_some(), "{goaway:?} {answer:?}");
}

#[test]
fn an_idle_connection_is_told_goodbye() {
    let mut setup = Setup::of(example());
    setup.limits.idle_ms = 5_000;
    let server = Server::start(setup);
    let mut client = Raw::h2(&server, &[]);
    client.send(&frames::get(1, "/index.html", frames::END));
    assert_eq!(client.read_to_end(), Reading::End);
    assert!(client.has(frames::GOAWAY, 0) && client.has_end(1) && client.is_closed);
}

/// Passes bytes on to the server, and back no more than `most` of them; then the connection is cut.
fn cutting(server: &Server, most: usize) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback is there");
    let port = listener.local_addr().expect("it is bound").port();
    let address = server.address;
    thread::spawn(move || {
        let Ok((mut client, _)) = listener.accept() else { return };
        let Ok(mut server) = TcpStream::connect(address) else { return };
        let (Ok(mut from), Ok(mut to)) = (client.try_clone(), server.try_clone()) else { return };
        thread::spawn(move || std::io::copy(&mut from, &mut to));
        let (mut passed, mut buffer) = (0, vec![0; 16_384]);
        while passed < most {
            let len = buffer.len().min(most - passed);
            match server.read(&mut buffer[..len]) {
                Ok(len) if len > 0 && client.write_all(&buffer[..len]).is_ok() => passed += len,
                _ => break,
            }
        }
        // The test ends with whatever comes of it.
        let _ = client.shutdown(Shutdown::Both);
        let _ = server.shutdown(Shutdown::Both);
    });
    port
}

#[test]
fn a_body_that_is_cut_is_never_taken_for_whole() {
    let site = Scratch::new();
    site.write("large", vec![7; 1 << 20]);
    for alpn in ["h2", "http/1.1"] {
        let mut setup = Setup::of(site.path());
        setup.alpn = vec![alpn.into()];
        let mut server = Server::start(setup);
        let port = cutting(&server, 300_000);
        server.address.set_port(port);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (mut len, url) = (0, server.url("/large"));
        let got = tokio::task::LocalSet::new().block_on(&runtime, async {
            let client = server.client(true);
            let mut count = |bytes: &[u8]| {
                len += bytes.len();
                Ok(())
            };
            let mut nobody = Nobody;
            let work = client.get(&url, &mut nobody, &mut count);
            tokio::time::timeout(PATIENCE, work).await.expect("in time")
        });
        let why = got.expect_err("it was cut").to_string();
        assert!(len < 1 << 20 && !why.is_empty(), "{alpn}: {len} bytes, {why}");
    }
}

struct Nobody;

impl sakigake::client::Watcher for Nobody {}

#[test]
fn the_key_log_holds_each_secret_and_is_for_its_owner_alone() {
    let scratch = Scratch::new();
    let path = scratch.path().join("keys");
    let mut setup = Setup::of(example());
    setup.key_log = Some(path.clone());
    let server = Server::start(setup);
    let mut client = Raw::h2(&server, &[]);
    client.send(&frames::get(1, "/", frames::END));
    client.read_until("the page", |client| client.has_end(1));
    let mode = fs::metadata(&path).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = fs::read_to_string(&path).expect("it is text");
    for label in [
        "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
        "SERVER_HANDSHAKE_TRAFFIC_SECRET",
        "CLIENT_TRAFFIC_SECRET_0",
        "SERVER_TRAFFIC_SECRET_0",
        "EXPORTER_SECRET",
    ] {
        let line = text.lines().find(|line| line.starts_with(label)).unwrap_or_else(|| panic!("{label}"));
        let words: Vec<&str> = line.split(' ').collect();
        let is_hex = |word: &str| word.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(words.len() == 3 && words[1].len() == 64 && words[2].len() >= 64, "{line}");
        assert!(is_hex(words[1]) && is_hex(words[2]), "{line}");
    }
}

#[test]
fn connections_that_begin_after_a_swap_get_the_new_configuration() {
    let server = Server::start(Setup::of(example()));
    let mut old = Raw::h2(&server, &[]);
    let before = server.session.now();
    server.session.set(ServerConfig {
        tls: before.tls.clone(),
        h2: None,
        h3: None,
        hints: None,
        trace: false,
    });
    let mut new = Raw::connect(&server, "www.saki.test", &["h2"]);
    new.send(b"GET /css/page.css HTTP/1.0\r\n\r\n"); // It has no engine for h2 any more.
    new.read_until("an answer in HTTP/1", |client| client.plain.starts_with(b"HTTP/1.0 200 "));
    old.send(&frames::get(1, "/css/page.css", frames::END));
    old.read_until("an answer in HTTP/2", |client| client.has_end(1));
}
