use super::*;

/// Types, and lengths of whole payloads, however the input is cut.
fn read(pieces: &[&[u8]]) -> (Vec<String>, bool) {
    let (mut cutter, mut seen) = (Cutter::default(), Vec::new());
    for piece in pieces {
        let mut input = *piece;
        let mut admit = |kind, _| {
            Ok::<_, ()>(match kind {
                0 => Fate::Pass,
                1 => Fate::Keep,
                _ => Fate::Skip,
            })
        };
        while let Some(piece) = cutter.next(&mut input, &mut admit).unwrap() {
            seen.push(match piece {
                Piece::Part(bytes) => format!("{} bytes", bytes.len()),
                Piece::Whole(kind, payload) => format!("{kind}: {:?}", &payload[..]),
            });
        }
        assert!(input.is_empty(), "everything is taken");
    }
    (seen, cutter.is_between())
}

#[test]
fn sequences_are_cut_anywhere() {
    // HEADERS of two bytes, one of a type that nobody knows, DATA of three, HEADERS of none.
    let stream = [0x01, 0x02, 7, 8, 0x40, 0x21, 0x01, 9, 0x00, 0x03, 1, 2, 3, 0x01, 0x00];
    assert_eq!(read(&[&stream]), (vec!["1: [7, 8]".into(), "3 bytes".into(), "1: []".into()], true));
    for cut in 0..stream.len() {
        let (seen, _) = read(&[&stream[..cut], &stream[cut..]]);
        assert_eq!(seen.iter().filter(|line| line.starts_with("1:")).count(), 2);
    }
    let single: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(read(&single).0, ["1: [7, 8]", "1 bytes", "1 bytes", "1 bytes", "1: []"]);
}

#[test]
fn a_sequence_ends_between_values_alone() {
    let stream = [0x01, 0x02, 7, 8, 0x00, 0x02, 1, 2];
    let between: Vec<usize> = (0..=stream.len()).filter(|len| read(&[&stream[..*len]]).1).collect();
    assert_eq!(between, [0, 4, 8]);
}
