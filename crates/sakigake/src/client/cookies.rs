//! Cookies, for as long as a load lasts (RFC 6265bis, draft 22): sections 5.5 (what may be set), 5.6 and 5.7 (storage), 5.8
//! (what goes with a request).
//!
//! There is no public suffix list here: compiled in, it would outweigh this whole client, for cookies that live as long as one
//! page's load. A `Domain` must have a dot and must not look like a country's second level ([`SECOND_LEVELS`]).

use core::cmp::Reverse;
use sakigake_page::{Origin, Url};

mod date;
#[cfg(test)]
mod tests;

/// What cookies may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// Bytes of a cookie's name and value; beyond that it is ignored.
    pub(super) cookie_bytes: usize,
    /// Bytes of an attribute's value; beyond that the attribute is ignored.
    pub(super) attribute_bytes: usize,
    /// Cookies of one domain; the oldest make room.
    pub(super) domain_cookies: usize,
    /// Cookies of all; the oldest make room.
    pub(super) cookies: usize,
    /// Bytes of a request's Cookie field; what does not fit is left out.
    pub(super) field_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cookie_bytes: 4_096,
            attribute_bytes: 1_024,
            domain_cookies: 50,
            cookies: 300,
            field_bytes: 16 << 10,
        }
    }
}

/// The cookies of one load.
#[derive(Debug, Default)]
pub(super) struct Jar {
    limits: Limits,
    /// Oldest first.
    cookies: Vec<Cookie>,
}

#[derive(Clone, Debug)]
struct Cookie {
    name: Vec<u8>,
    value: Vec<u8>,
    domain: String,
    /// It goes to that host alone, and to none below it.
    is_host_only: bool,
    path: String,
    is_secure: bool,
    same_site: SameSite,
    /// Seconds since 1970.
    expires: Option<u64>,
}

/// Whether it goes with requests that another site's page makes. Those to a page itself are the user's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SameSite {
    /// `Strict`, `Lax`, or nothing said: here they come to the same.
    Same,
    None,
}

/// On whose behalf a request is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Context {
    /// Whether the page is of the same site as the request, or is the request.
    pub(super) is_same_site: bool,
    /// Seconds since 1970.
    pub(super) unix_secs: u64,
}

impl Jar {
    #[cfg(test)]
    fn new(limits: Limits) -> Self {
        Self { limits, cookies: Vec::new() }
    }

    /// Takes a Set-Cookie field of the response from `url`, unless a rule forbids it.
    pub(super) fn set(&mut self, url: &Url, field: &[u8], context: Context) {
        let Some(cookie) = read(url, field, context, &self.limits) else { return };
        let is_it = |old: &Cookie| {
            (&old.name, &old.domain, old.is_host_only, &old.path)
                == (&cookie.name, &cookie.domain, cookie.is_host_only, &cookie.path)
        };
        let old = self.cookies.iter().position(is_it);
        match (old, cookie.is_over(context.unix_secs)) {
            (Some(at), true) => drop(self.cookies.remove(at)),
            (Some(at), false) => self.cookies[at] = cookie, // It keeps its place (section 5.7 step 23).
            (None, true) => {}
            (None, false) => {
                let domain = cookie.domain.clone();
                self.cookies.push(cookie);
                self.make_room(&domain, context.unix_secs);
            }
        }
    }

    fn make_room(&mut self, domain: &str, unix_secs: u64) {
        self.cookies.retain(|cookie| !cookie.is_over(unix_secs));
        let is_own = |cookie: &Cookie| cookie.domain == domain;
        if self.cookies.iter().filter(|cookie| is_own(cookie)).count() > self.limits.domain_cookies
            && let Some(at) = self.cookies.iter().position(is_own)
        {
            self.cookies.remove(at);
        }
        if self.cookies.len() > self.limits.cookies {
            self.cookies.remove(0);
        }
    }

