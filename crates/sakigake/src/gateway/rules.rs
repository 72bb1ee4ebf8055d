//! Fields that rules of caching go by, as they stand before http-cache-semantics reads them. It takes names of directives as they are
//! spelt, passes over lines that are not ASCII, splits quoted strings at their commas, and compares the first line of a field alone: each
//! of which would give away what is one browser's own. An age of very many seconds would end it. What it gives back has one line of each
//! field, so that a policy of two lines would lose one, and a date that is none of HTTP's.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// The most seconds that count (RFC 9111 section 1.2.2).
const MOST_SECONDS: u64 = 1 << 31;

/// What this gateway says itself of each request, and not its browser: by that no two can be told apart here.
const OURS: [HeaderName; 2] = [header::FORWARDED, header::VIA];

/// Directives whose argument is a number of seconds.
const SECONDS: [&str; 5] = ["max-age", "s-maxage", "min-fresh", "stale-while-revalidate", "stale-if-error"];

/// A request's fields: each on one line, and nothing of what the browser would take stale, which it gets from nobody here.
pub(super) fn of_request(headers: &HeaderMap) -> HeaderMap {
    let mut read = HeaderMap::with_capacity(headers.keys_len());
    for name in headers.keys() {
        let lines: Vec<&[u8]> = headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
        if let Ok(value) = HeaderValue::from_bytes(&lines.join(&b", "[..])) {
            read.insert(name, value);
        }
    }
    if headers.contains_key(header::CACHE_CONTROL) {
        // What cannot be read may have been a wish for something newer.
        let value = control(headers, &["max-stale"]).unwrap_or(HeaderValue::from_static("no-cache"));
        read.insert(header::CACHE_CONTROL, value);
    }
    read
}

