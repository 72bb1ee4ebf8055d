//! After the handshake: tickets and key updates.

use super::pair::{NOW, Pair, Side, client_options, server_options};
use crate::{
    Fault, Level, Limits, Step, TrafficSecret, client,
    extension::NewSessionTicketExtensions,
    message::{CertificateRequest, HEADER_BYTES, KeyUpdate, NewSessionTicket},
    rules::HandshakeType,
    server,
};
use sakigake_wire::{Instant, Span};

fn established() -> Pair {
    // Without a protocol that has its own word on CertificateRequests.
    let mut pair = Pair::new(client::Options { alpn: Vec::new(), ..client_options() }, server_options());
    pair.run().unwrap();
    assert!(pair.is_established());
    pair
}

fn last_keys(steps: &[Step], pick: fn(&Step) -> Option<&TrafficSecret>) -> &TrafficSecret {
    steps.iter().rev().find_map(pick).expect("keys were installed")
}

fn write_key(step: &Step) -> Option<&TrafficSecret> {
    if let Step::WriteKey(secret) = step { Some(secret) } else { None }
}

fn read_key(step: &Step) -> Option<&TrafficSecret> {
    if let Step::ReadKey(secret) = step { Some(secret) } else { None }
}

fn assert_keys_match(pair: &Pair) {
    let (client, server) = (&pair.from_client.steps, &pair.from_server.steps);
    assert_eq!(last_keys(client, write_key).secret.as_ref(), last_keys(server, read_key).secret.as_ref());
    assert_eq!(last_keys(server, write_key).secret.as_ref(), last_keys(client, read_key).secret.as_ref());
}

fn update(update_requested: bool) -> Vec<u8> {
    let mut message = Vec::new();
    KeyUpdate { update_requested }.write(&mut message);
    message
}

#[test]
fn keys_are_updated_on_both_sides_however_often() {
    // spec: 9846-4.7.3-k spec: 9846-4.7.3-l
    let mut pair = established();
    assert_keys_match(&pair);
    for turn in 0..6 {
        let before = last_keys(&pair.from_server.steps, write_key).secret.as_ref().to_vec();
        match turn % 2 {
            0 => pair.client.update_keys(&mut pair.from_client),
            _ => pair.server.update_keys(&mut pair.from_server),
        }
        pair.run().unwrap();
        assert_keys_match(&pair);
        assert_ne!(last_keys(&pair.from_server.steps, write_key).secret.as_ref(), before);
    }
}

#[test]
fn an_update_is_asked_for_once_until_one_comes() {
    // spec: 9846-4.7.3-m
    let mut pair = established();
    let start = pair.from_client.steps.len();
    pair.client.update_keys(&mut pair.from_client);
    pair.client.update_keys(&mut pair.from_client);
    let sent = |pair: &Pair| -> Vec<Vec<u8>> {
        let steps = pair.from_client.steps[start..].iter();
        steps
            .filter_map(
                |step| if let Step::Send { message, .. } = step { Some(message.clone()) } else { None },
            )
            .collect()
    };
    assert_eq!(sent(&pair), [update(true), update(false)]);
    pair.run().unwrap();
    assert_keys_match(&pair);
    pair.client.update_keys(&mut pair.from_client);
    assert_eq!(sent(&pair)[2..], [update(true)]);
}

#[test]
fn updates_before_the_end_do_nothing() {
    let mut pair = Pair::new(client_options(), server_options());
    let steps = pair.from_client.steps.len();
    pair.client.update_keys(&mut pair.from_client);
    assert_eq!(pair.from_client.steps.len(), steps);
}

#[test]
fn a_flood_of_updates_ends_the_connection() {
    let limits = Limits { key_updates_per_10_s: 4, ..Limits::default() };
    let mut pair = Pair::new(client_options(), server::Options { limits, ..server_options() });
    pair.run().unwrap();
    let mut at = |nanos: u64| {
        let now = Instant::from_nanos(nanos);
        pair.server.handle(now, Level::Application, &update(false), &mut pair.from_server)
    };
    let window = Span::from_secs(10).as_nanos();
    for nanos in [1, 2, 3, 4, window + 1, window + 2, window + 3, window + 4] {
        assert_eq!(at(nanos), Ok(()), "at {nanos} ns");
    }
    assert_eq!(at(window + 5), Err(Fault::TooManyKeyUpdates));
}

