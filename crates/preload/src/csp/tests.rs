use super::*;

fn allows(policy: &str, destination: Destination, url: &str) -> bool {
    let document = Origin::new("a.example", 443);
    Csp::parse(&document, [policy.as_bytes()]).allows(destination, url)
}

#[test]
fn a_source_list_decides() {
    let style = "https://a.example/css/a.css";
    for (policy, allowed) in [
        ("", true),
        ("default-src 'self'", true),
        ("default-src 'none'", false),
        ("default-src", false),
        ("default-src *", true),
        ("default-src https:", true),
        ("style-src 'none'; default-src *", false),
        ("STYLE-SRC 'SELF'; default-src 'none'", true),
        ("style-src 'self'; style-src 'none'", true),
        ("style-src 'nonce-abc' 'unsafe-inline'", false),
        ("style-src-elem 'none'; style-src 'self'", false),
        ("script-src 'none'; img-src 'none'", true),
        ("style-src a.example", true),
        ("style-src A.Example:443", true),
        ("style-src a.example:8443", false),
        ("style-src a.example:*", true),
        ("style-src http://a.example:80", true),
        ("style-src ftp://a.example", false),
        ("style-src b.example", false),
        ("style-src *.example", true),
        ("style-src *.a.example", false),
        ("style-src a.example/css/", true),
        ("style-src a.example/css", false),
        ("style-src a.example/css/a.css", true),
        ("default-src 'self', default-src 'none'", false),
    ] {
        assert_eq!(allows(policy, Destination::Style, style), allowed, "{policy}");
    }
}

#[test]
fn self_is_scheme_host_and_port() {
    let url = "https://a.example:8443/a.js";
    assert!(!allows("default-src 'self'", Destination::Script, url));
    assert!(allows("script-src https://a.example:8443", Destination::Script, url));
    assert!(!allows("script-src 'strict-dynamic' *", Destination::Script, url));
}

#[test]
fn several_policies_must_all_allow() {
    let document = Origin::new("a.example", 443);
    let csp = Csp::parse(&document, [&b"img-src *"[..], b"default-src 'none'"]);
    assert!(!csp.allows(Destination::Image, "https://a.example/a.png"));
    assert!(Csp::default().allows(Destination::Image, "https://a.example/a.png"));
    assert!(!Csp::parse(&document, [&b"\xff"[..]]).allows(Destination::Image, "https://a.example/a.png"));
}
