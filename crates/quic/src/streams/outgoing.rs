//! What streams send: each frame as a fact that the connection writes, remembers with its packet, and gives back when the
//! packet was acknowledged or lost.

use super::id::{Direction, StreamId};

/// Bytes of a stream: one STREAM frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The stream.
    pub id: StreamId,
    /// Where the bytes belong.
    pub offset: u64,
    /// How many there are.
    pub len: u64,
    /// Whether the stream ends with them.
    pub fin: bool,
}

/// One frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// STREAM.
    Stream(Piece),
    /// RESET_STREAM.
    ResetStream {
        /// The stream.
        id: StreamId,
        /// Application Protocol Error Code.
        code: u64,
        /// Final Size, in bytes.
        final_size: u64,
    },
    /// RESET_STREAM_AT (draft-ietf-quic-reliable-stream-reset).
    ResetStreamAt {
        /// The stream.
        id: StreamId,
        /// Application Protocol Error Code.
        code: u64,
        /// Final Size, in bytes.
        final_size: u64,
        /// Reliable Size, in bytes.
        reliable_size: u64,
    },
    /// STOP_SENDING.
    StopSending {
        /// The stream.
        id: StreamId,
        /// Application Protocol Error Code.
        code: u64,
    },
    /// MAX_DATA.
    MaxData {
        /// Maximum Data, in bytes.
        limit: u64,
    },
    /// MAX_STREAM_DATA.
    MaxStreamData {
        /// The stream.
        id: StreamId,
        /// Maximum Stream Data, in bytes.
        limit: u64,
    },
    /// MAX_STREAMS.
    MaxStreams {
        /// Of which type.
        direction: Direction,
        /// Maximum Streams.
        limit: u64,
    },
    /// DATA_BLOCKED.
    DataBlocked {
        /// Maximum Data, in bytes.
        limit: u64,
    },
    /// STREAM_DATA_BLOCKED.
    StreamDataBlocked {
        /// The stream.
        id: StreamId,
        /// Maximum Stream Data, in bytes.
        limit: u64,
    },
    /// STREAMS_BLOCKED.
    StreamsBlocked {
        /// Of which type.
        direction: Direction,
        /// Maximum Streams.
        limit: u64,
    },
}

/// The longest control frame of a stream, in bytes: RESET_STREAM_AT with four fields of 8 bytes.
pub const MOST_CONTROL_BYTES: usize = 1 + 4 * 8;
