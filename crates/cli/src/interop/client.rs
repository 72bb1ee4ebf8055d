//! The client: which files on which connection, and where they go.

use super::{
    ALPN, Contract, Way,
    fetcher::{Fetcher, Request},
    folder, said,
};
use crate::{Failure, arguments::InteropClientArguments};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use sakigake::client::Trust;
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_net::{
    Clock, UdpOptions, UdpPort,
    quic::{Secrets, Service, Worker},
    source_towards,
};
use sakigake_quic::{
    connection::{Attempt, Config, Options},
    ids::ConnectionId,
    paths::Addresses,
    rules::versions::{VERSION_1, Version},
};
use sakigake_tls::{self as tls, Verifier, WebPki, extension::TicketRequest};
use std::{
    net::{SocketAddr, ToSocketAddrs},
    path::Path,
    process::ExitCode,
    sync::Arc,
};

pub(super) fn run(contract: &Contract, arguments: &InteropClientArguments) -> Result<ExitCode, Failure> {
    let downloads = folder(arguments.downloads.as_ref(), &["DOWNLOADS"], "/downloads");
    let told = said("REQUESTS").unwrap_or_default();
    let urls: Vec<&str> = match &arguments.requests[..] {
        [] => told.split_whitespace().collect(),
        given => given.iter().map(String::as_str).collect(),
    };
    let targets: Vec<Target<'_>> = urls.iter().map(|url| Target::of(url)).collect::<Result<_, _>>()?;
    let first = targets.first().ok_or_else(|| Failure::new("there is nothing to fetch"))?;
    if targets.iter().any(|target| (target.host, target.port) != (first.host, first.port)) {
        return Err(Failure::new("the files are of different servers"));
    }
    let mut client = Client::new(contract, first, verifier(&contract.certs, arguments.insecure)?)?;
    let mut requests: Vec<Request> = targets.iter().map(|target| target.request(&downloads)).collect();
    crate::on_this_thread(async {
        match contract.case.client {
            way @ (Way::Together | Way::KeyUpdate | Way::Migrate) => {
                client.fetch(requests, way, false).await?
            }
            Way::Apart => {
                for request in requests {
                    client.fetch(vec![request], Way::Together, false).await?;
                }
            }
            way @ (Way::Resume | Way::Early) => {
                let rest = requests.split_off(1);
                client.fetch(requests, Way::Together, true).await?;
                client.fetch(rest, way, false).await?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Who has to vouch for the server: the root of the certificates' folder, or one of those below it in the server's own chain,
/// since a test case's chain may be longer than verifiers follow. Where nobody has to, that is said.
fn verifier(certs: &Path, is_insecure: bool) -> Result<Arc<dyn Verifier>, Failure> {
    let (root, chain) = (certs.join("ca.pem"), certs.join("cert.pem"));
    if is_insecure || !root.exists() {
        let why = if is_insecure { "as asked".to_owned() } else { format!("there is no {}", root.display()) };
        eprintln!("nobody vouches for the server: {why}");
        return Trust::Anybody.verifier().map_err(Failure::new);
    }
    let mut anchors = certificates(&root)?;
    if chain.exists() {
        anchors.extend(certificates(&chain)?.into_iter().skip(1));
    }
    let mut verifier = WebPki::new(&PROVIDER);
    for anchor in &anchors {
        let unusable = |why| Failure::because(format_args!("an authority of {}", certs.display()), why);
        verifier.trust(anchor).map_err(|why| unusable(tls::Fault::CertificateRejected(why)))?;
    }
    Ok(Arc::new(verifier))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let unreadable = |why| Failure::because(format_args!("cannot read {}", path.display()), why);
    CertificateDer::pem_file_iter(path).and_then(Iterator::collect).map_err(unreadable)
}

/// One address to fetch from.
struct Target<'a> {
    host: &'a str,
    port: u16,
    path: &'a str,
}

impl<'a> Target<'a> {
    fn of(url: &'a str) -> Result<Self, Failure> {
        let wrong = || Failure::new(format_args!("{url:?} is no https://HOST:PORT/PATH"));
        let rest = url.strip_prefix("https://").ok_or_else(wrong)?;
        let (place, path) = rest.split_at(rest.find('/').ok_or_else(wrong)?);
        let (host, port) = crate::place(place)?;
        let is_file = path.rsplit('/').next().is_some_and(|name| !name.is_empty() && name != "..");
        if is_file { Ok(Self { host, port, path }) } else { Err(wrong()) }
    }

    /// The last part of the path is the name of the file.
    fn request(&self, downloads: &Path) -> Request {
        let name = self.path.rsplit('/').next().unwrap_or_default(); // `of` has seen that there is one.
        Request { path: self.path.into(), file: downloads.join(name) }
    }
}

struct Client<'a> {
    contract: &'a Contract,
    clock: Clock,
    secrets: Secrets,
    tls: tls::client::Options,
    quic: Arc<Config>,
    server_name: &'a str,
    peer: SocketAddr,
    session: Option<Box<tls::Session>>,
    token: Vec<u8>,
}

impl<'a> Client<'a> {
    fn new(
        contract: &'a Contract,
        target: &Target<'a>,
        verifier: Arc<dyn Verifier>,
    ) -> Result<Self, Failure> {
        let (clock, secrets) = (Clock::start(), Secrets::draw());
        let mut tls = tls::client::Options::new(contract.provider());
        tls.verifier = Some(verifier);
        tls.limits = Contract::limits();
        tls.alpn = vec![ALPN.to_vec()];
        tls.unix_secs_at_start = clock.unix_secs_at_start();
        tls.key_log = contract.key_log.is_some();
        if contract.case.is_brief {
            tls.groups = vec![tls::rules::NamedGroup::X25519.0];
        }
        let quic = contract.quic(Options {
            reset_key: Some(secrets.reset_key()),
            unix_secs_at_start: clock.unix_secs_at_start(),
            ..Options::default()
        })?;
        let unknown = |why: &dyn core::fmt::Display| {
            Failure::because(format_args!("{} cannot be found", target.host), why)
        };
        let mut addresses = (target.host, target.port).to_socket_addrs().map_err(|error| unknown(&error))?;
        let peer = addresses.next().ok_or_else(|| unknown(&"it has no address"))?;
        let (server_name, session, token) = (target.host, None, Vec::new());
        Ok(Self { contract, clock, secrets, tls, quic, server_name, peer, session, token })
    }

    /// One connection, and what it is to fetch.
    async fn fetch(&mut self, requests: Vec<Request>, way: Way, wants_ticket: bool) -> Result<(), Failure> {
        let begin = self.contract.case.is_v2.then_some(&VERSION_1);
        let fetcher = Fetcher::new(self.contract.watch(), requests, way, wants_ticket);
        let ended = self.connect(fetcher, begin).await?;
        self.session = ended.session;
        self.token = ended.token;
        ended.failure.map_or(Ok(()), |why| Err(Failure::new(why)))
    }

    async fn connect(
        &mut self,
        mut fetcher: Fetcher,
        version: Option<&'static Version>,
    ) -> Result<Fetcher, Failure> {
        let bind = || -> std::io::Result<UdpPort> {
            let local = SocketAddr::new(source_towards(self.peer)?, 0);
            UdpPort::bind(local, &UdpOptions::default())
        };
        let port = bind().map_err(|error| Failure::because("no UDP port can be opened", error))?;
        let local = port.local();
        let mut worker = Worker::client(self.clock, &self.secrets, Alone::default());
        worker.add(port);
        if fetcher.way() == Way::Migrate {
            let other = bind().map_err(|error| Failure::because("no UDP port can be opened", error))?;
            fetcher.move_to(other.local());
            worker.add(other);
        }
        let mut tls = self.tls.clone();
        tls.tickets = Some(TicketRequest { new_session_count: 1, resumption_count: 1 });
        tls.early_data = fetcher.way() == Way::Early;
        let attempt = Attempt {
            server_name: self.server_name,
            session: self.session.take().map(|session| *session),
            token: core::mem::take(&mut self.token),
            addresses: Addresses { local, peer: self.peer },
            local: ConnectionId::EMPTY,
            version,
            has_reacted: false,
        };
        let tls = tls.build().map_err(Failure::new)?;
        worker.connect(tls, self.quic.clone(), attempt, fetcher).map_err(Failure::new)?;
        loop {
            worker.turn().await.map_err(Failure::new)?;
            if let Some(ended) = worker.service().0.take() {
                return Ok(ended);
            }
        }
    }
}

/// Serves nobody, and keeps what remains of the one connection.
#[derive(Default)]
struct Alone(Option<Fetcher>);

impl Service for Alone {
    type Application = Fetcher;

    fn accept(&mut self, _: sakigake_wire::Instant, _: &Addresses) -> Option<Fetcher> {
        None
    }

    fn ended(&mut self, application: Fetcher) {
        self.0 = Some(application);
    }
}
