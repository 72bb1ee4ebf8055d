use super::*;

fn assemble(kind: Kind, extended_connect: bool, lines: &[(&str, &str)]) -> Result<Message, Malformed> {
    let mut assembly = Assembly::new(kind, extended_connect);
    for (name, value) in lines {
        assembly.push(FieldLine::new(name.as_bytes(), value.as_bytes()));
    }
    assembly.finish()
}

const GET: [(&str, &str); 4] =
    [(":method", "GET"), (":scheme", "https"), (":authority", "a.example"), (":path", "/")];

/// A good request with `lines` after its pseudo-fields.
fn get_with(lines: &[(&str, &str)]) -> Result<Message, Malformed> {
    assemble(Kind::Request, false, &[&GET, lines].concat())
}

/// A good request with one pseudo-field's value replaced, or removed when `value` is `None`.
fn get_but(name: &str, value: Option<&str>) -> Result<Message, Malformed> {
    let replaced =
        GET.iter().filter_map(|line| if line.0 == name { value.map(|v| (line.0, v)) } else { Some(*line) });
    assemble(Kind::Request, false, &replaced.collect::<Vec<_>>())
}

fn request(result: Result<Message, Malformed>) -> Request {
    match result {
        Ok(Message::Request(request)) => request,
        other => panic!("not a request: {other:?}"),
    }
}

#[test]
fn a_good_request_keeps_its_parts() {
    let got = request(get_with(&[("accept", "*/*"), ("te", "trailers"), ("x-empty", "")]));
    let expected =
        Request::get("a.example", "/").with("accept", "*/*").with("te", "trailers").with("x-empty", "");
    assert_eq!(got, expected);
}

#[test]
fn a_field_line_keeps_the_rules_of_8_2() {
    // spec: 9113-8.2-a
    // spec: 9113-8.2.1-a
    // spec: 9113-10.3-a
    // spec: 9113-8.2.1-b
    // spec: 9113-8.2.1-c
    // spec: 9113-8.2.2-a
    // spec: 9113-8.2.2-b
    for (name, value, sin) in [
        ("", "x", Malformed::EmptyName),
        ("Accept", "x", Malformed::UppercaseName),
        ("a b", "x", Malformed::Name),
        ("a\u{7f}", "x", Malformed::Name),
        ("a:b", "x", Malformed::Name),
        ("caf\u{e9}", "x", Malformed::Name),
        ("a\0", "x", Malformed::Name),
        ("a", "x\ny", Malformed::Value),
        ("a", "x\ry", Malformed::Value),
        ("a", "x\0", Malformed::Value),
        ("a", " x", Malformed::PaddedValue),
        ("a", "x\t", Malformed::PaddedValue),
        ("a", " ", Malformed::PaddedValue),
        ("connection", "close", Malformed::ConnectionSpecific),
        ("keep-alive", "5", Malformed::ConnectionSpecific),
        ("proxy-connection", "close", Malformed::ConnectionSpecific),
        ("transfer-encoding", "chunked", Malformed::ConnectionSpecific),
        ("upgrade", "h2c", Malformed::ConnectionSpecific),
        ("te", "gzip", Malformed::Te),
        ("te", "trailers, gzip", Malformed::Te),
    ] {
        assert_eq!(get_with(&[(name, value)]), Err(sin), "{name:?}: {value:?}");
    }
    let response = [(":status", "200"), ("te", "trailers")];
    assert_eq!(assemble(Kind::Response, false, &response), Err(Malformed::Te));
}

#[test]
fn pseudo_fields_stay_in_their_places() {
    // spec: 9113-8.1-a
    // spec: 9113-8.3-b
    // spec: 9113-8.3-c
    // spec: 9113-8.3-d
    assert_eq!(get_with(&[("accept", "*/*"), (":path", "/")]), Err(Malformed::LatePseudo));
    assert_eq!(get_with(&[(":path", "/")]), Err(Malformed::RepeatedPseudo));
    assert_eq!(get_with(&[(":new", "/")]), Err(Malformed::UnknownPseudo));
    assert_eq!(get_with(&[(":Path", "/")]), Err(Malformed::UnknownPseudo));
    assert_eq!(get_with(&[(":status", "200")]), Err(Malformed::MisplacedPseudo));
    let response = [(":status", "200"), (":path", "/")];
    assert_eq!(assemble(Kind::Response, false, &response), Err(Malformed::MisplacedPseudo));
    assert_eq!(assemble(Kind::Trailers, false, &[(":status", "200")]), Err(Malformed::PseudoInTrailers));
}