/// A response's fields; none where they cannot be read, or where nobody else may have it by what they say of `Vary`.
pub(super) fn of_response(headers: &HeaderMap) -> Option<HeaderMap> {
    let members =
        headers.get_all(header::VARY).iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    let mut named = members.map(<[u8]>::trim_ascii).filter(|name| !name.is_empty());
    let mut is_told_codings = false;
    let may_be_told_apart = named.all(|name| {
        is_told_codings |= name.eq_ignore_ascii_case(header::ACCEPT_ENCODING.as_str().as_bytes());
        name != b"*" && HeaderName::from_bytes(name).is_ok_and(|name| !OURS.contains(&name))
    });
    if !may_be_told_apart {
        return None; // spec: 9111-4.1-a
    }
    let mut read = headers.clone();
    if headers.contains_key(header::CONTENT_ENCODING) && !is_told_codings {
        // Many origins forget to say so, and whoever asked first would choose a coding for all.
        read.append(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    if headers.contains_key(header::CACHE_CONTROL) {
        read.insert(header::CACHE_CONTROL, control(headers, &[])?);
    }
    if let Some(age) = headers.get(header::AGE).map(HeaderValue::as_bytes) {
        // What it adds up with its own clock must not overflow; the first of several counts (RFC 9111 section 5.1).
        let first = age.split(|byte| *byte == b',').next().map(<[u8]>::trim_ascii);
        read.insert(header::AGE, seconds(first).into());
    }
    Some(read)
}

/// A stored response's fields, every line as the origin wrote it, and of those that a policy gives its age.
pub(super) fn as_written(given: &HeaderMap, written: &HeaderMap) -> HeaderMap {
    let mut shown = written.clone();
    if let Some(age) = given.get(header::AGE) {
        shown.insert(header::AGE, age.clone()); // spec: 9111-4-b
    }
    shown
}

/// Whether a request's fields, as they are read here, have that directive.
pub(super) fn says(read: &HeaderMap, directive: &str) -> bool {
    let value = read.get(header::CACHE_CONTROL).and_then(|value| value.to_str().ok());
    value.is_some_and(|value| value.split(", ").any(|said| said == directive))
}

/// By which fields a stored response is asked for again. What is no validator (RFC 9110 section 8.8) might be answered as if it were
/// `*`, and confirmed whatever is there.
pub(super) fn conditions(stored: &HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
    let one = |name: HeaderName| {
        let mut lines = stored.get_all(name).iter();
        lines.next().filter(|_| lines.next().is_none())
    };
    let tag = one(header::ETAG).filter(|tag| is_tag(tag.as_bytes()));
    let since = one(header::LAST_MODIFIED)
        .filter(|since| since.to_str().is_ok_and(|since| httpdate::parse_http_date(since).is_ok()));
    let conditions = [(header::IF_NONE_MATCH, tag), (header::IF_MODIFIED_SINCE, since)];
    conditions.into_iter().filter_map(|(name, value)| Some((name, value?.clone()))).collect()
}

/// Whether it is one entity tag (RFC 9110 section 8.8.3).
fn is_tag(value: &[u8]) -> bool {
    let opaque = value.strip_prefix(b"W/").unwrap_or(value);
    let inner = opaque.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    inner.is_some_and(|inner| inner.iter().all(|byte| !matches!(byte, 0..=b' ' | b'"' | 0x7f)))
}

/// Whether a 304 with these fields is about the stored response that has those (RFC 9111 section 4.3.4).
pub(super) fn confirms(news: &HeaderMap, stored: &HeaderMap) -> bool {
    let strength = |tag: &HeaderValue| tag.as_bytes().strip_prefix(b"W/").map(<[u8]>::to_vec);
    let same_tag = |ours: &HeaderValue, theirs: &HeaderValue| match strength(theirs) {
        None => ours == theirs,
        Some(weak) => strength(ours).unwrap_or_else(|| ours.as_bytes().to_vec()) == weak,
    };
    match (news.get(header::ETAG), news.get(header::LAST_MODIFIED)) {
        (Some(theirs), _) => stored.get(header::ETAG).is_some_and(|ours| same_tag(ours, theirs)),
        (None, Some(theirs)) => stored.get(header::LAST_MODIFIED).is_none_or(|ours| ours == theirs),
        (None, None) => true,
    }
}

/// `Cache-Control` printed anew, but for directives that are left out; none where it cannot be read.
fn control(headers: &HeaderMap, left_out: &[&str]) -> Option<HeaderValue> {
    let mut printed = Vec::new();
    for line in headers.get_all(header::CACHE_CONTROL) {
        for directive in members(line.as_bytes())? {
            let (name, argument) = read(directive)?;
            if left_out.contains(&&name[..]) {
                continue;
            }
            printed.push(match SECONDS.contains(&&name[..]) {
                true => format!("{name}={}", seconds(argument)),
                false => name,
            });
        }
    }
    HeaderValue::from_str(&printed.join(", ")).ok()
}

/// The members of a list, whose quoted strings may have commas; none where such a string has no end.
fn members(line: &[u8]) -> Option<Vec<&[u8]>> {
    let (mut members, mut begin) = (Vec::new(), 0);
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, byte) in line.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b',' if !is_quoted => {
                members.push(line.get(begin..at)?);
                begin = at + 1;
            }
            _ => {}
        }
    }
    members.push(line.get(begin..)?);
    let members = members.into_iter().map(<[u8]>::trim_ascii).filter(|member| !member.is_empty());
    (!is_quoted).then(|| members.collect())
}

/// A directive's name, in small letters since none differ by them (RFC 9111 section 5.2), and its argument.
fn read(directive: &[u8]) -> Option<(String, Option<&[u8]>)> {
    let mut parts = directive.splitn(2, |byte| *byte == b'=');
    // What is a token is a field's name, which comes in small letters.
    let name = HeaderName::from_bytes(parts.next()?.trim_ascii()).ok()?;
    Some((name.as_str().to_owned(), parts.next().map(<[u8]>::trim_ascii)))
}

/// So many seconds; none where it is no number.
fn seconds(argument: Option<&[u8]>) -> u64 {
    let digits = argument.unwrap_or_default();
    let digits = digits.strip_prefix(b"\"").and_then(|inner| inner.strip_suffix(b"\"")).unwrap_or(digits);
    let step = |sum: u64, digit: &u8| (sum * 10 + u64::from(digit - b'0')).min(MOST_SECONDS);
    match digits.iter().all(u8::is_ascii_digit) {
        true => digits.iter().fold(0, step),
        false => 0,
    }
}

#[cfg(test)]
mod tests;
