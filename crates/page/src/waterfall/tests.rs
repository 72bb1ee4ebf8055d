use super::*;
use crate::{
    Url,
    load::{Id, Options, Want},
};
use sakigake_preload::{Destination, Hint};
use sakigake_semantics::Response;
use sakigake_wire::Instant;
use std::collections::BTreeMap;

const PAGE: &str = "https://localhost:8443/";

/// The files of a small site, by path: media type and body.
fn site() -> BTreeMap<&'static str, (&'static str, String)> {
    let html = "<link rel=stylesheet href=css/page.css><script src=js/app.js></script><img src=img/a-very-long-name-for-a-picture.svg>\
                <img src=missing.png><img src=https://cdn.test/far.png>";
    BTreeMap::from([
        ("/", ("text/html", html.to_owned())),
        (
            "/css/page.css",
            ("text/css", "@import 'ink.css'; body { background: url(../img/wave.svg) }".to_owned()),
        ),
        ("/css/ink.css", ("text/css", "a { color: red }".repeat(80))),
        ("/js/app.js", ("text/javascript", "let x = 1;".repeat(4_000))),
        ("/img/a-very-long-name-for-a-picture.svg", ("image/svg+xml", "<svg/>".to_owned())),
        ("/img/wave.svg", ("image/svg+xml", "<svg/>".repeat(20))),
        ("/far.png", ("image/png", "x".repeat(300))),
        ("/unused.css", ("text/css", "b { }".repeat(30))),
    ])
}

/// A load over a link of 50 ms a round trip that needs two of them to connect, and 1 ms for every 4 kB.
fn loaded(hints: &[&str], title: &str) -> Waterfall {
    let (site, rtt) = (site(), Span::from_millis(50));
    let start = Instant::default();
    let url = Url::parse(PAGE).expect("an address");
    let origin = url.origin().clone();
    let mut load = Load::new(url.clone(), Options { preload: true, ..Options::default() }, start);
    let connected = start + rtt.times(2);
    let mut due: Vec<(Instant, Id, String)> = Vec::new();
    let send = |load: &mut Load, now: Instant, due: &mut Vec<(Instant, Id, String)>| {
        while let Some(want) = load.wants(now) {
            if let Want::Request(wanted) = want {
                let path = String::from_utf8(wanted.request.path().to_vec()).expect("paths are ASCII");
                due.push((now.max(connected) + rtt, wanted.id, path));
            }
        }
    };
    send(&mut load, start, &mut due);
    let hint = |path: &&str| {
        let destination = if path.ends_with("css") { Destination::Style } else { Destination::Script };
        Hint::new(url.join(path).expect("an address").to_string(), destination)
    };
    load.hints(connected, &origin, &hints.iter().map(hint).collect::<Vec<_>>());
    send(&mut load, connected, &mut due);
    let mut now = connected;
    while !due.is_empty() {
        due.sort();
        let (arrival, id, path) = due.remove(0);
        now = now.max(arrival);
        let (status, media_type, body) = match site.get(path.as_str()) {
            Some((media_type, body)) => (200, *media_type, body.as_str()),
            None => (404, "text/plain", "not here"),
        };
        load.head(
            now,
            id,
            &Response { status, fields: [("content-type", media_type)].into_iter().collect() },
        );
        now += Span::from_micros(body.len() as u64 / 4);
        load.data(now, id, body.as_bytes());
        load.end(now, id);
        send(&mut load, now, &mut due);
    }
    let mut waterfall = Waterfall { title: title.to_owned(), ..Waterfall::of(&load) };
    waterfall.connected = Some(connected.since(start));
    waterfall
}

fn with_hints() -> Waterfall {
    let hints = ["/css/page.css", "/css/ink.css", "/js/app.js", "/unused.css"];
    Waterfall { round_trips: Some(4), ..loaded(&hints, "with hints") }
}

