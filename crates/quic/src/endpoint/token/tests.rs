use super::{AddressTokens, Judged, Lives, NEW_TOKEN, RETRY, Why};
use crate::ids::{ConnectionId, tests::Count};
use crate::rules::versions::{VERSION_1, VERSION_2};
use core::net::SocketAddr;
use sakigake_crypto::aws_lc;
use sakigake_tls::{KeyRing, Rotation, TicketKey};
use std::sync::Arc;

const NOW: u64 = 1_800_000_000;

fn ring(seed: u64) -> Arc<KeyRing> {
    let suite = aws_lc::PROVIDER.suite(0x1301).unwrap();
    let key = TicketKey::draw(NOW - 1_000, Rotation::default(), &mut Count(seed));
    Arc::new(KeyRing::new(suite, vec![key]))
}

fn tokens() -> AddressTokens {
    AddressTokens::new(ring(1), Lives { retry_secs: 10, new_token_secs: 3_600 })
}

fn client() -> SocketAddr {
    "192.0.2.1:1000".parse().unwrap()
}

fn id(byte: u8) -> ConnectionId {
    ConnectionId::new(&[byte; 8]).unwrap()
}

fn retry() -> Vec<u8> {
    tokens().retry(NOW, &VERSION_1, client(), &id(1), &id(2), &mut Count(5)).unwrap()
}

fn new_token() -> Vec<u8> {
    tokens().new_token(NOW, &VERSION_1, client().ip(), &mut Count(5)).unwrap()
}

fn judge(unix_secs: u64, from: &str, arrived_at: u8, token: &[u8]) -> Judged {
    tokens().judge(unix_secs, &VERSION_1, from.parse().unwrap(), &id(arrived_at), token)
}

const HOME: &str = "192.0.2.1:1000";

#[test]
fn a_retry_token_brings_its_connection_back() {
    // spec: 9000-8.1.1-a
    assert_eq!(judge(NOW, HOME, 2, &retry()), Judged::Retried { original: id(1) });
    assert_eq!(judge(NOW + 9, HOME, 2, &retry()), Judged::Retried { original: id(1) });
    for len in [0, 1, 20] {
        let original = ConnectionId::new(&vec![9; len]).unwrap();
        let token = tokens().retry(NOW, &VERSION_1, client(), &original, &id(2), &mut Count(5)).unwrap();
        assert_eq!(judge(NOW, HOME, 2, &token), Judged::Retried { original });
    }
}

#[test]
fn a_token_is_of_the_version_of_its_connection() {
    // spec: 9369-5-c
    let judge = |token: &[u8]| tokens().judge(NOW, &VERSION_2, client(), &id(2), token);
    assert_eq!(judge(&new_token()), Judged::Ignored(Why::OtherVersion));
    assert_eq!(judge(&retry()), Judged::Refused(Why::OtherVersion));
    let token = tokens().new_token(NOW, &VERSION_2, client().ip(), &mut Count(5)).unwrap();
    assert!(matches!(judge(&token), Judged::Known { .. }));
}

#[test]
fn a_new_token_serves_the_address_from_any_port() {
    // spec: 9000-8.1.1-a
    for (from, arrived_at) in [(HOME, 2), ("192.0.2.1:9", 7), ("[::ffff:192.0.2.1]:9", 7)] {
        let judged = judge(NOW + 3_599, from, arrived_at, &new_token());
        assert!(
            matches!(judged, Judged::Known { until_unix_secs, .. } if until_unix_secs == NOW + 3_600),
            "{judged:?}"
        );
    }
}

#[test]
fn every_token_has_a_serial_of_its_own() {
    // spec: 9000-8.1.3-b
    let mut entropy = Count(5);
    let mut serials: Vec<_> = (0..100)
        .map(|_| tokens().new_token(NOW, &VERSION_1, client().ip(), &mut entropy).unwrap())
        .map(|token| match judge(NOW, HOME, 2, &token) {
            Judged::Known { serial, .. } => serial,
            other => panic!("{other:?}"),
        })
        .collect();
    serials.sort();
    serials.dedup();
    assert_eq!(serials.len(), 100);
}

