use super::*;
use sakigake_h2::{Config, rules};
use sakigake_preload::{
    Destination, Hint,
    table::{self, Site},
};

/// `PRI ...`, then SETTINGS with these entries.
fn hello(entries: &[u8]) -> Vec<u8> {
    let head = [0, 0, entries.len() as u8, rules::kind::SETTINGS, 0, 0, 0, 0, 0];
    [&rules::PREFACE[..], &head, entries].concat()
}

/// A server's engine and hints of a host with one hint for all pages and one for `/page`.
fn server(entries: &[u8]) -> (h2::Connection, Hints) {
    let mut h2 = h2::Connection::server(Config::default(), Instant::default());
    h2.handle(Instant::default(), &hello(entries), &mut |_| {}).expect("a good beginning");
    let table = Table::new(table::Config::default());
    let pages = vec![("/page".into(), vec![Hint::new("/b.css", Destination::Style)])];
    table.set("a.test", &Site { hints: vec![Hint::new("/a.css", Destination::Style)], pages });
    (h2, Hints::new(Arc::new(table)))
}

/// The payloads of the PRELOAD frames that wait.
fn told(h2: &mut h2::Connection) -> Vec<Vec<u8>> {
    let mut out = vec![0; 20_000];
    let len = h2.transmit(Instant::default(), &mut out).unwrap_or(0);
    let mut rest = &out[..len];
    let mut told = Vec::new();
    while let [0, high, low, kind, _, _, _, _, _, later @ ..] = rest {
        let (payload, later) = later.split_at(usize::from(u16::from_be_bytes([*high, *low])));
        if *kind == rules::PRELOAD {
            told.push(payload.to_vec());
        }
        rest = later;
    }
    told
}

fn navigation(authority: &str) -> Request {
    Request::get(authority, "/page").with("sec-fetch-mode", "navigate")
}

#[test]
fn the_frame_keeps_within_what_the_handshake_leaves_of_the_initial_window() {
    let now = Instant::default();
    let whole = {
        let (mut h2, mut hints) = server(&[]);
        hints.first(now, Some("a.test"), 3_000, &mut h2);
        told(&mut h2).pop().expect("one hint").len()
    };
    for (left, frames) in [(whole, 1), (whole - 1, 0)] {
        let (mut h2, mut hints) = server(&[]);
        hints.first(now, Some("a.test"), 14_600 - 128 - left, &mut h2);
        assert_eq!(told(&mut h2).len(), frames, "{left}"); // spec: preload-profile-5-c
        hints.first(now, Some("a.test"), 0, &mut h2);
        assert_eq!(told(&mut h2).len(), 0, "once");
    }
}

#[test]
fn a_later_frame_goes_to_who_acts_on_it_for_the_host_that_it_named() {
    let acts = [0xf0, 0xf0, 0, 0, 0, 1];
    for (entries, host, authority, frames) in [
        (&acts[..], Some("a.test"), "a.test", 1),
        (&acts, Some("a.test"), "A.test:8443", 1),
        (&acts, None, "a.test", 0),
        (&acts, Some("a.test"), "b.test", 0), // spec: preload-profile-3-b
        (&[], Some("a.test"), "a.test", 0),   // spec: preload-profile-2-d
    ] {
        let (mut h2, mut hints) = server(entries);
        hints.asked(StreamId(1), &navigation(authority), host);
        hints.flush(Instant::default(), host, &mut h2);
        assert_eq!(told(&mut h2).len(), frames, "{authority} {entries:?}");
    }
}
