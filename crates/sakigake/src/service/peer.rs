use http::{HeaderName, HeaderValue};
use sakigake_session::Session;
use sakigake_tls::Identity;
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

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
    identity: Option<Identity>,
    /// Over HTTP/1.1: whether what it sends now is early data.
    early: Option<Arc<AtomicBool>>,
}

/// An extension of a request that came as early data (0-RTT), before the handshake was over: whoever recorded it may have
/// sent it, though not to this server before. Who would do harm by answering twice answers 425 (Too Early), and the client
/// asks again (RFC 8470 section 5.2). Only safe methods come so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EarlyData;

impl EarlyData {
    /// Tells whoever answers a request, or passes it on (RFC 8470 section 5.1).
    pub(crate) fn mark(parts: &mut http::request::Parts) {
        parts.extensions.insert(Self);
        parts.headers.insert(EARLY_DATA, HeaderValue::from_static("1")); // spec: 8470-5.1-a
    }
}

const EARLY_DATA: HeaderName = HeaderName::from_static("early-data");

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
        Self { address, tls: tls.map(Arc::new), identity: None, early: None }
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
        Self { identity: session.identity().cloned(), ..Self::new(address, tls) }
    }

    /// The same where it may have sent early data, as long as that says so.
    pub(crate) fn with_early(self, early: Option<Arc<AtomicBool>>) -> Self {
        Self { early, ..self }
    }

    /// Whether what it sends now came before the handshake was over.
    pub(crate) fn is_early(&self) -> bool {
        self.early.as_ref().is_some_and(|early| early.load(Ordering::Relaxed))
    }

    /// The client's address, as the socket knows it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Who the client is, where its host asks for certificates and it has shown one that our side accepted. The same is an
    /// extension of the request by itself: `request.extensions().get::<sakigake::service::Identity>()`.
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// Puts it, and who it is, among a request's extensions.
    pub(crate) fn extend(self, extensions: &mut http::Extensions) {
        if let Some(identity) = &self.identity {
            extensions.insert(identity.clone());
        }
        extensions.insert(self);
    }

    /// What TLS agreed on; none over a connection without TLS.
    pub fn tls(&self) -> Option<&Tls> {
        self.tls.as_deref()
    }
}
