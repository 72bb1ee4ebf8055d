//! What a server hears in the wild: other versions, other protocols, odd cuts, early data that nobody takes.

use super::{pair::Setup, *};
use crate::rules::{AlertDescription, HandshakeType};

/// Handshake records of at most `most` bytes of content each.
fn cut(message: &[u8], most: usize) -> Vec<u8> {
    let record = |piece: &[u8]| {
        let [high, low] = (piece.len() as u16).to_be_bytes();
        [&[22, 3, 1, high, low], piece].concat()
    };
    message.chunks(most).flat_map(record).collect()
}

/// A ClientHello with this version, these extensions and nothing else of interest.
fn old_hello(version: u16, extensions: &[u8]) -> Vec<u8> {
    let body = [&version.to_be_bytes()[..], &[7; 32], &[0, 0, 2, 0xc0, 0x2f, 1, 0], extensions].concat();
    [&[1, 0, 0, body.len() as u8], &body[..]].concat()
}

#[test]
fn older_clients_are_told_that_the_version_is_what_is_wrong() {
    // spec: 9846-4.3.1-l 9113-9.2-a
    let no_extensions: &[u8] = &[];
    let versions_without_ours: &[u8] = &[0, 9, 0, 43, 0, 5, 4, 3, 3, 3, 2];
    let empty_block: &[u8] = &[0, 0];
    let cases = [
        (0x0300, no_extensions),
        (0x0301, no_extensions),
        (0x0303, no_extensions),
        (0x0303, empty_block),
        (0x0303, versions_without_ours),
        (0x0304, no_extensions),
        (0x0304, empty_block),
    ];
    for (version, extensions) in cases {
        let mut pair = Pair::new();
        let answer = pair.server_answers(&cut(&old_hello(version, extensions), 16_384));
        assert_eq!(answer, [21, 3, 3, 0, 2, 2, 70], "{version:#06x} {extensions:x?}");
    }
    let mut pair = Pair::new();
    let hello = transmit_all(&mut pair.client);
    assert_eq!(hello[9..11], [3, 3], "the version of TLS 1.2, and TLS 1.3 among the extensions");
    assert_eq!(pair.server_answers(&hello)[0], 22);
}

#[test]
fn other_protocols_are_refused_by_their_first_bytes() {
    let sslv2: &[u8] = &[0x80, 0x2e, 1, 3, 3, 0, 21, 0, 0, 0, 16];
    let http: &[u8] = b"GET / HTTP/1.1\r\n";
    let http2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    for bytes in [sslv2, http, http2, b"SSH-2.0-OpenSSH_9.6\r\n", &[0xff; 5]] {
        let mut pair = Pair::new();
        assert_eq!(pair.server_answers(bytes), [21, 3, 3, 0, 2, 2, 10], "{bytes:x?}");
        assert_eq!(pair.server_fault, Some(Fault::UnexpectedRecord(ContentType(bytes[0]))));
    }
}

#[test]
fn a_client_hello_may_come_a_byte_a_record() {
    for most in [1, 3, 100] {
        let mut pair = Pair::new();
        let hello = transmit_all(&mut pair.client);
        let flight = pair.server_answers(&cut(&hello[HEADER_BYTES..], most));
        assert_eq!(pair.server_fault, None);
        pair.client_hears(&flight);
        pair.run();
        assert!(pair.client.is_established() && pair.server.is_established(), "{most} bytes a record");
    }
}

#[test]
fn key_update_has_no_place_before_finished() {
    // spec: 9846-4.7.3-n
    let update = [24, 0, 0, 1, 0];
    let refused = Some(Fault::UnexpectedMessage(HandshakeType::KEY_UPDATE));
    let mut pair = Pair::new();
    let hello = transmit_all(&mut pair.client);
    pair.server_hears(&cut(&update, 100));
    assert_eq!(pair.server_fault, refused, "in plain");

    let mut pair = Pair::new();
    let flight = pair.server_answers(&hello);
    assert_eq!(pair.server_fault, None);
    pair.client_hears(&cut(&update, 100));
    assert_eq!(pair.client_fault, refused, "in plain, from a server");
    drop(flight);

    let mut pair = Pair::new();
    let hello = transmit_all(&mut pair.client);
    let flight = pair.server_answers(&hello);
    pair.client_hears(&flight);
    let mut out = [0; 300];
    // The client's keys of the handshake are in use while Finished is queued.
    pair.client.transmit(pair.now, &mut out[..6]).expect("change_cipher_spec");
    out[HEADER_BYTES..HEADER_BYTES + 5].copy_from_slice(&update);
    let len = pair.client.outbox.sealer().seal(ContentType::HANDSHAKE, &mut out, 5).expect("a fresh key");
    pair.server_hears(&out[..len]);
    assert_eq!(pair.server_fault, refused, "under the keys of the handshake");
}

/// A server that answers a recorded ClientHello with early data by a HelloRetryRequest.
fn retried(limit: usize) -> Pair {
    let mut setup = Setup::new();
    setup.server.alpn = Vec::new();
    setup.server.groups = vec![23]; // secp256r1; the recorded share is for x25519
    setup.server.limits.skipped_early_data_bytes = limit;
    let mut pair = setup.pair();
    let retry = pair.server_answers(Vectors::early_data().of("client_hello_record"));
    assert_eq!((kinds(&retry), &pair.server_fault), (vec![22], &None));
    pair
}

#[test]
fn early_data_behind_a_retry_is_passed_over_within_a_bound() {
    // spec: 9846-4.3.10-a
    let v = Vectors::early_data();
    let record = v.of("early_data_record");
    let mut pair = retried(record.len() + 5_000);
    pair.server_hears(record);
    for _ in 0..1_000 {
        pair.server_hears(&[23, 3, 3, 0, 0]);
    }
    assert_eq!(pair.server_fault, None);
    pair.server_hears(&[23, 3, 3, 0, 0]);
    assert_eq!(pair.server_fault, Some(Fault::TooMuchEarlyData));
    assert_eq!(Fault::TooMuchEarlyData.alert(), AlertDescription::UNEXPECTED_MESSAGE);
}

#[test]
fn early_data_inside_the_second_client_hello_is_interleaved() {
    // spec: 9846-5.1-a
    let v = Vectors::early_data();
    let mut pair = retried(65_536);
    pair.server_hears(&cut(&v.of("client_hello_record")[HEADER_BYTES..][..100], 100));
    assert_eq!(pair.server_fault, None);
    pair.server_hears(v.of("early_data_record"));
    assert_eq!(pair.server_fault, Some(Fault::InterleavedRecords));
}
