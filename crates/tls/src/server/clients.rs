//! Clients that show who they are: what is asked of them, and how their answer is judged, within the handshake and after it.

use super::Config;
use crate::{
    ClientVerifier, Fault, Identity, Misuse, RejectedCertificate, Wanted,
    certificate::{self, compression},
    extension::{self, CertificateRequestExtensions, List, Opaque16},
    handshake::content,
    message::{CertificateRequest, CertificateVerify, Message},
    rules::{ExtensionType, Side},
};
use sakigake_crypto::Digest;
use sakigake_wire::Instant;
use std::{collections::BTreeSet, sync::Arc};

/// How a server asks clients for certificates (RFC 9846 section 4.4.2). Never on a resumed connection: there a client is who
/// it was when the ticket was made.
#[derive(Clone)]
pub struct ClientAuthentication {
    /// Hosts that it is for, in lower case, a leading `*.` allowed.
    pub hosts: Vec<String>,
    /// Whether it is for hosts that no other one names too, and for clients that name none.
    pub is_default: bool,
    /// When it asks, and whether it insists.
    pub demand: Demand,
    /// Judges clients at once; none where the owner answers [`Wanted::VerifyClient`].
    pub verifier: Option<Arc<dyn ClientVerifier>>,
    /// Distinguished names in DER that the client gets to choose its certificate by (`certificate_authorities`, section
    /// 4.3.4); none to leave them out. They are told to whoever connects.
    pub authorities: Vec<Vec<u8>>,
}

/// When a certificate is asked for, and what a client gets that has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// Not at all: for hosts that another one's wildcard, or the default one, would take in.
    Never,
    /// In the handshake; who has none is served without an identity.
    Optional,
    /// In the handshake; who has none gets the alert `certificate_required`.
    Required,
    /// Not before the owner calls [`crate::Connection::request_certificate`].
    Later,
}

impl ClientAuthentication {
    /// Refuses what would leave a host out by its spelling, or in doubt.
    pub(super) fn check_all(policies: &[Arc<Self>]) -> Result<(), Misuse> {
        let wrong = |what: String| Err(Misuse::ClientAuthentication(what));
        let mut known = BTreeSet::new();
        for host in policies.iter().flat_map(|policy| &policy.hosts) {
            if host.is_empty() || host.ends_with('.') || host.bytes().any(|byte| byte.is_ascii_uppercase()) {
                return wrong(format!("{host:?} is no name in lower case without a final dot"));
            }
            if !known.insert(host) {
                return wrong(format!("{host:?} is named twice"));
            }
        }
        if policies.iter().filter(|policy| policy.is_default).count() > 1 {
            return wrong("two ways are the default one".into());
        }
        policies.iter().try_for_each(|policy| policy.check())
    }

    /// What fits no CertificateRequest is refused.
    fn check(&self) -> Result<(), Misuse> {
        let fits = self.authorities.iter().all(|name| (1..=usize::from(u16::MAX)).contains(&name.len()));
        let bytes: usize = self.authorities.iter().map(|name| 2 + name.len()).sum();
        if fits && bytes <= AUTHORITIES_BYTES { Ok(()) } else { Err(Misuse::Authorities) }
    }

    /// Whether a handshake asks.
    pub(crate) fn is_in_handshake(&self) -> bool {
        matches!(self.demand, Demand::Optional | Demand::Required)
    }

    /// The CertificateRequest, header included.
    pub(super) fn request(&self, config: &Config, certificate_request_context: &[u8]) -> Vec<u8> {
        let authorities: Vec<_> = self.authorities.iter().map(|name| Opaque16(name)).collect();
        let compressions: Vec<u16> = config.compressions.iter().map(|row| row.id).collect();
        let extensions = CertificateRequestExtensions {
            signature_algorithms: Some(List::Items(config.schemes())), // spec: 9846-4.4.2-b
            compress_certificate: Some(List::Items(&compressions)).filter(|list| !list.is_empty()), // spec: 8879-3-a
            certificate_authorities: Some(List::Items(&authorities)).filter(|names| !names.is_empty()),
            ..CertificateRequestExtensions::default()
        };
        let mut message = Vec::with_capacity(128);
        CertificateRequest { certificate_request_context, extensions }.write(&mut message);
        message
    }

