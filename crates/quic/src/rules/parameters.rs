//! Transport parameters: RFC 9000 section 18.2, with the rows of RFC 9221, RFC 9287, RFC 9368, reset_stream_at and min_ack_delay.

use super::{MAX_ACK_DELAY_MS, MAX_STREAM_COUNT, Side};
use sakigake_wire::MAX_VARINT;

/// Identifiers.
#[allow(missing_docs, reason = "the names are the RFC's, and the table says what they are")]
pub mod id {
    pub const ORIGINAL_DESTINATION_CONNECTION_ID: u64 = 0x00;
    pub const MAX_IDLE_TIMEOUT: u64 = 0x01;
    pub const STATELESS_RESET_TOKEN: u64 = 0x02;
    pub const MAX_UDP_PAYLOAD_SIZE: u64 = 0x03;
    pub const INITIAL_MAX_DATA: u64 = 0x04;
    pub const INITIAL_MAX_STREAM_DATA_BIDI_LOCAL: u64 = 0x05;
    pub const INITIAL_MAX_STREAM_DATA_BIDI_REMOTE: u64 = 0x06;
    pub const INITIAL_MAX_STREAM_DATA_UNI: u64 = 0x07;
    pub const INITIAL_MAX_STREAMS_BIDI: u64 = 0x08;
    pub const INITIAL_MAX_STREAMS_UNI: u64 = 0x09;
    pub const ACK_DELAY_EXPONENT: u64 = 0x0a;
    pub const MAX_ACK_DELAY: u64 = 0x0b;
    pub const DISABLE_ACTIVE_MIGRATION: u64 = 0x0c;
    pub const PREFERRED_ADDRESS: u64 = 0x0d;
    pub const ACTIVE_CONNECTION_ID_LIMIT: u64 = 0x0e;
    pub const INITIAL_SOURCE_CONNECTION_ID: u64 = 0x0f;
    pub const RETRY_SOURCE_CONNECTION_ID: u64 = 0x10;
    /// RFC 9368 section 3.
    pub const VERSION_INFORMATION: u64 = 0x11;
    /// draft-ietf-quic-reliable-stream-reset section 3.
    pub const RESET_STREAM_AT: u64 = 0x1d;
    /// RFC 9221 section 3.
    pub const MAX_DATAGRAM_FRAME_SIZE: u64 = 0x20;
    /// RFC 9287 section 3.
    pub const GREASE_QUIC_BIT: u64 = 0x2ab2;
    /// draft-ietf-quic-ack-frequency section 3.
    pub const MIN_ACK_DELAY: u64 = 0xff04_de1b;
}

/// The form of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A connection id: up to 20 bytes.
    ConnectionId,
    /// A stateless reset token: 16 bytes.
    ResetToken,
    /// A variable-length integer.
    Integer {
        /// What holds where the parameter is missing; `None` where that says something of its own.
        default: Option<u64>,
        /// The least value.
        min: u64,
        /// The largest value.
        max: u64,
    },
    /// Nothing: that it is there says it.
    Empty,
    /// Two addresses, a connection id and a token.
    PreferredAddress,
    /// A version, then a list of versions.
    VersionInformation,
}

/// What becomes of a server's value when its client resumes with early data (RFC 9000 section 7.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Early {
    /// The client forgets it: the new handshake says it anew.
    Forgotten,
    /// The client remembers it, and a server that takes early data does not go below it.
    Binding,
    /// The client remembers it; a server may refuse early data rather than go below it.
    Remembered,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct ParameterRule {
    /// The identifier.
    pub id: u64,
    /// Its name in the RFC.
    pub name: &'static str,
    /// Whether a client may never send it.
    pub is_of_servers: bool,
    /// The form of its value.
    pub form: Form,
    /// What early data makes of it.
    pub early: Early,
}

impl ParameterRule {
    /// Whether `sender` may send it.
    pub fn may_come_from(&self, sender: Side) -> bool {
        !self.is_of_servers || sender == Side::Server
    }
}

const fn integer(default: u64, min: u64, max: u64) -> Form {
    Form::Integer { default: Some(default), min, max }
}

const ANY: Form = integer(0, 0, MAX_VARINT);
const STREAMS: Form = integer(0, 0, MAX_STREAM_COUNT); // spec: 9000-4.6-n
const SIZE: Form = integer(65_527, 1_200, MAX_VARINT); // spec: 9000-18.2-m
const EXPONENT: Form = integer(3, 0, 20); // spec: 9000-18.2-n
const ACK_DELAY: Form = integer(25, 0, MAX_ACK_DELAY_MS); // spec: 9000-18.2-o
const IDS: Form = integer(2, 2, MAX_VARINT); // spec: 9000-18.2-p
const MIN_ACK_DELAY: Form = Form::Integer { default: None, min: 0, max: MAX_ACK_DELAY_MS * 1_000 };
const BOTH: bool = false;
const SERVER: bool = true;

