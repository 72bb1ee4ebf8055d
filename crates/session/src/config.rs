use sakigake_h2 as h2;
use sakigake_h3 as h3;
use sakigake_preload as preload;
use sakigake_semantics::Origin;
use sakigake_tls as tls;
use std::sync::Arc;

/// How a server's sessions behave; shared by all of them.
pub struct ServerConfig {
    /// Certificates, suites, protocols.
    pub tls: Arc<tls::server::Config>,
    /// Windows and limits of HTTP/2; none speaks no HTTP here, whatever ALPN chose. Of its `origins` a connection names those
    /// that the certificate which was shown there is for, if these are two at least: one alone is no news.
    pub h2: Option<h2::Config>,
    /// The same of HTTP/3, for connections over QUIC ([`crate::Http3`]).
    pub h3: Option<Arc<h3::Config>>,
    /// Hints by host; none sends no PRELOAD frame at all.
    pub hints: Option<Arc<preload::Table>>,
    /// Whether records and messages are told as [`crate::Event::Traced`], and frames as [`crate::Event::Frame`].
    pub trace: bool,
}

/// How a client's sessions behave; shared by all of them.
pub struct ClientConfig {
    /// Trust, suites, protocols.
    pub tls: Arc<tls::client::Config>,
    /// Windows and limits of HTTP/2; none speaks no HTTP here, whatever ALPN chose.
    pub h2: Option<h2::Config>,
    /// The same of HTTP/3, for connections over QUIC ([`crate::Http3`]), whose ALPN `tls` has then.
    pub h3: Option<Arc<h3::Config>>,
    /// Whether records and messages are told as [`crate::Event::Traced`], and frames as [`crate::Event::Frame`].
    pub trace: bool,
}

impl ServerConfig {
    /// HTTP/2 on a connection to `server_name`.
    pub(crate) fn h2_for(&self, server_name: Option<&str>) -> Option<h2::Config> {
        let mut h2 = self.h2.clone()?;
        h2.origins = self.origins_for(server_name, &h2.origins);
        Some(h2)
    }

    /// The same of HTTP/3.
    pub(crate) fn h3_for(&self, server_name: Option<&str>) -> Option<Arc<h3::Config>> {
        let h3 = self.h3.clone()?;
        if h3.origins.is_empty() {
            return Some(h3);
        }
        let origins = self.origins_for(server_name, &h3.origins);
        Some(Arc::new(h3::Config { origins, ..(*h3).clone() }))
    }

    /// Those origins that the certificate which was shown is for, if these are two at least.
    fn origins_for(&self, server_name: Option<&str>, origins: &Arc<[Origin]>) -> Arc<[Origin]> {
        let is_good = |origin: &&Origin| {
            self.tls.covers(origin.host()) && self.tls.may_answer(server_name, origin.host())
        };
        let good: Vec<_> = origins.iter().filter(is_good).cloned().collect(); // spec: 8336-2.1-a
        if good.len() < 2 { Arc::default() } else { good.into() }
    }
}
