//! Bytes that two readers could take for different requests: what the browser hears of them, and what the origin is asked.

use crate::{
    gateway_http3::before,
    service::{Client, Said},
};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use sakigake::{
    client::{Http3, Protocol},
    gateway::Limits,
    hosts::{Hosts, Target},
    service::{Body, Factory},
};
use sakigake_e2e::{Raw, Server, Setup, example};
use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_secs(5);

type Asked = Arc<Mutex<Vec<String>>>;

/// An origin over HTTP/1.1, that notes what it was asked: method, target, content, what of the fields is no gateway's, and for whom.
fn world() -> (Server, Server, Asked) {
    let asked = Asked::default();
    let noting = asked.clone();
    let factory = Factory::of_fn(move |request: Request<Body>| {
        let asked = noting.clone();
        async move {
            let (parts, body) = request.into_parts();
            let body = match body.collect().await {
                Ok(body) => body.to_bytes().escape_ascii().to_string(),
                Err(_) => "(broken)".into(),
            };
            let mut line = format!("{} {} {body:?}", parts.method, parts.uri.path());
            for (name, value) in &parts.headers {
                if !matches!(
                    name.as_str(),
                    "host" | "via" | "content-length" | "forwarded" | "transfer-encoding"
                ) {
                    line += &format!(" {name}: {}", value.as_bytes().escape_ascii());
                }
            }
            if let Some(host) =
                parts.headers["forwarded"].to_str().ok().and_then(|value| value.split("host=").nth(1))
            {
                line += &format!(" for {}", host.split(';').next().unwrap_or("?"));
            }
            asked.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            Ok::<_, Infallible>(Response::new(Full::<bytes::Bytes>::from("ok")))
        }
    });
    let hosts = Some(Hosts::one(Target::Service(factory)));
    let origin = Server::start(Setup { hosts, ..Setup::of(example()) });
    let gateway = before(&origin, (&[Protocol::Http1], Http3::Never), Limits::default());
    (origin, gateway, asked)
}

fn take(asked: &Asked) -> Vec<String> {
    core::mem::take(&mut *asked.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The same, once there are so many: the origin may note what it was asked a moment after the client has its answer.
fn taken(asked: &Asked, count: usize) -> Vec<String> {
    let end = Instant::now() + PATIENCE;
    while asked.lock().unwrap_or_else(PoisonError::into_inner).len() < count && Instant::now() < end {
        thread::sleep(Duration::from_millis(5));
    }
    take(asked)
}

/// What, the bytes, the statuses that come back until the connection ends, and what the origin is asked.
type Row = (&'static str, &'static str, &'static [&'static str], &'static [&'static str]);

const FOR: &str = " for \"www.saki.test\"";

/// What, method, path and fields.
type Question = (&'static str, &'static str, &'static str, &'static [(&'static str, &'static str)]);

