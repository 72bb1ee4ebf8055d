//! Proxies: which one a host is asked through, and how a tunnel is opened there (RFC 9110 section 9.3.6, RFC 1928).

use super::{
    Shared,
    dial::{self, Dialled},
    failure::{Cause, Failed},
    place,
};
use core::fmt;
use sakigake_page::Origin;
use sakigake_wire::{base64, percent_decoded};
use std::{
    io,
    net::{IpAddr, SocketAddr},
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

mod bypass;
mod secure;
mod socks;
#[cfg(test)]
mod tests;

pub use bypass::Bypass;

/// The longest answer to CONNECT that is read.
const HEAD_BYTES: usize = 16 << 10;
/// Interim responses that may come before it.
const INTERIMS: usize = 8;

/// The proxies of a client.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// What https is asked through.
    pub proxy: Option<Proxy>,
    /// Whom it is not for.
    pub bypass: Bypass,
}

/// A proxy. `Display` does not show its credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    kind: Kind,
    host: String,
    port: u16,
    /// User and password, percent-decoded.
    credentials: Option<(Vec<u8>, Vec<u8>)>,
}

/// How a proxy is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// CONNECT over HTTP/1.1.
    Http,
    /// The same within TLS.
    Https,
    /// SOCKS 5; names are resolved here.
    Socks5,
    /// SOCKS 5; names are resolved there.
    Socks5h,
}

/// How proxies' addresses are spelled: the scheme, what it means, and the port where none is given.
const SCHEMES: [(&str, Kind, u16); 4] = [
    ("http", Kind::Http, 1080),
    ("https", Kind::Https, 443),
    ("socks5", Kind::Socks5, 1080),
    ("socks5h", Kind::Socks5h, 1080),
];

/// Why a proxy cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadProxy(String);

impl fmt::Display for BadProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadProxy {}

impl Proxies {
    /// What the environment says, as curl reads it: `https_proxy`, `HTTPS_PROXY`, `all_proxy`, `ALL_PROXY`; `no_proxy`,
    /// `NO_PROXY`. An empty variable counts as none.
    ///
    /// # Errors
    /// The proxy that is named cannot be used; the words name the variable.
    pub fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Self, BadProxy> {
        let first = |names: &[&'static str]| {
            let values = names.iter().map(|name| (*name, variable(name).unwrap_or_default()));
            values.into_iter().find(|(_, value)| !value.is_empty())
        };
        let bypass = first(&["no_proxy", "NO_PROXY"]).map(|(_, list)| Bypass::parse(&list));
        let proxy = match first(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]) {
            None => None,
            Some((name, value)) => {
                Some(Proxy::parse(&value).map_err(|BadProxy(why)| BadProxy(format!("{name}: {why}")))?)
            }
        };
        Ok(Self { proxy, bypass: bypass.unwrap_or_default() })
    }

    /// What a host is asked through; IPv6 addresses in brackets.
    pub(super) fn of(&self, host: &str) -> Option<&Proxy> {
        self.proxy.as_ref().filter(|_| !self.bypass.covers(host))
    }
}

