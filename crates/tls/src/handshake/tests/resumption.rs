//! Connections that go on with earlier ones.

use super::pair::{NOW, Pair, Side, UNIX_SECS, client_options, provider, server_options};
use crate::{
    Fact, Fault, KeyRing, Level, MAX_TICKET_LIFETIME_SECS, Misuse, Session, Step, TicketKey, Tickets, client,
    extension::TicketRequest,
    message::{HEADER_BYTES, Message},
    rules::{HandshakeType, NamedGroup},
    server,
};
use sakigake_crypto::{Provider, Secret, Suite, aws_lc::PROVIDER};
use std::sync::Arc;

const DAY: u64 = 86_400;

fn key(name: u8) -> TicketKey {
    TicketKey {
        name: [name; 16],
        secret: Secret::new(&[name; 32]),
        from_unix_secs: 0,
        until_unix_secs: UNIX_SECS + 30 * DAY,
        opens_until_unix_secs: UNIX_SECS + 31 * DAY,
    }
}

pub(crate) fn tickets() -> Tickets {
    Tickets::new(Arc::new(KeyRing::new(&PROVIDER.suites[0], vec![key(1)])))
}

pub(crate) fn client() -> client::Options {
    let request = TicketRequest { new_session_count: 2, resumption_count: 1 };
    client::Options { tickets: Some(request), ..client_options() }
}

pub(crate) fn server() -> server::Options {
    // One credential for all servers of these tests: another one is another certificate.
    static CREDENTIAL: std::sync::LazyLock<Arc<crate::Credential>> =
        std::sync::LazyLock::new(|| server_options().credentials.remove(0));
    server::Options {
        credentials: vec![CREDENTIAL.clone()],
        tickets: Some(tickets()),
        unix_secs_at_start: UNIX_SECS,
        ..server_options()
    }
}

pub(crate) fn sessions(pair: &Pair) -> Vec<Session> {
    let facts = pair.from_client.facts.iter();
    facts
        .filter_map(|fact| if let Fact::Ticket(session) = fact { Some((**session).clone()) } else { None })
        .collect()
}

pub(super) fn first() -> Session {
    let mut pair = Pair::new(client(), server());
    pair.run().unwrap();
    sessions(&pair).remove(0)
}

pub(super) fn resumed(pair: &Pair) -> (bool, bool) {
    let is_resumed = |fact: &Fact| match fact {
        Fact::Negotiated(negotiated) => negotiated.is_resumed,
        other => panic!("{other:?}"),
    };
    let (client, server) = pair.negotiated();
    (is_resumed(client), is_resumed(server))
}

/// A client with this session at a server, run to the end.
pub(super) fn second(
    session: Session,
    client: client::Options,
    server: server::Options,
) -> Result<Pair, (Side, Fault)> {
    let mut pair = Pair::resuming(client, server, "example.com", Some(session));
    pair.run().map(|()| pair)
}

pub(super) fn sent(steps: &[Step]) -> Vec<HandshakeType> {
    let kind = |step: &Step| match step {
        Step::Send { message, .. } => Some(HandshakeType(message[0])),
        _ => None,
    };
    steps.iter().filter_map(kind).collect()
}

#[test]
fn a_ticket_spares_the_certificate() {
    // spec: 9846-4.3.11-b spec: 9846-4.3.9-a spec: 9846-4.7.1-f spec: 9846-4.3.9-c
    let mut pair = Pair::new(client(), server());
    pair.run().unwrap();
    assert_eq!(resumed(&pair), (false, false));
    let [one, two] = <[Session; 2]>::try_from(sessions(&pair)).unwrap();
    assert!(one.ticket != two.ticket && one.secret != two.secret && one.ticket_age_add != two.ticket_age_add);
    let pair = second(one, client(), server()).unwrap();
    assert!(pair.is_established());
    assert_eq!(resumed(&pair), (true, true));
    use HandshakeType as Type;
    let flight = [Type::SERVER_HELLO, Type::ENCRYPTED_EXTENSIONS, Type::FINISHED, Type::NEW_SESSION_TICKET];
    assert_eq!(sent(&pair.from_server.steps), flight);
    let again = second(sessions(&pair).remove(0), client(), server()).unwrap();
    assert_eq!(resumed(&again), (true, true));
}