/// `@` stands for the fields that an honest request has, `~` for a request that hides in another one's content.
const ROWS: &[Row] = &[
    ("honest", "POST /a HTTP/1.1\r\n@content-length: 2\r\n\r\nhi", &["200"], &["POST /a \"hi\""]),
    (
        "both lengths: the coding counts, and nothing is read behind it, 9112 6.1",
        "POST /a HTTP/1.1\r\nhost: www.saki.test\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n~",
        &["200"],
        &["POST /a \"\""],
    ),
    (
        "two lengths, 9112 6.3",
        "POST /a HTTP/1.1\r\n@content-length: 2\r\ncontent-length: 3\r\n\r\nhi~",
        &["400"],
        &[],
    ),
    ("a list of lengths", "POST /a HTTP/1.1\r\n@content-length: 2, 3\r\n\r\nhi~", &["400"], &[]),
    ("a length with a sign", "POST /a HTTP/1.1\r\n@content-length: +2\r\n\r\nhi~", &["400"], &[]),
    ("a length in hex", "POST /a HTTP/1.1\r\n@content-length: 0x2\r\n\r\nhi~", &["400"], &[]),
    (
        "a coding that is not last, 9112 6.3",
        "POST /a HTTP/1.1\r\n@transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n~",
        &["400"],
        &[],
    ),
    ("no such coding", "POST /a HTTP/1.1\r\n@transfer-encoding: xchunked\r\n\r\n0\r\n\r\n~", &["400"], &[]),
    (
        "a coding that we do not undo, 9112 6.1",
        "POST /a HTTP/1.1\r\n@transfer-encoding: gzip, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        &["501"],
        &[],
    ),
    (
        "chunked twice, 9112 6.1",
        "POST /a HTTP/1.1\r\n@transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        &["501"],
        &[],
    ),
    (
        "chunked in 1.0, 9112 6.1",
        "POST /a HTTP/1.0\r\n@transfer-encoding: chunked\r\n\r\n0\r\n\r\n~",
        &["400"],
        &[],
    ),
    ("a folded line, 9112 5.2", "GET /a HTTP/1.1\r\n@x-a: 1\r\n b\r\n\r\n", &["400"], &[]),
    ("a folded first line, 9112 2.2", "GET /a HTTP/1.1\r\n x: y\r\n@\r\n", &["400"], &[]),
    (
        "a space before the colon, 9112 5.1",
        "POST /a HTTP/1.1\r\n@content-length : 2\r\n\r\nhi",
        &["400"],
        &[],
    ),
    ("a bare CR, 9112 2.2", "GET /a HTTP/1.1\r\n@x-a: 1\rx-b: 2\r\n\r\n", &["400"], &[]),
    ("a NUL, 9110 5.5", "GET /a HTTP/1.1\r\n@x-a: 1\0\r\n\r\n", &["400"], &[]),
    (
        "bare LFs, which 9112 2.2 lets pass",
        "GET /a HTTP/1.1\nhost: www.saki.test\nconnection: close\n\n",
        &["200"],
        &["GET /a \"\""],
    ),
    (
        "a chunk's extension goes no further, 9112 7.1.1",
        "POST /a HTTP/1.1\r\n@transfer-encoding: chunked\r\n\r\n2;x=\"y\"\r\nhi\r\n0\r\n\r\n",
        &["200"],
        &["POST /a \"hi\""],
    ),
    (
        "an extension with a bare LF",
        "POST /a HTTP/1.1\r\n@transfer-encoding: chunked\r\n\r\n2;x\nhi\r\n0\r\n\r\n",
        &["400"],
        &[],
    ),
    (
        "a chunk of too many digits, 9112 7.1",
        "POST /a HTTP/1.1\r\n@transfer-encoding: chunked\r\n\r\n10000000000000002\r\nhi\r\n0\r\n\r\n~",
        &["400"],
        &[],
    ),
    (
        "a chunk longer than it says",
        "POST /a HTTP/1.1\r\n@transfer-encoding: chunked\r\n\r\n2\r\nhi!\r\n0\r\n\r\n~",
        &["400"],
        &["POST /a \"(broken)\""],
    ),
    (
        "trailers that frame, 9110 6.5.1",
        "POST /a HTTP/1.1\r\n@transfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\ncontent-length: 9\r\nhost: b\r\n\r\n",
        &["200"],
        &["POST /a \"hi\""],
    ),
    ("no host, 9112 3.2", "GET /a HTTP/1.1\r\nconnection: close\r\n\r\n", &["400"], &[]),
    ("two hosts, 9112 3.2", "GET /a HTTP/1.1\r\n@host: b.test\r\n\r\n", &["400"], &[]),
    (
        "a host that is none, 9112 3.2",
        "GET /a HTTP/1.1\r\nhost: a b\r\nconnection: close\r\n\r\n",
        &["400"],
        &[],
    ),
    (
        "a host with a user",
        "GET /a HTTP/1.1\r\nhost: b@www.saki.test\r\nconnection: close\r\n\r\n",
        &["400"],
        &[],
    ),
    (
        "the target's host counts, 9112 3.2.2",
        "GET https://www.saki.test/a HTTP/1.1\r\nhost: b.test\r\nconnection: close\r\n\r\n",
        &["200"],
        &["GET /a \"\""],
    ),
    (
        "a target without a path, 9112 3.2.2",
        "GET https://www.saki.test?a HTTP/1.1\r\n@\r\n",
        &["200"],
        &["GET / \"\""],
    ),
    (
        "named in Connection, 9110 7.6.1",
        "GET /a HTTP/1.1\r\nhost: www.saki.test\r\nconnection: close, x-own, Keep-Alive\r\nx-own: 1\r\nkeep-alive: 5\r\nproxy-connection: x\r\nupgrade: h2c\r\nx-b: 2\r\n\r\n",
        &["200"],
        &["GET /a \"\" x-b: 2"],
    ),
    (
        "Host and the length named in Connection",
        "POST /a HTTP/1.1\r\nhost: www.saki.test\r\nconnection: close, host, content-length\r\ncontent-length: 2\r\n\r\nhi",
        &["200"],
        &["POST /a \"hi\""],
    ),
    ("a space in the target, 9112 3.2", "GET /a b HTTP/1.1\r\n@\r\n", &["400"], &[]),
    ("another version", "GET /a HTTP/1.2\r\n@\r\n", &["400"], &[]),
];

