//! New certificates in the place of old ones while a server runs.

use super::Running;
use core::fmt;
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_session::ServerConfig;
use sakigake_tls::{self as tls, BadCredential, Credential, Staples};
use std::sync::{Arc, PoisonError};

/// Why a certificate does not take another's place; what was shown before is shown on.
#[derive(Debug)]
#[non_exhaustive]
pub enum NotRenewed {
    /// The chain and the key are none, or do not belong together.
    Bad(BadCredential),
    /// It is for these names, and no certificate that is shown, with a key of the same kind, has no others.
    Stranger(Vec<String>),
    /// TLS refuses it.
    Tls(tls::Misuse),
}

impl Running {
    /// Shows a new certificate, a chain, leaf first, and its key, both PEM, in the place of each that has no names but those
    /// of the new one, and a key of the same kind. Connections that are open keep what they were shown. No staples go with it.
    ///
    /// # Errors
    /// [`NotRenewed`].
    pub fn renew(&self, chain: &[u8], key: &[u8]) -> Result<(), NotRenewed> {
        self.renew_with(chain, key, Staples::default())
    }

    /// The same with what goes with it to clients that ask. Fresh staples take the place of old ones so too, with the chain and
    /// the key as before.
    ///
    /// # Errors
    /// [`NotRenewed`].
    pub fn renew_with(&self, chain: &[u8], key: &[u8], staples: Staples) -> Result<(), NotRenewed> {
        let new = Credential::from_pem(&PROVIDER, chain, key).map_err(NotRenewed::Bad)?;
        self.replace(Credential { staples, ..new })
    }

    /// The same for a certificate whose key is elsewhere: [`crate::Server::remote_certificate`].
    ///
    /// # Errors
    /// [`NotRenewed`].
    pub fn renew_remote(&self, chain: &[u8], schemes: &[u16], staples: Staples) -> Result<(), NotRenewed> {
        let new = Credential::remote(&PROVIDER, chain, schemes).map_err(NotRenewed::Bad)?;
        self.replace(Credential { staples, ..new })
    }

    fn replace(&self, new: Credential) -> Result<(), NotRenewed> {
        let new = Arc::new(new);
        // Held until the end, so that of two at a time none is lost.
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let now = session.now();
        let is_old = |old: &Credential| {
            old.schemes == new.schemes
                && old.signer.is_some() == new.signer.is_some()
                && old.names.iter().all(|name| new.is_for(name) || new.names.contains(name))
        };
        let shown = now.tls.credentials();
        if !shown.iter().any(|old| is_old(old)) {
            return Err(NotRenewed::Stranger(new.names.clone()));
        }
        let after = shown.iter().map(|old| if is_old(old) { new.clone() } else { old.clone() });
        let tls = now.tls.with_credentials(after.collect()).map_err(NotRenewed::Tls)?;
        session.set(ServerConfig {
            tls,
            h2: now.h2.clone(),
            h3: now.h3.clone(),
            hints: now.hints.clone(),
            trace: now.trace,
        });
        Ok(())
    }
}

impl fmt::Display for NotRenewed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bad(why) => why.fmt(f),
            Self::Stranger(names) => {
                write!(
                    f,
                    "no certificate that is shown is one for {} alone, with such a key",
                    names.join(", ")
                )
            }
            Self::Tls(why) => why.fmt(f),
        }
    }
}

impl std::error::Error for NotRenewed {}
