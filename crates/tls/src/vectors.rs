//! Test vectors of RFC 8448: each value by its name in `vectors/rfc8448-*.txt`.

use std::collections::BTreeMap;

/// The values of one section.
pub(crate) struct Vectors(BTreeMap<&'static str, Vec<u8>>);

impl Vectors {
    /// Section 3: a handshake in one round trip.
    pub(crate) fn one_round_trip() -> Self {
        Self::parse(include_str!("../vectors/rfc8448-3.txt"))
    }

    /// Section 4: a resumption with early data, as far as its first flight.
    pub(crate) fn early_data() -> Self {
        Self::parse(include_str!("../vectors/rfc8448-4.txt"))
    }

    /// Section 5: a handshake with a HelloRetryRequest.
    pub(crate) fn hello_retry_request() -> Self {
        Self::parse(include_str!("../vectors/rfc8448-5.txt"))
    }

    /// Whole handshake messages that others made, each named for its source.
    pub(crate) fn messages() -> Self {
        Self::parse(include_str!("../vectors/messages.txt"))
    }

    /// All names and values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        self.0.iter().map(|(name, value)| (*name, value.as_slice()))
    }

    /// The value of that name.
    pub(crate) fn of(&self, name: &str) -> &[u8] {
        self.0.get(name).unwrap_or_else(|| panic!("no vector has the name {name}"))
    }

    /// Whether the section has a value of that name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn parse(text: &'static str) -> Self {
        let mut values = BTreeMap::new();
        let mut name = "";
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            match line.strip_prefix("  ") {
                Some(digits) => values.entry(name).or_insert_with(Vec::new).extend(hex(digits)),
                None => name = line,
            }
        }
        Self(values)
    }
}

fn hex(digits: &str) -> impl Iterator<Item = u8> {
    let byte = |pair: &[u8]| pair.iter().fold(0, |byte, digit| byte << 4 | digit_value(*digit));
    digits.as_bytes().chunks(2).map(byte)
}

fn digit_value(digit: u8) -> u8 {
    char::from(digit).to_digit(16).expect("vectors are written in hex") as u8
}
