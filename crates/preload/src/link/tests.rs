use super::*;
use crate::fuzz;

fn links(value: &str) -> Result<Vec<Link>, Fault> {
    let mut links = Vec::new();
    parse(value.as_bytes(), Limits::default(), &mut |link| links.push(link)).map(|()| links)
}

fn link(target: &str, parameters: &[(&'static str, &str)]) -> Link {
    let parameters = parameters.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Link { target: target.to_owned(), parameters }
}

#[test]
fn a_field_value_holds_any_number_of_links() {
    for (value, expected) in [
        ("", vec![]),
        (" , ,", vec![]),
        ("<>", vec![link("", &[])]),
        (
            "<https://a.example/x,y;z>; rel=preload",
            vec![link("https://a.example/x,y;z", &[("rel", "preload")])],
        ),
        (
            "<a>;rel=preload;as=style,<b>; REL=\"x preload\"",
            vec![link("a", &[("rel", "preload"), ("as", "style")]), link("b", &[("rel", "x preload")])],
        ),
        (
            "<a>; crossorigin; type=\"a\\\"b\\\\c\"",
            vec![link("a", &[("crossorigin", ""), ("type", "a\"b\\c")])],
        ),
        ("<a> ; rel = preload ;; rel=next;", vec![link("a", &[("rel", "preload")])]),
        ("<a>; title*=UTF-8''x; new=\"a,b;<c>\"; as=font", vec![link("a", &[("as", "font")])]),
        ("<a>; type=font/woff2", vec![link("a", &[("type", "font/woff2")])]),
    ] {
        assert_eq!(links(value), Ok(expected), "{value}");
    }
}

#[test]
fn what_is_malformed_is_said() {
    for (value, fault) in [
        ("a", Fault::Target),
        ("<a", Fault::Target),
        ("<a b>", Fault::Target),
        ("<a<b>", Fault::Target),
        ("<a> rel=preload", Fault::Separator),
        ("<a> <b>", Fault::Separator),
        ("<a>; rel=preload as=style", Fault::Separator),
        ("<a>; =x", Fault::Parameter),
        ("<a>; rel=", Fault::Parameter),
        ("<a>; rel=;as=style", Fault::Parameter),
        ("<a>; rel=\"preload", Fault::Quote),
        ("<a>; rel=\"preload\\", Fault::Quote),
        ("<a>; rel=\"x\"y", Fault::Separator),
        ("<\u{e9}>", Fault::Byte),
        ("<a>\n", Fault::Byte),
    ] {
        assert_eq!(links(value), Err(fault), "{value}");
    }
    let mut before = Vec::new();
    let result = parse(b"<a>; as=style, <b", Limits::default(), &mut |link| before.push(link));
    assert_eq!((result, before.len()), (Err(Fault::Target), 1));
}

#[test]
fn limits_hold_to_the_one() {
    let limits = Limits { value_bytes: 12, links: 2, parameters: 2 };
    let count = |value: &str| {
        let mut count = 0;
        parse(value.as_bytes(), limits, &mut |_| count += 1).map(|()| count)
    };
    assert_eq!(count("<a>, <b>"), Ok(2));
    assert_eq!(count("<a>,<b>,<c>"), Err(Fault::TooManyLinks));
    assert_eq!(count("<a>;x;y"), Ok(1));
    assert_eq!(count("<a>;x;y;z"), Err(Fault::TooManyParameters));
    assert_eq!(count("<a>;xxxxxxxx"), Ok(1));
    assert_eq!(count("<a>;xxxxxxxxx"), Err(Fault::ValueTooLong));
}

#[test]
fn links_survive_their_own_text() {
    let samples = [
        "<https://a.example/a.css>; rel=preload; as=style; crossorigin; media=\"(min-width: 1px)\"",
        "<a>; imagesrcset=\"a 1x, b 2x\"; imagesizes=\"100vw\", <b>; type=\"\\\"\"; crossorigin=use-credentials",
        "<a>; rel=\"\"",
    ];
    for sample in samples {
        fuzz::fuzz_link(sample.as_bytes());
        for len in 0..sample.len() {
            fuzz::fuzz_link(&sample.as_bytes()[..len]);
        }
        for at in 0..sample.len() * 8 {
            let mut flipped = sample.as_bytes().to_vec();
            flipped[at / 8] ^= 1 << (at % 8);
            fuzz::fuzz_link(&flipped);
            fuzz::fuzz_csp(&flipped);
        }
    }
}
