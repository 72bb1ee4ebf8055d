//! From a document to a configuration, with all that the text alone shows to be wrong.

use super::{
    Access, CertificateFiles, Config, Folder, Hints, Host, Log, Mistake, Target, Tickets,
    keys::Section,
    section::{HOSTS, Mistakes, Placed, Reading, host_header, kind_of, sorted},
    values::{self, Wrong},
};
use crate::client_certificates::ClientCertificates;
use crate::{
    files::{ErrorPage, FieldRule},
    server::Limits,
};
use sakigake_page::Url;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    ops::Range,
    path::{Path, PathBuf},
};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// What a text says, as far as it could be read.
pub(super) struct Draft {
    pub(super) config: Config,
    pub(super) places: Places,
    pub(super) mistakes: Vec<Mistake>,
}

/// Where the text says what is to be held against the world.
#[derive(Default)]
pub(super) struct Places {
    /// Of chain and key, as in [`Config::certificates`].
    pub(super) certificates: Vec<PairPlace>,
    /// As [`Config::hosts`].
    pub(super) hosts: Vec<HostPlaces>,
    pub(super) tickets_keys: Option<Range<usize>>,
    pub(super) log_file: Option<Range<usize>>,
    pub(super) log_keys: Option<Range<usize>>,
}

/// Where a chain stands, its key and what is shown beside it.
#[derive(Clone, Default)]
pub(super) struct PairPlace {
    pub(super) chain: Range<usize>,
    pub(super) key: Range<usize>,
    pub(super) ocsp: Range<usize>,
    /// As [`CertificateFiles::scts`].
    pub(super) scts: Vec<Range<usize>>,
}

#[derive(Default)]
pub(super) struct HostPlaces {
    /// As [`Host::names`].
    pub(super) names: Vec<Range<usize>>,
    pub(super) target: Range<usize>,
    pub(super) certificates: Vec<PairPlace>,
    pub(super) error_pages: Vec<Range<usize>>,
    /// Of each file that `client_certificates` names, authorities first.
    pub(super) clients: Vec<Range<usize>>,
    pub(super) hints: Option<Range<usize>>,
}

pub(super) fn read(text: &str, base: &Path) -> Draft {
    let (document, errors) = DeTable::parse_recoverable(text);
    let root = document.get_ref();
    let mistakes = Mistakes::default();
    let reader = Reader { base, mistakes: &mistakes, is_whole: errors.is_empty() };
    let (config, places) = reader.document(root);
    // What follows from a line that cannot be read is not said again.
    let unreadable: Vec<Mistake> = errors.iter().map(|error| unreadable(text, error, root)).collect();
    let line = |mistake: &Mistake| mistake.at.as_ref().map(|at| line_of(text, at.start));
    let lines: Vec<_> = unreadable.iter().map(line).collect();
    let mut mistakes = mistakes.into_inner();
    mistakes.retain(|mistake| mistake.at.is_none() || !lines.contains(&line(mistake)));
    // One line needs to be called unreadable once.
    let is_first = |at: usize| lines[at].is_none() || !lines[..at].contains(&lines[at]);
    mistakes.extend(
        unreadable.into_iter().enumerate().filter(|(at, _)| is_first(*at)).map(|(_, mistake)| mistake),
    );
    Draft { config, places, mistakes }
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

struct Reader<'a> {
    base: &'a Path,
    mistakes: &'a Mistakes,
    /// Whether the text could be read whole: else what seems to be missing may stand where it could not.
    is_whole: bool,
}

impl<'a> Reader<'a> {
    fn note(&self, mistake: Mistake) {
        self.mistakes.borrow_mut().push(mistake);
    }

    fn missing(&self, mistake: Mistake) {
        if self.is_whole {
            self.note(mistake);
        }
    }

