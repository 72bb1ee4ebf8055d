use super::*;

#[test]
fn random_worlds_hold_what_the_checkers_want() {
    for kind in [Kind::Tls, Kind::H2, Kind::Page] {
        let report = run(1, 100, Some(kind));
        assert!(report.is_good(), "{report}");
    }
}

#[test]
fn pages_come_over_http3_whatever_the_ways_do() {
    let report = run(1, 60, Some(Kind::Http3));
    assert!(report.is_good(), "{report}");
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
        // The handshake's bytes waited for a window that application data had filled, and nobody probed for.
        (Kind::Quic, 14_590_446_257_631_766_074),
        (Kind::Quic, 10_947_308_945_651_644_992),
        (Kind::Quic, 4_542_076_470_565_035_927),
        (Kind::Quic, 11_489_055_097_783_598_216),
        // A sender whose window was full chopped what it had to say to the size of its acknowledgements.
        (Kind::Quic, 12_810_140_600_677_545_893),
        // A burst that ends with datagrams and not with time took all of one end's until it gave up.
        (Kind::Quic, 17_709_785_292_746_961_903),
        (Kind::Quic, 3_047_885_579_046_980_810),
        (Kind::Quic, 13_988_856_457_901_115_460),
        // A NEW_TOKEN that was believed lost and came all the same left again without a token.
        (Kind::Quic, 4_729_160_105_329_321_631),
        (Kind::Quic, 14_580_706_362_461_064_524),
        // A server that had refused a client for its token was to have completed the connection.
        (Kind::Quic, 10_863_891_487_039_424_302),
        // A flipped bit in the server's list of versions left a client with none of its own.
        (Kind::Quic, 9_298_954_475_125_673_723),
        (Kind::Quic, 10_281_722_826_327_719_721),
        (Kind::Quic, 4_619_994_979_842_954_280),
        // A client's early secret was told only where the server answered its ClientHello: nobody could read its early data.
        (Kind::Quic, 919_356_738_531_253_200),
        (Kind::Quic, 15_702_607_775_901_413_908),
        // A client that was moved twice before it spoke again was nowhere, though it had been somewhere.
        (Kind::Quic, 7_471_558_578_082_154_056),
        // A burst took the few answers of a server that had nothing to say by itself.
        (Kind::Quic, 1_841_368_741_464_639_331),
        // Searches for a larger datagram kept connections alive that had nothing to say.
        (Kind::Quic, 14_646_652_180_046_636_950),
        // A datagram that was cut short came to somebody who meant to copy an id of it.
        (Kind::Quic, 2_191_580_260_827_674_956),
        // Of two probes that said nothing the second one was always lost, and was to be probed for, for ever.
        (Kind::Quic, 6_480_784_547_235_587_806),
        (Kind::Quic, 11_854_300_058_271_670_434),
        (Kind::Quic, 4_198_178_900_251_287_029),
        // A flipped bit in the server's list of versions led a client to one that the handshake showed to be wrong.
        (Kind::Quic, 7_445_654_169_091_550_643),
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
