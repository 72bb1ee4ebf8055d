//! Handshakes with a peer that keeps to no habit of ours, and datagrams in whatever order.

use super::{
    Anything, Closed, Connection, Options,
    pair::{self, Pair, Setting, addresses},
};
use crate::{
    Fault,
    connection::{Event, Received, carried::Carried, seal::Sealed, spaces::space_of},
    frame::Frame,
    recovery::{Sent, Space, acks::Mark},
    rules::{
        Epoch,
        versions::{VERSION_1, VERSION_2},
    },
    streams::{Chunk, CryptoPiece, Direction},
};
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_tls as tls;
use sakigake_wire::{Instant, Span, Writer};
use std::sync::Arc;

/// A packet as `from` would send it, with these frames.
fn forged(from: &mut Connection, now: Instant, epoch: Epoch, frames: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 1_200];
    let path = from.active_path();
    let mut planned = from.begin_packet(epoch, path, &mut out).expect("there is room");
    let at = planned.draft.payload_at();
    out[at..at + frames.len()].copy_from_slice(frames);
    planned.payload_bytes = frames.len();
    planned.pad(&mut out, if epoch == Epoch::Initial { 1_200 } else { 0 });
    let mut sealed = Sealed::default();
    assert!(from.protect(&mut sealed, &planned, &mut out));
    out.truncate(sealed.len);
    let space = space_of(epoch);
    let (number, bytes) = (planned.draft.number(), sealed.len as u32);
    let carried = Carried::new(space, path);
    let (is_elsewhere, is_marked, is_mtu_probe) = (false, false, false);
    let (elicits_ack, in_flight) = (true, true);
    let sent = Sent { number, bytes, elicits_ack, in_flight, is_elsewhere, is_marked, is_mtu_probe, carried };
    from.recovery.on_sent(now, space, sent);
    out
}

fn crypto(offset: u64, data: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; data.len() + 20];
    let mut out = Writer::new(&mut frame);
    Frame::Crypto(crate::frame::Crypto { offset, data }).write(&mut out).unwrap();
    let len = out.written();
    frame.truncate(len);
    frame
}

/// Hands a datagram to one of the two; what closed it.
fn hand(to: &mut Connection, now: Instant, mut bytes: Vec<u8>) -> Option<Closed> {
    let addresses = if to.side() == crate::rules::Side::Client {
        addresses()
    } else {
        crate::paths::Addresses { local: addresses().peer, peer: addresses().local }
    };
    let mut closed = None;
    let received = Received { bytes: &mut bytes, addresses, mark: Mark::NotEct };
    to.handle(now, received, &mut |event| {
        if let Event::Closed(why) = event {
            closed = Some(why);
        }
    });
    closed
}

/// A server whose flight is out and was lost, and its client that waits for it.
fn after_client_hello() -> Pair {
    let mut pair = Pair::new();
    pair.fate = Box::new(|is_client, _, _| is_client);
    assert!(pair.run(|pair| pair.server.as_ref().is_some_and(|server| server.keys.can_send(Epoch::OneRtt))));
    pair
}

/// A client that is established, all of whose datagrams behind its ClientHello are lost.
fn before_finished(setting: Setting) -> Pair {
    let mut pair = Pair::of(setting);
    pair.fate = Box::new(|is_client, index, _| !is_client || index < 2);
    assert!(pair.run(|pair| pair.client.is_established()));
    pair
}

#[test]
fn the_handshake_alone_leaves_beyond_a_full_window() {
    let mut pair = before_finished(Setting::default());
    let now = pair.now;
    let client = &mut pair.client;
    client.withdraw(now, Space::Handshake); // Finished leaves again.
    client.probes = [0; 3];
    while client.recovery.window_left() > 0 {
        let number = client.recovery.largest_sent(Space::Application).map_or(0, |largest| largest + 1);
        let sent = Sent {
            number,
            bytes: 1_200,
            elicits_ack: true,
            in_flight: true,
            is_elsewhere: false,
            is_marked: false,
            is_mtu_probe: false,
            carried: Carried::new(Space::Application, client.active_path()),
        };
        client.recovery.on_sent(now, Space::Application, sent);
    }
    let id = client.open(Direction::Bidirectional).unwrap();
    client.write(id, Chunk::Owned(vec![7; 5_000])).unwrap();
    let before = [Space::Handshake, Space::Application].map(|space| client.recovery.largest_sent(space));
    assert!(client.wants(Space::Handshake) && client.may_exceed_window());
    let mut out = vec![0; 10_000];
    while client.transmit(now, &mut out).is_some() {}
    let after = [Space::Handshake, Space::Application].map(|space| client.recovery.largest_sent(space));
    assert!(after[0] > before[0], "Finished left");
    assert_eq!(after[1], before[1], "and nothing else");
}