    fn document(&self, root: &'a DeTable<'a>) -> (Config, Places) {
        let (mut config, mut places) = (Config::default(), Places::default());
        let is_mistyped = self.top(root, &mut config);
        let tls = self.section(Section::Tls, root);
        set(&mut config.padding, tls.count("padding").map(to_usize));
        (config.certificates, places.certificates) = self.certificates(&tls);
        self.tickets(root, &mut config.tickets, &mut places);
        self.log(root, &mut config.log, &mut places);
        self.limits(root, &mut config);
        if !is_mistyped {
            self.hosts(root, &mut config.hosts, &mut places.hosts);
        }
        (config, places)
    }

    /// Whether the hosts stand under a mistyped header, so that what is said of it is enough.
    fn top(&self, root: &'a DeTable<'a>, config: &mut Config) -> bool {
        let top = Reading::new(
            Section::Top,
            Some(root),
            &["tls", "tickets", "log", "limits", HOSTS],
            self.mistakes,
        );
        let listen = top.list("listen", values::addresses);
        let redirect = top.list("redirect_http", values::addresses).unwrap_or_default();
        let metrics = top.text("metrics", values::address);
        let every = listen.iter().flatten().map(|placed| ("`listen`", placed.clone()));
        let every = every.chain(redirect.iter().map(|placed| ("`redirect_http`", placed.clone())));
        let every =
            every.chain(metrics.clone().map(|placed| ("`metrics`", placed.map(|address| vec![address]))));
        self.addresses_differ(every.collect());
        if listen.as_ref().is_some_and(Vec::is_empty)
            && let Some((key, value)) = root.get_key_value("listen")
            && value.get_ref().as_array().is_some_and(|values| values.is_empty())
        {
            self.note(
                Mistake::new(key.span(), "`listen` names no address")
                    .label("leave it out to listen on \"localhost:8443\""),
            );
        }
        let flat =
            |list: Vec<Placed<Vec<SocketAddr>>>| list.into_iter().flat_map(|placed| placed.value).collect();
        config.listen = listen.map_or_else(|| config.listen.clone(), flat);
        config.redirect_http = flat(redirect);
        config.metrics = metrics.as_ref().map(|placed| placed.value);
        set(&mut config.origins, top.flag("origins"));
        set(&mut config.http3, top.flag("http3"));
        set(&mut config.alt_svc_secs, top.duration("alt_svc").map(|ms| ms / 1_000));
        config.workers = top.count("workers").map(to_usize);
        config.public_port = top.count("public_port").and_then(|port| u16::try_from(port).ok()); // Within its bounds.
        debug_assert!(top.is_complete());
        top.is_mistyped(HOSTS) && !root.contains_key(HOSTS)
    }

    /// Two that listen on the same port of the same address take each other's connections.
    fn addresses_differ(&self, every: Vec<(&str, Placed<Vec<SocketAddr>>)>) {
        let mut taken: Vec<(SocketAddr, &str, Range<usize>)> = Vec::new();
        for (key, placed) in every {
            let clash = |address: &SocketAddr| {
                taken
                    .iter()
                    .find(|(other, ..)| overlap(*address, *other))
                    .map(|other| (*address, other.clone()))
            };
            if let Some((address, (other, other_key, at))) = placed.value.iter().find_map(clash) {
                let what = match address == other {
                    true => format!("{address} is listened on twice"),
                    false if address.ip().is_unspecified() => format!("{other} is part of {address}"),
                    false => format!("{address} is part of {other}"),
                };
                self.note(Mistake::new(placed.at, what).first(at, format!("first here, in {other_key}")));
                continue;
            }
            taken.extend(placed.value.into_iter().map(|address| (address, key, placed.at.clone())));
        }
    }

