//! Origins as ORIGIN frames name them (RFC 8336, RFC 9412): the same entries over HTTP/2 and HTTP/3.

use crate::is_host;
use core::fmt;
use sakigake_wire::{Grow, Reader};
use std::collections::BTreeSet;

/// An origin by its ASCII serialization (RFC 6454 section 6.2): scheme and host in lower case, and the port where it is
/// not the scheme's own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin(String);

/// The origins that a connection may be used for, as far as names go (RFC 8336 section 2.3). It permits nothing: the
/// certificate has to cover the host as well (section 2.4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OriginSet(BTreeSet<Origin>);

/// What a client knows of a connection's origins.
#[derive(Debug, Default)]
pub struct Origins {
    /// The one that the owner connected to, until the set takes it in.
    own: Option<Origin>,
    set: Option<OriginSet>,
}

impl Origin {
    /// Reads `scheme://host` or `scheme://host:port`; `None` where it is anything else, such as `null`, a wildcard, or a
    /// URL with a path.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text = core::str::from_utf8(text).ok()?.to_ascii_lowercase();
        let (scheme, authority) = text.split_once("://")?;
        let (host, port) = match authority.rsplit_once(':').filter(|(_, port)| !port.contains(']')) {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
        let default = match scheme {
            "https" => "443",
            "http" => "80",
            _ => "",
        };
        let is_good = is_scheme(scheme) && is_host(host) && port.is_none_or(is_port);
        is_good.then(|| match port.filter(|port| *port != default) {
            Some(port) => Self(format!("{scheme}://{host}:{port}")),
            None => Self(format!("{scheme}://{host}")),
        })
    }

    /// The serialization.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its host, an IPv6 address without brackets.
    pub fn host(&self) -> &str {
        let authority = self.0.split_once("://").map_or(self.0.as_str(), |(_, authority)| authority);
        match authority.strip_prefix('[').and_then(|inside| inside.split_once(']')) {
            Some((address, _)) => address,
            None => authority.split_once(':').map_or(authority, |(host, _)| host),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl OriginSet {
    /// Whether an origin is among them.
    pub fn contains(&self, origin: &Origin) -> bool {
        self.0.contains(origin)
    }

    /// All of them, in the order of their bytes.
    pub fn iter(&self) -> impl Iterator<Item = &Origin> {
        self.0.iter()
    }
}

impl Origins {
    /// The origin set: `None` until the server has sent ORIGIN, and then only what is in it may be asked for there
    /// (RFC 8336 section 2.4).
    pub const fn set(&self) -> Option<&OriginSet> {
        self.set.as_ref()
    }

    /// Which origin the client connected to: the host that it named in TLS, and the port. It is in the set from the
    /// beginning (RFC 8336 section 2.3).
    pub fn connected_to(&mut self, origin: Origin) {
        match &mut self.set {
            Some(set) => _ = set.0.insert(origin),
            None => self.own = Some(origin),
        }
    }

    /// A response said 421: the connection is not for that origin, whatever was said before (RFC 8336 section 2.3).
    pub fn misdirected(&mut self, origin: &Origin) {
        if let Some(set) = &mut self.set {
            set.0.remove(origin); // spec: 8336-2.3-b
        }
        self.own.take_if(|own| own == origin);
    }

    /// Takes in a frame's entries. What is beyond `limit` is left out, which only means that it is not shared. False where the
    /// payload does not divide into entries: it counts for nothing.
    pub fn take(&mut self, entries: &[u8], limit: usize) -> bool {
        let Some(named) = read(entries) else { return false };
        let own = &mut self.own;
        let set = self.set.get_or_insert_with(|| OriginSet(own.take().into_iter().collect())); // spec: 8336-2.3-a
        for text in named {
            let Some(origin) = Origin::parse(text) else { continue }; // spec: 8336-2.2-d
            if set.0.len() < limit {
                set.0.insert(origin);
            }
        }
        true
    }
}

/// The entries of a frame; `None` when one is cut short.
fn read(entries: &[u8]) -> Option<Vec<&[u8]>> {
    let mut reader = Reader::new(entries);
    let mut named = Vec::new();
    while !reader.is_empty() {
        let len = reader.u16().ok()?;
        named.push(reader.take(usize::from(len)).ok()?);
    }
    Some(named)
}

/// The payloads of ORIGIN frames that say `origins`, each no longer than `most` bytes.
pub fn origin_frames(origins: &[Origin], most: usize) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = Vec::new();
    for Origin(text) in origins {
        // `parse` bounds a host, so an origin is far shorter than a frame.
        let len = text.len() as u16;
        let fits = |last: &&mut Vec<u8>| last.len() + 2 + text.len() <= most;
        let place = match all.last_mut().filter(fits) {
            Some(last) => last,
            None => {
                all.push(Vec::new());
                all.last_mut().expect("it was just pushed")
            }
        };
        place.u16(len);
        place.put(text.as_bytes());
    }
    all
}

fn is_scheme(scheme: &str) -> bool {
    let is_begun = scheme.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    is_begun
        && scheme.len() <= 16
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

fn is_port(port: &str) -> bool {
    (1..=5).contains(&port.len())
        && port.bytes().all(|byte| byte.is_ascii_digit())
        && !port.starts_with('0')
        && port.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests;