#[test]
fn a_request_needs_its_control_data() {
    // spec: 9113-8.3.1-a
    // spec: 9113-10.3-a
    // spec: 9113-8.3.1-b
    // spec: 9113-8.3.1-c
    // spec: 9113-8.3.1-f
    // spec: 9113-8.3.1-g
    // spec: 9114-4.3.1-a
    for (name, value, sin) in [
        (":method", None, Malformed::NoMethod),
        (":method", Some(""), Malformed::Method),
        (":method", Some("GE T"), Malformed::Method),
        (":scheme", None, Malformed::NoScheme),
        (":scheme", Some(""), Malformed::Scheme),
        (":scheme", Some("1http"), Malformed::Scheme),
        (":path", None, Malformed::NoPath),
        (":path", Some(""), Malformed::Path),
        (":path", Some("a"), Malformed::Path),
        (":path", Some("*"), Malformed::Path),
        (":path", Some("/a b"), Malformed::Path),
        (":path", Some("/a#b"), Malformed::Path),
        (":path", Some("/\u{e9}"), Malformed::Path),
        (":authority", None, Malformed::NoAuthority),
        (":authority", Some(""), Malformed::Authority),
        (":authority", Some("me@a.example"), Malformed::Authority),
        (":authority", Some("a.example/x"), Malformed::Authority),
        (":authority", Some("a.example:8x"), Malformed::Authority),
        (":authority", Some(":80"), Malformed::Authority),
        (":authority", Some("::1"), Malformed::Authority),
    ] {
        assert_eq!(get_but(name, value), Err(sin), "{name}: {value:?}");
    }
    for authority in ["[::1]:8443", "[::1]", "a.example:8443", "127.0.0.1"] {
        assert_eq!(request(get_but(":authority", Some(authority))).authority(), authority.as_bytes());
    }
    let options = [(":method", "OPTIONS"), (":scheme", "https"), (":authority", "a.example"), (":path", "*")];
    assert_eq!(request(assemble(Kind::Request, false, &options)).path(), b"*");
    let urn = [(":method", "GET"), (":scheme", "urn"), (":path", "isbn:1")];
    assert_eq!(request(assemble(Kind::Request, false, &urn)).path(), b"isbn:1");
}

#[test]
fn host_stands_in_for_authority_and_never_contradicts_it() {
    // spec: 9113-8.3.1-d
    // spec: 9113-8.3.1-e
    let without = [GET[0], GET[1], GET[3]];
    let hosted = assemble(Kind::Request, false, &[&without[..], &[("host", "b.example:8443")]].concat());
    assert_eq!(request(hosted).authority(), b"b.example:8443");
    let bad = assemble(Kind::Request, false, &[&without[..], &[("host", "me@b.example")]].concat());
    assert_eq!(bad, Err(Malformed::Authority));
    for same in ["a.example", "A.Example", "a.example:443", "a.example:"] {
        assert_eq!(request(get_with(&[("host", same)])).authority(), b"a.example", "{same}");
    }
    for other in ["b.example", "a.example:80", "", "a.example:4433"] {
        assert_eq!(get_with(&[("host", other)]), Err(Malformed::HostConflict), "{other}");
    }
    assert_eq!(get_with(&[("host", "a.example"), ("host", "a.example")]), Err(Malformed::RepeatedHost));
    assert_eq!(get_but(":authority", Some("")), Err(Malformed::Authority));
}

#[test]
fn connect_has_an_authority_alone() {
    // spec: 9113-8.5-a
    // spec: 9113-8.5-b
    let connect =
        |lines: &[(&str, &str)]| assemble(Kind::Request, false, &[&[(":method", "CONNECT")], lines].concat());
    assert_eq!(request(connect(&[(":authority", "a.example:443")])).authority(), b"a.example:443");
    for (lines, sin) in [
        (&[][..], Malformed::NoAuthority),
        (&[(":authority", "a.example")], Malformed::Authority),
        (&[(":authority", "a.example:")], Malformed::Authority),
        (&[(":authority", "a.example:443"), (":path", "/")], Malformed::ConnectTarget),
        (&[(":authority", "a.example:443"), (":scheme", "https")], Malformed::ConnectTarget),
    ] {
        assert_eq!(connect(lines), Err(sin), "{lines:?}");
    }
}

