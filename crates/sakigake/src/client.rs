//! A client: pages with everything they name, or one resource, over connections that it opens and keeps.

mod alternatives;
mod ask;
mod coding;
mod connection;
mod cookies;
mod dial;
mod exchanges;
mod failure;
mod http1;
mod identity;
mod loader;
mod offers;
mod outflow;
mod over_quic;
mod pool;
mod proxy;
mod race;
mod records;
pub mod tickets;
mod trust;
mod upstream;
mod witness;

pub use alternatives::Alternatives;
pub use ask::{Ask, Line};
pub use connection::Protocol;
pub use dial::{Family, Resolve};
pub use failure::{Cause, Failed};
pub(crate) use http1::to_hyper;
pub use identity::Identity;
pub use loader::{Keep, Loaded, Receiver, Watcher};
pub use proxy::{BadProxy, Bypass, Proxies, Proxy};
pub use records::NameServers;
pub use trust::{Trust, TrustError};
pub use upstream::{Exchange, Heard, Told, Upstream};

use crate::key_log::KeyLogFile;
use connection::Ear;
use core::fmt;
use pool::Asker;
use records::Records;
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_net::{Clock, quic::Secrets};
use sakigake_page::{Origin, Url, load};
use sakigake_session::ClientConfig;
use sakigake_tls as tls;
use std::{path::PathBuf, rc::Rc, sync::Arc, time::Duration};
use witness::Witness;

/// What a client may do and whom it trusts.
pub struct Options {
    /// Whose certificates count.
    pub trust: Trust,
    /// Who judges servers instead, for whom they are asked for OCSP responses and Signed Certificate Timestamps too:
    /// [`tls::Verifier::verify_staples`].
    pub verifier: Option<Arc<dyn tls::Verifier>>,
    /// A PEM file of certificate revocation lists, which every chain is held against; no matter of [`Options::verifier`]'s.
    pub crls: Option<PathBuf>,
    /// Addresses that stand in for DNS.
    pub resolve: Vec<Resolve>,
    /// Whether PRELOAD frames are followed, and the server told so.
    pub preload: bool,
    /// Whether the first 103 (Early Hints) of a page is followed.
    pub early_hints: bool,
    /// Where secrets go, if anywhere.
    pub key_log: Option<KeyLogFile>,
    /// The folder into which each connection over QUIC writes a qlog file, if any.
    pub qlog: Option<PathBuf>,
    /// What is offered to servers over TCP, best first: HTTP/2, HTTP/1.1.
    pub protocols: Vec<Protocol>,
    /// Whether HTTP/3 is spoken.
    pub http3: Http3,
    /// What servers say of where they speak HTTP/3; none to remember nothing.
    pub alternatives: Option<Arc<Alternatives>>,
    /// Whom to ask for HTTPS records, where HTTP/3 is spoken with those who offer it.
    pub name_servers: NameServers,
    /// Who we are to hosts that ask.
    pub identity: Option<Identity>,
    /// Which addresses are dialled.
    pub family: Family,
    /// What stands between us and servers.
    pub proxies: Proxies,
    /// How long a connection may take to come about, before TLS.
    pub connect_patience: Duration,
    /// Where tickets are kept by which connections are resumed; none to resume none.
    pub tickets: Option<Arc<dyn tickets::Store>>,
    /// Whether requests by safe methods leave in the first flight (0-RTT), over HTTP/2 and HTTP/3, to servers whose tickets allow it: whoever records them
    /// may send them again, so that what is asked for has to bear being asked for twice. It needs tickets.
    pub early_data: bool,
}

/// When HTTP/3 is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Http3 {
    /// Never.
    Never,
    /// With servers that said so, by Alt-Svc or in DNS; what stands in the way of it costs a short while.
    #[default]
    WhereOffered,
    /// It is tried with every server; TCP joins where it does not come about.
    Tried,
    /// Alone: what cannot be had over it cannot be had.
    Only,
}

