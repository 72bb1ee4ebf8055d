use super::*;
use crate::packet::tests::{initial, secret, shown};
use crate::packet::{Number, draft::Draft};
use crate::rules::versions::{VERSION_1, VERSIONS};
use sakigake_wire::Writer;

const SUITES: [u16; 3] = [0x1301, 0x1302, 0x1303];

/// A short packet without id, first byte as given, with five bytes of payload.
fn packet(keys: &mut Keys, first: u8, number: u64) -> Vec<u8> {
    let mut packet = vec![0; 1 + 4 + 5 + TAG_BYTES];
    let mut out = Writer::new(&mut packet);
    let number = Number::with_len(number, 4).expect("in range");
    let draft = Draft::short(&mut out, &[], false, number).expect("room");
    out.put(b"12345").expect("room");
    packet[0] |= first;
    let len = draft.seal(keys, &mut packet, 5).expect("below the limit");
    assert_eq!(len, packet.len());
    packet
}

// spec: 9001-5.3-a
#[test]
fn no_flipped_bit_and_no_truncation_opens() {
    for id in SUITES {
        let mut keys = Keys::from_secret(&VERSION_1, &secret(id, 1));
        let whole = packet(&mut keys, 0, 77);
        let mut forgeries = Forgeries::default();
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            // Without its Header Form another header is protected, by which the bit is seen at once.
            assert!(keys.open(&mut flipped, 1, Some(76), &mut forgeries).is_err(), "bit {bit}");
        }
        for len in 0..whole.len() {
            assert!(
                keys.open(&mut whole[..len].to_vec(), 1, Some(76), &mut forgeries).is_err(),
                "{len} bytes"
            );
        }
        assert!(forgeries.count() >= 8 * whole.len() as u64 - 8);
        let opened = keys.open(&mut whole.clone(), 1, Some(76), &mut forgeries).expect("ours");
        assert_eq!((opened.number, opened.payload), (77, 5..10));
    }
}

#[test]
fn keys_of_another_version_secret_or_direction_open_nothing() {
    let mut forgeries = Forgeries::default();
    let [first, second] = VERSIONS;
    let mut keys = Keys::from_secret(first, &secret(0x1301, 1));
    let whole = packet(&mut keys, 0, 1);
    for other in [Keys::from_secret(second, &secret(0x1301, 1)), Keys::from_secret(first, &secret(0x1301, 2))]
    {
        assert!(other.open(&mut whole.clone(), 1, None, &mut forgeries).is_err());
    }
    for row in shown() {
        let keys = initial(row.version, Side::Client).receive;
        assert!(keys.open(&mut row.client_initial.clone(), 18, None, &mut forgeries).is_err());
    }
}

// spec: 9000-17.2-d 9000-17.3.1-c
#[test]
fn reserved_bits_are_a_violation_only_in_what_is_authentic() {
    let mut keys = Keys::from_secret(&VERSION_1, &secret(0x1301, 1));
    for bits in [0x08, 0x10, 0x18] {
        let whole = packet(&mut keys, bits, 1);
        let mut forgeries = Forgeries::default();
        let unopened = keys.open(&mut whole.clone(), 1, None, &mut forgeries).expect_err("reserved");
        assert_eq!(unopened, Unopened::ReservedBits);
        assert_eq!(unopened.fault(), Some(Fault::ReservedBits));
        let mut forged = whole;
        forged[6] ^= 1;
        let unopened = keys.open(&mut forged, 1, None, &mut forgeries).expect_err("forged");
        assert_eq!((unopened, unopened.fault()), (Unopened::Forged, None));
    }
}

// spec: 9001-6.6-a
#[test]
fn a_key_protects_no_more_packets_than_its_limit() {
    for (id, limit) in [(0x1301, 1 << 23), (0x1302, 1 << 23)] {
        let mut keys = Keys::from_secret(&VERSION_1, &secret(id, 1));
        keys.set_sealed(limit - 1);
        packet(&mut keys, 0, 1);
        assert_eq!(keys.sealed(), limit);
        let mut last = vec![0; 64];
        let number = Number::with_len(2, 4).expect("in range");
        let draft = Draft::short(&mut Writer::new(&mut last), &[], false, number).expect("room");
        assert_eq!(draft.seal(&mut keys, &mut last, 5), Err(Exhausted));
    }
}

// spec: 9001-6.6-b
#[test]
fn one_forgery_more_than_the_limit_ends_the_connection() {
    for (id, limit) in [(0x1301, 1 << 52), (0x1302, 1 << 52), (0x1303, 1 << 36)] {
        let mut keys = Keys::from_secret(&VERSION_1, &secret(id, 1));
        let mut forged = packet(&mut keys, 0, 1);
        forged[9] ^= 1;
        let mut forgeries = Forgeries::after(limit - 1);
        assert_eq!(keys.open(&mut forged.clone(), 1, None, &mut forgeries), Err(Unopened::Forged));
        let over = keys.open(&mut forged, 1, None, &mut forgeries).expect_err("forged");
        assert_eq!(over, Unopened::IntegrityLimit);
        assert_eq!(over.fault(), Some(Fault::AeadLimitReached));
    }
}

// spec: 9001-5.4.2-a
#[test]
fn a_packet_without_sample_is_no_forgery() {
    let keys = Keys::from_secret(&VERSION_1, &secret(0x1301, 1));
    let mut forgeries = Forgeries::default();
    for len in 0..21 {
        assert_eq!(keys.open(&mut vec![0x40; len], 1, None, &mut forgeries), Err(Unopened::TooShort));
    }
    assert_eq!(forgeries.count(), 0);
}

/// RFC 9001 section 5.2: a Retry packet may have given the client an empty id.
#[test]
fn initial_keys_come_from_ids_of_any_length() {
    for dcid in [&[][..], &[1], &[2; 20]] {
        let suite = crate::packet::tests::suite(0x1301);
        let mut client = Keys::initial(suite, &VERSION_1, dcid, Side::Client);
        let server = Keys::initial(suite, &VERSION_1, dcid, Side::Server);
        let mut whole = packet(&mut client.send, 0, 3);
        assert!(server.receive.open(&mut whole, 1, None, &mut Forgeries::default()).is_ok());
    }
}

#[test]
fn nothing_secret_is_printed() {
    let keys = Keys::from_secret(&VERSION_1, &secret(0x1301, 1));
    assert_eq!(format!("{keys:?}"), "Keys(Suite(0x1301), 0)");
}