#[test]
fn tickets_are_checked_and_dropped() {
    // spec: 9846-4.7.1-k
    let mut pair = established();
    let steps = pair.from_client.steps.len();
    let ticket = ticket();
    assert_eq!(pair.client.handle(NOW, Level::Application, &ticket, &mut pair.from_client), Ok(()));
    assert_eq!(pair.from_client.steps.len(), steps);
    let short = [&[4, 0, 0, (ticket.len() - HEADER_BYTES - 1) as u8], &ticket[4..ticket.len() - 1]].concat();
    assert_eq!(
        pair.client.handle(NOW, Level::Application, &short, &mut pair.from_client),
        Err(Fault::MessageEndsEarly)
    );
}

#[test]
fn a_flood_of_tickets_ends_the_connection() {
    let limits = Limits { tickets_per_10_s: 3, ..Limits::default() };
    let mut pair = Pair::new(client::Options { limits, ..client_options() }, server_options());
    pair.run().unwrap();
    let tickets = ticket().repeat(3);
    assert_eq!(pair.client.handle(NOW, Level::Application, &tickets, &mut pair.from_client), Ok(()));
    assert_eq!(
        pair.client.handle(NOW, Level::Application, &ticket(), &mut pair.from_client),
        Err(Fault::TooManyPostHandshakeMessages)
    );
}

pub(super) fn ticket() -> Vec<u8> {
    let mut message = Vec::new();
    let extensions = NewSessionTicketExtensions::default();
    NewSessionTicket {
        ticket_lifetime: 7_200,
        ticket_age_add: 5,
        ticket_nonce: &[0],
        ticket: b"ticket",
        extensions,
    }
    .write(&mut message);
    message
}

#[test]
fn no_handshake_message_comes_back_after_the_handshake() {
    // spec: 9846-4.2.2-n
    let mut request = Vec::new();
    CertificateRequest::default().write(&mut request);
    let cases = [(Side::Client, request), (Side::Server, vec![1, 0, 0, 0]), (Side::Server, ticket())];
    for (receiver, message) in cases {
        let mut pair = established();
        let kind = HandshakeType(message[0]);
        let result = match receiver {
            Side::Client => pair.client.handle(NOW, Level::Application, &message, &mut pair.from_client),
            Side::Server => pair.server.handle(NOW, Level::Application, &message, &mut pair.from_server),
        };
        assert_eq!(result, Err(Fault::UnexpectedMessage(kind)));
    }
}

#[test]
fn bytes_after_a_key_update_are_refused() {
    let mut pair = established();
    let message = [update(false), ticket()].concat();
    let result = pair.client.handle(NOW, Level::Application, &message, &mut pair.from_client);
    assert_eq!(result, Err(Fault::MessageSpansKeyChange));
}

#[test]
fn what_has_no_place_is_refused_by_its_first_byte() {
    // spec: 9846-4.2.2-n spec: 9846-4.7.2-k
    for kind in [0, 1, 2, 4, 5, 8, 11, 13, 15, 20, 25, 254] {
        let mut pair = established();
        let result = pair.server.handle(NOW, Level::Application, &[kind], &mut pair.from_server);
        assert_eq!(result, Err(Fault::UnexpectedMessage(HandshakeType(kind))), "a server gets {kind}");
        let mut pair = established();
        let result = pair.client.handle(NOW, Level::Application, &[kind], &mut pair.from_client);
        let expected = if kind == 4 { Ok(()) } else { Err(Fault::UnexpectedMessage(HandshakeType(kind))) };
        assert_eq!(result, expected, "a client gets {kind}");
    }
}