const LATE: Option<Closed> = Some(Closed::Fault(Fault::CryptoBehindKeyChange));

#[test]
fn nothing_comes_at_a_level_that_is_over() {
    // spec: 9001-4.1.3-b
    for ahead in [0, 1, 700] {
        let mut pair = after_client_hello();
        let now = pair.now;
        let end = pair.server().spaces.get(Space::Initial).unwrap().crypto.delivered();
        let datagram = forged(&mut pair.client, now, Epoch::Initial, &crypto(end + ahead, &[1; 9]));
        assert_eq!(hand(pair.server(), now, datagram), LATE, "{ahead} bytes behind the end");
    }
}

#[test]
fn what_was_said_may_be_said_again_at_a_level_that_is_over() {
    let mut pair = after_client_hello();
    let now = pair.now;
    let client = &mut pair.client;
    let mut hello = [0; 100];
    assert!(
        client
            .spaces
            .get(Space::Initial)
            .unwrap()
            .crypto
            .fill(&CryptoPiece { offset: 0, len: 100 }, &mut hello)
    );
    let datagram = forged(client, now, Epoch::Initial, &crypto(0, &hello));
    assert_eq!(hand(pair.server(), now, datagram), None);
}

#[test]
fn nothing_may_be_held_back_at_a_level_that_ends() {
    // spec: 9001-4.1.3-c
    let mut pair = Pair::new();
    pair.fate = Box::new(|is_client, index, _| is_client && index == 0);
    assert!(pair.run(|pair| pair.server.is_some()));
    let now = pair.now;
    // Far behind the ClientHello, whose second part is still to come.
    let datagram = forged(&mut pair.client, now, Epoch::Initial, &crypto(3_000, &[1; 9]));
    assert_eq!(hand(pair.server(), now, datagram), None);
    pair.fate = Box::new(|_, _, _| true);
    let is_over = pair.run(|pair| !pair.server_ear.closed.is_empty() || pair.server().is_established());
    assert!(is_over);
    assert_eq!(pair.server_ear.closed, [LATE.unwrap()]);
}

#[test]
fn packets_that_outrun_the_end_of_the_handshake_are_kept() {
    let mut pair = before_finished(Setting::default());
    let id = pair.client.open(Direction::Bidirectional).unwrap();
    pair.client.write(id, Chunk::Owned(vec![7; 5_000])).unwrap();
    let now = pair.now;
    // What is 1-RTT alone arrives, and Finished does not.
    pair.fate = Box::new(|is_client, _, bytes| !is_client || bytes[0] & 0x80 == 0);
    let soon = now + Span::from_millis(15);
    pair.run(|pair| pair.now >= soon);
    assert!(!pair.server().is_established());
    let kept = pair.server().opening.as_ref().unwrap().early.len();
    assert!(kept > 0, "packets came before their keys");
    // Then it comes, alone.
    pair.fate = Box::new(|is_client, _, bytes| !is_client || bytes[0] & 0xf0 == 0xe0);
    assert!(pair.run(|pair| pair.server().is_established()));
    let received = pair.server().spaces.application.acks.received().iter().count();
    assert!(received > 0, "{kept} packets that were kept have been forgotten");
}

