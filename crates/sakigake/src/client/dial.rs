//! From an origin to a socket.

use super::{
    failure::{Cause, Failed},
    place,
};
use sakigake_page::Origin;
use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use tokio::{net::TcpStream, time};

/// How long one address may take to answer before the next one is tried.
const PATIENCE: Duration = Duration::from_secs(5);

/// An address that stands in for DNS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolve {
    /// The host that is asked for, in lower case.
    pub host: String,
    /// The port that is asked for.
    pub port: u16,
    /// Where it is.
    pub address: IpAddr,
}

/// Opens a socket to `origin`: the addresses one after the other, in the system's order.
pub(super) async fn dial(origin: &Origin, resolve: &[Resolve]) -> Result<TcpStream, Failed> {
    let mut failure = Failed::new(Cause::CouldntResolveHost, "the name has no address");
    for address in addresses(origin, resolve).await? {
        let attempt = time::timeout(PATIENCE, TcpStream::connect(address)).await;
        let why = match attempt {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => error,
            Err(_) => io::Error::new(io::ErrorKind::TimedOut, "no answer within 5 s"),
        };
        let cause = match why.kind() {
            io::ErrorKind::TimedOut => Cause::OperationTimedout,
            _ => Cause::CouldntConnect,
        };
        failure = Failed::new(cause, format_args!("cannot connect to {}: {address}: {why}", place(origin)));
    }
    Err(failure)
}

async fn addresses(origin: &Origin, resolve: &[Resolve]) -> Result<Vec<SocketAddr>, Failed> {
    let stands_in = |row: &&Resolve| row.host == origin.host && row.port == origin.port;
    let own: Vec<SocketAddr> =
        resolve.iter().filter(stands_in).map(|row| SocketAddr::new(row.address, origin.port)).collect();
    if !own.is_empty() {
        return Ok(own);
    }
    let host = origin.host.trim_start_matches('[').trim_end_matches(']');
    let found = tokio::net::lookup_host((host, origin.port)).await;
    found
        .map(Iterator::collect)
        .map_err(|error| Failed::new(Cause::CouldntResolveHost, format_args!("cannot find {host}: {error}")))
}
