//! What `fetch` is told. Options that curl has too mean here what they mean there.

use super::{IdentityArguments, TrustArguments, parse_seconds};
use clap::Args;
use sakigake::client::{Line, Proxy};
use sakigake_semantics::is_token;
use sakigake_wire::Span;
use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

/// What the exit status says; the numbers are curl's.
const STATUS: &str = "\
Exit status (as curl's, where the case is the same):
   0  everything came
   2  the command line, or the client's settings, are wrong
   3  the URL, or a redirect's, is none
   5  the proxy's name has no address       6  the host's name has none
   7  nobody accepts connections there
   8  what came is no HTTP                 16  HTTP/2 was broken
  18  a body ended too early               92  a stream of HTTP/2 was reset
  95  HTTP/3 was broken, or a stream reset 96  no QUIC connection came about
  22  the status is 400 or above: of a page's document; of one resource with -f alone
  23  the output cannot be written         26  the data to send cannot be read
  28  it took too long
  35  the TLS handshake failed             60  the certificate was refused
  47  too many redirects                    1  a redirect, or URL, to another scheme than https
  52  no response came                     56  the connection broke, or the proxy refused the tunnel
  61  a content coding is broken           63  a body is too large when decoded
  77  the trusted certificates cannot be read
  82  the certificate revocation lists cannot be used
  97  the proxy broke the rules";

