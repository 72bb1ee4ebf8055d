use super::*;
use crate::endpoint::tests::{Bench, UNIX_SECS, addresses, initial, options, tokens, with_retry};
use crate::endpoint::token::{self, Register, Spent};
use crate::endpoint::{Limits, Options};
use crate::ids::tests::Count;
use crate::packet::{
    self, Header, retry,
    tests::{door, suite},
};
use crate::rules::{Side, versions::VERSION_1};
use std::sync::Mutex;

/// The token of the Retry packet that was written, and the id to go on with.
fn retried(bench: &Bench, original: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let parsed = packet::parse(&bench.out, &door(Side::Client)).unwrap();
    let Header::Retry { version, dcid, scid, token } = parsed.header else { panic!("{:?}", parsed.header) };
    assert_eq!(dcid, [0xc1; 5], "back to the client's id");
    assert!(retry::is_genuine(suite(0x1301), version, original, &bench.out));
    (scid.to_vec(), token.to_vec())
}

#[test]
fn a_client_comes_back_with_its_token_and_is_asked_no_second_time() {
    let mut bench = Bench::new(with_retry(Retry::Always));
    assert_eq!(bench.reply(1_000, &initial(&[1; 8], &[])), Some(Reply::Retry));
    let (next, token) = retried(&bench, &[1; 8]);
    let accepted = bench.accepted(1_000, &initial(&next, &token)).unwrap(); // spec: 9000-8.1.2-e
    let expected = Accepted {
        version: &crate::rules::versions::VERSION_1,
        original_dcid: ConnectionId::new(&[1; 8]).unwrap(),
        retry_source: ConnectionId::new(&next),
        dcid: ConnectionId::new(&next).unwrap(),
        local: accepted.local,
        peer: ConnectionId::new(&[0xc1; 5]).unwrap(),
        addresses: addresses(1_000),
        is_validated: true,
    };
    assert_eq!(accepted, expected);
    assert_ne!(accepted.local, accepted.dcid);
    bench.endpoint.accept(&accepted, 0);
    assert_eq!(bench.endpoint.half_open(), 0);
}

#[test]
fn a_retry_token_that_is_not_right_refuses_the_connection() {
    // spec: 9000-8.1.2-b
    let mut bench = Bench::new(with_retry(Retry::Always));
    bench.route(1_000, &initial(&[1; 8], &[]));
    let (next, token) = retried(&bench, &[1; 8]);
    let mut changed = token.clone();
    *changed.last_mut().unwrap() ^= 1;
    for (client, dcid, token) in
        [(1_001, &next[..], &token), (1_000, &[2; 8], &token), (1_000, &next, &changed)]
    {
        assert_eq!(bench.reply(client, &initial(dcid, token)), Some(Reply::InvalidToken));
    }
    assert!(bench.accepted(1_000, &initial(&next, &token)).is_some());
}

#[test]
fn a_token_of_nobody_is_no_token() {
    let mut bench = Bench::new(with_retry(Retry::Always));
    assert_eq!(bench.reply(1_000, &initial(&[1; 8], b"of another server")), Some(Reply::Retry));
    let mut bench = Bench::new(with_retry(Retry::Never));
    assert!(!bench.accepted(1_000, &initial(&[1; 8], b"of another server")).unwrap().is_validated);
    let mut bench = Bench::new(options());
    assert!(!bench.accepted(1_000, &initial(&[1; 8], b"of another server")).unwrap().is_validated);
}

#[test]
fn a_token_of_an_earlier_connection_is_good_once() {
    // spec: 9000-8.1.4-e
    let token =
        tokens().new_token(UNIX_SECS - 60, &VERSION_1, addresses(1).peer.ip(), &mut Count(3)).unwrap();
    let mut bench = Bench::new(with_retry(Retry::Always));
    assert!(bench.accepted(1_000, &initial(&[1; 8], &token)).unwrap().is_validated);
    assert_eq!(bench.reply(1_000, &initial(&[2; 8], &token)), Some(Reply::Retry));
    let mut bench = Bench::new(with_retry(Retry::Always));
    bench.endpoint.drain();
    assert_eq!(bench.reply(1_000, &initial(&[1; 8], &token)), Some(Reply::Refused));
    assert!(bench.endpoint.spent.is_empty(), "who is refused keeps it");
}

