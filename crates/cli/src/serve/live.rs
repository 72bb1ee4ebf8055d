//! A configuration while it is served, by whatever command: what is made of it, and what a reload changes.

use super::{
    certificates::{Renewal, Showing},
    hinting::Hinting,
    listening::Listening,
};
use crate::Failure;
use sakigake::{
    Swap,
    access_log::{AccessLog, Format},
    config::{Access, Config, Folder, Log, Ready, Target, Tickets},
    files::Files,
    hosts::{self, Hosts, Name},
    key_log::KeyLogFile,
    redirect::Redirect,
    replay::Register,
    server::{Alternative, Signals, Site, Stop},
    tickets::Keys,
};
use sakigake_net::Clock;
use sakigake_session::ServerConfig;
use sakigake_tls::server::EarlyDataPolicy;
use std::{fs::OpenOptions, path::Path, sync::Arc};

/// Serves what is `ready` until a signal ends it. `again` is asked for what to serve instead when a signal says so.
pub(crate) fn serve(
    mut ready: Ready,
    announce: impl FnOnce(&Ready, &Listening, &Live) -> Result<(), Failure>,
    mut again: impl FnMut() -> Result<Ready, Failure>,
) -> Result<(), Failure> {
    let clock = Clock::start();
    let signals = Signals::listen().map_err(|error| Failure::because("cannot listen for signals", error))?;
    let (mut listening, listeners) = Listening::start(&mut ready.config)?;
    let (mut live, site) = Live::start(&ready, clock)?;
    announce(&ready, &listening, &live)?;
    let failed = |error| Failure::because("the server", error);
    let running = listeners.start(site, clock, &Stop::new()).map_err(failed)?;
    let reload = |running: &mut _| {
        let mut ready = again()?;
        let change = listening.change(&mut ready.config, running)?;
        match live.reload(&ready) {
            Ok(site) => {
                listening = change.keep(running);
                Ok(site)
            }
            Err(why) => {
                change.undo(running);
                Err(why)
            }
        }
    };
    signals.attend(running, reload).map_err(failed)
}

/// What lives as long as a site, and what outlives it.
pub(crate) struct Live {
    session: Arc<Swap<ServerConfig>>,
    renewal: Renewal,
    hinting: Hinting,
    log: (Log, AccessLog),
    tickets: (Tickets, Option<Arc<Keys>>, Option<EarlyDataPolicy>),
    clock: Clock,
}

impl Live {
    /// The site of a configuration, and what keeps it up to date.
    fn start(ready: &Ready, clock: Clock) -> Result<(Self, Site), Failure> {
        let folders = folders(&ready.config)?;
        let log = access_log(&ready.config.log)?;
        let hinting = Hinting::start(&ready.config, &folders, None)?;
        let keys = ticket_keys(&ready.config.tickets)?;
        let early_data = early_data(&ready.config.tickets)?;
        let showing = Showing::of(ready, hinting.table(), (keys.as_ref(), early_data.clone()), clock);
        let (config, due) = showing.configure()?;
        let session = Arc::new(Swap::new(config));
        let renewal = Renewal::start(session.clone(), showing, due)?;
        let log = (ready.config.log.clone(), log);
        let tickets = (ready.config.tickets.clone(), keys, early_data);
        let live = Self { session, renewal, hinting, log, tickets, clock };
        live.hinting.say();
        let site = live.site(&ready.config, folders)?;
        Ok((live, site))
    }

    /// The same for another configuration; where it fails, everything stays as it was.
    fn reload(&mut self, ready: &Ready) -> Result<Site, Failure> {
        let folders = folders(&ready.config)?;
        // Standard output stays what it was; a file is opened anew, since another program may have moved it away.
        let log = match self.log.0.file.is_none() && self.log.0 == ready.config.log {
            true => self.log.1.clone(),
            false => access_log(&ready.config.log)?,
        };
        let hinting = Hinting::start(&ready.config, &folders, Some(&self.hinting))?;
        // The same keys, so that clients need not begin anew.
        let (keys, early_data) = match self.tickets.0 == ready.config.tickets {
            true => (self.tickets.1.clone(), self.tickets.2.clone()),
            false => (ticket_keys(&ready.config.tickets)?, early_data(&ready.config.tickets)?),
        };
        let showing = Showing::of(ready, hinting.table(), (keys.as_ref(), early_data.clone()), self.clock);
        let (config, due) = showing.configure()?;
        let tickets = (ready.config.tickets.clone(), keys, early_data);
        let log = (ready.config.log.clone(), log);
        let (session, renewal, clock) = (self.session.clone(), self.renewal.clone(), self.clock);
        let site = Self { session, renewal, hinting, log, tickets, clock };
        let made = site.site(&ready.config, folders)?;
        // From here on nothing fails.
        self.hinting.forget(&site.hinting);
        *self = site;
        self.hinting.say();
        self.renewal.follow(showing, due);
        self.session.set(config);
        Ok(made)
    }

