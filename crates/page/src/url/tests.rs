use super::*;

fn url(text: &str) -> Url {
    Url::parse(text).expect("a test's address is one")
}

/// RFC 3986 section 5.4, both tables, for an http base. Empty stands for "names no resource of its own".
#[test]
fn references_resolve_as_rfc_3986_lists_them() {
    let base = url("http://a/b/c/d;p?q");
    let table = [
        ("g:h", ""),
        ("g", "http://a/b/c/g"),
        ("./g", "http://a/b/c/g"),
        ("g/", "http://a/b/c/g/"),
        ("/g", "http://a/g"),
        ("//g", "http://g/"),
        ("?y", "http://a/b/c/d;p?y"),
        ("g?y", "http://a/b/c/g?y"),
        ("#s", ""),
        ("g#s", "http://a/b/c/g"),
        ("g?y#s", "http://a/b/c/g?y"),
        (";x", "http://a/b/c/;x"),
        ("g;x", "http://a/b/c/g;x"),
        ("g;x?y#s", "http://a/b/c/g;x?y"),
        ("", ""),
        (".", "http://a/b/c/"),
        ("./", "http://a/b/c/"),
        ("..", "http://a/b/"),
        ("../", "http://a/b/"),
        ("../g", "http://a/b/g"),
        ("../..", "http://a/"),
        ("../../", "http://a/"),
        ("../../g", "http://a/g"),
        ("../../../g", "http://a/g"),
        ("../../../../g", "http://a/g"),
        ("/./g", "http://a/g"),
        ("/../g", "http://a/g"),
        ("g.", "http://a/b/c/g."),
        (".g", "http://a/b/c/.g"),
        ("g..", "http://a/b/c/g.."),
        ("..g", "http://a/b/c/..g"),
        ("./../g", "http://a/b/g"),
        ("./g/.", "http://a/b/c/g/"),
        ("g/./h", "http://a/b/c/g/h"),
        ("g/../h", "http://a/b/c/h"),
        ("g;x=1/./y", "http://a/b/c/g;x=1/y"),
        ("g;x=1/../y", "http://a/b/c/y"),
        ("g?y/./x", "http://a/b/c/g?y/./x"),
        ("g?y/../x", "http://a/b/c/g?y/../x"),
        ("g#s/./x", "http://a/b/c/g"),
        ("g#s/../x", "http://a/b/c/g"),
        ("http:g", ""),
    ];
    for (reference, expected) in table {
        let joined = base.join(reference).map(|url| url.to_string()).unwrap_or_default();
        assert_eq!(joined, expected, "{reference:?}");
    }
}

#[test]
fn only_what_http_can_fetch_is_an_address() {
    let base = url("https://example.test/");
    for refused in [
        "data:text/css,a{}",
        "javascript:alert(1)",
        "JAVA\nSCRIPT:alert(1)",
        "blob:https://example.test/1",
        "about:blank",
        "mailto:a@b",
        "ftp://a/b",
        "https://user:secret@example.test/",
        "https://user@example.test/",
        "//",
        "https://",
        "https:///path",
        "https://a b/",
        "https://b\u{fc}cher.test/",
        "https://example.test:0/",
        "https://example.test:65536/",
        "https://example.test:+80/",
        "https://[::1/",
        "https://[zz]/",
        "https://[face]/",
        "https://[:::]:8443/",
        "https://[1.2.3.4]/",
        "https://::1/",
    ] {
        assert_eq!(base.join(refused), None, "{refused:?}");
    }
    assert_eq!(base.join(&"a".repeat(URL_BYTES + 1)), None);
}

#[test]
fn browsers_repairs_are_made() {
    let base = url("https://Example.Test:443/a/b");
    for (reference, expected) in [
        ("  c.css\n", "https://example.test/a/c.css"),
        ("c\n.c\tss", "https://example.test/a/c.css"),
        ("\\x\\y?z\\", "https://example.test/x/y?z\\"),
        ("//CDN.test:8443/x", "https://cdn.test:8443/x"),
        ("HTTP://a:80/x", "http://a/x"),
        ("https://[2001:DB8::1]:8443/", "https://[2001:db8::1]:8443/"),
        ("a b\u{e9}\"<>`%20%zz", "https://example.test/a/a%20b%C3%A9%22%3C%3E%60%20%zz"),
        ("a:b", ""),
        ("./a:b", "https://example.test/a/a:b"),
        ("x?a=[1]|{2}", "https://example.test/a/x?a=[1]|{2}"),
    ] {
        let joined = base.join(reference).map(|url| url.to_string()).unwrap_or_default();
        assert_eq!(joined, expected, "{reference:?}");
    }
}

#[test]
fn what_was_resolved_parses_to_itself() {
    let base = url("https://localhost:8443/x/y?z");
    for reference in ["a", "../b?c", "?d", "//[::1]:9/e", "/%2e%2e/f", "\u{65e5}\u{672c}"] {
        let joined = base.join(reference).expect("it can be requested");
        assert_eq!(Url::parse(&joined.to_string()), Some(joined));
    }
}

#[test]
fn an_address_that_encoding_makes_too_long_is_none() {
    let base = url("https://example.test/a/b");
    let room = URL_BYTES - "https://example.test/a/".len();
    assert!(base.join(&"x".repeat(room)).is_some());
    assert_eq!(base.join(&"x".repeat(room + 1)), None);
    // Each of these becomes nine bytes (%EF%BF%BD).
    assert_eq!(base.join(&"\u{fffd}".repeat(room / 9 + 1)), None);
    assert_eq!(Url::parse(&format!("https://example.test/{}", "\u{fffd}".repeat(1_000))), None);
}
