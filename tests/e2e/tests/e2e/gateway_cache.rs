//! What a gateway's cache gives to whom, and what those who read slowly hold.

use crate::{
    gateway::{LARGE_TIMES, NAVIGATE, World, get, line},
    service::{Client, Said},
};
use sakigake::gateway::Limits;
use sakigake_e2e::eventually;
use std::{sync::atomic::Ordering, thread::sleep, time::Duration};

/// Time for what is on its way between threads.
const A_WHILE: Duration = Duration::from_millis(200);

#[test]
fn each_line_of_a_policy_is_shown_from_the_cache_as_it_was_said() {
    let world = World::new(&["/page.css"]);
    world.known.set(&[
        ("/page.css", "cache-control", "max-age=60"),
        ("/page.css", "content-security-policy", "default-src https:"),
        ("/page.css", "content-security-policy", "script-src https:"),
        ("/page.css", "date", "Sun, 22 Nov 2026 08:00:00 GMT"),
    ]);
    let mut browser = Client::of(&world.gateway);
    world.visit(&mut browser, 1);
    get(&mut browser, 3, "/page.css", &[]);
    sleep(A_WHILE);
    let (head, _) = get(&mut browser, 5, "/page.css", &[]);
    assert_eq!(world.known.asked("/page.css").len(), 1, "it was kept");
    let policies: Vec<&str> =
        head.lines().filter_map(|line| line.strip_prefix("content-security-policy: ")).collect();
    assert_eq!(policies, ["default-src https:", "script-src https:"], "{head}");
    assert_eq!(line(&head, "date"), Some("Sun, 22 Nov 2026 08:00:00 GMT"), "{head}");
    assert!(line(&head, "age").is_some(), "{head}");
}

#[test]
fn what_is_hinted_at_and_not_to_be_shared_is_fetched_once_in_a_while() {
    let world = World::new(&["/private.css", "/page.css"]);
    world.known.set(&[
        ("/private.css", "cache-control", "private, max-age=60"),
        ("/page.css", "cache-control", "no-cache"), // To be kept, and confirmed each time.
    ]);
    let mut browser = Client::of(&world.gateway);
    for (stream, times) in [(1, 1), (3, 2), (5, 3)] {
        assert_eq!(world.visit(&mut browser, stream).len(), 2, "the browser is told each time");
        eventually("the other one was fetched", || world.known.asked("/page.css").len() == times);
        sleep(A_WHILE);
    }
    assert_eq!(world.known.asked("/private.css").len(), 1);
}

#[test]
fn what_has_no_end_is_not_waited_for_though_it_is_hinted_at() {
    let world = World::new(&["/endless.css"]);
    let mut browser = Client::of(&world.gateway);
    world.visit(&mut browser, 1);
    eventually("it was fetched", || world.known.asked("/endless.css").len() == 1);
    browser.ask(3, true, "GET", "/endless.css", &[]);
    let Said::Head(head, false) = browser.next(3) else { panic!("no head") };
    assert_eq!(line(&head, ":status"), Some("200"));
    assert!(matches!(browser.next(3), Said::Data(piece, false) if piece == b"GET /endless.css"));
    assert_eq!(world.known.asked("/endless.css").len(), 2, "the second one is the browser's own");
}

#[test]
fn a_coding_that_one_browser_asked_for_goes_to_no_other_one() {
    let world = World::new(&["/page.css"]);
    world.known.set(&[
        ("/page.css", "cache-control", "max-age=60"),
        ("/page.css", "content-encoding", "br"), // And no word of Vary.
    ]);
    let mut browser = Client::of(&world.gateway);
    world.let_answer();
    browser.ask(1, true, "GET", "/", &[NAVIGATE, ("accept-encoding", "br")]);
    eventually("it was fetched", || world.known.asked("/page.css").len() == 1);
    get(&mut browser, 3, "/page.css", &[("accept-encoding", "br")]);
    assert_eq!(world.known.asked("/page.css").len(), 1);
    get(&mut browser, 5, "/page.css", &[("accept-encoding", "gzip")]);
    get(&mut browser, 7, "/page.css", &[]);
    assert_eq!(world.known.asked("/page.css").len(), 3);
}

#[test]
fn for_a_browser_that_wants_nothing_kept_nothing_is_fetched_to_be_kept() {
    // spec: 9111-5.2.1.5-a
    let world = World::new(&["/page.css"]);
    world.known.set(&[("/page.css", "cache-control", "no-cache"), ("/page.css", "etag", "\"v1\"")]);
    let mut browser = Client::of(&world.gateway);
    world.visit(&mut browser, 1);
    eventually("it was fetched", || world.known.asked("/page.css").len() == 1);
    sleep(A_WHILE); // Its end is on its way to the gateway.
    get(&mut browser, 3, "/page.css", &[("cache-control", "max-age=0, No-Store"), ("cookie", "id=7")]);
    let asked = world.known.asked("/page.css");
    assert_eq!((asked.len(), &asked[1]["cookie"]), (2, &"id=7".parse().expect("a value")));
    assert!(!asked[1].contains_key("if-none-match"));
}

#[test]
fn what_slow_readers_share_is_as_much_as_it_may_be_until_they_are_gone() {
    let world = World::with(&[], true, Limits { crowds: 1, ..Limits::default() });
    let paths = ["/slow/1/large", "/slow/2/large", "/slow/3/large"];
    let length: &'static str = ("GET /slow/1/large".len() * LARGE_TIMES).to_string().leak();
    let fields = paths.map(|path| [(path, "cache-control", "max-age=60"), (path, "content-length", length)]);
    world.known.set(&fields.concat());
    let mut browsers = [Client::of(&world.gateway), Client::of(&world.gateway)];
    for (stream, path, times) in [(1, paths[0], 1), (3, paths[1], 2), (5, paths[2], 1)] {
        world.known.may_answer.store(false, Ordering::SeqCst);
        for browser in &mut browsers {
            browser.ask(stream, true, "GET", path, &[]);
            eventually("the origin has it", || !world.known.asked(path).is_empty());
        }
        sleep(A_WHILE); // The second one waits, or has asked.
        world.let_answer();
        for browser in &mut browsers {
            let Said::Head(head, false) = browser.next(stream) else { panic!("no head") };
            assert_eq!(line(&head, ":status"), Some("200")); // And they read no further.
        }
        assert_eq!(world.known.asked(path).len(), times, "{path}");
        sleep(2 * A_WHILE); // The gateway has all of it by now.
        if stream == 3 {
            // All of them go, and what they held with them.
            for browser in &mut browsers {
                [1, 3].iter().for_each(|stream| browser.reset(*stream));
            }
            sleep(A_WHILE);
        }
    }
}

#[test]
fn a_look_at_the_way_goes_as_far_as_it_says() {
    // spec: 9110-7.6.2-a
    let world = World::new(&[]);
    let mut browser = Client::of(&world.gateway);
    for (stream, method, left, status) in [
        (1, "OPTIONS", "0", "200"),
        (3, "TRACE", "0", "501"),
        (5, "OPTIONS", "1", "200"),
        (7, "TRACE", "1", "200"),
    ] {
        browser.ask(stream, true, method, "/way", &[("max-forwards", left), ("cookie", "id=7")]);
        let (head, body) = browser.whole(stream);
        assert_eq!(line(&head, ":status"), Some(status), "{method} {left}");
        assert!(!body.windows(4).any(|part| part == b"id=7"));
    }
    let asked = world.known.asked("/way");
    assert_eq!(asked.iter().map(|asked| &asked["max-forwards"]).collect::<Vec<_>>(), ["0", "0"]);
}
