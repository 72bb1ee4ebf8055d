use super::*;
use crate::fuzz;
use proptest::prelude::*;

mod appendix_c;
mod stories;

type Line = (String, String);

const WIDE: Limits = Limits { list_bytes: 1 << 20, lines: 1 << 10 };

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn own(line: FieldLine<'_>) -> Line {
    (String::from_utf8_lossy(line.name).into(), String::from_utf8_lossy(line.value).into())
}

fn decode_within(decoder: &mut Decoder, block: &[u8], limits: Limits) -> Result<(Outcome, Vec<Line>), Fault> {
    let mut lines = Vec::new();
    let outcome = decoder.decode(block, limits, &mut |line| lines.push(own(line)))?;
    Ok((outcome, lines))
}

fn decode(decoder: &mut Decoder, block: &[u8]) -> Result<Vec<Line>, Fault> {
    decode_within(decoder, block, WIDE).map(|(_, lines)| lines)
}

fn encode<N: AsRef<str>, V: AsRef<str>>(encoder: &mut Encoder, lines: &[(N, V)]) -> Vec<u8> {
    let mut out = Vec::new();
    encoder.encode(
        lines.iter().map(|(n, v)| FieldLine::new(n.as_ref().as_bytes(), v.as_ref().as_bytes())),
        &mut out,
    );
    out
}

fn decode_alone(block: &str) -> Result<Vec<Line>, Fault> {
    decode(&mut Decoder::default(), &hex(block))
}

#[test]
fn the_blocks_of_appendix_c_decode_and_leave_its_tables() {
    // spec: 7541-4.4-a
    for (section, table_bytes, blocks) in appendix_c::EXAMPLES {
        let mut decoder = Decoder::new(table_bytes);
        for block in blocks {
            let lines = decode(&mut decoder, &hex(block.wire)).unwrap();
            assert!(lines.iter().map(|(n, v)| (&n[..], &v[..])).eq(block.lines.iter().copied()), "{section}");
            let table = decoder.table();
            let entries: Vec<_> = (0..table.len()).map(|age| own(table.find(age).unwrap())).collect();
            assert!(
                entries.iter().map(|(n, v)| (&n[..], &v[..])).eq(block.table.iter().copied()),
                "{section}"
            );
            assert_eq!(table.bytes(), block.table_bytes, "{section}");
        }
    }
}

#[test]
fn requests_encode_to_the_bytes_of_appendix_c_4_and_back() {
    // spec: 7541-2.2-a
    let (_, _, blocks) = appendix_c::EXAMPLES[5];
    let mut encoder = Encoder::new(4_096);
    let mut decoder = Decoder::new(4_096);
    for block in blocks {
        assert_eq!(encode(&mut encoder, block.lines), hex(block.wire));
        assert_eq!(encoder.table().bytes(), block.table_bytes);
        let lines = decode(&mut decoder, &hex(block.wire)).unwrap();
        assert!(lines.iter().map(|(n, v)| (&n[..], &v[..])).eq(block.lines.iter().copied()));
    }
}

#[test]
fn a_block_that_breaks_a_rule_is_refused() {
    // spec: 7541-2.3.3-a
    // spec: 7541-4.2-b
    // spec: 7541-6.1-a
    // spec: 7541-6.3-a
    for (block, fault) in [
        ("80", Fault::IndexZero),
        ("be", Fault::Index(62)),
        ("ff 80 80 04", Fault::Index(127 + 65_536)),
        ("ff ff ff ff ff ff ff ff ff ff", Fault::Integer),
        ("7e 01 61", Fault::Index(62)),
        ("40", Fault::Truncated),
        ("40 01", Fault::Truncated),
        ("40 01 61", Fault::Truncated),
        ("40 01 61 02 62", Fault::Truncated),
        ("ff", Fault::Truncated),
        ("40 7f ff ff ff ff 0f 61", Fault::Truncated),
        ("82 20", Fault::LateSizeUpdate),
        ("3f e2 1f", Fault::SizeUpdate(4_097)),
        ("00 81 ff 00", Fault::Huffman(huffman::Fault::LongPadding)),
        ("00 84 ff ff ff ff 00", Fault::Huffman(huffman::Fault::EndOfString)),
        ("00 01 61 81 18", Fault::Huffman(huffman::Fault::Padding)),
    ] {
        assert_eq!(decode_alone(block), Err(fault), "{block}");
    }
    assert_eq!(decode_alone(""), Ok(vec![]));
    assert_eq!(decode_alone("3f e1 1f 82").map(|lines| lines.len()), Ok(1));
}

