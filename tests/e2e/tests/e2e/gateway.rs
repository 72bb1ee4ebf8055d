//! A gateway between a browser, whose every byte is in the test's hand, and an origin that sends PRELOAD frames.

use crate::service::{Client, Said};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::BodyExt;
use sakigake::{
    client::{self, Options, Resolve, Trust},
    gateway::{self, Counts, Limits},
    hosts::{Hosts, Target},
    service::{Body, Factory},
};
use sakigake_e2e::{Server, Setup, eventually, example};
use sakigake_page::Origin;
use sakigake_preload::{
    Destination, Hint,
    table::{ANY_HOST, Site},
};
use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

pub(crate) const NAVIGATE: (&str, &str) = ("sec-fetch-mode", "navigate");

/// How often a large response says what it says.
pub(crate) const LARGE_TIMES: usize = 50_000;

/// What an origin answers, beside its path, and what it was asked.
#[derive(Default)]
pub(crate) struct Known {
    asked: Mutex<Vec<(String, HeaderMap, Vec<u8>)>>,
    /// Fields of answers, by path.
    fields: Mutex<Vec<(&'static str, &'static str, &'static str)>>,
    /// The document may come.
    pub(crate) may_answer: AtomicBool,
    pub(crate) under_way: AtomicUsize,
}

impl Known {
    pub(crate) fn asked(&self, path: &str) -> Vec<HeaderMap> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.iter().filter(|(other, ..)| other == path).map(|(_, headers, _)| headers.clone()).collect()
    }

    fn fields(&self, path: &str) -> Vec<(&'static str, &'static str)> {
        let fields = self.fields.lock().unwrap_or_else(PoisonError::into_inner);
        fields.iter().filter(|(other, ..)| *other == path).map(|(_, name, value)| (*name, *value)).collect()
    }