#[test]
fn secrets_of_a_resumed_connection_are_the_same_on_both_sides_and_none_of_the_first() {
    let mut pair = Pair::new(client(), server());
    pair.run().unwrap();
    let lines = |flight: &crate::Flight| flight.key_log.iter().map(ToString::to_string).collect::<Vec<_>>();
    let before = lines(&pair.from_client);
    let pair = second(sessions(&pair).remove(0), client(), server()).unwrap();
    assert_eq!(lines(&pair.from_client), lines(&pair.from_server));
    assert!(lines(&pair.from_client).iter().all(|line| !before.contains(line)));
}

#[test]
fn a_connection_that_goes_on_rests_on_the_certificate_of_the_first() {
    let chain = server().credentials[0].chain.clone();
    let mut session = first();
    for later in [10, 20, 30] {
        assert_eq!((&session.chain[..], session.authenticated_unix_secs), (&chain[..], UNIX_SECS));
        let client = client::Options { unix_secs_at_start: UNIX_SECS + later, ..client() };
        let pair = second(session, client, server()).unwrap();
        assert_eq!(resumed(&pair), (true, true));
        session = sessions(&pair).remove(0);
        assert_eq!(session.received_unix_ms, (UNIX_SECS + later) * 1_000);
    }
}

#[test]
fn another_certificate_for_a_name_ends_the_tickets_of_the_former() {
    let [here, there] = ["example.com", "example.org"].map(|name| super::pair::AUTHORITY.credential(&[name]));
    let with = |credentials: &[&Arc<crate::Credential>]| server::Options {
        credentials: credentials.iter().map(|one| Arc::clone(one)).collect(),
        ..server()
    };
    let renewed = super::pair::AUTHORITY.credential(&["example.com"]);
    for (what, before, now, is_resumed) in [
        ("the same", with(&[&here]), with(&[&here]), Some(true)),
        ("one for others beside it", with(&[&here]), with(&[&there, &here]), Some(true)),
        ("renewed", with(&[&here]), with(&[&renewed]), Some(false)),
        ("one more of its own", with(&[&here]), with(&[&here, &renewed]), Some(false)),
        ("gone: the default is shown, and refused", with(&[&there, &here]), with(&[&there]), None),
    ] {
        let mut pair = Pair::new(client(), before);
        pair.run().unwrap();
        let mut pair = Pair::resuming(client(), now, "example.com", Some(sessions(&pair).remove(0)));
        let found = pair.run().map(|()| resumed(&pair));
        match is_resumed {
            Some(is_resumed) => assert_eq!(found, Ok((is_resumed, is_resumed)), "{what}"),
            None => assert!(matches!(found, Err((Side::Client, Fault::CertificateRejected(_)))), "{what}"),
        }
    }
}

#[test]
fn a_ticket_survives_a_retry() {
    let groups = vec![NamedGroup::SECP384R1.0];
    let pair = second(first(), client(), server::Options { groups, ..server() }).unwrap();
    assert_eq!(resumed(&pair), (true, true));
    assert_eq!(sent(&pair.from_client.steps)[..2], [HandshakeType::CLIENT_HELLO; 2]);
}

#[test]
fn a_retry_under_another_hash_leaves_the_ticket_out() {
    // spec: 9846-4.2.2-p
    let groups = vec![NamedGroup::SECP384R1.0];
    let server = server::Options { provider: preferring(0x1302), groups, ..server() };
    let pair = second(first(), client(), server).unwrap();
    assert_eq!(resumed(&pair), (false, false));
    let hellos: Vec<bool> = pair.from_client.steps.iter().filter_map(offers).collect();
    assert_eq!(hellos, [true, false]);
}

#[test]
fn a_suite_with_another_hash_takes_no_ticket() {
    // spec: 9846-4.7.1-e
    for (suite, is_resumed) in [(0x1302, false), (0x1303, true)] {
        let server = server::Options { provider: preferring(suite), ..server() };
        let pair = second(first(), client(), server).unwrap();
        assert_eq!(resumed(&pair), (is_resumed, is_resumed), "{suite:#06x}");
    }
}

