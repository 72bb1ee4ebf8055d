//! A peer that breaks the rules of records: each sin has its fault, each fault its one alert.

use super::{
    pair::{Setup, later},
    *,
};

/// Lets the client protect any content of any type under its present keys.
fn forge(connection: &mut Connection, kind: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 20_000];
    out[HEADER_BYTES..HEADER_BYTES + content.len()].copy_from_slice(content);
    let sealer = connection.outbox.sealer();
    let len = sealer.seal(ContentType(kind), &mut out, content.len()).expect("a fresh key");
    out.truncate(len);
    out
}

/// The server ends an established connection for `fault` after `records` of the client, and the client hears `alert`.
fn assert_refused(
    name: &str,
    fault: Fault,
    alert: AlertDescription,
    records: impl FnOnce(&mut Pair) -> Vec<u8>,
) {
    let mut pair = Pair::established();
    let records = records(&mut pair);
    let answer = pair.server_answers(&records);
    assert_eq!(pair.server_fault.as_ref(), Some(&fault), "{name}");
    assert_eq!(pair.server.fault(), Some(&fault), "{name}");
    assert!(pair.server.is_closed() && !pair.server.may_send(), "{name}");
    assert_eq!(kinds(&answer).len(), 1, "{name}: one fault, one alert");
    pair.client_hears(&answer);
    assert_eq!(pair.client_fault, Some(Fault::PeerAlert(alert)), "{name}");
    assert_eq!(transmit_all(&mut pair.client), [], "{name}: no alert answers an alert");
    assert!(pair.client.is_closed() && !pair.client.may_send(), "{name}");
    let more = pair.server_answers(&[0; 40]);
    assert_eq!(more, [], "{name}: whatever comes afterwards is ignored");
}

#[test]
fn each_sin_in_an_established_connection_has_its_alert() {
    // spec: 9846-5-b spec: 9846-5-c spec: 9846-5-d spec: 9846-5.1-a spec: 9846-5.1-h spec: 9846-5.4-a spec: 9846-6.2-r
    use AlertDescription as Alert;
    let unexpected = Alert::UNEXPECTED_MESSAGE;
    let handshake = ContentType::HANDSHAKE;
    assert_refused("a corrupted record", Fault::BadRecordMac, Alert::BAD_RECORD_MAC, |pair| {
        let mut record = pair.client_seals(b"data");
        *record.last_mut().expect("bytes") ^= 1;
        record
    });
    assert_refused("an overlong record", Fault::RecordOverflow, Alert::RECORD_OVERFLOW, |_| {
        vec![23, 3, 3, 0x41, 1]
    });
    assert_refused("an unknown type", Fault::UnexpectedRecord(ContentType(24)), unexpected, |_| {
        vec![24, 3, 3, 0, 1, 0]
    });
    assert_refused("an unknown inner type", Fault::UnexpectedRecord(ContentType(99)), unexpected, |pair| {
        forge(&mut pair.client, 99, b"x")
    });
    assert_refused("a plain message", Fault::UnexpectedRecord(handshake), unexpected, |_| {
        vec![22, 3, 3, 0, 5, 24, 0, 0, 1, 0]
    });
    assert_refused("a plain alert", Fault::UnexpectedRecord(ContentType::ALERT), unexpected, |_| {
        vec![21, 3, 3, 0, 2, 1, 0]
    });
    assert_refused("a late change_cipher_spec", Fault::UnexpectedChangeCipherSpec, unexpected, |_| {
        crate::record::CHANGE_CIPHER_SPEC.to_vec()
    });
    assert_refused("a protected change_cipher_spec", Fault::ProtectedChangeCipherSpec, unexpected, |pair| {
        forge(&mut pair.client, 20, &[1])
    });
    assert_refused("an empty message record", Fault::EmptyRecord(handshake), unexpected, |pair| {
        forge(&mut pair.client, 22, &[])
    });
    assert_refused("an empty alert record", Fault::EmptyRecord(ContentType::ALERT), unexpected, |pair| {
        forge(&mut pair.client, 21, &[])
    });
    assert_refused("half an alert", Fault::BadAlert, Alert::DECODE_ERROR, |pair| {
        forge(&mut pair.client, 21, &[1])
    });
    assert_refused("two alerts in a record", Fault::BadAlert, Alert::DECODE_ERROR, |pair| {
        forge(&mut pair.client, 21, &[1, 0, 1, 0])
    });
    assert_refused("data inside a message", Fault::InterleavedRecords, unexpected, |pair| {
        [forge(&mut pair.client, 22, &[24, 0]), forge(&mut pair.client, 23, b"data")].concat()
    });
    assert_refused("close_notify inside a message", Fault::InterleavedRecords, unexpected, |pair| {
        [forge(&mut pair.client, 22, &[24, 0]), forge(&mut pair.client, 21, &[1, 0])].concat()
    });
    assert_refused("bytes after KeyUpdate", Fault::MessageSpansKeyChange, unexpected, |pair| {
        forge(&mut pair.client, 22, &[24, 0, 0, 1, 0, 24])
    });
}