    /// One of the tables that stand at the top.
    fn section(&self, section: Section, root: &'a DeTable<'a>) -> Reading<'a> {
        let name = section.header().trim_matches(['[', ']']);
        let value = root.get(name);
        let table = value.and_then(|value| value.get_ref().as_table());
        if let (Some(value), None) = (value, table) {
            let what = format!("`{name}` is a table");
            self.note(
                Mistake::new(value.span(), what)
                    .label(format!("write {} on a line of its own", section.header())),
            );
        }
        Reading::new(section, table, &[], self.mistakes)
    }

    fn tickets(&self, root: &'a DeTable<'a>, tickets: &mut Tickets, places: &mut Places) {
        let section = self.section(Section::Tickets, root);
        set(&mut tickets.resume, section.flag("resume"));
        set(&mut tickets.early_data, section.flag("early_data"));
        let keys = section.text("keys", |text| self.path(text));
        (places.tickets_keys, tickets.keys) = keys.map(|placed| (placed.at, placed.value)).unzip();
        debug_assert!(section.is_complete());
    }

    fn log(&self, root: &'a DeTable<'a>, log: &mut Log, places: &mut Places) {
        let section = self.section(Section::Log, root);
        log.access = match section.choice("access") {
            Some("off") => Access::Off,
            Some("json") => Access::Json,
            Some("common") => Access::Common,
            Some("combined") => Access::Combined,
            _ => Access::Text,
        };
        let file = section.text("file", |text| self.path(text));
        let keys = section.text("keys", |text| self.path(text));
        (places.log_file, log.file) = file.map(|placed| (placed.at, placed.value)).unzip();
        (places.log_keys, log.keys) = keys.map(|placed| (placed.at, placed.value)).unzip();
        debug_assert!(section.is_complete());
    }

    fn limits(&self, root: &'a DeTable<'a>, config: &mut Config) {
        let section = self.section(Section::Limits, root);
        let (limits, http1) = (&mut config.limits, &mut config.http1);
        set(&mut limits.connections_a_worker, section.count("connections_per_worker").map(to_usize));
        limits.connections_an_address = match section.count("connections_per_address") {
            Some(count) => to_usize(count),
            None => Limits::share_of_one_address(limits.connections_a_worker),
        };
        let idle = section.duration("idle");
        set(&mut limits.idle_ms, idle);
        set(&mut http1.idle_ms, idle);
        let stall = section.duration("stall");
        set(&mut limits.stall_ms, stall);
        set(&mut http1.stall_ms, stall);
        set(&mut config.h2.stall_ms, stall);
        let body = section.duration("body");
        set(&mut limits.body_stall_ms, body);
        set(&mut http1.body_stall_ms, body);
        set(&mut limits.drain_ms, section.duration("drain"));
        set(&mut http1.head_ms, section.duration("head"));
        set(&mut http1.head_bytes, section.size("head_size").map(to_usize));
        set(&mut http1.head_lines, section.count("head_lines").map(to_usize));
        set(&mut config.h2.streams, section.count("streams").and_then(|count| u32::try_from(count).ok())); // Within its bounds.
        debug_assert!(section.is_complete());
    }

    fn hosts(&self, root: &'a DeTable<'a>, hosts: &mut Vec<Host>, places: &mut Vec<HostPlaces>) {
        let none = || {
            Mistake::whole("no host is served")
                .note("a host is a table of its own:")
                .note("[hosts.\"localhost\"]")
                .note("folder = \"site\"")
        };
        let Some(value) = root.get(HOSTS) else { return self.missing(none()) };
        let Some(table) = value.get_ref().as_table() else {
            let label = format!(
                "this is {}; write {} on a line of its own",
                kind_of(value.get_ref()),
                host_header(value.get_ref())
            );
            return self.note(Mistake::new(value.span(), "`hosts` holds a table for each host").label(label));
        };
        if table.is_empty() {
            self.missing(none());
        }
        for (key, value) in sorted(table) {
            match value.get_ref().as_table() {
                Some(members) => {
                    let (host, place) = self.host(key, members);
                    hosts.push(host);
                    places.push(place);
                }
                None if Section::Host.keys().any(|known| known.name == &**key.get_ref()) => {
                    let what = format!("`{}` belongs to one host", key.get_ref());
                    self.note(
                        Mistake::new(key.span(), what)
                            .label("write [hosts.\"example.com\"] above, with the host's name"),
                    );
                }
                None => {
                    let what = format!("the host `{}` is a table", key.get_ref());
                    self.note(
                        Mistake::new(value.span(), what)
                            .label(format!("this is {}", kind_of(value.get_ref()))),
                    );
                }
            }
        }
        self.names_differ(hosts, places);
        self.one_default(hosts, places, table);
    }

    fn names_differ(&self, hosts: &[Host], places: &[HostPlaces]) {
        let mut taken: BTreeMap<&str, &Range<usize>> = BTreeMap::new();
        let names = hosts.iter().zip(places).flat_map(|(host, place)| host.names.iter().zip(&place.names));
        let mut names: Vec<_> = names.collect();
        names.sort_by_key(|(_, at)| at.start);
        for (name, at) in names {
            if let Some(first) = taken.insert(name, at) {
                self.note(
                    Mistake::new(at.clone(), format!("the name `{name}` is given twice"))
                        .first(first.clone(), "first here"),
                );
                taken.insert(name, first);
            }
        }
    }

    fn one_default(&self, hosts: &mut [Host], places: &[HostPlaces], table: &'a DeTable<'a>) {
        if let [only] = hosts {
            // An only host answers for all names unless it says that it does not.
            let says = sorted(table)
                .first()
                .and_then(|(_, value)| value.get_ref().as_table()?.get("default")?.get_ref().as_bool());
            only.is_default = says.unwrap_or(true);
            return;
        }
        let mut defaults = hosts.iter().zip(places).filter(|(host, _)| host.is_default);
        let Some((first, first_place)) = defaults.next() else { return };
        for (host, place) in defaults {
            let at = place.names.first().cloned().unwrap_or_default();
            let what = format!("`{}` and `{}` are both the default host", first.name(), host.name());
            let other = first_place.names.first().cloned().unwrap_or_default();
            self.note(
                Mistake::new(at, what)
                    .label("one alone may have `default = true`")
                    .first(other, "first here"),
            );
        }
    }

    fn host(&self, key: &Spanned<toml::de::DeString<'a>>, table: &'a DeTable<'a>) -> (Host, HostPlaces) {
        let section = Reading::new(Section::Host, Some(table), &[], self.mistakes);
        let mut place = HostPlaces { target: key.span(), ..HostPlaces::default() };
        let mut names = Vec::new();
        match values::host_name(key.get_ref()) {
            Ok(name) => names.push(Placed { value: name, at: key.span() }),
            Err(Wrong(what, label)) => {
                self.note(Mistake::new(key.span(), what).label(label));
            }
        }
        names.extend(section.list("aliases", values::host_name).unwrap_or_default());
        (place.names, names) = names.iter().map(|name| (name.at.clone(), name.clone())).unzip();
        let names: Vec<String> = names.into_iter().map(|name| name.value).collect();
        let is_default = section.flag("default").unwrap_or(false);
        let (certificates, pair_places) = self.certificates(&section);
        place.certificates = pair_places;
        let client_certificates = self.clients(&section, &mut place);
        let target = self.target(&section, key, &names, &mut place);
        debug_assert!(section.is_complete());
        (Host { names, is_default, target, certificates, client_certificates }, place)
    }

    /// How the host asks clients who they are.
    fn clients(&self, host: &Reading<'a>, place: &mut HostPlaces) -> Option<ClientCertificates> {
        let (table, at) = host.table("client_certificates")?;
        let section = Reading::new(Section::Clients, Some(table), &[], self.mistakes);
        let ca = section.list("ca", |text| self.path(text));
        let crl = section.list("crl", |text| self.path(text)).unwrap_or_default();
        let is_required = section.choice("mode") != Some("optional");
        let tells_authorities = section.flag("tell_authorities").unwrap_or(false);
        debug_assert!(section.is_complete());
        if ca.as_ref().is_none_or(Vec::is_empty) && !section.is_mistyped("ca") {
            let mistake = Mistake::new(at, "nobody is named whose clients are let in");
            self.missing(mistake.label("add `ca = \"...\"`"));
        }
        let (authorities, of_authorities): (Vec<_>, Vec<_>) =
            ca.unwrap_or_default().into_iter().map(|placed| (placed.value, placed.at)).unzip();
        let (revocations, of_revocations): (Vec<_>, Vec<_>) =
            crl.into_iter().map(|placed| (placed.value, placed.at)).unzip();
        place.clients = [of_authorities, of_revocations].concat();
        Some(ClientCertificates { authorities, revocations, is_required, tells_authorities })
    }

    fn target(
        &self,
        section: &Reading<'a>,
        key: &Spanned<toml::de::DeString<'a>>,
        names: &[String],
        place: &mut HostPlaces,
    ) -> Target {
        let folder = section.text("folder", |text| self.path(text));
        let redirect = section.text("redirect", redirect);
        let is_permanent = section.flag("permanent").unwrap_or(true);
        let served = self.served(section, place);
        let name = key.get_ref();
        match (section.key_at("folder"), section.key_at("redirect")) {
            (Some(first), Some(second)) => {
                let mistake = Mistake::new(second, format!("`{name}` has both a folder and a redirect"));
                self.note(mistake.label("a host is one or the other").first(first, "the folder"));
            }
            (None, None) if section.is_mistyped("folder") || section.is_mistyped("redirect") => {}
            (None, None) => {
                let mistake =
                    Mistake::new(key.span(), format!("`{name}` has neither a folder nor a redirect"));
                self.missing(mistake.label("add `folder = \"...\"` or `redirect = \"https://...\"`"));
            }
            (None, Some(_)) => self.without_sense(section, FOLDERS_OWN, "a redirect"),
            (Some(_), None) => self.without_sense(section, &["permanent"], "a folder"),
        }
        if let Some(Placed { value: to, at }) = redirect {
            if names.contains(&to.origin().host) {
                let what = format!("`{name}` is sent to itself");
                self.note(Mistake::new(at.clone(), what).label("visitors would go round in circles"));
            }
            place.target = at;
            let fields = self.redirects_fields(section, served.fields);
            return Target::Redirect { to, is_permanent, fields };
        }
        let root = folder.map_or_else(PathBuf::new, |placed| {
            place.target = placed.at;
            placed.value
        });
        Target::Folder(Folder { root, ..served })
    }

    /// What every answer gets; a redirect has no files that patterns could be for.
    fn redirects_fields(&self, section: &Reading<'a>, rules: Vec<FieldRule>) -> Vec<(String, String)> {
        let (all, some): (Vec<_>, Vec<_>) = rules.into_iter().partition(|rule| rule.pattern == "*");
        if let (Some(first), Some(at)) = (some.first(), section.key_at("headers")) {
            let what = format!("`{}` is for some files, and a redirect has none", first.pattern);
            self.note(Mistake::new(at, what).label("name the field itself: it is added to every answer"));
        }
        all.into_iter().map(|rule| (rule.name, rule.value)).collect()
    }

    /// Keys that say nothing of what the host is.
    fn without_sense(&self, section: &Reading<'a>, keys: &[&str], what: &str) {
        for (key, at) in keys.iter().filter_map(|key| Some((key, section.key_at(key)?))) {
            self.note(Mistake::new(at, format!("`{key}` means nothing for {what}")).label("take it away"));
        }
    }

    /// How a folder is served.
    fn served(&self, section: &Reading<'a>, place: &mut HostPlaces) -> Folder {
        let mut folder = Folder::new(PathBuf::new());
        set(&mut folder.listing, section.flag("listing"));
        set(&mut folder.compress, section.flag("compress"));
        set(&mut folder.precompressed, section.flag("precompressed"));
        set(&mut folder.early_hints, section.flag("early_hints"));
        set(&mut folder.clean_urls, section.flag("clean_urls"));
        set(&mut folder.cache_bytes, section.size("cache").map(to_usize));
        folder.fields = section.fields("headers");
        for (statuses, page) in section.pairs("error_pages", values::error_status, page) {
            folder.error_pages.push(ErrorPage { statuses, page: page.value });
            place.error_pages.push(page.at);
        }
        let hints = section.text("hints", |text| match text {
            "none" => Ok(Hints::None),
            "pages" => Ok(Hints::Pages),
            _ => self.path(text).map(Hints::File),
        });
        if let Some(hints) = hints {
            folder.hints = hints.value;
            place.hints = Some(hints.at);
        }
        folder
    }

    /// Chains and keys, pair by pair.
    fn certificates(&self, section: &Reading<'a>) -> (Vec<CertificateFiles>, Vec<PairPlace>) {
        let chains = section.list("certificate", |text| self.path(text));
        let keys = section.list("key", |text| self.path(text));
        match (&chains, &keys) {
            (Some(_), None) if section.is_mistyped("key") => {}
            (None, Some(_)) if section.is_mistyped("certificate") => {}
            (Some(_), None) => {
                let at = section.key_at("certificate").unwrap_or_default();
                self.missing(
                    Mistake::new(at, "there is a certificate without its key").label("add `key = \"...\"`"),
                );
            }
            (None, Some(_)) => {
                let at = section.key_at("key").unwrap_or_default();
                self.missing(
                    Mistake::new(at, "there is a key without its certificate")
                        .label("add `certificate = \"...\"`"),
                );
            }
            (Some(chains), Some(keys)) if chains.len() != keys.len() => {
                let at = section.key_at("key").unwrap_or_default();
                let what = format!(
                    "certificates and keys are not of one number: {} and {}",
                    chains.len(),
                    keys.len()
                );
                self.note(Mistake::new(at, what).label("each certificate has its key at the same place"));
            }
            _ => {}
        }
        let pairs = chains.unwrap_or_default().into_iter().zip(keys.unwrap_or_default());
        let pairs = pairs.map(|(chain, key)| {
            let files = CertificateFiles { chain: chain.value, key: key.value, ..Default::default() };
            (files, PairPlace { chain: chain.at, key: key.at, ..PairPlace::default() })
        });
        let (mut files, mut places): (Vec<_>, Vec<_>) = pairs.unzip();
        self.staples(section, &mut files, &mut places);
        (files, places)
    }

    /// What is shown beside the certificates.
    fn staples(&self, section: &Reading<'a>, files: &mut [CertificateFiles], places: &mut [PairPlace]) {
        let responses = section.list("ocsp", |text| self.path(text)).unwrap_or_default();
        let scts = section.list("scts", |text| self.path(text)).unwrap_or_default();
        let count = files.len();
        let wrong = |name, label: &str| {
            let at = section.key_at(name).unwrap_or_default();
            self.missing(Mistake::new(at, format!("`{name}` does not fit the certificates")).label(label));
        };
        if !responses.is_empty() && responses.len() != count {
            wrong("ocsp", "each certificate has its response at the same place");
        }
        if !scts.is_empty() && count != 1 {
            wrong("scts", "they are for a host with one certificate");
        }
        for (response, (files, place)) in responses.into_iter().zip(files.iter_mut().zip(places.iter_mut())) {
            (files.ocsp, place.ocsp) = (Some(response.value), response.at);
        }
        if let (Some(files), Some(place)) = (files.first_mut(), places.first_mut()) {
            (files.scts, place.scts) = scts.into_iter().map(|sct| (sct.value, sct.at)).unzip();
        }
    }

    /// A path, relative to the file.
    fn path(&self, text: &str) -> Result<PathBuf, Wrong> {
        if text.is_empty() || text.contains('\0') {
            return Err(Wrong("this is not a path".into(), "name a file or a folder".into()));
        }
        if text.starts_with('~') {
            return Err(Wrong("`~` stands for nothing here".into(), "write the whole path".into()));
        }
        Ok(self.base.join(text))
    }
}

