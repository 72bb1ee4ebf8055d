use super::*;
use std::sync::Arc;

fn request(method: &str, mode: Option<&str>) -> Request {
    let fields = mode.iter().map(|mode| ("sec-fetch-mode", *mode)).collect();
    Request { fields, ..Request::new(method, "a.example", "/") }
}

fn links() -> Option<Links> {
    Some(Arc::new(["</a>; rel=preload; as=style".to_owned(), "</b>; rel=preload; as=font".to_owned()]))
}

#[test]
fn one_103_leaves_for_a_get_that_navigates() {
    // spec: preload-profile-12-a
    let rows = [("GET", Some("navigate"), true), ("GET", None, false), ("HEAD", Some("navigate"), false)];
    for (method, mode, expected) in rows {
        let mut early = Early::of(&request(method, mode), links).expect("it may be a document");
        let interim = early.interim();
        assert_eq!(interim.is_some(), expected, "{method} {mode:?}");
        let values = |interim: Response| (interim.status, interim.fields.find_all(b"link").count());
        assert_eq!(interim.map(values), expected.then_some((103, 2)));
        assert!(early.interim().is_none(), "once");
    }
    for (method, mode) in [
        ("POST", "navigate"),
        ("PUT", "navigate"),
        ("CONNECT", "navigate"),
        ("GET", "cors"),
        ("GET", "no-cors"),
    ] {
        assert!(Early::of(&request(method, Some(mode)), links).is_none(), "{method} {mode}");
    }
    assert!(Early::of(&request("GET", Some("navigate")), || None).is_none());
}

#[test]
fn half_of_the_header_list_is_for_what_has_to_be_said() {
    let early = Early::of(&request("GET", None), links).expect("it may be a document");
    // Two values of 27 and 26 bytes, each with its name and 32 bytes more.
    let bytes = 27 + 26 + 2 * (4 + 32);
    assert!(early.fits(2 * bytes) && !early.fits(2 * bytes - 1) && !early.fits(0) && early.fits(u64::MAX));
}

#[test]
fn what_the_response_says_itself_is_not_said_twice() {
    let early = Early::of(&request("GET", None), links).expect("it may be a document");
    let mut fields: Fields =
        [("link", "</b>; rel=preload; as=font"), ("link", "</own>; rel=next")].into_iter().collect();
    early.say(&mut fields);
    let said: Vec<&[u8]> = fields.find_all(b"link").collect();
    assert_eq!(
        said,
        [&b"</b>; rel=preload; as=font"[..], b"</own>; rel=next", b"</a>; rel=preload; as=style"]
    );
}

#[test]
fn a_document_is_html_that_is_there() {
    let rows: [(u16, Option<&[u8]>, bool); 8] = [
        (200, Some(b"text/html"), true),
        (200, Some(b"Text/HTML ; charset=utf-8"), true),
        (200, Some(b"text/htmlx"), false),
        (200, Some(b"text/css"), false),
        (200, None, false),
        (206, Some(b"text/html"), false),
        (304, Some(b"text/html"), false),
        (404, Some(b"text/html; charset=utf-8"), false),
    ];
    for (status, content_type, expected) in rows {
        assert_eq!(is_document(status, content_type), expected, "{status} {content_type:?}");
    }
}
