//! Why a connection ends: the codes of CONNECTION_CLOSE frames of type 0x1c (RFC 9000 section 20.1).

use sakigake_tls::rules::AlertDescription;

/// A transport error code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransportErrorCode(
    /// The code point, a variable-length integer.
    pub u64,
);

macro_rules! codes {
    ($($code:ident = $value:literal,)*) => {
        impl TransportErrorCode {
            $(
                #[doc = concat!("`", stringify!($code), "` (", stringify!($value), ")")]
                pub const $code: Self = Self($value);
            )*

            /// Every code that has a name of its own here, in the registry's order.
            pub const ALL: &[(Self, &str)] = &[$((Self::$code, stringify!($code)),)*];
        }
    };
}

codes! {
    NO_ERROR = 0x00,
    INTERNAL_ERROR = 0x01,
    CONNECTION_REFUSED = 0x02,
    FLOW_CONTROL_ERROR = 0x03,
    STREAM_LIMIT_ERROR = 0x04,
    STREAM_STATE_ERROR = 0x05,
    FINAL_SIZE_ERROR = 0x06,
    FRAME_ENCODING_ERROR = 0x07,
    TRANSPORT_PARAMETER_ERROR = 0x08,
    CONNECTION_ID_LIMIT_ERROR = 0x09,
    PROTOCOL_VIOLATION = 0x0a,
    INVALID_TOKEN = 0x0b,
    APPLICATION_ERROR = 0x0c,
    CRYPTO_BUFFER_EXCEEDED = 0x0d,
    KEY_UPDATE_ERROR = 0x0e,
    AEAD_LIMIT_REACHED = 0x0f,
    NO_VIABLE_PATH = 0x10,
    // RFC 9368 section 10.2
    VERSION_NEGOTIATION_ERROR = 0x11,
}

impl TransportErrorCode {
    /// `CRYPTO_ERROR` (0x0100 to 0x01ff) with TLS's alert in its low byte (RFC 9001 section 4.8).
    pub const fn crypto(alert: u8) -> Self {
        Self(0x0100 | alert as u64) // spec: 9001-4.8-a
    }

    /// The alert of a `CRYPTO_ERROR`; none for every other code.
    pub const fn alert(self) -> Option<u8> {
        match self.0 {
            0x0100..=0x01ff => Some(self.0 as u8),
            _ => None,
        }
    }

    /// The registry's name for it, if we know one.
    pub fn name(self) -> Option<&'static str> {
        match self.alert() {
            Some(_) => Some("CRYPTO_ERROR"),
            None => Self::ALL.iter().find(|(code, _)| *code == self).map(|(_, name)| *name),
        }
    }
}

impl core::fmt::Display for TransportErrorCode {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match (self.name(), self.alert()) {
            (Some(name), Some(alert)) => write!(f, "{name} (alert {})", AlertDescription(alert)),
            (Some(name), None) => f.write_str(name),
            (None, _) => write!(f, "unknown ({:#x})", self.0),
        }
    }
}

impl core::fmt::Debug for TransportErrorCode {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
