use super::Fault;
use crate::{
    RejectedCertificate,
    rules::{AlertDescription as Alert, ContentType, ExtensionType, HandshakeType},
};

/// The alerts that RFC 9846 names for each sin (its sections beside them), and our choice where it names none.
#[test]
fn every_sin_has_its_alert() {
    let sins: &[(Alert, &[Fault])] = &[
        (
            Alert::DECODE_ERROR, // spec: 9846-6.2-a
            &[
                Fault::MessageEndsEarly,
                Fault::TrailingBytes,
                Fault::VectorTooShort,
                Fault::SessionIdTooLong,
                Fault::EmptyCertificateList, // 4.5.1.3
                Fault::BadAlert,
            ],
        ),
        (
            Alert::ILLEGAL_PARAMETER, // spec: 9846-6.2-b
            &[
                Fault::CompressionOffered, // 4.2.2
                Fault::CompressionChosen,
                Fault::UnofferedVersion, // 4.3.1
                Fault::Downgraded,       // 4.2.3
                Fault::DuplicateExtension(ExtensionType::COOKIE),
                Fault::MisplacedExtension(ExtensionType::COOKIE), // 4.3
                Fault::PreSharedKeyNotLast,                       // 4.3.11
                Fault::UnofferedPreSharedKey,
                Fault::UnofferedPskMode,
                Fault::BadKeyShare,
                Fault::BadKeyShares, // 4.3.8
                Fault::BadCookie,
                Fault::RetryWithoutChange, // 4.2.4
                Fault::RetryForWrongGroup,
                Fault::UnofferedGroup,
                Fault::UnofferedCipherSuite,
                Fault::SessionIdMismatch,
                Fault::UnofferedSignatureScheme,
                Fault::BadKeyUpdateRequest, // 4.7.3
            ],
        ),
        (
            Alert::UNEXPECTED_MESSAGE,
            &[
                Fault::UnexpectedMessage(HandshakeType::FINISHED), // 4
                Fault::MessageSpansKeyChange,                      // 5.1
                Fault::SecondRetry,                                // 4.2.4
                Fault::UnexpectedRecord(ContentType(99)),          // 5
                Fault::RecordWithoutType,                          // 5.4
                Fault::EmptyRecord(ContentType::HANDSHAKE),
                Fault::InterleavedRecords,
                Fault::BadChangeCipherSpec,
                Fault::UnexpectedChangeCipherSpec,
                Fault::ProtectedChangeCipherSpec,
                Fault::EarlyApplicationData,
                Fault::TooMuchEarlyData, // 4.7.1
            ],
        ),
        (Alert::PROTOCOL_VERSION, &[Fault::NoCommonVersion, Fault::WrongLegacyVersion, Fault::NotTls]),
        (Alert::UNSUPPORTED_EXTENSION, &[Fault::UnsolicitedExtension(ExtensionType::COOKIE)]),
        (
            Alert::MISSING_EXTENSION,
            &[Fault::MissingExtension(ExtensionType::KEY_SHARE), Fault::NoCommonPskMode],
        ),
        (
            Alert::HANDSHAKE_FAILURE,
            &[Fault::NoCommonCipherSuite, Fault::NoCommonGroup, Fault::NoCommonSignatureScheme],
        ),
        (Alert::DECRYPT_ERROR, &[Fault::BadSignature, Fault::BadFinished, Fault::BadBinder]),
        (Alert::RECORD_OVERFLOW, &[Fault::RecordOverflow]),
        (Alert::BAD_RECORD_MAC, &[Fault::BadRecordMac]),
        (Alert::NO_APPLICATION_PROTOCOL, &[Fault::NoCommonProtocol]),
        (Alert::UNRECOGNIZED_NAME, &[Fault::UnrecognizedName]),
        (Alert::CERTIFICATE_REQUIRED, &[Fault::CertificateRequired]),
        (
            Alert::BAD_CERTIFICATE,
            &[
                Fault::BadCompressedCertificate, // RFC 8879 section 4
                Fault::CertificateRejected(RejectedCertificate::Bad(String::new())),
                Fault::CertificateRejected(RejectedCertificate::WrongName { presented: vec![] }),
            ],
        ),
        (
            Alert::CERTIFICATE_EXPIRED,
            &[Fault::CertificateRejected(RejectedCertificate::Expired(String::new()))],
        ),
        (Alert::CERTIFICATE_REVOKED, &[Fault::CertificateRejected(RejectedCertificate::Revoked)]),
        (Alert::UNKNOWN_CA, &[Fault::CertificateRejected(RejectedCertificate::UnknownIssuer)]),
        (
            Alert::UNSUPPORTED_CERTIFICATE,
            &[
                Fault::CertificateRejected(RejectedCertificate::Unsupported(String::new())),
                Fault::WrongCertificateType,
            ],
        ),
        (
            Alert::CERTIFICATE_UNKNOWN,
            &[Fault::CertificateRejected(RejectedCertificate::Unacceptable(String::new()))],
        ),
        (Alert::ACCESS_DENIED, &[Fault::AccessDenied]),
        (Alert::USER_CANCELED, &[Fault::Canceled]),
        (Alert::INTERNAL_ERROR, &[Fault::Internal("no memory")]),
    ];
    for (alert, faults) in sins {
        for fault in *faults {
            assert_eq!(fault.alert(), *alert, "{fault:?}");
        }
    }
}

#[test]
fn a_fault_speaks_in_words() {
    let says = |fault: Fault, words: &str| assert_eq!(fault.to_string(), words);
    says(Fault::PeerAlert(Alert::UNKNOWN_CA), "the peer ended the connection with the alert unknown_ca");
    says(Fault::MissingExtension(ExtensionType::KEY_SHARE), "the extension key_share is missing");
    says(Fault::BadFinished, "the verify_data in Finished is wrong");
    let names = RejectedCertificate::WrongName { presented: vec!["a.example".into(), "b.example".into()] };
    says(
        Fault::CertificateRejected(names),
        "we refused the peer's certificate: it is for other names (a.example, b.example)",
    );
}