#[test]
fn each_alert_of_the_peer_but_closure_ends_the_connection() {
    // spec: 9846-6-r spec: 9846-6-b
    for (level, description) in [(2, 40), (1, 40), (0, 80), (2, 255), (1, 117)] {
        let mut pair = Pair::established();
        let alert = forge(&mut pair.client, 21, &[level, description]);
        assert_eq!(pair.server_answers(&alert), [], "an alert is not answered");
        assert_eq!(pair.server_fault, Some(Fault::PeerAlert(AlertDescription(description))));
        assert!(!pair.server.may_send());
        let mut out = [0; 100];
        assert_eq!(pair.server.seal(&mut out, &mut |_| panic!("it is over")), 0); // spec: 9846-6-b
    }
}

#[test]
fn what_is_no_tls_is_refused_in_plain() {
    let mut pair = Pair::new();
    let answer = pair.server_answers(b"GET / HTTP/1.1\r\n\r\n");
    assert_eq!(pair.server_fault, Some(Fault::UnexpectedRecord(ContentType(b'G'))));
    assert_eq!(answer, [21, 3, 3, 0, 2, 2, 10]);
}

#[test]
fn application_data_before_the_handshake_is_over_is_refused() {
    let mut pair = Pair::new();
    pair.server_hears(&[23, 3, 3, 0, 1, 0]);
    assert_eq!(pair.server_fault, Some(Fault::UnexpectedRecord(ContentType::APPLICATION_DATA)));

    let mut pair = Pair::new();
    let hello = transmit_all(&mut pair.client);
    let flight = pair.server_answers(&hello);
    pair.client_hears(&flight);
    // The client's keys of the handshake are in use while Finished is queued.
    let mut out = vec![0; 300];
    let len = pair.client.transmit(pair.now, &mut out[..6]).expect("change_cipher_spec");
    assert_eq!(out[..len], crate::record::CHANGE_CIPHER_SPEC);
    let early = forge(&mut pair.client, 23, b"too early");
    pair.server_hears(&early);
    assert_eq!(pair.server_fault, Some(Fault::EarlyApplicationData));
}

#[test]
fn a_corrupted_flight_is_bad_record_mac_on_the_other_side_too() {
    // spec: 9846-5.2-b
    let mut pair = Pair::new();
    let hello = transmit_all(&mut pair.client);
    let mut flight = pair.server_answers(&hello);
    *flight.last_mut().expect("bytes") ^= 0x80;
    let alert = pair.client_answers(&flight);
    assert_eq!(pair.client_fault, Some(Fault::BadRecordMac));
    pair.server_hears(&alert);
    assert_eq!(pair.server_fault, Some(Fault::PeerAlert(AlertDescription::BAD_RECORD_MAC)));
}

