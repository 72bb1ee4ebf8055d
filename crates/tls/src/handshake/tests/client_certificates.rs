//! Clients that show who they are, within the handshake.

use super::pair::{
    AUTHORITY, Counter, NOW, Pair, Side, UNIX_SECS, client_options, provider, server_options, web_pki,
};
use crate::{
    Answer, ClientVerifier, Credential, Fact, Fault, Identity, Level, Limits, Misuse, RejectedCertificate,
    Step, Verified, Wanted, WebPki, client,
    extension::{CertificateEntryExtensions, CertificateRequestExtensions, List, OidFilter, Opaque16},
    message::{Certificate, CertificateEntry, CertificateRequest, CertificateVerify, Message},
    rules::{ExtensionType, HandshakeType},
    server::{self, ClientAuthentication, Demand},
};
use rcgen::{
    CertificateParams, ExtendedKeyUsagePurpose, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ED25519,
    SignatureAlgorithm,
};
use std::sync::Arc;

pub(crate) fn policy(demand: Demand) -> ClientAuthentication {
    ClientAuthentication {
        hosts: Vec::new(),
        is_default: true,
        demand,
        verifier: Some(web_pki()),
        authorities: web_pki().authorities(),
    }
}

pub(crate) fn asking(policy: ClientAuthentication) -> server::Options {
    server::Options {
        client_authentication: vec![Arc::new(policy)],
        unix_secs_at_start: UNIX_SECS,
        ..server_options()
    }
}

pub(crate) fn alice() -> Arc<Credential> {
    credential(&PKCS_ECDSA_P256_SHA256, |_| {})
}

/// One that compression makes shorter, whatever its key and its signature are.
pub(crate) fn wordy() -> Arc<Credential> {
    credential(&PKCS_ECDSA_P256_SHA256, |params| {
        params.distinguished_name.push(rcgen::DnType::OrganizationName, "of the house ".repeat(4));
    })
}

fn credential(
    algorithm: &'static SignatureAlgorithm,
    change: impl FnOnce(&mut CertificateParams),
) -> Arc<Credential> {
    AUTHORITY.credential_with(&[], algorithm, |params| {
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::CommonName, "alice");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        change(params);
    })
}

pub(crate) fn with(credentials: Vec<Arc<Credential>>) -> client::Options {
    client::Options { credentials, ..client_options() }
}

/// Who the client was, as the server told before the end of the handshake.
fn identity(pair: &Pair) -> Option<&Identity> {
    let before = pair.from_server.facts.iter().take_while(|fact| **fact != Fact::Established);
    before
        .filter_map(|fact| if let Fact::Authenticated(identity) = fact { identity.as_ref() } else { None })
        .next()
}

fn types(steps: &[Step]) -> Vec<u8> {
    steps
        .iter()
        .filter_map(|step| if let Step::Send { message, .. } = step { Some(message[0]) } else { None })
        .collect()
}

#[test]
fn a_client_shows_what_it_has_and_the_server_knows_it() {
    // spec: 9846-4.5.1-o spec: 9846-4.5.1-q spec: 9846-4.5.2-s spec: 9846-4.4.2-b
    for demand in [Demand::Optional, Demand::Required] {
        let alice = alice();
        let mut pair = Pair::new(with(vec![alice.clone()]), asking(policy(demand)));
        pair.run().unwrap();
        assert!(pair.is_established());
        let identity = identity(&pair).expect("the client showed a certificate");
        assert_eq!((identity.chain(), identity.leaf()), (&alice.chain[..], &alice.chain[0][..]));
        assert_eq!(identity.subject(), "CN=alice");
        assert_eq!(types(&pair.from_server.steps), [2, 8, 13, 11, 15, 20]);
        assert_eq!(types(&pair.from_client.steps), [1, 11, 15, 20]);
        let Fact::Negotiated(negotiated) = &pair.from_server.facts[0] else { panic!("nothing negotiated") };
        assert!(negotiated.is_client_asked);
    }
}

