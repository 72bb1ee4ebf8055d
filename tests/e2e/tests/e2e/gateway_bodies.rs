//! Bodies and trailers through the gateway, in both directions, over each protocol.

use crate::gateway_http3::{before, run};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::BodyExt;
use sakigake::{
    client::{self, Exchange, Heard, Http3, Options, Protocol, Upstream},
    gateway::Limits,
    hosts::{Hosts, Target},
    service::{Body, BoxError, Factory},
};
use sakigake_e2e::{Server, Setup, eventually, example};
use sakigake_page::Origin;
use sakigake_semantics::{Request as Asked, Response as Head};
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
use tokio::sync::mpsc;

/// What is spoken with the origin, and whether browsers come over HTTP/3.
const WAYS: [(&[Protocol], Http3, Http3); 4] = [
    (&[Protocol::Http1], Http3::Never, Http3::Never),
    (&[Protocol::Http2], Http3::Never, Http3::Never),
    (&[Protocol::Http2], Http3::Only, Http3::Never),
    (&[Protocol::Http2], Http3::Only, Http3::Only),
];

/// What the origin saw of requests' bodies.
#[derive(Default)]
struct Seen {
    ends: Mutex<Vec<String>>,
    bytes: AtomicUsize,
    may_read: AtomicBool,
}

impl Seen {
    fn ends(&self) -> Vec<String> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn end(&self, how: String) {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner).push(how);
    }
}

/// Gives each piece back as it comes, and its trailers with one line more.
struct Echo(Body, Watch);

/// Notes how a body ended, and that it did not where its stream was reset.
struct Watch(Arc<Seen>, bool);

impl Watch {
    fn end(&mut self, how: String) {
        self.1 = true;
        self.0.end(how);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.1 {
            self.end("broken: reset".into());
        }
    }
}

impl http_body::Body for Echo {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Self(body, seen) = &mut *self;
        let came = std::task::ready!(Pin::new(body).poll_frame(cx));
        Poll::Ready(match came {
            None => {
                if !seen.1 {
                    seen.end("whole".into());
                }
                None
            }
            Some(Err(why)) => {
                seen.end(format!("broken: {why}"));
                Some(Err(why.into()))
            }
            Some(Ok(frame)) => Some(Ok(match frame.into_trailers() {
                Ok(mut fields) => {
                    seen.end(format!("trailers: {fields:?}"));
                    fields.insert("x-back", HeaderValue::from_static("1"));
                    fields.insert("set-cookie", HeaderValue::from_static("late=1"));
                    Frame::trailers(fields)
                }
                Err(frame) => frame,
            })),
        })
    }
}

async fn answer(seen: Arc<Seen>, request: Request<Body>) -> Result<Response<Echo>, Infallible> {
    let (parts, mut body) = request.into_parts();
    let mut watch = Watch(seen.clone(), false);
    let mut response = Response::builder().header("trailer", "x-back");
    for name in ["content-length", "te"] {
        if let Some(value) = parts.headers.get(name) {
            response = response.header(format!("x-{name}"), value);
        }
    }
    match parts.uri.path() {
        "/stuck" => {
            while !seen.may_read.load(Ordering::SeqCst) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        "/count" => {
            while let Some(Ok(frame)) = body.frame().await {
                seen.bytes.fetch_add(frame.data_ref().map_or(0, Bytes::len), Ordering::SeqCst);
            }
            watch.end("counted".into());
            body = Body::empty();
        }
        _ => {}
    }
    Ok(response.body(Echo(body, watch)).expect("a response"))
}

struct World {
    seen: Arc<Seen>,
    gateway: Server,
    _origin: Server,
    http3: Http3,
}

impl World {
    fn new((protocols, to_origin, http3): (&'static [Protocol], Http3, Http3), limits: Limits) -> Self {
        let seen = Arc::new(Seen::default());
        let answering = seen.clone();
        let factory = Factory::of_fn(move |request| answer(answering.clone(), request));
        let hosts = Some(Hosts::one(Target::Service(factory)));
        let origin = Server::start(Setup { hosts, hints: false, http3: true, ..Setup::of(example()) });
        let gateway = before(&origin, (protocols, to_origin), limits);
        Self { seen, gateway, _origin: origin, http3 }
    }

    /// A browser's connections.
    fn browser(&self) -> (client::Client, Upstream) {
        let options = Options { http3: self.http3, preload: false, ..Options::default() };
        let client = self.gateway.client_with(options);
        let upstream = client.upstream(self.place(), |_| {});
        (client, upstream)
    }

    fn place(&self) -> Origin {
        Origin { secure: true, host: "www.saki.test".into(), port: self.gateway.address.port() }
    }

    fn post(&self, path: &str, fields: &[(&str, &str)]) -> Asked {
        let mut request = Asked::new("POST", self.place().authority(), path);
        for (name, value) in fields {
            request.fields.push(name.as_bytes(), value.as_bytes());
        }
        request
    }
}

/// A body whose pieces the test hands over.
struct Pieces(mpsc::UnboundedReceiver<Result<Frame<Bytes>, &'static str>>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.0.poll_recv(cx).map(|came| came.map(|came| came.map_err(Into::into)))
    }
}

type Sender = mpsc::UnboundedSender<Result<Frame<Bytes>, &'static str>>;

fn pieces() -> (Sender, Pieces) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (sender, Pieces(receiver))
}