    /// Whether a ticket's identity is still good, or none needed.
    pub(super) fn admits(&self, identity: Option<&Identity>, unix_secs: u64) -> bool {
        match (identity, &self.verifier) {
            (None, _) => self.demand != Demand::Required,
            (Some(identity), Some(verifier)) => {
                let chain: Vec<&[u8]> = identity.chain().iter().map(Vec::as_slice).collect();
                verifier.verify_client(&chain, unix_secs).is_ok() // Why not, the full handshake will tell.
            }
            (Some(_), None) => false, // The owner is asked in a full handshake.
        }
    }
}

/// A request that went out, and what its answer is held against.
pub(super) struct Asked {
    pub(super) config: Arc<Config>,
    pub(super) policy: Arc<ClientAuthentication>,
    pub(super) server_name: Option<String>,
    /// What the client has to repeat; empty in the handshake.
    pub(super) context: Vec<u8>,
}

/// A client's chain, which may be none.
pub(super) enum Judged {
    /// It showed nothing, and may.
    Nobody,
    /// It is good: the signature is what is left to see.
    Good(Identity),
    /// The owner is asked.
    Wanted(Identity, Wanted),
}

impl Asked {
    /// Takes the client's Certificate.
    pub(super) fn judge(&self, message: &[u8], now: Instant) -> Result<Judged, Fault> {
        let mut room = Vec::new();
        let chain = self.chain(message, &mut room)?;
        let Some(identity) = Identity::new(chain.iter().map(|der| der.to_vec()).collect()) else {
            return match self.policy.demand {
                Demand::Required => Err(Fault::CertificateRequired), // spec: 9846-4.5.1.3-b
                Demand::Never | Demand::Later | Demand::Optional => Ok(Judged::Nobody),
            };
        };
        let Some(verifier) = &self.policy.verifier else {
            let chain = identity.chain().to_vec();
            let wanted = Wanted::VerifyClient { server_name: self.server_name.clone(), chain };
            return Ok(Judged::Wanted(identity, wanted));
        };
        let unix_secs = self.config.unix_ms(now) / 1_000;
        verifier.verify_client(&chain, unix_secs).map_err(Fault::CertificateRejected)?; // spec: 9846-4.5.1.2-o
        Ok(Judged::Good(identity))
    }

    /// The chain in DER, for which `room` is where it came compressed.
    fn chain<'a>(&self, message: &'a [u8], room: &'a mut Vec<u8>) -> Result<Vec<&'a [u8]>, Fault> {
        let certificate = compression::read(message, self.config.compressions, &self.config.limits, room)?;
        if certificate.certificate_request_context != self.context {
            return Err(Fault::WrongRequestContext); // spec: 9846-4.5.1-r
        }
        let mut chain = Vec::new();
        for entry in certificate.certificate_list {
            extension::refuse_unsolicited(entry.extensions.order, |kind| OFFERED.contains(&kind))?; // spec: 9846-4.5.1-p
            if chain.len() == self.config.limits.certificates {
                return Err(Fault::TooManyParts);
            }
            chain.push(entry.cert_data);
        }
        Ok(chain)
    }

    /// Takes the client's CertificateVerify, which signs `transcript`.
    pub(super) fn verify(
        &self,
        identity: &Identity,
        message: &[u8],
        transcript: &Digest,
    ) -> Result<(), Fault> {
        let CertificateVerify { algorithm, signature } = match Message::read(message)? {
            Message::CertificateVerify(verify) => verify,
            other => return Err(Fault::UnexpectedMessage(other.kind())),
        };
        let provider = self.config.provider;
        if !provider.verification(algorithm).is_some_and(|row| row.in_handshake) {
            return Err(Fault::UnofferedSignatureScheme); // spec: 9846-4.5.2-q
        }
        let (content, leaf) = (content(Side::Client, transcript), identity.leaf());
        let is_right = match &self.policy.verifier {
            Some(verifier) => verifier.verify_signature(leaf, algorithm, &content, signature),
            None => {
                certificate::check_key(provider, leaf).map_err(Fault::CertificateRejected)?;
                certificate::verify_signature(provider, leaf, algorithm, &content, signature)
            }
        };
        if is_right { Ok(()) } else { Err(Fault::BadSignature) } // spec: 9846-4.5.2-r
    }
}

/// The owner's verdict as the handshake's course.
pub(super) fn settle(verdict: Result<crate::Verified, RejectedCertificate>) -> Result<(), Fault> {
    verdict.map(|_| ()).map_err(Fault::CertificateRejected)
}

/// Extensions to a client's certificates that our CertificateRequest asks for: none.
const OFFERED: &[ExtensionType] = &[];

/// Bytes that the authorities' names may take in a CertificateRequest.
const AUTHORITIES_BYTES: usize = 32_768;