#[test]
fn an_acknowledgement_may_stand_behind_finished() {
    let mut pair = before_finished(Setting::default());
    let now = pair.now;
    let client = &mut pair.client;
    let len = 36; // Finished.
    let mut finished = [0; 36];
    let piece = CryptoPiece { offset: 0, len };
    assert!(client.spaces.get(Space::Handshake).unwrap().crypto.fill(&piece, &mut finished));
    let highest = client.spaces.largest(Space::Handshake).unwrap();
    let ack = [2, highest as u8, 0, 0, 0]; // Of the last packet alone.
    let datagram = forged(client, now, Epoch::Handshake, &[&crypto(0, &finished)[..], &ack].concat());
    assert_eq!(hand(pair.server(), now, datagram), None);
    assert!(pair.server().is_established());
}

/// Two connections: one that brings a ticket, and one that goes on from it.
fn returning(first: [Options; 2], second: [Options; 2]) -> Pair {
    returning_with(first, second, |_| {})
}

/// The same, with `change` made to what the client keeps of the first one.
fn returning_with(first: [Options; 2], second: [Options; 2], change: impl Fn(&mut tls::Session)) -> Pair {
    let key = tls::TicketKey {
        name: [1; 16],
        secret: sakigake_crypto::Secret::filled(32, |out| out.fill(2)),
        from_unix_secs: 0,
        until_unix_secs: u64::MAX,
        opens_until_unix_secs: u64::MAX,
    };
    let ring = Arc::new(tls::KeyRing::new(&PROVIDER.suites[0], vec![key]));
    let setting = |[client, server]: [Options; 2], session| Setting {
        client_tls: tls::client::Options {
            tickets: Some(tls::extension::TicketRequest { new_session_count: 1, resumption_count: 1 }),
            early_data: true,
            ..pair::client_tls()
        },
        server_tls: tls::server::Options {
            tickets: Some(tls::Tickets::new(ring.clone())),
            early_data: Some(tls::server::EarlyDataPolicy::new(Arc::new(Anything))),
            ..pair::server_tls()
        },
        client,
        server,
        session,
        ..Setting::default()
    };
    let mut pair = Pair::of(setting(first, None));
    pair.confirm();
    assert!(pair.run(|pair| pair.client_ear.ticket.is_some()));
    let mut session = *pair.client_ear.ticket.take().unwrap();
    change(&mut session);
    Pair::of(setting(second, Some(session)))
}

fn speaking(versions: Vec<&'static crate::rules::versions::Version>) -> Options {
    Options { versions, ..Options::default() }
}

#[test]
fn early_data_is_read_in_the_version_that_it_was_sent_in() {
    // spec: 9369-4.1-a
    let old = || [Options::default(), speaking(vec![&VERSION_1])];
    let new = [Options::default(), speaking(vec![&VERSION_2, &VERSION_1])];
    let mut pair = returning(old(), new);
    assert!(pair.client.early_data().is_some());
    let id = pair.say(b"GET /early");
    let start = pair.now;
    assert!(pair.run(|pair| pair.server_ear.finished.contains(&id)));
    assert_eq!(pair.server().version(), &VERSION_2);
    assert_eq!(pair.now.since(start), pair.delay, "half a round trip");
}

#[test]
fn a_ticket_is_for_the_version_that_it_came_from() {
    // spec: 9369-5-a
    let of_v2 = || [Options::default(), speaking(vec![&VERSION_2, &VERSION_1])];
    let v1 = [speaking(vec![&VERSION_1]), speaking(vec![&VERSION_1])];
    let pair = returning(of_v2(), v1);
    assert!(pair.client.early_data().is_none(), "the ticket came from version 2");
    // A client begins with the ticket's version where it speaks that.
    for of_client in [vec![&VERSION_2], vec![&VERSION_1, &VERSION_2]] {
        let mut pair = returning(of_v2(), [speaking(of_client), of_v2()[1].clone()]);
        assert_eq!(pair.client.version(), &VERSION_2);
        let id = pair.say(b"GET /early");
        assert!(pair.run(|pair| pair.server_ear.finished.contains(&id)));
        assert!(!pair.server().is_established());
    }
}

