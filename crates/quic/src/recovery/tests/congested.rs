//! How much may leave, and what takes it away (RFC 9002 section 7).

use super::*;

#[test]
fn a_full_window_is_shut_but_for_probes() {
    let mut story = Story::confirmed();
    story.send(0, 0..9);
    assert_eq!(story.recovery.window_left(), 1_200);
    story.send(0, 9..10);
    assert_eq!(story.recovery.window_left(), 0); // spec: 9002-7-a
    story.recovery.on_sent(at(0), Space::Application, bare(10));
    assert_eq!(story.recovery.bytes_in_flight(), 12_000, "bare acknowledgements do not count");
    story.send(2_000, 11..13);
    assert_eq!(story.recovery.bytes_in_flight(), 14_400); // spec: 9002-7.5-a
    assert_eq!(story.recovery.window_left(), 0);
    story.ack(2_050, &[11..13]);
    assert_eq!((story.recovery.bytes_in_flight(), story.recovery.window_left()), (0, 6_000));
}

#[test]
fn an_initial_window_may_leave_at_once_and_the_rest_is_spread() {
    let mut story = Story::confirmed();
    for number in 0..10 {
        assert_eq!(story.recovery.pacing_delay(at(0), 1_200), Span::ZERO);
        story.send(0, number..number + 1);
    }
    assert!(story.recovery.pacing_delay(at(0), 1_200) > Span::ZERO);
    story.ack(100, &[0..10]);
    // A window of 24,000 bytes doubles in 100 ms: 480 bytes a millisecond, all of the bucket after 25.
    assert_eq!(story.recovery.pacing_delay(at(100), 1_200), Span::ZERO);
    story.send(100, 10..20);
    assert_eq!(story.recovery.pacing_delay(at(100), 1_200), Span::from_micros(2_500));
}

#[test]
fn a_mark_cuts_the_window_once_and_for_good() {
    let mut story = Story::with(|config| config.ecn = true);
    for number in 0..10 {
        let packet = Sent { is_marked: story.recovery.is_marking(), ..eliciting(number) };
        story.recovery.on_sent(at(0), Space::Application, packet);
    }
    let told = |ect0, ce| Some(EcnCounts { ect0, ect1: 0, ce });
    let mut ack = |range, counts| {
        let ranges: &[Range<u64>] = &[range];
        story.try_ack(Space::Application, 100, Span::ZERO, ranges, counts).expect("all were sent")
    };
    let first = ack(0..2, told(1, 1));
    assert!(first.is_marked && !first.ecn_failed);
    assert!(!ack(3..5, told(2, 2)).is_marked, "sent before the cut");
    let old = ack(2..3, told(1, 1));
    assert_eq!((old.packets, old.ecn_failed), (1, false), "an old frame"); // spec: 9000-13.4.2.1-c
    assert!(ack(0..6, told(2, 2)).ecn_failed);
    assert_eq!(story.recovery.congestion().window(), 6_000); // spec: 9002-7.1-a
    assert!(!story.recovery.is_marking());
}

/// Sends packets at these times after the first sample, acknowledges the last of three more, and says whether the
/// congestion is persistent. After that sample the duration is (100 + 4 * 37.5 + 25) * 3 = 825 ms.
fn is_persistent(times: &[u64], arrived: Option<u64>, is_eliciting: bool) -> bool {
    let mut story = Story::measured();
    for (number, time) in (1..).zip(times) {
        let packet = Sent { elicits_ack: is_eliciting, ..eliciting(number) };
        story.recovery.on_sent(at(*time), Space::Application, packet);
    }
    let next = times.len() as u64 + 1;
    story.send(1_300, next..next + 3);
    let mut ranges = vec![next + 2..next + 3];
    ranges.extend(arrived.map(|number| number..number + 1));
    let lost = story.ack(1_400, &ranges).lost;
    let recovery = &story.recovery;
    assert_eq!(recovery.congestion().window() < 6_000, lost.is_persistent); // spec: 9002-7.6.2-b
    lost.is_persistent
}

#[test]
fn congestion_is_persistent_when_all_is_lost_for_long() {
    assert!(is_persistent(&[200, 600, 1_026], None, true));
    assert!(!is_persistent(&[201, 600, 1_026], None, true), "825 ms are not more than 825 ms"); // spec: 9002-7.6.2-a
    assert!(!is_persistent(&[200, 600, 1_026], Some(2), true), "one between arrived");
    assert!(!is_persistent(&[200, 600, 1_026], None, false), "nobody had to answer");
    assert!(is_persistent(&[150, 200, 600, 1_026], Some(1), true), "one before arrived");
}

#[test]
fn what_was_sent_before_the_first_sample_proves_nothing() {
    let mut story = Story::confirmed();
    for number in 0..5 {
        story.send(number * 2_000, number..number + 1);
    }
    let lost = story.ack(8_100, &[4..5]).lost;
    assert_eq!((lost.packets, lost.is_event, lost.is_persistent), (4, true, false));
}

#[test]
fn what_persistent_congestion_leaves_is_measured_anew() {
    let mut story = Story::measured();
    for number in 1..5 {
        story.send(100 + number * 510, number..number + 1);
    }
    story.send(2_500, 5..6);
    let acked = story.ack(2_800, &[5..6]);
    assert!(acked.lost.is_persistent);
    assert_eq!(story.recovery.rtt().least(), ms(300)); // spec: 9002-5.2-c
}

