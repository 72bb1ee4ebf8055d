/// What a handshake may cost before it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest handshake message, header included; a Certificate has [`Limits::certificate_chain_bytes`] instead.
    pub handshake_message_bytes: usize,
    /// The longest Certificate message, header included.
    pub certificate_chain_bytes: usize,
    /// Certificates in a chain.
    pub certificates: usize,
    /// Input held while the owner has not answered a [`crate::Wanted`].
    pub held_bytes: usize,
    /// KeyUpdates from the peer in any 10 seconds.
    pub key_updates_per_10_s: u32,
    /// From the first call to the peer's Finished.
    pub handshake_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake_message_bytes: 65_536,
            certificate_chain_bytes: 131_072,
            certificates: 16,
            held_bytes: 65_536,
            key_updates_per_10_s: 32,
            handshake_ms: 15_000,
        }
    }
}
