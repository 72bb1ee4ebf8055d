//! What QUIC remembers beside a session, to send early data by (RFC 9001 section 4.6.3).

use super::Session;
use crate::Misuse;

/// Bytes that QUIC may keep beside a session, or in a ticket.
pub const MAX_REMEMBERED_TRANSPORT_BYTES: usize = 256;

/// What QUIC keeps with a session; the default is that of a connection over TCP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transport(Option<Vec<u8>>);

impl Transport {
    /// A session of a connection over QUIC, with nothing beside it yet; or one over TCP.
    pub(crate) fn new(is_quic: bool) -> Self {
        Self(is_quic.then(Vec::new))
    }

    /// Of a session that was stored; none where it is too long for any of ours.
    pub(super) fn stored(bytes: &[u8]) -> Option<Self> {
        (bytes.len() <= MAX_REMEMBERED_TRANSPORT_BYTES).then(|| Self(Some(bytes.to_vec())))
    }
}

impl Session {
    /// What QUIC keeps beside it, not looked into; none where it is one of a connection over TCP.
    pub fn transport(&self) -> Option<&[u8]> {
        self.transport.0.as_deref()
    }

    /// Keeps `bytes` beside it: what is to be known of the server's transport parameters when the connection is gone on with.
    ///
    /// # Errors
    /// [`Misuse::Quic`] for more than [`MAX_REMEMBERED_TRANSPORT_BYTES`], and where the session is one of a connection over
    /// TCP.
    pub fn set_transport(&mut self, bytes: Vec<u8>) -> Result<(), Misuse> {
        if bytes.len() > MAX_REMEMBERED_TRANSPORT_BYTES {
            return Err(Misuse::Quic("more is to be kept with a session than 256 bytes"));
        }
        let kept =
            self.transport.0.as_mut().ok_or(Misuse::Quic("the session is one of a connection over TCP"))?;
        *kept = bytes;
        Ok(())
    }
}