#[test]
fn a_gap_that_the_log_has_forgotten_still_ends_a_run() {
    // 200 packets between two losses arrive, enough for the log to drop them before it looks for losses.
    let mut story = Story::measured();
    story.send(200, 1..2);
    story.send(600, 2..202);
    story.send(1_500, 202..207);
    let acked = story.ack(1_600, &[2..202, 206..207]);
    assert_eq!((acked.lost.packets, acked.lost.is_persistent), (3, false));
    assert!(story.recovery.spaces.application.len() < 10);
}

#[test]
fn losses_that_were_none_are_undone() {
    let mut story = Story::measured();
    story.send(100, 1..6);
    let window = story.recovery.congestion().window();
    assert!(story.ack(200, &[4..6]).lost.is_event);
    assert!(story.recovery.congestion().window() < window);
    assert!(!story.ack(201, &[1..2]).is_undone, "the other is still missing");
    assert!(story.ack(202, &[1..4]).is_undone);
    assert!(story.recovery.congestion().window() >= window);
}

#[test]
fn a_loss_that_stays_one_is_not_undone() {
    let mut story = Story::measured();
    story.send(100, 1..6);
    story.ack(200, &[4..6]);
    story.send(210, 6..10);
    let lost = story.ack(310, &[7..10]).lost;
    assert_eq!((lost.packets, lost.is_event), (2, true), "one sent since: a new event");
    assert!(!story.ack(311, &[1..3]).is_undone, "what the first cut rested on does not speak for the second");
    assert_eq!(story.recovery.congestion().phase(), congestion::Phase::Recovery);
}

#[test]
fn all_losses_of_a_period_speak_for_its_cut() {
    let mut story = Story::measured();
    story.send(100, 1..6);
    story.ack(200, &[4..6]);
    assert!(matches!(story.expire(213), Expired::Lost(Lost { packets: 1, is_event: false, .. })));
    assert!(!story.ack(214, &[1..3]).is_undone, "3 is missing");
    assert!(story.ack(215, &[3..4]).is_undone);
}

#[test]
fn an_mtu_probe_that_is_late_speaks_for_no_cut() {
    let mut story = Story::measured();
    story.send(100, 1..2);
    story.recovery.on_sent(at(100), Space::Application, Sent { is_mtu_probe: true, ..eliciting(2) });
    story.send(100, 3..6);
    assert_eq!(story.ack(200, &[4..6]).lost.packets, 2);
    let late = story.ack(201, &[2..3]);
    assert_eq!((late.late, late.is_undone), (1, false));
    assert!(story.ack(202, &[1..2]).is_undone);
}

#[test]
fn what_leaves_elsewhere_measures_and_counts_nothing_here() {
    // spec: 9000-9.4-b
    let mut story = Story::measured();
    let (window, rtt) = (story.recovery.congestion().window(), story.recovery.rtt().smoothed());
    let elsewhere = |story: &mut Story, millis, number| {
        let packet = Sent { is_elsewhere: true, ..eliciting(number) };
        story.recovery.on_sent(at(millis), Space::Application, packet);
    };
    elsewhere(&mut story, 100, 1);
    assert_eq!((story.recovery.bytes_in_flight(), story.deadline_ms()), (0, None));
    let acked = story.ack(900, &[1..2]);
    assert_eq!((acked.packets, acked.sample, acked.bytes), (1, None, 0));
    assert_eq!(story.recovery.rtt().smoothed(), rtt);
    // A faster path overtakes nothing that is under way on this one.
    story.send(1_000, 2..3);
    (3..9).for_each(|number| elsewhere(&mut story, 1_000, number));
    assert_eq!(story.ack(1_020, &[3..9]).lost.packets, 0);
    assert_eq!(story.ack(1_100, &[2..3]).sample, Some(ms(100)));
    // And what is lost there is no congestion here.
    (9..12).for_each(|number| elsewhere(&mut story, 1_200, number));
    story.send(1_200, 12..16);
    let lost = story.ack(1_300, &[12..16]).lost;
    assert_eq!((lost.packets, lost.bytes, lost.is_event), (3, 0, false));
    assert!(story.recovery.congestion().window() >= window);
}

#[test]
fn who_sends_little_wins_no_window() {
    let mut story = Story::measured();
    let window = story.recovery.congestion().window();
    story.send(100, 1..3);
    story.recovery.set_demand(at(100), false);
    story.ack(200, &[1..3]);
    assert_eq!(story.recovery.congestion().window(), window); // spec: 9002-7.8-a
    story.send(200, 3..5);
    story.recovery.set_demand(at(200), true);
    story.ack(300, &[3..5]);
    assert_eq!(story.recovery.congestion().window(), window + 2_400, "the pacer held the rest back");
    story.recovery.set_demand(at(300), false);
    story.send(300, 5..18);
    story.ack(400, &[5..18]);
    assert_eq!(story.recovery.congestion().window(), window + 2_400 + 13 * 1_200, "it had been filled since");
}

#[test]
fn larger_datagrams_raise_a_window_that_is_still_the_first() {
    let mut story = Story::confirmed();
    story.recovery.set_datagram_bytes(1_400);
    assert_eq!(story.recovery.congestion().window(), 14_000);
    let mut story = Story::measured();
    let window = story.recovery.congestion().window();
    story.recovery.set_datagram_bytes(1_400);
    assert_eq!(story.recovery.congestion().window(), window);
}
