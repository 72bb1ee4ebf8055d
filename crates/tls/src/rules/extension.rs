//! Extension types and the messages in which each may appear.

use core::ops::BitOr;

code_points! {
    /// An extension's type (RFC 9846 section 4.3 and the registry).
    ExtensionType(u16, 6) {
        SERVER_NAME = 0 "server_name",
        MAX_FRAGMENT_LENGTH = 1 "max_fragment_length",
        STATUS_REQUEST = 5 "status_request",
        SUPPORTED_GROUPS = 10 "supported_groups",
        EC_POINT_FORMATS = 11 "ec_point_formats",
        SIGNATURE_ALGORITHMS = 13 "signature_algorithms",
        USE_SRTP = 14 "use_srtp",
        HEARTBEAT = 15 "heartbeat",
        APPLICATION_LAYER_PROTOCOL_NEGOTIATION = 16 "application_layer_protocol_negotiation",
        STATUS_REQUEST_V2 = 17 "status_request_v2",
        SIGNED_CERTIFICATE_TIMESTAMP = 18 "signed_certificate_timestamp",
        CLIENT_CERTIFICATE_TYPE = 19 "client_certificate_type",
        SERVER_CERTIFICATE_TYPE = 20 "server_certificate_type",
        PADDING = 21 "padding",
        ENCRYPT_THEN_MAC = 22 "encrypt_then_mac",
        EXTENDED_MAIN_SECRET = 23 "extended_main_secret",
        COMPRESS_CERTIFICATE = 27 "compress_certificate",
        RECORD_SIZE_LIMIT = 28 "record_size_limit",
        DELEGATED_CREDENTIAL = 34 "delegated_credential",
        SESSION_TICKET = 35 "session_ticket",
        SUPPORTED_EKT_CIPHERS = 39 "supported_ekt_ciphers",
        PRE_SHARED_KEY = 41 "pre_shared_key",
        EARLY_DATA = 42 "early_data",
        SUPPORTED_VERSIONS = 43 "supported_versions",
        COOKIE = 44 "cookie",
        PSK_KEY_EXCHANGE_MODES = 45 "psk_key_exchange_modes",
        CERTIFICATE_AUTHORITIES = 47 "certificate_authorities",
        OID_FILTERS = 48 "oid_filters",
        POST_HANDSHAKE_AUTH = 49 "post_handshake_auth",
        SIGNATURE_ALGORITHMS_CERT = 50 "signature_algorithms_cert",
        KEY_SHARE = 51 "key_share",
        TRANSPARENCY_INFO = 52 "transparency_info",
        EXTERNAL_ID_HASH = 55 "external_id_hash",
        EXTERNAL_SESSION_ID = 56 "external_session_id",
        QUIC_TRANSPORT_PARAMETERS = 57 "quic_transport_parameters",
        TICKET_REQUEST = 58 "ticket_request",
        APPLICATION_SETTINGS = 0x44cd "application_settings",
        ECH_OUTER_EXTENSIONS = 0xfd00 "ech_outer_extensions",
        ENCRYPTED_CLIENT_HELLO = 0xfe0d "encrypted_client_hello",
        RENEGOTIATION_INFO = 0xff01 "renegotiation_info",
    }
}

/// Some of the messages that carry extensions, by the abbreviations of RFC 9846 section 4.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageSet(u8);

impl MessageSet {
    /// ClientHello.
    pub const CH: Self = Self(1);
    /// ServerHello.
    pub const SH: Self = Self(2);
    /// EncryptedExtensions.
    pub const EE: Self = Self(4);
    /// Certificate.
    pub const CT: Self = Self(8);
    /// CertificateRequest.
    pub const CR: Self = Self(16);
    /// NewSessionTicket.
    pub const NST: Self = Self(32);
    /// HelloRetryRequest.
    pub const HRR: Self = Self(64);

