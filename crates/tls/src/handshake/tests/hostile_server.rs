//! A server that lies: each of its messages changed, and what our client says to it.

use super::pair::{NOW, Pair, Side, client_options, server_options};
use crate::{
    Fault, Level, Limits, Step,
    extension::{KeyShareEntry, List, RawExtension},
    message::{
        Certificate, CertificateEntry, CertificateVerify, EncryptedExtensions, HelloRetryRequest, Message,
        ServerHello,
    },
    rules::{ExtensionType, HandshakeType, NamedGroup, SignatureScheme},
    server,
};

/// Turns an honest message into another one.
type Change = fn(&[u8]) -> Vec<u8>;

const UNKNOWN: ExtensionType = ExtensionType(0x1234);
const UNKNOWN_EXTENSION: &[RawExtension<'static>] = &[RawExtension { kind: UNKNOWN, data: &[1] }];

/// The client's fault when `change` changes the server's first message of type `kind`.
fn fault(server: server::Options, kind: HandshakeType, change: impl Fn(&[u8]) -> Vec<u8>) -> Fault {
    let mut pair = Pair::new(client_options(), server);
    let mut done = false;
    let result = pair.run_with(|from, _, message| {
        if from == Side::Server && message[0] == kind.0 && !done {
            *message = change(message);
            done = true;
        }
    });
    let (side, fault) = result.expect_err("the client must not go on");
    assert_eq!(side, Side::Client);
    fault
}

/// Changes one kind of message by its fields.
macro_rules! edit {
    ($variant:ident, $change:expr) => {
        |bytes: &[u8]| {
            let Ok(Message::$variant(mut message)) = Message::read(bytes) else {
                panic!("not the message meant")
            };
            let change: for<'a> fn(&mut $variant<'a>) = $change;
            change(&mut message);
            let mut out = Vec::new();
            message.write(&mut out);
            out
        }
    };
}

#[test]
fn a_server_hello_must_fit_the_client_hello() {
    // spec: 9846-4.2.3-k spec: 9846-4.2.3-l spec: 9846-4.3.8-m
    let cases: [(Fault, Change); 7] = [
        (Fault::SessionIdMismatch, edit!(ServerHello, |hello| hello.legacy_session_id_echo = &[7])),
        (Fault::UnofferedCipherSuite, edit!(ServerHello, |hello| hello.cipher_suite = 0x1304)),
        (
            Fault::UnofferedGroup,
            edit!(ServerHello, |hello| {
                hello.extensions.key_share =
                    Some(KeyShareEntry { group: NamedGroup::SECP521R1.0, key_exchange: &[4; 133] });
            }),
        ),
        (
            Fault::BadKeyShare,
            edit!(ServerHello, |hello| {
                hello.extensions.key_share =
                    Some(KeyShareEntry { group: NamedGroup::X25519.0, key_exchange: &[0; 32] });
            }),
        ),
        (
            Fault::MissingExtension(ExtensionType::KEY_SHARE),
            edit!(ServerHello, |hello| hello.extensions.key_share = None),
        ),
        (
            Fault::UnsolicitedExtension(ExtensionType::PRE_SHARED_KEY),
            edit!(ServerHello, |hello| hello.extensions.pre_shared_key = Some(0)),
        ),
        (
            Fault::UnsolicitedExtension(UNKNOWN),
            edit!(ServerHello, |hello| hello.extensions.order = List::Items(UNKNOWN_EXTENSION)),
        ),
    ];
    for (expected, change) in cases {
        assert_eq!(fault(server_options(), HandshakeType::SERVER_HELLO, change), expected);
    }
}

