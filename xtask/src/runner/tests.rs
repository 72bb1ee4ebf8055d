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
    let (_, why) = run(Command::new("/bin/sleep").arg("5"), Duration::ZERO).unwrap_err();
    assert_eq!(why, "took longer than 0 s");
}

#[test]
fn a_step_that_fails_says_how() {
    let (_, why) = run(Command::new("/bin/sh").args(["-c", "exit 1"]), Duration::from_secs(5)).unwrap_err();
    assert_eq!(why, "exit status: 1");
}

#[test]
fn who_leaves_the_group_does_not_hold_the_step() {
    let start = Instant::now();
    let mut command = Command::new("/bin/bash");
    command.args(["-c", "set -m; /bin/sleep 7 &"]);
    assert_eq!(run(&mut command, Duration::from_secs(5)), Ok(Tally::default()));
    assert!((LAST_WORDS..Duration::from_secs(6)).contains(&start.elapsed()));
}

#[test]
fn a_failing_step_counts_once_and_does_not_hide_the_next() {
    let mut runner = Runner::default();
    let say = |line: &str, code: u8| {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &format!("echo '{line}'; exit {code}")]);
        command
    };
    assert!(!runner.step("counted", 1, say("3 passed, 2 failed", 1)));
    assert!(!runner.step("crashed", 1, say("no closing line", 1)));
    assert!(!runner.check("ours", || Err("why".into())));
    assert!(runner.step("next", 1, say("4 passed, 0 failed, 1 skipped", 0)));
    assert!(runner.again("again", 1, say("4 passed, 0 failed, 1 skipped", 0)));
    let steps = [0, 1, 0].map(|code| Step::new(format!("aside {code}"), 60, say("1 passed, 0 failed", code)));
    runner.side_by_side(steps.into_iter().collect());
    assert_eq!(runner.tally, Tally { passed: 10, failed: 5, skipped: 1 });
    assert_eq!(runner.finish().unwrap_err(), "failed: counted, crashed, ours, aside 1");
}
