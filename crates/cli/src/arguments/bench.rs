//! What `bench` is told, in h2load's letters.

use super::{
    TrustArguments,
    fetch::{Resolve, parse_resolve},
    parse_seconds,
};
use clap::Args;
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_tls::rules::NamedGroup;
use sakigake_wire::Span;

#[derive(Args)]
#[command(args_override_self = true)]
pub(crate) struct BenchArguments {
    /// What to ask for: an https URL
    pub(crate) url: String,
    /// Requests in all [default: one a connection]
    #[arg(short = 'n', long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) requests: Option<u64>,
    /// Connections
    #[arg(short, long = "clients", value_name = "NUMBER", default_value_t = 1, value_parser = parse_positive)]
    pub(crate) connections: usize,
    /// Requests under way at a time on each connection
    #[arg(short = 'm', long = "max-concurrent-streams", value_name = "NUMBER", default_value_t = 1, value_parser = parse_positive)]
    pub(crate) streams: usize,
    /// Threads
    #[arg(short, long, value_name = "NUMBER", default_value_t = 1, value_parser = parse_positive)]
    pub(crate) threads: usize,
    /// Ask for this long instead of a number of times
    #[arg(short = 'D', long, value_name = "TIME", value_parser = parse_seconds, conflicts_with = "requests")]
    pub(crate) duration: Option<Span>,
    /// With -D: a first time that does not count
    #[arg(long, value_name = "TIME", value_parser = parse_seconds, requires = "duration")]
    pub(crate) warm_up: Option<Span>,
    /// Ask over HTTP/1.1
    #[arg(long = "http1.1", alias = "h1")]
    pub(crate) http1: bool,
    /// Ask over HTTP/3, each connection from a UDP port of its own
    #[arg(long, conflicts_with = "http1")]
    pub(crate) http3: bool,
    /// The method [default: GET, with -d POST]
    #[arg(short = 'X', long = "request", value_name = "METHOD")]
    pub(crate) method: Option<String>,
    /// A field to send, as 'Name: value'; may be given several times
    #[arg(short = 'H', long, value_name = "FIELD")]
    pub(crate) header: Vec<String>,
    /// The body of every request; @FILE reads it from a file
    #[arg(short, long, value_name = "DATA")]
    pub(crate) data: Option<String>,
    /// How long nothing may happen on a connection that waits
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = parse_seconds)]
    pub(crate) timeout: Span,
    #[command(flatten)]
    pub(crate) trust: TrustArguments,
    /// Dial ADDR for HOST:PORT instead of asking DNS; may be given several times
    #[arg(long, value_name = "HOST:PORT:ADDR", value_parser = parse_resolve)]
    pub(crate) resolve: Vec<Resolve>,
    /// Key exchange groups to offer, best first [default: all]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', value_parser = parse_group)]
    pub(crate) groups: Vec<u16>,
    /// One JSON object on standard output; times in microseconds
    #[arg(long)]
    pub(crate) json: bool,
}

/// A number from 1 to a hundred thousand: more connections than that no machine opens.
fn parse_positive(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=100_000).contains(number));
    number.ok_or_else(|| "expected a number from 1 to 100000".into())
}

/// The code point of a group's name, in whatever case.
fn parse_group(name: &str) -> Result<u16, String> {
    let groups = || PROVIDER.groups.iter().map(|group| group.id);
    let is_named = |id: &u16| NamedGroup(*id).to_string().eq_ignore_ascii_case(name);
    groups().find(is_named).ok_or_else(|| {
        let names: Vec<_> = groups().map(|id| NamedGroup(id).to_string()).collect();
        format!("expected one of {}", names.join(", "))
    })
}
