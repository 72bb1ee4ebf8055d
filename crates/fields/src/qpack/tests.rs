use super::*;
use crate::fuzz;
use appendix_b::{STEPS, Step};
use proptest::prelude::*;

mod appendix_b;
mod encoding;
mod sets;

type Line = (String, String);

const WIDE: section::Limits = section::Limits { list_bytes: 1 << 20, lines: 1 << 10 };

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn own(line: FieldLine<'_>) -> Line {
    (String::from_utf8_lossy(line.name).into(), String::from_utf8_lossy(line.value).into())
}

/// Takes what the encoder has to say to the decoder; how many bytes it was.
fn pump(encoder: &mut Encoder, decoder: &mut Decoder) -> usize {
    let mut instructions = Vec::new();
    encoder.write_instructions(&mut instructions);
    decoder.read_instructions(&instructions).unwrap();
    instructions.len()
}

#[test]
fn the_examples_of_appendix_b_decode_and_are_answered() {
    let mut decoder = Decoder::new(Limits { table_bytes: 220, ..Limits::default() });
    for step in &STEPS {
        match step {
            Step::Instructions(wire, table_bytes) => {
                decoder.read_instructions(&hex(wire)).unwrap();
                assert_eq!(decoder.costs().0, *table_bytes);
            }
            Step::Section(stream, wire, lines) => {
                let mut got = Vec::new();
                let outcome =
                    decoder.decode(*stream, &hex(wire), WIDE, &mut |line| got.push(own(line))).unwrap();
                assert_eq!(outcome.is_some(), !lines.is_empty());
                assert!(got.iter().map(|(name, value)| (&name[..], &value[..])).eq(lines.iter().copied()));
            }
            Step::Cancel(stream) => decoder.cancel(*stream).unwrap(),
            Step::Answer(wire) => {
                let mut answer = Vec::new();
                decoder.write_instructions(&mut answer);
                assert_eq!(answer, hex(wire));
            }
        }
    }
}

/// A program drawn from a seed.
fn program(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    core::iter::repeat_with(next).take(len).collect()
}

#[test]
fn whatever_is_delayed_or_given_up_sections_arrive_as_they_left() {
    for seed in 0..2_000 {
        fuzz::fuzz_qpack_pair(&program(seed, 600));
    }
}

/// The entries of appendix B.2: `:authority` and `:path`, in a table of 220 bytes.
const TWO_ENTRIES: &str = "3fbd01 c00f 7777772e6578616d706c652e636f6d c10c 2f73616d706c652f70617468";

fn small() -> Decoder {
    Decoder::new(Limits { table_bytes: 220, blocked_streams: 1, ..Limits::default() })
}

fn filled(instructions: &str) -> Decoder {
    let mut decoder = small();
    decoder.read_instructions(&hex(instructions)).unwrap();
    decoder
}

fn decode(decoder: &mut Decoder, stream: u64, section: &[u8]) -> Result<Option<Vec<Line>>, Fault> {
    let mut lines = Vec::new();
    let outcome = decoder.decode(stream, section, WIDE, &mut |line| lines.push(own(line)))?;
    Ok(outcome.map(|_| lines))
}

