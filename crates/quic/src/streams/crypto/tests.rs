use super::*;

fn stream(crypto_bytes: u64, crypto_fragments: usize) -> CryptoStream {
    CryptoStream::new(&Limits { crypto_bytes, crypto_fragments, ..Limits::default() })
}

#[test]
fn handshake_bytes_are_put_in_order() {
    let mut stream = stream(4_096, 8);
    let mut got = Vec::new();
    for (offset, bytes) in [(3, "lo wor"), (0, "hel"), (0, "hel"), (10, "d"), (8, "rld")] {
        stream.accept(offset, bytes.as_bytes(), &mut |bytes| got.extend_from_slice(bytes)).unwrap();
    }
    assert_eq!(got, b"hello world");
    assert!(!stream.is_holding());
    assert_eq!(stream.delivered(), 11);
}

#[test]
fn no_less_than_4096_bytes_are_held_and_not_one_more_than_allowed() {
    for (crypto_bytes, held) in [(1, 4_096), (4_096, 4_096), (5_000, 5_000)] {
        let mut last = stream(crypto_bytes, 1);
        assert_eq!(last.accept(held - 1, b"x", &mut |_| {}), Ok(())); // spec: 9000-7.5-a
        let mut beyond = stream(crypto_bytes, 1);
        assert_eq!(beyond.accept(held, b"x", &mut |_| {}), Err(StreamFault::CryptoBuffer)); // spec: 9000-7.5-b
    }
    // What is in order is not held.
    let mut stream = stream(4_096, 1);
    let mut len = 0;
    stream.accept(0, &[0; 10_000], &mut |bytes| len += bytes.len()).unwrap();
    assert_eq!(len, 10_000);
    assert_eq!(StreamFault::CryptoBuffer.fault(0).code(), 0x0d);
}

#[test]
fn one_handshake_fragment_too_many_ends_the_connection() {
    let mut stream = stream(4_096, 8);
    for n in 1..=8 {
        stream.accept(2 * n, b"x", &mut |_| {}).unwrap();
    }
    assert!(stream.is_holding());
    assert_eq!(stream.accept(18, b"x", &mut |_| {}), Err(StreamFault::CryptoBuffer));
}

#[test]
fn handshake_bytes_end_at_two_to_the_62() {
    let mut stream = stream(4_096, 8);
    assert_eq!(stream.accept((1 << 62) - 1, b"x", &mut |_| {}), Err(StreamFault::Offset)); // spec: 9000-19.6-a
    assert_eq!(stream.accept(u64::MAX, b"x", &mut |_| {}), Err(StreamFault::Offset));
}

#[test]
fn handshake_bytes_leave_again_until_they_have_arrived() {
    let mut stream = stream(4_096, 8);
    stream.write((0..100).collect());
    stream.write((100..200).collect());
    let mut pieces = Vec::new();
    while let Some(piece) = stream.next_piece(66) {
        pieces.push(piece);
    }
    let lens: Vec<u64> = pieces.iter().map(|piece| piece.len).collect();
    assert_eq!(lens, [63, 63, 62, 12]);
    stream.acked(&pieces[2]);
    stream.lost(&pieces[1]);
    stream.lost(&pieces[0]);
    assert_eq!(stream.next_piece(1_000), Some(CryptoPiece { offset: 0, len: 126 }));
    assert!(!stream.wants_to_send());
    stream.resend();
    let mut again = Vec::new();
    while let Some(piece) = stream.next_piece(1_000) {
        let mut out = vec![0; piece.len as usize];
        assert!(stream.fill(&piece, &mut out));
        let expected: Vec<u8> = (piece.offset..piece.offset + piece.len).map(|at| at as u8).collect();
        assert_eq!(out, expected);
        again.push(piece);
    }
    assert_eq!(again, [CryptoPiece { offset: 0, len: 126 }, CryptoPiece { offset: 188, len: 12 }]);
    assert!(stream.is_outstanding());
    again.iter().for_each(|piece| stream.acked(piece));
    assert!(!stream.is_outstanding() && !stream.wants_to_send());
}
