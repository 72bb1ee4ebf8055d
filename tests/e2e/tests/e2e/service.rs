//! Programs as hosts: bodies both ways, cancellation both ways, and who is to blame.

use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use sakigake::service::{Body, BoxError, Factory, Peer};
use sakigake_e2e::{Raw, Scratch, Server, Setup, eventually, frames};
use sakigake_fields::hpack;
use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

type Reply = Response<UnsyncBoxBody<Bytes, BoxError>>;

/// A client with a header table, which its responses need.
pub(crate) struct Client {
    pub(crate) raw: Raw,
    decoder: hpack::Decoder,
}

impl Client {
    pub(crate) fn of(server: &Server) -> Self {
        Self::with(server, &[])
    }

    /// One that said these settings.
    pub(crate) fn with(server: &Server, settings: &[(u16, u32)]) -> Self {
        Self { raw: Raw::h2(server, settings), decoder: hpack::Decoder::new(4_096) }
    }

    /// HEADERS with these lines.
    pub(crate) fn ask(&mut self, stream: u32, end: bool, method: &str, path: &str, more: &[(&str, &str)]) {
        let pseudo =
            [(":method", method), (":scheme", "https"), (":authority", "www.saki.test"), (":path", path)];
        let lines: Vec<_> = pseudo.iter().filter(|(_, value)| !value.is_empty()).chain(more).collect();
        self.head(stream, end, lines.into_iter());
    }

    /// As [`Client::ask`] without a body, and what follows in the same record.
    pub(crate) fn ask_and(&mut self, stream: u32, path: &str, more: &[(&str, &str)], then: &[u8]) {
        let pseudo =
            [(":method", "GET"), (":scheme", "https"), (":authority", "www.saki.test"), (":path", path)];
        let mut bytes = headers(stream, true, pseudo.iter().chain(more));
        bytes.extend(then);
        self.raw.send(&bytes);
    }

    /// A POST with its body's pieces, each the last or not, in the same record.
    fn ask_with(&mut self, stream: u32, path: &str, pieces: &[(&[u8], bool)]) {
        let pseudo =
            [(":method", "POST"), (":scheme", "https"), (":authority", "www.saki.test"), (":path", path)];
        let mut bytes = headers(stream, false, pseudo.iter());
        for (piece, end) in pieces {
            bytes.extend(frames::frame(frames::DATA, u8::from(*end), stream, piece));
        }
        self.raw.send(&bytes);
    }

    pub(crate) fn head<'a>(
        &mut self,
        stream: u32,
        end: bool,
        lines: impl Iterator<Item = &'a (&'a str, &'a str)>,
    ) {
        self.raw.send(&headers(stream, end, lines));
    }

    pub(crate) fn data(&mut self, stream: u32, bytes: &[u8], end: bool) {
        self.raw.send(&frames::frame(frames::DATA, u8::from(end), stream, bytes));
    }

    pub(crate) fn reset(&mut self, stream: u32) {
        self.raw.send(&frames::frame(frames::RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
    }

    /// The next frame on that stream, others thrown away; field blocks are decoded into lines.
    pub(crate) fn next(&mut self, stream: u32) -> Said {
        loop {
            self.raw.read_until("a frame", |raw| !raw.frames().is_empty());
            let frame = self.raw.frames().remove(0);
            self.raw.plain.drain(..9 + frame.payload.len());
            let head = (frame.kind == frames::HEADERS).then(|| self.decode(&frame.payload));
            if frame.stream != stream {
                continue;
            }
            let end = frame.flags & 1 == 1;
            return match frame.kind {
                frames::HEADERS => Said::Head(head.unwrap_or_default(), end),
                frames::DATA => Said::Data(frame.payload, end),
                frames::RST_STREAM => Said::Reset(u32::from_be_bytes(frame.payload[..4].try_into().unwrap())),
                frames::WINDOW_UPDATE => continue,
                kind => panic!("frame of type {kind}"),
            };
        }
    }

    pub(crate) fn decode(&mut self, block: &[u8]) -> String {
        let mut text = String::new();
        let limits = hpack::Limits { list_bytes: 65_536, lines: 100 };
        let mut sink = |line: sakigake_fields::FieldLine<'_>| {
            text += &format!("{}: {}\n", line.name.escape_ascii(), line.value.escape_ascii());
        };
        let outcome = self.decoder.decode(block, limits, &mut sink).expect("a good block");
        assert!(!matches!(outcome, hpack::Outcome::TooLarge));
        text
    }

    /// Head and body of a response that ends well.
    pub(crate) fn whole(&mut self, stream: u32) -> (String, Vec<u8>) {
        let Said::Head(head, mut over) = self.next(stream) else { panic!("no head") };
        let mut body = Vec::new();
        while !over {
            match self.next(stream) {
                Said::Data(bytes, end) => {
                    body.extend(bytes);
                    over = end;
                }
                Said::Head(trailers, true) => {
                    body.extend(trailers.as_bytes());
                    over = true;
                }
                other => panic!("{other:?} after {head}"),
            }
        }
        (head, body)
    }
}

