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
