//! A provider for runs that come out the same each time: real hashes and AEADs, key exchanges and signatures that are toys.

use crate::{
    ClientVerifier, Credential, RejectedCertificate, Signer, Verified, Verifier,
    certificate::verify_signature,
};
use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id};
use sakigake_crypto::{
    Accepted, BadShare, Group, KeyShare, Provider, Secret, Suite, Verification,
    aws_lc::{self, SHA256},
    hkdf,
};
use sakigake_wire::Entropy;
use std::sync::{Arc, LazyLock};

/// A client and a server of toys, for whoever carries handshakes: all that is drawn decides all that happens.
pub fn toys() -> (crate::client::Options, crate::server::Options) {
    let client = crate::client::Options {
        verifier: Some(Arc::new(Judge(Named::Server))),
        ..crate::client::Options::new(provider(0))
    };
    let server = crate::server::Options {
        credentials: vec![Named::Server.credential(true)],
        ..crate::server::Options::new(provider(0))
    };
    (client, server)
}

/// The host that the toys' certificate is for.
pub const TOY_HOST: &str = super::plan::HOST;

/// The provider's table with these suites of its three.
pub(super) fn provider(choice: u8) -> &'static Provider {
    static TABLES: LazyLock<[Provider; 5]> = LazyLock::new(|| {
        let suites = aws_lc::PROVIDER.suites;
        [suites, &suites[..1], &suites[1..2], &suites[2..], &suites[1..]].map(table)
    });
    &TABLES[usize::from(choice) % TABLES.len()]
}

fn table(suites: &'static [Suite]) -> Provider {
    let signing_key = aws_lc::PROVIDER.signing_key;
    Provider { name: "toy", suites, groups: GROUPS, verifications: VERIFICATIONS, signing_key }
}

pub(super) const X25519: u16 = 0x001d;
pub(super) const SECP256R1: u16 = 0x0017;
pub(super) const X25519MLKEM768: u16 = 0x11ec;

/// The last one holds the first one, as a hybrid does.
static GROUPS: &[Group] = &[
    Group {
        id: X25519,
        client_share_len: SHARE_BYTES,
        server_share_len: SHARE_BYTES,
        start: |entropy| Pair::draw(SHARE_BYTES, entropy),
        accept: |entropy, share| accept(SHARE_BYTES, share, entropy),
    },
    Group {
        id: SECP256R1,
        client_share_len: SHARE_BYTES + 1,
        server_share_len: SHARE_BYTES + 1,
        start: |entropy| Pair::draw(SHARE_BYTES + 1, entropy),
        accept: |entropy, share| accept(SHARE_BYTES + 1, share, entropy),
    },
    Group {
        id: X25519MLKEM768,
        client_share_len: 2 * SHARE_BYTES,
        server_share_len: 2 * SHARE_BYTES,
        start: |entropy| Pair::draw(2 * SHARE_BYTES, entropy),
        accept: |entropy, share| accept(2 * SHARE_BYTES, share, entropy),
    },
];

const SHARE_BYTES: usize = 32;

struct Pair(Vec<u8>);

impl Pair {
    fn draw(len: usize, entropy: &mut dyn Entropy) -> Box<dyn KeyShare> {
        Box::new(Self(draw(len, entropy)))
    }
}

impl KeyShare for Pair {
    fn public(&self) -> &[u8] {
        &self.0
    }

    fn agree(self: Box<Self>, share: &[u8]) -> Result<Secret, BadShare> {
        agree(&self.0, &self.0, share)
    }

    fn component(&self) -> Option<(u16, &[u8])> {
        (self.0.len() == 2 * SHARE_BYTES).then(|| (X25519, &self.0[..SHARE_BYTES]))
    }

    fn agree_component(self: Box<Self>, share: &[u8]) -> Result<Secret, BadShare> {
        let (_, component) = self.component().ok_or(BadShare)?;
        agree(component, component, share)
    }
}

fn accept(len: usize, share: &[u8], entropy: &mut dyn Entropy) -> Accepted {
    if share.len() != len {
        return Err(BadShare);
    }
    let ours = draw(len, entropy);
    let secret = agree(share, share, &ours)?;
    Ok((ours, secret))
}

/// Both sides know both shares; zeros are no element.
fn agree(client: &[u8], like: &[u8], server: &[u8]) -> Result<Secret, BadShare> {
    let is_good = server.len() == like.len()
        && [client, server].iter().all(|share| share.iter().any(|byte| *byte != 0));
    if is_good { Ok(hkdf::extract(&SHA256, client, server)) } else { Err(BadShare) }
}

fn draw(len: usize, entropy: &mut dyn Entropy) -> Vec<u8> {
    let mut bytes = vec![0; len];
    entropy.fill(&mut bytes);
    bytes
}

/// Bytes that a seed decides.
pub(super) struct Lcg(pub(super) u64);

impl Entropy for Lcg {
    fn fill(&mut self, out: &mut [u8]) {
        for byte in out {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (self.0 >> 56) as u8;
        }
    }
}

pub(super) const ED25519: u16 = 0x0807;
pub(super) const ECDSA: u16 = 0x0403;

