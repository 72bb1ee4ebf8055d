//! What an endpoint holds and answers at most.

use super::{reset, token};

/// What one endpoint holds and answers at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once; a client beyond them is refused.
    pub connections: usize,
    /// Connections at once whose client is not validated. Beyond them each client is asked to show where it is, or refused
    /// where it cannot be asked.
    pub half_open: usize,
    /// Datagrams that came under 0-RTT keys before their Initial.
    pub early_datagrams: usize,
    /// Bytes of such datagrams.
    pub early_bytes: usize,
    /// How long they wait, in milliseconds.
    pub early_ms: u64,
    /// Version Negotiation packets in a second.
    pub version_negotiations_per_s: u32,
    /// Retry packets in a second.
    pub retries_per_s: u32,
    /// Connections that are refused in words, in a second; beyond that their packets are dropped.
    pub refusals_per_s: u32,
    /// Connections with one address that are asked whether a datagram is a stateless reset. To ask is to compare a few tokens
    /// ([`Connection::is_reset_by`](crate::connection::Connection::is_reset_by)).
    pub reset_candidates: usize,
    /// Stateless resets.
    pub resets: reset::Limits,
    /// Tokens of NEW_TOKEN frames.
    pub tokens: token::Limits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 65_536,
            half_open: 4_096,
            early_datagrams: 64,
            early_bytes: 64 * 1_500,
            early_ms: 500,
            version_negotiations_per_s: 1_000,
            retries_per_s: 50_000,
            refusals_per_s: 1_000,
            reset_candidates: 1_024,
            resets: reset::Limits::default(),
            tokens: token::Limits::default(),
        }
    }
}
