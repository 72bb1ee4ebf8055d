//! Watching: what is told of a whole connection, and that it is free when nobody asked.

use super::pair::{self, Pair, Setting, UNIX_SECS};
use crate::{
    connection::{Limits, Options},
    ids::ConnectionId,
    packet,
    qlog::Writer,
    rules::{Epoch, Side},
    trace::{DropReason, KeyChange, PacketKind, Party, Record, State, Threshold},
};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, PKCS_ED25519, SerialNumber};
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_tls::{self as tls, Credential, WebPki};
use sakigake_wire::Instant;
use serde_json::Value;
use std::{fmt::Write, sync::Arc};

/// A story whose packets have the same lengths each time: Ed25519 signatures have, and serial numbers are 1.
fn repeatable() -> Setting {
    let with_serial = |mut params: CertificateParams| {
        params.serial_number = Some(SerialNumber::from(1));
        params
    };
    let authority = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let mut params = with_serial(CertificateParams::new(Vec::<String>::new()).unwrap());
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = params.self_signed(&authority).unwrap().der().to_vec();
    let issuer = Issuer::new(params, authority);
    let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let leaf = with_serial(CertificateParams::new(vec!["example.com".to_owned()]).unwrap());
    let leaf = leaf.signed_by(&key, &issuer).unwrap().pem();
    let credential = Credential::from_pem(&PROVIDER, leaf.as_bytes(), key.serialize_pem().as_bytes());
    let mut verifier = WebPki::new(&PROVIDER);
    verifier.trust(&root).unwrap();
    Setting {
        client_tls: tls::client::Options { verifier: Some(Arc::new(verifier)), ..pair::client_tls() },
        server_tls: tls::server::Options {
            credentials: vec![Arc::new(credential.unwrap())],
            unix_secs_at_start: UNIX_SECS,
            ..pair::server_tls()
        },
        ..Setting::default()
    }
}

/// Both sides watched, from before the first packet.
fn watched(setting: Setting) -> Pair {
    let mut pair = Pair::of(setting);
    let now = pair.now;
    pair.client.trace(now);
    pair.watches_server = true;
    pair
}

/// A request, its answer and the end.
fn story(pair: &mut Pair) {
    pair.confirm();
    let id = pair.say(b"GET /\r\n");
    assert!(pair.run(|pair| pair.server_ear.finished.contains(&id)));
    pair.server().write(id, crate::streams::Chunk::Owned(vec![7; 3_000])).unwrap();
    pair.server().finish(id).unwrap();
    assert!(pair.run(|pair| pair.client_ear.finished.contains(&id)));
    let now = pair.now;
    pair.client.close(now, 0, b"enough");
    pair.run(|_| false);
}

fn lines(start: Instant, traced: &[(Instant, Record)]) -> String {
    let mut out = String::new();
    for (at, record) in traced {
        writeln!(out, "{:>9} {record}", at.since(start).to_string()).unwrap();
    }
    out
}

fn qlog(side: Side, start: Instant, traced: &[(Instant, Record)]) -> String {
    let mut out = String::new();
    let writer = Writer::begin(side, &ConnectionId::new(&[1; 8]).unwrap(), start, &mut out).unwrap();
    traced.iter().for_each(|(at, record)| writer.write(*at, record, &mut out).unwrap());
    out
}

/// The texts of a sequence, each read by a parser that is not ours.
pub(crate) fn texts(file: &str) -> Vec<Value> {
    let texts = file.split('\x1e').skip(1);
    texts
        .map(|text| {
            assert!(text.ends_with('\n') && text.matches('\n').count() == 1, "{text}");
            serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
        })
        .collect()
}

#[test]
fn a_short_connection_reads_so() {
    let mut pair = watched(repeatable());
    let start = pair.now;
    story(&mut pair);
    insta::assert_snapshot!("client", lines(start, &pair.client_ear.traced));
    insta::assert_snapshot!("server", lines(start, &pair.server_ear.traced));
    insta::assert_snapshot!(
        "client.sqlog",
        qlog(Side::Client, start, &pair.client_ear.traced).replace('\x1e', "<RS>")
    );
}

