//! A peer that holds the right keys and means no good, and those on the way who hold none.

use super::{
    DOOR,
    pair::{Pair, Setting, addresses},
    resumed,
};
use crate::{
    connection::{
        Closed, Connection, Options,
        budget::{Allowance, Budget},
    },
    ids::{ConnectionId, Fresh, ResetToken},
    packet::{self, Header},
    paths::{Addresses, Mtu, PathId},
    recovery::Space,
    rules::{Epoch, FRAMES, Side, frames, versions::VERSION_1, versions::VERSION_2},
};
use sakigake_wire::Instant;

/// A datagram of one packet with these frames, whatever they are, under the real keys of `sinner`.
pub(super) fn forged(sinner: &mut Connection, now: Instant, epoch: Epoch, frames: &[u8]) -> Vec<u8> {
    let mut out = vec![0; usize::from(Mtu::BASE_BYTES)];
    let len = sinner.send_raw(now, epoch, frames, &mut out).expect("there are keys, a number and an id");
    out.truncate(len);
    out
}

impl Pair {
    /// `sender` says these frames, and the other side hears them at once.
    fn sin(&mut self, sender: Side, epoch: Epoch, frames: &[u8]) {
        let now = self.now;
        match sender {
            Side::Client => {
                let mut bytes = forged(&mut self.client, now, epoch, frames);
                self.hand_to_server(&mut bytes, addresses().local);
            }
            Side::Server => {
                let mut bytes = forged(self.server(), now, epoch, frames);
                self.hand_to_client(&mut bytes);
            }
        }
    }

    /// How far it has to come for both sides to have keys of `epoch`.
    fn reach(&mut self, epoch: Epoch) {
        let is_there = match epoch {
            Epoch::Initial | Epoch::ZeroRtt => self.run(|pair| pair.server.is_some()),
            Epoch::Handshake => self.run(|pair| pair.client.keys.can_send(Epoch::Handshake)),
            Epoch::OneRtt => {
                self.confirm();
                true
            }
        };
        assert!(is_there);
    }

    /// What the sinner is told: code and frame type.
    fn verdict(&mut self, sinner: Side) -> Option<(u64, Option<u64>)> {
        self.run(|_| false);
        let ear = if sinner == Side::Client { &self.client_ear } else { &self.server_ear };
        match ear.closed.first()? {
            Closed::Peer { code, frame_type, .. } => Some((*code, *frame_type)),
            _ => None,
        }
    }
}

/// Whoever drives `connection` as its contract says is not called again and again for nothing.
fn assert_no_spin(connection: &mut Connection, mut now: Instant) {
    let mut out = vec![0; 1_500];
    let mut stuck = 0;
    for _ in 0..200 {
        while connection.transmit(now, &mut out).is_some() {}
        let Some(deadline) = connection.deadline() else { return };
        stuck = if deadline <= now { stuck + 1 } else { 0 };
        assert!(stuck < 4, "the deadline {deadline:?} has passed and stays");
        now = now.max(deadline);
        connection.expire(now, &mut |_| {});
    }
}

const PROTOCOL_VIOLATION: u64 = 0x0a;
const FRAME_ENCODING_ERROR: u64 = 0x07;

/// A frame of each type, and where RFC 9000 section 12.4 (RFC 9221 section 3) lets it be.
const SAMPLES: [(&[u8], &str); 24] = [
    (&[0x01], "IH01"),
    (&[0x02, 0, 0, 0, 0], "IH_1"),
    (&[0x03, 0, 0, 0, 0, 0, 0, 0], "IH_1"),
    (&[0x04, 0, 0, 0], "__01"),
    (&[0x05, 0, 0], "__01"),
    (&[0x06, 0, 0], "IH_1"),
    (&[0x07, 1, 7], "___1"),
    (&[0x0a, 0, 1, 7], "__01"),
    (&[0x10, 0], "__01"),
    (&[0x11, 0, 0], "__01"),
    (&[0x12, 0], "__01"),
    (&[0x13, 0], "__01"),
    (&[0x14, 0], "__01"),
    (&[0x15, 0, 0], "__01"),
    (&[0x16, 0], "__01"),
    (&[0x17, 0], "__01"),
    (&[0x18, 1, 0, 1, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], "__01"),
    (&[0x19, 0], "___1"),
    (&[0x1a, 1, 2, 3, 4, 5, 6, 7, 8], "__01"),
    (&[0x1b, 1, 2, 3, 4, 5, 6, 7, 8], "___1"),
    (&[0x1d, 0, 0], "__01"),
    (&[0x1e], "___1"),
    (&[0x24, 0, 0, 0, 0], "__01"),
    (&[0x31, 1, 7], "__01"),
];

