//! Code points of QPACK, and its static table.

use crate::rules::Static;

/// The error codes that answer a fault of QPACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum ErrorCode {
    /// H3_EXCESSIVE_LOAD (RFC 9114 section 8.1).
    ExcessiveLoad = 0x0107,
    /// QPACK_DECOMPRESSION_FAILED (RFC 9204 section 6).
    DecompressionFailed = 0x0200,
    /// QPACK_ENCODER_STREAM_ERROR.
    EncoderStreamError = 0x0201,
    /// QPACK_DECODER_STREAM_ERROR.
    DecoderStreamError = 0x0202,
}

impl ErrorCode {
    /// The number on the wire.
    pub const fn wire(self) -> u64 {
        self as u64
    }

    /// Its name in the registry.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ExcessiveLoad => "H3_EXCESSIVE_LOAD",
            Self::DecompressionFailed => "QPACK_DECOMPRESSION_FAILED",
            Self::EncoderStreamError => "QPACK_ENCODER_STREAM_ERROR",
            Self::DecoderStreamError => "QPACK_DECODER_STREAM_ERROR",
        }
    }
}

/// The first bits of each instruction and representation, and the prefix of what follows in the same byte. For a string
/// that is the number of bits of its length, below the one that says Huffman.
pub(super) mod pattern {
    /// Instructions of the encoder (RFC 9204 section 4.3).
    pub(crate) const INSERT_NAMED: (u8, u8) = (0x80, 6);
    pub(crate) const INSERT: (u8, u8) = (0x40, 5);
    pub(crate) const CAPACITY: (u8, u8) = (0x20, 5);
    pub(crate) const DUPLICATE: (u8, u8) = (0x00, 5);
    /// In an insertion: its name stands in the static table.
    pub(crate) const INSERT_STATIC: u8 = 0x40;

    /// Instructions of the decoder (section 4.4).
    pub(crate) const ACKNOWLEDGMENT: (u8, u8) = (0x80, 7);
    pub(crate) const CANCELLATION: (u8, u8) = (0x40, 6);
    pub(crate) const INCREMENT: (u8, u8) = (0x00, 6);

    /// A section's prefix (section 4.5.1).
    pub(crate) const INSERT_COUNT: (u8, u8) = (0x00, 8);
    pub(crate) const BASE: (u8, u8) = (0x00, 7);
    pub(crate) const BASE_SIGN: u8 = 0x80;

    /// Representations (sections 4.5.2 to 4.5.6).
    pub(crate) const INDEXED: (u8, u8) = (0x80, 6);
    pub(crate) const INDEXED_STATIC: u8 = 0x40;
    pub(crate) const INDEXED_POST_BASE: (u8, u8) = (0x10, 4);
    pub(crate) const NAMED: (u8, u8) = (0x40, 4);
    pub(crate) const NAMED_STATIC: u8 = 0x10;
    pub(crate) const NAMED_NEVER: u8 = 0x20;
    pub(crate) const NAMED_POST_BASE: (u8, u8) = (0x00, 3);
    pub(crate) const NAMED_POST_BASE_NEVER: u8 = 0x08;
    pub(crate) const LITERAL: (u8, u8) = (0x20, 3);
    pub(crate) const LITERAL_NEVER: u8 = 0x10;

    /// A string that begins with a byte of its own.
    pub(crate) const STRING: u8 = 7;
}

/// QPACK's static table (RFC 9204 appendix A).
pub(super) static QPACK: Static<99> = Static::new([
    (b":authority", b""),
    (b":path", b"/"),
    (b"age", b"0"),
    (b"content-disposition", b""),
    (b"content-length", b"0"),
    (b"cookie", b""),
    (b"date", b""),
    (b"etag", b""),
    (b"if-modified-since", b""),
    (b"if-none-match", b""),
    (b"last-modified", b""),
    (b"link", b""),
    (b"location", b""),
    (b"referer", b""),
    (b"set-cookie", b""),
    (b":method", b"CONNECT"),
    (b":method", b"DELETE"),
    (b":method", b"GET"),
    (b":method", b"HEAD"),
    (b":method", b"OPTIONS"),
    (b":method", b"POST"),
    (b":method", b"PUT"),
    (b":scheme", b"http"),
    (b":scheme", b"https"),
    (b":status", b"103"),
    (b":status", b"200"),
    (b":status", b"304"),
    (b":status", b"404"),
    (b":status", b"503"),
    (b"accept", b"*/*"),
    (b"accept", b"application/dns-message"),
    (b"accept-encoding", b"gzip, deflate, br"),
    (b"accept-ranges", b"bytes"),
    (b"access-control-allow-headers", b"cache-control"),
    (b"access-control-allow-headers", b"content-type"),
    (b"access-control-allow-origin", b"*"),
    (b"cache-control", b"max-age=0"),
    (b"cache-control", b"max-age=2592000"),
    (b"cache-control", b"max-age=604800"),
    (b"cache-control", b"no-cache"),
    (b"cache-control", b"no-store"),
    (b"cache-control", b"public, max-age=31536000"),
    (b"content-encoding", b"br"),
    (b"content-encoding", b"gzip"),
    (b"content-type", b"application/dns-message"),
    (b"content-type", b"application/javascript"),
    (b"content-type", b"application/json"),
    (b"content-type", b"application/x-www-form-urlencoded"),
    (b"content-type", b"image/gif"),
    (b"content-type", b"image/jpeg"),
    (b"content-type", b"image/png"),
    (b"content-type", b"text/css"),
    (b"content-type", b"text/html; charset=utf-8"),
    (b"content-type", b"text/plain"),
    (b"content-type", b"text/plain;charset=utf-8"),
    (b"range", b"bytes=0-"),
    (b"strict-transport-security", b"max-age=31536000"),
    (b"strict-transport-security", b"max-age=31536000; includesubdomains"),
    (b"strict-transport-security", b"max-age=31536000; includesubdomains; preload"),
    (b"vary", b"accept-encoding"),
    (b"vary", b"origin"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-xss-protection", b"1; mode=block"),
    (b":status", b"100"),
    (b":status", b"204"),
    (b":status", b"206"),
    (b":status", b"302"),
    (b":status", b"400"),
    (b":status", b"403"),
    (b":status", b"421"),
    (b":status", b"425"),
    (b":status", b"500"),
    (b"accept-language", b""),
    (b"access-control-allow-credentials", b"FALSE"),
    (b"access-control-allow-credentials", b"TRUE"),
    (b"access-control-allow-headers", b"*"),
    (b"access-control-allow-methods", b"get"),
    (b"access-control-allow-methods", b"get, post, options"),
    (b"access-control-allow-methods", b"options"),
    (b"access-control-expose-headers", b"content-length"),
    (b"access-control-request-headers", b"content-type"),
    (b"access-control-request-method", b"get"),
    (b"access-control-request-method", b"post"),
    (b"alt-svc", b"clear"),
    (b"authorization", b""),
    (b"content-security-policy", b"script-src 'none'; object-src 'none'; base-uri 'none'"),
    (b"early-data", b"1"),
    (b"expect-ct", b""),
    (b"forwarded", b""),
    (b"if-range", b""),
    (b"origin", b""),
    (b"purpose", b"prefetch"),
    (b"server", b""),
    (b"timing-allow-origin", b"*"),
    (b"upgrade-insecure-requests", b"1"),
    (b"user-agent", b""),
    (b"x-forwarded-for", b""),
    (b"x-frame-options", b"deny"),
    (b"x-frame-options", b"sameorigin"),
]);