    /// The Cookie field of a request to `url`; `None` when there is none to send.
    pub(super) fn field(&self, url: &Url, context: Context) -> Option<Vec<u8>> {
        let (path, _) = url.target().split_once('?').unwrap_or((url.target(), ""));
        let fits = |cookie: &&Cookie| {
            let host = url.origin().host.as_str();
            let is_host =
                if cookie.is_host_only { cookie.domain == host } else { is_below(host, &cookie.domain) };
            is_host
                && path_matches(path, &cookie.path)
                && (!cookie.is_secure || url.origin().secure) // spec: 6265bis-5.8.3-a
                && (cookie.same_site == SameSite::None || context.is_same_site) // spec: 6265bis-5.8.3-b
                && !cookie.is_over(context.unix_secs)
        };
        let mut fitting: Vec<&Cookie> = self.cookies.iter().filter(fits).collect();
        fitting.sort_by_key(|cookie| Reverse(cookie.path.len())); // Stable: older ones stay first.
        let mut field = Vec::new();
        for cookie in fitting {
            let before = if field.is_empty() { "" } else { "; " };
            let equals = if cookie.name.is_empty() { "" } else { "=" };
            let pair = [before.as_bytes(), &cookie.name, equals.as_bytes(), &cookie.value].concat();
            if field.len() + pair.len() <= self.limits.field_bytes {
                field.extend(pair);
            }
        }
        (!field.is_empty()).then_some(field)
    }
}

impl Cookie {
    fn is_over(&self, unix_secs: u64) -> bool {
        self.expires.is_some_and(|expires| expires <= unix_secs)
    }
}

/// Whether two origins are of one site: the same registrable domain, as far as one can tell without a list, by https.
pub(super) fn is_same_site(one: &Origin, other: &Origin) -> bool {
    one.secure == other.secure && registrable(&one.host) == registrable(&other.host)
}

/// Reads a Set-Cookie field and holds it to the rules (sections 5.6 and 5.7).
fn read(url: &Url, field: &[u8], context: Context, limits: &Limits) -> Option<Cookie> {
    if field.iter().any(|byte| matches!(byte, 0..=8 | 10..=31 | 127)) {
        return None;
    }
    let mut parts = field.split(|byte| *byte == b';');
    let pair = parts.next().unwrap_or_default();
    let (name, value) = match pair.iter().position(|byte| *byte == b'=') {
        Some(at) => (pair[..at].trim_ascii(), pair[at + 1..].trim_ascii()),
        None => (&[][..], pair.trim_ascii()),
    };
    if name.is_empty() && value.is_empty() || name.len() + value.len() > limits.cookie_bytes {
        return None; // spec: 6265bis-5.7-a
    }
    let attributes = Attributes::read(parts, limits);
    let host = &url.origin().host;
    let is_address = is_address(host);
    let (domain, is_host_only) = match attributes.domain.as_deref() {
        None | Some("") => (host.clone(), true),
        Some(domain) if domain == host && (is_address || is_suffix(domain)) => (host.clone(), true),
        Some(domain) if is_address || is_suffix(domain) || !is_below(host, domain) => return None, // spec: 6265bis-5.7-b
        Some(domain) => (domain.to_owned(), false),
    };
    let has_prefix = |prefix: &[u8]| {
        let whole = if name.is_empty() { value } else { name };
        whole.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    let is_whole_host = is_host_only && attributes.path.as_deref() == Some("/");
    let breaks_a_rule = attributes.is_secure && !url.origin().secure
        || has_prefix(b"__Secure-") && !attributes.is_secure // spec: 6265bis-5.7-c
        || has_prefix(b"__Host-") && !(attributes.is_secure && is_whole_host) // spec: 6265bis-5.7-d
        || name.is_empty() && (has_prefix(b"__Secure-") || has_prefix(b"__Host-"))
        || attributes.same_site == SameSite::None && !attributes.is_secure
        || attributes.same_site == SameSite::Same && !context.is_same_site; // spec: 6265bis-5.7-e
    if breaks_a_rule {
        return None;
    }
    Some(Cookie {
        name: name.to_vec(),
        value: value.to_vec(),
        domain,
        is_host_only,
        path: attributes.path.unwrap_or_else(|| default_path(url)),
        is_secure: attributes.is_secure,
        same_site: attributes.same_site,
        // Max-Age wins over Expires.
        expires: match attributes.max_age_secs {
            Some(secs) => Some(context.unix_secs.saturating_add(secs)),
            None => attributes.expires,
        },
    })
}

struct Attributes {
    domain: Option<String>,
    path: Option<String>,
    is_secure: bool,
    same_site: SameSite,
    /// 0 for what is over at once.
    max_age_secs: Option<u64>,
    expires: Option<u64>,
}

impl Attributes {
    /// The last of a name counts.
    fn read<'a>(parts: impl Iterator<Item = &'a [u8]>, limits: &Limits) -> Self {
        let mut attributes = Self {
            domain: None,
            path: None,
            is_secure: false,
            same_site: SameSite::Same,
            max_age_secs: None,
            expires: None,
        };
        for part in parts {
            let part = String::from_utf8_lossy(part);
            let (name, value) = part.split_once('=').unwrap_or((&part, ""));
            let value = value.trim();
            if value.len() > limits.attribute_bytes {
                continue;
            }
            match name.trim().to_ascii_lowercase().as_str() {
                "domain" => {
                    let domain = value.strip_prefix('.').unwrap_or(value);
                    attributes.domain = Some(domain.to_ascii_lowercase());
                }
                "path" => attributes.path = value.starts_with('/').then(|| value.to_owned()),
                "secure" => attributes.is_secure = true,
                "samesite" => {
                    let is_none = value.eq_ignore_ascii_case("none");
                    attributes.same_site = if is_none { SameSite::None } else { SameSite::Same };
                }
                "max-age" => attributes.max_age_secs = max_age(value).or(attributes.max_age_secs),
                "expires" => attributes.expires = date::parse(value).or(attributes.expires),
                _ => {} // HttpOnly among them: there is no script here to hide it from.
            }
        }
        attributes
    }
}