#[test]
fn a_section_that_breaks_a_rule_is_refused() {
    // spec: 9204-2.2.3-a
    // spec: 9204-3.1-a
    // spec: 9204-4.5.1.1-a
    // spec: 9204-4.5.1.2-a
    // spec: 9204-2.2.1-a
    for (section, sin) in [
        ("", Sin::Truncated),
        ("03", Sin::Truncated),
        ("0000 51 05 2f", Sin::Truncated),
        ("0000 51", Sin::Truncated),
        ("0000 23 61", Sin::Truncated),
        ("0000 ff 24", Sin::StaticIndex(99)),
        ("0000 5f 54 00", Sin::StaticIndex(99)),
        ("0000 80", Sin::Reference(0)),
        ("0000 10", Sin::Reference(0)),
        ("0000 40 00", Sin::Reference(0)),
        ("0000 00 00", Sin::Reference(0)),
        ("0200 10", Sin::Reference(0)),
        ("0301 80", Sin::Reference(0)),
        ("0300 82", Sin::Reference(2)),
        ("0d00 80", Sin::InsertCount(13)),
        // What would name the first entry, were it counted once more around.
        ("0e00 80", Sin::InsertCount(14)),
        ("0c00 80", Sin::InsertCount(12)),
        ("0100 80", Sin::InsertCount(1)),
        ("0382 10", Sin::Base),
        ("0300", Sin::Unneeded(2)),
        ("0300 81", Sin::Unneeded(2)),
        ("0000 51 81 18", Sin::Huffman(huffman::Fault::Padding)),
        ("0000 ff ff ff ff ff ff ff ff ff ff ff", Sin::Integer),
        ("0000 51 7f ff ff ff ff ff ff ff ff ff", Sin::Integer),
        ("ff ff ff ff ff ff ff ff ff ff ff 00", Sin::Integer),
    ] {
        let fault = decode(&mut filled(TWO_ENTRIES), 0, &hex(section)).unwrap_err();
        assert_eq!(fault, Fault::Section(sin), "{section}");
        assert_eq!(fault.code().wire(), 0x200);
        assert_eq!(fault.spares_connection(), sin == Sin::Integer);
    }
    for section in ["0000", "0000 d1", "0300 80 81", "0301 81 82", "0381 10 11", "0200 80", "0004 d1"] {
        assert!(decode(&mut filled(TWO_ENTRIES), 0, &hex(section)).unwrap().is_some(), "{section}");
    }
}

#[test]
fn an_integer_that_nobody_needs_ends_its_stream_alone() {
    // spec: 9204-7.4-a
    let mut decoder = filled(TWO_ENTRIES);
    let fault = decode(&mut decoder, 4, &hex("0000 ff ff ff ff ff ff ff ff ff ff ff")).unwrap_err();
    assert!(fault.spares_connection() && fault.code() == ErrorCode::DecompressionFailed);
    assert_eq!(decoder.cancel(4), Ok(()));
    assert_eq!(decode(&mut decoder, 8, &hex("0300 80 81")).unwrap().unwrap().len(), 2);
}

#[test]
fn an_evicted_entry_is_not_there_any_more() {
    // spec: 9204-2.2.3-b
    // spec: 9204-2.2.3-c
    // spec: 9204-3.2.2-a
    let mut decoder = filled(&format!("{TWO_ENTRIES} 3f 2d"));
    assert_eq!(decoder.costs().0, 49, "a table of 76 bytes has the newer one alone");
    assert_eq!(decode(&mut decoder, 0, &hex("0300 80")).unwrap().unwrap()[0].1, "/sample/path");
    assert_eq!(decode(&mut decoder, 0, &hex("0300 81")), Err(Fault::Section(Sin::Reference(1))));
    for instruction in ["01", "81 00"] {
        let mut decoder = filled(&format!("{TWO_ENTRIES} 3f 2d"));
        let fault = decoder.read_instructions(&hex(instruction));
        assert_eq!(fault, Err(Fault::EncoderStream(Sin::Reference(1))));
    }
}

