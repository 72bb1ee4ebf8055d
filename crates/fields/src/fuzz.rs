//! Fuzz bodies: they hold what must be true of any bytes.

use crate::{
    FieldLine,
    hpack::{Decoder, Encoder, Limits, Outcome, decode_static, encode_static},
    huffman,
};

mod qpack;

pub use qpack::{fuzz_qpack_decoder, fuzz_qpack_pair};

const LIMITS: Limits = Limits { list_bytes: 4_096, lines: 64 };

type Line = (Vec<u8>, Vec<u8>, bool);

/// Decodes blocks, each behind its length in one byte, and encodes what they held again.
pub fn fuzz_hpack(bytes: &[u8]) {
    let (mut decoder, mut encoder, mut mirror) = (Decoder::new(512), Encoder::new(256), Decoder::new(4_096));
    let mut rest = bytes;
    while let Some((len, tail)) = rest.split_first() {
        let (block, tail) = tail.split_at(usize::from(*len).min(tail.len()));
        rest = tail;
        let mut lines: Vec<Line> = Vec::new();
        let Ok(outcome) = decoder.decode(block, LIMITS, &mut |line| lines.push(own(line))) else { return };
        assert!(within(&lines), "no more is handed on than the limits say");
        if outcome == Outcome::TooLarge {
            decoder.set_table_size(usize::from(*len));
            encoder.peer_allows(usize::from(*len));
        }
        let mut wire = Vec::new();
        encoder.encode(lines.iter().map(borrow), &mut wire);
        let mut again: Vec<Line> = Vec::new();
        let outcome = mirror.decode(&wire, LIMITS, &mut |line| again.push(own(line)));
        assert_eq!(outcome, Ok(Outcome::Complete));
        assert!(lines.iter().zip(&again).all(|(one, other)| one.0 == other.0 && one.1 == other.1));
        assert_eq!(lines.len(), again.len());
        assert!(lines.iter().zip(&again).all(|(one, other)| other.2 || !one.2), "a secret stays one");
    }
}

/// Decodes one block that has no table, and encodes what it held again.
pub fn fuzz_hpack_static(bytes: &[u8]) {
    let mut lines: Vec<Line> = Vec::new();
    let Ok(_) = decode_static(bytes, LIMITS, &mut |line| lines.push(own(line))) else { return };
    assert!(within(&lines), "no more is handed on than the limits say");
    let (mut wire, mut again) = (Vec::new(), Vec::new());
    encode_static(lines.iter().map(borrow), &mut wire);
    let outcome = decode_static(&wire, LIMITS, &mut |line| again.push(own(line)));
    assert_eq!((outcome, again), (Ok(Outcome::Complete), lines));
}

/// What decodes encodes to the same bytes again, and everything survives its own code.
pub fn fuzz_huffman(bytes: &[u8]) {
    let (mut text, mut wire) = (Vec::new(), Vec::new());
    if huffman::decode(bytes, &mut text).is_ok() {
        huffman::encode(&text, &mut wire);
        assert_eq!(wire, bytes);
    }
    (text, wire) = (Vec::new(), Vec::new());
    huffman::encode(bytes, &mut wire);
    assert_eq!(huffman::encoded_len(bytes), wire.len());
    assert_eq!(huffman::decode(&wire, &mut text), Ok(()));
    assert_eq!(text, bytes);
}

fn own(line: FieldLine<'_>) -> Line {
    (line.name.to_vec(), line.value.to_vec(), line.sensitive)
}

fn borrow((name, value, sensitive): &Line) -> FieldLine<'_> {
    FieldLine { name, value, sensitive: *sensitive }
}

fn within(lines: &[Line]) -> bool {
    let bytes: usize = lines.iter().map(|line| borrow(line).size()).sum();
    lines.len() <= LIMITS.lines && bytes <= LIMITS.list_bytes
}
