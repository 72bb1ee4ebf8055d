//! Wycheproof's vectors through the rows of the table, so that our own checks around aws-lc are tested with it. Each test
//! counts the cases that it ran.

use crate::aws_lc::exchange::{Classical, Curve, SECP256R1, SECP384R1, X25519};
use crate::aws_lc::{PROVIDER, SHA256, SHA384};
use crate::tests::{Untouched, subject_public_key};
use crate::{BadShare, Hash, TAG_BYTES, hkdf};
use aws_lc_rs::agreement::{self, PrivateKey};
use aws_lc_rs::kem::{Ciphertext, DecapsulationKey, ML_KEM_768};
use ml_kem::kem::{Decapsulate, KeyExport, TryKeyInit};
use ml_kem::ml_kem_768;
use wycheproof::TestResult::{self, Acceptable, Invalid, Valid};
use wycheproof::{
    aead, ecdh, ecdsa, eddsa, hkdf as hkdf_vectors, mac, mlkem, rsa_pkcs1_verify, rsa_pss_verify, xdh,
};

#[test]
fn aes_gcm() {
    let ran = aeads(aead::TestName::AesGcm, &[(128, 0x1301), (256, 0x1302)]);
    assert!(ran >= 130, "{ran} cases");
}

#[test]
fn chacha20_poly1305() {
    let ran = aeads(aead::TestName::ChaCha20Poly1305, &[(256, 0x1303)]);
    assert!(ran >= 290, "{ran} cases");
}

/// Runs the groups with a nonce of 12 bytes, a tag of 16, and a key of so many bits as the suite has.
fn aeads(name: aead::TestName, suites: &[(usize, u16)]) -> usize {
    let mut ran = 0;
    for group in aead::TestSet::load(name).unwrap().test_groups {
        let Some((_, id)) = suites.iter().find(|(bits, _)| *bits == group.key_size) else { continue };
        if (group.nonce_size, group.tag_size) != (96, TAG_BYTES * 8) {
            continue;
        }
        let suite = PROVIDER.suite(*id).unwrap();
        for test in &group.tests {
            let key = (suite.aead.key)(&test.key);
            let nonce = test.nonce[..].try_into().unwrap();
            let mut record = [&test.ct[..], &test.tag[..]].concat();
            let opened = key.open(nonce, &test.aad, &mut record);
            assert_eq!(opened.is_ok(), test.result == Valid, "{name:?} {}", test.tc_id);
            if let Ok(len) = opened {
                assert_eq!(record[..len], test.pt[..], "{name:?} {}", test.tc_id);
                let mut text = test.pt.to_vec();
                let tag = key.seal(nonce, &test.aad, &mut text);
                assert_eq!((&text[..], &tag[..]), (&test.ct[..], &test.tag[..]), "{name:?} {}", test.tc_id);
                let (text, end) = test.pt.split_at(test.pt.len() / 2);
                let mut out = vec![0; test.pt.len() + TAG_BYTES];
                key.seal_from(nonce, &test.aad, text, end, &mut out);
                assert_eq!(out, [&test.ct[..], &test.tag[..]].concat(), "{name:?} {}", test.tc_id);
            }
            ran += 1;
        }
    }
    ran
}

#[test]
fn x25519() {
    let mut ran = 0;
    for test in groups(xdh::TestSet::load(xdh::TestName::X25519).unwrap().test_groups, |group| group.tests) {
        let private = PrivateKey::from_private_key(&agreement::X25519, &test.private_key).unwrap();
        let secret = Classical::of(&X25519, private).secret(&test.public_key);
        match test.flags.contains(&xdh::TestFlag::ZeroSharedSecret) {
            true => assert_eq!(secret, Err(BadShare), "{}", test.tc_id),
            false => assert_eq!(secret.unwrap().as_ref(), &test.shared_secret[..], "{}", test.tc_id),
        }
        ran += 1;
    }
    assert!(ran >= 500, "{ran} cases");
}

#[test]
fn ecdh_p256() {
    let ran = ecdh(ecdh::TestName::EcdhSecp256r1Ecpoint, &SECP256R1, &agreement::ECDH_P256, 32);
    assert!(ran >= 200, "{ran} cases");
}