#[test]
fn encrypted_extensions_answer_what_was_asked() {
    // spec: 9846-4.4.1-k spec: 9846-4.3-m
    let cases: [(Fault, Change); 3] = [
        (
            Fault::UnofferedProtocol,
            edit!(EncryptedExtensions, |message| {
                message.extensions.application_layer_protocol_negotiation = Some(b"spdy/1");
            }),
        ),
        (
            Fault::UnsolicitedExtension(ExtensionType::EARLY_DATA),
            edit!(EncryptedExtensions, |message| message.extensions.early_data = Some(())),
        ),
        (
            Fault::UnsolicitedExtension(UNKNOWN),
            edit!(EncryptedExtensions, |message| message.extensions.order = List::Items(UNKNOWN_EXTENSION)),
        ),
    ];
    for (expected, change) in cases {
        assert_eq!(fault(server_options(), HandshakeType::ENCRYPTED_EXTENSIONS, change), expected);
    }
}

#[test]
fn a_certificate_message_is_a_chain_without_context_or_surprises() {
    // spec: 9846-4.5.1-k spec: 9846-4.5.1-l spec: 9846-4.5.1-m
    let cases: [(Fault, Change); 3] = [
        (
            Fault::WrongRequestContext,
            edit!(Certificate, |message| message.certificate_request_context = &[1]),
        ),
        (
            Fault::EmptyCertificateList,
            edit!(Certificate, |message| message.certificate_list = List::Items(&[])),
        ),
        (Fault::UnsolicitedExtension(ExtensionType::STATUS_REQUEST), with_status),
    ];
    for (expected, change) in cases {
        assert_eq!(fault(server_options(), HandshakeType::CERTIFICATE, change), expected);
    }
}

fn with_status(bytes: &[u8]) -> Vec<u8> {
    let Ok(Message::Certificate(message)) = Message::read(bytes) else { panic!("no Certificate") };
    let mut entries: Vec<CertificateEntry<'_>> = message.certificate_list.iter().collect();
    entries[0].extensions.status_request = Some(&[1]);
    let mut out = Vec::new();
    Certificate { certificate_list: List::Items(&entries), ..message }.write(&mut out);
    out
}

#[test]
fn a_chain_has_at_most_as_many_certificates_as_the_limit_says() {
    for (sent, expected) in [(3, Ok(())), (4, Err(Fault::TooManyParts))] {
        let limits = Limits { certificates: 3, ..Limits::default() };
        let options = crate::client::Options { limits, verifier: None, ..client_options() };
        let mut pair = Pair::new(options, server_options());
        let result = pair.run_with(|_, _, message| {
            if let Ok(Message::Certificate(read)) = Message::read(&message.clone()) {
                let entries = vec![read.certificate_list.iter().next().unwrap(); sent];
                message.clear();
                Certificate { certificate_list: List::Items(&entries), ..Certificate::default() }
                    .write(message);
            }
        });
        assert_eq!(result, expected.map_err(|fault| (Side::Client, fault)));
    }
}

#[test]
fn a_signature_is_the_leafs_over_this_handshake_with_an_offered_scheme() {
    // spec: 9846-4.5.2-m spec: 9846-4.5.2-o
    let cases: [(Fault, Change); 4] = [
        (
            Fault::UnofferedSignatureScheme,
            edit!(CertificateVerify, |message| message.algorithm = SignatureScheme::RSA_PKCS1_SHA256.0),
        ),
        (Fault::UnofferedSignatureScheme, edit!(CertificateVerify, |message| message.algorithm = 0x0a0a)),
        (
            Fault::BadSignature,
            edit!(CertificateVerify, |message| message.algorithm = SignatureScheme::RSA_PSS_RSAE_SHA256.0),
        ),
        (Fault::BadSignature, edit!(CertificateVerify, |message| message.signature = &[])),
    ];
    for (expected, change) in cases {
        assert_eq!(fault(server_options(), HandshakeType::CERTIFICATE_VERIFY, change), expected);
    }
}

#[test]
fn a_wrong_finished_is_refused() {
    // spec: 9846-4.5.3-k
    for change in [
        |bytes: &[u8]| [&bytes[..4], &vec![0; bytes.len() - 4]].concat(),
        |bytes: &[u8]| [&[20, 0, 0, 4], &bytes[4..8]].concat(),
        |_: &[u8]| vec![20, 0, 0, 0],
    ] {
        assert_eq!(fault(server_options(), HandshakeType::FINISHED, change), Fault::BadFinished);
    }
}

