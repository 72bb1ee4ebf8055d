//! Who answers a connection's questions: what a peer's chain is worth, and what signs for us. A synchronous case has the
//! same answers in its configuration.

use crate::{End, socket::System};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use sakigake_crypto::{Provider, aws_lc};
use sakigake_tls::{
    Answer, ClientVerifier, Credential, RejectedCertificate, Signer, Staples, Verified, Verifier, Wanted,
    WebPki, verify_signature,
};
use sakigake_wire::Entropy;
use std::{
    fs,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

/// A literal address: no name is sent, and no certificate is for it.
pub(crate) const NO_NAME: &str = "127.0.0.1";
/// No credential, or the one that was configured before the first was begun.
const DEFAULT: i64 = -1;
/// No scheme yet.
const NONE: i64 = -1;

/// Answers what the connection asks.
pub(crate) struct Owner {
    pub(crate) wanted: Option<Wanted>,
    pub(crate) judge: Arc<Judge>,
    pub(crate) credentials: Vec<Arc<Credential>>,
    pub(crate) selected: Arc<AtomicI64>,
}

/// Takes every chain whose leaf can be read and may sign, or none.
pub(crate) struct Judge {
    provider: &'static Provider,
    web_pki: WebPki,
    unix_secs: u64,
    rejects: AtomicBool,
    /// No staple is good, nor is it good that there is none.
    rejects_staples: bool,
    /// A chain that was found good before and counts as good.
    remembered: Vec<Vec<u8>>,
    /// The scheme that the peer signed with.
    scheme: AtomicI64,
    /// What the peer showed, and beside its leaf.
    chain: Mutex<Vec<Vec<u8>>>,
    staples: Mutex<Staples>,
}

/// Keeps in mind that its credential was the chosen one.
pub(crate) struct Marked {
    pub(crate) signer: Arc<dyn Signer>,
    pub(crate) number: i64,
    pub(crate) selected: Arc<AtomicI64>,
}

impl Owner {
    /// Judges by `judge`; signs as no credential yet.
    pub(crate) fn new(judge: Judge) -> Self {
        let selected = Arc::new(AtomicI64::new(DEFAULT));
        Self { wanted: None, judge: Arc::new(judge), credentials: Vec::new(), selected }
    }

    /// What the connection asks is answered as the configuration would.
    pub(crate) fn answer(&self, wanted: &Wanted) -> Answer {
        match wanted {
            Wanted::Certificate { .. } => Answer::Certificate(self.credentials.first().cloned()),
            Wanted::Signature { scheme, message, .. } => {
                let signer = self.credentials.first().and_then(|credential| credential.signer.as_ref());
                Answer::Signature(signer.and_then(|signer| signer.sign(*scheme, message, &mut System)))
            }
            Wanted::Verify { chain, .. } | Wanted::VerifyClient { chain, .. } => {
                let chain: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
                let verdict = self.judge.judge(&chain);
                Answer::Verify(match wanted {
                    Wanted::Verify { staples, .. } => verdict.and(self.judge.judge_staples(staples)),
                    _ => verdict,
                })
            }
            Wanted::TransportParameters { .. } => unreachable!("QUIC asks for them, and the shim has none"),
        }
    }

    /// The scheme that the peer signed with, where the configuration was asked.
    pub(crate) fn peer_scheme(&self) -> Option<u16> {
        u16::try_from(self.judge.scheme.load(Ordering::Relaxed)).ok()
    }

    /// The chain that the peer showed.
    pub(crate) fn peer_chain(&self) -> Vec<Vec<u8>> {
        self.judge.chain.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the server showed beside its leaf.
    pub(crate) fn staples(&self) -> Staples {
        self.judge.staples.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The number of the credential that signed.
    pub(crate) fn selected(&self) -> i64 {
        self.selected.load(Ordering::Relaxed)
    }
}

impl Judge {
    /// Trusts the certificates in the file `trusted`, if there is one, and the chain `remembered`, if it is not empty; takes
    /// any staples, or none.
    pub(crate) fn new(
        provider: &'static Provider,
        trusted: Option<&str>,
        unix_secs: u64,
        remembered: Vec<Vec<u8>>,
        rejects_staples: bool,
    ) -> Result<Self, End> {
        let mut web_pki = WebPki::new(&aws_lc::PROVIDER); // What -verify-prefs leaves out is no matter of chains.
        if let Some(path) = trusted.filter(|path| !path.is_empty()) {
            for der in certificates(path)? {
                // What is no anchor is found out where a chain leads to it.
                let _ = web_pki.trust(&der);
            }
        }
        let (rejects, scheme, chain) = (AtomicBool::new(false), AtomicI64::new(NONE), Mutex::new(Vec::new()));
        let staples = Mutex::new(Staples::default());
        Ok(Self {
            provider,
            web_pki,
            unix_secs,
            rejects,
            rejects_staples,
            remembered,
            scheme,
            chain,
            staples,
        })
    }

    /// Whether each chain from now on is refused.
    pub(crate) fn reject(&self, rejects: bool) {
        self.rejects.store(rejects, Ordering::Relaxed);
    }

    fn judge_staples(&self, staples: &Staples) -> Result<Verified, RejectedCertificate> {
        *self.staples.lock().unwrap_or_else(PoisonError::into_inner) = staples.clone();
        match self.rejects_staples {
            true => Err(RejectedCertificate::Status("the case says so".into())),
            false => Ok(Verified),
        }
    }

    /// What a chain is worth.
    pub(crate) fn judge(&self, chain: &[&[u8]]) -> Result<Verified, RejectedCertificate> {
        *self.chain.lock().unwrap_or_else(PoisonError::into_inner) =
            chain.iter().map(|der| der.to_vec()).collect();
        let is_remembered = !chain.is_empty() && chain == self.remembered;
        if self.rejects.load(Ordering::Relaxed) && !is_remembered {
            return Err(RejectedCertificate::Unacceptable("the case says so".into()));
        }
        match self.web_pki.verify_chain(NO_NAME, chain, self.unix_secs) {
            // The runner's certificates are for no name, and some for no issuer.
            Err(RejectedCertificate::WrongName { .. } | RejectedCertificate::UnknownIssuer) => Ok(Verified),
            verdict => verdict,
        }
    }

    fn is_signed(&self, leaf: &[u8], scheme: u16, message: &[u8], signature: &[u8]) -> bool {
        self.scheme.store(i64::from(scheme), Ordering::Relaxed);
        verify_signature(self.provider, leaf, scheme, message, signature)
    }
}

impl Verifier for Judge {
    fn verify_chain(&self, _: &str, chain: &[&[u8]], _: u64) -> Result<Verified, RejectedCertificate> {
        self.judge(chain)
    }

    fn verify_staples(&self, _: &[&[u8]], staples: &Staples, _: u64) -> Result<(), RejectedCertificate> {
        self.judge_staples(staples).map(|Verified| ())
    }

    fn verify_signature(&self, leaf: &[u8], scheme: u16, message: &[u8], signature: &[u8]) -> bool {
        self.is_signed(leaf, scheme, message, signature)
    }
}

impl ClientVerifier for Judge {
    fn verify_client(&self, chain: &[&[u8]], _: u64) -> Result<Verified, RejectedCertificate> {
        self.judge(chain)
    }

    fn verify_signature(&self, leaf: &[u8], scheme: u16, message: &[u8], signature: &[u8]) -> bool {
        self.is_signed(leaf, scheme, message, signature)
    }
}

impl Signer for Marked {
    fn sign(&self, scheme: u16, message: &[u8], entropy: &mut dyn Entropy) -> Option<Vec<u8>> {
        self.selected.store(self.number, Ordering::Relaxed);
        self.signer.sign(scheme, message, entropy)
    }
}

/// The certificates in a file, in DER.
pub(crate) fn certificates(path: &str) -> Result<Vec<Vec<u8>>, End> {
    let failed = |error: &dyn std::fmt::Display| End::Failed(format!("{path}: {error}"));
    let pem = fs::read(path).map_err(|error| failed(&error))?;
    let found = CertificateDer::pem_slice_iter(&pem).map(|der| der.map(|der| der.to_vec()));
    found.collect::<Result<_, _>>().map_err(|error| failed(&error))
}
