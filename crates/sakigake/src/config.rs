//! What a server does, as plain data, and the TOML file that says it.
//!
//! A file is read whole: [`Config::parse`] and [`Ready::load`] give the configuration, or a [`Report`] of everything that is
//! wrong with it. [`KEYS`] lists what a file may hold.

mod example;
mod keys;
mod mistake;
mod nearest;
mod read;
mod section;
#[cfg(test)]
mod tests;
mod values;
mod world;

pub use example::{example, reference};
pub use keys::{KEYS, Key, Kind, Section};
pub use mistake::{Mistake, Report};
pub use world::{Ready, Shown};

use crate::{
    client_certificates::ClientCertificates,
    files::{self, Compress, ErrorPage, FieldRule, Listings},
    http1, server,
};
use sakigake_page::Url;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// What a server does.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen for HTTPS.
    pub listen: Vec<SocketAddr>,
    /// Where to listen for plain HTTP, to redirect from there.
    pub redirect_http: Vec<SocketAddr>,
    /// Where to tell the metrics.
    pub metrics: Option<SocketAddr>,
    /// Threads that serve; none: one a core.
    pub workers: Option<usize>,
    /// The address that hints carry, whatever name a client gave; none: that name. A file does not say it.
    pub public: Option<Url>,
    /// The port that visitors see; none: the first of `listen`.
    pub public_port: Option<u16>,
    /// Whether HTTP/3 is served too, by UDP at the same addresses and ports.
    pub http3: bool,
    /// How long clients are to remember that, in seconds ([`server::Alternative`]); 0 tells nobody.
    pub alt_svc_secs: u64,
    /// Whether clients are told, by ORIGIN frames, for which hosts a connection is.
    pub origins: bool,
    /// Certificates of hosts that have none of their own.
    pub certificates: Vec<CertificateFiles>,
    /// TLS records are filled up to a multiple of so many bytes; 0: they are as long as what they carry.
    pub padding: usize,
    /// How clients resume connections.
    pub tickets: Tickets,
    /// What is written about requests.
    pub log: Log,
    /// What connections may take.
    pub limits: server::Limits,
    /// What those that speak HTTP/1.1 may take.
    pub http1: http1::Limits,
    /// What those that speak HTTP/2 may take.
    pub h2: sakigake_h2::Limits,
    /// In the file's order.
    pub hosts: Vec<Host>,
}

/// How clients resume connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tickets {
    /// Whether they do.
    pub resume: bool,
    /// The file of the keys; none: in memory.
    pub keys: Option<PathBuf>,
    /// Whether early data is taken. Not with a file, whose servers know nothing of each other's first flights.
    pub early_data: bool,
}

impl Default for Tickets {
    fn default() -> Self {
        Self { resume: true, keys: None, early_data: false }
    }
}

/// What is written about requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// How a request is written.
    pub access: Access,
    /// Where to; none: standard output.
    pub file: Option<PathBuf>,
    /// Where connections' secrets go, if anywhere.
    pub keys: Option<PathBuf>,
}

/// How a request is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Not at all.
    Off,
    /// Aligned columns.
    #[default]
    Text,
    /// A JSON object a line.
    Json,
    /// The Common Log Format.
    Common,
    /// The same, then `referer` and `user-agent`.
    Combined,
}

/// A certificate chain and its key, both in PEM, and what is shown beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct CertificateFiles {
    /// Leaf first.
    pub chain: PathBuf,
    /// The leaf's key.
    pub key: PathBuf,
    /// The leaf's OCSP response in DER.
    pub ocsp: Option<PathBuf>,
    /// The leaf's Signed Certificate Timestamps, each as RFC 6962 serialises it.
    pub scts: Vec<PathBuf>,
}

/// One host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// In lower case; `*.` may stand before one. None for a default host that answers whatever it is called.
    pub names: Vec<String>,
    /// Whether it answers for names that no host has.
    pub is_default: bool,
    /// What it is.
    pub target: Target,
    /// Its own certificates; none: those of all hosts, or the development CA's.
    pub certificates: Vec<CertificateFiles>,
    /// How it asks clients who they are; none: it does not.
    pub client_certificates: Option<ClientCertificates>,
}

/// What a host is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A folder.
    Folder(Folder),
    /// Another address.
    Redirect {
        /// What stands before the request's path.
        to: Url,
        /// Whether clients may remember it.
        is_permanent: bool,
        /// Field lines to add: names and values.
        fields: Vec<(String, String)>,
    },
}

