use super::*;

/// Cuts `bytes` at the ends of messages, fed in pieces of `step` bytes.
fn cut(bytes: &[u8], step: usize) -> (Vec<usize>, bool) {
    let (mut boundary, mut ends, mut at) = (Boundary::default(), Vec::new(), 0);
    for mut piece in bytes.chunks(step) {
        while !piece.is_empty() {
            let len = boundary.take(piece);
            assert!(len > 0, "progress");
            at += len;
            piece = &piece[len..];
            if boundary.is_aligned() {
                ends.push(at);
            }
        }
    }
    (ends, boundary.is_aligned())
}

#[test]
fn messages_end_where_their_lengths_say_in_every_split() {
    let bytes = [&[1, 0, 0, 2, 9, 9][..], &[14, 0, 0, 0], &[24, 0, 0, 1, 0]].concat();
    for step in 1..=bytes.len() {
        assert_eq!(cut(&bytes, step), (vec![6, 10, 15], true), "in pieces of {step}");
    }
}

#[test]
fn a_started_message_is_not_aligned() {
    for len in 1..6 {
        assert_eq!(cut(&[1, 0, 0, 2, 9, 9][..len], 6), (vec![], false), "{len} bytes");
    }
}
