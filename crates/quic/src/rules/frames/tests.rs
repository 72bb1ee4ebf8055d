use super::{Epoch, FRAMES, frame, kind, name};
use sakigake_tls::rules::Side;

/// RFC 9000 section 12.4, table 3, as it is printed there (but for RETIRE_CONNECTION_ID, which section 12.5 bars from 0-RTT).
const TABLE_3: &str = "
    0x00       PADDING               IH01  NP
    0x01       PING                  IH01
    0x02-0x03  ACK                   IH_1  NC
    0x04       RESET_STREAM          __01
    0x05       STOP_SENDING          __01
    0x06       CRYPTO                IH_1
    0x07       NEW_TOKEN             ___1
    0x08-0x0f  STREAM                __01  F
    0x10       MAX_DATA              __01
    0x11       MAX_STREAM_DATA       __01
    0x12-0x13  MAX_STREAMS           __01
    0x14       DATA_BLOCKED          __01
    0x15       STREAM_DATA_BLOCKED   __01
    0x16-0x17  STREAMS_BLOCKED       __01
    0x18       NEW_CONNECTION_ID     __01  P
    0x19       RETIRE_CONNECTION_ID  ___1
    0x1a       PATH_CHALLENGE        __01  P
    0x1b       PATH_RESPONSE         ___1  P
    0x1c       CONNECTION_CLOSE      IH01  N
    0x1d       CONNECTION_CLOSE      __01  N
    0x1e       HANDSHAKE_DONE        ___1
";

#[test]
fn the_table_is_the_rfcs() {
    for line in TABLE_3.lines().filter(|line| !line.trim().is_empty()) {
        let mut columns = line.split_whitespace();
        let types = columns.next().expect("types");
        let (first, last) = types.split_once('-').unwrap_or((types, types));
        let parse = |hex: &str| u64::from_str_radix(&hex[2..], 16).expect("hexadecimal");
        let rfc_name = columns.next().expect("a name");
        let packets = columns.next().expect("packets");
        let special = columns.next().unwrap_or_default();
        for kind in parse(first)..=parse(last) {
            let rule = frame(kind).expect("a row");
            assert_eq!(rule.name, rfc_name);
            for (epoch, letter) in Epoch::ALL.into_iter().zip(['I', '0', 'H', '1']) {
                assert_eq!(rule.epochs.allows(epoch), packets.contains(letter), "{rfc_name} in {epoch:?}");
            }
            assert_eq!(rule.elicits_ack, !special.contains('N'), "{rfc_name}");
            assert_eq!(rule.in_flight, !special.contains('C'), "{rfc_name}");
            assert_eq!(rule.probes, special.contains('P'), "{rfc_name}");
            assert_eq!(rule.is_flow_controlled, special.contains('F'), "{rfc_name}");
        }
    }
}

#[test]
fn the_rows_stand_in_order_and_do_not_overlap() {
    assert!(FRAMES.iter().all(|rule| rule.first <= rule.last));
    assert!(FRAMES.windows(2).all(|pair| pair[0].last < pair[1].first));
    for rule in &FRAMES {
        assert_eq!(frame(rule.first).map(|found| found.first), Some(rule.first));
        assert_eq!(frame(rule.last).map(|found| found.first), Some(rule.first));
    }
}

#[test]
fn numbers_between_the_rows_are_nobodys() {
    for kind in [0x20, 0x21, 0x23, 0x25, 0x2f, 0x32, 0x40, 0xae, 0xb0, u64::MAX] {
        assert!(frame(kind).is_none(), "{kind:#x}");
        assert_eq!(name(kind), "unknown");
    }
}

#[test]
fn servers_alone_send_tokens_and_confirm_handshakes() {
    let of_servers: Vec<&str> =
        FRAMES.iter().filter(|rule| !rule.may_come_from(Side::Client)).map(|rule| rule.name).collect();
    assert_eq!(of_servers, ["NEW_TOKEN", "HANDSHAKE_DONE"]);
    assert!(FRAMES.iter().all(|rule| rule.may_come_from(Side::Server)));
}

#[test]
fn extensions_elicit_acknowledgements_and_count() {
    for kind in [kind::DATAGRAM_LEN, kind::RESET_STREAM_AT, kind::ACK_FREQUENCY, kind::IMMEDIATE_ACK] {
        let rule = frame(kind).expect("a row");
        assert!(rule.elicits_ack && rule.in_flight && !rule.probes, "{}", rule.name);
        assert!(!rule.epochs.allows(Epoch::Initial) && !rule.epochs.allows(Epoch::Handshake));
    }
}
