use super::*;

fn text(name: &str, port: u16, http3: bool, addresses: &[&str]) -> String {
    let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
    Record { name, port, http3, addresses: &addresses }.to_string()
}

#[test]
fn a_record_is_a_line_of_a_zone_file() {
    // The forms of RFC 9460 appendix D.2 and of section 9.1's names with ports.
    for (record, expected) in [
        (text("example.com", 443, true, &[]), r#"example.com. 3600 IN HTTPS 1 . alpn="h3,h2""#),
        (
            text("example.com", 443, true, &["192.0.2.1", "2001:db8::1", "2001:db8::53:1"]),
            r#"example.com. 3600 IN HTTPS 1 . alpn="h3,h2" ipv4hint=192.0.2.1 ipv6hint=2001:db8::1,2001:db8::53:1"#,
        ),
        (
            text("example.com", 8443, false, &[]),
            r#"_8443._https.example.com. 3600 IN HTTPS 1 example.com. alpn="h2""#,
        ),
        (text("*.example.com", 443, false, &[]), r#"*.example.com. 3600 IN HTTPS 1 . alpn="h2""#),
    ] {
        assert_eq!(record, expected);
    }
}

#[test]
fn addresses_of_this_machine_alone_are_no_hints() {
    let listen = ["127.0.0.1:1", "[::1]:1", "0.0.0.0:1", "[::]:1", "192.0.2.1:1", "[2001:db8::1]:1"];
    let listen: Vec<SocketAddr> = listen.iter().map(|text| text.parse().unwrap()).collect();
    let told: Vec<String> = hints(&listen).iter().map(ToString::to_string).collect();
    assert_eq!(told, ["192.0.2.1", "2001:db8::1"]);
}

#[test]
fn what_is_no_name_gets_no_record() {
    assert_eq!(
        named("Example.COM.").ok().as_deref(),
        Some("example.com"),
        "the zone's line ends it with a dot anyway"
    );
    assert_eq!(named("*.a-b.xn--bcher.example").ok().as_deref(), Some("*.a-b.xn--bcher.example"));
    assert_eq!(
        named("::1").ok().as_deref(),
        Some("::1"),
        "of addresses it is said later that they have none"
    );
    let long = "a".repeat(64);
    for host in ["exa mple", "b\u{fc}cher.example", "a..b", ".", ".a", "a.*", "a;b", "a\"b", &long] {
        assert!(named(host).is_err(), "{host}");
    }
}

#[test]
fn every_name_at_another_port_has_no_record() {
    assert!(is_sayable("*.example.com", 443) && is_sayable("example.com", 8443));
    assert!(!is_sayable("*.example.com", 8443), "the port's label would stand before the wildcard's");
}
