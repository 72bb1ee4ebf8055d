//! Heads between HTTP/2's shape and the one that handlers know (the crate `http`).

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version, header, request, response, uri,
};
use sakigake_semantics::{CONNECTION_SPECIFIC, FieldLine, Fields, Request, Response};
use std::{fmt, time::SystemTime};

/// A response that cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Invalid {
    /// 1xx is not the end of anything.
    Interim,
    /// Not one number.
    ContentLength,
    /// Another number than the body has bytes.
    OtherLength,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interim => "the handler's status is 1xx, which is no final response",
            Self::ContentLength => "the handler's content-length is not one number",
            Self::OtherLength => "the handler's content-length is not the length of its body",
        })
    }
}

/// The request as a handler sees it. `None`: it is right for HTTP/2, but not for that crate (a path of 64 KiB).
pub(crate) fn request(asked: &Request) -> Option<request::Parts> {
    let (mut parts, ()) = http::Request::new(()).into_parts();
    parts.method = Method::from_bytes(asked.method()).ok()?;
    parts.version = Version::HTTP_2;
    let mut target = uri::Parts::default();
    if !asked.authority().is_empty() {
        target.authority = Some(uri::Authority::try_from(asked.authority()).ok()?);
    }
    if !asked.path().is_empty() {
        target.scheme = Some(uri::Scheme::try_from(asked.scheme()).ok()?);
        target.path_and_query = Some(uri::PathAndQuery::try_from(asked.path()).ok()?);
    }
    parts.uri = Uri::from_parts(target).ok()?;
    parts.headers = headers(&asked.fields)?;
    Some(parts)
}

/// Whether nothing is expected but what can be met (RFC 9110 section 10.1.1).
pub(crate) fn may_expect(headers: &HeaderMap) -> bool {
    headers.get_all(header::EXPECT).iter().all(|line| line.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// Field lines as a map.
pub(crate) fn headers(fields: &Fields) -> Option<HeaderMap> {
    let mut map = HeaderMap::with_capacity(fields.len());
    for line in fields.iter() {
        let (name, value) = line_of(line)?;
        map.append(name, value);
    }
    Some(map)
}

/// A field line as handlers know it. `None`: it is right for HTTP/2, but not for that crate (a control character).
pub(crate) fn line_of(line: FieldLine<'_>) -> Option<(HeaderName, HeaderValue)> {
    let mut value = HeaderValue::from_bytes(line.value).ok()?;
    value.set_sensitive(line.sensitive);
    Some((HeaderName::from_bytes(line.name).ok()?, value))
}

/// A handler's response as HTTP/2 sends it, and how long its body is if the handler said so. `exact` is what the body knows
/// of its length: it is said in the head where the handler did not.
pub(crate) fn response(
    parts: &mut response::Parts,
    exact: Option<u64>,
    is_head: bool,
) -> Result<(Response, Option<u64>), Invalid> {
    let length = check(parts, exact, is_head)?;
    let mut response = Response::new(parts.status.as_u16());
    response.fields = fields(&parts.headers);
    // An empty body in answer to HEAD says nothing of what GET would bring.
    let exact = exact.filter(|exact| may_have_length(response.status) && !(is_head && *exact == 0));
    if let (None, Some(exact)) = (length, exact) {
        response.fields.push(b"content-length", exact.to_string().as_bytes());
    }
    if !parts.headers.contains_key(header::DATE) {
        response.fields.push(b"date", &crate::files::date(SystemTime::now()));
    }
    Ok((response, length))
}

/// Whether a handler's response can be sent; what it says of its body's length, which with 204 it must not.
pub(crate) fn check(
    parts: &mut response::Parts,
    exact: Option<u64>,
    is_head: bool,
) -> Result<Option<u64>, Invalid> {
    if parts.status.is_informational() {
        return Err(Invalid::Interim);
    }
    let length = content_length(&parts.headers)?;
    if parts.status == StatusCode::NO_CONTENT {
        parts.headers.remove(header::CONTENT_LENGTH); // RFC 9110 section 8.6.
        return Ok(None);
    }
    let has_body = !is_head && may_have_length(parts.status.as_u16());
    match (length, exact) {
        (Some(length), Some(exact)) if has_body && length != exact => Err(Invalid::OtherLength),
        _ => Ok(length),
    }
}

/// Trailers, or an interim response's fields.
pub(crate) fn fields(headers: &HeaderMap) -> Fields {
    let mut fields = Fields::new();
    let named = connection_options(headers);
    for (name, value) in headers {
        if CONNECTION_SPECIFIC.contains(&name.as_str().as_bytes()) || named.iter().any(|other| other == name)
        {
            continue; // spec: 9113-8.2.2-c 9113-8.2.2-d
        }
        let line = FieldLine {
            name: name.as_str().as_bytes(),
            value: value.as_bytes().trim_ascii(), // spec: 9113-8.2.1-c
            sensitive: value.is_sensitive(),
        };
        fields.push_line(line);
    }
    fields
}

/// What the field `connection` names is of one connection too (RFC 9110 section 7.6.1).
fn connection_options(headers: &HeaderMap) -> Vec<HeaderName> {
    let lines = headers.get_all(header::CONNECTION).iter();
    let names = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    names.filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok()).collect()
}

/// Whether a response may say how long its body is (RFC 9110 section 8.6).
pub(crate) const fn may_have_length(status: u16) -> bool {
    !matches!(status, 100..=199 | 204 | 304)
}

fn content_length(headers: &HeaderMap) -> Result<Option<u64>, Invalid> {
    let mut lines = headers.get_all(header::CONTENT_LENGTH).iter();
    let Some(line) = lines.next() else { return Ok(None) };
    let digits = line.as_bytes();
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let number = line.to_str().ok().and_then(|text| text.parse().ok());
    match number.filter(|_| is_number && lines.next().is_none()) {
        Some(number) => Ok(Some(number)),
        None => Err(Invalid::ContentLength),
    }
}

#[cfg(test)]
mod tests;
