//! Between a message's lines and QPACK's: the same three fields under two names, since neither crate may know the other.

use crate::Limits;
use sakigake_fields::{self as fields, section};
use sakigake_semantics::{self as semantics, Assembly, FieldLine};

/// Those lines of a message that may cross into HTTP/3, as QPACK takes them.
pub(crate) fn crossing<'a>(
    lines: impl Iterator<Item = FieldLine<'a>>,
) -> impl Iterator<Item = fields::FieldLine<'a>> {
    let mirror = |line: FieldLine<'a>| fields::FieldLine {
        name: line.name,
        value: line.value,
        sensitive: line.sensitive,
    };
    lines.filter(semantics::crosses).map(mirror) // spec: 9114-4.2-b
}

/// Takes lines as QPACK hands them on.
pub(crate) fn sink(assembly: &mut Assembly) -> impl FnMut(fields::FieldLine<'_>) {
    |line| assembly.push(FieldLine { name: line.name, value: line.value, sensitive: line.sensitive })
}

pub(crate) const fn limits(limits: &Limits) -> section::Limits {
    section::Limits { list_bytes: limits.header_list_bytes, lines: limits.header_lines }
}
