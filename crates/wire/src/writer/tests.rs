use super::*;
use crate::{Reader, Short, Span};

#[test]
fn a_write_that_does_not_fit_leaves_nothing() {
    let mut buf = [0; 3];
    let mut writer = Writer::new(&mut buf);
    let full = writer.all_or_nothing(|writer| {
        writer.u8(1)?;
        writer.u32(2)
    });
    assert_eq!(full, Err(Full(4)));
    assert_eq!(writer.written(), 0);
}

#[test]
fn nesting_writes_the_lengths() {
    let mut out = Vec::new();
    out.vector_u16(|out| {
        out.u8(7);
        out.vector_u8(|out| out.put(b"ab"));
        out.vector_u24(|_| ());
    });
    assert_eq!(out, [0, 7, 7, 2, b'a', b'b', 0, 0, 0]);
    let mut outer = Reader::new(&out);
    let mut inner = outer.vector_u16().unwrap();
    assert_eq!(inner.u8(), Ok(7));
    assert_eq!(inner.vector_u8().unwrap().rest(), b"ab");
    assert!(inner.vector_u24().unwrap().is_empty());
    assert!(inner.is_empty() && outer.is_empty());
}

#[test]
#[should_panic(expected = "outgrew its length prefix")]
fn a_vector_never_lies_about_its_length() {
    Vec::new().vector_u8(|out| out.put(&[0; 256]));
}

#[test]
fn a_length_beyond_the_input_is_short() {
    assert_eq!(Reader::new(&[3, 1, 2]).vector_u8().unwrap_err(), Short(3));
    assert_eq!(Reader::new(&[0xff]).varint(), Err(Short(8)));
}

#[test]
fn varints_of_rfc_9000_appendix_a_1() {
    for (bytes, value) in [
        (&[0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c][..], 151_288_809_941_952_652),
        (&[0x9d, 0x7f, 0x3e, 0x7d], 494_878_333),
        (&[0x7b, 0xbd], 15_293),
        (&[0x25], 37),
        (&[0x40, 0x25], 37),
    ] {
        assert_eq!(Reader::new(bytes).varint(), Ok(value));
    }
}

// spec: 9000-16-a
#[test]
fn varints_are_written_in_as_few_bytes_as_they_take() {
    for (value, bytes) in [
        (0, &[0][..]),
        (37, &[0x25]),
        (63, &[0x3f]),
        (64, &[0x40, 0x40]),
        (15_293, &[0x7b, 0xbd]),
        (16_383, &[0x7f, 0xff]),
        (16_384, &[0x80, 0, 0x40, 0]),
        (494_878_333, &[0x9d, 0x7f, 0x3e, 0x7d]),
        (0x3fff_ffff, &[0xbf, 0xff, 0xff, 0xff]),
        (0x4000_0000, &[0xc0, 0, 0, 0, 0x40, 0, 0, 0]),
        (151_288_809_941_952_652, &[0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c]),
        (MAX_VARINT, &[0xff; 8]),
    ] {
        let mut buf = [0; 8];
        let mut writer = Writer::new(&mut buf);
        writer.varint(value).expect("room");
        let len = writer.written();
        assert_eq!((&buf[..len], varint_len(value)), (bytes, len), "{value}");
        assert_eq!(Reader::new(bytes).varint(), Ok(value));
        assert_eq!(Writer::new(&mut buf[..len - 1]).varint(value), Err(Full(len)));
    }
}

#[test]
#[should_panic(expected = "62 bits")]
fn a_varint_has_no_more_than_62_bits() {
    Writer::new(&mut [0; 8]).varint(MAX_VARINT + 1).expect("never reached");
}

#[test]
fn spans_read_as_people_write_them() {
    for (span, text) in [
        (Span::from_millis(50), "50 ms"),
        (Span::from_millis(1_250), "1.250 s"),
        (Span::from_micros(17), "17 us"),
        (Span::from_nanos(3), "3 ns"),
    ] {
        assert_eq!(span.to_string(), text);
    }
}
