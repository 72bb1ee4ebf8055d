use super::*;
use crate::{Config, Limits};
use sakigake_semantics::Event;
use sakigake_wire::{Grow, Instant};
use std::sync::Arc;

fn origin(text: &str) -> Origin {
    Origin::parse(text.as_bytes()).expect("an origin")
}

/// An ORIGIN frame with these flags, on that stream.
fn frame(flags: u8, stream: u8, entries: &[&str]) -> Vec<u8> {
    let mut payload = Vec::new();
    for entry in entries {
        payload.u16(entry.len() as u16);
        payload.put(entry.as_bytes());
    }
    raw(flags, stream, &payload)
}

fn raw(flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    bytes.extend([0xc, flags, 0, 0, 0, stream]);
    bytes.extend(payload);
    bytes
}

/// A client behind a server's SETTINGS and these frames; how many events it told.
fn hear(config: Config, frames: &[Vec<u8>]) -> (Connection, usize) {
    let mut client = Connection::client(config, Instant::default());
    client.connected_to(origin("https://own.test"));
    let mut count = 0;
    let bytes = [&[0, 0, 0, 4, 0, 0, 0, 0, 0][..], &frames.concat()].concat();
    let heard = client.handle(Instant::default(), &bytes, &mut |event| {
        count += usize::from(matches!(event, Event::Origin));
    });
    heard.expect("ORIGIN is no fault");
    (client, count)
}

fn members(client: &Connection) -> Option<Vec<&str>> {
    client.origins().map(|set| set.iter().map(Origin::as_str).collect())
}

#[test]
fn the_set_begins_with_the_own_origin_and_grows() {
    let (client, told) = hear(Config::default(), &[]);
    assert_eq!((members(&client), told), (None, 0));
    let (client, told) = hear(Config::default(), &[frame(0, 0, &[])]);
    assert_eq!((members(&client), told), (Some(vec!["https://own.test"]), 1)); // spec: 8336-2.3-a
    let frames =
        [frame(0, 0, &["https://b.test"]), frame(0xf0, 0, &["https://a.test", "https://b.test:443"])];
    let (mut client, told) = hear(Config::default(), &frames);
    let all = vec!["https://a.test", "https://b.test", "https://own.test"];
    assert_eq!((members(&client), told), (Some(all), 2));
    client.misdirected(&origin("https://b.test"));
    client.misdirected(&origin("https://never.test"));
    assert_eq!(members(&client), Some(vec!["https://a.test", "https://own.test"])); // spec: 8336-2.3-b
    assert!(client.origins().is_some_and(|set| set.contains(&origin("https://A.test:443"))));
}

#[test]
fn an_own_origin_that_was_refused_does_not_come_back_by_itself() {
    let (mut client, _) = hear(Config::default(), &[]);
    client.misdirected(&origin("https://own.test"));
    client.handle(Instant::default(), &frame(0, 0, &["https://a.test"]), &mut |_| {}).unwrap();
    assert_eq!(members(&client), Some(vec!["https://a.test"]));
}

#[test]
fn what_is_no_origin_is_passed_over_and_what_is_no_frame_counts_for_nothing() {
    let mixed = frame(0, 0, &["null", "https://*.a.test", "", "https://a.test"]);
    let (client, told) = hear(Config::default(), &[mixed]);
    assert_eq!((members(&client), told), (Some(vec!["https://a.test", "https://own.test"]), 1)); // spec: 8336-2.2-d
    let named: &[&str] = &["https://a.test"];
    let whole = frame(0, 0, named);
    let mut ignored = vec![frame(0, 1, named)]; // spec: 8336-2.2-a
    ignored.extend([1, 2, 4, 8].map(|flag| frame(flag, 0, named))); // spec: 8336-2.2-c
    // Every truncation.
    ignored.extend((1..16).map(|len| raw(0, 0, &whole[9..9 + len])));
    for bytes in ignored {
        let (client, told) = hear(Config::default(), core::slice::from_ref(&bytes));
        assert_eq!((members(&client), told), (None, 0), "{bytes:02x?}");
    }
    let config = Config { ignores_origin: true, ..Config::default() };
    let (client, told) = hear(config, &[whole]);
    assert_eq!((members(&client), told), (None, 0)); // spec: 8336-2.2-b
}

#[test]
fn origins_are_bounded_in_number_and_frames() {
    let limits = Limits { origins: 3, origins_per_10_s: 2, ..Limits::default() };
    let config = Config { limits, ..Config::default() };
    let many = frame(0, 0, &["https://a.test", "https://b.test", "https://c.test", "https://d.test"]);
    let (mut client, _) = hear(config, &[many.clone(), many.clone()]);
    let kept = ["https://a.test", "https://b.test", "https://own.test"];
    assert_eq!(members(&client), Some(kept.to_vec()));
    let fault = client.handle(Instant::default(), &many, &mut |_| {});
    assert_eq!(fault, Err(crate::Fault::Flood(crate::Flood::Origins)));
}

#[test]
fn a_server_says_its_origins_once_behind_its_settings() {
    let origins: Arc<[Origin]> = (0..2_000).map(|at| origin(&format!("https://host{at}.test"))).collect();
    let config = Config { origins: origins.clone(), ..Config::default() };
    let mut server = Connection::server(config, Instant::default());
    assert_eq!(server.announce_origins(), Ok(()));
    assert_eq!(server.announce_origins(), Ok(()));
    let mut said = vec![0; 65_536];
    let len = server.transmit(Instant::default(), &mut said).expect("it speaks first");
    let limits = Limits { origins: 3_000, ..Limits::default() };
    let mut client = Connection::client(Config { limits, ..Config::default() }, Instant::default());
    assert_eq!(client.announce_origins(), Err(Misuse::Role));
    let mut told = Vec::new();
    client
        .handle(Instant::default(), &said[..len], &mut |event| {
            told.push(matches!(event, Event::Origin));
        })
        .unwrap();
    assert_eq!(told, [false, true, true, true], "SETTINGS, then three frames"); // spec: 8336-2.2-a
    let set = client.origins().expect("it is known");
    assert!(origins.iter().all(|origin| set.contains(origin)));
    assert_eq!(set.iter().count(), 2_000);
    // The other end has no use for it.
    let hello = [&crate::rules::PREFACE[..], &[0, 0, 0, 4, 0, 0, 0, 0, 0], &frame(0, 0, &["https://a.test"])];
    server.handle(Instant::default(), &hello.concat(), &mut |_| {}).unwrap();
    assert_eq!(server.origins(), None);
}

#[test]
fn no_flipped_bit_panics() {
    let whole = frame(0, 0, &["https://a.test:8443", "http://b.test"]);
    for bit in 0..(whole.len() - 9) * 8 {
        let mut flipped = whole[9..].to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        crate::fuzz::fuzz_origin(&flipped);
    }
}

#[test]
fn an_origins_host_stands_alone() {
    for (text, host) in [
        ("https://a.test", "a.test"),
        ("https://A.test:8443", "a.test"),
        ("https://[::1]:8443", "::1"),
        ("https://[::1]", "::1"),
        ("https://127.0.0.1:1", "127.0.0.1"),
    ] {
        assert_eq!(origin(text).host(), host);
    }
}