#[test]
fn a_server_takes_no_ticket_of_another_version() {
    // spec: 9369-5-b
    let of_v1 = [Options::default(), speaking(vec![&VERSION_1])];
    let v2 = [speaking(vec![&VERSION_2]), speaking(vec![&VERSION_2, &VERSION_1])];
    let mut pair = returning_with(of_v1, v2, |session| {
        // A client that lies to itself about where its ticket came from.
        let mut kept = session.transport().unwrap().to_vec();
        kept[..4].copy_from_slice(&VERSION_2.number.to_be_bytes());
        session.set_transport(kept).unwrap();
    });
    assert!(pair.client.early_data().is_some());
    let id = pair.say(b"GET /early");
    assert!(pair.run(|pair| pair.server_ear.finished.contains(&id)));
    assert!(pair.server().is_established(), "not before");
    let is_resumed = pair.client_ear.negotiated.as_ref().map(|negotiated| negotiated.is_resumed);
    assert_eq!(is_resumed, Some(false));
}

#[test]
fn a_server_reads_initial_packets_in_the_version_that_it_chose() {
    // spec: 9369-4.1-b
    let mut pair = Pair::of(Setting { server: speaking(vec![&VERSION_2, &VERSION_1]), ..Setting::default() });
    // Of the client's answers nothing arrives, so that the server's Initial keys stay.
    pair.fate = Box::new(|is_client, index, _| !is_client || index < 2);
    assert!(pair.run(|pair| pair.client.version() == &VERSION_2));
    let now = pair.now;
    let Pair { client, server, .. } = &mut pair;
    let server = server.as_mut().unwrap();
    if !client.keys.can_send(Epoch::Initial) {
        let keyed_by = client.opening.as_ref().unwrap().keyed_by;
        client.keys.begin(&VERSION_2, keyed_by.as_ref());
    }
    let datagram = forged(client, now, Epoch::Initial, &[2, 0, 0, 0, 0]);
    assert_eq!(hand(server, now, datagram), None);
    assert_eq!(server.recovery.largest_acked(Space::Initial), Some(0));
}

#[test]
fn early_data_that_was_refused_takes_no_room_of_what_outruns_the_handshake() {
    let refusing = Options {
        limits: crate::connection::Limits {
            streams: crate::streams::Limits { bidirectional_streams: 1, ..Default::default() },
            ..Default::default()
        },
        ..Options::default()
    };
    let mut pair = returning([Options::default(), Options::default()], [Options::default(), refusing]);
    let id = pair.client.open(Direction::Bidirectional).unwrap();
    pair.client.write(id, Chunk::Owned(vec![7; 10_000])).unwrap();
    pair.fate = Box::new(|is_client, _, _| is_client);
    let soon = pair.now + Span::from_millis(15);
    pair.run(|pair| pair.now >= soon);
    assert!(pair.server().keys.can_send(Epoch::OneRtt), "it was refused by now");
    assert_eq!(pair.server().opening.as_ref().unwrap().early.len(), 0);
}

#[test]
fn early_data_keeps_to_the_limits_that_were_remembered() {
    // spec: 9000-7.4.1-p
    let small = || {
        let streams = crate::streams::Limits {
            initial_connection_window_bytes: 2_000,
            initial_stream_window_bytes: 2_000,
            ..Default::default()
        };
        Options { limits: crate::connection::Limits { streams, ..Default::default() }, ..Options::default() }
    };
    let mut pair = returning([Options::default(), small()], [Options::default(), Options::default()]);
    let id = pair.client.open(Direction::Bidirectional).unwrap();
    pair.client.write(id, Chunk::Owned(vec![7; 5_000])).unwrap();
    pair.fate = Box::new(|is_client, _, _| is_client);
    assert!(pair.run(|pair| pair.server.as_ref().is_some_and(|server| server.keys.can_send(Epoch::OneRtt))));
    let now = pair.now;
    let Pair { client, server, .. } = &mut pair;
    let server = server.as_mut().unwrap();
    // The ServerHello, and of the rest EncryptedExtensions alone: the server splits its flight as it likes.
    let read = |server: &Connection, space, len| {
        let mut bytes = vec![0; len];
        let piece = CryptoPiece { offset: 0, len: len as u64 };
        assert!(server.spaces.get(space).unwrap().crypto.fill(&piece, &mut bytes));
        bytes
    };
    let message = |server: &Connection, space| {
        let head = read(server, space, 4);
        read(server, space, 4 + usize::from(u16::from_be_bytes([head[2], head[3]])))
    };
    let hello = message(server, Space::Initial);
    let split = hello.len() / 2;
    for (offset, part) in [(0, &hello[..split]), (split, &hello[split..])] {
        let datagram = forged(server, now, Epoch::Initial, &crypto(offset as u64, part));
        assert_eq!(hand(client, now, datagram), None);
    }
    let extensions = message(server, Space::Handshake);
    let datagram = forged(server, now, Epoch::Handshake, &crypto(0, &extensions));
    assert_eq!(hand(client, now, datagram), None);
    assert!(client.peer_parameters().is_some() && client.keys.can_send(Epoch::ZeroRtt));
    let mut out = vec![0; 65_535];
    let mut left = 0;
    while let Some(transmit) = client.transmit(now, &mut out) {
        left += transmit.len;
    }
    assert!(left < 2_500, "{left} bytes: data beyond what was remembered left early");
}

