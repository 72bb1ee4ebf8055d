use super::*;
use crate::packet::tests::{CLIENT_DCID, SERVER_SCID, shown, suite};
use crate::rules::versions::VERSIONS;

fn written(version: &'static Version, room: usize) -> Result<Vec<u8>, Full> {
    let mut packet = vec![0; room];
    let mut out = Writer::new(&mut packet);
    let retry = Retry { version, dcid: &[7; 20], scid: &SERVER_SCID, token: &[3; 50] };
    retry.write(&mut out, suite(0x1301), &CLIENT_DCID, 0x5a)?;
    let len = out.written();
    packet.truncate(len);
    Ok(packet)
}

// spec: 9000-17.2.5.2-a
#[test]
fn no_flipped_bit_and_no_truncation_is_genuine() {
    for row in shown() {
        let is_genuine = |packet: &[u8]| super::is_genuine(suite(0x1301), row.version, &CLIENT_DCID, packet);
        assert!(is_genuine(&row.retry));
        for bit in 0..row.retry.len() * 8 {
            let mut flipped = row.retry.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(!is_genuine(&flipped), "bit {bit}");
        }
        for len in 0..row.retry.len() {
            assert!(!is_genuine(&row.retry[..len]), "{len} bytes");
        }
    }
}

#[test]
fn a_tag_binds_the_original_id_and_the_version() {
    for version in VERSIONS {
        let packet = written(version, 200).expect("room");
        assert!(is_genuine(suite(0x1301), version, &CLIENT_DCID, &packet));
        assert!(!is_genuine(suite(0x1301), version, &SERVER_SCID, &packet));
        assert!(!is_genuine(suite(0x1301), version, &[], &packet));
        for other in VERSIONS.into_iter().filter(|other| *other != version) {
            assert!(!is_genuine(suite(0x1301), other, &CLIENT_DCID, &packet));
        }
    }
}

#[test]
fn a_packet_that_does_not_fit_is_not_begun() {
    let len = written(VERSIONS[0], 200).expect("room").len();
    assert!(written(VERSIONS[0], len).is_ok());
    assert_eq!(written(VERSIONS[0], len - 1), Err(Full(len)));
}

// spec: 9000-17.2.5.1-a
#[test]
#[should_panic(expected = "changes the id")]
fn a_retry_never_keeps_the_id_of_the_client() {
    let retry = Retry { version: VERSIONS[0], dcid: &[], scid: &CLIENT_DCID, token: &[1] };
    retry.write(&mut Writer::new(&mut [0; 100]), suite(0x1301), &CLIENT_DCID, 0).expect("never reached");
}
