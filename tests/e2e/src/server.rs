use crate::{Scratch, eventually};
use sakigake::{
    RemoteSigner, Swap,
    access_log::{AccessLog, Format},
    client::{Client, Options, Resolve, Trust},
    dev_ca::{DevCa, Leaf},
    files::Files,
    hints::{SiteHints, Source, Watch},
    hosts::{Hosts, Target},
    http1,
    key_log::KeyLogFile,
    server::{Kind, Limits, Listeners, Running, Site, Stop},
    service::Factory,
};
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_h2 as h2;
use sakigake_h3 as h3;
use sakigake_net::Clock;
use sakigake_page::Url;
use sakigake_preload::{
    Table,
    table::{self, ANY_HOST},
};
use sakigake_session::ServerConfig;
use sakigake_tls::{
    self as tls, Credential,
    server::{ClientAuthentication, EarlyDataPolicy},
};
use std::{
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// The site that comes with the project.
pub fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/site")
}

/// What a server is to be like; [`Setup::of`] is what `serve` makes of a folder, with one worker.
pub struct Setup {
    /// The folder that it serves.
    pub dir: PathBuf,
    /// What it serves instead of the folder.
    pub hosts: Option<Hosts>,
    /// Threads.
    pub workers: usize,
    /// Whether PRELOAD frames leave.
    pub hints: bool,
    /// Whether HTTP/3 is served too.
    pub http3: bool,
    /// Protocols over TCP.
    pub alpn: Vec<Vec<u8>>,
    /// Bounds of TLS.
    pub tls: tls::Limits,
    /// Bounds of connections.
    pub limits: Limits,
    /// Bounds of HTTP/1.1.
    pub http1: http1::Limits,
    /// Bounds of HTTP/2.
    pub h2: h2::Limits,
    /// Where secrets go.
    pub key_log: Option<PathBuf>,
    /// How clients are asked who they are.
    pub client_authentication: Vec<Arc<ClientAuthentication>>,
    /// Signs in the place of the certificates' own keys, of which it is given the credentials.
    pub remote: Option<MakeSigner>,
    /// How clients resume connections.
    pub tickets: Option<tls::Tickets>,
    /// Which early data is taken.
    pub early_data: Option<EarlyDataPolicy>,
}

/// Makes who signs.
pub type MakeSigner = Box<dyn FnOnce(&[Arc<Credential>]) -> Arc<dyn RemoteSigner>>;

impl Setup {
    /// The usual.
    pub fn of(dir: impl AsRef<Path>) -> Self {
        Self {
            dir: dir.as_ref().into(),
            hosts: None,
            workers: 1,
            hints: true,
            http3: false,
            alpn: vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            tls: tls::Limits::default(),
            limits: Limits::default(),
            http1: http1::Limits::default(),
            h2: h2::Limits::default(),
            key_log: None,
            client_authentication: Vec::new(),
            remote: None,
            tickets: None,
            early_data: None,
        }
    }
}

impl Setup {
    /// A program instead of a folder.
    pub fn of_service(factory: Factory) -> Self {
        Self { hosts: Some(Hosts::one(Target::Service(factory))), hints: false, ..Self::of(example()) }
    }
}

/// A server on threads of its own, on a port that the system chose.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// What it says first.
    pub table: Arc<Table>,
    /// Its CA's certificate.
    pub ca: PathBuf,
    /// How its sessions behave; may be replaced while it runs.
    pub session: Arc<Swap<ServerConfig>>,
    log: Shared,
    /// Its handle.
    pub running: Running,
    _watch: Option<Watch>,
    _scratch: Scratch,
}

