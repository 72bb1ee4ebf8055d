//! Alerts (RFC 9846 section 6).

code_points! {
    /// What an alert says (RFC 9846 section 6).
    AlertDescription(u8, 4) {
        CLOSE_NOTIFY = 0 "close_notify",
        UNEXPECTED_MESSAGE = 10 "unexpected_message",
        BAD_RECORD_MAC = 20 "bad_record_mac",
        RECORD_OVERFLOW = 22 "record_overflow",
        HANDSHAKE_FAILURE = 40 "handshake_failure",
        BAD_CERTIFICATE = 42 "bad_certificate",
        UNSUPPORTED_CERTIFICATE = 43 "unsupported_certificate",
        CERTIFICATE_REVOKED = 44 "certificate_revoked",
        CERTIFICATE_EXPIRED = 45 "certificate_expired",
        CERTIFICATE_UNKNOWN = 46 "certificate_unknown",
        ILLEGAL_PARAMETER = 47 "illegal_parameter",
        UNKNOWN_CA = 48 "unknown_ca",
        ACCESS_DENIED = 49 "access_denied",
        DECODE_ERROR = 50 "decode_error",
        DECRYPT_ERROR = 51 "decrypt_error",
        PROTOCOL_VERSION = 70 "protocol_version",
        INSUFFICIENT_SECURITY = 71 "insufficient_security",
        INTERNAL_ERROR = 80 "internal_error",
        INAPPROPRIATE_FALLBACK = 86 "inappropriate_fallback",
        USER_CANCELED = 90 "user_canceled",
        MISSING_EXTENSION = 109 "missing_extension",
        UNSUPPORTED_EXTENSION = 110 "unsupported_extension",
        UNRECOGNIZED_NAME = 112 "unrecognized_name",
        BAD_CERTIFICATE_STATUS_RESPONSE = 113 "bad_certificate_status_response",
        UNKNOWN_PSK_IDENTITY = 115 "unknown_psk_identity",
        CERTIFICATE_REQUIRED = 116 "certificate_required",
        GENERAL_ERROR = 117 "general_error",
        NO_APPLICATION_PROTOCOL = 120 "no_application_protocol",
        ECH_REQUIRED = 121 "ech_required",
    }
}

code_points! {
    /// An alert's severity, which TLS 1.3 implies by its description (RFC 9846 section 6).
    AlertLevel(u8, 4) {
        WARNING = 1 "warning",
        FATAL = 2 "fatal",
    }
}

impl AlertDescription {
    /// Whether it closes in order, rather than by an error (RFC 9846 section 6.1). Unknown alerts are errors.
    pub const fn is_closure(self) -> bool {
        matches!(self, Self::CLOSE_NOTIFY | Self::USER_CANCELED) // spec: 9846-6-a
    }

    /// The level it is sent with (RFC 9846 sections 6.1 and 6.2).
    pub const fn level(self) -> AlertLevel {
        if self.is_closure() { AlertLevel::WARNING } else { AlertLevel::FATAL }
    }
}
