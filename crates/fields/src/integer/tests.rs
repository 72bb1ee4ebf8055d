use super::*;

fn read(bytes: &[u8], prefix: u8) -> Result<u64, Fault> {
    let mut reader = Reader::new(bytes);
    let first = reader.u8().unwrap();
    let value = decode(first, prefix, &mut reader)?;
    assert!(reader.is_empty(), "all bytes belong to it");
    Ok(value)
}

#[test]
fn the_integers_of_appendix_c_1() {
    for (value, prefix, bytes) in [(10, 5, &[0b01010][..]), (1337, 5, &[31, 154, 10]), (42, 8, &[42])] {
        let mut out = Vec::new();
        encode(value, prefix, 0, &mut out);
        assert_eq!(out, bytes);
        assert_eq!(read(bytes, prefix), Ok(value));
    }
}

#[test]
fn every_prefix_carries_every_size() {
    // spec: 9204-4.1.1-a
    for prefix in 1..=8 {
        for value in (0..62).flat_map(|bit| [(1_u64 << bit) - 1, 1 << bit, (1 << bit) + 1]).chain([MAX]) {
            let mut out = Vec::new();
            encode(value, prefix, 0, &mut out);
            assert_eq!(read(&out, prefix), Ok(value));
            for len in 1..out.len() {
                assert_eq!(read(&out[..len], prefix), Err(Fault::Truncated));
            }
        }
    }
}

#[test]
fn an_integer_ends_somewhere() {
    // spec: 7541-5.1-a
    assert_eq!(read(&[[0x1f].as_slice(), &[0x80; 9]].concat(), 5), Err(Fault::TooLarge));
    assert_eq!(read(&[[0x1f].as_slice(), &[0xff; 20]].concat(), 5), Err(Fault::TooLarge));
    assert_eq!(read(&[[0x1f].as_slice(), &[0xff; 8], &[0x7f]].concat(), 5), Err(Fault::TooLarge));
}
