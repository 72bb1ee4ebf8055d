//! A server in a few lines, for programs.

use crate::{
    RemoteSigner, Swap,
    access_log::{AccessLog, Format},
    client_certificates::{BadFile, ClientCertificates, policies},
    config::PORT,
    dev_ca::{self, DevCa, Leaf},
    files::Files,
    hosts::{self, Host, Hosts, Name, Target, origins},
    http1,
    key_log::KeyLogFile,
    server::{Kind, Limits, Listeners, Running, Site, Stop},
    service::Factory,
    tickets::Keys,
};
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_h2 as h2;
use sakigake_h3 as h3;
use sakigake_net::Clock;
use sakigake_preload::Table;
use sakigake_session::ServerConfig;
use sakigake_tls::{self as tls, BadCredential, Credential, Staples, server::EarlyDataPolicy};
use std::{fmt, fs, io, net::SocketAddr, path::PathBuf, sync::Arc, thread};
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
};

/// A server over TLS 1.3 and QUIC, HTTP/3, HTTP/2 and HTTP/1.1: what answers, where it listens, and what it shows.
///
/// ```no_run
/// use http_body_util::Full;
/// use sakigake::{Server, service::Factory};
///
/// fn main() -> Result<(), sakigake::Error> {
///     let hello = Factory::of_fn(|request| async move {
///         let text = format!("hello, {}\n", request.uri().path());
///         Ok::<_, std::convert::Infallible>(http::Response::new(Full::<bytes::Bytes>::from(text)))
///     });
///     Server::new().service(hello).serve() // https://localhost:8443, until SIGINT or SIGTERM
/// }
/// ```
///
/// Without a certificate it shows one of the development CA, which is good for `localhost` and other local names; with
/// files of a real one:
///
/// ```no_run
/// # use sakigake::{Server, service::Factory};
/// # fn serve(site: Factory) -> Result<(), sakigake::Error> {
/// Server::new().certificate("chain.pem", "key.pem").service(site).listen(([0, 0, 0, 0], 443).into()).serve()
/// # }
/// ```
///
/// [`Server::start`] does not wait, so that a program may go on, and say when to end:
///
/// ```no_run
/// # use sakigake::{Server, service::Factory};
/// # fn serve(site: Factory) -> Result<(), Box<dyn std::error::Error>> {
/// let running = Server::new().service(site).listen(([127, 0, 0, 1], 0).into()).start()?;
/// println!("https://{}", running.addresses()[0]);
/// running.stop(); // What is under way is finished.
/// running.join()?;
/// # Ok(())
/// # }
/// ```
/// What `sakigake run` can, a program can too: [`Server::hints`], [`Server::metrics`], [`Server::redirect_http`],
/// [`Server::key_log`], [`Server::limits`]. A certificate is renewed while it is shown, by whoever got a new one:
///
/// ```no_run
/// # use sakigake::{Server, service::Factory};
/// # fn serve(site: Factory) -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::new().certificate("chain.pem", "key.pem").service(site);
/// let running = server.metrics(([127, 0, 0, 1], 9090).into()).start()?;
/// loop {
///     std::thread::sleep(std::time::Duration::from_secs(86_400));
///     running.renew(&std::fs::read("chain.pem")?, &std::fs::read("key.pem")?)?;
/// }
/// # }
/// ```
///
/// A key may stay where it is safe, in another process or a module of its own: whoever has it is asked for signatures, and nobody
/// waits for the one that another client's handshake waits for. With the certificate go its OCSP response and its Signed
/// Certificate Timestamps, to clients that ask:
///
/// ```no_run
/// # use sakigake::{Server, service::Factory};
/// # async fn ask_the_module(scheme: u16, message: &[u8]) -> std::io::Result<Vec<u8>> { Ok(Vec::new()) }
/// # fn serve(site: Factory) -> Result<(), Box<dyn std::error::Error>> {
/// use sakigake::{RemoteSigner, Signature, Signing, tls::Staples};
///
/// struct Module;
///
/// impl RemoteSigner for Module {
///     fn sign(&self, wanted: Signing) -> Signature {
///         Box::pin(async move { ask_the_module(wanted.scheme, &wanted.message).await.ok() })
///     }
/// }
///
/// const ECDSA_SECP256R1_SHA256: u16 = 0x0403;
/// let staples = Staples { ocsp: Some(std::fs::read("leaf.ocsp")?), scts: vec![std::fs::read("log.sct")?] };
/// let server = Server::new().remote_certificate("chain.pem", &[ECDSA_SECP256R1_SHA256]).staples(staples);
/// server.signer(std::sync::Arc::new(Module)).service(site).serve()?;
/// # Ok(())
/// # }
/// ```
///
/// Pages' hints go out before they are asked for, where a table has them:
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use sakigake::{Server, files::Files, hints::{Limits, SiteHints}, page::Url, preload::{Table, table}};
/// use std::sync::Arc;
///
/// let hints = SiteHints::read(&Files::new("site")?, &Url::parse("https://localhost:8443/").ok_or("no address")?, &Limits::default())?;
/// let table = Arc::new(Table::new(table::Config { port: 8443, ..table::Config::default() }));
/// table.set(table::ANY_HOST, &hints.site());
/// Server::new().folder("site").hints(table).serve()?;
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
pub struct Server {
    hosts: Vec<Host>,
    fallback: Option<Fallback>,
    certificates: Vec<Shown>,
    stray_staples: bool,
    signer: Option<Arc<dyn RemoteSigner>>,
    names: Vec<String>,
    addresses: Vec<SocketAddr>,
    workers: Option<usize>,
    limits: Limits,
    http1: http1::Limits,
    h2: h2::Limits,
    log: Option<AccessLog>,
    hints: Option<Arc<Table>>,
    no_early_hints: bool,
    no_http3: bool,
    key_log: Option<PathBuf>,
    padding: tls::record::Padding,
    tickets: Resume,
    client_certificates: Option<ClientCertificates>,
    early_data: Option<EarlyDataPolicy>,
    metrics: Vec<SocketAddr>,
    redirect_http: Vec<SocketAddr>,
}

