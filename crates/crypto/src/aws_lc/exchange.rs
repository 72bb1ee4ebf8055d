//! Key exchange groups: X25519, the NIST curves, and X25519 beside ML-KEM-768.

use crate::{Accepted, BadShare, Group, KeyShare, Secret};
use aws_lc_rs::agreement::{self, PrivateKey, UnparsedPublicKey};
use aws_lc_rs::kem::{self, Ciphertext, DecapsulationKey, EncapsulationKey, ML_KEM_768};

pub(super) static GROUPS: &[Group] = &[
    Group {
        id: 0x11ec, // X25519MLKEM768
        client_share_len: ENCAPSULATION_KEY_BYTES + X25519_BYTES,
        server_share_len: CIPHERTEXT_BYTES + X25519_BYTES,
        start: |_| Box::new(Hybrid::generate()),
        accept: |_, share| accept_hybrid(share),
    },
    Group {
        id: X25519.id,
        client_share_len: X25519_BYTES,
        server_share_len: X25519_BYTES,
        start: |_| Box::new(Classical::generate(&X25519)),
        accept: |_, share| accept(&X25519, share),
    },
    Group {
        id: SECP256R1.id,
        client_share_len: 65,
        server_share_len: 65,
        start: |_| Box::new(Classical::generate(&SECP256R1)),
        accept: |_, share| accept(&SECP256R1, share),
    },
    Group {
        id: SECP384R1.id,
        client_share_len: 97,
        server_share_len: 97,
        start: |_| Box::new(Classical::generate(&SECP384R1)),
        accept: |_, share| accept(&SECP384R1, share),
    },
];

/// A group of one Diffie-Hellman function.
pub(super) struct Curve {
    id: u16,
    algorithm: &'static agreement::Algorithm,
    share_len: usize,
    /// The first byte of every share: SEC 1's uncompressed form is the only one that RFC 9846 section 4.3.8.2 allows.
    form: Option<u8>,
}

pub(super) static X25519: Curve =
    Curve { id: 0x001d, algorithm: &agreement::X25519, share_len: X25519_BYTES, form: None };
pub(super) static SECP256R1: Curve =
    Curve { id: 0x0017, algorithm: &agreement::ECDH_P256, share_len: 65, form: Some(4) };
pub(super) static SECP384R1: Curve =
    Curve { id: 0x0018, algorithm: &agreement::ECDH_P384, share_len: 97, form: Some(4) };

/// Sizes in bytes (FIPS 203 table 3, RFC 7748 section 6.1).
const ENCAPSULATION_KEY_BYTES: usize = 1184;
const CIPHERTEXT_BYTES: usize = 1088;
const X25519_BYTES: usize = 32;

/// A key pair of one curve.
pub(super) struct Classical {
    curve: &'static Curve,
    private: PrivateKey,
    public: agreement::PublicKey,
}

impl Classical {
    fn generate(curve: &'static Curve) -> Self {
        let private = PrivateKey::generate(curve.algorithm).expect(NO_MEMORY_OR_ENTROPY);
        Self::of(curve, private)
    }

    pub(super) fn of(curve: &'static Curve, private: PrivateKey) -> Self {
        let public = private.compute_public_key().expect(NO_MEMORY_OR_ENTROPY);
        Self { curve, private, public }
    }

    /// The length and form are looked at here, because aws-lc-rs would take a compressed point or a whole
    /// SubjectPublicKeyInfo too. It refuses points off the curve and the all-zero X25519 secret itself.
    pub(super) fn secret(&self, share: &[u8]) -> Result<Secret, BadShare> {
        let form_is_right = self.curve.form.is_none_or(|form| share.first() == Some(&form));
        // spec: 9846-4.3.8.2-a
        if share.len() != self.curve.share_len || !form_is_right {
            return Err(BadShare);
        }
        let peer = UnparsedPublicKey::new(self.curve.algorithm, share);
        // spec: 9846-4.3.8.2-b 9846-7.4.2-a
        agreement::agree(&self.private, peer, BadShare, |secret| Ok(Secret::new(secret)))
    }
}

impl KeyShare for Classical {
    fn public(&self) -> &[u8] {
        self.public.as_ref()
    }

    fn agree(self: Box<Self>, share: &[u8]) -> Result<Secret, BadShare> {
        self.secret(share)
    }
}

fn accept(curve: &'static Curve, share: &[u8]) -> Accepted {
    let pair = Classical::generate(curve);
    let secret = pair.secret(share)?;
    Ok((pair.public().to_vec(), secret))
}

/// ML-KEM's key pair and X25519's: shares and secrets are ML-KEM's part first, then X25519's.
pub(super) struct Hybrid {
    post_quantum: DecapsulationKey,
    classical: Classical,
    public: Vec<u8>,
}

impl Hybrid {
    fn generate() -> Self {
        let post_quantum = DecapsulationKey::generate(&ML_KEM_768).expect(NO_MEMORY_OR_ENTROPY);
        Self::of(post_quantum, Classical::generate(&X25519))
    }

    pub(super) fn of(post_quantum: DecapsulationKey, classical: Classical) -> Self {
        let encapsulation_key = post_quantum
            .encapsulation_key()
            .and_then(|key| key.key_bytes())
            .expect("a key made from both its halves has the public one");
        let public = [encapsulation_key.as_ref(), classical.public()].concat();
        Self { post_quantum, classical, public }
    }
}

impl KeyShare for Hybrid {
    fn public(&self) -> &[u8] {
        &self.public
    }

    fn agree(self: Box<Self>, share: &[u8]) -> Result<Secret, BadShare> {
        let (ciphertext, x25519) = cut(share, CIPHERTEXT_BYTES)?;
        let post_quantum = self.post_quantum.decapsulate(Ciphertext::from(ciphertext)).or(Err(BadShare))?;
        Ok(join(&post_quantum, &self.classical.secret(x25519)?))
    }

    fn component(&self) -> Option<(u16, &[u8])> {
        Some((X25519.id, self.classical.public()))
    }

    fn agree_component(self: Box<Self>, share: &[u8]) -> Result<Secret, BadShare> {
        self.classical.secret(share)
    }
}

fn accept_hybrid(share: &[u8]) -> Accepted {
    let (encapsulation_key, x25519) = cut(share, ENCAPSULATION_KEY_BYTES)?;
    let encapsulation_key = EncapsulationKey::new(&ML_KEM_768, encapsulation_key).or(Err(BadShare))?;
    // Here aws-lc checks the key's coefficients against the modulus (FIPS 203 section 7.2).
    let (ciphertext, post_quantum) = encapsulation_key.encapsulate().or(Err(BadShare))?;
    let pair = Classical::generate(&X25519);
    let secret = join(&post_quantum, &pair.secret(x25519)?);
    Ok(([ciphertext.as_ref(), pair.public()].concat(), secret))
}

fn cut(share: &[u8], post_quantum_len: usize) -> Result<(&[u8], &[u8]), BadShare> {
    if share.len() != post_quantum_len + X25519_BYTES {
        return Err(BadShare);
    }
    share.split_at_checked(post_quantum_len).ok_or(BadShare)
}

fn join(post_quantum: &kem::SharedSecret, classical: &Secret) -> Secret {
    let (first, second) = (post_quantum.as_ref(), classical.as_ref());
    Secret::filled(first.len() + second.len(), |out| {
        out[..first.len()].copy_from_slice(first);
        out[first.len()..].copy_from_slice(second);
    })
}

const NO_MEMORY_OR_ENTROPY: &str = "making a key fails only without memory or the system's entropy";