#[test]
fn change_cipher_spec_is_dropped_during_the_handshake_alone() {
    // spec: 9846-5-a spec: 9846-5-b spec: 9846-5-d
    const CCS: [u8; 6] = crate::record::CHANGE_CIPHER_SPEC;
    let mut pair = Pair::new();
    pair.server_hears(&CCS);
    assert_eq!(pair.server_fault, Some(Fault::UnexpectedChangeCipherSpec), "before ClientHello");

    for body in [&[][..], &[0], &[2], &[1, 1]] {
        let mut pair = Pair::new();
        let hello = transmit_all(&mut pair.client);
        pair.server_hears(&hello);
        pair.server_hears(&[&[20, 3, 3, 0, body.len() as u8], body].concat());
        assert_eq!(pair.server_fault, Some(Fault::BadChangeCipherSpec), "{body:?}");
    }

    let mut pair = Pair::new();
    pair.client_hears(&CCS);
    let hello = transmit_all(&mut pair.client);
    pair.server_hears(&[&hello[..], &CCS, &CCS].concat());
    pair.run();
    assert_eq!((&pair.client_fault, &pair.server_fault), (&None, &None));
    assert!(pair.server.is_established());
}

#[test]
fn change_cipher_spec_inside_a_message_is_refused() {
    // spec: 9846-5.1-a
    let mut pair = Pair::new();
    let hello = transmit_all(&mut pair.client);
    let (head, tail) = hello[HEADER_BYTES..].split_at(50);
    let record = |content: &[u8]| {
        let [high, low] = (content.len() as u16).to_be_bytes();
        [&[22, 3, 1, high, low], content].concat()
    };
    pair.server_hears(&record(head));
    assert_eq!(pair.server_fault, None);
    let mut other = Pair::new();
    other.server_hears(&[record(head), record(tail)].concat());
    assert_eq!(other.server_fault, None, "a message may have several records");
    pair.server_hears(&crate::record::CHANGE_CIPHER_SPEC);
    assert_eq!(pair.server_fault, Some(Fault::InterleavedRecords));
}

#[test]
fn empty_records_are_bounded() {
    let mut setup = Setup::new();
    setup.server.limits.empty_records = 5;
    let mut pair = setup.pair().run_to_the_end();
    for _ in 0..3 {
        for _ in 0..5 {
            let empty = forge(&mut pair.client, 23, &[]);
            pair.server_hears(&empty);
        }
        let data = pair.client_seals(b"x"); // Content makes up for them.
        pair.server_hears(&data);
        assert_eq!(pair.server_fault, None);
    }
    for _ in 0..6 {
        let empty = forge(&mut pair.client, 23, &[]);
        pair.server_hears(&empty);
    }
    assert_eq!(pair.server_fault, Some(Fault::TooManyEmptyRecords));
    assert!(pair.server_heard.iter().all(|heard| matches!(heard, Heard::Data(data) if data == b"x")));
}

#[test]
fn warnings_and_change_cipher_specs_are_bounded_too() {
    let mut setup = Setup::new();
    setup.server.limits.empty_records = 5;
    let mut pair = setup.pair().run_to_the_end();
    for _ in 0..6 {
        assert_eq!(pair.server_fault, None);
        let canceled = forge(&mut pair.client, 21, &[1, 90]);
        pair.server_hears(&canceled);
    }
    assert_eq!(pair.server_fault, Some(Fault::TooManyWarnings));

    let mut setup = Setup::new();
    setup.server.limits.empty_records = 5;
    let mut pair = setup.pair();
    let hello = transmit_all(&mut pair.client);
    pair.server_hears(&hello);
    for _ in 0..6 {
        assert_eq!(pair.server_fault, None);
        pair.server_hears(&crate::record::CHANGE_CIPHER_SPEC);
    }
    assert_eq!(pair.server_fault, Some(Fault::UnexpectedChangeCipherSpec));
}

#[test]
fn a_client_that_cannot_make_out_the_keys_may_say_so_in_plain() {
    // spec: 9846-5-e
    let mut pair = Pair::new();
    let hello = transmit_all(&mut pair.client);
    pair.server_answers(&hello);
    pair.server_hears(&[21, 3, 3, 0, 2, 2, 47]);
    assert_eq!(pair.server_fault, Some(Fault::PeerAlert(AlertDescription::ILLEGAL_PARAMETER)));
}