/// A certificate, and what goes with it.
#[derive(Debug)]
struct Shown {
    chain: PathBuf,
    key: Key,
    staples: Staples,
}

#[derive(Debug)]
enum Key {
    File(PathBuf),
    /// It signs with these schemes.
    Elsewhere(Vec<u16>),
}

/// Whether clients may resume connections, and where the keys for that are.
#[derive(Debug, Default)]
enum Resume {
    #[default]
    InMemory,
    InFile(PathBuf),
    No,
}

#[derive(Debug)]
enum Fallback {
    Service(Factory),
    Folder(PathBuf),
}

/// Why a server does not start, or did not end well.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// Nothing was said that would answer, or hosts that cannot stand beside each other.
    Hosts(hosts::Misuse),
    /// A file or folder cannot be read.
    Read(PathBuf, io::Error),
    /// A file cannot be written.
    Write(PathBuf, io::Error),
    /// A certificate and its key, by the certificate's file.
    Certificate(PathBuf, BadCredential),
    /// The key of this certificate's file is elsewhere, and there is no [`Server::signer`].
    NoSigner(PathBuf),
    /// [`Server::staples`] came before any certificate.
    StrayStaples,
    /// A file by which clients are judged is bad.
    ClientCertificates(BadFile),
    /// The development CA cannot be opened or made.
    DevCa(dev_ca::Error),
    /// Early data with keys of tickets in a file, which other servers may have too, and a register that is this one's alone:
    /// each would take the same first flight once.
    EarlyDataWithSharedKeys,
    /// TLS refuses what it is to be.
    Tls(tls::Misuse),
    /// The address cannot be listened at, by TCP or by UDP: a program that has it for one of them has it for HTTPS.
    Listen(SocketAddr, io::Error),
    /// The system gives no thread, or a worker ended by a fault of ours.
    Run(io::Error),
}

impl Server {
    /// Nothing answers yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers every request whose host no other has.
    #[must_use]
    pub fn service(mut self, factory: Factory) -> Self {
        self.fallback = Some(Fallback::Service(factory));
        self
    }

