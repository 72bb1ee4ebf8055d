use super::*;
use crate::{Destination, Digest, FetchPriority};
use sakigake_wire::Instant;

fn site(paths: &[&str]) -> Site {
    Site { hints: paths.iter().map(|path| Hint::new(*path, Destination::Image)).collect(), pages: Vec::new() }
}

fn table() -> Table {
    let table =
        Table::new(Config { port: 8443, default_host: Some("a.example".into()), ..Config::default() });
    table.set("A.Example", &site(&["/1", "/2"]));
    table
}

fn urls(flight: Option<Flight>) -> Vec<String> {
    let flight = flight.expect("there is something to say");
    let told: Vec<String> = flight.hints().map(|hint| hint.url.clone()).collect();
    let reading = block::read(flight.block(), block::Limits::default()).unwrap();
    assert_eq!(
        reading.hints.iter().map(|hint| hint.url.clone()).collect::<Vec<_>>(),
        told,
        "the block says the same"
    );
    told
}

#[test]
fn hints_are_chosen_by_the_name_the_client_gave() {
    // spec: preload-profile-3-a
    // spec: preload-profile-13-a
    let table = table();
    let expected = ["https://a.example:8443/1", "https://a.example:8443/2"];
    for name in [Some("a.example"), Some("A.EXAMPLE."), None] {
        assert_eq!(urls(table.first(name, 2_048)), expected);
    }
    assert!(table.first(Some("b.example"), 2_048).is_none());
    table.set("b.example", &Site::default());
    assert!(table.first(Some("b.example"), 2_048).is_none());
    table.remove("a.example");
    assert!(table.first(None, 2_048).is_none());
    let public = Table::new(Config { public: Some("www.example".into()), port: 8443, ..Config::default() });
    public.set("a.example", &site(&["/1"]));
    assert_eq!(urls(public.first(Some("a.example"), 2_048)), ["https://www.example/1"]);
}

#[test]
fn everybody_gets_the_same_bytes_best_first() {
    let table = table();
    let hints = vec![
        Hint::new("/i", Destination::Image),
        Hint { fetchpriority: FetchPriority::Low, ..Hint::new("/late.js", Destination::Script) },
        Hint::new("/a.js", Destination::Script),
        Hint::new("/f", Destination::Font),
        Hint::new("/a.js", Destination::Script),
        Hint::new("/a.css", Destination::Style),
        Hint::new("not a url", Destination::Style),
        Hint { media: Some("\u{e9}".into()), ..Hint::new("/cannot-be-said", Destination::Style) },
    ];
    table.set("a.example", &Site { hints, pages: Vec::new() });
    let first = table.first(None, 2_048).unwrap();
    assert_eq!(first.block(), table.first(Some("a.example"), 2_048).unwrap().block());
    let expected =
        ["a.css", "f", "a.js", "late.js", "i"].map(|name| format!("https://a.example:8443/{name}"));
    assert_eq!(urls(Some(first.clone())), expected);
    for bytes in 0..=first.block().len() {
        let cut = table.first(None, bytes);
        let block = cut.as_ref().map_or(&[][..], Flight::block);
        assert!(block.len() <= bytes && first.block().starts_with(block));
    }
    assert_eq!(urls(table.first(None, first.block().len() - 1)), expected[..4]);
}

#[test]
fn a_frame_keeps_to_the_caps() {
    // spec: preload-profile-5-a
    let table = table();
    let paths: Vec<String> = (0..17).map(|at| format!("/{at}")).collect();
    table.set("a.example", &site(&paths.iter().map(String::as_str).collect::<Vec<_>>()));
    assert_eq!(urls(table.first(None, usize::MAX)).len(), 16);
    let long: Vec<String> = (0..16).map(|at| format!("/{at}{}", "x".repeat(300))).collect();
    table.set("a.example", &site(&long.iter().map(String::as_str).collect::<Vec<_>>()));
    let flight = table.first(None, usize::MAX).unwrap();
    assert!(flight.block().len() <= 2_048 && flight.hints().count() > 4);
}

#[test]
fn the_caps_are_16_hints_and_2_048_bytes() {
    // spec: preload-profile-5-b
    let hint = |len: usize| Hint::new(format!("https://a.example/{}", "x".repeat(len)), Destination::Image);
    let bytes = |len| block::write(&[hint(len)], Budget { hints: 1, block_bytes: usize::MAX }).0.len();
    for (wanted, expected) in [(2_048, 1), (2_049, 0)] {
        let len = (0..4_000).find(|len| bytes(*len) == wanted).expect("a letter is a byte at most");
        assert_eq!(block::write(&[hint(len)], Budget::default()).1, expected);
    }
    assert_eq!(block::write(&vec![hint(1); 17], Budget::default()).1, 16);
}