#[test]
fn no_changed_byte_of_the_servers_flight_goes_unnoticed() {
    let flight = |seed: usize| {
        let mut pair = Pair::new(client_options(), server_options());
        let mut at = 0;
        let result = pair.run_with(|from, _, message| {
            if from == Side::Server && (at..at + message.len()).contains(&seed) {
                message[seed - at] ^= 1 << (seed % 8);
            }
            at += if from == Side::Server { message.len() } else { 0 };
        });
        (result, pair.client.is_established(), at)
    };
    let (_, _, bytes) = flight(usize::MAX);
    for seed in (0..bytes).step_by(5) {
        let (result, is_established, bytes) = flight(seed);
        // A longer length in a header leaves the client waiting; all else is a fault. ECDSA's signatures differ in
        // length, so that the last bytes may be missing from a flight.
        assert!(!is_established || seed >= bytes, "byte {seed} of {bytes}: {result:?}");
    }
}

/// A server that takes no group which our client sends a share for.
fn retrying() -> server::Options {
    server::Options { groups: vec![NamedGroup::SECP384R1.0], ..server_options() }
}

#[test]
fn a_retry_must_change_something_and_ask_for_what_can_be_had() {
    // spec: 9846-4.2.4-k spec: 9846-4.3.8-k spec: 9846-4.3-k
    let cases: [(Fault, Change); 6] = [
        (Fault::RetryWithoutChange, edit!(HelloRetryRequest, |retry| retry.extensions.key_share = None)),
        (
            Fault::RetryForWrongGroup,
            edit!(HelloRetryRequest, |retry| retry.extensions.key_share = Some(NamedGroup::X25519.0)),
        ),
        (
            Fault::RetryForWrongGroup,
            edit!(HelloRetryRequest, |retry| retry.extensions.key_share = Some(NamedGroup::X25519MLKEM768.0)),
        ),
        (
            Fault::RetryForWrongGroup,
            edit!(HelloRetryRequest, |retry| retry.extensions.key_share = Some(NamedGroup::FFDHE2048.0)),
        ),
        (
            Fault::UnsolicitedExtension(UNKNOWN),
            edit!(HelloRetryRequest, |retry| retry.extensions.order = List::Items(UNKNOWN_EXTENSION)),
        ),
        (Fault::UnofferedCipherSuite, edit!(HelloRetryRequest, |retry| retry.cipher_suite = 0x1304)),
    ];
    for (expected, change) in cases {
        assert_eq!(fault(retrying(), HandshakeType::SERVER_HELLO, change), expected);
    }
}

/// The client's fault when `change` changes the answer to its second ClientHello; it also gets the HelloRetryRequest.
fn fault_after_retry(change: impl Fn(&[u8], &[u8]) -> Vec<u8>) -> Fault {
    let mut pair = Pair::new(client_options(), retrying());
    let mut retry = Vec::new();
    let result = pair.run_with(|from, _, message| {
        if from == Side::Server && message[0] == HandshakeType::SERVER_HELLO.0 {
            match retry.is_empty() {
                true => retry = message.clone(),
                false => *message = change(&retry, message),
            }
        }
    });
    let (side, fault) = result.expect_err("the client must not go on");
    assert_eq!(side, Side::Client);
    fault
}

#[test]
fn after_a_retry_the_server_keeps_its_word() {
    // spec: 9846-4.2.4-l spec: 9846-4.2.4-m spec: 9846-4.3.8-l
    assert_eq!(fault_after_retry(|retry, _| retry.to_vec()), Fault::SecondRetry);
    let other_suite = edit!(ServerHello, |hello| hello.cipher_suite = 0x1303);
    assert_eq!(fault_after_retry(|_, hello| other_suite(hello)), Fault::UnofferedCipherSuite);
    let other_group = edit!(ServerHello, |hello| {
        hello.extensions.key_share =
            Some(KeyShareEntry { group: NamedGroup::X25519.0, key_exchange: &[9; 32] });
    });
    assert_eq!(fault_after_retry(|_, hello| other_group(hello)), Fault::UnofferedGroup);
}

