//! Bodies for fuzzing: each holds an invariant over any bytes at all.

pub use crate::{
    certificate::compression::fuzz_decompress,
    connection::fuzz::{TOY_HOST, fuzz_client_sequence, fuzz_connection, fuzz_server_sequence, toys},
    handshake::fuzz::fuzz_handshake,
    record::fuzz::fuzz_records,
};

use crate::{Session, message::Message, rules::Side, ticket::Ticket, trace};

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

/// What a client keeps of a connection, and what a server's ticket says: bytes that can be read are written back as they
/// were. (Both come from ourselves alone, as long as files and keys are as they should be.)
///
/// # Panics
/// When the invariant is broken.
pub fn fuzz_session(bytes: &[u8]) {
    if let Some(session) = Session::from_bytes(bytes) {
        let written = session.to_bytes().expect("what was read is no longer than lengths say");
        assert_eq!(*written, bytes, "a session that was read is written otherwise");
    }
    if let Some(ticket) = Ticket::from_bytes(bytes) {
        assert_eq!(*ticket.to_bytes(), bytes, "a ticket that was read is written otherwise");
    }
}
