use sakigake_tls::Credential;
use std::sync::Arc;

/// Who we are to some hosts, where they ask for a certificate. Nobody else learns it: not hosts that a page names, and not
/// those that a redirect leads to.
#[derive(Clone)]
pub struct Identity {
    /// The chain and its key, which has to be here: a client asks no signer.
    pub credential: Arc<Credential>,
    /// The hosts, in any case, IPv6 addresses with or without brackets.
    pub hosts: Vec<String>,
}

impl Identity {
    /// Whether it is for `host`.
    pub(super) fn is_for(&self, host: &str) -> bool {
        self.hosts.iter().any(|named| bare(named).eq_ignore_ascii_case(bare(host)))
    }
}

fn bare(host: &str) -> &str {
    let host = host.strip_suffix('.').unwrap_or(host);
    host.trim_start_matches('[').trim_end_matches(']')
}

#[cfg(test)]
mod tests;