#[test]
fn what_does_not_fit_a_ticket_leads_to_a_full_handshake() {
    let with = |change: &dyn Fn(&mut Tickets)| {
        let mut tickets = tickets();
        change(&mut tickets);
        server::Options { tickets: Some(tickets), ..server() }
    };
    let at = |secs: u64| server::Options { unix_secs_at_start: UNIX_SECS + secs, ..server() };
    let ring = |keys| {
        with(&|tickets: &mut Tickets| {
            tickets.keys = Arc::new(KeyRing::new(&PROVIDER.suites[0], vec![key(keys)]))
        })
    };
    let servers: [(&str, server::Options, bool); 10] = [
        ("the same", server(), true),
        ("no tickets", server::Options { tickets: None, ..server() }, false),
        ("another policy", with(&|tickets| tickets.policy = Arc::new(|_| [1; 32])), false),
        (
            "another policy for this host",
            with(&|tickets| tickets.policy = Arc::new(|host| [u8::from(host == Some("example.com")); 32])),
            false,
        ),
        (
            "another policy for another host",
            with(&|tickets| tickets.policy = Arc::new(|host| [u8::from(host == Some("example.org")); 32])),
            true,
        ),
        ("another key", ring(2), false),
        ("just in time", at(DAY - 1), true),
        ("too late", at(DAY), false),
        (
            "a short chain",
            server::Options {
                unix_secs_at_start: UNIX_SECS + 60,
                ..with(&|tickets| tickets.chain_secs = 60)
            },
            false,
        ),
        (
            "a chain that is long enough",
            server::Options {
                unix_secs_at_start: UNIX_SECS + 59,
                ..with(&|tickets| tickets.chain_secs = 60)
            },
            true,
        ),
    ];
    for (what, server, is_resumed) in servers {
        let pair = second(first(), client(), server).unwrap();
        assert_eq!(resumed(&pair), (is_resumed, is_resumed), "{what}");
    }
}

#[test]
fn a_client_offers_no_ticket_that_it_should_not() {
    // spec: 9846-4.3.11.1-a spec: 9846-4.7.1-c spec: 9846-4.7.1-d spec: 9846-4.7.1-h
    let offered = |change: &dyn Fn(&mut Session), options: client::Options, name: &str| {
        let mut session = first();
        change(&mut session);
        let pair = Pair::resuming(options, server(), name, Some(session));
        offers(&pair.from_client.steps[0]).unwrap()
    };
    let at = |secs: u64| client::Options { unix_secs_at_start: UNIX_SECS + secs, ..client() };
    let week = u64::from(MAX_TICKET_LIFETIME_SECS);
    let long = |session: &mut Session| session.lifetime_secs = u32::MAX;
    assert!(offered(&|_| {}, client(), "example.com"));
    assert!(offered(&|_| {}, client(), "EXAMPLE.com."));
    assert!(!offered(&|_| {}, client(), "www.example.com"));
    assert!(!offered(&|_| {}, client_options(), "example.com"), "who takes no tickets offers none");
    assert!(offered(&|_| {}, at(DAY - 1), "example.com"));
    assert!(!offered(&|_| {}, at(DAY), "example.com"));
    assert!(offered(&long, at(week - 1), "example.com"));
    assert!(!offered(&long, at(week), "example.com"));
    assert!(!offered(&|_| {}, client::Options { chain_secs: 60, ..at(60) }, "example.com"));
    assert!(!offered(&|session| session.suite = 0x1304, client(), "example.com"));
    assert!(!offered(&|session| session.ticket = vec![0; 16_385], client(), "example.com"));
    let trusts_nobody = || Some(Arc::new(crate::WebPki::new(&PROVIDER)) as Arc<dyn crate::Verifier>);
    let distrustful = client::Options { verifier: trusts_nobody(), ..client() };
    assert!(!offered(&|_| {}, distrustful, "example.com"), "trust that is gone");
    assert!(!offered(&|session| session.chain = Arc::default(), client(), "example.com"));
    let owner = client::Options { verifier: None, ..client() };
    assert!(offered(&|session| session.chain = Arc::default(), owner, "example.com"), "the owner has judged");
}

#[test]
fn tickets_that_mean_nothing_are_passed_over() {
    for ticket in [vec![0], vec![1; 16], vec![1; 64], first().ticket[..60].to_vec(), vec![1; 16_384]] {
        let session = Session { ticket, ..first() };
        assert_eq!(resumed(&second(session, client(), server()).unwrap()), (false, false));
    }
    let right = first();
    for at in 0..right.ticket.len() {
        let mut session = right.clone();
        session.ticket[at] ^= 1;
        assert_eq!(resumed(&second(session, client(), server()).unwrap()), (false, false), "byte {at}");
    }
}

