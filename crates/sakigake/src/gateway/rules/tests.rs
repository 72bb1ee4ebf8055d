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
    // spec: 9111-4.1-a
    for vary in ["*", "accept, *", "accept,*", "a b", "\u{e9}", "Forwarded", "accept, via"] {
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
    // spec: 9111-4.3.4-a
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

#[test]
fn every_line_that_was_kept_is_shown_and_its_date_is_the_origins() {
    // spec: 9111-4-b
    let written = map(&[
        ("date", "Mon, 23 Nov 2026 00:00:00 GMT"),
        ("content-security-policy", "default-src 'self'"),
        ("content-security-policy", "script-src 'none'"),
        ("vary", "accept"),
        ("vary", "accept-language"),
        ("cache-control", "Max-Age=60, x=\"a, b\""),
        ("age", "3"),
    ]);
    let request = http::Request::get("/").body(()).expect("a request");
    let mut response = http::Response::new(());
    *response.headers_mut() = of_response(&written).expect("it can be read");
    let asked = std::time::SystemTime::now();
    let policy =
        http_cache_semantics::CachePolicy::new_options(&request, &response, asked, Default::default());
    let later = asked + core::time::Duration::from_secs(5);
    let http_cache_semantics::BeforeRequest::Fresh(given) = policy.before_request(&request, later) else {
        panic!("it is fresh");
    };
    let mut expected = written.clone();
    expected.insert(header::AGE, HeaderValue::from_static("8"));
    assert_eq!(as_written(&given.headers, &written), expected);
}

#[test]
fn a_coding_is_for_those_who_asked_alike_whether_the_origin_says_so_or_not() {
    let rows = [
        (&[("content-encoding", "br")][..], vec!["accept-encoding"]),
        (&[("content-encoding", "br"), ("vary", "Accept-Encoding")], vec!["Accept-Encoding"]),
        (&[("content-encoding", "br"), ("vary", "accept")], vec!["accept", "accept-encoding"]),
        (&[("vary", "accept")], vec!["accept"]),
    ];
    for (fields, expected) in rows {
        let read = of_response(&map(fields)).expect("it can be read");
        assert_eq!(read.get_all("vary").iter().collect::<Vec<_>>(), expected, "{fields:?}");
    }
}

#[test]
fn nothing_is_asked_by_what_is_no_validator() {
    // spec: 9111-4.3.1-a
    let asked = |fields: &[(&'static str, &str)]| {
        let asked = conditions(&map(fields)).into_iter();
        asked.map(|(name, value)| format!("{name}: {}", value.to_str().expect("text"))).collect::<Vec<_>>()
    };
    for tag in ["*", "v1", "\"v1", "\"a\", \"b\"", "w/\"v1\"", "W/", "\"", ""] {
        assert_eq!(asked(&[("etag", tag)]), [""; 0], "{tag}");
    }
    for tag in ["\"v1\"", "W/\"v1\"", "\"\"", "\"a,*\"", "\"\u{e9}\""] {
        assert_eq!(conditions(&map(&[("etag", tag)])).len(), 1, "{tag}");
    }
    assert_eq!(asked(&[("etag", "\"a\""), ("etag", "\"b\"")]), [""; 0]);
    assert_eq!(asked(&[("last-modified", "yesterday")]), [""; 0]);
    let date = "Mon, 23 Nov 2026 00:00:00 GMT";
    assert_eq!(asked(&[("last-modified", date)]), [format!("if-modified-since: {date}")]);
}

#[test]
fn a_directive_is_heard_whatever_stands_beside_it() {
    let read = of_request(&map(&[("cache-control", "max-age=0"), ("cache-control", "No-Store")]));
    assert!(says(&read, "no-store") && !says(&read, "store") && !says(&HeaderMap::new(), "no-store"));
}
