use std::cell::RefCell;

/// Bytes that one read may take.
const INPUT_BYTES: usize = 64 * 1024;
/// Bytes that one turn's output may fill: four full records to the byte, so that none is followed by a crumb (RFC 9846
/// section 5.2: header, content, its type, and the tag).
const OUTPUT_BYTES: usize = 4 * (5 + 16_384 + 1 + 16);

/// The worker's two buffers: no connection holds one while it waits.
pub(crate) struct Buffers {
    pub(crate) input: Vec<u8>,
    pub(crate) output: Vec<u8>,
}

thread_local! {
    static BUFFERS: RefCell<Buffers> =
        RefCell::new(Buffers { input: vec![0; INPUT_BYTES], output: vec![0; OUTPUT_BYTES] });
}

/// Lends the worker's buffers to one turn of one connection, which must not wait while it has them.
pub(crate) fn lend<T>(turn: impl FnOnce(&mut Buffers) -> T) -> T {
    BUFFERS.with_borrow_mut(turn)
}
