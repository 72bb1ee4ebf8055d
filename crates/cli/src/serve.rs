//! `sakigake serve`: a folder over HTTPS.

mod certificates;

pub(crate) use certificates::{credential, load};

use crate::{
    Failure,
    arguments::{LogFormat, ServeArguments},
};
use certificates::Certificates;
use sakigake::{
    Swap,
    access_log::{AccessLog, Format},
    files::Files,
    hints::{SiteHints, Source, Watch},
    hosts::{Hosts, Target},
    key_log::KeyLogFile,
    server::{Listeners, Signals, Site, Stop},
};
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_net::{Clock, loopback};
use sakigake_page::Url;
use sakigake_preload::{
    Table,
    table::{self, ANY_HOST},
};
use sakigake_session::ServerConfig;
use sakigake_tls::{self as tls, Credential};
use std::{io, net::SocketAddr, path::Path, process::ExitCode, sync::Arc, thread};

/// Where `serve` listens unless it is told otherwise.
const PORT: u16 = 8443;

pub(crate) fn run(arguments: ServeArguments) -> Result<ExitCode, Failure> {
    let clock = Clock::start();
    let files = Files::new(&arguments.dir)
        .map_err(|error| Failure::because(format_args!("cannot serve {}", arguments.dir.display()), error))?;
    let public = arguments.public.as_deref().map(parse_public).transpose()?;
    let certificates = Certificates::of(&arguments, public.as_ref())?;
    let listeners = listen(&arguments.listen)?;
    let port = listeners.addresses().first().map_or(PORT, SocketAddr::port);
    let hints = match arguments.no_preload {
        true => None,
        false => Some(Hinting::start(&arguments, &files, public.as_ref(), port)?),
    };
    let (table, logs_keys) = (hints.as_ref().map(|hints| hints.table.clone()), arguments.keylog.is_some());
    let configure = move |credentials: Vec<Arc<Credential>>| configure(credentials, table.clone(), logs_keys);
    let session = Arc::new(Swap::new(configure(certificates.credentials)?));
    if let Some(due) = certificates.renew_at {
        certificates::keep_fresh(session.clone(), public.clone(), due, configure.clone())?;
    }
    let log = match arguments.log {
        LogFormat::Text => AccessLog::stdout(Format::Text),
        LogFormat::Json => AccessLog::stdout(Format::Json),
        LogFormat::Common => AccessLog::stdout(Format::Common),
        LogFormat::Off => AccessLog::off(),
    };
    let key_log = arguments.keylog.as_deref().map(open_key_log).transpose()?;
    let site = || {
        let mut site = Site::new(Hosts::one(Target::Files(files.clone())), session.clone(), log.clone());
        site.key_log = key_log.clone();
        site
    };
    let signals = Signals::listen().map_err(|error| Failure::because("cannot listen for signals", error))?;
    announce(&listeners, &arguments, public.as_ref(), &certificates.what, hints.as_ref())?;
    let failed = |error| Failure::because("the server", error);
    let running = listeners.start(site(), clock, &Stop::new()).map_err(failed)?;
    let reload = || {
        // What is renewed by the day is renewed already; files that somebody else renews are read again.
        if !arguments.cert.is_empty() {
            session.set(configure(Certificates::of(&arguments, public.as_ref())?.credentials)?);
        }
        Ok::<_, Failure>(site())
    };
    signals.attend(running, reload).map_err(failed)?;
    Ok(ExitCode::SUCCESS)
}

/// How sessions behave that show `credentials`.
fn configure(
    credentials: Vec<Arc<Credential>>,
    hints: Option<Arc<Table>>,
    logs_keys: bool,
) -> Result<ServerConfig, Failure> {
    let mut options = tls::server::Options::new(&PROVIDER);
    options.credentials = credentials;
    options.alpn = [&b"h2"[..], b"http/1.1", b"http/1.0"].map(<[u8]>::to_vec).into();
    options.key_log = logs_keys;
    let tls = options.build().map_err(Failure::new)?;
    Ok(ServerConfig { tls, h2: Some(Default::default()), hints, trace: false })
}

fn parse_public(text: &str) -> Result<Url, Failure> {
    let url = Url::parse(text).filter(|url| url.origin().secure && url.target() == "/");
    url.ok_or_else(|| {
        Failure::new(format_args!("--public {text:?} is not an address such as https://example.com"))
    })
}

