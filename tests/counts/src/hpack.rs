//! HPACK: a message that comes first on its connection, and one that came before.

use crate::{WARM, counted, messages::Line, when};
use sakigake_fields::{
    FieldLine,
    hpack::{DEFAULT_TABLE_BYTES, Decoder, Encoder, Limits, Outcome},
};

const LIMITS: Limits = Limits { list_bytes: 64 << 10, lines: 256 };

pub(crate) fn encode_first(times: usize, message: &[Line]) {
    let mut block = Vec::with_capacity(1 << 12);
    for _ in 0..times {
        let mut encoder = Encoder::new(DEFAULT_TABLE_BYTES);
        block.clear();
        counted(|| encoder.encode(lines(message), &mut block));
    }
}

pub(crate) fn encode_again(times: usize, message: &[Line]) {
    let mut encoder = Encoder::new(DEFAULT_TABLE_BYTES);
    let mut block = Vec::with_capacity(1 << 12);
    for at in 0..times + WARM {
        block.clear();
        when(at >= WARM, || encoder.encode(lines(message), &mut block));
    }
}

pub(crate) fn decode_first(times: usize, message: &[Line]) {
    let [first, ..] = blocks(message);
    for _ in 0..times {
        let mut decoder = Decoder::new(DEFAULT_TABLE_BYTES);
        counted(|| decode(&mut decoder, &first, message.len()));
    }
}

pub(crate) fn decode_again(times: usize, message: &[Line]) {
    let mut decoder = Decoder::new(DEFAULT_TABLE_BYTES);
    let blocks = blocks(message);
    blocks.iter().for_each(|block| decode(&mut decoder, block, message.len()));
    for _ in 0..times {
        counted(|| decode(&mut decoder, &blocks[WARM - 1], message.len()));
    }
}

/// The message as one encoder writes it, again and again; the last block does not change the table any more.
fn blocks(message: &[Line]) -> [Vec<u8>; WARM] {
    let mut encoder = Encoder::new(DEFAULT_TABLE_BYTES);
    std::array::from_fn(|_| {
        let mut block = Vec::new();
        encoder.encode(lines(message), &mut block);
        block
    })
}

fn decode(decoder: &mut Decoder, block: &[u8], lines: usize) {
    let mut heard = 0;
    let outcome = decoder.decode(block, LIMITS, &mut |_| heard += 1);
    assert!(outcome == Ok(Outcome::Complete) && heard == lines, "our own block");
}

fn lines(message: &[Line]) -> impl Iterator<Item = FieldLine<'_>> {
    message.iter().map(|(name, value)| FieldLine::new(name.as_bytes(), value.as_bytes()))
}
