use super::Fault;
use crate::rules::{Epoch, frames::kind, parameters::id};
use sakigake_tls as tls;

/// The codes that the RFCs name for each sin (sections of RFC 9000 where nothing else stands beside them).
#[test]
fn every_sin_has_its_code() {
    let frame = kind::STREAM;
    let parameter = id::MAX_ACK_DELAY;
    let sins: &[(u64, &[Fault])] = &[
        (0x01, &[Fault::Internal("memory"), Fault::TooMuch("frames")]), // 11
        (0x02, &[Fault::ConnectionRefused]),                            // 5.2.2
        (0x03, &[Fault::StreamDataTooMuch { frame }, Fault::DataTooMuch { frame }]), // 4.1
        (0x04, &[Fault::StreamLimit { frame }]),                        // 4.6
        (
            0x05,
            &[
                Fault::UnopenedStream { frame },    // 19.8
                Fault::SendOnlyStream { frame },    // 19.4
                Fault::ReceiveOnlyStream { frame }, // 19.10
                Fault::ResetCodeChanged,            // RESET_STREAM_AT, 4.2
            ],
        ),
        (
            0x06,
            &[
                Fault::DataBeyondFinalSize { frame }, // 4.5
                Fault::FinalSizeBelowData { frame },
                Fault::FinalSizeChanged { frame },
            ],
        ),
        (
            0x07,
            &[
                Fault::FrameEndsEarly { frame }, // 12.4
                Fault::UnknownFrame { frame: 0x21 },
                Fault::AckBelowZero { frame: kind::ACK }, // 19.3.1
                Fault::StreamOffsetTooLarge { frame },    // 19.8
                Fault::CryptoOffsetTooLarge,              // 19.6
                Fault::EmptyToken,                        // 19.7
                Fault::StreamCountTooLarge { frame: kind::MAX_STREAMS }, // 19.11
                Fault::ConnectionIdLength,                // 19.15
                Fault::RetirePriorToAhead,
                Fault::ReliableSizeTooLarge, // RESET_STREAM_AT, 3
            ],
        ),
        (
            0x08, // 7.3, 7.4
            &[
                Fault::ParametersEndEarly,
                Fault::DuplicateParameter { parameter },
                Fault::ParameterOfServers { parameter },
                Fault::MalformedParameter { parameter },
                Fault::ParameterOutOfBounds { parameter },
                Fault::MissingParameter { parameter },
                Fault::ConnectionIdMismatch { parameter },
                Fault::PreferredAddressWithoutIds, // 18.2
            ],
        ),
        (0x09, &[Fault::TooManyConnectionIds, Fault::TooManyRetirements]), // 5.1.1
        (
            0x0a,
            &[
                Fault::EmptyPacket, // 12.4
                Fault::LongFrameType { frame },
                Fault::BarredFrame { frame, epoch: Epoch::Initial },
                Fault::FrameOfServers { frame: kind::NEW_TOKEN }, // 19.7
                Fault::UnexpectedDatagram,                        // RFC 9221, 3
                Fault::DatagramTooLarge,
                Fault::RequestedAckDelay,      // ACK_FREQUENCY, 4
                Fault::ReservedBits,           // 17.2
                Fault::TokenFromServer,        // 17.2.2
                Fault::CryptoBehindKeyChange,  // RFC 9001, 4.1.3
                Fault::SessionIdInClientHello, // RFC 9001, 8.4
                Fault::AckOfUnsentPacket,      // 13.1
                Fault::ConnectionIdReused,     // 19.15
                Fault::ConnectionIdForNobody,
                Fault::RetiredNobodysId, // 19.16
                Fault::RetiredUnissuedId,
                Fault::RetiredIdInUse,
                Fault::UnexpectedPathResponse,         // 19.18
                Fault::ReducedParameter { parameter }, // RFC 9221, 3
            ],
        ),
        (0x0b, &[Fault::InvalidToken]),                  // 8.1.2
        (0x0d, &[Fault::CryptoBufferExceeded]),          // 7.5
        (0x0e, &[Fault::KeyUpdate]),                     // RFC 9001, 6.2
        (0x0f, &[Fault::AeadLimitReached]),              // RFC 9001, 6.6
        (0x10, &[Fault::NoViablePath]),                  // 8.2.4
        (0x11, &[Fault::VersionNegotiation]),            // RFC 9368, 4
        (0x10a, &[Fault::Tls(tls::Fault::SecondRetry)]), // RFC 9001, 4.8
    ];
    for (code, faults) in sins {
        for fault in *faults {
            assert_eq!(fault.code(), *code, "{fault:?}");
            assert!(!fault.to_string().contains("unnamed"), "{fault:?} has no words");
        }
    }
}

#[test]
fn a_tls_fault_carries_its_alert() {
    let missing = tls::rules::ExtensionType::QUIC_TRANSPORT_PARAMETERS;
    let fault = Fault::from(tls::Fault::MissingExtension(missing));
    assert_eq!(fault.code(), 0x16d); // spec: 9001-4.8-a
    assert_eq!(fault.frame_type(), kind::CRYPTO);
    assert_eq!(fault.to_string(), "the extension quic_transport_parameters is missing");
}

#[test]
fn a_fault_names_the_frame_that_is_to_blame() {
    assert_eq!(Fault::BarredFrame { frame: kind::ACK, epoch: Epoch::ZeroRtt }.frame_type(), kind::ACK);
    assert_eq!(Fault::EmptyToken.frame_type(), kind::NEW_TOKEN);
    assert_eq!(Fault::KeyUpdate.frame_type(), 0);
}

#[test]
fn a_fault_speaks_in_the_words_of_the_rfc() {
    let told = [
        (
            Fault::BarredFrame { frame: kind::ACK, epoch: Epoch::ZeroRtt },
            "ACK may not stand in 0-RTT packets",
        ),
        (Fault::UnknownFrame { frame: 0x21 }, "nobody agreed on frames of type 0x21"),
        (Fault::FrameEndsEarly { frame: 0x0b }, "STREAM does not fit in its packet"),
        (
            Fault::ParameterOutOfBounds { parameter: id::ACK_DELAY_EXPONENT },
            "ack_delay_exponent lies outside its bounds",
        ),
    ];
    for (fault, words) in told {
        assert_eq!(fault.to_string(), words);
    }
}