#[test]
fn an_instruction_that_breaks_a_rule_is_refused() {
    // spec: 9204-3.1-b
    // spec: 9204-3.2.2-b
    // spec: 9204-4.3.1-a
    // spec: 9204-7.4-b
    let entry =
        |value_len: u8| [&hex("3f 09 44 61626364")[..], &[value_len], &vec![b'x'; value_len.into()]].concat();
    for (instructions, sin) in [
        (hex("3f be 01"), Sin::Capacity(221)),
        (hex("3f ff ff ff ff 0f"), Sin::Capacity(4_294_967_326)),
        (hex("c0 00"), Sin::EntryTooLarge),
        (hex("28 c0 00"), Sin::EntryTooLarge),
        (entry(5), Sin::EntryTooLarge),
        (hex("3f bd 01 5f 9e 01"), Sin::EntryTooLarge),
        (hex("3f bd 01 c0 7f 3e"), Sin::EntryTooLarge),
        (hex("3f bd 01 c0 ff ff 06"), Sin::EntryTooLarge),
        (hex("3f bd 01 00"), Sin::Reference(0)),
        (hex("3f bd 01 80 00"), Sin::Reference(0)),
        (hex("3f bd 01 ff 24 00"), Sin::StaticIndex(99)),
        (hex("3f bd 01 c0 81 18"), Sin::Huffman(huffman::Fault::Padding)),
        (hex("3f ff ff ff ff ff ff ff ff ff"), Sin::Integer),
    ] {
        let fault = small().read_instructions(&instructions).unwrap_err();
        assert_eq!(fault, Fault::EncoderStream(sin), "{instructions:02x?}");
        assert!(fault.code().wire() == 0x201 && !fault.spares_connection());
    }
    assert_eq!(small().read_instructions(&entry(4)), Ok(()), "an entry may fill the table");
    for waited_for in ["3f bd 01 5f 9d 01", "3f bd 01 c0 7f 3d"] {
        assert_eq!(
            small().read_instructions(&hex(waited_for)),
            Ok(()),
            "so may a string, of which nothing came yet"
        );
    }
}

#[test]
fn instructions_are_cut_anywhere() {
    let stream = hex(&format!(
        "{TWO_ENTRIES} 4a637573746f6d2d6b65790c637573746f6d2d76616c7565 02 810d637573746f6d2d76616c756532"
    ));
    for cut in 0..=stream.len() {
        let mut decoder = small();
        decoder.read_instructions(&stream[..cut]).unwrap();
        decoder.read_instructions(&stream[cut..]).unwrap();
        assert_eq!(decode(&mut decoder, 0, &hex("0600 80 81")).unwrap().unwrap()[0].1, "custom-value2");
    }
    let mut decoder = small();
    stream.iter().for_each(|byte| decoder.read_instructions(&[*byte]).unwrap());
    assert_eq!(decoder.costs(), (215, 0));
    let mut answers = Vec::new();
    decoder.write_instructions(&mut answers);
    assert_eq!(answers, hex("05"), "five entries came, in one word");
}

#[test]
fn the_same_entry_twice_is_no_error() {
    // spec: 9204-3.2-a
    let decoder = filled("3f bd 01 c1 00 c1 00 00");
    assert_eq!(decoder.costs().0, 3 * (5 + 32));
}

#[test]
fn a_section_waits_for_its_entries_and_those_behind_it_wait_too() {
    // spec: 9204-2.2.2.1-a
    // spec: 9204-2.2-a
    let mut decoder = small();
    assert_eq!(decode(&mut decoder, 4, &hex("0381 10 11")).unwrap(), None);
    assert_eq!(decode(&mut decoder, 4, &hex("0000 51 01 2f d1")).unwrap(), None);
    assert_eq!(decode(&mut decoder, 8, &hex("0000 d1")).unwrap().unwrap().len(), 1);
    assert_eq!(decoder.resume(4, WIDE, &mut |_| ()), Ok(None));
    let instructions = hex(TWO_ENTRIES);
    decoder.read_instructions(&instructions[..instructions.len() - 1]).unwrap();
    assert_eq!(decoder.ready(), None);
    decoder.read_instructions(&instructions[instructions.len() - 1..]).unwrap();
    let mut lines = Vec::new();
    while let Some(stream) = decoder.ready() {
        assert_eq!(
            decoder.resume(stream, WIDE, &mut |line| lines.push(own(line))),
            Ok(Some(Outcome::Complete))
        );
    }
    let names: Vec<&str> = lines.iter().map(|(name, _)| &name[..]).collect();
    assert_eq!(names, [":authority", ":path", ":path", ":method"]);
    let mut answers = Vec::new();
    decoder.write_instructions(&mut answers);
    assert_eq!(
        answers,
        hex("84"),
        "the acknowledgment says that the entries came, and only where there were references"
    );
}

