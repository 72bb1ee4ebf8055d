use super::{BadCredential, WebPki, der};
use crate::{
    Answer, Credential, Fault, RejectedCertificate, Verifier, client,
    handshake::tests::pair::{
        AUTHORITY, NOW, Pair, Side, UNIX_SECS, client_options, server_options, web_pki,
    },
    server,
};
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256, SerialNumber,
};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use sakigake_crypto::aws_lc::PROVIDER;
use std::sync::Arc;

fn verify(
    credential: &Credential,
    name: &str,
    unix_secs: u64,
) -> Result<crate::Verified, RejectedCertificate> {
    let chain: Vec<&[u8]> = credential.chain.iter().map(Vec::as_slice).collect();
    web_pki().verify_chain(name, &chain, unix_secs)
}

#[test]
fn names_are_the_leafs_alternative_names() {
    let credential = AUTHORITY.credential(&["Example.com", "*.example.com", "192.0.2.7", "2001:db8::1"]);
    assert_eq!(credential.names, ["example.com", "*.example.com", "192.0.2.7", "2001:db8::1"]);
    let cases = [
        ("example.com", true),
        ("www.example.com", true),
        ("a.b.example.com", false),
        (".example.com", false),
        ("com", false),
        ("example.org", false),
        ("192.0.2.7", true),
    ];
    for (host, expected) in cases {
        assert_eq!(credential.is_for(host), expected, "{host}");
    }
    for name in ["example.com", "www.example.com", "192.0.2.7", "2001:db8::1"] {
        assert!(verify(&credential, name, UNIX_SECS).is_ok(), "{name}");
    }
}

#[test]
fn a_wrong_name_tells_the_right_ones() {
    let credential = AUTHORITY.credential(&["example.com"]);
    let Err(RejectedCertificate::WrongName { presented }) = verify(&credential, "example.org", UNIX_SECS)
    else {
        panic!("the name is wrong")
    };
    assert!(presented.iter().any(|name| name.contains("example.com")), "{presented:?}");
}

#[test]
fn each_refusal_has_its_reason() {
    let good = AUTHORITY.credential(&["example.com"]);
    assert!(matches!(verify(&good, "example.com", 0), Ok(_) | Err(RejectedCertificate::Expired(_))));
    assert!(matches!(verify(&good, "example.com", u64::MAX / 2), Err(RejectedCertificate::Expired(_))));
    let for_clients = AUTHORITY.credential_with(&["example.com"], &PKCS_ECDSA_P256_SHA256, |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    let other = Err(RejectedCertificate::Unsupported("its extended key usage is another".into()));
    assert_eq!(verify(&for_clients, "example.com", UNIX_SECS), other);
    let nobody = WebPki::new(&PROVIDER);
    let chain = [good.chain[0].as_slice()];
    assert_eq!(
        nobody.verify_chain("example.com", &chain, UNIX_SECS),
        Err(RejectedCertificate::UnknownIssuer)
    );
    assert!(matches!(
        web_pki().verify_chain("example.com", &[], UNIX_SECS),
        Err(RejectedCertificate::Bad(_))
    ));
    assert!(matches!(
        web_pki().verify_chain("example.com", &[&[0x30]], UNIX_SECS),
        Err(RejectedCertificate::Bad(_))
    ));
    let mut changed = good.chain[0].clone();
    *changed.last_mut().unwrap() ^= 1;
    assert!(matches!(
        web_pki().verify_chain("example.com", &[&changed], UNIX_SECS),
        Err(RejectedCertificate::Bad(_))
    ));
}

#[test]
fn a_leafs_key_must_be_for_signatures() {
    // spec: 9846-4.5.1.2-l spec: 9846-4.5.1.2-n
    let usages = [
        (vec![], true),
        (vec![KeyUsagePurpose::DigitalSignature], true),
        (vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment], true),
        (vec![KeyUsagePurpose::KeyEncipherment], false),
        (vec![KeyUsagePurpose::KeyAgreement], false),
    ];
    for (usage, fits) in usages {
        let [pem, key] = AUTHORITY.pem_with(&["example.com"], &PKCS_ECDSA_P256_SHA256, |params| {
            params.key_usages = usage.clone();
        });
        let leaf = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        let result = web_pki().verify_chain("example.com", &[&leaf], UNIX_SECS);
        assert_eq!(result.is_ok(), fits, "{usage:?}: {result:?}");
        let own = Credential::from_pem(&PROVIDER, pem.as_bytes(), key.as_bytes()).err();
        assert_eq!(own, (!fits).then_some(BadCredential::KeyUsage), "{usage:?}");
    }
}

