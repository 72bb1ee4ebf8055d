//! Which of several credentials is shown to a peer (RFC 9846 section 4.5.1.2), whichever side shows it.

use crate::{Credential, extension::Codes, rules::SignatureScheme};
use std::sync::Arc;

/// The first of `candidates` whose key signs as the peer takes it, and whose chain too if there is one such.
pub(crate) fn best<'a>(
    candidates: &[&'a Arc<Credential>],
    schemes: Codes<'_>,
    schemes_cert: Codes<'_>,
) -> Option<&'a Arc<Credential>> {
    let usable = || candidates.iter().copied().filter(|credential| scheme(credential, schemes).is_some());
    let chain_fits =
        |credential: &&Arc<Credential>| credential.signed_with.iter().all(|id| schemes_cert.contains(id));
    let best = usable().find(chain_fits); // spec: 9846-4.5.1.2-k
    let may_try = |credential: &&Arc<Credential>| {
        let broken = credential.signed_with.iter().filter(|id| SHA1.contains(&SignatureScheme(**id)));
        broken.copied().all(|id| schemes_cert.contains(&id)) // spec: 9846-4.5.1.2-m
    };
    best.or_else(|| usable().find(may_try))
}

/// The scheme to sign with: the credential's best among the peer's.
pub(crate) fn scheme(credential: &Credential, schemes: Codes<'_>) -> Option<u16> {
    let may_sign =
        |id: &&u16| schemes.contains(*id) && !FOR_CERTIFICATES_ALONE.contains(&SignatureScheme(**id));
    credential.schemes.iter().find(may_sign).copied() // spec: 9846-4.5.2-l spec: 9846-4.5.2-p
}

/// Schemes with SHA-1, for peers alone that name them.
const SHA1: &[SignatureScheme] = &[SignatureScheme::RSA_PKCS1_SHA1, SignatureScheme::ECDSA_SHA1];

/// Schemes that never sign a CertificateVerify (RFC 9846 section 4.3.3).
const FOR_CERTIFICATES_ALONE: &[SignatureScheme] = &[
    SignatureScheme::RSA_PKCS1_SHA1,
    SignatureScheme::ECDSA_SHA1,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA512,
];
