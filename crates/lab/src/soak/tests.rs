use super::*;

#[test]
fn random_worlds_hold_what_the_checkers_want() {
    for kind in [Kind::Tls, Kind::H2, Kind::Page] {
        let report = run(1, 100, Some(kind));
        assert!(report.is_good(), "{report}");
    }
}

#[test]
fn a_world_that_is_alone_is_the_one_that_its_seed_names() {
    for kind in Kind::TURNS {
        assert_eq!(one(kind, 7), one(kind, 7));
    }
}

/// A flight in many small records once wore out a handshake's key, and the rest of it was dropped in silence.
#[test]
fn worlds_that_failed_once_pass() {
    for (kind, seed) in [
        (Kind::Tls, 16_599_174_169_888_468_147),
        (Kind::Page, 7_966_608_843_092_494_532),
        (Kind::H2, 15_405_195_190_729_587_183),
        (Kind::H2, 1_034_801_897_116_565_683),
        (Kind::Tls, 2_392_529_962_730_589_250),
        // A server that acknowledged in one version and spoke in another was not followed.
        (Kind::Quic, 9_772_298_966_463_872_780),
        // An acknowledgement that fell due where the path was owed too little for it was due for ever.
        (Kind::Quic, 14_072_917_602_864_530_048),
        (Kind::Quic, 11_168_034_603_498_703_870),
        // A keep-alive that fell due while the window was full was due for ever.
        (Kind::Quic, 16_745_840_099_322_693_316),
        // A window full of early data held up the client's Finished, and nothing probed for either.
        (Kind::Quic, 14_410_211_603_574_155_529),
    ] {
        assert_eq!(one(kind, seed).verdict.complaints, [""; 0], "{kind} {seed}");
    }
}

#[test]
fn no_first_flight_is_taken_twice() {
    // spec: 9846-8-a spec: 9846-8-b
    let report = run(1, 400, Some(Kind::Replay));
    assert!(report.is_good(), "{report}");
    assert!(report.to_string().contains("taken"), "{report}");
}
