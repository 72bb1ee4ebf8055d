//! What a file says, held against the disk: folders, certificates, hints.

use super::{
    CertificateFiles, Config, Hints, Host, Mistake, Report, Target,
    nearest::nearest,
    read::{self, HostPlaces, PairPlace, Places},
};
use crate::{
    client_certificates::{BadFile, WhyBad, policies},
    dev_ca, expiry,
    files::Files,
    hints::parse_file,
};
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_tls::{BadCredential, Credential, Staples, server::ClientAuthentication};
use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs, io,
    ops::Range,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

/// A configuration that the disk agrees with.
pub struct Ready {
    /// What the file says.
    pub config: Config,
    /// What each of its hosts shows, in their order.
    pub shown: Vec<Shown>,
    /// How its hosts ask clients who they are, as TLS wants to have it.
    pub client_authentication: Vec<Arc<ClientAuthentication>>,
}

/// What a host shows to clients.
#[derive(Clone)]
pub enum Shown {
    /// Certificates from files.
    Files(Vec<Arc<Credential>>),
    /// Those of the development CA.
    Development,
}

impl Ready {
    /// Reads the file at `path`, and everything that it names, as of `now`.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn load(path: &Path, now: SystemTime) -> Result<Self, Report> {
        let name = path.display().to_string();
        let whole = |mistake| Report::new(&name, "", vec![mistake]);
        let bytes = fs::read(path).map_err(|error| whole(cannot_read(&error)))?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            let mistake = Mistake::new(at..at, "this is not UTF-8, which TOML is written in");
            Report::new(&name, &text, vec![mistake])
        })?;
        let base = path.parent().unwrap_or(Path::new(""));
        Self::of(&name, &text, base, now)
    }

    /// The same of a text that stands in the folder `base`.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn of(name: &str, text: &str, base: &Path, now: SystemTime) -> Result<Self, Report> {
        let draft = read::read(text, base);
        let look = Look {
            config: &draft.config,
            now,
            mistakes: RefCell::new(draft.mistakes),
            loaded: RefCell::default(),
        };
        let shown = look.everything(&draft.places);
        match look.mistakes.into_inner() {
            mistakes if mistakes.is_empty() => Self::with(draft.config, shown)
                .map_err(|bad| Report::new(name, text, vec![Mistake::whole(bad.to_string())])),
            mistakes => Err(Report::new(name, text, mistakes)),
        }
    }

    /// A configuration that was not read from a file.
    ///
    /// # Errors
    /// What is wrong first, in words.
    pub fn check(config: Config, now: SystemTime) -> Result<Self, String> {
        let look = Look { config: &config, now, mistakes: RefCell::default(), loaded: RefCell::default() };
        let shown = look.everything(&places_of(&config));
        match look.mistakes.into_inner().into_iter().next() {
            None => Self::with(config, shown).map_err(|bad| bad.to_string()),
            Some(mistake) => Err(mistake.what),
        }
    }

    /// It fails only where a file has become bad since it was looked at.
    fn with(config: Config, shown: Vec<Shown>) -> Result<Self, BadFile> {
        let hosts = config.hosts.iter();
        let asking = hosts.map(|host| (&host.names[..], host.is_default, host.client_certificates.as_ref()));
        let client_authentication = policies(asking)?;
        Ok(Self { config, shown, client_authentication })
    }

    /// The names that the development CA is to vouch for.
    pub fn development(&self) -> Vec<&str> {
        let hosts = self.config.hosts.iter().zip(&self.shown);
        let hosts = hosts.filter(|(_, shown)| matches!(shown, Shown::Development));
        hosts.flat_map(|(host, _)| &host.names).map(String::as_str).collect()
    }
}

/// No places: what is said of them has none.
fn places_of(config: &Config) -> Places {
    let place =
        |files: &CertificateFiles| PairPlace { scts: vec![0..0; files.scts.len()], ..Default::default() };
    let pairs = |files: &[CertificateFiles]| files.iter().map(place).collect::<Vec<_>>();
    let hosts = config.hosts.iter().map(|host| HostPlaces {
        names: vec![0..0; host.names.len()],
        certificates: pairs(&host.certificates),
        clients: vec![
            0..0;
            host.client_certificates
                .as_ref()
                .map_or(0, |asks| asks.authorities.len() + asks.revocations.len())
        ],
        ..HostPlaces::default()
    });
    Places { certificates: pairs(&config.certificates), hosts: hosts.collect(), ..Places::default() }
}