#[derive(Args)]
#[command(after_help = STATUS, args_override_self = true)]
pub(crate) struct FetchArguments {
    /// The page, or the one resource: an https URL
    ///
    /// Without one of -o -O -X -d --json -I -i this loads a page with everything it names, following redirects, and shows the
    /// waterfall. With one of them it fetches the one resource and writes it out, as curl does.
    pub(crate) url: String,
    /// Fetch this one resource alone into a file; - is standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// The same, into a file here with the name of the URL's last segment
    #[arg(short = 'O', long, conflicts_with = "output")]
    pub(crate) remote_name: bool,
    /// The request's method
    #[arg(short = 'X', long = "request", value_name = "METHOD", value_parser = parse_method)]
    pub(crate) method: Option<String>,
    /// A header field to send; 'Name:' leaves out ours, 'Name;' sends it empty; may be given several times
    ///
    /// Fields go with the document, its redirects, and what the page needs from the same origin. Authorization, Cookie and
    /// Host go to the URL's own origin alone; User-Agent, Accept-Language and Accept-Encoding go everywhere.
    #[arg(short = 'H', long = "header", value_name = "LINE", value_parser = parse_line)]
    pub(crate) header: Vec<Line>,
    /// What to say we are
    #[arg(short = 'A', long, value_name = "NAME")]
    pub(crate) user_agent: Option<String>,
    /// User and password for the server (Basic); those in the URL are taken where there is no -u
    #[arg(short, long, value_name = "USER:PASSWORD")]
    pub(crate) user: Option<String>,
    /// Send data as a form does, by POST; @FILE reads it from a file without its line ends, @- from standard input
    #[arg(short, long, value_name = "DATA")]
    pub(crate) data: Vec<String>,
    /// The same, as it is
    #[arg(long, value_name = "DATA")]
    pub(crate) data_binary: Vec<String>,
    /// Send JSON by POST, and ask for JSON; @FILE and @- as with --data
    #[arg(long, value_name = "DATA", conflicts_with_all = ["data", "data_binary"])]
    pub(crate) json: Vec<String>,
    /// Ask for the head alone, and show it
    #[arg(short = 'I', long, conflicts_with_all = ["data", "data_binary", "json", "method"])]
    pub(crate) head: bool,
    /// Show the head before the body
    #[arg(short = 'i', long = "include")]
    pub(crate) include: bool,
    /// Follow redirects of a single resource too; a page's are followed anyway
    #[arg(short = 'L', long)]
    pub(crate) location: bool,
    /// Redirects to follow one after the other
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    pub(crate) max_redirs: usize,
    /// Of one resource: a status of 400 or above is an error, and its body is not written; a page's always is one
    #[arg(short, long)]
    pub(crate) fail: bool,
    /// Ask for a content coding (zstd, br, gzip) and undo it; a page's are undone anyway
    #[arg(long)]
    pub(crate) compressed: bool,
    /// Draw the waterfall into an SVG file
    #[arg(long, value_name = "FILE", conflicts_with_all = SINGLE)]
    pub(crate) svg: Option<PathBuf>,
    /// Write an HTTP Archive of the load (HAR 1.2); it holds cookies and credentials as they were sent
    #[arg(long, value_name = "FILE", conflicts_with_all = SINGLE)]
    pub(crate) har: Option<PathBuf>,
    /// Put bodies into the archive too
    #[arg(long, requires = "har")]
    pub(crate) har_bodies: bool,
    /// Do not offer PRELOAD frames: hints come in a 103 (Early Hints), if at all
    #[arg(long)]
    pub(crate) no_preload: bool,
    /// Do not act on a 103 (Early Hints); with --no-preload this loads the page without any hints
    #[arg(long)]
    pub(crate) no_early_hints: bool,
    #[command(flatten)]
    pub(crate) trust: TrustArguments,
    /// Shown to the URL's own host alone, not to others that its page or a redirect names
    #[command(flatten)]
    pub(crate) identity: IdentityArguments,
    /// Refuse certificates that the lists (CRLs) in this PEM file revoke, and those whose issuer has no good list there
    #[arg(long, value_name = "FILE")]
    pub(crate) crlfile: Option<PathBuf>,
    /// Dial ADDR for HOST:PORT instead of asking DNS; may be given several times
    #[arg(long, value_name = "HOST:PORT:ADDR[,ADDR]", value_parser = parse_resolve)]
    pub(crate) resolve: Vec<Resolve>,
    /// Dial IPv4 addresses alone
    #[arg(short = '4', long)]
    pub(crate) ipv4: bool,
    /// Dial IPv6 addresses alone
    #[arg(short = '6', long, conflicts_with = "ipv4")]
    pub(crate) ipv6: bool,
    /// Ask through a proxy: [http|https|socks5|socks5h]://[USER[:PASSWORD]@]HOST[:PORT]; '' for none
    ///
    /// Without it the environment names one, as for curl: https_proxy, HTTPS_PROXY, all_proxy, ALL_PROXY.
    #[arg(short = 'x', long, value_name = "URL", value_parser = parse_proxy)]
    pub(crate) proxy: Option<Through>,
    /// Hosts to ask without the proxy: names and what is below them, addresses, networks, or *
    ///
    /// Without it the environment lists them, as for curl: no_proxy, NO_PROXY.
    #[arg(long, value_name = "LIST")]
    pub(crate) noproxy: Option<String>,
    /// Give up a connection that has not come about after this long
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_seconds)]
    pub(crate) connect_timeout: Span,
    /// Speak HTTP/1.1 alone
    #[arg(long = "http1.1", group = "protocol")]
    pub(crate) http1: bool,
    /// Speak HTTP/2 alone
    #[arg(long, group = "protocol")]
    pub(crate) http2: bool,
    /// Try HTTP/3 with every server, whether it offers that or not; TCP joins 250 ms later, or where it fails
    ///
    /// Without it HTTP/3 is tried with servers that offer it, by Alt-Svc or in DNS. What Alt-Svc said is kept in the user's data folder.
    #[arg(long, group = "protocol")]
    pub(crate) http3: bool,
    /// Speak HTTP/3 alone: what cannot be had over it is not had
    #[arg(long, group = "protocol")]
    pub(crate) http3_only: bool,
    /// Ask these name servers whether HTTP/3 is offered (HTTPS records), instead of the system's; addresses come from the system
    #[arg(long, value_name = "ADDR[:PORT],...", value_delimiter = ',', value_parser = parse_name_server)]
    pub(crate) dns_servers: Vec<SocketAddr>,
    /// Say nothing beside what was asked for: no progress, no errors
    #[arg(short, long)]
    pub(crate) silent: bool,
    /// With -s: errors all the same
    #[arg(short = 'S', long)]
    pub(crate) show_error: bool,
    /// Show frames as they come, on standard error
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// Append the connections' secrets to a file, for a decrypting capture
    #[arg(long, value_name = "FILE")]
    pub(crate) keylog: Option<PathBuf>,
    /// Write a qlog file of each connection over HTTP/3 into a folder [default: $QLOGDIR, or nowhere]
    #[arg(long, value_name = "DIR")]
    pub(crate) qlog: Option<PathBuf>,
    /// Begin every connection with a full handshake, and keep no tickets
    ///
    /// Without it tickets are kept in the user's data folder, so that the next run resumes connections.
    #[arg(long)]
    pub(crate) no_tickets: bool,
    /// Ask in the first flight (0-RTT) over HTTP/2 and HTTP/3 where a server's ticket allows it
    ///
    /// Whoever records that flight may send it again: what is asked for must bear being asked for twice. Only GET, HEAD, OPTIONS
    /// and TRACE without a body leave so early. What the server refuses, or answers with 425 (Too Early), is asked for again
    /// once; -v tells.
    #[arg(long, conflicts_with = "no_tickets")]
    pub(crate) early_data: bool,
    /// Give up after this long
    #[arg(short, long, value_name = "TIME", default_value = "30s", value_parser = parse_seconds)]
    pub(crate) max_time: Span,
}

