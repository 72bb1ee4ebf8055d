use super::*;

#[test]
fn random_worlds_hold_what_the_checkers_want() {
    let report = run(1, 300, None);
    assert!(report.is_good(), "{report}");
}

#[test]
fn a_world_that_is_alone_is_the_one_that_its_seed_names() {
    for kind in Kind::ALL {
        assert_eq!(one(kind, 7), one(kind, 7));
    }
}
