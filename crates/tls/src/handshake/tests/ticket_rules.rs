//! What holds for tickets on one side alone, whatever the other side makes of them.

use super::{
    pair::{NOW, Pair, UNIX_SECS, client_options},
    resumption::{client, first, resumed, second, sent, server, sessions, tickets},
};
use crate::{
    Level, MAX_TICKET_LIFETIME_SECS, Tickets, client as tls_client, extension::NewSessionTicketExtensions,
    message::NewSessionTicket, rules::HandshakeType, server as tls_server,
};

#[test]
fn who_cannot_use_a_ticket_gets_none() {
    // spec: 9846-4.3.9-a
    for (options, expected) in [(client(), 2), (client_options(), 0)] {
        let mut pair = Pair::new(options, server());
        pair.run().unwrap();
        let kinds = sent(&pair.from_server.steps);
        let count = kinds.iter().filter(|kind| **kind == HandshakeType::NEW_SESSION_TICKET).count();
        assert_eq!(count, expected);
    }
}

#[test]
fn a_server_bounds_how_long_resumption_follows_resumption() {
    // spec: 9846-4.7.1-d
    let session = first();
    for (secs, expected) in [(99, true), (100, false)] {
        let unix_secs_at_start = UNIX_SECS + secs;
        let client = tls_client::Options { unix_secs_at_start, ..client() };
        let tickets = Some(Tickets { chain_secs: 100, ..tickets() });
        let server = tls_server::Options { unix_secs_at_start, tickets, ..server() };
        let pair = second(session.clone(), client, server).unwrap();
        assert_eq!(resumed(&pair), (expected, expected), "{secs} s after the certificate");
    }
}

#[test]
fn a_client_keeps_no_ticket_for_longer_than_7_days() {
    // spec: 9846-4.7.1-c
    let days = 86_400;
    for (named, kept) in [(6 * days, 6 * days), (8 * days, MAX_TICKET_LIFETIME_SECS), (u32::MAX, 7 * days)] {
        let mut pair = Pair::new(client(), server());
        pair.run().unwrap();
        let mut message = Vec::new();
        NewSessionTicket {
            ticket_lifetime: named,
            ticket_age_add: 5,
            ticket_nonce: &[9],
            ticket: b"ticket",
            extensions: NewSessionTicketExtensions::default(),
        }
        .write(&mut message);
        pair.client.handle(NOW, Level::Application, &message, &mut pair.from_client).unwrap();
        assert_eq!(sessions(&pair).last().unwrap().lifetime_secs, kept);
    }
}
