use super::der;
use crate::{ClientVerifier, Grounds, RejectedCertificate, Verified, Verifier};
use rustls_pki_types::{CertificateDer, ServerName, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use sakigake_crypto::Provider;
use std::{sync::Arc, time::Duration};
use webpki::{
    CertRevocationList, EndEntityCert, Error, ExpirationPolicy, KeyUsage, OwnedCertRevocationList,
    RevocationOptionsBuilder, UnknownStatusPolicy, anchor_from_trusted_cert,
};

/// The built-in [`Verifier`] and [`ClientVerifier`]: a path to one of the given anchors, the name (of a server), the use, the
/// time, and whether it was revoked, where there are lists (RFC 5280, RFC 9525).
pub struct WebPki {
    provider: &'static Provider,
    algorithms: Vec<&'static dyn SignatureVerificationAlgorithm>,
    anchors: Vec<TrustAnchor<'static>>,
    revocations: Vec<CertRevocationList<'static>>,
    /// What becomes of a certificate whose issuer has no list here.
    unlisted: UnknownStatusPolicy,
    /// Another one whenever one of these changes.
    state: Arc<()>,
}

impl WebPki {
    /// Trusts nobody yet; signatures are checked by `provider`.
    pub fn new(provider: &'static Provider) -> Self {
        let algorithms =
            provider.verifications.iter().flat_map(|row| row.algorithms.iter().copied()).collect();
        Self {
            provider,
            algorithms,
            anchors: Vec::new(),
            revocations: Vec::new(),
            unlisted: UnknownStatusPolicy::Allow,
            state: Arc::default(),
        }
    }

    /// Trusts whom the certificate `der` names, its key and its name constraints; the rest of it does not count.
    pub fn trust(&mut self, der: &[u8]) -> Result<(), RejectedCertificate> {
        let der = CertificateDer::from(der);
        let anchor = anchor_from_trusted_cert(&der).map_err(rejected)?;
        self.anchors.push(anchor.to_owned());
        self.state = Arc::default();
        Ok(())
    }

    /// Takes a list of revoked certificates (RFC 5280 section 5) in DER. What it revokes is refused from here on, be it a
    /// leaf or an authority between; who is on no list of its issuer's passes, and so does one whose issuer has no list here.
    /// A list whose next update is due refuses all of its issuer's: nobody knows what was revoked since.
    pub fn revoke(&mut self, der: &[u8]) -> Result<(), RejectedCertificate> {
        let list = OwnedCertRevocationList::from_der(der).map_err(rejected)?;
        self.revocations.push(list.into());
        self.state = Arc::default();
        Ok(())
    }

    /// From here on, where there is any list, a certificate is refused too whose issuer has none.
    pub fn demand_lists(&mut self) {
        self.unlisted = UnknownStatusPolicy::Deny;
        self.state = Arc::default();
    }

    /// How many anchors it trusts.
    pub fn anchors(&self) -> usize {
        self.anchors.len()
    }

    /// The anchors' distinguished names in DER, as `certificate_authorities` lists them (RFC 9846 section 4.3.4).
    pub fn authorities(&self) -> Vec<Vec<u8>> {
        self.anchors.iter().filter_map(|anchor| der::whole_name(&anchor.subject)).collect()
    }

    /// What a good verdict rests on; none where there are lists, which have a time of their own, and where a certificate's time
    /// cannot be read.
    fn grounds(&self, chain: &[&[u8]]) -> Option<Grounds> {
        if !self.revocations.is_empty() || matches!(self.unlisted, UnknownStatusPolicy::Deny) {
            return None;
        }
        let (mut from, mut until) = (0, u64::MAX);
        for der in chain {
            let (not_before, not_after) = der::validity(der)?;
            (from, until) = (not_before.max(from), not_after.min(until));
        }
        Some(Grounds::new(&self.state, from..=until))
    }

    /// A path, the use and the time; then what `more` asks of the leaf.
    fn verify(
        &self,
        chain: &[&[u8]],
        unix_secs: u64,
        usage: KeyUsage,
        more: impl FnOnce(&EndEntityCert<'_>) -> Result<(), Error>,
    ) -> Result<Verified, RejectedCertificate> {
        let (leaf, intermediates) =
            chain.split_first().ok_or_else(|| RejectedCertificate::Bad("an empty chain".into()))?;
        let leaf_der = CertificateDer::from(*leaf);
        let leaf = EndEntityCert::try_from(&leaf_der).map_err(rejected)?;
        let intermediates: Vec<_> = intermediates.iter().map(|der| CertificateDer::from(*der)).collect();
        let time = UnixTime::since_unix_epoch(Duration::from_secs(unix_secs));
        let lists: Vec<_> = self.revocations.iter().collect();
        let revocation = RevocationOptionsBuilder::new(&lists).ok().map(|options| {
            // Fails where there is no list.
            let options = options.with_status_policy(self.unlisted);
            options.with_expiration_policy(ExpirationPolicy::Enforce).build()
        });
        leaf.verify_for_usage(&self.algorithms, &self.anchors, &intermediates, time, usage, revocation, None)
            .map_err(rejected)?;
        if !der::may_sign(&leaf_der) {
            return Err(RejectedCertificate::Unsupported("its key usage has no digitalSignature".into())); // spec: 9846-4.5.1.2-l
        }
        more(&leaf).map_err(rejected)?;
        Ok(Verified)
    }
}

impl Verifier for WebPki {
    fn verify_chain(
        &self,
        server_name: &str,
        chain: &[&[u8]],
        unix_secs: u64,
    ) -> Result<Verified, RejectedCertificate> {
        let name = ServerName::try_from(server_name)
            .map_err(|_| RejectedCertificate::WrongName { presented: Vec::new() })?;
        self.verify(chain, unix_secs, KeyUsage::server_auth(), |leaf| {
            leaf.verify_is_valid_for_subject_name(&name)
        })
    }

    fn verify_signature(&self, leaf: &[u8], scheme: u16, message: &[u8], signature: &[u8]) -> bool {
        verify_signature(self.provider, leaf, scheme, message, signature)
    }

    fn judge(
        &self,
        server_name: &str,
        chain: &[&[u8]],
        earlier: Option<&Grounds>,
        unix_secs: u64,
    ) -> Result<Option<Grounds>, RejectedCertificate> {
        if let Some(earlier) = earlier.filter(|earlier| earlier.hold(&self.state, unix_secs)) {
            return Ok(Some(earlier.clone()));
        }
        self.verify_chain(server_name, chain, unix_secs)?;
        Ok(self.grounds(chain))
    }
}

impl ClientVerifier for WebPki {
    fn verify_client(&self, chain: &[&[u8]], unix_secs: u64) -> Result<Verified, RejectedCertificate> {
        self.verify(chain, unix_secs, KeyUsage::client_auth(), |_| Ok(()))
    }

    fn verify_signature(&self, leaf: &[u8], scheme: u16, message: &[u8], signature: &[u8]) -> bool {
        verify_signature(self.provider, leaf, scheme, message, signature)
    }
}

/// Whether the key of the certificate `leaf` made `signature` over `message` with `scheme`, as CertificateVerify means
/// the scheme: a curve is bound to its hash (RFC 9846 section 4.3.3), and PKCS #1 v1.5 is barred. Nothing else of the
/// certificate is looked at, so that one which no path leads to is judged too.
pub fn verify_signature(
    provider: &Provider,
    leaf: &[u8],
    scheme: u16,
    message: &[u8],
    signature: &[u8],
) -> bool {
    let mut rows = provider.verifications.iter();
    let Some(row) = rows.find(|row| row.scheme == scheme && row.in_handshake) else { return false };
    let (Some(algorithm), Some(key)) = (row.algorithms.first(), der::public_key(leaf)) else { return false };
    key.algorithm == algorithm.public_key_alg_id().as_ref()
        && algorithm.verify_signature(key.bits, message, signature).is_ok() // spec: 9846-4.5.2-n
}

/// Whether the certificate `leaf` has a key that [`verify_signature`] can check signatures by. Who judges chains otherwise than
/// [`WebPki`] asks this too, so that a certificate that is broken is not taken for a wrong signature.
///
/// # Errors
/// [`RejectedCertificate::Bad`] where no key can be read, [`RejectedCertificate::Unsupported`] where it is of another kind.
pub fn check_key(provider: &Provider, leaf: &[u8]) -> Result<(), RejectedCertificate> {
    let key = der::public_key(leaf);
    let key = key.ok_or_else(|| RejectedCertificate::Bad("its public key cannot be read".into()))?;
    let signing = provider.verifications.iter().filter(|row| row.in_handshake);
    let mut known = signing.filter_map(|row| row.algorithms.first());
    if known.any(|algorithm| algorithm.public_key_alg_id().as_ref() == key.algorithm) {
        return Ok(());
    }
    Err(RejectedCertificate::Unsupported("its key is of a kind that signs no TLS 1.3 handshake here".into()))
}

/// Whether the key of the certificate `leaf` signs a handshake with `scheme`.
pub(super) fn signs_with(provider: &Provider, leaf: &[u8], scheme: u16) -> bool {
    let row = provider.verification(scheme).filter(|row| row.in_handshake);
    let algorithm = row.and_then(|row| row.algorithms.first());
    algorithm
        .zip(der::public_key(leaf))
        .is_some_and(|(algorithm, key)| algorithm.public_key_alg_id().as_ref() == key.algorithm)
}

/// What webpki found wrong, in the terms that have alerts.
fn rejected(error: Error) -> RejectedCertificate {
    use RejectedCertificate as R;
    match error {
        Error::CertNotValidForName(context) => R::WrongName { presented: context.presented },
        Error::CertExpired { time, not_after } => {
            R::Expired(format!("it expired {} ago", days(time.as_secs(), not_after.as_secs())))
        }
        Error::CertNotValidYet { time, not_before } => {
            R::Expired(format!("it becomes valid in {}", days(not_before.as_secs(), time.as_secs())))
        }
        Error::CertRevoked => R::Revoked,
        Error::UnknownIssuer => R::UnknownIssuer,
        Error::UnsupportedSignatureAlgorithmContext(context)
            if der::is_broken(&context.signature_algorithm_id) =>
        {
            R::Bad("signed with MD5 or SHA-1".into()) // spec: 9846-4.5.1.3-a
        }
        Error::BadDer
        | Error::BadDerTime
        | Error::TrailingData(_)
        | Error::InvalidSignatureForPublicKey
        | Error::SignatureAlgorithmMismatch
        | Error::InvalidCertValidity
        | Error::ExtensionValueInvalid
        | Error::MalformedExtensions
        | Error::MalformedDnsIdentifier
        | Error::MalformedNameConstraint
        | Error::InvalidNetworkMaskConstraint
        | Error::InvalidSerialNumber => R::Bad(error.to_string()),
        Error::CaUsedAsEndEntity
        | Error::EndEntityUsedAsCa
        | Error::EmptyEkuExtension
        | Error::RequiredEkuNotFoundContext(_)
        | Error::UnsupportedCertVersion
        | Error::UnsupportedCriticalExtension
        | Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => R::Unsupported(words(&error)),
        _ => R::Unacceptable(words(&error)),
    }
}

/// What people meet, in words; of the rest webpki's name.
fn words(error: &Error) -> String {
    let words = match error {
        Error::CaUsedAsEndEntity => "it is an authority's own, with CA:TRUE",
        Error::EndEntityUsedAsCa => "another was issued by it, and it is no authority's",
        Error::RequiredEkuNotFoundContext(_) => "its extended key usage is another",
        Error::UnsupportedCertVersion => "it is not of X.509's version 3",
        Error::UnsupportedCriticalExtension => "it has a critical extension that is unknown here",
        Error::UnsupportedSignatureAlgorithmContext(_) => "it is signed in a way that is unknown here",
        Error::UnknownRevocationStatus => "no list (CRL) by its issuer tells whether it was revoked",
        Error::CrlExpired { .. } => "the list (CRL) by its issuer has expired",
        Error::NameConstraintViolation => "its issuer may not vouch for such names",
        _ => return error.to_string(),
    };
    words.into()
}

/// From the earlier to the later of two times, in words.
fn days(later: u64, earlier: u64) -> String {
    match later.saturating_sub(earlier) / 86_400 {
        0 => "less than a day".into(),
        1 => "a day".into(),
        days => format!("{days} days"),
    }
}
