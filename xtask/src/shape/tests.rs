use super::*;

fn source(text: &str) -> Source {
    Source { path: "crates/a/src/b.rs".into(), text: text.into() }
}

#[test]
fn functions_are_named_from_their_declaration() {
    for (line, expected) in [
        ("fn plain() {", Some("plain")),
        ("    pub(crate) const fn deep<T>(", Some("deep")),
        ("pub async fn waits() {", Some("waits")),
        ("    /// A fn in words", None),
        ("    call(|f: fn(u8)| f(1));", None),
        ("let text = \"fn no\";", None),
    ] {
        assert_eq!(function_name(line), expected, "{line}");
    }
}

#[test]
fn blank_lines_and_comments_are_no_logic() {
    assert_eq!(logic_lines("\n//! doc\n\n/// doc\nfn a() {\n    // why\n    b(); // c\n}\n"), 3);
}

#[test]
fn a_function_ends_at_its_own_depth() {
    let text = "impl A {\n    fn one() {\n        if b {\n        }\n    }\n}\ntrait B {\n    fn none();\n}\nfn two() {\n}\n";
    let found: Vec<(usize, String)> = functions(&source(text)).into_iter().map(|f| (f.lines, f.at)).collect();
    let expected = [(4, "crates/a/src/b.rs:2 one"), (2, "crates/a/src/b.rs:10 two")];
    assert_eq!(found, expected.map(|(lines, at)| (lines, at.to_owned())));
}

#[test]
fn a_match_of_short_arms_is_a_table() {
    let arms: String = (0..20).map(|arm| format!("        {arm} => {},\n", arm + 1)).collect();
    let table = format!("fn a() {{\n    match b {{\n{arms}    }}\n}}");
    let logic = table.replace(",\n", " + {\nc()\n},\n");
    assert!(is_table(&table.lines().collect::<Vec<_>>()));
    assert!(!is_table(&logic.lines().collect::<Vec<_>>()));
}

#[test]
fn tests_are_told_by_their_path() {
    for (path, expected) in [
        ("crates/a/src/b/tests.rs", true),
        ("crates/a/src/b/tests/c.rs", true),
        ("crates/a/tests/c.rs", true),
        ("tests/e2e/src/lib.rs", true),
        ("crates/a/src/tests_of.rs", false),
        ("crates/a/src/b.rs", false),
    ] {
        assert_eq!(Source { path: path.into(), text: String::new() }.is_test(), expected, "{path}");
    }
}

#[test]
fn functions_of_quic_are_shorter_and_its_parts_know_no_connection() {
    let text =
        "// Connection\nfn a(id: ConnectionId) {\n}\nfn b(of: &mut Connection) {\n}\nRoute::Connection(7)\n";
    let part = Source { path: "crates/quic/src/streams.rs".into(), text: text.into() };
    let owner = Source { path: "crates/quic/src/connection/plan.rs".into(), text: text.into() };
    assert_eq!(takes_connection(&part), ["crates/quic/src/streams.rs:4"]);
    assert!(takes_connection(&owner).is_empty() && takes_connection(&source(text)).is_empty());
    let most = |source: &Source| functions(source).iter().map(|function| function.most).collect::<Vec<_>>();
    assert_eq!((most(&part), most(&source(text))), (vec![60, 60], vec![100, 100]));
}
