use super::*;

const TEXT: &str = "\
// spec: 1-a
#[test]
fn above() {
    a();
}

#[test]
// spec: 1-b
fn between() {
    a(); // spec: 1-c
    if b {
        c(); // spec: 1-d
    }
}

const TABLE: &[u8] = &[
    1, // spec: 1-e
];

fn helper() {
    a(); // spec: 1-f
}
";

fn shown(path: &str, tag: &str) -> Shown {
    let number = TEXT.lines().position(|line| line.ends_with(tag)).unwrap() + 1;
    Shown::of(&Source { path: path.into(), text: TEXT.into() }, number).unwrap()
}

#[test]
fn a_tag_belongs_to_the_test_that_it_stands_in_or_above() {
    for (tag, name) in [
        ("1-a", "x::tests::above"),
        ("1-b", "x::tests::between"),
        ("1-c", "x::tests::between"),
        ("1-d", "x::tests::between"),
    ] {
        let shown = shown("crates/a/src/x/tests.rs", tag);
        assert_eq!((shown.name.as_str(), shown.is_exact), (name, true), "{tag}");
    }
}

#[test]
fn a_tag_in_a_table_belongs_to_the_tests_of_its_module() {
    for tag in ["1-e", "1-f"] {
        let shown = shown("crates/a/src/x/tests.rs", tag);
        assert_eq!((shown.name.as_str(), shown.is_exact), ("x::tests::", false), "{tag}");
    }
}

#[test]
fn a_path_tells_target_and_modules() {
    for (path, target, name) in [
        ("crates/a/src/x/tests/wire.rs", "--lib --bins", "x::tests::wire::above"),
        ("crates/a/src/tests.rs", "--lib --bins", "tests::above"),
        ("crates/a/tests/openssl.rs", "--test openssl", "above"),
        ("tests/e2e/tests/e2e/ends.rs", "--test e2e", "ends::above"),
        ("tests/e2e/tests/e2e/a/b.rs", "--test e2e", "a::b::above"),
    ] {
        let shown = shown(path, "1-a");
        assert_eq!((shown.target().join(" ").as_str(), shown.name.as_str()), (target, name), "{path}");
    }
}
