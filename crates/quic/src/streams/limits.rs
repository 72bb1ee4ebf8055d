//! What the streams of one connection may cost us. Each number has a test that exceeds it by one.

/// Bounds of one connection's streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bidirectional streams that the peer may have open at a time; also our initial_max_streams_bidi.
    pub bidirectional_streams: u64,
    /// Unidirectional streams that the peer may have open at a time; also our initial_max_streams_uni.
    pub unidirectional_streams: u64,
    /// The window that a stream starts with, in bytes; also our three initial_max_stream_data.
    pub initial_stream_window_bytes: u64,
    /// The window that the connection starts with, in bytes; also our initial_max_data.
    pub initial_connection_window_bytes: u64,
    /// What a stream's window grows to, in bytes.
    pub stream_window_bytes: u64,
    /// What the connection's window grows to, in bytes.
    pub connection_window_bytes: u64,
    /// Pieces out of order that all streams may hold, beyond one for each 64 bytes held: loss leaves pieces of the size of
    /// packets, and only malice leaves many small ones.
    pub fragments: usize,
    /// What a stream may queue that has not left yet, in bytes. One chunk is taken whatever its length when nothing is queued.
    pub send_queue_bytes: u64,
    /// How far beyond what was delivered a CRYPTO frame may reach, in bytes; at least 4,096 (section 7.5).
    pub crypto_bytes: u64,
    /// Pieces out of order of one CRYPTO stream, beyond one for each 64 bytes held.
    pub crypto_fragments: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bidirectional_streams: 128,
            unidirectional_streams: 16,
            initial_stream_window_bytes: 1 << 20,
            initial_connection_window_bytes: 2 << 20,
            stream_window_bytes: 16 << 20,
            connection_window_bytes: 24 << 20,
            fragments: 1_024,
            send_queue_bytes: 256 << 10,
            crypto_bytes: 64 << 10,
            crypto_fragments: 1_024,
        }
    }
}