#[test]
fn a_lowered_table_wants_its_update() {
    // spec: 7541-4.2-c 9113-4.3.1-b
    let lowered = |sizes: &[usize], block: &str| {
        let mut decoder = Decoder::default();
        sizes.iter().for_each(|size| decoder.set_table_size(*size));
        decode(&mut decoder, &hex(block)).map(|lines| lines.len())
    };
    assert_eq!(lowered(&[100], "82"), Err(Fault::NoSizeUpdate));
    assert_eq!(lowered(&[100], "3f 45 82"), Ok(1));
    assert_eq!(lowered(&[100], "20 3f 45 82"), Ok(1));
    assert_eq!(lowered(&[100], "3f 46 82"), Err(Fault::SizeUpdate(101)));
    assert_eq!(lowered(&[100, 200], "3f a9 01 82"), Err(Fault::NoSizeUpdate));
    assert_eq!(lowered(&[100, 200], "3f 45 3f a9 01 82"), Ok(1));
    assert_eq!(lowered(&[8_192], "82"), Ok(1));
    assert_eq!(lowered(&[8_192], "3f e1 3f 82"), Ok(1));
    assert_eq!(lowered(&[100, 4_096], "82"), Err(Fault::NoSizeUpdate));
}

#[test]
fn an_encoder_tells_the_lowest_size_and_the_last() {
    // spec: 7541-4.2-d
    // spec: 7541-4.2-a
    let told = |ceiling: usize, sizes: &[usize]| {
        let mut encoder = Encoder::new(ceiling);
        sizes.iter().for_each(|size| encoder.peer_allows(*size));
        let block = encode::<&str, &str>(&mut encoder, &[]);
        assert!(encode::<&str, &str>(&mut encoder, &[]).is_empty(), "it is told once");
        block
    };
    assert_eq!(told(4_096, &[]), hex(""));
    assert_eq!(told(4_096, &[4_096]), hex(""));
    assert_eq!(told(4_096, &[65_536]), hex(""));
    assert_eq!(told(65_536, &[65_536]), hex("3f e1 ff 03"));
    assert_eq!(told(0, &[]), hex("20"));
    assert_eq!(told(4_096, &[100]), hex("3f 45"));
    assert_eq!(told(4_096, &[0, 4_096]), hex("20 3f e1 1f"));
    assert_eq!(told(4_096, &[200, 100, 150]), hex("3f 45 3f 77"));
}

#[test]
fn resizing_evicts_on_both_sides() {
    // spec: 7541-4.3-a
    let (mut encoder, mut decoder) = (Encoder::new(4_096), Decoder::default());
    let lines = [("x-one", "1".repeat(40)), ("x-two", "2".repeat(40)), ("x-three", "3".repeat(40))];
    for (allowed, len) in [(4_096, 3), (180, 2), (4_096, 3), (0, 0), (90, 1)] {
        encoder.peer_allows(allowed);
        decoder.set_table_size(allowed);
        let first = encode(&mut encoder, &lines);
        assert_eq!(decode(&mut decoder, &first).unwrap().len(), 3);
        let second = encode(&mut encoder, &lines);
        assert_eq!(decode(&mut decoder, &second).unwrap(), decode_owned(&lines));
        assert_eq!(
            (decoder.table().len(), encoder.table().len()),
            (len.min(decoder.table().len()), decoder.table().len())
        );
        assert!(decoder.table().bytes() <= allowed);
    }
}

