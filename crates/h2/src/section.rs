//! Between a message's lines and HPACK's: the same three fields under two names, since neither crate may know the other.

use crate::{Fault, Limits};
use sakigake_fields::{self as fields, hpack};
use sakigake_semantics::{self as semantics, Assembly, FieldLine};

/// Appends the field block of `lines`, without those that may not cross into HTTP/2.
pub(crate) fn encode<'a>(
    encoder: &mut hpack::Encoder,
    lines: impl Iterator<Item = FieldLine<'a>>,
    out: &mut Vec<u8>,
) {
    let mirror = |line: FieldLine<'a>| fields::FieldLine {
        name: line.name,
        value: line.value,
        sensitive: line.sensitive,
    };
    encoder.encode(lines.filter(semantics::crosses).map(mirror), out); // spec: 9113-8.2.2-c
}

/// Decodes a block into `assembly`; whether it stayed within the limits. The table stays in step either way.
pub(crate) fn decode(
    decoder: &mut hpack::Decoder,
    block: &[u8],
    limits: &Limits,
    assembly: &mut Assembly,
) -> Result<bool, Fault> {
    let limit = hpack::Limits { list_bytes: limits.header_list_bytes, lines: limits.header_lines };
    let mut sink = |line: fields::FieldLine<'_>| {
        assembly.push(FieldLine { name: line.name, value: line.value, sensitive: line.sensitive });
    };
    let outcome = decoder.decode(block, limit, &mut sink);
    let outcome = outcome.map_err(|_| Fault::Compression)?; // spec: 9113-4.3-a
    Ok(!matches!(outcome, hpack::Outcome::TooLarge))
}