#[test]
fn a_chain_signed_with_a_broken_hash_is_a_bad_one() {
    // spec: 9846-4.5.1.3-a
    const SHA256_WITH_RSA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    let own = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["example.com".into()]).unwrap().signed_by(&own, &issuer).unwrap();
    let mut verifier = WebPki::new(&PROVIDER);
    verifier.trust(root.der()).unwrap();
    for (last, is_bad) in [(0x02, true), (0x04, true), (0x05, true), (0x0e, false)] {
        let mut der = leaf.der().to_vec();
        let places: Vec<usize> =
            (0..der.len()).filter(|at| der[*at..].starts_with(&SHA256_WITH_RSA)).collect();
        assert_eq!(places.len(), 2);
        for at in places {
            der[at + 8] = last;
        }
        let result = verifier.verify_chain("example.com", &[&der], UNIX_SECS);
        let is_as_expected = match result {
            Err(RejectedCertificate::Bad(_)) => is_bad,
            Err(RejectedCertificate::Unsupported(_)) => !is_bad,
            _ => false,
        };
        assert!(is_as_expected, "{last}: {result:?}");
    }
    assert!(verifier.verify_chain("example.com", &[leaf.der()], UNIX_SECS).is_ok());
}

#[test]
fn a_curve_is_bound_to_its_hash() {
    // spec: 9846-4.5.2-n
    let credential = AUTHORITY.credential(&["example.com"]);
    let signer = credential.signer.clone().unwrap();
    let mut entropy = crate::handshake::tests::pair::Counter(1);
    let signature = signer.sign(0x0403, b"message", &mut entropy).unwrap();
    let is_right = |scheme, message: &[u8]| {
        super::verify_signature(&PROVIDER, &credential.chain[0], scheme, message, &signature)
    };
    assert!(is_right(0x0403, b"message"));
    assert!(!is_right(0x0403, b"massage"));
    for scheme in [0x0401, 0x0503, 0x0804, 0x0807, 0x0a0a] {
        assert!(!is_right(scheme, b"message"), "{scheme:#06x}");
    }
}

#[test]
fn a_chain_and_a_key_that_do_not_belong_together_are_refused() {
    let credential = AUTHORITY.credential(&["example.com"]);
    let other = KeyPair::generate().unwrap().serialize_pem();
    let pem = rcgen_pem(&credential.chain[0]);
    let load =
        |chain: &str, key: &str| Credential::from_pem(&PROVIDER, chain.as_bytes(), key.as_bytes()).err();
    assert_eq!(load(&pem, &other), Some(BadCredential::KeyMismatch));
    assert_eq!(load("", &other), Some(BadCredential::NoCertificate));
    assert!(matches!(load(&pem, ""), Some(BadCredential::Pem(_))));
}

