use super::*;

/// The byte that belongs at an offset.
fn byte(at: u64) -> u8 {
    (at * 7 + at / 251) as u8
}

fn bytes(range: core::ops::Range<u64>) -> Vec<u8> {
    range.map(byte).collect()
}

/// Calls `each` with every order of `items`.
fn permute<T>(items: &mut [T], from: usize, each: &mut impl FnMut(&[T])) {
    if from == items.len() {
        return each(items);
    }
    for at in from..items.len() {
        items.swap(from, at);
        permute(items, from + 1, each);
        items.swap(from, at);
    }
}

#[test]
fn every_order_of_pieces_gives_the_same_bytes_once() {
    // Neighbours, overlaps at both ends, one inside another, a duplicate, one that spans all gaps, and an empty one.
    let mut pieces = [0..3, 2..6, 6..7, 5..9, 7..8, 9..12, 9..12, 4..4];
    permute(&mut pieces, 0, &mut |pieces| {
        let (mut assembly, mut held, mut got) = (Assembly::default(), Held::new(8), Vec::new());
        let mut seen = 0_u32;
        for piece in pieces {
            let deliver = &mut |bytes: &[u8]| got.extend_from_slice(bytes);
            assembly.accept(piece.start, &bytes(piece.clone()), &mut held, deliver).unwrap();
            // Each byte is held once, and only as long as one before it is missing.
            seen = piece.clone().fold(seen, |seen, at| seen | 1 << at);
            assert_eq!(assembly.delivered(), u64::from(seen.trailing_ones()));
            assert_eq!(
                held.bytes() as u64,
                u64::from(seen.count_ones()) - assembly.delivered(),
                "{pieces:?}"
            );
        }
        assert_eq!(got, bytes(0..12), "{pieces:?}");
        assert_eq!((held.bytes(), held.pieces(), assembly.delivered()), (0, 0, 12));
    });
}

#[test]
fn what_comes_in_order_is_the_packets_own_memory() {
    let (mut assembly, mut held) = (Assembly::default(), Held::new(0));
    let packet = bytes(0..100);
    let mut at = core::ptr::null();
    assembly.accept(0, &packet, &mut held, &mut |bytes| at = bytes.as_ptr()).unwrap();
    assert_eq!(at, packet.as_ptr());
    // Half of it is known: the rest is still borrowed.
    let packet = bytes(50..150);
    assembly.accept(50, &packet, &mut held, &mut |bytes| at = bytes.as_ptr()).unwrap();
    assert_eq!(at, packet[50..].as_ptr());
}

#[test]
fn one_byte_fragments_without_gaps_are_few_pieces() {
    let orders: [Box<dyn Fn(u64) -> u64>; 3] = [
        Box::new(|at| at),
        Box::new(|at| 4_095 - at),
        Box::new(|at| (at * 1_027) % 4_096), // All offsets, far from one another.
    ];
    for (order, most) in orders.iter().zip([1, 13, 91]) {
        let (mut assembly, mut held) = (Assembly::default(), Held::new(4_096));
        for at in (0..4_096).map(order) {
            assembly
                .accept(at + 1, &bytes(at + 1..at + 2), &mut held, &mut |_| panic!("nothing is in order"))
                .unwrap();
        }
        assert_eq!(held.bytes(), 4_096);
        assert!(held.pieces() <= most, "{} pieces", held.pieces());
        let mut got = Vec::new();
        assembly.accept(0, &bytes(0..1), &mut held, &mut |bytes| got.extend_from_slice(bytes)).unwrap();
        assert_eq!(got, bytes(0..4_097));
    }
}

#[test]
fn one_gap_too_many_is_noticed() {
    let (mut assembly, mut held) = (Assembly::default(), Held::new(8));
    let mut put = |n: u64| assembly.accept(2 * n, &bytes(2 * n..2 * n + 1), &mut held, &mut |_| {});
    for n in 1..=8 {
        assert_eq!(put(n), Ok(()));
    }
    assert_eq!(put(9), Err(Fragmented));
}

#[test]
fn honest_loss_under_a_large_window_is_no_malice() {
    const PACKET: u64 = 1_200;
    let (mut assembly, mut held) = (Assembly::default(), Held::new(0));
    let mut got = 0;
    let mut deliver = |bytes: &[u8]| got += bytes.len() as u64;
    let packets = (16 << 20) / PACKET;
    // Every second packet is lost, then comes again, the last one first.
    for n in (0..packets).filter(|n| n % 2 == 1).chain((0..packets).filter(|n| n % 2 == 0).rev()) {
        let range = n * PACKET..(n + 1) * PACKET;
        assembly.accept(range.start, &vec![0; PACKET as usize], &mut held, &mut deliver).unwrap();
        assert!(held.pieces() as u64 <= packets / 2);
    }
    assert_eq!(got, packets * PACKET);
    assert_eq!((held.bytes(), held.pieces()), (0, 0));
}

#[test]
fn what_is_discarded_is_not_held() {
    let (mut assembly, mut held) = (Assembly::default(), Held::new(8));
    for at in [2, 9, 20] {
        assembly.accept(at, &bytes(at..at + 3), &mut held, &mut |_| {}).unwrap();
    }
    assert_eq!((held.bytes(), held.pieces()), (9, 3));
    assembly.discard(&mut held);
    assert_eq!((held.bytes(), held.pieces()), (0, 0));
}
