use super::*;
use crate::{Level, TrafficSecret, vectors::Vectors};
use sakigake_crypto::{Secret, Suite, aws_lc};

fn suite() -> &'static Suite {
    &aws_lc::PROVIDER.suites[0]
}

fn secret(level: Level, bytes: &[u8]) -> TrafficSecret {
    TrafficSecret { level, suite: suite(), secret: Secret::new(bytes) }
}

fn pair() -> (Sealer, Opener) {
    let secret = secret(Level::Application, &[3; 32]);
    let (mut sealer, mut opener) = (Sealer::new(), Opener::new());
    sealer.install(&secret, u64::MAX);
    opener.install(&secret);
    (sealer, opener)
}

fn seal(sealer: &mut Sealer, kind: ContentType, content: &[u8]) -> Vec<u8> {
    let mut out = vec![0xaa; HEADER_BYTES + MAX_PROTECTED_BYTES];
    out[HEADER_BYTES..HEADER_BYTES + content.len()].copy_from_slice(content);
    let len = sealer.seal(kind, &mut out, content.len()).expect("the key is not worn out");
    out.truncate(len);
    out
}

/// A record of our own making: `inner` is the whole TLSInnerPlaintext.
fn seal_by_hand(sequence: u64, inner: &[u8]) -> Vec<u8> {
    let keys = secret(Level::Application, &[3; 32]).keys();
    let [high, low] = ((inner.len() + TAG_BYTES) as u16).to_be_bytes();
    let header = [23, 3, 3, high, low];
    let mut text = inner.to_vec();
    let tag = (suite().aead.key)(keys.key()).seal(nonce(&keys.iv, sequence), &header, &mut text);
    [&header[..], &text, &tag].concat()
}

#[test]
fn protected_records_are_those_of_rfc_8448() {
    // spec: 9846-5.1-c spec: 9846-5.2-a spec: 9846-5.3-a
    let data: Vec<u8> = (0..50).collect();
    for v in [Vectors::one_round_trip(), Vectors::hello_retry_request()] {
        let flight = ["encrypted_extensions", "certificate", "certificate_verify", "finished"]
            .map(|name| v.of(&format!("server_{name}")))
            .concat();
        check(&v, Level::Handshake, "server_handshake_traffic_secret", &[("server_flight", 22, &flight)]);
        let finished = v.of("client_finished");
        check(&v, Level::Handshake, "client_handshake_traffic_secret", &[("client_finished", 22, finished)]);
        let alert = ("client_alert", 21, &[1, 0][..]);
        let server_alert = ("server_alert", 21, &[1, 0][..]);
        if v.has("client_data_record") {
            let client = [("client_data", 23, &data[..]), alert];
            check(&v, Level::Application, "client_application_traffic_secret_0", &client);
            let ticket = ("new_session_ticket", 22, v.of("new_session_ticket"));
            let server = [ticket, ("server_data", 23, &data), server_alert];
            check(&v, Level::Application, "server_application_traffic_secret_0", &server);
        } else {
            check(&v, Level::Application, "client_application_traffic_secret_0", &[alert]);
            check(&v, Level::Application, "server_application_traffic_secret_0", &[server_alert]);
        }
    }
}

/// Seals and opens each of the records under one secret.
fn check(vectors: &Vectors, level: Level, name: &str, records: &[(&str, u8, &[u8])]) {
    let secret = secret(level, vectors.of(name));
    let (mut sealer, mut elsewhere, mut opener) = (Sealer::new(), Sealer::new(), Opener::new());
    sealer.install(&secret, u64::MAX);
    elsewhere.install(&secret, u64::MAX);
    opener.install(&secret);
    for (record, kind, content) in records {
        let printed = vectors.of(&format!("{record}_record"));
        let mut out = vec![0; printed.len()];
        assert_eq!(elsewhere.seal_from(ContentType(*kind), &mut out, content), Ok(printed.len()), "{record}");
        assert_eq!(out, printed, "{record}");
        assert_eq!(seal(&mut sealer, ContentType(*kind), content), printed, "{record}");
        let mut bytes = printed.to_vec();
        let opened = opener.open(&mut bytes).expect("the RFC's record opens");
        assert_eq!((opened.kind, &bytes[opened.content]), (ContentType(*kind), *content), "{record}");
    }
}

