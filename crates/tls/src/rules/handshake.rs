//! Content types and handshake types, with who may send each at which level.

use crate::Level;

code_points! {
    /// What a record carries (RFC 9846 section 5.1).
    ContentType(u8, 4) {
        INVALID = 0 "invalid",
        CHANGE_CIPHER_SPEC = 20 "change_cipher_spec",
        ALERT = 21 "alert",
        HANDSHAKE = 22 "handshake",
        APPLICATION_DATA = 23 "application_data",
    }
}

code_points! {
    /// A handshake message's type (RFC 9846 section 4; `compressed_certificate` is RFC 8879's).
    HandshakeType(u8, 4) {
        CLIENT_HELLO = 1 "client_hello",
        SERVER_HELLO = 2 "server_hello",
        NEW_SESSION_TICKET = 4 "new_session_ticket",
        END_OF_EARLY_DATA = 5 "end_of_early_data",
        ENCRYPTED_EXTENSIONS = 8 "encrypted_extensions",
        CERTIFICATE = 11 "certificate",
        CERTIFICATE_REQUEST = 13 "certificate_request",
        CERTIFICATE_VERIFY = 15 "certificate_verify",
        FINISHED = 20 "finished",
        KEY_UPDATE = 24 "key_update",
        COMPRESSED_CERTIFICATE = 25 "compressed_certificate",
        MESSAGE_HASH = 254 "message_hash",
    }
}

/// One end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Who sends ClientHello.
    Client,
    /// Who sends ServerHello.
    Server,
}

impl Side {
    /// The other end.
    pub const fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

impl HandshakeType {
    /// Whether `sender` may send this type under the keys of `level`. `message_hash` never goes over the wire.
    pub fn may_be_sent(self, sender: Side, level: Level) -> bool {
        PLACES.iter().any(|(kind, senders, levels)| {
            *kind == self && senders.contains(&sender) && levels.contains(&level)
        })
    }
}

const CLIENT: &[Side] = &[Side::Client];
const SERVER: &[Side] = &[Side::Server];
const BOTH: &[Side] = &[Side::Client, Side::Server];

/// Who sends what, and under which keys (RFC 9846 sections 2, 4.5 and 4.7; its appendix A shows the order).
const PLACES: &[(HandshakeType, &[Side], &[Level])] = &[
    (HandshakeType::CLIENT_HELLO, CLIENT, &[Level::Plain]),
    (HandshakeType::SERVER_HELLO, SERVER, &[Level::Plain]),
    (HandshakeType::NEW_SESSION_TICKET, SERVER, &[Level::Application]),
    (HandshakeType::END_OF_EARLY_DATA, CLIENT, &[Level::EarlyData]), // spec: 9846-4.6-c
    (HandshakeType::ENCRYPTED_EXTENSIONS, SERVER, &[Level::Handshake]),
    (HandshakeType::CERTIFICATE, SERVER, &[Level::Handshake]),
    (HandshakeType::CERTIFICATE, CLIENT, &[Level::Handshake, Level::Application]),
    (HandshakeType::CERTIFICATE_REQUEST, SERVER, &[Level::Handshake, Level::Application]),
    (HandshakeType::CERTIFICATE_VERIFY, SERVER, &[Level::Handshake]),
    (HandshakeType::CERTIFICATE_VERIFY, CLIENT, &[Level::Handshake, Level::Application]),
    (HandshakeType::FINISHED, SERVER, &[Level::Handshake]),
    (HandshakeType::FINISHED, CLIENT, &[Level::Handshake, Level::Application]),
    (HandshakeType::KEY_UPDATE, BOTH, &[Level::Application]),
    (HandshakeType::COMPRESSED_CERTIFICATE, SERVER, &[Level::Handshake]),
    (HandshakeType::COMPRESSED_CERTIFICATE, CLIENT, &[Level::Handshake, Level::Application]),
];
