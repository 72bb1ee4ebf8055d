use super::*;

const NOW: u64 = 1_700_000_000;
const OWN: Context = Context { is_same_site: true, unix_secs: NOW };
const FOREIGN: Context = Context { is_same_site: false, unix_secs: NOW };

fn url(text: &str) -> Url {
    Url::parse(text).expect("a test's address is one")
}

fn jar(from: &str, fields: &[&str]) -> Jar {
    let mut jar = Jar::default();
    fields.iter().for_each(|field| jar.set(&url(from), field.as_bytes(), OWN));
    jar
}

fn sent(jar: &Jar, to: &str, context: Context) -> String {
    String::from_utf8(jar.field(&url(to), context).unwrap_or_default()).expect("a test's cookie is text")
}

#[test]
fn a_cookie_goes_where_its_attributes_say() {
    const TOP: &str = "https://www.a.test/";
    const DEEP: &str = "https://www.a.test/at/page";
    let cases = [
        (TOP, "a=1", "https://www.a.test/x", "https://a.test/ https://x.www.a.test/"),
        (
            TOP,
            "a=1; Domain=a.test",
            "https://www.a.test/ https://a.test/ https://b.a.test/",
            "https://xa.test/",
        ),
        (TOP, "a=1; Domain=.A.TEST", "https://a.test/", "https://b.test/"),
        (TOP, "a=1; Domain=", "https://www.a.test/", "https://a.test/"),
        (
            DEEP,
            "a=1; Path=/in",
            "https://www.a.test/in https://www.a.test/in/x?q",
            "https://www.a.test/inside",
        ),
        (DEEP, "a=1; Path=in", "https://www.a.test/at/x https://www.a.test/at", "https://www.a.test/other"),
        (DEEP, "a=1", "https://www.a.test/at/x https://www.a.test/at", "https://www.a.test/atx"),
        (TOP, "a=1; secure", "https://www.a.test/", "http://www.a.test/"), // spec: 6265bis-5.8.3-a
        (TOP, "a=1; Max-Age=1", "https://www.a.test/", ""),
        (TOP, "a=1; Expires=Wed, 09 Jun 2100 10:18:14 GMT", "https://www.a.test/", ""),
    ];
    for (from, field, reached, others) in cases {
        let jar = jar(from, &[field]);
        for to in reached.split_whitespace() {
            assert_eq!(sent(&jar, to, OWN), "a=1", "{field}: {to}");
        }
        for to in others.split_whitespace() {
            assert_eq!(sent(&jar, to, OWN), "", "{field}: {to}");
        }
    }
}

#[test]
fn cookies_that_break_a_rule_are_ignored() {
    let long = format!("a={}", "x".repeat(4_096)); // spec: 6265bis-5.7-a
    let fields = [
        "",
        "=",
        "a=\u{1}",
        &long,
        "a=1; Domain=b.test",
        "a=1; Domain=x.www.a.test",
        "a=1; Domain=test", // spec: 6265bis-5.7-b
        "a=1; Max-Age=0",
        "a=1; Max-Age=-5",
        "a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        "__Secure-a=1",
        "__secure-a=1", // spec: 6265bis-5.7-c
        "__Host-a=1; Secure",
        "__Host-a=1; Secure; Path=/; Domain=www.a.test",
        "__Host-a=1; Path=/", // spec: 6265bis-5.7-d
        "=__Host-a=1; Secure; Path=/",
        "__Secure-a; Secure",
        "a=1; SameSite=None",
    ];
    for field in fields {
        assert_eq!(sent(&jar("https://www.a.test/", &[field]), "https://www.a.test/", OWN), "", "{field:?}");
    }
    for field in ["__Secure-a=1; Secure", "__Host-a=1; Secure; Path=/"] {
        assert_ne!(sent(&jar("https://www.a.test/", &[field]), "https://www.a.test/", OWN), "", "{field:?}");
    }
    for host in
        ["shop.co.uk", "10.0.0.1", "localhost", "[::1]", "www.test.", "www.co.uk.", "10.0.1", "10.0.0x1"]
    {
        let from = format!("https://{host}/");
        let wide = host.split_once('.').map_or("x", |(_, wide)| wide);
        let jar = jar(&from, &[&format!("a=1; Domain={wide}"), &format!("b=1; Domain={host}")]);
        assert_eq!(sent(&jar, &from, OWN), "b=1", "{host}");
    }
}

