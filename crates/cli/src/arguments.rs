//! The command line. What documents an argument here is its help text, and is written for a terminal.

#![allow(rustdoc::bare_urls)]

mod bench;
mod fetch;
mod gateway;
mod interop;
mod quic;

pub(crate) use bench::BenchArguments;
pub(crate) use fetch::{FetchArguments, Through};
pub(crate) use gateway::GatewayArguments;
pub(crate) use interop::{InteropArguments, InteropClientArguments, InteropCommand, InteropServerArguments};
pub(crate) use quic::{QuicAcceptArguments, QuicCommand, QuicConnectArguments, QuicVersion};

use clap::{Args, Parser, Subcommand, ValueEnum};
use sakigake_wire::Span;
use std::{net::SocketAddr, path::PathBuf};

/// TLS 1.3, QUIC, HTTP/2 and HTTP/3 from scratch, with a server that speaks first.
#[derive(Parser)]
#[command(name = "sakigake", version, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serve a folder over HTTPS; its hints leave in the server's first flight
    Serve(ServeArguments),
    /// Serve what a configuration file says: several hosts, redirects, certificates, limits
    Run(RunArguments),
    /// Tell what is wrong with a configuration file, or what it would serve
    Check(CheckArguments),
    /// Stand before an origin that sends PRELOAD frames, and tell browsers by 103 (Early Hints) what they name
    Gateway(Box<GatewayArguments>),
    /// Load a page with everything it names, and show the waterfall
    Fetch(Box<FetchArguments>),
    /// Put a load on a server and measure how it bears it
    Bench(BenchArguments),
    /// Look at TLS 1.3 handshakes
    #[command(subcommand)]
    Tls(TlsCommand),
    /// Look at QUIC connections
    #[command(subcommand)]
    Quic(QuicCommand),
    /// An endpoint for the QUIC interop runner
    #[command(subcommand)]
    Interop(InteropCommand),
    /// Print the HTTPS record that tells clients of HTTP/3 before they connect, for the zone of a name
    Dns(DnsArguments),
    /// Show the development CA that `serve` uses, and how to trust it
    Ca(CaArguments),
    /// Deterministic worlds of clients, servers and links in one process
    #[command(subcommand)]
    Lab(LabCommand),
}

/// What signals do to a server, by whatever command.
const SIGNALS: &str = "Signals: SIGHUP reads the files again (certificates, hints, configuration), SIGUSR2 starts the \
program anew, which takes the sockets over: no request is lost to either. SIGTERM and SIGINT finish what is under way and \
end; a second one ends at once.";

#[derive(Args)]
#[command(after_help = SIGNALS)]
pub(crate) struct ServeArguments {
    /// The folder to serve
    pub(crate) dir: PathBuf,
    /// Address and port to listen on; may be given several times [default: all loopback addresses, port 8443]
    ///
    /// As in a file: "localhost:8443" is both loopback addresses, "*:443" every address of this machine.
    #[arg(long, value_name = "ADDR:PORT", value_parser = parse_places)]
    pub(crate) listen: Vec<Places>,
    /// Address and port to listen on for plain HTTP, which is sent on to https; may be given several times
    #[arg(long, value_name = "ADDR:PORT", value_parser = parse_places)]
    pub(crate) redirect_http: Vec<Places>,
    /// Address and port to answer /metrics on over plain HTTP, in Prometheus' text format; better a loopback address
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) metrics: Option<SocketAddr>,
    /// The site's address as visitors see it, such as https://example.com: what hints carry
    #[arg(long, value_name = "URL")]
    pub(crate) public: Option<String>,
    /// Certificate chain in PEM, leaf first; may be given again with another --key (ECDSA and RSA)
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) cert: Vec<PathBuf>,
    /// Private key in PEM of the --cert at the same place
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Vec<PathBuf>,
    /// Ask clients for certificates by these authorities (PEM), and turn away who has none; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) client_ca: Vec<PathBuf>,
    /// Certificates that the authorities have revoked: a list in PEM; may be given several times
    #[arg(long, value_name = "FILE", requires = "client_ca")]
    pub(crate) client_crl: Vec<PathBuf>,
    /// Serve clients without certificate too
    #[arg(long, requires = "client_ca")]
    pub(crate) client_optional: bool,
    /// Take requests from the first flights of clients that come back (0-RTT)
    ///
    /// Whoever records such a flight may send it again; this server takes each once, and none in the first twelve seconds after
    /// its start, since it cannot know what came before.
    #[arg(long)]
    pub(crate) early_data: bool,
    /// Serve no HTTP/3: nothing listens by UDP
    #[arg(long)]
    pub(crate) no_http3: bool,
    /// Hints to send instead of those read from the folder's pages: one Link field value a line
    #[arg(long, value_name = "FILE")]
    pub(crate) hints: Option<PathBuf>,
    /// Show what lies in a folder that has no index page
    #[arg(long)]
    pub(crate) listing: bool,
    /// Compress text while it is sent, for clients that take it: zstd, brotli, gzip
    #[arg(long)]
    pub(crate) compress: bool,
    /// Hint at nothing: no PRELOAD frames, and nothing in their place
    #[arg(long, conflicts_with = "hints")]
    pub(crate) no_preload: bool,
    /// Send neither a 103 (Early Hints) nor Link fields to clients that do not know the PRELOAD frame
    #[arg(long)]
    pub(crate) no_early_hints: bool,
    /// How the access log is written
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log: LogFormat,
    /// Append the connections' secrets to a file, for a decrypting capture
    #[arg(long, value_name = "FILE")]
    pub(crate) keylog: Option<PathBuf>,
}

