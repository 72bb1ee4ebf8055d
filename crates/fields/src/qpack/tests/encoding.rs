//! What our encoder does, held against a decoder that hears it late, or never.

use super::*;

/// An encoder and a decoder with these limits, who know of each other.
fn pair(limits: Limits) -> (Encoder, Decoder) {
    let (mut encoder, mut decoder) = (Encoder::new(limits), Decoder::new(limits));
    encoder.peer_allows(limits.table_bytes as u64, limits.blocked_streams as u64).unwrap();
    pump(&mut encoder, &mut decoder);
    (encoder, decoder)
}

fn encode(encoder: &mut Encoder, stream: u64, lines: &[(&str, &str)]) -> Vec<u8> {
    let mut section = Vec::new();
    let lines = lines.iter().map(|(name, value)| FieldLine::new(name.as_bytes(), value.as_bytes()));
    encoder.encode(stream, lines, &mut section);
    section
}

fn answer(decoder: &mut Decoder, encoder: &mut Encoder) -> Vec<u8> {
    let mut answers = Vec::new();
    decoder.write_instructions(&mut answers);
    encoder.read_instructions(&answers).unwrap();
    answers
}

/// Inserts a line, which the decoder acknowledges.
fn acquaint((encoder, decoder): &mut (Encoder, Decoder), line: (&str, &str)) {
    encode(encoder, 1_000, &[line]);
    pump(encoder, decoder);
    answer(decoder, encoder);
}

#[test]
fn nothing_of_the_first_flight_waits() {
    let (mut encoder, mut decoder) = pair(Limits::default());
    for stream in 0..20 {
        let section = encode(&mut encoder, stream, &[("x-a", "first"), ("x-b", "second")]);
        assert_eq!(section[..2], [0, 0]);
        assert_eq!(decode(&mut decoder, stream, &section).unwrap().unwrap().len(), 2);
    }
    let told = pump(&mut encoder, &mut decoder);
    assert!(told < 40, "{told} bytes: each line is inserted once");
    assert_eq!(answer(&mut decoder, &mut encoder), hex("02"));
    let section = encode(&mut encoder, 20, &[("x-a", "first"), ("x-b", "second")]);
    assert_eq!(section, hex("0300 81 80"), "what is acknowledged is used");
}

#[test]
fn no_more_streams_may_wait_than_the_peer_says() {
    // spec: 9204-2.1.2-a
    for blocked_streams in [0, 1, 3] {
        let mut pair = pair(Limits { blocked_streams, ..Limits::default() });
        acquaint(&mut pair, ("x-a", "known"));
        let (mut encoder, mut decoder) = pair;
        let mut waiting = 0;
        for stream in 0..8 {
            let value = format!("value {stream}");
            for _ in 0..2 {
                let section = encode(&mut encoder, stream, &[("x-a", "known"), ("x-b", &value)]);
                waiting += usize::from(decode(&mut decoder, stream, &section).unwrap().is_none());
            }
        }
        assert_eq!(waiting, 2 * blocked_streams, "both sections of a stream count as one");
    }
}

#[test]
fn what_is_in_use_is_not_driven_out() {
    // spec: 9204-2.1.1-a
    // spec: 9204-4.3.1-b
    let mut pair = pair(Limits { table_bytes: 160, peer_table_bytes: 160, ..Limits::default() });
    acquaint(&mut pair, ("x-old", "0123456789"));
    let (mut encoder, mut decoder) = pair;
    let first = encode(&mut encoder, 0, &[("x-old", "0123456789")]);
    assert_eq!(first[0], 2, "it is referred to");
    for stream in 1..20 {
        encode(&mut encoder, stream, &[("x-new", &format!("{stream:010}"))]);
    }
    assert!(!encoder.set_capacity(0) && !encoder.set_capacity(40));
    pump(&mut encoder, &mut decoder);
    assert_eq!(decode(&mut decoder, 0, &first).unwrap().unwrap()[0].0, "x-old");
    answer(&mut decoder, &mut encoder);
    // All that is left in use is what was sent on the other streams.
    (1..20).for_each(|stream| decoder.cancel(stream).unwrap());
    answer(&mut decoder, &mut encoder);
    assert!(encoder.set_capacity(0));
    pump(&mut encoder, &mut decoder);
    assert_eq!((encoder.costs(), decoder.costs().0), ((0, 0), 0));
}