/// A folder, and how it is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// Where it is.
    pub root: PathBuf,
    /// Whether a folder without index page shows what it holds.
    pub listing: bool,
    /// Pages for errors.
    pub error_pages: Vec<ErrorPage>,
    /// Field lines to add.
    pub fields: Vec<FieldRule>,
    /// Whether `/about` is `about.html`.
    pub clean_urls: bool,
    /// Bytes of small files that each worker keeps in memory.
    pub cache_bytes: usize,
    /// Whether text is compressed on the fly.
    pub compress: bool,
    /// Whether files compressed beforehand are looked for.
    pub precompressed: bool,
    /// What to hint at.
    pub hints: Hints,
    /// Whether clients that do not know the frame get the hints in `Link` fields and in a 103 (Early Hints).
    pub early_hints: bool,
}

/// Where hints come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hints {
    /// From nowhere: no frames are sent.
    None,
    /// From the folder's pages.
    Pages,
    /// From a file.
    File(PathBuf),
}

/// Where to listen unless told otherwise.
pub const PORT: u16 = 8443;

impl Config {
    /// Reads a file's text; `name` is what it is called in what is said of it. Nothing outside the text is looked at but
    /// that relative paths are taken as relative to `base`.
    ///
    /// # Errors
    /// Everything that is wrong with the text.
    pub fn parse(name: &str, text: &str, base: &Path) -> Result<Self, Report> {
        let draft = read::read(text, base);
        match draft.mistakes.is_empty() {
            true => Ok(draft.config),
            false => Err(Report::new(name, text, draft.mistakes)),
        }
    }

    /// The port that visitors see.
    pub fn visible_port(&self) -> u16 {
        let first = self.listen.first().map(SocketAddr::port);
        // Where the system is to choose a port, it is not known yet.
        self.public_port.or(first).filter(|port| *port != 0).unwrap_or(PORT)
    }
}

/// Where to listen, as a file may say it: `127.0.0.1:80`, `[::1]:80`, or two addresses as `localhost:80` and `*:80`.
///
/// # Errors
/// What is wrong with it, and what to write instead.
pub fn addresses(text: &str) -> Result<Vec<SocketAddr>, String> {
    values::addresses(text).map_err(|values::Wrong(what, label)| format!("{what}: {label}"))
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: sakigake_net::loopback(PORT).into(),
            redirect_http: Vec::new(),
            metrics: None,
            workers: None,
            public: None,
            public_port: None,
            http3: true,
            alt_svc_secs: server::Alternative::default().max_age_secs,
            origins: true,
            certificates: Vec::new(),
            padding: 0,
            tickets: Tickets::default(),
            log: Log::default(),
            limits: server::Limits::default(),
            http1: http1::Limits::default(),
            h2: sakigake_h2::Limits::default(),
            hosts: Vec::new(),
        }
    }
}

impl Folder {
    /// A folder served as a file that says nothing more would have it.
    pub fn new(root: PathBuf) -> Self {
        Self {
            root,
            listing: false,
            error_pages: Vec::new(),
            fields: Vec::new(),
            clean_urls: false,
            cache_bytes: files::CacheLimits::default().bytes,
            compress: false,
            precompressed: true,
            hints: Hints::Pages,
            early_hints: true,
        }
    }
}

impl Folder {
    /// The same, as the files know it.
    pub fn options(&self) -> files::Options {
        let usual = files::Options::default();
        files::Options {
            cache: files::CacheLimits { bytes: self.cache_bytes, ..usual.cache },
            precompressed: self.precompressed,
            compress: self.compress.then(Compress::default),
            listings: self.listing.then(Listings::default),
            // The first that fits is sent, and the usual ones come last.
            error_pages: self.error_pages.iter().cloned().chain(usual.error_pages).collect(),
            fields: self.fields.clone(),
            clean_urls: self.clean_urls,
        }
    }
}

impl Host {
    /// The name that it is known by.
    pub fn name(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }

    /// Its address as visitors see it, behind `port`. A wildcard has none of its own: one of its names stands for all.
    pub fn origin(&self, port: u16) -> Option<Url> {
        let name = self.name().replacen('*', "www", 1);
        let name = if name.contains(':') { format!("[{name}]") } else { name };
        Url::parse(&format!("https://{name}:{port}/"))
    }
}
