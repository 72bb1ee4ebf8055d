//! Keying material for whoever runs above TLS (RFC 9846 section 7.5).

use crate::Misuse;
use core::fmt;
use sakigake_crypto::{Hash, Secret, hkdf};

/// Exports keying material under a label: both peers get the same, and what one label gives tells nothing of another's.
#[derive(Clone)]
pub struct Exporter {
    hash: &'static Hash,
    /// `exporter_secret` or `early_exporter_secret`.
    secret: Secret,
}

/// The label of a connection's `tls-exporter` channel binding (RFC 9266 section 2).
pub const CHANNEL_BINDING_LABEL: &[u8] = b"EXPORTER-Channel-Binding";

/// Bytes of a `tls-exporter` channel binding.
pub const CHANNEL_BINDING_BYTES: usize = 32;

impl Exporter {
    /// Exports from `secret`, which the key schedule gave.
    pub(crate) fn new(hash: &'static Hash, secret: Secret) -> Self {
        Self { hash, secret }
    }

    /// What a key log calls EXPORTER_SECRET.
    pub(crate) fn secret(&self) -> &Secret {
        &self.secret
    }

    /// `TLS-Exporter(label, context, out.len())` into `out`. No context and an empty one are the same.
    ///
    /// # Errors
    /// [`Misuse::Export`] when the label is empty or longer than 249 bytes, or `out` longer than 255 digests.
    pub fn export(&self, label: &[u8], context: &[u8], out: &mut [u8]) -> Result<(), Misuse> {
        if !(1..=MOST_LABEL_BYTES).contains(&label.len()) {
            return Err(Misuse::Export("a label has 1 to 249 bytes"));
        }
        if out.len() > 255 * self.hash.len {
            return Err(Misuse::Export("at most 255 digests can be had at once"));
        }
        let nothing = (self.hash.of_nothing)();
        let secret = hkdf::derive_secret(self.hash, self.secret.as_ref(), label, nothing);
        let mut state = (self.hash.start)();
        state.update(context);
        hkdf::expand_label(self.hash, secret.as_ref(), b"exporter", state.digest().as_ref(), out); // spec: 9846-7.5-a
        Ok(())
    }

    /// The connection's `tls-exporter` channel binding (RFC 9266): what an authentication above TLS signs or hashes along,
    /// so that it holds on this connection alone.
    pub fn channel_binding(&self) -> [u8; CHANNEL_BINDING_BYTES] {
        let mut binding = [0; CHANNEL_BINDING_BYTES];
        self.export(CHANNEL_BINDING_LABEL, b"", &mut binding).expect("a short label and one digest"); // spec: 9266-2-a
        binding
    }
}

impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Exporter({:?})", self.secret)
    }
}

/// What `tls13 ` leaves of the 255 bytes that HkdfLabel has for a label.
const MOST_LABEL_BYTES: usize = 255 - 6;

#[cfg(test)]
mod tests;
