use super::pair::{AUTHORITY, Pair, Side, client_options, server_options};
use crate::{
    Fact, Fault, Level, Negotiated, RejectedCertificate, Step, client,
    extension::{CertificateRequestExtensions, List, ServerName},
    message::{CertificateRequest, Message},
    rules::NamedGroup,
    server::{self, UnknownName, WithoutAlpn},
};
use rcgen::PKCS_ECDSA_P384_SHA384;
use sakigake_crypto::Provider;

#[test]
fn a_client_and_a_server_agree() {
    // spec: 9846-4.2.2-e spec: 9846-4.2.2-f spec: 9846-4.2.3-b spec: 9846-4.3.1-m
    let mut pair = Pair::new(client_options(), server_options());
    pair.run().unwrap();
    assert!(pair.is_established());
    let negotiated = Fact::Negotiated(Negotiated {
        server_name: Some("example.com".into()), // spec: 9113-9.2-a
        alpn: Some(b"h2".to_vec()),
        suite: 0x1301,
        group: NamedGroup::X25519MLKEM768.0,
        is_resumed: false,
        is_client_asked: false,
        early_data: crate::EarlyData::None,
        note: None,
    });
    assert_eq!(pair.negotiated(), (&negotiated, &negotiated));
    assert_eq!(pair.from_client.facts[1..], [Fact::Established]);
    assert_eq!(pair.from_server.facts[1..], [Fact::Established]);
    let lines = |flight: &crate::Flight| flight.key_log.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(lines(&pair.from_client), lines(&pair.from_server));
    assert_eq!(pair.from_client.key_log.len(), 5);
}

#[test]
fn a_server_may_send_data_straight_after_its_flight() {
    // spec: 9846-4.4.1-l
    let mut pair = Pair::new(client_options(), server_options());
    let hello = match &pair.from_client.steps[0] {
        Step::Send { message, .. } => message.clone(),
        other => panic!("{other:?}"),
    };
    pair.server.handle(super::pair::NOW, Level::Plain, &hello, &mut pair.from_server).unwrap();
    let sent: Vec<(Level, u8)> = pair.from_server.steps.iter().filter_map(kind).collect();
    let flight = [8, 11, 15, 20].map(|kind| (Level::Handshake, kind));
    assert_eq!(sent, [&[(Level::Plain, 2)][..], &flight].concat());
    assert!(
        matches!(pair.from_server.steps.last(), Some(Step::WriteKey(secret)) if secret.level == Level::Application)
    );
    assert!(matches!(pair.from_server.facts[..], [Fact::Negotiated(_)]));
    assert!(!pair.server.is_established());
}

fn kind(step: &Step) -> Option<(Level, u8)> {
    match step {
        Step::Send { level, message } => Some((*level, message[0])),
        _ => None,
    }
}

#[test]
fn every_group_leads_to_an_end() {
    for group in super::pair::provider().groups {
        let groups = vec![group.id];
        let mut pair = Pair::new(
            client::Options { groups: groups.clone(), ..client_options() },
            server::Options { groups, ..server_options() },
        );
        pair.run().unwrap();
        assert!(pair.is_established(), "group {:#06x}", group.id);
    }
}

#[test]
fn every_group_can_be_asked_for_by_a_retry() {
    // spec: 9846-4.2.4-n spec: 9846-4.3.8-o
    let first = super::pair::provider().groups[0].id;
    for group in &super::pair::provider().groups[1..] {
        let server = server::Options { groups: vec![group.id], ..server_options() };
        let mut pair = Pair::new(client_options(), server);
        pair.run().unwrap();
        assert!(pair.is_established(), "group {:#06x} after {first:#06x}", group.id);
    }
}

#[test]
fn a_hybrids_component_serves_servers_without_the_hybrid() {
    let server = server::Options { groups: vec![NamedGroup::X25519.0], ..server_options() };
    let mut pair = Pair::new(client_options(), server);
    pair.run().unwrap();
    assert!(pair.is_established());
    assert_eq!(hellos(&pair), 1, "no retry");
}

fn hellos(pair: &Pair) -> usize {
    let plain = |step: &&Step| matches!(step, Step::Send { level: Level::Plain, .. });
    pair.from_client.steps.iter().filter(plain).count()
}

#[test]
fn every_suite_leads_to_an_end() {
    // spec: 9846-9.1-a
    for (index, suite) in super::pair::provider().suites.iter().enumerate() {
        let provider: &'static Provider = Box::leak(Box::new(Provider {
            name: "one suite",
            suites: &super::pair::provider().suites[index..=index],
            groups: super::pair::provider().groups,
            verifications: super::pair::provider().verifications,
            signing_key: super::pair::provider().signing_key,
        }));
        let mut pair = Pair::new(client_options(), server::Options { provider, ..server_options() });
        pair.run().unwrap();
        assert!(pair.is_established());
        let keys = pair.from_client.steps.iter().find_map(|step| match step {
            Step::WriteKey(secret) => Some(secret.suite.id),
            _ => None,
        });
        assert_eq!(keys, Some(suite.id));
    }
}