#[test]
fn a_frame_in_a_packet_that_bars_it_is_a_protocol_violation_on_the_wire() {
    let epochs = [(Epoch::Initial, 'I'), (Epoch::Handshake, 'H'), (Epoch::ZeroRtt, '0')];
    for (frame, places) in SAMPLES {
        for (epoch, letter) in epochs.into_iter().filter(|(_, letter)| !places.contains(*letter)) {
            for sinner in [Side::Client, Side::Server] {
                if epoch == Epoch::ZeroRtt && sinner == Side::Server {
                    continue;
                }
                let mut pair = if epoch == Epoch::ZeroRtt { resumed(|_| {}) } else { Pair::new() };
                pair.reach(epoch);
                pair.sin(sinner, epoch, frame);
                let kind = Some(u64::from(frame[0]));
                let verdict = pair.verdict(sinner);
                assert_eq!(verdict, Some((PROTOCOL_VIOLATION, kind)), "{frame:x?} in {letter} by {sinner:?}");
            }
        }
    }
    // Every frame that there is was among them.
    let is_tried = |kind: u64| {
        SAMPLES.iter().any(|(frame, _)| {
            frames::frame(u64::from(frame[0])).is_some_and(|rule| (rule.first..=rule.last).contains(&kind))
        })
    };
    let untried: Vec<&str> =
        FRAMES.iter().filter(|rule| !is_tried(rule.first)).map(|rule| rule.name).collect();
    assert_eq!(untried, ["PADDING", "CONNECTION_CLOSE", "IMMEDIATE_ACK", "ACK_FREQUENCY"]);
}

