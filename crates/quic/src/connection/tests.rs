//! Stories of a client and a server.

mod frequency;
mod handshake;
mod hostile;
mod keys;
mod pair;
mod paths;
mod traced;

use super::{
    Carried, Closed, Connection, Options, Received, Refused, begin,
    carried::{Sent, Settlement},
};
use crate::{
    frame::{EcnCounts, write_ack},
    packet::{self, Door, Draft, FixedBit, Header, Long, Number},
    paths::Addresses,
    recovery::{Fate, Space, acks::Mark, congestion::Algorithm},
    rules::{
        Epoch, Side,
        versions::{LongType, VERSION_1, VERSION_2},
    },
};
use pair::{Pair, Setting};
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_tls as tls;
use sakigake_wire::{Instant, Span, Writer};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
};

/// What a server knows of packets.
const DOOR: Door = Door { side: Side::Server, id_bytes: 8, fixed_bit: FixedBit::Required };

#[test]
fn a_handshake_is_confirmed_within_two_round_trips() {
    // spec: 9001-4.1.2-a 9001-4.1.2-b 9001-4.9.2-a
    let mut pair = Pair::new();
    let start = pair.now;
    pair.confirm();
    assert!(pair.now.since(start) <= Span::from_millis(40), "{}", pair.now.since(start));
    assert!(pair.client_ear.heard("established") && pair.server_ear.heard("established"));
    assert!(pair.client_ear.closed.is_empty() && pair.server_ear.closed.is_empty());
    for side in [&pair.client, pair.server.as_ref().unwrap()] {
        let handshake = [Epoch::Initial, Epoch::Handshake];
        assert!(
            handshake.into_iter().all(|epoch| !side.keys.can_send(epoch) && !side.keys.can_receive(epoch))
        );
    }
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
    // spec: 9000-10.1-e
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
        pair.run(|pair| {
            pair.client.key_times.settle_at.is_none() && pair.server().key_times.settle_at.is_none()
        });
        let rests = [pair.client.key_times.rest_until, pair.server().key_times.rest_until];
        pair.now = rests.into_iter().flatten().fold(pair.now, Instant::max);
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
    // spec: 9221-3-d
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
    pair.run(|pair| pair.now > Instant::from_nanos(20_000_000_000));
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
    // spec: 9001-4.6.2-a
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
    // spec: 9000-13.3-e
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

#[test]
fn a_server_needs_no_initial_keys_once_it_has_a_handshake_packet() {
    // spec: 9001-4.9.1-a
    let mut first = 0;
    for lost in 1..4 {
        // Where a part of the server's flight is lost the client acknowledges the rest before it can finish.
        let mut pair = Pair::new();
        pair.fate = Box::new(move |is_client, index, _| is_client || index != lost);
        let is_done = pair.run(|pair| {
            let Some(server) = &pair.server else { return false };
            let handshake = server.spaces.get(Space::Handshake);
            if handshake.is_some_and(|space| !space.acks.received().is_empty()) && !server.is_established() {
                assert!(!server.keys.can_send(Epoch::Initial), "datagram {lost} was lost");
                first += 1;
            }
            server.is_established()
        });
        assert!(is_done);
    }
    assert!(first > 0, "the first Handshake packet has always finished the handshake");
}

#[test]
fn initial_keys_go_with_the_first_handshake_packet() {
    // spec: 9001-4.9.1-a 9001-4.9.1-b
    let mut pair = Pair::new();
    assert!(pair.run(|pair| pair.client.keys.can_send(Epoch::Handshake) || pair.client.is_established()));
    pair.run(|pair| pair.sent[0] > 1);
    assert!(!pair.client.keys.can_send(Epoch::Initial), "the client has sent Handshake packets");
    assert!(pair.server().keys.can_send(Epoch::Initial), "the server has seen none");
    assert!(pair.run(|pair| pair.server().is_established()));
    assert!(!pair.server().keys.can_send(Epoch::Initial));
}

#[test]
fn who_hears_that_it_is_over_says_nothing_more() {
    // spec: 9000-10.2.2-a
    let mut pair = Pair::new();
    pair.confirm();
    let now = pair.now;
    pair.client.close(now, 7, b"");
    assert!(pair.run(|pair| !pair.server_ear.closed.is_empty()));
    let (sent, server) = (pair.sent[1], pair.server());
    server.ping();
    assert!(!server.is_over());
    pair.run(|_| false);
    assert_eq!(pair.sent[1], sent);
}

#[test]
fn who_is_reset_says_nothing_more() {
    // spec: 9000-10.3.1-d
    let mut pair = Pair::new();
    pair.confirm();
    let path = pair.client.active_path();
    let id = pair.client.theirs.of(path).unwrap();
    let token = pair.server().reset_key.token(id.as_ref());
    let mut bytes = [&[0x41; 30][..], &token.bytes()[..]].concat();
    let sent = pair.sent[0];
    pair.hand_to_client(&mut bytes);
    assert_eq!(pair.client_ear.closed, [Closed::Reset]);
    assert!(!pair.client.is_over());
    pair.client.ping();
    pair.run(|_| false);
    assert_eq!(pair.sent[0], sent);
}

#[test]
fn a_client_asks_a_silent_server_in_full_datagrams() {
    // spec: 9000-8.1-c
    let mut pair = Pair::new();
    pair.fate = Box::new(|is_client, _, bytes| {
        assert!(!is_client || bytes.len() >= 1_200, "{}", bytes.len());
        is_client
    });
    assert!(pair.run(|pair| pair.sent[0] >= 8));
}

#[test]
fn who_closes_or_hears_so_keeps_nothing_that_it_had_to_say() {
    let mut pair = Pair::new();
    pair.confirm();
    pair.fate = Box::new(|_, _, _| false);
    pair.say(&[7; 100_000]);
    let id = pair.server().open(crate::streams::Direction::Unidirectional).unwrap();
    pair.server().write(id, crate::streams::Chunk::Owned(vec![7; 100_000])).unwrap();
    let now = pair.now;
    pair.run(|pair| pair.now > now);
    let is_bare = |side: &Connection| {
        let waiting = side.recovery.outstanding(crate::recovery::Space::Application).count();
        (side.streams.is_empty(), waiting, side.recovery.bytes_in_flight(), side.is_over())
            == (true, 0, 0, false)
    };
    assert!(!is_bare(&pair.client) && !is_bare(pair.server()));
    pair.fate = Box::new(|_, _, _| true);
    let now = pair.now;
    pair.client.close(now, 7, b"");
    assert!(is_bare(&pair.client));
    assert!(pair.run(|pair| !pair.server_ear.closed.is_empty()));
    assert!(is_bare(pair.server()));
}

#[test]
fn datagrams_of_the_handshake_are_expanded() {
    // spec: 9000-14.1-c 9000-14.1-a
    for (is_client, least) in [(true, 1_200), (false, 1_200)] {
        let mut pair = Pair::new();
        let initials = Rc::new(Cell::new(0));
        let seen = Rc::clone(&initials);
        pair.fate = Box::new(move |of_client, _, bytes| {
            let is_initial = bytes[0] & 0xf0 == 0xc0;
            if is_initial && of_client == is_client {
                seen.set(seen.get() + 1);
                assert!(bytes.len() >= least, "{}", bytes.len());
            }
            true
        });
        pair.confirm();
        assert!(initials.get() > 0);
    }
    let mut pair = Pair::new();
    // A byte that belongs to no packet was cut off: what is left is genuine, but too short.
    pair.fate = Box::new(|is_client, index, bytes| {
        bytes.truncate(if is_client && index < 2 { 1_199 } else { bytes.len() });
        true
    });
    pair.run(|pair| pair.now > Instant::from_nanos(1_100_000_000));
    assert_eq!(pair.sent[1], 0);
}

#[test]
fn a_client_shows_the_token_of_a_retry() {
    // spec: 9000-17.2.5.3-a 9000-7.2-a 9000-7.2-c 9000-8.1.2-a 9000-8.1.3-a
    /// Datagrams of a ClientHello with X25519MLKEM768.
    const FIRST_FLIGHT: usize = 2;
    let mut pair = Pair::new();
    pair.retry = Some(b"a token".to_vec());
    let tokens = Rc::new(Cell::new(0));
    let seen = Rc::clone(&tokens);
    pair.fate = Box::new(move |is_client, index, bytes| {
        if let Ok(packet) = packet::parse(bytes, &DOOR)
            && let Header::Initial { token, dcid, .. } = packet.header
            && is_client
        {
            assert!(dcid.len() >= 8);
            assert_eq!(token, if index < FIRST_FLIGHT { &b""[..] } else { b"a token" });
            seen.set(seen.get() + usize::from(index >= FIRST_FLIGHT));
        }
        true
    });
    pair.confirm();
    assert!(tokens.get() > 0);
    assert!(pair.client_ear.token.is_empty(), "it is for this connection alone");
}

#[test]
fn version_negotiation_counts_where_it_is_honest() {
    // spec: 9000-6.2-a 9000-6.2-b
    let offer = |versions: &[u32], has_heard: bool| {
        let mut pair = Pair::new();
        let mut first = vec![0; 1_500];
        let now = pair.now;
        let sent = pair.client.transmit(now, &mut first).unwrap();
        let ids = match packet::parse(&first[..sent.segment_bytes], &DOOR).unwrap().header {
            Header::Initial { dcid, scid, .. } => (dcid.to_vec(), scid.to_vec()),
            other => panic!("{other:?}"),
        };
        if has_heard {
            pair.client.opening.as_mut().unwrap().peer_source = Some(crate::ids::ConnectionId::EMPTY);
        }
        let mut packet = [0; 100];
        let mut out = Writer::new(&mut packet);
        packet::version::write(&mut out, &ids.0, &ids.1, versions, 7).unwrap();
        let len = out.written();
        pair.hand_to_client(&mut packet[..len]);
        (pair.client_ear.versions.clone(), pair.client.is_over())
    };
    assert_eq!(offer(&[0x1a2a_3a4a, VERSION_2.number], false), (vec![VERSION_2.number], true));
    assert_eq!(offer(&[VERSION_2.number], true), (vec![], false));
    assert_eq!(offer(&[VERSION_2.number, VERSION_1.number], false), (vec![], false));
}

#[test]
fn packets_of_another_source_are_dropped() {
    // spec: 9000-7.2-b
    let mut pair = Pair::new();
    let spoiled = Rc::new(Cell::new(0));
    let count = Rc::clone(&spoiled);
    pair.fate = Box::new(move |is_client, index, bytes| {
        // The Source Connection ID's last byte, behind the first byte, the version and the client's id of 8 bytes.
        if !is_client && index == 0 {
            bytes[1 + 4 + 1 + 8 + 1 + 7] ^= 1;
            count.set(count.get() + 1);
        }
        true
    });
    pair.confirm();
    assert_eq!(spoiled.get(), 1);
    // What it does not authenticate it does not believe: the server's id is the one of the packet that opened.
    assert!(pair.client_ear.closed.is_empty());
}

#[test]
fn one_datagram_more_than_the_queue_holds_is_refused() {
    let takes = Options { max_datagram_frame_bytes: 1_000, ..Options::default() };
    let mut client = takes.clone();
    client.limits.datagram_queue_bytes = 100;
    let mut pair = Pair::of(Setting { client, server: takes, ..Setting::default() });
    pair.confirm();
    assert_eq!(pair.client.send_datagram(vec![0; 99]), Ok(()));
    assert_eq!(pair.client.send_datagram(vec![0; 2]), Err(Refused::Full));
    assert_eq!(pair.client.send_datagram(vec![0; 1]), Ok(()));
}

#[test]
fn one_early_packet_more_than_is_kept_is_dropped() {
    for (early_packets, kept) in [(0, 0), (2, 2), (100, 3)] {
        let mut server = Options::default();
        server.limits.early_packets = early_packets;
        let mut pair = Pair::of(Setting { server, ..Setting::default() });
        pair.run(|pair| pair.server.is_some());
        let now = pair.now;
        let server = pair.server();
        for number in 0..3_u8 {
            let mut packet = [&[0x40 | number][..], &[0x5e; 8], &[0; 30]].concat();
            let Addresses { local, peer } = pair::addresses();
            let addresses = Addresses { local: peer, peer: local };
            let received = Received { bytes: &mut packet, addresses, mark: Mark::NotEct };
            server.handle(now, received, &mut |_| {});
        }
        assert_eq!(server.opening.as_ref().unwrap().early.len(), kept, "of {early_packets}");
    }
}

#[test]
fn what_is_worth_a_datagram_holds_the_longest_acknowledgement_of_one_range() {
    let mut datagram = [0; super::budget::LEAST_DATAGRAM_BYTES];
    let kind = LongType::Handshake;
    let header = Long { version: &VERSION_1, kind, dcid: &[1; 20], scid: &[2; 20], token: &[] };
    let draft = Draft::long(&mut Writer::new(&mut datagram), &header, Number::with_len(1, 4).unwrap());
    let draft = draft.expect("the header has room");
    let most = draft.most_payload(datagram.len());
    let mut payload = Writer::new(&mut datagram[draft.payload_at()..][..most]);
    let (largest, count) = ((1 << 62) - 1, 1 << 61);
    let counts = EcnCounts { ect0: count, ect1: count, ce: count };
    let written = write_ack(&mut payload, core::iter::once(1..largest + 1), largest, Some(counts));
    assert!(matches!(written, Ok(Some(_))), "{written:?}");
}

#[test]
fn a_token_is_shown_in_its_own_version_alone() {
    // spec: 9369-5-d
    for (version, shown) in [(&VERSION_1, &b"a token"[..]), (&VERSION_2, b"")] {
        let token = begin::kept_token(version, b"a token");
        let mut pair = Pair::of(Setting { token, ..Setting::default() });
        let (now, mut out) = (pair.now, [0; 1_500]);
        let sent = pair.client.transmit(now, &mut out).unwrap();
        let door = Door { side: Side::Server, id_bytes: 8, fixed_bit: FixedBit::Ignored };
        let packet = packet::parse(&out[..sent.len], &door).unwrap();
        assert!(
            matches!(packet.header, Header::Initial { version, token, .. } if token == shown && *version == VERSION_1)
        );
    }
}

#[test]
fn one_byte_of_token_more_than_is_kept_ends_nothing() {
    for (token_bytes, is_shown) in [(7, true), (6, false)] {
        let mut client = Options::default();
        client.limits.token_bytes = token_bytes;
        let mut pair = Pair::of(Setting { client, ..Setting::default() });
        pair.retry = Some(b"a token".to_vec());
        assert_eq!(pair.run(|pair| pair.client.is_confirmed()), is_shown);
    }
}

#[test]
fn a_probe_carries_what_was_not_acknowledged() {
    // spec: 9002-6.2.4-b
    let mut pair = Pair::new();
    pair.confirm();
    pair.run(|pair| {
        pair.client.recovery.bytes_in_flight() == 0 && pair.server().recovery.bytes_in_flight() == 0
    });
    let (before, probed) = (pair.sent[0], Rc::new(Cell::new(0)));
    let seen = Rc::clone(&probed);
    pair.fate = Box::new(move |is_client, index, bytes| {
        seen.set(if is_client && index > before { bytes.len() } else { seen.get() });
        !(is_client && index == before)
    });
    let id = pair.say(&[5; 500]);
    assert!(pair.run(|pair| pair.server_ear.finished.contains(&id)));
    assert!(probed.get() > 500, "{} bytes", probed.get());
}

#[test]
fn a_probe_that_has_nothing_to_say_is_alone() {
    let mut pair = Pair::new();
    pair.confirm();
    pair.run(|pair| {
        pair.client.recovery.bytes_in_flight() == 0 && pair.server().recovery.bytes_in_flight() == 0
    });
    // Two leave in a burst where there are two, and the last of a burst is always lost.
    let (before, probes) = (pair.sent[0], Rc::new(Cell::new(0)));
    let seen = Rc::clone(&probes);
    pair.fate = Box::new(move |is_client, index, _| {
        seen.set(seen.get() + usize::from(is_client && index > before));
        !is_client || index.wrapping_sub(before) % 2 == 1
    });
    pair.client.ping();
    pair.run(|pair| pair.client.deadline().is_none_or(|at| at.since(pair.now) > Span::from_secs(5)));
    assert_eq!((probes.get(), pair.client.recovery.bytes_in_flight()), (1, 0));
}

#[test]
fn both_probes_carry_what_was_not_acknowledged() {
    // spec: 9002-6.2.4-b
    let mut pair = Pair::new();
    pair.confirm();
    pair.run(|pair| {
        pair.client.recovery.bytes_in_flight() == 0 && pair.server().recovery.bytes_in_flight() == 0
    });
    let (before, probes) = (pair.sent[0], Rc::new(RefCell::new(Vec::new())));
    let seen = Rc::clone(&probes);
    pair.fate = Box::new(move |is_client, index, bytes| {
        if is_client && index > before {
            seen.borrow_mut().push(bytes.len());
        }
        !is_client || index > before
    });
    let (now, mut out) = (pair.now, vec![0; 1_500]);
    let first = pair.say(&[5; 300]);
    while pair.client.transmit(now, &mut out).is_some() {} // Lost, as the next one is.
    let ids = [first, pair.say(&[6; 300])];
    assert!(pair.run(|pair| ids.iter().all(|id| pair.server_ear.finished.contains(id))));
    let first: Vec<usize> = probes.borrow().iter().copied().take(2).collect();
    assert!(first.len() == 2 && first.iter().all(|bytes| *bytes > 300), "{first:?}");
}

#[test]
fn a_token_that_was_believed_lost_and_came_all_the_same_is_not_sent_again() {
    let mut pair = Pair::new();
    pair.confirm();
    let path = pair.server().active_path();
    let Connection { spaces, streams, issued, theirs, once, asked, .. } = pair.server();
    once.token = b"a token".to_vec();
    let heard = |_: crate::streams::Heard<'_>| {};
    let mut settlement = Settlement { spaces, streams, issued, received: theirs, once, asked, heard };
    let mut carried = Carried::new(Space::Application, path);
    carried.push(Sent::NewToken);
    settlement.settle(&Fate::Lost(&carried));
    assert!(settlement.once.new_token);
    settlement.settle(&Fate::Late(carried));
    assert!(!settlement.once.new_token, "its token is gone, and an empty one is a fault");
}

#[test]
fn who_has_nothing_to_say_looks_for_no_larger_datagrams() {
    let quiet = Options { max_idle_timeout_ms: 2 * 600_000, ..Options::default() };
    let mut pair = Pair::of(Setting { client: quiet.clone(), server: quiet, ..Setting::default() });
    pair.fate = Box::new(|_, _, bytes| bytes.len() <= 1_300);
    pair.confirm();
    let id = pair.say(&[5; 50_000]);
    assert!(pair.run(|pair| pair.server_ear.finished.contains(&id)));
    let end = pair.now + Span::from_secs(1_300);
    pair.run(|_| false);
    assert_eq!(pair.client_ear.closed, [Closed::Idle]);
    assert!(pair.now < end, "{:?}", pair.now);
}

#[test]
fn a_first_packet_that_was_changed_on_its_way_binds_a_server_to_nothing() {
    let mut pair = Pair::new();
    pair.fate = Box::new(|is_client, index, bytes| {
        // The client's own id, behind the first byte, the version and the id of 16 bytes that it made up.
        bytes[1 + 4 + 1 + 16 + 1] ^= u8::from(is_client && index == 0);
        true
    });
    pair.confirm();
}
