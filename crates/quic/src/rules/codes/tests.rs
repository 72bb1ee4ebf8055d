use super::TransportErrorCode;

// spec: 9001-4.8-a
#[test]
fn an_alert_goes_into_the_low_byte_of_a_crypto_error() {
    assert_eq!(TransportErrorCode::crypto(10), TransportErrorCode(0x010a));
    for alert in 0..=255 {
        let code = TransportErrorCode::crypto(alert);
        assert_eq!((code.alert(), code.name()), (Some(alert), Some("CRYPTO_ERROR")));
    }
    assert_eq!(TransportErrorCode(0x00ff).alert(), None);
    assert_eq!(TransportErrorCode(0x0200).alert(), None);
}

#[test]
fn codes_are_counted_without_a_gap_and_have_the_names_of_the_registry() {
    for (value, (code, name)) in (0u64..).zip(TransportErrorCode::ALL) {
        assert_eq!((code.0, code.name()), (value, Some(*name)));
    }
    assert_eq!(TransportErrorCode(0x0a).to_string(), "PROTOCOL_VIOLATION");
    assert_eq!(TransportErrorCode(0x012a).to_string(), "CRYPTO_ERROR (alert bad_certificate)");
    assert_eq!(TransportErrorCode(0x1234).to_string(), "unknown (0x1234)");
}
