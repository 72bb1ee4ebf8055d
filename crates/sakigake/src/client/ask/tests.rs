use super::*;

fn url(text: &str) -> Url {
    Url::parse(text).expect("a test's address is one")
}

fn ask(lines: &[&str]) -> Ask {
    let fields = lines.iter().map(|line| Line::parse(line).expect("a test's line is one")).collect();
    Ask { fields, ..Ask::get(url("https://a.test/")) }
}

fn complete(ask: &Ask, to: &str, is_document: bool, has_body: bool) -> Request {
    let to = url(to);
    let mut request = Request::get(&to.origin().authority(), to.target()).with("accept", "*/*");
    ask.complete(&mut request, to.origin(), (is_document, has_body), None);
    request
}

fn lines(request: &Request) -> String {
    let line = |line: sakigake_semantics::FieldLine<'_>| {
        format!("{}: {}", line.name.escape_ascii(), line.value.escape_ascii())
    };
    request.fields.iter().map(line).collect::<Vec<_>>().join("; ")
}

#[test]
fn a_given_field_replaces_ours_and_a_bare_name_leaves_it_out() {
    let version = USER_AGENT;
    let cases = [
        (&[][..], format!("accept: */*; user-agent: {version}")),
        (&["Accept: a/b", "Accept: c/d"][..], format!("user-agent: {version}; accept: a/b; accept: c/d")),
        (&["User-Agent:", "X-Empty;"], "accept: */*; x-empty: ".into()),
        (&["content-length: 9", "Content-Type: a/b"], format!("accept: */*; user-agent: {version}")),
    ];
    for (given, expected) in cases {
        assert_eq!(lines(&complete(&ask(given), "https://a.test/", true, false)), expected);
    }
}

#[test]
fn credentials_stay_with_the_origin_that_was_asked() {
    let ask =
        ask(&["Authorization: Basic eA==", "Cookie: a=b", "Host: b.test", "X-Other: c", "User-Agent: d"]);
    let home = complete(&ask, "https://a.test/x", false, false);
    assert_eq!(home.authority(), b"b.test"); // spec: 9113-8.3.1-i
    assert_eq!(
        lines(&home),
        "accept: */*; authorization: Basic eA==; x-other: c; user-agent: d; cookie: a=b"
    );
    for elsewhere in ["https://b.test/", "https://a.test:444/", "http://a.test/"] {
        let away = complete(&ask, elsewhere, true, false); // spec: 9110-15.4-b
        assert_eq!(lines(&away), "accept: */*; x-other: c; user-agent: d");
        assert_eq!(away.authority(), url(elsewhere).origin().authority().into_bytes());
        assert_eq!(lines(&complete(&ask, elsewhere, false, false)), "accept: */*; user-agent: d");
    }
}

#[test]
fn fields_of_a_body_go_with_it() {
    let mut ask = ask(&["Content-Type: a/b", "User-Agent:"]);
    ask.body = Some(b"12345".as_slice().into());
    assert_eq!(
        lines(&complete(&ask, "https://a.test/", true, true)),
        "accept: */*; content-type: a/b; content-length: 5"
    );
    assert_eq!(lines(&complete(&ask, "https://a.test/", true, false)), "accept: */*");
}

#[test]
fn lines_that_no_message_may_carry_are_none() {
    for text in ["", "name", ": value", "na me: value", "name: a\r\nb: c", "name: \0", "n\u{e9}: x", ";"] {
        assert_eq!(Line::parse(text), None, "{text:?}");
    }
    assert_eq!(Line::parse("A : b:c "), Some(Line::Send(b"a".to_vec(), b"b:c".to_vec()))); // spec: 9113-8.2-b
}

#[test]
fn cookies_of_the_load_join_those_that_were_given() {
    let home = Origin::parse(true, "a.test").expect("a host");
    let cases = [
        (&[][..], Some("c=d"), "cookie: c=d"),
        (&["Cookie: a=b"], Some("c=d"), "cookie: a=b; c=d"),
        (&["Cookie: a=b"], None, "cookie: a=b"),
    ];
    for (given, kept, expected) in cases {
        let mut request = Request::get("a.test", "/");
        let kept = kept.map(|kept| kept.as_bytes().to_vec());
        ask(given).complete(&mut request, &home, (true, false), kept);
        assert_eq!(lines(&request), format!("user-agent: {USER_AGENT}; {expected}"));
    }
}
