//! What a site may choose beside codings: pages for errors, fields, addresses without endings.

use super::super::{Ask, ErrorPage, FieldRule, Files, Options, Reply, Statuses, check_field};
use crate::scratch::Scratch;
use sakigake_semantics::{Fields, Request};
use std::fs;
use std::time::{Duration, SystemTime};

fn ask_at(files: &Files, method: &str, path: &str, now: SystemTime) -> Reply {
    let request = Request::new(method, "", path);
    files.answer(&Ask::from(&request), now)
}

fn ask(files: &Files, path: &str) -> Reply {
    ask_at(files, "GET", path, SystemTime::now() + Duration::from_secs(3600))
}

fn field<'a>(fields: &'a Fields, name: &'a str) -> &'a str {
    fields.find(name.as_bytes()).map_or("", |value| std::str::from_utf8(value).expect("ASCII"))
}

fn text(reply: Reply) -> String {
    String::from_utf8(reply.body.whole().expect("readable")).expect("text")
}

fn page(statuses: &str, page: impl Into<std::path::PathBuf>) -> ErrorPage {
    ErrorPage { statuses: statuses.parse().expect("statuses"), page: page.into() }
}

#[test]
fn errors_have_pages_from_the_folder_or_from_elsewhere() {
    let (site, other) = (Scratch::new("pages"), Scratch::new("pages"));
    site.write("errors/gone.txt", "gone");
    let elsewhere = other.write("all.html", "any");
    let error_pages =
        vec![page("404", "errors/gone.txt"), page("405", "no/such.html"), page("4xx", &elsewhere)];
    let files = Files::with(site.path(), Options { error_pages, ..Options::default() }).expect("the folder");
    let now = SystemTime::now() + Duration::from_secs(3600);
    for _ in 0..2 {
        for (method, path, status, kind, expected) in [
            ("GET", "/none", 404, "text/plain; charset=utf-8", "gone"),
            ("GET", "/%zz", 400, "text/html; charset=utf-8", "any"),
            ("PUT", "/", 405, "text/html; charset=utf-8", "any"),
            ("HEAD", "/none", 404, "text/plain; charset=utf-8", ""),
        ] {
            let reply = ask_at(&files, method, path, now);
            let fields = reply.response.fields.clone();
            assert_eq!((reply.response.status, field(&fields, "content-type")), (status, kind), "{path}");
            assert_eq!(field(&fields, "cache-control"), "no-cache");
            assert_eq!((field(&fields, "content-length").len(), text(reply).as_str()), (1, expected));
        }
    }
    // It changes like any other file, and where there is none ours stands in.
    std::thread::sleep(Duration::from_millis(20));
    site.write("errors/gone.txt", "away");
    assert_eq!(text(ask_at(&files, "GET", "/none", now + Duration::from_millis(1))), "away");
    fs::remove_dir_all(site.path().join("errors")).expect("removed");
    fs::remove_file(elsewhere).expect("removed");
    assert!(text(ask_at(&files, "GET", "/none", now + Duration::from_secs(2))).contains("Nothing here"));
}

#[test]
fn a_page_for_errors_lies_below_the_folder_or_is_absolute() {
    let site = Scratch::new("pages");
    for wrong in ["../404.html", "", "a/../../b", "."] {
        let options = Options { error_pages: vec![page("404", wrong)], ..Options::default() };
        let error = Files::with(site.path(), options).expect_err(wrong);
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput, "{wrong}");
    }
    for wrong in ["", "40", "399", "600", "1xx", "4XX", "4xxx", "+404", "0404"] {
        assert!(wrong.parse::<Statuses>().is_err(), "{wrong}");
    }
}

fn rule(pattern: &str, name: &str, value: &str) -> FieldRule {
    FieldRule { pattern: pattern.into(), name: name.into(), value: value.into() }
}

#[test]
fn fields_are_added_by_pattern() {
    let site = Scratch::new("fields");
    site.write("index.html", "front");
    site.write("fonts/a.woff2", "font");
    let fields = vec![
        rule("*", "strict-transport-security", "max-age=63072000"),
        rule("*.woff2", "cache-control", "max-age=31536000, immutable"),
        rule("*", "cache-control", "max-age=60"),
        rule("/fonts/*", "access-control-allow-origin", "*"),
        rule("*.html", "link", "</a.css>; rel=preload; as=style"),
    ];
    let files = Files::with(site.path(), Options { fields, ..Options::default() }).expect("the folder");
    for (path, status, cache, origin, link) in [
        ("/", 200, "max-age=60", "", "</a.css>; rel=preload; as=style"),
        ("/fonts/a.woff2", 200, "max-age=31536000, immutable", "*", ""),
        ("/fonts/b.woff2", 404, "no-cache", "", ""),
        ("/fonts", 301, "no-cache", "", ""),
        ("/%zz", 400, "no-cache", "", ""),
    ] {
        for _ in 0..2 {
            let reply = ask(&files, path);
            let fields = &reply.response.fields;
            assert_eq!(reply.response.status, status, "{path}");
            assert_eq!(field(fields, "strict-transport-security"), "max-age=63072000", "{path}");
            assert_eq!(fields.find_all(b"cache-control").count(), 1, "{path}");
            assert_eq!(field(fields, "cache-control"), cache, "{path}");
            assert_eq!(field(fields, "access-control-allow-origin"), origin, "{path}");
            assert_eq!(field(fields, "link"), link, "{path}");
        }
    }
    // 304 has them too.
    let tag = field(&ask(&files, "/fonts/a.woff2").response.fields, "etag").to_owned();
    let known = Request::get("a.test", "/fonts/a.woff2").with("if-none-match", &tag);
    let reply = files.answer(&Ask::from(&known), SystemTime::now() + Duration::from_secs(3600));
    let fields = &reply.response.fields;
    assert_eq!((reply.response.status, field(fields, "access-control-allow-origin")), (304, "*"));
    assert_eq!(field(fields, "cache-control"), "max-age=31536000, immutable");
}