#[test]
fn a_file_has_what_the_schema_requires() {
    // spec: qlog-main-3-a qlog-main-7-a qlog-main-7.1-a qlog-main-7.1-b qlog-quic-2.1-a qlog-quic-5.3-a
    let mut pair = watched(Setting::default());
    let start = pair.now;
    story(&mut pair);
    for (side, ear) in [(Side::Client, &pair.client_ear), (Side::Server, &pair.server_ear)] {
        let texts = texts(&qlog(side, start, &ear.traced));
        let head = &texts[0];
        assert_eq!(head["file_schema"], "urn:ietf:params:qlog:file:sequential");
        assert_eq!(head["serialization_format"], "application/qlog+json-seq");
        let trace = &head["trace"];
        assert_eq!(trace["vantage_point"]["type"], if side == Side::Client { "client" } else { "server" });
        assert_eq!(trace["common_fields"]["group_id"], "0101010101010101");
        let reference = &trace["common_fields"]["reference_time"];
        assert_eq!((&reference["clock_type"], &reference["epoch"]), (&"monotonic".into(), &"unknown".into()));
        let schemas = trace["event_schemas"].as_array().unwrap();
        assert!(
            schemas.iter().any(|uri| uri.as_str().unwrap().starts_with("urn:ietf:params:qlog:events:quic-"))
        );
        let mut last = 0.0;
        for event in &texts[1..] {
            let time = event["time"].as_f64().unwrap();
            assert!(time >= last, "{event}");
            last = time;
            assert!(event["name"].as_str().unwrap().starts_with("quic:") && event["data"].is_object());
        }
        let named = |name: &'static str| texts.iter().filter(move |event| event["name"] == name);
        for sent in named("quic:packet_sent").chain(named("quic:packet_received")) {
            assert!(sent["data"]["header"]["packet_type"].is_string(), "{sent}");
            let frames = sent["data"]["frames"].as_array().unwrap();
            assert!(!frames.is_empty() && frames.iter().all(|frame| frame["frame_type"].is_string()));
        }
        let initiators: Vec<_> = named("quic:parameters_set").map(|set| &set["data"]["initiator"]).collect();
        assert_eq!(initiators, ["local", "remote"]);
        assert_eq!(named("quic:connection_started").count(), 1);
        assert_eq!(named("quic:connection_closed").count(), 1);
        assert_eq!(named("quic:alpn_information").count(), 1);
        assert!(named("quic:recovery_metrics_updated").count() > 0);
        assert_eq!(named("quic:packet_dropped").count() + named("quic:packet_lost").count(), 0);
    }
}

#[test]
fn each_side_is_told_of_what_the_other_sends() {
    let mut pair = watched(Setting::default());
    story(&mut pair);
    let sent = |traced: &[(Instant, Record)]| -> Vec<_> {
        let packets = traced.iter().filter_map(|(_, record)| match record {
            Record::Sent(packet) => Some((packet.kind, packet.number, packet.payload.clone())),
            _ => None,
        });
        packets.collect()
    };
    let received = |traced: &[(Instant, Record)]| -> Vec<_> {
        let packets = traced.iter().filter_map(|(_, record)| match record {
            Record::Received(packet) => Some((packet.kind, packet.number, packet.payload.clone())),
            _ => None,
        });
        packets.collect()
    };
    let (client, server) = (&pair.client_ear.traced, &pair.server_ear.traced);
    assert!(sent(client).len() > 5 && sent(server).len() > 5);
    assert_eq!(sent(client), received(server));
    assert_eq!(sent(server), received(client));
}

#[test]
fn states_and_keys_are_told_in_their_order() {
    let mut pair = watched(Setting::default());
    story(&mut pair);
    let states = |traced: &[(Instant, Record)]| -> Vec<State> {
        let states = traced.iter().filter_map(|(_, record)| match record {
            Record::State { new, .. } => Some(*new),
            _ => None,
        });
        states.collect()
    };
    let (before, done) = ([State::Attempted, State::HandshakeStarted], State::HandshakeConfirmed);
    let client = states(&pair.client_ear.traced);
    assert_eq!(
        client,
        [&before[..], &[State::HandshakeComplete, done, State::Closing, State::Closed]].concat()
    );
    let server = states(&pair.server_ear.traced);
    assert_eq!(server, [&before[..], &[done, State::Draining, State::Closed]].concat());
    for traced in [&pair.client_ear.traced, &pair.server_ear.traced] {
        for epoch in [Epoch::Initial, Epoch::Handshake] {
            let changes: Vec<KeyChange> = traced
                .iter()
                .filter_map(|(_, record)| match record {
                    Record::Key { epoch: of, change, .. } if *of == epoch => Some(*change),
                    _ => None,
                })
                .collect();
            let (came, gone) = (KeyChange::Installed, KeyChange::Discarded);
            assert_eq!(changes, [came, came, gone, gone]);
        }
    }
}

