use super::*;

#[test]
fn a_count_may_rise_by_two_in_a_hundred() {
    for (count, before, has_risen, words) in [
        (1_000, Some(1_000), false, "+0.0 %"),
        (1_020, Some(1_000), false, "+2.0 %"),
        (1_021, Some(1_000), true, "+2.1 %"),
        (979, Some(1_000), false, "-2.1 %: a new baseline is due"),
        (1_000, None, true, "no baseline"),
    ] {
        let verdict = judge(count, before);
        assert_eq!((verdict.has_risen, verdict.words.as_str()), (has_risen, words), "{count}");
    }
}

#[test]
fn the_baselines_can_be_read() {
    assert!(!baselines().unwrap().is_empty());
}
