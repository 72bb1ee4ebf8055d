use super::*;
use crate::{
    client,
    handshake::tests::{
        client_certificates::{asking, policy, with, wordy},
        pair::{AUTHORITY, Pair, Side, client_options, server_options},
    },
    rules::HandshakeType,
    server::{self, Demand},
};
use std::sync::Arc;

fn row(id: Id) -> &'static Compression {
    ALL.iter().find(|row| row.id == id.0).expect("each algorithm has a row")
}

/// A server whose certificate compression makes shorter, whatever its key and its signature are.
fn wordy_server() -> server::Options {
    let names =
        ["example.com", "one.example.com", "two.example.com", "three.example.com", "four.example.com"];
    server::Options { credentials: vec![AUTHORITY.credential(&names)], ..server_options() }
}

/// A CompressedCertificate that says what it likes.
fn message(algorithm: u16, uncompressed_length: u32, compressed: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    CompressedCertificate { algorithm, uncompressed_length, compressed_certificate_message: compressed }
        .write(&mut message);
    message
}

/// A handshake in which the client offers `offered`; `change` may change the server's certificate on its way.
fn outcome(
    offered: &'static [Compression],
    limits: Limits,
    mut change: impl FnMut(&mut Vec<u8>),
) -> Result<Vec<HandshakeType>, (Side, Fault)> {
    let client = client::Options { compressions: offered, limits, ..client_options() };
    let server = server::Options { compressions: &ALL, ..wordy_server() };
    let mut kinds = Vec::new();
    let mut pair = Pair::new(client, server);
    pair.run_with(|from, _, message| {
        let kind = HandshakeType(message[0]);
        if from == Side::Server {
            kinds.push(kind);
        }
        if matches!(kind, HandshakeType::CERTIFICATE | HandshakeType::COMPRESSED_CERTIFICATE) {
            change(message);
        }
    })?;
    assert!(pair.is_established());
    Ok(kinds)
}

#[test]
fn what_others_have_compressed_comes_out_whole() {
    // spec: 8879-4-b
    let of_others: [(Id, &[u8]); 3] = [
        // Python's zlib, the encoder of Google's brotli, the command zstd.
        (
            Id::ZLIB,
            &[
                0x78, 0x9c, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x57, 0x28, 0xcf, 0x2f, 0xca, 0x49, 0x01, 0x00,
                0x1a, 0x0b, 0x04, 0x5d,
            ],
        ),
        (Id::BROTLI, b"\x0b\x05\x80hello world\x03"),
        (Id::ZSTD, b"\x28\xb5\x2f\xfd\x04\x68\x59\x00\x00hello world\x68\x69\x1e\xb2"),
    ];
    for (id, compressed) in of_others {
        let mut out = [0; 11];
        (row(id).decompress)(compressed, &mut out).unwrap_or_else(|error| panic!("{id}: {error}"));
        assert_eq!(&out, b"hello world", "{id}");
        for len in [0, 10, 12] {
            assert!((row(id).decompress)(compressed, &mut vec![0; len]).is_err(), "{id} to {len} bytes");
        }
        for cut in 0..compressed.len() {
            assert!((row(id).decompress)(&compressed[..cut], &mut out).is_err(), "{id} cut at {cut}");
        }
    }
}