#[test]
fn ecdh_p384() {
    let ran = ecdh(ecdh::TestName::EcdhSecp384r1Ecpoint, &SECP384R1, &agreement::ECDH_P384, 48);
    assert!(ran >= 180, "{ran} cases");
}

/// Compressed points are right in Wycheproof and refused in TLS 1.3.
fn ecdh(
    name: ecdh::TestName,
    curve: &'static Curve,
    algorithm: &'static agreement::Algorithm,
    scalar_len: usize,
) -> usize {
    let mut ran = 0;
    for test in groups(ecdh::TestSet::load(name).unwrap().test_groups, |group| group.tests) {
        let scalar = &test.private_key[test.private_key.len().saturating_sub(scalar_len)..];
        let scalar = [&vec![0; scalar_len - scalar.len()][..], scalar].concat();
        let private = PrivateKey::from_private_key(algorithm, &scalar).unwrap();
        let secret = Classical::of(curve, private).secret(&test.public_key);
        let compressed = test.public_key.len() != 2 * scalar_len + 1;
        match test.result == Invalid || compressed {
            true => assert_eq!(secret, Err(BadShare), "{name:?} {}", test.tc_id),
            false => {
                assert_eq!(secret.unwrap().as_ref(), &test.shared_secret[..], "{name:?} {}", test.tc_id);
            }
        }
        ran += 1;
    }
    ran
}

/// aws-lc-rs makes no key from a seed, so ml-kem expands it.
#[test]
fn ml_kem_768_decapsulates() {
    let mut ran = 0;
    for test in
        groups(mlkem::TestSet::load(mlkem::TestName::MlKem768).unwrap().test_groups, |group| group.tests)
    {
        let (seed, ciphertext) = (test.seed.unwrap(), test.ct.unwrap());
        let Ok(seed) = <[u8; 64]>::try_from(&seed[..]) else {
            assert_eq!(test.result, Invalid);
            continue;
        };
        let (theirs, ours) = key_pair(seed);
        if let Some(encapsulation_key) = test.encaps_key {
            assert_eq!(theirs.encapsulation_key().to_bytes()[..], encapsulation_key[..]);
        }
        let secret = ours.decapsulate(Ciphertext::from(&ciphertext[..]));
        match test.result {
            Invalid => assert!(secret.is_err(), "{}", test.tc_id),
            _ => assert_eq!(secret.unwrap().as_ref(), &test.shared_secret.unwrap()[..], "{}", test.tc_id),
        }
        ran += 1;
    }
    assert!(ran >= 150, "{ran} cases");
}

/// Encapsulation draws its own randomness here, so Wycheproof's ciphertexts cannot be asked for; which encapsulation keys
/// are good can, and what comes out must be understood by ml-kem.
#[test]
fn ml_kem_768_encapsulation_keys() {
    let hybrid = PROVIDER.group(0x11ec).unwrap();
    let (mut good, mut bad) = (0, 0);
    let set = mlkem::TestSet::load(mlkem::TestName::MlKem768Encaps).unwrap();
    for test in groups(set.test_groups, |group| group.tests) {
        let share = [&test.encaps_key.unwrap()[..], &[9; 32]].concat();
        match (hybrid.accept)(&mut Untouched, &share) {
            Ok(_) => {
                assert_eq!(test.result, Valid, "{}", test.tc_id);
                good += 1;
            }
            Err(BadShare) => {
                assert_eq!(test.result, Invalid, "{}", test.tc_id);
                bad += 1;
            }
        }
    }
    assert!(good >= 100 && bad >= 100, "{good} good and {bad} bad cases");
}

