//! The little of X.509 that webpki does not tell, or not of every certificate: IP addresses of a leaf, its key and key usage, its
//! names, how long it is valid, and what a certificate was signed with. What it cannot read it takes for absent: webpki has judged the shape before, or it is our own.

pub(crate) mod filter;
mod name;

pub(crate) use name::distinguished_name;

use sakigake_wire::Reader;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The IP addresses in the subject's alternative names (RFC 5280 section 4.2.1.6).
pub(crate) fn ip_names(certificate: &[u8]) -> Vec<IpAddr> {
    alternative_names(certificate).unwrap_or_default() // None: the certificate has no such extension.
}

/// The signature scheme whose algorithm signed the certificate; none for a self-signed one (nobody checks that
/// signature) and for algorithms without a scheme.
pub(crate) fn signed_with(certificate: &[u8]) -> Option<u16> {
    let mut outer = Reader::new(Reader::new(certificate).element(SEQUENCE)?);
    let Names { issuer, subject, .. } = names(outer.element(SEQUENCE)?)?;
    let algorithm = outer.element(SEQUENCE)?;
    let oid = Reader::new(algorithm).element(OID)?;
    if issuer == subject {
        return None;
    }
    let row = SIGNATURES.iter().find(|(known, parameter, _)| {
        *known == oid
            && (parameter.is_empty() || algorithm.windows(parameter.len()).any(|window| window == *parameter))
    });
    row.map(|(_, _, scheme)| *scheme)
}

/// The issuer's distinguished name, without its SEQUENCE's tag and length.
pub(crate) fn issuer(certificate: &[u8]) -> Option<&[u8]> {
    certificate_names(certificate).map(|names| names.issuer)
}

/// The subject's distinguished name, without its SEQUENCE's tag and length.
pub(crate) fn subject(certificate: &[u8]) -> Option<&[u8]> {
    certificate_names(certificate).map(|names| names.subject)
}

/// The serial number.
pub(crate) fn serial(certificate: &[u8]) -> Option<&[u8]> {
    certificate_names(certificate).map(|names| names.serial)
}

/// From when until when the certificate is valid, both included, in seconds since 1970; 0 for what lies before.
pub(crate) fn validity(certificate: &[u8]) -> Option<(u64, u64)> {
    let mut times = Reader::new(certificate_names(certificate)?.validity);
    let mut next = || times.any_element().and_then(|(tag, text)| unix_secs(tag, text));
    Some((next()?, next()?))
}

/// A Time (RFC 5280 section 4.1.2.5).
fn unix_secs(tag: u8, text: &[u8]) -> Option<u64> {
    let text = core::str::from_utf8(text).ok()?.strip_suffix('Z')?; // No text, no time.
    let number = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => text.parse::<i64>().ok(), // Empty ones are none.
        false => None,
    };
    let (year, rest) = match tag {
        UTC_TIME => {
            let (year, rest) = text.split_at_checked(2)?;
            let year = number(year)?;
            (year + if year < 50 { 2_000 } else { 1_900 }, rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = text.split_at_checked(4)?;
            (number(year)?, rest)
        }
        _ => return None,
    };
    let part = |at: usize, range: core::ops::RangeInclusive<i64>| {
        number(rest.get(at..at + 2)?).filter(|value| range.contains(value))
    };
    let (month, day) = (part(0, 1..=12)?, part(2, 1..=31)?);
    let (hour, minute, second) = (part(4, 0..=23)?, part(6, 0..=59)?, part(8, 0..=59)?);
    if rest.len() != 10 {
        return None;
    }
    let secs = days_since_1970(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(u64::try_from(secs).unwrap_or(0)) // Before 1970.
}

/// Of the Gregorian calendar, by years that begin in March, so that a leap day is the last one.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days_of_years = 365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    days_of_years + (153 * month + 2) / 5 + day - 1 - DAYS_TO_1970
}

