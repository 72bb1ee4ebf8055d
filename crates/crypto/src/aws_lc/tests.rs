mod vectors;

use super::*;
use crate::tests::{Untouched, hex};
use crate::{BadShare, Forged};
use aws_lc_rs::agreement::{self, PrivateKey};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};

#[test]
fn every_suite_opens_what_it_sealed_and_nothing_else() {
    for suite in PROVIDER.suites {
        let key = (suite.aead.key)(&vec![7; suite.aead.key_len]);
        let mut record = b"plaintext".to_vec();
        let tag = key.seal([1; 12], b"header", &mut record);
        record.extend_from_slice(&tag);
        assert_ne!(&record[..9], b"plaintext");
        assert_eq!(key.open([1; 12], b"header", &mut record.clone()), Ok(9), "{suite:?}");
        assert_eq!(key.open([2; 12], b"header", &mut record.clone()), Err(Forged));
        assert_eq!(key.open([1; 12], b"Header", &mut record.clone()), Err(Forged));
        for bit in 0..record.len() * 8 {
            let mut flipped = record.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key.open([1; 12], b"header", &mut flipped), Err(Forged), "bit {bit}");
        }
        for len in 0..record.len() {
            assert_eq!(key.open([1; 12], b"header", &mut record[..len].to_vec()), Err(Forged), "{len} bytes");
        }
        let other = (suite.aead.key)(&vec![8; suite.aead.key_len]);
        assert_eq!(other.open([1; 12], b"header", &mut record), Err(Forged));
    }
}

/// RFC 9001 appendices A.2 and A.5; FIPS 197 appendix C.3 for the third, whose block is the first test vector of AES-256.
// spec: 9001-5.4.3-a 9001-5.4.4-a
#[test]
fn masks_of_headers_are_those_of_the_specifications() {
    let cases = [
        (0x1301, "9f50449e04a0e810283a1e9933adedd2", "d1b1c98dd7689fb8ec11d242b123dc9b", "437b9aec36"),
        (
            0x1303,
            "25a282b9e82f06f21f488917a4fc8f1b73573685608597d0efcb076b0ab7a7a4",
            "5e5cd55c41f69080575d7999c25a5bfb",
            "aefefe7d03",
        ),
        (
            0x1302,
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            "00112233445566778899aabbccddeeff",
            "8ea2b7ca51",
        ),
    ];
    for (id, key, sample, mask) in cases {
        let aead = PROVIDER.suite(id).expect("a row").aead;
        let sample = hex(sample).try_into().expect("16 bytes");
        assert_eq!((aead.header_key)(&hex(key)).mask(&sample)[..], hex(mask), "{id:#06x}");
    }
}

/// RFC 9001 section 6.6.
// spec: 9001-6.6-a 9001-6.6-b
#[test]
fn packets_of_quic_have_limits_of_their_own() {
    let limits = |id| {
        let aead = PROVIDER.suite(id).expect("a row").aead;
        (aead.packet_confidentiality_limit, aead.packet_integrity_limit)
    };
    assert_eq!(limits(0x1301), (1 << 23, 1 << 52));
    assert_eq!(limits(0x1302), (1 << 23, 1 << 52));
    assert_eq!(limits(0x1303), (u64::MAX, 1 << 36));
}

#[test]
fn a_fork_of_a_hash_goes_its_own_way() {
    for suite in PROVIDER.suites {
        let mut first = (suite.hash.start)();
        first.update(b"Client");
        let mut second = first.fork();
        first.update(b"Hello");
        assert_eq!(first.digest().as_ref(), first.digest().as_ref(), "taking a digest ends nothing");
        second.update(b"Hello");
        assert_eq!(first.digest().as_ref(), second.digest().as_ref());
        second.update(b"!");
        assert_ne!(first.digest().as_ref(), second.digest().as_ref());
        assert_eq!(second.digest().as_ref(), second.finish().as_ref());
        assert_eq!(first.digest().as_ref().len(), suite.hash.len);
    }
}

#[test]
fn hashes_give_the_values_of_fips_180_4_for_abc() {
    let cases = [
        (&SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            &SHA384,
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
        ),
    ];
    for (hash, digest) in cases {
        let mut state = (hash.start)();
        state.update(b"ab");
        state.update(b"c");
        assert_eq!(state.digest().as_ref(), hex(digest));
    }
}

#[test]
fn both_sides_of_every_group_agree() {
    for group in PROVIDER.groups {
        let client = (group.start)(&mut Untouched);
        assert_eq!(client.public().len(), group.client_share_len);
        let (share, theirs) =
            (group.accept)(&mut Untouched, client.public()).expect("a share of its own making");
        assert_eq!(share.len(), group.server_share_len);
        assert_eq!(client.agree(&share).expect("a share of its own making"), theirs, "{:#06x}", group.id);
    }
}

#[test]
fn a_hybrid_share_serves_x25519_alone_too() {
    let hybrid = (PROVIDER.group(0x11ec).expect("a row").start)(&mut Untouched);
    let (id, share) = hybrid.component().expect("X25519 inside");
    assert_eq!(id, 0x001d);
    assert_eq!(share, &hybrid.public()[1184..]);
    let x25519 = PROVIDER.group(id).expect("a row");
    let (share, theirs) = (x25519.accept)(&mut Untouched, share).expect("a share of its own making");
    assert_eq!(hybrid.agree_component(&share).expect("a share of its own making"), theirs);
}

#[test]
fn a_group_without_component_agrees_on_none() {
    let x25519 = (PROVIDER.group(0x001d).expect("a row").start)(&mut Untouched);
    assert!(x25519.component().is_none());
    assert_eq!(x25519.agree_component(&[9; 32]), Err(BadShare));
}

