//! Pairs of a client and a server without any transport: bytes are carried by hand.

mod closing;
mod early;
mod hostile;
mod keys;
mod limits;
mod pair;
mod wanted;
mod wild;

use super::*;
use crate::record::{HEADER_BYTES, Header, MAX_CONTENT_BYTES};
use crate::rules::ContentType;
use crate::vectors::Vectors;
use pair::{Heard, Pair, data_of, entropy, transmit_all};

/// The outer types of the records in `bytes`.
fn kinds(mut bytes: &[u8]) -> Vec<u8> {
    let mut kinds = Vec::new();
    while let Ok(Some(header)) = Header::read(bytes) {
        kinds.push(header.kind.0);
        bytes = &bytes[header.record_len()..];
    }
    assert!(bytes.is_empty(), "whole records alone");
    kinds
}

#[test]
fn a_client_and_a_server_shake_hands_under_every_suite_and_group() {
    for suite in [0x1301, 0x1302, 0x1303] {
        let mut pair = Pair::with_suite(suite);
        pair.run();
        assert!(pair.client.is_established() && pair.server.is_established(), "{suite:#06x}");
        pair.exchange(b"question", b"answer");
    }
}

#[test]
fn a_handshake_does_not_mind_how_its_bytes_are_split() {
    for split in [1, 2, 3, 5, 17, 100, 1_000] {
        let mut pair = Pair::new();
        pair.split = split;
        pair.run();
        assert!(pair.client.is_established() && pair.server.is_established(), "in pieces of {split}");
        pair.exchange(&[1; 40_000], &[2; 40_000]);
    }
}

#[test]
fn any_buffer_is_large_enough() {
    for out_len in [MIN_OUT_BYTES, MIN_OUT_BYTES + 1, 100, 555, 20_000] {
        let mut pair = Pair::new();
        pair.out_len = out_len;
        pair.run();
        assert!(pair.client.is_established() && pair.server.is_established(), "into {out_len} bytes");
        pair.exchange(b"question", b"answer");
    }
}

#[test]
fn a_retry_has_its_disguise_where_middleboxes_expect_it() {
    // spec: 9846-E.4-a spec: 9846-E.4-b spec: 9846-5.1-f spec: 9846-4.2.1-l
    let mut pair = Pair::with_retry();
    let hello = transmit_all(&mut pair.client);
    assert_eq!((kinds(&hello), hello[2]), (vec![22], 1));
    let retry = pair.server_answers(&hello);
    assert_eq!(kinds(&retry), [22, 20], "HelloRetryRequest, change_cipher_spec");
    let hello = pair.client_answers(&retry);
    assert_eq!(kinds(&hello), [20, 22], "change_cipher_spec, second ClientHello");
    assert_eq!(hello[6 + 2], 3, "only the first one has the version of old");
    let flight = pair.server_answers(&hello);
    assert_eq!(kinds(&flight), [22, 23], "ServerHello, all the rest in one record");
    let finished = pair.client_answers(&flight);
    assert_eq!(kinds(&finished), [23], "Finished");
    pair.server_answers(&finished);
    assert!(pair.server.is_established());
}

#[test]
fn the_flights_of_a_full_handshake_take_as_few_records_as_can_be() {
    // spec: 9846-E.4-a spec: 9846-E.4-b
    let mut pair = Pair::new();
    let hello = transmit_all(&mut pair.client);
    assert_eq!(kinds(&hello), [22]);
    let flight = pair.server_answers(&hello);
    assert_eq!(kinds(&flight), [22, 20, 23]);
    let finished = pair.client_answers(&flight);
    assert_eq!(kinds(&finished), [20, 23]);
}

#[test]
fn without_a_session_id_nothing_is_disguised() {
    let mut pair = Pair::without_middlebox_compatibility();
    let hello = transmit_all(&mut pair.client);
    let flight = pair.server_answers(&hello);
    assert_eq!(kinds(&flight), [22, 23]);
    let finished = pair.client_answers(&flight);
    assert_eq!(kinds(&finished), [23]);
}