#[test]
fn a_server_compresses_as_its_client_offers() {
    // spec: 8879-4-a spec: 8879-4-d
    let offers: [(&[Compression], Option<u16>); 4] =
        [(&[], None), (&ALL, Some(2)), (&ALL[1..], Some(3)), (&ALL[2..], Some(1))];
    for (offered, expected) in offers {
        let mut algorithm = None;
        let kinds = outcome(offered, Limits::default(), |message| {
            algorithm = (message[0] == 25).then(|| u16::from_be_bytes([message[4], message[5]]));
        })
        .unwrap();
        assert_eq!(algorithm, expected);
        let kind = if offered.is_empty() {
            HandshakeType::CERTIFICATE
        } else {
            HandshakeType::COMPRESSED_CERTIFICATE
        };
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
}

/// A handshake in which the server asks and takes `taken`, and the client has `ours`; `change` may change its certificate.
fn client_shows(
    taken: &'static [Compression],
    ours: &'static [Compression],
    limits: Limits,
    mut change: impl FnMut(&mut Vec<u8>),
) -> Result<HandshakeType, (Side, Fault)> {
    let client = client::Options { compressions: ours, ..with(vec![wordy()]) };
    let server = server::Options { compressions: taken, limits, ..asking(policy(Demand::Required)) };
    let mut kind = None;
    let mut pair = Pair::new(client, server);
    pair.run_with(|from, _, message| {
        let is_certificate = matches!(
            HandshakeType(message[0]),
            HandshakeType::CERTIFICATE | HandshakeType::COMPRESSED_CERTIFICATE
        );
        if from == Side::Client && is_certificate {
            kind = Some(HandshakeType(message[0]));
            change(message);
        }
    })?;
    assert!(pair.is_established());
    Ok(kind.expect("it was asked"))
}

#[test]
fn a_client_compresses_as_its_server_asks() {
    // spec: 8879-3-a spec: 8879-4-d
    let shows = |taken, ours| client_shows(taken, ours, Limits::default(), |_| {});
    for row in &ALL {
        let row = core::slice::from_ref(row);
        assert_eq!(shows(&ALL, row), Ok(HandshakeType::COMPRESSED_CERTIFICATE));
        assert_eq!(shows(row, &ALL), Ok(HandshakeType::COMPRESSED_CERTIFICATE));
    }
    assert_eq!(shows(&ALL, &[]), Ok(HandshakeType::CERTIFICATE));
    assert_eq!(shows(&[], &ALL), Ok(HandshakeType::CERTIFICATE));
    assert_eq!(shows(&ALL[..1], &ALL[1..]), Ok(HandshakeType::CERTIFICATE));
}

#[test]
fn a_clients_certificate_is_held_to_the_same_rules() {
    // spec: 8879-4-a spec: 8879-4-b spec: 8879-5-b
    let good = wordy().message(Shown::default())[4..].to_vec();
    let by_zlib = compress_zlib(&good).unwrap();
    let shows = |taken, limits, algorithm, len, content: &[u8]| {
        let outcome = client_shows(taken, &ALL, limits, |sent| *sent = message(algorithm, len, content));
        outcome.expect_err("it is bad")
    };
    let len = good.len() as u32;
    let cases = [
        (&ALL[..], 1, len, &by_zlib[1..], Fault::BadCompressedCertificate),
        (&ALL, 1, len - 1, &by_zlib, Fault::BadCompressedCertificate),
        (&ALL[..2], 1, len, &by_zlib, Fault::UnofferedCompression),
        (&[], 1, len, &by_zlib, Fault::UnexpectedMessage(HandshakeType::COMPRESSED_CERTIFICATE)),
    ];
    for (taken, algorithm, len, content, expected) in cases {
        assert_eq!(shows(taken, Limits::default(), algorithm, len, content), (Side::Server, expected));
    }
    let limits = Limits { certificate_chain_bytes: 2_048, ..Limits::default() };
    assert_eq!(shows(&ALL, limits, 1, 2_045, &by_zlib), (Side::Server, Fault::MessageTooLong));
}

#[test]
fn a_chain_is_compressed_once_and_only_where_that_helps() {
    let server = wordy_server();
    let (credential, asked) = (Arc::clone(&server.credentials[0]), Shown::default());
    let first = credential
        .compressed
        .message(&ALL[0], asked, || credential.message(asked))
        .expect("it becomes shorter");
    let again = credential.compressed.message(&ALL[0], asked, || panic!("it was made already"));
    assert!(
        again.is_some_and(|again| std::ptr::eq(first, again))
            && first.len() < credential.message(asked).len()
    );
    assert_eq!(format!("{:?}", credential.compressed), "Compressed(1 made)");
    let private =
        Compression { id: 0xff00, compress: |_| Ok(vec![7]), decompress: |_, _| Ok(()), always: false };
    let other = credential
        .compressed
        .message(&private, asked, || credential.message(asked))
        .expect("it becomes shorter");
    assert_ne!(other, first, "each algorithm has a message of its own");
    let noise = || crate::Credential { chain: vec![vec![0x30, 0]], ..crate::Credential::default() };
    assert_eq!(noise().message_by(Some(&ALL[0]), asked), noise().message(asked));
    let Compression { id, compress, decompress, .. } = ALL[0];
    let always = Compression { id, compress, decompress, always: true };
    assert_ne!(noise().message_by(Some(&always), asked), noise().message(asked), "it was told to");
}

#[test]
fn a_certificate_by_an_algorithm_that_was_not_offered_is_refused() {
    // spec: 8879-4-a
    let by_zlib = |message: &mut Vec<u8>| {
        let body = message[4..].to_vec();
        *message = self::message(1, body.len() as u32, &compress_zlib(&body).unwrap());
    };
    let plain = |message: &mut Vec<u8>| {
        let mut room = Vec::new();
        let certificate = read(message, &ALL, &Limits::default(), &mut room).unwrap();
        let mut plain = Vec::new();
        certificate.write(&mut plain);
        *message = plain;
    };
    let unoffered = outcome(&ALL[..2], Limits::default(), |message| {
        plain(message);
        by_zlib(message);
    });
    assert_eq!(unoffered, Err((Side::Client, Fault::UnofferedCompression)));
    let unasked = outcome(&[], Limits::default(), by_zlib);
    let kind = HandshakeType::COMPRESSED_CERTIFICATE;
    assert_eq!(unasked, Err((Side::Client, Fault::UnexpectedMessage(kind))));
}

#[test]
fn what_is_not_as_long_as_was_said_or_no_such_thing_at_all_is_a_bad_certificate() {
    // spec: 8879-4-b spec: 8879-4-c spec: 8879-5-a
    let bomb = vec![0; 1 << 20];
    for row in &ALL {
        let body = wordy_server().credentials[0].message(Shown::default())[4..].to_vec();
        let len = body.len() as u32;
        let good = (row.compress)(&body).unwrap();
        let cases = [
            (len + 1, good.clone()),
            (len - 1, good.clone()),
            (0, good.clone()),
            (len, vec![0xff; 100]),
            (len, good[..good.len() / 2].to_vec()),
            (len, [&good[..], &[0]].concat()),
            (len, [&good[..], &[0; 5_000]].concat()),
            (len, [&good[..], &good[..]].concat()),
            (len, [&good[..], SKIPPED_FRAME].concat()),
            (len, LARGE_WINDOW.into()),
            (len, (row.compress)(&bomb).unwrap()),
        ];
        for (number, (len, content)) in cases.into_iter().enumerate() {
            let result = outcome(&ALL, Limits::default(), |sent| *sent = message(row.id, len, &content));
            let expected = Err((Side::Client, Fault::BadCompressedCertificate));
            assert_eq!(result, expected, "algorithm {}, case {number}", row.id);
        }
    }
    assert_eq!(Fault::BadCompressedCertificate.alert().to_string(), "bad_certificate");
}

/// A frame that decoders of zstd skip (RFC 8878 section 3.1.2).
const SKIPPED_FRAME: &[u8] = &[0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 9];

/// How a stream begins whose window RFC 7932 does not know; Google's own decoder takes it where it is told to.
const LARGE_WINDOW: &[u8] = &[0x11, 0x1c, 0x0b, 0x05, 0x80];

#[test]
fn a_compressed_certificate_may_hold_no_more_than_an_open_one() {
    // spec: 8879-5-b
    let limits = Limits { certificate_chain_bytes: 2_048, ..Limits::default() };
    for (len, expected) in [(2_044, Fault::BadCompressedCertificate), (2_045, Fault::MessageTooLong)] {
        let result = outcome(&ALL, limits.clone(), |sent| *sent = message(2, len, &[0x06]));
        assert_eq!(result, Err((Side::Client, expected)), "{len}");
    }
}

#[test]
fn what_was_compressed_is_held_to_the_rules_of_the_message() {
    // spec: 8879-5-c
    let cases: [(&[u8], Fault); 4] = [
        (&[0, 0, 0, 0], Fault::EmptyCertificateList),
        (&[0, 0, 0, 0, 9], Fault::TrailingBytes),
        (&[0, 0, 0, 9], Fault::MessageEndsEarly),
        (&[1, 7, 0, 0, 0], Fault::WrongRequestContext),
    ];
    for (body, expected) in cases {
        let compressed = compress_zlib(body).unwrap();
        let result =
            outcome(&ALL, Limits::default(), |sent| *sent = message(1, body.len() as u32, &compressed));
        assert_eq!(result, Err((Side::Client, expected)));
    }
}

#[test]
fn the_fuzz_body_takes_what_it_may_meet() {
    for row in &ALL {
        let good = (row.compress)(&[7; 300]).unwrap();
        let sample = [&[1, 44], &good[..]].concat();
        fuzz_decompress(&sample);
        for bit in 0..sample.len() * 8 {
            let mut flipped = sample.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            fuzz_decompress(&flipped);
        }
    }
}
