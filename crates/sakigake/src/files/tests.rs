mod coded;
mod options;

use super::{Ask, Files, PIECE_BYTES, Reply};
use crate::scratch::Scratch;
use sakigake_semantics::{Cut, Fields, Request, Source};
use std::fs;
use std::os::unix::fs::symlink;
use std::time::{Duration, SystemTime};

/// Written long enough ago that its validators are strong.
fn later() -> SystemTime {
    SystemTime::now() + Duration::from_secs(3600)
}

/// 1 January 2026.
const MODIFIED: &str = "Thu, 01 Jan 2026 00:00:00 GMT";

fn site() -> (Scratch, Files) {
    let site = Scratch::new("files");
    site.write("index.html", "<!doctype html><title>front</title>");
    site.write("style.css", "a{}");
    site.write("sub/index.html", "<!doctype html><title>sub</title>");
    site.write("bare/note.txt", "note");
    site.write(".env", "secret");
    site.write(".git/config", "secret");
    site.write(".well-known/security.txt", "contact");
    let path = site.write("ten.bin", "0123456789");
    let modified = httpdate::parse_http_date(MODIFIED).expect("a date") + Duration::from_millis(500);
    fs::File::options().write(true).open(path).expect("the file").set_modified(modified).expect("a time");
    let files = Files::new(site.path()).expect("the folder");
    (site, files)
}

fn ask_at(files: &Files, method: &str, path: &str, fields: &[(&str, &str)], now: SystemTime) -> Reply {
    let request = Request { fields: fields.iter().copied().collect(), ..Request::new(method, "", path) };
    files.answer(&Ask::from(&request), now)
}

fn ask(files: &Files, method: &str, path: &str, fields: &[(&str, &str)]) -> Reply {
    ask_at(files, method, path, fields, later())
}

fn field<'a>(fields: &'a Fields, name: &'a str) -> &'a str {
    fields.find(name.as_bytes()).map_or("", |value| std::str::from_utf8(value).expect("ASCII"))
}

fn text(reply: Reply) -> String {
    String::from_utf8(reply.body.whole().expect("readable")).expect("text")
}

#[test]
fn a_file_comes_with_type_length_and_validators() {
    let (_site, files) = site();
    for (path, kind, body) in [
        ("/", "text/html; charset=utf-8", "<!doctype html><title>front</title>"),
        ("/index.html", "text/html; charset=utf-8", "<!doctype html><title>front</title>"),
        ("/style.css?v=3", "text/css; charset=utf-8", "a{}"),
        ("/sub/", "text/html; charset=utf-8", "<!doctype html><title>sub</title>"),
        ("/%73tyle.css", "text/css; charset=utf-8", "a{}"),
        ("/.well-known/security.txt", "text/plain; charset=utf-8", "contact"),
    ] {
        let reply = ask(&files, "GET", path, &[]);
        assert_eq!(reply.response.status, 200, "{path}");
        let fields = &reply.response.fields;
        assert_eq!(field(fields, "content-type"), kind, "{path}");
        assert_eq!(field(fields, "content-length"), body.len().to_string());
        assert_eq!(field(fields, "x-content-type-options"), "nosniff");
        assert_eq!(field(fields, "accept-ranges"), "bytes");
        assert_eq!(field(fields, "cache-control"), "no-cache");
        assert!(field(fields, "etag").starts_with('"'), "{path}");
        assert!(field(fields, "last-modified").ends_with(" GMT"));
        assert_eq!(text(reply), body);
    }
}

#[test]
fn head_says_what_get_would_say() {
    // spec: 9110-9.3.2-a
    let (_site, files) = site();
    for path in ["/", "/ten.bin", "/nothing", "/sub", "/%zz"] {
        let (get, head) = (ask(&files, "GET", path, &[]), ask(&files, "HEAD", path, &[]));
        assert_eq!(head.response, get.response, "{path}");
        assert!(head.body.is_empty() && !get.body.is_empty(), "{path}");
    }
}