static VERIFICATIONS: &[Verification] = &[
    Verification { scheme: ED25519, algorithms: &[&Mac], in_handshake: true },
    Verification { scheme: ECDSA, algorithms: &[&Mac], in_handshake: true },
    Verification { scheme: 0x0401, algorithms: &[&Mac], in_handshake: false },
];

/// A "signature" that is an HMAC by the public key: only [`Named::sign`] makes them, and it signs for whom it is asked.
#[derive(Debug)]
struct Mac;

impl SignatureVerificationAlgorithm for Mac {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let right = hkdf::extract(&SHA256, key, message);
        if right.as_ref() == signature { Ok(()) } else { Err(InvalidSignature) }
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ED25519
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ED25519
    }
}

/// Somebody with a certificate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Named {
    /// The server that the client means.
    Server,
    /// A client that servers know.
    Alice,
    /// Trusted by everybody as server and as client, and never there: nobody signs for it.
    Victim,
    /// Nobody trusts it.
    Stranger,
}

impl Named {
    fn key(self) -> [u8; 32] {
        [self as u8 + 1; 32]
    }

    /// The leaf, and something to compress.
    pub(super) fn chain(self) -> Vec<Vec<u8>> {
        static CHAINS: LazyLock<[Vec<Vec<u8>>; 4]> = LazyLock::new(|| {
            [Named::Server, Named::Alice, Named::Victim, Named::Stranger]
                .map(|named| vec![certificate(&format!("{named:?}"), &named.key()), vec![0x30; 300]])
        });
        CHAINS[self as usize].clone()
    }

    pub(super) fn sign(self, message: &[u8]) -> Vec<u8> {
        hkdf::extract(&SHA256, &self.key(), message).as_ref().to_vec()
    }

    /// The same for all runs, since compressing takes long.
    pub(super) fn credential(self, signs: bool) -> Arc<Credential> {
        static MADE: LazyLock<[[Arc<Credential>; 2]; 2]> = LazyLock::new(|| {
            [Named::Server, Named::Alice]
                .map(|named| [false, true].map(|signs| Arc::new(named.new_credential(signs))))
        });
        Arc::clone(&MADE[usize::from(self != Self::Server)][usize::from(signs)])
    }

    fn new_credential(self, signs: bool) -> Credential {
        Credential {
            chain: self.chain(),
            signer: signs.then(|| Arc::new(self) as Arc<dyn Signer>),
            schemes: vec![ED25519, ECDSA],
            names: vec![super::plan::HOST.to_owned()],
            ..Credential::default()
        }
    }
}

impl Signer for Named {
    fn sign(&self, _: u16, message: &[u8], _: &mut dyn Entropy) -> Option<Vec<u8>> {
        Some(Self::sign(*self, message))
    }
}

/// Trusts the victim, and the other one that is meant.
pub(super) struct Judge(pub(super) Named);

impl Judge {
    pub(super) fn judge(&self, leaf: Option<&[u8]>) -> Result<Verified, RejectedCertificate> {
        let is_known = [self.0, Named::Victim].iter().any(|named| leaf == Some(&named.chain()[0]));
        if is_known { Ok(Verified) } else { Err(RejectedCertificate::UnknownIssuer) }
    }
}

impl Verifier for Judge {
    fn verify_chain(&self, _: &str, chain: &[&[u8]], _: u64) -> Result<Verified, RejectedCertificate> {
        self.judge(chain.first().copied())
    }

    fn verify_signature(&self, leaf: &[u8], scheme: u16, message: &[u8], signature: &[u8]) -> bool {
        verify_signature(provider(0), leaf, scheme, message, signature)
    }
}

impl ClientVerifier for Judge {
    fn verify_client(&self, chain: &[&[u8]], _: u64) -> Result<Verified, RejectedCertificate> {
        self.judge(chain.first().copied())
    }

    fn verify_signature(&self, leaf: &[u8], scheme: u16, message: &[u8], signature: &[u8]) -> bool {
        verify_signature(provider(0), leaf, scheme, message, signature)
    }
}

/// An X.509 certificate that says who, and which key; its own signature is zeros.
fn certificate(name: &str, key: &[u8]) -> Vec<u8> {
    let algorithm = &der(0x30, &[&[6, 3, 0x2b, 0x65, 0x70]]);
    let name = &der(0x30, &[&der(0x31, &[&der(0x30, &[&[6, 3, 0x55, 4, 3], &der(12, &[name.as_bytes()])])])]);
    let times = &der(0x30, &[&der(0x17, &[b"260101000000Z"]), &der(0x17, &[b"360101000000Z"])]);
    let spki = &der(0x30, &[algorithm, &der(3, &[&[0], key])]);
    let version = &der(0xa0, &[&[2, 1, 2]]);
    let signed = &der(0x30, &[version, &[2, 1, 1], algorithm, name, times, name, spki]);
    der(0x30, &[signed, algorithm, &der(3, &[&[0; 65]])])
}

/// One value: at most 65,535 bytes, as long as each needs.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let [high, low] = (content.len() as u16).to_be_bytes();
    let length: &[u8] = match content.len() {
        0..128 => &[low],
        128..256 => &[0x81, low],
        _ => &[0x82, high, low],
    };
    [&[tag], length, &content].concat()
}