impl Default for Options {
    /// The platform's trust, PRELOAD and Early Hints, HTTP/3 where it is offered, HTTP/2 and HTTP/1.1.
    fn default() -> Self {
        Self {
            trust: Trust::Platform,
            verifier: None,
            crls: None,
            resolve: Vec::new(),
            preload: true,
            early_hints: true,
            key_log: None,
            qlog: None,
            protocols: vec![Protocol::Http2, Protocol::Http1],
            http3: Http3::default(),
            alternatives: Some(Arc::default()),
            name_servers: NameServers::default(),
            identity: None,
            family: Family::Any,
            proxies: Proxies::default(),
            connect_patience: Duration::from_secs(10),
            tickets: Some(Arc::new(tickets::InMemory::default())),
            early_data: false,
        }
    }
}

/// A client. It lives on one thread, in a `tokio::task::LocalSet`.
pub struct Client {
    shared: Rc<Shared>,
}

/// What all connections of a client use.
pub(crate) struct Shared {
    tls: tls::client::Options,
    h2: sakigake_h2::Config,
    h3: Arc<sakigake_h3::Config>,
    pub(crate) quic: Arc<sakigake_quic::connection::Config>,
    /// The same where many ask.
    quic_of_many: Arc<sakigake_quic::connection::Config>,
    pub(crate) secrets: Secrets,
    /// Whether certificates are checked, so that one can speak for several hosts.
    is_checked: bool,
    pub(crate) clock: Clock,
    identity: Option<Identity>,
    pub(crate) resolve: Vec<Resolve>,
    pub(crate) family: Family,
    pub(crate) proxies: Proxies,
    pub(crate) connect_patience: Duration,
    pub(crate) key_log: Option<KeyLogFile>,
    pub(crate) qlog: Option<PathBuf>,
    tickets: Option<tickets::Tickets>,
    pub(crate) http3: Http3,
    alternatives: Option<Arc<Alternatives>>,
    /// Under which trust alternatives are believed.
    trusted: String,
    records: Rc<Records>,
    pub(crate) early_data: bool,
    /// How pages are loaded.
    load: load::Options,
}

