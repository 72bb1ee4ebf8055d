//! Scheme, host and port of a complete URI, as far as hints need them.

use core::fmt;

/// An origin over https: a host in lower case and a port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    host: String,
    port: u16,
}

const HTTPS_PORT: u16 = 443;

impl Origin {
    /// The origin of `https://host:port`; `host` may be a name or an address, IPv6 in brackets.
    pub fn new(host: &str, port: u16) -> Self {
        Self { host: host.trim_end_matches('.').to_ascii_lowercase(), port }
    }

    /// Reads `host` or `host:port`; `None` when it has user information, an empty host, or a byte that no host has.
    pub fn parse(authority: &str) -> Option<Self> {
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, parse_port(port)?),
            _ => (authority, HTTPS_PORT),
        };
        let inner = host.strip_prefix('[').map_or(Some(host), |rest| rest.strip_suffix(']'))?;
        let is_literal = inner.len() != host.len();
        let known = |byte: u8| {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b'-' | b'.' | b'_' | b'~')
                || (is_literal && byte == b':')
        };
        let is_named = inner.bytes().any(|byte| byte != b'.');
        (is_named && inner.bytes().all(known)).then(|| Self::new(host, port))
    }

    /// Splits a complete https URI into its origin and its path with query, without fragment; `None` when it is none.
    pub fn split(url: &str) -> Option<(Self, &str)> {
        let rest = url.get(..8).filter(|scheme| scheme.eq_ignore_ascii_case("https://")).and(url.get(8..))?;
        rest.bytes().all(is_of_url).then_some(())?;
        let rest = rest.split('#').next().unwrap_or(rest);
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        Some((Self::parse(authority)?, target))
    }

    /// The host, in lower case.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The complete URI of a path with its query on this origin.
    pub fn url(&self, target: &str) -> String {
        let mut url = String::with_capacity("https://:65535/".len() + self.host.len() + target.len());
        url.push_str("https://");
        url.push_str(&self.host);
        if self.port != HTTPS_PORT {
            url.push_str(&format!(":{}", self.port));
        }
        if !target.starts_with('/') {
            url.push('/');
        }
        url.push_str(target);
        url
    }
}

/// Printable, and none of those bytes that no URI has: angle brackets, quotation mark, backslash, caret, backtick, braces, bar.
const fn is_of_url(byte: u8) -> bool {
    matches!(byte, b'!' | b'#'..=b';' | b'=' | b'?'..=b'[' | b']' | b'_' | b'a'..=b'z' | b'~')
}

fn parse_port(port: &str) -> Option<u16> {
    match port {
        "" => Some(HTTPS_PORT),
        _ if port.bytes().all(|byte| byte.is_ascii_digit()) => port.parse().ok(),
        _ => None,
    }
}

impl fmt::Display for Origin {
    /// The authority: the host, and the port where it is not 443.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            HTTPS_PORT => f.write_str(&self.host),
            port => write!(f, "{}:{port}", self.host),
        }
    }
}