#[test]
fn a_server_that_has_keys_says_nothing_in_plain() {
    // spec: 9846-5-e
    let mut pair = Pair::new();
    let hello = transmit_all(&mut pair.client);
    let flight = pair.server_answers(&hello);
    let server_hello = HEADER_BYTES + usize::from(u16::from_be_bytes([flight[3], flight[4]]));
    pair.client_hears(&flight[..server_hello]);
    pair.client_hears(&[21, 3, 3, 0, 2, 2, 47]);
    assert_eq!(pair.client_fault, Some(Fault::UnexpectedRecord(ContentType::ALERT)));
}

#[test]
fn what_failed_keeps_no_keys_to_read_with() {
    // spec: 9846-6-c
    let mut pair = Pair::established();
    assert_eq!(pair.client.opener.level(), crate::Level::Application);
    pair.client_hears(&[23, 3, 3, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(pair.client_fault, Some(Fault::BadRecordMac));
    assert_eq!(pair.client.opener.level(), crate::Level::Plain);
    assert!(pair.client.exporter().is_none());
}

#[test]
fn a_handshake_has_its_time_and_no_more() {
    let mut setup = Setup::new();
    setup.server.limits.handshake_ms = 1_000;
    let mut pair = setup.pair();
    let start = pair.now;
    assert_eq!(pair.server.deadline(), Some(later(start, 1_000)));
    pair.server.expire(later(start, 999));
    assert_eq!(pair.server.fault(), None);
    pair.server.expire(later(start, 1_000));
    assert_eq!(pair.server.fault(), Some(&Fault::HandshakeTimeout));
    assert_eq!(pair.server.deadline(), None);
    assert_eq!(kinds(&transmit_all(&mut pair.server)), [21]);
    assert!(pair.server.is_closed());
}

#[test]
fn early_data_that_is_not_accepted_is_passed_over_within_a_bound() {
    // spec: 9846-4.3.10-a
    let v = Vectors::early_data();
    let record = v.of("early_data_record");
    for (limit, fault) in [(record.len(), None), (record.len() - 1, Some(Fault::TooMuchEarlyData))] {
        let mut setup = Setup::new();
        setup.server.alpn = Vec::new();
        setup.server.limits.skipped_early_data_bytes = limit;
        let mut pair = setup.pair();
        let flight = pair.server_answers(v.of("client_hello_record"));
        assert_eq!(pair.server_fault, None);
        assert_eq!(kinds(&flight), [22, 23], "a full handshake, since nobody knows that ticket");
        pair.server_hears(record);
        assert_eq!(pair.server_fault, fault, "{limit}");
    }
}

#[test]
fn nothing_else_is_passed_over_as_early_data() {
    let mut pair = Pair::new();
    let hello = transmit_all(&mut pair.client);
    pair.server_answers(&hello);
    pair.server_hears(Vectors::early_data().of("early_data_record"));
    assert_eq!(pair.server_fault, Some(Fault::BadRecordMac));
}

#[test]
fn the_fuzz_body_holds_on_its_corpus() {
    let (simple, retry, early) =
        (Vectors::one_round_trip(), Vectors::hello_retry_request(), Vectors::early_data());
    let ccs = crate::record::CHANGE_CIPHER_SPEC;
    let corpus = [
        Vec::new(),
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        [simple.of("client_hello_record"), &ccs, simple.of("client_finished_record")].concat(),
        [simple.of("server_hello_record"), simple.of("server_flight_record")].concat(),
        [retry.of("hello_retry_request_record"), &ccs, retry.of("server_hello_record")].concat(),
        [retry.of("client_hello_record"), retry.of("client_hello_2_record")].concat(),
        [early.of("client_hello_record"), early.of("early_data_record")].concat(),
    ];
    for bytes in corpus {
        for split in [0, 6, 255] {
            fuzz::fuzz_connection(&[&[split], &bytes[..]].concat());
        }
        for bit in (0..bytes.len() * 8).step_by(61) {
            let mut flipped = [&[255], &bytes[..]].concat();
            flipped[1 + bit / 8] ^= 1 << (bit % 8);
            fuzz::fuzz_connection(&flipped);
        }
    }
}
