//! record_size_limit (RFC 8449) between two connections.

use super::{
    pair::{Setup, data_of, transmit_all},
    *,
};
use crate::{
    extension::MAX_RECORD_SIZE_LIMIT,
    message::{EncryptedExtensions, Message},
};
use sakigake_crypto::TAG_BYTES;

fn pair(client: Option<u16>, server: Option<u16>) -> Pair {
    let mut setup = Setup::new();
    setup.client.record_size_limit = client;
    setup.server.record_size_limit = server;
    setup.pair()
}

/// Content, type and padding of the longest protected record in `bytes`.
fn longest(mut bytes: &[u8]) -> usize {
    let mut longest = 0;
    while let Ok(Some(header)) = Header::read(bytes) {
        if header.kind == ContentType::APPLICATION_DATA {
            longest = longest.max(header.len - TAG_BYTES);
        }
        bytes = &bytes[header.record_len()..];
    }
    longest
}

#[test]
fn each_side_keeps_to_what_the_other_takes_from_the_first_protected_record_on() {
    // spec: 8449-4-a spec: 8449-4-e
    let mut pair = pair(Some(64), Some(100));
    let hello = transmit_all(&mut pair.client);
    let flight = pair.server_answers(&hello);
    assert_eq!(longest(&flight), 64);
    let finished = pair.client_answers(&flight);
    assert!(longest(&finished) <= 100);
    pair.server_hears(&finished);
    assert!(pair.client.is_established() && pair.server.is_established());
    assert_eq!(longest(&pair.client_seals(&[1; 1_000])), 100);
    assert_eq!(longest(&pair.server_seals(&[1; 1_000])), 64);
}

#[test]
fn data_crosses_under_any_pair_of_limits() {
    for client in [None, Some(64), Some(1_000), Some(MAX_RECORD_SIZE_LIMIT)] {
        for server in [None, Some(64), Some(MAX_RECORD_SIZE_LIMIT)] {
            let mut pair = pair(client, server).run_to_the_end();
            pair.client.pad(Padding::ToMultiple(512));
            pair.server.pad(Padding::Random(512));
            pair.exchange(&[1; 3_000], &[2; 3_000]);
        }
    }
}

#[test]
fn who_does_not_ask_gets_no_limit() {
    // spec: 8449-4-f
    for (client, server) in [(None, Some(64)), (Some(64), None)] {
        let mut pair = pair(client, server).run_to_the_end();
        assert_eq!(longest(&pair.client_seals(&[1; 20_000])), usize::from(MAX_RECORD_SIZE_LIMIT));
        assert_eq!(longest(&pair.server_seals(&[1; 20_000])), usize::from(MAX_RECORD_SIZE_LIMIT));
    }
}

#[test]
fn one_byte_more_than_we_told_ends_with_record_overflow() {
    // spec: 8449-4-c
    for (len, expected) in [(99, None), (100, Some(Fault::RecordOverflow))] {
        let mut pair = pair(Some(64), Some(100)).run_to_the_end();
        pair.client.outbox.limit(MAX_RECORD_SIZE_LIMIT); // A client that forgets what it was told.
        let record = pair.client_seals(&vec![1; len]);
        pair.server_hears(&record);
        assert_eq!(pair.server_fault, expected);
        assert_eq!(data_of(&pair.server_heard).len(), if expected.is_none() { len } else { 0 });
    }
    assert_eq!(Fault::RecordOverflow.alert().to_string(), "record_overflow");
}

#[test]
fn a_limit_below_64_or_a_servers_above_what_tls_permits_is_illegal() {
    // spec: 8449-4-d
    let hello = |limit| {
        let mut pair = pair(Some(100), Some(100));
        let mut hello = transmit_all(&mut pair.client);
        let at = hello.windows(6).position(|six| six == [0, 28, 0, 2, 0, 100]).expect("record_size_limit");
        hello[at + 4..at + 6].copy_from_slice(&u16::to_be_bytes(limit));
        pair.server_hears(&hello);
        pair.server_fault
    };
    assert_eq!(hello(63), Some(Fault::BadRecordSizeLimit));
    assert_eq!([hello(64), hello(MAX_RECORD_SIZE_LIMIT + 1), hello(u16::MAX)], [None, None, None]);
    assert_eq!(Fault::BadRecordSizeLimit.alert().to_string(), "illegal_parameter");
    for limit in [63, MAX_RECORD_SIZE_LIMIT + 1] {
        let [high, low] = u16::to_be_bytes(limit);
        let message = [8, 0, 0, 8, 0, 6, 0, 28, 0, 2, high, low];
        assert_eq!(Message::read(&message), Err(Fault::BadRecordSizeLimit));
    }
}

#[test]
fn others_offer_and_answer_it_like_this() {
    // The server of RFC 8448 section 3 answers the client's 16,385 with as much; GnuTLS offers it too.
    let v = Vectors::one_round_trip();
    let Ok(Message::EncryptedExtensions(EncryptedExtensions { extensions })) =
        Message::read(v.of("server_encrypted_extensions"))
    else {
        panic!("no EncryptedExtensions")
    };
    assert_eq!(extensions.record_size_limit, Some(MAX_RECORD_SIZE_LIMIT));
    for name in ["RFC 8448 section 3, ClientHello", "GnuTLS 3.7, ClientHello"] {
        let messages = Vectors::messages();
        let Ok(Message::ClientHello(hello)) = Message::read(messages.of(name)) else { panic!("{name}") };
        assert_eq!(hello.extensions.record_size_limit, Some(MAX_RECORD_SIZE_LIMIT), "{name}");
    }
}