#[test]
fn a_server_speaks_in_the_same_write_as_its_finished() {
    let mut pair = Pair::new();
    let hello = transmit_all(&mut pair.client);
    pair.server_hears(&hello);
    assert!(!pair.server.may_send(), "first the flight has to leave");
    let mut out = vec![0; 4_096];
    let flight = pair.server.transmit(pair.now, &mut out).expect("a flight");
    assert_eq!(pair.server.transmit(pair.now, &mut out[flight..]), None);
    assert!(pair.server.may_send() && !pair.server.is_established());
    let data = pair.server.seal(&mut out[flight..], &mut |place| {
        place[..5].copy_from_slice(b"early");
        5
    });
    assert_eq!(data, 5 + 5 + 1 + 16);
    pair.client_hears(&out[..flight + data]);
    let heard: Vec<Heard> = core::mem::take(&mut pair.client_heard);
    assert!(
        matches!(&heard[..], [Heard::Negotiated(_), Heard::Established, Heard::Data(data)] if data == b"early"),
        "{heard:?}"
    );
    pair.run();
    assert!(pair.server.is_established());
}

#[test]
fn no_application_data_leaves_before_its_keys_are_there() {
    // spec: 9846-2-a
    let mut pair = Pair::new();
    let mut out = [0; 100];
    for connection in [&mut pair.client, &mut pair.server] {
        assert!(!connection.may_send());
        assert_eq!(connection.seal(&mut out, &mut |_| panic!("nothing may be written now")), 0);
        assert_eq!(connection.seal_from(&mut out, b"data"), (0, 0));
    }
}

#[test]
fn sealing_nothing_costs_nothing() {
    let mut pair = Pair::established();
    let mut out = [7; 100];
    assert_eq!(pair.client.seal(&mut out, &mut |_| 0), 0);
    assert_eq!(pair.client.seal_from(&mut out, b""), (0, 0));
    for len in 0..=OVERHEAD {
        assert_eq!(pair.client.seal(&mut out[..len], &mut |_| panic!("no room for a byte")), 0, "{len}");
        assert_eq!(pair.client.seal_from(&mut out[..len], b"data"), (0, 0), "{len}");
    }
    assert_eq!(pair.client.seal(&mut out[..OVERHEAD + 1], &mut |place| place.len()), OVERHEAD + 1);
    assert_eq!(pair.client.seal_from(&mut out[..OVERHEAD + 1], b"data"), (1, OVERHEAD + 1));
}

#[test]
fn what_is_sealed_from_elsewhere_arrives_in_order_with_what_is_written_in_place() {
    let mut pair = Pair::established();
    let mut out = vec![0; 40_000];
    let content = vec![3; MAX_CONTENT_BYTES + 1];
    let (taken, mut len) = pair.server.seal_from(&mut out, &content);
    assert_eq!((taken, len), (MAX_CONTENT_BYTES, MAX_CONTENT_BYTES + OVERHEAD));
    len += pair.server.seal(&mut out[len..], &mut |place| {
        place[0] = 4;
        1
    });
    let (taken, more) = pair.server.seal_from(&mut out[len..], &content[taken..]);
    assert_eq!((taken, more), (1, 1 + OVERHEAD));
    pair.client_hears(&out[..len + more]);
    assert_eq!(data_of(&pair.client_heard), [&content[1..], &[4, 3]].concat());
}

const OVERHEAD: usize = crate::record::OVERHEAD_BYTES;

#[test]
fn padding_hides_how_much_was_said() {
    let mut pair = Pair::established();
    pair.client.pad(Padding::ToMultiple(256));
    let mut lens = Vec::new();
    for len in [1, 100, 255] {
        let bytes = pair.client_seals(&vec![9; len]);
        lens.push(bytes.len());
        pair.server_hears(&bytes);
    }
    assert_eq!(lens, [256 + 21; 3]);
}

#[test]
fn padding_may_begin_with_the_first_protected_record() {
    let mut setup = pair::Setup::new();
    setup.client.padding = Padding::ToMultiple(512);
    setup.server.padding = Padding::ToMultiple(1_024);
    let mut pair = setup.pair();
    let hello = pair.client_answers(&[]);
    let flight = pair.server_answers(&hello);
    let answer = pair.client_answers(&flight);
    for (mut bytes, multiple) in [(&flight[..], 1_024), (&answer[..], 512)] {
        let mut protected = 0;
        while let Ok(Some(header)) = Header::read(bytes) {
            if header.kind == ContentType::APPLICATION_DATA {
                assert_eq!((header.record_len() - 21) % multiple, 0, "header and tag beside");
                protected += 1;
            }
            bytes = &bytes[header.record_len()..];
        }
        assert!(protected > 0);
    }
    pair.server_hears(&answer);
    pair.exchange(&[1; 40_000], &[2; 40_000]);
}

