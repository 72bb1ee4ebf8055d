//! What a peer did wrong: one variant a sin, one function to the alert.

mod words;

use crate::{
    RejectedCertificate,
    rules::{AlertDescription, ContentType, ExtensionType, HandshakeType},
};
use sakigake_wire::Short;

/// Why a connection ended by fault: the peer's sin, the alert that it sent, or our owner's refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    // The shape of a message (RFC 9846 sections 3 and 6.2).
    /// A message or a vector in it ends before its parts do.
    MessageEndsEarly,
    /// Bytes follow the last part of a message or of an extension.
    TrailingBytes,
    /// A vector holds less than its type demands.
    VectorTooShort,
    /// A session id has more than 32 bytes.
    SessionIdTooLong,
    /// A handshake message is longer than we take.
    MessageTooLong,

    // The meaning of a message.
    /// `legacy_version` of a ClientHello or ServerHello is not TLS 1.2's.
    WrongLegacyVersion,
    /// ClientHello offers TLS 1.3 together with compression.
    CompressionOffered,
    /// ServerHello chooses a compression method.
    CompressionChosen,
    /// The peer does not speak TLS 1.3: `supported_versions` is missing or lacks it.
    NoCommonVersion,
    /// ServerHello chooses a version that is not TLS 1.3.
    UnofferedVersion,
    /// ServerHello.random says that the server speaks TLS 1.3, yet an older version was negotiated.
    Downgraded,
    /// An extension stands twice in one block.
    DuplicateExtension(ExtensionType),
    /// An extension that we know stands in a message where it may not.
    MisplacedExtension(ExtensionType),
    /// A response to an extension that we did not send.
    UnsolicitedExtension(ExtensionType),
    /// A mandatory extension is missing (RFC 9846 section 9.2).
    MissingExtension(ExtensionType),
    /// `pre_shared_key` is not ClientHello's last extension.
    PreSharedKeyNotLast,
    /// The number of PSK binders is not that of the identities.
    BindersDoNotMatchIdentities,
    /// `server_name` has no name, several, or one that is no host name.
    BadServerName,
    /// `key_share` has a group twice, or one that is not in `supported_groups`.
    BadKeyShares,
    /// `record_size_limit` is below 64, or above what the version allows.
    BadRecordSizeLimit,
    /// `oid_filters` names an object identifier twice.
    DuplicateOidFilter,
    /// Application protocols in a response are not exactly one.
    NotOneProtocol,
    /// A KeyUpdate asks for something undefined.
    BadKeyUpdateRequest,

    // The course of a handshake.
    /// A handshake message came that has no place now.
    UnexpectedMessage(HandshakeType),
    /// A message does not end where the keys change.
    MessageSpansKeyChange,
    /// The server chose a cipher suite that we did not offer, or another one than in its HelloRetryRequest.
    UnofferedCipherSuite,
    /// The server chose a group that we did not offer, or another one than in its HelloRetryRequest.
    UnofferedGroup,
    /// The server chose an application protocol that we did not offer.
    UnofferedProtocol,
    /// The peer signed with a scheme that we did not offer.
    UnofferedSignatureScheme,
    /// The server compressed its certificate with an algorithm that we did not offer.
    UnofferedCompression,
    /// The server chose a pre-shared key that we did not offer, or one that does not fit its suite.
    UnofferedPreSharedKey,
    /// The server chose a pre-shared key without a key exchange, which we did not offer.
    UnofferedPskMode,
    /// A key share is no element of its group, or yields no secret.
    BadKeyShare,
    /// The server does not echo our session id.
    SessionIdMismatch,
    /// A HelloRetryRequest would change nothing in our ClientHello.
    RetryWithoutChange,
    /// A HelloRetryRequest asks for a share that we had sent, or for a group that we cannot.
    RetryForWrongGroup,
    /// A second HelloRetryRequest.
    SecondRetry,
    /// The second ClientHello differs from the first in more than a retry may change, or ignores what it asked for.
    ChangedClientHello,
    /// A cookie is not one of ours, or too old.
    BadCookie,
    /// The second ClientHello offers early data.
    EarlyDataAfterRetry,
    /// The server accepted early data that we did not offer under these parameters.
    UnexpectedEarlyDataAccepted,
    /// No cipher suite in common.
    NoCommonCipherSuite,
    /// No group in common.
    NoCommonGroup,
    /// No signature scheme in common with the certificate's key.
    NoCommonSignatureScheme,
    /// No application protocol in common.
    NoCommonProtocol,
    /// `psk_key_exchange_modes` is missing beside `pre_shared_key`, or its modes do not fit.
    NoCommonPskMode,
    /// No pre-shared key in common where one is needed.
    UnknownPskIdentity,
    /// No server here has the name that the client asked for.
    UnrecognizedName,
    /// The server's Certificate holds none.
    EmptyCertificateList,
    /// The client's Certificate holds none, and we demand one.
    CertificateRequired,
    /// A Certificate or CertificateRequest bears a request context that is not the expected one.
    WrongRequestContext,
    /// A certificate could not be decompressed to what it said it is.
    BadCompressedCertificate,
    /// A certificate has another type than negotiated.
    WrongCertificateType,
    /// A certificate status (OCSP response) is unacceptable.
    BadCertificateStatus,
    /// The signature in CertificateVerify is wrong.
    BadSignature,
    /// The value in Finished is wrong.
    BadFinished,
    /// A pre-shared key's binder is wrong.
    BadBinder,
    /// The peer offered too many identities, shares or certificates for our limits.
    TooManyParts,
    /// The peer sends post-handshake messages without end.
    TooManyPostHandshakeMessages,
    /// The peer updates its keys without need and without end.
    TooManyKeyUpdates,
    /// The peer did not finish its handshake in time.
    HandshakeTimeout,

    // Over QUIC, and where it is not (RFC 9001 sections 4.6.1 and 8).
    /// A ClientHello over QUIC has a session id, as middleboxes expect over TCP: PROTOCOL_VIOLATION there.
    MiddleboxCompatibility,
    /// A ticket over QUIC bounds early data by bytes of TLS: PROTOCOL_VIOLATION there.
    BadMaxEarlyDataSize,
    /// A ClientHello that did not come over QUIC has QUIC's transport parameters.
    TransportParametersOutsideQuic,

    // Records (RFC 9846 section 5).
    /// A record is longer than 2^14 (plain) or 2^14 + 256 bytes (protected), or than the agreed limit.
    RecordOverflow,
    /// A record could not be opened with the keys of its level.
    BadRecordMac,
    /// A record's type is undefined, or not allowed here.
    UnexpectedRecord(ContentType),
    /// A record's version is none of TLS: this is not TLS at all.
    NotTls,
    /// A protected record holds nothing but padding.
    RecordWithoutType,
    /// A handshake or alert record holds nothing.
    EmptyRecord(ContentType),
    /// Empty records without end.
    TooManyEmptyRecords,
    /// A handshake message is interleaved with other records.
    InterleavedRecords,
    /// A change_cipher_spec record is not the single byte 1.
    BadChangeCipherSpec,
    /// A change_cipher_spec record came before ClientHello, after Finished, or without end.
    UnexpectedChangeCipherSpec,
    /// A protected change_cipher_spec record.
    ProtectedChangeCipherSpec,
    /// An alert record does not hold exactly one alert.
    BadAlert,
    /// `user_canceled` alerts without end.
    TooManyWarnings,
    /// Application data came before the handshake allows it.
    EarlyApplicationData,
    /// More early data than we allowed.
    TooMuchEarlyData,
    /// A peer used one key beyond its limit.
    KeyWornOut,

    // What the peer told us, and what our side refused.
    /// The peer sent an error alert.
    PeerAlert(AlertDescription),
    /// The peer's bytes ended without its close_notify: whether all that it sent has come, nobody knows.
    Truncated,
    /// Our side refused the peer's certificate.
    CertificateRejected(RejectedCertificate),
    /// Our side refused the peer.
    AccessDenied,
    /// Our side gave up: its owner canceled the handshake.
    Canceled,
    /// Our side failed: no certificate, no signature, no memory.
    Internal(&'static str),
}