/// A HEADERS frame.
fn headers<'a>(stream: u32, end: bool, lines: impl Iterator<Item = &'a (&'a str, &'a str)>) -> Vec<u8> {
    let line = |(name, value): &(&'a str, &'a str)| sakigake_fields::FieldLine {
        name: name.as_bytes(),
        value: value.as_bytes(),
        sensitive: false,
    };
    let mut block = Vec::new();
    hpack::encode_static(lines.map(line), &mut block);
    let flags = if end { frames::END } else { frames::END_HEADERS };
    frames::frame(frames::HEADERS, flags, stream, &block)
}

/// What a server says on one stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Head(String, bool),
    Data(Vec<u8>, bool),
    Reset(u32),
}

fn full(bytes: impl Into<Bytes>) -> UnsyncBoxBody<Bytes, BoxError> {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// A body of these frames, one a poll, that never ends if the last is `None`.
pub(crate) fn frames_of(list: Vec<Option<Result<Frame<Bytes>, BoxError>>>) -> UnsyncBoxBody<Bytes, BoxError> {
    struct List(std::vec::IntoIter<Option<Result<Frame<Bytes>, BoxError>>>);
    impl http_body::Body for List {
        type Data = Bytes;
        type Error = BoxError;
        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            match self.0.next() {
                Some(Some(frame)) => Poll::Ready(Some(frame)),
                Some(None) => Poll::Pending,
                None => Poll::Ready(None),
            }
        }
    }
    List(list.into_iter()).boxed_unsync()
}

/// Counts what lives.
#[derive(Clone, Default)]
struct Alive(Arc<AtomicUsize>);

struct One(Arc<AtomicUsize>);