#[test]
fn whoever_has_nothing_to_show_is_nobody_or_refused() {
    // spec: 9846-4.5.1-n spec: 9846-4.5.1.3-b
    let mut pair = Pair::new(with(Vec::new()), asking(policy(Demand::Optional)));
    pair.run().unwrap();
    assert!(pair.is_established() && identity(&pair).is_none());
    assert_eq!(types(&pair.from_client.steps), [1, 11, 20]);
    let mut pair = Pair::new(with(Vec::new()), asking(policy(Demand::Required)));
    assert_eq!(pair.run(), Err((Side::Server, Fault::CertificateRequired)));
    assert_eq!(Fault::CertificateRequired.alert().to_string(), "certificate_required");
}

#[test]
fn a_server_asks_only_where_its_host_does() {
    let only = |hosts: &[&str]| ClientAuthentication {
        hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        is_default: hosts.is_empty(),
        ..policy(Demand::Required)
    };
    let asks = |hosts: &[&str], name: &str| {
        let mut pair = Pair::with_name(with(Vec::new()), asking(only(hosts)), name);
        pair.run().is_err()
    };
    assert!(asks(&["example.com"], "example.com"));
    assert!(!asks(&["example.com"], "www.example.com"));
    assert!(asks(&["*.example.com"], "www.example.com"));
    assert!(!asks(&["*.example.com"], "192.0.2.7"), "without SNI no host is named");
    assert!(asks(&[], "192.0.2.7"));
}

#[test]
fn a_connection_answers_for_another_host_only_where_clients_are_asked_the_same_way() {
    let private = Arc::new(ClientAuthentication {
        hosts: vec!["a.example.com".into(), "b.example.com".into()],
        is_default: false,
        ..policy(Demand::Required)
    });
    let never = |hosts: &[&str]| ClientAuthentication {
        hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        ..policy(Demand::Never)
    };
    let wild = Arc::new(ClientAuthentication { hosts: vec!["*.b.example.com".into()], ..(*private).clone() });
    let open = Arc::new(ClientAuthentication { is_default: false, ..never(&["open.b.example.com"]) });
    let client_authentication = vec![private, wild, open, Arc::new(never(&[]))];
    let config = server::Options { client_authentication, ..server_options() }.build().unwrap();
    assert!(config.client_authentication(Some("x.b.example.com")).is_some());
    assert!(config.client_authentication(Some("open.b.example.com")).is_none());
    let cases = [
        (Some("a.example.com"), "b.example.com", true),
        (Some("a.example.com"), "c.example.com", false),
        (Some("c.example.com"), "a.example.com", false),
        (Some("c.example.com"), "d.example.com", true),
        (None, "a.example.com", false),
        (None, "example.com", true),
        (Some("a.example.com"), "a.example.com", true),
    ];
    for (shown, host, expected) in cases {
        assert_eq!(config.may_answer(shown, host), expected, "{shown:?} {host}");
    }
}

#[test]
fn each_bad_chain_has_its_alert() {
    // spec: 9846-4.5.1.2-o
    let refused = |credential, policy, alert: &str| {
        let mut pair = Pair::new(with(vec![credential]), asking(policy));
        let (side, fault) = pair.run().unwrap_err();
        assert_eq!((side, fault.alert().to_string().as_str()), (Side::Server, alert), "{fault:?}");
    };
    let required = || ClientAuthentication { authorities: Vec::new(), ..policy(Demand::Required) };
    let strangers = WebPki::new(provider());
    refused(
        alice(),
        ClientAuthentication { verifier: Some(Arc::new(strangers)), ..required() },
        "unknown_ca",
    );
    let for_servers = credential(&PKCS_ECDSA_P256_SHA256, |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });
    refused(for_servers, required(), "unsupported_certificate");
    let old =
        credential(&PKCS_ECDSA_P256_SHA256, |params| params.not_after = rcgen::date_time_ymd(2001, 1, 1));
    refused(old, required(), "certificate_expired");
    let broken = Credential { chain: vec![vec![0x30, 0]], ..copy(&alice()) };
    refused(Arc::new(broken), required(), "bad_certificate");
    let mut verifier = WebPki::new(provider());
    verifier.trust(&AUTHORITY.der).unwrap();
    let alice = alice();
    verifier.revoke(&AUTHORITY.revokes(&alice.chain[0])).unwrap();
    refused(
        alice,
        ClientAuthentication { verifier: Some(Arc::new(verifier)), ..required() },
        "certificate_revoked",
    );
}