fn max_age(value: &str) -> Option<u64> {
    let digits = value.strip_prefix('-').unwrap_or(value);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let is_past = value.starts_with('-');
    Some(if is_past { 0 } else { digits.parse().unwrap_or(u64::MAX) }) // More digits than that: for ever.
}

/// Section 5.1.3, for names in lower case.
fn is_below(host: &str, domain: &str) -> bool {
    let above = host.strip_suffix(domain);
    above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
}

/// Section 5.1.4.
fn path_matches(path: &str, cookie: &str) -> bool {
    path.strip_prefix(cookie)
        .is_some_and(|rest| rest.is_empty() || cookie.ends_with('/') || rest.starts_with('/'))
}

fn default_path(url: &Url) -> String {
    let (path, _) = url.target().split_once('?').unwrap_or((url.target(), ""));
    match path.rfind('/') {
        None | Some(0) => "/".to_owned(),
        Some(at) => path[..at].to_owned(),
    }
}

/// Whether it is an address, in whatever spelling: no name ends in a number, and resolvers take `10.1` for 10.0.0.1.
fn is_address(host: &str) -> bool {
    let last = host.strip_suffix('.').unwrap_or(host).rsplit('.').next().unwrap_or_default();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    host.starts_with('[') || is_number(last) || last.starts_with("0x")
}

/// Labels that countries register names under.
const SECOND_LEVELS: [&str; 22] = [
    "ac", "co", "com", "edu", "gob", "gouv", "gov", "govt", "id", "ltd", "me", "mil", "ne", "net", "nom",
    "or", "org", "plc", "sch", "school", "web", "go",
];

/// Whether names below it belong to strangers, as far as one can tell without a list.
fn is_suffix(domain: &str) -> bool {
    let mut labels = domain.strip_suffix('.').unwrap_or(domain).rsplit('.');
    match (labels.next(), labels.next(), labels.next()) {
        (Some(_), None, _) => true,
        (Some(country), Some(second), None) => country.len() == 2 && SECOND_LEVELS.contains(&second),
        _ => false,
    }
}

/// The shortest name at or above a host that is no suffix.
fn registrable(host: &str) -> &str {
    if is_address(host) {
        return host;
    }
    let starts = host.match_indices('.').map(|(at, _)| at + 1).rev();
    starts.map(|at| &host[at..]).find(|name| !is_suffix(name)).unwrap_or(host)
}
