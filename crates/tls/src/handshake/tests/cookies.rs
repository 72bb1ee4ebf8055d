//! Servers that keep nothing between a HelloRetryRequest and what it answers.

use super::pair::{Counter, NOW, UNIX_SECS, client_options, provider, server_options};
use crate::{
    Fault, Flight, Handshake, KeyRing, Level, Step, TicketKey, TicketKeys, client,
    extension::{List, Opaque8},
    message::{ClientHello, Message},
    server::{self, Cookies},
};
use sakigake_crypto::Secret;
use sakigake_wire::{Instant, Span};
use std::sync::Arc;

fn keys(name: u8) -> Arc<dyn TicketKeys> {
    let key = TicketKey {
        name: [name; 16],
        secret: Secret::new(&[name; 32]),
        from_unix_secs: 0,
        until_unix_secs: u64::MAX,
        opens_until_unix_secs: u64::MAX,
    };
    Arc::new(KeyRing::new(&provider().suites[0], vec![key]))
}

/// A server that takes secp384r1 alone, for which no client here sends a share at first.
fn server(cookies: Option<Cookies>) -> Handshake {
    let options =
        server::Options { groups: vec![0x0018], cookies, unix_secs_at_start: UNIX_SECS, ..server_options() };
    Handshake::server(options.build().unwrap(), NOW, Box::new(Counter(2)))
}

fn remembering(name: u8) -> Handshake {
    server(Some(Cookies::new(keys(name))))
}

fn messages(flight: &Flight) -> impl Iterator<Item = (Level, &[u8])> {
    flight.steps.iter().filter_map(|step| match step {
        Step::Send { level, message } => Some((*level, message.as_slice())),
        _ => None,
    })
}

/// A client that was sent a cookie by a server with the keys 1, and its second ClientHello.
struct Retried {
    client: Handshake,
    first: Vec<u8>,
    second: Vec<u8>,
}

fn retried() -> Retried {
    let mut flight = Flight::default();
    let config = client::Options { grease: false, ..client_options() }.build().unwrap();
    let mut client =
        Handshake::client(config, "example.com", NOW, Box::new(Counter(1)), &mut flight).unwrap();
    let first = messages(&flight).next().unwrap().1.to_vec();
    let mut out = Flight::default();
    remembering(1).handle(NOW, Level::Plain, &first, &mut out).unwrap();
    let retry = messages(&out).next().unwrap().1.to_vec();
    let mut flight = Flight::default();
    client.handle(NOW, Level::Plain, &retry, &mut flight).unwrap();
    let second = messages(&flight).next().unwrap().1.to_vec();
    Retried { client, first, second }
}

/// What a server with `keys` makes of `hello` at `now`.
fn outcome(mut server: Handshake, now: Instant, hello: &[u8]) -> Result<(), Fault> {
    server.handle(now, Level::Plain, hello, &mut Flight::default())
}