#[test]
fn each_sin_of_an_established_peer_has_its_code_on_the_wire() {
    use Side::{Client, Server};
    let id = |sequence: u8, retire: u8, id: u8| {
        [&[0x18, sequence, retire, 8][..], &[id; 8], &[sequence; 16]].concat()
    };
    let many_ids = (10..20).flat_map(|sequence| id(sequence, 0, 100 + sequence)).collect::<Vec<u8>>();
    let crypto = |message: &[u8]| [&[0x06, 0, message.len() as u8], message].concat();
    let sins: Vec<(&str, Side, Vec<u8>, u64)> = vec![
        ("an unknown type", Client, vec![0x21], FRAME_ENCODING_ERROR),
        ("a long type", Client, vec![0x40, 0x01], PROTOCOL_VIOLATION),
        ("a frame cut off", Client, vec![0x0a, 0, 5, 1], FRAME_ENCODING_ERROR),
        ("ACK below zero", Client, vec![0x02, 0, 0, 0, 1], FRAME_ENCODING_ERROR),
        ("ACK of what was not sent", Client, vec![0x02, 0x7f, 0xff, 0, 0, 0], PROTOCOL_VIOLATION),
        ("HANDSHAKE_DONE of a client", Client, vec![0x1e], PROTOCOL_VIOLATION),
        ("NEW_TOKEN of a client", Client, vec![0x07, 1, 7], PROTOCOL_VIOLATION),
        ("an empty token", Server, vec![0x07, 0], FRAME_ENCODING_ERROR),
        ("DATAGRAM that nobody takes", Client, vec![0x31, 1, 7], PROTOCOL_VIOLATION),
        ("data beyond the stream's credit", Client, vec![0x0e, 0, 0x80, 0x20, 0, 0, 1, 7], 0x03),
        ("a final size beyond the stream's credit", Client, vec![0x04, 0, 0, 0x80, 0x20, 0, 0], 0x03),
        (
            "data beyond 2^62",
            Client,
            vec![0x0e, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 7],
            FRAME_ENCODING_ERROR,
        ),
        ("a stream too many", Client, vec![0x0a, 0x42, 0x00, 1, 7], 0x04),
        ("a one-way stream too many", Client, vec![0x0a, 0x40, 0x42, 1, 7], 0x04),
        ("data on a stream of the receiver's own", Client, vec![0x0a, 3, 1, 7], 0x05),
        ("data on a stream that nobody opened", Client, vec![0x0a, 1, 1, 7], 0x05),
        ("STOP_SENDING for a stream that nobody opened", Client, vec![0x05, 1, 0], 0x05),
        ("STOP_SENDING for a stream that only its sender sends on", Client, vec![0x05, 2, 0], 0x05),
        ("MAX_STREAM_DATA for such a stream", Client, vec![0x11, 2, 0], 0x05),
        ("RESET_STREAM for a stream of the receiver's", Client, vec![0x04, 3, 0, 0], 0x05),
        ("STREAM_DATA_BLOCKED for a stream of the receiver's", Client, vec![0x15, 3, 0], 0x05),
        ("two final sizes", Client, vec![0x0b, 0, 1, 7, 0x04, 0, 0, 2], 0x06),
        ("data behind the end", Client, vec![0x0b, 0, 1, 7, 0x0e, 0, 1, 1, 7], 0x06),
        ("an end before data", Client, vec![0x0e, 0, 1, 1, 7, 0x04, 0, 0, 1], 0x06),
        ("MAX_STREAMS above 2^60", Client, vec![0x12, 0xd0, 0, 0, 0, 0, 0, 0, 1], FRAME_ENCODING_ERROR),
        ("STREAMS_BLOCKED above 2^60", Client, vec![0x16, 0xd0, 0, 0, 0, 0, 0, 0, 1], FRAME_ENCODING_ERROR),
        ("a promise beyond the stream", Client, vec![0x24, 0, 0, 1, 2], FRAME_ENCODING_ERROR),
        ("too many ids", Client, many_ids, 0x09),
        ("an id of no bytes", Client, [&[0x18, 9, 0, 0][..], &[1; 16]].concat(), FRAME_ENCODING_ERROR),
        ("an id of 21 bytes", Client, [&[0x18, 9, 0, 21][..], &[1; 37]].concat(), FRAME_ENCODING_ERROR),
        ("Retire Prior To ahead", Client, id(9, 10, 9), FRAME_ENCODING_ERROR),
        ("one id with two numbers", Client, [id(9, 9, 9), id(10, 9, 9)].concat(), PROTOCOL_VIOLATION),
        ("RETIRE_CONNECTION_ID of none", Client, vec![0x19, 0x3f], PROTOCOL_VIOLATION),
        ("RETIRE_CONNECTION_ID of its own", Client, vec![0x19, 0], PROTOCOL_VIOLATION),
        ("CRYPTO too far ahead", Client, vec![0x06, 0x80, 0x02, 0, 0, 1, 7], 0x0d),
        // KeyUpdate, Finished and ClientHello: unexpected_message (RFC 9001 section 6).
        ("a KeyUpdate of TLS by the client", Client, crypto(&[24, 0, 0, 1, 0]), 0x10a),
        ("a KeyUpdate of TLS by the server", Server, crypto(&[24, 0, 0, 1, 0]), 0x10a),
        ("a ClientHello by the client", Client, crypto(&[1, 0, 0, 0]), 0x10a),
    ];
    for (what, sinner, frames, code) in sins {
        let mut pair = Pair::new();
        pair.confirm();
        pair.run(|pair| pair.server().ids_wanted() == 0 && pair.client.ids_wanted() == 0);
        pair.sin(sinner, Epoch::OneRtt, &frames);
        assert_eq!(pair.verdict(sinner).map(|(code, _)| code), Some(code), "{what}");
    }
}

#[test]
fn a_packet_that_holds_nothing_but_ping_fits_whatever_room_is_left() {
    let mut pair = Pair::new();
    assert!(
        pair.run(|pair| pair.server.as_ref().is_some_and(|server| server.keys.can_send(Epoch::Handshake)))
    );
    let now = pair.now;
    let server = pair.server();
    for bytes in 41..300 {
        server.probes = [0, 1, 0];
        let mut out = vec![0; bytes];
        let plan = server.plan(now, &Budget { bytes, allowance: Allowance::All }, &mut out);
        assert!(plan.len <= bytes, "{} in {bytes}", plan.len);
    }
}