/// What a redirect has no use for.
const FOLDERS_OWN: &[&str] =
    &["listing", "error_pages", "compress", "precompressed", "clean_urls", "cache", "hints", "early_hints"];

fn redirect(text: &str) -> Result<Url, Wrong> {
    let wrong = |label: String| Err(Wrong(format!("\"{text}\" is not an http or https address"), label));
    match Url::parse(text) {
        Some(_) if text.contains(['?', '#']) => {
            Err(Wrong("a redirect has no query and no fragment".into(), "those of the request follow".into()))
        }
        Some(url) => Ok(url),
        None if !text.contains("://") => {
            wrong(format!("did you mean \"https://{}\"?", text.trim_start_matches('/')))
        }
        None => wrong(String::new()),
    }
}

/// A file below the host's folder, or anywhere by its whole path.
fn page(text: &str) -> Result<PathBuf, Wrong> {
    let is_plain =
        |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains(['\\', '\0']);
    match text.strip_prefix('/').unwrap_or(text).split('/').all(is_plain) {
        true => Ok(text.into()),
        false => {
            Err(Wrong("this is not a file below the host's folder".into(), "such as \"404.html\"".into()))
        }
    }
}

fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let is_same_ip = one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0 && one.port() == other.port() && one.is_ipv4() == other.is_ipv4() && is_same_ip
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

