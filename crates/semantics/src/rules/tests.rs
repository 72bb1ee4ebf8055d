use super::*;

#[test]
fn a_host_is_a_name_or_an_address_that_reads_as_one() {
    let good = ["a", "www.saki.test", "a_b.test", "192.0.2.1", "[::1]", "[2001:DB8::192.0.2.1]"];
    assert!(good.iter().all(|host| is_host(host)));
    let long = "a".repeat(254);
    let bad = [
        "",
        "a b",
        "*.saki.test",
        "b\u{fc}cher.test",
        "a:1",
        "[",
        "[]",
        "[::1",
        "::1]",
        "::1",
        "[[::1]]",
        "[zz]",
        "[:::]",
        "[1.2.3.4]",
        "[face]",
        "[fe80::1%eth0]",
        "[1:2:3:4:5:6:7:8:9]",
        &long,
    ];
    for host in bad {
        assert!(!is_host(host), "{host}");
    }
}
