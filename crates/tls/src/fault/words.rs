//! Faults in plain words.

use super::Fault;
use core::fmt;

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateExtension(kind) => write!(f, "the extension {kind} stands twice in one block"),
            Self::MisplacedExtension(kind) => write!(f, "the extension {kind} may not stand in this message"),
            Self::UnsolicitedExtension(kind) => {
                write!(f, "the extension {kind} answers to nothing that was sent")
            }
            Self::MissingExtension(kind) => write!(f, "the extension {kind} is missing"),
            Self::UnexpectedMessage(kind) => write!(f, "the message {kind} has no place now"),
            Self::UnexpectedRecord(kind) => write!(f, "a record of type {kind} has no place here"),
            Self::EmptyRecord(kind) => write!(f, "a record of type {kind} holds nothing"),
            Self::PeerAlert(alert) => write!(f, "the peer ended the connection with the alert {alert}"),
            Self::CertificateRejected(why) => {
                write!(f, "we refused the peer's certificate: {}", refusal(why))
            }
            Self::Internal(what) => write!(f, "our side failed: {what}"),
            other => f.write_str(sentence(other)),
        }
    }
}

/// `DnsName("localhost")` and its like as people write them; the first few of many.
fn names(presented: &[String]) -> String {
    const SHOWN: usize = 5;
    let bare = |name: &String| {
        let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
        inner.unwrap_or(name).trim_matches('"').to_owned()
    };
    let mut shown: Vec<String> = presented.iter().take(SHOWN).map(bare).collect();
    if presented.len() > SHOWN {
        shown.push(format!("{} more", presented.len() - SHOWN));
    }
    shown.join(", ")
}

fn refusal(why: &crate::RejectedCertificate) -> String {
    use crate::RejectedCertificate as Why;
    match why {
        Why::Bad(what) => format!("it is broken ({what})"),
        Why::Expired(what) => format!("it is not valid at this time ({what})"),
        Why::Revoked => "it was revoked".to_owned(),
        Why::Status(what) => format!("its OCSP response is not acceptable ({what})"),
        Why::UnknownIssuer => "nobody whom we trust issued it".to_owned(),
        Why::WrongName { presented } => format!("it is for other names ({})", names(presented)),
        Why::Unsupported(what) => format!("it may not be used this way ({what})"),
        Why::Unacceptable(what) => format!("our policy does not accept it ({what})"),
    }
}

