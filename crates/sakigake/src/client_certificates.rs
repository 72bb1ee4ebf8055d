//! How hosts ask clients who they are: from the files that a configuration names to what TLS goes by.

use core::fmt;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, pem::PemObject};
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_tls::{
    Fault, RejectedCertificate, WebPki,
    server::{ClientAuthentication, Demand},
};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// How a host asks clients who they are. Two hosts for which all of this is the same ask the same way: a connection to one may
/// serve the other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientCertificates {
    /// PEM files of the authorities whose certificates count.
    pub authorities: Vec<PathBuf>,
    /// PEM files of what they have revoked (RFC 5280 section 5).
    pub revocations: Vec<PathBuf>,
    /// Whether a client without certificate is turned away; else it is served as nobody.
    pub is_required: bool,
    /// Whether clients are told the authorities' names, to choose by. Anybody who connects can read them.
    pub tells_authorities: bool,
}

/// A file that is none of what it is named as.
#[derive(Debug)]
pub struct BadFile {
    /// Which one.
    pub path: PathBuf,
    /// What is wrong with it.
    pub why: WhyBad,
}

/// What is wrong with a file.
#[derive(Debug)]
#[non_exhaustive]
pub enum WhyBad {
    /// It cannot be read.
    Read(io::Error),
    /// It holds no such thing in PEM.
    Holds(&'static str),
    /// What it holds cannot be used.
    Refused(RejectedCertificate),
}

/// A host's names, whether it is the default one, and how it asks.
pub type Asking<'a> = (&'a [String], bool, Option<&'a ClientCertificates>);

impl ClientCertificates {
    /// Reads the files: who judges clients by them.
    ///
    /// # Errors
    /// One of them is bad.
    pub fn verifier(&self) -> Result<WebPki, BadFile> {
        let mut verifier = WebPki::new(&PROVIDER);
        for path in &self.authorities {
            let bad = |why| BadFile { path: path.clone(), why };
            for der in items::<CertificateDer<'_>>(path, "certificate")? {
                verifier.trust(&der).map_err(|refused| bad(WhyBad::Refused(refused)))?;
            }
        }
        for path in &self.revocations {
            let bad = |why| BadFile { path: path.clone(), why };
            for der in items::<CertificateRevocationListDer<'_>>(path, "list of what was revoked")? {
                verifier.revoke(&der).map_err(|refused| bad(WhyBad::Refused(refused)))?;
            }
        }
        Ok(verifier)
    }

    fn policy(&self) -> Result<ClientAuthentication, BadFile> {
        let verifier = self.verifier()?;
        let authorities = if self.tells_authorities { verifier.authorities() } else { Vec::new() };
        Ok(ClientAuthentication {
            hosts: Vec::new(),
            is_default: false,
            demand: if self.is_required { Demand::Required } else { Demand::Optional },
            verifier: Some(Arc::new(verifier)),
            authorities,
        })
    }
}

/// How each host asks, as TLS wants to have it; nothing where none does.
///
/// # Errors
/// A file is bad.
pub fn policies<'a>(
    hosts: impl IntoIterator<Item = Asking<'a>>,
) -> Result<Vec<Arc<ClientAuthentication>>, BadFile> {
    let mut groups: BTreeMap<Option<&ClientCertificates>, (Vec<String>, bool)> = BTreeMap::new();
    for (names, is_default, asks) in hosts {
        let group = groups.entry(asks).or_default();
        group.0.extend_from_slice(names);
        group.1 |= is_default;
    }
    for (hosts, _) in groups.values_mut() {
        hosts.sort_unstable();
        hosts.dedup(); // `serve` may have one name twice: the development name as the public one.
    }
    if groups.keys().all(Option::is_none) {
        return Ok(Vec::new());
    }
    let policy = |(asks, (hosts, is_default)): (Option<&ClientCertificates>, _)| {
        let usual = match asks {
            Some(asks) => asks.policy()?,
            None => ClientAuthentication {
                hosts: Vec::new(),
                is_default,
                demand: Demand::Never,
                verifier: None,
                authorities: Vec::new(),
            },
        };
        Ok(Arc::new(ClientAuthentication { hosts, is_default, ..usual }))
    };
    groups.into_iter().map(policy).collect()
}

/// What a file holds of one kind in DER, at least one.
fn items<T: PemObject + AsRef<[u8]>>(path: &Path, kind: &'static str) -> Result<Vec<T>, BadFile> {
    let bad = |why| BadFile { path: path.to_owned(), why };
    let text = fs::read(path).map_err(|error| bad(WhyBad::Read(error)))?;
    // What is broken is none.
    let found: Vec<T> =
        T::pem_slice_iter(&text).collect::<Result<_, _>>().map_err(|_| bad(WhyBad::Holds(kind)))?;
    if found.is_empty() { Err(bad(WhyBad::Holds(kind))) } else { Ok(found) }
}

impl fmt::Display for BadFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.why)
    }
}

impl fmt::Display for WhyBad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => write!(f, "cannot read it: {error}"),
            Self::Holds(what) => write!(f, "it holds no {what} in PEM"),
            Self::Refused(why) => write!(f, "it cannot be used: {}", Fault::CertificateRejected(why.clone())),
        }
    }
}

impl std::error::Error for BadFile {}
