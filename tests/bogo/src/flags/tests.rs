use super::*;

fn parse(words: &[&str]) -> Result<Flags, End> {
    Flags::parse(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
}

#[test]
fn a_prefix_names_the_connections_that_a_flag_is_for() {
    let flags = parse(&["-server", "-on-initial-select-alpn", "a", "-on-resume-select-alpn", "b"]);
    let flags = flags.expect("all are known");
    assert!(flags.initial.has("-server") && flags.resume.has("-server"));
    assert_eq!(flags.initial.text("-select-alpn"), Some("a"));
    assert_eq!(flags.resume.text("-select-alpn"), Some("b"));
}

#[test]
fn flags_of_a_credential_belong_to_the_one_begun_last() {
    let words = ["-cert-file", "1", "-new-x509-credential", "-cert-file", "2", "-signing-prefs", "2052"];
    let flags = parse(&words).expect("all are known");
    let (default, mut begun) = flags.initial.credentials();
    assert_eq!(default["-cert-file"], ["1"]);
    let begun = begun.next().expect("one was begun");
    assert_eq!(begun["-cert-file"], ["2"]);
    assert_eq!(numbers::<u16>(begun, "-signing-prefs").expect("a number"), [0x0804]);
}

#[test]
fn what_is_unknown_declines_the_case() {
    for words in [&["-dtls"][..], &["-on-resume-quic"], &["-server", "-psk", "x"]] {
        assert!(matches!(parse(words), Err(End::Declined(_))), "{words:?}");
    }
    let flags = parse(&["-curves", "a group"]).expect("the flag is known");
    assert!(matches!(flags.initial.numbers::<u16>("-curves"), Err(End::Declined(_))));
}