/// Within the key's bounds, which any platform's `usize` holds.
fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// What the TOML parser says, in our words where they help more.
fn unreadable(text: &str, error: &toml::de::Error, root: &DeTable<'_>) -> Mistake {
    let at = error.span().unwrap_or(text.len()..text.len());
    let message = error.message();
    if message.starts_with("duplicate key") {
        let name = text.get(at.clone()).unwrap_or_default();
        let mistake = Mistake::new(at.clone(), format!("{} is given twice", name));
        return match last_before(root, name, at.start).or_else(|| same_header(text, &at)) {
            Some(first) => mistake.first(first, "first here"),
            None => mistake,
        };
    }
    let (what, expected) = message.split_once(", expected ").unwrap_or((message, ""));
    let word = text.get(at.clone()).unwrap_or_default().trim();
    let (what, label) = match (what, word) {
        ("string values must be quoted", "") => ("this key has no value".into(), String::new()),
        ("string values must be quoted", word) => {
            ("a string stands in quotation marks".to_owned(), format!("write \"{word}\""))
        }
        (what, _) if expected.is_empty() => (what.into(), String::new()),
        (what, _) => (what.to_owned(), format!("expected {expected}")),
    };
    Mistake::new(at, what).label(label)
}

/// The same place of an earlier line that is the same header.
fn same_header(text: &str, at: &Range<usize>) -> Option<Range<usize>> {
    let bare = |line: &str| line.split('#').next().unwrap_or_default().trim().to_owned();
    let begin = text[..at.start].rfind('\n').map_or(0, |place| place + 1);
    let wanted = bare(text[begin..].lines().next()?);
    let mut start = 0;
    for line in text[..begin].split_inclusive('\n') {
        if bare(line) == wanted && wanted.starts_with('[') {
            let key = start + (at.start - begin);
            return Some(key..key + at.len());
        }
        start += line.len();
    }
    None
}

/// The nearest key of this spelling that begins before `end`.
fn last_before(table: &DeTable<'_>, name: &str, end: usize) -> Option<Range<usize>> {
    let name = name.trim_matches(['"', '\'']);
    let members = table.iter().flat_map(|(key, value)| {
        let own = (&**key.get_ref() == name && key.span().start < end).then(|| key.span());
        let inner = match value.get_ref() {
            DeValue::Table(inner) => last_before(inner, name, end),
            _ => None,
        };
        own.into_iter().chain(inner)
    });
    members.max_by_key(|span| span.start)
}
