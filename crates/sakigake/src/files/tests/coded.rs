//! What goes out to whom when a file has coded forms.

use super::super::{Ask, Body, Compress, FieldRule, Files, Options, Reply};
use crate::scratch::Scratch;
use sakigake_semantics::{Fields, Request};
use std::fs;
use std::io::Read;
use std::time::{Duration, SystemTime};

fn later() -> SystemTime {
    SystemTime::now() + Duration::from_secs(3600)
}

fn ask(files: &Files, method: &str, path: &str, fields: &[(&str, &str)]) -> Reply {
    let fields = fields.iter().copied().collect();
    let request = Request { fields, ..Request::new(method, "", path) };
    files.answer(&Ask::from(&request), later())
}

fn get(files: &Files, path: &str, accepted: &str) -> Reply {
    ask(files, "GET", path, &[("accept-encoding", accepted)])
}

fn field<'a>(fields: &'a Fields, name: &'a str) -> &'a str {
    fields.find(name.as_bytes()).map_or("", |value| std::str::from_utf8(value).expect("ASCII"))
}

/// The bytes of a body, decoded.
fn content(reply: Reply) -> String {
    let coding = field(&reply.response.fields, "content-encoding").to_owned();
    let bytes = reply.body.whole().expect("readable");
    let mut text = String::new();
    match coding.as_str() {
        "zstd" => zstd::stream::read::Decoder::new(&*bytes).expect("a decoder").read_to_string(&mut text),
        "br" => brotli::Decompressor::new(&*bytes, 4096).read_to_string(&mut text),
        "gzip" => flate2::read::GzDecoder::new(&*bytes).read_to_string(&mut text),
        _ => return String::from_utf8(bytes).expect("text"),
    }
    .expect("it is coded as it says");
    text
}

/// A file with all forms beside it; the bytes of the forms are such as to be told apart.
fn stored() -> (Scratch, Files) {
    let site = Scratch::new("coded");
    site.write("app.js", "let plain = 1;");
    site.write("app.js.gz", "the form named gzip");
    site.write("app.js.br", "the form named br");
    site.write("app.js.zst", "the form named zstd");
    site.write("lone.js", "let lone = 1;");
    site.write("image.png", "pixels");
    site.write("image.png.gz", "packed pixels");
    let files = Files::new(site.path()).expect("the folder");
    (site, files)
}

#[test]
fn the_form_that_the_client_likes_best_is_sent() {
    // spec: 9110-12.5.3-a
    // spec: 9110-12.5.5-a
    // spec: 9110-8.4-a
    let (_site, files) = stored();
    for (accepted, expected) in [
        ("", ""),
        ("deflate, compress", ""),
        ("gzip", "gzip"),
        ("gzip, deflate, br, zstd", "br"), // The shortest among equals.
        ("gzip, br;q=0.9, zstd;q=0.1", "gzip"),
        ("x-gzip;q=0.5, identity;q=0.2", "gzip"),
        ("gzip;q=0.5, identity", ""),
        ("*", "br"),
        ("*, br;q=0", "zstd"),
        ("zstd, *;q=0", "zstd"),
    ] {
        for _ in 0..2 {
            let reply = get(&files, "/app.js", accepted);
            let fields = &reply.response.fields;
            assert_eq!(
                (reply.response.status, field(fields, "content-encoding")),
                (200, expected),
                "{accepted}"
            );
            assert_eq!(field(fields, "vary"), "accept-encoding");
            assert_eq!(field(fields, "content-type"), "text/javascript; charset=utf-8");
            let body = reply.body.whole().expect("readable");
            assert_eq!(field(&reply.response.fields, "content-length"), body.len().to_string());
            let expected = match expected {
                "" => "let plain = 1;".to_owned(),
                coding => format!("the form named {coding}"),
            };
            assert_eq!(String::from_utf8(body), Ok(expected));
        }
    }
}