#[test]
fn what_no_list_names_is_not_revoked() {
    let mut verifier = WebPki::new(provider());
    verifier.trust(&AUTHORITY.der).unwrap();
    verifier.revoke(&AUTHORITY.revokes(&alice().chain[0])).unwrap();
    let other = credential(&PKCS_ECDSA_P256_SHA256, |params| params.serial_number = Some(vec![7; 8].into()));
    assert_eq!(verifier.verify_client(&[&other.chain[0]], UNIX_SECS), Ok(Verified));
    assert!(verifier.revoke(b"no list").is_err());
}

pub(crate) fn copy(credential: &Credential) -> Credential {
    Credential {
        chain: credential.chain.clone(),
        signer: credential.signer.clone(),
        schemes: credential.schemes.clone(),
        signed_with: credential.signed_with.clone(),
        names: credential.names.clone(),
        ..Credential::default()
    }
}

/// What a client with these credentials shows to a request with these extensions.
fn shown(credentials: &[&Arc<Credential>], extensions: CertificateRequestExtensions<'_>) -> Option<Vec<u8>> {
    let credentials = credentials.iter().map(|credential| Arc::clone(credential)).collect();
    let mut message = Vec::new();
    CertificateRequest { extensions, ..CertificateRequest::default() }.write(&mut message);
    client::shown(&with(credentials).build().unwrap(), &message)
}

#[test]
fn the_request_chooses_among_credentials() {
    // spec: 9846-4.5.2-p spec: 9846-4.5.1.2-p
    let (p256, ed25519) = (alice(), credential(&PKCS_ED25519, |_| {}));
    let both = [&p256, &ed25519];
    let leaf = |credential: &Credential| Some(credential.chain[0].clone());
    let schemes = |schemes| CertificateRequestExtensions {
        signature_algorithms: Some(List::Items(schemes)),
        ..CertificateRequestExtensions::default()
    };
    assert_eq!(shown(&both, schemes(&[0x0807, 0x0403])), leaf(&p256), "our order counts");
    assert_eq!(shown(&both, schemes(&[0x0807])), leaf(&ed25519));
    assert_eq!(shown(&both, schemes(&[0x0804])), None);
    assert_eq!(shown(&[], schemes(&[0x0403])), None);
    let authority = web_pki().authorities().remove(0);
    for (name, expected) in [(&authority[..], leaf(&p256)), (b"\x30\x02\x31\x00", None), (b"no name", None)] {
        let names = [Opaque16(b"\x30\x00"), Opaque16(name)];
        let extensions = CertificateRequestExtensions {
            certificate_authorities: Some(List::Items(&names)),
            ..schemes(&[0x0403])
        };
        assert_eq!(shown(&both, extensions), expected, "{name:x?}");
    }
}