#[test]
fn a_server_that_owes_an_acknowledgement_and_may_not_send_waits() {
    // spec: 9000-8-a
    // However little it may send: an acknowledgement that does not fit is not tried over and over.
    for left in (0..200).step_by(9) {
        let mut pair = resumed(|_| {});
        pair.say(b"early");
        pair.fate = Box::new(|is_client, index, _| is_client && index < 3);
        pair.reach(Epoch::ZeroRtt);
        let now = pair.now;
        let mut bytes = forged(&mut pair.client, now, Epoch::ZeroRtt, &[1]);
        pair.hand_to_server(&mut bytes, addresses().local);
        let credit = &mut pair.server().paths.active_mut().credit;
        credit.sent((credit.room() as usize).saturating_sub(left));
        assert!(pair.server_ear.closed.is_empty());
        assert_no_spin(pair.server(), now);
    }
}

#[test]
fn a_server_that_has_no_id_to_send_to_waits() {
    let mut pair = Pair::new();
    pair.confirm();
    let active = pair.server().active_path();
    let theirs = &mut pair.server().theirs;
    theirs.leave(active).unwrap();
    let others = (100..).map(PathId).take_while(|path| theirs.on(*path).is_some()).count();
    assert!(others > 0 && theirs.on(active).is_none());
    pair.sin(Side::Client, Epoch::OneRtt, &[1]);
    let now = pair.now;
    assert_no_spin(pair.server(), now);
}

#[test]
fn a_client_follows_to_another_version_though_the_first_one_was_acknowledged() {
    // The server has half a ClientHello, and says so in the version that it came in.
    let server = Options { versions: vec![&VERSION_2, &VERSION_1], ..Options::default() };
    let mut pair = Pair::of(Setting { server, ..Setting::default() });
    pair.fate = Box::new(|is_client, index, _| !is_client || index != 1);
    pair.confirm();
    assert_eq!(pair.client.version(), &VERSION_2);
}

#[test]
fn a_server_opens_initial_packets_of_both_versions() {
    // spec: 9369-4.1-b
    let server = Options { versions: vec![&VERSION_2, &VERSION_1], ..Options::default() };
    let mut pair = Pair::of(Setting { server, ..Setting::default() });
    pair.run(|pair| pair.server.as_ref().is_some_and(|server| server.version() == &VERSION_2));
    // A late packet of the first version, then one as the client sends them when it knows better.
    pair.sin(Side::Client, Epoch::Initial, &[0x1c, 0, 0, 0]);
    assert_eq!(pair.server_ear.closed.len(), 1, "the first version");
    let server = Options { versions: vec![&VERSION_2, &VERSION_1], ..Options::default() };
    let mut pair = Pair::of(Setting { server, ..Setting::default() });
    pair.run(|pair| pair.server.as_ref().is_some_and(|server| server.version() == &VERSION_2));
    let keyed_by = pair.client.opening.as_ref().unwrap().keyed_by;
    pair.client.version = &VERSION_2;
    pair.client.keys.begin(&VERSION_2, keyed_by.as_ref());
    pair.sin(Side::Client, Epoch::Initial, &[0x1c, 0, 0, 0]);
    assert_eq!(pair.server_ear.closed.len(), 1, "the version in use");
}

#[test]
fn a_client_that_closes_in_the_handshake_sends_what_a_server_takes() {
    // spec: 9000-14.1-c
    for epoch in [Epoch::Initial, Epoch::ZeroRtt] {
        let mut pair = if epoch == Epoch::ZeroRtt { resumed(|_| {}) } else { Pair::new() };
        assert!(pair.client.keys.can_send(epoch));
        let now = pair.now;
        pair.client.close(now, 7, b"enough");
        let mut out = [0; 1_500];
        let sent = pair.client.transmit(now, &mut out).unwrap();
        assert!(matches!(packet::parse(&out[..sent.len], &DOOR).unwrap().header, Header::Initial { .. }));
        assert_eq!(sent.len, 1_200, "{epoch:?}");
    }
}

#[test]
fn a_client_with_a_long_token_closes_where_a_server_hears_it() {
    for bytes in [500, 700, 1_024] {
        let mut pair = resumed(|_| {});
        pair.client.opening.as_mut().unwrap().token = vec![7; bytes];
        assert!(pair.client.keys.can_send(Epoch::ZeroRtt));
        let now = pair.now;
        pair.client.close(now, 7, b"enough");
        let mut out = [0; 1_500];
        let sent = pair.client.transmit(now, &mut out).unwrap();
        let packet = packet::parse(&out[..sent.len], &DOOR).unwrap();
        let Header::Initial { token, .. } = packet.header else { panic!("{:?}", packet.header) };
        assert_eq!((token.len(), sent.len), (bytes, 1_200));
    }
}