#[test]
fn a_plain_record_is_its_content_behind_a_header() {
    // spec: 9846-5.1-e spec: 9846-E-a
    let v = Vectors::one_round_trip();
    let record = seal(&mut Sealer::new(), ContentType::HANDSHAKE, v.of("server_hello"));
    assert_eq!(record, v.of("server_hello_record"));
    let mut record = v.of("client_hello_record").to_vec(); // Its version is 0x0301.
    let opened = Opener::new().open(&mut record).expect("plaintext");
    assert_eq!(&record[opened.content], v.of("client_hello"));
    for version in [[3, 1], [3, 3], [0, 0], [0xff, 0xff]] {
        let header = Header { kind: ContentType::HANDSHAKE, len: 258 };
        assert_eq!(Header::read(&[22, version[0], version[1], 1, 2]), Ok(Some(header)), "{version:x?}");
    }
}

#[test]
fn lengths_end_at_their_limits() {
    // spec: 9846-5.1-d spec: 9846-5.2-c
    for (kind, longest) in [(22, 1 << 14), (21, 1 << 14), (20, 1 << 14), (23, (1 << 14) + 256)] {
        for (len, fits) in [(longest, true), (longest + 1, false)] {
            let [high, low] = (len as u16).to_be_bytes();
            let read = Header::read(&[kind, 3, 3, high, low]);
            let expected = Header { kind: ContentType(kind), len };
            assert_eq!(
                read,
                if fits { Ok(Some(expected)) } else { Err(Fault::RecordOverflow) },
                "{kind} {len}"
            );
        }
    }
}

#[test]
fn unknown_types_are_refused_by_their_header() {
    // spec: 9846-5-c
    for kind in (0..=255).filter(|kind| !(20..=23).contains(kind)) {
        let fault = Fault::UnexpectedRecord(ContentType(kind));
        assert_eq!(Header::read(&[kind, 3, 3, 0, 1]), Err(fault));
    }
    assert_eq!(Header::read(b"GET "), Ok(None), "not before the header is whole");
}

#[test]
fn an_inner_plaintext_may_have_2_to_the_14_and_1_bytes_and_no_more() {
    // spec: 9846-5.4-c
    let mut inner = vec![9; MAX_CONTENT_BYTES];
    inner.push(23);
    let mut record = seal_by_hand(0, &inner);
    let opened = pair().1.open(&mut record).expect("full size");
    assert_eq!(opened.content.len(), MAX_CONTENT_BYTES);
    inner.push(0);
    let mut record = seal_by_hand(0, &inner);
    assert_eq!(pair().1.open(&mut record), Err(Fault::RecordOverflow));
}

#[test]
fn a_plaintext_of_zeros_alone_has_no_type() {
    // spec: 9846-5.4-b
    for len in [0, 1, 100] {
        let mut record = seal_by_hand(0, &vec![0; len]);
        assert_eq!(pair().1.open(&mut record), Err(Fault::RecordWithoutType), "{len} zeros");
    }
}

#[test]
fn content_makes_the_same_record_wherever_it_lies() {
    // spec: 9846-5.2-a
    for suite in aws_lc::PROVIDER.suites {
        let secret = TrafficSecret {
            level: Level::Application,
            suite,
            secret: Secret::new(&[3; 48][..suite.hash.len]),
        };
        for padding in [Padding::None, Padding::Fixed(3)] {
            let [mut inside, mut elsewhere] = [(); 2].map(|()| Sealer::new());
            for sealer in [&mut inside, &mut elsewhere] {
                sealer.install(&secret, u64::MAX);
                sealer.pad(padding, [0; 32]);
            }
            for len in [0, 1, 50, 16_000] {
                let content = vec![9; len];
                let mut out = vec![0xaa; HEADER_BYTES + MAX_PROTECTED_BYTES];
                let sealed = elsewhere.seal_from(ContentType::APPLICATION_DATA, &mut out, &content);
                out.truncate(sealed.expect("the key is not worn out"));
                let expected = seal(&mut inside, ContentType::APPLICATION_DATA, &content);
                assert_eq!(out, expected, "{len} bytes, {padding:?}, {suite:?}");
            }
        }
    }
}

#[test]
fn padding_hides_lengths_and_is_zeros() {
    // spec: 9846-5.4-d
    let (mut sealer, mut opener) = pair();
    sealer.pad(Padding::ToMultiple(64), [0; 32]);
    for len in [0, 1, 62, 63, 64, 1_000, MAX_CONTENT_BYTES - 1] {
        let content = vec![7; len];
        let mut record = seal(&mut sealer, ContentType::APPLICATION_DATA, &content);
        assert_eq!((record.len() - HEADER_BYTES - TAG_BYTES) % 64, 0, "{len}");
        let opened = opener.open(&mut record).expect("padding is removed");
        assert_eq!(&record[opened.content.clone()], content);
        assert!(record[opened.content.end + 1..record.len() - TAG_BYTES].iter().all(|byte| *byte == 0));
    }
}