#[test]
fn a_page_says_what_was_not_said() {
    let table = table();
    let page = vec![Hint::new("/2", Destination::Image), Hint::new("/p.css", Destination::Style)];
    let site = Site { pages: vec![("/p".into(), page)], ..site(&["/1", "/2"]) };
    table.set("a.example", &site);
    let mut account = Account::new();
    account.sent(Instant::from_nanos(0), &table.first(None, 2_048).unwrap());
    assert!(table.page(None, "/other", &account).is_none());
    let later = table.page(None, "/p?q", &account);
    account.sent(Instant::from_nanos(0), later.as_ref().unwrap());
    assert_eq!(urls(later), ["https://a.example:8443/p.css"]);
    assert!(table.page(None, "/p", &account).is_none(), "nothing is said twice");
    assert_eq!(table.hints(None, "/p").len(), 3);
    assert_eq!(table.hints(None, "/p")[0].url, "https://a.example:8443/p.css");
}

#[test]
fn one_connection_is_told_so_much_and_no_more() {
    let limits = Limits { told_hints: 3, ..Config::default().limits };
    let table = Table::new(Config { limits, ..Config::default() });
    table.set(
        "a.example",
        &Site { pages: vec![("/p".into(), site(&["/3", "/4"]).hints)], ..site(&["/1", "/2"]) },
    );
    let mut account = Account::new();
    account.sent(Instant::from_nanos(0), &table.first(Some("a.example"), 2_048).unwrap());
    let later = table.page(Some("a.example"), "/p", &account);
    account.sent(Instant::from_nanos(0), later.as_ref().unwrap());
    assert_eq!(urls(later), ["https://a.example/3"]);
    assert!(table.page(Some("a.example"), "/p", &account).is_none());
}

#[test]
fn any_host_speaks_for_names_that_clients_choose() {
    let config = Config {
        port: 443,
        limits: Limits { derived_hosts: 1, hints: 2, ..Config::default().limits },
        ..Config::default()
    };
    let table = Table::new(config);
    table.set(ANY_HOST, &site(&["/1", "/2", "/3"]));
    assert_eq!(urls(table.first(Some("x.test"), 2_048)), ["https://x.test/1", "https://x.test/2"]);
    assert_eq!(urls(table.first(Some("y.test"), 2_048)), ["https://y.test/1", "https://y.test/2"]);
    assert_eq!(table.read().derived.len(), 1, "names that clients choose are not collected");
    assert!(table.first(Some("not a host"), 2_048).is_none());
    table.remove(ANY_HOST);
    assert!(table.first(Some("x.test"), 2_048).is_none());
}

/// One connection: what it asks for within the window, and whether its client acts on the frame.
#[test]
fn a_wildcard_speaks_for_one_label_more_before_any_host_does() {
    let table = table();
    table.set(ANY_HOST, &site(&["/any"]));
    table.set("*.B.example", &site(&["/wild"]));
    for (name, url) in [
        ("x.b.example", "https://x.b.example:8443/wild"),
        ("X.B.EXAMPLE.", "https://x.b.example:8443/wild"),
        ("b.example", "https://b.example:8443/any"),
        ("x.x.b.example", "https://x.x.b.example:8443/any"),
        ("a.example", "https://a.example:8443/1"),
    ] {
        assert_eq!(urls(table.first(Some(name), 2_048))[0], url);
    }
    table.set("*.b.example", &Site::default());
    assert!(table.first(Some("x.b.example"), 2_048).is_none(), "a wildcard without hints is no lack of one");
    table.remove("*.b.example");
    assert_eq!(urls(table.first(Some("x.b.example"), 2_048)), ["https://x.b.example:8443/any"]);
}

fn connection(table: &Table, acts: bool, asks: &[&str]) {
    let mut account = Account::new();
    let Some(flight) = table.first(None, 2_048) else { return };
    let start = Instant::from_nanos(5);
    account.sent(start, &flight);
    if acts {
        account.client_acts();
    }
    for target in asks {
        account.requested(None, target);
    }
    let deadline = account.deadline(table.config()).unwrap();
    assert_eq!(deadline, start + Span::from_secs(10));
    account.expire(start + Span::from_secs(9), table.config());
    assert_eq!(account.deadline(table.config()), Some(deadline));
    account.expire(deadline, table.config());
    assert_eq!(account.deadline(table.config()), None);
    account.requested(None, "/2");
    account.close();
}

#[test]
fn only_clients_that_act_on_the_frame_count() {
    // spec: preload-profile-11-a
    let table = table();
    connection(&table, false, &["/1"]);
    connection(&table, true, &["/1", "/other"]);
    let counts: Vec<_> = table.counts("a.example").iter().map(|count| (count.sent, count.used)).collect();
    assert_eq!(counts, [(1, 1), (1, 0)]);
    assert_eq!(table.totals(), Totals { sent: 2, used: 1 });
}

