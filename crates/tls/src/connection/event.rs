use super::Traced;
use crate::{KeyLogLine, Negotiated, Session, Wanted};

/// What a [`super::Connection`] tells its owner, in the order in which it came to be.
#[derive(Debug)]
pub enum Event<'a> {
    /// The handshake waits for [`super::Connection::answer`].
    Wanted(Wanted),
    /// Server: a ClientHello was accepted and application data may follow the flight at once. Client: the server's
    /// parameters are known.
    Negotiated(Negotiated),
    /// The peer's Finished was verified.
    Established,
    /// Client: the connection can be resumed by this, once.
    Ticket(Box<Session>),
    /// Application data, deciphered where it lay; never empty.
    Data(&'a mut [u8]),
    /// A secret to log; only where the configuration asks for it.
    KeyLog(&'a KeyLogLine),
    /// The peer's close_notify: all that it sent has come. We may still send.
    Closed,
    /// A record or message of either direction; only after [`super::Connection::trace`].
    Traced(Traced<'a>),
}
