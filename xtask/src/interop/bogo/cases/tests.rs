use super::*;

fn cases(text: &str) -> Cases {
    toml::from_str(text).expect("it is well formed")
}

const TEXT: &str = r#"
mandatory = ["*Retry*"]
[errors]
":UNEXPECTED_MESSAGE:" = ["UnexpectedMessage("]
[[declined]]
heading = "DTLS"
foreign = true
why = "no datagrams"
count = 2
cases = ["DTLS-*", "*-DTLS*"]
[[declined]]
heading = "API"
why = "not TLS"
count = 2
cases = ["Peek-*", "Retry-Callback"]
except = ["Peek-Two*"]
[[permitted]]
cases = ["One"]
section = "4"
why = "it may"
"#;

/// Each pattern has a case, and each count is right.
const NAMES: [&str; 7] = ["DTLS-1", "Peek-DTLS", "Peek-1", "Peek-Two", "Retry-Callback", "One", "Two"];

fn faults(names: &[&str]) -> Vec<String> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    cases(TEXT).faults(&names)
}

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
fn a_foreign_case_stands_where_its_protocol_does_and_no_other_stands_twice() {
    let cases = cases(TEXT);
    let headings =
        |name| -> Vec<String> { cases.places(name).iter().map(|place| place.heading().to_owned()).collect() };
    assert_eq!(headings("Peek-DTLS"), ["DTLS"]);
    assert_eq!(headings("Peek-1"), ["API"]);
    assert_eq!(headings("One"), [PERMITTED]);
    assert_eq!(headings("Two"), [""; 0]);
    assert_eq!(headings("Peek-Two"), [""; 0]);
}

#[test]
fn a_file_that_fits_the_cases_has_no_fault() {
    assert_eq!(faults(&NAMES), Vec::<String>::new());
}

#[test]
fn what_does_not_fit_the_cases_is_told() {
    let without = |name: &str| NAMES.into_iter().filter(|other| *other != name).collect::<Vec<_>>();
    let with = |name| NAMES.into_iter().chain([name]).collect::<Vec<_>>();
    let told = [
        (with("Peek-2"), "tests/bogo/bogo.toml: API: 2 are counted, there are 3"),
        (without("One"), "tests/bogo/bogo.toml: One has no case of its own"),
        (without("Peek-1"), "tests/bogo/bogo.toml: Peek-* has no case of its own"),
        (without("Peek-Two"), "tests/bogo/bogo.toml: Peek-Two* excepts nothing"),
        (
            with("Peek-Retry"),
            "tests/bogo/bogo.toml: Peek-Retry is mandatory, and declined without its full name",
        ),
    ];
    for (names, expected) in told {
        assert!(faults(&names).contains(&expected.to_owned()), "{expected}: {:?}", faults(&names));
    }
    let twice = TEXT.replace("\"One\"", "\"One\", \"Peek-1\"");
    let names = NAMES.map(str::to_owned);
    let expected = format!("tests/bogo/bogo.toml: Peek-1 stands under API and under {PERMITTED}");
    assert_eq!(cases(&twice).faults(&names), [expected]);
}

#[test]
fn a_heading_that_stands_twice_is_counted_once() {
    let twice = TEXT.replace(
        "[[permitted]]",
        "[[declined]]\nheading = \"DTLS\"\nwhy = \"\"\ncount = 5\ncases = []\n[[permitted]]",
    );
    assert_eq!(cases(&twice).headings(), [("DTLS", 7), ("API", 2), (PERMITTED, 1)]);
}

#[test]
fn the_file_is_well_formed() {
    let cases = Cases::read(&crate::root()).expect("it is ours");
    assert!(cases.conformance().contains("DTLS"));
}
