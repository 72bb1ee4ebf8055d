use clap::{Args, Subcommand};
use std::{net::IpAddr, path::PathBuf};

#[derive(Subcommand)]
pub(crate) enum InteropCommand {
    /// Answer requests for the files of a folder
    Server(InteropServerArguments),
    /// Fetch what is requested into a folder
    Client(InteropClientArguments),
}

/// What the runner says by its environment; an option says it better.
#[derive(Args)]
pub(crate) struct InteropArguments {
    /// The test case [default: $TESTCASE]
    #[arg(long, value_name = "NAME")]
    pub(crate) testcase: Option<String>,
    /// The folder with cert.pem, priv.key and ca.pem [default: $CERTS, or /certs]
    #[arg(long, value_name = "DIR")]
    pub(crate) certs: Option<PathBuf>,
    /// Append the connections' secrets to a file [default: $SSLKEYLOGFILE, or nowhere]
    #[arg(long, value_name = "FILE")]
    pub(crate) keylog: Option<PathBuf>,
    /// Write a qlog file a connection into a folder [default: $QLOGDIR, or nowhere]
    #[arg(long, value_name = "DIR")]
    pub(crate) qlog: Option<PathBuf>,
    /// Print each packet with its frames and what connections say, on standard error
    #[arg(long)]
    pub(crate) trace: bool,
}

#[derive(Args)]
pub(crate) struct InteropServerArguments {
    /// The folder to serve [default: $WWW, or $ROOT, or /www]
    #[arg(long, value_name = "DIR")]
    pub(crate) www: Option<PathBuf>,
    /// The address to listen on; may be given several times [default: all of IPv4 and IPv6]
    #[arg(long, value_name = "ADDR")]
    pub(crate) address: Vec<IpAddr>,
    /// The port to listen on; 0 for one that is free, which is printed [default: $PORT, or 443]
    #[arg(long)]
    pub(crate) port: Option<u16>,
    #[command(flatten)]
    pub(crate) common: InteropArguments,
}

#[derive(Args)]
pub(crate) struct InteropClientArguments {
    /// The folder that files are written into [default: $DOWNLOADS, or /downloads]
    #[arg(long, value_name = "DIR")]
    pub(crate) downloads: Option<PathBuf>,
    /// What to fetch, such as https://server4:443/name [default: $REQUESTS, with spaces between]
    #[arg(value_name = "URL")]
    pub(crate) requests: Vec<String>,
    /// Fetch from servers that nobody vouches for
    ///
    /// Otherwise ca.pem of the certificates' folder has to vouch for the server, where there is such a file.
    #[arg(long)]
    pub(crate) insecure: bool,
    #[command(flatten)]
    pub(crate) common: InteropArguments,
}
