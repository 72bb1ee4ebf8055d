//! Certificates: what one side shows ([`Credential`]), how the other judges it ([`WebPki`]), and who a client is then
//! ([`Identity`]).

pub(crate) mod choice;
pub mod compression;
mod credential;
pub(crate) mod der;
mod identity;
mod web_pki;

pub use credential::BadCredential;
pub(crate) use credential::Shown;
pub use identity::Identity;
pub use web_pki::{WebPki, check_key, verify_signature};

#[cfg(test)]
mod tests;
