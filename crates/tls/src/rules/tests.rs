use super::{
    AlertDescription, AlertLevel, ExtensionType, HandshakeType, MessageSet, NamedGroup, Side, is_grease,
};
use crate::Level;

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

#[test]
fn each_message_has_its_senders_and_levels() {
    let mut matrix = String::new();
    for (kind, name) in HandshakeType::ALL {
        matrix += &format!("{name:22}");
        for sender in [Side::Client, Side::Server] {
            for (level, letter) in [
                (Level::Plain, 'P'),
                (Level::EarlyData, 'E'),
                (Level::Handshake, 'H'),
                (Level::Application, 'A'),
            ] {
                matrix.push(if kind.may_be_sent(sender, level) { letter } else { '.' });
            }
            matrix.push(if sender == Side::Client { ' ' } else { '\n' });
        }
    }
    let expected = "\
client_hello          P... ....
server_hello          .... P...
new_session_ticket    .... ...A
end_of_early_data     .E.. ....
encrypted_extensions  .... ..H.
certificate           ..HA ..H.
certificate_request   .... ..HA
certificate_verify    ..HA ..H.
finished              ..HA ..H.
key_update            ...A ...A
compressed_certificate..HA ..H.
message_hash          .... ....
";
    assert_eq!(matrix, expected);
}

/// RFC 9846 section 4.3's table, for the extensions that we use.
#[test]
fn each_extension_has_its_messages() {
    let places = |kind: ExtensionType| -> String {
        let columns = [
            (MessageSet::CH, "CH "),
            (MessageSet::SH, "SH "),
            (MessageSet::EE, "EE "),
            (MessageSet::CT, "CT "),
            (MessageSet::CR, "CR "),
            (MessageSet::NST, "NST "),
            (MessageSet::HRR, "HRR "),
        ];
        let named = columns.iter().filter(|(message, _)| kind.may_appear_in(*message));
        named.map(|(_, name)| *name).collect::<String>().trim_end().to_owned()
    };
    let table = [
        ("CH EE CR", ExtensionType::SERVER_NAME),
        ("CH CT CR", ExtensionType::STATUS_REQUEST),
        ("CH EE", ExtensionType::SUPPORTED_GROUPS),
        ("CH CR", ExtensionType::SIGNATURE_ALGORITHMS),
        ("CH EE", ExtensionType::APPLICATION_LAYER_PROTOCOL_NEGOTIATION),
        ("CH", ExtensionType::PADDING),
        ("CH CR", ExtensionType::COMPRESS_CERTIFICATE),
        ("CH EE", ExtensionType::RECORD_SIZE_LIMIT),
        ("CH SH", ExtensionType::PRE_SHARED_KEY),
        ("CH EE NST", ExtensionType::EARLY_DATA),
        ("CH SH HRR", ExtensionType::SUPPORTED_VERSIONS),
        ("CH HRR", ExtensionType::COOKIE),
        ("CH", ExtensionType::PSK_KEY_EXCHANGE_MODES),
        ("CH CR", ExtensionType::CERTIFICATE_AUTHORITIES),
        ("CR", ExtensionType::OID_FILTERS),
        ("CH", ExtensionType::POST_HANDSHAKE_AUTH),
        ("CH CR", ExtensionType::SIGNATURE_ALGORITHMS_CERT),
        ("CH SH HRR", ExtensionType::KEY_SHARE),
        ("CH EE", ExtensionType::QUIC_TRANSPORT_PARAMETERS),
        ("CH EE", ExtensionType::TICKET_REQUEST),
        ("CH EE HRR", ExtensionType::ENCRYPTED_CLIENT_HELLO),
    ];
    for (expected, kind) in table {
        assert_eq!(places(kind), expected, "{kind}");
    }
}
