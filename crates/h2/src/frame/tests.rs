use super::*;
use crate::rules::{FRAMES, Length, Place, admit};

const SAMPLES: [(Frame<'_>, &str); 10] = [
    (Frame::Priority { stream: 5, on: 3 }, "000005 02 00 00000005 00000003 00"),
    (Frame::RstStream { stream: 3, code: 8 }, "000004 03 00 00000003 00000008"),
    (Frame::Settings(&[0, 4, 0, 1, 0, 0]), "000006 04 00 00000000 0004 00010000"),
    (Frame::SettingsAck, "000000 04 01 00000000"),
    (Frame::Ping { payload: *b"12345678", ack: true }, "000008 06 01 00000000 3132333435363738"),
    (Frame::GoAway { last: 7, code: 0xb }, "000008 07 00 00000000 00000007 0000000b"),
    (Frame::WindowUpdate { stream: 0, increment: 0x7fff_ffff }, "000004 08 00 00000000 7fffffff"),
    (Frame::PriorityUpdate { stream: 1, value: b"u=1" }, "000007 10 00 00000000 00000001 753d31"),
    (Frame::Origin { entries: b"\0\x09https://a" }, "00000b 0c 00 00000000 0009 68747470733a2f2f61"),
    (Frame::Preload { kind: rules::PRELOAD, block: b"\x01\x02" }, "000002 f0 00 00000000 0102"),
];

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.bytes().filter_map(|byte| char::from(byte).to_digit(16)).map(|d| d as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// Shape and place, as the connection asks for them.
fn read(bytes: &[u8]) -> Result<Option<Frame<'_>>, Fault> {
    let (head, payload) = bytes.split_first_chunk().expect("a whole head");
    let head = FrameHead::read(*head);
    admit(&head, 16_384)?;
    match payload.get(..head.length as usize) {
        Some(payload) => Frame::read(head, payload),
        None => Ok(None),
    }
}

#[test]
fn every_frame_reads_back_and_looks_as_the_rfc_draws_it() {
    for (frame, bytes) in SAMPLES {
        let mut out = Vec::new();
        frame.write(&mut out);
        assert_eq!(out, hex(bytes), "{frame:?}");
        assert_eq!(read(&out), Ok(Some(frame)));
    }
}

#[test]
fn a_payload_cut_short_is_refused() {
    for (frame, bytes) in SAMPLES {
        let whole = hex(bytes);
        for cut in HEAD_BYTES..whole.len() {
            let mut short = whole[..cut].to_vec();
            short[2] = (cut - HEAD_BYTES) as u8;
            let variable = matches!(
                frame,
                Frame::Settings(_)
                    | Frame::PriorityUpdate { .. }
                    | Frame::Origin { .. }
                    | Frame::Preload { .. }
            );
            let read = read(&short);
            assert!(
                read.is_err() || (variable && read != Ok(Some(frame))),
                "{frame:?} cut at {cut}: {read:?}"
            );
        }
    }
}

#[test]
fn no_flipped_bit_panics() {
    for (_, bytes) in SAMPLES {
        let whole = hex(bytes);
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Ok(Some(frame)) = read(&flipped) {
                let mut out = Vec::new();
                frame.write(&mut out);
                assert_eq!(read(&out), Ok(Some(frame)), "what is read can be written and read again");
            }
        }
    }
}

#[test]
fn a_head_keeps_all_but_the_reserved_bit() {
    let head = FrameHead::read([0x12, 0x34, 0x56, 0xf0, 0xff, 0xff, 0xff, 0xff, 0xff]);
    assert_eq!(head, FrameHead { length: 0x12_3456, kind: 0xf0, flags: 0xff, stream: MAX_31_BITS });
    assert_eq!(head.bytes(), [0x12, 0x34, 0x56, 0xf0, 0xff, 0x7f, 0xff, 0xff, 0xff]); // spec: 9113-4.1-d
}

#[test]
fn padding_and_old_priorities_are_cut_off_a_field_block() {
    let head = |flags| FrameHead::new(kind::HEADERS, flags, 1, 0);
    assert_eq!(headers_fragment(head(0), b"abc"), Ok((&b"abc"[..], None)));
    assert_eq!(headers_fragment(head(flag::PADDED), &[2, b'a', 0, 0]), Ok((&b"a"[..], None)));
    assert_eq!(headers_fragment(head(flag::PADDED), &[3, 0, 0, 0]), Ok((&b""[..], None)));
    assert_eq!(headers_fragment(head(flag::PADDED), &[4, 0, 0, 0]), Err(Fault::Padding)); // spec: 9113-6.2-a
    assert_eq!(headers_fragment(head(flag::PRIORITY), &[0x80, 0, 0, 7, 0, b'a']), Ok((&b"a"[..], Some(7))));
    let both = flag::PRIORITY | flag::PADDED;
    assert_eq!(headers_fragment(head(both), &[1, 0, 0, 0, 0, 0, b'a', 0]), Ok((&b"a"[..], Some(0))));
    assert_eq!(headers_fragment(head(both), &[1, 0, 0, 0, 0, 0]), Err(Fault::Padding));
}

#[test]
fn each_row_of_the_table_is_kept() {
    for rule in FRAMES {
        let (good, bad) = match rule.length {
            Length::Any => (3, None),
            Length::Exactly(bytes) => (bytes, Some(bytes + 1)),
            Length::AtLeast(bytes) => (bytes, Some(bytes - 1)),
            Length::MultipleOf(bytes) => (bytes * 2, Some(bytes + 1)),
        };
        let head = |stream, length: u32| FrameHead::new(rule.kind, 0, stream, length as usize);
        let stream = u32::from(rule.place == Place::Stream);
        assert_eq!(admit(&head(stream, good), 16_384), Ok(()), "{}", rule.name);
        if let Some(bad) = bad {
            assert!(admit(&head(stream, bad), 16_384).is_err(), "{}", rule.name);
        }
        let elsewhere = admit(&head(1 - stream, good), 16_384);
        assert_eq!(elsewhere == Err(Fault::Misplaced), rule.place != Place::Either, "{}", rule.name);
    }
}
