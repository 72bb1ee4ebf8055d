use super::{BIT_STRING, Elements, KEY_USAGE, OID, SEQUENCE, extension};
use sakigake_wire::Reader;

/// Whether a certificate has what an `oid_filters` entry asks for (RFC 9846 section 4.3.5). `oid` and `values` are DER as they
/// came; extensions without a matching rule are passed over, and so is what is no object identifier.
pub(crate) fn matches(certificate: &[u8], oid: &[u8], values: &[u8]) -> bool {
    let Some(kind) = Reader::new(oid).element(OID) else { return true };
    let Some((_, has_all)) = RULES.iter().find(|(known, _)| *known == kind) else { return true }; // spec: 9846-4.3.5-c
    let Some(own) = extension(certificate, kind) else { return false }; // spec: 9846-4.3.5-b
    values.is_empty() || has_all(own, values).unwrap_or(false) // None: what is asked for is no such value.
}

/// Whether all key usages of `wanted` are in `own`.
fn has_usages(own: &[u8], wanted: &[u8]) -> Option<bool> {
    let bits = |value| {
        // The first byte counts the bits that the last one leaves unused.
        Reader::new(value).element(BIT_STRING).and_then(|bits| bits.split_first()).map(|(_, bits)| bits)
    };
    let (own, wanted) = (bits(own)?, bits(wanted)?);
    let has = |(at, wanted): (usize, &u8)| own.get(at).copied().unwrap_or(0) & wanted == *wanted;
    Some(wanted.iter().enumerate().all(has))
}

/// Whether all purposes of `wanted` are in `own`.
fn has_purposes(own: &[u8], wanted: &[u8]) -> Option<bool> {
    let (own, wanted) = (Reader::new(own).element(SEQUENCE)?, Reader::new(wanted).element(SEQUENCE)?);
    let mut wanted = Reader::new(wanted);
    while !wanted.is_empty() {
        let purpose = wanted.element(OID)?;
        let mut own = Reader::new(own);
        let has = core::iter::from_fn(|| own.element(OID)).any(|own| own == purpose);
        if !has {
            return Some(false);
        }
    }
    Some(true)
}

type Rule = fn(&[u8], &[u8]) -> Option<bool>;

const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];

/// The extensions that have a matching rule (RFC 9846 section 4.3.5).
const RULES: &[(&[u8], Rule)] = &[(KEY_USAGE, has_usages), (EXTENDED_KEY_USAGE, has_purposes)];