#[test]
fn a_wrong_binder_ends_the_connection() {
    // spec: 9846-4.3.11-c
    let session = Session { secret: Secret::new(&[0; 32]), ..first() };
    assert_eq!(second(session, client(), server()).err(), Some((Side::Server, Fault::BadBinder)));
    let mut pair = Pair::resuming(client(), server(), "example.com", Some(first()));
    let change = |_: Side, _: Level, message: &mut Vec<u8>| {
        if message[0] == HandshakeType::CLIENT_HELLO.0 {
            message[HEADER_BYTES + 2] ^= 1; // The random, which the binder covers.
        }
    };
    assert_eq!(pair.run_with(change), Err((Side::Server, Fault::BadBinder)));
}

#[test]
fn a_server_chooses_among_what_was_offered() {
    // spec: 9846-4.3.11-d
    for session in [None, Some(first())] {
        let expected = match session {
            None => Fault::UnsolicitedExtension(crate::rules::ExtensionType::PRE_SHARED_KEY),
            Some(_) => Fault::UnofferedPreSharedKey,
        };
        let is_offered = session.is_some();
        let mut pair = Pair::resuming(client(), server(), "example.com", session);
        let change = |from: Side, _: Level, message: &mut Vec<u8>| {
            if from == Side::Server && message[0] == HandshakeType::SERVER_HELLO.0 {
                match is_offered {
                    true => *message.last_mut().unwrap() = 1,
                    false => append_extension(message, &[0, 41, 0, 2, 0, 0]),
                }
            }
        };
        assert_eq!(pair.run_with(change), Err((Side::Client, expected)));
    }
}

#[test]
fn clients_get_as_many_tickets_as_they_want_and_no_more_than_there_are() {
    let count = |client: client::Options, server: server::Options| {
        let mut pair = Pair::new(client, server);
        pair.run().unwrap();
        sent(&pair.from_server.steps)
            .iter()
            .filter(|kind| **kind == HandshakeType::NEW_SESSION_TICKET)
            .count()
    };
    let wants = |new_session_count| {
        let request = TicketRequest { new_session_count, resumption_count: 0 };
        client::Options { tickets: Some(request), ..client_options() }
    };
    // spec: 9149-3-a
    assert_eq!([0, 1, 2, 9].map(|wanted| count(wants(wanted), server())), [0, 1, 2, 2]);
    assert_eq!(count(client_options(), server()), 0, "who names no mode takes none");
    let no_key = Tickets::new(Arc::new(KeyRing::new(&PROVIDER.suites[0], Vec::new())));
    assert_eq!(count(wants(2), server::Options { tickets: Some(no_key), ..server() }), 0);
    for lifetime_secs in [0, MAX_TICKET_LIFETIME_SECS + 1] {
        // spec: 9846-4.7.1-g
        let tickets = Some(Tickets { lifetime_secs, ..tickets() });
        let refused = server::Options { tickets, ..server() }.build();
        assert!(matches!(refused.err(), Some(Misuse::Tickets(_))));
    }
}

#[test]
fn a_client_that_asks_is_told_how_many_tickets_come() {
    // spec: 9149-3-b
    let told = |client: client::Options, server: server::Options| {
        let mut pair = Pair::new(client, server);
        pair.run().unwrap();
        let told = pair.from_server.steps.iter().find_map(|step| match step {
            Step::Send { message, .. } => match Message::read(message) {
                Ok(Message::EncryptedExtensions(encrypted)) => Some(encrypted.extensions.ticket_request),
                _ => None,
            },
            _ => None,
        });
        told.expect("a server sends EncryptedExtensions")
    };
    assert_eq!(told(client(), server()), Some(2));
    assert_eq!(told(client(), server::Options { tickets: None, ..server() }), None);
    let no_key = Tickets::new(Arc::new(KeyRing::new(&PROVIDER.suites[0], Vec::new())));
    assert_eq!(told(client(), server::Options { tickets: Some(no_key), ..server() }), Some(0));
    assert_eq!(told(client_options(), server()), None);
}

