use super::*;

const ROW: &str = "[[requirement]]\nid = \"1-2-a\"\nsection = \"2\"\nlevel = \"MUST\"\nstatus = \"done\"\ntext = \"a | b\"\n";

fn files(text: &str) -> BTreeMap<String, File> {
    [("rfc1".to_owned(), toml::from_str(text).unwrap())].into()
}

fn sources(code: &[&str], tests: &[&str]) -> BTreeMap<String, Places> {
    let source = |path: &str, lines: &[&str]| Source { path: path.into(), text: lines.join("\n") };
    places(&[source("crates/a/src/b.rs", code), source("crates/a/src/b/tests.rs", tests)])
}

#[test]
fn tags_are_read_from_the_ends_of_lines() {
    for (line, expected) in [
        ("    a(); // spec: 9846-5.1-a", &["9846-5.1-a"][..]),
        ("// spec: 9846-5.1-a, preload-2-b.", &["9846-5.1-a", "preload-2-b"]),
        ("// spec: 1-2-a 1-2-b in words;", &["1-2-a", "1-2-b"]),
        ("// spec: none", &[]),
        ("/// A spec: 1-2-a", &[]),
    ] {
        let found: Vec<String> = sources(&[line], &[]).into_keys().collect();
        assert_eq!(found, expected, "{line}");
    }
}

#[test]
fn a_claim_needs_code_and_a_test() {
    let tag = "// spec: 1-2-a";
    for (row, code, tests, expected) in [
        (ROW.to_owned(), 1, 1, None),
        (ROW.to_owned(), 2, 3, None),
        (ROW.to_owned(), 0, 1, Some("1-2-a is marked done, but no code carries its tag")),
        (ROW.to_owned(), 1, 0, Some("1-2-a is marked done, but no test carries its tag")),
        (ROW.to_owned(), 1, 4, Some("1-2-a names 4 tests, at most 3")),
        (ROW.replace("MUST", "SHOULD"), 1, 0, None),
        (ROW.replace("done", "later"), 0, 0, Some("1-2-a is not done and does not say why")),
        (ROW.replace("done", "later") + "why = \"c\"\n", 0, 0, None),
        (ROW.repeat(2), 1, 1, Some("1-2-a is listed twice")),
        (String::new(), 1, 0, Some("unknown tag 1-2-a at crates/a/src/b.rs:1")),
    ] {
        let places = sources(&vec![tag; code], &vec![tag; tests]);
        assert_eq!(faults(&files(&row), &places), Vec::from_iter(expected), "{row}");
    }
}

#[test]
fn a_row_with_a_word_misspelt_is_refused() {
    for (right, wrong) in [("MUST", "WILL"), ("done", "did"), ("text", "texts"), ("section", "chapter")] {
        assert!(toml::from_str::<File>(&ROW.replace(right, wrong)).is_err(), "{wrong}");
    }
}

#[test]
fn rows_are_written_in_the_order_of_the_specification() {
    let row = |id: &str| ROW.replace("1-2-a", id);
    let text =
        conformance_text(&files(&(row("1-4.10-a") + &row("1-4.9-b"))), &sources(&["// spec: 1-4.9-b"], &[]));
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| 1-")).collect();
    assert_eq!(
        rows,
        [
            "| 1-4.9-b (section 2) | MUST | done | a \\| b | crates/a/src/b.rs |",
            "| 1-4.10-a (section 2) | MUST | done | a \\| b |  |",
        ]
    );
    assert!(text.contains("## rfc1\n\n2 done, 0 later, 0 never."));
}
