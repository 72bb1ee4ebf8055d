use super::*;

#[test]
fn times_are_read_as_rfc_5280_writes_them() {
    for (tag, text, expected) in [
        (GENERALIZED_TIME, "19700101000000Z", Some(0)),
        (GENERALIZED_TIME, "20000229120000Z", Some(951_825_600)),
        (GENERALIZED_TIME, "20500101000000Z", Some(2_524_608_000)),
        (GENERALIZED_TIME, "99991231235959Z", Some(253_402_300_799)),
        (GENERALIZED_TIME, "00010101000000Z", Some(0)),
        (UTC_TIME, "260601000000Z", Some(1_780_272_000)),
        (UTC_TIME, "491231235959Z", Some(2_524_607_999)),
        (UTC_TIME, "500101000000Z", Some(0)),
        (UTC_TIME, "700101000001Z", Some(1)),
        (UTC_TIME, "20260601000000Z", None),
        (GENERALIZED_TIME, "260601000000Z", None),
        (GENERALIZED_TIME, "20260601000000", None),
        (GENERALIZED_TIME, "20260601000000.5Z", None),
        (GENERALIZED_TIME, "202606010000Z", None),
        (GENERALIZED_TIME, "20261301000000Z", None),
        (GENERALIZED_TIME, "20260600000000Z", None),
        (GENERALIZED_TIME, "20260601240000Z", None),
        (GENERALIZED_TIME, "20260601006000Z", None),
        (GENERALIZED_TIME, "20260601000060Z", None),
        (GENERALIZED_TIME, "+0260601000000Z", None),
        (GENERALIZED_TIME, "2026é601000000Z", None),
        (OCTET_STRING, "20260601000000Z", None),
        (UTC_TIME, "Z", None),
        (UTC_TIME, "", None),
    ] {
        assert_eq!(unix_secs(tag, text.as_bytes()), expected, "{text}");
    }
}