#[test]
fn shares_of_any_other_length_are_refused() {
    for group in PROVIDER.groups {
        let good = (group.start)(&mut Untouched);
        let (share, _) = (group.accept)(&mut Untouched, good.public()).expect("a share of its own making");
        for change in [-1, 1] {
            let resized = |share: &[u8]| {
                let mut share = share.to_vec();
                share.resize(share.len().strict_add_signed(change), 0);
                share
            };
            assert_eq!((group.accept)(&mut Untouched, &resized(good.public())).err(), Some(BadShare));
            assert_eq!((group.start)(&mut Untouched).agree(&resized(&share)).err(), Some(BadShare));
        }
        assert_eq!((group.accept)(&mut Untouched, &[]).err(), Some(BadShare));
        assert_eq!((group.start)(&mut Untouched).agree(&[]).err(), Some(BadShare));
    }
}

/// RFC 7748 section 6.1 and RFC 9846 section 7.4.2: the points of small order and their non-canonical forms.
// spec: 9846-7.4.2-a
#[test]
fn an_all_zero_x25519_secret_is_refused() {
    let small_order = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    let x25519 = PROVIDER.group(0x001d).expect("a row");
    let hybrid = PROVIDER.group(0x11ec).expect("a row");
    for share in small_order.map(hex) {
        assert_eq!((x25519.accept)(&mut Untouched, &share).err(), Some(BadShare));
        assert_eq!((x25519.start)(&mut Untouched).agree(&share), Err(BadShare));
        assert_eq!((hybrid.start)(&mut Untouched).agree_component(&share), Err(BadShare));
        let mut client = (hybrid.start)(&mut Untouched).public().to_vec();
        client[1184..].copy_from_slice(&share);
        assert_eq!((hybrid.accept)(&mut Untouched, &client).err(), Some(BadShare));
        let ours = (hybrid.start)(&mut Untouched);
        let (mut server, _) =
            (hybrid.accept)(&mut Untouched, ours.public()).expect("a share of its own making");
        server[1088..].copy_from_slice(&share);
        assert_eq!(ours.agree(&server), Err(BadShare));
    }
}

/// FIPS 203 section 7.2, "Modulus check": 12-bit coefficients of 3329 and more are no encapsulation key.
#[test]
fn an_encapsulation_key_with_a_coefficient_over_the_modulus_is_refused() {
    let hybrid = PROVIDER.group(0x11ec).expect("a row");
    for (coefficient, good) in [(3328u16, true), (3329, false), (4095, false)] {
        for index in [0, 1, 384, 767] {
            let mut share = (hybrid.start)(&mut Untouched).public().to_vec();
            let three = &mut share[index / 2 * 3..][..3];
            match index % 2 {
                0 => {
                    three[0] = coefficient as u8;
                    three[1] = three[1] & 0xf0 | (coefficient >> 8) as u8;
                }
                _ => {
                    three[1] = three[1] & 0x0f | (coefficient << 4) as u8;
                    three[2] = (coefficient >> 4) as u8;
                }
            }
            let accepted = (hybrid.accept)(&mut Untouched, &share);
            assert_eq!(accepted.is_ok(), good, "coefficient {index} is {coefficient}");
        }
    }
}

/// FIPS 203 section 6.3: a ciphertext that was tampered with yields a secret of its own, and no error.
#[test]
fn a_changed_ciphertext_gives_another_secret() {
    let hybrid = PROVIDER.group(0x11ec).expect("a row");
    let client = (hybrid.start)(&mut Untouched);
    let (mut share, theirs) =
        (hybrid.accept)(&mut Untouched, client.public()).expect("a share of its own making");
    share[5] ^= 1;
    let ours = client.agree(&share).expect("implicit rejection is silent");
    assert_ne!(ours.as_ref()[..32], theirs.as_ref()[..32]);
    assert_eq!(ours.as_ref()[32..], theirs.as_ref()[32..]);
}

// spec: 9846-4.3.8.2-a 9846-4.3.8.2-b
#[test]
fn only_uncompressed_points_are_shares() {
    for (id, private) in [(0x0017, &agreement::ECDH_P256), (0x0018, &agreement::ECDH_P384)] {
        let group = PROVIDER.group(id).expect("a row");
        let good = (group.start)(&mut Untouched).public().to_vec();
        assert_eq!(good[0], 4);
        let parity = good[good.len() - 1] & 1;
        let x = 1 + (good.len() - 1) / 2;
        let compressed = [&[2 + parity], &good[1..x]].concat();
        let hybrid = [&[6 + parity], &good[1..]].concat();
        let mut off_the_curve = good.clone();
        off_the_curve[x] ^= 1;
        let wrapped: PublicKeyX509Der<'_> =
            PrivateKey::generate(private).unwrap().compute_public_key().unwrap().as_der().unwrap();
        for share in [&compressed[..], &hybrid, &off_the_curve, &[0], wrapped.as_ref()] {
            assert_eq!((group.accept)(&mut Untouched, share).err(), Some(BadShare), "{share:02x?}");
        }
    }
}

/// What a peer sends is never more than an error.
#[test]
fn no_flipped_bit_of_a_share_panics() {
    for group in PROVIDER.groups {
        let client = (group.start)(&mut Untouched).public().to_vec();
        let (server, _) = (group.accept)(&mut Untouched, &client).expect("a share of its own making");
        for (share, accepts) in [(client, true), (server, false)] {
            for bit in (0..share.len() * 8).step_by(share.len() / 32) {
                let mut flipped = share.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                match accepts {
                    true => drop((group.accept)(&mut Untouched, &flipped)),
                    false => drop((group.start)(&mut Untouched).agree(&flipped)),
                }
            }
        }
    }
}