impl Proxy {
    /// Reads `[scheme://][user[:password]@]host[:port]`: `http` (where no scheme is given), `https`, `socks5` and
    /// `socks5h`.
    ///
    /// # Errors
    /// It is none of those.
    pub fn parse(text: &str) -> Result<Self, BadProxy> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let scheme = scheme.to_ascii_lowercase();
        let Some((_, kind, default)) = SCHEMES.iter().find(|(name, ..)| *name == scheme) else {
            let known = SCHEMES.map(|(name, ..)| name).join(", ");
            return Err(BadProxy(format!("proxies by {scheme}:// are not spoken to here; {known} are")));
        };
        let rest = rest.split(['/', '?', '#']).next().unwrap_or("");
        let (credentials, place) = match rest.rsplit_once('@') {
            Some((credentials, place)) => (Some(credentials), place),
            None => (None, rest),
        };
        // Credentials with a slash end up in the wrong place: they are not shown there either.
        let shown = if text.contains('@') { "this".to_owned() } else { format!("{place:?}") };
        let shape = || BadProxy(format!("{shown} is no HOST:PORT of a proxy"));
        // Origins of http and of https read alike, but for a port that is left out.
        let origin = Origin::parse(false, place).ok_or_else(shape)?;
        let has_port =
            place.rsplit_once(':').is_some_and(|(_, port)| !port.is_empty() && !port.ends_with(']'));
        let credentials = credentials.map(|credentials| {
            let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
            (percent_decoded(user), percent_decoded(password))
        });
        let is_long = |part: &[u8]| part.len() > 255;
        if credentials.as_ref().is_some_and(|(user, password)| is_long(user) || is_long(password)) {
            return Err(BadProxy("a proxy's user or password has more than 255 bytes".into()));
        }
        let port = if has_port { origin.port } else { *default };
        Ok(Self { kind: *kind, host: origin.host, port, credentials })
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = SCHEMES.iter().find(|(_, kind, _)| *kind == self.kind).map_or("", |(name, ..)| name);
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Opens a tunnel to `origin`.
pub(super) async fn dial(shared: &Shared, proxy: &Proxy, origin: &Origin) -> Result<Dialled, Failed> {
    let addresses = dial::addresses(shared, &proxy.host, proxy.port).await.map_err(|failed| {
        Failed::new(Cause::CouldntResolveProxy, format_args!("the proxy {proxy}: {failed}"))
    })?;
    let target = match proxy.kind {
        Kind::Socks5 => socks::Target::of(&dial::addresses(shared, &origin.host, origin.port).await?),
        Kind::Http | Kind::Https | Kind::Socks5h => None,
    };
    let resolved = shared.clock.now();
    let (mut stream, address) = dial::connect(&addresses).await.map_err(|error| {
        Failed::new(Cause::CouldntConnect, format_args!("cannot connect to the proxy {proxy}: {error}"))
    })?;
    let tunnel = async {
        match proxy.kind {
            Kind::Http => connect(&mut stream, proxy, origin).await?,
            Kind::Https => return secure::tunnel(shared, stream, proxy, origin).await,
            Kind::Socks5 | Kind::Socks5h => {
                let target = target.unwrap_or_else(|| socks::Target::name(origin));
                socks::connect(&mut stream, proxy.credentials.as_ref(), &target, origin.port).await?;
            }
        }
        Ok(stream)
    };
    let stream = tunnel.await.map_err(|trouble| trouble.told(proxy, origin))?;
    Ok(Dialled { stream, resolved, connected: shared.clock.now(), address, is_proxied: true })
}

/// Why there is no tunnel.
#[derive(Debug)]
enum Trouble {
    /// The proxy said no, in these words.
    Refused(String),
    /// The proxy said what no proxy says.
    Nonsense(&'static str),
    Socket(io::Error),
    /// TLS to the proxy failed.
    Tls(Failed),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Socket(error)
    }
}

impl Trouble {
    fn told(self, proxy: &Proxy, origin: &Origin) -> Failed {
        let place = place(origin);
        match self {
            Self::Refused(why) => Failed::new(
                Cause::RecvError,
                format_args!("the proxy {proxy} opens no tunnel to {place}: {why}"),
            ),
            Self::Nonsense(why) => Failed::new(Cause::Proxy, format_args!("the proxy {proxy}: {why}")),
            Self::Socket(error) => Failed::new(Cause::RecvError, format_args!("the proxy {proxy}: {error}")),
            Self::Tls(failed) => failed,
        }
    }
}

/// Asks for a tunnel (RFC 9110 section 9.3.6) and waits for the proxy's consent.
async fn connect(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    proxy: &Proxy,
    origin: &Origin,
) -> Result<(), Trouble> {
    let place = place(origin);
    let mut ask = format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n");
    ask.push_str(concat!("User-Agent: sakigake/", env!("CARGO_PKG_VERSION"), "\r\n"));
    if let Some((user, password)) = &proxy.credentials {
        let pair = [user, &b":"[..], password].concat();
        ask.push_str(&format!("Proxy-Authorization: Basic {}\r\n", base64(&pair)));
    }
    ask.push_str("\r\n");
    stream.write_all(ask.as_bytes()).await?;
    stream.flush().await?;
    let mut head = read_head(stream).await?;
    let mut interims = 0;
    // What a proxy says in between means nothing here (RFC 9110 section 15.2); it may not go on so for ever.
    while head.starts_with(b"HTTP/1.1 1") && interims < INTERIMS {
        interims += 1;
        head = read_head(stream).await?;
    }
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_end();
    let status = line.strip_prefix(b"HTTP/1.").and_then(|rest| rest.get(2..5));
    match status {
        Some([b'2', ..]) => Ok(()), // spec: 9110-9.3.6-a
        Some(digits) if digits.iter().all(u8::is_ascii_digit) => {
            Err(Trouble::Refused(line.escape_ascii().to_string().chars().take(200).collect()))
        }
        _ => Err(Trouble::Nonsense("what it said is no answer to CONNECT")),
    }
}

/// Reads up to the blank line and not a byte more: what follows is the tunnel's.
async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> Result<Vec<u8>, Trouble> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && !head.ends_with(b"\n\n") {
        if head.len() >= HEAD_BYTES {
            return Err(Trouble::Nonsense("its answer to CONNECT has no end"));
        }
        let byte = stream.read_u8().await.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => io::Error::new(error.kind(), "it closed the connection"),
            _ => error,
        })?;
        head.push(byte);
    }
    Ok(head)
}

/// The address in a host as it stands in a URL.
fn address_of(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok() // A name is no error.
}

/// The address that a proxy is told, when names are resolved here.
fn first(addresses: &[SocketAddr]) -> Option<IpAddr> {
    addresses.first().map(SocketAddr::ip)
}