    /// Serves a folder to every request whose host no other has.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.fallback = Some(Fallback::Folder(folder.into()));
        self
    }

    /// One more host with names of its own.
    #[must_use]
    pub fn host(mut self, host: Host) -> Self {
        self.hosts.push(host);
        self
    }

    /// One more certificate: a chain, leaf first, and its key, both PEM. Which one a client is shown, its names decide.
    #[must_use]
    pub fn certificate(self, chain: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.show(chain.into(), Key::File(key.into()))
    }

    /// One more certificate whose key is elsewhere: a chain in PEM, leaf first, and the schemes that the key signs with, best
    /// first (RFC 9846 section 4.3.3). [`Server::signer`] is asked for signatures.
    #[must_use]
    pub fn remote_certificate(self, chain: impl Into<PathBuf>, schemes: &[u16]) -> Self {
        self.show(chain.into(), Key::Elsewhere(schemes.into()))
    }

    fn show(mut self, chain: PathBuf, key: Key) -> Self {
        self.certificates.push(Shown { chain, key, staples: Staples::default() });
        self
    }

    /// What goes with the certificate that was named last, to clients that ask for it: its OCSP response, its Signed
    /// Certificate Timestamps. [`Running::renew_with`] puts fresh ones in their place.
    #[must_use]
    pub fn staples(mut self, staples: Staples) -> Self {
        match self.certificates.last_mut() {
            Some(shown) => shown.staples = staples,
            None => self.stray_staples = true,
        }
        self
    }

    /// Who signs for [`Server::remote_certificate`].
    #[must_use]
    pub fn signer(mut self, signer: Arc<dyn RemoteSigner>) -> Self {
        self.signer = Some(signer);
        self
    }

    /// One more local name for the development CA's certificate, such as `shop.localhost` or `www.saki.test`.
    #[must_use]
    pub fn local_name(mut self, name: impl Into<String>) -> Self {
        self.names.push(name.into());
        self
    }

    /// Listens there too; with port 0 the system chooses one. Without any, port 8443 of the loopback addresses.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.addresses.push(address);
        self
    }

    /// Threads; without a word, one a core.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers);
        self
    }

    /// What connections may take: of each kind, of HTTP/2, of HTTP/1.1. Each says for itself how long a client may take
    /// nothing: of its socket, of a stream, of its socket.
    #[must_use]
    pub fn limits(mut self, all: Limits, h2: h2::Limits, http1: http1::Limits) -> Self {
        (self.limits, self.h2, self.http1) = (all, h2, http1);
        self
    }

    /// Who is told of every request; without a word, standard output.
    #[must_use]
    pub fn log(mut self, log: AccessLog) -> Self {
        self.log = Some(log);
        self
    }

    /// What leaves in PRELOAD frames, by host. Whoever keeps the table may change it while the server runs.
    #[must_use]
    pub fn hints(mut self, table: Arc<Table>) -> Self {
        self.hints = Some(table);
        self
    }

    /// Whether [`Server::service`] or [`Server::folder`] sends hints to clients that do not know the PRELOAD frame as 103 (Early
    /// Hints) too; without a word, it does. Hosts say so themselves: [`Host::early_hints`].
    #[must_use]
    pub fn early_hints(mut self, wanted: bool) -> Self {
        self.no_early_hints = !wanted;
        self
    }

    /// Whether HTTP/3 is served too, by UDP at the same addresses and ports; without a word, it is, and clients that come by TCP are told.
    #[must_use]
    pub fn http3(mut self, wanted: bool) -> Self {
        self.no_http3 = !wanted;
        self
    }

    /// Answers `/metrics` there, over plain HTTP, for whoever reaches it.
    #[must_use]
    pub fn metrics(mut self, address: SocketAddr) -> Self {
        self.metrics.push(address);
        self
    }

    /// Listens there for plain HTTP, which is sent on to HTTPS at the first address of [`Server::listen`].
    #[must_use]
    pub fn redirect_http(mut self, address: SocketAddr) -> Self {
        self.redirect_http.push(address);
        self
    }

    /// Appends every connection's secrets to a file. Whoever reads it can decrypt a capture: for looking only.
    #[must_use]
    pub fn key_log(mut self, path: impl Into<PathBuf>) -> Self {
        self.key_log = Some(path.into());
        self
    }

    /// Makes TLS records longer than what they carry, so that whoever watches tells less from their lengths.
    #[must_use]
    pub fn padding(mut self, padding: tls::record::Padding) -> Self {
        self.padding = padding;
        self
    }

    /// Keeps the keys of tickets in a file, so that clients resume connections after a restart too, and at all servers that
    /// share it; [`crate::tickets::Keys::in_file`]. Without a word they are in memory. Where the file cannot be used any more,
    /// standard error is told, and within a day no connection is resumed.
    #[must_use]
    pub fn ticket_keys(mut self, path: impl Into<PathBuf>) -> Self {
        self.tickets = Resume::InFile(path.into());
        self
    }

    /// Gives out no tickets: every connection begins with a full handshake.
    #[must_use]
    pub fn no_tickets(mut self) -> Self {
        self.tickets = Resume::No;
        self
    }

    /// Asks clients of all hosts for certificates of their own. Services find who a client is among a request's extensions:
    /// [`crate::service::Identity`].
    #[must_use]
    pub fn client_certificates(mut self, asks: ClientCertificates) -> Self {
        self.client_certificates = Some(asks);
        self
    }

    /// Takes requests from returning clients' first flights (0-RTT): what is asked for by GET must bear being done twice.
    /// [`crate::replay::Register::policy`] is for one server with its keys in memory; servers that share keys in a file have to
    /// share a register too, one that says so ([`AntiReplay::is_shared`]).
    ///
    /// [`AntiReplay::is_shared`]: tls::server::AntiReplay::is_shared
    #[must_use]
    pub fn early_data(mut self, policy: EarlyDataPolicy) -> Self {
        self.early_data = Some(policy);
        self
    }

    /// Begins to serve, on threads of its own.
    ///
    /// # Errors
    /// [`Error`]: everything that can be wrong before the first request is found here.
    pub fn start(mut self) -> Result<Running, Error> {
        let hosts = self.all_hosts()?;
        let workers = self.workers.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
        let mut listeners = listen(&self.addresses, workers)?;
        let https = if self.no_http3 { Vec::new() } else { listeners.addresses().to_vec() };
        let port = listeners.addresses().first().map_or(PORT, SocketAddr::port);
        let redirects = self.redirect_http.iter().map(|address| (*address, Kind::Redirect(port)));
        let http3 = https.into_iter().map(|address| (address, Kind::Http3));
        for (address, kind) in
            http3.chain(redirects).chain(self.metrics.iter().map(|address| (*address, Kind::Metrics)))
        {
            listeners.open_as(address, kind).map_err(|error| Error::Listen(address, error))?;
        }
        let clock = Clock::start();
        let session = self.session(&hosts, port, clock)?;
        let key_log =
            |path: &PathBuf| KeyLogFile::open(path).map_err(|error| Error::Write(path.clone(), error));
        let key_log = self.key_log.as_ref().map(key_log).transpose()?;
        let log = self.log.unwrap_or_else(|| AccessLog::stdout(Format::Text));
        let mut site = Site::new(hosts, Arc::new(Swap::new(session)), log);
        (site.limits, site.http1, site.key_log) = (self.limits, self.http1, key_log);
        site.signer = self.signer;
        listeners.start(site, clock, &Stop::new()).map_err(Error::Run)
    }

    /// Serves until SIGINT or SIGTERM, then finishes what is under way. Blocks, so it is not for async code: that has
    /// [`Server::start`].
    ///
    /// # Errors
    /// As [`Server::start`], or a worker ended by a fault of ours.
    pub fn serve(self) -> Result<(), Error> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(Error::Run)?;
        let running = self.start()?;
        let told = async {
            let (mut interrupt, mut terminate) =
                (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            Ok(())
        };
        let told = runtime.block_on(told);
        running.stop();
        told.and_then(|()| running.join()).map_err(Error::Run)
    }

    fn all_hosts(&mut self) -> Result<Hosts, Error> {
        let target = match self.fallback.take() {
            Some(Fallback::Service(factory)) => Some(Target::Service(factory)),
            Some(Fallback::Folder(folder)) => {
                Some(Target::Files(Files::new(&folder).map_err(|error| Error::Read(folder, error))?))
            }
            None => None,
        };
        let early_hints = !self.no_early_hints;
        let mut hosts = core::mem::take(&mut self.hosts);
        hosts.extend(target.map(|target| Host { early_hints, ..Host::fallback(target) }));
        Hosts::new(hosts).map_err(Error::Hosts)
    }

    fn load(&self, shown: &Shown) -> Result<Arc<Credential>, Error> {
        let path = &shown.chain;
        let read = |path: &PathBuf| fs::read(path).map_err(|error| Error::Read(path.clone(), error));
        let credential = match &shown.key {
            Key::File(key) => Credential::from_pem(&PROVIDER, &read(path)?, &read(key)?),
            Key::Elsewhere(_) if self.signer.is_none() => return Err(Error::NoSigner(path.clone())),
            Key::Elsewhere(schemes) => Credential::remote(&PROVIDER, &read(path)?, schemes),
        };
        let credential = credential.map_err(|error| Error::Certificate(path.clone(), error))?;
        Ok(Arc::new(Credential { staples: shown.staples.clone(), ..credential }))
    }

    fn session(&self, hosts: &Hosts, port: u16, clock: Clock) -> Result<ServerConfig, Error> {
        let mut options = tls::server::Options::new(&PROVIDER);
        options.credentials =
            self.certificates.iter().map(|shown| self.load(shown)).collect::<Result<_, _>>()?;
        if self.stray_staples {
            return Err(Error::StrayStaples);
        }
        if options.credentials.is_empty() {
            options.credentials = development(&self.names)?;
        }
        options.alpn = [&b"h2"[..], b"http/1.1"].map(<[u8]>::to_vec).into();
        if !self.no_http3 {
            options.quic_alpn = vec![b"h3".to_vec()];
        }
        options.key_log = self.key_log.is_some();
        options.padding = self.padding;
        options.unix_secs_at_start = clock.unix_secs_at_start();
        let is_alone = self.early_data.as_ref().is_some_and(|policy| !policy.register.is_shared());
        if is_alone && matches!(self.tickets, Resume::InFile(_)) {
            return Err(Error::EarlyDataWithSharedKeys); // spec: 9846-8-a
        }
        let keys = match &self.tickets {
            Resume::No => None,
            Resume::InMemory => Some(Keys::in_memory().map_err(Error::Run)?),
            // What fails later leads to full handshakes, and is tried again.
            Resume::InFile(path) => {
                let name = path.display().to_string();
                let warn = move |error| eprintln!("warning: the keys of tickets, {name}: {error}");
                Some(Keys::in_file(path, warn).map_err(|error| Error::Read(path.clone(), error))?)
            }
        };
        options.tickets = keys.map(|keys| tls::Tickets::new(keys));
        let asking = self.client_certificates.iter().map(|asks| (&[][..], true, Some(asks)));
        options.client_authentication = policies(asking).map_err(Error::ClientCertificates)?;
        options.early_data = self.early_data.clone();
        let tls = options.build().map_err(Error::Tls)?;
        let names = hosts.all().iter().flat_map(|host| &host.names).map(Name::as_str);
        let (origins, extended_connect) = (origins(names, &tls, port), hosts.has_service());
        let h2 = h2::Config { limits: self.h2.clone(), extended_connect, origins, ..h2::Config::default() };
        let h3 = (!self.no_http3).then(|| {
            let origins = h2.origins.clone();
            // What was said of HTTP/2 and means the same there.
            let limits = h3::Limits { stall_ms: h2.limits.stall_ms, ..h3::Limits::default() };
            Arc::new(h3::Config { extended_connect, origins, limits, ..h3::Config::default() })
        });
        Ok(ServerConfig { tls, h2: Some(h2), h3, hints: self.hints.clone(), trace: false })
    }
}