#[test]
fn what_a_ticket_allows_of_early_data_is_kept() {
    let mut pair = Pair::new(client(), server());
    let change = |_: Side, _: Level, message: &mut Vec<u8>| {
        if message[0] == HandshakeType::NEW_SESSION_TICKET.0 {
            message.truncate(message.len() - 2);
            message.extend([0, 8, 0, 42, 0, 4, 0, 0, 0x40, 0]);
            message[3] += 8;
        }
    };
    pair.run_with(change).unwrap();
    assert_eq!(sessions(&pair)[0].max_early_data, 16_384);
    assert_eq!(first().max_early_data, 0);
}

#[test]
fn a_ticket_without_a_lifetime_is_dropped() {
    let mut pair = Pair::new(client(), server());
    let change = |_: Side, _: Level, message: &mut Vec<u8>| {
        if message[0] == HandshakeType::NEW_SESSION_TICKET.0 {
            message[HEADER_BYTES..HEADER_BYTES + 4].fill(0);
        }
    };
    pair.run_with(change).unwrap();
    assert_eq!(sessions(&pair), []);
}

pub(super) fn offers(step: &Step) -> Option<bool> {
    let Step::Send { message, .. } = step else { return None };
    match Message::read(message).unwrap() {
        Message::ClientHello(hello) => Some(hello.extensions.pre_shared_key.is_some()),
        _ => None,
    }
}

/// Appends an extension to a ServerHello.
fn append_extension(message: &mut Vec<u8>, extension: &[u8]) {
    let session_id_len = usize::from(message[HEADER_BYTES + 34]);
    let at = HEADER_BYTES + 35 + session_id_len + 3;
    let extensions_len = u16::from_be_bytes([message[at], message[at + 1]]) + extension.len() as u16;
    message[at..at + 2].copy_from_slice(&extensions_len.to_be_bytes());
    message.extend_from_slice(extension);
    let len = (message.len() - HEADER_BYTES) as u32;
    message[1..4].copy_from_slice(&len.to_be_bytes()[1..]);
}

/// The provider with one suite before the others.
pub(super) fn preferring(first: u16) -> &'static Provider {
    let row = |row: &Suite| Suite { id: row.id, hash: row.hash, aead: row.aead };
    let mut suites: Vec<Suite> = PROVIDER.suites.iter().map(row).collect();
    suites.sort_by_key(|row| row.id != first);
    Box::leak(Box::new(Provider { suites: suites.leak(), ..*provider() }))
}

#[test]
fn a_ticket_carries_who_the_client_is() {
    use super::client_certificates::{alice, asking, policy};
    use crate::server::Demand;
    let alice = alice();
    let client = || client::Options { credentials: vec![alice.clone()], ..client() };
    let server = |demand| server::Options {
        client_authentication: asking(policy(demand)).client_authentication,
        ..server()
    };
    let mut pair = Pair::new(client(), server(Demand::Required));
    pair.run().unwrap();
    let session = sessions(&pair).remove(0);
    let who = |pair: &Pair| {
        let known =
            |fact: &Fact| if let Fact::Authenticated(identity) = fact { identity.clone() } else { None };
        pair.from_server.facts.iter().find_map(known).map(|identity| identity.subject())
    };
    let pair = second(session.clone(), client(), server(Demand::Required)).unwrap();
    assert_eq!((resumed(&pair), who(&pair).as_deref()), ((true, true), Some("CN=alice")));
    let pair = second(session.clone(), client(), server(Demand::Optional)).unwrap();
    assert_eq!((resumed(&pair), who(&pair).as_deref()), ((true, true), Some("CN=alice")));
    // Another client, another policy, another authority: none of them goes on from it.
    let nobody = second(session.clone(), self::client(), server(Demand::Optional)).unwrap();
    assert_eq!((resumed(&nobody), who(&nobody)), ((false, false), None));
    let unasked = second(session.clone(), client(), self::server()).unwrap();
    assert_eq!((resumed(&unasked), who(&unasked)), ((false, false), None));
    let mut strict = server(Demand::Required);
    let revoked = crate::WebPki::new(provider());
    let verifier: Option<Arc<dyn crate::ClientVerifier>> = Some(Arc::new(revoked));
    strict.client_authentication =
        vec![Arc::new(crate::server::ClientAuthentication { verifier, ..policy(Demand::Required) })];
    let refused = second(session, client(), strict);
    assert!(matches!(refused, Err((Side::Server, Fault::CertificateRejected(_)))), "judged anew");
}

