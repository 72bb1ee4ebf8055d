use std::cell::RefCell;

/// Bytes that one read may take.
const INPUT_BYTES: usize = 64 * 1024;
/// A full record (RFC 9846 section 5.2: header, content, its type, and the tag): output is so many of these, to the byte, so
/// that none is followed by a crumb.
const RECORD_BYTES: usize = 5 + 16_384 + 1 + 16;
/// Bytes that one write may have. What the system cuts into segments ends with one that is not full, so few and long writes
/// cost less than many.
const OUTPUT_BYTES: usize = 16 * RECORD_BYTES;
/// Bytes that one write may have while the owner has more to give than what it queued.
const STEP_BYTES: usize = 4 * RECORD_BYTES;

/// The worker's two buffers: no connection holds one while it waits.
pub(crate) struct Buffers {
    pub(crate) input: Vec<u8>,
    pub(crate) output: Vec<u8>,
}

thread_local! {
    static BUFFERS: RefCell<Buffers> =
        RefCell::new(Buffers { input: vec![0; INPUT_BYTES], output: vec![0; OUTPUT_BYTES] });
}

impl Buffers {
    /// Where one write's bytes go; `is_step`: the owner wants to come between them and the next ones soon.
    pub(crate) fn place(&mut self, is_step: bool) -> &mut [u8] {
        if is_step { &mut self.output[..STEP_BYTES] } else { &mut self.output }
    }
}

/// Lends the worker's buffers to one turn of one connection, which must not wait while it has them.
pub(crate) fn lend<T>(turn: impl FnOnce(&mut Buffers) -> T) -> T {
    BUFFERS.with_borrow_mut(turn)
}
