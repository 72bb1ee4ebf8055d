use super::{BadCredential, WebPki, der};
use crate::{
    Credential, RejectedCertificate, Verifier,
    handshake::tests::pair::{AUTHORITY, UNIX_SECS, web_pki},
};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256,
    RevokedCertParams, SerialNumber,
};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use sakigake_crypto::aws_lc::PROVIDER;

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
    assert!(matches!(
        verify(&for_clients, "example.com", UNIX_SECS),
        Err(RejectedCertificate::Unsupported(_))
    ));
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

/// A list by the authority for tests: these serial numbers are revoked, and the next list is due so many days after
/// [`UNIX_SECS`].
fn crl(serials: &[u64], days: i64) -> Vec<u8> {
    let at = |days: i64| {
        let secs = UNIX_SECS as i64 + days * 86_400;
        rcgen::date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(secs as u64)
    };
    let revoked = |serial: &u64| RevokedCertParams {
        serial_number: SerialNumber::from(*serial),
        revocation_time: at(-9),
        reason_code: None,
        invalidity_date: None,
    };
    let list = CertificateRevocationListParams {
        this_update: at(-8),
        next_update: at(days),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: serials.iter().map(revoked).collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    list.signed_by(AUTHORITY.issuer()).unwrap().der().to_vec()
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
    assert!(verify(&[], &bad).is_ok(), "nobody gave a list");
    assert!(verify(&[crl(&[8], 1)], &good).is_ok());
    assert_eq!(verify(&[crl(&[8], 1)], &bad), Err(RejectedCertificate::Revoked));
    assert!(
        matches!(verify(&[crl(&[8], -1)], &good), Err(RejectedCertificate::Unacceptable(_))),
        "it is old"
    );
    let mut forged = crl(&[], 1);
    *forged.last_mut().unwrap() ^= 1;
    assert!(verify(&[forged], &good).is_err());
    let mut verifier = WebPki::new(&PROVIDER);
    assert!(verifier.revoke(&AUTHORITY.der).is_err() && verifier.revoke(&[]).is_err());
}
