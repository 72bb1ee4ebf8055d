//! The hosts of a server: which one a request is for, and what answers there.

#[cfg(test)]
mod tests;

use crate::{files::Files, redirect::Redirect, service::Factory};
use core::fmt;
use sakigake_h2 as h2;
use sakigake_tls as tls;
use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

/// Origins that a server tells of at most: each handshake looks which of them its certificate is for.
pub const ORIGINS: usize = 64;

/// All hosts of a server.
#[derive(Debug)]
pub struct Hosts {
    hosts: Vec<Arc<Host>>,
    /// Numbers in `hosts`, by whole names.
    exact: BTreeMap<Vec<u8>, usize>,
    /// By what stands behind `*.`.
    wildcards: BTreeMap<Vec<u8>, usize>,
    default: Option<usize>,
}

/// One host: its names, and what answers there.
#[derive(Debug)]
pub struct Host {
    /// Names that requests are for. May be none for the default host.
    pub names: Vec<Name>,
    /// Whether it answers for names that no host has.
    pub is_default: bool,
    /// What answers.
    pub target: Target,
    /// Whether documents' hints go out as `103 (Early Hints)` and in `Link` fields to clients that do not know the
    /// PRELOAD frame.
    pub early_hints: bool,
}

/// What answers at a host.
#[derive(Debug)]
#[non_exhaustive]
pub enum Target {
    /// A folder.
    Files(Files),
    /// Another address.
    Redirect(Redirect),
    /// A program.
    Service(Factory),
}

/// A host's name: `example.com`, an address without brackets, or `*.example.com` for all names with one label more.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(String);

/// Hosts that cannot stand beside each other, or a name that is none: the mistake is the caller's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misuse {
    /// Two hosts have this name.
    Twice(Name),
    /// Two hosts are the default one.
    TwoDefaults,
    /// A host has no name and is not the default one: no request would reach it.
    Unreachable,
    /// There is no host.
    NoHost,
    /// This is no name: letters, digits, `-`, `_` and dots, a wildcard as the whole first label only, or an IP address.
    NoName(String),
}

impl Hosts {
    /// All of them; the order does not matter but for numbers in reports.
    ///
    /// # Errors
    /// [`Misuse`]: names or defaults repeat, or a host can never be asked.
    pub fn new(hosts: Vec<Host>) -> Result<Self, Misuse> {
        let mut all = Self {
            hosts: Vec::with_capacity(hosts.len()),
            exact: BTreeMap::new(),
            wildcards: BTreeMap::new(),
            default: None,
        };
        for (number, host) in hosts.into_iter().enumerate() {
            if host.names.is_empty() && !host.is_default {
                return Err(Misuse::Unreachable);
            }
            if host.is_default && all.default.replace(number).is_some() {
                return Err(Misuse::TwoDefaults);
            }
            for name in &host.names {
                let (names, key) = match name.0.strip_prefix("*.") {
                    Some(parent) => (&mut all.wildcards, parent),
                    None => (&mut all.exact, name.0.as_str()),
                };
                if names.insert(key.as_bytes().to_vec(), number).is_some() {
                    return Err(Misuse::Twice(name.clone()));
                }
            }
            all.hosts.push(Arc::new(host));
        }
        if all.hosts.is_empty() { Err(Misuse::NoHost) } else { Ok(all) }
    }

    /// One host that answers whatever it is called.
    pub fn one(target: Target) -> Self {
        Self::new(vec![Host::fallback(target)]).expect("a default host may stand alone")
    }

    /// The host for `authority`, a host with or without a port, in any case: by its exact name, then by a wildcard, then the
    /// default host.
    pub fn of(&self, authority: &[u8]) -> Option<&Arc<Host>> {
        self.number(authority).map(|number| &self.hosts[number])
    }

    /// Whether a program answers at one of them, so that WebSockets over HTTP/2 are to be offered (extended CONNECT, RFC 8441:
    /// `h2::Config::extended_connect`).
    pub fn has_service(&self) -> bool {
        self.hosts.iter().any(|host| matches!(host.target, Target::Service(_)))
    }

    /// All of them, in the order given.
    pub fn all(&self) -> &[Arc<Host>] {
        &self.hosts
    }

    /// The name by which a request for `authority` is to come over HTTPS: the one it has where a host has that, else the
    /// default host's own; a default host without a name has every name that is one.
    ///
    /// # Errors
    /// The status that says why there is none: 421, or 400 where it is no name.
    pub(crate) fn public_name(&self, authority: &[u8]) -> Result<Name, u16> {
        let number = self.number(authority).ok_or(421_u16)?;
        let asked = core::str::from_utf8(host_of(authority)).ok().and_then(|host| Name::parse(host).ok()); // Told by 400.
        let is_named = self.named(authority).is_some();
        let own = || self.hosts[number].names.iter().find(|name| !name.0.starts_with("*.")).cloned();
        let name = if is_named { asked } else { own().or(asked) };
        name.filter(|name| !name.0.starts_with("*.")).ok_or(400)
    }

