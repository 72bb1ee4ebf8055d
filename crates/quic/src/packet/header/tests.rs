use super::*;
use crate::packet::tests::{CLIENT_DCID, SERVER_SCID, door, hex, shown};
use crate::packet::{Draft, Long, Number};
use crate::rules::versions::{VERSION_1, VERSIONS};
use sakigake_wire::Writer;

const SERVER: Side = Side::Server;
const CLIENT: Side = Side::Client;

/// A long header of version 1 with ids of those lengths, and `rest` behind them.
fn long(first: u8, version: u32, dcid: usize, scid: usize, rest: &[u8]) -> Vec<u8> {
    let mut packet = vec![first];
    packet.extend_from_slice(&version.to_be_bytes());
    for len in [dcid, scid] {
        packet.push(len as u8);
        packet.extend(vec![0xaa; len]);
    }
    packet.extend_from_slice(rest);
    packet
}

/// A Length of 20 and as many bytes.
fn length_20() -> Vec<u8> {
    [&[20][..], &[0; 20]].concat()
}

// spec: 9000-17.2-a 9000-17.3.1-a
#[test]
fn a_packet_without_fixed_bit_is_discarded_unless_that_was_agreed() {
    let handshake = long(0xa0, 1, 8, 8, &length_20());
    let short = [&[0x00][..], &[0; 28]].concat();
    for packet in [handshake, short] {
        assert_eq!(parse(&packet, &door(SERVER)), Err(Discard::FixedBit));
        let ignoring = Door { fixed_bit: FixedBit::Ignored, ..door(SERVER) };
        assert!(parse(&packet, &ignoring).is_ok());
    }
}

// spec: 9000-17.2-b
#[test]
fn ids_of_more_than_20_bytes_are_discarded_in_versions_that_we_speak() {
    for version in VERSIONS {
        let first = 0xc0 | version.type_bits(LongType::Handshake);
        let parsed = |dcid, scid| {
            let packet = long(first, version.number, dcid, scid, &length_20());
            parse(&packet, &door(SERVER)).map(|packet| packet.number_at)
        };
        assert_eq!(parsed(20, 20), Ok(Some(7 + 40 + 1)));
        assert_eq!(parsed(21, 0), Err(Discard::ConnectionIdTooLong));
        assert_eq!(parsed(0, 21), Err(Discard::ConnectionIdTooLong));
    }
}

// spec: 9000-17.2.1-b
#[test]
fn ids_of_any_length_are_read_in_versions_that_we_do_not_speak() {
    for first in [0x80, 0xc0, 0xff] {
        let packet = long(first, 0x1a2a_3a4a, 255, 254, &[]);
        let parsed = parse(&packet, &door(SERVER)).expect("RFC 8999 holds");
        assert_eq!((parsed.header.dcid().len(), parsed.header.scid().map(<[u8]>::len)), (255, Some(254)));
        assert!(matches!(parsed.header, Header::Unknown { version: 0x1a2a_3a4a, .. }));
        assert_eq!(parse(&packet, &door(CLIENT)), Err(Discard::Misplaced));
    }
}

// spec: 9000-12.2-a 9001-5.4.2-a
#[test]
fn length_is_held_against_the_datagram_and_the_sample() {
    let parsed = |rest: &[u8]| {
        parse(&long(0xe0, 1, 0, 0, rest), &door(SERVER)).map(|packet| (packet.number_at, packet.len))
    };
    assert_eq!(parsed(&length_20()), Ok((Some(8), 28)));
    assert_eq!(parsed(&[&length_20()[..], &[1, 2, 3]].concat()), Ok((Some(8), 28)), "three bytes follow");
    assert_eq!(parsed(&length_20()[..20]), Err(Discard::Length));
    assert_eq!(parsed(&[&[19][..], &[0; 19]].concat()), Err(Discard::TooShort));
    assert_eq!(parsed(&[0xff; 8]), Err(Discard::Length), "2^62-1");
    assert_eq!(parsed(&[0]), Err(Discard::TooShort));
    assert_eq!(parsed(&[]), Err(Discard::Truncated));
    let short = |len| parse(&[0x40; 100][..len], &door(SERVER)).map(|packet| packet.number_at);
    assert_eq!(short(29), Ok(Some(9)));
    assert_eq!(short(28), Err(Discard::TooShort));
    assert_eq!(short(8), Err(Discard::Truncated));
    assert_eq!(short(0), Err(Discard::Truncated));
}

// spec: 9000-17.2.2-a
#[test]
fn a_token_of_a_server_is_discarded() {
    let packet = long(0xc0, 1, 8, 8, &[&[2, 7, 7][..], &length_20()].concat());
    let parsed = parse(&packet, &door(SERVER)).expect("a client's");
    assert!(matches!(parsed.header, Header::Initial { token: &[7, 7], .. }));
    assert_eq!(parse(&packet, &door(CLIENT)), Err(Discard::ServerToken));
    let endless = long(0xc0, 1, 8, 8, &[0xff; 8]);
    assert_eq!(parse(&endless, &door(SERVER)), Err(Discard::Truncated));
}

// spec: 9001-5.6-a
#[test]
fn types_that_a_side_never_receives_are_discarded() {
    let zero_rtt = long(0xd0, 1, 8, 8, &length_20());
    let header = Header::ZeroRtt { version: &VERSION_1, dcid: &[0xaa; 8], scid: &[0xaa; 8] };
    assert_eq!(parse(&zero_rtt, &door(SERVER)).map(|packet| packet.header), Ok(header));
    assert_eq!(parse(&zero_rtt, &door(CLIENT)), Err(Discard::Misplaced));
    let retry = long(0xf0, 1, 8, 8, &[0; 17]);
    assert!(parse(&retry, &door(CLIENT)).is_ok());
    assert_eq!(parse(&retry, &door(SERVER)), Err(Discard::Misplaced));
    let negotiation = long(0x80, 0, 8, 8, &[0; 4]);
    assert!(parse(&negotiation, &door(CLIENT)).is_ok());
    assert_eq!(parse(&negotiation, &door(SERVER)), Err(Discard::Misplaced));
}