fn development(names: &[String]) -> Result<Vec<Arc<Credential>>, Error> {
    let ca = DevCa::default_folder().and_then(DevCa::open).map_err(Error::DevCa)?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let leaves = ca.leaf(&names).map_err(Error::DevCa)?;
    let credential = |leaf: Leaf| {
        let key = (PROVIDER.signing_key)(&leaf.key).expect("the CA made the key with the same provider");
        let chain = leaf.chain.iter().map(|der| der.to_vec()).collect();
        Credential::load(chain, key).map(Arc::new)
    };
    let loaded: Result<_, _> = [leaves.ecdsa, leaves.rsa].into_iter().map(credential).collect();
    loaded.map_err(|error| Error::Certificate(ca.certificate_path(), error))
}

fn listen(addresses: &[SocketAddr], workers: usize) -> Result<Listeners, Error> {
    let mut listeners = Listeners::new(workers);
    for address in addresses {
        listeners.open(*address).map_err(|error| Error::Listen(*address, error))?;
    }
    if addresses.is_empty() {
        for address in sakigake_net::loopback(PORT) {
            match listeners.open(address) {
                // Not every machine has IPv6.
                Err(error) if address.is_ipv6() && error.kind() == io::ErrorKind::AddrNotAvailable => {}
                outcome => outcome.map_err(|error| Error::Listen(address, error))?,
            }
        }
    }
    Ok(listeners)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hosts(misuse) => misuse.fmt(f),
            Self::Read(path, error) => write!(f, "cannot read {}: {error}", path.display()),
            Self::Write(path, error) => write!(f, "cannot write {}: {error}", path.display()),
            Self::Certificate(path, error) => write!(f, "{}: {error}", path.display()),
            Self::StrayStaples => write!(f, "staples go with the certificate named before them, and there is none"),
            Self::NoSigner(path) => {
                write!(f, "{}: its key is elsewhere, and there is no signer", path.display())
            }
            Self::ClientCertificates(bad) => bad.fmt(f),
            Self::DevCa(error) => write!(f, "the development CA: {error}"),
            Self::EarlyDataWithSharedKeys => f.write_str(
                "early data with ticket keys in a file: who shares them would take the same first flight too, unless they share a \
                 register of first flights",
            ),
            Self::Tls(misuse) => misuse.fmt(f),
            Self::Listen(address, error) => write!(f, "cannot listen on {address}: {error}"),
            Self::Run(error) => write!(f, "the server: {error}"),
        }
    }
}

impl std::error::Error for Error {}