/// Whether one of the chain's certificates was issued by one of `authorities`, distinguished names with their SEQUENCE.
pub(crate) fn is_issued_by<'a>(chain: &[Vec<u8>], mut authorities: impl Iterator<Item = &'a [u8]>) -> bool {
    let issuers: Vec<&[u8]> = chain.iter().filter_map(|der| issuer(der)).collect(); // Once: the peer's list can be long.
    authorities
        .any(|authority| Reader::new(authority).element(SEQUENCE).is_some_and(|name| issuers.contains(&name)))
}

/// A distinguished name with its SEQUENCE's tag and length, as `certificate_authorities` lists it.
pub(crate) fn whole_name(name: &[u8]) -> Option<Vec<u8>> {
    let len = u16::try_from(name.len()).ok()?; // None: it fits no extension.
    let mut out = vec![SEQUENCE];
    match len {
        0..=0x7f => out.push(len as u8),
        0x80..=0xff => out.extend([0x81, len as u8]),
        _ => {
            out.push(0x82);
            out.extend(len.to_be_bytes());
        }
    }
    out.extend_from_slice(name);
    Some(out)
}

/// The leaf's key (RFC 5280 section 4.1.2.7).
pub(crate) fn public_key(certificate: &[u8]) -> Option<PublicKey<'_>> {
    let mut key = Reader::new(certificate_names(certificate)?.public_key?);
    let algorithm = key.element(SEQUENCE)?;
    let (unused_bits, bits) = key.element(BIT_STRING)?.split_first()?;
    (*unused_bits == 0 && key.is_empty()).then_some(PublicKey { algorithm, bits })
}

/// Whether the key usage, if there is one, allows signatures (RFC 5280 section 4.2.1.3).
pub(crate) fn may_sign(certificate: &[u8]) -> bool {
    const DIGITAL_SIGNATURE: u8 = 0x80;
    let Some(value) = extension(certificate, KEY_USAGE) else { return true };
    // The first byte counts the bits that the last one leaves unused.
    Reader::new(value)
        .element(BIT_STRING)
        .is_some_and(|bits| bits.get(1).is_some_and(|first| first & DIGITAL_SIGNATURE != 0))
}

/// Whether a signature's AlgorithmIdentifier (the contents of its SEQUENCE) names a hash that is broken.
pub(crate) fn is_broken(algorithm: &[u8]) -> bool {
    Reader::new(algorithm).element(OID).is_some_and(|oid| BROKEN.contains(&oid))
}

fn alternative_names(certificate: &[u8]) -> Option<Vec<IpAddr>> {
    let value = extension(certificate, SUBJECT_ALT_NAME)?;
    Some(addresses(Reader::new(Reader::new(value).element(SEQUENCE)?)))
}

/// The value of an extension (RFC 5280 section 4.1).
fn extension<'a>(certificate: &'a [u8], oid: &[u8]) -> Option<&'a [u8]> {
    let mut outer = Reader::new(Reader::new(certificate).element(SEQUENCE)?);
    let mut tbs = Reader::new(outer.element(SEQUENCE)?);
    let mut extensions = Reader::new(Reader::new(tbs.find(EXTENSIONS)?).element(SEQUENCE)?);
    loop {
        let mut extension = Reader::new(extensions.element(SEQUENCE)?);
        if extension.element(OID)? == oid {
            return extension.find(OCTET_STRING);
        }
    }
}

fn addresses(mut names: Reader<'_>) -> Vec<IpAddr> {
    let mut found = Vec::new();
    while let Some((tag, name)) = names.any_element() {
        match (tag, name.len()) {
            (IP_ADDRESS, 4) => {
                found.extend(<[u8; 4]>::try_from(name).map(|octets| IpAddr::V4(Ipv4Addr::from(octets))))
            }
            (IP_ADDRESS, 16) => {
                found.extend(<[u8; 16]>::try_from(name).map(|octets| IpAddr::V6(Ipv6Addr::from(octets))))
            }
            _ => {}
        }
    }
    found
}

