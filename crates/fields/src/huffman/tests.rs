use super::*;

fn decoded(bytes: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    decode(bytes, &mut out).map(|()| out)
}

#[test]
fn codes_are_those_of_appendix_b() {
    for (byte, code, len) in [
        (b'0', 0x0, 5),
        (b'a', 0x3, 5),
        (b' ', 0x14, 6),
        (b'z', 0x7b, 7),
        (b'&', 0xf8, 8),
        (b'!', 0x3f8, 10),
        (b'\\', 0x7fff0, 19),
        (0, 0x1ff8, 13),
        (10, 0x3fff_fffc, 30),
        (22, 0x3fff_fffe, 30),
        (249, 0x0fff_fffe, 28),
        (255, 0x03ff_ffee, 26),
    ] {
        assert_eq!(CODES[usize::from(byte)], (code, len), "{byte}");
    }
}

#[test]
fn the_strings_of_appendix_c_4() {
    for (text, bytes) in [
        (
            &b"www.example.com"[..],
            &[0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff][..],
        ),
        (b"no-cache", &[0xa8, 0xeb, 0x10, 0x64, 0x9c, 0xbf]),
    ] {
        let mut out = Vec::new();
        encode(text, &mut out);
        assert_eq!(out, bytes);
        assert_eq!(decoded(bytes).unwrap(), text);
    }
}

#[test]
fn every_pair_of_bytes_survives() {
    for first in 0..=255 {
        for second in 0..=255 {
            let text = [first, second, first];
            let mut out = Vec::new();
            encode(&text, &mut out);
            assert_eq!(out.len(), encoded_len(&text));
            assert_eq!(decoded(&out).unwrap(), text);
        }
    }
}

#[test]
fn padding_is_the_beginning_of_eos_and_below_eight_bits() {
    // spec: 7541-5.2-b
    // spec: 7541-5.2-c
    assert_eq!(decoded(&[]), Ok(vec![]));
    assert_eq!(decoded(&[0b0001_1111]), Ok(b"a".to_vec()));
    assert_eq!(decoded(&[0b0001_1110]), Err(Fault::Padding));
    assert_eq!(decoded(&[0b0001_1000]), Err(Fault::Padding));
    assert_eq!(decoded(&[0b0001_1111, 0xff]), Err(Fault::LongPadding));
    assert_eq!(decoded(&[0xff]), Err(Fault::LongPadding));
    assert_eq!(decoded(&[0xff, 0xff, 0xff]), Err(Fault::LongPadding));
    assert_eq!(decoded(&[0xff, 0xfe]), Err(Fault::Padding));
}

#[test]
fn eos_is_refused_wherever_it_stands() {
    // spec: 7541-5.2-d
    assert_eq!(decoded(&[0xff; 4]), Err(Fault::EndOfString));
    assert_eq!(decoded(&[0b0001_1111, 0xff, 0xff, 0xff, 0xff, 0xff]), Err(Fault::EndOfString));
}
