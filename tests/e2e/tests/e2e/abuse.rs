//! Clients that mean harm, or know no better. Another client is served promptly all the while.

use sakigake::server::Limits;
use sakigake_e2e::{PATIENCE, Raw, Reading, Scratch, Server, Setup, eventually, example, frames};
use socket2::{Domain, Socket, Type};
use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    thread,
    time::Duration,
};

/// A client that asks for one thing and gets it, sooner than it gives up.
fn is_served(server: &Server) {
    let mut client = Raw::h2(server, &[]);
    client.send(&frames::get(1, "/index.html", frames::END));
    client.read_until("the page", |client| client.has_end(1));
}

/// What the server says to bytes that are no TLS, until it closes the connection.
fn answer(server: &Server, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(server.address).expect("the server listens");
    stream.write_all(bytes).expect("the server takes it");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let mut said = Vec::new();
    // A reset is an end too.
    let _ = stream.read_to_end(&mut said);
    said
}

#[test]
fn what_is_no_tls_is_answered_with_an_alert() {
    let server = Server::start(Setup::of(example()));
    let http = answer(&server, b"GET / HTTP/1.1\r\nhost: www.saki.test\r\n\r\n");
    assert_eq!(http.first(), Some(&0x15), "an alert: {http:02x?}");
    let garbage: Vec<u8> = (0..5_000_u32).map(|at| ((at * 7919) >> 3) as u8).collect();
    assert_eq!(answer(&server, &garbage).first(), Some(&0x15));
    is_served(&server);
    eventually("the log", || server.log().contains("TLS"));
}

#[test]
fn who_says_nothing_or_half_a_hello_is_let_go() {
    let mut setup = Setup::of(example());
    setup.tls.handshake_ms = 3_000;
    let server = Server::start(setup);
    let mut silent: Vec<TcpStream> =
        (0..200).map(|_| TcpStream::connect(server.address).expect("the server listens")).collect();
    for stream in silent.iter_mut().step_by(2) {
        // The beginning of a record that holds the beginning of a ClientHello.
        stream.write_all(&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]).expect("the server takes it");
    }
    is_served(&server);
    for mut stream in silent {
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        // A reset is an end too.
        if let Err(error) = stream.read_to_end(&mut Vec::new()) {
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        }
    }
    is_served(&server);
}

/// Sends the same bytes again and again until the server has had enough; a second client is served meanwhile. What the
/// server's last GOAWAY says.
fn flood(server: &Server, times: usize, bytes: impl Fn(u32) -> Vec<u8>) -> Option<u32> {
    let mut client = Raw::h2(server, &[]);
    thread::scope(|scope| {
        let other = scope.spawn(|| is_served(server));
        for number in 0..times {
            if client.try_send(&bytes(u32::try_from(number).expect("few"))).is_err() {
                break;
            }
        }
        other.join().expect("the other client is served");
    });
    let end = client.read_to_end();
    let heard = client.frames();
    let last = heard.iter().rev().find(|frame| frame.kind == frames::GOAWAY);
    let code = last.and_then(|frame| frame.payload.get(4..8)?.try_into().ok()).map(u32::from_be_bytes);
    // The reset that answers what we went on sending may have overtaken the words.
    assert!(code.is_some() || end == Reading::Reset, "{end:?}");
    code
}

