//! What the hosts show, and until when it is good.

use crate::{Failure, ca};
use sakigake::{
    Swap,
    config::{Ready, Shown},
    dev_ca::Leaf,
    expiry,
    hosts::origins,
    tickets::Keys,
};
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_net::Clock;
use sakigake_preload::Table;
use sakigake_session::ServerConfig;
use sakigake_tls::{
    self as tls, Credential,
    record::Padding,
    server::{ClientAuthentication, EarlyDataPolicy},
};
use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, SystemTime},
};

/// How often the time is looked at: a machine that slept has missed a longer sleep's end.
const LOOK: Duration = Duration::from_secs(600);

/// How sessions are to behave, but for the leaves of the development CA, which do not last.
pub(super) struct Showing {
    /// What hosts show, the default host's first: it is for clients that name nobody.
    shown: Vec<Shown>,
    /// Names that the development CA is to vouch for.
    development: Vec<String>,
    hints: Option<Arc<Table>>,
    /// How hosts ask clients who they are.
    client_authentication: Vec<Arc<ClientAuthentication>>,
    /// What HTTP/2 connections may take.
    limits: sakigake_h2::Limits,
    has_http3: bool,
    logs_keys: bool,
    padding: Padding,
    /// How clients resume connections, if they may.
    tickets: Option<tls::Tickets>,
    /// Which early data is taken.
    early_data: Option<EarlyDataPolicy>,
    /// By which sessions know the time.
    clock: Clock,
    /// Names of hosts, and the port that visitors see, where clients are told for which of them a connection is.
    told: Option<(Vec<String>, u16)>,
}

impl Showing {
    pub(super) fn of(
        ready: &Ready,
        hints: Option<Arc<Table>>,
        (keys, early_data): (Option<&Arc<Keys>>, Option<EarlyDataPolicy>),
        clock: Clock,
    ) -> Self {
        let config = &ready.config;
        let mut hosts: Vec<_> = config.hosts.iter().zip(&ready.shown).collect();
        hosts.sort_by_key(|(host, _)| !host.is_default);
        Self {
            shown: hosts.into_iter().map(|(_, shown)| shown.clone()).collect(),
            development: ready.development().into_iter().map(String::from).collect(),
            hints,
            client_authentication: ready.client_authentication.clone(),
            limits: config.h2.clone(),
            has_http3: config.http3,
            logs_keys: config.log.keys.is_some(),
            padding: match config.padding {
                0 => Padding::None,
                bytes => Padding::ToMultiple(bytes),
            },
            tickets: keys.map(|keys| tls::Tickets::new(keys.clone())),
            early_data,
            clock,
            told: config.origins.then(|| {
                let names = config.hosts.iter().flat_map(|host| host.names.clone());
                (names.collect(), config.visible_port())
            }),
        }
    }

    /// How sessions behave from now on, and when to ask again; never where no leaf is the development CA's.
    pub(super) fn configure(&self) -> Result<(ServerConfig, Option<SystemTime>), Failure> {
        let (mut credentials, mut due): (Vec<Arc<Credential>>, _) = (Vec::new(), None);
        for shown in &self.shown {
            match shown {
                Shown::Files(files) => {
                    let is_new =
                        |one: &&Arc<Credential>| !credentials.iter().any(|known| Arc::ptr_eq(known, one));
                    let new: Vec<_> = files.iter().filter(is_new).cloned().collect();
                    credentials.extend(new);
                }
                Shown::Development if due.is_none() => {
                    let names: Vec<&str> = self.development.iter().map(String::as_str).collect();
                    let leaves = ca::open()?.leaf(&names).map_err(Failure::new)?;
                    due = Some(leaves.ecdsa.renew_at.min(leaves.rsa.renew_at));
                    credentials.extend([credential(leaves.ecdsa)?, credential(leaves.rsa)?]);
                }
                Shown::Development => {}
            }
        }
        let mut options = tls::server::Options::new(&PROVIDER);
        options.credentials = credentials;
        options.alpn = [&b"h2"[..], b"http/1.1", b"http/1.0"].map(<[u8]>::to_vec).into();
        if self.has_http3 {
            options.quic_alpn = vec![b"h3".to_vec()];
        }
        options.key_log = self.logs_keys;
        options.padding = self.padding;
        options.tickets = self.tickets.clone();
        options.early_data = self.early_data.clone();
        options.unix_secs_at_start = self.clock.unix_secs_at_start();
        options.client_authentication = self.client_authentication.clone();
        let tls = options.build().map_err(Failure::new)?;
        let mut h2 = sakigake_h2::Config { limits: self.limits.clone(), ..sakigake_h2::Config::default() };
        if let Some((names, port)) = &self.told {
            h2.origins = origins(names.iter().map(String::as_str), &tls, *port);
        }
        let h3 = self.has_http3.then(|| {
            let (origins, usual) = (h2.origins.clone(), sakigake_h3::Config::default());
            // What is configured for HTTP/2 and means the same there.
            let limits = sakigake_h3::Limits { stall_ms: self.limits.stall_ms, ..usual.limits };
            Arc::new(sakigake_h3::Config { origins, limits, ..usual })
        });
        Ok((ServerConfig { tls, h2: Some(h2), h3, hints: self.hints.clone(), trace: false }, due))
    }
}

