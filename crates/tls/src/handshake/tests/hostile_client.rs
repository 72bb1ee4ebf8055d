//! A client that lies, or wants what the server has not.

use super::pair::{Pair, Side, client_options, server_options};
use crate::{
    Fault,
    extension::{KeyShareEntry, List, OfferedPsks, Opaque8},
    message::{ClientHello, Message},
    rules::{ExtensionType, NamedGroup},
    server,
};

/// Turns an honest ClientHello into another one.
type Change = fn(&mut ClientHello<'_>);

/// The server's fault when `change` changes the `nth` ClientHello.
fn fault(server: server::Options, nth: usize, change: Change) -> Fault {
    let mut pair = Pair::new(client_options(), server);
    let mut seen = 0;
    let result = pair.run_with(|from, _, message| {
        if from == Side::Client && message[0] == 1 {
            if seen == nth {
                let original = message.clone();
                let Ok(Message::ClientHello(mut hello)) = Message::read(&original) else {
                    panic!("no ClientHello")
                };
                change(&mut hello);
                message.clear();
                hello.write(message);
            }
            seen += 1;
        }
    });
    let (side, fault) = result.expect_err("the server must not go on");
    assert_eq!(side, Side::Server);
    fault
}

const SHARE: KeyShareEntry<'static> = KeyShareEntry { group: NamedGroup::X25519.0, key_exchange: &[9; 32] };
const ZERO_SHARE: KeyShareEntry<'static> =
    KeyShareEntry { group: NamedGroup::X25519.0, key_exchange: &[0; 32] };
const SHORT_SHARE: KeyShareEntry<'static> =
    KeyShareEntry { group: NamedGroup::X25519.0, key_exchange: &[9; 31] };
const P256_SHARE: KeyShareEntry<'static> =
    KeyShareEntry { group: NamedGroup::SECP256R1.0, key_exchange: &[4; 65] };
const FFDHE_SHARE: KeyShareEntry<'static> =
    KeyShareEntry { group: NamedGroup::FFDHE2048.0, key_exchange: &[4; 256] };

#[test]
fn a_client_hello_must_have_what_the_handshake_needs() {
    // spec: 9846-4.2.1-k spec: 9846-9.2-k spec: 9846-4.3.8-n spec: 9846-4.3.9-k spec: 9846-2.1-a
    let cases: [(Fault, Change); 14] = [
        (Fault::NoCommonVersion, |hello| hello.extensions.supported_versions = None),
        (Fault::NoCommonVersion, |hello| {
            hello.extensions.supported_versions = Some(List::Items(&[0x0303, 0x7f1c]))
        }),
        (Fault::NoCommonCipherSuite, |hello| hello.cipher_suites = List::Items(&[0xc02f, 0x1304])),
        (Fault::MissingExtension(ExtensionType::SUPPORTED_GROUPS), |hello| {
            hello.extensions.supported_groups = None
        }),
        (Fault::MissingExtension(ExtensionType::KEY_SHARE), |hello| hello.extensions.key_share = None),
        (Fault::MissingExtension(ExtensionType::SIGNATURE_ALGORITHMS), |hello| {
            hello.extensions.signature_algorithms = None;
        }),
        (Fault::NoCommonGroup, |hello| {
            hello.extensions.supported_groups = Some(List::Items(&[0x0100, 0x0a0a]));
            hello.extensions.key_share = Some(List::Items(&[FFDHE_SHARE]));
        }),
        (Fault::BadKeyShares, |hello| hello.extensions.key_share = Some(List::Items(&[SHARE, SHARE]))),
        (Fault::BadKeyShares, |hello| hello.extensions.key_share = Some(List::Items(&[FFDHE_SHARE, SHARE]))),
        (Fault::BadKeyShare, |hello| hello.extensions.key_share = Some(List::Items(&[ZERO_SHARE]))),
        (Fault::BadKeyShare, |hello| hello.extensions.key_share = Some(List::Items(&[SHORT_SHARE]))),
        (Fault::NoCommonSignatureScheme, |hello| {
            hello.extensions.signature_algorithms = Some(List::Items(&[0x0804, 0x0401]));
        }),
        (Fault::NoCommonProtocol, |hello| {
            hello.extensions.application_layer_protocol_negotiation = Some(List::Items(&[Opaque8(b"h3")]));
        }),
        (Fault::NoCommonPskMode, |hello| {
            let identities =
                List::Items(&[crate::extension::PskIdentity { identity: b"x", obfuscated_ticket_age: 0 }]);
            let binders = List::Items(&[crate::extension::Binder(&[0; 32])]);
            hello.extensions.pre_shared_key = Some(OfferedPsks { identities, binders });
        }),
    ];
    for (index, (expected, change)) in cases.into_iter().enumerate() {
        assert_eq!(fault(server_options(), 0, change), expected, "case {index}");
    }
}

#[test]
fn a_second_client_hello_repeats_the_first() {
    // spec: 9846-4.2.2-m spec: 9846-4.3.10-k
    let retrying = || server::Options { groups: vec![NamedGroup::SECP384R1.0], ..server_options() };
    let cases: [(Fault, Change); 8] = [
        (Fault::ChangedClientHello, |hello| hello.random[0] ^= 1),
        (Fault::ChangedClientHello, |hello| hello.legacy_session_id = &[]),
        (Fault::ChangedClientHello, |hello| hello.cipher_suites = List::Items(&[0x1301])),
        (Fault::ChangedClientHello, |hello| hello.extensions.server_name = None),
        (Fault::ChangedClientHello, |hello| {
            hello.extensions.supported_versions = Some(List::Items(&[0x0304]))
        }),
        (Fault::ChangedClientHello, |hello| hello.extensions.key_share = Some(List::Items(&[]))),
        (Fault::ChangedClientHello, |hello| hello.extensions.key_share = Some(List::Items(&[P256_SHARE]))),
        (Fault::EarlyDataAfterRetry, |hello| hello.extensions.early_data = Some(())),
    ];
    for (index, (expected, change)) in cases.into_iter().enumerate() {
        assert_eq!(fault(retrying(), 1, change), expected, "case {index}");
    }
}

#[test]
fn a_wrong_finished_is_refused_by_a_server() {
    // spec: 9846-4.5.3-k
    let mut pair = Pair::new(client_options(), server_options());
    let result = pair.run_with(|from, _, message| {
        if from == Side::Client && message[0] == 20 {
            message[4] ^= 1;
        }
    });
    assert_eq!(result, Err((Side::Server, Fault::BadFinished)));
    assert!(pair.client.is_established() && !pair.server.is_established());
}

#[test]
fn unknown_values_are_ignored() {
    // spec: 9846-4.2.2-l
    let mut pair = Pair::new(client_options(), server_options());
    pair.run().unwrap(); // The client's GREASE stands in every list.
    let Ok(Message::ClientHello(hello)) = (match &pair.from_client.steps[0] {
        crate::Step::Send { message, .. } => Message::read(message),
        other => panic!("{other:?}"),
    }) else {
        panic!("no ClientHello")
    };
    let is_grease = |id: Option<u16>| crate::rules::is_grease(id.unwrap());
    assert!(is_grease(hello.cipher_suites.iter().next()));
    assert!(is_grease(hello.extensions.supported_groups.unwrap().iter().next()));
    assert!(is_grease(hello.extensions.supported_versions.unwrap().iter().next()));
    assert!(is_grease(hello.extensions.key_share.unwrap().iter().map(|share| share.group).next()));
    assert_eq!(hello.extensions.order.iter().filter(|raw| crate::rules::is_grease(raw.kind.0)).count(), 2);
}

#[test]
fn lists_full_of_unknown_values_hide_nothing() {
    // spec: 9846-4.2.2-l
    let unknown = |code: u16| (0x4000..0x6000).contains(&code);
    let fill = |ours: &mut dyn Iterator<Item = u16>| -> Vec<u16> { (0x4000..0x6000).chain(ours).collect() };
    let mut pair = Pair::new(client_options(), server_options());
    let mut sent = Vec::new();
    let result = pair.run_with(|from, _, message| {
        if from == Side::Client && message[0] == 1 {
            let original = message.clone();
            let Ok(Message::ClientHello(mut hello)) = Message::read(&original) else {
                panic!("no ClientHello")
            };
            let suites = fill(&mut hello.cipher_suites.iter());
            let groups = fill(&mut hello.extensions.supported_groups.unwrap().iter());
            let schemes = fill(&mut hello.extensions.signature_algorithms.unwrap().iter());
            let shares: Vec<KeyShareEntry<'_>> = (0x4000..0x4400)
                .map(|group| KeyShareEntry { group, key_exchange: &[1] })
                .chain(hello.extensions.key_share.unwrap().iter())
                .collect();
            hello.cipher_suites = List::Items(&suites);
            hello.extensions.supported_groups = Some(List::Items(&groups));
            hello.extensions.signature_algorithms = Some(List::Items(&schemes));
            hello.extensions.key_share = Some(List::Items(&shares));
            message.clear();
            hello.write(message);
            sent = message.clone();
        }
    });
    // The client did not send that hello, so that its keys are others; the server has found what it knows.
    assert_eq!(result, Err((Side::Client, Fault::BadSignature)));
    let Ok(Message::ClientHello(hello)) = Message::read(&sent) else { panic!("no ClientHello") };
    assert!(hello.cipher_suites.iter().any(unknown));
}