#[test]
fn the_hybrid_agrees_with_ml_kem_both_ways() {
    let hybrid = PROVIDER.group(0x11ec).unwrap();
    for number in 0..8 {
        let (theirs, _) = key_pair([number; 64]);
        let x25519 = (PROVIDER.group(0x001d).unwrap().start)(&mut Untouched);
        let share = [&theirs.encapsulation_key().to_bytes()[..], x25519.public()].concat();
        let (answer, secret) = (hybrid.accept)(&mut Untouched, &share).unwrap();
        let ciphertext = ml_kem_768::Ciphertext::try_from(&answer[..1088]).unwrap();
        assert_eq!(secret.as_ref()[..32], theirs.decapsulate(&ciphertext)[..]);
        assert_eq!(secret.as_ref()[32..], *x25519.agree(&answer[1088..]).unwrap().as_ref());

        let ours = (hybrid.start)(&mut Untouched);
        let encapsulation_key = ml_kem_768::EncapsulationKey::new_from_slice(&ours.public()[..1184]).unwrap();
        let (ciphertext, post_quantum) = encapsulation_key.encapsulate_deterministic(&[number; 32].into());
        let (x25519, classical) =
            (PROVIDER.group(0x001d).unwrap().accept)(&mut Untouched, &ours.public()[1184..]).unwrap();
        let secret = ours.agree(&[&ciphertext[..], &x25519].concat()).unwrap();
        assert_eq!(secret.as_ref(), [&post_quantum[..], classical.as_ref()].concat());
    }
}

/// One key in both libraries.
fn key_pair(seed: [u8; 64]) -> (ml_kem_768::DecapsulationKey, DecapsulationKey) {
    let theirs = ml_kem_768::DecapsulationKey::from_seed(seed.into());
    // The expanded form is discouraged for storing keys, and is the only one that aws-lc-rs reads.
    #[allow(deprecated)]
    let expanded = ml_kem::ExpandedKeyEncoding::to_expanded_bytes(&theirs);
    let ours = DecapsulationKey::new(&ML_KEM_768, &expanded).unwrap();
    (theirs, ours)
}

#[test]
fn ecdsa() {
    let sets = [
        (ecdsa::TestName::EcdsaSecp256r1Sha256, 0x0403, 0, 450),
        (ecdsa::TestName::EcdsaSecp384r1Sha384, 0x0503, 0, 450),
        (ecdsa::TestName::EcdsaSecp384r1Sha256, 0x0403, 1, 450),
    ];
    for (name, scheme, algorithm, floor) in sets {
        let mut ran = 0;
        for group in ecdsa::TestSet::load(name).unwrap().test_groups {
            let key = subject_public_key(&group.der);
            for test in &group.tests {
                verify(scheme, algorithm, key, &test.msg, &test.sig, test.result, &(name, test.tc_id));
                ran += 1;
            }
        }
        assert!(ran >= floor, "{name:?}: {ran} cases");
    }
}

#[test]
fn ed25519() {
    let mut ran = 0;
    for group in eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap().test_groups {
        let key = subject_public_key(&group.der);
        for test in &group.tests {
            verify(0x0807, 0, key, &test.msg, &test.sig, test.result, &test.tc_id);
            ran += 1;
        }
    }
    assert!(ran >= 140, "{ran} cases");
}

#[test]
fn rsa_pss() {
    use rsa_pss_verify::TestName;
    let sets = [
        (TestName::RsaPss2048Sha256Mgf1SaltLen32, 0x0804),
        (TestName::RsaPss3072Sha256Mgf1SaltLen32, 0x0804),
        (TestName::RsaPss4096Sha256Mgf1SaltLen32, 0x0804),
        (TestName::RsaPss2048Sha384Mgf1SaltLen48, 0x0805),
        (TestName::RsaPss4096Sha384Mgf1SaltLen48, 0x0805),
        (TestName::RsaPss4096Sha512Mgf1SaltLen64, 0x0806),
    ];
    for (name, scheme) in sets {
        let mut ran = 0;
        for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            for test in &group.tests {
                verify(scheme, 0, &group.asn_key, &test.msg, &test.sig, test.result, &(name, test.tc_id));
                ran += 1;
            }
        }
        assert!(ran >= 60, "{name:?}: {ran} cases");
    }
}

