use super::*;
use crate::aws_lc::{SHA256, SHA384};
use crate::tests::hex;

/// RFC 5869 appendix A: input, salt, info, length, PRK, OKM.
const RFC_5869: [[&str; 5]; 3] = [
    [
        "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
        "000102030405060708090a0b0c",
        "f0f1f2f3f4f5f6f7f8f9",
        "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    ],
    [
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f30313233343536\
         3738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
        "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f90919293949596\
         9798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
        "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6\
         e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
        "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09\
         b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
    ],
    [
        "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
        "",
        "",
        "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    ],
];

#[test]
fn extract_and_expand_give_the_values_of_rfc_5869() {
    for [input, salt, info, prk, okm] in RFC_5869 {
        let secret = extract(&SHA256, &hex(salt), &hex(input));
        assert_eq!(secret.as_ref(), hex(prk));
        let mut out = vec![0; hex(okm).len()];
        expand(&SHA256, secret.as_ref(), &hex(info), &mut out);
        assert_eq!(out, hex(okm));
    }
}

/// RFC 8448 section 3, "Simple 1-RTT Handshake".
#[test]
fn the_key_schedule_gives_the_values_of_rfc_8448() {
    let nothing = sha256(&[]);
    let early = extract(&SHA256, &[], &[0; 32]);
    expect(
        &early,
        "33 ad 0a 1c 60 7e c0 3b 09 e6 cd 98 93 68 0c e2 10 ad f3 00 aa 1f 26 60 e1 b2 2e 10 f1 70 f9 2a",
    );
    let derived = derive_secret(&SHA256, early.as_ref(), b"derived", &nothing);
    expect(
        &derived,
        "6f 26 15 a1 08 c7 02 c5 67 8f 54 fc 9d ba b6 97 16 c0 76 18 9c 48 25 0c eb ea c3 57 6c 36 11 ba",
    );

    let shared = hex(
        "8b d4 05 4f b5 5b 9d 63 fd fb ac f9 f0 4b 9f 0d 35 e6 d6 3f 53 75 63 ef d4 62 72 90 0f 89 49 2d",
    );
    let handshake = extract(&SHA256, derived.as_ref(), &shared);
    expect(
        &handshake,
        "1d c8 26 e9 36 06 aa 6f dc 0a ad c1 2f 74 1b 01 04 6a a6 b9 9f 69 1e d2 21 a9 f0 ca 04 3f be ac",
    );

    let hellos = Digest::new(&hex(
        "86 0c 06 ed c0 78 58 ee 8e 78 f0 e7 42 8c 58 ed d6 b4 3f 2c a3 e6 e9 5f 02 ed 06 3c f0 e1 ca d8",
    ));
    let client = derive_secret(&SHA256, handshake.as_ref(), b"c hs traffic", &hellos);
    expect(
        &client,
        "b3 ed db 12 6e 06 7f 35 a7 80 b3 ab f4 5e 2d 8f 3b 1a 95 07 38 f5 2e 96 00 74 6a 0e 27 a5 5a 21",
    );
    let server = derive_secret(&SHA256, handshake.as_ref(), b"s hs traffic", &hellos);
    expect(
        &server,
        "b6 7b 7d 69 0c c1 6c 4e 75 e5 42 13 cb 2d 37 b4 e9 c9 12 bc de d9 10 5d 42 be fd 59 d3 91 ad 38",
    );
    expect_label(&server, b"key", "3f ce 51 60 09 c2 17 27 d0 f2 e4 e8 6e e4 03 bc");
    expect_label(&server, b"iv", "5d 31 3e b2 67 12 76 ee 13 00 0b 30");
    expect_label(
        &server,
        b"finished",
        "00 8d 3b 66 f8 16 ea 55 9f 96 b5 37 e8 85 c3 1f c0 68 bf 49 2c 65 2f 01 f2 88 a1 d8 cd c1 9f c8",
    );

    let derived = derive_secret(&SHA256, handshake.as_ref(), b"derived", &nothing);
    expect(
        &derived,
        "43 de 77 e0 c7 77 13 85 9a 94 4d b9 db 25 90 b5 31 90 a6 5b 3e e2 e4 f1 2d d7 a0 bb 7c e2 54 b4",
    );
    let main = extract(&SHA256, derived.as_ref(), &[0; 32]);
    expect(
        &main,
        "18 df 06 84 3d 13 a0 8b f2 a4 49 84 4c 5f 8a 47 80 01 bc 4d 4c 62 79 84 d5 a4 1d a8 d0 40 29 19",
    );
}

#[test]
fn the_longest_output_label_and_context_are_taken() {
    expand(&SHA256, b"secret", &[], &mut vec![0; 255 * 32]);
    expand_label(&SHA256, b"secret", &[b'a'; 249], &[0; 255], &mut vec![0; 255 * 32]);
}

#[test]
#[should_panic(expected = "at most 255 digests")]
fn expand_refuses_more_than_255_digests() {
    expand(&SHA256, b"secret", &[], &mut vec![0; 255 * 32 + 1]);
}

#[test]
#[should_panic(expected = "a label has at most 249 bytes")]
fn a_label_of_250_bytes_is_refused() {
    expand_label(&SHA256, b"secret", &[b'a'; 250], &[], &mut [0; 32]);
}

#[test]
#[should_panic(expected = "a context has at most 255 bytes")]
fn a_context_of_256_bytes_is_refused() {
    expand_label(&SHA256, b"secret", b"key", &[0; 256], &mut [0; 32]);
}

fn sha256(bytes: &[u8]) -> Digest {
    let mut state = (SHA256.start)();
    state.update(bytes);
    state.digest()
}

fn expect(secret: &Secret, value: &str) {
    assert_eq!(secret.as_ref(), hex(value));
}

fn expect_label(secret: &Secret, label: &[u8], value: &str) {
    let value = hex(value);
    let mut out = vec![0; value.len()];
    expand_label(&SHA256, secret.as_ref(), label, &[], &mut out);
    assert_eq!(out, value);
}

#[test]
fn the_digest_of_nothing_is_what_a_hash_begins_with() {
    for hash in [&SHA256, &SHA384] {
        assert_eq!((hash.of_nothing)().as_ref(), (hash.start)().digest().as_ref());
    }
}
