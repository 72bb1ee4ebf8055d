mod stored;
mod transport;
mod verdict;

pub use transport::{MAX_REMEMBERED_TRANSPORT_BYTES, Transport};
pub use verdict::Verdict;

use crate::schedule;
use sakigake_crypto::{Secret, Suite};
use std::sync::Arc;

/// Nobody may use a ticket for longer (RFC 9846 section 4.7.1): 7 days, in seconds.
pub const MAX_TICKET_LIFETIME_SECS: u32 = 604_800;

/// What a client keeps of a connection to resume it later: a ticket, its key, and what both sides had agreed on (RFC 9846
/// section 2.2). It is for one connection: who uses a ticket twice can be recognised by it (appendix C.4).
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// The host that the certificate was judged for, in lower case, without a final dot.
    pub server_name: String,
    /// The cipher suite; another one with the same hash will do.
    pub suite: u16,
    /// The pre-shared key.
    pub secret: Secret,
    /// The ticket.
    pub ticket: Vec<u8>,
    /// What obscures its age.
    pub ticket_age_add: u32,
    /// For how long it may be used; at most [`MAX_TICKET_LIFETIME_SECS`].
    pub lifetime_secs: u32,
    /// When it came, in milliseconds since 1970.
    pub received_unix_ms: u64,
    /// When the server last proved itself by a certificate, in seconds since 1970.
    pub authenticated_unix_secs: u64,
    /// The application protocol, if there was one.
    pub alpn: Option<Vec<u8>>,
    /// The chain that the server showed, in DER, leaf first: a connection that goes on rests on it.
    pub chain: Arc<[Vec<u8>]>,
    /// Bytes of early data that the server takes with it at most; 0 for none.
    pub max_early_data: u32,
    /// A digest of the certificates that the client could show; zeros where it had none. Who can show others now asks for
    /// a handshake of its own: the server knows a resumed client as who it was.
    pub client_certificates: [u8; 32],
    /// What its owner keeps with it, at most 65,535 bytes: TLS does not look into it.
    pub kept: Vec<u8>,
    /// What is known in this process of its chain; the default to have it judged.
    pub verdict: Verdict,
    /// What QUIC keeps with it ([`Session::transport`]); the default for a connection over TCP. Neither goes on over the other.
    pub transport: Transport,
}

impl Session {
    /// Whether it may still be used: within its lifetime, and its server's certificate seen within `chain_secs`.
    pub fn is_fresh(&self, unix_ms: u64, chain_secs: u64) -> bool {
        let lifetime_ms = u64::from(self.lifetime_secs.min(MAX_TICKET_LIFETIME_SECS)) * 1_000;
        is_past(self.received_unix_ms / 1_000, unix_ms)
            && is_past(self.authenticated_unix_secs, unix_ms)
            && self.age_ms(unix_ms) < lifetime_ms // spec: 9846-4.3.11.1-a spec: 9846-4.7.1-c
            && (unix_ms / 1_000).saturating_sub(self.authenticated_unix_secs) < chain_secs // spec: 9846-4.7.1-d
    }

    /// Its age as it goes over the wire: modulo 2^32 (RFC 9846 section 4.3.11.1).
    pub(crate) fn obfuscated_age(&self, unix_ms: u64) -> u32 {
        (self.age_ms(unix_ms) as u32).wrapping_add(self.ticket_age_add) // spec: 9846-4.3.11.1-b
    }

    /// Zero where the clock was set back.
    fn age_ms(&self, unix_ms: u64) -> u64 {
        unix_ms.saturating_sub(self.received_unix_ms)
    }
}

/// Clocks may differ by so many seconds: what is further in the future was written while a clock was ahead, and its age is not
/// known.
pub(crate) const SKEW_SECS: u64 = 300;

/// Whether a time, in seconds since 1970, is not to come.
pub(crate) fn is_past(unix_secs: u64, now_unix_ms: u64) -> bool {
    unix_secs <= (now_unix_ms / 1_000).saturating_add(SKEW_SECS)
}

impl core::fmt::Debug for Session {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Session")
            .field("server_name", &self.server_name)
            .field("suite", &self.suite)
            .field("ticket_len", &self.ticket.len())
            .field("received_unix_ms", &self.received_unix_ms)
            .finish_non_exhaustive()
    }
}

/// What the tickets of one connection have in common, on either side.
pub(crate) struct Origin {
    pub(crate) suite: &'static Suite,
    pub(crate) resumption_secret: Secret,
    pub(crate) server_name: Option<String>,
    pub(crate) alpn: Option<Vec<u8>>,
    /// At a client: the chain that the server showed.
    pub(crate) chain: Arc<[Vec<u8>]>,
    /// At a client: what was found of the chain.
    pub(crate) verdict: Verdict,
    /// As in [`Session::client_certificates`]; zeros on a server.
    pub(crate) client_certificates: [u8; 32],
    /// When the server last proved itself by a certificate, in seconds since 1970.
    pub(crate) authenticated_unix_secs: u64,
}

impl Origin {
    /// The key of the ticket with this nonce.
    pub(crate) fn ticket_key(&self, ticket_nonce: &[u8]) -> Secret {
        schedule::ticket_key(self.suite.hash, &self.resumption_secret, ticket_nonce)
    }
}

#[cfg(test)]
mod tests;