#[test]
fn who_refuses_all_that_there_is_gets_nothing() {
    // spec: 9110-12.5.3-c
    let (_site, files) = stored();
    for (path, accepted, status) in [
        ("/app.js", "identity;q=0", 406),
        ("/app.js", "*;q=0", 406),
        ("/app.js", "compress, *;q=0", 406),
        ("/app.js", "br, *;q=0", 200),
        // What has one form alone is not up for choice.
        ("/lone.js", "*;q=0", 200),
    ] {
        let reply = get(&files, path, accepted);
        assert_eq!(reply.response.status, status, "{accepted}");
        if status == 406 {
            assert_eq!(field(&reply.response.fields, "vary"), "accept-encoding");
        }
    }
}

#[test]
fn what_has_one_form_does_not_vary() {
    let (_site, files) = stored();
    for path in ["/lone.js", "/image.png"] {
        let reply = get(&files, path, "gzip");
        assert_eq!(
            (field(&reply.response.fields, "vary"), field(&reply.response.fields, "content-encoding")),
            ("", "")
        );
    }
    let files =
        Files::with(files.root(), Options { precompressed: false, ..Options::default() }).expect("a folder");
    assert_eq!(field(&get(&files, "/app.js", "gzip").response.fields, "vary"), "");
}

#[test]
fn a_form_can_be_asked_for_by_its_own_name() {
    let (_site, files) = stored();
    let reply = get(&files, "/app.js.gz", "gzip");
    let fields = &reply.response.fields;
    assert_eq!((field(fields, "content-type"), field(fields, "content-encoding")), ("application/gzip", ""));
    assert_eq!(content(reply), "the form named gzip");
}

#[test]
fn each_form_has_a_tag_of_its_own_and_conditions_and_ranges() {
    // spec: 9110-8.8.3-a
    let (_site, files) = stored();
    let codings = ["identity", "gzip", "br", "zstd"];
    let tags =
        codings.map(|coding| field(&get(&files, "/app.js", coding).response.fields, "etag").to_owned());
    for (coding, tag) in codings.iter().zip(&tags) {
        assert!(tag.starts_with('"') && tags.iter().filter(|other| *other == tag).count() == 1, "{tags:?}");
        for other in codings {
            let known = ask(&files, "GET", "/app.js", &[("accept-encoding", other), ("if-none-match", tag)]);
            assert_eq!(known.response.status, if *coding == other { 304 } else { 200 });
            assert_eq!(field(&known.response.fields, "vary"), "accept-encoding");
        }
        let range = [("accept-encoding", *coding), ("range", "bytes=1-3"), ("if-range", tag)];
        let part = ask(&files, "GET", "/app.js", &range);
        assert_eq!(part.response.status, 206);
        let all = get(&files, "/app.js", coding).body.whole().expect("readable");
        assert_eq!(field(&part.response.fields, "content-range"), format!("bytes 1-3/{}", all.len()));
        assert_eq!(part.body.whole().expect("readable"), all[1..4]);
        let (get, head) =
            (get(&files, "/app.js", coding), ask(&files, "HEAD", "/app.js", &[("accept-encoding", coding)]));
        assert_eq!(get.response, head.response);
        assert!(head.body.is_empty());
    }
}

#[test]
fn a_time_does_not_tell_forms_apart() {
    // spec: 9110-8.8.1-a
    let (site, files) = stored();
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    for name in ["app.js", "app.js.gz", "app.js.br", "app.js.zst", "lone.js"] {
        let file = fs::File::options().write(true).open(site.path().join(name)).expect("a file");
        file.set_modified(time).expect("set");
    }
    for (path, status) in [("/app.js", 200), ("/lone.js", 206)] {
        let time = field(&get(&files, path, "identity").response.fields, "last-modified").to_owned();
        assert_eq!(time, "Mon, 12 Jan 1970 13:46:40 GMT");
        // A part of the file as it is, and the rest of it coded, would make neither.
        let fields = [("accept-encoding", "gzip"), ("range", "bytes=5-"), ("if-range", &*time)];
        assert_eq!(ask(&files, "GET", path, &fields).response.status, status, "{path}");
    }
}

