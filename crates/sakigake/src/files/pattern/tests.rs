use super::Pattern;

#[test]
fn a_star_is_any_number_of_any_bytes() {
    for (pattern, path, expected) in [
        ("*", "/", true),
        ("*", "/a/b.css", true),
        ("*.woff2", "/fonts/a.woff2", true),
        ("*.woff2", "/fonts/a.woff", false),
        ("*.woff2", "/a.woff2/b", false),
        ("a.css", "/x/a.css", true),
        ("a.css", "/x/ba.css", false),
        ("/assets/*", "/assets/x/y.js", true),
        ("/assets/*", "/x/assets/y.js", false),
        ("/a*b*c", "/abcbc", true),
        ("/a*b*c", "/abcbd", false),
        ("*-*.js", "/app-1a2b.js", true),
        ("*-*.js", "/app.js", false),
        ("", "/", true),
        ("", "/a", false),
        ("/", "/", true),
    ] {
        assert_eq!(Pattern::new(pattern).matches(path.as_bytes()), expected, "{pattern} {path}");
    }
}

#[test]
fn a_pattern_of_stars_ends_soon() {
    let pattern = Pattern::new(&"*a".repeat(1000));
    assert!(!pattern.matches(&[b'b'; 8192]));
    assert!(
        !Pattern::new(&format!("/{}b", "*a".repeat(100))).matches(&[b"/".as_slice(), &[b'a'; 8192]].concat())
    );
}
