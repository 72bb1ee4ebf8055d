//! Messages that are not ours: those of RFC 9001 appendix A.

use super::pair::server;
use crate::{
    Answer, Fact, Flight, Handshake, Level, Step, Wanted,
    handshake::tests::pair::{Counter, NOW},
    message::Message,
    rules::{ExtensionType, NamedGroup},
    server,
    vectors::Vectors,
};

#[test]
fn the_client_hello_of_rfc_9001_is_answered() {
    let options = server::Options { alpn: vec![b"alpn".to_vec()], ..server() };
    let mut server = Handshake::quic_server(options.build().unwrap(), NOW, Box::new(Counter(2)));
    let mut flight = Flight::default();
    let vectors = Vectors::messages();
    let hello = vectors.of("RFC 9001 appendix A.2, ClientHello");
    server.handle(NOW, Level::Plain, hello, &mut flight).unwrap();
    // The last extension.
    let peer = hello[hello.len() - PARAMETERS_BYTES..].to_vec();
    assert_eq!((&peer[..2], peer.last()), (&[4, 8][..], Some(&0xff)), "from initial_max_data on");
    let wanted = Wanted::TransportParameters { peer, remembered: None };
    assert_eq!(server.wanted(), Some(&wanted));
    let answer = Answer::TransportParameters {
        parameters: Vec::new(),
        remembered: Vec::new(),
        takes_early_data: true,
    };
    server.answer(NOW, answer, &mut flight).unwrap();
    let Step::Send { level: Level::Plain, message } = &flight.steps[0] else { panic!("no message") };
    let Ok(Message::ServerHello(hello)) = Message::read(message) else { panic!("no ServerHello") };
    assert_eq!(hello.cipher_suite, 0x1301);
    assert!(hello.legacy_session_id_echo.is_empty());
    let [Fact::Negotiated(negotiated)] = &flight.facts[..] else { panic!("{:?}", flight.facts) };
    assert_eq!(negotiated.alpn.as_deref(), Some(&b"alpn"[..]));
    assert_eq!(negotiated.server_name.as_deref(), Some("example.com"));
    assert_eq!(negotiated.group, NamedGroup::X25519.0);
}

#[test]
fn the_server_hello_of_rfc_9001_is_read() {
    let vectors = Vectors::messages();
    let bytes = vectors.of("RFC 9001 appendix A.3, ServerHello");
    let Ok(Message::ServerHello(hello)) = Message::read(bytes) else { panic!("no ServerHello") };
    assert_eq!(hello.cipher_suite, 0x1301);
    assert!(hello.legacy_session_id_echo.is_empty());
    assert_eq!(hello.extensions.key_share.unwrap().group, NamedGroup::X25519.0);
    assert!(!hello.extensions.has(ExtensionType::PRE_SHARED_KEY));
}

const PARAMETERS_BYTES: usize = 0x32;
