use super::*;

/// RFC 9000 appendix A.2.
// spec: 9000-17.1-b
#[test]
fn numbers_have_the_lengths_of_the_appendix() {
    let len = |full, acked| Number::new(full, acked).expect("it can be sent").wire_bytes();
    assert_eq!(len(0x00ac_5c02, Some(0x00ab_e8b3)), 2);
    assert_eq!(len(0x00ac_e8fe, Some(0x00ab_e8b3)), 3);
}

/// RFC 9000 appendix A.3.
// spec: 9000-17.1-c
#[test]
fn a_number_is_decoded_as_in_the_appendix() {
    assert_eq!(decode(&[0x9b, 0x32], Some(0xa82f_30ea)), Some(0xa82f_9b32));
}

// spec: 9000-17.1-a
#[test]
fn without_an_acknowledgement_the_whole_number_is_sent() {
    for full in [0, 1, 62, 63, 127, 128, 255, 256, 32_767, 65_535, 65_536, 0x007f_ffff, 0x3fff_ffff] {
        let number = Number::new(full, None).expect("it can be sent");
        assert!(full < 1 << (8 * number.wire_bytes()), "{full} in {} bytes", number.wire_bytes());
        assert_eq!(decode(&number.bytes()[4 - number.wire_bytes()..], None), Some(full));
    }
    // And not a byte more than that takes.
    for (full, wire_bytes) in [(126, 1), (127, 2), (32_766, 2), (32_767, 3), (8_388_606, 3), (8_388_607, 4)] {
        assert_eq!(Number::new(full, None).map(Number::wire_bytes), Some(wire_bytes), "{full}");
    }
}

// spec: 9000-17.1-b
#[test]
fn more_than_twice_the_range_under_way_is_represented() {
    for acked in [0, 5, 1 << 20, (1 << 61) + 12345] {
        for under_way in [1, 2, 127, 128, 129, 255, 256, 32_767, 32_768, 8_388_607, 8_388_608, (1 << 31) - 1]
        {
            let number = Number::new(acked + under_way, Some(acked)).expect("it can be sent");
            assert!(1u64 << (8 * number.wire_bytes()) > 2 * under_way, "{under_way}");
            assert!(
                number.wire_bytes() == 1 || 1u64 << (8 * (number.wire_bytes() - 1)) <= 2 * under_way,
                "{under_way}"
            );
            let truncated = &number.bytes()[4 - number.wire_bytes()..];
            for seen in [acked, acked + under_way / 2, acked + under_way - 1] {
                assert_eq!(
                    decode(truncated, Some(seen)),
                    Some(acked + under_way),
                    "{under_way} after {seen}"
                );
            }
        }
    }
}

#[test]
fn what_four_bytes_cannot_say_is_not_sent() {
    assert!(Number::new((1 << 31) - 1, Some(0)).is_some());
    assert_eq!(Number::new(1 << 31, Some(0)), None);
    assert_eq!(Number::new(u64::MAX, None), None);
}

// spec: 9000-12.3-p
#[test]
fn numbers_end_at_62_bits() {
    assert_eq!(Number::new(MAX_NUMBER, Some(MAX_NUMBER - 1)).map(Number::full), Some(MAX_NUMBER));
    assert_eq!(Number::new(MAX_NUMBER + 1, Some(MAX_NUMBER)), None);
    assert_eq!(decode(&[0xff], Some(MAX_NUMBER - 1)), Some(MAX_NUMBER));
    for len in 1..=4 {
        for largest in [None, Some(0), Some(1), Some(MAX_NUMBER - 1), Some(MAX_NUMBER)] {
            for byte in [0, 1, 0x7f, 0x80, 0xff] {
                if let Some(number) = decode(&vec![byte; len], largest) {
                    assert!(number <= MAX_NUMBER);
                }
            }
        }
    }
}

#[test]
fn what_is_decoded_is_the_closest_with_those_bytes() {
    for largest in [0u64, 100, 127, 128, 200, 255, 256, 1000, 65_535, 1 << 40] {
        for low in 0..=255u8 {
            let number = decode(&[low], Some(largest)).expect("far from the end");
            assert_eq!(number as u8, low);
            let distance = number.abs_diff(largest + 1);
            assert!(distance <= 128 || number < 256 && largest < 256, "{low} after {largest}: {number}");
        }
    }
}
