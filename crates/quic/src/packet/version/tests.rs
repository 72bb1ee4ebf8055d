use super::write;
use crate::packet::tests::{door, hex};
use crate::packet::{Discard, Header, parse};
use sakigake_tls::rules::Side;
use sakigake_wire::Writer;

// spec: 9000-17.2.1-a 9000-17.2.1-c 9000-17.2.1-d
#[test]
fn the_ids_of_the_client_are_echoed() {
    let mut packet = [0; 100];
    let mut out = Writer::new(&mut packet);
    write(&mut out, &[1, 2, 3], &[4], &[1, 0x6b33_43cf], 0xff).expect("room");
    let len = out.written();
    let bytes = hex("ff 00000000 01 04 03 010203 00000001 6b3343cf");
    assert_eq!(packet[..len], bytes);
    let parsed = parse(&bytes, &door(Side::Client)).expect("a packet");
    assert_eq!((parsed.len, parsed.number_at), (len, None));
    let Header::VersionNegotiation { dcid, scid, versions } = parsed.header else { panic!("{parsed:?}") };
    assert_eq!((dcid, scid), (&[4][..], &[1, 2, 3][..]));
    assert_eq!(versions.iter().collect::<Vec<_>>(), [1, 0x6b33_43cf]);
    assert!(versions.contains(1) && !versions.contains(2));
    assert_eq!(format!("{versions:?}"), r#"["0x00000001", "0x6b3343cf"]"#);
}

// spec: 9000-17.2.1-b
#[test]
fn ids_of_255_bytes_are_answered() {
    let mut packet = [0; 600];
    let mut out = Writer::new(&mut packet);
    write(&mut out, &[1; 255], &[2; 255], &[1], 0).expect("room");
    let len = out.written();
    let parsed = parse(&packet[..len], &door(Side::Client)).expect("a packet");
    assert_eq!((parsed.header.dcid(), parsed.header.scid()), (&[2; 255][..], Some(&[1; 255][..])));
    let mut small = [0; 519];
    let mut out = Writer::new(&mut small);
    assert!(write(&mut out, &[1; 255], &[2; 255], &[1], 0).is_err());
    assert_eq!(out.written(), 0);
}

/// Whatever the seven bits behind the Header Form are.
// spec: 8999-6-a
#[test]
fn a_list_without_versions_or_with_a_piece_of_one_is_ignored() {
    for first in [0x80, 0xc0, 0xff] {
        let parsed = |list: &[u8]| {
            let packet = [&[first, 0, 0, 0, 0, 0, 0][..], list].concat();
            parse(&packet, &door(Side::Client)).map(|_| ())
        };
        assert_eq!(parsed(&[0; 4]), Ok(()));
        assert_eq!(parsed(&[0; 8]), Ok(()));
        for len in [0, 1, 2, 3, 5, 6, 7] {
            assert_eq!(parsed(&[0; 8][..len]), Err(Discard::VersionList), "{len} bytes");
        }
    }
}
