use super::Traced;
use crate::{KeyLogLine, Wanted};

/// What a [`super::Connection`] tells its owner, in the order in which it came to be.
#[derive(Debug)]
pub enum Event<'a> {
    /// The handshake waits for [`super::Connection::answer`].
    Wanted(Wanted),
    /// Server: a ClientHello was accepted and application data may follow the flight at once. Client: the server's
    /// parameters are known.
    Negotiated {
        /// The host that the client asked for, in lower case.
        server_name: Option<String>,
        /// The application protocol, if the peers agreed on one.
        alpn: Option<Vec<u8>>,
        /// The cipher suite.
        suite: u16,
        /// The group of the key exchange.
        group: u16,
    },
    /// The peer's Finished was verified.
    Established,
    /// Application data, deciphered where it lay; never empty.
    Data(&'a mut [u8]),
    /// A secret to log; only where the configuration asks for it.
    KeyLog(&'a KeyLogLine),
    /// The peer's close_notify: all that it sent has come. We may still send.
    Closed,
    /// A record or message of either direction; only after [`super::Connection::trace`].
    Traced(Traced<'a>),
}
