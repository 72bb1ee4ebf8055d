use super::*;
use crate::scan;

fn base() -> Url {
    Url::parse("https://example.test/a/index.html").expect("an address")
}

fn listed(html: &str) -> String {
    scan::html(html.as_bytes(), &base()).iter().map(|found| format!("{found}\n")).collect()
}

const HEAD: &str = r#"<!DOCTYPE html><html><head><!-- <link rel=stylesheet href=comment.css> -->
<LINK REL=StyleSheet HREF=main.css><link rel="stylesheet" href="print.css" media="print">
<link rel="alternate stylesheet" href="dark.css"><link rel=stylesheet href=less.css type=text/less>
<link rel=stylesheet href=off.css disabled><link rel=stylesheet><link href=norel.css>
<link rel="shortcut icon" href="/favicon.ico"><link rel=manifest href=/app.webmanifest crossorigin=use-credentials>
<link rel=preload as=font href=f.woff2 crossorigin><link rel=preload as=nonsense href=x><link rel=preload href=noas>
<link rel=preload as=image imagesrcset="s.png 400w, l.png 1280w" imagesizes="100vw" href=fallback.png>
<link rel=modulepreload href=m.js><link rel=canonical href=/c><link rel=dns-prefetch href=//d.test>
<script>document.write("<script src=written.js></scr" + "ipt>");</script>
<script src=classic.js integrity="sha256-x" crossorigin=anonymous></script><script async src=async.js></script>
<script defer src=defer.js fetchpriority=high></script><script type=module src=module.mjs></script>
<script type="application/json" src=data.json></script><script nomodule src=old.js></script>
<script type="text/javascript" src='typed.js?a=1&amp;b=2&copy=3'></script>
<title><img src=title.png></title>
<style>@import "imported.css"; body { background: url(bg.png) } /* </nostyle> */</style>
<base href="/root/"><base href="/second/"><link rel=stylesheet href=after-base.css></head>"#;

#[test]
fn a_head_names_its_styles_scripts_and_hints() {
    insta::assert_snapshot!(listed(HEAD));
}

const BODY: &str = r##"<body style="background: url(&quot;page.png&quot;)"><img src="one.png"><img src=two.png src=second.png loading=lazy>
<img src=small.png srcset="big.png 2x, data:image/png;base64,AA== 3x"><img srcset="a.png 320w, b.png 640w,c.png 1280w" sizes="(max-width: 600px) 100vw, 50vw" src=d.png>
<img src=""><img src="#part"><img><img src="data:image/gif;base64,R0=" ><img src=" javascript:1"><img src=//cdn.test/x.png fetchpriority=high>
<picture><source media="(max-width: 100px)" srcset=tiny.png><source srcset="wide.avif 1x"><source srcset=third.png><img src=inside.png></picture><img src=outside.png>
<video poster=poster.jpg><source src=film.webm><source src=film.mp4><track src=subs.vtt default><track src=other.vtt></video>
<video src=direct.mp4></video><video preload=none src=no.mp4><source src=no2.mp4></video><audio><source src=sound.ogg></audio>
<input type=image src=button.png><input type=text src=no.png><svg><image href=drawn.png /><image xlink:href="old.png"/></svg>
<template><img src=template.png><template></template><img src=t2.png><style>a{b:url(t3.png)}</style></template>
<noscript><img src=noscript.png><style>a{b:url(n.png)}</style></noscript><textarea><img src=textarea.png></textarea>
<iframe src=frame.html><img src=inframe.png></iframe><object data=o.svg></object>
<img src=caf&eacute;.png><img src="a&#x2F;b.png"><img alt='>' src='gt.png'><img/src=slash.png><p style="a:url(1.png)"style="a:url(2.png)">
<style>last { a: url(unclosed.png) }"##;

#[test]
fn a_body_names_its_pictures_and_films() {
    insta::assert_snapshot!(listed(BODY));
}

#[test]
fn a_resource_is_reported_as_soon_as_its_tag_is_complete() {
    let mut scan = Html::new(base(), Limits::default());
    let mut heard = Vec::new();
    for (piece, expected) in [
        ("<p>some text to begin with, <link rel=sty", 0),
        ("lesheet href=a.css", 0),
        (">", 1),
        ("<script src=b.js>", 2),
        ("let x = '<img src=no.png>';", 2),
        ("</script><img src=c.png>", 3),
        ("<style>a{b:url(d.png)}", 3),
        ("</style", 3),
        (">", 4),
        ("<img src=cut.png", 4),
    ] {
        scan.feed(piece.as_bytes(), &mut |resource| heard.push(resource));
        assert_eq!(heard.len(), expected, "{piece}");
    }
    scan.finish(&mut |resource| heard.push(resource));
    assert_eq!(heard.len(), 4, "a tag that never ended names nothing");
}

#[test]
fn no_split_changes_what_is_found() {
    for html in
        [HEAD, BODY, "<!-- <a> --><script><!--<script></script>--><img src=x></script>\r\n<img\r\nsrc=y\r>"]
    {
        let whole = scan::html(html.as_bytes(), &base());
        for size in [1, 2, 3, 7, 64, 500] {
            let mut found = Vec::new();
            let mut scan = Html::new(base(), Limits::default());
            for piece in html.as_bytes().chunks(size) {
                scan.feed(piece, &mut |resource| found.push(resource));
            }
            scan.finish(&mut |resource| found.push(resource));
            assert_eq!(found, whole, "pieces of {size}");
        }
    }
}

#[test]
fn a_document_names_no_more_than_its_limit() {
    let count = |resources| {
        let mut found = 0;
        let mut scan = Html::new(base(), Limits { resources, ..Limits::default() });
        scan.feed(b"<img src=1><style>a{b:url(2)}</style><img src=3>", &mut |_| found += 1);
        found
    };
    assert_eq!((count(3), count(2)), (3, 2));
}

#[test]
fn a_tag_that_never_ends_ends_the_scan() {
    let scan_of = |pending_bytes| {
        let mut found = 0;
        let mut scan = Html::new(base(), Limits { pending_bytes, ..Limits::default() });
        scan.feed(b"<p>x", &mut |_| found += 1);
        scan.feed(b"<img alt='0123456789", &mut |_| found += 1);
        scan.feed(b"' src=a.png>", &mut |_| found += 1);
        scan.finish(&mut |_| found += 1);
        found
    };
    assert_eq!((scan_of(21), scan_of(20)), (1, 0));
}

#[test]
fn a_hostile_split_costs_no_more_than_linear_work() {
    // A quarter of a megabyte of comment, a byte at a time, each of them looking like a tag's end.
    let mut scan = Html::new(base(), Limits::default());
    scan.feed(b"<!-- ", &mut |_| {});
    for _ in 0..1 << 18 {
        scan.feed(b">", &mut |_| {});
    }
    let mut found = 0;
    scan.feed(b"--><img src=x>", &mut |_| found += 1);
    scan.finish(&mut |_| found += 1);
    assert_eq!(found, 1);
}

#[test]
fn one_byte_at_a_time_costs_no_more_than_all_at_once() {
    // A tag that does not end, after one that did: each byte may be searched once, not each time that one follows it.
    let mut scan = scan::Html::new(base(), scan::Limits::default());
    let mut found = 0;
    for _ in 0..(1 << 20) - 100 {
        scan.feed(b"x", &mut |_| found += 1);
    }
    scan.feed(b"<img src=a.png>", &mut |_| found += 1);
    assert_eq!(found, 1);
}