#[test]
fn an_idle_connection_holds_no_buffer() {
    let mut pair = Pair::established();
    pair.exchange(&[5; 50_000], &[6; 50_000]);
    for connection in [&pair.client, &pair.server] {
        assert_eq!(connection.pending.capacity(), 0);
        assert!(connection.outbox.is_empty());
        assert_eq!(connection.deadline(), None);
    }
    fn assert_send<T: Send>(_: &T) {}
    assert_send(&pair.client); // It may move to another thread.
    assert!(size_of::<Connection>() <= 512, "{} bytes", size_of::<Connection>());
}

#[test]
fn a_record_that_comes_in_pieces_is_held_only_as_long() {
    let mut pair = Pair::established();
    let record = pair.client_seals(&[1; 1_000]);
    let (head, tail) = record.split_at(500);
    pair.server_hears(head);
    assert_eq!(pair.server.pending.len(), 500);
    pair.server_hears(tail);
    assert_eq!(pair.server.pending.capacity(), 0);
}

#[test]
fn key_log_lines_are_the_same_on_both_sides() {
    let mut pair = Pair::with_key_log();
    pair.run();
    let lines = |heard: &[Heard]| {
        let mut lines: Vec<String> = heard
            .iter()
            .filter_map(|event| if let Heard::KeyLog(line) = event { Some(line.clone()) } else { None })
            .collect();
        lines.sort();
        lines
    };
    let client = lines(&pair.client_heard);
    assert_eq!(client, lines(&pair.server_heard));
    for label in ["CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_TRAFFIC_SECRET_0", "EXPORTER_SECRET"] {
        assert!(client.iter().any(|line| line.starts_with(label)), "{label}");
    }
}

#[test]
fn any_order_of_calls_is_legal() {
    let mut dice = entropy(9);
    let mut pair = Pair::new();
    for _ in 0..2_000 {
        let mut roll = [0; 2];
        dice.fill(&mut roll);
        let connection = if roll[0] & 1 == 0 { &mut pair.client } else { &mut pair.server };
        let mut out = [0; 300];
        let now = pair.now;
        match roll[1] % 8 {
            0 => drop(connection.handle(now, &mut [], &mut |_| {})),
            1 => drop(connection.transmit(now, &mut out[..usize::from(roll[0])])),
            2 => drop(connection.seal(&mut out, &mut |place| place.len().min(3))),
            3 => connection.update_keys(),
            4 => drop(connection.answer(now, Answer::Signature(None), &mut |_| {})),
            5 => connection.expire(now),
            6 => drop((connection.deadline(), connection.is_closed(), connection.may_send())),
            _ if roll[0] > 250 => connection.close(),
            _ => drop(connection.handle(now, &mut roll.repeat(3), &mut |_| {})),
        }
    }
}

#[test]
fn a_trace_names_every_record_and_message_of_both_directions() {
    let mut pair = Pair::new();
    pair.client.trace();
    pair.run();
    let (mut text, client_heard) = (String::new(), core::mem::take(&mut pair.client_heard));
    for heard in client_heard {
        if let Heard::Traced(lines) = heard {
            text.push_str(lines.lines().next().unwrap_or_default());
            text.push('\n');
        }
    }
    pair.client.tell_sent(&mut |event| {
        if let Event::Traced(traced) = event {
            text.push_str(traced.to_string().lines().next().unwrap_or_default());
            text.push('\n');
        }
    });
    let order = [
        "client -> server: record handshake",
        "client -> server: client_hello",
        "server -> client: record handshake",
        "server -> client: server_hello",
        "server -> client: record change_cipher_spec",
        "server -> client: record application_data",
        "server -> client: encrypted_extensions",
        "server -> client: certificate",
        "server -> client: certificate_verify",
        "server -> client: finished",
        "client -> server: record change_cipher_spec",
        "client -> server: record application_data",
        "client -> server: finished",
    ];
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), order.len(), "{text}");
    for (line, beginning) in lines.iter().zip(order) {
        assert!(line.starts_with(beginning), "{line} where {beginning} was due");
    }
}