#[test]
fn other_methods_are_told_which_are_allowed() {
    // spec: 9110-15.5.6-a
    let (_site, files) = site();
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get", "", "CONNECT"] {
        let reply = ask(&files, method, "/", &[]);
        assert_eq!(
            (reply.response.status, field(&reply.response.fields, "allow")),
            (405, "GET, HEAD"),
            "{method}"
        );
    }
}

#[test]
fn a_folder_is_asked_for_with_its_slash() {
    let (_site, files) = site();
    let reply = ask(&files, "GET", "/sub?a=b", &[]);
    assert_eq!((reply.response.status, field(&reply.response.fields, "location")), (301, "/sub/?a=b"));
    for path in ["/bare/", "/style.css/", "/sub/index.html/", "/nothing", "/nothing/", "/style.css/x"] {
        assert_eq!(ask(&files, "GET", path, &[]).response.status, 404, "{path}");
    }
}

#[test]
fn nothing_outside_the_folder_is_ever_served() {
    let (site, _) = site();
    site.write("secret.txt", "outside");
    site.write("www/inside.txt", "inside");
    let www = site.path().join("www");
    for (link, to) in [
        ("file", "../secret.txt"),
        ("folder", ".."),
        ("absolute", "/etc/passwd"),
        ("root", "/"),
        ("process", "/proc/self/root"),
        ("loop", "loop"),
        ("hop", "within"),
        ("inner", "inside.txt"),
    ] {
        symlink(to, www.join(link)).expect("a link");
    }
    symlink("..", www.join("within")).expect("a link");
    let files = Files::new(&www).expect("the folder");
    for path in [
        "/file",
        "/folder",
        "/folder/",
        "/folder/secret.txt",
        "/absolute",
        "/root/etc/passwd",
        "/process/etc/passwd",
        "/loop",
        "/hop/secret.txt",
        "/hop/www/inside.txt",
        "/within/secret.txt",
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e%2fsecret.txt",
        "/..%5csecret.txt",
        "/%252e%252e/secret.txt",
        "//etc/passwd",
        "/%2fetc/passwd",
        "/.%00./secret.txt",
        "/inside.txt%00.html",
        "/%c0%ae%c0%ae/secret.txt",
        "/%uff0e%uff0e/secret.txt",
        "/..;/secret.txt",
        "/.../secret.txt",
        "/file:///etc/passwd",
    ] {
        let reply = ask(&files, "GET", path, &[]);
        assert!(matches!(reply.response.status, 400 | 404), "{path}: {}", reply.response.status);
        assert!(!text(reply).contains("outside"), "{path}");
    }
    assert_eq!(ask(&files, "GET", "/inside.txt", &[]).response.status, 200);
    // Inside the folder a link is followed where the kernel can hold it there.
    if cfg!(target_os = "linux") {
        assert!(matches!(ask(&files, "GET", "/inner", &[]).response.status, 200 | 404));
    }
}

#[test]
fn dotfiles_look_as_if_they_were_not_there() {
    let (_site, files) = site();
    let nothing = ask(&files, "GET", "/nothing", &[]);
    let page = text(ask(&files, "GET", "/nothing", &[]));
    for path in ["/.env", "/.git/config", "/.git", "/.git/", "/%2eenv", "/.well-known/.x", "/sub/.env"] {
        let reply = ask(&files, "GET", path, &[]);
        assert_eq!(reply.response, nothing.response, "{path}");
        assert_eq!(text(reply), page, "{path}");
    }
}

#[test]
fn a_pipe_in_the_folder_blocks_nobody() {
    let (site, files) = site();
    let (kind, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR);
    rustix::fs::mknodat(rustix::fs::CWD, site.path().join("pipe"), kind, mode, 0)
        .expect("a pipe can be made");
    assert_eq!(ask(&files, "GET", "/pipe", &[]).response.status, 404);
}

