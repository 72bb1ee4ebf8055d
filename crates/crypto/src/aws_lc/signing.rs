//! Private keys that sign: ECDSA, Ed25519, RSA-PSS.

use crate::{KeyRejected, SignFailed, SigningKey};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RsaEncoding};
use rustls_pki_types::PrivateKeyDer;
use sakigake_wire::Entropy;

/// Takes ECDSA on P-256 and P-384, Ed25519, and RSA of 2048 to 8192 bits, from PKCS #8, SEC 1 or PKCS #1.
pub(super) fn signing_key(key: &PrivateKeyDer<'_>) -> Result<Box<dyn SigningKey>, KeyRejected> {
    match key {
        PrivateKeyDer::Pkcs8(der) => pkcs8(der.secret_pkcs8_der()),
        PrivateKeyDer::Sec1(der) => {
            ecdsa(|algorithm| EcdsaKeyPair::from_private_key_der(algorithm, der.secret_sec1_der()))
        }
        PrivateKeyDer::Pkcs1(der) => rsa(RsaKeyPair::from_der(der.secret_pkcs1_der())),
        _ => Err(KeyRejected),
    }
}

/// The kind is inside the DER; asking each in turn is simpler than a parser of our own, and as strict.
fn pkcs8(der: &[u8]) -> Result<Box<dyn SigningKey>, KeyRejected> {
    ecdsa(|algorithm| EcdsaKeyPair::from_pkcs8(algorithm, der))
        .or_else(|_| ed25519(Ed25519KeyPair::from_pkcs8(der)))
        .or_else(|_| rsa(RsaKeyPair::from_pkcs8(der)))
}

type Parsed<K> = Result<K, aws_lc_rs::error::KeyRejected>;

fn ecdsa(
    parse: impl Fn(&'static EcdsaSigningAlgorithm) -> Parsed<EcdsaKeyPair>,
) -> Result<Box<dyn SigningKey>, KeyRejected> {
    let (scheme, key) = parse(&signature::ECDSA_P256_SHA256_ASN1_SIGNING)
        .map(|key| (ECDSA_SECP256R1_SHA256, key))
        .or_else(|_| {
            parse(&signature::ECDSA_P384_SHA384_ASN1_SIGNING).map(|key| (ECDSA_SECP384R1_SHA384, key))
        })
        .or(Err(KeyRejected))?;
    let public = spki(key.public_key().as_der())?;
    Ok(Box::new(Ecdsa { key, schemes: [scheme], public }))
}

fn ed25519(key: Parsed<Ed25519KeyPair>) -> Result<Box<dyn SigningKey>, KeyRejected> {
    let key = key.or(Err(KeyRejected))?;
    let public = spki(key.public_key().as_der())?;
    Ok(Box::new(Ed25519 { key, public }))
}

fn rsa(key: Parsed<RsaKeyPair>) -> Result<Box<dyn SigningKey>, KeyRejected> {
    let key = key.or(Err(KeyRejected))?;
    if !(2048 / 8..=8192 / 8).contains(&key.public_modulus_len()) {
        return Err(KeyRejected);
    }
    let public = spki(key.public_key().as_der())?;
    Ok(Box::new(Rsa { key, public }))
}

fn spki(der: Result<PublicKeyX509Der<'_>, aws_lc_rs::error::Unspecified>) -> Result<Vec<u8>, KeyRejected> {
    der.map(|der| der.as_ref().to_vec()).or(Err(KeyRejected))
}

struct Ecdsa {
    key: EcdsaKeyPair,
    schemes: [u16; 1],
    public: Vec<u8>,
}

struct Ed25519 {
    key: Ed25519KeyPair,
    public: Vec<u8>,
}

struct Rsa {
    key: RsaKeyPair,
    public: Vec<u8>,
}

impl SigningKey for Ecdsa {
    fn schemes(&self) -> &[u16] {
        &self.schemes
    }

    fn sign(&self, scheme: u16, message: &[u8], _: &mut dyn Entropy) -> Result<Vec<u8>, SignFailed> {
        if !self.schemes.contains(&scheme) {
            return Err(SignFailed);
        }
        let signature = self.key.sign(&SystemRandom::new(), message).or(Err(SignFailed))?;
        Ok(signature.as_ref().to_vec())
    }

    fn public_key(&self) -> Vec<u8> {
        self.public.clone()
    }
}

impl SigningKey for Ed25519 {
    fn schemes(&self) -> &[u16] {
        &[ED25519]
    }

    fn sign(&self, scheme: u16, message: &[u8], _: &mut dyn Entropy) -> Result<Vec<u8>, SignFailed> {
        if scheme != ED25519 {
            return Err(SignFailed);
        }
        let signature = self.key.try_sign(message).or(Err(SignFailed))?;
        Ok(signature.as_ref().to_vec())
    }

    fn public_key(&self) -> Vec<u8> {
        self.public.clone()
    }
}

impl SigningKey for Rsa {
    fn schemes(&self) -> &[u16] {
        &[RSA_PSS_RSAE_SHA256, RSA_PSS_RSAE_SHA384, RSA_PSS_RSAE_SHA512]
    }

    fn sign(&self, scheme: u16, message: &[u8], _: &mut dyn Entropy) -> Result<Vec<u8>, SignFailed> {
        let encoding: &'static dyn RsaEncoding = match scheme {
            // spec: 9846-4.3.3-s
            RSA_PSS_RSAE_SHA256 => &signature::RSA_PSS_SHA256,
            RSA_PSS_RSAE_SHA384 => &signature::RSA_PSS_SHA384,
            RSA_PSS_RSAE_SHA512 => &signature::RSA_PSS_SHA512,
            _ => return Err(SignFailed),
        };
        let mut out = vec![0; self.key.public_modulus_len()];
        self.key.sign(encoding, &SystemRandom::new(), message, &mut out).or(Err(SignFailed))?;
        Ok(out)
    }

    fn public_key(&self) -> Vec<u8> {
        self.public.clone()
    }
}

/// RFC 9846 section 4.3.3.
const ECDSA_SECP256R1_SHA256: u16 = 0x0403;
const ECDSA_SECP384R1_SHA384: u16 = 0x0503;
const ED25519: u16 = 0x0807;
const RSA_PSS_RSAE_SHA256: u16 = 0x0804;
const RSA_PSS_RSAE_SHA384: u16 = 0x0805;
const RSA_PSS_RSAE_SHA512: u16 = 0x0806;

#[cfg(test)]
mod tests;
