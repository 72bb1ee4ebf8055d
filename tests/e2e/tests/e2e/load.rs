//! The load that `bench` puts on a server, over real sockets.

use sakigake::{
    bench::{self, Length, Options, Progress, Report},
    client::{Resolve, Trust},
};
use sakigake_e2e::{PATIENCE, Scratch, Server, Setup, example};
use sakigake_page::Url;
use sakigake_semantics::Fields;
use std::{net::TcpListener, time::Duration};

pub(crate) fn options(server: &Server, path: &str) -> Options {
    let url = format!("https://www.saki.test:{}{path}", server.address.port());
    Options {
        url: Url::parse(&url).expect("it is a URL"),
        length: Length::Requests(1),
        connections: 1,
        streams: 1,
        threads: 1,
        method: "GET".into(),
        fields: Fields::new(),
        body: None,
        alpn: vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        http3: false,
        patience: PATIENCE,
        trust: Trust::File(server.ca.clone()),
        resolve: vec![Resolve {
            host: "www.saki.test".into(),
            port: server.address.port(),
            address: server.address.ip(),
        }],
        groups: Vec::new(),
    }
}

pub(crate) fn load(options: Options) -> Report {
    bench::run(options, &Progress::default()).expect("the load begins")
}

#[test]
fn every_request_of_a_number_is_made_and_counted() {
    let site = Scratch::new();
    site.write("a", vec![7; 1_000]);
    let server = Server::start(Setup { http3: true, ..Setup::of(site.path()) });
    for (requests, connections, streams, threads, alpn) in [
        (1, 1, 1, 1, "h2"),
        (1_000, 7, 10, 2, "h2"),
        (50, 3, 1, 2, "http/1.1"),
        (2, 5, 100, 3, "h2"),
        (1_000, 7, 10, 2, "h3"),
        (2, 5, 100, 3, "h3"),
    ] {
        let usual = options(&server, "/a");
        let length = Length::Requests(requests);
        let (http3, agreed) = (alpn == "h3", format!("ALPN {alpn}"));
        let alpn = vec![alpn.as_bytes().to_vec()];
        let report = load(Options { length, connections, streams, threads, alpn, http3, ..usual });
        assert!(report.agreed.as_ref().is_some_and(|told| told.contains(&agreed)), "{:?}", report.agreed);
        let seen = (report.started, report.succeeded, report.failed, report.errored);
        assert_eq!(seen, (requests, requests, 0, 0), "{:?}", report.errors);
        assert_eq!((report.body_bytes, report.request.count()), (requests * 1_000, requests));
        assert_eq!(report.statuses, [0, 0, requests, 0, 0, 0]);
    }
}

#[test]
fn a_load_by_time_ends_with_it() {
    let server = Server::start(Setup::of(example()));
    let (mut run, warm_up) = (Duration::from_millis(300), Duration::from_millis(50));
    loop {
        let length = Length::Time { run, warm_up };
        let report = load(Options { length, connections: 2, streams: 4, ..options(&server, "/") });
        assert_eq!((report.took, report.errored), (run, 0), "{:?}", report.errors);
        if report.succeeded > 0 {
            break;
        }
        run *= 2; // On a machine with better things to do, a longer time has something in it.
        assert!(run < PATIENCE, "no request succeeds");
    }
}

#[test]
fn what_is_refused_counts_as_failed_and_what_is_cut_off_as_errored() {
    let server = Server::start(Setup::of(example()));
    let usual = |path| options(&server, path);
    let report = load(Options { length: Length::Requests(3), ..usual("/nothing-here") });
    assert_eq!((report.succeeded, report.failed, report.statuses[4]), (0, 3, 3));
    let body = Some(vec![1; 100_000].into());
    let report = load(Options { length: Length::Requests(2), body, method: "POST".into(), ..usual("/") });
    assert_eq!((report.failed, report.errored), (2, 0), "{:?}", report.errors);
    let stranger = load(Options { trust: Trust::Platform, length: Length::Requests(5), ..usual("/") });
    assert_eq!((stranger.errored, stranger.done()), (5, 5), "{:?}", stranger.errors);
}

#[test]
fn a_server_that_says_nothing_is_not_waited_for_for_ever() {
    let server = Server::start(Setup::of(example()));
    let silent = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let mut options = options(&server, "/");
    options.resolve.clear();
    options.url =
        Url::parse(&format!("https://{}/", silent.local_addr().expect("its address"))).expect("a URL");
    options.patience = Duration::from_millis(100);
    let report = load(Options { length: Length::Requests(4), connections: 2, ..options });
    assert_eq!((report.errored, report.done()), (4, 4), "{:?}", report.errors);
    assert!(report.errors.contains_key("no answer in time"), "{:?}", report.errors);
}

#[test]
fn a_load_offers_the_groups_that_were_asked_for() {
    let server = Server::start(Setup::of(example()));
    for (groups, expected) in
        [(vec![0x1d], "x25519"), (vec![0x17, 0x1d], "secp256r1"), (vec![], "X25519MLKEM768")]
    {
        let report = load(Options { groups, ..options(&server, "/") });
        let agreed = report.agreed.expect("a connection was made");
        assert!(agreed.contains(expected), "{agreed}");
    }
}
