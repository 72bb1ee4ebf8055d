use super::*;
use crate::packet::tests::{CLIENT_DCID, door, initial, secret};
use crate::packet::{Forgeries, Header, parse};
use crate::rules::versions::{VERSION_1, VERSIONS};
use sakigake_tls::rules::Side;

fn number(len: usize) -> Number {
    Number::with_len(7, len).expect("in range")
}

// spec: 9000-17.2-c
#[test]
fn long_headers_are_read_as_they_were_written() {
    for version in VERSIONS {
        for kind in [LongType::Initial, LongType::ZeroRtt, LongType::Handshake] {
            for len in 1..=4 {
                let token: &[u8] = if kind == LongType::Initial { &[9; 70] } else { &[] };
                let header = Long { version, kind, dcid: &CLIENT_DCID, scid: &[5; 20], token };
                let mut packet = [0; 300];
                let mut out = Writer::new(&mut packet);
                let draft = Draft::long(&mut out, &header, number(len)).expect("room");
                assert_eq!(out.written(), draft.payload_at());
                let mut keys = initial(version, Side::Client).send;
                let sealed = draft.seal(&mut keys, &mut packet, 50).expect("the first");
                assert_eq!(sealed, draft.payload_at() + 50 + 16);
                let parsed = parse(&packet, &door(Side::Server)).expect("a packet");
                assert_eq!((parsed.len, parsed.number_at), (sealed, Some(draft.number_at)));
                let (dcid, scid) = (&CLIENT_DCID[..], &[5; 20][..]);
                assert_eq!(
                    parsed.header,
                    match kind {
                        LongType::Initial => Header::Initial { version, dcid, scid, token },
                        LongType::ZeroRtt => Header::ZeroRtt { version, dcid, scid },
                        _ => Header::Handshake { version, dcid, scid },
                    }
                );
            }
        }
    }
}

#[test]
fn a_header_that_does_not_fit_leaves_nothing() {
    let long =
        Long { version: &VERSION_1, kind: LongType::Initial, dcid: &CLIENT_DCID, scid: &[1; 8], token: &[3] };
    let whole = 1 + 4 + 9 + 9 + 2 + 2 + 4;
    for len in 0..whole {
        let mut packet = vec![0; len];
        let mut out = Writer::new(&mut packet);
        assert!(Draft::long(&mut out, &long, number(4)).is_err());
        assert!(Draft::short(&mut Writer::new(&mut [0; 12]), &CLIENT_DCID, false, number(4)).is_err());
        assert_eq!(out.written(), 0);
    }
    assert!(Draft::long(&mut Writer::new(&mut vec![0; whole]), &long, number(4)).is_ok());
}

// spec: 9001-5.4.2-b
#[test]
fn the_smallest_payloads_give_a_sample() {
    for (len, least) in [(1, 3), (2, 2), (3, 1), (4, 0)] {
        let mut packet = [0; 64];
        let draft =
            Draft::short(&mut Writer::new(&mut packet), &CLIENT_DCID, false, number(len)).expect("room");
        assert_eq!(draft.least_payload(), least);
        let mut keys = Keys::from_secret(&VERSION_1, &secret(0x1301, 1));
        let sealed = draft.seal(&mut keys, &mut packet, least).expect("the first");
        assert_eq!(sealed, 9 + 20);
        let opened = keys.open(&mut packet[..sealed], 9, None, &mut Forgeries::default()).expect("ours");
        assert_eq!((opened.number, opened.payload.len()), (7, least));
    }
}

#[test]
#[should_panic(expected = "padded to give a sample")]
fn a_payload_without_sample_is_refused() {
    let mut packet = [0; 64];
    let draft = Draft::short(&mut Writer::new(&mut packet), &[], false, number(1)).expect("room");
    draft
        .seal(&mut Keys::from_secret(&VERSION_1, &secret(0x1301, 1)), &mut packet, 2)
        .expect("never reached");
}

#[test]
fn room_is_what_header_and_tag_leave() {
    let mut packet = vec![0; 1 << 16];
    let short = Draft::short(&mut Writer::new(&mut packet), &CLIENT_DCID, true, number(2)).expect("room");
    assert_eq!(short.most_payload(1200), 1200 - 11 - 16);
    assert_eq!(short.most_payload(20), 0);
    let long = Long { version: &VERSION_1, kind: LongType::Handshake, dcid: &[], scid: &[], token: &[] };
    let long = Draft::long(&mut Writer::new(&mut packet), &long, number(4)).expect("room");
    let most = long.most_payload(1 << 16);
    assert_eq!(most, 0x3fff - 20, "two bytes of Length");
    let sealed = long.seal(&mut Keys::from_secret(&VERSION_1, &secret(0x1302, 1)), &mut packet, most);
    let sealed = sealed.expect("the first");
    assert_eq!(parse(&packet, &door(Side::Server)).map(|packet| packet.len), Ok(sealed));
}

// spec: 9000-17.3.1-b
#[test]
fn spin_and_fixed_bits_are_seen_in_the_clear() {
    for (spin, first) in [(false, 0x40), (true, 0x60)] {
        let mut packet = [0; 64];
        let draft = Draft::short(&mut Writer::new(&mut packet), &[], spin, number(1)).expect("room");
        assert_eq!(packet[0], first);
        draft.clear_fixed_bit(&mut packet);
        let mut keys = Keys::from_secret(&VERSION_1, &secret(0x1303, 1));
        let sealed = draft.seal(&mut keys, &mut packet, 5).expect("the first");
        assert_eq!(packet[0] & 0xe0, first & 0x20);
        let opened = keys.open(&mut packet[..sealed], 1, None, &mut Forgeries::default()).expect("ours");
        assert_eq!(opened.spin(), spin);
    }
}
