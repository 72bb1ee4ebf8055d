use super::{Refused, TARGET_BYTES, read};

#[test]
fn a_target_names_a_file_below_the_folder() {
    for (target, file, name) in [
        ("/", "index.html", "index.html"),
        ("/a.css", "a.css", "a.css"),
        ("/a/b.css?v=1", "a/b.css", "b.css"),
        ("/a/", "a/index.html", "index.html"),
        ("/a%20b.html", "a b.html", "a b.html"),
        ("/%61", "a", "a"),
        ("/a?../../etc", "a", "a"),
        ("/.well-known/security.txt", ".well-known/security.txt", "security.txt"),
        ("/%2ewell-known/x", ".well-known/x", "x"),
        ("/a..b/c..", "a..b/c..", "c.."),
        ("/%252e%252e/x", "%2e%2e/x", "x"),
    ] {
        let target = read(target.as_bytes()).unwrap_or_else(|refused| panic!("{target}: {refused:?}"));
        assert_eq!(target.file(), file.as_bytes());
        assert!(target.file().ends_with(name.as_bytes()));
    }
}

#[test]
fn no_target_leads_out_of_the_folder() {
    use Refused::{Hidden, Malformed};
    for (target, refused) in [
        ("", Malformed),
        ("*", Malformed),
        ("a", Malformed),
        ("https://a/", Malformed),
        ("/..", Malformed),
        ("/../etc/passwd", Malformed),
        ("/a/../../etc/passwd", Malformed),
        ("/a/..", Malformed),
        ("/./a", Malformed),
        ("/%2e%2e/etc/passwd", Malformed),
        ("/%2E./etc/passwd", Malformed),
        ("/.%2e/etc/passwd", Malformed),
        ("/%2e/a", Malformed),
        ("/..%2fetc/passwd", Malformed),
        ("/..%2Fetc%2fpasswd", Malformed),
        ("/a%2fb", Malformed),
        ("/%2fetc/passwd", Malformed),
        ("/..%5cwindows", Malformed),
        ("/..\\windows", Malformed),
        ("/a\\b", Malformed),
        ("/a%00.html", Malformed),
        ("/a%0d%0aset-cookie:x", Malformed),
        ("/a\0", Malformed),
        ("/a b", Malformed),
        ("/a#b", Malformed),
        ("/a%", Malformed),
        ("/a%2", Malformed),
        ("/a%zz", Malformed),
        ("/a%+1", Malformed),
        ("/a%u002e", Malformed),
        ("/\u{e4}", Malformed),
        ("/a?b\r\nc", Malformed),
        ("//etc/passwd", Hidden),
        ("//evil.example/..;/", Hidden),
        ("/a//b", Hidden),
        ("/.git/config", Hidden),
        ("/.env", Hidden),
        ("/%2egit/config", Hidden),
        ("/%2Ehtaccess", Hidden),
        ("/a/.hidden", Hidden),
        ("/a/.well-known/x", Hidden),
        ("/.well-known/.x", Hidden),
        ("/...", Hidden),
        ("/..;/x", Hidden),
        ("/.well-knownx", Hidden),
    ] {
        assert_eq!(read(target.as_bytes()).err(), Some(refused), "{target}");
    }
}

#[test]
fn one_byte_too_many_is_too_long() {
    let target = |len: usize| [b"/".as_slice(), &vec![b'a'; len - 1]].concat();
    assert!(read(&target(TARGET_BYTES)).is_ok());
    assert_eq!(read(&target(TARGET_BYTES + 1)), Err(Refused::TooLong));
}

#[test]
fn a_redirect_stays_on_the_host() {
    for (target, location) in [
        ("/a", "/a/"),
        ("/a/b?c=%20&d", "/a/b/?c=%20&d"),
        ("/%c3%a4%22%3c", "/%C3%A4%22%3C/"),
        ("/%61%25", "/a%25/"),
    ] {
        let target = read(target.as_bytes()).expect("a target that keeps the rules");
        assert_eq!(String::from_utf8_lossy(&target.with_slash()), location);
    }
}

#[test]
fn whatever_is_accepted_has_plain_segments() {
    // Every sequence of four of these tokens.
    const TOKENS: [&str; 12] = ["/", ".", "%2e", "%2f", "a", "%", "\\", "%5c", "%00", "..", "?", "%25"];
    for number in 0..TOKENS.len().pow(4) {
        let token = |place: u32| TOKENS[number / TOKENS.len().pow(place) % TOKENS.len()];
        let target: String = std::iter::once("/").chain((0..4).map(token)).collect();
        let Ok(read) = read(target.as_bytes()) else { continue };
        for segment in read.file().split(|&byte| byte == b'/') {
            assert!(!segment.is_empty() && !segment.starts_with(b"."), "{target}");
            assert!(!segment.contains(&0) && !segment.contains(&b'\\'), "{target}");
        }
    }
}