#[test]
fn who_abandons_a_stream_says_so() {
    // spec: 9204-2.2.2.2-a
    let mut decoder = small();
    assert_eq!(decode(&mut decoder, 4, &hex("0381 10 11")).unwrap(), None);
    decoder.cancel(4).unwrap();
    decoder.read_instructions(&hex(TWO_ENTRIES)).unwrap();
    assert_eq!((decoder.ready(), decoder.costs().1), (None, 0));
    let mut answers = Vec::new();
    decoder.write_instructions(&mut answers);
    assert_eq!(answers, hex("44 02"));
    let mut tableless = Decoder::new(Limits { table_bytes: 0, ..Limits::default() });
    tableless.cancel(4).unwrap();
    assert!(!tableless.wants_to_write());
}

#[test]
fn no_more_waits_than_may() {
    // spec: 9204-2.1.2-b
    let limits = Limits { blocked_streams: 3, blocked_bytes: 3 * 66, ..Limits::default() };
    let waits = |limits: Limits, streams: &[u64]| {
        let mut decoder = Decoder::new(limits);
        streams.iter().try_for_each(|stream| decode(&mut decoder, *stream, &hex("0381 10 11")).map(drop))
    };
    assert_eq!(waits(limits, &[0, 4, 8]), Ok(()));
    assert_eq!(waits(limits, &[0, 0, 0]), Ok(()));
    assert_eq!(waits(limits, &[0, 0, 0, 0]), Err(Fault::BlockedBytes));
    let wider = Limits { blocked_bytes: 4 * 66, ..limits };
    assert_eq!(waits(wider, &[0, 4, 8, 8]), Ok(()));
    assert_eq!(waits(wider, &[0, 4, 8, 12]), Err(Fault::Section(Sin::BlockedStreams)));
    assert_eq!(Fault::BlockedBytes.code().wire(), 0x107);
}

#[test]
fn answers_that_nobody_fetches_have_an_end() {
    let mut decoder = Decoder::new(Limits { decoder_stream_bytes: 5, ..Limits::default() });
    for stream in 0..5 {
        assert_eq!(decoder.cancel(stream), Ok(()));
    }
    assert_eq!(decoder.cancel(5), Err(Fault::Unfetched));
}

#[test]
fn a_bomb_of_references_is_bounded() {
    let mut decoder = Decoder::new(Limits::default());
    let insert = [&hex("3f e1 1f 41 61 7f a1 1e")[..], &[b'x'; 4_000]].concat();
    decoder.read_instructions(&insert).unwrap();
    let bomb = [&hex("0200")[..], &[0x80; 16_384]].concat();
    let limits = section::Limits { list_bytes: 65_536, lines: 1_000 };
    let section = |decoder: &mut Decoder, limits| {
        let mut count = 0;
        let outcome = decoder.decode(0, &bomb, limits, &mut |_| count += 1).unwrap();
        (outcome.unwrap(), count)
    };
    assert_eq!(section(&mut decoder, limits), (Outcome::TooLarge, 65_536 / 4_033));
    assert_eq!(
        section(&mut decoder, section::Limits { list_bytes: 1 << 20, lines: 3 }),
        (Outcome::TooLarge, 3)
    );
    let mut answers = Vec::new();
    decoder.write_instructions(&mut answers);
    assert_eq!(answers, hex("80 80"), "it is over for the encoder too");
}