fn cannot_read(error: &io::Error) -> Mistake {
    let mistake = Mistake::whole(format!("cannot read it: {}", words(error)));
    match error.kind() {
        io::ErrorKind::NotFound => {
            mistake.note("`sakigake check --example > sakigake.toml` writes one to begin with")
        }
        _ => mistake,
    }
}

/// One look at the world.
struct Look<'a> {
    config: &'a Config,
    now: SystemTime,
    mistakes: RefCell<Vec<Mistake>>,
    /// Pairs that were read; none where they could not be, which is said once.
    loaded: RefCell<BTreeMap<&'a CertificateFiles, Option<Arc<Credential>>>>,
}

impl<'a> Look<'a> {
    fn note(&self, mistake: Mistake) {
        self.mistakes.borrow_mut().push(mistake);
    }

    fn everything(&self, places: &Places) -> Vec<Shown> {
        let config = self.config;
        let written = [
            (&config.log.file, &places.log_file),
            (&config.log.keys, &places.log_keys),
            (&config.tickets.keys, &places.tickets_keys),
        ];
        for (path, at) in written {
            if let (Some(path), Some(at)) = (path, at) {
                self.writable(path, at);
            }
        }
        let common = self.load(&config.certificates, &places.certificates);
        let hosts = config.hosts.iter().zip(&places.hosts);
        hosts
            .map(|(host, place)| {
                self.target(host, place);
                self.clients(host, place);
                self.shown(host, place, common.as_deref())
            })
            .collect()
    }

    /// A file that is made where it is not there; its folder is not.
    fn writable(&self, path: &Path, at: &Range<usize>) {
        if path.is_dir() {
            self.note(
                Mistake::new(at.clone(), format!("{} is a folder", path.display())).label("name a file"),
            );
        } else if let Some(parent) =
            path.parent().filter(|parent| !parent.as_os_str().is_empty() && !parent.is_dir())
        {
            self.note(Mistake::new(at.clone(), format!("there is no folder {}", parent.display())));
        }
    }

    fn target(&self, host: &Host, place: &HostPlaces) {
        let Target::Folder(folder) = &host.target else { return };
        if folder.root.as_os_str().is_empty() {
            return; // It could not be read, which was said.
        }
        let files = match Files::with(&folder.root, folder.options()) {
            Ok(files) => files,
            Err(error) => return self.note(missing(&folder.root, &error, place.target.clone(), "folder")),
        };
        for (page, at) in folder.error_pages.iter().zip(&place.error_pages) {
            let path = folder.root.join(&page.page);
            let is_there = match page.page.is_absolute() {
                true => path.is_file(),
                false => files.open_name(page.page.as_os_str().as_bytes()).is_some(),
            };
            if !is_there {
                self.note(Mistake::new(at.clone(), format!("the page is not there: {}", path.display())));
            }
        }
        if let (Hints::File(path), at) = (&folder.hints, place.hints.clone().unwrap_or_default()) {
            self.hints(path, at, host);
        }
    }

    /// Reads who may let clients in, and who no longer.
    fn clients(&self, host: &Host, place: &HostPlaces) {
        let Some(asks) = host.client_certificates.as_ref() else { return };
        let Err(BadFile { path, why }) = asks.verifier() else { return };
        let files = asks.authorities.iter().chain(&asks.revocations);
        let at = files.zip(&place.clients).find(|(file, _)| **file == path).map(|(_, at)| at.clone());
        let at = at.unwrap_or_default();
        self.note(match why {
            WhyBad::Read(error) => missing(&path, &error, at, "file"),
            why => Mistake::new(at, format!("{}: {why}", path.display())),
        });
    }

