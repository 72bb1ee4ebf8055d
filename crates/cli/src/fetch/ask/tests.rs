use super::*;
use crate::arguments::{Cli, Command};
use clap::Parser;

#[test]
fn an_address_may_say_who_asks_and_leave_out_the_scheme() {
    let rows = [
        ("https://a.test/b", "https://a.test/b", None),
        ("a.test:8443", "https://a.test:8443/", None),
        ("HTTPS://a.test", "https://a.test/", None),
        ("a.test/?b=http://c.test/", "https://a.test/?b=http://c.test/", None),
        ("https://a.test/@b", "https://a.test/@b", None),
        ("https://a.test?b@c", "https://a.test/?b@c", None),
        ("https://saki:p%40ss%3aword@a.test:1/", "https://a.test:1/", Some("saki:p@ss:word")),
        ("https://saki@a.test/", "https://a.test/", Some("saki:")),
        ("saki:a:b@[::1]/", "https://[::1]/", Some("saki:a:b")),
        ("https://a@b@a.test/", "https://a.test/", Some("a@b:")),
    ];
    for (text, url, user) in rows {
        let (parsed, credentials) = address(text).unwrap_or_else(|ended| panic!("{text}: {ended:?}"));
        assert_eq!(
            (parsed.to_string().as_str(), credentials.as_deref()),
            (url, user.map(str::as_bytes)),
            "{text}"
        );
    }
}

#[test]
fn what_is_no_address_is_told_from_one_that_is_spoken_otherwise_and_shows_no_password() {
    let rows = [
        (1, "ftp://user:secret@a.test/"),
        (1, "file:///etc/hosts"),
        (1, "http://a.test/"),
        (3, "https://"),
        (3, "https://user:secret@/"),
        (3, "https://user:secret@a b/"),
        (3, "://a.test/"),
        (3, ""),
    ];
    for (code, text) in rows {
        let ended = address(text).expect_err(text);
        assert_eq!(ended.code, code, "{text}: {}", ended.why);
        assert!(!ended.why.contains("secret"), "{}", ended.why);
    }
}

#[test]
fn a_user_of_an_option_goes_before_one_of_the_url_and_a_field_before_both() {
    let named = "https://saki:pw@a.test/";
    let rows = [
        (&[named][..], &b"Basic c2FraTpwdw=="[..]),
        (&[named, "-u", "a:b"], b"Basic YTpi"),
        (&[named, "-H", "Authorization: c"], b"c"),
    ];
    for (words, expected) in rows {
        let words = ["sakigake", "fetch"].iter().chain(words);
        let Ok(Cli { command: Command::Fetch(arguments) }) = Cli::try_parse_from(words.clone()) else {
            panic!("{words:?}")
        };
        let ask = of(&arguments).unwrap_or_else(|ended| panic!("{words:?}: {ended:?}"));
        let sent = ask.fields.iter().filter(|line| line.name() == b"authorization").collect::<Vec<_>>();
        assert_eq!(sent, [&Line::Send(b"authorization".into(), expected.into())], "{words:?}");
    }
}
