//! Extended CONNECT (RFC 8441), both ends.

use super::raw::*;
use super::*;
use crate::Misuse;
use crate::rules::{flag, kind};

fn server() -> Config {
    Config { extended_connect: true, ..Config::default() }
}

fn websocket() -> Request {
    let request = Request::new("CONNECT", "example.org", "/chat");
    request.with_part(Part::Protocol, b"websocket").with("sec-websocket-version", "13")
}

#[test]
fn a_tunnel_opens_once_the_server_said_that_it_may() {
    let mut pair = Pair::new(Config::default(), server());
    assert!(!pair.client.knows_extended_connect());
    assert_eq!(pair.client.request(&websocket(), false), Err(Misuse::Protocol)); // spec: 8441-3-b
    pair.run();
    assert!(pair.client.knows_extended_connect());
    let stream = pair.client.request(&websocket(), false).expect("it may now");
    pair.run();
    assert!(pair.to_server.contains(&Heard::Request(1, websocket(), false)), "{:?}", pair.to_server); // spec: 8441-3-a
    pair.server.respond(stream, &Response::new(200), false).unwrap();
    for round in 0..3_u8 {
        pair.client.send(stream, Chunk::Owned(vec![round; 100]), false).unwrap();
        pair.server.send(stream, Chunk::Owned(vec![round; 50]), false).unwrap();
        pair.run();
    }
    pair.client.send(stream, Chunk::Owned(Vec::new()), true).unwrap();
    pair.run();
    pair.server.send(stream, Chunk::Owned(b"bye".to_vec()), true).unwrap();
    pair.run();
    assert_eq!(pair.to_client.last(), Some(&Heard::Finished(1)));
    assert!(pair.client.is_idle() && pair.server.is_idle());
}

#[test]
fn a_server_without_it_is_not_asked_and_takes_none() {
    let mut pair = Pair::default();
    pair.run();
    assert_eq!(pair.client.request(&websocket(), false), Err(Misuse::Protocol));
    let mut server = raw_server(Limits::default());
    let block = [&[0x02, 7][..], b"CONNECT", &[0x87, 0x84, 0x41, 1, b'a', 0, 9], b":protocol", &[1, b'x']];
    let head = frame(kind::HEADERS, flag::END_HEADERS, 1, &block.concat());
    assert_eq!(feed(&mut server, &head), (Answer::Rst(1, 1), None)); // spec: 8441-4-a
}

#[test]
fn a_server_does_not_take_its_word_back() {
    let setting = |value: u8| frame(kind::SETTINGS, 0, 0, &[0, 8, 0, 0, 0, value]);
    for (values, fault) in [
        (&[0_u8][..], None),
        (&[0, 1], None),
        (&[1, 1], None),
        (&[1, 0], Some(Fault::SettingValue)), // spec: 8441-3-c
        (&[2], Some(Fault::SettingValue)),    // spec: 8441-3-d
    ] {
        let mut client = raw_client(Limits::default());
        let bytes: Vec<u8> = values.iter().flat_map(|value| setting(*value)).collect();
        assert_eq!(feed(&mut client, &bytes).1, fault, "{values:?}");
    }
}