#[test]
fn a_form_that_is_older_than_its_file_is_not_sent() {
    let (site, files) = stored();
    let set = |name: &str, seconds| {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        fs::File::options()
            .write(true)
            .open(site.path().join(name))
            .expect("a file")
            .set_modified(time)
            .expect("set");
    };
    set("app.js", 1_000_000);
    set("app.js.br", 999_999);
    set("app.js.zst", 1_000_000);
    set("app.js.gz", 1_000_001);
    for (accepted, expected) in [("br", ""), ("zstd", "zstd"), ("gzip", "gzip"), ("br, gzip;q=0.5", "gzip")] {
        assert_eq!(field(&get(&files, "/app.js", accepted).response.fields, "content-encoding"), expected);
    }
}

#[test]
fn a_form_that_comes_or_goes_is_seen_when_the_file_is_opened_anew() {
    let (site, files) = stored();
    let at = |now| {
        let fields = [("accept-encoding", "br")].into_iter().collect();
        let request = Request { fields, ..Request::get("", "/app.js") };
        field(&files.answer(&Ask::from(&request), now).response.fields, "content-encoding").to_owned()
    };
    let now = later();
    assert_eq!(at(now), "br");
    fs::remove_file(site.path().join("app.js.br")).expect("removed");
    assert_eq!(at(now + Duration::from_secs(1)), "");
    site.write("app.js.br", "again");
    assert_eq!(at(now + Duration::from_secs(2)), "br");
}

fn compressing(site: &Scratch, compress: Compress) -> Files {
    let options = Options { compress: Some(compress), ..Options::default() };
    Files::with(site.path(), options).expect("the folder")
}

fn text(len: usize) -> String {
    "what is said often is said shortly, and ".chars().cycle().take(len).collect()
}

#[test]
fn a_small_file_is_compressed_once() {
    let site = Scratch::new("coded");
    site.write("page.html", text(20_000));
    let files = compressing(&site, Compress::default());
    for coding in ["zstd", "br", "gzip"] {
        let first = get(&files, "/page.html", coding);
        let fields = first.response.fields.clone();
        assert_eq!((field(&fields, "content-encoding"), field(&fields, "vary")), (coding, "accept-encoding"));
        assert!(field(&fields, "etag").starts_with("W/\"") && field(&fields, "etag").contains(coding));
        assert_eq!(field(&fields, "accept-ranges"), "");
        let len: u64 = field(&fields, "content-length").parse().expect("a number");
        assert!(len < 2_000 && first.body.len() == Some(len));
        assert!(content(first) == text(20_000));
        let mut places =
            [(); 2].map(|()| match get(&files, "/page.html", coding).body.next_piece(usize::MAX) {
                Ok(Some(sakigake_semantics::Chunk::Shared(bytes))) => bytes.as_ptr(),
                other => panic!("{other:?}"),
            });
        places.sort_unstable();
        assert_eq!(places[0], places[1]);
        let tag = field(&fields, "etag");
        let known = ask(&files, "GET", "/page.html", &[("accept-encoding", coding), ("if-none-match", tag)]);
        assert_eq!((known.response.status, known.body.is_empty()), (304, true));
        // Parts of what another release of the encoder would write otherwise are not sent.
        let part = ask(&files, "GET", "/page.html", &[("accept-encoding", coding), ("range", "bytes=0-9")]);
        assert_eq!(part.response.status, 200);
        let head = ask(&files, "HEAD", "/page.html", &[("accept-encoding", coding)]);
        assert_eq!(head.response.fields, fields);
    }
    let plain = ask(&files, "GET", "/page.html", &[("range", "bytes=0-9")]);
    assert_eq!((plain.response.status, field(&plain.response.fields, "vary")), (206, "accept-encoding"));
}