/// Opens what was asked for; by default every loopback address that this machine has.
fn listen(asked: &[SocketAddr]) -> Result<Listeners, Failure> {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let mut listeners = Listeners::take_over(workers)
        .map_err(|error| Failure::because("what this process inherited", error))?;
    for address in asked {
        listeners.open(*address).map_err(|error| cannot_listen(*address, &error))?;
    }
    if asked.is_empty() {
        for address in loopback(PORT) {
            match listeners.open(address) {
                Err(error) if address.is_ipv6() && error.kind() == io::ErrorKind::AddrNotAvailable => {}
                outcome => outcome.map_err(|error| cannot_listen(address, &error))?,
            }
        }
    }
    Ok(listeners)
}

/// The hints that leave first, kept up to date with the folder.
struct Hinting {
    table: Arc<Table>,
    watch: Watch,
}

impl Hinting {
    fn start(
        arguments: &ServeArguments,
        files: &Files,
        public: Option<&Url>,
        port: u16,
    ) -> Result<Self, Failure> {
        let config = table::Config {
            public: public.map(|url| url.origin().authority()),
            port,
            default_host: Some(public.map_or("localhost", |url| &url.origin().host).to_owned()),
            ..table::Config::default()
        };
        let origin = match public {
            Some(url) => url.clone(),
            None => Url::parse(&format!("https://localhost:{port}/")).expect("it is a URL"),
        };
        let source = match &arguments.hints {
            Some(path) => Source::File(path.clone()),
            None => Source::Site(Default::default()),
        };
        let table = Arc::new(Table::new(config));
        let changing = table.clone();
        let notice = move |hints: io::Result<&SiteHints>| match hints {
            Ok(hints) => changing.set(ANY_HOST, &hints.site()),
            Err(error) => eprintln!("warning: the hints stay as they were: {error}"),
        };
        let what = arguments.hints.as_ref().unwrap_or(&arguments.dir);
        let watch = Watch::start(files.clone(), origin, source, notice)
            .map_err(|error| Failure::because(format_args!("the hints of {}", what.display()), error))?;
        table.set(ANY_HOST, &watch.now().site());
        Ok(Self { table, watch })
    }

    /// In words: how many leave first, and how many wait for their page.
    fn summary(&self) -> String {
        let site = self.watch.now().site();
        let first = site.hints.len().min(self.table.config().budget.hints);
        let later: usize = site.pages.iter().map(|(_, hints)| hints.len()).sum();
        match (first, later) {
            (0, 0) => "none: no page names anything".into(),
            (first, 0) => format!("{first}, in the server's first flight"),
            (first, later) => {
                format!("{first} in the server's first flight, {later} when their page is asked for")
            }
        }
    }
}

pub(crate) fn open_key_log(path: &Path) -> Result<KeyLogFile, Failure> {
    eprintln!(
        "warning: whoever reads {} can decrypt these connections; do not use --keylog for anything but looking",
        path.display()
    );
    KeyLogFile::open(path)
        .map_err(|error| Failure::because(format_args!("cannot write {}", path.display()), error))
}

fn cannot_listen(address: SocketAddr, error: &io::Error) -> Failure {
    let hint = match error.kind() {
        io::ErrorKind::AddrInUse => "; another program listens there, --listen chooses another place",
        io::ErrorKind::PermissionDenied => "; ports below 1024 need privileges",
        _ => "",
    };
    Failure::because(format_args!("cannot listen on {address}"), format_args!("{error}{hint}"))
}

/// What a person needs to know, on standard output.
fn announce(
    listeners: &Listeners,
    arguments: &ServeArguments,
    public: Option<&Url>,
    certificate: &str,
    hints: Option<&Hinting>,
) -> Result<(), Failure> {
    let local = |address: &SocketAddr| match address.ip().is_loopback() || address.ip().is_unspecified() {
        true => format!("https://localhost:{}/", address.port()),
        false => format!("https://{address}/"),
    };
    let url = public.map(ToString::to_string).or_else(|| listeners.addresses().first().map(local));
    crate::print(format_args!("Serving {} at {}\n", arguments.dir.display(), url.unwrap_or_default()))?;
    let places: Vec<String> = listeners.addresses().iter().map(ToString::to_string).collect();
    crate::print(format_args!("  listening    {}\n", places.join(", ")))?;
    crate::print(format_args!("  protocols    TLS 1.3 with HTTP/2 or HTTP/1.1\n"))?;
    crate::print(format_args!("  certificate  {certificate}\n"))?;
    crate::print(format_args!("  hints        {}\n", hints.map_or("off".into(), Hinting::summary)))
}
