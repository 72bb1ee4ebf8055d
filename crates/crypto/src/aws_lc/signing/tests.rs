use super::*;
use crate::aws_lc::PROVIDER;
use crate::tests::{Untouched, hex, subject_public_key};
use aws_lc_rs::encoding::{EcPrivateKeyRfc5915Der, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use rustls_pki_types::{PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};

/// Signs with every scheme of the key, and lets the table verify: right, wrong message, wrong bytes, foreign scheme.
fn signs(key: &dyn SigningKey, schemes: &[u16]) {
    assert_eq!(key.schemes(), schemes);
    let spki = key.public_key();
    for row in PROVIDER.verifications {
        let signature = key.sign(row.scheme, b"message", &mut Untouched);
        if !schemes.contains(&row.scheme) {
            assert_eq!(signature, Err(SignFailed), "{:#06x}", row.scheme);
            continue;
        }
        let (mut signature, algorithm) = (signature.expect("one of its schemes"), row.algorithms[0]);
        let kind = algorithm.public_key_alg_id();
        assert!(spki.windows(kind.len()).any(|window| window == &*kind), "the key says its kind");
        let public = subject_public_key(&spki);
        algorithm.verify_signature(public, b"message", &signature).expect("the signature of the key");
        algorithm.verify_signature(public, b"massage", &signature).expect_err("another message");
        let last = signature.len() - 1;
        signature[last] ^= 1;
        algorithm.verify_signature(public, b"message", &signature).expect_err("another signature");
    }
}

#[test]
fn ecdsa_keys_sign_from_pkcs8_and_sec1() {
    for (algorithm, scheme) in [
        (&signature::ECDSA_P256_SHA256_ASN1_SIGNING, 0x0403),
        (&signature::ECDSA_P384_SHA384_ASN1_SIGNING, 0x0503),
    ] {
        let pair = EcdsaKeyPair::generate(algorithm).unwrap();
        let pkcs8 = pair.to_pkcs8v1().unwrap();
        let sec1: EcPrivateKeyRfc5915Der<'_> = pair.private_key().as_der().unwrap();
        let from_pkcs8 = signing_key(&PrivatePkcs8KeyDer::from(pkcs8.as_ref()).into()).unwrap();
        let from_sec1 = signing_key(&PrivateSec1KeyDer::from(sec1.as_ref()).into()).unwrap();
        signs(&*from_pkcs8, &[scheme]);
        signs(&*from_sec1, &[scheme]);
        assert_eq!(from_pkcs8.public_key(), from_sec1.public_key());
    }
}

#[test]
fn ed25519_keys_sign_from_both_versions_of_pkcs8() {
    let pair = Ed25519KeyPair::generate().unwrap();
    for pkcs8 in [pair.to_pkcs8v1().unwrap(), pair.to_pkcs8().unwrap()] {
        let key = signing_key(&PrivatePkcs8KeyDer::from(pkcs8.as_ref()).into()).unwrap();
        signs(&*key, &[0x0807]);
    }
}

// spec: 9846-4.3.3-s
#[test]
fn rsa_keys_sign_with_pss_alone_from_pkcs8_and_pkcs1() {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let pkcs8: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let pkcs8 = pkcs8.as_ref();
    let pkcs1 = pkcs1_inside(pkcs8);
    for key in [PrivatePkcs8KeyDer::from(pkcs8).into(), PrivatePkcs1KeyDer::from(pkcs1).into()] {
        signs(&*signing_key(&key).unwrap(), &[0x0804, 0x0805, 0x0806]);
    }
}

/// The RSAPrivateKey in a PrivateKeyInfo: the content of its last element, an OCTET STRING of two length bytes.
fn pkcs1_inside(pkcs8: &[u8]) -> &[u8] {
    let start = 4 + 3 + 15; // SEQUENCE, version, rsaEncryption with NULL
    assert_eq!(pkcs8[start..start + 2], [0x04, 0x82]);
    &pkcs8[start + 4..]
}

#[test]
fn keys_that_are_no_keys_are_rejected() {
    let pair = EcdsaKeyPair::generate(&signature::ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let pkcs8 = pair.to_pkcs8v1().unwrap();
    let refused = |key: PrivateKeyDer<'_>| assert_eq!(signing_key(&key).err(), Some(KeyRejected));
    for len in 0..pkcs8.as_ref().len() {
        refused(PrivatePkcs8KeyDer::from(&pkcs8.as_ref()[..len]).into());
    }
    refused(PrivatePkcs1KeyDer::from(pkcs8.as_ref()).into());
    // X25519 (RFC 8410 section 10.3's form): a key that agrees but cannot sign.
    let x25519 = [&hex("302e020100300506032b656e04220420")[..], &[0x77; 32]].concat();
    refused(PrivatePkcs8KeyDer::from(&x25519[..]).into());
}

#[test]
fn curves_and_sizes_outside_the_table_are_rejected() {
    let p521 =
        EcdsaKeyPair::generate(&signature::ECDSA_P521_SHA512_ASN1_SIGNING).unwrap().to_pkcs8v1().unwrap();
    let key = PrivatePkcs8KeyDer::from(p521.as_ref()).into();
    assert_eq!(signing_key(&key).err(), Some(KeyRejected));
}