    pub(crate) fn set(&self, fields: &[(&'static str, &'static str, &'static str)]) {
        *self.fields.lock().unwrap_or_else(PoisonError::into_inner) = fields.to_vec();
    }
}

/// Notes that its handler is gone.
struct UnderWay(Arc<Known>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A text, and perhaps no end.
struct Text(Option<Bytes>, bool);

impl http_body::Body for Text {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.0.take() {
            Some(text) => Poll::Ready(Some(Ok(Frame::data(text)))),
            None if self.1 => Poll::Pending,
            None => Poll::Ready(None),
        }
    }
}

async fn answer(known: Arc<Known>, request: Request<Body>) -> Result<Response<Text>, Infallible> {
    known.under_way.fetch_add(1, Ordering::SeqCst);
    let _under_way = UnderWay(known.clone());
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let body = body.collect().await.map(|body| body.to_bytes().to_vec()).unwrap_or_default();
    let entry = (path.clone(), parts.headers.clone(), body);
    known.asked.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
    while (path == "/" || path.starts_with("/slow")) && !known.may_answer.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let fields = known.fields(&path);
    let etag = fields.iter().find(|(name, _)| *name == "etag").map(|(_, value)| *value);
    let is_known =
        etag.is_some_and(|etag| parts.headers.get("if-none-match").is_some_and(|sent| sent == etag));
    let text = if is_known { String::new() } else { format!("{} {path}", parts.method) };
    let text = if path.ends_with("/large") { text.repeat(LARGE_TIMES) } else { text };
    let text = (!text.is_empty()).then(|| Bytes::from(text));
    let mut response = Response::new(Text(text, path.starts_with("/endless")));
    if is_known {
        *response.status_mut() = http::StatusCode::NOT_MODIFIED;
    }
    for (name, value) in fields {
        response.headers_mut().append(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    Ok(response)
}

pub(crate) struct World {
    pub(crate) known: Arc<Known>,
    origin: Server,
    pub(crate) gateway: Server,
    counts: Arc<Counts>,
}

impl World {
    /// An origin that hints at these, and a gateway before it.
    pub(crate) fn new(hints: &[&str]) -> Self {
        Self::with(hints, true, Limits::default())
    }

    pub(crate) fn with(hints: &[&str], wants_hints: bool, limits: Limits) -> Self {
        let known = Arc::new(Known::default());
        let answering = known.clone();
        let factory = Factory::of_fn(move |request| answer(answering.clone(), request));
        let hosts = Some(Hosts::one(Target::Service(factory)));
        let origin = Server::start(Setup { hosts, ..Setup::of(example()) });
        let hints = hints.iter().map(|url| Hint::new(*url, Destination::Style)).collect();
        origin.table.set(ANY_HOST, &Site { hints, pages: Vec::new() });
        let counts = Arc::new(Counts::default());
        let (ca, address) = (origin.ca.clone(), origin.address);
        let connect = move || {
            let row = Resolve { host: "www.saki.test".into(), port: address.port(), address: address.ip() };
            let trust = Trust::File(ca.clone());
            client::Client::new(Options {
                trust,
                resolve: vec![row],
                preload: wants_hints,
                ..Options::default()
            })
        };
        let place = Origin { secure: true, host: "www.saki.test".into(), port: origin.address.port() };
        let options = gateway::Options { origin: place, hints: wants_hints, limits, counts: counts.clone() };
        let factory = gateway::factory(options, connect).expect("the CA can be read");
        let gateway = Server::start(Setup::of_service(factory));
        Self { known, origin, gateway, counts }
    }

    pub(crate) fn let_answer(&self) {
        self.known.may_answer.store(true, Ordering::SeqCst);
    }

    /// Goes to the page, and hears of it to its end.
    pub(crate) fn visit(&self, browser: &mut Client, stream: u32) -> Vec<String> {
        self.let_answer();
        browser.ask(stream, true, "GET", "/", &[NAVIGATE]);
        let mut heads = Vec::new();
        loop {
            match browser.next(stream) {
                Said::Head(head, end) => {
                    heads.push(head);
                    if end {
                        return heads;
                    }
                }
                Said::Data(_, true) => return heads,
                Said::Data(..) => {}
                said @ Said::Reset(_) => panic!("{said:?}"),
            }
        }
    }
}

pub(crate) fn line<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

pub(crate) fn get(browser: &mut Client, stream: u32, path: &str, more: &[(&str, &str)]) -> (String, String) {
    browser.ask(stream, true, "GET", path, more);
    let (head, body) = browser.whole(stream);
    (head, String::from_utf8(body).expect("text"))
}

#[test]
fn a_browser_is_told_and_served_what_the_frame_names_before_the_document_is_there() {
    let world = World::new(&["/page.css"]);
    world.known.set(&[("/page.css", "cache-control", "max-age=60")]);
    let mut browser = Client::of(&world.gateway);
    let secrets = [("cookie", "id=7"), ("authorization", "Basic eDp5"), ("x-own", "1")];
    let choosing = [("accept-encoding", "br"), ("accept-language", "ja"), NAVIGATE];
    browser.ask(1, true, "GET", "/", &[&secrets[..], &choosing[..]].concat());
    let Said::Head(early, false) = browser.next(1) else { panic!("no 103") };
    assert_eq!(early, ":status: 103\nlink: <https://www.saki.test/page.css>; rel=preload; as=style\n");
    // The document still waits: nothing but the frame can have named it.
    let (head, body) = get(&mut browser, 3, "/page.css", &[("cookie", "id=7"), ("accept-encoding", "br")]);
    assert_eq!((line(&head, ":status"), &body[..]), (Some("200"), "GET /page.css"));
    assert!(!world.known.may_answer.load(Ordering::SeqCst));
    let asked = world.known.asked("/page.css");
    let [fetched] = &asked[..] else { panic!("asked {} times", asked.len()) };
    assert!(secrets.iter().all(|(name, _)| !fetched.contains_key(*name)), "{fetched:?}");
    assert_eq!(fetched["accept-encoding"], "br");
    assert_eq!(fetched["accept-language"], "ja");
    world.let_answer();
    let (head, body) = browser.whole(1);
    assert_eq!((line(&head, ":status"), &body[..]), (Some("200"), &b"GET /"[..]));
    let [document] = &world.known.asked("/")[..] else { panic!("one request for the document") };
    assert_eq!(document["cookie"], "id=7");
    assert_eq!(
        world.counts.to_string(),
        "1 navigation told early; 1 resource fetched for hints, 0 of them never asked for; 1 request answered from the cache, 1 \
         passed on"
    );
}

#[test]
fn nobody_is_told_twice_or_of_other_origins_or_without_navigating() {
    let world = World::new(&["/one.css", "https://other.saki.test/two.css"]);
    let mut browser = Client::of(&world.gateway);
    let heads = world.visit(&mut browser, 1);
    assert_eq!(heads.len(), 2, "{heads:?}");
    assert!(heads[0].starts_with(":status: 103\nlink: <https://www.saki.test/one.css>;"), "{heads:?}");
    assert!(!heads[0].contains("two.css"), "{heads:?}");
    let (head, _) = get(&mut browser, 3, "/", &[("sec-fetch-mode", "cors")]);
    assert_eq!(line(&head, ":status"), Some("200"));
    assert_eq!(world.visit(&mut browser, 5).len(), 2);
    assert!(world.known.asked("/two.css").is_empty());
}

#[test]
fn without_hints_nothing_is_told_and_nothing_fetched() {
    let world = World::with(&["/page.css"], false, Limits::default());
    let heads = world.visit(&mut Client::of(&world.gateway), 1);
    assert!(!heads[0].starts_with(":status: 103"), "{heads:?}");
    assert!(world.known.asked("/page.css").is_empty());
}

#[test]
fn what_is_one_browsers_own_goes_to_no_other() {
    // spec: 9111-3-a
    let paths = [
        "/private.css",
        "/loud.css",
        "/quoted.css",
        "/cookie.css",
        "/store.css",
        "/vary.css",
        "/starred.css",
        "/listed.css",
    ];
    let world = World::new(&paths);
    world.known.set(&[
        ("/private.css", "cache-control", "private, max-age=60"),
        ("/loud.css", "cache-control", "PRIVATE, Max-Age=60"),
        ("/quoted.css", "cache-control", "x=\"a, max-age=60, b\", No-Store"),
        ("/listed.css", "cache-control", "max-age=60"),
        ("/listed.css", "vary", "accept, *"),
        ("/cookie.css", "cache-control", "max-age=60"),
        ("/cookie.css", "set-cookie", "id=1"),
        ("/store.css", "cache-control", "no-store"),
        ("/vary.css", "cache-control", "max-age=60"),
        ("/vary.css", "vary", "accept"),
        ("/vary.css", "vary", "cookie"),
        ("/starred.css", "cache-control", "max-age=60"),
        ("/starred.css", "vary", "*"),
    ]);
    let mut browser = Client::of(&world.gateway);
    assert_eq!(world.visit(&mut browser, 1).len(), 2);
    for (stream, path) in (3..).step_by(2).zip(paths) {
        let (head, _) =
            get(&mut browser, stream, path, &[("cookie", "id=7"), ("accept", "text/css,*/*;q=0.1")]);
        assert_eq!(line(&head, ":status"), Some("200"), "{path}");
        let asked = world.known.asked(path);
        assert_eq!(asked.len(), 2, "{path}: once for the hint, once for the browser");
        assert!(asked.iter().any(|asked| asked.contains_key("cookie")), "{path}");
    }
}

#[test]
fn a_browser_cannot_spoil_what_others_get() {
    // What it asks for itself is passed on with all that it says, and never kept.
    let world = World::new(&[]);
    world.known.set(&[("/app.js", "cache-control", "public, max-age=60")]);
    let mut evil = Client::of(&world.gateway);
    let lies =
        [("x-forwarded-host", "evil.test"), ("forwarded", "host=evil.test"), ("x-original-url", "/evil")];
    get(&mut evil, 1, "/app.js", &lies);
    get(&mut Client::of(&world.gateway), 1, "/app.js", &[]);
    let asked = world.known.asked("/app.js");
    assert_eq!(asked.len(), 2);
    assert!(!asked[0].contains_key("x-forwarded-host"));
    assert_eq!(asked[0]["forwarded"], "for=127.0.0.1;host=\"www.saki.test\";proto=https");
    assert_eq!(asked[0]["via"], "2 sakigake");
}

#[test]
fn what_must_not_be_used_unasked_is_asked_for_again_and_confirmed() {
    // spec: 9111-4.3.1-a
    let world = World::new(&["/page.css"]);
    world.known.set(&[("/page.css", "cache-control", "no-cache"), ("/page.css", "etag", "\"v1\"")]);
    let mut browser = Client::of(&world.gateway);
    world.visit(&mut browser, 1);
    eventually("it was fetched", || world.known.asked("/page.css").len() == 1);
    eventually("it is kept", || world.known.under_way.load(Ordering::SeqCst) == 0);
    std::thread::sleep(Duration::from_millis(100)); // Its end is on its way to the gateway.
    let (head, body) = get(&mut browser, 3, "/page.css", &[("cookie", "id=7")]);
    assert_eq!((line(&head, ":status"), &body[..]), (Some("200"), "GET /page.css"));
    let asked = world.known.asked("/page.css");
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert_eq!(asked[1]["if-none-match"], "\"v1\"");
    assert!(!asked[1].contains_key("cookie"));
    // Who has it is told so.
    let (head, body) = get(&mut browser, 5, "/page.css", &[("if-none-match", "W/\"v1\"")]);
    assert_eq!((line(&head, ":status"), &body[..]), (Some("304"), ""));
}

#[test]
fn what_was_changed_is_asked_for_again() {
    // spec: 9111-4.4-a
    let world = World::new(&["/page.css"]);
    world.known.set(&[("/page.css", "cache-control", "max-age=60")]);
    let mut browser = Client::of(&world.gateway);
    world.visit(&mut browser, 1);
    get(&mut browser, 3, "/page.css", &[]);
    get(&mut browser, 5, "/page.css", &[]);
    assert_eq!(world.known.asked("/page.css").len(), 1);
    browser.ask(7, false, "POST", "/page.css", &[]);
    browser.data(7, b"new", true);
    assert_eq!(browser.whole(7).1, b"POST /page.css");
    get(&mut browser, 9, "/page.css", &[]);
    assert_eq!(world.known.asked("/page.css").len(), 3);
}

#[test]
fn requests_with_bodies_pass_up_to_the_limit() {
    let world = World::with(&[], true, Limits { request_bytes: 10, ..Limits::default() });
    let mut browser = Client::of(&world.gateway);
    let fields = [("te", "trailers"), ("expect", "100-continue"), ("content-length", "10")];
    for (stream, body, told, status) in [(1, &b"0123456789"[..], 3, "200"), (3, b"0123456789a", 2, "413")] {
        browser.ask(stream, false, "POST", "/form", &fields[..told]);
        browser.data(stream, body, true);
        let mut said = browser.next(stream);
        if matches!(&said, Said::Head(head, _) if head.starts_with(":status: 100")) {
            said = browser.next(stream);
        }
        let Said::Head(head, _) = said else { panic!("no head") };
        assert_eq!(line(&head, ":status"), Some(status));
    }
    let asked = world.known.asked("/form");
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0]["content-length"], "10");
    assert!(asked[0]["te"] == "trailers" && !asked[0].contains_key("expect"));
}

#[test]
fn a_browser_that_goes_away_takes_its_request_with_it() {
    let world = World::new(&[]);
    let mut browser = Client::of(&world.gateway);
    browser.ask(1, true, "GET", "/", &[]);
    eventually("the origin has it", || world.known.under_way.load(Ordering::SeqCst) == 1);
    browser.reset(1);
    eventually("the origin has let it go", || world.known.under_way.load(Ordering::SeqCst) == 0);
}

#[test]
fn an_origin_that_is_late_or_gone_is_said_to_be() {
    let world = World::with(&[], true, Limits { head_ms: 200, ..Limits::default() });
    let mut browser = Client::of(&world.gateway);
    let (head, body) = get(&mut browser, 1, "/", &[]);
    assert_eq!((line(&head, ":status"), &body[..]), (Some("504"), "the origin did not answer in time\n"));
    world.let_answer();
    let World { origin, gateway, .. } = world;
    let mut browser = Client::of(&gateway);
    get(&mut browser, 1, "/", &[]);
    drop(origin.whole_log());
    let (head, body) = get(&mut browser, 3, "/", &[]);
    assert_eq!(line(&head, ":status"), Some("502"), "{head}{body}");
    assert!(body.starts_with("the origin did not answer: "), "{body}");
}

#[test]
fn addresses_of_the_origin_become_the_gateways() {
    let world = World::new(&[]);
    let own: &'static str = format!("https://www.saki.test:{}/to?a#b", world.origin.address.port()).leak();
    let link: &'static str = format!("<{own}>; rel=preload; as=style").leak();
    world.known.set(&[
        ("/from", "location", own),
        ("/from", "link", link),
        ("/from", "alt-svc", "h3=\":443\""),
        ("/from", "keep-alive", "timeout=5"),
    ]);
    let (head, _) = get(&mut Client::of(&world.gateway), 1, "/from", &[]);
    assert_eq!(line(&head, "location"), Some("https://www.saki.test/to?a#b"));
    assert_eq!(line(&head, "link"), Some("<https://www.saki.test/to?a>; rel=preload; as=style"));
    assert_eq!((line(&head, "alt-svc"), line(&head, "via")), (None, Some("2 sakigake")));
}

#[test]
fn a_request_that_goes_in_circles_is_ended() {
    let world = World::new(&[]);
    let mut browser = Client::of(&world.gateway);
    let often = ["2 sakigake"; 8].join(", ");
    let (head, _) = get(&mut browser, 1, "/x", &[("via", &often)]);
    assert_eq!(line(&head, ":status"), Some("508"));
    let (head, _) = get(&mut browser, 3, "/x", &[("via", &often[..often.len() - 12])]);
    assert_eq!(line(&head, ":status"), Some("200"));
}

#[test]
fn an_origin_that_stops_within_its_response_is_waited_for_so_long() {
    // spec: 9111-3.3-a
    let world = World::with(&["/endless.css"], true, Limits { stall_ms: 200, ..Limits::default() });
    world.known.set(&[("/endless.css", "cache-control", "max-age=60")]);
    let mut browser = Client::of(&world.gateway);
    world.visit(&mut browser, 1);
    // Whoever waits for the gateway's own fetch is sent to the origin, and its stream is reset.
    browser.ask(3, true, "GET", "/endless.css", &[]);
    let Said::Head(head, false) = browser.next(3) else { panic!("no head") };
    assert_eq!(line(&head, ":status"), Some("200"));
    assert!(matches!(browser.next(3), Said::Data(_, false)));
    assert!(matches!(browser.next(3), Said::Reset(_)));
    assert_eq!(world.known.asked("/endless.css").len(), 2);
    eventually("the origin is told", || world.known.under_way.load(Ordering::SeqCst) == 0);
}

#[test]
fn a_response_of_one_byte_too_many_is_not_kept() {
    for (entry_bytes, times) in [("GET /page.css".len(), 1), ("GET /page.css".len() - 1, 3)] {
        let world = World::with(&["/page.css"], true, Limits { entry_bytes, ..Limits::default() });
        world.known.set(&[("/page.css", "cache-control", "max-age=60")]);
        let mut browser = Client::of(&world.gateway);
        world.visit(&mut browser, 1);
        for stream in [3, 5] {
            assert_eq!(get(&mut browser, stream, "/page.css", &[]).1, "GET /page.css");
        }
        assert_eq!(world.known.asked("/page.css").len(), times);
    }
}

#[test]
fn requests_join_the_fetch_that_is_under_way() {
    let world = World::new(&["/slow.css"]);
    world.known.set(&[("/slow.css", "cache-control", "max-age=60")]);
    let mut browsers = [Client::of(&world.gateway), Client::of(&world.gateway)];
    browsers[0].ask(1, true, "GET", "/", &[NAVIGATE]);
    assert!(matches!(browsers[0].next(1), Said::Head(..)));
    browsers.iter_mut().for_each(|browser| browser.ask(3, true, "GET", "/slow.css", &[]));
    std::thread::sleep(Duration::from_millis(100)); // Both wait for the one.
    world.let_answer();
    for browser in &mut browsers {
        assert_eq!(browser.whole(3).1, b"GET /slow.css");
    }
    assert_eq!(world.known.asked("/slow.css").len(), 1);
}

/// How often the origin is asked when two browsers ask for the same before it answers, and whether both have it in the end.
fn asked_by_two(
    limits: Limits,
    fields: &[(&'static str, &'static str)],
    more: [&[(&str, &str)]; 2],
) -> usize {
    let world = World::with(&[], true, limits);
    let given = fields.iter().map(|(name, value)| ("/slow.css", *name, *value));
    world.known.set(&given.chain([("/slow.css", "content-length", "13")]).collect::<Vec<_>>());
    let mut browsers = [Client::of(&world.gateway), Client::of(&world.gateway)];
    for (browser, more) in browsers.iter_mut().zip(more) {
        browser.ask(1, true, "GET", "/slow.css", more);
        eventually("the origin has it", || !world.known.asked("/slow.css").is_empty());
    }
    std::thread::sleep(Duration::from_millis(200)); // The second one waits, or has asked.
    world.let_answer();
    for browser in &mut browsers {
        assert_eq!(browser.whole(1).1, b"GET /slow.css", "{fields:?}");
    }
    let times = world.known.asked("/slow.css").len();
    get(&mut browsers[0], 3, "/slow.css", more[0]);
    assert_eq!(world.known.asked("/slow.css").len(), times + 1, "nothing of it is kept");
    times
}

#[test]
fn browsers_that_ask_for_the_same_share_a_response_that_anybody_may_have() {
    let fresh = [("cache-control", "max-age=60")];
    let same = [("accept-encoding", "br"), ("cookie", "id=7")];
    assert_eq!(asked_by_two(Limits::default(), &fresh, [&same, &same]), 1);
    let none = Limits { crowds: 0, ..Limits::default() };
    assert_eq!(asked_by_two(none, &fresh, [&same, &same]), 2);
    let hasty = Limits { crowd_wait_ms: 50, ..Limits::default() };
    assert_eq!(asked_by_two(hasty, &fresh, [&same, &same]), 2);
    // What one says beside, whatever it is, keeps the other from its answer.
    for other in [("cookie", "id=8"), ("x-forwarded-host", "evil.test"), ("x-original-url", "/evil")] {
        assert_eq!(asked_by_two(Limits::default(), &fresh, [&same, &[other]]), 2, "{other:?}");
    }
    for name in ["authorization", "range"] {
        let passed = [(name, "bytes=0-")];
        assert_eq!(asked_by_two(Limits::default(), &fresh, [&passed, &passed]), 2, "{name}");
    }
}

#[test]
fn what_is_not_for_all_is_asked_for_by_each() {
    let unfit: [&[(&'static str, &'static str)]; 10] = [
        &[],
        &[("cache-control", "private, max-age=60")],
        &[("cache-control", "Private, Max-Age=60")],
        &[("cache-control", "max-age=60"), ("vary", "accept, *")],
        &[("cache-control", "no-store")],
        &[("cache-control", "no-cache")],
        &[("cache-control", "max-age=0")],
        &[("cache-control", "max-age=60"), ("set-cookie", "id=1")],
        &[("cache-control", "max-age=60"), ("vary", "*")],
        &[("cache-control", "max-age=60"), ("vary", "forwarded")],
    ];
    for fields in unfit {
        assert_eq!(asked_by_two(Limits::default(), fields, [&[], &[]]), 2, "{fields:?}");
    }
}

#[test]
fn who_waits_behind_a_browser_that_goes_away_asks_for_itself() {
    let world = World::new(&[]);
    world.known.set(&[("/slow.css", "cache-control", "max-age=60"), ("/slow.css", "content-length", "13")]);
    let mut browsers = [Client::of(&world.gateway), Client::of(&world.gateway)];
    browsers[0].ask(1, true, "GET", "/slow.css", &[]);
    eventually("the origin has it", || world.known.asked("/slow.css").len() == 1);
    browsers[1].ask(1, true, "GET", "/slow.css", &[]);
    std::thread::sleep(Duration::from_millis(100));
    browsers[0].reset(1);
    eventually("the other one's is there", || world.known.asked("/slow.css").len() == 2);
    world.let_answer();
    assert_eq!(browsers[1].whole(1).1, b"GET /slow.css");
}

#[test]
fn one_more_than_so_many_go_alone() {
    let world = World::with(&[], true, Limits { crowds: 1, ..Limits::default() });
    let paths = ["/slow.css", "/"];
    let fields = paths.map(|path| [(path, "cache-control", "max-age=60")]).concat();
    world
        .known
        .set(&[&fields[..], &[("/slow.css", "content-length", "13"), ("/", "content-length", "5")]].concat());
    let mut browsers: Vec<(Client, &str)> =
        [0, 1, 0, 1].map(|at| (Client::of(&world.gateway), paths[at])).into();
    for (browser, path) in &mut browsers {
        browser.ask(1, true, "GET", path, &[]);
        eventually("the origin has it", || !world.known.asked(path).is_empty());
    }
    std::thread::sleep(Duration::from_millis(200));
    world.let_answer();
    for (browser, path) in &mut browsers {
        assert_eq!(browser.whole(1).1, format!("GET {path}").into_bytes());
    }
    assert_eq!(paths.map(|path| world.known.asked(path).len()), [1, 2]);
}
