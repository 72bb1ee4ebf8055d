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

/// For providers that draw nothing from it.
pub(crate) struct Untouched;

impl sakigake_wire::Entropy for Untouched {
    fn fill(&mut self, _: &mut [u8]) {
        panic!("aws-lc draws its own randomness");
    }
}
