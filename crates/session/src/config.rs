use sakigake_h2 as h2;
use sakigake_preload as preload;
use sakigake_tls as tls;
use std::sync::Arc;

/// How a server's sessions behave; shared by all of them.
pub struct ServerConfig {
    /// Certificates, suites, protocols.
    pub tls: Arc<tls::server::Config>,
    /// Windows and limits of HTTP/2; none speaks no HTTP here, whatever ALPN chose.
    pub h2: Option<h2::Config>,
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
    /// Whether records and messages are told as [`crate::Event::Traced`], and frames as [`crate::Event::Frame`].
    pub trace: bool,
}