fn decode_owned(lines: &[(&str, String)]) -> Vec<Line> {
    lines.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

#[test]
fn a_line_larger_than_the_table_empties_it() {
    // spec: 7541-4.4-a
    let mut decoder = Decoder::new(64);
    decode(&mut decoder, &hex("40 01 61 01 62")).unwrap();
    assert_eq!(decoder.table().len(), 1);
    let large = [&hex("40 01 61 20")[..], &[b'x'; 32]].concat();
    assert_eq!(decode(&mut decoder, &large).unwrap()[0].1.len(), 32);
    assert_eq!((decoder.table().len(), decoder.table().bytes()), (0, 0));
}

#[test]
fn a_name_may_come_from_the_entry_it_evicts() {
    let mut decoder = Decoder::new(40);
    decode(&mut decoder, &hex("40 02 61 62 01 63")).unwrap();
    let lines = decode(&mut decoder, &hex("7e 03 64 65 66")).unwrap();
    assert_eq!(lines, [("ab".to_owned(), "def".to_owned())]);
    assert_eq!(own(decoder.table().find(0).unwrap()).1, "def");
}

#[test]
fn secrets_never_enter_a_table() {
    // spec: 7541-7.1.3-a
    // spec: 7541-7.1.3-b
    // spec: 7541-6.2.3-a
    let mut encoder = Encoder::new(4_096);
    let marked = FieldLine { name: b"x-token", value: b"abc", sensitive: true };
    let secrets = [
        FieldLine::new(b"authorization", b"Bearer 0123456789012345678901234567890"),
        FieldLine::new(b"proxy-authorization", b"Basic x"),
        FieldLine::new(b"cookie", b"short=1"),
        FieldLine { name: b":path", value: b"/", sensitive: true },
        marked,
    ];
    let mut block = Vec::new();
    encoder.encode(secrets.into_iter(), &mut block);
    assert_eq!(encoder.table().len(), 0);
    let mut decoder = Decoder::default();
    let (mut seen, mut all) = (0, true);
    let outcome = decoder.decode(&block, WIDE, &mut |line| (seen, all) = (seen + 1, all && line.sensitive));
    assert_eq!((outcome, seen, all), (Ok(Outcome::Complete), 5, true));
    let mut block = Vec::new();
    encode_static([marked].into_iter(), &mut block);
    assert_eq!(block[0], 0x10);
}

#[test]
fn what_comes_once_is_indexed_when_it_comes_again() {
    let mut encoder = Encoder::new(4_096);
    let once = [(":path", "/search?q=sakigake"), ("etag", "\"0123456789\""), ("content-length", "1234")];
    let first = encode(&mut encoder, &once);
    assert_eq!(encoder.table().len(), 0);
    let second = encode(&mut encoder, &once);
    assert!(encoder.table().len() == 3 && second.len() <= first.len());
    assert_eq!(encode(&mut encoder, &once).len(), 3);
    encode(&mut encoder, &[("accept", "text/html")]);
    assert_eq!(encoder.table().len(), 4);
}

#[test]
fn a_section_past_its_limits_keeps_the_table_in_step() {
    let mut encoder = Encoder::new(4_096);
    let lines = [("x-one", "1"), ("x-two", "2")];
    let block = encode(&mut encoder, &lines);
    let size = 2 * (5 + 1 + 32);
    for (list_bytes, count, outcome, heard) in [
        (size, 2, Outcome::Complete, 2),
        (size - 1, 2, Outcome::TooLarge, 1),
        (size, 1, Outcome::TooLarge, 1),
        (0, 0, Outcome::TooLarge, 0),
    ] {
        let mut decoder = Decoder::default();
        let got = decode_within(&mut decoder, &block, Limits { list_bytes, lines: count }).unwrap();
        assert_eq!((got.0, got.1.len()), (outcome, heard));
        assert_eq!(decode(&mut decoder, &hex("be bf")).unwrap().len(), 2);
    }
}

#[test]
fn a_bomb_of_references_is_bounded() {
    let mut decoder = Decoder::default();
    let insert = [&hex("40 01 61 7f a1 1e")[..], &[b'x'; 4_000]].concat();
    assert_eq!(decode(&mut decoder, &insert).unwrap()[0].1.len(), 4_000);
    let limits = Limits { list_bytes: 65_536, lines: 1_000 };
    let (outcome, lines) = decode_within(&mut decoder, &[0xbe; 16_384], limits).unwrap();
    assert_eq!((outcome, lines.len()), (Outcome::TooLarge, 65_536 / 4_033));
}

#[test]
fn a_block_without_a_table_neither_reads_nor_writes_one() {
    // spec: preload-2-a
    // spec: preload-2-b
    // spec: preload-2.2-b
    for (block, fault) in [
        ("be", Fault::StaticReference(62)),
        ("0f 2f 01 61", Fault::StaticReference(62)),
        ("40 01 61 01 62", Fault::StaticInsertion),
        ("41 01 62", Fault::StaticInsertion),
        ("20 82", Fault::StaticSizeUpdate),
        ("80", Fault::IndexZero),
    ] {
        assert_eq!(decode_static(&hex(block), WIDE, &mut |_| ()), Err(fault), "{block}");
    }
    let mut lines = Vec::new();
    let outcome =
        decode_static(&hex("82 04 02 2f 61 10 01 61 01 62"), WIDE, &mut |line| lines.push(own(line)));
    assert_eq!((outcome, lines.len()), (Ok(Outcome::Complete), 3));
    let mut block = Vec::new();
    encode_static(
        [FieldLine::new(b":path", b"/a"), FieldLine::new(b":method", b"GET")].into_iter(),
        &mut block,
    );
    assert_eq!(block, hex("04 02 2f 61 82"));
}

#[test]
fn every_static_entry_is_found() {
    for at in 0..crate::rules::HPACK.len() {
        let mut block = Vec::new();
        let line = crate::rules::HPACK.get(at).unwrap();
        encode_static([line].into_iter(), &mut block);
        assert_eq!(block, [0x80 | (at as u8 + 1)]);
        let mut decoded = None;
        let outcome = decode_static(&block, WIDE, &mut |line| decoded = Some(own(line)));
        assert_eq!((outcome, decoded), (Ok(Outcome::Complete), Some(own(line))));
    }
}

#[test]
fn truncations_and_bit_flips_never_panic() {
    for (_, table_bytes, blocks) in appendix_c::EXAMPLES {
        for block in blocks {
            let wire = hex(block.wire);
            for at in 0..wire.len() * 8 {
                let mut flipped = wire.clone();
                flipped[at / 8] ^= 1 << (at % 8);
                // Whether a flipped block still decodes is its own affair.
                let _ = decode(&mut Decoder::new(table_bytes), &flipped);
                let _ = decode_static(&flipped, WIDE, &mut |_| ());
                let framed = [&[u8::try_from(flipped.len()).unwrap()], &flipped[..], &[1, 0xbe]].concat();
                fuzz::fuzz_hpack(&framed);
                fuzz::fuzz_hpack_static(&flipped);
                fuzz::fuzz_huffman(&flipped);
            }
        }
    }
    let literal = hex("40 0a 637573746f6d2d6b6579 0d 637573746f6d2d686561646572");
    for len in 1..literal.len() {
        assert_eq!(decode(&mut Decoder::default(), &literal[..len]), Err(Fault::Truncated));
    }
}

fn any_line() -> impl Strategy<Value = (Vec<u8>, Vec<u8>, bool)> {
    let name = prop_oneof![
        Just(b":path".to_vec()),
        Just(b"cookie".to_vec()),
        Just(b"etag".to_vec()),
        Just(b"x-a".to_vec()),
        prop::collection::vec(any::<u8>(), 0..12),
    ];
    let value = prop_oneof![
        Just(b"/".to_vec()),
        Just(b"v?1".to_vec()),
        prop::collection::vec(any::<u8>(), 0..60),
        prop::collection::vec(b'a'..=b'c', 0..2),
    ];
    (name, value, prop::bool::weighted(0.1))
}

proptest! {
    #[test]
    fn a_conversation_survives_whatever_the_settings(
        blocks in prop::collection::vec((prop::collection::vec(any_line(), 0..8), prop::option::of(0_usize..600)), 1..12),
        ceiling in 0_usize..600,
    ) {
        let (mut encoder, mut decoder) = (Encoder::new(ceiling), Decoder::default());
        for (lines, setting) in blocks {
            if let Some(setting) = setting {
                decoder.set_table_size(setting);
                encoder.peer_allows(setting);
            }
            let (mut wire, mut got) = (Vec::new(), Vec::new());
            encoder.encode(
                lines.iter().map(|(name, value, sensitive)| FieldLine { name, value, sensitive: *sensitive }),
                &mut wire,
            );
            let outcome = decoder.decode(&wire, WIDE, &mut |line| {
                got.push((line.name.to_vec(), line.value.to_vec(), line.sensitive));
            });
            prop_assert_eq!(outcome, Ok(Outcome::Complete));
            prop_assert_eq!(got.len(), lines.len());
            for (got, sent) in got.iter().zip(&lines) {
                prop_assert_eq!((&got.0, &got.1), (&sent.0, &sent.1));
                prop_assert!(got.2 || !sent.2);
            }
            prop_assert!(encoder.table().bytes() <= ceiling && encoder.table().len() == decoder.table().len());
        }
    }

    #[test]
    fn the_fuzz_bodies_hold(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        fuzz::fuzz_hpack(&bytes);
        fuzz::fuzz_hpack_static(&bytes);
        fuzz::fuzz_huffman(&bytes);
    }
}