#[test]
fn bytes_that_could_be_read_in_two_ways_are_refused_or_passed_on_as_they_were_read() {
    let (_origin, gateway, asked) = world();
    let mut wrong = Vec::new();
    for (what, bytes, statuses, reaches) in ROWS {
        let bytes = bytes.replace('@', "host: www.saki.test\r\nconnection: close\r\n");
        let bytes = bytes.replace('~', "GET /evil HTTP/1.1\r\nhost: www.saki.test\r\n\r\n");
        let mut client = Raw::connect(&gateway, "www.saki.test", &["http/1.1"]);
        client.send(bytes.as_bytes());
        client.read_to_end();
        let text = String::from_utf8_lossy(&client.plain).into_owned();
        let heard: Vec<&str> =
            text.match_indices("HTTP/1.").filter_map(|(at, _)| text.get(at + 9..at + 12)).collect();
        let expected: Vec<String> = reaches.iter().map(|line| format!("{line}{FOR}")).collect();
        let came = taken(&asked, expected.len());
        if heard != *statuses || came != expected {
            wrong.push(format!("{what}: heard {heard:?}, the origin was asked {came:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Nothing is late either.
    let mut client = Raw::connect(&gateway, "www.saki.test", &["http/1.1"]);
    client.send(b"GET /end HTTP/1.1\r\nhost: www.saki.test\r\nconnection: close\r\n\r\n");
    client.read_to_end();
    assert_eq!(take(&asked), [format!("GET /end \"\"{FOR}")]);
}

#[test]
fn what_http_2_could_say_and_http_1_could_not_does_not_reach_an_origin_of_http_1() {
    let (_origin, gateway, asked) = world();
    let rows: &[Question] = &[
        ("a line in a value, 9113 8.2.1", "GET", "/a", &[("x-a", "1\r\nx-b: 2")]),
        ("an LF in a value", "GET", "/a", &[("x-a", "1\nx-b: 2")]),
        ("a NUL in a value", "GET", "/a", &[("x-a", "1\x002")]),
        ("a space at a value's end", "GET", "/a", &[("x-a", "1 ")]),
        ("a line in a name, 9113 8.2.1", "GET", "/a", &[("x-a: 1\r\nx-b", "2")]),
        ("a colon in a name", "GET", "/a", &[("x-a:", "1")]),
        ("capitals in a name", "GET", "/a", &[("X-A", "1")]),
        ("a coding, 9113 8.2.2", "GET", "/a", &[("transfer-encoding", "chunked")]),
        ("a connection's field", "GET", "/a", &[("connection", "x-a")]),
        ("an upgrade", "GET", "/a", &[("upgrade", "websocket")]),
        ("another word than trailers in TE", "GET", "/a", &[("te", "gzip")]),
        ("two lengths, 9113 8.1.1", "GET", "/a", &[("content-length", "0"), ("content-length", "5")]),
        ("a length without content", "GET", "/a", &[("content-length", "5")]),
        ("a request in the method, 9113 8.3.1", "GET /evil HTTP/1.1\r\nx: ", "/a", &[]),
        ("a space in the method", "GET /evil", "/a", &[]),
        ("a request in the path", "GET", "/a HTTP/1.1\r\nhost: b\r\n\r\nGET /evil", &[]),
        ("a space in the path", "GET", "/a b", &[]),
        ("no path", "GET", "", &[]),
        ("a path that is an authority's", "GET", "evil.test/", &[]),
        ("another host beside the authority, 9113 8.3.1", "GET", "/a", &[("host", "b.test")]),
        ("a pseudo-field behind fields, 9113 8.3", "GET", "/a", &[("x-a", "1"), (":path", "/evil")]),
    ];
    let mut wrong = Vec::new();
    for (what, method, path, fields) in rows {
        let mut browser = Client::of(&gateway);
        browser.ask(1, true, method, path, fields);
        let heard = match browser.next(1) {
            Said::Head(head, _) => head.lines().next().unwrap_or_default().to_owned(),
            Said::Reset(_) => ":status: 400".into(), // As good.
            said @ Said::Data(..) => format!("{said:?}"),
        };
        let came = take(&asked);
        if heard != ":status: 400" || !came.is_empty() {
            wrong.push(format!("{what}: heard {heard}, the origin was asked {came:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let mut browser = Client::of(&gateway);
    browser.ask(1, true, "GET", "/end", &[("x-b", "2")]);
    browser.whole(1);
    assert_eq!(take(&asked), [format!("GET /end \"\" x-b: 2{FOR}")]);
}
