mod handshake;

use super::*;
use crate::seed::Seed;
use sakigake_crypto::{BadShare, KeyRejected, SignFailed, hkdf};
use sakigake_tls::{RejectedCertificate, Verified, Verifier as _};

/// Lab and product differ in nothing that can be seen from outside.
#[test]
fn the_table_has_the_rows_of_the_real_one() {
    let real = &sakigake_crypto::aws_lc::PROVIDER;
    let suites = |provider: &Provider| {
        let row = |suite: &Suite| {
            let aead = suite.aead;
            let limits =
                [aead.confidentiality_limit, aead.packet_confidentiality_limit, aead.packet_integrity_limit];
            (suite.id, suite.hash.len, aead.key_len, limits)
        };
        provider.suites.iter().map(row).collect::<Vec<_>>()
    };
    assert_eq!(suites(&PROVIDER), suites(real));
    let groups = |provider: &Provider| {
        let row = |group: &sakigake_crypto::Group| (group.id, group.client_share_len, group.server_share_len);
        provider.groups.iter().map(row).collect::<Vec<_>>()
    };
    assert_eq!(groups(&PROVIDER), groups(real));
    let schemes = |provider: &Provider| {
        provider.verifications.iter().map(|row| (row.scheme, row.in_handshake)).collect::<Vec<_>>()
    };
    assert_eq!(schemes(&PROVIDER), schemes(real));
    for (ours, theirs) in PROVIDER.verifications.iter().zip(real.verifications) {
        let (ours, theirs) = (ours.algorithms[0], theirs.algorithms[0]);
        assert_eq!(ours.public_key_alg_id(), theirs.public_key_alg_id());
        assert_eq!(ours.signature_alg_id(), theirs.signature_alg_id());
    }
}

#[test]
fn secrets_have_the_lengths_of_the_real_ones() {
    for (ours, theirs) in PROVIDER.groups.iter().zip(sakigake_crypto::aws_lc::PROVIDER.groups) {
        let secret = |group: &sakigake_crypto::Group| {
            let client = (group.start)(&mut Seed::new(1));
            let (_, secret) = (group.accept)(&mut Seed::new(2), client.public()).expect("a good share");
            secret.as_ref().len()
        };
        assert_eq!(secret(ours), secret(theirs), "{:#06x}", ours.id);
    }
}

#[test]
fn records_stay_readable_and_any_change_is_caught() {
    for suite in PROVIDER.suites {
        let key = (suite.aead.key)(&vec![7; suite.aead.key_len]);
        let mut record = b"GET / HTTP/2".to_vec();
        let tag = key.seal([1; 12], b"header", &mut record);
        assert_eq!(record, b"GET / HTTP/2");
        record.extend_from_slice(&tag);
        assert_eq!(key.open([1; 12], b"header", &mut record.clone()), Ok(12));
        for bit in 0..record.len() * 8 {
            let mut flipped = record.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key.open([1; 12], b"header", &mut flipped), Err(Forged), "bit {bit}");
        }
        for bit in 0..12 * 8 {
            let mut nonce = [1; 12];
            nonce[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key.open(nonce, b"header", &mut record.clone()), Err(Forged), "nonce bit {bit}");
        }
        for len in 0..record.len() {
            assert_eq!(key.open([1; 12], b"header", &mut record[..len].to_vec()), Err(Forged));
        }
        assert_eq!(key.open([1; 12], b"headers", &mut record.clone()), Err(Forged));
        for other in PROVIDER.suites {
            let other_key = (other.aead.key)(&vec![8; other.aead.key_len]);
            assert_eq!(other_key.open([1; 12], b"header", &mut record.clone()), Err(Forged));
            if other.id != suite.id {
                let same_bytes = (other.aead.key)(&vec![7; other.aead.key_len]);
                assert_eq!(same_bytes.open([1; 12], b"header", &mut record.clone()), Err(Forged));
            }
        }
    }
}

#[test]
fn the_mask_of_a_header_hangs_on_key_and_sample() {
    for suite in PROVIDER.suites {
        let mask = |key: u8, sample: u8| {
            (suite.aead.header_key)(&vec![key; suite.aead.key_len]).mask(&[sample; SAMPLE_BYTES])
        };
        assert_eq!(mask(1, 2), mask(1, 2));
        assert_ne!(mask(1, 2), mask(1, 3));
        assert_ne!(mask(1, 2), mask(2, 2));
    }
}

#[test]
fn bytes_cannot_move_between_the_header_and_the_text() {
    let key = (PROVIDER.suites[0].aead.key)(&[7; 16]);
    let one = key.seal([1; 12], b"ab", &mut b"c".to_vec());
    let other = key.seal([1; 12], b"a", &mut b"bc".to_vec());
    assert_ne!(one, other);
}

