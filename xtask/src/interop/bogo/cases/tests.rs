use super::*;

fn cases(text: &str) -> Cases {
    toml::from_str(text).expect("it is well formed")
}

const TEXT: &str = r#"
[errors]
":UNEXPECTED_MESSAGE:" = ["UnexpectedMessage("]
[[declined]]
heading = "DTLS"
why = "no datagrams"
count = 2
cases = ["DTLS-*", "*-DTLS*"]
[[permitted]]
cases = ["One"]
section = "4"
why = "it may"
"#;

#[test]
fn a_star_stands_for_anything() {
    let hits = [("a", "a"), ("*", ""), ("a*", "a"), ("*-b", "a-b"), ("*-b*", "a-b-c"), ("a*b*c", "a-b-b-c")];
    for (pattern, name) in hits {
        assert!(matches(pattern, name), "{pattern} {name}");
    }
    for (pattern, name) in [("a", "ab"), ("a*", "b"), ("*-b", "a-b-c"), ("a*b*c", "a-c"), ("ab*b", "ab")] {
        assert!(!matches(pattern, name), "{pattern} {name}");
    }
}

#[test]
fn a_case_is_declined_under_the_first_heading_that_has_it() {
    let cases = cases(TEXT);
    assert_eq!(cases.heading("Resume-DTLS-TLS13"), Some("DTLS"));
    assert_eq!(cases.heading("One"), Some(PERMITTED));
    assert_eq!(cases.heading("Resume-TLS13"), None);
    assert_eq!(cases.disabled(), ["DTLS-*", "*-DTLS*", "One"]);
}

#[test]
fn wrong_counts_and_patterns_without_a_case_are_told() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let cases = cases(TEXT);
    assert_eq!(cases.faults(&names(&["DTLS-1", "A-DTLS", "One", "Two"])), Vec::<String>::new());
    let wrong = cases.faults(&names(&["DTLS-1", "One"]));
    assert_eq!(wrong.len(), 2, "{wrong:?}");
}

#[test]
fn the_file_is_well_formed() {
    let cases = Cases::read(&crate::root()).expect("it is ours");
    assert!(cases.conformance().contains("DTLS"));
}
