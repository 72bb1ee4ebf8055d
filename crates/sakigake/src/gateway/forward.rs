//! Requests and responses as they leave on the other side (RFC 9110 sections 7.6 and 7.7).

use crate::{
    client::Protocol,
    service::{Body, head},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version, header, request};
use http_body::Body as _;
use sakigake_page as page;
use sakigake_preload::Origin;
use sakigake_semantics::{Request, Response};
use std::{borrow::Cow, net::IpAddr};

/// Fields that end here in both directions: those of one connection, and of the next proxy.
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-authentication-info"),
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Fields of requests that are ours to say: what a browser says of its own way here is no more than its word.
const OURS: [HeaderName; 5] = [
    header::HOST,
    header::FORWARDED,
    header::EXPECT,
    header::CONTENT_LENGTH,
    HeaderName::from_static("x-real-ip"),
];

/// Fields that behind their content would come too late, or change what was already acted on (RFC 9110 section 6.5.1): of framing, of
/// where a message goes, its controls and conditions, who sends it, what its content is, and what a response is about. In small letters.
/// ETag, Accept-Ranges and Authentication-Info may come there by their own definitions.
const NEVER_TRAILERS: [&str; 52] = [
    // Framing and routing.
    "content-length",
    "host",
    "via",
    "max-forwards",
    "forwarded",
    "trailer",
    "alt-svc",
    "alt-used",
    // Controls of requests, and conditions.
    "cache-control",
    "pragma",
    "expect",
    "range",
    "if-match",
    "if-none-match",
    "if-modified-since",
    "if-unmodified-since",
    "if-range",
    "early-data",
    "priority",
    // Who sends it, and in whose name.
    "authorization",
    "www-authenticate",
    "cookie",
    "set-cookie",
    "origin",
    "referer",
    "x-real-ip",
    // What content it is.
    "content-encoding",
    "content-type",
    "content-range",
    "content-location",
    "content-language",
    "content-disposition",
    // What is said of the response.
    "age",
    "date",
    "expires",
    "location",
    "retry-after",
    "vary",
    "warning",
    "allow",
    "last-modified",
    "link",
    "refresh",
    "clear-site-data",
    // What a browser goes by before it takes any content.
    "content-security-policy",
    "content-security-policy-report-only",
    "strict-transport-security",
    "x-frame-options",
    "x-content-type-options",
    "permissions-policy",
    "referrer-policy",
    "service-worker-allowed",
];

/// What stands for us in Via.
const PSEUDONYM: &str = "sakigake";

/// Of those that one request may meet: more than so many are a loop.
const GATEWAYS: usize = 8;

/// Whether it asks for a WebSocket. Other upgrades are offers, which nobody has to take.
pub(super) fn is_upgrade(parts: &request::Parts) -> bool {
    let wanted = parts
        .headers
        .get_all(header::UPGRADE)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    wanted.map(<[u8]>::trim_ascii).any(|word| word.eq_ignore_ascii_case(b"websocket"))
}

/// Whether its content is in chunks and in no other coding, if in any: a coding that is not undone here would end here, and what is in it
/// would pass for the content (RFC 9112 section 6.1).
pub(super) fn is_readable(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(header::TRANSFER_ENCODING).iter();
    let is_chunked = |line: &HeaderValue| line.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked");
    lines.next().is_none_or(is_chunked) && lines.next().is_none()
}

/// Whether somebody goes to a page.
pub(super) fn is_navigation(parts: &request::Parts) -> bool {
    let mode = parts.headers.get("sec-fetch-mode").map(HeaderValue::as_bytes);
    parts.method == Method::GET && mode == Some(b"navigate")
}

/// Whether the same request has been here too often.
pub(super) fn is_loop(parts: &request::Parts) -> bool {
    let lines = parts
        .headers
        .get_all(header::VIA)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    let is_ours = |one: &[u8]| one.trim_ascii().ends_with(PSEUDONYM.as_bytes());
    lines.filter(|one| is_ours(one)).count() >= GATEWAYS
}