impl Alive {
    fn one(&self) -> One {
        self.0.fetch_add(1, Ordering::Relaxed);
        One(self.0.clone())
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for One {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What the tests ask for, by path.
async fn handle(request: Request<Body>, alive: Alive) -> Result<Reply, BoxError> {
    let _one = alive.one();
    let path = request.uri().path().to_owned();
    let build = Response::builder();
    Ok(match path.as_str() {
        "/echo" => Response::new(request.into_body().map_err(Into::into).boxed_unsync()),
        "/whole" => full_echo(request).await?,
        "/ignore" => build.status(403).body(full("no"))?,
        "/never" => std::future::pending().await,
        "/holds" => {
            std::mem::forget(_one);
            Response::new(forever(alive, request.into_body()))
        }
        "/spins" => {
            // As tasks do that let others go first: it wakes itself until another request runs.
            let others_turn = |cx: &mut Context<'_>| {
                cx.waker().wake_by_ref();
                if alive.count() > 1 { Poll::Ready(()) } else { Poll::Pending }
            };
            std::future::poll_fn(others_turn).await;
            Response::new(full("awake"))
        }
        "/host" => {
            let hosts: Vec<_> = request.headers().get_all("host").iter().collect();
            Response::new(full(format!("{hosts:?}")))
        }
        "/exact" => {
            build.header("content-length", "3").body(frames_of(vec![Some(Ok(Frame::data("abc".into())))]))?
        }
        "/panic" => panic!("as asked"),
        "/error" => return Err("as asked".into()),
        "/body-panic" => Response::new(
            frames_of(vec![Some(Ok(Frame::data("abc".into())))]).map_frame(panics).boxed_unsync(),
        ),
        "/body-error" => Response::new(frames_of(vec![
            Some(Ok(Frame::data(Bytes::from_static(b"abc")))),
            Some(Err("as asked".into())),
        ])),
        "/short" => {
            build.header("content-length", "9").body(frames_of(vec![Some(Ok(Frame::data("abc".into())))]))?
        }
        "/long" => {
            build.header("content-length", "2").body(frames_of(vec![Some(Ok(Frame::data("abc".into())))]))?
        }
        "/lies" => build.header("content-length", "2").body(full("abc"))?,
        "/interim" => build.status(103).body(full(""))?,
        "/hop" => build
            .header("connection", "keep-alive, x-hop")
            .header("keep-alive", "timeout=5")
            .header("x-hop", "1")
            .header("x-end", " 2 ")
            .body(full("abc"))?,
        "/204" => build.status(204).header("content-length", "7").body(full(""))?,
        "/304" => build.status(304).header("content-length", "7").body(full(""))?,
        "/trailers" => {
            let mut trailers = http::HeaderMap::new();
            trailers.insert("x-sum", "3".parse()?);
            Response::new(frames_of(vec![
                Some(Ok(Frame::data("abc".into()))),
                Some(Ok(Frame::trailers(trailers))),
            ]))
        }
        "/large" => Response::new(full(vec![7; 3_000_000])),
        "/peer" => {
            let peer = request.extensions().get::<Peer>().ok_or("no peer")?;
            Response::new(full(format!("{} {:?}", peer.address().ip(), peer.tls())))
        }
        _ => Response::new(full(format!("{} {:?}", request.method(), request.version()))),
    })
}

/// Reads all, then answers with it and its trailers.
async fn full_echo(request: Request<Body>) -> Result<Reply, BoxError> {
    let hint = http_body::Body::size_hint(request.body()).exact();
    let whole = request.into_body().collect().await?;
    let trailers = whole.trailers().map(|trailers| format!(" {trailers:?}")).unwrap_or_default();
    let bytes = whole.to_bytes();
    Ok(Response::new(full([format!("{hint:?} ").as_bytes(), &bytes, trailers.as_bytes()].concat())))
}

/// A body that never ends and owns a request's body; both count as one.
fn forever(alive: Alive, body: Body) -> UnsyncBoxBody<Bytes, BoxError> {
    struct Holds(One, Body);
    impl http_body::Body for Holds {
        type Data = Bytes;
        type Error = BoxError;
        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            let _ = (&self.0, &self.1);
            Poll::Pending
        }
    }
    alive.0.fetch_sub(1, Ordering::Relaxed); // For the one that was forgotten.
    Holds(alive.one(), body).boxed_unsync()
}

fn panics(_: Frame<Bytes>) -> Frame<Bytes> {
    panic!("as asked")
}

fn server() -> (Server, Alive) {
    let alive = Alive::default();
    let counted = alive.clone();
    let factory = Factory::of_fn(move |request| handle(request, counted.clone()));
    (Server::start(Setup::of_service(factory)), alive)
}

#[test]
fn a_body_is_echoed_while_it_comes() {
    let (server, alive) = server();
    let mut client = Client::of(&server);
    client.ask(1, false, "POST", "/echo", &[]);
    assert!(matches!(client.next(1), Said::Head(head, false) if head.contains(":status: 200")));
    for part in [&b"one"[..], b"two"] {
        client.data(1, part, false);
        assert_eq!(client.next(1), Said::Data(part.to_vec(), false));
    }
    client.data(1, b"", true);
    assert_eq!(client.next(1), Said::Data(Vec::new(), true));
    assert_eq!(alive.count(), 0);
    eventually("the log", || server.log().contains("/echo"));
}

#[test]
fn lengths_and_trailers_cross_both_ways() {
    let (server, _) = server();
    let mut client = Client::of(&server);
    client.ask(1, false, "POST", "/whole", &[("content-length", "3")]);
    client.data(1, b"abc", true);
    let (head, body) = client.whole(1);
    assert!(head.contains("content-length: 11\n") && head.contains("date: "), "{head}");
    assert_eq!(body, b"Some(3) abc");
    client.ask(3, false, "POST", "/whole", &[]);
    client.data(3, b"abc", false);
    client.head(3, true, [("x-sum", "6")].iter());
    assert!(client.whole(3).1.ends_with(b" abc {\"x-sum\": \"6\"}"));
    client.ask(5, true, "GET", "/trailers", &[]);
    assert_eq!(client.whole(5).1, b"abcx-sum: 3\n");
}

#[test]
fn a_body_that_is_not_read_holds_its_client_back_and_nobody_else() {
    let (server, _) = server();
    let mut client = Client::of(&server);
    client.ask(1, false, "POST", "/never", &[]);
    for _ in 0..60 {
        client.data(1, &[7; 16_384], false);
    }
    client.ask(3, true, "GET", "/", &[]);
    let credit = |client: &Client| {
        client.raw.frames().iter().any(|frame| frame.kind == frames::WINDOW_UPDATE && frame.stream == 1)
    };
    client.raw.read_until("the other's answer", |raw| raw.has_end(3));
    assert!(!credit(&client), "nobody has read");
    client.ask(5, false, "POST", "/whole", &[]);
    for _ in 0..40 {
        client.data(5, &[7; 16_384], false);
    }
    client.raw.read_until("credit for what was read", |raw| raw.has(frames::WINDOW_UPDATE, 5));
    assert!(!credit(&client), "nobody has read");
}

#[test]
fn what_is_reset_or_lost_is_dropped_at_once() {
    let (server, alive) = server();
    let mut client = Client::of(&server);
    client.ask(1, false, "POST", "/never", &[]);
    client.ask(3, false, "POST", "/holds", &[]);
    assert!(matches!(client.next(3), Said::Head(_, false)));
    eventually("both run", || alive.count() == 2);
    client.reset(1);
    eventually("the future is gone", || alive.count() == 1);
    client.reset(3);
    eventually("the body is gone", || alive.count() == 0);
    client.ask(5, false, "POST", "/never", &[]);
    client.ask(7, false, "POST", "/holds", &[]);
    eventually("both run", || alive.count() == 2);
    drop(client);
    eventually("the connection is gone", || alive.count() == 0);
    let mut client = Raw::connect(&server, "www.saki.test", &["http/1.1"]);
    client.send(b"GET /never HTTP/1.1\r\nhost: www.saki.test\r\n\r\n");
    eventually("it runs", || alive.count() == 1);
    drop(client);
    eventually("the connection is gone", || alive.count() == 0);
}

#[test]
fn a_handler_that_fails_harms_its_own_stream_alone() {
    let (server, _) = server();
    let mut client = Client::of(&server);
    client.ask(1, false, "POST", "/echo", &[]);
    assert!(matches!(client.next(1), Said::Head(_, false)));
    client.ask(3, true, "GET", "/panic", &[]);
    assert_eq!(client.next(3), Said::Reset(2));
    for (stream, path) in [(5, "/error"), (7, "/interim"), (9, "/lies")] {
        client.ask(stream, true, "GET", path, &[]);
        assert!(client.whole(stream).0.contains(":status: 500"), "{path}");
    }
    for (stream, path) in [(11, "/body-error"), (13, "/body-panic"), (15, "/short"), (17, "/long")] {
        client.ask(stream, true, "GET", path, &[]);
        assert!(matches!(client.next(stream), Said::Head(..)), "{path}");
        let mut said = client.next(stream);
        if matches!(said, Said::Data(..)) {
            said = client.next(stream);
        }
        assert_eq!(said, Said::Reset(2), "{path}");
    }
    client.data(1, b"still here", true);
    assert_eq!(client.whole_rest(1), b"still here");
    for why in
        ["/panic: the handler panicked", "/error: as asked", "/interim: ", "/lies: ", "/short: the body is"]
    {
        eventually(why, || server.log().contains(why));
    }
}

impl Client {
    pub(crate) fn whole_rest(&mut self, stream: u32) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            match self.next(stream) {
                Said::Data(bytes, end) => {
                    body.extend(bytes);
                    if end {
                        return body;
                    }
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn an_early_answer_stops_the_upload_and_hides_no_fault() {
    let site = Scratch::new();
    site.write("index.html", "here");
    let files = Server::start(Setup::of(site.path()));
    let (service, _) = server();
    for (server, path, status) in [(&service, "/ignore", "403"), (&files, "/index.html", "405")] {
        let mut client = Client::of(server);
        let mut answered = |stream, more: &[(&str, &str)], sent: &[u8], end| {
            client.ask(stream, false, "POST", path, more);
            let (head, _) = client.whole(stream);
            assert!(head.contains(status), "{head}");
            client.data(stream, sent, end);
            if end { None } else { Some(client.next(stream)) }
        };
        assert_eq!(answered(1, &[], b"more", false), Some(Said::Reset(0)), "{path}"); // spec: 9113-8.1-e
        // Told in advance how long the body is, the client sends more than that.
        assert_eq!(answered(3, &[("content-length", "3")], b"more", false), Some(Said::Reset(1)), "{path}");
        // Who ends in time is not told anything.
        answered(5, &[], b"", true);
        answered(7, &[], b"more", true);
        client.ask(9, true, "GET", "/", &[]);
        client.raw.read_until("the next answer", |raw| raw.has_end(9));
        assert!(![5, 7].iter().any(|stream| client.raw.has(frames::RST_STREAM, *stream)), "{path}");
        // What came in the same record as the question is seen whole before anybody is told to stop.
        client.ask_with(11, path, &[(b"ab", false), (b"cd", true)]);
        client.ask(13, true, "GET", "/", &[]);
        client.raw.read_until("the last answer", |raw| raw.has_end(13));
        assert!(!client.raw.has(frames::RST_STREAM, 11), "{path}");
        client.ask_with(15, path, &[(b"ab", false), (b"cd", false)]);
        assert!(client.whole(15).0.contains(status));
        assert_eq!(client.next(15), Said::Reset(0), "{path}");
    }
}

#[test]
fn continue_is_said_when_the_body_is_wanted() {
    let (server, _) = server();
    let mut client = Client::of(&server);
    client.ask(1, false, "POST", "/whole", &[("expect", "100-continue")]);
    assert_eq!(client.next(1), Said::Head(":status: 100\n".into(), false));
    client.data(1, b"abc", true);
    assert_eq!(client.whole(1).1, b"None abc");
    client.ask(3, false, "POST", "/ignore", &[("expect", "100-continue")]);
    assert!(client.whole(3).0.contains(":status: 403"), "no 100 before");
    client.ask(5, true, "GET", "/", &[("expect", "the-moon")]);
    assert!(client.whole(5).0.contains(":status: 417"));
}

#[test]
fn responses_keep_to_the_rules_of_their_method_status_and_protocol() {
    let (server, _) = server();
    let mut client = Client::of(&server);
    client.ask(1, true, "HEAD", "/large", &[]);
    let (head, body) = client.whole(1);
    assert!(head.contains("content-length: 3000000\n") && body.is_empty(), "{head}");
    client.ask(3, true, "GET", "/204", &[]);
    let (head, body) = client.whole(3);
    assert!(!head.contains("content-length") && body.is_empty(), "{head}");
    client.ask(5, true, "GET", "/304", &[]);
    let (head, body) = client.whole(5);
    assert!(head.contains("content-length: 7\n") && body.is_empty(), "{head}");
    client.ask(7, true, "GET", "/hop", &[]);
    let (head, _) = client.whole(7);
    assert!(head.contains("x-end: 2\n"), "{head}");
    assert!(!["connection", "keep-alive", "x-hop"].iter().any(|name| head.contains(name)), "{head}");
    client.ask(9, true, "GET", "/peer", &[]);
    let body = String::from_utf8(client.whole(9).1).expect("text");
    assert!(body.starts_with("127.0.0.1 Some(Tls { suite: ") && body.contains("www.saki.test"), "{body}");
}

#[test]
fn a_large_body_keeps_to_the_clients_windows() {
    let (server, _) = server();
    let mut client = Client::of(&server);
    client.ask(1, true, "GET", "/large", &[]);
    assert!(matches!(client.next(1), Said::Head(..)));
    let mut got = 0;
    while got < 65_535 {
        let Said::Data(bytes, false) = client.next(1) else { panic!("data") };
        got += bytes.len();
    }
    assert_eq!(got, 65_535);
    client.ask(3, true, "GET", "/", &[]);
    client.whole(3);
    let update = frames::frame(frames::WINDOW_UPDATE, 0, 1, &4_000_000_u32.to_be_bytes());
    client.raw.send(&update);
    assert_eq!(got + client.whole_rest(1).len(), 3_000_000);
}

#[test]
fn http_1_1_asks_the_same_service() {
    let (server, _) = server();
    let ask = |request: &str| {
        let mut client = Raw::connect(&server, "www.saki.test", &["http/1.1"]);
        client.send(request.replace('\n', "\r\n").as_bytes());
        client.read_to_end();
        String::from_utf8_lossy(&client.plain).into_owned()
    };
    let head = "host: www.saki.test\nconnection: close";
    let heard = ask(&format!("POST /whole HTTP/1.1\n{head}\ntransfer-encoding: chunked\n\n3\nabc\n0\n\n"));
    assert!(heard.starts_with("HTTP/1.1 200 OK\r\n") && heard.ends_with("None abc"), "{heard}");
    let heard = ask(&format!("POST /whole HTTP/1.1\n{head}\nexpect: 100-continue\ncontent-length: 3\n\nabc"));
    assert!(heard.starts_with("HTTP/1.1 100 Continue\r\n") && heard.ends_with("Some(3) abc"), "{heard}");
    for (path, status) in [("/panic", 500), ("/error", 500), ("/interim", 500), ("/lies", 500), ("/204", 204)]
    {
        let heard = ask(&format!("GET {path} HTTP/1.1\n{head}\n\n"));
        assert!(heard.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {heard}");
    }
    let heard = ask(&format!("GET / HTTP/1.1\n{head}\nexpect: the-moon\n\n"));
    assert!(heard.starts_with("HTTP/1.1 417 "), "{heard}");
}

#[test]
fn a_handler_on_a_runtime_of_its_own_may_block_there() {
    #[derive(Clone)]
    struct Blocks;
    impl tower_service::Service<Request<Body>> for Blocks {
        type Response = Reply;
        type Error = BoxError;
        type Future = Pin<Box<dyn Future<Output = Result<Reply, BoxError>> + Send>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
            Poll::Ready(Ok(()))
        }
        fn call(&mut self, request: Request<Body>) -> Self::Future {
            Box::pin(async move {
                if request.uri().path() == "/slow" {
                    std::thread::sleep(Duration::from_millis(500));
                }
                Ok(Response::new(request.into_body().map_err(Into::into).boxed_unsync()))
            })
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let handle = runtime.handle().clone();
    std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
    let server = Server::start(Setup::of_service(Factory::on(handle, || Blocks)));
    let mut client = Client::of(&server);
    client.ask(1, true, "GET", "/slow", &[]);
    client.whole(1);
    client.ask(3, false, "POST", "/", &[]);
    assert!(matches!(client.next(3), Said::Head(_, false)));
    client.data(3, b"there and back", true);
    assert_eq!(client.whole_rest(3), b"there and back");
}

#[test]
fn a_refused_request_does_not_leave_its_body_behind() {
    let (server, _) = server();
    let mut client = Client::of(&server);
    let cases = [(1, "POST", ("expect", "the-moon")), (3, "CONNECT", (":protocol", "connect-udp"))];
    for (stream, method, line) in cases {
        client.ask(stream, false, method, "/", &[line]);
        client.whole(stream);
        client.data(stream, b"more", false);
        assert_eq!(client.next(stream), Said::Reset(0), "{line:?}");
    }
}

#[test]
fn a_handler_that_wakes_itself_starves_nobody() {
    let (server, _) = server();
    let mut client = Client::of(&server);
    client.ask(1, true, "GET", "/spins", &[]);
    std::thread::sleep(Duration::from_millis(50));
    client.ask(3, true, "GET", "/never", &[]);
    assert_eq!(client.whole(1).1, b"awake", "its own connection is heard");
    client.reset(3);
    client.ask(5, true, "GET", "/spins", &[]);
    std::thread::sleep(Duration::from_millis(50));
    let mut other = Client::of(&server);
    other.ask(1, true, "GET", "/never", &[]);
    assert_eq!(client.whole(5).1, b"awake", "others are served");
}

#[test]
fn a_trailer_that_handlers_cannot_see_takes_no_other_with_it() {
    let (server, _) = server();
    let mut client = Client::of(&server);
    client.ask(1, false, "POST", "/whole", &[]);
    client.head(1, true, [("x-odd", "\u{1}"), ("x-sum", "6")].iter());
    assert!(client.whole(1).1.ends_with(b" {\"x-sum\": \"6\"}"));
}

#[test]
fn a_handler_sees_the_host_that_the_target_names() {
    let (server, _) = server();
    let mut client = Raw::connect(&server, "www.saki.test", &["http/1.1"]);
    let target =
        "GET https://www.saki.test/host HTTP/1.1\r\nhost: elsewhere.test\r\nconnection: close\r\n\r\n";
    client.send(target.as_bytes());
    client.read_to_end();
    assert!(client.plain.ends_with(b"[\"www.saki.test\"]"), "{}", client.plain.escape_ascii()); // spec: 9112-3.2.2-a
}

#[test]
fn a_body_of_known_length_is_logged_as_whole() {
    let (server, _) = server();
    let mut client = Raw::connect(&server, "www.saki.test", &["http/1.1"]);
    client.send(b"GET /exact HTTP/1.1\r\nhost: www.saki.test\r\nconnection: close\r\n\r\n");
    client.read_to_end();
    assert!(client.plain.ends_with(b"abc"), "{}", client.plain.escape_ascii());
    eventually("the log", || server.log().contains("/exact"));
    assert!(!server.log().contains("cut short"), "{}", server.log());
}

#[test]
fn a_full_worker_that_closes_an_address_still_hears_that_it_is_to_stop() {
    let alive = Alive::default();
    let counted = alive.clone();
    let mut setup = Setup::of_service(Factory::of_fn(move |request| handle(request, counted.clone())));
    setup.limits.connections_a_worker = 1;
    setup.limits.drain_ms = 200;
    let mut server = Server::start(setup);
    let mut client = Client::of(&server);
    client.ask(1, true, "GET", "/never", &[]);
    eventually("it runs", || alive.count() == 1);
    server.running.close(server.address);
    std::thread::sleep(Duration::from_millis(50));
    server.tell_stop();
    eventually("the end", || server.has_ended());
}
