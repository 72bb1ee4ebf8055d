//! Signatures: a sum over scheme, public key, salt and message, in the real ones' sizes and encodings.

use super::sum::Sum;
use rustls_pki_types::{
    AlgorithmIdentifier, InvalidSignature, PrivateKeyDer, PrivatePkcs8KeyDer, SignatureVerificationAlgorithm,
    alg_id,
};
use sakigake_crypto::{KeyRejected, SignFailed, SigningKey, Verification, equal};
use sakigake_wire::{Entropy, Reader};

/// The private key that `seed` decides, of the kind that signs with `scheme`, in the only encoding that
/// [`super::PROVIDER`] takes. None for schemes that no key signs with (PKCS #1 v1.5).
pub fn private_key(scheme: u16, seed: u64) -> Option<PrivateKeyDer<'static>> {
    let kind = KINDS.iter().position(|kind| kind.schemes.contains(&scheme))?;
    let der = [MAGIC, &[kind as u8], &seed.to_be_bytes()].concat();
    Some(PrivatePkcs8KeyDer::from(der).into())
}

pub(super) fn signing_key(key: &PrivateKeyDer<'_>) -> Result<Box<dyn SigningKey>, KeyRejected> {
    let mut der = Reader::new(key.secret_der());
    if der.take(MAGIC.len()) != Ok(MAGIC) {
        return Err(KeyRejected);
    }
    let kind = der.u8().or(Err(KeyRejected))?;
    let kind = KINDS.get(usize::from(kind)).ok_or(KeyRejected)?;
    let seed = der.array::<8>().or(Err(KeyRejected))?;
    match der.rest() {
        [] => Ok(Box::new(Key { kind, public: kind.public(&seed) })),
        _ => Err(KeyRejected),
    }
}

/// The subject public key in a SubjectPublicKeyInfo of ours, if its kind signs with `scheme`.
pub(super) fn subject_public_key(spki: &[u8], scheme: u16) -> Option<&[u8]> {
    let kind = KINDS.iter().find(|kind| kind.schemes.contains(&scheme))?;
    spki.strip_prefix(kind.spki_head).filter(|public| public.len() == kind.public_len)
}

struct Key {
    kind: &'static Kind,
    public: Vec<u8>,
}

impl SigningKey for Key {
    fn schemes(&self) -> &[u16] {
        self.kind.schemes
    }

    fn sign(&self, scheme: u16, message: &[u8], entropy: &mut dyn Entropy) -> Result<Vec<u8>, SignFailed> {
        if !self.kind.schemes.contains(&scheme) {
            return Err(SignFailed);
        }
        let mut salt = vec![0; self.kind.form.salt_len()];
        entropy.fill(&mut salt);
        Ok(self.kind.form.signature(scheme, &self.public, message, &salt))
    }

    fn public_key(&self) -> Vec<u8> {
        [self.kind.spki_head, &self.public].concat()
    }
}

/// A kind of key.
struct Kind {
    schemes: &'static [u16],
    form: Form,
    /// A SubjectPublicKeyInfo of this kind up to the key itself.
    spki_head: &'static [u8],
    /// The key's own bytes: these, then drawn ones, then those.
    head: &'static [u8],
    tail: &'static [u8],
    public_len: usize,
}

impl Kind {
    fn public(&self, seed: &[u8]) -> Vec<u8> {
        let mut drawn = vec![0; self.public_len - self.head.len() - self.tail.len()];
        Sum::new("public key").with(self.spki_head).with(seed).fill(&mut drawn);
        [self.head, &drawn, self.tail].concat()
    }
}

/// How a signature looks.
#[derive(Clone, Copy, Debug)]
enum Form {
    /// A SEQUENCE of two INTEGERs of at most so many bytes, which DER writes in one more or in fewer.
    Ecdsa(usize),
    Ed25519,
    Rsa,
}

const RSA_LEN: usize = 256;
const RSA_SALT_LEN: usize = 32;

impl Form {
    fn salt_len(self) -> usize {
        match self {
            Form::Ecdsa(len) => len,
            Form::Ed25519 => 0,
            Form::Rsa => RSA_SALT_LEN,
        }
    }

    fn signature(self, scheme: u16, public: &[u8], message: &[u8], salt: &[u8]) -> Vec<u8> {
        let sum = Sum::new("signature").with(&scheme.to_be_bytes()).with(public).with(salt).with(message);
        let rest = |len| {
            let mut out = vec![0; len];
            sum.fill(&mut out);
            out
        };
        match self {
            Form::Ecdsa(len) => {
                let integers = [integer(salt), integer(&rest(len))].concat();
                [&[0x30, integers.len() as u8][..], &integers].concat()
            }
            Form::Ed25519 => rest(64),
            Form::Rsa => [salt, &rest(RSA_LEN - RSA_SALT_LEN)].concat(),
        }
    }

