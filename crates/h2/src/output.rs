//! Frames that are ready to leave, in order: everything but DATA. They leave before any DATA does, so a stream's DATA
//! never overtakes its HEADERS, and nothing comes between HEADERS and CONTINUATION.

use crate::frame::{Frame, FrameHead};
use crate::rules::{HEAD_BYTES, flag, kind};

/// The queue. It holds no memory worth naming once it is empty.
#[derive(Debug, Default)]
pub(crate) struct Output {
    bytes: Vec<u8>,
    at: usize,
    /// Bytes that the peer made us queue since the queue was last empty.
    provoked: usize,
    /// Bytes that it held before it was last empty: as many get room at once.
    before: usize,
}

/// What an idle queue may keep, in bytes, so that a WINDOW_UPDATE costs no allocation.
const KEPT: usize = 256;

/// The most that gets room before it is needed, in bytes.
const FORESEEN: usize = 16 << 10;

impl Output {
    pub(crate) fn push(&mut self, frame: &Frame<'_>) {
        frame.write(&mut self.bytes);
    }

    /// A frame that answers one of the peer's: returns the bytes of that kind that now wait.
    pub(crate) fn push_provoked(&mut self, frame: &Frame<'_>) -> usize {
        let before = self.bytes.len();
        frame.write(&mut self.bytes);
        self.provoked += self.bytes.len() - before;
        self.provoked
    }

    /// Raw bytes: the preface.
    pub(crate) fn push_bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// HEADERS and as many CONTINUATION frames as its block needs. `encode` appends the block.
    pub(crate) fn push_headers(
        &mut self,
        stream: u32,
        end: bool,
        max_frame_bytes: usize,
        encode: impl FnOnce(&mut Vec<u8>),
    ) {
        let start = self.bytes.len();
        if start == 0 {
            self.bytes.reserve(self.before);
        }
        self.bytes.extend_from_slice(&[0; HEAD_BYTES]);
        encode(&mut self.bytes);
        let block = self.bytes.len() - start - HEAD_BYTES;
        let first = block.min(max_frame_bytes);
        let end_stream = if end { flag::END_STREAM } else { 0 };
        let complete = if first == block { flag::END_HEADERS } else { 0 };
        let head = FrameHead::new(kind::HEADERS, end_stream | complete, stream, first);
        self.bytes[start..start + HEAD_BYTES].copy_from_slice(&head.bytes());
        if first < block {
            let rest = self.bytes.split_off(start + HEAD_BYTES + first);
            self.push_continuations(stream, &rest, max_frame_bytes); // spec: 9113-4.3-b preload-profile-1-b
        }
    }

    fn push_continuations(&mut self, stream: u32, block: &[u8], max_frame_bytes: usize) {
        let mut pieces = block.chunks(max_frame_bytes).peekable();
        while let Some(piece) = pieces.next() {
            let flags = if pieces.peek().is_none() { flag::END_HEADERS } else { 0 };
            self.bytes
                .extend_from_slice(&FrameHead::new(kind::CONTINUATION, flags, stream, piece.len()).bytes());
            self.bytes.extend_from_slice(piece);
        }
    }

    /// DATA without a byte: the end of a stream that has nothing more to say.
    pub(crate) fn push_end(&mut self, stream: u32) {
        self.bytes.extend_from_slice(&FrameHead::new(kind::DATA, flag::END_STREAM, stream, 0).bytes());
    }

    /// Moves what fits. Returns its length.
    pub(crate) fn take(&mut self, out: &mut [u8]) -> usize {
        let waiting = &self.bytes[self.at..];
        let len = waiting.len().min(out.len());
        out[..len].copy_from_slice(&waiting[..len]);
        self.at += len;
        if self.at == self.bytes.len() {
            self.at = 0;
            self.provoked = 0;
            self.before = self.bytes.len().min(FORESEEN);
            self.bytes.clear();
            self.bytes.shrink_to(KEPT);
        }
        len
    }

    /// Bytes that wait.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.at
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// What the queue holds on to, in bytes.
    #[cfg(test)]
    pub(crate) fn held_bytes(&self) -> usize {
        self.bytes.capacity()
    }
}