    fn hints(&self, path: &Path, at: Range<usize>, host: &Host) {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                let mistake = missing(path, &error, at, "file");
                let written = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                let near = nearest(written, super::keys::HINTS.iter().copied());
                return self.note(match near {
                    Some(near) => mistake.label(format!("did you mean \"{near}\"?")),
                    None => mistake,
                });
            }
        };
        let Some(origin) = host.origin(self.config.visible_port()) else { return };
        if let Err(wrong) = parse_file(&text, &origin) {
            let what = format!("{}:{}: {}", path.display(), wrong.line, wrong.why);
            self.note(Mistake::new(at, what));
        }
    }

    /// What a host shows: its own, those of all, or those of the development CA.
    fn shown(&self, host: &'a Host, place: &HostPlaces, common: Option<&[Arc<Credential>]>) -> Shown {
        let own = !host.certificates.is_empty();
        let credentials = match (own, common) {
            (true, _) => self.load(&host.certificates, &place.certificates),
            (false, Some(common)) => Some(common.to_vec()),
            (false, None) => None,
        };
        let Some(credentials) = credentials.filter(|credentials| !credentials.is_empty()) else {
            // Where a file could not be read that was said already.
            let is_read =
                !matches!(&host.target, Target::Folder(folder) if folder.root.as_os_str().is_empty());
            if is_read && !own && self.config.certificates.is_empty() {
                self.is_local(host, place, "has no certificate");
            }
            return Shown::Development;
        };
        let covered = |name: &&String| credentials.iter().any(|credential| is_for(credential, name));
        if !own
            && !host.names.iter().any(|name| covered(&name))
            && host.names.iter().all(|name| dev_ca::is_local(name))
        {
            return Shown::Development;
        }
        for (name, at) in host.names.iter().zip(&place.names).filter(|(name, _)| !covered(name)) {
            let (what, at) = match (own, place.certificates.first()) {
                (true, Some(place)) => ("the certificate", place.chain.clone()),
                _ => ("the certificate of [tls]", at.clone()),
            };
            let mut names: Vec<&str> =
                credentials.iter().flat_map(|one| &one.names).map(String::as_str).collect();
            names.sort_unstable();
            names.dedup();
            let mistake = Mistake::new(at, format!("{what} does not cover `{name}`"));
            self.note(mistake.note(format!("it covers {}", names.join(", "))));
        }
        Shown::Files(credentials)
    }

    /// The development CA vouches for nobody else.
    fn is_local(&self, host: &Host, place: &HostPlaces, why: &str) {
        let public = host.names.iter().zip(&place.names).find(|(name, _)| !dev_ca::is_local(name));
        if let Some((name, at)) = public {
            let mistake = Mistake::new(at.clone(), format!("`{name}` is a public name and {why}"));
            let mistake = mistake.label("add `certificate = \"...\"` and `key = \"...\"`");
            self.note(mistake.note(
                "the development CA vouches for localhost, *.localhost, *.test and loopback addresses alone",
            ));
        }
    }

    /// All of `files`, or none where one of them is wrong or there is none.
    fn load(&self, files: &'a [CertificateFiles], places: &[PairPlace]) -> Option<Vec<Arc<Credential>>> {
        let loaded: Vec<_> =
            files.iter().zip(places).map(|(files, place)| self.load_one(files, place)).collect();
        if loaded.is_empty() {
            return None;
        }
        loaded.into_iter().collect()
    }

    fn load_one(&self, files: &'a CertificateFiles, place: &PairPlace) -> Option<Arc<Credential>> {
        let (chain_at, key_at) = (&place.chain, &place.key);
        if let Some(known) = self.loaded.borrow().get(files) {
            return known.clone();
        }
        let read = |path: &Path, at: &Range<usize>| match fs::read(path) {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                self.note(missing(path, &error, at.clone(), "file"));
                None
            }
        };
        let (chain, key) = (read(&files.chain, chain_at), read(&files.key, key_at));
        let staple = |path: &PathBuf, at: &Range<usize>, kind: &Staple| {
            let bytes = read(path, at)?;
            if !(kind.is_one)(&bytes) {
                let what = format!("{}: it is no {}", path.display(), kind.name);
                self.note(Mistake::new(at.clone(), what).note(kind.wanted));
            }
            Some(bytes)
        };
        let ocsp = files.ocsp.as_ref().and_then(|path| staple(path, &place.ocsp, &OCSP));
        let scts = files.scts.iter().zip(&place.scts);
        let scts = scts.filter_map(|(path, at)| staple(path, at, &SCT)).collect();
        let staples = Staples { ocsp, scts };
        let credential =
            chain.zip(key).and_then(|(chain, key)| match Credential::from_pem(&PROVIDER, &chain, &key) {
                Ok(credential) => Some(Arc::new(Credential { staples, ..credential })),
                Err(error) => {
                    self.note(bad(&error, &chain, files, chain_at, key_at));
                    None
                }
            });
        if let Some(leaf) = credential.iter().filter_map(|credential| credential.chain.first()).next() {
            self.in_time(leaf, files, chain_at);
        }
        self.loaded.borrow_mut().insert(files, credential.clone());
        credential
    }

    fn in_time(&self, leaf: &[u8], files: &CertificateFiles, at: &Range<usize>) {
        let path = files.chain.display();
        if let Some(end) = expiry::not_after(leaf).filter(|end| *end <= self.now) {
            let what = format!("the certificate {path} has expired: {}", expiry::words(end, self.now));
            self.note(Mistake::new(at.clone(), what));
        }
        if let Some(begin) = expiry::not_before(leaf).filter(|begin| *begin > self.now) {
            let what =
                format!("the certificate {path} is not valid before {}", httpdate::fmt_http_date(begin));
            self.note(Mistake::new(at.clone(), what));
        }
    }
}