#[test]
fn filters_name_extensions_that_the_leaf_must_have() {
    // spec: 9846-4.3.5-b spec: 9846-4.3.5-c spec: 9846-4.5.1.2-q
    const KEY_USAGE: &[u8] = &[6, 3, 0x55, 0x1d, 0x0f];
    const PURPOSES: &[u8] = &[6, 3, 0x55, 0x1d, 0x25];
    const UNKNOWN: &[u8] = &[6, 3, 0x55, 0x1d, 0x7f];
    const CLIENT_AUTH: &[u8] = &[0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2];
    const SERVER_AUTH: &[u8] = &[0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1];
    let cases: [(&[u8], &[u8], bool); 10] = [
        (KEY_USAGE, &[3, 2, 7, 0x80], true),
        (KEY_USAGE, &[3, 2, 5, 0xa0], false),
        (KEY_USAGE, &[], true),
        (KEY_USAGE, b"no bits", false),
        (PURPOSES, CLIENT_AUTH, true),
        (PURPOSES, SERVER_AUTH, false),
        (PURPOSES, &[0x30, 0], true),
        (PURPOSES, &[0x30, 3, 6, 1], false),
        (UNKNOWN, b"whatever", true),
        (b"no identifier", b"", true),
    ];
    let alice = alice();
    let bare = AUTHORITY.credential(&["example.com"]);
    for (oid, values, fits) in cases {
        let filters = [OidFilter { oid, values }];
        let extensions = || CertificateRequestExtensions {
            signature_algorithms: Some(List::Items(&[0x0403])),
            oid_filters: Some(List::Items(&filters)),
            ..CertificateRequestExtensions::default()
        };
        assert_eq!(shown(&[&alice], extensions()).is_some(), fits, "{oid:x?} {values:x?}");
        let is_passed_over = oid == UNKNOWN || oid == b"no identifier";
        assert_eq!(shown(&[&bare], extensions()).is_some(), is_passed_over, "{oid:x?} {values:x?}");
    }
}

/// What the server makes of a client whose message of that type is another one.
fn fault(kind: HandshakeType, change: impl Fn(&mut Vec<u8>)) -> Fault {
    let mut pair = Pair::new(with(vec![alice()]), asking(policy(Demand::Required)));
    let result = pair.run_with(|from, _, message| {
        if from == Side::Client && message[0] == kind.0 {
            change(message);
        }
    });
    let (side, fault) = result.unwrap_err();
    assert_eq!(side, Side::Server);
    fault
}

#[test]
fn what_a_client_gets_wrong_has_its_fault() {
    // spec: 9846-4.5.1-r spec: 9846-4.5.1-p spec: 9846-4.5.2-q spec: 9846-4.5.2-r
    let rewrite = |message: &mut Vec<u8>, change: &dyn Fn(&mut Certificate<'_>)| {
        let copy = message.clone();
        let Ok(Message::Certificate(mut certificate)) = Message::read(&copy) else {
            panic!("no Certificate")
        };
        change(&mut certificate);
        message.clear();
        certificate.write(message);
    };
    let context = fault(HandshakeType::CERTIFICATE, |message| {
        rewrite(message, &|certificate| certificate.certificate_request_context = &[1]);
    });
    assert_eq!(
        (context.alert().to_string().as_str(), context),
        ("illegal_parameter", Fault::WrongRequestContext)
    );
    let status = fault(HandshakeType::CERTIFICATE, |message| {
        let extensions = CertificateEntryExtensions { status_request: Some(&[1]), ..Default::default() };
        let entry = [CertificateEntry { cert_data: &[0x30], extensions }];
        let list = List::Items(&entry);
        let mut bytes = Vec::new();
        Certificate { certificate_list: list, ..Certificate::default() }.write(&mut bytes);
        *message = bytes;
    });
    assert_eq!(status.alert().to_string(), "unsupported_extension");
    assert_eq!(status, Fault::UnsolicitedExtension(ExtensionType::STATUS_REQUEST));
    let verify = |change: fn(&mut CertificateVerify<'_>)| {
        fault(HandshakeType::CERTIFICATE_VERIFY, move |message| {
            let copy = message.clone();
            let Ok(Message::CertificateVerify(mut verify)) = Message::read(&copy) else { panic!("none") };
            change(&mut verify);
            message.clear();
            verify.write(message);
        })
    };
    let cases = [
        (verify(|verify| verify.algorithm = 0x0401), "illegal_parameter"),
        (verify(|verify| verify.algorithm = 0x0203), "illegal_parameter"),
        (verify(|verify| verify.algorithm = 0x0804), "decrypt_error"),
        (verify(|verify| verify.signature = &[0x30, 0]), "decrypt_error"),
    ];
    for (fault, alert) in cases {
        assert_eq!(fault.alert().to_string(), alert, "{fault:?}");
    }
    let too_many = fault(HandshakeType::CERTIFICATE, |message| {
        let entry = CertificateEntry { cert_data: &[0x30], ..CertificateEntry::default() };
        let entries = vec![entry; Limits::default().certificates + 1];
        let list = List::Items(&entries);
        let mut bytes = Vec::new();
        Certificate { certificate_list: list, ..Certificate::default() }.write(&mut bytes);
        *message = bytes;
    });
    assert_eq!(too_many, Fault::TooManyParts);
}

