use super::*;
use crate::frame::{EcnCounts, write_ack};
use sakigake_wire::Writer;

/// One of each kind.
pub(crate) fn samples() -> Vec<Record> {
    let addresses =
        Addresses { local: "192.0.2.1:4000".parse().unwrap(), peer: "[2001:db8::2]:443".parse().unwrap() };
    let id = |byte: u8| ConnectionId::new(&[byte; 4]).unwrap();
    let initial = PacketKind::Protected(Epoch::Initial);
    let spans = Some(Span::from_micros(1_500));
    let ending = |by, code, reason: &[u8], trigger| {
        Record::Closed(Ending { by, code, reason: reason.to_vec(), trigger })
    };
    let moved = |reason| Record::Migration { path: PathId(1), state: MigrationState::Complete(reason) };
    vec![
        Record::Started(addresses),
        Record::Versions { client: vec![1, 0x6b33_43cf], server: vec![0x1a2a_3a4a], chosen: Some(1) },
        Record::Alpn(b"h3".to_vec()),
        Record::Alpn(vec![0xff, b'"']),
        Record::ParametersSet(Party::Peer, Box::new(declared())),
        Record::ParametersRestored(Box::default()),
        Record::Sent(packet()),
        Record::Received(Packet {
            version: Some(0),
            scid: Some(id(3)),
            versions: vec![1, 2],
            ..Packet::plain(PacketKind::VersionNegotiation, id(1), 40)
        }),
        Record::Received(Packet {
            version: Some(1),
            scid: Some(id(3)),
            token_bytes: Some(16),
            ..Packet::plain(PacketKind::Retry, id(1), 60)
        }),
        Record::Dropped { kind: None, bytes: 7, why: DropReason::Header(Discard::FixedBit) },
        Record::Dropped { kind: Some(initial), bytes: 100, why: DropReason::Unopened(Unopened::Forged) },
        Record::Buffered { kind: PacketKind::Protected(Epoch::Handshake), bytes: 800 },
        Record::Lost { epoch: Epoch::OneRtt, number: 12, trigger: Threshold::Reordering },
        Record::Lost { epoch: Epoch::ZeroRtt, number: 1, trigger: Threshold::Time },
        Record::Metrics(Metrics {
            min_rtt: spans,
            smoothed_rtt: Some(Span::from_millis(2)),
            latest_rtt: spans,
            rtt_variance: spans,
            pto_count: Some(1),
            congestion_window: Some(12_000),
            bytes_in_flight: Some(0),
            ssthresh: Some(6_000),
        }),
        Record::Congestion {
            old: Phase::SlowStart,
            new: Phase::Recovery,
            trigger: Some(CongestionTrigger::Loss),
        },
        Record::Congestion { old: Phase::Recovery, new: Phase::Avoidance, trigger: None },
        Record::Ecn { old: Some(Ecn::Testing), new: Ecn::Capable },
        Record::Mtu { old: Some(1_200), new: 1_472 },
        Record::Key { sender: Side::Server, epoch: Epoch::Handshake, change: KeyChange::Installed },
        Record::Key { sender: Side::Client, epoch: Epoch::OneRtt, change: KeyChange::Installed },
        Record::Key {
            sender: Side::Client,
            epoch: Epoch::OneRtt,
            change: KeyChange::Updated { phase: 1, by: Party::Peer },
        },
        Record::Key { sender: Side::Client, epoch: Epoch::Initial, change: KeyChange::Discarded },
        Record::State { old: None, new: State::Attempted },
        Record::State { old: Some(State::HandshakeComplete), new: State::HandshakeConfirmed },
        Record::ConnectionId { user: Party::Local, old: Some(id(1)), new: id(2) },
        Record::ConnectionId { user: Party::Peer, old: None, new: ConnectionId::EMPTY },
        Record::Path { id: PathId(1), addresses },
        Record::Migration { path: PathId(1), state: MigrationState::ProbingSuccessful },
        moved(Reason::Rebinding),
        ending(None, None, b"", Trigger::IdleTimeout),
        ending(Some(Party::Local), Some((7, true)), b"enough \"said\"\n", Trigger::Application),
        ending(Some(Party::Peer), Some((0x10a, false)), b"", Trigger::Error),
        ending(Some(Party::Peer), Some((0x0a, false)), b"\xff", Trigger::Error),
        Record::Missed(3),
    ]
}

fn declared() -> Parameters {
    Parameters {
        max_idle_timeout_ms: 30_000,
        initial_max_data: 100,
        grease_quic_bit: true,
        min_ack_delay_us: Some(1_000),
        initial_source_connection_id: ConnectionId::new(&[9; 8]),
        ..Parameters::default()
    }
}

/// A 1-RTT packet with one of each frame that it may carry.
pub(crate) fn packet() -> Packet {
    let mut payload = [0; 2_000];
    let mut out = Writer::new(&mut payload);
    let counts = EcnCounts { ect0: 3, ect1: 0, ce: 1 };
    write_ack(&mut out, [7..9, 3..4].into_iter(), 4, Some(counts)).unwrap();
    for (_, frame) in crate::frame::tests::samples() {
        frame.write(&mut out).unwrap();
    }
    Frame::Padding(4).write(&mut out).unwrap();
    let len = out.written();
    let id = ConnectionId::new(&[0xc1; 8]).unwrap();
    Packet {
        number: Some(12),
        key_phase: Some(1),
        path: PathId(1),
        is_mtu_probe: true,
        was_buffered: true,
        datagram_bytes: 1_400,
        payload: payload[..len].to_vec(),
        ..Packet::plain(PacketKind::Protected(Epoch::OneRtt), id, 1_200)
    }
}

#[test]
fn every_record_is_one_line() {
    let lines: Vec<String> = samples().iter().map(ToString::to_string).collect();
    assert!(lines.iter().all(|line| !line.contains('\n') && !line.is_empty()), "{lines:?}");
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn what_cannot_be_read_of_a_packet_is_said_where_it_stands() {
    let broken = Packet { payload: vec![1, 0x06, 0x00], ..packet() };
    assert_eq!(broken.frames().count(), 2);
    let line = Record::Received(broken).to_string();
    assert!(line.ends_with("PING, unreadable (CRYPTO does not fit in its packet)"), "{line}");
}

#[test]
fn a_header_in_the_clear_is_read_or_none() {
    let header = [0xc0, 0, 0, 0, 1, 2, 7, 7, 1, 8, 3, 1, 2, 3, 0x40, 0x20, 0];
    let read = |packet: &[u8]| Packet::protected(Epoch::Initial, 0, packet, ConnectionId::EMPTY, &[]);
    let packet = read(&header).unwrap();
    assert_eq!((packet.version, packet.dcid.as_ref(), packet.token_bytes), (Some(1), &[7, 7][..], Some(3)));
    assert_eq!(packet.scid.unwrap().as_ref(), [8]);
    for len in 0..11 {
        assert_eq!(read(&header[..len]), None, "{len} bytes");
    }
}
