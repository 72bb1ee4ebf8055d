use super::*;

#[test]
fn a_report_gives_an_outcome_a_case() {
    let json = r#"{"version": 3, "tests": {
        "A": {"actual": "PASS", "expected": "PASS", "is_unexpected": false},
        "B": {"actual": "SKIP", "expected": "SKIP", "is_unexpected": false},
        "C": {"actual": "FAIL", "expected": "PASS", "is_unexpected": true}}}"#;
    let found: Vec<Outcome> = outcomes(json).expect("it is well formed").into_values().collect();
    assert_eq!(found, [Outcome::Passed, Outcome::Unimplemented, Outcome::Failed]);
    assert!(outcomes("").is_err());
}
