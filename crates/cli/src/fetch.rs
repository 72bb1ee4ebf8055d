//! `sakigake fetch`: a page with everything it names, and its waterfall; or one resource, as curl would.

mod ask;
mod failure;
mod resource;
mod screen;

use crate::{
    Failure,
    arguments::{FetchArguments, IdentityArguments, Through, TrustArguments},
    serve,
    watch::qlog_folder,
};
use failure::{Ended, HTTP_ERROR, explain};
use sakigake::client::{
    Alternatives, Ask, Bypass, Cause, Client, Family, Http3, Identity, Loaded, NameServers, Options,
    Protocol, Proxies, Resolve, Trust,
    tickets::{InFolder, Store},
};
use sakigake::dev_ca::DevCa;
use sakigake_page::{har, load::State, waterfall};
use sakigake_tls::Credential;
use screen::Screen;
use std::{env, fs, process::ExitCode, sync::Arc, time::Duration};

pub(crate) fn run(arguments: &FetchArguments) -> Result<ExitCode, Failure> {
    match fetch(arguments) {
        Ok(code) => Ok(code),
        Err(Ended { code, why }) => {
            if arguments.shows_errors() {
                eprintln!("sakigake: {why}");
            }
            Ok(ExitCode::from(code))
        }
    }
}

fn fetch(arguments: &FetchArguments) -> Result<ExitCode, Ended> {
    let ask = ask::of(arguments)?;
    let mut options = options(arguments)?;
    options.identity = identity(&arguments.identity)?.map(|credential| {
        let hosts = vec![ask.url.origin().host.clone()];
        Identity { credential, hosts }
    });
    let client = Client::new(options).map_err(|error| Ended::of(&error, error.to_string()))?;
    let longest = Duration::from_nanos(arguments.max_time.as_nanos());
    super::on_this_thread(async {
        let work = async {
            match arguments.is_single() {
                true => resource::fetch(&client, &ask, arguments).await,
                false => page(&client, &ask, arguments).await,
            }
        };
        let late = || Ended::late(format_args!("{} did not load within {}", ask.url, arguments.max_time));
        Ok(tokio::time::timeout(longest, work).await.unwrap_or_else(|_| Err(late())))
    })?
}

fn options(arguments: &FetchArguments) -> Result<Options, Ended> {
    let resolve = arguments.resolve.iter().flat_map(|given| {
        let row = |address: &_| Resolve { host: given.host.clone(), port: given.port, address: *address };
        given.addresses.iter().map(row)
    });
    let (protocols, http3) = match arguments {
        FetchArguments { http1: true, .. } => (vec![Protocol::Http1], Http3::Never),
        FetchArguments { http2: true, .. } => (vec![Protocol::Http2], Http3::Never),
        FetchArguments { http3, http3_only, .. } => {
            let tried = if *http3 { Http3::Tried } else { Http3::WhereOffered };
            (vec![Protocol::Http2, Protocol::Http1], if *http3_only { Http3::Only } else { tried })
        }
    };
    Ok(Options {
        trust: trust(&arguments.trust),
        verifier: None,
        crls: arguments.crlfile.clone(),
        resolve: resolve.collect(),
        preload: !arguments.no_preload,
        early_hints: !arguments.no_early_hints,
        key_log: arguments.keylog.as_deref().map(serve::open_key_log).transpose()?,
        qlog: qlog_folder(arguments.qlog.as_deref()),
        family: match (arguments.ipv4, arguments.ipv6) {
            (true, _) => Family::Ipv4,
            (_, true) => Family::Ipv6,
            _ => Family::Any,
        },
        proxies: proxies(arguments)?,
        connect_patience: Duration::from_nanos(arguments.connect_timeout.as_nanos()),
        identity: None,
        tickets: if arguments.no_tickets { None } else { tickets(arguments.verbose) },
        early_data: arguments.early_data,
        protocols,
        http3,
        alternatives: (http3 != Http3::Never).then(|| alternatives(arguments.verbose)),
        name_servers: match &arguments.dns_servers[..] {
            [] => NameServers::System,
            given => NameServers::These(given.to_vec()),
        },
    })
}

