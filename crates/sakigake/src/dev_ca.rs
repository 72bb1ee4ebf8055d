//! A development CA: made on first use in the user's data folder, good for nothing but localhost, `*.test` and loopback
//! addresses, so that trusting it gives nobody a way between the user and the world.

mod store;
#[cfg(test)]
mod tests;
mod trust;

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, PKCS_ECDSA_P256_SHA256,
    PKCS_RSA_SHA256,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sakigake_crypto::aws_lc::PROVIDER;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Trusting a CA takes a person's hands, so it lasts.
const CA_LIFE: Duration = DAY.saturating_mul(3650);
const LEAF_LIFE: Duration = DAY.saturating_mul(14);
/// How far a client's clock may be behind ours.
const SKEW: Duration = Duration::from_secs(60 * 60);

/// The CA, open.
pub struct DevCa {
    folder: PathBuf,
    certificate: CertificateDer<'static>,
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// The certificates for one set of names.
pub struct Leaves {
    /// With an ECDSA P-256 key.
    pub ecdsa: Leaf,
    /// With an RSA key of 2048 bits, for peers that do not verify ECDSA.
    pub rsa: Leaf,
}

/// One certificate and its key.
pub struct Leaf {
    /// What the server sends: the leaf alone, since whoever trusts the CA has it.
    pub chain: Vec<CertificateDer<'static>>,
    /// PKCS #8.
    pub key: PrivateKeyDer<'static>,
    /// When it ends.
    pub not_after: SystemTime,
    /// Half of its life is over then: make another.
    pub renew_at: SystemTime,
}

/// Why there is no CA, or no leaf.
#[derive(Debug)]
pub enum Error {
    /// Neither `XDG_DATA_HOME` nor `HOME` says where the user's data lies.
    NoHome,
    /// A file or folder could not be read or made.
    Io {
        /// What was tried.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file or folder belongs to another user.
    Foreign {
        /// Which one.
        path: PathBuf,
        /// The owner's number.
        owner: u32,
    },
    /// Others may read the key or write in its folder.
    Exposed {
        /// Which file or folder.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The key's file does not hold what it should.
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        why: &'static str,
    },
    /// The CA's life is over.
    Expired {
        /// Its file.
        path: PathBuf,
    },
    /// A name that this CA may not vouch for.
    NotLocal(String),
    /// The certificate could not be made.
    Made(rcgen::Error),
}

impl DevCa {
    /// `sakigake` in `XDG_DATA_HOME`, or in `~/.local/share`.
    pub fn default_folder() -> Result<PathBuf, Error> {
        store::default_folder(|name| std::env::var_os(name))
    }

    /// Opens the CA in `folder`, or makes it there when there is none. Several processes may do so at once: one makes
    /// it, all get the same.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, Error> {
        Self::open_at(folder.into(), SystemTime::now())
    }

    /// Whether there is one in the folder: [`DevCa::open`] would make none.
    pub fn is_in(folder: &Path) -> bool {
        folder.join(store::KEY_FILE).exists()
    }

    fn open_at(folder: PathBuf, now: SystemTime) -> Result<Self, Error> {
        store::prepare(&folder)?;
        let path = folder.join(store::KEY_FILE);
        let text = match store::read_private(&path)? {
            Some(text) => text,
            None => {
                store::create_private(&path, &create(now).map_err(Error::Made)?)?;
                store::read_private(&path)?
                    .ok_or(Error::Damaged { path: path.clone(), why: "it vanished" })?
            }
        };
        let ca = Self::read(folder, &path, &text, now)?;
        store::publish(&ca.certificate_path(), &ca.pem)?;
        Ok(ca)
    }

    fn read(folder: PathBuf, path: &Path, text: &str, now: SystemTime) -> Result<Self, Error> {
        let damaged = |why| Error::Damaged { path: path.into(), why };
        let (pem, key) =
            text.split_once(KEY_BEGINS).ok_or(damaged("it holds no certificate followed by a key"))?;
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes())
            .map_err(|_| damaged("its certificate is not PEM"))?;
        let key = KeyPair::from_pem(&format!("{KEY_BEGINS}{key}"))
            .map_err(|_| damaged("its key cannot be read"))?;
        let (_, parsed) = x509_parser::parse_x509_certificate(&certificate)
            .map_err(|_| damaged("its certificate is not X.509"))?;
        if parsed.public_key().subject_public_key.data.as_ref() != key.public_key_raw() {
            return Err(damaged("its key belongs to another certificate"));
        }
        if time::OffsetDateTime::from(now).unix_timestamp() >= parsed.validity().not_after.timestamp() {
            return Err(Error::Expired { path: path.into() });
        }
        let issuer = Issuer::from_ca_cert_der(&certificate, key).map_err(Error::Made)?;
        Ok(Self { folder, pem: pem.into(), issuer, certificate: certificate.clone() })
    }

    /// Certificates for these names and for localhost, `127.0.0.1` and `::1`: names of `localhost`, `*.localhost` and
    /// `*.test`, and loopback addresses. They live 14 days.
    pub fn leaf(&self, names: &[&str]) -> Result<Leaves, Error> {
        self.leaf_at(names, SystemTime::now())
    }