#[test]
fn another_signature_of_the_same_key_is_no_proof() {
    // spec: 9846-4.5.2-r
    let mut right = Pair::new(with(vec![alice()]), asking(policy(Demand::Optional)));
    right.run().unwrap();
    assert!(right.is_established());
    let other = alice();
    let mut pair = Pair::new(
        with(vec![Arc::new(Credential { chain: other.chain.clone(), ..copy(&alice()) })]),
        asking(policy(Demand::Optional)),
    );
    assert_eq!(pair.run(), Err((Side::Server, Fault::BadSignature)));
}

#[test]
fn a_client_that_was_not_asked_shows_nothing() {
    let mut pair = Pair::new(with(vec![alice()]), server_options());
    pair.run().unwrap();
    assert_eq!(types(&pair.from_client.steps), [1, 20]);
    for kind in [HandshakeType::CERTIFICATE, HandshakeType::CERTIFICATE_VERIFY] {
        let mut pair = Pair::new(client_options(), server_options());
        let result = pair.run_with(|from, level, message| {
            if from == Side::Client && level == Level::Handshake {
                *message = vec![kind.0, 0, 0, 0];
            }
        });
        assert_eq!(result, Err((Side::Server, Fault::UnexpectedMessage(kind))));
    }
}

#[test]
fn a_request_without_schemes_or_with_a_context_is_refused() {
    // spec: 9846-4.4.2-a spec: 9846-4.4.2-k
    let cases: [(&[u8], &str); 2] = [
        (&[13, 0, 0, 3, 0, 0, 0], "missing_extension"),
        (&[13, 0, 0, 12, 1, 9, 0, 8, 0, 13, 0, 4, 0, 2, 4, 3], "illegal_parameter"),
    ];
    for (request, alert) in cases {
        let mut pair = Pair::new(with(vec![alice()]), asking(policy(Demand::Optional)));
        let result = pair.run_with(|_, _, message| {
            if message[0] == HandshakeType::CERTIFICATE_REQUEST.0 {
                *message = request.to_vec();
            }
        });
        let (side, fault) = result.unwrap_err();
        assert_eq!((side, fault.alert().to_string().as_str()), (Side::Client, alert), "{fault:?}");
    }
}

#[test]
fn owners_may_judge_and_sign_later() {
    let alice = alice();
    let unsigned = Arc::new(Credential { signer: None, ..copy(&alice) });
    let mut server = asking(ClientAuthentication { verifier: None, ..policy(Demand::Required) });
    server.unix_secs_at_start = UNIX_SECS;
    let mut pair = Pair::new(with(vec![unsigned]), server);
    pair.run().unwrap();
    let Some(Wanted::Signature { scheme, message, .. }) = pair.client.wanted().cloned() else {
        panic!("no question")
    };
    assert!(!pair.client.is_established());
    let signature = alice.signer.as_ref().unwrap().sign(scheme, &message, &mut Counter(3));
    pair.client.answer(NOW, Answer::Signature(signature), &mut pair.from_client).unwrap();
    pair.run().unwrap();
    let Some(Wanted::VerifyClient { server_name, chain }) = pair.server.wanted().cloned() else {
        panic!("no question")
    };
    assert_eq!((server_name.as_deref(), &chain), (Some("example.com"), &alice.chain));
    pair.server.answer(NOW, Answer::Verify(Ok(Verified)), &mut pair.from_server).unwrap();
    pair.run().unwrap();
    assert!(pair.is_established() && identity(&pair).is_some());
}

