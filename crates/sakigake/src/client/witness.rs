//! What a connection's certificate was found good for: its own host, and maybe others.

use sakigake_tls::{Grounds, RejectedCertificate, Staples, Verified, Verifier};
use std::sync::{Arc, Mutex, PoisonError};

/// Judges as another does, and remembers the chain that it found good.
pub(crate) struct Witness {
    judge: Arc<dyn Verifier>,
    chain: Mutex<Vec<Vec<u8>>>,
}

impl Witness {
    pub(crate) fn new(judge: Arc<dyn Verifier>) -> Self {
        Self { judge, chain: Mutex::default() }
    }

    /// Whether the same chain would be good for `host` too (RFC 9110 section 4.3.3, RFC 9525).
    pub(crate) fn covers(&self, host: &str, unix_secs: u64) -> bool {
        let chain = self.chain.lock().unwrap_or_else(PoisonError::into_inner);
        let chain: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        !chain.is_empty() && self.judge.verify_chain(host, &chain, unix_secs).is_ok()
    }

    fn keep(&self, chain: &[&[u8]]) {
        let mut kept = self.chain.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = chain.iter().map(|certificate| certificate.to_vec()).collect();
    }
}

impl Verifier for Witness {
    fn verify_chain(
        &self,
        server_name: &str,
        chain: &[&[u8]],
        unix_secs: u64,
    ) -> Result<Verified, RejectedCertificate> {
        let verified = self.judge.verify_chain(server_name, chain, unix_secs)?;
        self.keep(chain);
        Ok(verified)
    }

    fn verify_staples(
        &self,
        chain: &[&[u8]],
        staples: &Staples,
        unix_secs: u64,
    ) -> Result<(), RejectedCertificate> {
        self.judge.verify_staples(chain, staples, unix_secs)
    }

    fn verify_signature(&self, leaf: &[u8], scheme: u16, message: &[u8], signature: &[u8]) -> bool {
        self.judge.verify_signature(leaf, scheme, message, signature)
    }

    fn judge(
        &self,
        server_name: &str,
        chain: &[&[u8]],
        earlier: Option<&Grounds>,
        unix_secs: u64,
    ) -> Result<Option<Grounds>, RejectedCertificate> {
        let grounds = self.judge.judge(server_name, chain, earlier, unix_secs)?;
        self.keep(chain);
        Ok(grounds)
    }
}

impl core::fmt::Debug for Witness {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Witness")
    }
}
