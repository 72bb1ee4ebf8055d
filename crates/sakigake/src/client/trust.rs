//! Whose certificates count.

use crate::dev_ca::DevCa;
use core::fmt;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, pem::PemObject};
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_tls::{RejectedCertificate, Verified, Verifier, WebPki};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Whose certificates count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The platform's store, and this user's development CA, which may vouch for loopback names alone.
    Platform,
    /// The certificates of one PEM file.
    File(PathBuf),
    /// Anybody's. Signatures are still checked, so the peer has the key it shows.
    Anybody,
}

/// Why nobody can be trusted.
#[derive(Debug)]
pub enum TrustError {
    /// A file could not be read.
    Read(PathBuf, io::Error),
    /// A file holds no certificate.
    Empty(PathBuf),
    /// An anchor cannot be used.
    Anchor(String),
    /// The platform's store holds nothing.
    Platform(String),
    /// A file holds no certificate revocation list that can be used.
    Crl(PathBuf, String),
}

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(path, error) => write!(f, "cannot read {}: {error}", path.display()),
            Self::Empty(path) => write!(f, "{} holds no certificate in PEM", path.display()),
            Self::Anchor(why) => write!(f, "a trust anchor cannot be used: {why}"),
            Self::Crl(path, why) => {
                write!(f, "{} is no usable certificate revocation list: {why}", path.display())
            }
            Self::Platform(why) => write!(f, "the platform's trust store cannot be used: {why}"),
        }
    }
}

impl std::error::Error for TrustError {}

impl Trust {
    /// Judges servers accordingly.
    ///
    /// # Errors
    /// The anchors cannot be read, or there are none.
    pub fn verifier(&self) -> Result<Arc<dyn Verifier>, TrustError> {
        self.verifier_with(None)
    }

    /// The same, which holds every chain against the certificate revocation lists of a PEM file too. [`Trust::Anybody`] is
    /// not held to any.
    ///
    /// # Errors
    /// As [`Trust::verifier`]; the lists cannot be read, or there are none.
    pub fn verifier_with(&self, crls: Option<&Path>) -> Result<Arc<dyn Verifier>, TrustError> {
        let anchors = match self {
            Self::Platform => platform()?,
            Self::File(path) => file(path)?,
            Self::Anybody => return Ok(Arc::new(Anybody)),
        };
        let mut verifier = WebPki::new(&PROVIDER);
        let is_platform = *self == Self::Platform;
        for anchor in &anchors {
            match verifier.trust(anchor) {
                Ok(()) => {}
                // Platforms carry anchors that no program reads; the others count.
                Err(_) if is_platform => {}
                Err(why) => {
                    return Err(TrustError::Anchor(
                        sakigake_tls::Fault::CertificateRejected(why).to_string(),
                    ));
                }
            }
        }
        if let Some(path) = crls {
            revoke(&mut verifier, path)?;
        }
        Ok(Arc::new(verifier))
    }
}

fn revoke(verifier: &mut WebPki, path: &Path) -> Result<(), TrustError> {
    let bad = |why: String| TrustError::Crl(path.to_owned(), why);
    verifier.demand_lists();
    let text = fs::read(path).map_err(|error| bad(error.to_string()))?;
    let mut lists = 0;
    for list in CertificateRevocationListDer::pem_slice_iter(&text) {
        let list = list.map_err(|error| bad(error.to_string()))?;
        let taken = verifier.revoke(&list);
        taken.map_err(|why| bad(sakigake_tls::Fault::CertificateRejected(why).to_string()))?;
        lists += 1;
    }
    if lists == 0 { Err(bad("it holds none in PEM".into())) } else { Ok(()) }
}

fn platform() -> Result<Vec<Vec<u8>>, TrustError> {
    let found = rustls_native_certs::load_native_certs();
    let mut anchors: Vec<Vec<u8>> = found.certs.iter().map(|certificate| certificate.to_vec()).collect();
    anchors.extend(development());
    if anchors.is_empty() {
        let why = found.errors.first().map_or_else(|| "it is empty".to_owned(), ToString::to_string);
        return Err(TrustError::Platform(why));
    }
    Ok(anchors)
}

/// The development CA's certificate, where there is one that can be read; none is made here.
fn development() -> Option<Vec<u8>> {
    let folder = DevCa::default_folder().ok()?; // No home, no CA.
    let ca = DevCa::is_in(&folder).then(|| DevCa::open(folder))?.ok()?; // A broken one is reported by `serve`.
    Some(ca.certificate().to_vec())
}

fn file(path: &Path) -> Result<Vec<Vec<u8>>, TrustError> {
    let text = fs::read(path).map_err(|error| TrustError::Read(path.to_owned(), error))?;
    let certificates = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
    let certificates =
        certificates.map_err(|error| TrustError::Anchor(format!("{}: {error}", path.display())))?;
    if certificates.is_empty() {
        return Err(TrustError::Empty(path.to_owned()));
    }
    Ok(certificates.iter().map(|certificate| certificate.to_vec()).collect())
}

/// Asks for no name and no anchor.
struct Anybody;

impl Verifier for Anybody {
    fn verify_chain(&self, _: &str, chain: &[&[u8]], _: u64) -> Result<Verified, RejectedCertificate> {
        let leaf = chain.first().copied().unwrap_or_default(); // TLS takes no empty chain.
        sakigake_tls::check_key(&PROVIDER, leaf).map(|()| Verified)
    }

    fn verify_signature(&self, leaf: &[u8], scheme: u16, message: &[u8], signature: &[u8]) -> bool {
        sakigake_tls::verify_signature(&PROVIDER, leaf, scheme, message, signature)
    }
}