fn rcgen_pem(der: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in der.chunks(3) {
        let bits =
            chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

#[test]
fn what_signed_a_certificate_is_read_from_it() {
    let credential = AUTHORITY.credential(&["example.com"]);
    assert_eq!(credential.signed_with, [0x0403]);
    assert_eq!(der::signed_with(&AUTHORITY.der), None, "nobody checks a root's own signature");
    let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let own = CertificateParams::new(vec!["example.com".into()]).unwrap().self_signed(&key).unwrap();
    assert_eq!(der::signed_with(own.der()), None);
}

#[test]
fn no_truncated_or_changed_certificate_panics() {
    let credential = AUTHORITY.credential(&["example.com", "192.0.2.7"]);
    let leaf = &credential.chain[0];
    for len in 0..leaf.len() {
        assert_eq!(der::signed_with(&leaf[..len]), None);
        assert!(der::ip_names(&leaf[..len]).is_empty());
    }
    for bit in 0..leaf.len() * 8 {
        let mut changed = leaf.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(der::ip_names(&changed).len() <= 1);
        der::may_sign(&changed);
        assert!(der::signed_with(&changed).is_none_or(|scheme| scheme > 0x0200));
    }
}

#[test]
fn a_revoked_certificate_and_one_without_a_list_are_refused() {
    let leaf = |serial: u64| {
        AUTHORITY.credential_with(&["example.com"], &PKCS_ECDSA_P256_SHA256, |params| {
            params.serial_number = Some(SerialNumber::from(serial));
        })
    };
    let (good, bad) = (leaf(7), leaf(8));
    let verify = |lists: &[Vec<u8>], credential: &Credential| {
        let mut verifier = WebPki::new(&PROVIDER);
        verifier.trust(&AUTHORITY.der).unwrap();
        lists.iter().for_each(|list| verifier.revoke(list).unwrap());
        verifier.demand_lists();
        let chain: Vec<&[u8]> = credential.chain.iter().map(Vec::as_slice).collect();
        verifier.verify_chain("example.com", &chain, UNIX_SECS)
    };
    let crl = |year| AUTHORITY.crl(&[&[8]], (year, 5, 31)); // A day before UNIX_SECS in 2026.
    assert!(verify(&[], &bad).is_ok(), "nobody gave a list");
    assert!(verify(&[crl(2027)], &good).is_ok());
    assert_eq!(verify(&[crl(2027)], &bad), Err(RejectedCertificate::Revoked));
    let old = "the list (CRL) by its issuer has expired".to_owned();
    assert_eq!(verify(&[crl(2026)], &good), Err(RejectedCertificate::Unacceptable(old)));
    let mut forged = AUTHORITY.crl(&[], (2027, 1, 1));
    *forged.last_mut().unwrap() ^= 1;
    assert!(verify(&[forged], &good).is_err());
    let mut verifier = WebPki::new(&PROVIDER);
    assert!(verifier.revoke(&AUTHORITY.der).is_err() && verifier.revoke(&[]).is_err());
}

/// The elements of a sequence, each with its tag and length.
fn elements(sequence: &[u8]) -> Vec<&[u8]> {
    let header = |der: &[u8]| match der[1] {
        0x82 => (4, usize::from(u16::from_be_bytes([der[2], der[3]]))),
        0x81 => (3, usize::from(der[2])),
        len => (2, usize::from(len)),
    };
    let (mut at, _) = header(sequence);
    let mut found = Vec::new();
    while at < sequence.len() {
        let (before, len) = header(&sequence[at..]);
        found.push(&sequence[at..at + before + len]);
        at += before + len;
    }
    found
}

fn sequence(elements: &[&[u8]]) -> Vec<u8> {
    let content = elements.concat();
    let header = match content.len() {
        len @ ..0x80 => vec![0x30, len as u8],
        len @ 0x80..0x100 => vec![0x30, 0x81, len as u8],
        len => vec![0x30, 0x82, (len >> 8) as u8, len as u8],
    };
    [header, content].concat()
}

/// The same certificate as version 1 of X.509 would have it, with another public key where one is given.
fn version_1(certificate: &[u8], key: Option<&[u8]>) -> Vec<u8> {
    let outer = elements(certificate);
    let mut tbs = elements(outer[0]);
    tbs.retain(|element| !matches!(element[0], 0xa0 | 0xa3)); // Version and extensions.
    if let (Some(key), Some(last)) = (key, tbs.last_mut()) {
        *last = key;
    }
    sequence(&[&sequence(&tbs), outer[1], outer[2]])
}

/// What a client whose owner takes every chain makes of a server that shows this one, whose key is the credential's.
fn taken(chain: Vec<u8>, credential: &Credential) -> Result<(), (Side, Fault)> {
    let (signer, schemes) = (credential.signer.clone(), credential.schemes.clone());
    let shown = Arc::new(Credential { chain: vec![chain], signer, schemes, ..Credential::default() });
    let server = server::Options { credentials: vec![shown], ..server_options() };
    let mut pair = Pair::new(client::Options { verifier: None, ..client_options() }, server);
    pair.run()?;
    let answer = Answer::Verify(Ok(crate::Verified));
    pair.client.answer(NOW, answer, &mut pair.from_client).map_err(|fault| (Side::Client, fault))?;
    pair.run()
}

#[test]
fn a_leaf_that_no_path_can_be_built_from_still_proves_its_key() {
    for algorithm in [&PKCS_ECDSA_P256_SHA256, &PKCS_ED25519, &PKCS_RSA_SHA256] {
        let credential = AUTHORITY.credential_with(&["example.com"], algorithm, |_| {});
        let old = version_1(&credential.chain[0], None);
        let refused = web_pki().verify_chain("example.com", &[&old], UNIX_SECS);
        let expected = "it is not of X.509's version 3".to_owned();
        assert_eq!(refused, Err(RejectedCertificate::Unsupported(expected)));
        assert_eq!(taken(old, &credential), Ok(()));
    }
    let [ours, other] = [(); 2].map(|()| AUTHORITY.credential(&["example.com"]));
    let forged = taken(version_1(&ours.chain[0], None), &other);
    assert_eq!(forged, Err((Side::Client, Fault::BadSignature)));
}

#[test]
fn a_key_that_cannot_be_read_is_no_wrong_signature() {
    // A point of Ed448; of Ed25519, but one bit of the last byte does not count; no bits; no key.
    let ed448 = sequence(&[&[0x30, 5, 6, 3, 0x2b, 0x65, 0x71], &[&[3, 58, 0], &[7; 57][..]].concat()]);
    let odd = sequence(&[&[0x30, 5, 6, 3, 0x2b, 0x65, 0x70], &[&[3, 33, 1], &[7; 32][..]].concat()]);
    let cases: [(&[u8], &str); 4] = [
        (&ed448, "unsupported_certificate"),
        (&odd, "bad_certificate"),
        (&[0x30, 0], "bad_certificate"),
        (&[5, 0], "bad_certificate"),
    ];
    let credential = AUTHORITY.credential(&["example.com"]);
    for (key, expected) in cases {
        let (side, fault) = taken(version_1(&credential.chain[0], Some(key)), &credential).unwrap_err();
        assert_eq!((side, fault.alert().to_string().as_str()), (Side::Client, expected), "{fault:?}");
    }
    let (_, fault) = taken(vec![0x30, 0], &credential).unwrap_err();
    assert_eq!(fault.alert().to_string(), "bad_certificate", "{fault:?}");
}

#[test]
fn grounds_are_a_verifiers_own_as_it_is_until_a_certificate_expires() {
    let (from, until) = (UNIX_SECS - 1_000 * 86_400, UNIX_SECS + 86_400);
    let leaf = AUTHORITY.credential_with(&["example.com"], &PKCS_ECDSA_P256_SHA256, |params| {
        params.not_before = rcgen::date_time_ymd(2023, 9, 5);
        params.not_after = rcgen::date_time_ymd(2026, 6, 2);
    });
    assert_eq!(der::validity(&leaf.chain[0]), Some((from, until)));
    let chain: Vec<&[u8]> = leaf.chain.iter().map(Vec::as_slice).collect();
    let trusting = || {
        let mut verifier = WebPki::new(&PROVIDER);
        verifier.trust(&AUTHORITY.der).unwrap();
        verifier
    };
    let mut verifier = trusting();
    let grounds = verifier.judge("example.com", &chain, None, UNIX_SECS).unwrap();
    assert!(grounds.is_some());
    // What was not walked cannot tell a wrong name from the right one; whoever keeps grounds does.
    let is_walked = |verifier: &WebPki, at: u64| match verifier.judge("x.test", &chain, grounds.as_ref(), at)
    {
        Ok(same) => {
            assert_eq!(same, grounds);
            false
        }
        Err(RejectedCertificate::WrongName { .. } | RejectedCertificate::Expired(_)) => true,
        Err(other) => panic!("{other:?}"),
    };
    assert_eq!([from, UNIX_SECS, until].map(|at| is_walked(&verifier, at)), [false; 3]);
    assert_eq!([from - 1, until + 1].map(|at| is_walked(&verifier, at)), [true; 2]);
    assert!(is_walked(&trusting(), UNIX_SECS), "another one has another state");
    verifier.trust(&AUTHORITY.der).unwrap();
    assert!(is_walked(&verifier, UNIX_SECS), "its anchors have changed");
}

#[test]
fn who_has_lists_of_what_was_revoked_gives_no_grounds() {
    let [leaf, other] = [(); 2].map(|()| AUTHORITY.credential(&["example.com"]));
    let chain: Vec<&[u8]> = leaf.chain.iter().map(Vec::as_slice).collect();
    let mut verifier = WebPki::new(&PROVIDER);
    verifier.trust(&AUTHORITY.der).unwrap();
    let before = verifier.judge("example.com", &chain, None, UNIX_SECS).unwrap();
    assert!(before.is_some());
    verifier.revoke(&AUTHORITY.revokes(&other.chain[0])).unwrap();
    assert_eq!(verifier.judge("example.com", &chain, before.as_ref(), UNIX_SECS), Ok(None));
    let mut verifier = WebPki::new(&PROVIDER);
    verifier.trust(&AUTHORITY.der).unwrap();
    let before = verifier.judge("example.com", &chain, None, UNIX_SECS).unwrap();
    verifier.revoke(&AUTHORITY.revokes(&leaf.chain[0])).unwrap();
    let refused = verifier.judge("example.com", &chain, before.as_ref(), UNIX_SECS);
    assert_eq!(refused, Err(RejectedCertificate::Revoked));
    let mut verifier = WebPki::new(&PROVIDER);
    verifier.trust(&AUTHORITY.der).unwrap();
    let before = verifier.judge("example.com", &chain, None, UNIX_SECS).unwrap();
    verifier.demand_lists();
    assert_ne!(verifier.judge("x.test", &chain, before.as_ref(), UNIX_SECS), Ok(before), "it demands more");
}