/// Every transport parameter that we know, lowest first.
#[rustfmt::skip]
pub const PARAMETERS: [ParameterRule; 22] = [
    row(id::ORIGINAL_DESTINATION_CONNECTION_ID,  "original_destination_connection_id",  SERVER, Form::ConnectionId,       Early::Forgotten),
    row(id::MAX_IDLE_TIMEOUT,                    "max_idle_timeout",                    BOTH,   ANY,                      Early::Remembered),
    row(id::STATELESS_RESET_TOKEN,               "stateless_reset_token",               SERVER, Form::ResetToken,         Early::Forgotten),
    row(id::MAX_UDP_PAYLOAD_SIZE,                "max_udp_payload_size",                BOTH,   SIZE,                     Early::Remembered),
    row(id::INITIAL_MAX_DATA,                    "initial_max_data",                    BOTH,   ANY,                      Early::Binding),
    row(id::INITIAL_MAX_STREAM_DATA_BIDI_LOCAL,  "initial_max_stream_data_bidi_local",  BOTH,   ANY,                      Early::Binding),
    row(id::INITIAL_MAX_STREAM_DATA_BIDI_REMOTE, "initial_max_stream_data_bidi_remote", BOTH,   ANY,                      Early::Binding),
    row(id::INITIAL_MAX_STREAM_DATA_UNI,         "initial_max_stream_data_uni",         BOTH,   ANY,                      Early::Binding),
    row(id::INITIAL_MAX_STREAMS_BIDI,            "initial_max_streams_bidi",            BOTH,   STREAMS,                  Early::Binding),
    row(id::INITIAL_MAX_STREAMS_UNI,             "initial_max_streams_uni",             BOTH,   STREAMS,                  Early::Binding),
    row(id::ACK_DELAY_EXPONENT,                  "ack_delay_exponent",                  BOTH,   EXPONENT,                 Early::Forgotten),
    row(id::MAX_ACK_DELAY,                       "max_ack_delay",                       BOTH,   ACK_DELAY,                Early::Forgotten),
    row(id::DISABLE_ACTIVE_MIGRATION,            "disable_active_migration",            BOTH,   Form::Empty,              Early::Remembered),
    row(id::PREFERRED_ADDRESS,                   "preferred_address",                   SERVER, Form::PreferredAddress,   Early::Forgotten), // spec: 9000-9.6.2-a
    row(id::ACTIVE_CONNECTION_ID_LIMIT,          "active_connection_id_limit",          BOTH,   IDS,                      Early::Binding),
    row(id::INITIAL_SOURCE_CONNECTION_ID,        "initial_source_connection_id",        BOTH,   Form::ConnectionId,       Early::Forgotten),
    row(id::RETRY_SOURCE_CONNECTION_ID,          "retry_source_connection_id",          SERVER, Form::ConnectionId,       Early::Forgotten),
    row(id::VERSION_INFORMATION,                 "version_information",                 BOTH,   Form::VersionInformation, Early::Forgotten),
    row(id::RESET_STREAM_AT,                     "reset_stream_at",                     BOTH,   Form::Empty,              Early::Binding),
    row(id::MAX_DATAGRAM_FRAME_SIZE,             "max_datagram_frame_size",             BOTH,   ANY,                      Early::Binding),
    row(id::GREASE_QUIC_BIT,                     "grease_quic_bit",                     BOTH,   Form::Empty,              Early::Forgotten),
    row(id::MIN_ACK_DELAY,                       "min_ack_delay",                       BOTH,   MIN_ACK_DELAY,            Early::Forgotten),
];

const fn row(id: u64, name: &'static str, is_of_servers: bool, form: Form, early: Early) -> ParameterRule {
    ParameterRule { id, name, is_of_servers, form, early }
}

/// The row of a parameter, if it has one.
pub fn parameter(id: u64) -> Option<&'static ParameterRule> {
    PARAMETERS.iter().find(|rule| rule.id == id)
}

/// The name of a parameter, for traces.
pub fn name(id: u64) -> &'static str {
    match parameter(id) {
        Some(rule) => rule.name,
        None if is_reserved(id) => "reserved",
        None => "unknown",
    }
}

/// Whether an identifier is reserved so that peers learn to ignore what they do not know: 31 * N + 27 (RFC 9000 section 18.1).
pub const fn is_reserved(id: u64) -> bool {
    id % 31 == 27
}

#[cfg(test)]
mod tests;
