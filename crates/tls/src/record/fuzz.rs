//! What any bytes must leave intact in the record layer.

use super::{
    Boundary, HEADER_BYTES, Header, MAX_CONTENT_BYTES, MAX_PROTECTED_BYTES, Opener, Padding, Sealer, missing,
};
use crate::{Level, TrafficSecret, rules::ContentType};
use sakigake_crypto::{Secret, aws_lc};

/// Reads `bytes` as a stream of records, plain and protected: no panic, progress or an end, contents within bounds.
/// Then seals them as content with the padding that the first byte says, and opens them again.
pub fn fuzz_records(bytes: &[u8]) {
    for keyed in [false, true] {
        walk(bytes, keyed);
    }
    boundaries(bytes);
    round_trip(bytes);
}

fn walk(bytes: &[u8], keyed: bool) {
    let mut opener = Opener::new();
    if keyed {
        opener.install(&secret(bytes.len()));
    }
    let mut rest = bytes;
    while let Ok(Some(header)) = Header::read(rest) {
        assert!(header.len <= MAX_PROTECTED_BYTES, "a header above the limit was let through");
        assert_eq!(missing(rest).is_ok_and(|bytes| bytes == 0), rest.len() >= header.record_len());
        let Some((record, after)) = rest.split_at_checked(header.record_len()) else { return };
        let mut record = record.to_vec();
        if let Ok(opened) = opener.open(&mut record) {
            assert!(opened.content.len() <= MAX_CONTENT_BYTES && opened.content.end <= record.len());
            assert!(!opened.protected, "these keys were never used to seal");
        }
        rest = after;
    }
}

fn boundaries(bytes: &[u8]) {
    let (mut whole, mut single) = (Boundary::default(), Boundary::default());
    let mut rest = bytes;
    while !rest.is_empty() {
        let len = whole.take(rest);
        assert!(len > 0 && len <= rest.len(), "a message takes something, and no more than there is");
        rest = &rest[len..];
    }
    for byte in bytes {
        assert_eq!(single.take(core::slice::from_ref(byte)), 1);
    }
    assert_eq!(whole, single, "where messages end depends on how their bytes are split");
}

fn round_trip(bytes: &[u8]) {
    let secret = secret(bytes.len());
    let (mut sealer, mut opener) = (Sealer::new(), Opener::new());
    let mut other = Sealer::new();
    sealer.install(&secret, u64::MAX);
    other.install(&secret, u64::MAX);
    let number = bytes.first().copied().map_or(0, usize::from);
    let policies = [Padding::ToMultiple(number), Padding::Fixed(number), Padding::Random(number)];
    let policy = policies.get(number % (policies.len() + 1)).copied().unwrap_or_default();
    sealer.pad(policy, [7; 32]);
    other.pad(policy, [7; 32]);
    opener.install(&secret);
    let mut out = vec![0; HEADER_BYTES + MAX_PROTECTED_BYTES];
    let content = &bytes[..bytes.len().min(sealer.room(out.len()))];
    out[HEADER_BYTES..HEADER_BYTES + content.len()].copy_from_slice(content);
    let Ok(len) = sealer.seal(ContentType::APPLICATION_DATA, &mut out, content.len()) else {
        panic!("a fresh key seals one record");
    };
    let mut again = vec![0xaa; out.len()];
    assert_eq!(other.seal_from(ContentType::APPLICATION_DATA, &mut again, content), Ok(len));
    let record = &mut out[..len];
    assert_eq!(record, &again[..len], "where the content lay makes no difference");
    assert!(matches!(Header::read(record), Ok(Some(header)) if header.record_len() == len));
    let opened = opener.open(record).expect("what was sealed opens under the same keys");
    assert!(opened.protected && opened.kind == ContentType::APPLICATION_DATA);
    assert_eq!(&record[opened.content], content);
}

/// A secret of no connection, with each suite in turn.
fn secret(turn: usize) -> TrafficSecret {
    let suite = &aws_lc::PROVIDER.suites[turn % aws_lc::PROVIDER.suites.len()];
    TrafficSecret { level: Level::Application, suite, secret: Secret::new(&[0x5a; 48][..suite.hash.len]) }
}
