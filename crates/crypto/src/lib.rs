//! The table of cryptographic functions that TLS and QUIC stand on.
//!
//! A [`Provider`] is data: rows of function pointers, filled by [`aws_lc`] here and by the lab's plain provider there.
//! Nothing above this crate names an implementation, so a second one needs no change in `tls`.

pub mod aws_lc;
mod block;
pub mod hkdf;
mod provider;
mod secret;

pub use provider::{
    Accepted, Aead, AeadKey, BadShare, Digest, Forged, Group, Hash, HashState, HeaderKey, KeyRejected,
    KeyShare, Provider, SAMPLE_BYTES, SignFailed, SigningKey, Suite, TAG_BYTES, Verification,
};
pub use secret::{Secret, equal};

pub use block::{BLOCK_BYTES, BlockCipher, BlockKey};

#[cfg(test)]
mod tests;
