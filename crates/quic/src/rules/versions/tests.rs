use super::*;
use sakigake_crypto::{Secret, aws_lc, hkdf};

/// RFC 9001 section 5.8 and RFC 9369 section 3.3.3 say what secret the constants come from.
// spec: 9001-5.8-a 9369-3.3.3-a
#[test]
fn retry_keys_are_derived_from_the_secrets_that_the_specifications_give() {
    let secrets = [
        [
            0xd9, 0xc9, 0x94, 0x3e, 0x61, 0x01, 0xfd, 0x20, 0x00, 0x21, 0x50, 0x6b, 0xcc, 0x02, 0x81, 0x4c,
            0x73, 0x03, 0x0f, 0x25, 0xc7, 0x9d, 0x71, 0xce, 0x87, 0x6e, 0xca, 0x87, 0x6e, 0x6f, 0xca, 0x8e,
        ],
        [
            0xc4, 0xdd, 0x24, 0x84, 0xd6, 0x81, 0xae, 0xfa, 0x4f, 0xf4, 0xd6, 0x9c, 0x2c, 0x20, 0x29, 0x99,
            0x84, 0xa7, 0x65, 0xa5, 0xd3, 0xc3, 0x19, 0x82, 0xf3, 0x8f, 0xc7, 0x41, 0x62, 0x15, 0x5e, 0x9f,
        ],
    ];
    for (version, secret) in VERSIONS.into_iter().zip(secrets) {
        let expand = |label, len| {
            Secret::filled(len, |out| hkdf::expand_label(&aws_lc::SHA256, &secret, label, b"", out))
        };
        assert_eq!(expand(version.labels.key, 16).as_ref(), version.retry_key, "{version:?}");
        assert_eq!(expand(version.labels.iv, 12).as_ref(), version.retry_nonce, "{version:?}");
    }
}

/// RFC 9369 says of which texts the constants are the SHA-256.
// spec: 9369-3.1-a
#[test]
fn the_numbers_of_version_2_are_digests() {
    let digest = |text: &[u8]| {
        let mut state = (aws_lc::SHA256.start)();
        state.update(text);
        state.digest()
    };
    assert_eq!(digest(b"QUICv2 version number").as_ref()[..4], VERSION_2.number.to_be_bytes());
    assert_eq!(digest(b"QUICv2 salt").as_ref()[..20], VERSION_2.initial_salt);
}

// spec: 9369-3.2-a
#[test]
fn every_first_byte_has_one_type_in_each_version() {
    use LongType::{Handshake, Initial, Retry, ZeroRtt};
    let types = |version: &Version| [0xc0, 0xd0, 0xe0, 0xf0].map(|first| version.long_type(first));
    assert_eq!(types(&VERSION_1), [Initial, ZeroRtt, Handshake, Retry]);
    assert_eq!(types(&VERSION_2), [Retry, Initial, ZeroRtt, Handshake]);
    for version in VERSIONS {
        for first in 0..=255 {
            assert_eq!(version.type_bits(version.long_type(first)), first & 0x30);
        }
    }
}

#[test]
fn reserved_versions_are_spoken_by_nobody() {
    for chance in [0, 1, 0x1234_5678, u32::MAX] {
        assert!(is_reserved(reserved(chance)));
        assert_eq!(version(reserved(chance)), None);
    }
    assert!(is_reserved(0x1a2a_3a4a) && !is_reserved(0x1a2a_3a4b));
    for row in VERSIONS {
        assert!(!is_reserved(row.number));
        assert_eq!(version(row.number), Some(row));
    }
    assert_eq!(version(0), None);
}
