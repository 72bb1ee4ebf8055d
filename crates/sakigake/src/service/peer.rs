use http::{HeaderName, HeaderValue};
use sakigake_net::PlainStream;
use sakigake_session::Carrier;
use sakigake_tls::{Exporter, Identity};
use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
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
    /// Over HTTP/1.1, where it sent early data: who it is once the handshake is over.
    later: Option<Arc<OnceLock<Peer>>>,
    exporter: Option<Arc<Exporter>>,
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
        Self { address, tls: tls.map(Arc::new), identity: None, later: None, exporter: None }
    }

    /// Who is at the other end of a session.
    pub(crate) fn of(address: SocketAddr, session: &dyn Carrier) -> Self {
        let server_name = session.server_name().map(str::to_owned);
        let tls = session.agreed().map(|agreed| Tls {
            suite: agreed.suite,
            group: agreed.group,
            alpn: agreed.alpn.clone(),
            server_name,
        });
        let (identity, exporter) = (session.identity().cloned(), session.exporter().cloned().map(Arc::new));
        Self { identity, exporter, ..Self::new(address, tls) }
    }

    /// Who is at the other end of a stream, whose handshake may not be over.
    pub(crate) fn of_stream(address: SocketAddr, stream: &mut PlainStream) -> Self {
        let peer = Self::of(address, stream.session());
        if !stream.is_early() {
            return peer;
        }
        let later = Arc::new(OnceLock::new());
        let known = later.clone();
        stream.when_ready(move |session| drop(known.set(Self::of(address, session)))); // Nobody else sets it.
        Self { later: Some(later), ..peer }
    }

    /// As it is known by now.
    pub(crate) fn now(&self) -> Self {
        self.later.as_ref().and_then(|later| later.get()).unwrap_or(self).clone()
    }

    /// Whether what it sends came before the handshake was over.
    pub(crate) fn is_early(&self) -> bool {
        self.later.as_ref().is_some_and(|later| later.get().is_none())
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

    /// Keying material of this very connection (RFC 9846 section 7.5), such as its `tls-exporter` channel binding (RFC 9266), by
    /// which an authentication within the request holds on no other connection. None without TLS, and for early data.
    pub fn exporter(&self) -> Option<&Exporter> {
        self.exporter.as_deref()
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
