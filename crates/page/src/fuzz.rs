//! Fuzz bodies: ordinary functions that hold invariants, replayed on a small corpus by plain tests.

use crate::{
    Url,
    scan::{self, Html, Limits},
};

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

fn base() -> Url {
    Url::parse("https://example.test/a/b?c").expect("it is one")
}

fn is_address(url: &Url) {
    assert!(url.target().starts_with('/'), "{url}");
    assert!(url.target().bytes().all(|b| b.is_ascii_graphic()), "{url}");
    assert_eq!(Url::parse(&url.to_string()).as_ref(), Some(url));
}
