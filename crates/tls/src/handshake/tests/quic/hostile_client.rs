//! Clients that break QUIC's rules, and what our server says to them.

use super::pair::{OF_CLIENT, Owner, Pair, client, over_tcp, server};
use crate::{
    Fault, Flight, Handshake, Level,
    extension::{List, Opaque8},
    handshake::tests::pair::{self as tcp, Counter, NOW, Side},
    message::{ClientHello, Message},
    rules::{AlertDescription as Alert, ExtensionType, HandshakeType},
    server::{self, WithoutAlpn},
};

/// Turns an honest ClientHello into another one.
type Change = fn(&mut ClientHello<'_>);

fn changed(message: &[u8], change: Change) -> Vec<u8> {
    let Ok(Message::ClientHello(mut hello)) = Message::read(message) else { panic!("no ClientHello") };
    change(&mut hello);
    let mut out = Vec::new();
    hello.write(&mut out);
    out
}

/// What a server says to a changed ClientHello.
fn fault(options: server::Options, change: Change) -> Fault {
    let pair = Pair::new();
    let message = changed(pair.client.bytes(Level::Plain), change);
    let mut flight = Flight::default();
    let mut server = Handshake::quic_server(options.build().unwrap(), NOW, Box::new(Counter(2)));
    let fault = server.handle(NOW, Level::Plain, &message, &mut flight).unwrap_err();
    assert!(flight.steps.is_empty() && server.wanted().is_none());
    fault
}

#[test]
fn a_client_hello_keeps_to_quics_rules() {
    // spec: 9001-8.1-c spec: 9001-8.2-b spec: 9001-8.4-b spec: 9001-4.2-b
    let missing = Fault::MissingExtension(ExtensionType::QUIC_TRANSPORT_PARAMETERS);
    let cases: [(Fault, Alert, Change); 4] = [
        (Fault::MiddleboxCompatibility, Alert::ILLEGAL_PARAMETER, |hello| hello.legacy_session_id = &[7; 32]),
        (missing, Alert::MISSING_EXTENSION, |hello| hello.extensions.quic_transport_parameters = None),
        (Fault::NoCommonProtocol, Alert::NO_APPLICATION_PROTOCOL, |hello| {
            hello.extensions.application_layer_protocol_negotiation = None;
        }),
        (Fault::NoCommonVersion, Alert::PROTOCOL_VERSION, |hello| {
            hello.extensions.supported_versions = Some(List::Items(&[0x0303]));
        }),
    ];
    for (expected, alert, change) in cases {
        assert_eq!(expected.alert(), alert);
        let options = server::Options { without_alpn: WithoutAlpn::Allow, ..server() };
        assert_eq!(fault(options, change), expected);
    }
}

#[test]
fn a_server_without_a_common_protocol_refuses_everybody() {
    // spec: 9001-8.1-c
    for alpn in [Vec::new(), vec![b"h2".to_vec()]] {
        assert_eq!(fault(server::Options { alpn, ..server() }, |_| {}), Fault::NoCommonProtocol);
    }
}

#[test]
fn transport_parameters_are_refused_where_quic_is_not() {
    // spec: 9001-8.2-c
    let (client, server) = over_tcp();
    let result = tcp::Pair::new(client, server).run_with(|from, _, message| {
        if from == Side::Client && message[0] == HandshakeType::CLIENT_HELLO.0 {
            *message = changed(message, |hello| hello.extensions.quic_transport_parameters = Some(OF_CLIENT));
        }
    });
    let (side, fault) = result.unwrap_err();
    assert_eq!((side, &fault), (Side::Server, &Fault::TransportParametersOutsideQuic));
    assert_eq!(fault.alert(), Alert::UNSUPPORTED_EXTENSION);
}

#[test]
fn the_second_client_hello_repeats_the_parameters() {
    let other: Change = |hello| hello.extensions.quic_transport_parameters = Some(b"others");
    let none: Change = |hello| hello.extensions.quic_transport_parameters = None;
    let session_id: Change = |hello| hello.legacy_session_id = &[7; 32];
    for change in [other, none, session_id] {
        let options = server::Options { groups: vec![0x0018], ..server() };
        let mut pair = Pair::with(client(), options);
        pair.turn(Side::Client).unwrap();
        pair.turn(Side::Server).unwrap();
        let (_, bytes, delivered) = &mut pair.client.sent[0];
        let second = changed(&bytes[*delivered..], change);
        bytes.truncate(*delivered);
        bytes.extend(second);
        assert_eq!(pair.run().unwrap_err(), (Side::Server, Fault::ChangedClientHello));
    }
}

#[test]
fn nothing_may_follow_a_client_hello_under_the_same_keys() {
    // spec: 9001-4.1.3-a
    let mut pair = Pair::new();
    pair.client.sent[0].1.push(1);
    assert_eq!(pair.run().unwrap_err(), (Side::Server, Fault::MessageSpansKeyChange));
    // The same while the owner has not answered.
    let mut pair = Pair::new();
    let hello = pair.client.bytes(Level::Plain).to_vec();
    pair.server.handle(Level::Plain, &hello).unwrap();
    pair.server.handle(Level::Plain, &[1]).unwrap();
    assert_eq!(pair.server.answer(Owner::default().answer()), Err(Fault::MessageSpansKeyChange));
    // What a KeyUpdate is called does not depend on where it stands.
    let mut pair = Pair::new();
    pair.client.sent[0].1.push(HandshakeType::KEY_UPDATE.0);
    let fault = Fault::UnexpectedMessage(HandshakeType::KEY_UPDATE); // spec: 9001-6-b
    assert_eq!(pair.run().unwrap_err(), (Side::Server, fault));
}

#[test]
fn an_end_of_early_data_is_unexpected_at_every_level() {
    // spec: 9001-8.3-b
    let end = [HandshakeType::END_OF_EARLY_DATA.0, 0, 0, 0];
    for level in [Level::Plain, Level::EarlyData, Level::Handshake, Level::Application] {
        let mut pair = super::early_data::pair();
        pair.turn(Side::Client).unwrap();
        let fault = Fault::UnexpectedMessage(HandshakeType::END_OF_EARLY_DATA);
        assert_eq!(pair.server.handle(level, &end), Err(fault), "{level:?}");
    }
}

#[test]
fn an_owner_that_answers_too_much_ends_the_handshake() {
    let cases = [(4_096, 256, true), (4_097, 256, false), (4_096, 257, false)];
    for (parameters, remembered, fits) in cases {
        let mut pair = Pair::new();
        pair.owner.parameters = vec![1; parameters];
        pair.owner.remembered = vec![2; remembered];
        let result = pair.run();
        assert_eq!(result.is_ok(), fits, "{result:?}");
        assert!(fits || matches!(result, Err((Side::Server, Fault::Internal(_)))));
    }
}

#[test]
fn an_owner_that_finds_a_fault_answers_nothing() {
    let mut pair = Pair::new();
    let hello = pair.client.bytes(Level::Plain).to_vec();
    pair.server.handle(Level::Plain, &hello).unwrap();
    assert!(pair.server.handshake.wanted().is_some());
    assert!(pair.server.story.is_empty(), "nothing went out, and no secret exists");
}

#[test]
fn what_is_spoken_over_tcp_is_not_spoken_over_quic() {
    let (tcp_client, both) = over_tcp();
    let both =
        || server::Options { alpn: vec![b"h2".to_vec()], quic_alpn: vec![b"h3".to_vec()], ..both.clone() };
    assert!(Pair::with(client(), both()).run().is_ok());
    let asks_h2: Change = |hello| {
        let asked = &[Opaque8(b"h2")];
        hello.extensions.application_layer_protocol_negotiation = Some(List::Items(asked));
    };
    assert_eq!(fault(both(), asks_h2), Fault::NoCommonProtocol);
    let over_tcp = tcp::Pair::new(tcp_client, both()).run();
    assert_eq!(over_tcp, Err((Side::Server, Fault::NoCommonProtocol)));
}
