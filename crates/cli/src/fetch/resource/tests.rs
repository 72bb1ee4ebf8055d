use super::*;

#[test]
fn a_file_has_the_name_of_the_last_segment_or_none() {
    let rows = [
        ("https://a.test/b/c.css", Some("c.css")),
        ("https://a.test/c.css?d=/e", Some("c.css")),
        ("https://a.test/b%2Fc", Some("b%2Fc")),
        ("https://a.test/-", Some("-")),
        ("https://a.test", None),
        ("https://a.test/b/", None),
        ("https://a.test/b/../", None),
        ("https://a.test/.profile", None),
        ("https://a.test/...", None),
    ];
    for (text, expected) in rows {
        let url = Url::parse(text).expect("a URL");
        assert_eq!(name(url.target()), expected, "{text}");
    }
    for target in ["/a/..", "/..", "/b\\c", "/a\0"] {
        assert_eq!(name(target), None, "{target}");
    }
}
