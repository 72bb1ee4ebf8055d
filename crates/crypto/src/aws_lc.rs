//! The provider that the product uses: aws-lc-rs behind the table.

mod aead;
mod block;
mod exchange;
mod hash;
mod signing;

pub use block::AES_128_BLOCK;
pub use hash::{SHA256, SHA384};

use crate::{Provider, Suite, Verification};
use webpki::aws_lc_rs as algorithms;

/// Everything that TLS 1.3 with browsers asks for. Randomness is aws-lc's own: the `Entropy` that is handed in stays
/// untouched, since the library cannot be seeded.
pub static PROVIDER: Provider = Provider {
    name: "aws-lc",
    suites: SUITES,
    groups: exchange::GROUPS,
    verifications: VERIFICATIONS,
    signing_key: signing::signing_key,
};

static SUITES: &[Suite] = &[
    // TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256
    Suite { id: 0x1301, hash: &SHA256, aead: &aead::AES_128_GCM }, // spec: 9846-9.1-a
    Suite { id: 0x1302, hash: &SHA384, aead: &aead::AES_256_GCM },
    Suite { id: 0x1303, hash: &SHA256, aead: &aead::CHACHA20_POLY1305 },
];

/// In TLS 1.3 an ECDSA scheme binds its curve, while a certificate's signature names the hash alone (RFC 9846 section
/// 4.3.3): hence the second algorithm of those rows, which is for chains only. Some issuers leave out the NULL
/// parameters of PKCS #1 v1.5, which RFC 4055 section 5 has us accept.
static VERIFICATIONS: &[Verification] = &[
    // ecdsa_secp256r1_sha256
    Verification {
        scheme: 0x0403,
        algorithms: &[algorithms::ECDSA_P256_SHA256, algorithms::ECDSA_P384_SHA256],
        in_handshake: true,
    },
    // ecdsa_secp384r1_sha384
    Verification {
        scheme: 0x0503,
        algorithms: &[algorithms::ECDSA_P384_SHA384, algorithms::ECDSA_P256_SHA384],
        in_handshake: true,
    },
    // ed25519
    Verification { scheme: 0x0807, algorithms: &[algorithms::ED25519], in_handshake: true },
    // rsa_pss_rsae_sha256, rsa_pss_rsae_sha384, rsa_pss_rsae_sha512
    Verification {
        scheme: 0x0804,
        algorithms: &[algorithms::RSA_PSS_2048_8192_SHA256_LEGACY_KEY], // spec: 9846-4.3.3-r
        in_handshake: true,
    },
    Verification {
        scheme: 0x0805,
        algorithms: &[algorithms::RSA_PSS_2048_8192_SHA384_LEGACY_KEY],
        in_handshake: true,
    },
    Verification {
        scheme: 0x0806,
        algorithms: &[algorithms::RSA_PSS_2048_8192_SHA512_LEGACY_KEY], // spec: 9846-4.3.3-r
        in_handshake: true,
    },
    // rsa_pkcs1_sha256, rsa_pkcs1_sha384, rsa_pkcs1_sha512
    Verification {
        scheme: 0x0401,
        algorithms: &[
            algorithms::RSA_PKCS1_2048_8192_SHA256,
            algorithms::RSA_PKCS1_2048_8192_SHA256_ABSENT_PARAMS,
        ],
        in_handshake: false,
    },
    Verification {
        scheme: 0x0501,
        algorithms: &[
            algorithms::RSA_PKCS1_2048_8192_SHA384,
            algorithms::RSA_PKCS1_2048_8192_SHA384_ABSENT_PARAMS,
        ],
        in_handshake: false,
    },
    Verification {
        scheme: 0x0601,
        algorithms: &[
            algorithms::RSA_PKCS1_2048_8192_SHA512,
            algorithms::RSA_PKCS1_2048_8192_SHA512_ABSENT_PARAMS,
        ],
        in_handshake: false,
    },
];

#[cfg(test)]
mod tests;

/// Fills `out` with the operating system's randomness, by way of the library's own generator.
///
/// # Panics
/// When the operating system gives none: nothing that follows would be secret.
pub fn random(out: &mut [u8]) {
    aws_lc_rs::rand::fill(out).expect("the operating system gives randomness");
}