/// Why there is no client, or no page.
#[derive(Debug)]
pub enum Error {
    /// The trust store could not be read.
    Trust(TrustError),
    /// The configuration was refused.
    Misuse(tls::Misuse),
    /// QUIC's configuration was refused.
    Quic(&'static str),
    /// The document did not come.
    Failed(Failed),
    /// What came could not be written.
    Output(std::io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trust(error) => error.fmt(f),
            Self::Misuse(misuse) => misuse.fmt(f),
            Self::Quic(why) => write!(f, "QUIC: {why}"),
            Self::Failed(failed) => failed.fmt(f),
            Self::Output(error) => write!(f, "cannot write: {error}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        Self::Failed(failed)
    }
}

impl Client {
    /// A client without connections.
    ///
    /// # Errors
    /// The trust store could not be read, or holds nothing.
    pub fn new(options: Options) -> Result<Self, Error> {
        sakigake_net::warm_up().map_err(Error::Output)?;
        let clock = Clock::start();
        let mut tls = tls::client::Options::new(&PROVIDER);
        tls.verifier = Some(match &options.verifier {
            Some(verifier) => verifier.clone(),
            None => options.trust.verifier_with(options.crls.as_deref()).map_err(Error::Trust)?,
        });
        tls.staples = options.verifier.is_some();
        tls.alpn = options.protocols.iter().map(|protocol| protocol.alpn().to_vec()).collect();
        tls.unix_secs_at_start = clock.unix_secs_at_start();
        tls.key_log = options.key_log.is_some();
        tls.compressions = &tls::compression::ALL;
        tls.record_size_limit = Some(tls::extension::MAX_RECORD_SIZE_LIMIT);
        let tickets = tickets::Tickets::of(&options);
        tls.tickets = tickets.as_ref().map(|_| tickets::Tickets::WANTED);
        let early_data = options.early_data && tickets.is_some();
        let h2 = sakigake_h2::Config { preload: options.preload, ..Default::default() };
        let h3 = Arc::new(sakigake_h3::Config { preload: options.preload, ..Default::default() });
        let secrets = Secrets::draw();
        let quic = sakigake_quic::connection::Options {
            reset_key: Some(secrets.reset_key()),
            unix_secs_at_start: clock.unix_secs_at_start(),
            ..Default::default()
        };
        let mut of_many = quic.clone();
        let (streams, share) = (&mut of_many.limits.streams, u64::from(Asker::SHARE_BYTES));
        (streams.initial_stream_window_bytes, streams.stream_window_bytes) = (share, share);
        let all = share * u64::from(Asker::SHARES);
        (streams.initial_connection_window_bytes, streams.connection_window_bytes) = (all, all);
        let quic_of_many = of_many.build(&PROVIDER).map_err(|unfit| Error::Quic(unfit.0))?;
        let quic = quic.build(&PROVIDER).map_err(|unfit| Error::Quic(unfit.0))?;
        if options.identity.as_ref().is_some_and(|identity| identity.credential.signer.is_none()) {
            return Err(Error::Misuse(tls::Misuse::Credential("a client's own key has to be here")));
        }
        let credentials = options.identity.iter().map(|identity| identity.credential.clone()).collect();
        tls::client::Options { credentials, ..tls.clone() }.build().map_err(Error::Misuse)?;
        let trusted = tickets::digest(&format!("{:?} {}", options.trust, options.verifier.is_some()));
        let is_checked = options.verifier.is_some() || options.trust != Trust::Anybody;
        let Options { preload, early_hints, .. } = options;
        let load = load::Options { preload, early_hints, ..load::Options::default() };
        let records = Rc::new(Records::new(&options.name_servers));
        let Options { resolve, key_log, qlog, identity, family, proxies, connect_patience, .. } = options;
        let Options { http3, alternatives, .. } = options;
        let shared = Shared {
            tls,
            h2,
            h3,
            quic,
            quic_of_many,
            secrets,
            is_checked,
            clock,
            identity,
            resolve,
            family,
            proxies,
            connect_patience,
            key_log,
            qlog,
            tickets,
            http3,
            alternatives,
            trusted,
            records,
            early_data,
            load,
        };
        Ok(Self { shared: Rc::new(shared) })
    }

    /// Loads the page at `url` with everything it names.
    ///
    /// # Errors
    /// As [`Client::page`].
    pub async fn load(&self, url: &Url, watcher: &mut dyn Watcher) -> Result<Loaded, Error> {
        self.page(&Ask::get(url.clone()), watcher).await
    }

    /// Loads a page with everything it names, following redirects.
    ///
    /// # Errors
    /// The document did not come; what a page lacks beside it is told in [`Loaded`].
    pub async fn page(&self, ask: &Ask, watcher: &mut dyn Watcher) -> Result<Loaded, Error> {
        let ask = &Ask { is_decoded: true, ..ask.clone() };
        loader::page(&self.shared, ask, self.shared.load, watcher).await
    }

    /// Fetches one resource, following redirects, and hands its body on as it comes. Gives its status.
    ///
    /// # Errors
    /// As [`Client::resource`].
    pub async fn get(
        &self,
        url: &Url,
        watcher: &mut dyn Watcher,
        body: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<u16, Error> {
        self.resource(&Ask::get(url.clone()), watcher, &mut loader::Body(body)).await
    }

    /// Fetches one resource and hands it on as it comes. Gives its status.
    ///
    /// # Errors
    /// It did not come, or `receiver` refused it.
    pub async fn resource(
        &self,
        ask: &Ask,
        watcher: &mut dyn Watcher,
        receiver: &mut dyn Receiver,
    ) -> Result<u16, Error> {
        loader::resource(&self.shared, ask, watcher, receiver).await
    }
}

impl Client {
    /// Single requests to one origin, over connections that stay open between them; `told` hears what the connections say of the
    /// origin. It begins a task, so that it is to be called within the `LocalSet`.
    pub fn upstream(&self, origin: Origin, told: impl Fn(Told<'_>) + 'static) -> Upstream {
        Upstream::new(self.shared.clone(), origin, Box::new(told))
    }
}

impl Shared {
    /// QUIC's configuration for who asks.
    fn quic_for(&self, asker: Asker) -> Arc<sakigake_quic::connection::Config> {
        match asker {
            Asker::Page => self.quic.clone(),
            Asker::Many => self.quic_of_many.clone(),
        }
    }

    /// The configuration of a connection to `host`, and who will know its certificate.
    fn session(
        &self,
        host: &str,
        over: tickets::Over,
        ear: &Ear,
        early_data: bool,
    ) -> Result<(Arc<ClientConfig>, Option<Arc<Witness>>), tls::Misuse> {
        let mut tls = tls::client::Options { early_data, ..self.tls.clone() };
        tls.credentials.extend(self.identity_for(host).map(|identity| identity.credential.clone()));
        tls.post_handshake_auth = !tls.credentials.is_empty(); // Said only where HTTP/2 is not offered.
        let judge = tls.verifier.clone().filter(|_| self.is_checked);
        let witness = judge.map(|judge| Arc::new(Witness::new(judge)));
        if let Some(witness) = &witness {
            tls.verifier = Some(witness.clone());
        }
        let (mut h2, mut h3) = (Some(self.h2.clone()), None);
        if let (Asker::Many, Some(h2)) = (ear.asker, &mut h2) {
            let (limits, share) = (&mut h2.limits, Asker::SHARE_BYTES);
            (limits.initial_stream_window_bytes, limits.stream_window_bytes) = (share, share);
            let all = share * Asker::SHARES;
            (limits.initial_connection_window_bytes, limits.connection_window_bytes) = (all, all);
        }
        if over == tickets::Over::Quic {
            tls.alpn = vec![Protocol::Http3.alpn().to_vec()];
            (tls.post_handshake_auth, tls.record_size_limit) = (false, None); // No matters of QUIC's.
            (h2, h3) = (None, Some(self.h3.clone()));
        }
        let config = ClientConfig { tls: tls.build()?, h2, h3, trace: ear.watches };
        Ok((Arc::new(config), witness))
    }
}

impl Shared {
    /// Who we are to `host`, without brackets.
    fn identity_for(&self, host: &str) -> Option<&Identity> {
        self.identity.as_ref().filter(|identity| identity.is_for(host))
    }

    /// Whether we are the same to both hosts: a connection to one may serve the other as far as that goes.
    pub(crate) fn is_same_to(&self, one: &str, other: &str) -> bool {
        self.identity_for(one).is_some() == self.identity_for(other).is_some()
    }

    /// Milliseconds since 1970, as connections count them.
    fn unix_ms(&self) -> u64 {
        let passed_ms = self.clock.now().as_nanos() / 1_000_000;
        self.tls.unix_secs_at_start.saturating_mul(1_000).saturating_add(passed_ms)
    }

    /// The tickets of a connection to `origin`.
    fn tickets(&self, origin: &Origin, over: tickets::Over) -> Option<tickets::Keeper> {
        let tickets = self.tickets.as_ref()?;
        Some(tickets.for_origin(origin, self.proxies.of(&origin.host), over))
    }
}

/// The value of an Authorization field for a user and a password with a colon between (RFC 7617).
pub fn basic(user_and_password: impl AsRef<[u8]>) -> String {
    format!("Basic {}", sakigake_wire::base64(user_and_password.as_ref()))
}

/// The body of a fuzzer: what an Alt-Svc field leads to.
pub(crate) fn check_alt_svc(bytes: &[u8]) {
    let lines = bytes.split(|byte| *byte == b'\n');
    let Some(alternatives::Field::Alternatives(offers)) = alternatives::parse(lines, 1) else { return };
    assert!(!offers.is_empty());
    for offer in &offers {
        assert!(offer.port != 0 && !offer.protocol.is_empty(), "{offer:?}");
        assert!(offer.host.is_empty() || sakigake_semantics::is_host(&offer.host), "{offer:?}");
    }
}

/// The body of a fuzzer: what a name server's answer leads to.
pub(crate) fn check_https_records(bytes: &[u8]) {
    for spot in records::spots_of(bytes) {
        assert!(sakigake_semantics::is_host(&spot.host), "{spot:?}");
    }
}

/// An origin as people write it.
pub(crate) fn place(origin: &Origin) -> String {
    format!("{}:{}", origin.host, origin.port)
}
