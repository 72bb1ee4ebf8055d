//! What any bytes must leave intact where packets are read, opened and sealed.

use super::draft::{Draft, Long};
use super::header::{Door, FixedBit, Header, LEAST_PROTECTED_BYTES, parse, parse_next};
use super::protect::{Forgeries, Keys};
use super::{Number, retry, version};
use crate::rules::versions::{LongType, VERSIONS, Version};
use sakigake_crypto::{Suite, TAG_BYTES, aws_lc};
use sakigake_tls::rules::Side;
use sakigake_wire::Writer;

/// Reads `bytes` as a datagram behind a first byte that says who reads it: no panic, packets that lie one behind the other
/// within it, and nothing in it that was sealed under our keys. Then seals them as a payload, and opens that again.
pub fn fuzz_packet(bytes: &[u8]) {
    let Some((first, datagram)) = bytes.split_first() else { return };
    let side = if first & 1 == 0 { Side::Client } else { Side::Server };
    let fixed_bit = if first & 2 == 0 { FixedBit::Required } else { FixedBit::Ignored };
    let door = Door { side, id_bytes: usize::from(first >> 2) % 21, fixed_bit };
    walk(datagram, &door);
    answers(datagram, &door);
    let version = VERSIONS[usize::from(first >> 7)];
    round_trip(version, LongType::ALL[usize::from(first >> 2) % 3], datagram);
}

fn suite() -> &'static Suite {
    aws_lc::PROVIDER.suite(0x1301).expect("the suite that every implementation has")
}

fn walk(datagram: &[u8], door: &Door) {
    let Ok(first) = parse(datagram, door) else { return };
    let dcid = first.header.dcid();
    let mut rest = datagram;
    let mut next = Ok(first.clone());
    while let Ok(packet) = next {
        assert!(packet.len > 0 && packet.len <= rest.len(), "a packet lies in its datagram");
        assert_eq!(packet.header.dcid(), dcid);
        if let Some(number_at) = packet.number_at {
            assert!(number_at + LEAST_PROTECTED_BYTES <= packet.len);
            let keys = Keys::initial(suite(), VERSIONS[0], b"never told", door.side).receive;
            let mut forgeries = Forgeries::default();
            let opened = keys.open(&mut rest[..packet.len].to_vec(), number_at, None, &mut forgeries);
            assert!(opened.is_err(), "nobody has these keys");
        }
        rest = &rest[packet.len..];
        next = parse_next(rest, door, dcid);
    }
}

/// What a server answers without a connection is read again as it was written.
fn answers(datagram: &[u8], door: &Door) {
    let Ok(packet) = parse(datagram, door) else { return };
    let client = Door { side: Side::Client, ..*door };
    let mut answer = [0; 600];
    match packet.header {
        Header::Unknown { dcid, scid, .. } => {
            let mut out = Writer::new(&mut answer);
            version::write(&mut out, dcid, scid, &VERSIONS.map(|version| version.number), datagram[0])
                .expect("two ids of 255 bytes fit");
            let len = out.written();
            let parsed = parse(&answer[..len], &client).expect("our own");
            assert_eq!((parsed.header.dcid(), parsed.header.scid()), (scid, Some(dcid)));
        }
        Header::Initial { version, dcid, scid, .. } if dcid != b"new" => {
            let mut out = Writer::new(&mut answer);
            retry::Retry { version, dcid: scid, scid: b"new", token: b"token" }
                .write(&mut out, suite(), dcid, datagram[0])
                .expect("two ids of 20 bytes fit");
            let len = out.written();
            let parsed = parse(&answer[..len], &client).expect("our own");
            assert_eq!(parsed.header, Header::Retry { version, dcid: scid, scid: b"new", token: b"token" });
            assert!(retry::is_genuine(suite(), version, dcid, &answer[..len]));
        }
        _ => {}
    }
}

fn round_trip(version: &'static Version, kind: LongType, bytes: &[u8]) {
    let payload = &bytes[..bytes.len().min(1400)];
    let id = &payload[..payload.len().min(20)];
    let number = payload.iter().fold(0u64, |number, byte| number << 7 ^ u64::from(*byte)) >> 2;
    let largest = number.checked_sub(1 + (number & 0xff));
    let Some(number) = Number::new(number, largest) else { return };
    let mut packet = [0; 1600];
    let mut out = Writer::new(&mut packet);
    let header = Long { version, kind, dcid: id, scid: id, token: id };
    let draft = Draft::long(&mut out, &header, number).expect("room for ids of 20 bytes");
    out.put(payload).expect("room for 1400 bytes");
    let payload_len = payload.len().max(draft.least_payload());
    let mut keys = Keys::initial(suite(), version, id, Side::Client).send;
    let len = draft.seal(&mut keys, &mut packet, payload_len).expect("the first packet");
    assert_eq!(len, draft.payload_at() + payload_len + TAG_BYTES);

    let door = Door { side: Side::Server, id_bytes: 8, fixed_bit: FixedBit::Required };
    let parsed = parse(&packet, &door).expect("our own");
    let (Some(number_at), parsed_len) = (parsed.number_at, parsed.len) else { panic!("it has a number") };
    assert_eq!((parsed_len, parsed.header.dcid(), parsed.header.scid()), (len, id, Some(id)));
    let keys = Keys::initial(suite(), version, id, Side::Server).receive;
    let opened =
        keys.open(&mut packet[..len], number_at, largest, &mut Forgeries::default()).expect("our own");
    assert_eq!(opened.number, number.full());
    let (sealed, padding) = packet[opened.payload].split_at(payload.len());
    assert!(sealed == payload && padding.iter().all(|byte| *byte == 0));
}

#[cfg(test)]
mod tests;