/// The authority that the browser visits: of the target, else of Host.
pub(super) fn authority(parts: &request::Parts) -> Option<Origin> {
    let target = parts.uri.authority().map(http::uri::Authority::as_str);
    let host = || parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    Origin::parse(target.or_else(host)?)
}

/// Path and query. A target may have a query and no path, which is `/` then (RFC 9112 section 3.2.2).
pub(super) fn target(parts: &request::Parts) -> Cow<'_, str> {
    let target = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    match target.starts_with('?') {
        true => Cow::Owned(format!("/{target}")),
        false => Cow::Borrowed(target),
    }
}

/// How many more may pass on a request that only looks at what is on its way (RFC 9110 section 7.6.2); none where nobody counts.
pub(super) fn most_forwards(parts: &request::Parts) -> Option<u64> {
    let is_counted = matches!(parts.method, Method::TRACE | Method::OPTIONS);
    let counted = parts.headers.get(header::MAX_FORWARDS).filter(|_| is_counted)?;
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    counted.to_str().ok().filter(|text| text.bytes().all(|byte| is_digit(&byte)))?.parse().ok()
}

/// A browser's request as the origin gets it.
pub(super) fn request(
    parts: &request::Parts,
    origin: &page::Origin,
    visited: &Origin,
    client: Option<IpAddr>,
    body: &Body,
) -> Option<Request> {
    let mut headers = passed(&parts.headers);
    let is_ours = |name: &HeaderName| OURS.contains(name) || name.as_str().starts_with("x-forwarded-");
    let ours: Vec<HeaderName> = headers.keys().filter(|name| is_ours(name)).cloned().collect();
    ours.iter().for_each(|name| drop(headers.remove(name)));
    // Where the browser is, in the origin's eyes: it holds both against its own name.
    for name in [header::ORIGIN, header::REFERER] {
        if let Some(value) = headers.get(&name).and_then(|value| as_origins(value, &name, origin, visited)) {
            headers.insert(name, value);
        }
    }
    let client = match client {
        Some(IpAddr::V4(address)) => format!("for={address};"),
        Some(IpAddr::V6(address)) => format!("for=\"[{address}]\";"),
        None => String::new(),
    };
    let forwarded = format!("{client}host=\"{visited}\";proto=https");
    headers.insert(header::FORWARDED, HeaderValue::from_str(&forwarded).ok()?);
    via(&mut headers, parts.version);
    if let Some(left) = most_forwards(parts) {
        headers.insert(header::MAX_FORWARDS, left.saturating_sub(1).into()); // spec: 9110-7.6.2-a
    }
    if takes_trailers(&parts.headers) {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
    // What is known of the body itself says how long it is, whatever the browser said.
    let length = match body.is_end_stream() {
        true => matches!(parts.method, Method::POST | Method::PUT | Method::PATCH).then_some(0),
        false => body.size_hint().exact(),
    };
    length.map(|length| headers.insert(header::CONTENT_LENGTH, length.into()));
    let mut request = Request::new(parts.method.as_str(), origin.authority(), &*target(parts));
    request.fields = head::fields(&headers);
    Some(request)
}

/// Whether the browser takes fields behind a response's body: the only word of TE that we can pass on.
fn takes_trailers(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::TE).iter();
    let mut words = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    words.any(|word| word.trim_ascii().eq_ignore_ascii_case(b"trailers"))
}

/// Fields behind a body as they go on, in either direction.
pub(super) fn trailers(fields: &HeaderMap) -> HeaderMap {
    let mut passed = passed(fields);
    let is_barred = |name: &HeaderName| {
        let name = name.as_str();
        let families = ["x-forwarded-", "access-control-", "cross-origin-", "sec-"];
        NEVER_TRAILERS.contains(&name) || families.iter().any(|family| name.starts_with(family))
    };
    let barred: Vec<HeaderName> = passed.keys().filter(|name| is_barred(name)).cloned().collect();
    barred.iter().for_each(|name| drop(passed.remove(name)));
    passed
}

