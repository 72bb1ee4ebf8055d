use super::*;

fn origin() -> Origin {
    Origin::new("www.example.com", 443)
}

fn visited() -> Origin {
    Origin::new("localhost", 8_443)
}

/// A response's field lines of that name, as a browser at the gateway gets them.
fn shown(name: &'static str, values: &[&str]) -> Vec<String> {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(name, value.parse().expect("a value"));
    }
    let shown = response(headers, &origin(), &visited());
    shown.get_all(name).iter().map(|value| value.to_str().expect("text").to_owned()).collect()
}

fn asked(fields: &[(&'static str, &str)]) -> Request {
    let mut asked = http::Request::builder().method("POST").uri("https://localhost:8443/form");
    for (name, value) in fields {
        asked = asked.header(*name, *value);
    }
    let (parts, ()) = asked.body(()).expect("a request").into_parts();
    let place = page::Origin { secure: true, host: "www.example.com".into(), port: 443 };
    request(&parts, &place, &visited(), None, &Body::empty()).expect("it can be said")
}

fn field<'a>(request: &'a Request, name: &'a str) -> Option<&'a str> {
    request.fields.find_all(name.as_bytes()).next().map(|value| core::str::from_utf8(value).expect("text"))
}

#[test]
fn cookies_for_the_origins_domain_become_those_of_the_visited_host() {
    let given = [
        "a=1; Domain=www.example.com; Secure",
        "b=domain=x; path=/; domain=.Example.com",
        "c=3; Domain=other.test",
        "d=4; Domain=com",
        "e=5; Domain=ample.com",
        "f=6; HttpOnly",
    ];
    let expected = [
        "a=1; Secure",
        "b=domain=x; path=/",
        "c=3; Domain=other.test",
        "d=4; Domain=com",
        "e=5; Domain=ample.com",
        "f=6; HttpOnly",
    ];
    assert_eq!(shown("set-cookie", &given), expected);
}

#[test]
fn a_domain_that_the_visited_host_is_of_too_stays() {
    let mut headers = HeaderMap::new();
    headers.insert(header::SET_COOKIE, HeaderValue::from_static("a=1; Domain=example.com"));
    let near = Origin::new("edge.example.com", 443);
    assert_eq!(response(headers, &origin(), &near)[header::SET_COOKIE], "a=1; Domain=example.com");
}

#[test]
fn what_binds_the_origins_name_does_not_bind_another_one() {
    assert!(shown("strict-transport-security", &["max-age=9; includeSubDomains"]).is_empty());
    let mut headers = HeaderMap::new();
    headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=9"));
    let same = Origin::new("www.example.com", 8_443);
    assert!(response(headers, &origin(), &same).contains_key(header::STRICT_TRANSPORT_SECURITY));
}

#[test]
fn origins_are_told_apart_on_both_sides_as_if_there_were_no_gateway() {
    let same = asked(&[("origin", "https://localhost:8443"), ("referer", "https://localhost:8443/a?b")]);
    assert_eq!(field(&same, "origin"), Some("https://www.example.com"));
    assert_eq!(field(&same, "referer"), Some("https://www.example.com/a?b"));
    for foreign in ["https://evil.test", "null", "https://localhost:8444", "http://localhost:8443"] {
        assert_eq!(field(&asked(&[("origin", foreign)]), "origin"), Some(foreign));
    }
    assert_eq!(
        shown("access-control-allow-origin", &["https://www.example.com"]),
        ["https://localhost:8443"]
    );
    for other in ["*", "https://app.test"] {
        assert_eq!(shown("access-control-allow-origin", &[other]), [other]);
    }
}

#[test]
fn what_is_said_of_the_browsers_way_here_is_ours_alone_and_frames_nothing() {
    // spec: 9110-7.6.1-a
    let lies = [
        ("x-forwarded-host", "evil.test"),
        ("x-forwarded-for", "10.0.0.1"),
        ("forwarded", "for=10.0.0.1"),
        ("x-real-ip", "10.0.0.1"),
        ("connection", "x-own, close"),
        ("x-own", "1"),
        ("transfer-encoding", "chunked"),
        ("content-length", "5"),
        ("te", "gzip, trailers"),
    ];
    let said = asked(&lies);
    assert_eq!(field(&said, "forwarded"), Some("host=\"localhost:8443\";proto=https"));
    assert_eq!(field(&said, "content-length"), Some("0"), "there is no body");
    assert_eq!(field(&said, "te"), Some("trailers"));
    for name in
        ["x-forwarded-host", "x-forwarded-for", "x-real-ip", "connection", "x-own", "transfer-encoding"]
    {
        assert_eq!(field(&said, name), None, "{name}");
    }
}

#[test]
fn what_was_received_says_by_which_version() {
    let mut came = Response { status: 200, fields: sakigake_semantics::Fields::default() };
    came.fields = [("via", &b"1.0 far"[..])].into_iter().collect();
    for (protocol, version) in [(Protocol::Http1, "1.1"), (Protocol::Http2, "2"), (Protocol::Http3, "3")] {
        let headers = received(&came, Some(protocol)).expect("it can be read");
        let via: Vec<&HeaderValue> = headers.get_all(header::VIA).iter().collect();
        assert_eq!(via, ["1.0 far", &format!("{version} sakigake")]);
    }
}

/// What of an origin's fields goes on, but for `Via`.
fn came(fields: &[(&'static str, &'static [u8])]) -> Option<Vec<String>> {
    let mut came = Response { status: 200, fields: sakigake_semantics::Fields::default() };
    came.fields = fields.iter().copied().collect();
    let headers = received(&came, Some(Protocol::Http1))?;
    let shown = headers.iter().filter(|(name, _)| *name != header::VIA);
    Some(shown.map(|(name, value)| format!("{name}: {}", value.to_str().expect("text"))).collect())
}

#[test]
fn what_an_origin_says_of_its_responses_length_is_read_in_one_way() {
    // spec: 9112-6.3-a
    type Row = (&'static [(&'static str, &'static [u8])], Option<Vec<String>>);
    let length = |text| Some(vec![format!("content-length: {text}")]);
    let rows: [Row; 9] = [
        (&[("content-length", b"5")], length("5")),
        (&[("content-length", b"5"), ("content-length", b"5")], length("5")),
        (&[("content-length", b"5, 5")], length("5")),
        (&[("content-length", b"5, 6")], None),
        (&[("content-length", b"5"), ("content-length", b"6")], None),
        (&[("content-length", b"5"), ("transfer-encoding", b"Chunked")], Some(vec![])),
        (&[("transfer-encoding", b"gzip, chunked")], None),
        (&[("transfer-encoding", b"gzip"), ("transfer-encoding", b"chunked")], None),
        (&[("transfer-encoding", b"identity")], None),
    ];
    for (fields, expected) in rows {
        assert_eq!(came(fields), expected, "{fields:?}");
    }
}

#[test]
fn what_an_origin_says_of_its_connection_is_not_kept() {
    // spec: 9111-3.1-a
    let fields: [(&str, &[u8]); 4] =
        [("connection", b"x-own, close"), ("x-own", b"1"), ("keep-alive", b"5"), ("x-other", b"2")];
    assert_eq!(came(&fields), Some(vec!["x-other: 2".to_owned()]));
}

#[test]
fn a_target_without_a_path_has_one_here() {
    for (uri, expected) in [
        ("https://localhost?a=/b", "/?a=/b"),
        ("https://localhost", "/"),
        ("https://localhost//evil.test/?", "//evil.test/?"),
        ("*", "*"),
        ("/a%2f..?b#c", "/a%2f..?b"),
    ] {
        let (parts, ()) = http::Request::get(uri).body(()).expect("a request").into_parts();
        assert_eq!(target(&parts), expected, "{uri}");
    }
}

#[test]
fn who_passes_on_a_look_at_the_way_counts() {
    let rows = [
        ("OPTIONS", "3", Some("2")),
        ("TRACE", "1", Some("0")),
        ("TRACE", "-1", Some("-1")),
        ("GET", "3", Some("3")),
    ];
    for (method, before, after) in rows {
        let asked = http::Request::builder().method(method).uri("/").header("max-forwards", before);
        let (parts, ()) = asked.body(()).expect("a request").into_parts();
        let place = page::Origin { secure: true, host: "www.example.com".into(), port: 443 };
        let passed = request(&parts, &place, &visited(), None, &Body::empty()).expect("it can be said");
        assert_eq!(field(&passed, "max-forwards"), after, "{method} {before}");
    }
}

#[test]
fn behind_a_body_nothing_comes_that_had_to_be_known_before() {
    let barred = [
        "transfer-encoding",
        "connection",
        "te",
        "content-length",
        "host",
        "if-match",
        "if-none-match",
        "max-forwards",
        "age",
        "date",
        "expires",
        "location",
        "vary",
        "warning",
        "retry-after",
        "set-cookie",
        "authorization",
        "proxy-authenticate",
        "x-forwarded-for",
        "access-control-allow-origin",
        "sec-fetch-mode",
        "content-encoding",
        "trailer",
        "link",
        "pragma",
    ];
    let let_on = ["etag", "accept-ranges", "authentication-info", "server-timing", "x-sum"];
    let mut fields = HeaderMap::new();
    for name in barred.iter().chain(&let_on) {
        fields.insert(*name, HeaderValue::from_static("5"));
    }
    let mut passed: Vec<String> = trailers(&fields).keys().map(ToString::to_string).collect();
    passed.sort();
    let mut expected = let_on;
    expected.sort_unstable();
    assert_eq!(passed, expected);
}