#[test]
fn a_site_may_have_a_404_page_of_its_own() {
    let (site, files) = site();
    assert!(text(ask(&files, "GET", "/<script>", &[])).contains("<h1>"));
    assert!(!text(ask(&files, "GET", "/%3Cscript%3E", &[])).contains("script"));
    site.write("404.html", "<p>ours");
    let reply = ask(&files, "GET", "/nothing", &[]);
    assert_eq!((reply.response.status, text(reply).as_str()), (404, "<p>ours"));
}

#[test]
fn conditions_keep_the_order_of_precedence() {
    // spec: 9110-13.2.2-a
    // spec: 9110-13.1.3-a
    let (_site, files) = site();
    let reply = ask(&files, "GET", "/ten.bin", &[]);
    let tag = field(&reply.response.fields, "etag").to_owned();
    assert_eq!(field(&reply.response.fields, "last-modified"), MODIFIED);
    let (weak, both) = (format!("W/{tag}"), format!("\"x,y\", {tag}"));
    let (before, after) = ("Wed, 31 Dec 2025 23:59:59 GMT", "Thu, 01 Jan 2026 00:00:01 GMT");
    for (fields, expected) in [
        (vec![("if-match", tag.as_str())], 200),
        (vec![("if-match", "*")], 200),
        (vec![("if-match", both.as_str())], 200),
        (vec![("if-match", "\"other\"")], 412),
        (vec![("if-match", weak.as_str())], 412),
        (vec![("if-match", "")], 412),
        (vec![("if-match", "\"a\""), ("if-match", tag.as_str())], 200),
        (vec![("if-match", tag.as_str()), ("if-unmodified-since", before)], 200),
        (vec![("if-match", "\"other\""), ("if-none-match", tag.as_str())], 412),
        (vec![("if-unmodified-since", MODIFIED)], 200),
        (vec![("if-unmodified-since", before)], 412),
        (vec![("if-unmodified-since", "yesterday")], 200),
        (vec![("if-none-match", tag.as_str())], 304),
        (vec![("if-none-match", weak.as_str())], 304),
        (vec![("if-none-match", both.as_str())], 304),
        (vec![("if-none-match", "*")], 304),
        (vec![("if-none-match", "\"other\"")], 200),
        (vec![("if-none-match", "\"unclosed")], 200),
        (vec![("if-none-match", tag.trim_matches('"'))], 200),
        (vec![("if-none-match", "\"other\""), ("if-modified-since", MODIFIED)], 200),
        (vec![("if-none-match", tag.as_str()), ("if-modified-since", before)], 304),
        (vec![("if-modified-since", MODIFIED)], 304),
        (vec![("if-modified-since", after)], 304),
        (vec![("if-modified-since", before)], 200),
        (vec![("if-modified-since", "never")], 200),
        (vec![("if-modified-since", MODIFIED), ("if-modified-since", MODIFIED)], 200),
        (vec![("if-modified-since", "Thursday, 01-Jan-26 00:00:00 GMT")], 304),
        (vec![("if-modified-since", "Thu Jan  1 00:00:00 2026")], 304),
        (vec![("if-none-match", tag.as_str()), ("range", "bytes=0-1")], 304),
        (vec![("if-match", "\"other\""), ("range", "bytes=0-1")], 412),
    ] {
        for method in ["GET", "HEAD"] {
            let reply = ask(&files, method, "/ten.bin", &fields);
            assert_eq!(reply.response.status, expected, "{method} {fields:?}");
            if expected == 304 {
                assert!(reply.body.is_empty());
                assert_eq!(field(&reply.response.fields, "etag"), tag);
            }
        }
    }
}

