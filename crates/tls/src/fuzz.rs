//! Bodies for fuzzing: each holds an invariant over any bytes at all.

pub use crate::{
    certificate::compression::fuzz_decompress, connection::fuzz::fuzz_connection,
    handshake::fuzz::fuzz_handshake, record::fuzz::fuzz_records,
};

use crate::{message::Message, rules::Side, trace};

/// A message that can be read is written back, and what is written reads as the same message; a trace never fails.
///
/// # Panics
/// When the invariant is broken.
pub fn fuzz_message(bytes: &[u8]) {
    trace::message(Side::Client, bytes);
    let Ok(message) = Message::read(bytes) else { return };
    let mut written = Vec::new();
    message.write(&mut written);
    assert_eq!(Message::read(&written), Ok(message), "what was written reads otherwise");
    assert_eq!(written, bytes, "what was read is written otherwise");
}
