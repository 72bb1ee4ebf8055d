use super::report::{Outcome, Report, Times};
use super::{add, quota::Quota, share};
use sakigake_semantics::Request;
use std::time::{Duration, Instant};

#[test]
fn shares_add_up() {
    for (all, among) in [(0, 1), (1, 3), (10, 3), (12, 4), (7, 7), (5, 8)] {
        let shares: Vec<u64> = (0..among).map(|number| share(all, among, number)).collect();
        assert_eq!(shares.iter().sum::<u64>(), all);
        assert!(shares.iter().max().unwrap() - shares.iter().min().unwrap() <= 1, "{shares:?}");
    }
}

#[test]
fn a_number_of_requests_is_taken_once_each() {
    let (quota, now) = (Quota::requests(2), Instant::now());
    assert_eq!([quota.take(now), quota.take(now), quota.take(now)], [true, true, false]);
    assert!(quota.is_over(now));
    quota.give_back();
    assert_eq!((quota.left(), quota.take(now), quota.take(now)), (1, true, false));
}

#[test]
fn what_ends_while_warming_up_does_not_count() {
    let start = Instant::now();
    let quota = Quota::time(start + Duration::from_secs(1), Duration::from_secs(2));
    for (at_ms, takes, counts) in
        [(0, true, false), (1_000, true, true), (2_999, true, true), (3_000, false, false)]
    {
        let at = start + Duration::from_millis(at_ms);
        assert_eq!((quota.take(at), quota.counts(at)), (takes, counts), "{at_ms} ms");
    }
}

#[test]
fn percentiles_are_those_of_what_was_recorded() {
    let mut times = Times::default();
    (1..=1_000).for_each(|ms| times.record(Duration::from_millis(ms)));
    for (percent, ms) in [(50.0, 500), (90.0, 900), (99.0, 990), (100.0, 1_000)] {
        let found = times.percentile(percent).as_secs_f64() * 1e3;
        assert!((found / f64::from(ms) - 1.0).abs() < 0.002, "p{percent}: {found} ms");
    }
    assert!((times.mean().as_secs_f64() - 0.5005).abs() < 0.001);
    let within = times.within_deviation();
    assert!((within - 0.577).abs() < 0.01, "of an even spread {within} lie within one deviation");
}

#[test]
fn reports_add_up() {
    let mut all = Report::default();
    for status in [200, 204, 302, 404, 503] {
        let mut one = Report::default();
        one.ended(Outcome::Response(status), 10, Duration::from_millis(1));
        one.errored(1, "a reason");
        all.add(one);
    }
    all.ended(Outcome::TimedOut, 0, Duration::ZERO);
    assert_eq!((all.succeeded, all.failed, all.errored, all.timed_out), (3, 2, 6, 1));
    assert_eq!((all.statuses, all.body_bytes, all.request.count()), ([0, 0, 2, 1, 1, 1], 50, 5));
    assert_eq!(all.errors, [("a reason".to_owned(), 5)].into());
}

#[test]
fn errors_of_a_thousand_kinds_take_little_room() {
    let mut report = Report::default();
    (0..1_000).for_each(|number| report.note(&format!("reason {number}"), 1));
    assert_eq!(report.errors.len(), 17);
    assert_eq!(report.errors["other errors"], 984);
}

#[test]
fn a_host_that_was_asked_for_is_the_authority() {
    let mut request = Request::get("a.test", "/");
    add(&mut request, &[("accept", "a/b"), ("host", "b.test")].into_iter().collect());
    assert_eq!(request.authority(), b"b.test"); // spec: 9113-8.3.1-i
    assert_eq!(request.fields, [("accept", "a/b")].into_iter().collect());
}
