//! Early data: taken, refused, and more than is allowed.

use super::{
    pair::{Setup, data_of, seal_all},
    *,
};
use crate::{
    KeyRing, Session, TicketKey, Tickets,
    extension::TicketRequest,
    rules::AlertDescription,
    server::{AntiReplay, EarlyDataPolicy, Seen},
};
use sakigake_crypto::{Secret, aws_lc::PROVIDER};
use std::sync::{Arc, Mutex};

/// 2026-06-01.
const UNIX_SECS: u64 = 1_780_272_000;

struct Register(Mutex<Seen>);

impl AntiReplay for Register {
    fn is_first(&self, unix_ms: u64, until_unix_ms: u64, binder: &[u8]) -> bool {
        self.0.lock().expect("no test panics with it").is_first(unix_ms, until_unix_ms, binder)
    }
}

/// One that has run long enough to know.
fn register() -> Arc<dyn AntiReplay> {
    Arc::new(Register(Mutex::new(Seen::new((UNIX_SECS - 60) * 1_000, 20_000, 100))))
}

/// Both sides take early data.
fn setup(register: &Arc<dyn AntiReplay>) -> Setup {
    let mut setup = Setup::new();
    setup.client.tickets = Some(TicketRequest { new_session_count: 1, resumption_count: 1 });
    setup.client.early_data = true;
    setup.client.unix_secs_at_start = UNIX_SECS;
    setup.client.key_log = true;
    let key = TicketKey {
        name: [1; 16],
        secret: Secret::new(&[1; 32]),
        from_unix_secs: 0,
        until_unix_secs: u64::MAX,
        opens_until_unix_secs: u64::MAX,
    };
    setup.server.tickets = Some(Tickets::new(Arc::new(KeyRing::new(&PROVIDER.suites[0], vec![key]))));
    setup.server.early_data =
        Some(EarlyDataPolicy { max_bytes: 100, ..EarlyDataPolicy::new(register.clone()) });
    setup.server.unix_secs_at_start = UNIX_SECS;
    setup.server.key_log = true;
    setup
}

fn session() -> Session {
    let mut pair = setup(&register()).pair();
    pair.run();
    let ticket =
        |heard: &Heard| if let Heard::Ticket(session) = heard { Some((**session).clone()) } else { None };
    pair.client_heard.iter().find_map(ticket).expect("a ticket")
}

