use super::{LookArguments, TrustArguments};
use clap::{Args, Subcommand, ValueEnum};
use std::{net::SocketAddr, path::PathBuf};

#[derive(Subcommand)]
pub(crate) enum QuicCommand {
    /// Connect to a server, then carry standard input and output over one stream
    #[command(disable_version_flag = true)]
    Connect(QuicConnectArguments),
    /// Accept one connection, then carry standard input and output over its first stream
    #[command(disable_version_flag = true)]
    Accept(QuicAcceptArguments),
}

#[derive(Args)]
pub(crate) struct QuicConnectArguments {
    /// The server, such as example.com:443
    #[arg(value_name = "HOST:PORT")]
    pub(crate) target: String,
    #[command(flatten)]
    pub(crate) trust: TrustArguments,
    /// The name to ask for and to verify [default: HOST]
    #[arg(long, value_name = "NAME")]
    pub(crate) servername: Option<String>,
    /// The version to speak [default: version 1, or 2 where the server would rather]
    #[arg(long, value_enum, value_name = "VERSION")]
    pub(crate) version: Option<QuicVersion>,
    /// Write the connection's qlog file into a folder [default: $QLOGDIR, or nowhere]
    #[arg(long, value_name = "DIR")]
    pub(crate) qlog: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) look: LookArguments,
}

#[derive(Args)]
pub(crate) struct QuicAcceptArguments {
    /// Address and port to listen on
    #[arg(value_name = "ADDR:PORT", default_value = "127.0.0.1:8443")]
    pub(crate) listen: SocketAddr,
    /// Certificate chain in PEM [default: the development CA's]
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) cert: Option<PathBuf>,
    /// Private key in PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
    /// The version to speak [default: version 1, or 2 where the client wants it]
    #[arg(long, value_enum, value_name = "VERSION")]
    pub(crate) version: Option<QuicVersion>,
    /// Ask the client to come again with a token (Retry)
    #[arg(long)]
    pub(crate) retry: bool,
    /// Another address of this server, to which clients of its family go once the handshake is over (port 0: one that is free); may be
    /// given twice, for IPv4 and IPv6
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) preferred: Vec<SocketAddr>,
    /// Workers that share the port; what comes to another one than the connection's is handed over
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) workers: u16,
    /// Write the connection's qlog file into a folder [default: $QLOGDIR, or nowhere]
    #[arg(long, value_name = "DIR")]
    pub(crate) qlog: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) look: LookArguments,
}

/// A version of QUIC.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum QuicVersion {
    /// RFC 9000
    V1,
    /// RFC 9369
    V2,
}
