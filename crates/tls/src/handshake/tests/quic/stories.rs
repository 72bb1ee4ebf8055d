//! How it goes between two that keep to the rules.

use super::pair::{OF_CLIENT, OF_SERVER, Pair, client, server};
use crate::{
    EarlyData, Fact, KeyRing, Level, Wanted, client,
    handshake::tests::{
        client_certificates::{alice, policy},
        pair::{UNIX_SECS, provider},
    },
    message::{ClientHello, Message},
    rules::{ExtensionType, NamedGroup, ProtocolVersion, is_grease},
    server::{self, Cookies, Demand},
};
use std::sync::Arc;

#[test]
fn secrets_come_as_soon_as_they_exist() {
    let pair = Pair::new().established();
    let of_client = [
        "send Plain client_hello",
        "read Handshake",
        "write Handshake",
        "send Handshake finished",
        "write Application",
        "read Application",
    ];
    let of_server = [
        "send Plain server_hello",
        "write Handshake",
        "read Handshake",
        "send Handshake encrypted_extensions",
        "send Handshake certificate",
        "send Handshake certificate_verify",
        "send Handshake finished",
        "write Application",
        "read Application",
        "send Application new_session_ticket",
        "send Application new_session_ticket",
    ];
    assert_eq!(pair.client.story, of_client);
    assert_eq!(pair.server.story, of_server);
}

#[test]
fn each_side_hears_the_parameters_of_the_other_one() {
    // spec: 9001-8.2-a
    for in_pieces in [usize::MAX, 100, 1] {
        let pair = Pair { in_pieces, ..Pair::new() }.established();
        assert_eq!(
            pair.server.wanted,
            [Wanted::TransportParameters { peer: OF_CLIENT.to_vec(), remembered: None }]
        );
        let [parameters, Fact::Negotiated(negotiated), Fact::Established, ..] = &pair.client.facts[..] else {
            panic!("{:?}", pair.client.facts)
        };
        assert_eq!(*parameters, Fact::TransportParameters(OF_SERVER.to_vec()));
        assert_eq!(negotiated, pair.client.negotiated());
        assert_eq!(negotiated.alpn.as_deref(), Some(&b"h3"[..]));
        assert_eq!(negotiated.early_data, EarlyData::None);
        let [Fact::Negotiated(_), Fact::Established] = &pair.server.facts[..] else {
            panic!("{:?}", pair.server.facts)
        };
    }
}

#[test]
fn a_client_hello_over_quic_offers_what_quic_has_a_use_for() {
    // spec: 9001-4.2-a spec: 9001-8.4-a spec: 9001-8.2-a
    for grease in [false, true] {
        let options = client::Options {
            grease,
            middlebox: true,
            record_size_limit: Some(1_200),
            post_handshake_auth: true,
            alpn: vec![b"hq-interop".to_vec()],
            ..client()
        };
        let pair = Pair::with(options, server());
        let message = pair.client.bytes(Level::Plain);
        let Ok(Message::ClientHello(hello)) = Message::read(message) else { panic!("no ClientHello") };
        let ClientHello { legacy_session_id, extensions, .. } = hello;
        assert!(legacy_session_id.is_empty());
        assert_eq!(extensions.quic_transport_parameters, Some(OF_CLIENT));
        assert_eq!(extensions.record_size_limit, None);
        assert_eq!(extensions.post_handshake_auth, None);
        let versions = extensions.supported_versions.unwrap();
        let versions: Vec<u16> = versions.iter().filter(|version| !is_grease(*version)).collect();
        assert_eq!(versions, [ProtocolVersion::TLS_1_3.0]);
    }
}

#[test]
fn a_hello_retry_request_goes_over_quic_and_the_parameters_are_said_again() {
    let keys = Arc::new(KeyRing::new(
        &provider().suites[0],
        vec![crate::TicketKey {
            name: [7; 16],
            secret: sakigake_crypto::Secret::new(&[7; 32]),
            from_unix_secs: 0,
            until_unix_secs: UNIX_SECS + 60,
            opens_until_unix_secs: UNIX_SECS + 60,
        }],
    ));
    for cookies in [None, Some(Cookies::new(keys))] {
        let options = server::Options { groups: vec![NamedGroup::SECP384R1.0], cookies, ..server() };
        let pair = Pair::with(client(), options).established();
        assert_eq!(pair.client.story[..2], ["send Plain client_hello", "send Plain client_hello"]);
        let message = pair.client.bytes(Level::Plain);
        let first_len = 4 + usize::from(u16::from_be_bytes([message[2], message[3]]));
        for hello in [&message[..first_len], &message[first_len..]] {
            let Ok(Message::ClientHello(hello)) = Message::read(hello) else { panic!("no ClientHello") };
            assert_eq!(hello.extensions.quic_transport_parameters, Some(OF_CLIENT));
        }
        assert_eq!(pair.server.wanted.len(), 1, "asked once the second ClientHello came");
        assert_eq!(pair.client.negotiated().group, NamedGroup::SECP384R1.0);
    }
}

#[test]
fn a_server_may_ask_who_the_client_is() {
    let mut policy = policy(Demand::Required);
    policy.is_default = true;
    let options = server::Options { client_authentication: vec![Arc::new(policy)], ..server() };
    let pair = Pair::with(client::Options { credentials: vec![alice()], ..client() }, options).established();
    assert!(matches!(
        pair.server.facts[..],
        [Fact::Negotiated(_), Fact::Authenticated(Some(_)), Fact::Established]
    ));
}

#[test]
fn a_server_ignores_record_size_limit_over_quic() {
    let mut pair = Pair::new();
    let message = pair.client.bytes(Level::Plain).to_vec();
    let Ok(Message::ClientHello(mut hello)) = Message::read(&message) else { panic!("no ClientHello") };
    hello.extensions.record_size_limit = Some(1_200);
    let mut changed = Vec::new();
    hello.write(&mut changed);
    pair.client.sent[0].1 = changed;
    pair.turn(crate::rules::Side::Client).unwrap();
    let rest = pair.server.bytes(Level::Handshake);
    let len = 4 + usize::from(u16::from_be_bytes([rest[2], rest[3]]));
    let Ok(Message::EncryptedExtensions(encrypted)) = Message::read(&rest[..len]) else {
        panic!("no EncryptedExtensions")
    };
    assert_eq!(encrypted.extensions.record_size_limit, None);
    assert!(encrypted.extensions.has(ExtensionType::QUIC_TRANSPORT_PARAMETERS));
}

#[test]
fn the_fuzz_body_holds_on_messages_over_quic() {
    let pair = Pair::new().established();
    for end in [&pair.client, &pair.server] {
        let message = end.bytes(Level::Plain);
        for split in [0, 6, 255] {
            crate::fuzz::fuzz_handshake(&[&[split], message].concat());
            crate::fuzz::fuzz_handshake(&[&[split], message, message].concat());
        }
        for at in (0..message.len()).step_by(17) {
            let mut changed = [&[255], message].concat();
            changed[at + 1] ^= 1 << (at % 8);
            crate::fuzz::fuzz_handshake(&changed);
        }
    }
}
