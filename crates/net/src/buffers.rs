use std::cell::RefCell;

/// Bytes that one read may take, and one turn's output may fill.
const BUFFER_BYTES: usize = 64 * 1024;

/// The worker's two buffers: no connection holds one while it waits.
pub(crate) struct Buffers {
    pub(crate) input: Vec<u8>,
    pub(crate) output: Vec<u8>,
}

thread_local! {
    static BUFFERS: RefCell<Buffers> =
        RefCell::new(Buffers { input: vec![0; BUFFER_BYTES], output: vec![0; BUFFER_BYTES] });
}

/// Lends the worker's buffers to one turn of one connection, which must not wait while it has them.
pub(crate) fn lend<T>(turn: impl FnOnce(&mut Buffers) -> T) -> T {
    BUFFERS.with_borrow_mut(turn)
}
