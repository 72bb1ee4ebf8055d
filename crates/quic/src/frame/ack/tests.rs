use super::{Ack, EcnCounts, Written, write_ack};
use crate::{Fault, rules::frames::kind};
use core::ops::Range;
use sakigake_wire::{Full, Reader, Span, Writer};

/// Packet number 0 and no other.
const FIRST: Range<u64> = 0..1;
const ECN: EcnCounts = EcnCounts { ect0: 100, ect1: 0, ce: 20_000 };

/// RFC 9000 section 19.3.1 by hand: 100 down to 95, 92 down to 89, 80.
const SAMPLE: [u8; 10] = [0x40, 0x64, 0x05, 0x02, 0x05, 0x01, 0x03, 0x07, 0x00, 0xaa];

#[test]
fn ranges_come_highest_first() {
    let mut reader = Reader::new(&SAMPLE);
    let ack = Ack::read(kind::ACK, &mut reader).expect("an ACK frame");
    assert_eq!(ack.largest, 100);
    assert_eq!(ack.ranges().collect::<Vec<_>>(), [95..101, 89..93, 80..81]);
    assert_eq!(reader.rest(), [0xaa]);
}

#[test]
fn no_range_reaches_below_zero() {
    let below = Err(Fault::AckBelowZero { frame: kind::ACK });
    for bytes in [
        &[0x04, 0, 0, 0x05][..],
        &[0x0a, 0, 1, 0x05, 0x03, 0x01], // 10..5, gap to 0, 0 down to -1
        &[0x0a, 0, 1, 0x05, 0x04, 0x00], // 10..5, gap to -1
        &[0x0a, 0, 1, 0x0a, 0x00, 0x00], // 10..0, and one below
        // Another stack's sample, whose first range is longer than its largest number.
        &[0x52, 0x34, 0x52, 0x35, 0x02, 0x52, 0x36, 0x01, 0x02, 0x03, 0x04],
    ] {
        assert_eq!(read(kind::ACK, bytes), below, "{bytes:02x?}"); // spec: 9000-19.3.1-m
    }
    assert!(read(kind::ACK, &[0x0a, 0, 1, 0x05, 0x03, 0x00]).is_ok(), "0 is acknowledged");
}

#[test]
fn a_count_beyond_the_packet_is_refused_at_once() {
    let bytes = [0x0a, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00];
    assert_eq!(read(kind::ACK, &bytes), Err(Fault::FrameEndsEarly { frame: kind::ACK }));
}

#[test]
fn the_delay_is_scaled_and_never_overflows() {
    let mut ack = Ack::read(kind::ACK, &mut Reader::new(&SAMPLE)).expect("an ACK frame");
    assert_eq!(ack.delay(3), Span::from_micros(40));
    assert_eq!(ack.delay(0), Span::from_micros(5));
    ack.encoded_delay = (1 << 62) - 1;
    assert_eq!(ack.delay(20), Span::MAX);
    assert_eq!(ack.delay(64), Span::MAX);
}

#[test]
fn what_is_written_reads_as_the_same_ranges() {
    let sets: [&[Range<u64>]; 5] = [
        &[FIRST],
        &[5..6, 0..4],
        &[95..101, 89..93, 80..81],
        &[(1 << 61)..(1 << 62) - 1, 70_000..80_000, 3..4],
        &[1_000..1_001, 998..999, 996..997, 994..995],
    ];
    for set in sets {
        for ecn in [None, Some(ECN)] {
            let (written, bytes) = write(2_048, set, ecn).expect("fits");
            let lowest = set.last().map_or(0, |range| range.start);
            assert_eq!(written, Some(Written { ranges: set.len(), span: lowest..set[0].end }));
            let mut reader = Reader::new(&bytes);
            let kind = reader.varint().expect("a type");
            let ack = Ack::read(kind, &mut reader).expect("an ACK frame");
            assert!(reader.is_empty());
            assert_eq!((ack.ranges().collect::<Vec<_>>().as_slice(), ack.ecn), (set, ecn));
            let mut out = vec![0; bytes.len()];
            ack.write(&mut Writer::new(&mut out)).expect("fits");
            assert_eq!(out, bytes);
        }
    }
}

#[test]
fn nothing_to_acknowledge_writes_nothing() {
    assert_eq!(write(64, &[], None), Ok((None, vec![])));
}

#[test]
fn the_lowest_ranges_give_way_where_room_is_short() {
    let set: Vec<Range<u64>> = (0..200).rev().map(|number| 3 * number..3 * number + 1).collect();
    let mut before = 0;
    for room in 0..600 {
        let Ok((written, bytes)) = write(room, &set, Some(ECN)) else { continue };
        let ranges = written.expect("there are ranges").ranges;
        assert!(bytes.len() <= room && ranges >= before);
        // Each range takes two bytes here, and a count above 63 one more.
        assert!(ranges == set.len() || bytes.len() + 3 > room, "{} of {room}", bytes.len());
        let ack = read(kind::ACK_ECN, &bytes[1..]).expect("an ACK frame");
        assert_eq!(ack, set[..ranges]);
        before = ranges;
    }
    assert_eq!(before, set.len());
    assert_eq!(write(5, &[FIRST], None), Ok((Some(Written { ranges: 1, span: 0..1 }), vec![2, 0, 7, 0, 0])));
    assert!(matches!(write(4, &[FIRST], None), Err(Full(_))));
}

fn write(
    room: usize,
    ranges: &[Range<u64>],
    ecn: Option<EcnCounts>,
) -> Result<(Option<Written>, Vec<u8>), Full> {
    let mut out = vec![0; room];
    let mut writer = Writer::new(&mut out);
    let written = write_ack(&mut writer, ranges.iter().cloned(), 7, ecn)?;
    let len = writer.written();
    out.truncate(len);
    Ok((written, out))
}

fn read(kind: u64, bytes: &[u8]) -> Result<Vec<Range<u64>>, Fault> {
    Ack::read(kind, &mut Reader::new(bytes)).map(|ack| ack.ranges().collect())
}
