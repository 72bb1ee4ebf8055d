//! What clients hear that do not know the PRELOAD frame: 103 (Early Hints) and `link` fields.

use crate::service::{Client, Said};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use sakigake::{
    files::Files,
    hosts::{Host, Hosts, Target},
    service::{Body, Factory},
};
use sakigake_e2e::{Raw, Scratch, Server, Setup, eventually, example, frames};
use sakigake_preload::{
    Destination, Hint,
    table::{ANY_HOST, Site},
};
use sakigake_session::ServerConfig;
use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::sync::Notify;

const NAVIGATE: (&str, &str) = ("sec-fetch-mode", "navigate");

/// Statuses of the heads that answer a request, each with the number of its `link` fields.
type Heads<'a> = &'a [(&'a str, usize)];

const BOTH: Heads<'static> = &[("103", 16), ("200", 16)];
const LINKS: Heads<'static> = &[("200", 16)];
const NEITHER: Heads<'static> = &[("200", 0)];

fn heads(client: &mut Client, stream: u32) -> Vec<(String, usize)> {
    let mut heads = Vec::new();
    loop {
        match client.next(stream) {
            Said::Head(head, end) => {
                heads.push(status_and_links(&head));
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

fn status_and_links(head: &str) -> (String, usize) {
    let status = head.lines().next().expect("a line").trim_start_matches(":status: ").to_owned();
    let links = head.lines().filter(|line| line.starts_with("link: <https://www.saki.test:")).count();
    assert_eq!(head.matches("\nlink: ").count(), links, "{head}");
    (status, links)
}

fn is(heads: &[(String, usize)], expected: Heads<'_>) -> bool {
    heads.iter().map(|(status, links)| (status.as_str(), *links)).eq(expected.iter().copied())
}

/// Asks on a connection of its own.
#[track_caller]
fn expect(client: &mut Client, method: &str, path: &str, more: &[(&str, &str)], expected: Heads<'_>) {
    client.ask(1, true, method, path, more);
    let heads = heads(client, 1);
    assert!(is(&heads, expected), "{method} {path} {more:?}: {heads:?}, not {expected:?}");
}

#[test]
fn one_103_precedes_a_document_where_somebody_navigates_who_does_not_know_the_frame() {
    // spec: preload-profile-12-a
    // spec: preload-profile-12-b
    // spec: 8297-2-a
    const KNOWS: &[(u16, u32)] = &[(0xf0f0, 1)];
    let server = Server::start(Setup::of(example()));
    type Row<'a> = (&'a [(u16, u32)], &'a str, &'a str, &'a [(&'a str, &'a str)], Heads<'a>);
    let rows: [Row<'_>; 15] = [
        (&[], "GET", "/", &[NAVIGATE], BOTH),
        (&[], "GET", "/index.html?q", &[NAVIGATE], BOTH),
        (&[(0xf0f0, 0)], "GET", "/", &[NAVIGATE], BOTH),
        (KNOWS, "GET", "/", &[NAVIGATE], NEITHER),
        // SETTINGS_MAX_HEADER_LIST_SIZE: the sixteen count 1.6 KB, and may have half of it.
        (&[(6, 4_096)], "GET", "/", &[NAVIGATE], BOTH),
        (&[(6, 2_048)], "GET", "/", &[NAVIGATE], NEITHER),
        (&[], "GET", "/", &[("sec-fetch-mode", "cors")], NEITHER),
        (&[], "GET", "/", &[("sec-fetch-mode", "no-cors")], NEITHER),
        (&[], "GET", "/", &[("sec-fetch-mode", "same-origin")], NEITHER),
        (&[], "GET", "/", &[("sec-fetch-mode", "navigate, navigate")], NEITHER),
        (&[], "GET", "/", &[], LINKS),
        (&[], "HEAD", "/", &[NAVIGATE], LINKS),
        (&[], "POST", "/", &[NAVIGATE], &[("405", 0)]),
        (&[], "GET", "/nowhere", &[NAVIGATE], &[("404", 0)]),
        (&[], "GET", "/css/page.css", &[NAVIGATE], NEITHER),
    ];
    for (settings, method, path, more, expected) in rows {
        expect(&mut Client::with(&server, settings), method, path, more, expected);
    }
}

#[test]
fn what_is_no_document_has_none_even_where_it_is_html_or_known_already() {
    let server = Server::start(Setup::of(example()));
    let mut client = Client::of(&server);
    client.ask(1, true, "GET", "/", &[]);
    let (head, _) = client.whole(1);
    let etag = head.lines().find_map(|line| line.strip_prefix("etag: ")).expect("an etag");
    let etag = etag.replace("\\\"", "\""); // As it came, before it was printed.
    let rows: [((&str, &str), Heads<'_>); 3] = [
        (("if-none-match", &etag), &[("304", 0)]),
        (("if-match", "\"another\""), &[("412", 0)]),
        (("range", "bytes=0-3"), &[("206", 0)]),
    ];
    for (field, expected) in rows {
        expect(&mut Client::of(&server), "GET", "/", &[NAVIGATE, field], expected);
    }
    let site = Scratch::new();
    for page in ["index.html", "404.html"] {
        site.write(page, "<!doctype html><link rel=stylesheet href=a.css>");
    }
    site.write("a.css", "p {}");
    let server = Server::start(Setup::of(site.path()));
    expect(&mut Client::of(&server), "GET", "/nowhere", &[NAVIGATE], &[("404", 0)]);
    expect(&mut Client::of(&server), "GET", "/", &[NAVIGATE], &[("103", 1), ("200", 1)]);
}

/// How many bytes each line of a header block takes (RFC 7541 section 6), read by hand.
fn lines_of(block: &[u8]) -> Vec<usize> {
    let integer = |at: usize, prefix: u32| {
        let most = (1_usize << prefix) - 1;
        let mut value = usize::from(block[at]) & most;
        if value < most {
            return (value, at + 1);
        }
        for (number, byte) in block[at + 1..].iter().enumerate() {
            value += usize::from(byte & 0x7f) << (7 * number);
            if byte & 0x80 == 0 {
                return (value, at + 2 + number);
            }
        }
        panic!("an integer does not end");
    };
    let string = |at: usize| {
        let (len, at) = integer(at, 7);
        at + len
    };
    let (mut lines, mut at) = (Vec::new(), 0);
    while at < block.len() {
        let began = at;
        let (prefix, has_strings) = match block[at] {
            0x80.. => (7, false),
            0x40.. => (6, true),
            0x20.. => (5, false),
            _ => (4, true),
        };
        let (index, behind) = integer(at, prefix);
        at = match (has_strings, index) {
            (false, _) => behind,
            (true, 0) => string(string(behind)),
            (true, _) => string(behind),
        };
        if prefix != 5 {
            lines.push(at - began);
        }
    }
    lines
}

/// A link is put into the table when it is first said, in the 103: there alone it costs its bytes. Were it put there when it is
/// said again, as an `etag` is, it would cost them in the 103 and the 200 of the first navigation and in the 103 of the second.
#[test]
fn a_link_costs_its_bytes_once_a_connection_and_one_byte_from_then_on() {
    let server = Server::start(Setup::of(example()));
    let mut client = Client::of(&server);
    let mut costs = Vec::new();
    for stream in [1, 3] {
        client.ask(stream, true, "GET", "/", &[NAVIGATE]);
        client.raw.read_until("the page", |raw| raw.has_end(stream));
        for frame in client.raw.take_frames().iter().filter(|frame| frame.kind == frames::HEADERS) {
            let (text, bytes) = (client.decode(&frame.payload), lines_of(&frame.payload));
            assert_eq!(text.lines().count(), bytes.len(), "{text}");
            let links = text.lines().zip(bytes).filter(|(line, _)| line.starts_with("link: "));
            let (values, bytes): (Vec<&str>, Vec<usize>) = links.unzip();
            costs.push((values.len(), values.concat().len(), bytes.iter().sum::<usize>()));
        }
    }
    let [first, rest @ ..] = &costs[..] else { panic!("no head") };
    // Huffman codes make it less than the text, and no less than five bits a character.
    let (links, text, bytes) = *first;
    assert!(links == 16 && bytes < text && bytes > text / 2, "{costs:?}");
    assert_eq!(rest, [(16, text, 16); 3], "{costs:?}");
}

/// A service, and what it waits for.
#[derive(Clone, Default)]
struct Thinker {
    gate: Arc<Notify>,
    thinking: Arc<AtomicUsize>,
}

impl Thinker {
    fn serve(&self) -> Server {
        let thinker = self.clone();
        let factory = Factory::of_fn(move |request| thinker.clone().think(request));
        let hosts = Hosts::one(Target::Service(factory));
        Server::start(Setup { hosts: Some(hosts), ..Setup::of(example()) })
    }

    /// `/thinks...` is answered when it is asked the second time, `/waits` when the gate opens, `/never` not, all others at
    /// once. `...404` and `...304` say so.
    async fn think(self, request: Request<Body>) -> Result<Response<Full<Bytes>>, Infallible> {
        self.thinking.fetch_add(1, Ordering::Relaxed);
        let _guard = Leaves(self.thinking.clone());
        let path = request.uri().path();
        match path {
            "/never" => std::future::pending().await,
            "/waits" => self.gate.notified().await,
            _ if path.starts_with("/thinks") => tokio::task::yield_now().await,
            _ => {}
        }
        let status = path.rsplit('/').next().and_then(|name| name.parse().ok()).unwrap_or(200);
        let response = Response::builder().status(status).header("content-type", "text/html");
        Ok(response.body(if status == 304 { "" } else { "page" }.into()).expect("a good response"))
    }
}

struct Leaves(Arc<AtomicUsize>);

impl Drop for Leaves {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[test]
fn a_103_leaves_while_a_service_thinks_or_with_its_document() {
    let server = Thinker::default().serve();
    let rows: [(&str, &str, Heads<'_>); 8] = [
        ("GET", "/thinks", BOTH),
        ("GET", "/thinks/404", &[("103", 16), ("404", 0)]),
        ("GET", "/thinks/304", &[("103", 16), ("304", 0)]),
        ("GET", "/ready", BOTH),
        ("GET", "/ready/404", &[("404", 0)]),
        ("GET", "/ready/304", &[("304", 0)]),
        ("HEAD", "/thinks", LINKS),
        ("POST", "/thinks", NEITHER),
    ];
    for (method, path, expected) in rows {
        expect(&mut Client::of(&server), method, path, &[NAVIGATE], expected);
    }
    expect(&mut Client::of(&server), "GET", "/thinks", &[], LINKS);
    expect(&mut Client::of(&server), "GET", "/thinks", &[("sec-fetch-mode", "cors")], NEITHER);
    expect(&mut Client::with(&server, &[(0xf0f0, 1)]), "GET", "/thinks", &[NAVIGATE], NEITHER);
}

#[test]
fn a_103_does_not_wait_for_the_answer() {
    let thinker = Thinker::default();
    let server = thinker.serve();
    let mut client = Client::of(&server);
    client.ask(1, true, "GET", "/waits", &[NAVIGATE]);
    let Said::Head(early, false) = client.next(1) else { panic!("no 103") };
    assert_eq!(status_and_links(&early), ("103".to_owned(), 16));
    thinker.gate.notify_one();
    assert!(is(&heads(&mut client, 1), LINKS));
    eventually("the log", || server.log().lines().any(|line| line.ends_with(" /waits  +16 early hints")));
}

#[test]
fn who_resets_what_he_asked_for_loses_nothing_else() {
    let thinker = Thinker::default();
    let server = thinker.serve();
    let mut client = Client::of(&server);
    let cancel = |stream: u32| frames::frame(frames::RST_STREAM, 0, stream, &8_u32.to_be_bytes());
    // In the same record, before anybody could answer; then when the 103 has come.
    for stream in (1..41).step_by(2) {
        client.ask_and(stream, ["/", "/thinks", "/never"][stream as usize % 3], &[NAVIGATE], &cancel(stream));
    }
    client.ask(41, true, "GET", "/never", &[NAVIGATE]);
    let Said::Head(early, false) = client.next(41) else { panic!("no 103") };
    assert_eq!(status_and_links(&early), ("103".to_owned(), 16));
    client.reset(41);
    eventually("nobody thinks any more", || thinker.thinking.load(Ordering::Relaxed) == 0);
    // What was said on streams that are gone left both ends' tables in step.
    client.ask(43, true, "GET", "/thinks", &[NAVIGATE]);
    let heads = heads(&mut client, 43);
    assert!(is(&heads, BOTH), "{heads:?}");
}

#[test]
fn who_resets_a_files_page_gets_the_next_one() {
    let server = Server::start(Setup::of(example()));
    let mut client = Client::of(&server);
    let cancel = |stream: u32| frames::frame(frames::RST_STREAM, 0, stream, &8_u32.to_be_bytes());
    for stream in (1..41).step_by(2) {
        client.ask_and(stream, "/", &[NAVIGATE], &cancel(stream));
    }
    client.ask(41, true, "GET", "/", &[NAVIGATE]);
    let heads = heads(&mut client, 41);
    assert!(is(&heads, BOTH), "{heads:?}");
}

fn host_with(early_hints: bool) -> Hosts {
    let files = Files::new(example()).expect("the folder is there");
    let host = Host { early_hints, ..Host::fallback(Target::Files(files)) };
    Hosts::new(vec![host]).expect("one may stand alone")
}

#[test]
fn a_host_that_does_not_want_them_sends_none() {
    let server = Server::start(Setup { hosts: Some(host_with(false)), ..Setup::of(example()) });
    expect(&mut Client::of(&server), "GET", "/", &[NAVIGATE], NEITHER);
    let mut client = Raw::connect(&server, "www.saki.test", &["http/1.1"]);
    assert!(!over_http1(&mut client, "/", "navigate").contains("\r\nlink: "));
}

#[test]
fn an_old_connection_hears_what_a_reload_says() {
    let server = Server::start(Setup::of(example()));
    let mut client = Client::of(&server);
    let mut stream = 1;
    let mut hears = |what: &str, expected: Heads<'_>| {
        eventually(what, || {
            client.ask(stream, true, "GET", "/", &[NAVIGATE]);
            stream += 2;
            is(&heads(&mut client, stream - 2), expected)
        });
    };
    hears("what it begins with", BOTH);
    server.running.reload(server.another(host_with(false)));
    hears("a host that wants none", NEITHER);
    server.running.reload(server.another(host_with(true)));
    hears("a host that wants them again", BOTH);
    let hint = Hint::new("/other.css", Destination::Style);
    server.table.set(ANY_HOST, &Site { hints: vec![hint], pages: Vec::new() });
    hears("other hints", &[("103", 1), ("200", 1)]);
    let now = server.session.now();
    let without =
        ServerConfig { tls: now.tls.clone(), h2: now.h2.clone(), h3: None, hints: None, trace: false };
    server.session.set(without);
    server.running.reload(server.another(host_with(true)));
    hears("a site without hints", NEITHER);
}

fn over_http1(client: &mut Raw, path: &str, mode: &str) -> String {
    let fields = format!("host: www.saki.test\r\nsec-fetch-mode: {mode}\r\nconnection: close");
    client.send(format!("GET {path} HTTP/1.1\r\n{fields}\r\n\r\n").as_bytes());
    client.read_to_end();
    let text = String::from_utf8_lossy(&client.plain).into_owned();
    text.split("\r\n\r\n").next().expect("a head").to_owned()
}

#[test]
fn over_http1_the_fields_stand_on_the_document_and_no_103_leaves() {
    // spec: preload-profile-12-b
    // spec: 8297-3-a
    let files = Server::start(Setup::of(example()));
    let service = Thinker::default().serve();
    for (server, path, mode, status, links) in [
        (&files, "/", "navigate", 200, 16),
        (&files, "/", "cors", 200, 0),
        (&files, "/nowhere", "navigate", 404, 0),
        (&files, "/css/page.css", "navigate", 200, 0),
        (&service, "/thinks", "navigate", 200, 16),
        (&service, "/thinks", "cors", 200, 0),
        (&service, "/thinks/404", "navigate", 404, 0),
    ] {
        let head = over_http1(&mut Raw::connect(server, "www.saki.test", &["http/1.1"]), path, mode);
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        assert_eq!(head.matches("\r\nlink: <https://www.saki.test:").count(), links, "{head}");
    }
}
