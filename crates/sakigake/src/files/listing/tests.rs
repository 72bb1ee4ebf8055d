use super::super::{Ask, Files, Options, Reply};
use super::{Entry, Key, Listings, Sort, wants_json};
use crate::scratch::Scratch;
use sakigake_semantics::{Fields, Request};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::time::{Duration, SystemTime};

fn open(site: &Scratch, entries: usize) -> Files {
    let options = Options { listings: Some(Listings { entries }), ..Options::default() };
    Files::with(site.path(), options).expect("the folder")
}

fn ask(files: &Files, method: &str, path: &str, fields: &[(&str, &str)]) -> Reply {
    let fields = fields.iter().copied().collect();
    let request = Request { fields, ..Request::new(method, "", path) };
    files.answer(&Ask::from(&request), SystemTime::now() + Duration::from_secs(3600))
}

fn field<'a>(fields: &'a Fields, name: &'a str) -> &'a str {
    fields.find(name.as_bytes()).map_or("", |value| std::str::from_utf8(value).expect("ASCII"))
}

fn text(reply: Reply) -> String {
    String::from_utf8(reply.body.whole().expect("readable")).expect("text")
}

/// The references of a page in order, but for those of its head.
fn references(page: &str) -> Vec<&str> {
    let body = page.split_once("<tbody>").expect("a table").1;
    body.split("href=\"").skip(1).filter_map(|rest| rest.split_once('"')).map(|(href, _)| href).collect()
}

#[test]
fn a_folder_is_listed_only_where_the_site_wants_it() {
    let site = Scratch::new("listing");
    site.write("a.txt", "a");
    site.write("sub/index.html", "sub");
    assert_eq!(ask(&Files::new(site.path()).expect("the folder"), "GET", "/", &[]).response.status, 404);
    let files = open(&site, 10);
    let reply = ask(&files, "GET", "/", &[]);
    let fields = reply.response.fields.clone();
    assert_eq!((reply.response.status, field(&fields, "content-type")), (200, "text/html; charset=utf-8"));
    assert_eq!((field(&fields, "vary"), field(&fields, "cache-control")), ("accept", "no-cache"));
    assert_eq!(field(&fields, "content-security-policy"), "default-src 'none'; style-src 'unsafe-inline'");
    let head = ask(&files, "HEAD", "/", &[]);
    assert!(head.response == reply.response && head.body.is_empty());
    let page = text(reply);
    assert_eq!(field(&fields, "content-length"), page.len().to_string());
    assert_eq!(references(&page), ["./sub/", "./a.txt"]);
    let known = ask(&files, "GET", "/", &[("if-none-match", field(&fields, "etag"))]);
    assert_eq!((known.response.status, known.body.is_empty()), (304, true));
    for (path, status) in [("/sub/", 200), ("/none/", 404), ("/a.txt/", 404), ("/none", 404)] {
        assert_eq!(ask(&files, "GET", path, &[]).response.status, status, "{path}");
    }
    assert_eq!(text(ask(&files, "GET", "/sub/", &[])), "sub");
}

#[test]
fn hidden_names_and_what_cannot_be_served_are_left_out() {
    let (site, outside) = (Scratch::new("listing"), Scratch::new("listing"));
    outside.write("secret.txt", "secret");
    site.write("sub/a.txt", "inside");
    site.write("sub/.hidden", "hidden");
    site.write("other/b.txt", "inside");
    let sub = site.path().join("sub");
    symlink(outside.path().join("secret.txt"), sub.join("out.txt")).expect("a link");
    symlink(outside.path(), sub.join("out")).expect("a link");
    symlink("nowhere", sub.join("broken")).expect("a link");
    symlink("../other", sub.join("in")).expect("a link");
    symlink("a.txt", sub.join("same.txt")).expect("a link");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        sub.join("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .expect("a pipe can be made");
    let page = text(ask(&open(&site, 10), "GET", "/sub/", &[]));
    assert_eq!(references(&page), ["../", "./in/", "./a.txt", "./same.txt"]);
    for absent in ["secret", "hidden", "out", "pipe", "broken"] {
        assert!(!page.contains(&format!(">{absent}")), "{absent}");
    }
}

#[test]
fn no_name_is_more_than_text() {
    let site = Scratch::new("listing");
    let names: [&[u8]; 9] = [
        b"<img src=x onerror=alert(1)>.txt",
        b"a\"b'c&amp;.txt",
        b"javascript:alert(1)",
        b"line\nbreak",
        b"\xff\xfe.bin",
        "photo\u{202e}gpj.exe".as_bytes(),
        b"back\\slash",
        b"a%2fb?c#d",
        "\u{65e5}\u{672c}.txt".as_bytes(),
    ];
    for name in names {
        fs::write(site.path().join(OsStr::from_bytes(name)), "x").expect("written");
    }
    let files = open(&site, 20);
    let page = text(ask(&files, "GET", "/", &[]));
    let rows = page.split_once("<tbody>").expect("a table").1;
    for shown in [
        "<bdi>&lt;img src=x onerror=alert(1)&gt;.txt</bdi>",
        "<bdi>a&quot;b&#39;c&amp;amp;.txt</bdi>",
        "href=\"./javascript:alert(1)\"",
        "<td><bdi>line[U+000A]break</bdi>",
        "<bdi>\u{fffd}\u{fffd}.bin</bdi>",
        "href=\"./%FF%FE.bin\"",
        "<bdi>photo[U+202E]gpj.exe</bdi>",
        "<td><bdi>back\\slash</bdi>",
        "href=\"./a%252fb%3Fc%23d\"",
        "<bdi>\u{65e5}\u{672c}.txt</bdi>",
    ] {
        assert!(rows.contains(shown), "{shown}: {rows}");
    }
    assert!(!rows.contains("<img") && !rows.contains('\u{202e}'));
    // Each reference leads to its file.
    let references = references(&page);
    assert_eq!(references.len(), 7);
    for reference in references {
        assert_eq!(ask(&files, "GET", &reference[1..], &[]).response.status, 200, "{reference}");
    }
}

#[test]
fn a_listing_is_sorted_as_the_query_says() {
    let site = Scratch::new("listing");
    for (name, len, seconds) in [("b.txt", 3, 20), ("A.txt", 1, 30), ("c.txt", 2, 10)] {
        let path = site.write(name, "x".repeat(len));
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds);
        fs::File::options().write(true).open(path).expect("a file").set_modified(time).expect("set");
    }
    site.write("z/x", "");
    let files = open(&site, 10);
    for (query, expected) in [
        ("", ["./z/", "./A.txt", "./b.txt", "./c.txt"]),
        ("?sort=name&order=desc", ["./z/", "./c.txt", "./b.txt", "./A.txt"]),
        ("?sort=size", ["./z/", "./A.txt", "./c.txt", "./b.txt"]),
        ("?order=desc&sort=size", ["./z/", "./b.txt", "./c.txt", "./A.txt"]),
        ("?sort=time", ["./z/", "./c.txt", "./b.txt", "./A.txt"]),
        ("?sort=<script>&order=x", ["./z/", "./A.txt", "./b.txt", "./c.txt"]),
    ] {
        let page = text(ask(&files, "GET", &format!("/{query}").replace(['<', '>'], "%3C"), &[]));
        assert_eq!(references(&page), expected, "{query}");
        assert!(!page.contains("script"));
    }
}