fn piece(text: &'static str) -> Result<Frame<Bytes>, &'static str> {
    Ok(Frame::data(Bytes::from_static(text.as_bytes())))
}

async fn head(exchange: &mut Exchange) -> Head {
    loop {
        match exchange.next().await {
            Ok(Some(Heard::Head(head))) => return head,
            Ok(Some(Heard::Interim(_))) => {}
            other => panic!("no head: {other:?}"),
        }
    }
}

/// What is left of a response: its body, its trailers, and how it ended.
async fn rest(exchange: &mut Exchange) -> (Vec<u8>, Vec<String>, bool) {
    let (mut body, mut trailers) = (Vec::new(), Vec::new());
    loop {
        match exchange.next().await {
            Ok(Some(Heard::Data(bytes))) => body.extend_from_slice(&bytes),
            Ok(Some(Heard::Trailers(fields))) => {
                trailers.extend(fields.iter().map(|line| line.name.escape_ascii().to_string()));
            }
            Ok(Some(other)) => panic!("{other:?}"),
            Ok(None) => return (body, trailers, true),
            Err(_) => return (body, trailers, false),
        }
    }
}

#[test]
fn each_piece_of_a_body_is_there_and_back_before_the_next_is_sent() {
    for way in WAYS {
        let world = World::new(way, Limits::default());
        run(async {
            let (_client, browser) = world.browser();
            let (sender, body) = pieces();
            let mut exchange = browser.request_streamed(world.post("/echo", &[]), body);
            for text in ["one", "two", "three"] {
                sender.send(piece(text)).expect("it is read");
                if text == "one" {
                    assert_eq!(head(&mut exchange).await.status, 200);
                }
                let Ok(Some(Heard::Data(back))) = exchange.next().await else { panic!("{way:?}: no {text}") };
                assert_eq!(back, text.as_bytes(), "{way:?}");
            }
            drop(sender);
            assert_eq!(rest(&mut exchange).await, (Vec::new(), Vec::new(), true), "{way:?}");
        });
        assert_eq!(world.seen.ends(), ["whole"], "{way:?}");
    }
}

#[test]
fn a_large_body_passes_whole_with_the_length_that_the_browser_knew() {
    for way in WAYS {
        let world = World::new(way, Limits::default());
        let sent: Vec<u8> = (0..12_000_000_u32).map(|at| (at / 251) as u8).collect();
        run(async {
            let (_client, browser) = world.browser();
            let request = world.post("/echo", &[("content-length", "12000000")]);
            let mut exchange = browser.request(request, Some(sent.clone().into()));
            let head = head(&mut exchange).await;
            assert_eq!(head.fields.find_all(b"x-content-length").next(), Some(&b"12000000"[..]), "{way:?}");
            let (body, _, is_whole) = rest(&mut exchange).await;
            assert!(body == sent && is_whole, "{way:?}: {} bytes came back", body.len());
        });
    }
}

#[test]
fn an_origin_that_does_not_read_stops_the_browser() {
    struct Endless(Arc<AtomicUsize>);
    impl http_body::Body for Endless {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            self.0.fetch_add(16_384, Ordering::SeqCst);
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[7; 16_384])))))
        }
    }
    for way in WAYS {
        let world = World::new(way, Limits::default());
        run(async {
            let (_client, browser) = world.browser();
            let taken = Arc::new(AtomicUsize::new(0));
            let exchange = browser.request_streamed(world.post("/stuck", &[]), Endless(taken.clone()));
            let (mut before, mut still) = (0, 0);
            while still < 20 {
                tokio::time::sleep(Duration::from_millis(20)).await;
                let now = taken.load(Ordering::SeqCst);
                still = if now == before && now > 0 { still + 1 } else { 0 };
                before = now;
                assert!(now < 16 << 20, "{way:?}: {now} bytes were taken though nobody reads");
            }
            drop(exchange);
            tokio::time::sleep(Duration::from_millis(100)).await; // The reset leaves before the connection is forgotten.
        });
        world.seen.may_read.store(true, Ordering::SeqCst);
        eventually("the origin hears that it is over", || world.seen.ends().len() == 1);
        assert!(world.seen.ends()[0].starts_with("broken"), "{way:?}: {:?}", world.seen.ends());
    }
}