#[test]
fn whatever_room_is_told_can_be_sealed() {
    for pad_to in [0, 1, 7, 64, 1 << 14, usize::MAX] {
        for out_len in (0..200).chain([16_383, 16_405, 16_406, 16_407, 20_000]) {
            let (mut sealer, mut opener) = pair();
            sealer.pad(Padding::ToMultiple(pad_to), [0; 32]);
            let room = sealer.room(out_len);
            if out_len < OVERHEAD_BYTES {
                assert_eq!(room, 0);
                continue;
            }
            let mut out = vec![1; out_len];
            let len = sealer.seal(ContentType::APPLICATION_DATA, &mut out, room).expect("a fresh key");
            let opened = opener.open(&mut out[..len]).expect("own record");
            assert_eq!(opened.content.len(), room);
        }
    }
}

#[test]
fn a_policy_adds_what_it_says() {
    // spec: 9846-5.4-d
    let lens = |padding, seed| {
        let (mut sealer, mut opener) = pair();
        sealer.pad(padding, [seed; 32]);
        let mut lens = Vec::new();
        for _ in 0..200 {
            let mut record = seal(&mut sealer, ContentType::APPLICATION_DATA, b"content");
            lens.push(record.len() - OVERHEAD_BYTES - b"content".len());
            let opened = opener.open(&mut record).expect("padding is removed");
            assert_eq!(&record[opened.content], b"content");
        }
        lens
    };
    assert_eq!(lens(Padding::None, 1), [0; 200]);
    assert_eq!(lens(Padding::Fixed(9), 1), [9; 200]);
    let drawn = lens(Padding::Random(4), 1);
    assert!((0..=4).all(|len| drawn.contains(&len)) && drawn.iter().all(|len| *len <= 4), "{drawn:?}");
    assert_eq!(drawn, lens(Padding::Random(4), 1), "one seed, one course");
    assert_ne!(drawn, lens(Padding::Random(4), 2));
}

#[test]
fn no_policy_makes_a_record_longer_than_it_may_be() {
    // spec: 8449-4-a spec: 8449-4-b
    let policies = [
        Padding::ToMultiple(48),
        Padding::ToMultiple(usize::MAX),
        Padding::Fixed(usize::MAX),
        Padding::Random(usize::MAX),
    ];
    for padding in policies {
        for (limit, most) in [(64, 64), (16_384, 16_384), (16_385, 16_385), (u16::MAX, 16_385)] {
            let (mut sealer, mut opener) = pair();
            sealer.pad(padding, [5; 32]);
            sealer.limit(limit);
            for content_len in [0, 1, sealer.room(20_000)] {
                let mut record = seal(&mut sealer, ContentType::APPLICATION_DATA, &vec![1; content_len]);
                assert!(record.len() - HEADER_BYTES - TAG_BYTES <= most, "{padding:?} {limit}");
                assert!(opener.open(&mut record).is_ok_and(|opened| opened.content.len() == content_len));
            }
        }
    }
}

#[test]
fn a_record_above_the_limit_that_we_told_overflows() {
    // spec: 8449-4-c
    for (len, expected) in [(64, Ok(())), (65, Err(Fault::RecordOverflow))] {
        // Content, type and padding count.
        for content_len in [1, len - 1] {
            let (_, mut opener) = pair();
            opener.limit(64);
            let mut inner = vec![7; content_len];
            inner.push(23);
            inner.resize(len, 0);
            let opened = opener.open(&mut seal_by_hand(0, &inner));
            assert_eq!(opened.map(|_| ()), expected, "{content_len} of {len}");
        }
    }
    let (_, mut opener) = pair();
    opener.install(&secret(Level::EarlyData, &[3; 32]));
    opener.limit(64);
    let early = opener.open(&mut seal_by_hand(0, &[&[7; 100][..], &[23]].concat()));
    assert!(early.is_ok(), "the keys of early data are another handshake's");
}

#[test]
fn no_flipped_bit_opens() {
    // spec: 9846-5.2-b
    let record = seal(&mut pair().0, ContentType::APPLICATION_DATA, b"content");
    for bit in 0..record.len() * 8 {
        let mut wrong = record.clone();
        wrong[bit / 8] ^= 1 << (bit % 8);
        let opened = pair().1.open(&mut wrong);
        if bit / 8 == 0 {
            assert!(
                opened.is_ok_and(|opened| !opened.protected),
                "another outer type is no protected record"
            );
        } else {
            assert_eq!(opened, Err(Fault::BadRecordMac), "bit {bit}");
        }
    }
}