#[test]
fn what_is_about_to_go_is_doubled() {
    let mut pair = pair(Limits { table_bytes: 160, peer_table_bytes: 160, ..Limits::default() });
    for line in [("x-a", "0123456789"), ("x-b", "0123456789"), ("x-c", "0123456789")] {
        acquaint(&mut pair, line);
    }
    let (mut encoder, mut decoder) = pair;
    // The rest is acknowledged, and nobody uses it.
    decoder.cancel(1_000).unwrap();
    answer(&mut decoder, &mut encoder);
    let section = encode(&mut encoder, 0, &[("x-a", "0123456789")]);
    let mut instructions = Vec::new();
    encoder.write_instructions(&mut instructions);
    assert_eq!(instructions, hex("02"), "Duplicate");
    decoder.read_instructions(&instructions).unwrap();
    assert_eq!(decode(&mut decoder, 0, &section).unwrap().unwrap()[0].1, "0123456789");
}

#[test]
fn an_instruction_is_not_begun_without_room_for_its_end() {
    // spec: 9204-2.1.3-a
    let (mut encoder, mut decoder) = pair(Limits { encoder_stream_bytes: 12, ..Limits::default() });
    encode(&mut encoder, 0, &[("x", "12345678")]);
    assert_eq!(encoder.costs().0, 41, "\"x\" takes 2 bytes, and the digits 7");
    encode(&mut encoder, 0, &[("y", "1234567")]);
    assert_eq!(encoder.costs().0, 41, "no room is left for another");
    pump(&mut encoder, &mut decoder);
    encoder.set_room(3);
    encode(&mut encoder, 0, &[("y", "1234567")]);
    assert!(!encoder.wants_to_write());
    encoder.set_room(100);
    encode(&mut encoder, 0, &[("y", "1234567")]);
    assert!(encoder.wants_to_write());
}

#[test]
fn sections_that_nobody_acknowledges_are_few() {
    let mut pair = pair(Limits { unacknowledged_sections: 2, ..Limits::default() });
    acquaint(&mut pair, ("x-a", "known"));
    let (mut encoder, _) = pair;
    let referring = (0..5).filter(|stream| encode(&mut encoder, *stream, &[("x-a", "known")])[0] != 0);
    assert_eq!(referring.count(), 2);
}

#[test]
fn the_table_is_as_large_as_both_allow() {
    // spec: 9204-3.2.3-b
    // spec: 9204-3.2.3-c
    let told = |ours: usize, theirs: u64| {
        let mut encoder = Encoder::new(Limits { peer_table_bytes: ours, ..Limits::default() });
        encode(&mut encoder, 0, &[("x-a", "early")]);
        assert!(!encoder.wants_to_write(), "nothing is inserted before the peer's settings came");
        encoder.peer_allows(theirs, 1).unwrap();
        encoder.set_capacity(100_000);
        let mut instructions = Vec::new();
        encoder.write_instructions(&mut instructions);
        encode(&mut encoder, 0, &[("x-a", "later")]);
        (instructions, encoder.wants_to_write())
    };
    assert_eq!(told(4_096, 0), (vec![], false));
    assert_eq!(told(4_096, 220), (hex("3f bd 01"), true));
    assert_eq!(told(220, 220), (hex("3f bd 01"), true));
    assert_eq!(told(30, 220).0, hex("3e 3f bd 01"));
    assert_eq!(told(30, 30), (hex("3e"), false));
}

