//! Stories of a client and a server.

mod pair;

use super::{Closed, Connection, Options};
use crate::{
    recovery::congestion::Algorithm,
    rules::versions::{VERSION_1, VERSION_2},
};
use pair::{Pair, Setting};
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_tls as tls;
use sakigake_wire::Span;
use std::sync::Arc;

#[test]
fn a_handshake_is_confirmed_within_two_round_trips() {
    let mut pair = Pair::new();
    let start = pair.now;
    pair.confirm();
    assert!(pair.now.since(start) <= Span::from_millis(40), "{}", pair.now.since(start));
    assert!(pair.client_ear.heard("established") && pair.server_ear.heard("established"));
    assert!(pair.client_ear.closed.is_empty() && pair.server_ear.closed.is_empty());
}

#[test]
fn a_stream_is_carried_both_ways() {
    let mut pair = Pair::new();
    pair.confirm();
    let id = pair.say(b"GET /\r\n");
    assert!(pair.run(|pair| pair.server_ear.finished.contains(&id)));
    assert_eq!(pair.server_ear.data[&id], b"GET /\r\n");
    let body: Vec<u8> = (0..1_000_000_u32).map(|at| at as u8).collect();
    pair.server().write(id, crate::streams::Chunk::Owned(body.clone())).unwrap();
    pair.server().finish(id).unwrap();
    assert!(pair.run(|pair| pair.client_ear.finished.contains(&id)));
    assert!(pair.client_ear.data[&id] == body);
}

#[test]
fn a_transfer_survives_loss() {
    for algorithm in [Algorithm::NewReno, Algorithm::Cubic] {
        let options = Options { algorithm, ..Options::default() };
        let mut pair = Pair::of(Setting { client: options.clone(), server: options, ..Setting::default() });
        let mut count = 0_u32;
        pair.fate = Box::new(move |_, _, _| {
            count = count.wrapping_mul(1_103_515_245).wrapping_add(12_345);
            !(count >> 16).is_multiple_of(10)
        });
        pair.confirm();
        let body: Vec<u8> = (0..300_000_u32).map(|at| (at >> 3) as u8).collect();
        let id = pair.say(&body);
        let is_done = pair.run(|pair| pair.server_ear.finished.contains(&id));
        let closed = (&pair.client_ear.closed, &pair.server_ear.closed);
        let came = pair.server_ear.data.get(&id).map(Vec::len);
        assert!(is_done, "{came:?} bytes at {:?}, closed: {closed:?}", pair.now);
        assert!(pair.server_ear.data[&id] == body);
    }
}

#[test]
fn a_connection_that_nobody_uses_ends_by_itself() {
    let mut pair = Pair::new();
    pair.confirm();
    pair.run(|_| false);
    assert_eq!(pair.client_ear.closed, [Closed::Idle]);
    assert_eq!(pair.server_ear.closed, [Closed::Idle]);
    assert!(pair.client.is_over() && pair.server().is_over());
}

#[test]
fn who_closes_is_heard() {
    let mut pair = Pair::new();
    pair.confirm();
    let now = pair.now;
    pair.client.close(now, 7, b"enough");
    pair.run(|_| false);
    let peer = Closed::Peer { code: 7, frame_type: None, reason: b"enough".to_vec() };
    assert_eq!(pair.server_ear.closed, [peer]);
    assert!(pair.client.is_over() && pair.server().is_over());
}

#[test]
fn a_server_goes_on_in_the_version_that_it_prefers() {
    let server = Options { versions: vec![&VERSION_2, &VERSION_1], ..Options::default() };
    let mut pair = Pair::of(Setting { server, ..Setting::default() });
    pair.confirm();
    assert_eq!(pair.client.version(), &VERSION_2);
    assert_eq!(pair.server().version(), &VERSION_2);
}

#[test]
fn keys_are_updated_by_either_side() {
    let mut pair = Pair::new();
    pair.confirm();
    for round in 0..4 {
        pair.run(|pair| pair.client.keys_settle_at.is_none() && pair.server().keys_settle_at.is_none());
        let now = pair.now;
        let side = if round % 2 == 0 { &mut pair.client } else { pair.server.as_mut().unwrap() };
        assert_eq!(side.update_keys(now), Ok(()), "round {round}");
        side.ping();
        let is_followed = |connection: &mut Connection| connection.keys.phases().unwrap().updates() > round;
        assert!(pair.run(|pair| is_followed(&mut pair.client) && is_followed(pair.server())));
        pair.server().ping();
        let id = pair.say(b"under new keys");
        assert!(pair.run(|pair| pair.server_ear.finished.contains(&id)), "{:?}", pair.server_ear.closed);
    }
    assert!(pair.client_ear.closed.is_empty());
    assert_eq!(pair.client.keys.phases().unwrap().updates(), 4);
}

#[test]
fn a_client_behind_another_port_is_followed() {
    let mut pair = Pair::new();
    pair.confirm();
    pair.nat = Some("192.0.2.1:5000".parse().unwrap());
    let id = pair.say(b"from elsewhere");
    assert!(pair.run(|pair| pair.server_ear.finished.contains(&id)));
    assert!(pair.run(|pair| pair.server_ear.heard("validated: 1")));
    assert!(pair.server_ear.heard("moved: Rebinding"), "{:?}", pair.server_ear.names);
    pair.server().write(id, crate::streams::Chunk::Owned(vec![1; 100_000])).unwrap();
    pair.server().finish(id).unwrap();
    assert!(pair.run(|pair| pair.client_ear.finished.contains(&id)));
}

