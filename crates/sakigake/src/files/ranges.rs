//! Byte ranges (RFC 9110 section 14).

#[cfg(test)]
mod tests;

/// More ranges than this in one request are ignored, and the whole file goes out.
const RANGES: usize = 16;

/// A part's head costs about this many bytes: two ranges nearer to each other are sent as one.
const GAP_BYTES: u64 = 128;

/// One range as asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// From the first to the last position, or to the end.
    From(u64, Option<u64>),
    /// So many bytes at the end.
    Last(u64),
}

/// A range that the file has: `first..=last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) first: u64,
    pub(super) last: u64,
}

/// What to send.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Choice {
    Whole,
    One(Range),
    Many(Vec<Range>),
    Unsatisfiable,
}

/// Reads `range`. `None` means that it is to be ignored: another unit, broken syntax, too many.
pub(super) fn read(value: &[u8]) -> Option<Vec<Wanted>> {
    let (unit, set) = std::str::from_utf8(value).ok()?.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let mut wanted = Vec::new();
    for range in set.split(',').map(str::trim).filter(|range| !range.is_empty()) {
        if wanted.len() == RANGES {
            return None;
        }
        wanted.push(match range.split_once('-')? {
            ("", last) => Wanted::Last(number(last)?),
            (first, "") => Wanted::From(number(first)?, None),
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                if last < first {
                    return None;
                }
                Wanted::From(first, Some(last))
            }
        });
    }
    (!wanted.is_empty()).then_some(wanted)
}

/// Decides for a file of `len` bytes. Ranges that overlap or nearly touch become one, which puts them in order; so
/// the parts never hold more than the file.
pub(super) fn choose(wanted: Vec<Wanted>, len: u64) -> Choice {
    // An empty file has a last range of any length, but no content-range can say so.
    if len == 0 && wanted.iter().any(|wanted| matches!(wanted, Wanted::Last(1..))) {
        return Choice::Whole;
    }
    let mut ranges: Vec<Range> = wanted.into_iter().filter_map(|wanted| wanted.within(len)).collect();
    if !are_apart(&ranges) {
        ranges = coalesce(ranges);
    }
    match ranges.as_slice() {
        [] => Choice::Unsatisfiable,
        [one] => Choice::One(*one),
        _ => Choice::Many(ranges),
    }
}

impl Wanted {
    fn within(self, len: u64) -> Option<Range> {
        let end = len.checked_sub(1)?;
        match self {
            Self::From(first, last) if first <= end => {
                Some(Range { first, last: last.map_or(end, |last| last.min(end)) })
            }
            Self::Last(count) if count > 0 => Some(Range { first: len.saturating_sub(count), last: end }),
            _ => None,
        }
    }
}

impl Range {
    /// Bytes, at least one.
    pub(super) fn len(self) -> u64 {
        self.last - self.first + 1
    }

    /// `bytes 0-99/1234`.
    pub(super) fn content_range(self, len: u64) -> String {
        format!("bytes {}-{}/{len}", self.first, self.last)
    }
}

/// Digits alone; what no file can reach counts as the largest number.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

fn are_apart(ranges: &[Range]) -> bool {
    let mut sorted = ranges.to_vec();
    sorted.sort_unstable_by_key(|range| range.first);
    sorted.windows(2).all(|pair| pair[1].first > pair[0].last.saturating_add(GAP_BYTES))
}

fn coalesce(mut ranges: Vec<Range>) -> Vec<Range> {
    ranges.sort_unstable_by_key(|range| range.first);
    let mut joined: Vec<Range> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(before) if range.first <= before.last.saturating_add(GAP_BYTES) => {
                before.last = before.last.max(range.last);
            }
            _ => joined.push(range),
        }
    }
    joined
}
