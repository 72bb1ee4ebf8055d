//! What the tests of this crate share.

/// Bytes from hexadecimal, blanks left out.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|digit| !digit.is_whitespace())
        .map(|digit| digit.to_digit(16).expect("a hexadecimal digit") as u8)
        .collect();
    assert_eq!(digits.len() % 2, 0, "two digits a byte");
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// What the BIT STRING at the end of a SubjectPublicKeyInfo holds: there every length is the rest of the input.
pub(crate) fn subject_public_key(spki: &[u8]) -> &[u8] {
    fn content(der: &[u8], tag: u8) -> (&[u8], &[u8]) {
        assert_eq!(der[0], tag);
        let (len, at) = match der[1] {
            0x81 => (der[2] as usize, 3),
            0x82 => (u16::from_be_bytes([der[2], der[3]]) as usize, 4),
            short => (short as usize, 2),
        };
        (&der[at..at + len], &der[at + len..])
    }
    let (inside, rest) = content(spki, 0x30);
    assert!(rest.is_empty());
    let (_, bits) = content(inside, 0x30);
    let (bits, rest) = content(bits, 0x03);
    assert!(rest.is_empty());
    assert_eq!(bits[0], 0, "no unused bits");
    &bits[1..]
}

/// For providers that draw nothing from it.
pub(crate) struct Untouched;

impl sakigake_wire::Entropy for Untouched {
    fn fill(&mut self, _: &mut [u8]) {
        panic!("aws-lc draws its own randomness");
    }
}
