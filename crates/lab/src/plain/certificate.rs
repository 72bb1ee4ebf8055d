//! Certificates of the lab: opaque to everybody but [`Verifier`], with a length as real ones have.

use super::sum::Sum;
use super::{PROVIDER, signing};
use crate::seed::Seed;
use sakigake_crypto::{SigningKey, equal};
use sakigake_tls::{Credential, RejectedCertificate, Signer, Verified};
use sakigake_wire::{Entropy, Reader};
use std::sync::Arc;

/// A leaf for `name` (in lower case, a leading `*.` allowed) with the intermediate that issued it, and the key of the
/// leaf, which signs with ecdsa_secp256r1_sha256. One seed gives one key.
pub fn certificate(name: &str, seed: u64) -> (Vec<Vec<u8>>, Arc<dyn Signer>) {
    let key = key(seed);
    let issuer_key = self::key(ISSUER_SEED).public_key();
    let intermediate = issue(ISSUER, &issuer_key, ANCHOR, INTERMEDIATE_BYTES, ISSUER_SEED);
    let leaf = issue(name, &key.public_key(), ISSUER.as_bytes(), LEAF_BYTES, seed);
    (vec![leaf, intermediate], Arc::new(Signs(key)))
}

/// [`certificate`] as the server's configuration takes it.
pub fn credential(name: &str, seed: u64) -> Credential {
    let (chain, signer) = certificate(name, seed);
    let (signed_with, names) = (vec![SCHEME; chain.len()], vec![name.to_owned()]);
    Credential {
        chain,
        signer: Some(signer),
        schemes: vec![SCHEME],
        signed_with,
        names,
        ..Credential::default()
    }
}

/// Understands [`certificate`]s, whenever it is asked: they never expire.
#[derive(Clone, Copy, Debug, Default)]
pub struct Verifier;

impl sakigake_tls::Verifier for Verifier {
    fn verify_chain(
        &self,
        server_name: &str,
        chain: &[&[u8]],
        _unix_secs: u64,
    ) -> Result<Verified, RejectedCertificate> {
        let [leaf, intermediate, ..] = chain else {
            return Err(RejectedCertificate::UnknownIssuer);
        };
        read(intermediate, ANCHOR)?;
        let leaf = read(leaf, ISSUER.as_bytes())?;
        match names(leaf.name, server_name) {
            true => Ok(Verified),
            false => Err(RejectedCertificate::WrongName { presented: vec![leaf.name.to_owned()] }),
        }
    }

    fn verify_signature(&self, leaf: &[u8], scheme: u16, message: &[u8], signature: &[u8]) -> bool {
        let row = PROVIDER.verification(scheme).filter(|row| row.in_handshake);
        let public = read(leaf, ISSUER.as_bytes())
            .ok() // Why it is no leaf was said by `verify_chain`.
            .and_then(|leaf| signing::subject_public_key(leaf.public_key, scheme));
        match (row, public) {
            (Some(row), Some(public)) => row
                .algorithms
                .iter()
                .any(|algorithm| algorithm.verify_signature(public, message, signature).is_ok()),
            _ => false,
        }
    }
}

struct Signs(Box<dyn SigningKey>);

impl Signer for Signs {
    fn sign(&self, scheme: u16, message: &[u8], entropy: &mut dyn Entropy) -> Option<Vec<u8>> {
        self.0.sign(scheme, message, entropy).ok() // The trait has no room for the reason, of which there is one.
    }
}

fn key(seed: u64) -> Box<dyn SigningKey> {
    let private = signing::private_key(SCHEME, seed).expect("a kind of key signs with this scheme");
    (PROVIDER.signing_key)(&private).expect("the key is in our own encoding")
}

/// What a certificate says.
struct Contents<'a> {
    name: &'a str,
    public_key: &'a [u8],
}

/// A certificate of `len` bytes: what it is, a name, a public key, filler, and the issuer's sum over all that.
fn issue(name: &str, public_key: &[u8], issuer: &[u8], len: usize, seed: u64) -> Vec<u8> {
    let mut body = MAGIC.to_vec();
    for part in [name.as_bytes(), public_key] {
        let part_len = u16::try_from(part.len()).expect("names and keys are far shorter than 2^16 bytes");
        body.extend_from_slice(&part_len.to_be_bytes());
        body.extend_from_slice(part);
    }
    let start = body.len();
    body.resize(len.max(start + SEAL_BYTES) - SEAL_BYTES, 0);
    Seed::new(seed).fill(&mut body[start..]);
    let seal = seal(issuer, &body);
    body.extend_from_slice(&seal);
    body
}

fn read<'a>(certificate: &'a [u8], issuer: &[u8]) -> Result<Contents<'a>, RejectedCertificate> {
    let bad = |what: &str| RejectedCertificate::Bad(what.to_owned());
    let (body, sum) = certificate.split_last_chunk::<SEAL_BYTES>().ok_or_else(|| bad("too short"))?;
    if !equal(sum, &seal(issuer, body)) {
        return Err(bad("the issuer did not make it"));
    }
    let mut body = Reader::new(body);
    if body.take(MAGIC.len()) != Ok(MAGIC) {
        return Err(bad("no certificate of the lab"));
    }
    let name = body.vector_u16().map_err(|_| bad("no name"))?.rest();
    let public_key = body.vector_u16().map_err(|_| bad("no public key"))?.rest();
    let name = core::str::from_utf8(name).map_err(|_| bad("a name that is no text"))?;
    Ok(Contents { name, public_key })
}

fn seal(issuer: &[u8], body: &[u8]) -> [u8; SEAL_BYTES] {
    let mut seal = [0; SEAL_BYTES];
    Sum::new("certificate").with(issuer).with(body).fill(&mut seal);
    seal
}

/// Whether a certificate's name covers a host: the same, or one label in the place of a leading `*`.
fn names(presented: &str, host: &str) -> bool {
    match presented.strip_prefix("*.") {
        Some(parent) => host.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest == parent),
        None => presented == host,
    }
}

const SCHEME: u16 = 0x0403;
const MAGIC: &[u8] = b"plain certificate";
const ANCHOR: &[u8] = b"the anchor of the lab";
const ISSUER: &str = "intermediate of the lab";
const ISSUER_SEED: u64 = u64::MAX;
const SEAL_BYTES: usize = 16;
const LEAF_BYTES: usize = 600;
const INTERMEDIATE_BYTES: usize = 900;