#[test]
fn early_data_that_was_overtaken_is_read_for_a_while() {
    // spec: 9001-4.9.3-b
    for waits in [false, true] {
        let mut pair =
            returning([Options::default(), Options::default()], [Options::default(), Options::default()]);
        let now = pair.now;
        let late = forged(&mut pair.client, now, Epoch::ZeroRtt, &[1]);
        let number = pair.client.recovery.largest_sent(Space::Application).unwrap();
        pair.confirm();
        if waits {
            let until = pair.now + Span::from_secs(5);
            pair.run(|pair| pair.now >= until);
        }
        let now = pair.now;
        assert_eq!(hand(pair.server(), now, late), None);
        assert_eq!(pair.server().spaces.application.acks.is_duplicate(number), !waits);
    }
}

/// All bytes that one side has to say in a space.
fn said(by: &Connection, space: Space) -> Vec<u8> {
    let stream = &by.spaces.get(space).unwrap().crypto;
    let mut bytes = Vec::new();
    for offset in 0.. {
        let mut byte = [0];
        if !stream.fill(&CryptoPiece { offset, len: 1 }, &mut byte) {
            return bytes;
        }
        bytes.extend(byte);
    }
    unreachable!("it ends")
}

#[test]
fn handshake_bytes_come_in_any_order() {
    for (seed, piece) in [(1, 37), (2, 100), (3, 1), (4, 400)] {
        let mut pair = Pair::new();
        pair.fate = Box::new(|_, _, _| false);
        let now = pair.now;
        // The server exists from the first packet on, whatever is in it.
        pair.fate = Box::new(|is_client, index, _| is_client && index == 0);
        assert!(pair.run(|pair| pair.server.is_some()));
        let Pair { client, server, .. } = &mut pair;
        let server = server.as_mut().unwrap();
        scatter(client, server, now, Space::Initial, piece, seed);
        assert!(server.keys.can_send(Epoch::OneRtt), "pieces of {piece}");
        for space in [Space::Initial, Space::Handshake] {
            scatter(server, client, now, space, piece, seed);
        }
        assert!(client.is_established(), "pieces of {piece}");
        scatter(client, server, now, Space::Handshake, piece, seed);
        assert!(server.is_established(), "pieces of {piece}");
    }
}

/// All that is said in a space, in pieces that come in another order, some of them twice and overlapping.
fn scatter(from: &mut Connection, to: &mut Connection, now: Instant, space: Space, piece: usize, seed: u64) {
    let epoch = if space == Space::Initial { Epoch::Initial } else { Epoch::Handshake };
    let bytes = said(from, space);
    let mut offsets: Vec<usize> = (0..bytes.len()).step_by(piece).collect();
    offsets.sort_by_key(|offset| (*offset as u64 + seed).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(21));
    for offset in offsets {
        let end = bytes.len().min(offset + piece + piece / 3);
        let datagram = forged(from, now, epoch, &crypto(offset as u64, &bytes[offset..end]));
        assert_eq!(hand(to, now, datagram), None, "{epoch:?} at {offset} of {}", bytes.len());
    }
}

