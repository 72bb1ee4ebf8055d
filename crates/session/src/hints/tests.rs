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

fn urls(block: &[u8]) -> Vec<String> {
    let reading = sakigake_preload::block::read(block, Default::default()).expect("a block");
    reading.hints.into_iter().map(|hint| hint.url).collect()
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
        assert_eq!(told(&mut h2).len(), 0, "the host's come first");
        hints.first(Instant::default(), host, 20_000, &mut h2);
        assert_eq!(told(&mut h2).len(), frames, "{authority} {entries:?}");
    }
}

#[test]
fn nothing_is_said_twice_and_nothing_to_who_does_not_know_the_frame() {
    // spec: preload-profile-10-a spec: preload-profile-10-c
    let (now, host) = (Instant::default(), Some("a.test"));
    let acts = [0xf0, 0xf0, 0, 0, 0, 1];
    let visit = |entries: &[u8], returned: Option<Told>| {
        let (mut h2, mut hints) = server(entries);
        if let Some(told) = returned {
            hints.returned(now, told, host);
        }
        hints.first(now, host, 0, &mut h2);
        (told(&mut h2).len(), hints.told(&h2), h2, hints)
    };
    let (frames, first, ..) = visit(&acts, None);
    assert!(frames == 1 && first.is_known && first.digest.is_some());
    let (frames, again, mut h2, mut hints) = visit(&acts, Some(first));
    assert_eq!((frames, again), (0, first));
    // What the client remembers counts as said: a page's frame does not repeat it.
    hints.asked(StreamId(1), &navigation("a.test"), host);
    assert!(hints.account.requested(Some("a.test"), "/a.css"));
    hints.flush(now, host, &mut h2);
    let pages: Vec<_> = told(&mut h2).iter().map(|frame| urls(frame)).collect();
    assert_eq!(pages, [["https://a.test/b.css"]]);

    let other = Told { digest: None, ..first };
    assert_eq!(visit(&acts, Some(other)).0, 1, "it has others, or none");
    let (frames, unknown, ..) = visit(&[], None);
    assert_eq!((frames, unknown), (1, Told { is_known: false, digest: None }));
    let (frames, learnt, ..) = visit(&acts, Some(unknown));
    assert_eq!((frames, learnt), (0, Told { is_known: true, digest: None }), "it has learnt the frame since");
    assert_eq!(visit(&acts, Some(learnt)).0, 1);
}

#[test]
fn what_was_asked_for_early_is_no_waste_of_the_hint_that_comes_later() {
    let (now, host) = (Instant::default(), Some("a.test"));
    let (mut h2, mut hints) = server(&[0xf0, 0xf0, 0, 0, 0, 1]);
    hints.asked(StreamId(1), &navigation("a.test"), host);
    hints.asked(StreamId(3), &Request::get("a.test", "/a.css"), host);
    hints.flush(now, host, &mut h2);
    hints.first(now, host, 0, &mut h2);
    let hinted: Vec<_> = told(&mut h2).iter().map(|frame| urls(frame)).collect();
    assert_eq!(hinted, [["https://a.test/a.css"], ["https://a.test/b.css"]]);
    let table = hints.table.clone();
    drop(hints);
    assert_eq!(table.totals(), table::Totals { sent: 2, used: 1 });
}