#[test]
fn who_showed_nothing_does_not_come_back_where_something_is_required() {
    use super::client_certificates::{asking, policy};
    use crate::server::Demand;
    let server = |demand| server::Options {
        client_authentication: asking(policy(demand)).client_authentication,
        ..server()
    };
    let mut pair = Pair::new(client(), server(Demand::Optional));
    pair.run().unwrap();
    let session = sessions(&pair).remove(0);
    let pair = second(session.clone(), client(), server(Demand::Optional)).unwrap();
    assert_eq!(resumed(&pair), (true, true));
    let refused = second(session, client(), server(Demand::Required));
    assert_eq!(refused.err(), Some((Side::Server, Fault::CertificateRequired)));
}

#[test]
fn a_name_is_acknowledged_where_it_was_used_and_not_by_a_resumption() {
    let acknowledged = |pair: &Pair| {
        let mut messages = pair.from_server.steps.iter().filter_map(|step| match step {
            Step::Send { message, .. } => Message::read(message).ok(),
            _ => None,
        });
        messages.any(|message| {
            matches!(message, Message::EncryptedExtensions(sent) if sent.extensions.server_name.is_some())
        })
    };
    let mut pair = Pair::new(client(), server());
    pair.run().unwrap();
    assert!(acknowledged(&pair));
    let pair = second(sessions(&pair).remove(0), client(), server()).unwrap();
    assert_eq!((resumed(&pair), acknowledged(&pair)), ((true, true), false));
}

#[test]
fn tickets_that_are_held_leave_with_a_note_that_the_server_hears_again() {
    let note = |fact: &Fact| match fact {
        Fact::Negotiated(negotiated) => negotiated.note,
        other => panic!("{other:?}"),
    };
    let mut pair = Pair::new(client(), server());
    pair.server.hold_tickets();
    pair.server.send_tickets(NOW, Some([1; 18]), &mut pair.from_server);
    pair.run().unwrap();
    assert!(pair.is_established() && sessions(&pair).is_empty());
    pair.server.send_tickets(NOW, Some([7; 18]), &mut pair.from_server);
    pair.server.send_tickets(NOW, Some([8; 18]), &mut pair.from_server);
    pair.run().unwrap();
    assert_eq!(note(pair.negotiated().1), None);
    assert_eq!(sessions(&pair).len(), 2, "once");
    for session in sessions(&pair) {
        let pair = second(session, client(), server()).unwrap();
        assert_eq!(resumed(&pair), (true, true));
        assert_eq!((note(pair.negotiated().0), note(pair.negotiated().1)), (None, Some([7; 18])));
    }
    let pair = second(first(), client(), server()).unwrap();
    assert_eq!(note(pair.negotiated().1), None, "nobody noted anything");
}

/// Trusts everybody, and counts how often it is asked.
#[derive(Default)]
struct Counting(std::sync::atomic::AtomicUsize);

impl crate::ClientVerifier for Counting {
    fn verify_client(&self, _: &[&[u8]], _: u64) -> Result<crate::Verified, crate::RejectedCertificate> {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(crate::Verified)
    }

    fn verify_signature(&self, leaf: &[u8], scheme: u16, message: &[u8], signature: &[u8]) -> bool {
        crate::verify_signature(&PROVIDER, leaf, scheme, message, signature)
    }
}

#[test]
fn nobody_has_a_chain_judged_by_a_ticket_whose_key_he_does_not_know() {
    use super::client_certificates::{alice, policy};
    use crate::server::{ClientAuthentication, Demand};
    let counting = Arc::new(Counting::default());
    let alice = alice();
    let client = || client::Options { credentials: vec![alice.clone()], ..client() };
    let server = || server::Options {
        client_authentication: vec![Arc::new(ClientAuthentication {
            verifier: Some(counting.clone()),
            ..policy(Demand::Required)
        })],
        ..server()
    };
    let mut pair = Pair::new(client(), server());
    pair.run().unwrap();
    let asked = || counting.0.swap(0, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(asked(), 1);
    let session = sessions(&pair).remove(0);
    let stolen = Session { secret: Secret::new(&[0; 32]), ..session.clone() };
    assert_eq!(second(stolen, client(), server()).err(), Some((Side::Server, Fault::BadBinder)));
    assert_eq!(asked(), 0);
    assert_eq!(resumed(&second(session, client(), server()).unwrap()), (true, true));
    assert_eq!(asked(), 1);
}
