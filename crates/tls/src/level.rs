/// An encryption level: which keys protect a message (RFC 9846 section 2, RFC 9001 section 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// No keys yet: ClientHello, ServerHello, HelloRetryRequest. QUIC's Initial.
    Plain,
    /// The client's early traffic keys.
    EarlyData,
    /// The handshake traffic keys.
    Handshake,
    /// The application traffic keys.
    Application,
}
