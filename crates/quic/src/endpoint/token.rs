//! Address validation tokens: one kind for Retry, one for NEW_TOKEN (RFC 9000 section 8.1).
//!
//! A token is four bytes in the clear that tell its kind, and a text under an AEAD: the kind again, the version of its
//! connection, when it was made, for whom, and, for Retry, the connection ids that its connection goes on with.

mod spent;

pub use spent::{Limits, Register, Spent};

use crate::ids::ConnectionId;
use crate::rules::versions::Version;
use core::net::{IpAddr, SocketAddr};
use sakigake_tls::TicketKeys;
use sakigake_wire::{Entropy, Grow, Reader, Short};
use std::sync::Arc;

/// Makes tokens and judges them. It remembers nothing: who takes a [`Judged::Known`] asks [`Spent`] first.
pub struct AddressTokens {
    keys: Arc<dyn TicketKeys>,
    lives: Lives,
}

/// How long tokens are good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lives {
    /// A Retry token comes back at once.
    pub retry_secs: u64,
    /// A NEW_TOKEN token comes back with the next connection.
    pub new_token_secs: u64,
}

/// What a token says of the client that brings it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    /// It came back from our Retry: its address is validated, and no second Retry may be sent.
    Retried {
        /// The Destination Connection ID of its first packet: original_destination_connection_id. The
        /// retry_source_connection_id is the one that its packet is now sent to.
        original: ConnectionId,
    },
    /// It came back from a NEW_TOKEN of ours: its address is validated where [`Spent::spend`] says that it was not used before.
    Known {
        /// Tells this token from all others.
        serial: [u8; Judged::SERIAL_BYTES],
        /// When its life ends.
        until_unix_secs: u64,
    },
    /// A Retry token that is not right: the client takes no second Retry, so the connection is refused at once with
    /// INVALID_TOKEN.
    Refused(Why),
    /// Nothing known of it: the client is treated as one that brought none.
    Ignored(Why),
}

/// Why a token is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// None of ours, or changed, or under a key that is gone.
    Unreadable,
    /// Its life is over, or has not begun.
    Expired,
    /// It was made for another address.
    OtherAddress,
    /// It came with another connection than that of the Retry.
    OtherConnection,
    /// It was given on a connection of another version (RFC 9369 section 5).
    OtherVersion,
}

impl Default for Lives {
    fn default() -> Self {
        Self { retry_secs: 10, new_token_secs: 86_400 }
    }
}

impl Judged {
    /// Bytes of a serial.
    pub const SERIAL_BYTES: usize = 16;
}

impl AddressTokens {
    /// Seals under `keys`, which all who may be sent a token share, and which seal nothing else.
    pub fn new(keys: Arc<dyn TicketKeys>, lives: Lives) -> Self {
        Self { keys, lives }
    }

    /// The token of a Retry of `version` to `client`, whose first packet went to `original` and who is told to go on with `next`.
    /// None where there is no key.
    pub fn retry(
        &self,
        unix_secs: u64,
        version: &Version,
        client: SocketAddr,
        original: &ConnectionId,
        next: &ConnectionId,
        entropy: &mut dyn Entropy,
    ) -> Option<Vec<u8>> {
        let mut text = begin(RETRY, version, unix_secs, client.ip());
        text.u16(client.port()); // spec: 9000-8.1.4-b
        text.vector_u8(|text| text.put(original.as_ref()));
        text.vector_u8(|text| text.put(next.as_ref()));
        self.seal(RETRY, unix_secs, &text, entropy)
    }

    /// The token of a NEW_TOKEN frame to the client at `client`, on a connection of `version`. Its port is of no meaning: the next
    /// connection has another.
    pub fn new_token(
        &self,
        unix_secs: u64,
        version: &Version,
        client: IpAddr,
        entropy: &mut dyn Entropy,
    ) -> Option<Vec<u8>> {
        let mut text = begin(NEW_TOKEN, version, unix_secs, client);
        let mut serial = [0; Judged::SERIAL_BYTES];
        entropy.fill(&mut serial); // spec: 9000-8.1.3-b
        text.put(&serial);
        self.seal(NEW_TOKEN, unix_secs, &text, entropy)
    }

