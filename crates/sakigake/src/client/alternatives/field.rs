//! The Alt-Svc field (RFC 7838 section 3).

use sakigake_semantics::{is_host, is_token};

/// What a response's Alt-Svc lines say together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    /// All that was said before is over.
    Clear,
    /// Best first.
    Alternatives(Vec<Offer>),
}

/// One alternative as the field names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    /// As ALPN has it.
    pub(crate) protocol: Vec<u8>,
    /// In lower case; empty for the origin's own.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// How long it is to be believed, from when the response was made.
    pub(crate) max_age_secs: u64,
    /// It is good in another network too. We never learn that the network is another one.
    pub(crate) persist: bool,
}

/// What is believed for, where nothing is said (section 3.1).
const DAY_SECS: u64 = 86_400;
/// Alternatives that are read of a field.
const OFFERS: usize = 16;
/// Bytes of all lines that are read.
const MOST_BYTES: usize = 8_192;

/// Reads the values of a response's Alt-Svc lines, in order; `age_secs` is what its Age field says. `None` where any of it
/// breaks the grammar: who cannot write the field is not to be believed by halves.
pub(crate) fn parse<'a>(lines: impl Iterator<Item = &'a [u8]>, age_secs: u64) -> Option<Field> {
    let all = lines.collect::<Vec<_>>().join(&b","[..]);
    let text = core::str::from_utf8(&all).ok().filter(|text| text.len() <= MOST_BYTES)?;
    if text.trim_matches(WHITE) == "clear" {
        return Some(Field::Clear); // spec: 7838-3-a
    }
    let mut scan = Scan(text);
    let mut offers = Vec::new();
    loop {
        // A list may have empty elements (RFC 9110 section 5.6.1.2).
        while scan.take(',') {}
        if scan.is_at_end() {
            break;
        }
        let offer = scan.offer(age_secs)?;
        if offers.len() < OFFERS {
            offers.push(offer);
        }
        if !scan.is_at_end() && !scan.take(',') {
            return None;
        }
    }
    (!offers.is_empty()).then_some(Field::Alternatives(offers))
}

/// Optional whitespace.
const WHITE: [char; 2] = [' ', '\t'];

/// What is still to be read.
struct Scan<'a>(&'a str);

impl<'a> Scan<'a> {
    /// `h3=":443"; ma=3600; persist=1`
    fn offer(&mut self, age_secs: u64) -> Option<Offer> {
        let protocol = percent_decoded(self.token()?)?;
        let authority = self.take('=').then(|| self.quoted())??;
        let (host, port) = authority.rsplit_once(':')?;
        let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let port: u16 = port.parse().ok().filter(|port| is_port && *port != 0)?;
        if !host.is_empty() && !is_host(host) {
            return None;
        }
        let (mut max_age_secs, mut persist) = (DAY_SECS, false);
        while self.take(';') {
            let name = self.token()?;
            let value = self.take('=').then(|| self.value())??;
            match &*name.to_ascii_lowercase() {
                "ma" => max_age_secs = seconds(&value)?,
                "persist" => persist = value == "1", // spec: 7838-3.1-b
                _ => {}                              // spec: 7838-3.1-c
            }
        }
        let max_age_secs = max_age_secs.saturating_sub(age_secs); // spec: 7838-3.1-d
        Some(Offer { protocol, host: host.to_ascii_lowercase(), port, max_age_secs, persist })
    }

    fn value(&mut self) -> Option<String> {
        if self.0.starts_with('"') { self.quoted() } else { self.token().map(str::to_owned) }
    }

    fn token(&mut self) -> Option<&'a str> {
        let end = self.0.find(|c: char| !c.is_ascii() || !is_token(&[c as u8])).unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at(end);
        self.0 = rest;
        (!token.is_empty()).then_some(token)
    }

    /// A quoted-string, unquoted (RFC 9110 section 5.6.4).
    fn quoted(&mut self) -> Option<String> {
        let mut rest = self.0.strip_prefix('"')?.chars();
        let mut text = String::new();
        loop {
            match rest.next()? {
                '"' => break,
                '\\' => text.push(rest.next()?),
                other => text.push(other),
            }
        }
        self.0 = rest.as_str();
        Some(text)
    }

    /// A sign, with whitespace around it. An equals sign has none.
    fn take(&mut self, sign: char) -> bool {
        let text = if sign == '=' { self.0 } else { self.0.trim_start_matches(WHITE) };
        let Some(rest) = text.strip_prefix(sign) else { return false };
        self.0 = if sign == '=' { rest } else { rest.trim_start_matches(WHITE) };
        true
    }

    fn is_at_end(&self) -> bool {
        self.0.trim_start_matches(WHITE).is_empty()
    }
}

/// delta-seconds: what is larger than any number means for ever (RFC 9111 section 1.2.2).
fn seconds(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

/// A protocol's identifier; a token spells what it may not hold as `%xx` (RFC 7838 section 3).
fn percent_decoded(token: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = token.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = core::str::from_utf8(rest.get(..2)?).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))?);
        rest = &rest[2..];
    }
    Some(bytes)
}