    /// Whether all of `other` is in it.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for MessageSet {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl ExtensionType {
    /// The messages in which it may appear; none for an extension that TLS 1.3 does not define or that we know by name
    /// alone: there it is ignored like an unknown one.
    pub fn messages(self) -> Option<MessageSet> {
        let messages = match LOW_PLACES.get(usize::from(self.0)) {
            Some(0) => None,
            Some(messages) => Some(*messages),
            None => PLACES.iter().find(|(kind, _)| *kind == self).map(|(_, messages)| *messages),
        };
        messages.map(MessageSet)
    }

    /// Whether it may appear in `message`. Extensions without a row may stand anywhere.
    pub fn may_appear_in(self, message: MessageSet) -> bool {
        self.messages().is_none_or(|messages| messages.contains(message))
    }
}

const CH: u8 = MessageSet::CH.0;
const SH: u8 = MessageSet::SH.0;
const EE: u8 = MessageSet::EE.0;
const CT: u8 = MessageSet::CT.0;
const CR: u8 = MessageSet::CR.0;
const NST: u8 = MessageSet::NST.0;
const HRR: u8 = MessageSet::HRR.0;

/// The rows of [`PLACES`] below 64, nearly all that come, each where its code point says; 0 where there is none.
static LOW_PLACES: [u8; 64] = {
    let (mut low, mut at) = ([0; 64], 0);
    while at < PLACES.len() {
        let (kind, messages) = PLACES[at];
        if (kind.0 as usize) < low.len() {
            low[kind.0 as usize] = messages;
        }
        at += 1;
    }
    low
};

/// RFC 9846 section 4.3's table; `signed_certificate_timestamp` is the registry's row.
const PLACES: &[(ExtensionType, u8)] = &[
    (ExtensionType::SERVER_NAME, CH | EE | CR),
    (ExtensionType::STATUS_REQUEST, CH | CR | CT),
    (ExtensionType::SUPPORTED_GROUPS, CH | EE),
    (ExtensionType::SIGNATURE_ALGORITHMS, CH | CR),
    (ExtensionType::USE_SRTP, CH | EE),
    (ExtensionType::HEARTBEAT, CH | EE),
    (ExtensionType::APPLICATION_LAYER_PROTOCOL_NEGOTIATION, CH | EE),
    (ExtensionType::SIGNED_CERTIFICATE_TIMESTAMP, CH | CR | CT),
    (ExtensionType::CLIENT_CERTIFICATE_TYPE, CH | EE),
    (ExtensionType::SERVER_CERTIFICATE_TYPE, CH | EE),
    (ExtensionType::PADDING, CH),
    (ExtensionType::COMPRESS_CERTIFICATE, CH | CR),
    (ExtensionType::RECORD_SIZE_LIMIT, CH | EE),
    (ExtensionType::DELEGATED_CREDENTIAL, CH | CR | CT),
    (ExtensionType::SUPPORTED_EKT_CIPHERS, CH | EE),
    (ExtensionType::PRE_SHARED_KEY, CH | SH),
    (ExtensionType::EARLY_DATA, CH | EE | NST),
    (ExtensionType::SUPPORTED_VERSIONS, CH | SH | HRR),
    (ExtensionType::COOKIE, CH | HRR),
    (ExtensionType::PSK_KEY_EXCHANGE_MODES, CH),
    (ExtensionType::CERTIFICATE_AUTHORITIES, CH | CR),
    (ExtensionType::OID_FILTERS, CR),
    (ExtensionType::POST_HANDSHAKE_AUTH, CH),
    (ExtensionType::SIGNATURE_ALGORITHMS_CERT, CH | CR),
    (ExtensionType::KEY_SHARE, CH | SH | HRR),
    (ExtensionType::TRANSPARENCY_INFO, CH | CR | CT),
    (ExtensionType::EXTERNAL_ID_HASH, CH | EE),
    (ExtensionType::EXTERNAL_SESSION_ID, CH | EE),
    (ExtensionType::QUIC_TRANSPORT_PARAMETERS, CH | EE),
    (ExtensionType::TICKET_REQUEST, CH | EE),
    (ExtensionType::ECH_OUTER_EXTENSIONS, CH),
    (ExtensionType::ENCRYPTED_CLIENT_HELLO, CH | HRR | EE),
];
