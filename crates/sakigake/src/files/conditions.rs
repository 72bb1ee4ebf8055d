//! Conditional requests in the order of RFC 9110 section 13.2.2.

use super::ask::Ask;
use super::ranges::{self, Wanted};
use super::tree::Validators;
use std::time::SystemTime;

/// What the conditions leave to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// 412.
    Failed,
    /// 304.
    NotModified,
    /// 200 with everything.
    Whole,
    /// These ranges, where the file has them.
    Ranges(Vec<Wanted>),
}

/// Holds a request against a file that is there.
pub(super) fn judge(ask: &Ask<'_>, validators: &Validators) -> Verdict {
    // spec: 9110-13.2.2-a
    let fails = match ask.list("if-match") {
        Some(tags) => !matches(&tags, validators, Comparison::Strong),
        None => date(ask, "if-unmodified-since")
            .is_some_and(|since| validators.modified.is_some_and(|modified| modified > since)),
    };
    if fails {
        return Verdict::Failed;
    }
    let is_known = match ask.list("if-none-match") {
        Some(tags) => matches(&tags, validators, Comparison::Weak), // spec: 9110-13.1.3-a
        None => date(ask, "if-modified-since")
            .is_some_and(|since| validators.modified.is_some_and(|modified| modified <= since)),
    };
    if is_known {
        return Verdict::NotModified;
    }
    // spec: 9110-14.2-a
    if ask.method != b"GET" {
        return Verdict::Whole;
    }
    match ask.single("range").and_then(|value| ranges::read(&value)) {
        Some(wanted) if if_range(ask, validators) => Verdict::Ranges(wanted),
        _ => Verdict::Whole,
    }
}

/// RFC 9110 section 13.1.5: the ranges count only for the version that the client has a part of.
fn if_range(ask: &Ask<'_>, validators: &Validators) -> bool {
    let Some(value) = ask.list("if-range") else { return true };
    if value.contains(&b'"') {
        return validators.strong && value.trim_ascii() == validators.tag.as_bytes(); // spec: 9110-13.1.5-a
    }
    let date = date(ask, "if-range");
    validators.is_time_strong && date.is_some() && date == validators.modified
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Strong,
    Weak,
}

/// Whether a list of tags, or `*`, names this version (RFC 9110 section 8.8.3.2). What is no tag matches nothing.
fn matches(list: &[u8], validators: &Validators, comparison: Comparison) -> bool {
    if list.trim_ascii() == b"*" {
        return true;
    }
    let ours = validators.tag.as_bytes();
    let opaque = ours.strip_prefix(b"W/").unwrap_or(ours);
    let mut rest = list;
    loop {
        rest = rest.trim_ascii_start();
        if let Some(after) = rest.strip_prefix(b",") {
            rest = after;
            continue;
        }
        let (weak, tag) = match rest.strip_prefix(b"W/") {
            Some(tag) => (true, tag),
            None => (false, rest),
        };
        // A tag may hold a comma, so the closing quote ends it and not the next comma.
        let Some(end) = tag.strip_prefix(b"\"").and_then(|t| t.iter().position(|&byte| byte == b'"')) else {
            return false;
        };
        let may_match = comparison == Comparison::Weak || (!weak && validators.strong);
        if may_match && &tag[..end + 2] == opaque {
            return true;
        }
        rest = &tag[end + 2..];
    }
}

/// A date in any of HTTP's three forms; anything else is as if the field were not there.
fn date(ask: &Ask<'_>, name: &str) -> Option<SystemTime> {
    let value = ask.single(name)?;
    httpdate::parse_http_date(std::str::from_utf8(&value).ok()?).ok()
}
