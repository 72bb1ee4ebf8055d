use super::*;

#[test]
fn a_count_may_rise_by_three_in_a_hundred() {
    for (count, before, has_risen, words) in [
        (1_000, Some(1_000), false, "+0.0 %"),
        (1_030, Some(1_000), false, "+3.0 %"),
        (1_031, Some(1_000), true, "+3.1 %"),
        (969, Some(1_000), false, "-3.1 %: a new baseline is due"),
        (1_000, None, true, "no baseline"),
    ] {
        let verdict = judge(count, before);
        assert_eq!((verdict.has_risen, verdict.words.as_str()), (has_risen, words), "{count}");
    }
}

#[test]
fn the_baselines_can_be_read() {
    assert!(!Baselines::read().unwrap().counts.is_empty());
    for wrong in ["", "rustc 1\na\t1\n", "# rustc 1\na\tmany\n", "# rustc 1\na 1\n"] {
        assert!(Baselines::parse(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn where_others_made_the_code_nothing_is_judged() {
    let baselines = Baselines::parse("# rustc 1\na\t1\n").unwrap();
    assert_eq!(baselines.stranger("rustc 1", true), None);
    assert!(baselines.stranger("rustc 2", true).is_some());
    assert!(baselines.stranger("rustc 1", false).is_some());
}
