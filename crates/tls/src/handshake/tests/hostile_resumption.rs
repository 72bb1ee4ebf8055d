//! Resumption where one side does not keep to the rules, or to what the other side knows.

use super::{
    pair::{NOW, Pair, Side, UNIX_SECS},
    resumption::{client, first, offers, resumed, second, sent, server, sessions},
};
use crate::{
    Fault, Flight, Handshake, KeyRing, Level, Session, Step, TicketKey, Tickets, client as tls_client,
    extension::{Binder, List, OfferedPsks, PskIdentity},
    message::{ClientHello, Message, ServerHello},
    rules::{ExtensionType, HandshakeType, NamedGroup},
    schedule::Early,
    server as tls_server,
    transcript::Unhashed,
};
use sakigake_crypto::{Secret, aws_lc::PROVIDER};
use sakigake_wire::Span;
use std::sync::Arc;

use HandshakeType as Type;

const RESUMED: [Type; 3] = [Type::SERVER_HELLO, Type::ENCRYPTED_EXTENSIONS, Type::FINISHED];

/// What a server says to a ClientHello that offers `session` as one identity among others, changed by `change` and bound anew.
fn answer(
    session: &Session,
    server: tls_server::Options,
    change: impl FnOnce(&mut ClientHello<'_>),
) -> Result<Vec<Type>, Fault> {
    let pair = Pair::resuming(client(), server, "example.com", Some(session.clone()));
    let message = message_of(&pair.from_client.steps[0]);
    let Ok(Message::ClientHello(mut hello)) = Message::read(&message) else { panic!("no ClientHello") };
    change(&mut hello);
    let mut changed = Vec::new();
    hello.write(&mut changed);
    let (mut server, mut flight) = (pair.server, Flight::default());
    server.handle(NOW, Level::Plain, &bound(changed, session), &mut flight).map(|()| sent(&flight.steps))
}

/// The same with the last binder right for `session`.
pub(super) fn bound(mut message: Vec<u8>, session: &Session) -> Vec<u8> {
    let Ok(Message::ClientHello(hello)) = Message::read(&message) else { panic!("no ClientHello") };
    let Some(offered) = hello.extensions.pre_shared_key else { return message };
    let suite = PROVIDER.suite(session.suite).unwrap();
    let truncated = message[..message.len() - offered.binders_len()].to_vec();
    let digest = Unhashed::new(truncated).start(suite.hash).digest();
    let binder = Early::new(suite, Some(&session.secret)).binder(&digest).unwrap();
    let at = message.len() - suite.hash.len;
    message[at..].copy_from_slice(binder.as_ref());
    message
}

#[test]
fn a_ticket_is_for_the_name_that_it_was_given_to() {
    let other = Session { server_name: "www.example.com".into(), ..first() };
    let mut pair = Pair::resuming(client(), server(), "www.example.com", Some(other));
    pair.run().unwrap();
    assert_eq!(resumed(&pair), (false, false), "another SNI means a full handshake");
}

#[test]
fn a_client_that_tells_an_age_beyond_the_lifetime_gets_a_full_handshake() {
    let aged = |ms: u64| {
        let session = first();
        Session { received_unix_ms: session.received_unix_ms - ms, lifetime_secs: 604_800, ..session }
    };
    for (ms, is_resumed) in [(0, true), (86_400_000, true), (86_400_001, false)] {
        let pair = second(aged(ms), client(), server()).unwrap();
        assert_eq!(resumed(&pair), (is_resumed, is_resumed), "{ms} ms");
    }
}

#[test]
fn a_ticket_of_a_clock_that_was_ahead_is_taken_by_nobody() {
    let ahead = |secs: u64| server_options_at(UNIX_SECS + secs);
    for (secs, is_resumed) in [(300, true), (302, false), (4 * 365 * 86_400, false)] {
        let mut pair = Pair::new(client(), ahead(secs));
        pair.run().unwrap();
        // The client's clock is right: it is the server's that was ahead, and is so no more.
        let pair = second(sessions(&pair).remove(0), client(), server()).unwrap();
        assert_eq!(resumed(&pair), (is_resumed, is_resumed), "{secs} s");
        let at = |secs: u64| tls_client::Options { unix_secs_at_start: UNIX_SECS + secs, ..client() };
        let mut pair = Pair::new(at(secs), server());
        pair.run().unwrap();
        let session = sessions(&pair).remove(0);
        let offered = Pair::resuming(client(), server(), "example.com", Some(session));
        assert_eq!(offers(&offered.from_client.steps[0]), Some(is_resumed), "{secs} s at the client");
    }
}

/// The server, at another time.
fn server_options_at(unix_secs_at_start: u64) -> tls_server::Options {
    // Its keys are good at any time: it is the ticket that is judged.
    let key = TicketKey {
        name: [1; 16],
        secret: Secret::new(&[1; 32]),
        from_unix_secs: 0,
        until_unix_secs: u64::MAX,
        opens_until_unix_secs: u64::MAX,
    };
    let tickets = Tickets::new(Arc::new(KeyRing::new(&PROVIDER.suites[0], vec![key])));
    tls_server::Options { unix_secs_at_start, tickets: Some(tickets), ..server() }
}

#[test]
fn a_key_that_was_chosen_fits_its_suite_and_comes_with_a_share() {
    // spec: 9846-4.3.11-d spec: 9846-4.3.11-e
    let fault = |change: &dyn Fn(&mut ServerHello<'_>)| {
        let mut pair = Pair::resuming(client(), server(), "example.com", Some(first()));
        let change = |from: Side, _: Level, message: &mut Vec<u8>| {
            let original = message.clone();
            if let (Side::Server, Ok(Message::ServerHello(mut hello))) = (from, Message::read(&original)) {
                change(&mut hello);
                message.clear();
                hello.write(message);
            }
        };
        pair.run_with(change).expect_err("the client must not go on")
    };
    let other_hash = fault(&|hello| hello.cipher_suite = 0x1302);
    assert_eq!(other_hash, (Side::Client, Fault::UnofferedPreSharedKey));
    assert_eq!(fault(&|hello| hello.extensions.pre_shared_key = Some(1)), other_hash);
    let no_share = fault(&|hello| hello.extensions.key_share = None);
    assert_eq!(no_share, (Side::Client, Fault::UnofferedPskMode));
}

#[test]
fn no_certificate_is_taken_on_a_resumed_connection() {
    // spec: 9846-4.5-b
    for kind in [Type::CERTIFICATE, Type::CERTIFICATE_REQUEST, Type::CERTIFICATE_VERIFY] {
        for from in [Side::Server, Side::Client] {
            let mut pair = Pair::resuming(client(), server(), "example.com", Some(first()));
            let change = |sender: Side, level: Level, message: &mut Vec<u8>| {
                if sender == from && level == Level::Handshake && message[0] == Type::FINISHED.0 {
                    *message = vec![kind.0, 0, 0, 0];
                }
            };
            assert_eq!(pair.run_with(change), Err((from.peer(), Fault::UnexpectedMessage(kind))));
        }
    }
}

#[test]
fn a_binder_is_held_against_the_key_that_was_chosen() {
    // spec: 9846-4.3.11-b spec: 9846-4.3.11-c
    let session = first();
    let ticket = session.ticket.clone().leak();
    let real = PskIdentity { identity: ticket, obfuscated_ticket_age: session.ticket_age_add };
    let unknown = PskIdentity { identity: b"unknown", obfuscated_ticket_age: 7 };
    let none = Binder(&[0; 32]);
    let offer = |unknowns: usize, reals: usize| {
        let mut identities = vec![unknown; unknowns];
        identities.extend(vec![real; reals]);
        let binders = vec![none; identities.len()].leak();
        let identities = identities.leak();
        answer(&session, server(), |hello| {
            hello.extensions.pre_shared_key =
                Some(OfferedPsks { identities: List::Items(identities), binders: List::Items(binders) });
        })
        .map(|sent| sent[..] == RESUMED)
    };
    assert_eq!(offer(0, 1), Ok(true));
    assert_eq!(offer(3, 1), Ok(true), "what is not known is passed over");
    assert_eq!(offer(0, 2), Err(Fault::BadBinder), "the first one counts, and only the last one's is right");
    assert_eq!(offer(4, 1), Ok(false), "no more than four are tried");
}

#[test]
fn a_key_is_used_with_a_key_exchange_alone() {
    // spec: 9846-4.3.9-b
    let modes = |modes: &'static [u8]| {
        answer(&first(), server(), |hello| hello.extensions.psk_key_exchange_modes = Some(List::Items(modes)))
            .map(|sent| sent[..] == RESUMED)
    };
    assert_eq!(modes(&[0]), Ok(false));
    assert_eq!(modes(&[0, 1]), Ok(true));
    assert_eq!(modes(&[7, 1]), Ok(true));
    let without_exchange = answer(&first(), server(), |hello| {
        hello.extensions.supported_groups = None;
        hello.extensions.key_share = None;
    });
    assert_eq!(without_exchange, Err(Fault::NoCommonGroup));
}

