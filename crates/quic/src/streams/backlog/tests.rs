use super::*;

/// 12 bytes in four chunks, all of them sent.
fn backlog() -> Backlog {
    let mut backlog = Backlog::default();
    for chunk in [vec![0, 1, 2], vec![3], vec![], vec![4, 5, 6, 7, 8, 9], vec![10, 11]] {
        backlog.push(Chunk::Owned(chunk));
    }
    backlog.sent(12);
    backlog
}

#[test]
fn any_range_is_filled_across_chunks() {
    let backlog = backlog();
    for from in 0..12_u8 {
        for to in from..=12 {
            let mut out = vec![0xff; usize::from(to - from)];
            assert!(backlog.fill(from.into(), &mut out), "{from}..{to}");
            assert_eq!(out, (from..to).collect::<Vec<u8>>());
        }
    }
    assert!(!backlog.fill(11, &mut [0; 2]));
    assert!(!backlog.fill(13, &mut [0; 1]));
}

#[test]
fn acknowledgements_may_come_in_any_order() {
    let pieces = [0..2, 2..5, 5..6, 6..10, 10..12_u64];
    for order in 0..120_usize {
        let mut rest: Vec<_> = pieces.to_vec();
        let mut backlog = backlog();
        let mut seen = [false; 12];
        for (left, choice) in [(5, order), (4, order / 5), (3, order / 20), (2, order / 60), (1, 0)] {
            let piece = rest.remove(choice % left);
            backlog.acked(piece.clone());
            piece.for_each(|at| seen[at as usize] = true);
            let below = seen.iter().position(|seen| !seen).unwrap_or(12);
            assert_eq!(backlog.acked_below(), below as u64);
            // What is not acknowledged can be sent again.
            backlog.lost(0..12);
            let mut again = Vec::new();
            while let Some(range) = backlog.first_lost() {
                backlog.sent_again(range.clone());
                let mut out = vec![0; (range.end - range.start) as usize];
                assert!(backlog.fill(range.start, &mut out));
                again.extend(range);
            }
            let missing: Vec<u64> = (0..12).filter(|at| !seen[*at as usize]).collect();
            assert_eq!(again, missing);
        }
        assert_eq!(backlog.chunks(), 0);
    }
}

#[test]
fn what_arrived_late_is_not_sent_again() {
    let mut backlog = backlog();
    backlog.lost(2..9);
    backlog.acked(4..6);
    assert_eq!(backlog.first_lost(), Some(2..4));
    backlog.sent_again(2..4);
    assert_eq!(backlog.first_lost(), Some(6..9));
    backlog.release_from(7);
    assert_eq!(backlog.first_lost(), Some(6..7));
}

#[test]
fn what_has_not_left_can_be_cut_off() {
    let mut backlog = Backlog::default();
    backlog.push(Chunk::Shared(vec![0, 1, 2, 3].into()));
    backlog.push(Chunk::Owned(vec![4, 5]));
    backlog.sent(1);
    backlog.truncate(3);
    assert_eq!((backlog.queued(), backlog.chunks()), (2, 1));
    backlog.truncate(0);
    assert_eq!(backlog.queued(), 0);
}

#[test]
fn who_sends_and_is_acknowledged_in_order_needs_no_more_memory() {
    let mut backlog = Backlog::default();
    let chunk: Arc<[u8]> = vec![7; 1_000].into();
    let mut round = |acked: u64| {
        backlog.push(Chunk::Shared(chunk.clone()));
        backlog.sent(1_000);
        backlog.acked(acked..acked + 1_000);
        (backlog.chunks.capacity(), backlog.acked_ahead == RangeSet::default(), backlog.lost.is_empty())
    };
    let first = round(0);
    for n in 1..10_000 {
        assert_eq!(round(n * 1_000), first);
    }
    assert_eq!(Arc::strong_count(&chunk), 1);
}