#[test]
fn the_protocol_is_the_servers_first_that_the_client_has() {
    let protocols = |names: &[&str]| names.iter().map(|name| name.as_bytes().to_vec()).collect::<Vec<_>>();
    let cases = [
        (vec!["http/1.1", "h2"], vec!["h2", "http/1.1"], WithoutAlpn::Refuse, Ok(Some("h2"))),
        (vec!["http/1.1"], vec!["h2", "http/1.1"], WithoutAlpn::Refuse, Ok(Some("http/1.1"))),
        (vec!["h2"], vec![], WithoutAlpn::Refuse, Ok(None)),
        (vec![], vec!["h2"], WithoutAlpn::Allow, Ok(None)),
        (vec![], vec!["h2"], WithoutAlpn::Refuse, Err(Fault::NoCommonProtocol)),
        (vec!["h3"], vec!["h2"], WithoutAlpn::Allow, Err(Fault::NoCommonProtocol)),
    ];
    for (client, server, without_alpn, expected) in cases {
        let mut pair = Pair::new(
            client::Options { alpn: protocols(&client), ..client_options() },
            server::Options { alpn: protocols(&server), without_alpn, ..server_options() },
        );
        let outcome = pair.run().map_err(|(_, fault)| fault).map(|()| match pair.negotiated().0 {
            Fact::Negotiated(negotiated) => negotiated.alpn.clone(),
            other => panic!("{other:?}"),
        });
        assert_eq!(
            outcome,
            expected.map(|name| name.map(|name| name.as_bytes().to_vec())),
            "{client:?} {server:?}"
        );
    }
}

#[test]
fn the_certificate_is_the_one_for_the_name() {
    let credentials = vec![
        AUTHORITY.credential(&["default.test"]),
        AUTHORITY.credential(&["*.example.com"]),
        AUTHORITY.credential(&["example.com"]),
    ];
    let cases = [
        ("example.com", UnknownName::Refuse, Ok(())),
        ("www.example.com", UnknownName::Refuse, Ok(())),
        ("WWW.Example.COM.", UnknownName::Refuse, Ok(())),
        ("a.b.example.com", UnknownName::Refuse, Err(Side::Server)),
        ("a.b.example.com", UnknownName::DefaultCredential, Err(Side::Client)),
        ("default.test", UnknownName::Refuse, Ok(())),
    ];
    for (name, unknown_name, expected) in cases {
        let server = server::Options { credentials: credentials.clone(), unknown_name, ..server_options() };
        let result = Pair::with_name(client_options(), server, name).run();
        assert_eq!(result.clone().map_err(|(side, _)| side), expected, "{name}: {result:?}");
    }
}

#[test]
fn an_address_is_judged_without_asking_for_it() {
    let mut pair = Pair::with_name(client_options(), server_options(), "192.0.2.7");
    pair.run().unwrap();
    assert!(matches!(&pair.from_server.facts[0], Fact::Negotiated(Negotiated { server_name: None, .. })));
    let refused = Pair::with_name(client_options(), server_options(), "192.0.2.8").run();
    assert!(matches!(
        refused,
        Err((Side::Client, Fault::CertificateRejected(RejectedCertificate::WrongName { .. })))
    ));
}

#[test]
fn an_address_in_server_name_counts_as_no_name() {
    for address in ["192.0.2.7", "192.0.2.8", "2001:db8::1"] {
        let options = server::Options { unknown_name: UnknownName::Refuse, ..server_options() };
        let mut pair = Pair::new(client_options(), options);
        let result = pair.run_with(|from, _, message| {
            let original = message.clone();
            if let (Side::Client, Ok(Message::ClientHello(mut hello))) = (from, Message::read(&original)) {
                hello.extensions.server_name = Some(ServerName(address));
                message.clear();
                hello.write(message);
            }
        });
        // The client sent another hello, which the server's signature does not cover.
        assert_eq!(result, Err((Side::Client, Fault::BadSignature)), "{address}");
        assert!(matches!(&pair.from_server.facts[0], Fact::Negotiated(Negotiated { server_name: None, .. })));
    }
}

#[test]
fn the_key_is_one_whose_signatures_the_client_takes() {
    // spec: 9846-4.5.2-l
    let p384 = AUTHORITY.credential_with(&["example.com"], &PKCS_ECDSA_P384_SHA384, |_| {});
    let p256 = AUTHORITY.credential(&["example.com"]);
    let schemes = |list: &'static [u16]| {
        let server = server::Options { credentials: vec![p384.clone(), p256.clone()], ..server_options() };
        let mut pair = Pair::new(client_options(), server);
        let result = pair.run_with(|_, _, message| {
            if let Ok(Message::ClientHello(mut hello)) = Message::read(&message.clone()) {
                hello.extensions.signature_algorithms = Some(List::Items(list));
                message.clear();
                hello.write(message);
            }
        });
        assert_eq!(result, Err((Side::Client, Fault::BadSignature)), "the ClientHello was changed");
        pair.from_server.steps.iter().find_map(|step| match step {
            Step::Send { message, .. } if message[0] == 15 => {
                Some(u16::from_be_bytes([message[4], message[5]]))
            }
            _ => None,
        })
    };
    assert_eq!(schemes(&[0x0403, 0x0503]), Some(0x0503));
    assert_eq!(schemes(&[0x0403, 0x0804]), Some(0x0403));
}