fn without_hints() -> Waterfall {
    Waterfall { round_trips: Some(5), ..loaded(&[], "without hints") }
}

#[test]
fn a_terminal_shows_hints_and_discoveries_apart() {
    insta::assert_snapshot!("unicode_100", text(&with_hints(), &Style::default()));
    insta::assert_snapshot!("unicode_100_without", text(&without_hints(), &Style::default()));
    insta::assert_snapshot!(
        "ascii_80",
        text(&with_hints(), &Style { width: 80, is_ascii: true, is_coloured: false })
    );
    insta::assert_snapshot!(
        "ascii_60",
        text(&without_hints(), &Style { width: 60, is_ascii: true, is_coloured: false })
    );
}

#[test]
fn colours_change_nothing_but_colours() {
    let style = Style { is_coloured: true, ..Style::default() };
    let coloured = text(&with_hints(), &style);
    assert!(coloured.contains("\x1b[32m"));
    let mut plain = String::new();
    for part in coloured.split('\x1b') {
        plain += part.strip_prefix('[').and_then(|rest| rest.split_once('m')).map_or(part, |(_, text)| text);
    }
    let trimmed: String = plain.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    assert_eq!(trimmed, text(&with_hints(), &Style::default()));
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for width in [0, 60, 61, 79, 80, 120, 400, 10_000] {
        for waterfall in [with_hints(), without_hints()] {
            for line in text(&waterfall, &Style { width, ..Style::default() }).lines() {
                assert!(line.chars().count() <= width.clamp(60, 400), "{width}: {line}");
            }
        }
    }
}

#[test]
fn a_drawing_is_the_same_each_time() {
    insta::assert_snapshot!("single.svg", svg(&with_hints()));
    insta::assert_snapshot!("compare.svg", compare(&[vec![&without_hints(), &with_hints()]]));
}

#[test]
fn groups_stand_below_each_other_on_the_scale_of_the_longest_load() {
    let (without, with) = (without_hints(), with_hints());
    let alone = compare(&[vec![&without]]);
    let both = compare(&[vec![&without], vec![&with]]);
    let height = |svg: &str| -> usize {
        let (_, rest) = svg.split_once(" height=\"").expect("a picture has a height");
        rest.split('"').next().and_then(|number| number.parse().ok()).expect("it is a number")
    };
    assert!(both.contains(&format!("<g transform=\"translate(0 {})\">", height(&alone))));
    assert!(height(&both) > height(&alone) && both.matches("<svg").count() == 1);
    let marks = |svg: &str| svg.matches("class=\"grid\"").count();
    assert_eq!(marks(&both), 2 * marks(&alone));
    assert_eq!(compare(&[]), "");
}

#[test]
fn what_a_page_names_cannot_break_out_of_a_drawing() {
    let mut waterfall = with_hints();
    waterfall.title = "</title><script>\"&\u{1}".to_owned();
    let svg = svg(&waterfall);
    assert!(!svg.contains("<script") && !svg.contains('\u{1}'));
}

#[test]
fn a_load_that_only_began_can_be_drawn() {
    let load = Load::new(Url::parse(PAGE).expect("an address"), Options::default(), Instant::default());
    let waterfall = Waterfall::of(&load);
    assert!(text(&waterfall, &Style::default()).contains("not complete"));
    assert!(svg(&waterfall).ends_with("</svg>\n"));
}

#[test]
fn numbers_are_as_exact_as_they_are_worth() {
    let times = [(0, "0"), (420, "0.42"), (7_340, "7.3"), (20_000, "20"), (150_900, "150")];
    for (micros, text) in times {
        assert_eq!(ms(Span::from_micros(micros)), text);
    }
    for (bytes, text) in
        [(0, "0 B"), (999, "999 B"), (1_000, "1.0 KB"), (11_542, "11 KB"), (2_300_000, "2.3 MB")]
    {
        assert_eq!(size(bytes), text);
    }
}
