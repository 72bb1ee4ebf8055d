//! How often a peer is asked to acknowledge, and how it does.

use super::pair::{Pair, Setting};
use crate::connection::Options;

/// Acknowledging datagrams of a server that takes in a mebibyte.
fn answers(min_ack_delay_us: Option<u64>) -> usize {
    let mut options = Options { min_ack_delay_us, ..Options::default() };
    options.limits.streams.send_queue_bytes = 2 << 20;
    let mut pair = Pair::of(Setting { client: options.clone(), server: options, ..Setting::default() });
    pair.confirm();
    let before = pair.sent[1];
    let id = pair.say(&[7; 1 << 20]);
    assert!(pair.run(|pair| pair.server_ear.finished.contains(&id)));
    pair.sent[1] - before
}

#[test]
fn a_large_window_is_acknowledged_in_larger_steps() {
    let (asked, unasked) = (answers(Some(1_000)), answers(None));
    assert!(asked * 3 < unasked * 2, "{asked} and {unasked}");
}

#[test]
fn nobody_is_asked_who_does_not_take_it() {
    // spec: ackfreq-3-n
    let server = Options { min_ack_delay_us: None, ..Options::default() };
    let mut pair = Pair::of(Setting { server, ..Setting::default() });
    pair.confirm();
    let id = pair.say(&[7; 200_000]);
    assert!(pair.run(|pair| pair.server_ear.finished.contains(&id)), "{:?}", pair.server_ear.closed);
    assert!(!pair.client.can_ask() && !pair.client.asked.is_due);
}

#[test]
fn a_question_that_was_lost_is_asked_again_under_another_number() {
    // spec: ackfreq-5-n
    let mut pair = Pair::new();
    pair.confirm();
    let id = pair.say(&[7; 400_000]);
    assert!(pair.run(|pair| pair.client.asked.is_due));
    let first = pair.client.next_frequency().unwrap();
    assert!(!pair.client.asked.is_due && pair.client.next_frequency().is_none());
    pair.client.asked.lost(first.sequence);
    let second = pair.client.next_frequency().unwrap();
    assert_eq!(
        (second.sequence, second.ack_eliciting_threshold),
        (first.sequence + 1, first.ack_eliciting_threshold)
    );
    pair.client.asked.lost(first.sequence);
    assert!(!pair.client.asked.is_due, "a later one is under way");
    assert!(pair.run(|pair| pair.server_ear.finished.contains(&id)));
}