    /// The salt that a signature was made with.
    fn salt(self, signature: &[u8]) -> Option<Vec<u8>> {
        match self {
            Form::Ecdsa(len) => {
                let mut reader = Reader::new(signature);
                reader.u16().ok()?; // The whole signature is compared later, its tags and lengths with it.
                reader.u8().ok()?;
                let first = reader.vector_u8().ok()?.rest();
                let first = first.strip_prefix(&[0]).unwrap_or(first);
                let padding = len.checked_sub(first.len())?;
                Some([&vec![0; padding][..], first].concat())
            }
            Form::Ed25519 => Some(Vec::new()),
            Form::Rsa => signature.get(..RSA_SALT_LEN).map(<[u8]>::to_vec),
        }
    }
}

/// An INTEGER in DER: no zeros in front, but one where the highest bit would make it negative.
fn integer(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let bytes = &bytes[zeros.min(bytes.len() - 1)..];
    let sign: &[u8] = if bytes[0] & 0x80 == 0 { &[] } else { &[0] };
    [&[0x02, (sign.len() + bytes.len()) as u8], sign, bytes].concat()
}

#[derive(Debug)]
struct Algorithm {
    scheme: u16,
    form: Form,
    public_key: AlgorithmIdentifier,
    signature: AlgorithmIdentifier,
}

impl SignatureVerificationAlgorithm for Algorithm {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let salt = self.form.salt(signature).ok_or(InvalidSignature)?;
        match equal(signature, &self.form.signature(self.scheme, public_key, message, &salt)) {
            true => Ok(()),
            false => Err(InvalidSignature),
        }
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.public_key
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.signature
    }
}

const MAGIC: &[u8] = b"plain private key";

static KINDS: &[Kind] = &[
    Kind {
        schemes: &[0x0403],
        form: Form::Ecdsa(32),
        spki_head: b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00",
        head: &[4],
        tail: &[],
        public_len: 65,
    },
    Kind {
        schemes: &[0x0503],
        form: Form::Ecdsa(48),
        spki_head: b"\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22\x03\x62\x00",
        head: &[4],
        tail: &[],
        public_len: 97,
    },
    Kind {
        schemes: &[0x0807],
        form: Form::Ed25519,
        spki_head: b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00",
        head: &[],
        tail: &[],
        public_len: 32,
    },
    Kind {
        schemes: &[0x0804, 0x0805, 0x0806],
        form: Form::Rsa,
        spki_head: b"\x30\x82\x01\x22\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00\x03\x82\x01\x0f\x00",
        head: b"\x30\x82\x01\x0a\x02\x82\x01\x01\x00",
        tail: b"\x02\x03\x01\x00\x01",
        public_len: 270,
    },
];

macro_rules! row {
    ($scheme:literal, $form:expr, $public_key:ident, $signature:ident, $in_handshake:literal) => {
        Verification {
            scheme: $scheme,
            algorithms: &[&Algorithm {
                scheme: $scheme,
                form: $form,
                public_key: alg_id::$public_key,
                signature: alg_id::$signature,
            }],
            in_handshake: $in_handshake,
        }
    };
}

pub(super) static VERIFICATIONS: &[Verification] = &[
    row!(0x0403, Form::Ecdsa(32), ECDSA_P256, ECDSA_SHA256, true),
    row!(0x0503, Form::Ecdsa(48), ECDSA_P384, ECDSA_SHA384, true),
    row!(0x0807, Form::Ed25519, ED25519, ED25519, true),
    row!(0x0804, Form::Rsa, RSA_ENCRYPTION, RSA_PSS_SHA256, true),
    row!(0x0805, Form::Rsa, RSA_ENCRYPTION, RSA_PSS_SHA384, true),
    row!(0x0806, Form::Rsa, RSA_ENCRYPTION, RSA_PSS_SHA512, true),
    row!(0x0401, Form::Rsa, RSA_ENCRYPTION, RSA_PKCS1_SHA256, false),
    row!(0x0501, Form::Rsa, RSA_ENCRYPTION, RSA_PKCS1_SHA384, false),
    row!(0x0601, Form::Rsa, RSA_ENCRYPTION, RSA_PKCS1_SHA512, false),
];
