//! The tables of RFC 9846 and its registries: code points, names, and where each may stand.
//!
//! Decoder, encoder, traces and tests read them. Names are spelled as the RFC spells them.

/// One registry: a newtype of its code, the codes that we know, and their names.
macro_rules! code_points {
    ($(#[$doc:meta])* $kind:ident($int:ty, $width:literal) { $($code:ident = $value:literal $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $kind(
            /// The code point.
            pub $int,
        );

        impl $kind {
            $(
                #[doc = concat!("`", $name, "` (", stringify!($value), ")")]
                pub const $code: Self = Self($value);
            )*

            /// Every code that has a name here, in the registry's order.
            pub const ALL: &[(Self, &str)] = &[$((Self::$code, $name),)*];

            /// The registry's name for it, if we know one.
            pub fn name(self) -> Option<&'static str> {
                Self::ALL.iter().find(|(code, _)| *code == self).map(|(_, name)| *name)
            }
        }

        impl core::fmt::Display for $kind {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None if crate::rules::is_grease(u16::from(self.0)) => write!(f, concat!("GREASE ({:#0", $width, "x})"), self.0),
                    None => write!(f, concat!("unknown ({:#0", $width, "x})"), self.0),
                }
            }
        }

        impl core::fmt::Debug for $kind {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Display::fmt(self, f)
            }
        }
    };
}

mod alert;
mod algorithm;
mod extension;
mod handshake;

pub use alert::{AlertDescription, AlertLevel};
pub use algorithm::{
    CertificateCompressionAlgorithm, CertificateStatusType, CertificateType, CipherSuite, NamedGroup,
    ProtocolVersion, PskKeyExchangeMode, SignatureScheme,
};
pub use extension::{ExtensionType, MessageSet};
pub use handshake::{ContentType, HandshakeType, Side};

/// ServerHello.random of a HelloRetryRequest: SHA-256 of "HelloRetryRequest" (RFC 9846 section 4.2.3).
pub const HELLO_RETRY_REQUEST_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
    0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// The last 8 bytes of ServerHello.random where a TLS 1.3 server negotiated TLS 1.2 (RFC 9846 section 4.2.3).
pub const DOWNGRADE_TO_TLS_1_2: [u8; 8] = *b"DOWNGRD\x01";

/// The last 8 bytes of ServerHello.random where a server negotiated TLS 1.1 or older (RFC 9846 section 4.2.3).
pub const DOWNGRADE_TO_TLS_1_1: [u8; 8] = *b"DOWNGRD\x00";

/// Whether `code` is reserved so that peers learn to ignore what they do not know (RFC 8701): `0x0a0a`, `0x1a1a`, ...
pub const fn is_grease(code: u16) -> bool {
    let [high, low] = code.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}

#[cfg(test)]
mod tests;
