use super::*;

#[test]
fn bodies_are_found_by_name() {
    let text = "pub fn fuzz_one(bytes: &[u8]) {\n    pub fn fuzz_two<T>() {}\nfn fuzz_private() {}\nfuzz_called(b);\n";
    assert_eq!(bodies(text), ["one", "two"]);
}

#[test]
fn a_body_without_a_target_and_a_target_without_a_body_are_faults() {
    let crates = ["one", "two"].map(String::from);
    let targets = [("tls_one", Some("one")), ("old", Some("gone")), ("empty", None)];
    let targets = targets.map(|(name, body)| (name.to_owned(), body.map(String::from))).into();
    let said = ["fuzz_two has no target", "the target empty calls no body", "the target old calls no body"];
    assert_eq!(faults(&crates, &targets), said);
}