/// In words: who made what a host shows, for which names, until when.
pub(super) fn words(shown: &Shown) -> String {
    match shown {
        Shown::Development => "from the development CA (`sakigake ca` shows how to trust it)".into(),
        Shown::Files(credentials) => {
            let names = credentials.iter().flat_map(|credential| &credential.names);
            let mut names: Vec<&str> = names.map(String::as_str).collect();
            names.sort_unstable();
            names.dedup();
            format!("for {}; {}", names.join(", "), soonest(credentials, SystemTime::now()))
        }
    }
}

/// When the first of the leaves expires, in words.
pub(crate) fn soonest(credentials: &[Arc<Credential>], now: SystemTime) -> String {
    let leaves = credentials.iter().filter_map(|credential| credential.chain.first());
    let ends = leaves.filter_map(|leaf| expiry::not_after(leaf)).min();
    ends.map_or("expiry unknown".into(), |end| expiry::words(end, now))
}

/// A leaf of the development CA, ready to be shown.
pub(crate) fn credential(leaf: Leaf) -> Result<Arc<Credential>, Failure> {
    let key = (PROVIDER.signing_key)(&leaf.key)
        .map_err(|_| Failure::new("the development CA made a key that the provider refuses"))?;
    let chain = leaf.chain.iter().map(|der| der.to_vec()).collect();
    Credential::load(chain, key).map(Arc::new).map_err(Failure::new)
}

pub(crate) fn load(cert: &Path, key: &Path) -> Result<Arc<Credential>, Failure> {
    let read = |path: &Path| {
        fs::read(path)
            .map_err(|error| Failure::because(format_args!("cannot read {}", path.display()), error))
    };
    let (chain, secret) = (read(cert)?, read(key)?);
    Credential::from_pem(&PROVIDER, &chain, &secret)
        .map(Arc::new)
        .map_err(|error| Failure::because(format_args!("{} and {}", cert.display(), key.display()), error))
}

/// Makes new leaves whenever half of the old ones' life is over, on a thread of its own. Connections that are open keep what
/// they were shown.
#[derive(Clone)]
pub(super) struct Renewal(Arc<Mutex<(Showing, Option<SystemTime>)>>);

impl Renewal {
    pub(super) fn start(
        session: Arc<Swap<ServerConfig>>,
        showing: Showing,
        due: Option<SystemTime>,
    ) -> Result<Self, Failure> {
        let renewal = Self(Arc::new(Mutex::new((showing, due))));
        let shared = renewal.clone();
        let renew = move || {
            loop {
                thread::sleep(LOOK);
                shared.look(&session, SystemTime::now());
            }
        };
        let named = thread::Builder::new().name("certificates".into()).spawn(renew);
        named.map(|_| renewal).map_err(|error| Failure::because("cannot start a thread", error))
    }

    /// From now on this is what is renewed.
    pub(super) fn follow(&self, showing: Showing, due: Option<SystemTime>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (showing, due);
    }

    /// Renews what is due. The lock is held, so that a reload that comes meanwhile has the last word.
    fn look(&self, session: &Swap<ServerConfig>, now: SystemTime) {
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if shared.1.is_none_or(|due| now < due) {
            return;
        }
        match shared.0.configure() {
            Ok((config, due)) => {
                session.set(config);
                shared.1 = due;
            }
            Err(Failure(why)) => eprintln!("warning: the certificates stay as they were: {why}"),
        }
    }
}
