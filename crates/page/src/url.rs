//! Addresses of http and https resources: a strict resolver (RFC 3986 section 5) with the few repairs that browsers make.
//!
//! Taken over from browsers: blanks around a reference and line breaks in it vanish, a backslash before the query is a slash, and
//! bytes that no request line may carry are percent-encoded. Refused: other schemes, user names, hosts beyond ASCII
//! (IDNA would cost more than the rest of this crate), ports outside 1 to 65535.

use core::fmt;
use sakigake_semantics::is_host;
use std::borrow::Cow;

#[cfg(test)]
mod tests;

/// An absolute http or https address without fragment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Url {
    origin: Origin,
    target: String,
}

/// Where an address is served (RFC 6454): scheme, host in lower case, port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// Whether the scheme is https rather than http.
    pub secure: bool,
    /// A name or an address in lower case; IPv6 in brackets.
    pub host: String,
    /// 443 or 80 unless the address said another.
    pub port: u16,
}

/// The longest address that is taken, in bytes.
pub const URL_BYTES: usize = 8_192;

impl Url {
    /// Reads an absolute address. `None` when it is none, or not one of http or https.
    pub fn parse(text: &str) -> Option<Self> {
        let text = cleaned(text)?;
        let (secure, rest) = scheme(&text)?;
        Self::after_scheme(secure, rest?.strip_prefix("//")?)
    }

    /// Resolves what a document at this address names (RFC 3986 section 5.2). `None` for other schemes than http and
    /// https, for a mere fragment (which names the document itself), and for what cannot be requested.
    pub fn join(&self, reference: &str) -> Option<Self> {
        let reference = cleaned(reference)?;
        if reference.is_empty() {
            return None;
        }
        if let Some((secure, rest)) = scheme(&reference) {
            return match rest?.strip_prefix("//") {
                Some(rest) => Self::after_scheme(secure, rest),
                // `https:path` is not an absolute address; RFC 3986 section 5.2.2 lets a strict resolver refuse it.
                None => None,
            };
        }
        if let Some(rest) = reference.strip_prefix("//") {
            return Self::after_scheme(self.origin.secure, rest);
        }
        let (path, query) = split_query(&reference);
        let (base_path, _) = split_query(&self.target);
        let path = match path {
            "" => base_path.to_owned(),
            _ if path.starts_with('/') => without_dots(path),
            _ => without_dots(&format!("{}{path}", &base_path[..=base_path.rfind('/').unwrap_or(0)])),
        };
        Self { origin: self.origin.clone(), target: encoded(path + query) }.bounded()
    }

    /// None when encoding made it longer than what is taken: an address that we give out can be read again.
    fn bounded(self) -> Option<Self> {
        let rest = "https://".len() + self.target.len();
        let longest = rest + self.origin.host.len() + ":65535".len();
        (longest <= URL_BYTES || rest + self.origin.authority().len() <= URL_BYTES).then_some(self)
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Path and query, as `:path` carries them.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Whether it is on the same host by the same scheme and port as `other`.
    pub fn is_same_origin(&self, other: &Self) -> bool {
        self.origin == other.origin
    }

    fn after_scheme(secure: bool, rest: &str) -> Option<Self> {
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let (path, query) = split_query(target);
        let path = if path.is_empty() { "/".to_owned() } else { without_dots(path) };
        Self { origin: Origin::parse(secure, authority)?, target: encoded(path + query) }.bounded()
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.origin.fmt(f)?;
        f.write_str(&self.target)
    }
}

impl Origin {
    /// Reads host and port. `None` for a user name, an empty or malformed host, or a port that cannot be dialled.
    pub fn parse(secure: bool, authority: &str) -> Option<Self> {
        let default = if secure { 443 } else { 80 };
        let bracket = authority.rfind(']').map_or(0, |at| at + 1);
        let (host, port) = match authority.get(bracket..)?.find(':') {
            Some(colon) => authority.split_at(bracket + colon),
            None => (authority, ""),
        };
        let port = match port.strip_prefix(':') {
            None | Some("") => default,
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok()?,
            Some(_) => return None,
        };
        let host = host.to_ascii_lowercase();
        (port != 0 && is_host(&host)).then_some(Self { secure, host, port })
    }

    /// Host, and the port unless it is the scheme's own: what `:authority` carries.
    pub fn authority(&self) -> String {
        match (self.secure, self.port) {
            (true, 443) | (false, 80) => self.host.clone(),
            (_, port) => format!("{}:{port}", self.host),
        }
    }

    /// `https` or `http`.
    pub fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.scheme())?;
        f.write_str("://")?;
        f.write_str(&self.host)?;
        match (self.secure, self.port) {
            (true, 443) | (false, 80) => Ok(()),
            (_, port) => write!(f, ":{port}"),
        }
    }
}

/// Without blanks around, line breaks and tabs inside, the fragment, and backslashes before the query.
fn cleaned(text: &str) -> Option<Cow<'_, str>> {
    if text.len() > URL_BYTES {
        return None;
    }
    let text = text.trim_matches(|c: char| c <= ' ');
    let text = text.split('#').next().unwrap_or("");
    if !text.bytes().any(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | b'\\')) {
        return Some(Cow::Borrowed(text)); // Most are.
    }
    let mut in_query = false;
    let clean = text.chars().filter(|c| !matches!(c, '\t' | '\n' | '\r')).map(|c| {
        in_query |= c == '?';
        if c == '\\' && !in_query { '/' } else { c }
    });
    Some(clean.collect())
}

/// The scheme, when there is one: whether it is https, and what follows its colon; `None` inside for another scheme.
fn scheme(reference: &str) -> Option<(bool, Option<&str>)> {
    let (name, rest) = reference.split_once(':')?;
    let is_scheme = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    match () {
        () if name.eq_ignore_ascii_case("https") => Some((true, Some(rest))),
        () if name.eq_ignore_ascii_case("http") => Some((false, Some(rest))),
        () => is_scheme.then_some((false, None)),
    }
}

/// Path, and query with its question mark.
fn split_query(target: &str) -> (&str, &str) {
    target.split_at(target.find('?').unwrap_or(target.len()))
}

/// RFC 3986 section 5.2.4 for a path that begins with a slash.
fn without_dots(path: &str) -> String {
    if path.starts_with('/') && !path.contains("/.") {
        return path.to_owned(); // Most are.
    }
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.strip_prefix('/').unwrap_or(path).split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            _ => {
                kept.push(segment);
                continue;
            }
        }
        if is_last {
            kept.push("");
        }
    }
    format!("/{}", kept.join("/"))
}

/// Percent-encodes what a request line must not carry; what is encoded already stays as it is.
fn encoded(target: String) -> String {
    let may_stand = |byte: u8| matches!(byte, b'!' | b'#'..=b';' | b'=' | b'?'..=b'_' | b'a'..=b'~');
    if target.bytes().all(may_stand) {
        return target; // Most are.
    }
    let mut out = String::with_capacity(target.len());
    for byte in target.bytes() {
        match may_stand(byte) {
            true => out.push(char::from(byte)),
            false => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
