use super::*;

type Heards = Vec<(u64, Vec<u8>)>;

/// What is heard of capsules of types 0 and 5, up to four bytes each, cut into pieces of that size.
fn hear(bytes: &[u8], piece: usize) -> (Heards, Result<(), Malformed>) {
    let (mut capsules, mut all) = (Capsules::new(4), Vec::new());
    for piece in bytes.chunks(piece) {
        let knows = |kind| kind == DATAGRAM_CAPSULE || kind == 5;
        capsules.read(piece, knows, &mut |kind, value| all.push((kind, value.to_vec())));
        assert!(capsules.cutter.held_bytes() <= 16, "nothing more than a head or a capsule is held");
    }
    (all, capsules.end())
}

#[test]
fn capsules_come_in_any_split() {
    // spec: 9297-3.2-a
    // spec: 9297-3.5-a
    // As figure 3 lays them out: a datagram, a type that nobody knows, one too long, one of nothing in a long form.
    let stream =
        [&[0x00, 2, 7, 8][..], &[0x40, 0xff, 3, 1, 1, 1], &[0x00, 5, 1, 2, 3, 4, 5], &[0x05, 0x40, 0x00]];
    let stream = stream.concat();
    let wanted = (vec![(0, vec![7, 8]), (5, vec![])], Ok(()));
    for piece in 1..=stream.len() {
        assert_eq!(hear(&stream, piece), wanted, "{piece}");
    }
    // Skipping what nobody could hold costs nothing.
    let endless = [&[0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff][..], &[1; 100]].concat();
    assert_eq!(hear(&endless, 7), (vec![], Err(Malformed::BodyTooShort)));
}

#[test]
fn a_stream_that_ends_within_a_capsule_is_incomplete() {
    // spec: 9297-3.3-a
    let mut stream = Vec::new();
    write_capsule(DATAGRAM_CAPSULE, &[1, 2], &mut stream);
    assert_eq!(stream, [0x00, 2, 1, 2]);
    for len in 1..stream.len() {
        assert_eq!(hear(&stream[..len], 9), (vec![], Err(Malformed::BodyTooShort)), "{len}");
    }
    assert_eq!(hear(&stream, 9).1, Ok(()));
}

#[test]
fn the_field_is_one_true_boolean() {
    // spec: 9297-3.4-a
    for (lines, wanted) in [
        (&["?1"][..], true),
        (&["?1;a=b"], true),
        (&["?0"], false),
        (&["1"], false),
        (&["?1", "?1"], false),
        (&["?1, ?1"], false),
        (&["?11"], false),
        (&["?1; a; b=\"c\";d=?0"], true),
        (&["?1 ;a"], false),
        (&["?1;"], false),
        (&["?1;A"], false),
        (&["?1;a=)"], false),
        (&["?1;a b"], false),
        (&[], false),
    ] {
        let fields = Fields::from_iter(lines.iter().map(|value| ("capsule-protocol", *value)));
        assert_eq!(says_capsules(&fields), wanted, "{lines:?}");
    }
}