impl Server {
    /// Starts one.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(setup: Setup) -> Self {
        let scratch = Scratch::new();
        let ca = DevCa::open(scratch.path()).expect("a CA can be made");
        let mut listeners = Listeners::new(setup.workers);
        listeners.open((Ipv4Addr::LOCALHOST, 0).into()).expect("loopback is there");
        let address = listeners.addresses()[0];
        let files = Files::new(&setup.dir).expect("the folder is there");
        if setup.http3 {
            listeners.open_as(address, Kind::Http3).expect("nobody has the port");
        }
        let (table, watch) = hints(&setup, &files, address.port());
        let mut options = tls::server::Options::new(&PROVIDER);
        let leaves = ca.leaf(&["www.saki.test", "other.saki.test"]).expect("leaves can be made");
        options.credentials = [leaves.ecdsa, leaves.rsa].into_iter().map(credential).collect();
        let signer = setup.remote.map(|make| make(&options.credentials));
        if signer.is_some() {
            options.credentials = options.credentials.iter().map(|credential| keyless(credential)).collect();
        }
        options.alpn = setup.alpn;
        if setup.http3 {
            options.quic_alpn = vec![b"h3".to_vec()];
        }
        options.limits = setup.tls;
        options.key_log = setup.key_log.is_some();
        let clock = Clock::start();
        options.unix_secs_at_start = clock.unix_secs_at_start();
        options.client_authentication = setup.client_authentication;
        options.tickets = setup.tickets;
        options.early_data = setup.early_data;
        let log = Shared::default();
        let hosts = setup.hosts.unwrap_or_else(|| Hosts::one(Target::Files(files)));
        let h2 =
            h2::Config { extended_connect: hosts.has_service(), limits: setup.h2, ..h2::Config::default() };
        let extended_connect = hosts.has_service();
        let h3 = setup.http3.then(|| Arc::new(h3::Config { extended_connect, ..h3::Config::default() }));
        let session = Arc::new(Swap::new(ServerConfig {
            tls: options.build().expect("the options are good"),
            h2: Some(h2),
            h3,
            hints: setup.hints.then(|| table.clone()),
            trace: false,
        }));
        let mut site = Site::new(hosts, session.clone(), AccessLog::new(Format::Text, Box::new(log.clone())));
        site.signer = signer;
        site.limits = setup.limits;
        site.http1 = setup.http1;
        site.key_log = setup.key_log.map(|path| KeyLogFile::open(&path).expect("it can be written"));
        let running = listeners.start(site, clock, &Stop::new()).expect("it serves");
        let ca = ca.certificate_path();
        Self { address, table, ca, session, log, running, _watch: watch, _scratch: scratch }
    }

    /// From now on clients are asked like that.
    ///
    /// # Panics
    /// When TLS refuses it.
    pub fn ask_clients(&self, client_authentication: Vec<Arc<ClientAuthentication>>) {
        let now = self.session.now();
        let tls = now.tls.with_client_authentication(client_authentication).expect("the options are good");
        let (h2, h3, hints, trace) = (now.h2.clone(), now.h3.clone(), now.hints.clone(), now.trace);
        self.session.set(ServerConfig { tls, h2, h3, hints, trace });
    }

    /// A site that logs where this server's does, and shows the same certificates.
    pub fn another(&self, hosts: Hosts) -> Site {
        Site::new(hosts, self.session.clone(), AccessLog::new(Format::Text, Box::new(self.log.clone())))
    }

    /// The address of `path` under the name `www.saki.test`.
    ///
    /// # Panics
    /// When that is no URL.
    pub fn url(&self, path: &str) -> Url {
        let text = format!("https://www.saki.test:{}{path}", self.address.port());
        Url::parse(&text).expect("it is a URL")
    }

    /// A client that trusts it and knows where its names are.
    ///
    /// # Panics
    /// When its certificate cannot be read.
    pub fn client(&self, preload: bool) -> Client {
        self.client_with(Options { preload, ..Options::default() })
    }

    /// The same, with what else `options` say.
    ///
    /// # Panics
    /// When its certificate cannot be read.
    pub fn client_with(&self, options: Options) -> Client {
        let resolve =
            |host: &str| Resolve { host: host.into(), port: self.address.port(), address: self.address.ip() };
        Client::new(Options {
            trust: Trust::File(self.ca.clone()),
            resolve: ["www.saki.test", "other.saki.test"].map(resolve).into(),
            ..options
        })
        .expect("the CA can be read")
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        let log = self.log.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&log).into_owned()
    }

    /// What it logged, and all that it will: it is told to stop, and has ended.
    ///
    /// # Panics
    /// When it does not end, because a connection of the test's own is open.
    pub fn whole_log(&self) -> String {
        self.running.stop();
        eventually("the server's end", || self.has_ended());
        // The site went with its threads, and its log wrote what was left, unless a copy of it lives.
        self.log()
    }

    /// Tells it to stop, and goes on.
    pub fn tell_stop(&self) {
        self.running.stop();
    }

    /// Whether all its threads have ended.
    pub fn has_ended(&self) -> bool {
        self.running.has_ended()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its threads may still wait for a connection that a failed test left behind; they end with the process.
        self.running.stop();
    }
}

fn hints(setup: &Setup, files: &Files, port: u16) -> (Arc<Table>, Option<Watch>) {
    let config = table::Config { port, default_host: Some("localhost".into()), ..table::Config::default() };
    let table = Arc::new(Table::new(config));
    let origin = Url::parse(&format!("https://localhost:{port}/")).expect("it is a URL");
    let changing = table.clone();
    let notice = move |hints: io::Result<&SiteHints>| {
        changing.set(ANY_HOST, &hints.expect("the folder can be read").site());
    };
    let watch = setup.hints.then(|| {
        Watch::start(files.clone(), origin, Source::Site(Default::default()), notice).expect("it is read")
    });
    if let Some(watch) = &watch {
        table.set(ANY_HOST, &watch.now().site());
    }
    (table, watch)
}

/// The same without its key.
fn keyless(credential: &Credential) -> Arc<Credential> {
    Arc::new(Credential {
        chain: credential.chain.clone(),
        schemes: credential.schemes.clone(),
        signed_with: credential.signed_with.clone(),
        names: credential.names.clone(),
        ..Credential::default()
    })
}

fn credential(leaf: Leaf) -> Arc<Credential> {
    let key = (PROVIDER.signing_key)(&leaf.key).unwrap_or_else(|_| panic!("our own key is good"));
    let chain = leaf.chain.iter().map(|der| der.to_vec()).collect();
    Arc::new(Credential::load(chain, key).expect("our own certificate is good"))
}

/// A log that a test reads.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
