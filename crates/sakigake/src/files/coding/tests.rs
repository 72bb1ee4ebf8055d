use super::{Accepted, CODINGS, Coding};

#[test]
fn a_client_takes_what_it_names() {
    // spec: 9110-12.5.3-a
    // spec: 9110-12.5.3-b
    // spec: 9110-8.4.1.3-a
    let cases = [
        // zstd, br, gzip, identity
        (None, [0, 0, 0, 1]),
        (Some(""), [0, 0, 0, 1]),
        (Some("gzip, deflate, br, zstd"), [1000, 1000, 1000, 1]),
        (Some("X-GZIP;q=0.5"), [0, 0, 500, 1]),
        (Some("GZip, identity;q=0"), [0, 0, 1000, 0]),
        (Some("*"), [1000, 1000, 1000, 1000]),
        (Some("*;q=0"), [0, 0, 0, 0]),
        (Some("*;q=0, br"), [0, 1000, 0, 0]),
        (Some("*;q=0.3, identity;q=0.7, gzip;q=0"), [300, 300, 0, 700]),
        (Some("compress;q=0.5, gzip;q=1.0"), [0, 0, 1000, 1]),
        (Some("gzip;q=1.0, identity; q=0.5, *;q=0"), [0, 0, 1000, 500]),
        (Some("br;q=0, br"), [0, 0, 0, 1]),
        (Some("br;q=9, gzip;q=x, zst"), [0, 0, 0, 1]),
        (Some("identity;q=0"), [0, 0, 0, 0]),
    ];
    for (list, expected) in cases {
        let accepted = Accepted::read(list.map(str::as_bytes));
        let all = [CODINGS[0], CODINGS[1], CODINGS[2], Coding::Identity];
        assert_eq!(all.map(|coding| accepted.weight(coding)), expected, "{list:?}");
    }
}