#[test]
fn a_token_is_good_once_for_all_who_share_a_register() {
    struct Shared(Mutex<Spent>);
    impl Register for Shared {
        fn spend(&self, unix_secs: u64, until_unix_secs: u64, serial: [u8; Judged::SERIAL_BYTES]) -> bool {
            self.0.lock().unwrap().spend(unix_secs, until_unix_secs, serial)
        }
    }
    let token =
        tokens().new_token(UNIX_SECS - 60, &VERSION_1, addresses(1).peer.ip(), &mut Count(3)).unwrap();
    let register = Arc::new(Shared(Mutex::new(Spent::new(token::Limits::default()))));
    let mut workers = [(); 2].map(|()| Bench::new(with_retry(Retry::Always)));
    for worker in &mut workers {
        worker.endpoint.share_spent(register.clone());
    }
    let [first, second] = &mut workers;
    assert!(first.accepted(1_000, &initial(&[1; 8], &token)).unwrap().is_validated);
    for worker in [second, first] {
        assert_eq!(worker.reply(1_000, &initial(&[2; 8], &token)), Some(Reply::Retry));
    }
}

#[test]
fn clients_are_asked_from_a_number_of_half_open_handshakes_on() {
    let mut bench = Bench::new(with_retry(Retry::From(2)));
    for index in 0..2 {
        let accepted = bench.accepted(1_000, &initial(&[index as u8; 8], &[])).unwrap();
        bench.endpoint.accept(&accepted, index);
    }
    assert_eq!(bench.reply(1_000, &initial(&[9; 8], &[])), Some(Reply::Retry));
    bench.endpoint.validated(0);
    assert!(bench.accepted(1_000, &initial(&[9; 8], &[])).is_some());
}

#[test]
fn handshakes_that_are_half_open_have_a_limit() {
    let limits = Limits { half_open: 1, ..Limits::default() };
    for (options, expected) in [(options(), Reply::Refused), (with_retry(Retry::Never), Reply::Retry)] {
        let mut bench = Bench::new(Options { limits, ..options });
        let accepted = bench.accepted(1_000, &initial(&[1; 8], &[])).unwrap();
        bench.endpoint.accept(&accepted, 0);
        assert_eq!(bench.reply(1_000, &initial(&[2; 8], &[])), Some(expected));
        if expected == Reply::Retry {
            let (next, token) = retried(&bench, &[2; 8]);
            assert!(bench.accepted(1_000, &initial(&next, &token)).is_some(), "who is there is let in");
        }
    }
}

#[test]
fn connections_have_a_limit_and_a_drained_endpoint_takes_none() {
    // spec: 9000-5.2.2-c
    let limits = Limits { connections: 1, ..Limits::default() };
    let mut bench = Bench::new(Options { limits, ..options() });
    let accepted = bench.accepted(1_000, &initial(&[1; 8], &[])).unwrap();
    bench.endpoint.accept(&accepted, 0);
    assert_eq!(bench.reply(1_000, &initial(&[2; 8], &[])), Some(Reply::Refused));
    bench.endpoint.forget(0);
    let accepted = bench.accepted(1_000, &initial(&[2; 8], &[])).unwrap();
    bench.endpoint.accept(&accepted, 0);
    bench.endpoint.forget(0);
    let accepted = bench.accepted(1_000, &initial(&[3; 8], &[])).unwrap();
    bench.endpoint.accept(&accepted, 0);
    bench.endpoint.drain();
    assert_eq!(bench.reply(1_000, &initial(&[4; 8], &[])), Some(Reply::Refused));
    assert_eq!(bench.route(1_000, &initial(&[3; 8], &[])), Route::Connection(0));
}