#[test]
fn a_cookie_comes_back_and_nothing_else_changes() {
    // spec: 9846-4.3.2-k
    let mut pair = Pair::new(client_options(), retrying());
    let cookie = edit!(HelloRetryRequest, |retry| {
        retry.extensions.cookie = Some(b"crumbs");
        retry.extensions.key_share = None;
    });
    // Our server sends no cookies and had asked for a share: it refuses what comes, which is not the point here.
    pair.run_with(|from, _, message| {
        if from == Side::Server {
            *message = cookie(message);
        }
    })
    .unwrap_err();
    let hellos: Vec<Vec<u8>> = pair.from_client.steps.iter().filter_map(sent).collect();
    let [Ok(Message::ClientHello(first)), Ok(Message::ClientHello(second))] =
        [&hellos[0], &hellos[1]].map(|hello| Message::read(hello))
    else {
        panic!("no two ClientHellos")
    };
    assert_eq!(second.extensions.cookie, Some(&b"crumbs"[..]));
    let others = |hello: &crate::message::ClientHello<'_>| -> Vec<(u16, Vec<u8>)> {
        let kept = hello.extensions.order.iter().filter(|raw| raw.kind != ExtensionType::COOKIE);
        kept.map(|raw| (raw.kind.0, raw.data.to_vec())).collect()
    };
    assert_eq!(others(&first), others(&second));
    assert_eq!((first.random, first.legacy_session_id), (second.random, second.legacy_session_id));
}

#[test]
fn a_cookie_too_long_for_a_client_hello_is_refused() {
    for (len, expected) in
        [(16_384, None), (16_385, Some(Fault::MessageTooLong)), (65_440, Some(Fault::MessageTooLong))]
    {
        let mut pair = Pair::new(client_options(), retrying());
        let cookie = vec![7; len];
        let result = pair.run_with(|from, _, message| {
            if from == Side::Server {
                let original = message.clone();
                let Ok(Message::HelloRetryRequest(mut retry)) = Message::read(&original) else { return };
                retry.extensions.cookie = Some(&cookie);
                message.clear();
                retry.write(message);
            }
        });
        // Our own server hashes another HelloRetryRequest than the client got, so that all ends sooner or later.
        let (side, fault) = result.unwrap_err();
        match expected {
            Some(expected) => assert_eq!((side, fault), (Side::Client, expected), "{len}"),
            None => assert_ne!(fault, Fault::MessageTooLong, "{len}"),
        }
    }
}

fn sent(step: &Step) -> Option<Vec<u8>> {
    match step {
        Step::Send { level: Level::Plain, message } => Some(message.clone()),
        _ => None,
    }
}

#[test]
fn bytes_left_where_the_keys_change_are_refused() {
    // spec: 9846-5.1-l
    let append = |bytes: &[u8]| [bytes, &[8, 0, 0, 2, 0, 0]].concat();
    assert_eq!(fault(server_options(), HandshakeType::SERVER_HELLO, append), Fault::MessageSpansKeyChange);
    assert_eq!(fault(server_options(), HandshakeType::FINISHED, append), Fault::MessageSpansKeyChange);
}

#[test]
fn a_message_under_the_wrong_keys_is_refused() {
    let mut pair = Pair::new(client_options(), server_options());
    for level in [Level::EarlyData, Level::Handshake, Level::Application] {
        let result = pair.server.handle(NOW, level, &[1, 0], &mut pair.from_server);
        let expected = if level == Level::EarlyData {
            Err(Fault::UnexpectedMessage(HandshakeType::CLIENT_HELLO))
        } else {
            Ok(())
        };
        assert_eq!(result, expected, "one fault, and silence after it");
    }
    assert_eq!(
        pair.client.handle(NOW, Level::Handshake, &[8], &mut pair.from_client),
        Err(Fault::UnexpectedMessage(HandshakeType::ENCRYPTED_EXTENSIONS))
    );
}
