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
fn where_to_listen_is_read_as_in_a_file() {
    assert_eq!(parse_places("*:443").map(|places| places.0.len()), Ok(2));
    assert_eq!(parse_places("127.0.0.1:0").map(|places| places.0.len()), Ok(1));
    for (text, advice) in
        [("443", "\"*:443\" or \"localhost:443\""), ("::1", "\"[::1]:443\""), ("a.test:443", "`*`")]
    {
        let why = parse_places(text).expect_err(text);
        assert!(why.contains(advice), "{why}");
    }
}
