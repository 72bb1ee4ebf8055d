//! Fuzz bodies: ordinary functions that hold invariants, replayed on a small corpus by plain tests.

use crate::{
    Url,
    load::{self, Id, Load, Options, Want},
    scan::{self, Html, Limits},
};
use sakigake_preload::{Destination, Hint, policy};
use sakigake_semantics::Response;
use sakigake_wire::Instant;

#[cfg(test)]
mod tests;

const LIMITS: Limits = Limits { resources: 64, pending_bytes: 1 << 16, css_bytes: 1 << 16 };

/// HTML, whole and in pieces whose sizes the first byte decides: the same resources, no more than the limit, every one of
/// them an address that reads as itself.
pub fn fuzz_html(bytes: &[u8]) {
    let Some((first, html)) = bytes.split_first() else { return };
    let html = html.get(..LIMITS.pending_bytes).unwrap_or(html);
    let in_pieces = |size: usize| {
        let mut found = Vec::new();
        let mut scan = Html::new(base(), LIMITS);
        for piece in html.chunks(size) {
            scan.feed(piece, &mut |resource| found.push(resource));
        }
        scan.finish(&mut |resource| found.push(resource));
        found
    };
    let whole = in_pieces(html.len().max(1));
    assert!(whole.len() <= LIMITS.resources, "no more than the limit");
    assert_eq!(whole, in_pieces(usize::from(*first) % 32 + 1), "no split changes what is found");
    whole.iter().for_each(|resource| is_address(&resource.url));
}

/// CSS: no more than the limit, every one an address.
pub fn fuzz_css(bytes: &[u8]) {
    let found = scan::css_within(bytes, &base(), &LIMITS);
    assert!(found.len() <= LIMITS.resources, "no more than the limit");
    found.iter().for_each(|resource| is_address(&resource.url));
}

/// A reference: what it resolves to can be requested and reads as itself.
pub fn fuzz_url(bytes: &[u8]) {
    if let Some(url) = base().join(&String::from_utf8_lossy(bytes)) {
        is_address(&url);
    }
}

/// A load whose every call is decided by the bytes: whatever the order, it stays within its limits, hands out each request
/// once, its hints add up, and once all that it wants has failed it is complete and wants nothing.
pub fn fuzz_load(bytes: &[u8]) {
    let hints = policy::Limits { unclaimed_bytes: 64, ..policy::Limits::default() };
    let limits = load::Limits { resources: 32, hints, redirects: 3, ..load::Limits::default() };
    let mut load =
        Load::new(base(), Options { preload: true, limits, ..Options::default() }, Instant::default());
    let mut sent = Vec::new();
    for (step, pair) in bytes.chunks(2).enumerate() {
        let now = Instant::from_nanos(step as u64);
        let (verb, which) = (pair[0], usize::from(pair.get(1).copied().unwrap_or(0)));
        let id = Id(which % 40);
        let path = format!("/{}", which % 8);
        match verb % 8 {
            0 => {
                let url = base().join(&path).expect("a path is an address");
                load.hints(now, &base().origin().clone(), &[Hint::new(url.to_string(), Destination::Style)]);
            }
            1 => drain(&mut load, now, &mut sent),
            2 | 3 => {
                let fields = [("content-type", if id.0 == 0 { "text/html" } else { "text/css" })];
                load.head(now, id, &Response { status: 200, fields: fields.into_iter().collect() });
            }
            4 => {
                let fields = [("location", path.as_str())];
                load.head(now, id, &Response { status: 302, fields: fields.into_iter().collect() });
            }
            5 if id.0 == 0 => load.data(now, id, format!("<link rel=stylesheet href={path}>").as_bytes()),
            5 => load.data(now, id, format!("@import '{path}';").as_bytes()),
            6 => load.end(now, id),
            _ => load.failed(now, id, "the fuzzer said so"),
        }
    }
    let now = Instant::from_nanos(bytes.len() as u64);
    for id in 0..limits.resources {
        drain(&mut load, now, &mut sent);
        load.failed(now, Id(id), "over");
    }
    drain(&mut load, now, &mut sent);
    assert!(load.is_complete(), "nothing is left to wait for");
    assert!(load.entries().len() <= limits.resources, "no more than the limit");
    let hints = load.summary().hints;
    assert_eq!(hints.heard, hints.dropped + hints.late + hints.taken);
    assert_eq!(hints.taken, hints.used + hints.wasted);
}

fn drain(load: &mut Load, now: Instant, sent: &mut Vec<Id>) {
    while let Some(want) = load.wants(now) {
        if let Want::Request(wanted) = want {
            assert!(!sent.contains(&wanted.id), "each request is handed out once");
            sent.push(wanted.id);
        }
    }
}

fn base() -> Url {
    Url::parse("https://example.test/a/b?c").expect("it is one")
}

fn is_address(url: &Url) {
    assert!(url.target().starts_with('/'), "{url}");
    assert!(url.target().bytes().all(|b| b.is_ascii_graphic()), "{url}");
    assert_eq!(Url::parse(&url.to_string()).as_ref(), Some(url));
}
