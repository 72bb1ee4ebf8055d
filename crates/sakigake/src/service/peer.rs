use sakigake_session::Session;
use std::{net::SocketAddr, sync::Arc};

/// Who asks: an extension of every request. Cheap to clone.
///
/// ```
/// # use sakigake::service::{Body, Peer};
/// fn address(request: &http::Request<Body>) -> Option<std::net::SocketAddr> {
///     request.extensions().get::<Peer>().map(Peer::address)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Peer {
    address: SocketAddr,
    tls: Option<Arc<Tls>>,
}

/// What the handshake agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The cipher suite, by its IANA number.
    pub suite: u16,
    /// The group of the key exchange, by its IANA number.
    pub group: u16,
    /// The application protocol, if one was agreed on.
    pub alpn: Option<Vec<u8>>,
    /// The host that the client asked for (SNI), in lower case.
    pub server_name: Option<String>,
}

impl Peer {
    /// Somebody at that address.
    pub fn new(address: SocketAddr, tls: Option<Tls>) -> Self {
        Self { address, tls: tls.map(Arc::new) }
    }

    /// Who is at the other end of a session.
    pub(crate) fn of(address: SocketAddr, session: &Session) -> Self {
        let server_name = session.server_name().map(str::to_owned);
        let tls = session.agreed().map(|agreed| Tls {
            suite: agreed.suite,
            group: agreed.group,
            alpn: agreed.alpn.clone(),
            server_name,
        });
        Self::new(address, tls)
    }

    /// The client's address, as the socket knows it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What TLS agreed on; none over a connection without TLS.
    pub fn tls(&self) -> Option<&Tls> {
        self.tls.as_deref()
    }
}