#[test]
fn ranges_come_as_asked() {
    // spec: 9110-15.3.7.1-a
    // spec: 9110-15.5.17-a
    let (_site, files) = site();
    for (range, status, content_range, body) in [
        ("bytes=0-0", 206, "bytes 0-0/10", "0"),
        ("bytes=2-4", 206, "bytes 2-4/10", "234"),
        ("bytes=7-", 206, "bytes 7-9/10", "789"),
        ("bytes=-2", 206, "bytes 8-9/10", "89"),
        ("bytes=0-3,2-5", 206, "bytes 0-5/10", "012345"),
        ("bytes=nonsense", 200, "", "0123456789"),
    ] {
        let reply = ask(&files, "GET", "/ten.bin", &[("range", range)]);
        assert_eq!(reply.response.status, status, "{range}");
        assert_eq!(field(&reply.response.fields, "content-range"), content_range);
        assert_eq!(field(&reply.response.fields, "content-length"), body.len().to_string());
        assert_eq!(text(reply), body, "{range}");
    }
    let beyond = ask(&files, "GET", "/ten.bin", &[("range", "bytes=10-")]);
    assert_eq!(
        (beyond.response.status, field(&beyond.response.fields, "content-range")),
        (416, "bytes */10")
    );
}

#[test]
fn a_range_of_head_is_ignored() {
    // spec: 9110-14.2-a
    let (_site, files) = site();
    let reply = ask(&files, "HEAD", "/ten.bin", &[("range", "bytes=0-1")]);
    assert_eq!((reply.response.status, field(&reply.response.fields, "content-length")), (200, "10"));
}

#[test]
fn if_range_lets_only_the_same_version_through() {
    // spec: 9110-13.1.5-a
    let (_site, files) = site();
    let tag = field(&ask(&files, "GET", "/ten.bin", &[]).response.fields, "etag").to_owned();
    let weak = format!("W/{tag}");
    for (value, expected) in [
        (tag.as_str(), 206),
        (weak.as_str(), 200),
        ("\"other\"", 200),
        (MODIFIED, 206),
        ("Thu, 01 Jan 2026 00:00:01 GMT", 200),
        ("nonsense", 200),
    ] {
        let fields = [("range", "bytes=0-1"), ("if-range", value)];
        assert_eq!(ask(&files, "GET", "/ten.bin", &fields).response.status, expected, "{value}");
    }
}

#[test]
fn a_file_that_has_just_changed_has_weak_validators() {
    let (_site, files) = site();
    let now = SystemTime::now();
    let tag = field(&ask_at(&files, "GET", "/style.css", &[], now).response.fields, "etag").to_owned();
    assert!(tag.starts_with("W/"), "{tag}");
    let fields = [("range", "bytes=0-1"), ("if-range", tag.as_str())];
    assert_eq!(ask_at(&files, "GET", "/style.css", &fields, now).response.status, 200);
    assert_eq!(ask(&files, "GET", "/style.css", &[("if-none-match", &tag)]).response.status, 304);
}

#[test]
fn a_file_from_the_future_was_modified_now() {
    // spec: 9110-8.8.2.1-a
    let (_site, files) = site();
    let now = httpdate::parse_http_date(MODIFIED).expect("a date") - Duration::from_secs(60);
    let reply = ask_at(&files, "GET", "/ten.bin", &[], now);
    assert_eq!(field(&reply.response.fields, "last-modified"), "Wed, 31 Dec 2025 23:59:00 GMT");
}

#[test]
fn a_changed_file_has_another_tag() {
    let (site, files) = site();
    let tag = || field(&ask(&files, "GET", "/style.css", &[]).response.fields, "etag").to_owned();
    let first = tag();
    assert_eq!(tag(), first);
    // What is kept in memory is trusted for a millisecond.
    std::thread::sleep(Duration::from_millis(2));
    site.write("new.css", "b{}");
    fs::rename(site.path().join("new.css"), site.path().join("style.css")).expect("a rename");
    assert_ne!(tag(), first);
}