#[test]
fn a_hello_retry_request_refuses_early_data_and_the_rest_goes_on() {
    for is_early in [false, true] {
        let mut pair = returning_with(
            [Options::default(), Options::default()],
            [Options::default(), Options::default()],
            |_| {},
        );
        pair.demand_group(0x0018);
        let id = is_early.then(|| pair.say(b"GET /early"));
        pair.confirm();
        let id = id.unwrap_or_else(|| pair.say(b"GET /early"));
        assert!(pair.run(|pair| pair.server_ear.finished.contains(&id)));
        assert_eq!(pair.server_ear.data[&id], b"GET /early");
        let negotiated = pair.client_ear.negotiated.as_ref().unwrap();
        assert_eq!(negotiated.group, 0x0018);
        assert!(negotiated.is_resumed);
        assert_eq!(negotiated.early_data, tls::EarlyData::Rejected);
    }
}

#[test]
fn a_retry_does_not_refuse_early_data() {
    let defaults = || [Options::default(), Options::default()];
    let mut pair = returning(defaults(), defaults());
    pair.retry = Some(b"a token".to_vec());
    let id = pair.say(b"GET /early");
    assert!(pair.run(|pair| pair.server_ear.finished.contains(&id)));
    assert!(!pair.server().is_established(), "it came early");
    pair.confirm();
    assert_eq!(pair.server_ear.data[&id], b"GET /early");
}

#[test]
fn an_owner_takes_its_time_with_the_certificate() {
    let mut setting = Setting::default();
    let credential = setting.server_tls.credentials.remove(0);
    setting.server_tls.ask_certificate = true;
    let mut pair = Pair::of(setting);
    assert!(pair.run(|pair| pair.server_ear.names.iter().any(|name| name.starts_with("Wanted"))));
    let later = pair.now + Span::from_millis(700);
    pair.run(|pair| pair.now >= later);
    assert!(!pair.server().keys.can_send(Epoch::Handshake) && pair.server_ear.closed.is_empty());
    let now = pair.now;
    let answer = tls::Answer::Certificate(Some(credential));
    let mut closed = 0;
    pair.server().answer(now, answer, &mut |event| closed += usize::from(matches!(event, Event::Closed(_))));
    assert_eq!(closed, 0);
    pair.confirm();
}

/// The server's datagrams of these indexes are lost; how long the handshake takes.
fn takes_without(lost: &'static [usize]) -> (Span, Pair) {
    let mut pair = Pair::new();
    pair.fate = Box::new(move |is_client, index, _| is_client || !lost.contains(&index));
    let start = pair.now;
    pair.confirm();
    (pair.now.since(start), pair)
}

#[test]
fn a_client_that_has_missed_server_hello_says_so_at_once() {
    // spec: 9002-6.2.3-b
    let (smooth, pair) = takes_without(&[]);
    let sent = pair.sent;
    let (slow, pair) = takes_without(&[0]); // What comes behind it is for keys that it brings.
    assert!(slow <= smooth + pair.delay.times(3), "{slow:?} instead of {smooth:?}");
    assert!(pair.sent[0] + pair.sent[1] <= sent[0] + sent[1] + 4, "{:?} instead of {sent:?}", pair.sent);
}

#[test]
fn a_server_answers_again_whoever_has_not_heard_it() {
    // spec: 9002-6.2.3-a
    // ClientHello's second datagram comes late. Its first one is acknowledged, so that the client knows the round trip; the
    // server, whose answer is lost, does not.
    let without = |lost: fn(usize) -> bool| {
        let mut pair = Pair::new();
        pair.fate = Box::new(move |is_client, index, _| if is_client { index != 1 } else { !lost(index) });
        pair
    };
    let mut pair = without(|index| [1, 2].contains(&index));
    let start = pair.now;
    pair.confirm();
    assert!(pair.now.since(start) < Span::from_millis(600), "{:?}", pair.now.since(start));
    // Who asks again and again is answered a few times.
    let mut pair = without(|index| index > 0);
    let end = pair.now + Span::from_secs(20);
    pair.run(|pair| pair.now >= end);
    assert!(pair.sent[1] < 60, "{} datagrams", pair.sent[1]);
}