/// A request of our own for what a hint names: nothing of it but what the answer may be chosen by is any browser's.
pub(super) fn own(origin: &page::Origin, target: &str, headers: &HeaderMap) -> Request {
    let mut request = Request::new("GET", origin.authority(), target);
    let mut headers = headers.clone();
    via(&mut headers, Version::HTTP_2);
    request.fields = head::fields(&headers);
    request
}

/// An origin's fields as they came by that protocol, but for those of its connection; none where what comes behind them is in a coding
/// that nobody here undoes, or of two lengths.
pub(super) fn received(head: &Response, protocol: Option<Protocol>) -> Option<HeaderMap> {
    let came = head::headers(&head.fields).filter(is_readable)?;
    let mut headers = passed(&came); // spec: 9111-3.1-a
    if came.contains_key(header::TRANSFER_ENCODING) {
        headers.remove(header::CONTENT_LENGTH); // spec: 9112-6.3-a
    }
    if headers.contains_key(header::CONTENT_LENGTH) {
        let length = one_length(&headers)?;
        headers.insert(header::CONTENT_LENGTH, length);
    }
    let version = match protocol {
        Some(Protocol::Http1) => Version::HTTP_11,
        Some(Protocol::Http3) => Version::HTTP_3,
        Some(Protocol::Http2) | None => Version::HTTP_2,
    };
    via(&mut headers, version);
    Some(headers)
}

/// The length that is said, however often it is (RFC 9110 section 8.6).
fn one_length(headers: &HeaderMap) -> Option<HeaderValue> {
    let lines = headers.get_all(header::CONTENT_LENGTH).iter();
    let mut said = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
    let first = said.next()?;
    said.all(|other| other == first).then(|| HeaderValue::from_bytes(first).ok())?
}

fn rewrite(headers: &mut HeaderMap, origin: &Origin, visited: &Origin) {
    headers.remove(header::ALT_SVC); // It would lead past us.
    if origin.host() != visited.host() {
        headers.remove(header::STRICT_TRANSPORT_SECURITY); // It would bind a name that is not the origin's, at all its ports.
    }
    for name in [header::LOCATION, header::CONTENT_LOCATION] {
        if let Some(value) = headers.get(&name).and_then(|value| rewritten(value, origin, visited)) {
            headers.insert(name, value);
        }
    }
    let allowed = headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN).and_then(|value| value.to_str().ok());
    if allowed.and_then(Origin::split).is_some_and(|(place, _)| place == *origin)
        && let Ok(ours) = HeaderValue::from_str(&format!("https://{visited}"))
    {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, ours);
    }
    if let header::Entry::Occupied(mut cookies) = headers.entry(header::SET_COOKIE) {
        for value in cookies.iter_mut() {
            if let Some(cookie) = cookie(value, origin, visited) {
                *value = cookie;
            }
        }
    }
    if let header::Entry::Occupied(mut links) = headers.entry(header::LINK) {
        for value in links.iter_mut() {
            if let Some(link) = link(value, origin, visited) {
                *value = link;
            }
        }
    }
}

/// Fields that were received as a browser gets them that visits `visited`.
pub(super) fn response(headers: HeaderMap, origin: &Origin, visited: &Origin) -> HeaderMap {
    let mut headers = passed(&headers);
    rewrite(&mut headers, origin, visited);
    headers
}

/// What goes on to the next hop.
fn passed(headers: &HeaderMap) -> HeaderMap {
    let lines = headers
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    let named: Vec<HeaderName> =
        lines.filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok()).collect();
    let mut passed = headers.clone();
    HOP_BY_HOP.iter().chain(&named).for_each(|name| drop(passed.remove(name))); // spec: 9110-7.6.1-a
    passed
}