#[test]
fn a_key_update_is_told_with_who_began_it() {
    let mut pair = watched(Setting::default());
    pair.confirm();
    let now = pair.now;
    pair.client.update_keys(now).unwrap();
    let id = pair.say(b"under new keys");
    assert!(pair.run(|pair| pair.server_ear.finished.contains(&id)));
    let now = pair.now;
    pair.client.close(now, 0, b"");
    pair.run(|_| false);
    for (traced, party) in [(&pair.client_ear.traced, Party::Local), (&pair.server_ear.traced, Party::Peer)] {
        let updated = traced.iter().filter(|(_, record)| {
            matches!(record, Record::Key { change: KeyChange::Updated { phase: 1, by }, .. } if *by == party)
        });
        assert_eq!(updated.count(), 2, "{}", lines(now, traced));
    }
}

#[test]
fn what_is_lost_is_told_with_its_number() {
    let mut pair = watched(Setting::default());
    pair.confirm();
    let (from, body) = (pair.sent[0], vec![1; 30_000]);
    pair.fate = Box::new(move |is_client, index, _| !is_client || index != from + 3);
    let id = pair.say(&body);
    assert!(pair.run(|pair| pair.server_ear.finished.contains(&id)));
    let lost: Vec<_> = pair
        .client_ear
        .traced
        .iter()
        .filter_map(|(_, record)| match record {
            Record::Lost { epoch, number, trigger } => Some((*epoch, *number, *trigger)),
            _ => None,
        })
        .collect();
    let [(Epoch::OneRtt, number, Threshold::Reordering)] = lost[..] else { panic!("{lost:?}") };
    let arrived = pair.server_ear.traced.iter().any(|(_, record)| {
        let kind = PacketKind::Protected(Epoch::OneRtt);
        matches!(record, Record::Received(packet) if packet.kind == kind && packet.number == Some(number))
    });
    assert!(!arrived);
    assert!(pair.client_ear.traced.iter().any(|(_, record)| matches!(record, Record::Congestion { .. })));
}

#[test]
fn what_is_dropped_is_told_with_the_reason() {
    let mut pair = watched(Setting::default());
    pair.confirm();
    pair.client_ear.traced.clear();
    let mut forged = [0x40; 60];
    forged[1..9].fill(0xc1);
    pair.hand_to_client(&mut forged);
    pair.hand_to_client(&mut [0x40; 5]);
    let reasons: Vec<_> = pair
        .client_ear
        .traced
        .iter()
        .filter_map(|(_, record)| match record {
            Record::Dropped { why, .. } => Some(*why),
            _ => None,
        })
        .collect();
    let header = DropReason::Header(packet::Discard::Truncated);
    assert_eq!(reasons, [DropReason::Unopened(packet::Unopened::Forged), header]);
}

#[test]
fn what_nobody_asks_for_is_forgotten_at_the_limit() {
    let waiting = |trace_queue_bytes| {
        let limits = Limits { trace_queue_bytes, ..Limits::default() };
        let mut pair =
            watched(Setting { client: Options { limits, ..Options::default() }, ..Setting::default() });
        let (mut told, mut bytes, mut missed) = (0, 0, 0);
        let mut out = vec![0; 4_000];
        let now = pair.now;
        assert!(pair.client.transmit(now, &mut out).is_some());
        pair.client.tell_traced(&mut |event| {
            let crate::connection::Event::Traced { record, .. } = event else { panic!("{event:?}") };
            match record {
                Record::Missed(count) => missed = *count,
                record => {
                    told += 1;
                    bytes += record.heap_bytes() + size_of::<(Instant, Record)>();
                }
            }
        });
        (told, bytes, missed)
    };
    let (all, bytes, none) = waiting(usize::MAX);
    assert!(all > 5 && none == 0);
    assert_eq!(waiting(bytes), (all, bytes, 0));
    let (told, _, missed) = waiting(bytes - 1);
    assert_eq!((told, missed), (all - 1, 1));
}

#[test]
fn who_did_not_ask_is_told_nothing() {
    let mut pair = Pair::new();
    story(&mut pair);
    assert!(pair.client_ear.traced.is_empty() && pair.server_ear.traced.is_empty());
}

#[test]
fn no_secret_is_in_a_trace() {
    let mut pair = watched(Setting::default());
    let start = pair.now;
    story(&mut pair);
    let file = qlog(Side::Server, start, &pair.server_ear.traced);
    assert!(!file.contains("stateless_reset_token") && !file.contains("\"key\""), "{file}");
}