impl Fault {
    /// The alert that tells the peer (RFC 9846 section 6.2); meaningless for [`Fault::PeerAlert`] and
    /// [`Fault::Truncated`], which get none.
    pub fn alert(&self) -> AlertDescription {
        use AlertDescription as Alert;
        match self {
            Self::MessageEndsEarly
            | Self::TrailingBytes
            | Self::VectorTooShort
            | Self::SessionIdTooLong
            | Self::BadAlert
            | Self::EmptyCertificateList => Alert::DECODE_ERROR, // spec: 9846-6.2-a

            Self::CompressionOffered
            | Self::CompressionChosen
            | Self::UnofferedVersion
            | Self::Downgraded
            | Self::DuplicateExtension(_)
            | Self::MisplacedExtension(_)
            | Self::PreSharedKeyNotLast
            | Self::BindersDoNotMatchIdentities
            | Self::BadServerName
            | Self::BadKeyShares
            | Self::BadRecordSizeLimit
            | Self::DuplicateOidFilter
            | Self::NotOneProtocol
            | Self::BadKeyUpdateRequest
            | Self::MessageTooLong
            | Self::UnofferedCipherSuite
            | Self::UnofferedGroup
            | Self::UnofferedProtocol
            | Self::UnofferedSignatureScheme
            | Self::UnofferedCompression
            | Self::UnofferedPreSharedKey
            | Self::UnofferedPskMode
            | Self::BadKeyShare
            | Self::SessionIdMismatch
            | Self::RetryWithoutChange
            | Self::RetryForWrongGroup
            | Self::ChangedClientHello
            | Self::BadCookie
            | Self::EarlyDataAfterRetry
            | Self::UnexpectedEarlyDataAccepted
            | Self::MiddleboxCompatibility
            | Self::BadMaxEarlyDataSize
            | Self::WrongRequestContext => Alert::ILLEGAL_PARAMETER, // spec: 9846-6.2-b

            Self::UnexpectedMessage(_)
            | Self::MessageSpansKeyChange
            | Self::SecondRetry
            | Self::TooManyPostHandshakeMessages
            | Self::TooManyKeyUpdates
            | Self::UnexpectedRecord(_)
            | Self::RecordWithoutType
            | Self::EmptyRecord(_)
            | Self::TooManyEmptyRecords
            | Self::InterleavedRecords
            | Self::BadChangeCipherSpec
            | Self::UnexpectedChangeCipherSpec
            | Self::ProtectedChangeCipherSpec
            | Self::TooManyWarnings
            | Self::EarlyApplicationData
            | Self::TooMuchEarlyData => Alert::UNEXPECTED_MESSAGE,

            Self::WrongLegacyVersion | Self::NoCommonVersion | Self::NotTls => Alert::PROTOCOL_VERSION,
            Self::UnsolicitedExtension(_) | Self::TransportParametersOutsideQuic => {
                Alert::UNSUPPORTED_EXTENSION
            }
            Self::MissingExtension(_) | Self::NoCommonPskMode => Alert::MISSING_EXTENSION,
            Self::NoCommonCipherSuite | Self::NoCommonGroup | Self::NoCommonSignatureScheme => {
                Alert::HANDSHAKE_FAILURE
            }
            Self::NoCommonProtocol => Alert::NO_APPLICATION_PROTOCOL,
            Self::UnknownPskIdentity => Alert::UNKNOWN_PSK_IDENTITY,
            Self::UnrecognizedName => Alert::UNRECOGNIZED_NAME,
            Self::CertificateRequired => Alert::CERTIFICATE_REQUIRED,
            Self::BadCompressedCertificate => Alert::BAD_CERTIFICATE,
            Self::WrongCertificateType => Alert::UNSUPPORTED_CERTIFICATE,
            Self::BadCertificateStatus => Alert::BAD_CERTIFICATE_STATUS_RESPONSE,
            Self::BadSignature | Self::BadFinished | Self::BadBinder => Alert::DECRYPT_ERROR,
            Self::RecordOverflow => Alert::RECORD_OVERFLOW,
            Self::BadRecordMac => Alert::BAD_RECORD_MAC,
            Self::TooManyParts | Self::HandshakeTimeout | Self::KeyWornOut => Alert::GENERAL_ERROR,
            Self::PeerAlert(_) | Self::Truncated => Alert::CLOSE_NOTIFY,
            Self::CertificateRejected(why) => alert_for(why),
            Self::AccessDenied => Alert::ACCESS_DENIED,
            Self::Canceled => Alert::USER_CANCELED,
            Self::Internal(_) => Alert::INTERNAL_ERROR,
        }
    }
}

fn alert_for(why: &RejectedCertificate) -> AlertDescription {
    match why {
        RejectedCertificate::Bad(_) | RejectedCertificate::WrongName { .. } => {
            AlertDescription::BAD_CERTIFICATE
        }
        RejectedCertificate::Expired(_) => AlertDescription::CERTIFICATE_EXPIRED,
        RejectedCertificate::Revoked => AlertDescription::CERTIFICATE_REVOKED,
        RejectedCertificate::Status(_) => AlertDescription::BAD_CERTIFICATE_STATUS_RESPONSE,
        RejectedCertificate::UnknownIssuer => AlertDescription::UNKNOWN_CA,
        RejectedCertificate::Unsupported(_) => AlertDescription::UNSUPPORTED_CERTIFICATE,
        RejectedCertificate::Unacceptable(_) => AlertDescription::CERTIFICATE_UNKNOWN,
    }
}

impl From<Short> for Fault {
    fn from(_: Short) -> Self {
        Self::MessageEndsEarly
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests;
