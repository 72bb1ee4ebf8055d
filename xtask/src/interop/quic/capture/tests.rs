//! Lines as tshark writes them.

use super::*;

#[test]
fn a_coalesced_datagram_of_the_servers_is_read() {
    let line = "0.06\t10.77.0.1\t443\t10.77.0.2\t34266\t1208\t0,2\t\t0x00000001,0x00000001\tc869,c869\tb749,b749\t\t\t\t3,6,6\t2,8,11\t0x1301\t4,5\t0,4\t100\t0,0,700\t90,700,50\t4588";
    let datagram = Datagram::read(line);
    assert!(datagram.is_servers);
    assert_eq!((datagram.path.as_str(), datagram.bytes), ("10.77.0.2:34266", 1200));
    assert_eq!((&datagram.types, &datagram.versions), (&vec![INITIAL, HANDSHAKE], &vec![1, 1]));
    assert_eq!((datagram.scid.as_str(), datagram.dcid.as_str()), ("c869", "b749"));
    assert_eq!((&datagram.messages, &datagram.suites), (&vec![SERVER_HELLO, 8, CERTIFICATE], &vec![0x1301]));
    assert_eq!((datagram.stream_bytes, datagram.streams_allowed), (9, Some(100)));
    assert_eq!((datagram.crypto, datagram.groups), (vec![(0, 90), (0, 700), (700, 50)], vec![0x11ec]));
}

#[test]
fn version_2_counts_its_packet_types_from_retry() {
    let line = "0\t10.77.0.2\t5\t10.77.0.1\t443\t1208\t\t1,3,0\t0x6b3343cf";
    let datagram = Datagram::read(line);
    assert_eq!((datagram.is_servers, datagram.types), (false, vec![INITIAL, HANDSHAKE, RETRY]));
}

#[test]
fn a_line_without_columns_is_an_empty_datagram() {
    let datagram = Datagram::read("");
    assert_eq!((datagram.bytes, datagram.types.len(), datagram.token.as_str()), (0, 0, ""));
}
