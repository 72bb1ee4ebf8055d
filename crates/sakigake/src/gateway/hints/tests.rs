use super::*;
use sakigake_preload::{Destination, block};

fn origin() -> Origin {
    Origin::new("origin.test", 8443)
}

fn frame(values: &[&str]) -> Vec<u8> {
    let lines = values.iter().map(|value| line(value));
    lines.flatten().collect()
}

/// `link` by name and value, both as they are (RFC 7541 section 6.2.2).
fn line(value: &str) -> Vec<u8> {
    assert!(value.len() < 127 + 128);
    let mut bytes = vec![0, 4];
    bytes.extend(b"link");
    match value.len() {
        len @ 0..127 => bytes.push(len as u8),
        len => bytes.extend([127, (len - 127) as u8]),
    }
    bytes.extend(value.as_bytes());
    bytes
}

fn told(values: &[&str]) -> Vec<String> {
    let mut hints = Hints::new(origin());
    hints.hear(Told::Preload { connection: 0, block: &frame(values) });
    let fields = fields(&hints.links(), &Origin::new("www.gate.test", 443));
    fields.get_all("link").iter().map(|value| value.to_str().expect("text").to_owned()).collect()
}

#[test]
fn each_link_is_printed_anew_under_the_authority_that_is_visited() {
    let values = [
        "<https://origin.test:8443/a.css?q#f>; rel=\"preload\"; AS=style; fetchpriority=high; x-own=1; integrity=sha256-AAA; type=\"text/css\"",
        "<https://ORIGIN.test:8443/f.woff2>; rel=preload; as=font; crossorigin=anything",
    ];
    assert_eq!(
        told(&values),
        [
            "<https://www.gate.test/a.css?q>; rel=preload; as=style; type=\"text/css\"; integrity=sha256-AAA; fetchpriority=high",
            "<https://www.gate.test/f.woff2>; rel=preload; as=font; crossorigin",
        ]
    );
}

#[test]
fn what_is_not_the_origins_or_not_for_everybody_is_not_told() {
    for value in [
        "<https://origin.test/a.css>; rel=preload; as=style",
        "<https://other.test:8443/a.css>; rel=preload; as=style",
        "<https://origin.test:8443@other.test/a.css>; rel=preload; as=style",
        "<http://origin.test:8443/a.css>; rel=preload; as=style",
        "</a.css>; rel=preload; as=style",
        "<//other.test/a.css>; rel=preload; as=style",
        "<https://origin.test:8443/a.css>; rel=preload; as=style; nonce=abc",
        "<https://origin.test:8443/a.css>; rel=preconnect",
        "<https://origin.test:8443/a.css>; rel=preload; as=spell",
        "<https://origin.test:8443/a.css>; rel=preload; as=image; imagesrcset=\"https://other.test/a 2x\"",
        "<https://origin.test:8443/a.css>\r\nset-cookie: a=b; rel=preload; as=style",
    ] {
        assert_eq!(told(&[value]), [""; 0], "{value}");
    }
}

#[test]
fn what_a_connection_said_goes_with_it() {
    let hint = |path: &str| Hint::new(format!("https://origin.test:8443{path}"), Destination::Style);
    let frame = |path| block::write(&[hint(path)], block::Budget::default()).0;
    let mut hints = Hints::new(origin());
    let targets = |hints: &Hints| hints.links().into_iter().map(|link| link.target).collect::<Vec<_>>();
    assert!(hints.hear(Told::Preload { connection: 0, block: &frame("/a") }));
    assert!(hints.hear(Told::Preload { connection: 0, block: &frame("/b") }));
    assert_eq!(targets(&hints), ["/a", "/b"]);
    assert!(!hints.hear(Told::Preload { connection: 0, block: &[0xff; 8] }), "it does not decode");
    assert_eq!(targets(&hints), ["/a", "/b"]);
    assert!(hints.hear(Told::Preload { connection: 1, block: &frame("/c") }));
    // An older one may outlast a newer one, which was opened since there was much to ask.
    assert!(hints.hear(Told::Preload { connection: 0, block: &frame("/d") }));
    assert_eq!(targets(&hints), ["/c"]);
    assert!(!hints.hear(Told::Gone { connection: 1 }));
    assert_eq!(targets(&hints), ["/a", "/b", "/d"]);
    assert!(!hints.hear(Told::Gone { connection: 0 }));
    assert_eq!(targets(&hints), [""; 0]);
}

#[test]
fn an_origins_own_103_is_taken_as_a_frame_is_and_may_name_paths() {
    let interim = Response::new(103)
        .with("link", "</a.css>; rel=preload; as=style, <https://other.test/b.js>; rel=preload; as=script")
        .with("link", "</c.css>; rel=preload; as=style; nonce=x, </d.js>; rel=preload; as=script, <");
    let targets: Vec<String> = of_interim(&interim, &origin()).into_iter().map(|link| link.target).collect();
    assert_eq!(targets, ["/a.css", "/d.js"]);
}
