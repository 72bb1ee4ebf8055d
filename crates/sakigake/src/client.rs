//! A client: pages with everything they name, or one resource, over connections that it opens and keeps.

mod connection;
mod dial;
mod http1;
mod http2;
mod loader;
mod trust;

pub use dial::Resolve;
pub use loader::{Loaded, Watcher};
pub use trust::{Trust, TrustError};

use crate::key_log::KeyLogFile;
use core::fmt;
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_net::{Clock, unix_secs};
use sakigake_page::{Origin, Url, load};
use sakigake_session::ClientConfig;
use sakigake_tls as tls;
use std::{rc::Rc, sync::Arc};

/// What a client may do and whom it trusts.
pub struct Options {
    /// Whose certificates count.
    pub trust: Trust,
    /// Addresses that stand in for DNS.
    pub resolve: Vec<Resolve>,
    /// Whether PRELOAD frames are followed, and the server told so.
    pub preload: bool,
    /// Where secrets go, if anywhere.
    pub key_log: Option<KeyLogFile>,
}

/// A client. It lives on one thread, in a `tokio::task::LocalSet`.
pub struct Client {
    shared: Rc<Shared>,
}

/// What all connections of a client use.
pub(crate) struct Shared {
    pub(crate) session: Arc<ClientConfig>,
    /// The same for who watches frames.
    pub(crate) traced: Arc<ClientConfig>,
    pub(crate) clock: Clock,
    pub(crate) resolve: Vec<Resolve>,
    pub(crate) key_log: Option<KeyLogFile>,
    pub(crate) preload: bool,
}

/// Why there is no client, or no page.
#[derive(Debug)]
pub enum Error {
    /// The trust store could not be read.
    Trust(TrustError),
    /// The configuration was refused.
    Misuse(tls::Misuse),
    /// The document did not come.
    Document(String),
    /// What came could not be written.
    Output(std::io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trust(error) => error.fmt(f),
            Self::Misuse(misuse) => misuse.fmt(f),
            Self::Document(why) => f.write_str(why),
            Self::Output(error) => write!(f, "cannot write: {error}"),
        }
    }
}

impl std::error::Error for Error {}

impl Client {
    /// A client without connections.
    ///
    /// # Errors
    /// The trust store could not be read, or holds nothing.
    pub fn new(options: Options) -> Result<Self, Error> {
        sakigake_net::warm_up().map_err(Error::Output)?;
        let clock = Clock::start();
        let mut tls = tls::client::Options::new(&PROVIDER);
        tls.verifier = Some(options.trust.verifier().map_err(Error::Trust)?);
        tls.alpn = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        tls.unix_secs_at_start = unix_secs();
        tls.key_log = options.key_log.is_some();
        let h2 = sakigake_h2::Config { preload: options.preload, ..Default::default() };
        let tls = tls.build().map_err(Error::Misuse)?;
        let session = |trace| Arc::new(ClientConfig { tls: tls.clone(), h2: Some(h2.clone()), trace });
        let (session, traced) = (session(false), session(true));
        let Options { resolve, key_log, preload, .. } = options;
        Ok(Self { shared: Rc::new(Shared { session, traced, clock, resolve, key_log, preload }) })
    }

    /// Loads the page at `url` with everything it names.
    ///
    /// # Errors
    /// The document did not come; what a page lacks beside it is told in [`Loaded`].
    pub async fn load(&self, url: &Url, watcher: &mut dyn Watcher) -> Result<Loaded, Error> {
        let options = load::Options { preload: self.shared.preload, ..load::Options::default() };
        loader::page(&self.shared, url, options, watcher).await
    }

    /// Fetches one resource, following redirects, and hands its body on as it comes.
    ///
    /// # Errors
    /// It did not come, or `body` refused it.
    pub async fn get(
        &self,
        url: &Url,
        watcher: &mut dyn Watcher,
        body: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<u16, Error> {
        loader::resource(&self.shared, url, watcher, body).await
    }
}

/// An origin as people write it.
pub(crate) fn place(origin: &Origin) -> String {
    format!("{}:{}", origin.host, origin.port)
}
