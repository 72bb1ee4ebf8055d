use super::*;
use clap::Parser;

#[derive(Parser)]
struct Fetch {
    #[command(flatten)]
    arguments: FetchArguments,
}

fn parse(words: &[&str]) -> Result<FetchArguments, clap::Error> {
    let words = ["fetch"].iter().chain(words);
    Fetch::try_parse_from(words).map(|fetch| fetch.arguments)
}

#[test]
fn resolve_takes_both_families() {
    let resolve = parse_resolve("www.saki.test:8443:[::1],127.0.0.1").expect("it is well formed");
    let families: Vec<bool> = resolve.addresses.iter().map(IpAddr::is_ipv6).collect();
    assert_eq!((resolve.host.as_str(), resolve.port, families), ("www.saki.test", 8443, vec![true, false]));
    assert!(parse_resolve("www.saki.test:127.0.0.1").is_err());
    assert!(parse_resolve(":1:127.0.0.1").is_err());
    assert!(parse_resolve("a:1:127.0.0.1,").is_err());
}

#[test]
fn options_that_curl_has_for_one_resource_ask_for_one() {
    for words in [&["-o", "f"][..], &["-O"], &["-X", "PUT"], &["-d", ""], &["--json", "{}"], &["-I"], &["-i"]]
    {
        let words: Vec<&str> = words.iter().chain(&["https://a.test/"]).copied().collect();
        assert!(parse(&words).expect("it is a command").is_single(), "{words:?}");
    }
    for words in
        [&[][..], &["-x", ""], &["-x", "a:1"], &["-H", "a: b"], &["-L"], &["-f"], &["-sS"], &["-A", "x"]]
    {
        let words: Vec<&str> = words.iter().chain(&["https://a.test/"]).copied().collect();
        assert!(!parse(&words).expect("it is a command").is_single(), "{words:?}");
    }
}

#[test]
fn what_no_request_may_carry_is_refused_at_the_door() {
    let wrong = [
        &["-X", ""][..],
        &["-X", "GET /"],
        &["-X", "CONNECT"],
        &["-H", "a b: c"],
        &["-H", "a: b\r\nc: d"],
        &["-H", "a"],
        &["-I", "-d", "x"],
        &["--http2", "--http1.1"],
        &["--svg", "f", "-i"],
        &["-O", "-o", "f"],
    ];
    for words in wrong {
        let words: Vec<&str> = words.iter().chain(&["https://a.test/"]).copied().collect();
        assert!(parse(&words).is_err(), "{words:?}");
    }
}

#[test]
fn of_an_option_that_is_given_again_the_last_counts_and_lists_grow() {
    let words =
        ["-m", "1", "-o", "a", "-f", "-k", "-H", "a: b", "--max-time", "2s", "-o", "b", "-f", "-H", "c: d"];
    let words: Vec<&str> = words.iter().chain(&["--cacert", "c", "-k", "https://a.test/"]).copied().collect();
    let arguments = parse(&words).expect("it is a command");
    assert_eq!(arguments.max_time, Span::from_nanos(2_000_000_000));
    assert_eq!(arguments.output.as_deref(), Some(std::path::Path::new("b")));
    assert!(arguments.fail && arguments.header.len() == 2);
    assert!(matches!(crate::fetch::trust(&arguments.trust), sakigake::client::Trust::Anybody), "-k wins");
    assert!(parse(&["https://a.test/", "https://b.test/"]).is_err());
}