#[test]
fn a_digest_is_the_same_however_its_input_is_split() {
    let bytes: Vec<u8> = (0..100).collect();
    for suite in PROVIDER.suites {
        let mut whole = (suite.hash.start)();
        whole.update(&bytes);
        for at in 0..bytes.len() {
            let mut split = (suite.hash.start)();
            split.update(&bytes[..at]);
            let mut fork = split.fork();
            split.update(&bytes[at..]);
            assert_eq!(split.digest().as_ref(), whole.digest().as_ref(), "split at {at}");
            fork.update(&bytes[at..99]);
            assert_ne!(fork.digest().as_ref(), whole.digest().as_ref());
        }
        assert_eq!(whole.digest().as_ref().len(), suite.hash.len);
    }
}

/// Zeros at the end are where a sum that pads would fail.
#[test]
fn digests_of_zeros_tell_their_lengths() {
    let mut seen = std::collections::BTreeSet::new();
    for len in 0..100 {
        let mut state = (SHA256.start)();
        state.update(&vec![0; len]);
        assert!(seen.insert(state.digest().as_ref().to_vec()), "{len} zeros");
    }
}

#[test]
fn hkdf_runs_on_it() {
    for suite in PROVIDER.suites {
        let secret = hkdf::extract(suite.hash, b"salt", b"input");
        let (mut key, mut iv) = ([0; 16], [0; 16]);
        hkdf::expand_label(suite.hash, secret.as_ref(), b"key", &[], &mut key);
        hkdf::expand_label(suite.hash, secret.as_ref(), b"iv", &[], &mut iv);
        assert_ne!(key, iv);
    }
}

#[test]
fn both_sides_of_every_group_agree_and_no_two_pairs_do() {
    for group in PROVIDER.groups {
        let run = |seed| {
            let mut seed = Seed::new(seed);
            let client = (group.start)(&mut seed);
            let (share, theirs) = (group.accept)(&mut seed, client.public()).expect("a good share");
            assert_eq!(
                (client.public().len(), share.len()),
                (group.client_share_len, group.server_share_len)
            );
            let ours = client.agree(&share).expect("a good share");
            assert_eq!(ours, theirs);
            ours
        };
        assert_eq!(run(1), run(1), "the seed decides");
        assert_ne!(run(1), run(2));
    }
}

#[test]
fn a_hybrid_share_serves_x25519_alone_too() {
    let mut seed = Seed::new(3);
    let hybrid = (PROVIDER.group(0x11ec).expect("a row").start)(&mut seed);
    let (id, share) = hybrid.component().expect("X25519 inside");
    let (share, theirs) =
        (PROVIDER.group(id).expect("a row").accept)(&mut seed, share).expect("a good share");
    assert_eq!(hybrid.agree_component(&share).expect("a good share"), theirs);
    let x25519 = (PROVIDER.group(id).expect("a row").start)(&mut seed);
    assert_eq!(x25519.agree_component(&share), Err(BadShare));
}

#[test]
fn bad_shares_are_refused() {
    for group in PROVIDER.groups {
        let mut seed = Seed::new(4);
        let client = (group.start)(&mut seed).public().to_vec();
        let (server, _) = (group.accept)(&mut seed, &client).expect("a good share");
        let cases = |share: &[u8]| {
            [&share[1..], &[share, &[1]].concat(), &[], &vec![0; share.len()]].map(<[u8]>::to_vec)
        };
        for share in cases(&client) {
            assert_eq!((group.accept)(&mut seed, &share).err(), Some(BadShare), "{:#06x}", group.id);
        }
        for share in cases(&server) {
            assert_eq!((group.start)(&mut seed).agree(&share).err(), Some(BadShare), "{:#06x}", group.id);
        }
    }
}

#[test]
fn signatures_bind_the_scheme_the_key_and_the_message() {
    let mut seed = Seed::new(5);
    for row in PROVIDER.verifications.iter().filter(|row| row.in_handshake) {
        let key = (PROVIDER.signing_key)(&private_key(row.scheme, 1).expect("a kind")).expect("our encoding");
        let other =
            (PROVIDER.signing_key)(&private_key(row.scheme, 2).expect("a kind")).expect("our encoding");
        let (public, other) = (key.public_key(), other.public_key());
        let public = signing::subject_public_key(&public, row.scheme).expect("its kind");
        let other = signing::subject_public_key(&other, row.scheme).expect("its kind");
        let signature = key.sign(row.scheme, b"message", &mut seed).expect("its scheme");
        let algorithm = row.algorithms[0];
        algorithm.verify_signature(public, b"message", &signature).expect("a good signature");
        algorithm.verify_signature(public, b"massage", &signature).expect_err("another message");
        algorithm.verify_signature(other, b"message", &signature).expect_err("another key");
        for bit in 0..signature.len() * 8 {
            let mut flipped = signature.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            algorithm.verify_signature(public, b"message", &flipped).expect_err("a flipped bit");
        }
        for len in 0..signature.len() {
            algorithm.verify_signature(public, b"message", &signature[..len]).expect_err("a truncation");
        }
        for foreign in PROVIDER.verifications.iter().filter(|foreign| foreign.scheme != row.scheme) {
            foreign.algorithms[0]
                .verify_signature(public, b"message", &signature)
                .expect_err("another scheme");
            if !key.schemes().contains(&foreign.scheme) {
                assert_eq!(key.sign(foreign.scheme, b"message", &mut seed), Err(SignFailed));
            }
        }
    }
}

