//! What both stacks are made to do, and the terms on which they do it.

use std::{sync::Arc, time::Duration};

/// Half of a round trip, by the clock that both are given.
pub(crate) const DELAY: Duration = Duration::from_micros(50);
/// The largest datagram.
pub(crate) const DATAGRAM_BYTES: u16 = 1_452;
/// Datagrams that one call may give, as the drivers of both send them.
pub(crate) const SEGMENTS: usize = 10;
/// What a stream may have under way.
pub(crate) const STREAM_WINDOW: u32 = 8 << 20;
/// What a connection may have under way.
pub(crate) const CONNECTION_WINDOW: u32 = 16 << 20;
/// What a writer hands over at a time.
pub(crate) const PIECE: usize = 64 << 10;
pub(crate) const STREAMS: u32 = 256;

/// On each of some streams the client says so many bytes, and then the server.
#[derive(Clone, Copy)]
pub(crate) struct Exchange {
    pub(crate) streams: usize,
    pub(crate) request_bytes: usize,
    pub(crate) response_bytes: usize,
}

/// Bytes to send, taken by reference.
pub(crate) fn piece() -> Arc<[u8]> {
    vec![0x55; PIECE].into()
}

/// What a side still has to say on a stream.
#[derive(Clone, Copy, Default)]
pub(crate) struct Progress {
    pub(crate) to_send: usize,
    pub(crate) is_over: bool,
}

/// A connection in memory.
pub(crate) trait Pair {
    /// Carries the exchange to its end; gives the bytes that were heard on both sides.
    fn carry(&mut self, exchange: Exchange) -> usize;
}

/// A stack, set up once for many connections.
pub(crate) trait Stack {
    /// A connection whose handshake is confirmed.
    fn connect(&self) -> Box<dyn Pair>;
}
