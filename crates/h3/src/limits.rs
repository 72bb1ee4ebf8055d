//! What one connection may cost us.

/// Bounds of one connection, beside those of QUIC's flow control and of QPACK. What a peer does beyond them is answered
/// with H3_EXCESSIVE_LOAD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one field section, compressed.
    pub header_block_bytes: usize,
    /// Bytes of one field section, decoded, as section 4.2.2 counts; also our SETTINGS_MAX_FIELD_SECTION_SIZE.
    pub header_list_bytes: usize,
    /// Lines of one field section.
    pub header_lines: usize,
    /// Interim responses to one request that a client takes.
    pub interim_responses: u32,
    /// Bytes of a SETTINGS frame.
    pub settings_bytes: usize,
    /// Bytes of a PRELOAD block that a client takes; a longer one is skipped without buffering.
    pub preload_bytes: usize,
    /// Bytes of an ORIGIN frame that a client takes; a longer one is skipped.
    pub origin_bytes: usize,
    /// The origins that a client remembers of a connection; later ones are left out.
    pub origins: usize,
    /// Bytes that wait on all streams behind field sections which wait for entries. At least so many streams' windows as
    /// may wait, since a peer may use what it was given.
    pub waiting_bytes: usize,
    /// What a stream may queue for sending, in bytes. One chunk is taken whatever its length when nothing is queued.
    pub send_queue_bytes: usize,
    /// What datagrams may wait to leave, in bytes.
    pub datagram_queue_bytes: usize,
    /// Milliseconds from a request stream's first byte until its field section is there, with the entries that it needs.
    pub header_block_ms: u64,
    /// Milliseconds in which, while a stream finds no room, some bytes of the connection must leave, and some of each that waits for credit.
    pub stall_ms: u64,
    /// Bytes by which a stream's room must grow in `stall_ms`, where nothing fits into it, and that must leave of one that waits for credit.
    pub stall_bytes: u64,
    /// Milliseconds between the two GOAWAY frames of a drain, at most.
    pub drain_ms: u64,
    /// Streams that the peer resets, or that we reset for what it did, in 10 s.
    pub resets_per_10_s: u32,
    /// Frames of unknown types in 10 s, beyond four on each request stream.
    pub unknown_frames_per_10_s: u32,
    /// DATA frames without a byte in 10 s.
    pub empty_frames_per_10_s: u32,
    /// Entries that the peer's encoder inserts in 10 s, beyond sixteen for each message that comes: a byte repeats one of
    /// kilobytes.
    pub insertions_per_10_s: u64,
    /// Streams of unknown types in 10 s, and those that end before they say theirs.
    pub unknown_streams_per_10_s: u32,
    /// Frames on the control stream in 10 s, PRIORITY_UPDATE left out.
    pub controls_per_10_s: u32,
    /// PRIORITY_UPDATE frames in 10 s.
    pub priority_updates_per_10_s: u32,
    /// Priorities that are remembered of streams which are not there; beyond, the first of them goes.
    pub early_priorities: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_block_bytes: 65_536,
            header_list_bytes: 65_536,
            header_lines: 256,
            interim_responses: 64,
            settings_bytes: 1_024,
            preload_bytes: 16 << 10,
            origin_bytes: 16 << 10,
            origins: 256,
            waiting_bytes: 16 << 20,
            send_queue_bytes: 262_144,
            datagram_queue_bytes: 64 << 10,
            header_block_ms: 10_000,
            stall_ms: 60_000,
            stall_bytes: 1_024,
            drain_ms: 1_000,
            resets_per_10_s: 1_000,
            unknown_frames_per_10_s: 200,
            empty_frames_per_10_s: 1_000,
            insertions_per_10_s: 20_000,
            unknown_streams_per_10_s: 40,
            controls_per_10_s: 200,
            priority_updates_per_10_s: 1_000,
            early_priorities: 128,
        }
    }
}
