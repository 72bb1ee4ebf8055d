//! Tickets as a server makes them: what they say, and the keys that seal it, so that nothing has to be kept (RFC 9846
//! section 4.7.1).

mod keys;

pub use keys::{KeyRing, TicketKey, TicketKeys};

use sakigake_crypto::Secret;
use sakigake_wire::{Entropy, Grow, Reader};
use std::sync::Arc;
use zeroize::Zeroize;

/// How a server resumes connections.
#[derive(Clone)]
pub struct Tickets {
    /// Seal and open the tickets.
    pub keys: Arc<dyn TicketKeys>,
    /// How many go out after a full handshake, where the client does not ask for less (RFC 9149); at most 255.
    pub count: u8,
    /// How many go out after a resumed one.
    pub count_resumed: u8,
    /// For how long one may be used; at most [`crate::MAX_TICKET_LIFETIME_SECS`].
    pub lifetime_secs: u32,
    /// For how long resumption may follow resumption before a certificate is due again.
    pub chain_secs: u64,
    /// Whatever must be the same for a ticket to be taken; another value makes all tickets so far worthless.
    pub policy: [u8; 32],
}

impl Tickets {
    /// Two tickets for a full handshake and one for a resumed one, for a day, seven days in a chain.
    pub fn new(keys: Arc<dyn TicketKeys>) -> Self {
        Self { keys, count: 2, count_resumed: 1, lifetime_secs: 86_400, chain_secs: 604_800, policy: [0; 32] }
    }
}

/// What a ticket says to the server that made it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) suite: u16,
    pub(crate) secret: Secret,
    pub(crate) issued_unix_ms: u64,
    pub(crate) ticket_age_add: u32,
    pub(crate) lifetime_secs: u32,
    /// When the server last proved itself by a certificate, in seconds since 1970.
    pub(crate) authenticated_unix_secs: u64,
    pub(crate) policy: [u8; 32],
    pub(crate) server_name: Option<String>,
    pub(crate) alpn: Option<Vec<u8>>,
}

impl Ticket {
    /// Seals it.
    pub(crate) fn seal(
        &self,
        keys: &dyn TicketKeys,
        unix_secs: u64,
        entropy: &mut dyn Entropy,
    ) -> Option<Vec<u8>> {
        let mut text = Vec::with_capacity(256);
        self.write(&mut text);
        let sealed = keys.seal(unix_secs, &text, entropy);
        text.zeroize();
        sealed
    }

    /// Opens one; none where it is not ours, or no longer.
    pub(crate) fn open(keys: &dyn TicketKeys, unix_secs: u64, ticket: &[u8]) -> Option<Self> {
        let mut text = keys.open(unix_secs, ticket)?;
        let ticket = Self::read(&mut Reader::new(&text));
        text.zeroize();
        ticket
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.u8(VERSION);
        out.u16(self.suite);
        out.vector_u8(|out| out.put(self.secret.as_ref()));
        out.put(&self.issued_unix_ms.to_be_bytes());
        out.u32(self.ticket_age_add);
        out.u32(self.lifetime_secs);
        out.put(&self.authenticated_unix_secs.to_be_bytes());
        out.put(&self.policy);
        // Neither is ever empty where it is there.
        out.vector_u8(|out| out.put(self.server_name.as_deref().unwrap_or_default().as_bytes()));
        out.vector_u8(|out| out.put(self.alpn.as_deref().unwrap_or_default()));
    }

    /// None for what another version wrote.
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        if reader.u8().ok()? != VERSION {
            return None;
        }
        let ticket = Self {
            suite: reader.u16().ok()?,
            secret: Secret::new(reader.vector_u8().ok()?.rest()),
            issued_unix_ms: reader.u64().ok()?,
            ticket_age_add: reader.u32().ok()?,
            lifetime_secs: reader.u32().ok()?,
            authenticated_unix_secs: reader.u64().ok()?,
            policy: reader.array().ok()?,
            server_name: some(reader.vector_u8().ok()?.rest()).and_then(|name| String::from_utf8(name).ok()),
            alpn: some(reader.vector_u8().ok()?.rest()),
        };
        reader.is_empty().then_some(ticket)
    }
}

fn some(bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.is_empty() { None } else { Some(bytes.to_vec()) }
}

/// Of what a ticket says; another one makes the tickets before it worthless.
const VERSION: u8 = 1;
