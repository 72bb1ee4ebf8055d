use super::{AlertDescription, AlertLevel, ExtensionType, MessageSet, NamedGroup, is_grease};

#[test]
fn grease_has_sixteen_values() {
    assert_eq!((0..=u16::MAX).filter(|code| is_grease(*code)).count(), 16);
    assert_eq!(NamedGroup(0x3a3a).to_string(), "GREASE (0x3a3a)");
    assert_eq!(NamedGroup(0x0099).to_string(), "unknown (0x0099)");
}

#[test]
fn only_two_alerts_close_in_order() {
    let closures: Vec<_> = (0..=u8::MAX).map(AlertDescription).filter(|alert| alert.is_closure()).collect();
    assert_eq!(closures, [AlertDescription::CLOSE_NOTIFY, AlertDescription::USER_CANCELED]); // spec: 9846-6-a
    assert_eq!(AlertDescription(254).level(), AlertLevel::FATAL);
}

#[test]
fn a_key_share_has_no_place_in_encrypted_extensions() {
    assert!(!ExtensionType::KEY_SHARE.may_appear_in(MessageSet::EE));
    assert!(ExtensionType::KEY_SHARE.may_appear_in(MessageSet::HRR));
    assert!(ExtensionType(0x1234).may_appear_in(MessageSet::EE));
}