#[test]
fn floods_end_their_own_connection_alone() {
    let server = Server::start(Setup::of(example()));
    let rapid_reset = |number: u32| {
        let stream = number * 2 + 1;
        let mut bytes = frames::get(stream, "/index.html", frames::END);
        bytes.extend(frames::frame(frames::RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
        bytes
    };
    let settings = |_| frames::frame(frames::SETTINGS, 0, 0, &[]);
    let ping = |_| frames::frame(frames::PING, 0, 0, &[0; 8]);
    let floods: [&dyn Fn(u32) -> Vec<u8>; 3] = [&rapid_reset, &settings, &ping];
    for bytes in floods {
        let code = flood(&server, 5_000, bytes);
        assert!(matches!(code, Some(0xb) | None), "ENHANCE_YOUR_CALM: {code:?}");
    }
    is_served(&server);
}

#[test]
fn who_asks_for_everything_and_reads_nothing_costs_little_and_is_let_go() {
    let site = Scratch::new();
    site.write("index.html", "here");
    site.write("large", vec![7; 4 << 20]);
    let mut setup = Setup::of(site.path());
    setup.limits.stall_ms = 1_000;
    let server = Server::start(setup);
    let mut client = Raw::h2(&server, &[(4, 0x7fff_ffff)]);
    // In one record: what the server has not read when it cuts the connection is no request that it logs.
    let requests: Vec<u8> =
        (0..100).flat_map(|number| frames::get(number * 2 + 1, "/large", frames::END)).collect();
    client.send(&requests);
    is_served(&server);
    eventually("the connection is cut", || server.log().contains("reads nothing"));
    // The first ones may have gone whole into the system's buffers.
    eventually("all are logged", || server.log().matches("/large").count() == 100);
    let log = server.log();
    let asked = log.lines().filter(|line| line.contains("/large"));
    let bytes: Vec<u64> = asked
        .map(|line| line.split_whitespace().nth(5).expect("a column"))
        .map(|column| column.parse().expect("bytes"))
        .collect();
    assert_eq!(bytes.len(), 100, "{log}");
    // 256 KiB for the connection, 16 KiB a stream, and what the system's buffers hold on both sides.
    assert!(bytes.iter().sum::<u64>() < 14 << 20, "{} bytes", bytes.iter().sum::<u64>());
    is_served(&server);
}

#[test]
fn who_gives_no_credit_for_what_it_asked_for_does_not_keep_it_by_pings() {
    let site = Scratch::new();
    site.write("large", vec![7; 8 << 20]);
    let mut setup = Setup::of(site.path());
    setup.h2.stall_ms = 500;
    let server = Server::start(setup);
    let mut client = Raw::h2(&server, &[]);
    client.send(&frames::get(1, "/large", frames::END));
    let mut pings = 0;
    while !client.has(frames::RST_STREAM, 1) {
        pings += 1;
        assert!(pings < 90, "it was never let go");
        client.send(&frames::frame(frames::PING, 0, 0, &[0; 8]));
        // The pause keeps the PINGs below what counts as a flood.
        while !client.has(frames::RST_STREAM, 1)
            && matches!(client.read(Duration::from_millis(200)), Reading::Some(_))
        {}
    }
    eventually("it is logged", || server.log().contains("cut short"));
}

#[test]
fn a_slow_reader_holds_up_nobody_and_gets_all() {
    let site = Scratch::new();
    site.write("index.html", "here");
    site.write("large", vec![7; 20 << 20]);
    let server = Server::start(Setup::of(site.path()));
    let mut client = Raw::h2(&server, &[(4, 0x7fff_ffff)]);
    client.send(&frames::get(1, "/large", frames::END));
    for _ in 0..20 {
        assert!(matches!(client.read(PATIENCE), Reading::Some(_)));
        thread::sleep(Duration::from_millis(10));
    }
    is_served(&server);
    let (mut len, mut has_ended) = (0, false);
    while !has_ended {
        assert!(matches!(client.read(PATIENCE), Reading::Some(_)));
        for frame in client.take_frames().iter().filter(|frame| frame.kind == frames::DATA) {
            len += frame.payload.len();
            has_ended |= frame.flags & 1 == 1;
        }
    }
    assert_eq!(len, 20 << 20);
}

#[test]
fn a_worker_that_holds_all_it_may_takes_the_next_one_when_one_leaves() {
    let mut setup = Setup::of(example());
    setup.limits.connections_a_worker = 2;
    let server = Server::start(setup);
    let first = Raw::h2(&server, &[]);
    let _second = Raw::h2(&server, &[]);
    let mut third = Raw::open(&server, "www.saki.test", &["h2"]);
    assert_eq!(third.read(Duration::from_millis(300)), Reading::Nothing);
    drop(first);
    third.read_until("the server's flight", |client| client.is_established);
}

#[test]
fn an_address_with_all_the_connections_it_may_have_gets_no_more_until_one_ends() {
    let mut setup = Setup::of(example());
    setup.limits.connections_an_address = 2;
    let server = Server::start(setup);
    let first = Raw::h2(&server, &[]);
    let _second = Raw::h2(&server, &[]);
    let mut beyond = TcpStream::connect(server.address).expect("the system accepts");
    beyond.set_read_timeout(Some(PATIENCE)).expect("a socket");
    assert_eq!(beyond.read(&mut [0]).expect("closed at once"), 0);
    drop(first);
    eventually("its place is free", || {
        let mut again = TcpStream::connect(server.address).expect("the system accepts");
        again.set_read_timeout(Some(Duration::from_millis(100))).expect("a socket");
        again.read(&mut [0]).is_err()
    });
}

#[test]
fn an_address_with_all_it_may_have_leaves_room_for_another() {
    let mut setup = Setup::of(example());
    setup.limits.connections_a_worker = 8;
    setup.limits.connections_an_address = Limits::share_of_one_address(8);
    setup.tls.handshake_ms = 600_000; // The silent ones stay, however slow the machine is.
    let server = Server::start(setup);
    let greedy: Vec<TcpStream> =
        (0..10).map(|_| TcpStream::connect(server.address).expect("the system accepts")).collect();
    for mut beyond in greedy.iter().skip(2) {
        beyond.set_read_timeout(Some(PATIENCE)).expect("a socket");
        assert_eq!(beyond.read(&mut [0]).expect("closed at once"), 0);
    }
    let other = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    other.bind(&SocketAddr::from(([127, 0, 0, 2], 0)).into()).expect("all of 127.0.0.0/8 is ours");
    other.connect(&server.address.into()).expect("the system accepts");
    let mut other = TcpStream::from(other);
    other.write_all(b"no TLS").expect("the server takes it");
    other.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let mut alert = [0];
    other.read_exact(&mut alert).expect("it is heard, and answered");
    assert_eq!(alert, [0x15]);
}

#[test]
fn a_server_that_stops_waits_no_longer_than_it_may() {
    let site = Scratch::new();
    site.write("large", vec![7; 20 << 20]);
    let mut setup = Setup::of(site.path());
    setup.limits.drain_ms = 300;
    let server = Server::start(setup);
    let mut client = Raw::h2(&server, &[(4, 0x7fff_ffff)]);
    client.send(&frames::get(1, "/large", frames::END));
    client.read_until("a beginning", |client| client.has(frames::DATA, 1));
    server.tell_stop();
    eventually("it ends, sooner than the client's stall would end it", || server.has_ended());
}
