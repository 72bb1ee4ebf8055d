use super::*;
use clap::CommandFactory;

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn spans_are_read_with_their_units() {
    for (text, nanos) in [("50ms", 50_000_000), ("1.5s", 1_500_000_000), ("7d", 604_800_000_000_000)] {
        assert_eq!(parse_span(text), Ok(Span::from_nanos(nanos)));
    }
    for text in ["", "50", "ms", "-1s", "0s", "1 s", "1e99s", "NaNs", "5 fortnights"] {
        assert!(parse_span(text).is_err(), "{text}");
    }
}

#[test]
fn resolve_takes_both_families() {
    let resolve = parse_resolve("www.saki.test:8443:[::1]").expect("it is well formed");
    assert_eq!(
        (resolve.host.as_str(), resolve.port, resolve.address.is_ipv6()),
        ("www.saki.test", 8443, true)
    );
    assert!(parse_resolve("www.saki.test:127.0.0.1").is_err());
    assert!(parse_resolve(":1:127.0.0.1").is_err());
}
