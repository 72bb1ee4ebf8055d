//! The link's rules, on a clock that the test turns.

use super::*;

const MS: Duration = Duration::from_millis(1);

/// When each of `count` packets of 1,250 bytes, entered at once, arrives (None: lost).
fn arrivals(shape: Shape, count: usize) -> Vec<Option<Duration>> {
    let mut queue = Queue::new(shape);
    let kept: Vec<bool> = (0..count).map(|_| queue.accept(Duration::ZERO, &[0; 1250])).collect();
    let mut times = Vec::new();
    while let Some(at) = queue.deadline() {
        assert_eq!(queue.due(at - Duration::from_nanos(1)), None);
        assert!(queue.due(at).is_some());
        times.push(at);
    }
    let mut times = times.into_iter();
    kept.into_iter().map(|kept| if kept { times.next() } else { None }).collect()
}

#[test]
fn a_packet_arrives_after_the_delay_and_not_before() {
    assert_eq!(arrivals(Shape { delay: 25 * MS, ..Shape::default() }, 2), [Some(25 * MS); 2]);
}

#[test]
fn at_a_rate_one_follows_the_other() {
    let shape = Shape { delay: 25 * MS, bits_per_s: Some(10_000_000), ..Shape::default() };
    assert_eq!(arrivals(shape, 3), [Some(26 * MS), Some(27 * MS), Some(28 * MS)]);
}

#[test]
fn a_full_queue_drops_the_last() {
    let shape = Shape { bits_per_s: Some(10_000_000), queue_packets: 2, ..Shape::default() };
    assert_eq!(arrivals(shape, 5), [Some(MS), Some(2 * MS), Some(3 * MS), None, None]);
}

#[test]
fn a_queue_that_has_drained_takes_packets_again() {
    let mut queue = Queue::new(Shape { bits_per_s: Some(10_000_000), queue_packets: 0, ..Shape::default() });
    assert!(queue.accept(Duration::ZERO, &[0; 1250]));
    assert!(!queue.accept(MS / 2, &[0; 1250]));
    assert!(queue.accept(MS, &[0; 1250]));
}

#[test]
fn jitter_keeps_the_order_and_its_bound() {
    let shape = Shape { delay: 25 * MS, jitter: 5 * MS, ..Shape::default() };
    let times: Vec<Duration> = arrivals(shape, 200).into_iter().flatten().collect();
    assert!(times.is_sorted() && times[0] < *times.last().expect("200 entered"));
    assert!(times.iter().all(|&time| (25 * MS..=30 * MS).contains(&time)));
}

#[test]
fn loss_is_a_share_and_the_seed_decides_which() {
    let shape = |seed| Shape { delay: MS, loss: 0.1, seed, ..Shape::default() };
    let (one, same, other) = (arrivals(shape(1), 2000), arrivals(shape(1), 2000), arrivals(shape(2), 2000));
    assert_eq!(one, same);
    assert_ne!(one, other);
    let lost = one.iter().filter(|arrival| arrival.is_none()).count();
    assert!((140..260).contains(&lost), "{lost} of 2000");
}

#[test]
fn a_burst_of_losses_ends_at_its_bound() {
    let arrivals = arrivals(Shape { delay: MS, loss: 1.0, burst_packets: 2, ..Shape::default() }, 7);
    let kept: Vec<bool> = arrivals.iter().map(Option::is_some).collect();
    assert_eq!(kept, [false, false, true, false, false, true, false]);
}

#[test]
fn a_link_holds_no_more_than_its_bound() {
    let mut queue = Queue::new(Shape { delay: 25 * MS, ..Shape::default() });
    assert!((0..PACKETS).all(|_| queue.accept(Duration::ZERO, &[0])));
    assert!(!queue.accept(Duration::ZERO, &[0]));
}