    /// As [`Hosts::of`]: where it stands in [`Hosts::all`].
    pub(crate) fn number(&self, authority: &[u8]) -> Option<usize> {
        self.named(authority).or(self.default)
    }

    /// By exact name or wildcard.
    fn named(&self, authority: &[u8]) -> Option<usize> {
        let host = lower(host_of(authority));
        let by_wildcard = || {
            let dot = host.iter().position(|byte| *byte == b'.').filter(|dot| *dot > 0)?;
            self.wildcards.get(&host[dot + 1..])
        };
        self.exact.get(&*host).or_else(by_wildcard).copied()
    }
}

impl Host {
    /// A host of that name, which sends early hints.
    pub fn new(name: Name, target: Target) -> Self {
        Self { names: vec![name], is_default: false, target, early_hints: true }
    }

    /// The host that answers for names that no other has.
    pub fn fallback(target: Target) -> Self {
        Self { names: Vec::new(), is_default: true, target, early_hints: true }
    }

    /// What people call it: its first name, or `default`.
    pub fn label(&self) -> &str {
        self.names.first().map_or("default", |name| name.0.as_str())
    }
}

impl Name {
    /// Reads a name, in any case, with or without a final dot.
    ///
    /// # Errors
    /// [`Misuse::NoName`].
    pub fn parse(text: &str) -> Result<Self, Misuse> {
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse::<std::net::IpAddr>() {
            return Ok(Self(address.to_string()));
        }
        let is_label = |label: &str| {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            (1..=63).contains(&label.len()) && label.bytes().all(is_plain)
        };
        let labels = name.strip_prefix("*.").unwrap_or(&name);
        if name.len() <= 253 && labels.split('.').all(is_label) {
            return Ok(Self(name));
        }
        Err(Misuse::NoName(text.to_owned()))
    }

    /// The name, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The origins of these names at `port` that ORIGIN frames are to tell of (RFC 8336), for `h2::Config::origins`: those for which
/// no certificate of `tls` leads to a wildcard among the names. Where one does, the set could not name all that the connection
/// is for, and what it lacks a client must not ask for there. None where they are fewer than two, which would be no news, or
/// more than [`ORIGINS`].
pub fn origins<'a>(
    names: impl IntoIterator<Item = &'a str>,
    tls: &tls::server::Config,
    port: u16,
) -> Arc<[h2::Origin]> {
    let (wildcards, names): (Vec<&str>, Vec<&str>) =
        names.into_iter().partition(|name| name.starts_with("*."));
    if names.len() > ORIGINS {
        return Arc::default();
    }
    let is_open = |name: &&str| {
        // A label that the wildcard stands for and that no certificate has of its own.
        let one = |wildcard: &&str| wildcard.replacen('*', "any--name", 1);
        !wildcards.iter().map(one).any(|other| tls.covers(&other) && tls.may_answer(Some(name), &other))
    };
    let origin = |name: &str| {
        let is_v6 = name.contains(':');
        let host = if is_v6 { format!("[{name}]") } else { name.to_owned() };
        h2::Origin::parse(format!("https://{host}:{port}").as_bytes())
    };
    let origins: Arc<[_]> = names.into_iter().filter(is_open).filter_map(origin).collect();
    if origins.len() < 2 { Arc::default() } else { origins }
}

/// The host of an authority, without port, brackets and final dot.
pub(crate) fn host_of(authority: &[u8]) -> &[u8] {
    if let Some(inside) = authority.strip_prefix(b"[") {
        return inside.split(|byte| *byte == b']').next().unwrap_or(inside);
    }
    let host = authority.split(|byte| *byte == b':').next().unwrap_or(authority);
    host.strip_suffix(b".").unwrap_or(host)
}

/// Whether an authority is that of the host that the client asked for (SNI); without SNI every one is.
pub(crate) fn is_host(authority: &[u8], server_name: Option<&str>) -> bool {
    server_name.is_none_or(|name| *lower(host_of(authority)) == *name.as_bytes())
}

/// In lower case; most come that way.
pub(crate) fn lower(bytes: &[u8]) -> Cow<'_, [u8]> {
    match bytes.iter().any(u8::is_ascii_uppercase) {
        true => bytes.to_ascii_lowercase().into(),
        false => bytes.into(),
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Twice(name) => write!(f, "two hosts have the name {name}"),
            Self::TwoDefaults => write!(f, "two hosts are the default one"),
            Self::Unreachable => write!(f, "a host has no name and is not the default one"),
            Self::NoHost => write!(f, "there is no host"),
            Self::NoName(text) => write!(f, "{text:?} is no host's name"),
        }
    }
}

impl std::error::Error for Misuse {}