#[test]
fn other_sites_pages_get_what_says_so_alone() {
    let fields = ["a=1", "b=1; SameSite=Lax", "c=1; SameSite=Strict", "d=1; SameSite=None; Secure"];
    let mut jar = jar("https://www.a.test/", &fields);
    assert_eq!(sent(&jar, "https://www.a.test/", FOREIGN), "d=1"); // spec: 6265bis-5.8.3-b
    jar.set(&url("https://b.test/"), b"e=1", FOREIGN); // spec: 6265bis-5.7-e
    jar.set(&url("https://b.test/"), b"f=1; SameSite=None; Secure", FOREIGN);
    assert_eq!(sent(&jar, "https://b.test/", OWN), "f=1");
    let sites = [
        ("www.a.test", "a.test", true),
        ("a.co.uk", "b.co.uk", false),
        ("x.a.co.uk", "a.co.uk", true),
        ("a.test.", "b.test.", false),
    ];
    for (one, other, same) in sites {
        let origin = |host: &str| Origin::parse(true, host).expect("a host");
        assert_eq!(is_same_site(&origin(one), &origin(other)), same, "{one} {other}");
    }
}

#[test]
fn longer_paths_come_first_then_older_cookies_and_a_new_value_keeps_its_place() {
    let fields = ["a=1; Path=/", "b=2; Path=/", "c=3; Path=/in", "a=4; Path=/", "nameless; Path=/"];
    assert_eq!(sent(&jar("https://a.test/", &fields), "https://a.test/in/", OWN), "c=3; a=4; b=2; nameless");
    let fields = ["a=1", "b=2", "a=; Max-Age=0"];
    assert_eq!(sent(&jar("https://a.test/", &fields), "https://a.test/", OWN), "b=2");
}

#[test]
fn each_limit_holds_where_one_more_would_pass_it() {
    let limits = Limits { domain_cookies: 2, cookies: 3, field_bytes: 8, ..Limits::default() };
    let mut jar = Jar::new(limits);
    for (host, field) in [("a", "a=1"), ("a", "b=2"), ("a", "c=3"), ("b", "d=4")] {
        jar.set(&url(&format!("https://{host}.test/")), field.as_bytes(), OWN);
    }
    assert_eq!(sent(&jar, "https://a.test/", OWN), "b=2; c=3");
    jar.set(&url("https://b.test/"), b"e=55", OWN);
    assert_eq!(sent(&jar, "https://a.test/", OWN), "c=3");
    assert_eq!(sent(&jar, "https://b.test/", OWN), "d=4");
    let mut jar = Jar::default();
    let long = format!("a=1; Path=/{}", "x".repeat(1_024));
    jar.set(&url("https://a.test/"), long.as_bytes(), OWN);
    assert_eq!(sent(&jar, "https://a.test/", OWN), "a=1");
}

#[test]
fn dates_are_read_in_whatever_order() {
    let cases = [
        ("Wed, 21 Oct 2015 07:28:00 GMT", Some(1_445_412_480)),
        ("Wednesday, 21-Oct-15 07:28:00 GMT", Some(1_445_412_480)),
        ("Wed Oct 21 07:28:00 2015", Some(1_445_412_480)),
        ("Sat, 29 Feb 2020 00:00:00", Some(1_582_934_400)),
        ("Mon, 01 Jan 1601 00:00:00 GMT", Some(0)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", Some(253_402_300_799)),
        ("Sun, 29 Feb 2019 00:00:00", None),
        ("21 Oct 07:28:00", None),
        ("21 Oct 2015 24:00:00", None),
        ("\u{e9}\u{e9} 21 Oct 2015", None),
        ("", None),
    ];
    for (text, expected) in cases {
        assert_eq!(date::parse(text), expected, "{text:?}");
    }
}
