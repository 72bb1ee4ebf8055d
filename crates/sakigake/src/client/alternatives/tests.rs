use super::*;
use crate::scratch::Scratch;
use field::Offer;
use std::{fs, os::unix::fs::PermissionsExt};

fn read(line: &str) -> Option<Field> {
    parse([line.as_bytes()].into_iter(), 0)
}

fn offer(protocol: &str, host: &str, port: u16) -> Offer {
    let (protocol, host) = (protocol.as_bytes().to_vec(), host.to_owned());
    Offer { protocol, host, port, max_age_secs: 86_400, persist: false }
}

fn spot(port: u16) -> Spot {
    Spot { host: "a.test".into(), port }
}

/// An Alt-Svc field as `a.test` sends it.
fn heard(book: &Alternatives, line: &str, now: u64) {
    book.hear("place", &spot(443), &read(line).expect("a field"), now);
}

#[test]
fn the_rfcs_own_examples_are_read() {
    let one = |line, offer| assert_eq!(read(line), Some(Field::Alternatives(vec![offer])), "{line}");
    one(r#"h2=":8000""#, offer("h2", "", 8_000));
    one(r#"h2="new.example.org:80""#, offer("h2", "new.example.org", 80));
    one(r#"w%3Dx%3Ay#z=":1""#, offer("w=x:y#z", "", 1));
    one(r#"x%25y=":1""#, offer("x%y", "", 1));
    one(r#"h2=":443"; ma=3600"#, Offer { max_age_secs: 3_600, ..offer("h2", "", 443) });
    // spec: 7838-3.1-b
    one(
        r#"h2=":443"; ma=2592000; persist=1"#,
        Offer { max_age_secs: 2_592_000, persist: true, ..offer("h2", "", 443) },
    );
    assert_eq!(
        read(r#"h2="alt.example.com:8000", h2=":443""#),
        Some(Field::Alternatives(vec![offer("h2", "alt.example.com", 8_000), offer("h2", "", 443)]))
    );
    assert_eq!(read("clear"), Some(Field::Clear)); // spec: 7838-3-a
}

#[test]
fn what_servers_send_is_read_over_several_lines_and_with_their_spaces() {
    let lines: [&[u8]; 2] =
        [br#"h3=":443";ma=86400 ,h3-29=":443" ; ma="60";quic=51303431"#, br#", h3="[::1]:1""#];
    let read = parse(lines.into_iter(), 20);
    let expected = [
        Offer { max_age_secs: 86_380, ..offer("h3", "", 443) }, // spec: 7838-3.1-d
        Offer { max_age_secs: 40, ..offer("h3-29", "", 443) },
        Offer { max_age_secs: 86_380, ..offer("h3", "[::1]", 1) },
    ];
    assert_eq!(read, Some(Field::Alternatives(expected.to_vec()))); // spec: 7838-3.1-c
}

#[test]
fn what_breaks_the_grammar_is_not_believed_by_halves() {
    for line in [
        "",
        ",",
        "h3",
        "h3=",
        "h3=:443",
        r#"h3 =":443""#,
        r#"h3="443""#,
        r#"h3=":0""#,
        r#"h3=":65536""#,
        r#"h3=":+43""#,
        r#"h3="a/b:443""#,
        r#"h3=":443"; ma"#,
        r#"h3=":443"; ma=-1"#,
        r#"h3=":443"; ma=x"#,
        r#"h3=":443" h2=":443""#,
        r#"h3=":443", h2"#,
        r#"h3=":443"#,
        r#"h%3=":443""#,
        r#"h%+1=":443""#,
        "Clear",
        "clear, h3=\":443\"",
    ] {
        assert_eq!(read(line), None, "{line}");
    }
}

#[test]
fn an_alternative_counts_as_long_as_it_was_said_to_and_no_longer() {
    // spec: 7838-2.2-a
    let book = Alternatives::default();
    heard(&book, r#"h3=":8443"; ma=60, h2=":9000", h3="B.test:1"; ma=120"#, 1_000);
    let other = Spot { host: "b.test".into(), port: 1 };
    assert_eq!(book.spots("place", 1_059), [spot(8_443), other.clone()]);
    assert_eq!(book.spots("place", 1_060), [other]);
    assert!(book.spots("place", 1_120).is_empty());
    assert!(book.spots("elsewhere", 1_000).is_empty(), "who trusts others is told nothing");
}

#[test]
fn what_is_said_later_takes_the_place_of_what_was_said_before() {
    // spec: 7838-3.1-a
    let book = Alternatives::default();
    heard(&book, r#"h3=":1""#, 0);
    heard(&book, r#"h3=":2""#, 0);
    assert_eq!(book.spots("place", 0), [spot(2)]);
    heard(&book, "clear", 0); // spec: 7838-3-a
    assert!(book.spots("place", 0).is_empty());
}

#[test]
fn a_spot_that_does_not_work_is_left_alone_ever_longer_until_it_works() {
    let book = Alternatives::default();
    let mut now = 0;
    for wait in [300, 600, 1_200] {
        book.failed("place", &spot(443), now);
        assert!(book.is_broken("place", &spot(443), now + wait - 1), "{wait}");
        assert!(!book.is_broken("place", &spot(443), now + wait), "{wait}");
        now += wait;
    }
    assert!(!book.is_broken("place", &spot(8_443), now - 1));
    book.failed("place", &spot(443), now);
    book.worked("place", &spot(443), now);
    assert!(!book.is_broken("place", &spot(443), now));
    for _ in 0..100 {
        book.failed("place", &spot(443), now);
    }
    assert!(!book.is_broken("place", &spot(443), now + 2 * 86_400), "no longer than two days");
}

#[test]
fn one_place_or_spot_more_than_there_is_room_for_makes_the_first_to_end_give_way() {
    let book = Alternatives::default();
    for number in 0..=Alternatives::PLACES {
        let field = read(&format!("h3=\":1\"; ma={}", 100 + number)).expect("a field");
        book.hear(&number.to_string(), &spot(443), &field, 0);
    }
    assert_eq!(book.places().len(), Alternatives::PLACES);
    assert!(book.spots("0", 0).is_empty());
    assert_eq!(book.spots("1", 0), [spot(1)]);
    let line = (1..=A_PLACE + 1).map(|port| format!("h3=\":{port}\"")).collect::<Vec<_>>().join(",");
    heard(&book, &line, 0);
    assert_eq!(book.spots("place", 0).len(), A_PLACE);
    for port in 1..=A_PLACE + 1 {
        book.failed("place", &spot(port as u16), 0);
    }
    assert!(!book.is_broken("place", &spot(1), 0), "the oldest gave way");
    assert!(book.is_broken("place", &spot(2), 0));
}

#[test]
fn a_file_remembers_for_the_next_process_and_is_for_this_user_alone() {
    let scratch = Scratch::new("alternatives");
    let path = scratch.path().join("alternatives");
    let book = Alternatives::in_file(&path).expect("no file yet");
    heard(&book, r#"h3="[::1]:8443""#, 7);
    book.failed("other", &spot(443), 7);
    assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
    let next = Alternatives::in_file(&path).expect("our own file");
    assert_eq!(*next.places(), *book.places());
    assert!(next.is_broken("other", &spot(443), 8));

    let text = fs::read_to_string(&path).expect("a file");
    scratch.write("alternatives", format!("h3\tx\ty\n\u{0}\n{text}h3\tx\t9\ta b\t1\n"));
    assert_eq!(*Alternatives::in_file(&path).expect("some of it is ours").places(), *book.places());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("it is ours");
    Alternatives::in_file(&path).expect_err("others may read it");
}

#[test]
fn two_processes_that_share_a_file_keep_what_the_other_one_learned() {
    let scratch = Scratch::new("alternatives");
    let path = scratch.path().join("alternatives");
    let [one, other] = [(); 2].map(|()| Alternatives::in_file(&path).expect("no file yet"));
    one.hear("one", &spot(443), &read(r#"h3=":1""#).expect("a field"), 0);
    other.hear("other", &spot(443), &read(r#"h3=":2""#).expect("a field"), 0);
    let third = Alternatives::in_file(&path).expect("our own file");
    assert_eq!([third.spots("one", 0), third.spots("other", 0)], [[spot(1)], [spot(2)]]);
}