#[test]
fn a_datagram_that_no_packet_holds_any_more_keeps_none_waiting() {
    let takes = Options { max_datagram_frame_bytes: 65_535, ..Options::default() };
    let mut pair = Pair::of(Setting { client: takes.clone(), server: takes, ..Setting::default() });
    pair.confirm();
    pair.say(&[7; 50_000]);
    assert!(pair.run(|pair| pair.client.datagram_room() > 1_300), "the path carries more");
    let now = pair.now;
    pair.client.send_datagram(vec![1; 1_300]).unwrap();
    pair.client.send_datagram(vec![2; 100]).unwrap();
    // Before they leave the path carries less.
    let mtu = &mut pair.client.paths.active_mut().mtu;
    assert!(mtu.timed_out(now, 3));
    let changed = Some(mtu.datagram_bytes());
    pair.fate = Box::new(|_, _, bytes| bytes.len() <= 1_200);
    pair.client.resize(&crate::connection::carried::Sizes { changed });
    assert!(pair.run(|pair| !pair.server_ear.datagrams.is_empty()));
    assert_eq!(pair.server_ear.datagrams, [vec![2; 100]]);
    assert_eq!(pair.client.datagram_queue_bytes, 0);
}

#[test]
fn a_copy_of_a_packet_from_elsewhere_begins_no_path() {
    // spec: 9000-12.3-a
    let mut pair = Pair::new();
    pair.confirm();
    let now = pair.now;
    let bytes = forged(&mut pair.client, now, Epoch::OneRtt, &[1]);
    pair.hand_to_server(&mut bytes.clone(), addresses().local);
    for port in 1..3 {
        pair.hand_to_server(&mut bytes.clone(), format!("198.51.100.7:{port}").parse().unwrap());
    }
    let elsewhere = Addresses { local: addresses().peer, peer: "198.51.100.7:1".parse().unwrap() };
    assert_eq!(pair.server().paths.find(&elsewhere), None);
    assert_eq!(pair.server().paths.active().addresses.peer, addresses().local);
}

#[test]
fn who_only_acknowledges_asks_for_an_answer_now_and_then() {
    // spec: 9000-13.2.4-a
    let mut pair = Pair::new();
    pair.confirm();
    for _ in 0..1_000 {
        let now = pair.now;
        pair.sin(Side::Client, Epoch::OneRtt, &[1]);
        pair.sin(Side::Client, Epoch::OneRtt, &[1]);
        assert!(pair.run(|pair| pair.now > now));
    }
    let waiting = pair.server().recovery.outstanding(Space::Application).count();
    assert!(waiting < 300, "{waiting} packets that nobody will ever acknowledge");
}

#[test]
fn a_late_packet_to_an_id_of_before_changes_nothing() {
    let mut pair = Pair::new();
    pair.confirm();
    pair.run(|pair| pair.client.ids_wanted() == 0 && pair.server().ids_wanted() == 0);
    let now = pair.now;
    let mut late = forged(&mut pair.client, now, Epoch::OneRtt, &[1]);
    let path = pair.client.active_path();
    assert_eq!(pair.client.theirs.change(path), Ok(true), "the client goes on with another id");
    pair.sin(Side::Client, Epoch::OneRtt, &[1]);
    let before = pair.server().arrived_at;
    pair.hand_to_server(&mut late, addresses().local);
    assert_eq!(pair.server().arrived_at, before);
}

#[test]
fn a_copy_that_overtakes_its_original_ends_nothing_where_no_id_is_spare() {
    // spec: 9000-9.3.2-a
    let mut pair = Pair::new();
    pair.confirm();
    pair.run(|pair| pair.client.ids_wanted() == 0 && pair.server().ids_wanted() == 0);
    let (mut now, mut out) = (pair.now, [0; 1_500]);
    let mut copy = forged(&mut pair.client, now, Epoch::OneRtt, &[1]);
    let path = pair.server().active_path();
    let theirs = &mut pair.server().theirs;
    let others = (100..).map(PathId).take_while(|path| theirs.on(*path).is_some()).count();
    assert!(others > 0);
    pair.hand_to_server(&mut copy, "198.51.100.7:1".parse().unwrap());
    let server = pair.server();
    assert_ne!(server.active_path(), path);
    // Then nobody says anything.
    for _ in 0..20 {
        while server.transmit(now, &mut out).is_some() {}
        now = server.deadline().map_or(now, |next| next.max(now));
        server.expire(now, &mut |_| {});
        if server.active_path() == path {
            break;
        }
    }
    assert_eq!(server.active_path(), path);
    assert!(server.life.is_open() && server.theirs.of(path).is_some());
}

