use super::{compression::Compression, der, web_pki::signs_with};
use crate::{
    Credential, Signer,
    extension::{List, Opaque16},
    message::{Certificate, CertificateEntry},
    rules::SignatureScheme,
};
use core::fmt;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use sakigake_crypto::{Provider, SigningKey};
use sakigake_wire::Entropy;
use std::sync::Arc;
use webpki::EndEntityCert;

impl Credential {
    /// A chain in DER, leaf first, with the key of its leaf, which must fit. The names are the leaf's.
    pub fn load(chain: Vec<Vec<u8>>, key: Box<dyn SigningKey>) -> Result<Self, BadCredential> {
        let leaf = CertificateDer::from(chain.first().ok_or(BadCredential::NoCertificate)?.as_slice());
        let parsed =
            EndEntityCert::try_from(&leaf).map_err(|error| BadCredential::Certificate(error.to_string()))?;
        if parsed.subject_public_key_info().as_ref() != key.public_key() {
            return Err(BadCredential::KeyMismatch);
        }
        let schemes = key.schemes().to_vec();
        Self::shown(chain, schemes, Some(Arc::new(KeySigner(key))))
    }

    fn shown(
        chain: Vec<Vec<u8>>,
        schemes: Vec<u16>,
        signer: Option<Arc<dyn Signer>>,
    ) -> Result<Self, BadCredential> {
        let leaf = CertificateDer::from(chain.first().ok_or(BadCredential::NoCertificate)?.as_slice());
        let parsed =
            EndEntityCert::try_from(&leaf).map_err(|error| BadCredential::Certificate(error.to_string()))?;
        if !der::may_sign(&leaf) {
            return Err(BadCredential::KeyUsage); // spec: 9846-4.5.1.2-n
        }
        let names = parsed.valid_dns_names().map(str::to_ascii_lowercase);
        let names = names.chain(der::ip_names(&leaf).iter().map(ToString::to_string)).collect();
        let signed_with = chain.iter().filter_map(|der| der::signed_with(der)).collect();
        Ok(Self { chain, signer, schemes, signed_with, names, ..Self::default() })
    }

    /// A chain in PEM, leaf first, whose key is elsewhere and signs with `schemes`, best first: the owner answers
    /// [`crate::Wanted::Signature`].
    ///
    /// # Errors
    /// As [`Credential::load`], or the leaf's key is none that signs with one of the schemes.
    pub fn remote(provider: &Provider, chain: &[u8], schemes: &[u16]) -> Result<Self, BadCredential> {
        let credential = Self::shown(from_pem(chain)?, schemes.into(), None)?;
        let leaf = &credential.chain[0]; // `shown` takes no empty chain.
        match schemes.iter().find(|scheme| !signs_with(provider, leaf, **scheme)) {
            None if schemes.is_empty() => Err(BadCredential::NoScheme),
            None => Ok(credential),
            Some(scheme) => Err(BadCredential::Scheme(SignatureScheme(*scheme))),
        }
    }

    /// As [`Credential::load`], from PEM: certificates, leaf first, and one private key.
    pub fn from_pem(provider: &Provider, chain: &[u8], key: &[u8]) -> Result<Self, BadCredential> {
        let chain = from_pem(chain)?;
        let key =
            PrivateKeyDer::from_pem_slice(key).map_err(|error| BadCredential::Pem(error.to_string()))?;
        Self::load(chain, (provider.signing_key)(&key).map_err(|_| BadCredential::Key)?)
    }

