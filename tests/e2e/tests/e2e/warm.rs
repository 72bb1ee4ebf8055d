//! Pages of who was there before: ticket and hints are remembered as one, and nothing is said twice.

use crate::early_data::old;
use bytes::Bytes;
use http_body_util::Full;
use sakigake::{
    client::{Client, Http3, Options, Watcher},
    replay::Register,
    service::{EarlyData, Factory},
    tickets::Keys,
};
use sakigake_e2e::{PATIENCE, Server, Setup, example};
use sakigake_page::{Origin, load::Summary};
use sakigake_preload::{
    Destination, Hint,
    table::{ANY_HOST, Site},
};
use sakigake_tls::{self as tls, server::EarlyDataPolicy};
use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

/// What `fetch -v` would show.
#[derive(Default)]
struct Lines(Vec<String>);

impl Watcher for Lines {
    fn wants_frames(&self) -> bool {
        true
    }

    fn frame(&mut self, _: &Origin, line: &str) {
        self.0.push(line.to_owned());
    }
}

impl Lines {
    fn count(&self, start: &str) -> usize {
        self.0.iter().filter(|line| line.starts_with(start)).count()
    }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let work = async { tokio::time::timeout(PATIENCE, work).await.expect("in time") };
    tokio::task::LocalSet::new().block_on(&runtime, work)
}

fn load(server: &Server, client: &Client) -> (Summary, Lines) {
    let mut lines = Lines::default();
    let loaded = run(client.load(&server.url("/"), &mut lines)).expect("it loads");
    (loaded.load.summary(), lines)
}

/// Tickets, and early data where there is a policy.
fn returning(setup: Setup, early_data: Option<EarlyDataPolicy>) -> Setup {
    let keys = Keys::in_memory().expect("there is chance");
    Setup { tickets: Some(tls::Tickets::new(keys)), early_data, ..setup }
}

#[test]
fn who_comes_back_is_told_nothing_twice_and_asks_for_all_of_it() {
    // spec: preload-profile-10-b
    let server = Server::start(returning(Setup::of(example()), None));
    let client = server.client(true);
    let (first, lines) = load(&server, &client);
    assert_eq!((first.requests, first.hints.used, first.hints.wasted), (19, 18, 0));
    assert_eq!(
        (lines.count("TLS: full handshake"), lines.count("< PRELOAD")),
        (1, 2),
        "the host's, the page's"
    );
    for _ in 0..2 {
        let (again, lines) = load(&server, &client);
        assert_eq!((again.requests, again.failures, again.hints.used, again.hints.wasted), (19, 0, 18, 0));
        assert_eq!((lines.count("TLS: resumed"), lines.count("< PRELOAD")), (1, 1), "{:?}", lines.0);
        assert_eq!(lines.count("PRELOAD: "), 1, "{:?}", lines.0);
    }
    let hints = vec![Hint::new("/css/page.css", Destination::Style)];
    server.table.set(ANY_HOST, &Site { hints, pages: Vec::new() });
    let (changed, lines) = load(&server, &client);
    assert_eq!((changed.requests, changed.hints.used, changed.hints.wasted), (19, 1, 0));
    let said = (lines.count("TLS: resumed"), lines.count("< PRELOAD"), lines.count("PRELOAD: "));
    assert_eq!(said, (1, 1, 0), "it says others now: {:?}", lines.0);
}

#[test]
fn who_does_not_know_the_frame_is_sent_none_when_it_comes_back() {
    // spec: preload-profile-10-c
    let server = Server::start(returning(Setup::of(example()), None));
    let client = server.client(false);
    let frames: Vec<_> = (0..2).map(|_| load(&server, &client).1).collect();
    let said = |lines: &Lines| (lines.count("TLS: resumed"), lines.count("< PRELOAD"));
    assert_eq!(frames.iter().map(said).collect::<Vec<_>>(), [(0, 1), (1, 0)]);
}

/// What a service was asked for, and what of it came early.
type Asked = Arc<Mutex<Vec<(String, bool)>>>;

/// A page that needs a style and a script; `425` to what comes early if it does not like that.
fn page(asked: &Asked, likes_it_early: bool) -> Factory {
    let asked = asked.clone();
    Factory::of_fn(move |request| {
        let is_early = request.extensions().get::<EarlyData>().is_some();
        let path = request.uri().path().to_owned();
        let (kind, text) = match &path[..] {
            "/" => {
                ("text/html", "<!doctype html><link rel=stylesheet href=/a.css><script src=/b.js></script>")
            }
            "/a.css" => ("text/css", ""),
            _ => ("text/javascript", ""),
        };
        asked.lock().expect("nobody panics with it").push((path, is_early));
        let response = match is_early && !likes_it_early {
            true => http::Response::builder().status(425).body(Full::default()),
            false => {
                http::Response::builder().header("content-type", kind).body(Full::new(Bytes::from(text)))
            }
        };
        async move { Ok::<_, Infallible>(response.expect("a good response")) }
    })
}