    fn leaf_at(&self, names: &[&str], now: SystemTime) -> Result<Leaves, Error> {
        let mut all = ALWAYS.map(String::from).to_vec();
        for name in names {
            let name = name.trim_matches(['[', ']']).to_ascii_lowercase();
            if !is_local(&name) {
                return Err(Error::NotLocal(name));
            }
            if !all.contains(&name) {
                all.push(name);
            }
        }
        let leaf = |algorithm| self.sign(all.clone(), algorithm, now).map_err(Error::Made);
        Ok(Leaves { ecdsa: leaf(&PKCS_ECDSA_P256_SHA256)?, rsa: leaf(&PKCS_RSA_SHA256)? })
    }

    /// Signs whatever names it is given: the CA's own constraints are then all that holds.
    fn sign(
        &self,
        names: Vec<String>,
        algorithm: &'static rcgen::SignatureAlgorithm,
        now: SystemTime,
    ) -> Result<Leaf, rcgen::Error> {
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name = common_name("Sakigake development server");
        params.not_before = (now - SKEW).into();
        let not_after = now + LEAF_LIFE;
        params.not_after = not_after.into();
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate_for(algorithm)?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Leaf {
            chain: vec![certificate.der().clone()],
            key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            not_after,
            renew_at: now + LEAF_LIFE / 2,
        })
    }

    /// The CA's certificate, for whoever is to trust it.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// The same as PEM.
    pub fn certificate_pem(&self) -> &str {
        &self.pem
    }

    /// The file that holds just that.
    pub fn certificate_path(&self) -> PathBuf {
        self.folder.join(store::CERTIFICATE_FILE)
    }

    /// SHA-256 of the certificate, as browsers show it: `AB:CD:...`.
    pub fn fingerprint(&self) -> String {
        sha256(&self.certificate).iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
    }

    /// How to make programs trust it, for a person to read.
    pub fn instructions(&self) -> String {
        trust::instructions(&self.certificate_path(), &self.fingerprint())
    }
}

/// What each leaf is for, whatever else was asked.
const ALWAYS: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

const KEY_BEGINS: &str = "-----BEGIN PRIVATE KEY-----";

/// A new CA: its certificate and its key in one text, so that the two cannot part.
fn create(now: SystemTime) -> Result<String, rcgen::Error> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mark: String = sha256(key.public_key_raw())[..3].iter().map(|byte| format!("{byte:02x}")).collect();
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(&format!("Sakigake development CA {mark}"));
    params.not_before = (now - SKEW).into();
    params.not_after = (now + CA_LIFE).into();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    // Without this a leaf of this CA could sign code or mail, which have names that the constraints do not know.
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![
            GeneralSubtree::DnsName("localhost".into()),
            GeneralSubtree::DnsName("test".into()),
            GeneralSubtree::IpAddress(CidrSubnet::V4([127, 0, 0, 0], [255, 0, 0, 0])),
            GeneralSubtree::IpAddress(CidrSubnet::V6(std::net::Ipv6Addr::LOCALHOST.octets(), [255; 16])),
        ],
        excluded_subtrees: Vec::new(),
    });
    let certificate = params.self_signed(&key)?;
    Ok(certificate.pem() + &key.serialize_pem())
}

fn common_name(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::CommonName, name);
    names
}

/// Whether the development CA may vouch for `name`, which is in lower case.
pub fn is_local(name: &str) -> bool {
    if let Ok(address) = name.parse::<IpAddr>() {
        return address.is_loopback();
    }
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let is_name = name.len() <= 253 && name.strip_prefix("*.").unwrap_or(name).split('.').all(is_label);
    is_name && matches!(name.rsplit('.').next(), Some("localhost" | "test"))
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let suite = PROVIDER.suites.iter().find(|suite| suite.hash.len == 32);
    let mut state = (suite.expect("TLS_AES_128_GCM_SHA256 is mandatory").hash.start)();
    state.update(bytes);
    state.digest().as_ref().try_into().expect("its length is 32")
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHome => write!(f, "cannot tell where your data lies: set HOME or XDG_DATA_HOME"),
            Self::Io { doing, path, source } => write!(f, "cannot {doing} {}: {source}", path.display()),
            Self::Foreign { path, owner } => write!(
                f,
                "{} belongs to user {owner}: run this as that user, or set XDG_DATA_HOME to a folder of yours",
                path.display()
            ),
            Self::Exposed { path, mode } => {
                let right = if path.is_dir() { "0700" } else { "0600" };
                write!(
                    f,
                    "{} has mode {mode:04o}, so that others could have its key: `chmod {right}` it, or, if somebody \
                     may have read the key, delete it and trust the next one",
                    path.display()
                )
            }
            Self::Damaged { path, why } => write!(
                f,
                "{} is not the development CA's key ({why}): delete it to get a new CA, to be trusted anew",
                path.display()
            ),
            Self::Expired { path } => write!(
                f,
                "the development CA has expired: delete {} to get a new one, to be trusted anew",
                path.display()
            ),
            Self::NotLocal(name) => write!(
                f,
                "the development CA vouches only for localhost, *.localhost, *.test and loopback addresses, not for \
                 `{}`: give --cert and --key",
                name.escape_default()
            ),
            Self::Made(error) => write!(f, "cannot make a certificate: {error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Made(error) => Some(error),
            _ => None,
        }
    }
}
