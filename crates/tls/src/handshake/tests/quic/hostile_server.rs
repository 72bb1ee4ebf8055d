//! Servers that break QUIC's rules, and what our client says to them.

use super::pair::{OF_CLIENT, OF_SERVER, Pair, client, over_tcp, server};
use crate::{
    Fault, Flight, Handshake, Level, Misuse, client,
    handshake::tests::pair::{self as tcp, Counter, NOW, Side},
    message::{EncryptedExtensions, Message},
    rules::{AlertDescription as Alert, ExtensionType, HandshakeType},
};

type Change = fn(&mut EncryptedExtensions<'_>);

fn changed(message: &[u8], change: Change) -> Vec<u8> {
    let Ok(Message::EncryptedExtensions(mut encrypted)) = Message::read(message) else {
        panic!("no EncryptedExtensions")
    };
    change(&mut encrypted);
    let mut out = Vec::new();
    encrypted.write(&mut out);
    out
}

#[test]
fn encrypted_extensions_keep_to_quics_rules() {
    // spec: 9001-8.1-b spec: 9001-8.2-b
    let missing = Fault::MissingExtension(ExtensionType::QUIC_TRANSPORT_PARAMETERS);
    let unsolicited = Fault::UnsolicitedExtension(ExtensionType::RECORD_SIZE_LIMIT);
    let cases: [(Fault, Alert, Change); 4] = [
        (missing, Alert::MISSING_EXTENSION, |encrypted| {
            encrypted.extensions.quic_transport_parameters = None;
        }),
        (Fault::NoCommonProtocol, Alert::NO_APPLICATION_PROTOCOL, |encrypted| {
            encrypted.extensions.application_layer_protocol_negotiation = None;
        }),
        (Fault::NoCommonProtocol, Alert::NO_APPLICATION_PROTOCOL, |encrypted| {
            encrypted.extensions.application_layer_protocol_negotiation = Some(b"h2");
        }),
        (unsolicited, Alert::UNSUPPORTED_EXTENSION, |encrypted| {
            encrypted.extensions.record_size_limit = Some(1_200);
        }),
    ];
    for (expected, alert, change) in cases {
        let options = client::Options { record_size_limit: Some(16_385), ..client() };
        let mut pair = Pair::with(options, server());
        pair.turn(Side::Client).unwrap();
        let (_, bytes, _) = &mut pair.server.sent[1];
        let len = 4 + usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
        let message = changed(&bytes[..len], change);
        bytes.splice(..len, message);
        assert_eq!(pair.run().unwrap_err(), (Side::Client, expected.clone()));
        assert_eq!(expected.alert(), alert);
        assert!(pair.client.facts.is_empty(), "{:?}", pair.client.facts);
    }
}

#[test]
fn transport_parameters_are_refused_of_a_server_where_quic_is_not() {
    // spec: 9001-8.2-c
    let (client, server) = over_tcp();
    let result = tcp::Pair::new(client, server).run_with(|from, _, message| {
        if from == Side::Server && message[0] == HandshakeType::ENCRYPTED_EXTENSIONS.0 {
            *message = changed(message, |encrypted| {
                encrypted.extensions.quic_transport_parameters = Some(OF_SERVER)
            });
        }
    });
    let fault = Fault::UnsolicitedExtension(ExtensionType::QUIC_TRANSPORT_PARAMETERS);
    assert_eq!(result.unwrap_err(), (Side::Client, fault.clone()));
    assert_eq!(fault.alert(), Alert::UNSUPPORTED_EXTENSION);
}

#[test]
fn a_server_hello_echoes_no_session_id() {
    let mut pair = Pair::new();
    pair.turn(Side::Client).unwrap();
    let (_, bytes, _) = &mut pair.server.sent[0];
    let Ok(Message::ServerHello(mut hello)) = Message::read(bytes) else { panic!("no ServerHello") };
    hello.legacy_session_id_echo = &[7; 32];
    let mut changed = Vec::new();
    hello.write(&mut changed);
    pair.server.sent[0].1 = changed;
    assert_eq!(pair.run().unwrap_err(), (Side::Client, Fault::SessionIdMismatch));
}

#[test]
fn nothing_may_follow_a_server_hello_under_the_same_keys() {
    // spec: 9001-4.1.3-a
    let mut pair = Pair::new();
    pair.turn(Side::Client).unwrap();
    pair.server.sent[0].1.push(2);
    assert_eq!(pair.run().unwrap_err(), (Side::Client, Fault::MessageSpansKeyChange));
}

#[test]
fn a_client_needs_a_protocol_and_parameters_that_fit() {
    // spec: 9001-8.1-a
    let start = |alpn: Vec<Vec<u8>>, parameters: usize| {
        let config = client::Options { alpn, ..client() }.build().unwrap();
        let (entropy, mut flight) = (Box::new(Counter(1)), Flight::default());
        let parameters = vec![0; parameters];
        Handshake::quic_client(config, "example.com", None, parameters, NOW, entropy, &mut flight)
            .map(|_| flight)
    };
    let alpn = || vec![b"h3".to_vec()];
    assert!(matches!(start(Vec::new(), OF_CLIENT.len()), Err(Misuse::Quic(_))));
    assert!(matches!(start(alpn(), 4_097), Err(Misuse::Quic(_))));
    assert!(start(alpn(), 4_096).is_ok());
    let none = start(alpn(), 0).unwrap();
    let crate::Step::Send { level: Level::Plain, message } = &none.steps[0] else { panic!("no message") };
    let Ok(Message::ClientHello(hello)) = Message::read(message) else { panic!("no ClientHello") };
    assert_eq!(hello.extensions.quic_transport_parameters, Some(&[][..]), "empty ones are said too");
}
