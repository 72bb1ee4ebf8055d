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
fn a_number_without_a_unit_is_of_seconds_where_curl_or_h2load_has_the_option() {
    for (text, nanos) in
        [("1", 1_000_000_000), ("0.5", 500_000_000), (".25", 250_000_000), ("500ms", 500_000_000)]
    {
        assert_eq!(parse_seconds(text), Ok(Span::from_nanos(nanos)), "{text}");
    }
    for text in ["", "0", "-1", ".", "1e3", "1 ", "s", "NaN", "5 fortnights", "99999999999999"] {
        assert!(parse_seconds(text).is_err(), "{text}");
    }
    let taken = [
        &["fetch", "-m", "1", "--connect-timeout", "1.5", "https://a.test/"][..],
        &["bench", "-D", "1", "--warm-up", "0.5", "--timeout", "1", "https://a.test/"],
    ];
    for words in taken {
        let words = ["sakigake"].iter().chain(words);
        assert!(Cli::try_parse_from(words.clone()).is_ok(), "{words:?}");
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

#[test]
fn http_1_1_has_one_name_in_all_commands_and_bench_still_takes_its_old_one() {
    for words in [["fetch", "--http1.1"], ["bench", "--http1.1"], ["bench", "--h1"]] {
        let words = ["sakigake"].into_iter().chain(words).chain(["https://a.test/"]);
        assert!(Cli::try_parse_from(words.clone()).is_ok(), "{words:?}");
    }
    let both = ["sakigake", "bench", "--http1.1", "--http3", "https://a.test/"];
    assert!(Cli::try_parse_from(both).is_err(), "one version at a time");
}
