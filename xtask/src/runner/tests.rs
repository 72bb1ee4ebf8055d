use super::*;

#[test]
fn closing_lines_of_every_runner_are_counted() {
    let tally = |passed, failed, skipped| Some(Tally { passed, failed, skipped });
    for (line, expected) in [
        (
            "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.06s",
            tally(5, 0, 1),
        ),
        ("test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out", tally(4, 2, 0)),
        ("12 passed, 0 failed", tally(12, 0, 0)),
        ("7 passed, 1 failed, 3 skipped", tally(7, 1, 3)),
        ("a line about how much passed, and failed", None),
        ("3 worlds", None),
    ] {
        assert_eq!(closing(line), expected, "{line}");
    }
}

#[test]
fn a_step_that_overstays_is_ended() {
    let (_, why) = run(Command::new("sleep").arg("5"), Duration::ZERO).unwrap_err();
    assert_eq!(why, "took longer than 0 min");
}

#[test]
fn a_step_that_fails_says_how() {
    let (_, why) = run(&mut Command::new("false"), Duration::from_secs(5)).unwrap_err();
    assert_eq!(why, "exit status: 1");
}