/// Arguments that ask for one resource rather than a page.
const SINGLE: [&str; 8] =
    ["output", "remote_name", "method", "data", "data_binary", "json", "head", "include"];

impl FetchArguments {
    /// Whether one resource is wanted rather than a page.
    pub(crate) fn is_single(&self) -> bool {
        let has_data = !self.data.is_empty() || !self.data_binary.is_empty() || !self.json.is_empty();
        let has_place = self.output.is_some() || self.remote_name;
        has_place || self.method.is_some() || has_data || self.head || self.include
    }

    /// Whether errors are told.
    pub(crate) fn shows_errors(&self) -> bool {
        !self.silent || self.show_error
    }
}

/// The proxy that was asked for, or none whatever the environment says.
#[derive(Clone, Debug)]
pub(crate) struct Through(pub(crate) Option<Proxy>);

/// Where a host is, whatever DNS says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resolve {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) addresses: Vec<IpAddr>,
}

pub(super) fn parse_resolve(text: &str) -> Result<Resolve, String> {
    const SHAPE: &str = "expected HOST:PORT:ADDR, such as www.saki.test:8443:127.0.0.1";
    let (host, rest) = text.split_once(':').ok_or(SHAPE)?;
    let (port, addresses) = rest.split_once(':').ok_or(SHAPE)?;
    let port = port.parse().map_err(|_| format!("{port:?} is not a port; {SHAPE}"))?;
    let address = |text: &str| {
        let bare = text.trim().trim_start_matches('[').trim_end_matches(']');
        bare.parse().map_err(|_| format!("{text:?} is not an IP address; {SHAPE}"))
    };
    let addresses = addresses.split(',').map(address).collect::<Result<_, _>>()?;
    if host.is_empty() {
        return Err(SHAPE.into());
    }
    Ok(Resolve { host: host.to_ascii_lowercase(), port, addresses })
}

fn parse_name_server(text: &str) -> Result<SocketAddr, String> {
    let wrong = |_| "expected an address, such as 127.0.0.1, 127.0.0.1:5353 or [::1]:53".to_owned();
    text.parse::<IpAddr>()
        .map(|address| SocketAddr::new(address, 53))
        .or_else(|_| text.parse().map_err(wrong))
}

fn parse_proxy(text: &str) -> Result<Through, String> {
    match text.trim() {
        "" => Ok(Through(None)),
        text => Proxy::parse(text).map(|proxy| Through(Some(proxy))).map_err(|bad| bad.to_string()),
    }
}

fn parse_method(text: &str) -> Result<String, String> {
    match is_token(text.as_bytes()) && text != "CONNECT" {
        true => Ok(text.to_owned()),
        false => Err("expected a method such as GET or POST".into()),
    }
}

fn parse_line(text: &str) -> Result<Line, String> {
    Line::parse(text).ok_or_else(|| "expected 'Name: value', 'Name:' or 'Name;'".into())
}

#[cfg(test)]
mod tests;
