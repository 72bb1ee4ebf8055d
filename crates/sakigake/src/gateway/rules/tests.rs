use super::*;

fn map(fields: &[(&'static str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in fields {
        map.append(*name, HeaderValue::from_bytes(value.as_bytes()).expect("a value"));
    }
    map
}

/// `Cache-Control` as a response's is read.
fn read_as(lines: &[&str]) -> Option<String> {
    let fields: Vec<(&'static str, &str)> = lines.iter().map(|line| ("cache-control", *line)).collect();
    let read = of_response(&map(&fields))?;
    Some(read[header::CACHE_CONTROL].to_str().expect("text").to_owned())
}

#[test]
fn directives_are_read_whatever_their_letters_and_quotes() {
    let rows: [(&[&str], Option<&str>); 12] = [
        (&["No-Store"], Some("no-store")),
        (&["PRIVATE", "Max-Age=60"], Some("private, max-age=60")),
        (&["private=\"a, b\", max-age=\"60\""], Some("private, max-age=60")),
        (&["x=\"a, max-age=60, \\\"b\""], Some("x")),
        (&["max-age=-1"], Some("max-age=0")),
        (&["max-age"], Some("max-age=0")),
        (&["max-age=60s"], Some("max-age=0")),
        (&["max-age=99999999999999999999999"], Some("max-age=2147483648")),
        (&[", ,public,"], Some("public")),
        (&["private, x=\"\u{e9}\""], Some("private, x")),
        (&["x=\"private"], None),
        (&["no store, max-age=60"], None),
    ];
    for (lines, expected) in rows {
        assert_eq!(read_as(lines).as_deref(), expected, "{lines:?}");
    }
}

#[test]
fn what_varies_by_everything_or_by_what_is_no_name_is_nobody_elses() {
    for vary in ["*", "accept, *", "accept,*", "a b", "\u{e9}"] {
        assert!(of_response(&map(&[("vary", vary)])).is_none(), "{vary}");
    }
    assert!(of_response(&map(&[("vary", "Accept, , cookie")])).is_some());
}

#[test]
fn all_lines_of_a_requests_field_count_and_nothing_is_taken_stale() {
    let read = of_request(&map(&[
        ("accept-language", "ja"),
        ("accept-language", "en"),
        ("cache-control", "Max-Stale, min-fresh=5"),
    ]));
    assert_eq!(read[header::ACCEPT_LANGUAGE], "ja, en");
    assert_eq!(read[header::CACHE_CONTROL], "min-fresh=5");
    assert_eq!(of_request(&map(&[("cache-control", "\"")]))[header::CACHE_CONTROL], "no-cache");
}

#[test]
fn a_304_about_another_response_confirms_nothing() {
    let stored = map(&[("etag", "\"v1\""), ("last-modified", "Mon, 23 Nov 2026 00:00:00 GMT")]);
    let rows = [
        ("etag", "\"v1\"", true),
        ("etag", "W/\"v1\"", true),
        ("etag", "\"v2\"", false),
        ("etag", "W/\"v2\"", false),
        ("last-modified", "Mon, 23 Nov 2026 00:00:00 GMT", true),
        ("last-modified", "Mon, 23 Nov 2026 00:00:01 GMT", false),
        ("date", "Mon, 23 Nov 2026 00:00:01 GMT", true),
    ];
    for (name, value, expected) in rows {
        assert_eq!(confirms(&map(&[(name, value)]), &stored), expected, "{name}: {value}");
    }
    assert!(
        !confirms(&map(&[("etag", "\"v1\"")]), &map(&[("etag", "W/\"v1\"")])),
        "a strong one is no weak one"
    );
    assert!(!confirms(&map(&[("etag", "\"v1\"")]), &HeaderMap::new()));
}

#[test]
fn an_age_of_any_length_is_one_that_can_be_added_to() {
    for (age, expected) in [("18446744073709551615", "2147483648"), ("7", "7"), ("7, 9", "7"), ("-1", "0")] {
        assert_eq!(of_response(&map(&[("age", age)])).expect("it can be read")[header::AGE], expected);
    }
}
