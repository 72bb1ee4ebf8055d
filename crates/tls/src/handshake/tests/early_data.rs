//! Early data as far as messages go: what is offered, what is taken, and servers that lie about it.

use super::{
    hostile_resumption::{bound, message_of},
    pair::{NOW, Pair, Side, UNIX_SECS, client_options, server_options},
    resumption::{client, first, server},
};
use crate::{
    EarlyData, Fact, Fault, Level, Misuse, Session, Step, client,
    extension::{Binder, List, OfferedPsks, PskIdentity},
    message::{EncryptedExtensions, Message, ServerHello},
    rules::{ExtensionType, HandshakeType, NamedGroup},
    server::{self, AntiReplay, EarlyDataPolicy},
};
use std::sync::Arc;

/// A register that gives one answer.
struct Says(bool);

impl AntiReplay for Says {
    fn is_first(&self, _: u64, _: u64, _: &[u8]) -> bool {
        self.0
    }
}

pub(super) fn policy(is_first: bool) -> EarlyDataPolicy {
    EarlyDataPolicy::new(Arc::new(Says(is_first)))
}

fn early_client() -> client::Options {
    client::Options { early_data: true, ..client() }
}

fn early_server() -> server::Options {
    server::Options { early_data: Some(policy(true)), ..server() }
}

/// A ticket that allows early data.
fn ticket() -> Session {
    let mut pair = Pair::new(early_client(), early_server());
    pair.run().unwrap();
    let ticket =
        |fact: &Fact| if let Fact::Ticket(session) = fact { Some((**session).clone()) } else { None };
    pair.from_client.facts.iter().find_map(ticket).unwrap()
}

/// A client that comes back with early data, which the server takes.
pub(super) fn pair() -> Pair {
    Pair::resuming(early_client(), early_server(), "example.com", Some(ticket()))
}

fn became(facts: &[Fact]) -> EarlyData {
    let early = |fact: &Fact| match fact {
        Fact::Negotiated(negotiated) => Some(negotiated.early_data),
        _ => None,
    };
    facts.iter().find_map(early).unwrap()
}

fn offers(pair: &Pair) -> bool {
    let Step::Send { message, .. } = &pair.from_client.steps[0] else { panic!("no message") };
    let Ok(Message::ClientHello(hello)) = Message::read(message) else { panic!("no ClientHello") };
    assert_eq!(
        hello.extensions.early_data.is_some(),
        matches!(pair.from_client.facts[..], [Fact::EarlyData(_)])
    );
    hello.extensions.early_data.is_some()
}

#[test]
fn both_sides_have_to_want_it() {
    // spec: 9846-4.3.10-b spec: 9846-2.3-a
    assert_eq!(ticket().max_early_data, 14_336);
    assert_eq!(first().max_early_data, 0, "a server that takes none");
    let with =
        |options, session| offers(&Pair::resuming(options, early_server(), "example.com", Some(session)));
    assert!(with(early_client(), ticket()));
    assert!(!with(client(), ticket()), "a client that sends none");
    assert!(!with(early_client(), first()), "a ticket that allows none");
    let other = client::Options { alpn: vec![b"http/1.1".to_vec()], ..early_client() };
    assert!(!with(other, ticket()), "a protocol that is not offered");
    let none = Session { alpn: None, ..ticket() };
    assert!(!with(early_client(), none), "a protocol where there was none");
}

