use super::{Choice, RANGES, Range, choose, read};

/// `value` asked of a file of `len` bytes: `whole`, `416`, or the ranges.
fn outcome(value: &str, len: u64) -> String {
    let range = |range: &Range| format!("{}-{}", range.first, range.last);
    match read(value.as_bytes()).map(|wanted| choose(wanted, len)) {
        None | Some(Choice::Whole) => "whole".into(),
        Some(Choice::Unsatisfiable) => "416".into(),
        Some(Choice::One(one)) => range(&one),
        Some(Choice::Many(many)) => many.iter().map(range).collect::<Vec<_>>().join(" "),
    }
}

#[test]
fn ranges_are_read_as_rfc_9110_section_14_1_2_shows() {
    for (value, expected) in [
        ("bytes=0-499", "0-499"),
        ("bytes=500-999", "500-999"),
        ("bytes=-500", "9500-9999"),
        ("bytes=9500-", "9500-9999"),
        ("bytes=0-0,-1", "0-0 9999-9999"),
        ("bytes= 0-999, 4500-5499, -1000", "0-999 4500-5499 9000-9999"),
        ("bytes=500-600,601-999", "500-999"),
        ("bytes=500-700,601-999", "500-999"),
        ("BYTES=0-1", "0-1"),
        ("bytes=4500-5499,0-999", "4500-5499 0-999"),
        ("bytes=0-99999999999999999999999", "0-9999"),
        ("bytes=-99999999999999999999999", "0-9999"),
        ("bytes=,,0-1,,", "0-1"),
    ] {
        assert_eq!(outcome(value, 10_000), expected, "{value}");
    }
}

#[test]
fn a_range_beyond_the_end_is_not_satisfiable() {
    for (value, len, expected) in [
        ("bytes=10-", 10, "416"),
        ("bytes=9-", 10, "9-9"),
        ("bytes=99999999999999999999999-", 10, "416"),
        ("bytes=-0", 10, "416"),
        ("bytes=10-,0-1", 10, "0-1"),
        ("bytes=0-", 0, "416"),
        ("bytes=-5", 0, "whole"),
    ] {
        assert_eq!(outcome(value, len), expected, "{value} of {len}");
    }
}

#[test]
fn a_range_that_breaks_the_syntax_is_ignored() {
    for value in [
        "",
        "bytes",
        "bytes=",
        "bytes=,",
        "bytes=-",
        "bytes=a-b",
        "bytes=1",
        "bytes=5-1",
        "bytes=+1-2",
        "bytes=0x1-2",
        "bytes=1-2-3",
        "bytes=1- 2",
        "lines=1-2",
        "bytes 0-1",
        "bytes=0-1;",
        "bytes=\u{661}-",
    ] {
        assert_eq!(outcome(value, 100), "whole", "{value}");
    }
}

#[test]
fn one_range_too_many_is_ignored() {
    let set = |count: usize| {
        let ranges: Vec<String> = (0..count).map(|at| format!("{}-{}", at * 1000, at * 1000)).collect();
        format!("bytes={}", ranges.join(","))
    };
    assert_ne!(outcome(&set(RANGES), 100_000), "whole");
    assert_eq!(outcome(&set(RANGES + 1), 100_000), "whole");
}

#[test]
fn many_overlapping_ranges_send_no_byte_twice() {
    assert_eq!(outcome("bytes=0-,0-,0-,1-,2-,3-,-5,-6", 1000), "0-999");
}
