use super::*;

#[test]
fn times_and_sizes_have_units() {
    for (text, ms) in [
        ("250ms", 250),
        ("30s", 30_000),
        ("1.5 h", 5_400_000),
        ("2m", 120_000),
        ("0.001s", 1),
        ("1d", 86_400_000),
    ] {
        assert_eq!(duration(text), Ok(ms), "{text}");
    }
    for (text, bytes) in
        [("0 B", 0), ("64 KiB", 65_536), ("1.5MiB", 1_572_864), ("2kb", 2_000), ("1GiB", 1 << 30)]
    {
        assert_eq!(size(text), Ok(bytes), "{text}");
    }
}

#[test]
fn what_is_no_time_or_size_says_what_would_be() {
    for text in [
        "",
        "30",
        "s",
        "-1s",
        "1.s",
        "1.2345s",
        "1e3s",
        "5 fortnights",
        "99999999999999999999s",
        "18446744073709551615d",
        "30 KiB",
    ] {
        assert!(duration(text).is_err(), "{text}");
    }
    for text in ["64", "KiB", "64 K", "18446744073709551615 GiB"] {
        assert!(size(text).is_err(), "{text}");
    }
}

#[test]
fn an_address_has_a_port_and_may_be_a_pair() {
    let read =
        |text| addresses(text).map(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
    assert_eq!(read("127.0.0.1:80"), Ok("127.0.0.1:80".into()));
    assert_eq!(read("[::1]:0"), Ok("[::1]:0".into()));
    assert_eq!(read("localhost:8443"), Ok("127.0.0.1:8443 [::1]:8443".into()));
    assert_eq!(read("*:443"), Ok("0.0.0.0:443 [::]:443".into()));
    for text in ["", "443", ":443", "127.0.0.1", "::1", "::1:80", "example.com:443", "*:65536", "*:", "[::1]"]
    {
        assert!(addresses(text).is_err(), "{text}");
    }
    assert_eq!(address("localhost:1"), Ok("127.0.0.1:1".parse().expect("an address")));
    assert!(address("*:1").is_err());
}

#[test]
fn a_host_is_a_name_or_an_address() {
    for (text, name) in [
        ("Example.COM", "example.com"),
        ("example.com.", "example.com"),
        ("*.example.com", "*.example.com"),
        ("localhost", "localhost"),
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]", "::1"),
        ("0:0:0:0:0:0:0:1", "::1"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
    ] {
        assert_eq!(host_name(text).as_deref(), Ok(name), "{text}");
    }
    let long = "a.".repeat(127) + "com";
    for text in [
        "",
        "*",
        "a..b",
        "-a.b",
        "a b",
        "https://a.test/",
        "a.test:443",
        "bücher.example",
        "a.*.b",
        "*a.b",
        "a/b",
        &long,
    ] {
        assert!(host_name(text).is_err(), "{text}");
    }
}

#[test]
fn the_servers_own_fields_are_not_to_be_added() {
    assert_eq!(field_name("X-Frame-Options").as_deref(), Ok("x-frame-options"));
    for name in ["", "a b", "x:", "Content-Length", "Connection", "date", "ä"] {
        assert!(field_name(name).is_err(), "{name}");
    }
    for value in [" a", "a\r\nb: c", "a\0"] {
        assert!(field_value(value).is_err(), "{value}");
    }
    assert_eq!(
        (error_status("404"), error_status("0404").is_err(), error_status("200").is_err()),
        (Ok(Statuses::One(404)), true, true)
    );
}