    /// Judges the token of an Initial packet of `version` from `client` that is sent to `arrived_at`.
    pub fn judge(
        &self,
        unix_secs: u64,
        version: &Version,
        client: SocketAddr,
        arrived_at: &ConnectionId,
        token: &[u8],
    ) -> Judged {
        let Some((kind, sealed)) = token.split_first_chunk() else { return Judged::Ignored(Why::Unreadable) };
        let opened = self.keys.open(unix_secs, sealed); // spec: 9000-8.1.4-a
        let text = opened.as_deref().and_then(|text| Text::read(text).ok()).filter(|text| text.kind == *kind);
        let judged = text
            .ok_or(Why::Unreadable)
            .and_then(|text| self.weigh(unix_secs, version, client, arrived_at, &text));
        match judged {
            Ok(judged) => judged,
            Err(why) if *kind == RETRY => Judged::Refused(why), // spec: 9000-8.1.2-b
            Err(why) => Judged::Ignored(why),                   // spec: 9000-8.1.3-d
        }
    }

    fn weigh(
        &self,
        unix_secs: u64,
        version: &Version,
        client: SocketAddr,
        arrived_at: &ConnectionId,
        text: &Text,
    ) -> Result<Judged, Why> {
        let life = match text.about {
            About::Retry { .. } => self.lives.retry_secs, // spec: 9000-8.1.4-d
            About::NewToken { .. } => self.lives.new_token_secs,
        };
        let until_unix_secs = text.unix_secs.saturating_add(life);
        // A clock of the fleet that is ahead by more than a Retry lives makes tokens that nobody takes.
        if unix_secs >= until_unix_secs || text.unix_secs > unix_secs.saturating_add(self.lives.retry_secs) {
            return Err(Why::Expired); // spec: 9000-8.1.3-c
        }
        if text.version != version.number {
            return Err(Why::OtherVersion); // spec: 9369-5-c
        }
        if text.ip != client.ip().to_canonical() {
            return Err(Why::OtherAddress); // spec: 9000-8.1.4-c
        }
        match text.about {
            About::Retry { port, .. } if port != client.port() => Err(Why::OtherAddress),
            About::Retry { next, .. } if next != *arrived_at => Err(Why::OtherConnection),
            About::Retry { original, .. } => Ok(Judged::Retried { original }),
            About::NewToken { serial } => Ok(Judged::Known { serial, until_unix_secs }),
        }
    }

    fn seal(&self, kind: [u8; 4], unix_secs: u64, text: &[u8], entropy: &mut dyn Entropy) -> Option<Vec<u8>> {
        let sealed = self.keys.seal(unix_secs, text, entropy)?;
        Some([&kind[..], &sealed].concat()) // spec: 9000-8.1.1-a
    }
}

/// What is sealed.
struct Text {
    kind: [u8; 4],
    /// By its number.
    version: u32,
    unix_secs: u64,
    ip: IpAddr,
    about: About,
}

enum About {
    Retry { port: u16, original: ConnectionId, next: ConnectionId },
    NewToken { serial: [u8; Judged::SERIAL_BYTES] },
}

fn begin(kind: [u8; 4], version: &Version, unix_secs: u64, ip: IpAddr) -> Vec<u8> {
    let mut text = Vec::with_capacity(84);
    text.put(&kind);
    text.put(&version.number.to_be_bytes());
    text.put(&unix_secs.to_be_bytes());
    match ip.to_canonical() {
        IpAddr::V4(ip) => text.vector_u8(|text| text.put(&ip.octets())),
        IpAddr::V6(ip) => text.vector_u8(|text| text.put(&ip.octets())),
    }
    text
}

impl Text {
    fn read(text: &[u8]) -> Result<Self, Short> {
        let mut reader = Reader::new(text);
        let (kind, version, unix_secs) = (reader.array()?, reader.u32()?, reader.u64()?);
        let mut ip = reader.vector_u8()?;
        let ip = match ip.len() {
            4 => IpAddr::from(ip.array::<4>()?),
            _ => IpAddr::from(ip.array::<16>()?),
        };
        let about = match kind {
            RETRY => About::Retry { port: reader.u16()?, original: id(&mut reader)?, next: id(&mut reader)? },
            _ => About::NewToken { serial: reader.array()? },
        };
        Ok(Self { kind, version, unix_secs, ip, about })
    }
}

fn id(reader: &mut Reader<'_>) -> Result<ConnectionId, Short> {
    let id = reader.vector_u8()?.rest();
    ConnectionId::new(id).ok_or(Short(id.len()))
}

/// Drawn once, so that tokens of others are not taken for Retry tokens of ours, which would be refused.
const RETRY: [u8; 4] = [0xd3, 0x5a, 0x1e, 0x70];
const NEW_TOKEN: [u8; 4] = [0x6b, 0xc8, 0x42, 0x95];

#[cfg(test)]
mod tests;