#[test]
fn a_table_known_from_early_data_stays_as_it_was() {
    // spec: 9204-3.2.3-a
    let changed = |first: u64, then: u64| {
        let mut encoder = Encoder::new(Limits::default());
        encoder.peer_allows(first, 1).unwrap();
        encoder.peer_allows(then, 1)
    };
    assert_eq!(changed(0, 100), Ok(()));
    assert_eq!(changed(100, 100), Ok(()));
    for then in [0, 99, 101] {
        let fault = changed(100, then).unwrap_err();
        assert_eq!(fault, Fault::DecoderStream(Sin::CapacityChanged(then)));
        assert_eq!(fault.code().wire(), 0x202);
    }
}

#[test]
fn an_answer_that_breaks_a_rule_is_refused() {
    // spec: 9204-4.4.1-a
    // spec: 9204-4.4.3-a
    for (answers, sin) in [
        ("00", Sin::Increment(0)),
        ("02", Sin::Increment(2)),
        ("01 01", Sin::Increment(1)),
        ("84", Sin::Acknowledgment(4)),
        ("80 80", Sin::Acknowledgment(0)),
        ("40 80", Sin::Acknowledgment(0)),
        ("3f ff ff ff ff ff ff ff ff ff", Sin::Integer),
    ] {
        let mut pair = pair(Limits::default());
        acquaint(&mut pair, ("x-a", "known"));
        let mut encoder = pair.0;
        encode(&mut encoder, 0, &[("x-a", "known"), ("x-b", "new")]);
        assert_eq!(encoder.read_instructions(&hex(answers)), Err(Fault::DecoderStream(sin)), "{answers}");
    }
}

#[test]
fn answers_are_cut_anywhere() {
    let mut pair = pair(Limits::default());
    acquaint(&mut pair, ("x-a", "known"));
    let mut encoder = pair.0;
    encode(&mut encoder, 1 << 40, &[("x-a", "known")]);
    assert_eq!(encoder.costs().1, 1);
    let mut answer = Vec::new();
    integer::encode(1 << 40, 7, 0x80, &mut answer);
    answer.iter().for_each(|byte| encoder.read_instructions(&[*byte]).unwrap());
    assert_eq!(encoder.costs().1, 0);
}

#[test]
fn secrets_never_enter_a_table() {
    // spec: 9204-7.1.3-a
    // spec: 9204-4.5.4-a
    let (mut encoder, mut decoder) = pair(Limits::default());
    let secrets = [
        FieldLine::new(b"authorization", b"Bearer 0123456789012345678901234567890"),
        FieldLine::new(b"proxy-authorization", b"Basic x"),
        FieldLine::new(b"cookie", b"short=1"),
        FieldLine { name: b":path", value: b"/", sensitive: true },
        FieldLine { name: b"x-token", value: b"abc", sensitive: true },
    ];
    let mut section = Vec::new();
    encoder.encode(0, secrets.into_iter(), &mut section);
    assert_eq!(encoder.costs(), (0, 0));
    let (mut count, mut all) = (0, true);
    let mut sink = |line: FieldLine<'_>| (count, all) = (count + 1, all && line.sensitive);
    assert_eq!(decoder.decode(0, &section, WIDE, &mut sink), Ok(Some(Outcome::Complete)));
    assert_eq!((count, all), (5, true));
}

#[test]
fn lines_keep_their_order() {
    // spec: 9204-2.1-a
    let mut pair = pair(Limits::default());
    acquaint(&mut pair, ("x-b", "known"));
    let (mut encoder, mut decoder) = pair;
    let lines = [
        (":method", "GET"),
        ("x-b", "known"),
        ("x-c", "new"),
        ("etag", "once"),
        ("x-b", "other"),
        (":path", "/"),
    ];
    let section = encode(&mut encoder, 0, &lines);
    pump(&mut encoder, &mut decoder);
    let got = decode(&mut decoder, 0, &section).unwrap().unwrap();
    assert!(got.iter().map(|(name, value)| (&name[..], &value[..])).eq(lines));
}