/// Why early data is refused, and what makes it so.
type Refusal = (&'static str, fn(&mut Setup));

/// A pair that goes on from a first connection.
fn pair(change: impl FnOnce(&mut Setup)) -> Pair {
    let mut setup = setup(&register());
    change(&mut setup);
    setup.resuming(Some(session()))
}

/// Where in what was heard the handshake was over.
fn at_end(heard: &[Heard]) -> usize {
    heard.iter().position(|heard| *heard == Heard::Established).unwrap_or(heard.len())
}

#[test]
fn a_request_in_the_first_flight_is_answered_in_the_servers_first_flight() {
    // spec: 9846-4.3.10-b spec: 9846-4.6-a spec: 9846-7.1-b spec: 9846-E.4-c spec: 9846-4.3.11.3-a
    let mut pair = pair(|_| {});
    let offer = pair.client.early_data().expect("an offer").clone();
    assert_eq!((offer.alpn.as_deref(), offer.max_bytes), (Some(&b"h2"[..]), 100));
    let flight = seal_all(&mut pair.client, b"question");
    assert_eq!(kinds(&flight), [22, 20, 23], "ClientHello, change_cipher_spec, early data");
    pair.server_hears(&flight);
    assert_eq!(data_of(&pair.server_heard), b"question");
    assert!(!pair.server.is_established());
    let answer = seal_all(&mut pair.server, b"answer");
    assert_eq!(kinds(&answer), [22, 20, 23, 23], "ServerHello, EncryptedExtensions and Finished, the answer");
    pair.client_hears(&answer);
    assert_eq!(data_of(&pair.client_heard), b"answer");
    let last = transmit_all(&mut pair.client);
    assert_eq!(kinds(&last), [23, 23], "EndOfEarlyData, Finished");
    pair.server_hears(&last);
    assert!(pair.server.is_established() && pair.client.is_established());
    let lines = |heard: &[Heard]| -> Vec<String> {
        let line = |heard: &Heard| if let Heard::KeyLog(line) = heard { Some(line.clone()) } else { None };
        heard.iter().filter_map(line).collect()
    };
    let (client, server) = (lines(&pair.client_heard), lines(&pair.server_heard));
    assert_eq!(client, server);
    assert!(client[0].starts_with("CLIENT_EARLY_TRAFFIC_SECRET "), "{client:?}");
    pair.exchange(b"more", b"and more");
}

#[test]
fn data_that_is_early_is_told_before_the_handshake_is_over() {
    let mut pair = pair(|_| {});
    pair.split = 1;
    let flight = seal_all(&mut pair.client, b"question");
    pair.server_hears(&flight);
    pair.run();
    let data = pair.server_heard.iter().position(|heard| matches!(heard, Heard::Data(_))).expect("data");
    assert!(data < at_end(&pair.server_heard));
    assert_eq!(pair.server_fault, None);
}

#[test]
fn without_a_session_id_early_data_has_no_disguise() {
    let mut pair = pair(|setup| setup.client.middlebox = false);
    let flight = seal_all(&mut pair.client, b"question");
    assert_eq!(kinds(&flight), [22, 23]);
}

#[test]
fn a_client_sends_no_more_than_it_may() {
    // spec: 9846-4.7.1-m
    let mut pair = pair(|_| {});
    let flight = seal_all(&mut pair.client, &[7; 100]);
    assert!(!pair.client.may_send());
    assert_eq!(pair.client.seal(&mut [0; 100], &mut |_| panic!("nothing may be written now")), 0);
    assert_eq!(pair.client.seal_from(&mut [0; 100], b"more"), (0, 0));
    pair.server_hears(&flight);
    assert_eq!((data_of(&pair.server_heard).len(), &pair.server_fault), (100, &None));
    pair.run();
    pair.exchange(b"the rest", b"answer");
}

#[test]
fn who_has_more_to_write_gets_the_room_that_the_ticket_leaves() {
    // spec: 9846-4.7.1-m
    let mut pair = pair(|_| {});
    let mut flight = transmit_all(&mut pair.client);
    let (mut out, mut rooms) = ([0; 400], Vec::new());
    for len in [70, 30] {
        let sealed = pair.client.seal(&mut out, &mut |place| {
            rooms.push(place.len());
            len
        });
        flight.extend(&out[..sealed]);
    }
    assert_eq!(rooms, [100, 30]);
    pair.server_hears(&flight);
    assert_eq!((data_of(&pair.server_heard).len(), &pair.server_fault), (100, &None));
}

#[test]
fn more_than_a_ticket_allows_ends_the_connection() {
    // spec: 9846-4.7.1-n
    let mut setup = setup(&register());
    setup.client.key_log = false;
    let greedy = Session { max_early_data: 101, ..session() };
    let mut pair = setup.resuming(Some(greedy));
    let flight = seal_all(&mut pair.client, &[7; 101]);
    pair.server_hears(&flight);
    assert_eq!(pair.server_fault, Some(Fault::TooMuchEarlyData));
    assert_eq!(Fault::TooMuchEarlyData.alert(), AlertDescription::UNEXPECTED_MESSAGE);
}

#[test]
fn what_is_refused_is_passed_over_and_the_connection_goes_on() {
    // spec: 9846-4.3.10-a spec: 9846-4.3.10-f spec: 9846-4.3.10-l
    let refusals: [Refusal; 6] = [
        ("no early data here", |setup| setup.server.early_data = None),
        ("a new key", |setup| {
            setup.server.early_data = None;
            setup.server.tickets = None;
        }),
        ("a retry", |setup| {
            setup.client.groups = vec![29, 23];
            setup.server.groups = vec![23];
        }),
        ("another host's", |setup| {
            setup.server.early_data.as_mut().expect("a policy").hosts = Some(vec!["example.com".into()]);
        }),
        ("a clock that is behind", |setup| setup.server.unix_secs_at_start += 20),
        ("another protocol", |setup| {
            setup.client.alpn.push(b"other".to_vec());
            setup.server.alpn = vec![b"other".to_vec()];
        }),
    ];
    for (what, change) in refusals {
        let mut pair = pair(change);
        let flight = seal_all(&mut pair.client, b"question");
        assert_eq!(kinds(&flight), [22, 20, 23], "{what}");
        pair.server_hears(&flight);
        pair.run();
        assert!(
            pair.server.is_established() && pair.client.is_established(),
            "{what}: {:?}",
            pair.server_fault
        );
        assert_eq!(data_of(&pair.server_heard), b"", "{what}");
        pair.exchange(b"question", b"answer");
    }
}

#[test]
fn a_record_that_cannot_be_opened_ends_what_was_accepted() {
    // spec: 9846-4.3.10-n
    let mut pair = pair(|_| {});
    let mut flight = seal_all(&mut pair.client, b"question");
    *flight.last_mut().expect("bytes") ^= 1;
    pair.server_hears(&flight);
    assert_eq!(pair.server_fault, Some(Fault::BadRecordMac));
}

#[test]
fn a_first_flight_is_taken_once() {
    // spec: 9846-8-a spec: 9846-8.2-a
    let register = register();
    let mut pair = setup(&register).resuming(Some(session()));
    let flight = seal_all(&mut pair.client, b"question");
    let mut taken = 0;
    for _ in 0..5 {
        let mut server = setup(&register).pair();
        server.server_hears(&flight);
        assert_eq!(server.server_fault, None);
        taken += usize::from(!data_of(&server.server_heard).is_empty());
    }
    assert_eq!(taken, 1);
}

#[test]
fn finished_before_the_end_of_early_data_ends_the_connection() {
    let mut pair = pair(|_| {});
    let flight = seal_all(&mut pair.client, b"question");
    let answer = pair.server_answers(&flight);
    pair.client_hears(&answer);
    let last = transmit_all(&mut pair.client);
    let end_of_early_data = 5 + 4 + 1 + 16;
    pair.server_hears(&last[end_of_early_data..]);
    assert_eq!(pair.server_fault, Some(Fault::BadRecordMac), "it came under the keys of the handshake");
}