/// The faults that have nothing to tell beside their name.
fn sentence(fault: &Fault) -> &'static str {
    match fault {
        Fault::MessageEndsEarly => "a message ends before its parts do",
        Fault::TrailingBytes => "bytes follow the end of a message or an extension",
        Fault::VectorTooShort => "a vector holds less than it must",
        Fault::SessionIdTooLong => "a session id has more than 32 bytes",
        Fault::MessageTooLong => "a handshake message is longer than we take",
        Fault::WrongLegacyVersion => "legacy_version is not TLS 1.2's",
        Fault::CompressionOffered => "the client offers TLS 1.3 together with compression",
        Fault::CompressionChosen => "the server chose a compression method",
        Fault::NoCommonVersion => "the peer does not speak TLS 1.3",
        Fault::UnofferedVersion => "the server chose a version that was not offered",
        Fault::Downgraded => {
            "the server speaks TLS 1.3, yet the handshake was brought down to an older version"
        }
        Fault::PreSharedKeyNotLast => "pre_shared_key is not the last extension",
        Fault::BindersDoNotMatchIdentities => "there are not as many binders as identities",
        Fault::BadServerName => "server_name does not hold exactly one host name",
        Fault::BadKeyShares => "key_share has a group twice, or one that supported_groups lacks",
        Fault::BadRecordSizeLimit => "record_size_limit is out of its range",
        Fault::DuplicateOidFilter => "oid_filters names an object identifier twice",
        Fault::NotOneProtocol => "the server did not choose exactly one application protocol",
        Fault::BadKeyUpdateRequest => "a KeyUpdate asks for something undefined",
        Fault::MessageSpansKeyChange => "a message goes on where the keys change",
        Fault::UnofferedCipherSuite => {
            "the server chose a cipher suite that was not offered, or changed its choice"
        }
        Fault::UnofferedGroup => "the server chose a group that was not offered, or changed its choice",
        Fault::UnofferedProtocol => "the server chose an application protocol that was not offered",
        Fault::UnofferedSignatureScheme => {
            "the peer signed with a scheme that was not offered or does not fit its key"
        }
        Fault::UnofferedCompression => "the certificate is compressed in a way that was not offered",
        Fault::UnofferedPreSharedKey => {
            "the server chose a pre-shared key that was not offered or does not fit"
        }
        Fault::UnofferedPskMode => "the server chose a pre-shared key without a key exchange",
        Fault::BadKeyShare => "a key share is no element of its group or yields no secret",
        Fault::SessionIdMismatch => "the server does not echo the session id",
        Fault::RetryWithoutChange => "a HelloRetryRequest asks for no change",
        Fault::RetryForWrongGroup => {
            "a HelloRetryRequest asks for a group that was sent already or never offered"
        }
        Fault::SecondRetry => "the server asks for a second retry",
        Fault::ChangedClientHello => "the second ClientHello is not what the retry asked for",
        Fault::BadCookie => "the cookie is not one of ours, or too old",
        Fault::EarlyDataAfterRetry => "the second ClientHello offers early data",
        Fault::UnexpectedEarlyDataAccepted => "the server accepted early data that was not offered to it",
        Fault::NoCommonCipherSuite => "no cipher suite in common",
        Fault::NoCommonGroup => "no group in common",
        Fault::NoCommonSignatureScheme => "no signature scheme in common",
        Fault::NoCommonProtocol => "no application protocol in common",
        Fault::NoCommonPskMode => "psk_key_exchange_modes is missing beside pre_shared_key",
        Fault::UnknownPskIdentity => "no pre-shared key in common",
        Fault::UnrecognizedName => "no server here has that name",
        Fault::EmptyCertificateList => "the server sent no certificate",
        Fault::CertificateRequired => "the client sent no certificate, and one is required",
        Fault::WrongRequestContext => "the certificate_request_context is not the expected one",
        Fault::BadCompressedCertificate => "a compressed certificate is not what it says",
        Fault::WrongCertificateType => "a certificate has another type than agreed",
        Fault::BadCertificateStatus => "the OCSP response is unacceptable",
        Fault::BadSignature => "the signature in CertificateVerify is wrong",
        Fault::BadFinished => "the verify_data in Finished is wrong",
        Fault::BadBinder => "the binder of a pre-shared key is wrong",
        Fault::TooManyParts => "the peer sent more identities, shares or certificates than we take",
        Fault::TooManyPostHandshakeMessages => "the peer sends messages after the handshake without end",
        Fault::TooManyKeyUpdates => "the peer updates its keys without end",
        Fault::HandshakeTimeout => "the handshake took too long",
        Fault::MiddleboxCompatibility => "a ClientHello over QUIC has a session id",
        Fault::BadMaxEarlyDataSize => "a ticket over QUIC bounds early data by bytes of TLS",
        Fault::TransportParametersOutsideQuic => "QUIC's transport parameters came over something else",
        Fault::RecordOverflow => "a record is longer than allowed",
        Fault::BadRecordMac => "a record could not be opened",
        Fault::NotTls => "the peer does not speak TLS",
        Fault::RecordWithoutType => "a protected record holds nothing but padding",
        Fault::TooManyEmptyRecords => "the peer sends empty records without end",
        Fault::InterleavedRecords => "another record stands within a handshake message",
        Fault::BadChangeCipherSpec => "a change_cipher_spec record is not the single byte 1",
        Fault::UnexpectedChangeCipherSpec => "a change_cipher_spec record has no place now",
        Fault::ProtectedChangeCipherSpec => "a change_cipher_spec record is protected",
        Fault::BadAlert => "an alert record does not hold exactly one alert",
        Fault::TooManyWarnings => "the peer sends user_canceled without end",
        Fault::EarlyApplicationData => "application data came before the handshake allows it",
        Fault::TooMuchEarlyData => "the peer sent more early data than allowed",
        Fault::KeyWornOut => "a key was used beyond its limit",
        Fault::Truncated => "the peer's bytes ended without close_notify",
        Fault::AccessDenied => "we do not admit this peer",
        Fault::Canceled => "we canceled the handshake",
        Fault::DuplicateExtension(_)
        | Fault::MisplacedExtension(_)
        | Fault::UnsolicitedExtension(_)
        | Fault::MissingExtension(_)
        | Fault::UnexpectedMessage(_)
        | Fault::UnexpectedRecord(_)
        | Fault::EmptyRecord(_)
        | Fault::PeerAlert(_)
        | Fault::CertificateRejected(_)
        | Fault::Internal(_) => "a fault", // Told above, with what it holds.
    }
}