#[test]
fn what_gains_nothing_is_sent_as_it_is() {
    let site = Scratch::new("coded");
    let mut state = 1_u64;
    let noise: Vec<u8> = (0..4000)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        })
        .collect();
    for (name, bytes) in [
        ("noise.txt", noise.as_slice()),
        ("short.txt", &[b'a'; 1023]),
        ("long.txt", &[b'a'; 5001]),
        ("image.png", &[b'a'; 4000]),
        ("unknown.xyz", &[b'a'; 4000]),
        ("fixed.txt", &[b'a'; 4000]),
    ] {
        site.write(name, bytes);
    }
    let rule = FieldRule {
        pattern: "fixed.*".into(),
        name: "cache-control".into(),
        value: "max-age=60, No-Transform".into(),
    };
    let compress = Some(Compress { most_bytes: 5000, ..Compress::default() });
    let options = Options { compress, fields: vec![rule], ..Options::default() };
    let files = Files::with(site.path(), options).expect("the folder");
    for name in ["noise.txt", "short.txt", "long.txt", "image.png", "unknown.xyz", "fixed.txt"] {
        let reply = get(&files, &format!("/{name}"), "gzip");
        assert_eq!(
            (reply.response.status, field(&reply.response.fields, "content-encoding")),
            (200, ""),
            "{name}"
        );
    }
    site.write("long.txt", [b'a'; 5000]);
    site.write("short.txt", [b'a'; 1024]);
    std::thread::sleep(Duration::from_millis(2));
    for name in ["long.txt", "short.txt"] {
        let reply = get(&files, &format!("/{name}"), "gzip");
        assert_eq!(field(&reply.response.fields, "content-encoding"), "gzip", "{name}");
    }
}

#[test]
fn a_large_file_is_compressed_as_it_goes() {
    let site = Scratch::new("coded");
    site.write("large.txt", text(300_000));
    let files = compressing(&site, Compress { streams: 1, ..Compress::default() });
    for coding in ["zstd", "br", "gzip"] {
        let head = ask(&files, "HEAD", "/large.txt", &[("accept-encoding", coding)]);
        let mut reply = get(&files, "/large.txt", coding);
        assert_eq!(reply.response, head.response);
        let fields = reply.response.fields.clone();
        assert_eq!((field(&fields, "content-encoding"), field(&fields, "content-length")), (coding, ""));
        assert_eq!((reply.body.len(), reply.body.is_costly(), reply.body.is_empty()), (None, true, false));
        // Its place is taken: who comes next gets the file as it is.
        let other = get(&files, "/large.txt", coding);
        assert_eq!(field(&other.response.fields, "content-encoding"), "");
        assert_eq!(field(&other.response.fields, "content-length"), "300000");
        // In pieces as small as the front has room for, the last of which is known to be the last.
        let mut bytes = Vec::new();
        while !reply.body.is_empty() {
            let piece = reply.body.next_piece(100).expect("readable").expect("not the end");
            assert!((1..=100).contains(&piece.as_ref().len()));
            bytes.extend_from_slice(piece.as_ref());
        }
        assert!(reply.body.next_piece(100).expect("readable").is_none());
        reply.body = Body::bytes(sakigake_semantics::Chunk::Owned(bytes));
        assert!(content(reply) == text(300_000));
    }
}

#[test]
fn a_large_file_that_shrinks_ends_in_an_error() {
    let site = Scratch::new("coded");
    let path = site.write("large.txt", text(300_000));
    let files = compressing(&site, Compress::default());
    let mut body = get(&files, "/large.txt", "zstd").body;
    body.next_piece(usize::MAX).expect("readable");
    fs::File::options().write(true).open(path).expect("the file").set_len(20).expect("shorter");
    assert!(body.next_piece(usize::MAX).is_err());
}

#[test]
fn what_lies_beside_a_file_comes_before_what_is_made() {
    let (site, _) = stored();
    site.write("app.js", text(5000));
    std::thread::sleep(Duration::from_millis(20));
    site.write("app.js.gz", "stored");
    let files = compressing(&site, Compress::default());
    for (accepted, expected, is_stored) in
        [("gzip, br, zstd", "gzip", true), ("br, gzip;q=0.9", "br", false), ("zstd", "zstd", false)]
    {
        let reply = get(&files, "/app.js", accepted);
        assert_eq!(field(&reply.response.fields, "content-encoding"), expected, "{accepted}");
        assert_eq!(!field(&reply.response.fields, "etag").starts_with("W/"), is_stored);
    }
}