/// A server of that page, which hints at what it needs, and a client that asks early.
fn early(asked: &Asked, likes_it_early: bool, policy: EarlyDataPolicy) -> (Server, Client) {
    early_over(Http3::Never, asked, likes_it_early, policy)
}

fn early_over(
    http3: Http3,
    asked: &Asked,
    likes_it_early: bool,
    policy: EarlyDataPolicy,
) -> (Server, Client) {
    let is_served = http3 != Http3::Never;
    let setup = Setup { hints: true, http3: is_served, ..Setup::of_service(page(asked, likes_it_early)) };
    let server = Server::start(returning(setup, Some(policy)));
    let hints = [("/a.css", Destination::Style), ("/b.js", Destination::Script)];
    let hints = hints.map(|(path, destination)| Hint::new(path, destination)).into();
    server.table.set(ANY_HOST, &Site { hints, pages: Vec::new() });
    let client = server.client_with(Options { early_data: true, http3, ..Options::default() });
    (server, client)
}

/// What was asked for since the last time, in the order of names.
fn taken(asked: &Asked) -> Vec<(String, bool)> {
    let mut asked = core::mem::take(&mut *asked.lock().expect("nobody panics with it"));
    asked.sort();
    asked
}

fn each(is_early: bool) -> Vec<(String, bool)> {
    ["/", "/a.css", "/b.js"].map(|path| (path.into(), is_early)).into()
}

#[test]
fn a_page_and_what_the_last_visit_was_told_are_asked_for_in_the_first_flight() {
    // spec: preload-profile-9-a
    let asked = Asked::default();
    let (server, client) = early(&asked, true, old(false));
    let (first, _) = load(&server, &client);
    assert_eq!((first.requests, first.hints.used, taken(&asked)), (3, 2, each(false)));
    // Each early visit brings the ticket of the next.
    for _ in 0..4 {
        let (again, lines) = load(&server, &client);
        assert_eq!(taken(&asked), each(true), "{:?}", lines.0);
        assert_eq!((again.requests, again.failures, again.hints.used, again.hints.wasted), (3, 0, 2, 0));
        assert_eq!(lines.count("TLS: resumed, early data accepted"), 1, "{:?}", lines.0);
        assert_eq!(lines.count("< PRELOAD"), 0, "{:?}", lines.0);
    }
}

#[test]
fn over_http_3_it_is_the_same_and_what_is_too_early_is_asked_for_once_more() {
    // spec: 8470-5.2-a
    for likes_it_early in [true, false] {
        let asked = Asked::default();
        let (server, client) = early_over(Http3::Only, &asked, likes_it_early, old(false));
        let (first, _) = load(&server, &client);
        assert_eq!((first.requests, first.hints.used, taken(&asked)), (3, 2, each(false)));
        let (again, lines) = load(&server, &client);
        let mut expected = if likes_it_early { each(true) } else { [each(false), each(true)].concat() };
        expected.sort();
        assert_eq!(taken(&asked), expected, "{:?}", lines.0);
        assert_eq!((again.requests, again.failures, again.hints.used), (3, 0, 2));
        let too_early = if likes_it_early { 0 } else { 3 };
        assert_eq!(lines.count("425 Too Early on stream"), too_early, "{:?}", lines.0);
        assert_eq!(lines.count("< HEADERS stream=0 "), 1, "{:?}", lines.0);
    }
}

#[test]
fn what_a_server_refuses_early_is_asked_for_once_more() {
    // A register that has just begun knows nothing of what came before.
    let asked = Asked::default();
    let (server, client) = early(&asked, true, Register::policy());
    for how in ["TLS: full handshake", "TLS: resumed, early data rejected"] {
        let (loaded, lines) = load(&server, &client);
        assert_eq!((loaded.requests, loaded.failures, taken(&asked)), (3, 0, each(false)));
        assert_eq!(lines.count(how), 1, "{:?}", lines.0);
        let again = lines.count("early data: 3 requests are sent again");
        assert_eq!(again, usize::from(how.ends_with("rejected")), "{:?}", lines.0);
    }
}

#[test]
fn what_is_too_early_for_a_service_is_asked_for_once_more() {
    // spec: 8470-5.2-a
    let asked = Asked::default();
    let (server, client) = early(&asked, false, old(false));
    load(&server, &client);
    assert_eq!(taken(&asked), each(false));
    let (loaded, lines) = load(&server, &client);
    assert_eq!((loaded.requests, loaded.failures), (3, 0), "{:?}", lines.0);
    let mut twice = [each(false), each(true)].concat();
    twice.sort();
    assert_eq!(taken(&asked), twice);
    assert_eq!(lines.count("425 Too Early on stream"), 3, "{:?}", lines.0);
}
