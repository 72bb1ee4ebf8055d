//! Connection ids: those that we issue, those that the peer issued, and how ours tell where they belong (RFC 9000 section 5.1).

mod issued;
mod received;
mod sealed;

pub use issued::{Announced, Issued};
pub use received::{Fresh, Received};
pub use sealed::{IdKeys, IdSource, Place};

use core::fmt;
use sakigake_wire::Entropy;

/// A connection ID: at most [`ConnectionId::MOST_BYTES`], kept inline. The empty one is legal: its owner needs none to find
/// the connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ConnectionId {
    len: u8,
    /// Zeroes behind `len`.
    bytes: [u8; ConnectionId::MOST_BYTES],
}

/// A stateless reset token (RFC 9000 section 10.3). Whoever knows it can end the connection: never printed, and compared in
/// constant time.
#[derive(Clone, Copy)]
pub struct ResetToken([u8; ResetToken::BYTES]);

/// What a connection holds of ids at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Active ids of the peer that are held: our active_connection_id_limit, at least 2.
    pub active_ids: usize,
    /// Active ids of ours that a peer is given, whatever it would hold.
    pub issued_ids: usize,
    /// Ids of the peer that are to be retired, or were without its acknowledgement; at least twice
    /// [`Limits::active_ids`] (RFC 9000 section 5.1.2).
    pub retiring_ids: usize,
    /// Gaps that are remembered between sequence numbers of retired ids.
    pub retired_gaps: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { active_ids: 4, issued_ids: 4, retiring_ids: 16, retired_gaps: 16 }
    }
}

impl ConnectionId {
    /// The longest that versions 1 and 2 know.
    pub const MOST_BYTES: usize = 20;

    /// The empty one.
    pub const EMPTY: Self = Self { len: 0, bytes: [0; Self::MOST_BYTES] };

    /// Takes up to [`ConnectionId::MOST_BYTES`]; none for more.
    pub fn new(id: &[u8]) -> Option<Self> {
        let mut bytes = [0; Self::MOST_BYTES];
        bytes.get_mut(..id.len())?.copy_from_slice(id);
        Some(Self { len: id.len() as u8, bytes })
    }

    /// `len` random bytes (at most [`ConnectionId::MOST_BYTES`]): what a client sends its first packets to, at least 8 bytes
    /// long there (RFC 9000 section 7.2).
    pub fn random(len: usize, entropy: &mut dyn Entropy) -> Self {
        let len = len.min(Self::MOST_BYTES);
        let mut bytes = [0; Self::MOST_BYTES];
        entropy.fill(&mut bytes[..len]);
        Self { len: len as u8, bytes }
    }

    /// Its bytes' count.
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether it is the empty one.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl AsRef<[u8]> for ConnectionId {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.len()]
    }
}

impl fmt::Debug for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl ResetToken {
    /// Bytes of a token.
    pub const BYTES: usize = 16;

    /// Keeps a token.
    pub const fn new(token: [u8; Self::BYTES]) -> Self {
        Self(token)
    }

    /// Its bytes, for the wire.
    pub const fn bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    /// Whether a datagram ends with it.
    pub fn ends(&self, datagram: &[u8]) -> bool {
        datagram.last_chunk::<{ Self::BYTES }>().is_some_and(|end| Self(*end) == *self)
    }
}

impl PartialEq for ResetToken {
    fn eq(&self, other: &Self) -> bool {
        sakigake_crypto::equal(&self.0, &other.0) // spec: 9000-10.3.1-c
    }
}

impl Eq for ResetToken {}

impl fmt::Debug for ResetToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResetToken(..)")
    }
}

#[cfg(test)]
pub(crate) mod tests;