#[test]
fn a_retry_token_that_is_not_right_is_refused() {
    // spec: 9000-8.1.2-b, 9000-8.1.4-b, 9000-8.1.4-d
    for (unix_secs, from, arrived_at, why) in [
        (NOW + 10, HOME, 2, Why::Expired),
        (NOW - 11, HOME, 2, Why::Expired),
        (NOW, "192.0.2.2:1000", 2, Why::OtherAddress),
        (NOW, "192.0.2.1:1001", 2, Why::OtherAddress),
        (NOW, "[2001:db8::1]:1000", 2, Why::OtherAddress),
        (NOW, HOME, 1, Why::OtherConnection),
    ] {
        assert_eq!(judge(unix_secs, from, arrived_at, &retry()), Judged::Refused(why), "{from} {arrived_at}");
    }
}

#[test]
fn a_new_token_that_is_not_right_is_as_none() {
    // spec: 9000-8.1.3-c, 9000-8.1.3-d, 9000-8.1.4-c
    for (unix_secs, from, why) in [
        (NOW + 3_600, HOME, Why::Expired),
        (NOW - 11, HOME, Why::Expired),
        (NOW, "192.0.2.2:1000", Why::OtherAddress),
        (NOW, "[2001:db8::1]:1000", Why::OtherAddress),
    ] {
        assert_eq!(judge(unix_secs, from, 2, &new_token()), Judged::Ignored(why), "{from}");
    }
}

#[test]
fn no_bit_and_no_byte_of_a_token_may_change() {
    // spec: 9000-8.1.4-a
    for token in [retry(), new_token()] {
        let is_taken = |token: &[u8]| {
            matches!(judge(NOW, HOME, 2, token), Judged::Retried { .. } | Judged::Known { .. })
        };
        assert!(is_taken(&token));
        for bit in 0..8 * token.len() {
            let mut other = token.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(!is_taken(&other), "bit {bit}");
        }
        for len in 0..token.len() {
            assert!(!is_taken(&token[..len]), "{len}");
        }
        assert!(!is_taken(&[&token[..], &[0]].concat()));
    }
}

#[test]
fn one_kind_of_token_does_not_pass_for_the_other() {
    // spec: 9000-8.1.1-a
    let swapped = |kind: [u8; 4], token: &[u8]| [&kind[..], &token[4..]].concat();
    assert_eq!(judge(NOW, HOME, 2, &swapped(RETRY, &new_token())), Judged::Refused(Why::Unreadable));
    assert_eq!(judge(NOW, HOME, 2, &swapped(NEW_TOKEN, &retry())), Judged::Ignored(Why::Unreadable));
}

#[test]
fn tokens_of_others_are_as_none() {
    // spec: 9000-8.1.3-d
    for token in [&[][..], &[1], &[7; 3], &[7; 4], &[7; 500]] {
        assert_eq!(judge(NOW, HOME, 2, token), Judged::Ignored(Why::Unreadable));
    }
    let stranger = AddressTokens::new(ring(100), Lives::default());
    let token = stranger.new_token(NOW, &VERSION_1, client().ip(), &mut Count(5)).unwrap();
    assert_eq!(judge(NOW, HOME, 2, &token), Judged::Ignored(Why::Unreadable));
    let token = stranger.retry(NOW, &VERSION_1, client(), &id(1), &id(2), &mut Count(5)).unwrap();
    assert_eq!(judge(NOW, HOME, 2, &token), Judged::Refused(Why::Unreadable));
}

#[test]
fn nothing_in_a_token_is_readable() {
    let token = new_token();
    let other = tokens().new_token(NOW, &VERSION_1, client().ip(), &mut Count(u64::MAX / 3)).unwrap();
    assert!(!token.windows(4).any(|bytes| bytes == [192, 0, 2, 1]));
    // The kind and the key's name alone are the same.
    let same = token.iter().zip(&other).take_while(|(one, other)| one == other).count();
    assert!((20..23).contains(&same), "{same}");
}

#[test]
fn without_a_key_there_is_no_token() {
    let late = NOW + 200_000;
    assert_eq!(tokens().new_token(late, &VERSION_1, client().ip(), &mut Count(5)), None);
    assert_eq!(tokens().retry(late, &VERSION_1, client(), &id(1), &id(2), &mut Count(5)), None);
}