/// Which of the two files is wrong.
fn bad(
    error: &BadCredential,
    chain: &[u8],
    files: &CertificateFiles,
    chain_at: &Range<usize>,
    key_at: &Range<usize>,
) -> Mistake {
    let holds_certificate = String::from_utf8_lossy(chain).contains("-----BEGIN CERTIFICATE-----");
    let chain_is_bad = match error {
        BadCredential::Pem(_) => !holds_certificate,
        BadCredential::Key | BadCredential::KeyMismatch => false,
        BadCredential::NoCertificate
        | BadCredential::Certificate(_)
        | BadCredential::KeyUsage
        | BadCredential::NoScheme
        | BadCredential::Scheme(_) => true,
    };
    let (path, at) = if chain_is_bad { (&files.chain, chain_at) } else { (&files.key, key_at) };
    let mistake =
        |what: &dyn std::fmt::Display| Mistake::new(at.clone(), format!("{}: {what}", path.display()));
    match error {
        BadCredential::KeyMismatch => mistake(error).first(chain_at.clone(), "the certificate"),
        BadCredential::Pem(_) | BadCredential::NoCertificate if chain_is_bad => {
            mistake(&"it holds no certificate")
                .note("a certificate in PEM begins with -----BEGIN CERTIFICATE-----")
        }
        BadCredential::Pem(_) => {
            mistake(&"it holds no private key").note("a key in PEM begins with -----BEGIN PRIVATE KEY-----")
        }
        _ => mistake(error),
    }
}

/// What is shown beside a certificate: how it begins tells whether the file is one at all.
struct Staple {
    name: &'static str,
    is_one: fn(&[u8]) -> bool,
    wanted: &'static str,
}

/// An OCSPResponse (RFC 6960 section 4.2.1): a sequence that begins with the status `successful`.
const OCSP: Staple = Staple {
    name: "OCSP response",
    is_one: |der| match der {
        [0x30, 0x82, _, _, rest @ ..] | [0x30, 0x81, _, rest @ ..] | [0x30, 0..=0x7f, rest @ ..] => {
            rest.starts_with(&[0x0a, 1, 0])
        }
        _ => false,
    },
    wanted: "a response in DER that says `successful` is wanted, as `openssl ocsp -respout FILE` writes it",
};

/// A SignedCertificateTimestamp of version 1 (RFC 6962 section 3.2), without extensions and signature 47 bytes.
const SCT: Staple = Staple {
    name: "Signed Certificate Timestamp",
    is_one: |bytes| bytes.first() == Some(&0) && bytes.len() >= 47,
    wanted: "one of version 1 is wanted, a file each, in the bytes of RFC 6962 section 3.2",
};

/// Whether a credential may be shown for a host's name, which may be a wildcard itself.
fn is_for(credential: &Credential, name: &str) -> bool {
    match name.starts_with("*.") {
        true => credential.names.iter().any(|covered| covered == name),
        false => credential.is_for(name),
    }
}

/// Something that should be there, with what is there in its place.
fn missing(path: &Path, error: &io::Error, at: Range<usize>, what: &str) -> Mistake {
    let mistake = Mistake::new(at, format!("cannot use the {what} {}: {}", path.display(), words(error)));
    let (name, parent) = (path.file_name().and_then(|name| name.to_str()), path.parent());
    let (Some(name), Some(parent), io::ErrorKind::NotFound) = (name, parent, error.kind()) else {
        return mistake;
    };
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    if !parent.is_dir() {
        return mistake.label(format!("there is no folder {}", parent.display()));
    }
    // Whatever cannot be listed is not proposed.
    let names = fs::read_dir(parent).into_iter().flatten().take(1_000).filter_map(Result::ok);
    let names: Vec<String> = names.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => mistake.label(format!("did you mean `{}`, which is there?", near)),
        None => mistake,
    }
}

/// Without the system's number.
fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it is not there".into(),
        io::ErrorKind::PermissionDenied => "it may not be read".into(),
        io::ErrorKind::NotADirectory => "it is not a folder".into(),
        io::ErrorKind::IsADirectory => "it is a folder, and a file is wanted".into(),
        _ => error.to_string(),
    }
}