#[derive(Args)]
#[command(after_help = SIGNALS)]
pub(crate) struct RunArguments {
    /// The configuration file
    #[arg(default_value = "sakigake.toml")]
    pub(crate) file: PathBuf,
}

#[derive(Args)]
pub(crate) struct CheckArguments {
    /// The configuration file
    #[arg(default_value = "sakigake.toml")]
    pub(crate) file: PathBuf,
    /// Print a file with every key and what it means, and check nothing
    #[arg(long, conflicts_with = "file")]
    pub(crate) example: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Aligned columns, a line a request
    Text,
    /// One JSON object a request
    Json,
    /// The Common Log Format
    Common,
    /// The same, then referer and user-agent, as Apache and nginx write it
    Combined,
    /// Not at all
    Off,
}

/// Where to listen: what one word means can be two addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Places(pub(crate) Vec<SocketAddr>);

fn parse_places(text: &str) -> Result<Places, String> {
    sakigake::config::addresses(text).map(Places)
}

#[derive(Args, Clone)]
pub(crate) struct TrustArguments {
    /// Trust the certificates in this PEM file instead of the platform's store
    #[arg(long, value_name = "FILE")]
    pub(crate) cacert: Option<PathBuf>,
    /// Trust anybody, whatever --cacert says: the certificate is not checked
    #[arg(short = 'k', long)]
    pub(crate) insecure: bool,
}

/// Who we are to servers that ask, in curl's words.
#[derive(Args, Clone)]
pub(crate) struct IdentityArguments {
    /// Our own certificate chain in PEM, leaf first, for a server that asks; its key may stand in the same file
    #[arg(short = 'E', long, value_name = "FILE")]
    pub(crate) cert: Option<PathBuf>,
    /// The private key of --cert in PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum TlsCommand {
    /// Open a TLS 1.3 connection, then carry standard input and output over it
    Connect(ConnectArguments),
    /// Accept one TLS 1.3 connection, then carry standard input and output over it
    Accept(AcceptArguments),
}

#[derive(Args)]
pub(crate) struct ConnectArguments {
    /// Where to: a name or address, and a port
    #[arg(value_name = "HOST:PORT")]
    pub(crate) target: String,
    #[command(flatten)]
    pub(crate) trust: TrustArguments,
    #[command(flatten)]
    pub(crate) identity: IdentityArguments,
    /// Refuse certificates that the lists (CRLs) in this PEM file revoke, and those whose issuer has no good list there
    #[arg(long, value_name = "FILE")]
    pub(crate) crlfile: Option<PathBuf>,
    /// Ask for what servers staple to their certificate, an OCSP response and Signed Certificate Timestamps, and say what came
    #[arg(long)]
    pub(crate) status: bool,
    /// The name to ask for and to verify [default: HOST]
    #[arg(long, value_name = "NAME")]
    pub(crate) servername: Option<String>,
    /// Resume by a ticket of the user's data folder where there is one, and keep those that come
    #[arg(long)]
    pub(crate) tickets: bool,
    /// Send a file first: in the first flight (0-RTT) where a ticket allows it, and else once the handshake is over
    #[arg(long, value_name = "FILE", requires = "tickets")]
    pub(crate) early_data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) look: LookArguments,
}

#[derive(Args)]
pub(crate) struct AcceptArguments {
    /// Address and port to listen on
    #[arg(value_name = "ADDR:PORT", default_value = "127.0.0.1:8443")]
    pub(crate) listen: SocketAddr,
    /// Certificate chain in PEM [default: the development CA's]
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) cert: Option<PathBuf>,
    /// Private key in PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
    /// Ask the client for a certificate by these authorities (PEM), and turn it away without one
    #[arg(long, value_name = "FILE")]
    pub(crate) client_ca: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) look: LookArguments,
}

