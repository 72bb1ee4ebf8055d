//! Certificates: what a server shows ([`Credential`]) and how a client judges it ([`WebPki`]).

pub mod compression;
mod credential;
pub(crate) mod der;
mod web_pki;

pub use credential::BadCredential;
pub use web_pki::{WebPki, verify_signature};

#[cfg(test)]
mod tests;