#[test]
fn extended_connect_needs_our_consent() {
    let lines = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "https"),
        (":authority", "a.example"),
        (":path", "/chat"),
    ];
    assert_eq!(request(assemble(Kind::Request, true, &lines)).protocol(), Some(&b"websocket"[..]));
    assert_eq!(assemble(Kind::Request, false, &lines), Err(Malformed::Protocol));
    assert_eq!(assemble(Kind::Request, true, &lines[..4]), Err(Malformed::NoPath));
    let get = [&GET[..], &[(":protocol", "websocket")]].concat();
    assert_eq!(assemble(Kind::Request, true, &get), Err(Malformed::Protocol));
    let bad = [&[lines[0], (":protocol", "")], &lines[2..]].concat();
    assert_eq!(assemble(Kind::Request, true, &bad), Err(Malformed::Protocol));
}

#[test]
fn crumbs_become_one_cookie() {
    // spec: 9113-8.2.3-a
    let got = request(get_with(&[("cookie", "a=1"), ("accept", "*/*"), ("cookie", "b=2")]));
    assert_eq!(got.fields.find_all(b"cookie").collect::<Vec<_>>(), [b"a=1; b=2"]);
}

#[test]
fn a_status_is_three_digits_and_never_101() {
    // spec: 9113-8.3.2-a
    // spec: 9113-8.3.2-b
    // spec: 9113-8.6-a
    for (status, expected) in [
        ("100", Ok(100)),
        ("200", Ok(200)),
        ("999", Ok(999)),
        ("099", Err(Malformed::Status)),
        ("20", Err(Malformed::Status)),
        ("2000", Err(Malformed::Status)),
        ("2x0", Err(Malformed::Status)),
        ("", Err(Malformed::Status)),
        ("101", Err(Malformed::SwitchingProtocols)),
    ] {
        let got = assemble(Kind::Response, false, &[(":status", status)]);
        assert_eq!(got, expected.map(|status| Message::Response(Response::new(status))), "{status}");
    }
    assert_eq!(assemble(Kind::Response, false, &[("server", "x")]), Err(Malformed::NoStatus));
}

#[test]
fn the_first_sin_is_the_one_told() {
    let mut assembly = Assembly::new(Kind::Trailers, false);
    assembly.push(FieldLine::new(b"Bad", b"x"));
    assembly.push(FieldLine::new(b":status", b"200"));
    assert_eq!(assembly.malformed(), Some(Malformed::UppercaseName));
    assert_eq!(assembly.finish(), Err(Malformed::UppercaseName));
}

#[test]
fn the_fuzz_bodies_hold_on_their_corpus() {
    let corpus: [&[u8]; 12] = [
        b"\x00:method:GET\n:scheme:https\n:authority:a\n:path:/\ncookie:\ncookie:a\ncookie:",
        b"\x00:method:G\n:scheme:a\n:path:",
        b"",
        b"\x00:method:GET\n:scheme:https\n:authority:a\n:path:/\ncookie:a\ncookie:b\nhost:A",
        b"\x00:method:GET\n:scheme:http\n:path:/\nhost:a:80",
        b"\x04:method:CONNECT\n:protocol:x\n:scheme:https\n:authority:a\n:path:/",
        b"\x00:method:CONNECT\n:authority:a:1",
        b"\x00:method:GET\n:scheme:urn\n:path:x\nhost:",
        b"\x00:method:GET\n:scheme:urn\n:path:x\nhost::",
        b"\x00:method:GET\n:scheme:urn\n:path:x\n:authority:\nhost::",
        b"\x01:status:200\na:b",
        b"\x02a:b\nb:",
    ];
    for sample in corpus {
        crate::fuzz::fuzz_assembly(sample);
        for at in 0..sample.len() * 8 {
            let mut flipped = sample.to_vec();
            flipped[at / 8] ^= 1 << (at % 8);
            crate::fuzz::fuzz_assembly(&flipped);
            crate::fuzz::fuzz_priority(&flipped);
        }
    }
}