    /// The Certificate message with this chain and what of its staples is `asked` for, header included.
    pub(crate) fn message(&self, asked: Shown) -> Vec<u8> {
        let entry = |der: &Vec<u8>| der.len() + ENTRY_BYTES;
        let mut message = Vec::with_capacity(8 + self.chain.iter().map(entry).sum::<usize>());
        let mut entries: Vec<CertificateEntry<'_>> = self
            .chain
            .iter()
            .map(|der| CertificateEntry { cert_data: der, ..CertificateEntry::default() })
            .collect();
        let scts: Vec<Opaque16<'_>> = self.staples.scts.iter().map(|sct| Opaque16(sct)).collect();
        if let Some(leaf) = entries.first_mut() {
            leaf.extensions.status_request = self.staples.ocsp.as_deref().filter(|_| asked.ocsp); // spec: 9846-4.5.1.1-a
            leaf.extensions.signed_certificate_timestamp =
                (asked.scts && !scts.is_empty()).then_some(List::Items(&scts)); // spec: 9846-4.5.1.1-b
        }
        Certificate { certificate_list: List::Items(&entries), ..Certificate::default() }.write(&mut message);
        message
    }

    /// As [`Credential::message`], compressed where that helps.
    pub(crate) fn message_by(&self, compression: Option<&Compression>, asked: Shown) -> Vec<u8> {
        // One form for all who ask for what is not there.
        let asked = Shown {
            ocsp: asked.ocsp && self.staples.ocsp.is_some(),
            scts: asked.scts && !self.staples.scts.is_empty(),
        };
        let compressed =
            compression.and_then(|row| self.compressed.message(row, asked, || self.message(asked)));
        compressed.map_or_else(|| self.message(asked), <[u8]>::to_vec) // spec: 8879-4-d
    }

    /// Whether the leaf names `host` (lower case, no final dot): itself, or by a wildcard for its first label
    /// (RFC 9525 section 6.3).
    pub fn is_for(&self, host: &str) -> bool {
        self.names.iter().any(|name| match (name.strip_prefix("*."), host.split_once('.')) {
            (Some(parent), Some((label, rest))) => !label.is_empty() && parent == rest,
            _ => name == host,
        })
    }
}

fn from_pem(chain: &[u8]) -> Result<Vec<Vec<u8>>, BadCredential> {
    let certificates = CertificateDer::pem_slice_iter(chain).map(|item| item.map(|der| der.to_vec()));
    certificates.collect::<Result<_, _>>().map_err(|error| BadCredential::Pem(error.to_string()))
}

/// Why a chain and a key make no credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadCredential {
    /// There is no certificate.
    NoCertificate,
    /// The leaf could not be parsed.
    Certificate(String),
    /// The provider does not take the key.
    Key,
    /// The key is not the leaf's.
    KeyMismatch,
    /// The leaf's key usage bars signatures, which is all that TLS 1.3 has its key for.
    KeyUsage,
    /// A key that is elsewhere is said to sign with no scheme at all.
    NoScheme,
    /// The leaf's key is none that signs a handshake with this scheme.
    Scheme(SignatureScheme),
    /// The text is no PEM, or holds no such item.
    Pem(String),
}

impl fmt::Display for BadCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCertificate => write!(f, "there is no certificate"),
            Self::Certificate(why) => write!(f, "the leaf certificate could not be parsed: {why}"),
            Self::Key => write!(f, "the private key has a kind or size that is not supported"),
            Self::KeyMismatch => write!(f, "the private key is not the leaf certificate's"),
            Self::KeyUsage => write!(f, "the leaf certificate's key usage bars signatures"),
            Self::NoScheme => write!(f, "no scheme is given that its key signs with"),
            Self::Scheme(scheme) => {
                write!(f, "the leaf certificate's key does not sign a handshake with {scheme}")
            }
            Self::Pem(why) => write!(f, "no usable PEM: {why}"),
        }
    }
}

impl std::error::Error for BadCredential {}

/// Which staples the peer takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) ocsp: bool,
    pub(crate) scts: bool,
}

/// Lengths around a certificate in its list.
const ENTRY_BYTES: usize = 5;

struct KeySigner(Box<dyn SigningKey>);

impl Signer for KeySigner {
    fn sign(&self, scheme: u16, message: &[u8], entropy: &mut dyn Entropy) -> Option<Vec<u8>> {
        self.0.sign(scheme, message, entropy).ok() // The reason is of no use: the handshake ends either way.
    }
}
