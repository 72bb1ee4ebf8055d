use super::{Host, Hosts, Misuse, Name, Target, host_of};
use crate::redirect::Redirect;

fn host(names: &[&str], is_default: bool) -> Host {
    let to = Redirect::to("https://elsewhere.test").expect("a good address");
    Host {
        names: names.iter().map(|name| Name::parse(name).expect("a good name")).collect(),
        is_default,
        target: Target::Redirect(to),
        early_hints: true,
    }
}

#[test]
fn a_request_finds_its_host_by_name_then_wildcard_then_default() {
    let hosts = Hosts::new(vec![
        host(&["example.com", "www.example.com"], false),
        host(&["*.example.com"], false),
        host(&["::1", "127.0.0.1"], false),
        host(&[], true),
    ])
    .expect("they may stand together");
    let found = |authority: &str| hosts.number(authority.as_bytes()).expect("there is a default host");
    for (authority, number) in [
        ("example.com", 0),
        ("EXAMPLE.com.:8443", 0),
        ("www.example.com:443", 0),
        ("a.example.com", 1),
        ("a.b.example.com", 3),
        (".example.com", 3),
        ("[::1]:8443", 2),
        ("127.0.0.1:80", 2),
        ("", 3),
        ("user@example.com", 3),
    ] {
        assert_eq!(found(authority), number, "{authority}");
    }
}

#[test]
fn without_a_default_host_a_strange_name_is_nobodys() {
    let hosts = Hosts::new(vec![host(&["example.com"], false)]).expect("one host");
    assert!(hosts.of(b"example.org").is_none());
    assert_eq!(hosts.of(b"example.com").expect("it is there").label(), "example.com");
}

#[test]
fn hosts_that_cannot_stand_together_are_refused() {
    let refused = |hosts| Hosts::new(hosts).expect_err("it is a mistake");
    let name = Name::parse("a.test").expect("a good name");
    assert_eq!(refused(vec![host(&["a.test"], false), host(&["A.test."], true)]), Misuse::Twice(name));
    assert_eq!(refused(vec![host(&[], true), host(&["a.test"], true)]), Misuse::TwoDefaults);
    assert_eq!(refused(vec![host(&[], false)]), Misuse::Unreachable);
    assert_eq!(refused(vec![]), Misuse::NoHost);
}

#[test]
fn what_is_no_name_is_refused() {
    for text in ["", "a b", "*", "a.*.test", "**.test", "a..b", "-/", "a.test:443", "ä.test", "*.", "."] {
        assert!(Name::parse(text).is_err(), "{text:?}");
    }
    for (text, name) in [("[::1]", "::1"), ("A.Test.", "a.test"), ("*.a.test", "*.a.test")] {
        assert_eq!(Name::parse(text).map(|name| name.to_string()).as_deref(), Ok(name));
    }
}

#[test]
fn an_authority_is_a_host_and_a_port() {
    for (authority, host) in
        [("a:1", "a"), ("[::1]:1", "::1"), ("[::1", "::1"), (":1", ""), ("a.", "a"), ("", ""), ("[]", "")]
    {
        assert_eq!(host_of(authority.as_bytes()), host.as_bytes(), "{authority}");
    }
}