#[test]
fn a_listing_has_so_many_names_and_says_so() {
    let site = Scratch::new("listing");
    (0..11).for_each(|number| drop(site.write(&format!("{number}.txt"), "")));
    for (entries, expected, says) in [(12, 11, false), (11, 11, false), (10, 10, true), (0, 0, true)] {
        let page = text(ask(&open(&site, entries), "GET", "/", &[]));
        assert_eq!((references(&page).len(), page.contains("There is more")), (expected, says), "{entries}");
        let json = text(ask(&open(&site, entries), "GET", "/", &[("accept", "application/json")]));
        assert_eq!(json.contains("\"cut\":true"), says);
    }
    // A folder full of hidden names is not read to its end.
    (0..50).for_each(|number| drop(site.write(&format!(".{number}"), "")));
    let page = text(ask(&open(&site, 12), "GET", "/", &[]));
    assert!(page.contains("There is more"));
}

#[test]
fn programs_get_json() {
    let site = Scratch::new("listing");
    let path = site.write("a \"b\"<c>.txt", "12345");
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
    fs::File::options().write(true).open(path).expect("a file").set_modified(time).expect("set");
    let reply = ask(&open(&site, 10), "GET", "/", &[("accept", "application/json")]);
    assert_eq!(field(&reply.response.fields, "content-type"), "application/json");
    assert_eq!(
        text(reply),
        "{\"path\":\"/\",\"cut\":false,\"entries\":[\n\
         {\"name\":\"a \\\"b\\\"\\u003cc\\u003e.txt\",\"href\":\"./a%20%22b%22%3Cc%3E.txt\",\"type\":\"file\",\"bytes\":5,\
         \"modified\":\"2026-01-01T00:00:00Z\"}\n]}\n"
    );
    for (accept, expected) in [
        ("application/json", true),
        ("application/json, text/html;q=0.9", true),
        ("text/html,application/xhtml+xml,*/*;q=0.8", false),
        ("*/*", false),
        ("application/*", true),
        ("text/html, application/json", false),
        ("*/*, text/html;q=0.5", true),
        ("application/json;q=0, */*", false),
        ("", false),
    ] {
        assert_eq!(wants_json(Some(accept.as_bytes())), expected, "{accept}");
    }
    assert!(!wants_json(None));
}

#[test]
fn times_beyond_all_calendars_are_left_out() {
    let mut stat = rustix::fs::stat("/").expect("the root");
    for (seconds, is_shown) in
        [(0, true), (253_402_300_799, true), (253_402_300_800, false), (i64::MAX, false), (-1, false)]
    {
        stat.st_mtime = seconds;
        let entry = Entry::of(b"a", &stat).expect("a folder");
        assert_eq!(entry.modified.is_some(), is_shown, "{seconds}");
        let listing = super::Listing {
            segments: vec![],
            entries: vec![entry],
            is_cut: false,
            sort: Sort { key: Key::Name, is_descending: false },
        };
        assert!(super::html::page(&listing).contains("./a/") && super::json::page(&listing).contains("./a/"));
    }
}