#[test]
fn a_field_that_cannot_be_added_is_an_error() {
    let site = Scratch::new("fields");
    for (name, value) in [
        ("", "x"),
        ("X-Upper", "x"),
        ("a b", "x"),
        (":status", "200"),
        ("x", "a\r\nb: c"),
        ("x", "a\nb"),
        ("x", "\0"),
        ("x", " a"),
        ("content-length", "5"),
        ("transfer-encoding", "chunked"),
        ("etag", "\"x\""),
        ("connection", "close"),
    ] {
        let options = Options { fields: vec![rule("*", name, value)], ..Options::default() };
        let error = Files::with(site.path(), options).expect_err(name);
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput, "{name}: {value:?}");
    }
}

#[test]
fn addresses_without_endings_mean_pages() {
    let site = Scratch::new("clean");
    site.write("index.html", "front");
    site.write("about.html", "about");
    site.write("both.html", "page");
    site.write("both/index.html", "folder");
    site.write("docs/index.html", "docs");
    site.write("docs/a b.html", "blank");
    site.write("taken", "taken");
    site.write("taken.html", "other");
    site.write("bare/note.txt", "note");
    site.write("style.css", "a{}");
    let off = Files::new(site.path()).expect("the folder");
    assert_eq!(ask(&off, "/about").response.status, 404);
    assert_eq!(ask(&off, "/about.html").response.status, 200);
    let files =
        Files::with(site.path(), Options { clean_urls: true, ..Options::default() }).expect("the folder");
    for (path, expected) in [
        ("/", "front"),
        ("/about", "about"),
        ("/about?q", "about"),
        ("/about.html", "-> /about"),
        ("/about.html?a=b", "-> /about?a=b"),
        ("/about/", "-> /about"),
        ("/index.html", "-> /"),
        ("/docs/index.html", "-> /docs/"),
        ("/docs", "-> /docs/"),
        ("/docs/", "docs"),
        ("/docs/a%20b", "blank"),
        ("/docs/a%20b.html", "-> /docs/a%20b"),
        ("/both", "page"),
        ("/both/", "folder"),
        ("/taken", "taken"),
        ("/taken.html", "other"),
        ("/style.css", "a{}"),
        ("/bare", "-> /bare/"),
        ("/bare/", "404"),
        ("/.html", "404"),
        ("/docs/.html", "404"),
        ("/none/", "404"),
        ("//evil.test/about.html", "404"),
        ("/about.html/", "404"),
    ] {
        for _ in 0..2 {
            let reply = ask(&files, path);
            let got = match reply.response.status {
                200 => text(reply),
                301 => format!("-> {}", field(&reply.response.fields, "location")),
                status => status.to_string(),
            };
            assert_eq!(got, expected, "{path}");
        }
    }
}

#[test]
fn a_configuration_file_has_these_choices() {
    let mut folder = crate::config::Folder::new("/srv/www".into());
    folder.error_pages = vec![page("503", "errors/503.html")];
    folder.fields = vec![rule("*", "x-frame-options", "DENY")];
    (folder.listing, folder.compress, folder.precompressed) = (true, true, false);
    let options = folder.options();
    assert!(options.listings.is_some() && options.compress.is_some() && !options.precompressed);
    assert_eq!(options.error_pages, [page("503", "errors/503.html"), page("404", "404.html")]);
    assert_eq!(options.fields, [rule("*", "x-frame-options", "DENY")]);
    (folder.listing, folder.compress, folder.precompressed) = (false, false, true);
    let options = folder.options();
    assert!(options.listings.is_none() && options.compress.is_none() && options.precompressed);
}

#[test]
fn a_site_adds_fields_in_lower_case_alone() {
    assert!(check_field("x-added", "a").is_ok());
    for name in ["X-Added", "x-addeD", "x added", ""] {
        assert!(check_field(name, "a").is_err(), "{name:?}"); // spec: 9113-8.2-b
    }
}