#[test]
fn a_requested_certificate_is_answered_with_none() {
    // spec: 9846-4.5.1-n spec: 9846-4.4.2-k
    let request = |context: &'static [u8]| {
        let mut message = Vec::new();
        let signature_algorithms = Some(List::Items(&[0x0403][..]));
        let extensions = CertificateRequestExtensions { signature_algorithms, ..Default::default() };
        CertificateRequest { certificate_request_context: context, extensions }.write(&mut message);
        message
    };
    // The request is put in, and only the client's parsing is looked at.
    for (context, expected) in [(&[][..], Fault::BadSignature), (&[1][..], Fault::WrongRequestContext)] {
        let mut pair = Pair::new(client_options(), server_options());
        let result = pair.run_with(|_, _, message| {
            if message[0] == 8 {
                message.extend(request(context));
            }
        });
        assert_eq!(result, Err((Side::Client, expected)));
    }
}

#[test]
fn without_grease_and_middleboxes_a_client_hello_is_plain() {
    // spec: 9846-4.2.2-k spec: 9846-4.3.1-k
    let plain = || client::Options { grease: false, middlebox: false, ..client_options() };
    let mut pair = Pair::new(plain(), server_options());
    let Step::Send { message, .. } = &pair.from_client.steps[0] else { panic!("no ClientHello") };
    let Ok(Message::ClientHello(hello)) = Message::read(message) else { panic!("no ClientHello") };
    assert!(hello.legacy_session_id.is_empty());
    assert_eq!(hello.extensions.supported_versions.unwrap().iter().collect::<Vec<_>>(), [0x0304]);
    let schemes: Vec<u16> = hello.extensions.signature_algorithms.unwrap().iter().collect();
    let first_pkcs1 = schemes.iter().position(|id| matches!(id, 0x0401 | 0x0501 | 0x0601)).unwrap();
    assert!(schemes[first_pkcs1..].iter().all(|id| matches!(id, 0x0401 | 0x0501 | 0x0601)), "{schemes:04x?}");
    assert!(!hello.extensions.order.iter().any(|raw| crate::rules::is_grease(raw.kind.0)));
    pair.run().unwrap();
    assert!(pair.is_established());
    let pair = Pair::new(client_options(), server_options());
    let Step::Send { message, .. } = &pair.from_client.steps[0] else { panic!("no ClientHello") };
    let Ok(Message::ClientHello(hello)) = Message::read(message) else { panic!("no ClientHello") };
    assert!(hello.legacy_session_id.len() == 32 && hello.legacy_session_id != hello.random);
}

#[test]
fn extensions_come_in_another_order_for_each_connection() {
    let order = |seed| {
        let mut flight = crate::Flight::default();
        let config = client_options().build().unwrap();
        let entropy = Box::new(super::pair::Counter(seed));
        crate::Handshake::client(config, "example.com", super::pair::NOW, entropy, &mut flight).unwrap();
        let Step::Send { message, .. } = &flight.steps[0] else { panic!("no ClientHello") };
        let Ok(Message::ClientHello(hello)) = Message::read(message) else { panic!("no ClientHello") };
        hello.extensions.order.iter().map(|raw| raw.kind).collect::<Vec<_>>()
    };
    assert_ne!(order(1), order(2));
    assert_eq!(order(3), order(3));
}

#[test]
fn any_split_of_the_bytes_will_do() {
    for step in [1, 7, 1_000] {
        let mut pair = Pair::new(client_options(), server_options());
        pair.in_pieces = step;
        pair.run().unwrap();
        assert!(pair.is_established());
    }
}

#[test]
fn the_fuzz_body_holds_on_its_corpus() {
    let mut retry = Pair::new(
        client_options(),
        server::Options { groups: vec![NamedGroup::SECP384R1.0], ..server_options() },
    );
    retry.run().unwrap();
    let messages = |flight: &crate::Flight| -> Vec<Vec<u8>> {
        let sent =
            |step: &Step| if let Step::Send { message, .. } = step { Some(message.clone()) } else { None };
        flight.steps.iter().filter_map(sent).collect()
    };
    let corpus = [messages(&retry.from_client), messages(&retry.from_server)].concat();
    for message in &corpus {
        for split in [0, 6, 255] {
            crate::fuzz::fuzz_handshake(&[&[split], message.as_slice()].concat());
            crate::fuzz::fuzz_handshake(&[&[split], message.as_slice(), message].concat());
        }
        for at in (0..message.len()).step_by(17) {
            let mut changed = [&[255], message.as_slice()].concat();
            changed[at + 1] ^= 1 << (at % 8);
            crate::fuzz::fuzz_handshake(&changed);
        }
    }
    crate::fuzz::fuzz_handshake(&[]);
}
