use super::*;
use crate::{Url, scan};

fn listed(css: &str) -> String {
    let base = Url::parse("https://example.test/css/main.css").expect("an address");
    scan::css(css.as_bytes(), &base).iter().map(|found| format!("{found}\n")).collect()
}

#[test]
fn imports_come_first_or_not_at_all() {
    insta::assert_snapshot!(listed(
        r#"@charset "utf-8"; @layer a, b;
        <!-- @import "one.css"; -->
        @IMPORT url(two.css) screen;
        @import url( "three.css" ) print;
        @import 'four.css' layer(x) supports(display: grid) (min-width: 100px);
        @import "five.css" layer(x) print;
        @import "six.css" supports(display: grid);
        @import "void.css" { }
        @\69mport "seven\2e css";
        @import src("x"); @import;
        a { color: red }
        @import "late.css";"#
    ), @"
    style https://example.test/css/one.css u=1, @import
    style https://example.test/css/two.css u=1, @import
    style https://example.test/css/four.css u=1, @import
    style https://example.test/css/six.css u=1, @import
    style https://example.test/css/seven.css u=1, @import
    ");
}

#[test]
fn a_layer_with_a_block_ends_the_imports() {
    assert_eq!(listed("@layer a { } @import 'x.css';"), "");
}

#[test]
fn a_face_is_loaded_from_one_place() {
    insta::assert_snapshot!(listed(
        r#"@font-face { font-family: A; src: local("A"), url(a.woff2) format("woff2"), url(a.woff) format("woff") }
        @font-face { src: url(b.eot); src: url("b.eot?#iefix") format("embedded-opentype"), url('b.woff2'); }
        @font-face { src: url(latin.woff2); unicode-range: U+0000-00FF, U+0131 }
        @font-face { src: url(kana.woff2); unicode-range: U+3040-30FF; }
        @font-face { src: url(any.woff2); unicode-range: U+4??, U+?? }
        @font-face { src: url(//cdn.test/c.woff2) }
        @media print { @font-face { src: url(print.woff2) } }"#
    ), @"
    font https://example.test/css/a.woff2 u=2, anonymous, @font-face
    font https://example.test/css/b.woff2 u=2, anonymous, @font-face
    font https://example.test/css/latin.woff2 u=2, anonymous, @font-face
    font https://example.test/css/any.woff2 u=2, anonymous, @font-face
    font https://cdn.test/c.woff2 u=2, anonymous, @font-face
    ");
}

#[test]
fn pictures_are_found_wherever_a_value_may_be() {
    insta::assert_snapshot!(listed(
        r#"/* url(comment.png) */ @namespace svg url(http://www.w3.org/2000/svg);
        a { background: url(1.png), url( '2.png' ) no-repeat, linear-gradient(red, blue); content: "url(string.png)" }
        @media screen and (min-width: 600px) { b { --x: url(3.png); &:hover { mask: url(4.svg#part) } } }
        @media print { b { background: url(print.png) } }
        @media (max-width: 400px) { b { background: url(small.png) } }
        @supports (background: url(asked.png)) { c { cursor: url(5.cur), auto } }
        d { background: image-set("6.avif" 2x, "no.png" 1x); filter: url(#local); background: -webkit-image-set(url(7.png) 1x) }
        e { background: URL(data:image/png;base64,AAAA), url(javascript:alert%281%29), url(), url(bad url) }
        f { background: \75rl(8.png); background: url(9\2e png) }"#
    ), @"
    image https://example.test/css/1.png u=5, i, url()
    image https://example.test/css/2.png u=5, i, url()
    image https://example.test/css/3.png u=5, i, url()
    image https://example.test/css/4.svg u=5, i, url()
    image https://example.test/css/5.cur u=5, i, url()
    image https://example.test/css/6.avif u=5, i, url()
    image https://example.test/css/7.png u=5, i, url()
    image https://example.test/css/8.png u=5, i, url()
    image https://example.test/css/9.png u=5, i, url()
    ");
}

#[test]
fn nesting_is_looked_into_only_so_deep() {
    let nested = |depth: usize| format!("{}a{{b:url(x.png)}}{}", "@media{".repeat(depth), "}".repeat(depth));
    assert!(listed(&nested(usize::from(DEPTH) - 1)).contains("x.png"));
    assert_eq!(listed(&nested(usize::from(DEPTH))), "");
    assert_eq!(listed(&"{[(".repeat(100_000)), "");
}

#[test]
fn a_sheet_is_read_up_to_its_limits() {
    let base = Url::parse("https://example.test/").expect("an address");
    let css = b"a{b:url(1);c:url(2);d:url(3)}";
    let within = |resources, css_bytes| {
        scan::css_within(css, &base, &scan::Limits { resources, css_bytes, ..scan::Limits::default() }).len()
    };
    assert_eq!((within(3, 100), within(2, 100)), (3, 2));
    assert_eq!(within(3, 18), 2);
}
