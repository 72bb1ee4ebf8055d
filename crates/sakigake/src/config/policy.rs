//! What a host's connections rest their trust on, in a digest of its names and of its certificates' paths: where it
//! changes, tickets of before lead to full handshakes. Another certificate at the same path does not change it.

use super::{CertificateFiles, Config};
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_tls::Policy;
use std::sync::Arc;

impl Config {
    /// The policy of each host: its names, and which certificate it shows. A host that nobody names has the default host's.
    pub fn ticket_policy(&self) -> Policy {
        let hosts = self.hosts.iter().map(|host| {
            let certificates =
                if host.certificates.is_empty() { &self.certificates } else { &host.certificates };
            (host.names.clone(), host.is_default, digest(&host.names, certificates))
        });
        let hosts: Vec<(Vec<String>, bool, [u8; 32])> = hosts.collect();
        Arc::new(move |server_name| {
            let named = |names: &Vec<String>| server_name.is_some_and(|host| is_named(names, host));
            let host = hosts.iter().find(|(names, ..)| named(names));
            let host = host.or_else(|| hosts.iter().find(|(_, is_default, _)| *is_default));
            host.map_or([0; 32], |(.., digest)| *digest)
        })
    }
}

/// Whether one of the names is `host`'s, or a wildcard for it.
fn is_named(names: &[String], host: &str) -> bool {
    let parent = host.split_once('.').map(|(_, parent)| parent);
    names.iter().any(|name| name == host || (parent.is_some() && name.strip_prefix("*.") == parent))
}

fn digest(names: &[String], certificates: &[CertificateFiles]) -> [u8; 32] {
    let mut hash = (PROVIDER.suites.first().expect("the provider has suites").hash.start)();
    hash.update(format!("{names:?} {certificates:?}").as_bytes());
    let mut digest = [0; 32];
    digest.copy_from_slice(&hash.digest().as_ref()[..32]); // No hash of a suite is shorter.
    digest
}

#[cfg(test)]
mod tests;
