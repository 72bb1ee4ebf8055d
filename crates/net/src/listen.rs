use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::{Domain, Protocol, SockAddr, Socket, TcpKeepalive, Type};
use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    time::Duration,
};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1_024;

/// How long a connection may be silent before the system asks whether the peer is still there. A WebSocket, or a client that
/// waits for an event, may be silent for hours; one that vanished without a word would be kept for ever.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// A listening socket that shares its port with those of the other workers (SO_REUSEPORT). Hand it to a runtime with
/// [`tokio::net::TcpListener::from_std`].
///
/// # Errors
/// What the system says: the address is not ours to use.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket(address)?;
    socket.set_reuse_port(true)?;
    bind(&socket, address)?;
    Ok(socket.into())
}

/// As [`listen`], for the first worker: another program, even another server of ours, may not have the address already.
///
/// # Errors
/// As [`listen`], and when the address is taken.
pub fn claim(address: SocketAddr) -> io::Result<TcpListener> {
    if address.port() != 0 {
        // Without SO_REUSEPORT the system refuses an address where anybody listens.
        bind(&socket(address)?, address)?;
    }
    listen(address)
}

fn socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    // Those that are accepted inherit it.
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE))?;
    Ok(socket)
}

fn bind(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    socket.bind(&SockAddr::from(address))?;
    socket.listen(BACKLOG)
}

/// This machine's loopback addresses with that port.
pub fn loopback(port: u16) -> [SocketAddr; 2] {
    [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)].map(|ip| SocketAddr::new(ip, port))
}

/// Descriptors that this process may have open. The soft limit is raised to the hard one first: it is low for the sake of
/// programs that cannot count beyond it.
pub fn descriptors() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current, // Then it stays what it was.
    };
    current.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX))
}
