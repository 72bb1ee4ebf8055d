//! What clients hear that do not know the PRELOAD frame: 103 (Early Hints) and `link` fields.

use crate::service::{Client, Said};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use sakigake::{
    hosts::{Host, Hosts, Target},
    service::{Body, Factory},
};
use sakigake_e2e::{Raw, Server, Setup, example, frames};
use std::{convert::Infallible, time::Duration};

const NAVIGATE: (&str, &str) = ("sec-fetch-mode", "navigate");

/// The heads that answer a request, each with the number of its `link` fields.
fn heads(client: &mut Client, method: &str, path: &str, more: &[(&str, &str)]) -> Vec<(String, usize)> {
    client.ask(1, true, method, path, more);
    let mut heads = Vec::new();
    loop {
        match client.next(1) {
            Said::Head(head, end) => {
                let status = head.lines().next().expect("a line").trim_start_matches(":status: ").to_owned();
                let links =
                    head.lines().filter(|line| line.starts_with("link: <https://www.saki.test:")).count();
                assert_eq!(head.matches("\nlink: ").count(), links, "{head}");
                heads.push((status, links));
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

#[test]
fn one_103_precedes_a_document_where_somebody_navigates_who_does_not_know_the_frame() {
    // spec: preload-profile-12-a
    // spec: preload-profile-12-b
    // spec: 8297-2-a
    const KNOWS: &[(u16, u32)] = &[(0xf0f0, 1)];
    const BOTH: &[(&str, usize)] = &[("103", 16), ("200", 16)];
    const LINKS: &[(&str, usize)] = &[("200", 16)];
    const NEITHER: &[(&str, usize)] = &[("200", 0)];
    const NOT_THERE: &[(&str, usize)] = &[("404", 0)];
    const NOT_ALLOWED: &[(&str, usize)] = &[("405", 0)];
    let server = Server::start(Setup::of(example()));
    let cors = ("sec-fetch-mode", "cors");
    type Row<'a> = (&'a [(u16, u32)], &'a str, &'a str, &'a [(&'a str, &'a str)], &'a [(&'a str, usize)]);
    let rows: [Row<'_>; 10] = [
        (&[], "GET", "/", &[NAVIGATE], BOTH),
        (&[], "GET", "/index.html?q", &[NAVIGATE], BOTH),
        (&[(0xf0f0, 0)], "GET", "/", &[NAVIGATE], BOTH),
        (KNOWS, "GET", "/", &[NAVIGATE], NEITHER),
        (&[], "GET", "/", &[cors], LINKS),
        (&[], "GET", "/", &[], LINKS),
        (&[], "HEAD", "/", &[NAVIGATE], LINKS),
        (&[], "POST", "/", &[NAVIGATE], NOT_ALLOWED),
        (&[], "GET", "/nowhere", &[NAVIGATE], NOT_THERE),
        (&[], "GET", "/css/page.css", &[NAVIGATE], NEITHER),
    ];
    for (settings, method, path, more, expected) in rows {
        let mut client = Client::with(&server, settings);
        let heard = heads(&mut client, method, path, more);
        let heard: Vec<(&str, usize)> =
            heard.iter().map(|(status, links)| (status.as_str(), *links)).collect();
        assert_eq!(heard, expected, "{settings:?} {method} {path} {more:?}");
    }
}

#[test]
fn the_fields_cost_their_bytes_until_they_were_repeated() {
    let server = Server::start(Setup::of(example()));
    let mut client = Client::of(&server);
    let bounds = [[1_024, 1_280], [1_024, 256]];
    for (stream, bounds) in [1, 3].into_iter().zip(bounds) {
        client.ask(stream, true, "GET", "/", &[NAVIGATE]);
        client.raw.read_until("the page", |raw| raw.has_end(stream));
        let heard = client.raw.take_frames();
        let heads = heard.iter().filter(|frame| frame.kind == frames::HEADERS);
        let heads: Vec<usize> = heads.map(|frame| frame.payload.len()).collect();
        let fit = heads.iter().zip(bounds).all(|(bytes, bound)| *bytes <= bound);
        assert!(
            fit && heads.len() == 2,
            "{heads:?} bytes of 103 and 200 on stream {stream}, at most {bounds:?}"
        );
    }
}

/// Thinks before it answers for `/thinks...`; `/...404` is not there.
async fn think(request: Request<Body>) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.uri().path().starts_with("/thinks") {
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let status = if request.uri().path().ends_with("404") { 404 } else { 200 };
    let response = Response::builder().status(status).header("content-type", "text/html");
    Ok(response.body(Full::from("page")).expect("a good response"))
}

#[test]
fn a_103_does_not_wait_for_a_service_that_thinks() {
    let hosts = Hosts::one(Target::Service(Factory::of_fn(think)));
    let server = Server::start(Setup { hosts: Some(hosts), ..Setup::of(example()) });
    let rows: [(&str, &str, &[(&str, usize)]); 6] = [
        ("GET", "/thinks", &[("103", 16), ("200", 16)]),
        ("GET", "/thinks/404", &[("103", 16), ("404", 0)]),
        ("GET", "/ready", &[("103", 16), ("200", 16)]),
        ("GET", "/ready/404", &[("404", 0)]),
        ("HEAD", "/thinks", &[("200", 16)]),
        ("POST", "/thinks", &[("200", 0)]),
    ];
    for (method, path, expected) in rows {
        let mut client = Client::of(&server);
        let heard = heads(&mut client, method, path, &[NAVIGATE]);
        let heard: Vec<(&str, usize)> =
            heard.iter().map(|(status, links)| (status.as_str(), *links)).collect();
        assert_eq!(heard, expected, "{method} {path}");
    }
    let mut client = Client::of(&server);
    client.ask(1, true, "GET", "/thinks", &[NAVIGATE]);
    client.raw.read_until("the 103", |raw| raw.has(frames::HEADERS, 1));
    let heads = client.raw.frames().iter().filter(|frame| frame.kind == frames::HEADERS).count();
    assert_eq!(heads, 1, "the answer is not there yet");
}

#[test]
fn a_host_that_does_not_want_them_sends_none() {
    let files = sakigake::files::Files::new(example()).expect("the folder is there");
    let host = Host { early_hints: false, ..Host::fallback(Target::Files(files)) };
    let hosts = Hosts::new(vec![host]).expect("one may stand alone");
    let server = Server::start(Setup { hosts: Some(hosts), ..Setup::of(example()) });
    assert_eq!(heads(&mut Client::of(&server), "GET", "/", &[NAVIGATE]), [("200".to_owned(), 0)]);
}

#[test]
fn over_http1_the_fields_stand_on_the_document_and_no_103_leaves() {
    // spec: preload-profile-12-b
    // spec: 8297-3-a
    for (path, expected) in [("/", 16), ("/nowhere", 0), ("/css/page.css", 0)] {
        let server = Server::start(Setup::of(example()));
        let mut client = Raw::connect(&server, "www.saki.test", &["http/1.1"]);
        let fields = "host: www.saki.test\r\nsec-fetch-mode: navigate\r\nconnection: close";
        client.send(format!("GET {path} HTTP/1.1\r\n{fields}\r\n\r\n").as_bytes());
        client.read_to_end();
        let text = String::from_utf8_lossy(&client.plain).into_owned();
        let head = text.split("\r\n\r\n").next().expect("a head");
        let status = if path == "/nowhere" { "404" } else { "200" };
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        assert_eq!(head.matches("\r\nlink: <https://www.saki.test:").count(), expected, "{head}");
    }
}
