//! What one connection may cost us. Each number has a test that exceeds it by one.

use crate::rules::{MAX_31_BITS, MAX_MAX_FRAME_SIZE, MIN_MAX_FRAME_SIZE};

/// Bounds of one connection. What a peer does beyond them is answered with ENHANCE_YOUR_CALM or REFUSED_STREAM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Streams that the peer may have open at a time; also our SETTINGS_MAX_CONCURRENT_STREAMS.
    pub streams: u32,
    /// Streams remembered after their end, to tell a late frame from a wrong one.
    pub closed_streams: usize,
    /// RST_STREAM frames in 10 s (rapid reset).
    pub resets_per_10_s: u32,
    /// RST_STREAM frames in 10 s that the peer makes us send.
    pub provoked_resets_per_10_s: u32,
    /// CONTINUATION frames of one field block.
    pub continuations: u32,
    /// Bytes of one field block, compressed.
    pub header_block_bytes: usize,
    /// Bytes of one field section, decoded, as section 10.5.1 counts; also our SETTINGS_MAX_HEADER_LIST_SIZE.
    pub header_list_bytes: usize,
    /// Lines of one field section.
    pub header_lines: usize,
    /// Interim responses to one request that a client takes.
    pub interim_responses: u32,
    /// Milliseconds from the head of a HEADERS frame to the end of its field block.
    pub header_block_ms: u64,
    /// Bytes of our own and of the peer's HPACK table; ours is announced when it is not 4,096.
    pub header_table_bytes: u32,
    /// SETTINGS frames, receipts not counted, and GOAWAY frames in 10 s.
    pub settings_per_10_s: u32,
    /// Settings in one frame.
    pub settings_entries: usize,
    /// PING frames in 10 s, receipts included, beyond one for each DATA frame that we sent in that time: who measures the
    /// path by what comes sends one a round trip.
    pub pings_per_10_s: u32,
    /// PRIORITY frames in 10 s.
    pub priorities_per_10_s: u32,
    /// PRIORITY_UPDATE frames in 10 s.
    pub priority_updates_per_10_s: u32,
    /// Priorities that are remembered of streams before their requests come; later ones are left out.
    pub early_priorities: usize,
    /// DATA frames without a byte of body or an end, and CONTINUATION frames without a byte, in 10 s.
    pub empty_frames_per_10_s: u32,
    /// WINDOW_UPDATE frames in 10 s, beyond four for each DATA frame that we sent in that time.
    pub window_updates_per_10_s: u32,
    /// Frames in 10 s for streams that are over.
    pub stray_frames_per_10_s: u32,
    /// Frames of unknown types in 10 s.
    pub unknown_frames_per_10_s: u32,
    /// ORIGIN frames in 10 s that a client takes.
    pub origins_per_10_s: u32,
    /// The origins that a client remembers of a connection; later ones are left out.
    pub origins: usize,
    /// The largest payload that we take, in bytes; also our SETTINGS_MAX_FRAME_SIZE.
    pub frame_bytes: u32,
    /// The largest PRELOAD block that a client takes, in bytes; a larger one is skipped without buffering.
    pub preload_bytes: u32,
    /// What a stream may queue for sending, in bytes. One chunk is taken whatever its length when nothing is queued.
    pub send_queue_bytes: usize,
    /// What the peer may make us queue beside HEADERS and DATA, in bytes.
    pub control_bytes: usize,
    /// What may wait to leave beside DATA when the peer opens another stream, in bytes: who asks and never reads ends here.
    pub output_bytes: usize,
    /// The window that a stream starts with, in bytes; also our SETTINGS_INITIAL_WINDOW_SIZE.
    pub initial_stream_window_bytes: u32,
    /// The window that the connection starts with, in bytes.
    pub initial_connection_window_bytes: u32,
    /// What a stream's window grows to, in bytes.
    pub stream_window_bytes: u32,
    /// What the connection's window grows to, in bytes.
    pub connection_window_bytes: u32,
    /// Milliseconds until our SETTINGS are acknowledged.
    pub settings_ack_ms: u64,
    /// Milliseconds in which a stream that waits for credit must send `stall_bytes`.
    pub stall_ms: u64,
    /// Bytes that a stream must send in `stall_ms` while it waits for credit.
    pub stall_bytes: u64,
    /// Milliseconds between the two GOAWAY frames of a drain, when the peer does not answer the PING between them.
    pub drain_ms: u64,
}

impl Limits {
    /// Whether what is announced of them lies in the range of its setting (section 6.5.2).
    pub(crate) fn are_sayable(&self) -> bool {
        (MIN_MAX_FRAME_SIZE..=MAX_MAX_FRAME_SIZE).contains(&self.frame_bytes)
            && self.initial_stream_window_bytes <= MAX_31_BITS
            && self.initial_connection_window_bytes <= MAX_31_BITS
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            streams: 128,
            closed_streams: 128,
            resets_per_10_s: 1_000,
            provoked_resets_per_10_s: 100,
            continuations: 8,
            header_block_bytes: 64 << 10,
            header_list_bytes: 64 << 10,
            header_lines: 256,
            interim_responses: 64,
            header_block_ms: 10_000,
            header_table_bytes: 4_096,
            settings_per_10_s: 32,
            settings_entries: 64,
            pings_per_10_s: 100,
            priorities_per_10_s: 1_000,
            priority_updates_per_10_s: 1_000,
            early_priorities: 128,
            empty_frames_per_10_s: 100,
            window_updates_per_10_s: 2_000,
            stray_frames_per_10_s: 10_000,
            unknown_frames_per_10_s: 1_000,
            origins_per_10_s: 32,
            origins: 256,
            frame_bytes: 16_384,
            preload_bytes: 16 << 10,
            send_queue_bytes: 256 << 10,
            control_bytes: 16 << 10,
            output_bytes: 1 << 20,
            initial_stream_window_bytes: 1 << 20,
            initial_connection_window_bytes: 2 << 20,
            stream_window_bytes: 16 << 20,
            connection_window_bytes: 24 << 20,
            settings_ack_ms: 10_000,
            stall_ms: 60_000,
            stall_bytes: 1_024,
            drain_ms: 1_000,
        }
    }
}