#[test]
fn it_is_taken_from_the_first_one_who_comes_in_time() {
    // spec: 9846-4.3.10-c spec: 9846-4.3.10-e spec: 9846-4.3.10-g spec: 9846-8.3-a spec: 9846-2.3-a
    let taken = EarlyData::Accepted { max_bytes: 14_336 };
    let at = |secs: u64| server::Options { unix_secs_at_start: UNIX_SECS + secs, ..early_server() };
    let hosts = |host: &str| {
        let policy = EarlyDataPolicy { hosts: Some(vec![host.into()]), ..policy(true) };
        server::Options { early_data: Some(policy), ..server() }
    };
    let up_to = |max_bytes| {
        let policy = EarlyDataPolicy { max_bytes, ..policy(true) };
        server::Options { early_data: Some(policy), ..server() }
    };
    let cases: [(&str, server::Options, EarlyData); 11] = [
        ("the same", early_server(), taken),
        ("one that takes none", server(), EarlyData::Rejected),
        ("came before", server::Options { early_data: Some(policy(false)), ..server() }, EarlyData::Rejected),
        ("just in time", at(10), taken),
        ("too late", at(11), EarlyData::Rejected),
        ("its host", hosts("example.com"), taken),
        ("another host", hosts("example.org"), EarlyData::Rejected),
        ("less than the ticket says", up_to(14_335), EarlyData::Rejected),
        ("more than the ticket says", up_to(14_337), taken),
        (
            "another suite of the same hash",
            server::Options { provider: super::resumption::preferring(0x1303), ..early_server() },
            EarlyData::Rejected,
        ),
        (
            "a retry",
            server::Options { groups: vec![NamedGroup::SECP384R1.0], ..early_server() },
            EarlyData::Rejected,
        ),
    ];
    for (what, server, expected) in cases {
        let mut pair = Pair::resuming(early_client(), server, "example.com", Some(ticket()));
        pair.run().unwrap();
        assert!(pair.is_established());
        assert_eq!(
            (became(&pair.from_client.facts), became(&pair.from_server.facts)),
            (expected, expected),
            "{what}"
        );
        let ends = pair.from_client.steps.iter().any(|step| {
            matches!(step, Step::Send { level: Level::EarlyData, message } if message == &[5, 0, 0, 0])
        });
        assert_eq!(ends, expected == taken, "{what}: EndOfEarlyData"); // spec: 9846-4.6-a spec: 9846-4.6-b
    }
}

#[test]
fn a_client_whose_clock_runs_fast_is_refused_alike() {
    // spec: 9846-8.3-a
    let fast = |secs: u64| client::Options { unix_secs_at_start: UNIX_SECS + secs, ..early_client() };
    for (secs, expected) in [(10, EarlyData::Accepted { max_bytes: 14_336 }), (11, EarlyData::Rejected)] {
        let mut pair = Pair::resuming(fast(secs), early_server(), "example.com", Some(ticket()));
        pair.run().unwrap();
        assert_eq!(became(&pair.from_server.facts), expected, "{secs} s");
    }
}

#[test]
fn keys_of_early_data_end_where_it_is_refused() {
    // spec: 9846-4.3.10-l
    let levels = |server: server::Options| -> Vec<Option<Level>> {
        let mut pair = Pair::resuming(early_client(), server, "example.com", Some(ticket()));
        pair.run().unwrap();
        let level = |step: &Step| match step {
            Step::WriteKey(secret) => Some(Some(secret.level)),
            Step::WritePlain => Some(None),
            _ => None,
        };
        pair.from_client.steps.iter().filter_map(level).collect()
    };
    let [early, handshake, application] = [Level::EarlyData, Level::Handshake, Level::Application].map(Some);
    assert_eq!(levels(early_server()), [early, handshake, application]);
    assert_eq!(levels(server()), [early, handshake, application]);
    let retries = server::Options { groups: vec![NamedGroup::SECP384R1.0], ..early_server() };
    assert_eq!(levels(retries), [early, None, handshake, application]);
}

/// What the client says to a server whose EncryptedExtensions are changed.
fn meets(mut pair: Pair, change: impl Fn(&mut Vec<u8>)) -> Result<(), (Side, Fault)> {
    pair.run_with(|from, _, message| {
        if from == Side::Server && message[0] == HandshakeType::ENCRYPTED_EXTENSIONS.0 {
            change(message);
        }
    })
}

fn accept(message: &mut Vec<u8>, alpn: Option<&[u8]>) {
    let before = message.clone();
    let Ok(Message::EncryptedExtensions(EncryptedExtensions { mut extensions })) = Message::read(&before)
    else {
        panic!("no EncryptedExtensions")
    };
    extensions.early_data = Some(());
    if alpn.is_some() {
        extensions.application_layer_protocol_negotiation = alpn;
        extensions.order = crate::extension::List::default();
    }
    message.clear();
    EncryptedExtensions { extensions }.write(message);
}