#[test]
fn a_count_is_read_from_what_is_left_of_it() {
    let read =
        |wire: &[u8], inserted| prefix::Prefix::read(&mut sakigake_wire::Reader::new(wire), inserted, 100);
    assert_eq!(
        read(&hex("04 00"), 10).map(|prefix| prefix.required),
        Ok(9),
        "the example of section 4.5.1.1"
    );
    assert_eq!(read(&hex("04 82"), 10).map(|prefix| prefix.base), Ok(6), "the example of section 4.5.1.2");
    for inserted in 0..40_u64 {
        for required in inserted.saturating_sub(2)..=inserted + 3 {
            for base in required.saturating_sub(2)..required + 3 {
                let (prefix, mut wire) = (prefix::Prefix { required, base }, Vec::new());
                prefix.write(100, &mut wire);
                assert!(required == 0 || read(&wire, inserted) == Ok(prefix), "{inserted} {prefix:?}");
            }
        }
    }
}

#[test]
fn a_section_without_a_table_refers_to_none() {
    for (section, sin) in
        [("0381 10 11", Sin::InsertCount(3)), ("0000 80", Sin::Reference(0)), ("0000 10", Sin::Reference(0))]
    {
        assert_eq!(decode_static(&hex(section), WIDE, &mut |_| ()), Err(Fault::Section(sin)));
    }
    let lines =
        [FieldLine::new(b":path", b"/a"), FieldLine::new(b":method", b"GET"), FieldLine::new(b"x", b"y")];
    let mut section = Vec::new();
    encode_static(lines.into_iter(), &mut section);
    assert_eq!(section, hex("0000 51 02 2f61 d1 21 78 01 79"));
    let mut got = Vec::new();
    assert_eq!(decode_static(&section, WIDE, &mut |line| got.push(own(line))), Ok(Outcome::Complete));
    assert_eq!(got, lines.map(own));
}

#[test]
fn every_static_entry_is_found() {
    for at in 0..rules::QPACK.len() {
        let (line, mut section) = (rules::QPACK.get(at).unwrap(), Vec::new());
        encode_static([line].into_iter(), &mut section);
        let index = if at < 63 { vec![0, 0, 0xc0 | at as u8] } else { vec![0, 0, 0xff, at as u8 - 63] };
        assert_eq!(section, index);
        let mut got = None;
        assert_eq!(decode_static(&section, WIDE, &mut |line| got = Some(own(line))), Ok(Outcome::Complete));
        assert_eq!(got, Some(own(line)));
    }
}

#[test]
fn truncations_and_bit_flips_never_panic() {
    for step in &STEPS {
        let (Step::Instructions(wire, _) | Step::Section(_, wire, _)) = step else { continue };
        let (wire, is_section) = (hex(wire), matches!(step, Step::Section(..)));
        for len in 0..wire.len() {
            let cut = decode(&mut filled(TWO_ENTRIES), 0, &wire[..len]);
            assert!(!is_section || len > 1 || cut == Err(Fault::Section(Sin::Truncated)));
        }
        for at in 0..wire.len() * 8 {
            let mut flipped = wire.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            // What becomes of flipped bytes is their own affair.
            let _ = decode(&mut filled(TWO_ENTRIES), 0, &flipped);
            let _ = filled(TWO_ENTRIES).read_instructions(&flipped);
            let framed = [
                &[0x22],
                &hex(TWO_ENTRIES)[..],
                &[u8::from(is_section) << 7 | flipped.len() as u8],
                &flipped,
            ];
            fuzz::fuzz_qpack_decoder(&framed.concat());
        }
    }
}

proptest! {
    #[test]
    fn the_fuzz_bodies_hold(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        fuzz::fuzz_qpack_decoder(&bytes);
        fuzz::fuzz_qpack_pair(&bytes);
    }
}

#[test]
fn the_fuzz_bodies_hold_on_their_seeds() {
    for (target, body) in
        [("qpack_decoder", fuzz::fuzz_qpack_decoder as fn(&[u8])), ("qpack_pair", fuzz::fuzz_qpack_pair)]
    {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
        let seeds: Vec<_> = std::fs::read_dir(folder).unwrap().map(|seed| seed.unwrap().path()).collect();
        assert!(seeds.len() >= 3, "{target} has too few seeds");
        seeds.iter().for_each(|seed| body(&std::fs::read(seed).unwrap()));
    }
}
