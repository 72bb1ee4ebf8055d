/// What a connection may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest handshake message, header included; Certificate and CompressedCertificate have [`Limits::certificate_chain_bytes`] instead.
    pub handshake_message_bytes: usize,
    /// The longest Certificate message, header included, and as long uncompressed where it came compressed.
    pub certificate_chain_bytes: usize,
    /// Certificates in a chain.
    pub certificates: usize,
    /// Input held while the owner has not answered a [`crate::Wanted`].
    pub held_bytes: usize,
    /// KeyUpdates from the peer in any 10 seconds; QUIC has none.
    pub key_updates_per_10_s: u32,
    /// Tickets from the server in any 10 seconds.
    pub tickets_per_10_s: u32,
    /// CertificateRequests from the server in any 10 seconds after the handshake, where the client takes any.
    pub certificate_requests_per_10_s: u32,
    /// From the first call to the peer's Finished.
    pub handshake_ms: u64,
    /// Records that one key protects before a KeyUpdate goes out, our own messages apart; the cipher's own limit counts where
    /// it is lower, and holds for all records, and 16 where this is lower. No matter of QUIC's, nor is what follows.
    pub records_per_key: u64,
    /// Records in a row that carry nothing: empty application data, change_cipher_spec, `user_canceled`.
    pub empty_records: u32,
    /// Handshake messages that wait for the owner to transmit them, once the handshake is over: answers to a
    /// CertificateRequest. The answer to the last one counts when more is asked for.
    pub unsent_bytes: usize,
    /// Early data that a server passes over, since it did not accept it; records count with their headers.
    pub skipped_early_data_bytes: usize,
    /// From our close_notify to the peer's.
    pub closing_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake_message_bytes: 65_536,
            certificate_chain_bytes: 131_072,
            certificates: 16,
            held_bytes: 65_536,
            key_updates_per_10_s: 32,
            tickets_per_10_s: 64,
            certificate_requests_per_10_s: 4,
            handshake_ms: 15_000,
            records_per_key: u64::MAX,
            empty_records: 32,
            unsent_bytes: 1_024,
            skipped_early_data_bytes: 65_536,
            closing_ms: 5_000,
        }
    }
}
