//! From an origin to a socket: names, addresses, proxies.

use super::{
    Shared,
    failure::{Cause, Failed},
    place, proxy, race,
};
use sakigake_page::Origin;
use sakigake_wire::Instant;
use std::{
    io,
    net::{IpAddr, SocketAddr},
};
use tokio::{net::TcpStream, time};

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

/// Which addresses may be dialled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Family {
    /// Both.
    #[default]
    Any,
    /// IPv4 alone.
    Ipv4,
    /// IPv6 alone.
    Ipv6,
}

/// A socket, and when it came about.
#[derive(Debug)]
pub(super) struct Dialled {
    pub(super) stream: TcpStream,
    /// When the addresses were known.
    pub(super) resolved: Instant,
    /// When the bytes of TLS could leave, after a proxy's consent.
    pub(super) connected: Instant,
    /// Where it leads; a proxy's address where there is one.
    pub(super) address: SocketAddr,
    pub(super) is_proxied: bool,
}

/// Opens a socket to `origin`, through a proxy where there is one for it. `known` are its addresses, where somebody asked
/// before.
pub(super) async fn dial(
    shared: &Shared,
    origin: &Origin,
    known: Option<Vec<SocketAddr>>,
) -> Result<Dialled, Failed> {
    let work = async {
        match (shared.proxies.of(&origin.host), known) {
            (Some(proxy), _) => proxy::dial(shared, proxy, origin).await,
            (None, Some(addresses)) => straight(shared, origin, &addresses).await,
            (None, None) => {
                let addresses = addresses(shared, &origin.host, origin.port).await?;
                straight(shared, origin, &addresses).await
            }
        }
    };
    let late = |_| {
        let why = format_args!(
            "cannot connect to {}: no answer within {:?}",
            place(origin),
            shared.connect_patience
        );
        Failed::new(Cause::OperationTimedout, why)
    };
    time::timeout(shared.connect_patience, work).await.map_err(late)?
}

async fn straight(shared: &Shared, origin: &Origin, addresses: &[SocketAddr]) -> Result<Dialled, Failed> {
    let resolved = shared.clock.now();
    let (stream, address) = connect(addresses).await.map_err(|error| {
        Failed::new(Cause::CouldntConnect, format_args!("cannot connect to {}: {error}", place(origin)))
    })?;
    Ok(Dialled { stream, resolved, connected: shared.clock.now(), address, is_proxied: false })
}

/// A socket to whichever address answers first.
pub(super) async fn connect(addresses: &[SocketAddr]) -> io::Result<(TcpStream, SocketAddr)> {
    race::race(addresses, TcpStream::connect).await
}

/// The addresses of a host, in the order in which they are to be tried.
pub(super) async fn addresses(shared: &Shared, host: &str, port: u16) -> Result<Vec<SocketAddr>, Failed> {
    let stands_in = |row: &&Resolve| row.host == host && row.port == port;
    let own: Vec<SocketAddr> =
        shared.resolve.iter().filter(stands_in).map(|row| SocketAddr::new(row.address, port)).collect();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let found = match own.is_empty() {
        false => own,
        true => {
            let found = tokio::net::lookup_host((bare, port)).await;
            let lost =
                |error| Failed::new(Cause::CouldntResolveHost, format_args!("cannot find {bare}: {error}"));
            found.map_err(lost)?.collect()
        }
    };
    let fits = |address: &SocketAddr| match shared.family {
        Family::Any => true,
        Family::Ipv4 => address.is_ipv4(),
        Family::Ipv6 => address.is_ipv6(),
    };
    let fitting: Vec<SocketAddr> = found.into_iter().filter(fits).collect();
    match fitting.is_empty() {
        true => Err(Failed::new(
            Cause::CouldntResolveHost,
            format_args!("cannot find {bare}: it has no address of the wanted kind"),
        )),
        false => Ok(fitting),
    }
}