// spec: 9000-17.2.5.2-b
#[test]
fn a_retry_without_token_is_discarded() {
    let parsed =
        |len| parse(&long(0xf0, 1, 8, 8, &vec![0; len]), &door(CLIENT)).map(|packet| packet.number_at);
    assert_eq!(parsed(17), Ok(None));
    assert_eq!(parsed(16), Err(Discard::NoRetryToken));
    assert_eq!(parsed(15), Err(Discard::Truncated));
}

/// A datagram of an Initial, a Handshake and a 1-RTT packet, none of them sealed, for `dcid` each.
fn coalesced(dcids: [&[u8]; 3]) -> Vec<u8> {
    let mut datagram = vec![0; 400];
    let mut out = Writer::new(&mut datagram);
    let number = Number::with_len(0, 1).expect("in range");
    let mut at = Vec::new();
    for (kind, dcid) in [LongType::Initial, LongType::Handshake].into_iter().zip(dcids) {
        let start = out.written();
        let header = Long { version: &VERSION_1, kind, dcid, scid: &SERVER_SCID, token: &[] };
        let draft = Draft::long(&mut out, &header, number).expect("room");
        out.put(&[0; 30 + 16]).expect("room");
        at.push((start, draft));
    }
    Draft::short(&mut out, dcids[2], false, number).expect("room");
    out.put(&[0; 30 + 16]).expect("room");
    let len = out.written();
    for (start, draft) in at {
        draft.finish(&mut datagram[start..], 30);
    }
    datagram.truncate(len);
    datagram
}

// spec: 9000-12.2-a
#[test]
fn every_packet_of_a_datagram_is_found() {
    let datagram = coalesced([&CLIENT_DCID; 3]);
    let first = parse(&datagram, &door(CLIENT)).expect("an Initial packet");
    assert!(matches!(first.header, Header::Initial { .. }));
    let rest = &datagram[first.len..];
    let second = parse_next(rest, &door(CLIENT), first.header.dcid()).expect("a Handshake packet");
    assert!(matches!(second.header, Header::Handshake { .. }));
    let rest = &rest[second.len..];
    let third = parse_next(rest, &door(CLIENT), first.header.dcid()).expect("a 1-RTT packet");
    assert_eq!((third.header, third.len), (Header::Short { dcid: &CLIENT_DCID }, rest.len()));
}

// spec: 9000-12.2-b
#[test]
fn what_follows_for_another_id_is_ignored() {
    let datagram = coalesced([&CLIENT_DCID, &[1; 8], &CLIENT_DCID]);
    let first = parse(&datagram, &door(CLIENT)).expect("an Initial packet");
    let rest = &datagram[first.len..];
    assert_eq!(parse_next(rest, &door(CLIENT), &CLIENT_DCID), Err(Discard::OtherConnectionId));
}

#[test]
fn packets_without_length_follow_no_other() {
    let retry = long(0xf0, 1, 8, 8, &[0; 17]);
    assert_eq!(parse_next(&retry, &door(CLIENT), &[0xaa; 8]), Err(Discard::Coalesced));
    let unknown = long(0xf0, 0x1a2a_3a4a, 8, 8, &[0; 17]);
    assert_eq!(parse_next(&unknown, &door(SERVER), &[0xaa; 8]), Err(Discard::Coalesced));
    assert_eq!(parse_next(&[], &door(SERVER), &[]), Err(Discard::Truncated));
}

#[test]
fn every_truncation_of_a_header_is_refused() {
    for row in shown() {
        for len in 0..row.client_initial.len() {
            assert!(parse(&row.client_initial[..len], &door(SERVER)).is_err(), "{len} bytes");
        }
        // A Retry packet has no length of its own: 15 bytes of header, and one of token before the tag.
        for len in 0..15 + 1 + 16 {
            assert!(parse(&row.retry[..len], &door(CLIENT)).is_err(), "{len} bytes");
        }
    }
}

#[test]
fn no_flipped_bit_leads_out_of_the_datagram() {
    for row in shown() {
        for packet in [&row.client_initial, &row.server_initial, &row.retry] {
            for bit in 0..packet.len().min(60) * 8 {
                let mut flipped = packet.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                for side in [CLIENT, SERVER] {
                    if let Ok(parsed) = parse(&flipped, &door(side)) {
                        assert!(parsed.len <= flipped.len());
                        assert!(parsed.number_at.is_none_or(|at| at + LEAST_PROTECTED_BYTES <= parsed.len));
                    }
                }
            }
        }
    }
}

/// RFC 9001 section 5.4.2: "the sample takes bytes 13 to 28 inclusive" where the id has 8 bytes.
#[test]
fn the_number_of_a_short_packet_begins_behind_the_id() {
    let packet = hex("40 0102030405060708 00 00000000000000000000000000000000000000");
    let parsed = parse(&packet, &door(SERVER)).expect("a packet");
    assert_eq!(parsed.header, Header::Short { dcid: &[1, 2, 3, 4, 5, 6, 7, 8] });
    assert_eq!(parsed.number_at.map(|at| at + 4..at + 20), Some(13..29));
}