#[test]
fn datagrams_are_carried_to_who_takes_them() {
    let server = Options { max_datagram_frame_bytes: 1_000, ..Options::default() };
    let mut pair = Pair::of(Setting { server, ..Setting::default() });
    pair.confirm();
    pair.client.send_datagram(b"hello".to_vec()).unwrap();
    assert!(pair.client.send_datagram(vec![0; 1_000]).is_err());
    assert!(pair.server().send_datagram(b"nobody".to_vec()).is_err());
    assert!(pair.run(|pair| !pair.server_ear.datagrams.is_empty()));
    assert_eq!(pair.server_ear.datagrams, [b"hello".to_vec()]);
}

#[test]
fn a_server_sends_no_more_than_three_times_what_came() {
    let mut pair = Pair::new();
    let mut from_client = 0;
    pair.fate = Box::new(move |is_client, _, _| {
        from_client += usize::from(is_client);
        !is_client || from_client == 1
    });
    pair.run(|pair| pair.now > sakigake_wire::Instant::from_nanos(20_000_000_000));
    assert!(pair.bytes[1] <= 3 * 1_200, "{} bytes", pair.bytes[1]);
    assert!(pair.bytes[1] > 0);
}

struct Anything;

impl tls::server::AntiReplay for Anything {
    fn is_first(&self, _: u64, _: u64, _: &[u8]) -> bool {
        true
    }
}

/// A connection that goes on from one that has brought a ticket, with `change` made to what the server grants.
fn resumed(change: impl Fn(&mut Options)) -> Pair {
    let key = tls::TicketKey {
        name: [1; 16],
        secret: sakigake_crypto::Secret::filled(32, |out| out.fill(2)),
        from_unix_secs: 0,
        until_unix_secs: u64::MAX,
        opens_until_unix_secs: u64::MAX,
    };
    let ring = tls::KeyRing::new(&PROVIDER.suites[0], vec![key]);
    let server_tls = tls::server::Options {
        tickets: Some(tls::Tickets::new(Arc::new(ring))),
        early_data: Some(tls::server::EarlyDataPolicy::new(Arc::new(Anything))),
        ..pair::server_tls()
    };
    let request = tls::extension::TicketRequest { new_session_count: 1, resumption_count: 1 };
    let client_tls = tls::client::Options { tickets: Some(request), early_data: true, ..pair::client_tls() };
    let setting = |session, server| Setting {
        client_tls: client_tls.clone(),
        server_tls: server_tls.clone(),
        session,
        server,
        ..Setting::default()
    };
    let mut first = Pair::of(setting(None, Options::default()));
    first.confirm();
    assert!(first.run(|pair| pair.client_ear.ticket.is_some()));
    let session = first.client_ear.ticket.take().map(|session| *session);
    let mut server = Options::default();
    change(&mut server);
    Pair::of(setting(session, server))
}

#[test]
fn early_data_arrives_with_the_first_flight() {
    let mut pair = resumed(|_| {});
    let start = pair.now;
    assert!(pair.client.early_data().is_some());
    let id = pair.say(b"GET /early");
    assert!(pair.run(|pair| pair.server_ear.finished.contains(&id)));
    assert_eq!(pair.now.since(start), pair.delay, "half a round trip");
    assert!(!pair.server().is_established());
    pair.confirm();
    assert_eq!(pair.server_ear.data[&id], b"GET /early");
}

#[test]
fn early_data_that_is_refused_leaves_again() {
    let mut pair = resumed(|server| server.limits.streams.bidirectional_streams = 1);
    let id = pair.say(b"GET /early");
    let other = pair.say(b"GET /other");
    assert!(pair.run(|pair| pair.server_ear.finished.contains(&id)));
    assert!(pair.server().is_established(), "not before");
    assert_eq!(pair.server_ear.data[&id], b"GET /early");
    pair.server().finish(id).unwrap();
    assert!(pair.run(|pair| pair.server_ear.finished.contains(&other)), "{:?}", pair.server_ear.closed);
}

#[test]
fn a_handshake_that_loses_each_datagram_once_comes_through() {
    for lost in 0..8 {
        let mut pair = Pair::new();
        pair.fate = Box::new(move |is_client, index, _| index != lost / 2 || is_client != (lost % 2 == 0));
        pair.confirm();
    }
}

#[test]
fn a_handshake_of_seven_days_needs_nothing_but_configuration() {
    let rtt = Span::from_secs(7 * 86_400);
    let patient = Options { initial_rtt: rtt, max_idle_timeout_ms: 0, ..Options::default() };
    let mut setting = Setting { client: patient.clone(), server: patient, ..Setting::default() };
    setting.client_tls.limits.handshake_ms = 100 * 86_400_000;
    setting.server_tls.limits.handshake_ms = 100 * 86_400_000;
    let mut pair = Pair::of(setting);
    pair.delay = rtt.divided(2);
    let start = pair.now;
    pair.confirm();
    let id = pair.say(&[7; 100_000]);
    assert!(pair.run(|pair| pair.server_ear.finished.contains(&id)));
    assert!(pair.now.since(start) <= rtt.times(6), "{}", pair.now.since(start));
}
