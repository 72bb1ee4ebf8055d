use super::Traced;
use crate::{Identity, KeyLogLine, Negotiated, Session, Wanted};

/// What a [`super::Connection`] tells its owner, in the order in which it came to be.
#[derive(Debug)]
pub enum Event<'a> {
    /// The handshake waits for [`super::Connection::answer`].
    Wanted(Wanted),
    /// Server: a ClientHello was accepted and application data may follow the flight at once. Client: the server's
    /// parameters are known.
    Negotiated(Negotiated),
    /// Server: who the client is. Told before [`Event::Established`] where it showed that in the handshake (or in the one that
    /// is resumed); later as the answer to [`super::Connection::request_certificate`], none where it has nothing to show.
    Authenticated(Option<Identity>),
    /// The peer's Finished was verified.
    Established,
    /// Client: the server asked for a certificate after the handshake, which the application protocol forbids (RFC 9113
    /// section 9.2.3, RFC 9001 section 4.4). Nothing was answered: the owner has to end the connection by that protocol's
    /// error, then by [`super::Connection::abort`].
    BarredRequest,
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