fn changed(hello: &[u8], change: impl FnOnce(&mut ClientHello<'_>)) -> Vec<u8> {
    let Ok(Message::ClientHello(mut hello)) = Message::read(hello) else { panic!("no ClientHello") };
    change(&mut hello);
    let mut message = Vec::new();
    hello.write(&mut message);
    message
}

fn with_cookie(hello: &[u8], cookie: &[u8]) -> Vec<u8> {
    let Ok(Message::ClientHello(mut hello)) = Message::read(hello) else { panic!("no ClientHello") };
    hello.extensions.cookie = Some(cookie);
    let mut message = Vec::new();
    hello.write(&mut message);
    message
}

#[test]
fn another_server_with_the_same_keys_goes_on() {
    // spec: 9846-4.3.2-l
    let Retried { mut client, second, .. } = retried();
    let mut server = remembering(1);
    let (mut to_client, mut to_server) = (Flight::default(), Flight::default());
    server.handle(NOW, Level::Plain, &second, &mut to_client).unwrap();
    for (level, message) in messages(&to_client) {
        client.handle(NOW, level, message, &mut to_server).unwrap();
    }
    for (level, message) in messages(&to_server) {
        server.handle(NOW, level, message, &mut Flight::default()).unwrap();
    }
    assert!(client.is_established() && server.is_established());
}

#[test]
fn a_server_forgets_its_client_until_the_cookie_comes_back() {
    // spec: 9846-4.3.2-l
    let Retried { first, second, .. } = retried();
    let mut server = remembering(1);
    server.handle(NOW, Level::Plain, &first, &mut Flight::default()).unwrap();
    assert!(matches!(&server.state, crate::handshake::State::Server(server::State::ClientHello(_))));
    assert_eq!(server.handle(NOW, Level::Plain, &second, &mut Flight::default()), Ok(()));
}

#[test]
fn a_changed_foreign_or_old_cookie_is_refused() {
    // spec: 9846-4.3.2-m
    let Retried { second, .. } = retried();
    let Ok(Message::ClientHello(hello)) = Message::read(&second) else { panic!("no ClientHello") };
    let cookie = hello.extensions.cookie.expect("a cookie").to_vec();
    for bit in 0..cookie.len() * 8 {
        let mut flipped = cookie.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let hello = with_cookie(&second, &flipped);
        assert_eq!(outcome(remembering(1), NOW, &hello), Err(Fault::BadCookie), "bit {bit}");
    }
    assert_eq!(outcome(remembering(2), NOW, &second), Err(Fault::BadCookie));
    let ticket = keys(1).seal(UNIX_SECS, &[1; 64], &mut Counter(3)).unwrap();
    let hello = with_cookie(&second, &ticket);
    assert_eq!(outcome(remembering(1), NOW, &hello), Err(Fault::BadCookie), "a ticket under the same keys");
    let lifetime_ms = Cookies::new(keys(1)).lifetime_ms;
    let at = |ms| outcome(remembering(1), NOW + Span::from_millis(ms), &second);
    assert_eq!((at(lifetime_ms - 1), at(lifetime_ms)), (Ok(()), Err(Fault::BadCookie)));
    assert_eq!(Fault::BadCookie.alert().to_string(), "illegal_parameter");
}

#[test]
fn a_cookie_is_for_one_client_hello_and_one_group() {
    // spec: 9846-4.2.2-m
    let Retried { second, .. } = retried();
    let refused = |change: fn(&mut ClientHello<'_>)| outcome(remembering(1), NOW, &changed(&second, change));
    let expected = Err(Fault::ChangedClientHello);
    assert_eq!(refused(|hello| hello.random[0] ^= 1), expected);
    assert_eq!(refused(|hello| hello.legacy_session_id = &[7]), expected);
    assert_eq!(refused(|hello| hello.cipher_suites = List::Items(&[0x1301])), expected);
    assert_eq!(
        refused(|hello| {
            let alpn = List::Items(&[Opaque8(b"h2")]);
            hello.extensions.application_layer_protocol_negotiation = Some(alpn);
        }),
        expected
    );
    assert_eq!(refused(|hello| hello.extensions.key_share = Some(List::Items(&[]))), expected);
    assert_eq!(refused(|hello| hello.extensions.early_data = Some(())), Err(Fault::EarlyDataAfterRetry));
    let options =
        server::Options { cookies: Some(Cookies::new(keys(1))), groups: vec![0x0017], ..server_options() };
    let options = server::Options { unix_secs_at_start: UNIX_SECS, ..options };
    let other = Handshake::server(options.build().unwrap(), NOW, Box::new(Counter(2)));
    assert_eq!(outcome(other, NOW, &second), Err(Fault::BadCookie), "it has that group no more");
}

#[test]
fn a_client_that_drops_its_cookie_is_not_retried_again() {
    // spec: 9846-4.3.2-n
    let Retried { first, second, .. } = retried();
    let bare = changed(&second, |hello| hello.extensions.cookie = None);
    for second in [bare, first.clone()] {
        let mut server = remembering(1);
        server.handle(NOW, Level::Plain, &first, &mut Flight::default()).unwrap();
        let outcome = server.handle(NOW, Level::Plain, &second, &mut Flight::default());
        assert_eq!(outcome, Err(Fault::ChangedClientHello));
    }
}

#[test]
fn where_there_is_no_key_the_server_remembers_by_itself() {
    let Retried { first, .. } = retried();
    let no_keys: Arc<dyn TicketKeys> = Arc::new(KeyRing::new(&provider().suites[0], Vec::new()));
    let mut server = server(Some(Cookies::new(no_keys)));
    let mut flight = Flight::default();
    server.handle(NOW, Level::Plain, &first, &mut flight).unwrap();
    let Ok(Message::HelloRetryRequest(retry)) = Message::read(messages(&flight).next().unwrap().1) else {
        panic!("no HelloRetryRequest")
    };
    assert_eq!(retry.extensions.cookie, None);
    assert!(matches!(&server.state, crate::handshake::State::Server(server::State::SecondClientHello(_))));
}