/// A SubjectPublicKeyInfo.
pub(crate) struct PublicKey<'a> {
    /// The contents of its AlgorithmIdentifier.
    pub(crate) algorithm: &'a [u8],
    pub(crate) bits: &'a [u8],
}

/// What a certificate begins with (RFC 5280 section 4.1).
struct Names<'a> {
    serial: &'a [u8],
    issuer: &'a [u8],
    validity: &'a [u8],
    subject: &'a [u8],
    /// The contents of the SubjectPublicKeyInfo, if there is one.
    public_key: Option<&'a [u8]>,
}

fn certificate_names(certificate: &[u8]) -> Option<Names<'_>> {
    let mut outer = Reader::new(Reader::new(certificate).element(SEQUENCE)?);
    names(outer.element(SEQUENCE)?)
}

fn names(tbs: &[u8]) -> Option<Names<'_>> {
    let mut tbs = Reader::new(tbs);
    if tbs.peek().first() == Some(&VERSION) {
        tbs.any_element()?;
    }
    let serial = tbs.element(INTEGER)?;
    tbs.element(SEQUENCE)?; // signature
    let issuer = tbs.element(SEQUENCE)?;
    let validity = tbs.element(SEQUENCE)?;
    let subject = tbs.element(SEQUENCE)?;
    Some(Names { serial, issuer, validity, subject, public_key: tbs.element(SEQUENCE) })
}

trait Elements<'a> {
    /// The next element's tag and contents.
    fn any_element(&mut self) -> Option<(u8, &'a [u8])>;

    /// The contents of the next element with the tag `tag`, others passed over.
    fn find(&mut self, tag: u8) -> Option<&'a [u8]> {
        loop {
            if let (found, body) = self.any_element()?
                && found == tag
            {
                return Some(body);
            }
        }
    }

    /// The next element's contents, when its tag is `tag`.
    fn element(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.any_element().filter(|(found, _)| *found == tag).map(|(_, body)| body)
    }
}

impl<'a> Elements<'a> for Reader<'a> {
    fn any_element(&mut self) -> Option<(u8, &'a [u8])> {
        let tag = self.u8().ok()?;
        let len = match self.u8().ok()? {
            short @ 0..=0x7f => usize::from(short),
            0x81 => usize::from(self.u8().ok()?),
            0x82 => usize::from(self.u16().ok()?),
            0x83 => self.u24().ok()? as usize,
            _ => return None, // 0x80 is BER, and nothing longer fits a message.
        };
        Some((tag, self.take(len).ok()?))
    }
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OID: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const IP_ADDRESS: u8 = 0x87;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];
/// From the first of March of the year 0 to the first of January 1970.
const DAYS_TO_1970: i64 = 719_468;
const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
const SHA_256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
const SHA_384: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];
const SHA_512: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03];

/// md2WithRSAEncryption, md5WithRSAEncryption, sha1WithRSAEncryption, ecdsa-with-SHA1.
const BROKEN: &[&[u8]] = &[
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x02],
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x04],
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05],
    &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01],
];

/// Algorithm, what its parameters must contain, and the scheme of RFC 9846 section 4.2.3.
const SIGNATURES: &[(&[u8], &[u8], u16)] = &[
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02], &[], 0x0403),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03], &[], 0x0503),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04], &[], 0x0603),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b], &[], 0x0401),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c], &[], 0x0501),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d], &[], 0x0601),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05], &[], 0x0201),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01], &[], 0x0203),
    (RSA_PSS, SHA_256, 0x0804),
    (RSA_PSS, SHA_384, 0x0805),
    (RSA_PSS, SHA_512, 0x0806),
    (&[0x2b, 0x65, 0x70], &[], 0x0807),
    (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x11], &[], 0x0904),
    (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x12], &[], 0x0905),
    (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x13], &[], 0x0906),
];

#[cfg(test)]
mod tests;