#[test]
fn a_server_that_has_no_id_to_close_to_says_nothing() {
    // Each id retires the one before, and nobody acknowledges what is said of that.
    let id = |sequence: u8| [&[0x18, sequence, sequence, 8][..], &[sequence; 8], &[sequence; 16]].concat();
    let mut pair = Pair::new();
    pair.confirm();
    pair.run(|pair| pair.server().ids_wanted() == 0 && pair.client.ids_wanted() == 0);
    pair.fate = Box::new(|is_client, _, _| is_client);
    for sequence in 10..40 {
        pair.sin(Side::Client, Epoch::OneRtt, &id(sequence));
    }
    assert_eq!(pair.server_ear.closed.len(), 1, "too many ids to retire");
    let now = pair.now;
    assert_eq!(pair.server().transmit(now, &mut [0; 1_500]), None);
}

#[test]
fn nothing_is_heard_behind_the_end() {
    let mut pair = Pair::new();
    pair.confirm();
    pair.run(|pair| pair.server().theirs.spare() >= 2);
    let (now, mut out) = (pair.now, [0; 1_500]);
    let limits = pair.server().config.limits.clone();
    let from = |port: usize| format!("198.51.100.7:{port}").parse().unwrap();
    // All paths that may be, and each that has an id waits for an answer.
    for port in 1..limits.paths.paths {
        let mut bytes = forged(&mut pair.client, now, Epoch::OneRtt, &[0x1a, 1, 2, 3, 4, 5, 6, 7, 8]);
        pair.hand_to_server(&mut bytes, from(port));
        while pair.server().transmit(now, &mut out).is_some() {}
    }
    // As many retirements as are remembered, and none is acknowledged.
    let last = PathId(limits.paths.paths as u32 - 2);
    pair.server().theirs.leave(last).unwrap(); // There is room for another id.
    let mut sequences = 100_u8..;
    while pair.server_ear.closed.is_empty() {
        let sequence = sequences.next().expect("they are bounded");
        let path = PathId(u32::from(sequence));
        let theirs = &mut pair.server().theirs;
        let (id, token) = (ConnectionId::new(&[sequence; 8]).unwrap(), ResetToken::new([sequence; 16]));
        theirs.take(&Fresh { sequence: sequence.into(), retire_prior_to: 0, id, token }).unwrap();
        theirs.on(path).unwrap();
        if theirs.leave(path).is_ok() {
            continue;
        }
        let mut bytes = forged(&mut pair.client, now, Epoch::OneRtt, &[0x0a, 0, 1, 7]);
        pair.hand_to_server(&mut bytes, from(1_000));
        assert_eq!(pair.server_ear.closed.len(), 1);
    }
    assert!(pair.server_ear.data.is_empty(), "{:?}", pair.server_ear.names);
}

#[test]
fn what_may_be_a_reset_for_anybody_wins_nobody_credit() {
    let mut pair = Pair::new();
    pair.reach(Epoch::Initial);
    let credit = &pair.server().paths.active().credit;
    assert!(credit.is_limited());
    let room = credit.room();
    let mut stray = [0x47; 1_200];
    pair.hand_to_server(&mut stray.clone(), addresses().local);
    assert_eq!(pair.server().paths.active().credit.room(), room);
    // What goes to an id of the connection's counts, readable or not.
    stray[1..9].copy_from_slice(pair.server().arrived_at.as_ref());
    pair.hand_to_server(&mut stray.clone(), addresses().local);
    assert_eq!(pair.server().paths.active().credit.room(), room + 3 * 1_200);
    // Nor has a connection that is over an answer for it.
    let (now, mut out) = (pair.now, [0; 1_500]);
    pair.server().close(now, 7, b"");
    assert!(pair.server().transmit(now, &mut out).is_some());
    stray[1..9].fill(0x47);
    pair.hand_to_server(&mut stray, addresses().local);
    assert!(pair.server().transmit(now, &mut out).is_none());
}
