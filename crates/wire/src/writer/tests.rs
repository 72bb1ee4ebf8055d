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