#[test]
fn a_server_accepts_what_was_offered_under_the_same_terms_alone() {
    // spec: 9846-4.3.10-m
    let lies = |pair: Pair, alpn: Option<&[u8]>| meets(pair, |message| accept(message, alpn));
    let wrong = Err((Side::Client, Fault::UnexpectedEarlyDataAccepted));
    let unsolicited = Err((Side::Client, Fault::UnsolicitedExtension(ExtensionType::EARLY_DATA)));
    assert_eq!(lies(pair(), Some(b"http/1.1")), wrong, "another protocol");
    let chacha = server::Options { provider: super::resumption::preferring(0x1303), ..server() };
    let pair_with = |server| Pair::resuming(early_client(), server, "example.com", Some(ticket()));
    assert_eq!(lies(pair_with(chacha), None), wrong, "another suite");
    assert_eq!(lies(Pair::new(client_options(), server_options()), None), unsolicited, "nothing was offered");
    assert_eq!(lies(pair_with(server_options()), None), unsolicited, "the ticket was not taken");
    let retries = server::Options { groups: vec![NamedGroup::SECP384R1.0], ..server() };
    assert_eq!(lies(pair_with(retries), None), unsolicited, "it was withdrawn after a retry");
}

#[test]
fn a_server_sends_no_end_of_early_data() {
    // spec: 9846-4.6-c
    let mut pair = pair();
    let end = [5, 0, 0, 0];
    let fault = pair.client.handle(NOW, Level::Plain, &end, &mut pair.from_client).unwrap_err();
    assert_eq!(fault, Fault::UnexpectedMessage(HandshakeType::END_OF_EARLY_DATA));
    assert_eq!(fault.alert(), crate::rules::AlertDescription::UNEXPECTED_MESSAGE);
}

#[test]
fn a_second_identity_carries_no_early_data() {
    // spec: 9846-4.3.10-d
    let mut pair = pair();
    let change = |from: Side, _: Level, message: &mut Vec<u8>| {
        if from == Side::Server && message[0] == HandshakeType::SERVER_HELLO.0 {
            let before = message.clone();
            let Ok(Message::ServerHello(mut hello)) = Message::read(&before) else {
                panic!("no ServerHello")
            };
            hello.extensions.pre_shared_key = Some(1);
            message.clear();
            ServerHello { ..hello }.write(message);
        }
    };
    assert_eq!(pair.run_with(change), Err((Side::Client, Fault::UnofferedPreSharedKey)));
}

#[test]
fn early_data_belongs_to_the_first_identity_alone() {
    // spec: 9846-4.3.10-d
    let session = ticket();
    let real = PskIdentity { identity: &session.ticket, obfuscated_ticket_age: session.ticket_age_add };
    let unknown = PskIdentity { identity: b"unknown", obfuscated_ticket_age: 7 };
    let taken = EarlyData::Accepted { max_bytes: 14_336 };
    for (identities, expected) in [(&[real][..], taken), (&[unknown, real], EarlyData::Rejected)] {
        let mut pair = pair();
        let message = message_of(&pair.from_client.steps[0]);
        let Ok(Message::ClientHello(mut hello)) = Message::read(&message) else { panic!("no ClientHello") };
        let binders = vec![Binder(&[0; 32]); identities.len()];
        hello.extensions.pre_shared_key =
            Some(OfferedPsks { identities: List::Items(identities), binders: List::Items(&binders) });
        let mut changed = Vec::new();
        hello.write(&mut changed);
        let changed = bound(changed, &session);
        pair.server.handle(NOW, Level::Plain, &changed, &mut pair.from_server).unwrap();
        assert_eq!(became(&pair.from_server.facts), expected);
        let is_resumed = |fact: &Fact| matches!(fact, Fact::Negotiated(negotiated) if negotiated.is_resumed);
        assert!(pair.from_server.facts.iter().any(is_resumed), "the ticket itself is taken");
    }
}

#[test]
fn a_server_that_cannot_keep_its_word_is_no_server() {
    let refused = |options: server::Options| matches!(options.build().err(), Some(Misuse::EarlyData(_)));
    assert!(refused(server::Options { tickets: None, ..early_server() }));
    let much = EarlyDataPolicy { max_bytes: 65_536, ..policy(true) };
    assert!(refused(server::Options { early_data: Some(much), ..server() }));
    for host in ["", "Example.com", "example.com.", "*.example.com"] {
        let policy = EarlyDataPolicy { hosts: Some(vec![host.into()]), ..policy(true) };
        assert!(refused(server::Options { early_data: Some(policy), ..server() }), "{host}");
    }
    let most = EarlyDataPolicy { max_bytes: 65_400, ..policy(true) };
    assert!(!refused(server::Options { early_data: Some(most), ..server() }));
}