#[test]
fn a_hint_that_is_mostly_in_vain_is_withdrawn() {
    // spec: preload-profile-11-b
    let table = table();
    for at in 0..50 {
        assert_eq!(table.first(None, 2_048).unwrap().hints().count(), 2);
        connection(&table, true, if at % 2 == 0 { &["/1"] } else { &["/1", "/2"] });
    }
    assert_eq!(table.first(None, 2_048).unwrap().hints().count(), 2, "half is not more than half");
    connection(&table, true, &["/1"]);
    assert_eq!(urls(table.first(None, 2_048)), ["https://a.example:8443/1"]);
    table.set("a.example", &site(&["/1", "/2", "/3"]));
    let left = ["https://a.example:8443/1", "https://a.example:8443/3"];
    assert_eq!(urls(table.first(None, 2_048)), left, "a change of the site forgets nothing");
}

#[test]
fn a_slow_connection_has_more_time() {
    // spec: preload-profile-11-d
    let table = table();
    let mut account = Account::new();
    account.sent(Instant::from_nanos(0), &table.first(None, 2_048).unwrap());
    account.learn_rtt(Span::from_secs(3));
    assert_eq!(account.deadline(table.config()), Some(Instant::from_nanos(0) + Span::from_secs(12)));
}

#[test]
fn a_request_on_another_origin_is_no_use() {
    let table = table();
    let mut account = Account::new();
    account.sent(Instant::from_nanos(0), &table.first(None, 2_048).unwrap());
    account.client_acts();
    account.requested(Some("b.example:8443"), "/1");
    account.requested(Some("a.example:8443"), "/2");
    account.close();
    assert_eq!(table.counts("a.example").iter().map(|count| count.used).collect::<Vec<_>>(), [0, 1]);
}

#[test]
#[allow(clippy::disallowed_methods, reason = "the table alone is made for several threads")]
fn workers_share_a_table_that_changes() {
    let table = Arc::new(table());
    let worker = |_| {
        let table = Arc::clone(&table);
        std::thread::spawn(move || (0..200).for_each(|_| connection(&table, true, &["/1"])))
    };
    let workers: Vec<_> = (0..2).map(worker).collect();
    (0..50).for_each(|_| table.set("a.example", &site(&["/1", "/2"])));
    workers.into_iter().for_each(|worker| worker.join().unwrap());
    assert!(table.first(None, 2_048).is_some());
}

#[test]
fn link_fields_keep_the_budget_and_lose_what_was_withdrawn() {
    // spec: preload-profile-12-c
    let table = table();
    let page = |path: &str| (path.to_owned(), vec![Hint::new("/more", Destination::Style)]);
    table.set("a.example", &Site { pages: vec![page("/page")], ..site(&["/1", "/2"]) });
    let one = "<https://a.example:8443/1>; rel=preload; as=image";
    let two = "<https://a.example:8443/2>; rel=preload; as=image";
    let more = "<https://a.example:8443/more>; rel=preload; as=style";
    for _ in 0..2 {
        assert_eq!(table.links(Some("a.example"), "/")[..], [one, two]);
        assert_eq!(table.links(Some("a.example"), "/page?query")[..], [more, one, two]);
    }
    assert!(table.links(Some("b.example"), "/").is_empty());
    let host = table.find(Some("a.example")).expect("it is there");
    (0..50).for_each(|_| host.settle(0, false));
    assert_eq!(table.links(Some("a.example"), "/")[..], [two]);
    assert_eq!(table.links(Some("a.example"), "/page")[..], [more, two]);
    // One byte less than all, and one hint less.
    let all = 2 * ("link".len() + one.len());
    for (budget, expected) in [
        (Budget { hints: 2, block_bytes: all }, 2),
        (Budget { hints: 2, block_bytes: all - 1 }, 1),
        (Budget { hints: 1, block_bytes: all }, 1),
    ] {
        let table = Table::new(Config { port: 8443, budget, ..Config::default() });
        table.set("a.example", &site(&["/1", "/2"]));
        assert_eq!(table.links(Some("a.example"), "/").len(), expected);
    }
}

#[test]
fn a_flights_digest_is_of_its_host_and_of_its_bytes_alone() {
    let digest = |table: &Table, host, bytes| table.first(Some(host), bytes).map(|flight| flight.digest());
    let one = table();
    one.set("b.example", &site(&["/1", "/2"]));
    let whole = digest(&one, "a.example", 2_048);
    let bytes = one.first(Some("a.example"), 2_048).expect("two hints").block().to_vec();
    assert_eq!(whole, Some(Digest::of("a.example").with(&bytes)));
    assert_ne!(digest(&one, "b.example", 2_048), whole, "another host");
    let cut = digest(&one, "a.example", bytes.len() - 1);
    assert!(cut.is_some() && cut != whole, "less of it");
    one.set("a.example", &site(&["/1"]));
    assert_eq!(digest(&one, "a.example", 2_048), cut, "as much said by another state of the host");
    one.set("a.example", &site(&["/1", "/3"]));
    assert_ne!(digest(&one, "a.example", 2_048), whole);
}
