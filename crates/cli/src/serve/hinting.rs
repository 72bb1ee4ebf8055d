//! The hints of all hosts, kept up to date with their folders.

use crate::Failure;
use sakigake::{
    config::{Config, Hints, Host, Target},
    files::Files,
    hints::{SiteHints, Source, Watch},
};
use sakigake_page::Url;
use sakigake_preload::{
    Table,
    table::{self, ANY_HOST, Site},
};
use std::{io, sync::Arc};

/// The table that frames are made from, and who looks at the folders.
pub(crate) struct Hinting {
    table: Arc<Table>,
    hosts: Vec<Hinted>,
    /// A watch that ends may be about to say something: it does so only while this is there.
    _alive: Arc<()>,
}

/// One host; without watch nothing is said.
struct Hinted {
    /// As the table has them.
    names: Vec<String>,
    watch: Option<Watch>,
}

impl Hinting {
    /// Looks at the folders, and says nothing yet. What `before` has counted is kept.
    pub(super) fn start(
        config: &Config,
        folders: &[Option<Files>],
        before: Option<&Self>,
    ) -> Result<Self, Failure> {
        let settings = settings(config);
        let is_same = |table: &&Arc<Table>| {
            let known = table.config();
            (&known.public, known.port, &known.default_host)
                == (&settings.public, settings.port, &settings.default_host)
        };
        let known = before.map(|before| &before.table).filter(is_same).cloned();
        let table = known.unwrap_or_else(|| Arc::new(Table::new(settings)));
        let alive = Arc::new(());
        let hosts = config.hosts.iter().zip(folders).map(|(host, files)| {
            let names = names(host);
            let source = source(host);
            let watch = match (source, files) {
                (Some(source), Some(files)) => {
                    Some(watch(config, host, files, source, (&table, &names), &alive)?)
                }
                _ => None,
            };
            Ok(Hinted { names, watch })
        });
        let hosts = hosts.collect::<Result<_, Failure>>()?;
        Ok(Self { table, hosts, _alive: alive })
    }

    /// The table; none where no host hints at anything.
    pub(super) fn table(&self) -> Option<Arc<Table>> {
        self.hosts.iter().any(|host| host.watch.is_some()).then(|| self.table.clone())
    }

    /// Says what was seen.
    pub(super) fn say(&self) {
        for host in &self.hosts {
            // Who hints at nothing says so, or the wildcard's and the default host's hints would be said there.
            let site = host.watch.as_ref().map_or_else(Site::default, |watch| watch.now().site());
            host.names.iter().for_each(|name| self.table.set(name, &site));
        }
    }

    /// Takes back the names that `next` does not have.
    pub(super) fn forget(&self, next: &Self) {
        let is_kept = |name: &String| next.hosts.iter().any(|host| host.names.contains(name));
        let gone = self.hosts.iter().flat_map(|host| &host.names).filter(|name| !is_kept(name));
        gone.for_each(|name| self.table.remove(name));
    }

    /// In words: how many leave first, and how many wait for their page.
    pub(super) fn words(&self, host: usize) -> String {
        let Some(watch) = self.hosts.get(host).and_then(|host| host.watch.as_ref()) else {
            return "off".into();
        };
        words(&watch.now(), self.table.config().budget.hints)
    }
}

/// How many of a site's hints leave first, at most `most` of them, and how many wait for their page.
pub(crate) fn words(hints: &SiteHints, most: usize) -> String {
    let site = hints.site();
    let later: usize = site.pages.iter().map(|(_, hints)| hints.len()).sum();
    match (site.hints.len().min(most), later) {
        (0, 0) => "none: no page names anything".into(),
        (first, 0) => format!("{first}, in the server's first flight"),
        (first, later) => {
            format!("{first} in the server's first flight, {later} when their page is asked for")
        }
    }
}

fn settings(config: &Config) -> table::Config {
    let default = config.hosts.iter().find(|host| host.is_default);
    let named = default.and_then(|host| host.names.iter().find(|name| !name.starts_with("*.")));
    let public = config.public.as_ref().map(Url::origin);
    table::Config {
        public: public.map(|origin| origin.authority()),
        port: config.visible_port(),
        default_host: default.map(|_| named.cloned().unwrap_or_else(|| "localhost".into())),
        ..table::Config::default()
    }
}

fn names(host: &Host) -> Vec<String> {
    let any = host.is_default.then(|| ANY_HOST.to_owned());
    host.names.iter().cloned().chain(any).collect()
}

fn source(host: &Host) -> Option<Source> {
    let Target::Folder(folder) = &host.target else { return None };
    match &folder.hints {
        Hints::None => None,
        Hints::Pages => Some(Source::Site(Default::default())),
        Hints::File(path) => Some(Source::File(path.clone())),
    }
}

fn watch(
    config: &Config,
    host: &Host,
    files: &Files,
    source: Source,
    (table, names): (&Arc<Table>, &[String]),
    alive: &Arc<()>,
) -> Result<Watch, Failure> {
    let port = config.visible_port();
    let local = || Url::parse(&format!("https://localhost:{port}/")).expect("it is an address");
    let origin = config.public.clone().or_else(|| host.origin(port)).unwrap_or_else(local);
    let what = match &source {
        Source::File(path) => path.clone(),
        Source::Site(_) => files.root().to_owned(),
    };
    let (table, names, alive) = (table.clone(), names.to_vec(), Arc::downgrade(alive));
    let shown = what.display().to_string();
    let notice = move |hints: io::Result<&SiteHints>| match (alive.upgrade(), hints) {
        (None, _) => {}
        (Some(_), Ok(hints)) => {
            let site = hints.site();
            names.iter().for_each(|name| table.set(name, &site));
        }
        (Some(_), Err(error)) => eprintln!("warning: the hints of {shown} stay as they were: {error}"),
    };
    Watch::start(files.clone(), origin, source, notice)
        .map_err(|error| Failure::because(format_args!("the hints of {}", what.display()), error))
}
