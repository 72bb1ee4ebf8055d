//! What `gateway` is told.

use super::{
    LogFormat, Places, TrustArguments,
    fetch::{Resolve, parse_resolve},
    parse_places, parse_seconds,
};
use clap::Args;
use sakigake_page::Url;
use sakigake_wire::Span;
use std::{net::SocketAddr, path::PathBuf};

#[derive(Args)]
pub(crate) struct GatewayArguments {
    /// The origin to stand before, such as https://www.example.com
    #[arg(long, value_name = "URL", value_parser = parse_origin)]
    pub(crate) to: Url,
    /// Address and port to listen on; may be given several times [default: all loopback addresses, port 8443]
    #[arg(long, value_name = "ADDR:PORT", value_parser = parse_places)]
    pub(crate) listen: Vec<Places>,
    /// Certificate chain in PEM, leaf first, for browsers [default: the development CA's, see `sakigake ca`]
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) cert: Option<PathBuf>,
    /// Private key of --cert in PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
    /// Act on no PRELOAD frame of the origin's, and tell browsers nothing early
    #[arg(long)]
    pub(crate) no_hints: bool,
    #[command(flatten)]
    pub(crate) trust: TrustArguments,
    /// Dial ADDR for HOST:PORT instead of asking DNS; may be given several times
    #[arg(long, value_name = "HOST:PORT:ADDR[,ADDR]", value_parser = parse_resolve)]
    pub(crate) resolve: Vec<Resolve>,
    /// Speak HTTP/1.1 alone with the origin
    #[arg(long = "http1.1", group = "protocol")]
    pub(crate) http1: bool,
    /// Speak HTTP/2 alone with the origin
    #[arg(long, group = "protocol")]
    pub(crate) http2: bool,
    /// Try HTTP/3 with the origin, whether it offers that or not; TCP joins 250 ms later, or where it fails
    ///
    /// Without it HTTP/3 is tried where the origin offers it, by Alt-Svc or in DNS.
    #[arg(long, group = "protocol")]
    pub(crate) http3: bool,
    /// Speak HTTP/3 alone with the origin
    #[arg(long, group = "protocol")]
    pub(crate) http3_only: bool,
    /// Serve browsers no HTTP/3: nothing listens by UDP
    #[arg(long)]
    pub(crate) no_http3: bool,
    /// How long the origin may take until its response begins, and be silent within it
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = parse_seconds)]
    pub(crate) patience: Span,
    /// Refuse requests whose bodies are longer (413); without it the origin says how long they may be
    #[arg(long, value_name = "BYTES")]
    pub(crate) max_body: Option<u64>,
    /// Address and port to answer /metrics on over plain HTTP, in Prometheus' text format; better a loopback address
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) metrics: Option<SocketAddr>,
    /// How the access log is written
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log: LogFormat,
}

fn parse_origin(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).filter(|url| url.origin().secure && url.target() == "/");
    url.ok_or_else(|| "expected an https address without a path, such as https://www.example.com".into())
}
