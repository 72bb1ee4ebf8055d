use super::{
    Metrics,
    answer::answer,
    shard::{METHODS, code_name},
    text::{Text, Type},
};
use crate::handler::Served;
use http::Method;
use http_body_util::BodyExt as _;
use sakigake_semantics::{Control, Part};
use sakigake_session::Protocol;
use sakigake_tls::{Fault, rules::AlertDescription};
use std::time::Duration;

fn served(method: &[u8], status: u16, took: Duration) -> Served {
    Served {
        protocol: "h2",
        seat: None,
        asked: Control::default().with(Part::Method, method).with(Part::Path, "/"),
        status,
        bytes: 10,
        took,
        whole: true,
        hinted: false,
        hints: 0,
        early_hints: 0,
        visit: None,
    }
}

#[test]
fn workers_are_summed_and_a_host_is_found_again() {
    let metrics = Metrics::new();
    let (one, two) = (metrics.shard(), metrics.shard());
    one.host("a.test").served(&served(b"GET", 200, Duration::ZERO));
    two.host("a.test").served(&served(b"GET", 200, Duration::ZERO));
    // As after a reload.
    two.host("a.test").served(&served(b"GET", 204, Duration::ZERO));
    let sum: u64 = metrics
        .shards()
        .iter()
        .map(|shard| {
            shard
                .host("a.test")
                .requests()
                .map(|(labels, count)| {
                    assert_eq!(labels, ["h2", "GET", "2xx"]);
                    count
                })
                .sum::<u64>()
        })
        .sum();
    assert_eq!(sum, 3);
}

#[test]
fn a_103_is_one_however_many_hints_it_holds() {
    let shard = Metrics::new().shard();
    let host = shard.host("a.test");
    for early_hints in [0, 1, 16] {
        host.served(&Served { early_hints, ..served(b"GET", 200, Duration::ZERO) });
    }
    assert_eq!(host.early_hints.get(), 2);
}

#[test]
fn what_a_client_invents_has_one_place() {
    let shard = Metrics::new().shard();
    let host = shard.host("a.test");
    for (method, status) in [(&b"BREW"[..], 999), (b"get", 0), (b"GET\"}\n", 65_535), (b"", 42)] {
        host.served(&served(method, status, Duration::MAX));
    }
    let counted: Vec<_> = host.requests().collect();
    assert_eq!(counted, [(["h2", "other", "none"], 4)]);
    shard.handshake_failed(&Fault::PeerAlert(AlertDescription(200)));
    shard.handshake_failed(&Fault::PeerAlert(AlertDescription(201)));
    shard.reset(u64::MAX);
    shard.goaway_received(14);
    assert_eq!(shard.handshakes_alerted.get().last(), Some(&2));
    assert_eq!((shard.resets.get().last(), shard.goaways_received.get().last()), (Some(&1), Some(&1)));
}

#[test]
fn codes_of_http_2_and_http_3_have_names_of_their_own() {
    let shard = Metrics::new().shard();
    // CANCEL, H3_REQUEST_CANCELLED, QPACK_DECODER_STREAM_ERROR, H3_DATAGRAM_ERROR; what neither has.
    for code in [0x8, 0x10c, 0x202, 0x33, 0x111, 0xe] {
        shard.reset(code);
    }
    let counted: Vec<_> = (0..).zip(shard.resets.get()).filter(|(_, count)| *count > 0).collect();
    let named: Vec<_> = counted.iter().map(|(number, count)| (code_name(*number), *count)).collect();
    let expected = [
        ("CANCEL", 1),
        ("H3_DATAGRAM_ERROR", 1),
        ("H3_REQUEST_CANCELLED", 1),
        ("QPACK_DECODER_STREAM_ERROR", 1),
        ("other", 2),
    ];
    assert_eq!(named, expected);
}

#[test]
fn each_method_and_class_has_its_own_place() {
    let shard = Metrics::new().shard();
    let host = shard.host("");
    for method in METHODS {
        for status in [100, 200, 301, 404, 503] {
            host.served(&served(method.as_bytes(), status, Duration::ZERO));
        }
    }
    assert_eq!(host.requests().count(), 50);
    assert!(host.requests().all(|(_, count)| count == 1));
}

#[test]
fn a_bucket_holds_what_took_as_long_as_its_bound() {
    let shard = Metrics::new().shard();
    let host = shard.host("");
    for nanos in [0, 100_000, 100_001, 10_000_000_000, 10_000_000_001] {
        host.served(&served(b"GET", 200, Duration::from_nanos(nanos)));
    }
    let took = host.took.get();
    assert_eq!((took[0], took[1], took[15], took[16]), (2, 1, 1, 1));
    assert_eq!(host.took_nanos.get(), 20_000_200_002);
}

#[test]
fn handshakes_end_in_four_ways_and_early_data_in_two() {
    let shard = Metrics::new().shard();
    shard.ready(Protocol::H2);
    shard.ready(Protocol::Plain);
    shard.handshake_failed(&Fault::NoCommonVersion);
    shard.handshake_failed(&Fault::PeerAlert(AlertDescription::UNKNOWN_CA));
    shard.handshake_failed(&Fault::Truncated);
    [true, false, true].into_iter().for_each(|is_accepted| shard.early_data(is_accepted));
    assert_eq!((shard.early_data_accepted.get(), shard.early_data_rejected.get()), (2, 1));
    assert_eq!(shard.connections.get(), [1, 1, 0, 0]);
    assert_eq!((shard.handshakes_completed.get(), shard.handshakes_gone.get()), (2, 1));
    assert_eq!(shard.handshakes_refused.get().iter().sum::<u64>(), 1);
    assert_eq!(shard.handshakes_alerted.get().iter().sum::<u64>(), 1);
}

#[test]
fn hints_that_were_counted_stay_counted() {
    use sakigake_preload::table::Totals;
    let metrics = Metrics::new();
    let seen = [(10, 4), (12, 5), (3, 3), (3, 3), (0, 0), (2, 1)].map(|(sent, used)| {
        let all = metrics.hints(Totals { sent, used });
        (all.sent, all.used)
    });
    assert_eq!(seen, [(10, 4), (12, 5), (12, 5), (12, 5), (12, 5), (14, 6)]);
}

#[test]
fn labels_are_escaped() {
    let mut text = Text::new();
    text.family("a_total", Type::Counter, "one\\two\nthree");
    text.sample(&[("host", "a\"b\\c\nd"), ("code", "")], 7);
    text.sample(&[], 8);
    assert_eq!(
        text.into_string(),
        "# HELP a_total one\\\\two\\nthree\n# TYPE a_total counter\n\
         a_total{host=\"a\\\"b\\\\c\\nd\",code=\"\"} 7\na_total 8\n"
    );
}

#[tokio::test]
async fn metrics_are_at_one_path_and_for_two_methods() {
    for (method, path, status) in [
        (Method::GET, "/metrics", 200),
        (Method::HEAD, "/metrics", 200),
        (Method::POST, "/metrics", 405),
        (Method::GET, "/", 404),
        (Method::GET, "/metrics/", 404),
        (Method::DELETE, "/other", 404),
    ] {
        let response = answer(&method, path, || "a 1\n".into());
        assert_eq!(response.status(), status, "{method} {path}");
        assert_eq!(response.headers().contains_key("allow"), status == 405);
        let is_metrics = response.into_body().collect().await.expect("it is whole").to_bytes() == "a 1\n";
        assert_eq!(is_metrics, status == 200);
    }
}