#[test]
fn owners_may_refuse() {
    let alice = alice();
    let unsigned = Arc::new(Credential { signer: None, ..copy(&alice) });
    let mut pair = Pair::new(with(vec![unsigned]), asking(policy(Demand::Required)));
    pair.run().unwrap();
    let fault = pair.client.answer(NOW, Answer::Signature(None), &mut pair.from_client).unwrap_err();
    assert_eq!(fault, Fault::Internal("no signature"));
    let mut pair = Pair::new(
        with(vec![alice]),
        asking(ClientAuthentication { verifier: None, ..policy(Demand::Required) }),
    );
    pair.run().unwrap();
    let refused = Answer::Verify(Err(RejectedCertificate::Unacceptable("not on the list".into())));
    let fault = pair.server.answer(NOW, refused, &mut pair.from_server).unwrap_err();
    assert_eq!(fault.alert().to_string(), "certificate_unknown");
}

#[test]
fn authorities_have_to_fit_the_request() {
    let with_names =
        |authorities| asking(ClientAuthentication { authorities, ..policy(Demand::Optional) }).build();
    assert!(with_names(vec![vec![0; 32_766]]).is_ok());
    for names in [vec![vec![0; 32_767]], vec![Vec::new()], vec![vec![0; 65_536]]] {
        assert_eq!(with_names(names).err(), Some(Misuse::Authorities));
    }
}

#[test]
fn a_host_that_no_sni_spells_so_is_refused_and_so_is_one_in_doubt() {
    let asks = |hosts: &[&str], is_default| ClientAuthentication {
        hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        is_default,
        ..policy(Demand::Required)
    };
    let build = |policies: Vec<ClientAuthentication>| {
        let client_authentication = policies.into_iter().map(Arc::new).collect();
        server::Options { client_authentication, ..server_options() }.build().map(|_| ())
    };
    assert_eq!(build(vec![asks(&["a.test", "*.a.test"], true), asks(&["b.test"], false)]), Ok(()));
    for wrong in [
        vec![asks(&["A.test"], true)],
        vec![asks(&["a.test."], true)],
        vec![asks(&[""], true)],
        vec![asks(&["a.test"], true), asks(&["b.test", "a.test"], false)],
        vec![asks(&[], true), asks(&["a.test"], true)],
    ] {
        assert!(matches!(build(wrong), Err(Misuse::ClientAuthentication(_))));
    }
}

#[test]
fn a_later_configuration_judges_anew_who_is_connected() {
    let alice = alice();
    let identity = Identity::new(alice.chain.clone()).unwrap();
    let one = |hosts: &[&str], demand, verifier: WebPki| {
        Arc::new(ClientAuthentication {
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            is_default: false,
            verifier: Some(Arc::new(verifier)),
            ..policy(demand)
        })
    };
    let trusting = || {
        let mut verifier = WebPki::new(provider());
        verifier.trust(&AUTHORITY.der).unwrap();
        verifier
    };
    let mut revoking = trusting();
    revoking.revoke(&AUTHORITY.revokes(&alice.chain[0])).unwrap();
    let client_authentication = vec![
        one(&["a.test", "b.test"], Demand::Required, trusting()),
        one(&["c.test"], Demand::Required, revoking),
        one(&["d.test"], Demand::Optional, trusting()),
    ];
    let config = server::Options { client_authentication, ..server_options() }.build().unwrap();
    let admits = |shown, host, identity| config.still_admits(Some(shown), host, identity, UNIX_SECS);
    let cases = [
        ("a.test", "a.test", Some(&identity), true),
        ("a.test", "b.test", Some(&identity), true),
        ("a.test", "a.test", None, false),
        ("a.test", "d.test", Some(&identity), false),
        ("c.test", "c.test", Some(&identity), false),
        ("d.test", "d.test", None, true),
        ("e.test", "f.test", None, true),
        ("e.test", "a.test", None, false),
    ];
    for (shown, host, identity, expected) in cases {
        assert_eq!(admits(shown, host, identity), expected, "{shown} {host} {identity:?}");
    }
}