#[test]
fn who_resumes_needs_no_signature() {
    // spec: 9846-9.2-k
    let without = |session: &Session| {
        answer(session, server(), |hello| hello.extensions.signature_algorithms = None)
            .map(|sent| sent[..] == RESUMED)
    };
    assert_eq!(without(&first()), Ok(true));
    let unknown = Session { ticket: vec![1; 200], ..first() };
    assert_eq!(without(&unknown), Err(Fault::MissingExtension(ExtensionType::SIGNATURE_ALGORITHMS)));
}

#[test]
fn a_retry_tells_the_age_anew_and_binds_anew() {
    // spec: 9846-4.2.2-p spec: 9149-3-c
    let server = tls_server::Options { groups: vec![NamedGroup::SECP384R1.0], ..server() };
    let mut pair = Pair::resuming(client(), server, "example.com", Some(first()));
    let before = message_of(&pair.from_client.steps[0]);
    pair.server.handle(NOW, Level::Plain, &before, &mut pair.from_server).unwrap();
    let retry = message_of(&pair.from_server.steps[0]);
    let later = NOW + Span::from_millis(5_000);
    pair.client.handle(later, Level::Plain, &retry, &mut pair.from_client).unwrap();
    let after = message_of(&pair.from_client.steps[1]);
    let read = |message: &[u8]| {
        let Ok(Message::ClientHello(hello)) = Message::read(message) else { panic!("no ClientHello") };
        let offered = hello.extensions.pre_shared_key.expect("it is offered again");
        let (identity, binder) = (offered.identities.iter().next(), offered.binders.iter().next());
        let (identity, binder) = (identity.unwrap(), binder.unwrap());
        let wish = hello.extensions.ticket_request;
        (identity.identity.to_vec(), identity.obfuscated_ticket_age, binder.0.to_vec(), wish)
    };
    let (before, after) = (read(&before), read(&after));
    assert_eq!(before.0, after.0);
    assert_eq!(after.1.wrapping_sub(before.1), 5_000);
    assert_ne!(before.2, after.2);
    assert_eq!(before.3, client().tickets);
    assert_eq!(before.3, after.3);
}

pub(super) fn message_of(step: &Step) -> Vec<u8> {
    match step {
        Step::Send { message, .. } => message.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn servers_with_the_same_keys_take_each_others_tickets() {
    let session = first();
    let mut flight = Flight::default();
    let hello = {
        let pair = Pair::resuming(client(), server(), "example.com", Some(session));
        message_of(&pair.from_client.steps[0])
    };
    let config = server().build().unwrap();
    let mut other = Handshake::server(config, NOW, Box::new(super::pair::Counter(77)));
    other.handle(NOW, Level::Plain, &hello, &mut flight).unwrap();
    assert_eq!(sent(&flight.steps)[..], RESUMED);
}