    /// In words: what a host's clients are told ahead.
    pub(crate) fn hints(&self, host: usize) -> String {
        self.hinting.words(host)
    }

    fn site(&self, config: &Config, folders: Vec<Option<Files>>) -> Result<Site, Failure> {
        let hosts = config.hosts.iter().zip(folders).map(|(host, files)| {
            let target = match (&host.target, files) {
                (Target::Redirect { to, is_permanent, fields }, _) => {
                    let mut redirect = Redirect::to(&to.to_string()).map_err(Failure::new)?;
                    for (name, value) in fields {
                        redirect = redirect.with_field(name, value).map_err(Failure::new)?;
                    }
                    hosts::Target::Redirect(if *is_permanent { redirect } else { redirect.for_now() })
                }
                (Target::Folder(_), Some(files)) => hosts::Target::Files(files),
                (Target::Folder(folder), None) => {
                    return Err(Failure::new(format_args!("{} was not opened", folder.root.display())));
                }
            };
            let names = host.names.iter().map(|name| Name::parse(name)).collect::<Result<_, _>>();
            let early_hints = matches!(&host.target, Target::Folder(folder) if folder.early_hints);
            let names = names.map_err(Failure::new)?;
            Ok(hosts::Host { names, is_default: host.is_default, target, early_hints })
        });
        let hosts = Hosts::new(hosts.collect::<Result<_, Failure>>()?).map_err(Failure::new)?;
        let mut site = Site::new(hosts, self.session.clone(), self.log.1.clone());
        site.limits = config.limits;
        site.http1 = config.http1;
        let port = config.public.as_ref().map(|url| url.origin().port).or(config.public_port);
        site.alternative = Some(Alternative { port, max_age_secs: config.alt_svc_secs });
        site.key_log = config.log.keys.as_deref().map(key_log).transpose()?;
        Ok(site)
    }
}

/// The folder of each host that has one.
fn folders(config: &Config) -> Result<Vec<Option<Files>>, Failure> {
    let open = |folder: &Folder| {
        Files::with(&folder.root, folder.options())
            .map_err(|error| Failure::because(format_args!("cannot serve {}", folder.root.display()), error))
    };
    let hosts = config.hosts.iter().map(|host| match &host.target {
        Target::Folder(folder) => open(folder).map(Some),
        Target::Redirect { .. } => Ok(None),
    });
    hosts.collect()
}

/// The keys of tickets, where there are to be any.
fn ticket_keys(tickets: &Tickets) -> Result<Option<Arc<Keys>>, Failure> {
    let keys = match (tickets.resume, &tickets.keys) {
        (false, _) => return Ok(None),
        (true, None) => Keys::in_memory(),
        (true, Some(path)) => {
            let name = path.display().to_string();
            Keys::in_file(path, move |error| eprintln!("warning: the keys of tickets, {name}: {error}"))
        }
    };
    let place = || tickets.keys.as_ref().map_or("in memory".into(), |path| path.display().to_string());
    keys.map(Some).map_err(|error| Failure::because(format_args!("the keys of tickets, {}", place()), error))
}

/// Which early data is taken, if any is; its register begins with it.
fn early_data(tickets: &Tickets) -> Result<Option<EarlyDataPolicy>, Failure> {
    match (tickets.early_data, tickets.resume, &tickets.keys) {
        (false, ..) => Ok(None),
        (true, true, None) => Ok(Some(Register::policy())),
        (true, false, _) => Err(Failure::new("early_data: it needs tickets, and `resume` is false")),
        (true, true, Some(_)) => Err(Failure::new(
            "early_data: not with `keys` in a file, whose servers know nothing of each other's first flights",
        )),
    }
}

fn access_log(log: &Log) -> Result<AccessLog, Failure> {
    let format = match log.access {
        Access::Off => return Ok(AccessLog::off()),
        Access::Text => Format::Text,
        Access::Json => Format::Json,
        Access::Common => Format::Common,
        Access::Combined => Format::Combined,
    };
    let Some(path) = &log.file else { return Ok(AccessLog::stdout(format)) };
    let file = OpenOptions::new().append(true).create(true).open(path);
    let file =
        file.map_err(|error| Failure::because(format_args!("cannot write {}", path.display()), error))?;
    Ok(AccessLog::new(format, Box::new(file)))
}

pub(super) fn key_log(path: &Path) -> Result<KeyLogFile, Failure> {
    KeyLogFile::open(path)
        .map_err(|error| Failure::because(format_args!("cannot write {}", path.display()), error))
}
