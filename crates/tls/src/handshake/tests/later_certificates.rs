//! Clients that show who they are after the handshake.

use super::{
    client_certificates::{alice, asking, copy, policy, with},
    pair::{Counter, NOW, Pair, Side, client_options},
};
use crate::{
    Answer, Credential, Fact, Fault, Level, Limits, Misuse, Step, Verified, Wanted, client, compression,
    message::{CompressedCertificate, HEADER_BYTES, KeyUpdate, Message},
    rules::HandshakeType,
    server::{self, Demand},
};
use std::sync::Arc;

const HTTP_1_1: &[u8] = b"http/1.1";

fn client(credentials: Vec<Arc<Credential>>) -> client::Options {
    client::Options { post_handshake_auth: true, alpn: vec![HTTP_1_1.to_vec()], ..with(credentials) }
}

fn server() -> server::Options {
    server::Options { alpn: vec![HTTP_1_1.to_vec()], ..asking(policy(Demand::Later)) }
}

fn established(client: client::Options, server: server::Options) -> Pair {
    let mut pair = Pair::new(client, server);
    pair.run().unwrap();
    assert!(pair.is_established());
    assert!(
        !pair.from_server.facts.iter().any(|fact| matches!(fact, Fact::Authenticated(_))),
        "nobody was asked"
    );
    pair
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The subjects that the server has learned, each the answer to one request.
fn subjects(pair: &Pair) -> Vec<Option<String>> {
    let answers = pair.from_server.facts.iter();
    let answers = answers
        .filter_map(|fact| if let Fact::Authenticated(identity) = fact { Some(identity) } else { None });
    answers.map(|identity| identity.as_ref().map(|identity| identity.subject())).collect()
}

#[test]
fn a_client_answers_each_request_with_what_it_has() {
    // spec: 9846-4.7.2-a spec: 9846-4.4.2-c
    let mut pair = established(client(vec![alice()]), server());
    let mut contexts = Vec::new();
    for _ in 0..2 {
        pair.server.request_certificate(&mut pair.from_server).unwrap();
        let Some(Step::Send { level: Level::Application, message }) = pair.from_server.steps.last() else {
            panic!("no request")
        };
        let Ok(Message::CertificateRequest(request)) = Message::read(message) else { panic!("no request") };
        assert_eq!(request.certificate_request_context.len(), 32);
        contexts.push(request.certificate_request_context.to_vec());
        pair.run().unwrap();
    }
    assert_eq!(subjects(&pair), [Some("CN=alice".into()), Some("CN=alice".into())]);
    assert_ne!(contexts[0], contexts[1]);
    let mut pair = established(client(Vec::new()), server());
    pair.server.request_certificate(&mut pair.from_server).unwrap();
    pair.run().unwrap();
    assert_eq!(subjects(&pair), [None]);
}

#[test]
fn an_answer_after_the_handshake_goes_open_and_may_come_compressed() {
    // spec: 8879-3-a
    let client = client::Options { compressions: &compression::ALL, ..client(vec![alice()]) };
    let mut pair = established(client, server());
    pair.server.request_certificate(&mut pair.from_server).unwrap();
    let mut kinds = Vec::new();
    let mut compressed = Vec::new();
    let outcome = pair.run_with(|from, _, message| {
        if from == Side::Client {
            kinds.push(message[0]);
            if message[0] == HandshakeType::CERTIFICATE.0 {
                let body = message[HEADER_BYTES..].to_vec();
                let by_zlib = zlib(&body);
                compressed.clear();
                CompressedCertificate {
                    algorithm: 1,
                    uncompressed_length: body.len() as u32,
                    compressed_certificate_message: &by_zlib,
                }
                .write(&mut compressed);
                message.clone_from(&compressed);
            }
        }
    });
    assert_eq!(kinds, [11, 15]);
    // The chain was taken; what was signed is the open message.
    assert_eq!(outcome, Err((Side::Server, Fault::BadSignature)));
}

#[test]
fn it_works_under_later_keys_too() {
    let mut pair = established(client(vec![alice()]), server());
    pair.client.update_keys(&mut pair.from_client);
    pair.run().unwrap();
    pair.server.request_certificate(&mut pair.from_server).unwrap();
    pair.server.update_keys(&mut pair.from_server);
    pair.run().unwrap();
    assert_eq!(subjects(&pair), [Some("CN=alice".into())]);
}

#[test]
fn nobody_is_asked_who_did_not_offer_it_or_must_not_be() {
    // spec: 9846-4.3.6-a spec: 9113-9.2.3-b
    let no_offer = client::Options { post_handshake_auth: false, ..client(vec![alice()]) };
    let h2 = || vec![b"h2".to_vec()];
    let cases = [
        ("no offer", no_offer, server()),
        (
            "HTTP/2",
            client::Options { alpn: h2(), ..client(Vec::new()) },
            server::Options { alpn: h2(), ..server() },
        ),
        ("no policy", client(Vec::new()), server::Options { client_authentication: Vec::new(), ..server() }),
    ];
    for (name, client, server) in cases {
        let mut pair = established(client, server);
        let steps = pair.from_server.steps.len();
        assert_eq!(pair.server.request_certificate(&mut pair.from_server), Err(Misuse::Request), "{name}");
        assert_eq!(pair.from_server.steps.len(), steps);
    }
    let mut pair = Pair::new(client(Vec::new()), server());
    assert_eq!(pair.server.request_certificate(&mut pair.from_server), Err(Misuse::Request), "too early");
    assert_eq!(pair.client.request_certificate(&mut pair.from_client), Err(Misuse::Request), "a client");
    let mut pair = established(client(Vec::new()), server());
    pair.server.request_certificate(&mut pair.from_server).unwrap();
    assert_eq!(pair.server.request_certificate(&mut pair.from_server), Err(Misuse::Request), "one at a time");
}

#[test]
fn the_offer_is_made_only_where_no_protocol_forbids_it() {
    for (alpn, expected) in [
        (vec![HTTP_1_1.to_vec()], true),
        (Vec::new(), true),
        (vec![b"h2".to_vec(), HTTP_1_1.to_vec()], false),
        (vec![b"h3".to_vec()], false),
    ] {
        let pair = Pair::new(client::Options { alpn, ..client(Vec::new()) }, server());
        let Step::Send { message, .. } = &pair.from_client.steps[0] else { panic!("no ClientHello") };
        let Ok(Message::ClientHello(hello)) = Message::read(message) else { panic!("no ClientHello") };
        assert_eq!(hello.extensions.post_handshake_auth.is_some(), expected);
    }
}

/// A request as another server would send it.
fn request() -> Vec<u8> {
    vec![13, 0, 0, 12, 1, 9, 0, 8, 0, 13, 0, 4, 0, 2, 4, 3]
}

#[test]
fn an_unsolicited_request_is_unexpected() {
    // spec: 9846-4.7.2-k
    let no_offer = client::Options { post_handshake_auth: false, ..client(vec![alice()]) };
    let mut pair = established(no_offer, server());
    let result = pair.client.handle(NOW, Level::Application, &request(), &mut pair.from_client);
    assert_eq!(result, Err(Fault::UnexpectedMessage(HandshakeType::CERTIFICATE_REQUEST)));
}

#[test]
fn a_request_over_http_2_is_told_and_not_answered() {
    // spec: 9113-9.2.3-a
    let mut pair = Pair::new(client_options(), asking(policy(Demand::Later)));
    pair.run().unwrap();
    let steps = pair.from_client.steps.len();
    pair.client.handle(NOW, Level::Application, &request(), &mut pair.from_client).unwrap();
    assert_eq!(pair.from_client.facts.last(), Some(&Fact::BarredRequest));
    assert_eq!(pair.from_client.steps.len(), steps);
}

#[test]
fn requests_without_end_are_refused() {
    let limits = Limits { certificate_requests_per_10_s: 2, ..Limits::default() };
    let mut pair = established(client::Options { limits, ..client(Vec::new()) }, server());
    let mut ask = || pair.client.handle(NOW, Level::Application, &request(), &mut pair.from_client);
    assert_eq!((ask(), ask()), (Ok(()), Ok(())));
    assert_eq!(ask(), Err(Fault::TooManyPostHandshakeMessages));
}

/// The client's answer, delivered but for its last messages, of which there are so many.
fn amid(missing: usize) -> (Pair, Vec<Vec<u8>>) {
    let mut pair = established(client(vec![alice()]), server());
    pair.server.request_certificate(&mut pair.from_server).unwrap();
    let Some(Step::Send { message, .. }) = pair.from_server.steps.last() else { panic!("no request") };
    let message = message.clone();
    let before = pair.from_client.steps.len();
    pair.client.handle(NOW, Level::Application, &message, &mut pair.from_client).unwrap();
    let mut messages: Vec<Vec<u8>> = pair.from_client.steps[before..]
        .iter()
        .filter_map(|step| if let Step::Send { message, .. } = step { Some(message.clone()) } else { None })
        .collect();
    assert_eq!(messages.iter().map(|message| message[0]).collect::<Vec<_>>(), [11, 15, 20]);
    let rest = messages.split_off(messages.len() - missing);
    for message in messages {
        pair.server.handle(NOW, Level::Application, &message, &mut pair.from_server).unwrap();
    }
    (pair, rest)
}

#[test]
fn nothing_stands_between_the_messages_of_an_answer() {
    // spec: 9846-4.7.2-b
    let mut update = Vec::new();
    KeyUpdate { update_requested: false }.write(&mut update);
    for (missing, allowed) in [(3, true), (2, false), (1, false), (0, true)] {
        let (mut pair, _) = amid(missing);
        assert_eq!(pair.server.is_amid_authentication(), !allowed, "{missing}");
        let result = pair.server.handle(NOW, Level::Application, &update, &mut pair.from_server);
        assert_eq!(result.is_ok(), allowed, "{missing}: {result:?}");
    }
}

#[test]
fn what_an_answer_gets_wrong_has_its_fault() {
    // spec: 9846-4.5.3-k
    let cases: [(usize, usize, Fault); 3] = [
        (3, HEADER_BYTES + 1, Fault::WrongRequestContext),
        (2, HEADER_BYTES + 6, Fault::BadSignature),
        (1, HEADER_BYTES, Fault::BadFinished),
    ];
    for (missing, at, expected) in cases {
        let (mut pair, mut rest) = amid(missing);
        rest[0][at] ^= 1;
        let result = pair.server.handle(NOW, Level::Application, &rest[0], &mut pair.from_server);
        assert_eq!(result, Err(expected));
        assert!(subjects(&pair).is_empty());
    }
}

#[test]
fn an_answer_that_nobody_asked_for_is_unexpected() {
    let (_, answer) = amid(3);
    let mut pair = established(client(vec![alice()]), server());
    let result = pair.server.handle(NOW, Level::Application, &answer[0], &mut pair.from_server);
    assert_eq!(result, Err(Fault::UnexpectedMessage(HandshakeType::CERTIFICATE)));
}

#[test]
fn owners_may_sign_and_judge_later() {
    let alice = alice();
    let unsigned = Arc::new(Credential { signer: None, ..copy(&alice) });
    let mut server = server();
    server.client_authentication =
        vec![Arc::new(server::ClientAuthentication { verifier: None, ..policy(Demand::Later) })];
    let mut pair = established(client(vec![unsigned]), server);
    pair.server.request_certificate(&mut pair.from_server).unwrap();
    pair.run().unwrap();
    let Some(Wanted::Signature { scheme, message, .. }) = pair.client.wanted().cloned() else {
        panic!("no question")
    };
    let signature = alice.signer.as_ref().unwrap().sign(scheme, &message, &mut Counter(3));
    pair.client.answer(NOW, Answer::Signature(signature), &mut pair.from_client).unwrap();
    pair.run().unwrap();
    assert!(matches!(pair.server.wanted(), Some(Wanted::VerifyClient { .. })));
    pair.server.answer(NOW, Answer::Verify(Ok(Verified)), &mut pair.from_server).unwrap();
    pair.run().unwrap();
    assert_eq!(subjects(&pair), [Some("CN=alice".into())]);
}
