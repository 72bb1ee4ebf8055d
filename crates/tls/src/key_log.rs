//! Key log lines in the SSLKEYLOGFILE format (RFC 9850), by which Wireshark and others read a captured connection.

use crate::{KeyLogLine, TrafficSecret};
use sakigake_crypto::Secret;
use std::fmt;

/// The label of `client_early_traffic_secret`.
pub const CLIENT_EARLY_TRAFFIC_SECRET: &str = "CLIENT_EARLY_TRAFFIC_SECRET";
/// The label of `client_handshake_traffic_secret`.
pub const CLIENT_HANDSHAKE_TRAFFIC_SECRET: &str = "CLIENT_HANDSHAKE_TRAFFIC_SECRET";
/// The label of `server_handshake_traffic_secret`.
pub const SERVER_HANDSHAKE_TRAFFIC_SECRET: &str = "SERVER_HANDSHAKE_TRAFFIC_SECRET";
/// The label of `client_application_traffic_secret_0`.
pub const CLIENT_TRAFFIC_SECRET_0: &str = "CLIENT_TRAFFIC_SECRET_0";
/// The label of `server_application_traffic_secret_0`.
pub const SERVER_TRAFFIC_SECRET_0: &str = "SERVER_TRAFFIC_SECRET_0";
/// The label of `exporter_secret`.
pub const EXPORTER_SECRET: &str = "EXPORTER_SECRET";

impl KeyLogLine {
    /// A line for a traffic secret.
    pub fn traffic(label: &'static str, client_random: [u8; 32], secret: &TrafficSecret) -> Self {
        Self { label, client_random, secret: secret.secret.clone() }
    }

    /// A line for a secret that protects no traffic.
    pub fn other(label: &'static str, client_random: [u8; 32], secret: &Secret) -> Self {
        Self { label, client_random, secret: secret.clone() }
    }
}

impl fmt::Display for KeyLogLine {
    /// The line without its line feed: label, client random and secret in lower-case hex, one space between.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.label, Hex(&self.client_random), Hex(self.secret.as_ref()))
    }
}

impl fmt::Debug for KeyLogLine {
    /// Never the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyLogLine({})", self.label)
    }
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests;
