//! Between a message's lines and QPACK's: the same three fields under two names, since neither crate may know the other.

use crate::Limits;
use sakigake_fields::{self as fields, section};
use sakigake_semantics::{Assembly, FieldLine};

/// Fields that speak of one HTTP/1.1 connection (section 4.2).
const CONNECTION_SPECIFIC: [&[u8]; 5] =
    [b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"];

/// Those lines of a message that may cross into HTTP/3, as QPACK takes them.
pub(crate) fn crossing<'a>(
    lines: impl Iterator<Item = FieldLine<'a>>,
) -> impl Iterator<Item = fields::FieldLine<'a>> {
    let crosses = |line: &FieldLine<'a>| {
        !CONNECTION_SPECIFIC.contains(&line.name) && (line.name != b"te" || line.value == b"trailers")
    };
    let mirror = |line: FieldLine<'a>| fields::FieldLine {
        name: line.name,
        value: line.value,
        sensitive: line.sensitive,
    };
    lines.filter(crosses).map(mirror) // spec: 9114-4.2-b
}

/// Takes lines as QPACK hands them on.
pub(crate) fn sink(assembly: &mut Assembly) -> impl FnMut(fields::FieldLine<'_>) {
    |line| assembly.push(FieldLine { name: line.name, value: line.value, sensitive: line.sensitive })
}

pub(crate) const fn limits(limits: &Limits) -> section::Limits {
    section::Limits { list_bytes: limits.header_list_bytes, lines: limits.header_lines }
}