#[test]
fn signatures_and_keys_have_real_lengths() {
    for (scheme, spki_len, signature_lens) in
        [(0x0403, 91, 70..=72), (0x0503, 120, 102..=104), (0x0807, 44, 64..=64), (0x0804, 294, 256..=256)]
    {
        let key = (PROVIDER.signing_key)(&private_key(scheme, 1).expect("a kind")).expect("our encoding");
        assert_eq!(key.public_key().len(), spki_len);
        let mut seed = Seed::new(6);
        let lens: Vec<usize> =
            (0..1000).map(|_| key.sign(scheme, b"message", &mut seed).expect("its scheme").len()).collect();
        for len in signature_lens.clone() {
            assert!(lens.contains(&len), "{scheme:#06x}: no signature of {len} bytes");
        }
        // One ECDSA signature in about 128 begins an integer with a zero byte, which DER leaves out.
        let shorter = lens.iter().filter(|len| !signature_lens.contains(len)).count();
        assert!(shorter < 30, "{scheme:#06x}: {shorter} of other lengths");
        assert!(lens.iter().max() <= Some(signature_lens.end()));
    }
}

#[test]
fn keys_in_another_encoding_are_rejected() {
    let good = private_key(0x0403, 1).expect("a kind");
    let good = good.secret_der();
    for len in 0..good.len() {
        let key = rustls_pki_types::PrivatePkcs8KeyDer::from(&good[..len]).into();
        assert_eq!((PROVIDER.signing_key)(&key).err(), Some(KeyRejected));
    }
    let longer = [good, &[0]].concat();
    let key = rustls_pki_types::PrivatePkcs8KeyDer::from(longer).into();
    assert_eq!((PROVIDER.signing_key)(&key).err(), Some(KeyRejected));
    assert!(private_key(0x0401, 1).is_none());
}

fn judge(name: &str, chain: &[Vec<u8>]) -> Result<Verified, RejectedCertificate> {
    let chain: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
    Verifier.verify_chain(name, &chain, 0)
}

#[test]
fn a_chain_of_the_lab_is_good_for_its_name_alone() {
    let (chain, signer) = certificate("a.example", 7);
    assert_eq!((chain[0].len(), chain[1].len()), (600, 900));
    assert_eq!(judge("a.example", &chain), Ok(Verified));
    let wrong = RejectedCertificate::WrongName { presented: vec!["a.example".to_owned()] };
    assert_eq!(judge("b.example", &chain), Err(wrong));
    let signature = signer.sign(0x0403, b"message", &mut Seed::new(8)).expect("its scheme");
    assert!(Verifier.verify_signature(&chain[0], 0x0403, b"message", &signature));
    assert!(!Verifier.verify_signature(&chain[0], 0x0403, b"massage", &signature));
    assert!(!Verifier.verify_signature(&chain[0], 0x0503, b"message", &signature));
    assert!(!Verifier.verify_signature(&certificate("a.example", 9).0[0], 0x0403, b"message", &signature));
    assert!(!Verifier.verify_signature(b"garbage", 0x0403, b"message", &signature));
    assert!(signer.sign(0x0804, b"message", &mut Seed::new(8)).is_none());
}

#[test]
fn a_wildcard_covers_one_label() {
    let (chain, _) = certificate("*.example", 7);
    assert_eq!(judge("a.example", &chain), Ok(Verified));
    for name in ["example", "b.a.example", ".example", "a.example.com"] {
        assert!(matches!(judge(name, &chain), Err(RejectedCertificate::WrongName { .. })), "{name}");
    }
}

#[test]
fn chains_that_are_incomplete_swapped_or_changed_are_refused() {
    let (chain, _) = certificate("a.example", 7);
    assert_eq!(judge("a.example", &[]), Err(RejectedCertificate::UnknownIssuer));
    assert_eq!(judge("a.example", &chain[..1]), Err(RejectedCertificate::UnknownIssuer));
    let swapped = [chain[1].clone(), chain[0].clone()];
    assert!(matches!(judge("a.example", &swapped), Err(RejectedCertificate::Bad(_))));
    for which in 0..2 {
        for at in 0..chain[which].len() {
            let mut changed = chain.clone();
            changed[which][at] ^= 0x10;
            assert!(matches!(judge("a.example", &changed), Err(RejectedCertificate::Bad(_))), "byte {at}");
            changed[which].truncate(at);
            assert!(matches!(judge("a.example", &changed), Err(RejectedCertificate::Bad(_))), "{at} bytes");
        }
    }
}

#[test]
fn the_seed_decides_the_chain() {
    assert_eq!(certificate("a.example", 7).0, certificate("a.example", 7).0);
    assert_ne!(certificate("a.example", 7).0, certificate("a.example", 8).0);
    assert_eq!(credential("a.example", 7).schemes, [0x0403]);
}