fn via(headers: &mut HeaderMap, version: Version) {
    let version = match version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_11 => "1.1",
        Version::HTTP_3 => "3",
        _ => "2",
    };
    if let Ok(value) = HeaderValue::from_str(&format!("{version} {PSEUDONYM}")) {
        headers.append(header::VIA, value);
    }
}

/// An address on the origin, as one of ours.
fn rewritten(value: &HeaderValue, origin: &Origin, visited: &Origin) -> Option<HeaderValue> {
    let text = value.to_str().ok()?;
    let (place, target) = Origin::split(text)?;
    let fragment = text.split_once('#').map_or(String::new(), |(_, fragment)| format!("#{fragment}"));
    (place == *origin).then(|| HeaderValue::from_str(&(visited.url(target) + &fragment)).ok())?
}

/// An address on ours, as one of the origin's.
fn as_origins(
    value: &HeaderValue,
    name: &HeaderName,
    origin: &page::Origin,
    visited: &Origin,
) -> Option<HeaderValue> {
    let (_, target) = Origin::split(value.to_str().ok()?).filter(|(place, _)| place == visited)?;
    let target = if *name == header::ORIGIN { "" } else { target };
    HeaderValue::from_str(&format!("https://{}{target}", origin.authority())).ok()
}

/// Whether a host is of that domain (RFC 6265 section 5.1.3).
fn is_of(host: &str, domain: &[u8]) -> bool {
    let rest = host.len().checked_sub(domain.len()).map(|at| host.as_bytes().split_at(at));
    rest.is_some_and(|(before, end)| {
        end.eq_ignore_ascii_case(domain) && (before.is_empty() || before.ends_with(b"."))
    })
}

/// A cookie for the origin's own domain, as one of the host that the browser visits; `None` where nothing is to be changed.
fn cookie(value: &HeaderValue, origin: &Origin, visited: &Origin) -> Option<HeaderValue> {
    let is_for_us = |part: &&[u8]| {
        let domain = part.trim_ascii().split_at_checked(7);
        let domain = domain.filter(|(name, _)| name.eq_ignore_ascii_case(b"domain="));
        let domain = domain.map(|(_, domain)| domain.strip_prefix(b".").unwrap_or(domain));
        // A whole top-level domain is nobody's, which browsers have to see.
        domain.is_some_and(|domain| {
            domain.contains(&b'.') && is_of(origin.host(), domain) && !is_of(visited.host(), domain)
        })
    };
    let mut parts = value.as_bytes().split(|byte| *byte == b';');
    let first = parts.next()?;
    let rest: Vec<&[u8]> = parts.collect();
    let kept: Vec<&[u8]> = rest.iter().copied().filter(|part| !is_for_us(part)).collect();
    if kept.len() == rest.len() {
        return None;
    }
    let mut changed = first.to_vec();
    for part in kept {
        changed.push(b';');
        changed.extend_from_slice(part);
    }
    let mut changed = HeaderValue::from_bytes(&changed).ok()?;
    changed.set_sensitive(value.is_sensitive());
    Some(changed)
}

/// A `link` value whose preloads lie on the origin, as ours, printed anew; `None` where nothing is to be changed.
fn link(value: &HeaderValue, origin: &Origin, visited: &Origin) -> Option<HeaderValue> {
    let mut links = Vec::new();
    let mut is_changed = false;
    let read = sakigake_preload::link::parse(value.as_bytes(), Default::default(), &mut |mut link| {
        if let Some((_, target)) = Origin::split(&link.target).filter(|(place, _)| place == origin) {
            let target = visited.url(target);
            link.target = target;
            is_changed = true;
        }
        links.push(link.to_string());
    });
    (read.is_ok() && is_changed).then(|| HeaderValue::from_str(&links.join(", ")).ok())?
}

#[cfg(test)]
mod tests;
