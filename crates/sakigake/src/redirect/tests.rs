use super::{NoAddress, Redirect};
use crate::files::{Ask, Reply};
use sakigake_semantics::Fields;

fn ask(redirect: &Redirect, method: &str, path: &str) -> Reply {
    redirect.answer(&Ask {
        method: method.as_bytes(),
        path: path.as_bytes(),
        scheme: b"",
        fields: &Fields::new(),
    })
}

#[test]
fn the_path_goes_along_and_the_method_decides_the_status() {
    let redirect = Redirect::to("https://example.com/").expect("an address");
    for (redirect, method, status) in [
        (redirect.clone(), "GET", 301),
        (redirect.clone(), "HEAD", 301),
        (redirect.clone(), "POST", 308),
        (redirect.clone().for_now(), "GET", 302),
        (redirect.for_now(), "PUT", 307),
    ] {
        let reply = ask(&redirect, method, "/a/b?c=%20");
        assert_eq!(reply.response.status, status, "{method}");
        let location = reply.response.fields.find(b"location").expect("it says where");
        assert_eq!(location, b"https://example.com/a/b?c=%20");
    }
}

#[test]
fn a_path_that_could_not_stand_in_a_field_is_refused() {
    let redirect = Redirect::to("https://example.com/base/").expect("an address");
    for path in ["*", "", "/a b", "/a\r\nx: y", "/\u{7f}", "/ä"] {
        assert_eq!(ask(&redirect, "GET", path).response.status, 400, "{path:?}");
    }
    let reply = ask(&redirect, "GET", "//evil.test/");
    assert_eq!(reply.response.fields.find(b"location"), Some(&b"https://example.com/base//evil.test/"[..]));
}

#[test]
fn an_address_is_a_host_and_a_path() {
    for text in ["", "example.com", "ftp://a.test", "https://a.test/?q", "https://a.test/#f"] {
        assert_eq!(Redirect::to(text), Err(NoAddress(text.into())));
    }
}

#[test]
fn a_redirects_own_lines_are_on_every_answer() {
    let redirect = Redirect::to("https://example.com/").expect("an address");
    let redirect = redirect.with_field("strict-transport-security", "max-age=300").expect("a field");
    for (path, status) in [("/", 301), ("*", 400)] {
        let reply = ask(&redirect, "GET", path);
        let line = reply.response.fields.find(b"strict-transport-security");
        assert_eq!((reply.response.status, line), (status, Some(&b"max-age=300"[..])));
    }
    for (name, value) in [("location", "/"), ("A", "b"), ("a b", "c"), ("a", "b\r\nc: d")] {
        assert!(redirect.clone().with_field(name, value).is_err(), "{name}: {value:?}");
    }
}