#[test]
fn a_body_that_breaks_off_is_never_taken_for_a_whole_one() {
    for way in WAYS {
        let world = World::new(way, Limits::default());
        run(async {
            let (_client, browser) = world.browser();
            let (sender, body) = pieces();
            let mut exchange = browser.request_streamed(world.post("/echo", &[]), body);
            sender.send(piece("half")).expect("it is read");
            head(&mut exchange).await;
            sender.send(Err("the disk is gone")).expect("it is read");
            assert!(!rest(&mut exchange).await.2, "{way:?}");
        });
        eventually("the origin hears of it", || !world.seen.ends().is_empty());
        assert!(world.seen.ends()[0].starts_with("broken"), "{way:?}: {:?}", world.seen.ends());
    }
}

#[test]
fn trailers_pass_in_both_directions_but_for_those_that_come_too_late() {
    for way in WAYS {
        let world = World::new(way, Limits::default());
        run(async {
            let (_client, browser) = world.browser();
            let (sender, body) = pieces();
            let fields = [("te", "trailers"), ("trailer", "x-sum, authorization, x-forwarded-for")];
            let mut exchange = browser.request_streamed(world.post("/echo", &fields), body);
            sender.send(piece("text")).expect("it is read");
            let mut late = HeaderMap::new();
            for name in ["x-sum", "authorization", "x-forwarded-for"] {
                late.insert(name, HeaderValue::from_static("5"));
            }
            sender.send(Ok(Frame::trailers(late))).expect("it is read");
            let head = head(&mut exchange).await;
            assert_eq!(head.fields.find_all(b"x-te").next(), Some(&b"trailers"[..]), "{way:?}");
            let (body, mut trailers, is_whole) = rest(&mut exchange).await;
            trailers.sort();
            // Hyper's server sends no trailers but those that its own field announced.
            let expected: &[&str] =
                if way.0 == [Protocol::Http1] { &["x-back"] } else { &["x-back", "x-sum"] };
            assert_eq!((&body[..], is_whole), (&b"text"[..], true), "{way:?}");
            assert_eq!(trailers, expected, "{way:?}");
        });
        assert_eq!(world.seen.ends(), ["trailers: {\"x-sum\": \"5\"}"], "{way:?}");
    }
}

#[test]
fn a_body_of_one_byte_more_than_the_limit_is_refused_whether_its_length_was_told_or_not() {
    let way = WAYS[1];
    let world = World::new(way, Limits { request_bytes: 10, ..Limits::default() });
    run(async {
        let (_client, browser) = world.browser();
        for (text, is_told, status) in [
            ("0123456789", true, 200),
            ("0123456789", false, 200),
            ("0123456789a", true, 413),
            ("0123456789a", false, 413),
        ] {
            let length = text.len().to_string();
            let fields = [("content-length", &length[..])];
            let (sender, body) = pieces();
            let request = world.post("/count", if is_told { &fields } else { &[] });
            let mut exchange = browser.request_streamed(request, body);
            sender.send(piece(text)).expect("it is read");
            drop(sender);
            assert_eq!(head(&mut exchange).await.status, status, "{text} {is_told}");
        }
    });
    let counted = world.seen.ends().iter().filter(|how| *how == "counted").count();
    assert_eq!(counted, 2, "{:?}", world.seen.ends());
}

#[test]
fn the_origin_is_not_late_while_the_browser_still_sends() {
    let limits = Limits { head_ms: 300, stall_ms: 300, ..Limits::default() };
    for way in WAYS {
        let world = World::new(way, limits);
        run(async {
            let (_client, browser) = world.browser();
            let (sender, body) = pieces();
            let mut exchange = browser.request_streamed(world.post("/count", &[]), body);
            for _ in 0..5 {
                sender.send(piece("text")).expect("it is read");
                tokio::time::sleep(Duration::from_millis(150)).await;
            }
            drop(sender);
            assert_eq!(head(&mut exchange).await.status, 200, "{way:?}");
        });
        assert_eq!(world.seen.bytes.load(Ordering::SeqCst), 20);
    }
}

#[test]
fn a_browser_that_reads_slowly_is_not_taken_for_an_origin_that_stopped() {
    let world = World::new(WAYS[1], Limits { stall_ms: 200, ..Limits::default() });
    let sent = vec![7_u8; 6_000_000];
    run(async {
        let (_client, browser) = world.browser();
        let mut exchange = browser.request(world.post("/echo", &[]), Some(sent.clone().into()));
        head(&mut exchange).await;
        tokio::time::sleep(Duration::from_millis(700)).await;
        let (body, _, is_whole) = rest(&mut exchange).await;
        assert!(is_whole && body.len() == sent.len(), "{} bytes came", body.len());
    });
}
