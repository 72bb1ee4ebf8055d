//! Tickets as a server makes them: what they say, and the keys that seal it, so that nothing has to be kept (RFC 9846
//! section 4.7.1).

mod keys;

pub use keys::{KeyRing, Rotation, TicketKey, TicketKeys};

use crate::{Identity, MAX_REMEMBERED_TRANSPORT_BYTES};
use sakigake_crypto::Secret;
use sakigake_wire::{Entropy, Grow, Reader};
use std::sync::Arc;
use zeroize::Zeroizing;

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
    /// What must be the same for a ticket to be taken, beside the certificates that a client is shown who asks for its host:
    /// where one of those has changed, a full handshake follows in any case (but not where the owner chooses them itself, by
    /// [`crate::Wanted::Certificate`]).
    pub policy: Policy,
}

/// What must be the same for a ticket to be taken, by the host that the client asks for (lower case): a digest of whatever a
/// host's configuration rests its trust on. Where it has changed, tickets of before lead to full handshakes.
pub type Policy = Arc<dyn Fn(Option<&str>) -> [u8; 32] + Send + Sync>;

impl Tickets {
    /// Two tickets for a full handshake and one for a resumed one, for a day, seven days in a chain; one policy for all.
    pub fn new(keys: Arc<dyn TicketKeys>) -> Self {
        Self {
            keys,
            count: 2,
            count_resumed: 1,
            lifetime_secs: 86_400,
            chain_secs: 604_800,
            policy: Arc::new(|_| [0; 32]),
        }
    }
}

/// What a ticket says to the server that made it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    /// The suite of the connection that it was made on; another one with the same hash will do.
    pub(crate) suite: u16,
    pub(crate) secret: Secret,
    pub(crate) issued_unix_ms: u64,
    pub(crate) ticket_age_add: u32,
    pub(crate) lifetime_secs: u32,
    /// When the server last proved itself by a certificate, in seconds since 1970.
    pub(crate) authenticated_unix_secs: u64,
    pub(crate) policy: [u8; 32],
    /// The most early data, in bytes.
    pub(crate) max_early_data: u32,
    pub(crate) server_name: Option<String>,
    pub(crate) alpn: Option<Vec<u8>>,
    /// Who the client is, where it had shown a certificate.
    pub(crate) identity: Option<Identity>,
    /// What the server's owner wants to hear again.
    pub(crate) note: Option<TicketNote>,
    /// What QUIC remembers, at most [`MAX_REMEMBERED_TRANSPORT_BYTES`]; none where the connection was over TCP.
    pub(crate) transport: Option<Vec<u8>>,
}

/// What a server's owner seals into a ticket, to hear it again where the ticket is gone on from: room for a digest and two bytes
/// more. TLS does not look into it.
pub type TicketNote = [u8; 18];

impl Ticket {
    /// Seals it.
    pub(crate) fn seal(
        &self,
        keys: &dyn TicketKeys,
        unix_secs: u64,
        entropy: &mut dyn Entropy,
    ) -> Option<Vec<u8>> {
        keys.seal(unix_secs, &self.to_bytes(), entropy)
    }

    /// Opens one; none where it is not ours, or no longer.
    pub(crate) fn open(keys: &dyn TicketKeys, unix_secs: u64, ticket: &[u8]) -> Option<Self> {
        Self::from_bytes(&keys.open(unix_secs, ticket)?)
    }

    /// How old the client thinks it is, in milliseconds (RFC 9846 section 4.3.11.1).
    pub(crate) fn told_age_ms(&self, obfuscated_ticket_age: u32) -> u32 {
        obfuscated_ticket_age.wrapping_sub(self.ticket_age_add)
    }

    /// What is sealed.
    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let chain_bytes = self.identity.as_ref().map_or(0, Identity::bytes);
        let transport_bytes = self.transport.as_ref().map_or(0, |transport| 2 + transport.len());
        let mut out = Zeroizing::new(Vec::with_capacity(TEXT_BYTES + chain_bytes + transport_bytes));
        self.write(&mut out);
        out
    }

    /// None for what another version wrote.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let ticket = Self::read(&mut reader)?;
        reader.is_empty().then_some(ticket)
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.u8(if self.transport.is_some() { VERSION_QUIC } else { VERSION });
        out.u16(self.suite);
        out.vector_u8(|out| out.put(self.secret.as_ref()));
        out.put(&self.issued_unix_ms.to_be_bytes());
        out.u32(self.ticket_age_add);
        out.u32(self.lifetime_secs);
        out.put(&self.authenticated_unix_secs.to_be_bytes());
        out.put(&self.policy);
        out.u32(self.max_early_data);
        // Neither is ever empty where it is there.
        out.vector_u8(|out| out.put(self.server_name.as_deref().unwrap_or_default().as_bytes()));
        out.vector_u8(|out| out.put(self.alpn.as_deref().unwrap_or_default()));
        let chain = self.identity.as_ref().map(Identity::chain).unwrap_or_default();
        out.vector_u16(|out| chain.iter().for_each(|der| out.vector_u16(|out| out.put(der))));
        out.vector_u8(|out| out.put(self.note.as_ref().map_or(&[], |note| &note[..])));
        if let Some(transport) = &self.transport {
            out.vector_u16(|out| out.put(transport));
        }
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let version = reader.u8().ok()?;
        if version != VERSION && version != VERSION_QUIC {
            return None;
        }
        Some(Self {
            suite: reader.u16().ok()?,
            secret: Secret::new(reader.vector_u8().ok()?.rest()),
            issued_unix_ms: reader.u64().ok()?,
            ticket_age_add: reader.u32().ok()?,
            lifetime_secs: reader.u32().ok()?,
            authenticated_unix_secs: reader.u64().ok()?,
            policy: reader.array().ok()?,
            max_early_data: reader.u32().ok()?,
            server_name: match reader.vector_u8().ok()?.rest() {
                [] => None,
                name => Some(core::str::from_utf8(name).ok()?.to_owned()),
            },
            alpn: Some(reader.vector_u8().ok()?.rest()).filter(|alpn| !alpn.is_empty()).map(<[u8]>::to_vec),
            identity: Identity::new(chain(reader.vector_u16().ok()?)?),
            note: match reader.vector_u8().ok()?.rest() {
                [] => None,
                note => Some(note.try_into().ok()?),
            },
            transport: match version {
                VERSION_QUIC => Some(transport(reader.vector_u16().ok()?.rest())?),
                _ => None,
            },
        })
    }
}

/// Certificates in DER, leaf first.
fn chain(mut reader: Reader<'_>) -> Option<Vec<Vec<u8>>> {
    let mut chain = Vec::new();
    while !reader.is_empty() {
        chain.push(reader.vector_u16().ok()?.rest().to_vec());
    }
    Some(chain)
}

/// What QUIC remembers; none where it is too long for any of ours.
fn transport(bytes: &[u8]) -> Option<Vec<u8>> {
    (bytes.len() <= MAX_REMEMBERED_TRANSPORT_BYTES).then(|| bytes.to_vec())
}

/// Of what a ticket says; another one makes the tickets before it worthless.
const VERSION: u8 = 3;

/// The same for a connection over QUIC, with what that remembers at the end.
const VERSION_QUIC: u8 = 4;

/// What most tickets say takes less: their text is not moved as it grows, so that no copy of a secret stays behind.
const TEXT_BYTES: usize = 640;

#[cfg(test)]
mod tests;