#[derive(Args)]
pub(crate) struct LookArguments {
    /// Application protocols to offer or accept, best first
    #[arg(long, value_name = "NAME,NAME", value_delimiter = ',')]
    pub(crate) alpn: Vec<String>,
    /// Print every record and handshake message (of QUIC, every packet with its frames), on standard error
    #[arg(long)]
    pub(crate) trace: bool,
    /// Append the connection's secrets to a file, for a decrypting capture
    #[arg(long, value_name = "FILE")]
    pub(crate) keylog: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct DnsArguments {
    /// The site, such as example.com, or example.com:8443
    #[arg(value_name = "HOST[:PORT]")]
    pub(crate) host: Option<String>,
    /// Records of all hosts of a configuration file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["host", "no_http3"])]
    pub(crate) config: Option<PathBuf>,
    /// An address of the site, as a hint; may be given several times [default: those of `listen` that are one machine's]
    #[arg(long, value_name = "ADDR")]
    pub(crate) ip: Vec<std::net::IpAddr>,
    /// HTTP/3 is not served
    #[arg(long)]
    pub(crate) no_http3: bool,
}

#[derive(Args)]
pub(crate) struct CaArguments {
    /// Print the CA's certificate in PEM and nothing else
    #[arg(long)]
    pub(crate) pem: bool,
}

#[derive(Subcommand)]
pub(crate) enum LabCommand {
    /// Load a page of depth two with and without hints, and count the round trips
    Page(PageArguments),
    /// Run random worlds under all checkers, and print what went wrong in which
    Soak(SoakArguments),
}

#[derive(Args)]
pub(crate) struct PageArguments {
    /// Round-trip time of the link, such as 50ms
    #[arg(long, value_name = "TIME", default_value = "50ms", value_parser = parse_span)]
    pub(crate) rtt: Span,
    /// One version of HTTP alone
    #[arg(long, value_name = "VERSION")]
    pub(crate) http: Option<PageHttp>,
    /// Beside that, many loads over HTTP/3 where each datagram is lost with this chance, in percent
    #[arg(long, value_name = "PERCENT", value_parser = parse_percent)]
    pub(crate) loss: Option<f64>,
    /// How many of them
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) worlds: u64,
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
    /// Draw the loads with and without hints side by side into an SVG file
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
}

/// What a page comes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PageHttp {
    /// HTTP/2 over a byte pipe
    #[value(name = "2")]
    Two,
    /// HTTP/3 over datagrams
    #[value(name = "3")]
    Three,
}

#[derive(Args)]
pub(crate) struct SoakArguments {
    /// What the worlds are drawn from; of a single world, its own seed
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(crate) seed: u64,
    /// How many worlds to run
    #[arg(long, value_name = "NUMBER", default_value_t = 300)]
    pub(crate) worlds: u64,
    /// Worlds of one kind alone
    #[arg(long, value_name = "KIND")]
    pub(crate) only: Option<SoakKind>,
}

/// What is spoken in a world.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum SoakKind {
    /// TLS without HTTP
    Tls,
    /// HTTP/2 calls
    H2,
    /// Page loads
    Page,
    /// QUIC: streams both ways over datagrams that are lost, late, spoiled and marked
    Quic,
    /// Page loads over HTTP/3, in the same worlds
    Http3,
    /// Early data that an attacker repeats: each first flight is taken once at most
    Replay,
}

/// `50ms`, `1.5s`, `200us`, `2m`, `1h`, `7d`.
fn parse_span(text: &str) -> Result<Span, String> {
    const UNITS: [(&str, f64); 7] =
        [("ns", 1.0), ("us", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3_600e9), ("d", 86_400e9)];
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let nanos = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, nanos)| nanos);
    match (number.parse::<f64>(), nanos) {
        (Ok(number), Some(nanos)) if number > 0.0 && number * nanos < 1e18 => {
            Ok(Span::from_nanos((number * nanos).round() as u64))
        }
        _ => Err("expected a time with its unit, such as 50ms, 1.5s or 2m".into()),
    }
}

/// The same; a number without a unit is of seconds, as curl and h2load have it.
fn parse_seconds(text: &str) -> Result<Span, String> {
    let is_bare = text.ends_with(|last: char| last.is_ascii_digit() || last == '.');
    let spelled = if is_bare { format!("{text}s") } else { text.to_owned() };
    parse_span(&spelled).map_err(|_| "expected a time such as 1.5 (seconds), 500ms or 2m".into())
}

/// A share that is not the whole, in percent.
fn parse_percent(text: &str) -> Result<f64, String> {
    let percent = text.parse().ok().filter(|percent| (0.0..100.0).contains(percent));
    percent.ok_or_else(|| "expected a number from 0 to less than 100".into())
}

#[cfg(test)]
mod tests;
