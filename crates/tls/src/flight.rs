use crate::{Identity, Level, Session, TicketNote, rules::HandshakeType};
use sakigake_crypto::{Secret, Suite};

/// What a handshake hands to its owner after each call: messages to send, keys to install and facts, in the order in
/// which they came to be. The owner (the record layer here, CRYPTO frames in QUIC) empties it.
#[derive(Default)]
pub struct Flight {
    /// Steps to carry out, oldest first.
    pub steps: Vec<Step>,
    /// What has become known, oldest first.
    pub facts: Vec<Fact>,
    /// Secrets to log; filled only where the configuration asks for it.
    pub key_log: Vec<KeyLogLine>,
}

/// One thing for the owner to do. Order matters: a message goes out under the keys installed before it.
#[derive(Debug)]
pub enum Step {
    /// Send one whole handshake message, header included.
    Send {
        /// The keys to protect it with.
        level: Level,
        /// Type, length and body.
        message: Vec<u8>,
    },
    /// From here on protect what is sent with keys from this secret.
    WriteKey(TrafficSecret),
    /// From here on send in the clear again: a HelloRetryRequest refused early data, whose keys are of no use any more. Over
    /// QUIC: no 0-RTT packets go out any more.
    WritePlain,
    /// From here on open what is received with keys from this secret.
    ReadKey(TrafficSecret),
    /// From here on no protected record has more content, type and padding than this, early data apart (RFC 8449). Who has
    /// no records has nothing to do.
    LimitRecords {
        /// What we send, in bytes.
        sent: u16,
        /// What we receive, in bytes.
        received: u16,
    },
}

impl Step {
    /// Bytes of a message that the peer did not ask for once the handshake was over: our own configuration bounds them.
    pub(crate) fn own_bytes(&self) -> usize {
        match self {
            Self::Send { level: Level::Application, message }
                if message.first() != Some(&HandshakeType::NEW_SESSION_TICKET.0) =>
            {
                0
            }
            Self::Send { message, .. } => message.len(),
            _ => 0,
        }
    }
}

/// A traffic secret and what it is for (RFC 9846 section 7.3 derives key and IV from it).
#[derive(Clone, Debug)]
pub struct TrafficSecret {
    /// The level it protects.
    pub level: Level,
    /// The cipher suite.
    pub suite: &'static Suite,
    /// The secret.
    pub secret: Secret,
}

/// What became known in the handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// Client: early data may be sent behind the ClientHello. Whether it was taken [`Fact::Negotiated`] tells.
    EarlyData(EarlyOffer),
    /// Server: a ClientHello was accepted and the whole server flight is in the steps: application data may follow it at
    /// once (0.5-RTT). Client: the server's parameters are known.
    Negotiated(Negotiated),
    /// Client over QUIC: the server's transport parameters, not looked into. Told before [`Fact::Negotiated`], which is when they
    /// are authenticated: until then anybody could have said them.
    TransportParameters(Vec<u8>),
    /// Server: who the client is. Told before [`Fact::Established`] where it showed that in the handshake (or in the one that is
    /// resumed); later as the answer to [`crate::Handshake::request_certificate`], none where it has nothing to show.
    Authenticated(Option<Identity>),
    /// The peer's Finished was verified: the handshake is over on this side.
    Established,
    /// Client: the server asked for a certificate after the handshake, which the application protocol forbids (RFC 9113
    /// section 9.2.3, RFC 9001 section 4.4). Nothing was answered: the owner has to end the connection by that protocol's
    /// error, and with [`crate::Connection::abort`].
    BarredRequest,
    /// Client: the connection can be resumed by this, once.
    Ticket(Box<Session>),
}

/// What both sides agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Negotiated {
    /// The host that the client asked for, in lower case.
    pub server_name: Option<String>,
    /// The application protocol, if the peers agreed on one.
    pub alpn: Option<Vec<u8>>,
    /// The cipher suite.
    pub suite: u16,
    /// The group of the key exchange.
    pub group: u16,
    /// An earlier connection goes on: no certificate was shown in this one.
    pub is_resumed: bool,
    /// Server: the host asks its clients who they are, in this handshake or in the one that is resumed. What is sent before
    /// [`Fact::Established`] goes to somebody unknown.
    pub is_client_asked: bool,
    /// What became of early data.
    pub early_data: EarlyData,
    /// Server: what its owner had sealed into the ticket ([`crate::Handshake::send_tickets`]).
    pub note: Option<TicketNote>,
}

/// The terms of a client's early data: those of the connection that its ticket came from (RFC 9846 section 4.3.10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlyOffer {
    /// The cipher suite.
    pub suite: u16,
    /// The application protocol, if there was one.
    pub alpn: Option<Vec<u8>>,
    /// The most that may be sent, in bytes of plaintext; over QUIC `u32::MAX`, where the remembered parameters bound it.
    pub max_bytes: u32,
}

/// What became of early data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EarlyData {
    /// The client offered none.
    #[default]
    None,
    /// The server passes over it: whatever was sent was not seen.
    Rejected,
    /// The server takes it, up to so many bytes of plaintext.
    Accepted {
        /// The bytes; over QUIC `u32::MAX`, where streams and their flow control bound it (RFC 9001 section 4.6.1).
        max_bytes: u32,
    },
}

/// One line of a key log: `label client_random secret` (RFC 9850 section 2).
pub struct KeyLogLine {
    /// `CLIENT_HANDSHAKE_TRAFFIC_SECRET` and so on.
    pub label: &'static str,
    /// The random of the ClientHello that counts.
    pub client_random: [u8; 32],
    /// The secret.
    pub secret: Secret,
}
