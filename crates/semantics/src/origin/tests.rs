use super::*;

#[test]
fn an_origin_is_its_ascii_serialization() {
    let rows = [
        ("https://example.com", Some("https://example.com")),
        ("HTTPS://Example.COM:443", Some("https://example.com")),
        ("https://example.com:8443", Some("https://example.com:8443")),
        ("http://example.com:80", Some("http://example.com")),
        ("http://example.com:443", Some("http://example.com:443")),
        ("https://[2001:db8::1]:8443", Some("https://[2001:db8::1]:8443")),
        ("https://[::1]", Some("https://[::1]")),
        ("https://192.0.2.1", Some("https://192.0.2.1")),
        ("null", None),
        ("", None),
        ("example.com", None),
        ("https://", None),
        ("https://*.example.com", None),
        ("https://example.com/", None),
        ("https://user@example.com", None),
        ("https://example.com:", None),
        ("https://example.com:0443", None),
        ("https://example.com:65536", None),
        ("https://exam ple.com", None),
        ("https://[face]", None),
        ("https://[:::]:8443", None),
        ("https://[1.2.3.4]", None),
        ("https://b\u{fc}cher.example", None),
        ("://example.com", None),
    ];
    for (text, expected) in rows {
        assert_eq!(Origin::parse(text.as_bytes()).as_ref().map(Origin::as_str), expected, "{text}");
    }
    assert_eq!(Origin::parse(format!("https://{}", "a".repeat(254)).as_bytes()), None);
    assert_eq!(Origin::parse(b"https://\xff"), None);
}