/// RFC 9846 section 4.3.3: the salt is as long as the digest. What these sets hold for valid has another salt.
// spec: 9846-4.3.3-r
#[test]
fn rsa_pss_with_a_salt_of_another_length_is_refused() {
    use rsa_pss_verify::TestName;
    let sets =
        [(TestName::RsaPss2048Sha256Mgf1SaltLen0, 0x0804), (TestName::RsaPss4096Sha512Mgf1SaltLen32, 0x0806)];
    for (name, scheme) in sets {
        let mut ran = 0;
        for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            for test in group.tests.iter().filter(|test| test.result == Valid) {
                verify(scheme, 0, &group.asn_key, &test.msg, &test.sig, Invalid, &(name, test.tc_id));
                ran += 1;
            }
        }
        assert!(ran >= 40, "{name:?}: {ran} cases");
    }
}

#[test]
fn rsa_pkcs1() {
    use rsa_pkcs1_verify::TestName;
    let sets = [
        (TestName::Rsa2048Sha256, 0x0401),
        (TestName::Rsa3072Sha256, 0x0401),
        (TestName::Rsa4096Sha256, 0x0401),
        (TestName::Rsa8192Sha256, 0x0401),
        (TestName::Rsa2048Sha384, 0x0501),
        (TestName::Rsa3072Sha384, 0x0501),
        (TestName::Rsa4096Sha384, 0x0501),
        (TestName::Rsa2048Sha512, 0x0601),
        (TestName::Rsa3072Sha512, 0x0601),
        (TestName::Rsa4096Sha512, 0x0601),
    ];
    for (name, scheme) in sets {
        let mut ran = 0;
        for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            for test in &group.tests {
                verify(scheme, 0, &group.asn_key, &test.msg, &test.sig, test.result, &(name, test.tc_id));
                ran += 1;
            }
        }
        assert!(ran >= 200, "{name:?}: {ran} cases");
    }
}

fn verify(
    scheme: u16,
    algorithm: usize,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
    result: TestResult,
    case: &dyn core::fmt::Debug,
) {
    let algorithm = PROVIDER.verification(scheme).unwrap().algorithms[algorithm];
    let verified = algorithm.verify_signature(key, message, signature).is_ok();
    assert!(result == Acceptable || verified == (result == Valid), "{case:?} is {result:?}");
}

#[test]
fn hkdf() {
    for (name, hash) in
        [(hkdf_vectors::TestName::HkdfSha256, &SHA256), (hkdf_vectors::TestName::HkdfSha384, &SHA384)]
    {
        let mut ran = 0;
        for test in groups(hkdf_vectors::TestSet::load(name).unwrap().test_groups, |group| group.tests) {
            if test.size > 255 * hash.len {
                assert_eq!(test.result, Invalid);
                continue;
            }
            let secret = hkdf::extract(hash, &test.salt, &test.ikm);
            let mut out = vec![0; test.size];
            hkdf::expand(hash, secret.as_ref(), &test.info, &mut out);
            assert_eq!((&out, test.result), (&test.okm.to_vec(), Valid), "{name:?} {}", test.tc_id);
            ran += 1;
        }
        assert!(ran >= 70, "{name:?}: {ran} cases");
    }
}

#[test]
fn hmac() {
    for (name, hash) in [(mac::TestName::HmacSha256, &SHA256), (mac::TestName::HmacSha384, &SHA384)] {
        let ran = hmacs(name, hash);
        assert!(ran >= 150, "{name:?}: {ran} cases");
    }
}

/// Tags that Wycheproof cuts are held against as many bytes of ours.
fn hmacs(name: mac::TestName, hash: &Hash) -> usize {
    let mut ran = 0;
    for group in mac::TestSet::load(name).unwrap().test_groups {
        for test in &group.tests {
            let (first, second) = test.msg.split_at(test.msg.len() / 2);
            let tag = (hash.hmac)(&test.key, &[first, second]);
            let same = crate::equal(&tag.as_ref()[..group.tag_size / 8], &test.tag);
            assert_eq!(same, test.result == Valid, "{name:?} {}", test.tc_id);
            ran += 1;
        }
    }
    ran
}

fn groups<G, T>(groups: Vec<G>, tests: impl Fn(G) -> Vec<T>) -> Vec<T> {
    groups.into_iter().flat_map(tests).collect()
}