#[test]
fn several_ranges_come_in_parts() {
    // spec: 9110-15.3.7.2-a
    let (site, files) = site();
    let content: Vec<u8> = (0..200_000_u32).map(|at| b'a' + (at % 23) as u8).collect();
    site.write("large.txt", &content);
    let reply = ask(&files, "GET", "/large.txt", &[("range", "bytes=0-9,1000-79999,-5")]);
    assert_eq!(reply.response.status, 206);
    let fields = reply.response.fields.clone();
    assert_eq!(field(&fields, "content-range"), "");
    let kind = field(&fields, "content-type");
    let boundary = kind.strip_prefix("multipart/byteranges; boundary=").expect("a boundary");
    let mut expected = String::new();
    for (first, last) in [(0, 9), (1000, 79_999), (199_995, 199_999)] {
        let part = std::str::from_utf8(&content[first..=last]).expect("ASCII");
        expected += &format!(
            "\r\n--{boundary}\r\ncontent-type: text/plain; charset=utf-8\r\n\
             content-range: bytes {first}-{last}/200000\r\n\r\n{part}"
        );
    }
    expected += &format!("\r\n--{boundary}--\r\n");
    assert_eq!(field(&fields, "content-length"), expected.len().to_string());
    assert!(text(reply) == expected);
}

#[test]
fn a_large_file_is_read_in_pieces() {
    let (site, files) = site();
    let content: Vec<u8> = (0..PIECE_BYTES * 2 + 7).map(|at| (at % 251) as u8).collect();
    let path = site.write("large.bin", &content);
    let mut body = ask(&files, "GET", "/large.bin", &[]).body;
    let mut seen = Vec::new();
    while let Some(piece) = body.next_piece(usize::MAX).expect("readable") {
        assert!(piece.as_ref().len() <= PIECE_BYTES);
        seen.extend_from_slice(piece.as_ref());
        assert_eq!(body.len(), Some((content.len() - seen.len()) as u64));
    }
    assert!(seen == content);
    // One that shrinks while it is read cannot be completed.
    let mut body = ask(&files, "GET", "/large.bin", &[]).body;
    body.next_piece(10).expect("readable");
    fs::File::options().write(true).open(path).expect("the file").set_len(20).expect("shorter");
    assert!(body.next_piece(PIECE_BYTES).is_err());
}

#[test]
fn a_stretch_of_a_file_is_read_to_where_it_leaves() {
    let (site, files) = site();
    let content: Vec<u8> = (0..PIECE_BYTES * 2 + 7).map(|at| (at % 251) as u8).collect();
    let path = site.write("large.bin", &content);
    let mut body = ask(&files, "GET", "/large.bin", &[("range", "bytes=3-70000,70500-70600")]).body;
    assert!(body.next_stretch().is_none(), "the part's head is next");
    body.next_piece(usize::MAX).expect("readable");
    let mut stretch = body.next_stretch().expect("the first part");
    assert_eq!(stretch.len(), 69_998);
    let mut out = vec![0; 69_990];
    let (head, tail) = out.split_at_mut(1_000);
    assert_eq!((stretch.fill(head), stretch.fill(tail), stretch.len()), (Ok(()), Ok(()), 8));
    assert!(out == content[3..69_993]);
    assert!(body.next_stretch().is_none(), "the next part's head is next");
    // One that shrinks while it is read cannot be completed.
    fs::File::options().write(true).open(path).expect("the file").set_len(69_995).expect("shorter");
    assert_eq!(stretch.fill(&mut [0; 8]), Err(Cut));
}

#[test]
fn an_empty_file_is_served() {
    let (site, files) = site();
    site.write("empty.txt", "");
    let reply = ask(&files, "GET", "/empty.txt", &[("range", "bytes=-5")]);
    assert_eq!((reply.response.status, field(&reply.response.fields, "content-length")), (200, "0"));
    assert!(reply.body.is_empty());
}

#[test]
fn a_folder_that_is_made_anew_is_served_again() {
    let (site, files) = site();
    fs::remove_dir_all(site.path()).expect("gone");
    assert_eq!(ask(&files, "GET", "/", &[]).response.status, 404);
    site.write("index.html", "again");
    assert_eq!(text(ask(&files, "GET", "/", &[])), "again");
}