/// The user's own tickets; none where they cannot be kept, since that costs full handshakes and no more: who wants to know is
/// told why.
pub(crate) fn tickets(is_told: bool) -> Option<Arc<dyn Store>> {
    let folder = DevCa::default_folder().ok()?.join("tickets"); // Nobody's home.
    match InFolder::open(&folder) {
        Ok(store) => Some(Arc::new(store)),
        Err(error) => {
            if is_told {
                eprintln!("warning: no tickets are kept in {}: {error}", folder.display());
            }
            None
        }
    }
}

/// Where servers said that they speak HTTP/3; for this run alone where that cannot be kept.
fn alternatives(is_told: bool) -> Arc<Alternatives> {
    let Ok(folder) = DevCa::default_folder() else { return Arc::default() }; // Nobody's home.
    let path = folder.join("alternatives");
    match Alternatives::in_file(&path) {
        Ok(alternatives) => Arc::new(alternatives),
        Err(error) => {
            if is_told {
                eprintln!("warning: {} is not read: {error}", path.display());
            }
            Arc::default()
        }
    }
}

/// What the arguments say of proxies, and else the environment.
fn proxies(arguments: &FetchArguments) -> Result<Proxies, Ended> {
    let mut proxies = match &arguments.proxy {
        Some(Through(proxy)) => {
            Proxies { proxy: proxy.clone(), ..environment(|name| name.ends_with("no_proxy"))? }
        }
        None => environment(|_| true)?,
    };
    if let Some(list) = &arguments.noproxy {
        proxies.bypass = Bypass::parse(list);
    }
    Ok(proxies)
}

/// The proxies of those variables of the environment whose names, in lower case, are `heeded`.
fn environment(heeded: impl Fn(&str) -> bool) -> Result<Proxies, Ended> {
    let variable = |name: &str| env::var(name).ok().filter(|_| heeded(&name.to_ascii_lowercase())); // No text, no proxy.
    Proxies::of_environment(variable).map_err(|bad| Ended::new(Cause::CouldntResolveProxy, bad))
}

pub(crate) fn trust(arguments: &TrustArguments) -> Trust {
    match &arguments.cacert {
        _ if arguments.insecure => Trust::Anybody,
        Some(path) => Trust::File(path.clone()),
        None => Trust::Platform,
    }
}

/// What the arguments name; the key may stand in the certificate's file.
pub(crate) fn identity(arguments: &IdentityArguments) -> Result<Option<Arc<Credential>>, Failure> {
    let Some(cert) = &arguments.cert else { return Ok(None) };
    serve::load(cert, arguments.key.as_ref().unwrap_or(cert)).map(Some)
}

async fn page(client: &Client, ask: &Ask, arguments: &FetchArguments) -> Result<ExitCode, Ended> {
    let mut screen = Screen::new(arguments);
    let loaded = client.page(ask, &mut screen).await;
    screen.clear();
    let loaded = loaded.map_err(|error| explain(&ask.url, &error, ""))?;
    let mut drawing = waterfall::Waterfall::of(&loaded.load);
    drawing.connected = loaded.connected;
    crate::print(format_args!("{}", waterfall::text(&drawing, &super::terminal())))?;
    crate::print(format_args!("{}\n", spoken(&loaded)))?;
    if let Some(path) = &arguments.svg {
        fs::write(path, waterfall::svg(&drawing)).map_err(|error| Ended::unwritten(path, &error))?;
    }
    if let Some(path) = &arguments.har {
        let archive = har::archive(&loaded.load, &loaded.exchanges, loaded.began_unix_nanos);
        fs::write(path, archive).map_err(|error| Ended::unwritten(path, &error))?;
    }
    for entry in loaded.load.entries() {
        if let State::Failed(why) = &entry.state
            && arguments.shows_errors()
        {
            eprintln!("{}: {why}", entry.resource.url);
        }
    }
    Ok(match loaded.load.summary().status {
        Some(status) if status >= 400 => ExitCode::from(HTTP_ERROR),
        _ => ExitCode::SUCCESS,
    })
}

fn spoken(loaded: &Loaded) -> String {
    let each =
        loaded.protocols.iter().map(|(origin, protocol)| format!("{protocol} with {}", origin.authority()));
    each.collect::<Vec<_>>().join(", ")
}