#[test]
fn no_truncated_record_opens() {
    let record = seal(&mut pair().0, ContentType::APPLICATION_DATA, b"content");
    for len in HEADER_BYTES..record.len() {
        assert_eq!(pair().1.open(&mut record[..len].to_vec()), Err(Fault::BadRecordMac), "{len} bytes");
        assert_eq!(missing(&record[..len]), Ok(record.len() - len));
    }
    for len in 0..HEADER_BYTES {
        assert_eq!(missing(&record[..len]), Ok(HEADER_BYTES - len));
    }
}

#[test]
fn records_open_in_their_order_alone() {
    // spec: 9846-5.3-a
    let (mut sealer, mut opener) = pair();
    let mut first = seal(&mut sealer, ContentType::APPLICATION_DATA, b"1");
    let mut second = seal(&mut sealer, ContentType::APPLICATION_DATA, b"2");
    assert_eq!(opener.open(&mut second.clone()), Err(Fault::BadRecordMac));
    assert!(opener.open(&mut first.clone()).is_ok());
    assert_eq!(opener.open(&mut first), Err(Fault::BadRecordMac), "no record opens twice");
    assert!(opener.open(&mut second).is_ok());
}

#[test]
fn new_keys_count_from_zero() {
    // spec: 9846-5.3-a
    let (mut sealer, mut opener) = pair();
    let mut record = seal(&mut sealer, ContentType::APPLICATION_DATA, b"1");
    assert!(opener.open(&mut record).is_ok());
    let next = secret(Level::Application, &[4; 32]);
    sealer.install(&next, u64::MAX);
    opener.install(&next);
    let mut record = seal(&mut sealer, ContentType::APPLICATION_DATA, b"2");
    assert!(opener.open(&mut record).is_ok());
}

#[test]
fn another_key_is_wanted_before_as_many_records_as_the_owner_says() {
    let mut sealer = Sealer::new();
    sealer.install(&secret(Level::Application, &[3; 32]), 32);
    for number in 0..40 {
        assert_eq!(sealer.wants_update(), number >= 30, "record {number}");
        seal(&mut sealer, ContentType::HANDSHAKE, b"what must leave first");
    }
}

#[test]
fn a_key_never_protects_more_than_its_cipher_allows() {
    // spec: 9846-5.5-a
    for suite in aws_lc::PROVIDER.suites {
        let mut sealer = Sealer::new();
        let bytes = [3; 48];
        let secret =
            TrafficSecret { level: Level::Application, suite, secret: Secret::new(&bytes[..suite.hash.len]) };
        sealer.install(&secret, u64::MAX);
        sealer.set_sequence(suite.aead.confidentiality_limit);
        let mut out = [0; 64];
        assert!(sealer.wants_update());
        assert_eq!(sealer.seal(ContentType::APPLICATION_DATA, &mut out, 1), Err(Exhausted));
        assert_eq!(sealer.seal_from(ContentType::APPLICATION_DATA, &mut out, b"x"), Err(Exhausted));
        assert_eq!(out, [0; 64], "nothing of it may leave");
    }
}

#[test]
fn sequence_numbers_never_wrap() {
    // spec: 9846-5.3-b
    let (_, mut opener) = pair();
    opener.set_sequence(u64::MAX);
    let mut last = seal_by_hand(u64::MAX, &[1, 23]);
    assert!(opener.open(&mut last).is_ok());
    let mut wrapped = seal_by_hand(0, &[1, 23]);
    assert_eq!(opener.open(&mut wrapped), Err(Fault::KeyWornOut));
}

#[test]
fn application_data_needs_keys() {
    let mut record = [23, 3, 3, 0, 1, 0];
    let fault = Fault::UnexpectedRecord(ContentType::APPLICATION_DATA);
    assert_eq!(Opener::new().open(&mut record), Err(fault));
}

#[test]
fn the_fuzz_body_holds_on_its_corpus() {
    let v = Vectors::one_round_trip();
    let corpus = [
        Vec::new(),
        vec![0; 300],
        vec![23; 40_000],
        v.of("client_hello_record").to_vec(),
        [v.of("server_hello_record"), &CHANGE_CIPHER_SPEC, v.of("server_flight_record")].concat(),
    ];
    for bytes in &corpus {
        fuzz::fuzz_records(bytes);
        for bit in (0..bytes.len().min(64) * 8).step_by(7) {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            fuzz::fuzz_records(&flipped);
        }
    }
}
